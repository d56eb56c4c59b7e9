"""Which clips a corpus holds: the named stimuli, a grid of parameters, or every melody with every film."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np

from avfbel.errors import UsageError
from avfbel.stimulus.parameters import RANGES, StimulusParameters, named, named_stimuli
from avfbel.stimulus.score import Score, compose

Composer = Callable[[StimulusParameters, int], Score]

MAX_CLIPS = 100_000


class Clip(NamedTuple):
    """One clip of a corpus."""

    stimulus: str
    """What it is an exemplar of."""
    exemplar: int
    music: Score
    film: Score | None = None
    """If the film belongs to another melody than the one that is heard."""
    labels: tuple[tuple[str, str], ...] = ()
    """Further columns of the manifest and what they hold for this clip."""

    @property
    def stem(self) -> str:
        """Name of its files, without suffix."""
        return f"{self.stimulus}_{self.exemplar:04d}"

    @property
    def seed(self) -> int:
        """Seed of the melody."""
        return self.music.seed


def composed(parameters: StimulusParameters, seed: int) -> Score:
    """Compose a phrase of Clips-2021 with notes for three seconds."""
    return compose(parameters, seed=seed)


def clip_seed(seed: int, stimulus: str, exemplar: int) -> int:
    """Give the seed of one clip: independent between clips, whatever else the corpus holds.

    Parameters
    ----------
    seed : int
        Of the corpus.
    stimulus : str
    exemplar : int

    Returns
    -------
    int
        Below 2**32.

    Examples
    --------
    >>> clip_seed(0, "happy", 0) == clip_seed(0, "sad", 0)
    False
    """
    sequence = np.random.SeedSequence([seed, zlib.crc32(stimulus.encode()), exemplar])
    return int(sequence.generate_state(1)[0])


def plan_corpus(
    *,
    exemplars: int = 20,
    seed: int = 0,
    stimuli: Iterable[str] | None = None,
    composer: Composer = composed,
) -> list[Clip]:
    """Plan exemplars of named stimuli.

    Parameters
    ----------
    exemplars : int
        Of each stimulus.
    seed : int
        Of the corpus.
    stimuli : iterable of str, optional
        All 38 by default.
    composer : callable
        Makes a score from parameters and a seed.

    Returns
    -------
    list of Clip

    Raises
    ------
    UsageError
        If a number is out of range, a stimulus unknown, or a phrase would hold no note.

    Examples
    --------
    >>> len(plan_corpus(exemplars=20))
    760
    """
    names = _names(stimuli)
    _check(exemplars, seed, len(names))
    return [
        Clip(name, k, composer(named(name), clip_seed(seed, name, k)))
        for name in names
        for k in range(exemplars)
    ]


def plan_sweep(
    grid: Mapping[str, Sequence[float]],
    *,
    around: str = "happy",
    exemplars: int = 1,
    seed: int = 0,
    composer: Composer = composed,
) -> list[Clip]:
    """Plan a grid of parameters: every combination of their values.

    Exemplar k has the same random numbers at every point of the grid, so that neighbours differ by what was
    swept and not by chance.

    Parameters
    ----------
    grid : mapping of str to sequence of float
        Values of the parameters that vary.
    around : str
        The named stimulus that gives the others.
    exemplars : int
        Of each point.
    seed : int
        Of the corpus.
    composer : callable
        Makes a score from parameters and a seed.

    Returns
    -------
    list of Clip

    Raises
    ------
    UsageError
        If a parameter is unknown, a value or number out of range, or a phrase would hold no note.

    Examples
    --------
    >>> [clip.stem for clip in plan_sweep({"bpm": [60, 120], "updown": [0]})]
    ['bpm60_updown0_0000', 'bpm120_updown0_0000']
    """
    for name, values in grid.items():
        if name not in RANGES:
            raise UsageError(f"no parameter is named {name!r}: sweep {', '.join(RANGES)}")
        if len(values) == 0:
            raise UsageError(f"the sweep of {name} has no value")
    if not grid:
        raise UsageError("a sweep needs the values of at least one parameter")
    grid = {name: list(dict.fromkeys(grid[name])) for name in RANGES if name in grid}
    base = named(around)
    points = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    _check(exemplars, seed, len(points))
    clips = [
        Clip(
            point_name(point),
            k,
            composer(replace(base, **point), clip_seed(seed, around, k)),
            labels=(("around", around),),
        )
        for point in points
        for k in range(exemplars)
    ]
    _check_distinct(clips[::exemplars])
    return clips


def point_name(point: Mapping[str, float]) -> str:
    """Name a point of the parameter space.

    Examples
    --------
    >>> point_name({"bpm": 62.5, "updown": 0})
    'bpm62.5_updown0'
    """
    return "_".join(f"{name}{value:.10g}" for name, value in point.items())


def plan_pairs(
    stimuli: Iterable[str] | None = None,
    *,
    exemplars: int = 1,
    seed: int = 0,
    composer: Composer = composed,
) -> list[Clip]:
    """Plan every melody with every film, for experiments on congruence.

    Melody and film of a pair have seeds of their own, the same in every pair; the congruent pairs show the
    ball of the melody that is heard.

    Parameters
    ----------
    stimuli : iterable of str, optional
        Those to pair; the five prototypes by default.
    exemplars : int
        Of each pair.
    seed : int
        Of the corpus.
    composer : callable
        Makes a score from parameters and a seed.

    Returns
    -------
    list of Clip

    Raises
    ------
    UsageError
        If a number is out of range, a stimulus unknown, or a phrase would hold no note.

    Examples
    --------
    >>> [clip.stem for clip in plan_pairs(["happy", "sad"])]
    ['happy_x_happy_0000', 'happy_x_sad_0000', 'sad_x_happy_0000', 'sad_x_sad_0000']
    """
    names = _names(("angry", "happy", "peaceful", "sad", "scared") if stimuli is None else stimuli)
    _check(exemplars, seed, len(names) ** 2)
    clips = []
    for heard, shown in product(names, names):
        for k in range(exemplars):
            music = composer(named(heard), clip_seed(seed, heard, k))
            film = None if heard == shown else composer(named(shown), clip_seed(seed, shown, k))
            shown_seed = str((film or music).seed)
            same = str(int(heard == shown))
            labels = ("music", heard), ("film", shown), ("film_seed", shown_seed), ("congruent", same)
            clips.append(Clip(f"{heard}_x_{shown}", k, music, film, labels))
    return clips


def parse_sweep(requests: Iterable[str]) -> dict[str, list[float]]:
    """Read the values of a sweep from texts such as "bpm=60,120,240" or "updown=0:100:5".

    Parameters
    ----------
    requests : iterable of str
        ``name=a,b,c`` lists values; ``name=a:b:n`` asks for n values from a to b, evenly spaced.

    Returns
    -------
    dict of str to list of float

    Raises
    ------
    UsageError
        If a text cannot be read or a parameter comes twice.

    Examples
    --------
    >>> parse_sweep(["bpm=60,120", "updown=0:100:3"])
    {'bpm': [60.0, 120.0], 'updown': [0.0, 50.0, 100.0]}
    """
    grid: dict[str, list[float]] = {}
    for request in requests:
        name, equals, values = (part.strip() for part in request.partition("="))
        if not equals:
            raise UsageError(f"a sweep is written bpm=60,120,240 or bpm=60:240:4, got {request!r}")
        if name in grid:
            raise UsageError(f"{name} is swept twice: give all its values at once")
        grid[name] = _values(values, request)
    return grid


def _values(text: str, request: str) -> list[float]:
    try:
        if ":" not in text:
            return [float(value) for value in text.split(",")]
        low, high, count = text.split(":")
        n = int(count)
        if 1 < n <= MAX_CLIPS and math.isfinite(ends := float(high) - float(low)):
            return [float(low) + ends * k / (n - 1) for k in range(n)]
    except ValueError:
        pass
    raise UsageError(
        f"a sweep is written bpm=60,120,240 or, from 60 to 240 in 4 values, bpm=60:240:4, got {request!r}"
    )


def _check_distinct(clips: Iterable[Clip]) -> None:
    """Raise UsageError if two points of a sweep are played alike, or too near to be named apart."""
    names: dict[object, str] = {}
    for clip in clips:
        for what in (clip.music.parameters, clip.stimulus):
            if what in names:
                raise UsageError(
                    f"{names[what]} and {clip.stimulus} are the same clip, as consonance is rounded and the "
                    "patch cuts all parameters to whole numbers: sweep values that differ"
                )
            names[what] = clip.stimulus


def _names(stimuli: Iterable[str] | None) -> list[str]:
    if isinstance(stimuli, str):
        raise UsageError(f"stimuli are a list of names: write [{stimuli!r}]")
    names = list(named_stimuli()) if stimuli is None else list(dict.fromkeys(stimuli))
    if not names:
        raise UsageError("a corpus needs at least one stimulus")
    for name in names:
        named(name)
    return names


def _check(exemplars: int, seed: int, conditions: int) -> None:
    if exemplars < 1:
        raise UsageError(f"exemplars must be at least 1, got {exemplars}")
    if exemplars * conditions > MAX_CLIPS:
        raise UsageError(
            f"{conditions} x {exemplars} clips are more than {MAX_CLIPS}: ask for fewer values or exemplars"
        )
    if seed < 0:
        raise UsageError(f"the seed must be a whole number from 0, got {seed}")
