"""Responses over the levels of a condition: curves of what is kept and what is moved.

**Kept** is the share of the intact audio-visual response that is there: the projection of the responses to
all clips, taken as deviations from the response to nothing, on those of the intact clips with both senses.
It is 1 for these themselves and 0 for no response; a sense alone has its own share. **Moved** is the mean
size of the difference from the intact response of the same senses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.interpret.experiment_responses import (
    PERCEPTIONS,
    Additivity,
    Responses,
    Table,
    additivity,
    additivity_table,
    numbers,
    told,
    verdicts,
)
from avfbel.interpret.experiments import Experiment
from avfbel.interpret.stimulus_intervals import intervals, mean_intervals, stimulus_draws
from avfbel.learn.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from avfbel.runtime.files import Cell

Array = NDArray[np.float64]
Altered = Literal["sound", "picture"]

UNITS = {
    "delay": "s",
    "noise": "dB signal over noise",
    "attenuation": "dB",
    "contrast": "share kept",
    "frames": "share lost",
}
_COLUMNS = ("condition", "level", "unit", "senses", "quantity", "mean")
_NUMBERS = ("kept", "kept_low", "kept_high", "moved", "moved_low", "moved_high")


class Point(NamedTuple):
    """One quantity at one level with some senses open; 95 % intervals over stimuli."""

    mean: float
    kept: Interval
    moved: Interval


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Course:
    """Responses over the levels of one condition.

    Attributes
    ----------
    condition : str
        delay, noise, attenuation, contrast or frames.
    altered : {"sound", "picture"}
        The sense that is altered.
    levels : tuple of float or None
        In units of `UNITS`; None is intact.
    responses : Responses
        By level and clip, with all four perceptions.
    """

    condition: str
    altered: Altered
    levels: tuple[float | None, ...]
    responses: Responses

    @property
    def intact(self) -> int:
        """Number of the intact condition among the levels."""
        return self.levels.index(0.0 if self.condition == "delay" else None)

    def points(self, senses: str) -> list[list[Point]]:
        """Return a point for each level and quantity, with the senses of `PERCEPTIONS` open."""
        nothing = self.responses.of("none")
        whole = (self.responses.of("both") - nothing)[self.intact]
        weights = stimulus_draws(self.responses.stimulus)
        size = (whole**2).sum(axis=0)
        sizes = weights @ whole**2
        said = []
        for values, none in zip(self.responses.of(senses), nothing, strict=True):
            there = values - none
            kept = intervals(
                _ratio((there * whole).sum(axis=0), size),
                _ratio(weights @ (there * whole), sizes),
                few=self.responses.n_stimuli < 2,
            )
            change = np.abs(values - self.responses.of(senses)[self.intact])
            moved = mean_intervals(change, self.responses.stimulus)
            said.append([Point(*of) for of in zip(values.mean(axis=0).tolist(), kept, moved, strict=True)])
        return said

    def point(self, senses: str, level: int, quantity: str = "epp") -> Point:
        """Return one point."""
        return self.points(senses)[level][self.responses.quantities.index(quantity)]

    def additivity(self, level: int) -> list[Additivity]:
        """Compare the response to both senses with the sum of the responses to either, at one level."""
        return additivity(self.responses, level)

    def rows(self) -> Iterator[list[Cell]]:
        """Yield the table of all points, by level, senses and quantity."""
        for senses in PERCEPTIONS[:3]:
            for level, points in zip(self.levels, self.points(senses), strict=True):
                for quantity, at in zip(self.responses.quantities, points, strict=True):
                    where: list[Cell] = [self.condition, level, UNITS[self.condition], senses, quantity]
                    yield [*where, at.mean, *numbers(at.kept), *numbers(at.moved)]


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Courses(Experiment):
    """The outcome of `asynchrony` or `degradation`.

    Attributes
    ----------
    name : {"delay", "degrade"}
        Which of the two.
    courses : tuple of Course
        One a condition.
    """

    name: Literal["delay", "degrade"]
    courses: tuple[Course, ...]

    def tables(self) -> dict[str, Table]:
        """Return the tables of all points and of superadditivity at each level."""
        found = {
            f"{course.condition} {told_level(level)}": course.additivity(k)
            for course in self.courses
            for k, level in enumerate(course.levels)
        }
        points = [row for course in self.courses for row in course.rows()]
        return {
            self.name: Table(_COLUMNS + _NUMBERS, points),
            f"{self.name}_additivity": additivity_table(found),
        }

    def sentences(self) -> list[str]:
        """Say in words what was found, whichever way it fell."""
        return [sentence for course in self.courses for sentence in _sentences(course)]

    def draw(self) -> Figure:
        """Draw the curves; see `draw_courses`."""
        from avfbel.interpret.experiments_figure import draw_courses

        return draw_courses(self)


def told_level(level: float | None) -> str:
    """Return a level as text: a number, or intact."""
    return "intact" if level is None else f"{level:g}"


def _sentences(course: Course) -> list[str]:
    hardest = int(np.argmax([course.point("both", k).moved.value for k in range(len(course.levels))]))
    both, alone = (course.point(senses, hardest) for senses in ("both", course.altered))
    where = f"{course.condition} {told_level(course.levels[hardest])} {UNITS[course.condition]}"
    if course.condition != "delay":
        other = "picture" if course.altered == "sound" else "sound"
        left = course.point(other, course.intact)
        return [
            f"{where}: both senses keep {told(both.kept, '')} of the intact deviation of EPP from 0.5, "
            f"the {course.altered} alone {told(alone.kept, '')}; "
            f"the {other} alone, to which nothing was done, has {told(left.kept, '')}.",
            f"Excess of both over the sum of either, intact: {_excess(course, course.intact)}; "
            f"{where}: {_excess(course, hardest)}.",
        ]
    return [
        f"A delay of {told_level(course.levels[hardest])} s moves most: EPP by {told(both.moved, '')} on "
        "average, without its sign; the delayed sound alone, which nothing is out of step with, by "
        f"{told(alone.moved, '')}, since windows then cut it elsewhere.",
        f"There both senses keep {told(both.kept, '')} of the deviation of EPP from 0.5 that they have in "
        "step.",
        "The model compares no times: each window is summed up by features of its sound and of its picture, "
        "and a delay only changes which notes and bounces fall into one window.",
        f"In step: {verdicts(course.additivity(course.intact))}",
    ]


def _excess(course: Course, level: int) -> str:
    epp = course.additivity(level)[course.responses.quantities.index("epp")]
    return f"{epp.verdict}, {told(epp.excess)}"


def _ratio(part: Array, whole: Array) -> Array:
    nothing = np.full(np.shape(part), np.nan)
    return np.asarray(np.divide(part, whole, out=nothing, where=whole > 1e-18))
