"""The five parameters of a stimulus, the 38 named stimuli, and the rule by which they mix.

Five prototypes of emotion, the three mixes of each of their ten pairs, and three further points of the
parameter space make the 38 stimuli of Sievers et al. (2021) [1]_.

References
----------
.. [1] Sievers et al. (2021), Visual and auditory brain areas share a representational structure that
   supports emotion perception, *Current Biology* 31(23), 5192-5203.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from types import MappingProxyType

from avfbel.errors import UsageError

RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"bpm": (30, 400), "jitter": (0, 99), "consonance": (0, 37), "bigsmall": (0, 100), "updown": (0, 100)}
)
MIX_PERCENTAGES = (25, 50, 75)


@dataclass(frozen=True)
class StimulusParameters:
    """The five sliders that make a melody and the ball that moves with it.

    Parameters
    ----------
    bpm : float
        Speed: notes per minute, 30 to 400.
    jitter : float
        Irregularity: the largest delay of a note, in percent of the beat, 0 to 99.
    consonance : float
        Index of the pitch-class set, 0 (dissonant, spiky) to 37 (consonant, smooth).
    bigsmall : float
        Size of the melodic steps and of the bounces, 0 (small) to 100 (big).
    updown : float
        Probability of a downward step, in percent: 0 (up, the ball leans back) to 100 (down, it leans
        forward).

    Raises
    ------
    UsageError
        If a value is not a finite number inside its range.

    Examples
    --------
    >>> StimulusParameters(bpm=200, jitter=0, consonance=37, bigsmall=50, updown=50).bpm
    200
    >>> StimulusParameters(bpm=0, jitter=0, consonance=37, bigsmall=50, updown=50)
    Traceback (most recent call last):
    ...
    avfbel.errors.UsageError: bpm must be from 30 to 400, got 0
    """

    bpm: float
    jitter: float
    consonance: float
    bigsmall: float
    updown: float

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise UsageError(f"{name} must be from {low:g} to {high:g}, got {value:g}")

    def rounded(self) -> StimulusParameters:
        """Return these parameters with consonance rounded half up: the index of one pitch-class set."""
        return replace(self, consonance=math.floor(self.consonance + 0.5))

    def truncated(self) -> StimulusParameters:
        """Return these parameters truncated to integers, as the sliders of the patch give them."""
        return StimulusParameters(**{name: math.trunc(value) for name, value in asdict(self).items()})


PROTOTYPES: Mapping[str, StimulusParameters] = MappingProxyType(
    {
        "angry": StimulusParameters(347, 62.5, 3, 82.5, 81.5),
        # 36.5 is what happy's three mixes imply; alone it is rounded to the 37 that is published.
        "happy": StimulusParameters(288.5, 25, 36.5, 50.5, 38.5),
        "peaceful": StimulusParameters(64.5, 1.5, 37, 17.5, 40),
        "sad": StimulusParameters(46, 7, 30, 12, 89.5),
        "scared": StimulusParameters(331, 65, 5, 61.5, 51.5),
    }
)  # before consonance is rounded

FURTHER_POINTS: Mapping[str, StimulusParameters] = MappingProxyType(
    {
        "biggest_gap": StimulusParameters(176.5, 43.75, 18, 34, 19.25),
        "search_four": StimulusParameters(30, 97, 1, 97, 9),
        "search_one": StimulusParameters(398, 99, 0, 97, 6),
    }
)


def mix(a: StimulusParameters, b: StimulusParameters, weight: float) -> StimulusParameters:
    """Mix two settings linearly; consonance is not rounded yet.

    Parameters
    ----------
    a, b : StimulusParameters
        The two ends.
    weight : float
        Share of `b`, 0 to 1, dimensionless.

    Returns
    -------
    StimulusParameters
        ``(1 - weight) * a + weight * b`` in each parameter.

    Raises
    ------
    UsageError
        If `weight` is not between 0 and 1.

    Examples
    --------
    >>> mix(PROTOTYPES["angry"], PROTOTYPES["happy"], 0.25).bpm
    332.375
    """
    if not 0 <= weight <= 1:
        raise UsageError(f"the share of a mix must be from 0 to 1, got {weight:g}")
    values = {}
    for name in RANGES:
        x, y = getattr(a, name), getattr(b, name)
        # rounding must not carry a value past either end
        values[name] = min(max((1 - weight) * x + weight * y, min(x, y)), max(x, y))
    return StimulusParameters(**values)


def named_stimuli() -> dict[str, StimulusParameters]:
    """Return the 38 stimuli by name, in alphabetical order, with consonance rounded.

    Returns
    -------
    dict of str to StimulusParameters
        Mixes are named ``A_B_w``: (100 - w) percent of A and w percent of B.

    Examples
    --------
    >>> len(named_stimuli()), named_stimuli()["happy_sad_50"].consonance
    (38, 33)
    """
    exact = {**PROTOTYPES, **FURTHER_POINTS}
    for a, b in combinations(sorted(PROTOTYPES), 2):
        for percent in MIX_PERCENTAGES:
            exact[f"{a}_{b}_{percent}"] = mix(PROTOTYPES[a], PROTOTYPES[b], percent / 100)
    return {name: exact[name].rounded() for name in sorted(exact)}


def named(name: str) -> StimulusParameters:
    """Return the parameters of one of the 38 stimuli.

    Parameters
    ----------
    name : str
        For instance "happy", "angry_sad_25" or "search_one".

    Raises
    ------
    UsageError
        If there is no such stimulus; the sentence suggests the nearest names.

    Examples
    --------
    >>> named("happy")
    StimulusParameters(bpm=288.5, jitter=25, consonance=37, bigsmall=50.5, updown=38.5)
    """
    stimuli = named_stimuli()
    if name not in stimuli:
        near = difflib.get_close_matches(name, stimuli, n=3, cutoff=0.4) or sorted(PROTOTYPES)
        raise UsageError(f"no stimulus is named {name!r}: did you mean {' or '.join(near)}?")
    return stimuli[name]


def blend(a: str, b: str, weight: float) -> StimulusParameters:
    """Mix two named stimuli as the published mixes were made: consonance is rounded after mixing.

    Parameters
    ----------
    a, b : str
        Names of stimuli; prototypes enter with their unrounded consonance.
    weight : float
        Share of `b`, 0 to 1, dimensionless.

    Raises
    ------
    UsageError
        If a name is unknown or `weight` is not between 0 and 1.

    Examples
    --------
    >>> blend("happy", "sad", 0.5) == named("happy_sad_50")
    True
    """
    ends = [PROTOTYPES[name] if name in PROTOTYPES else named(name) for name in (a, b)]
    return mix(ends[0], ends[1], weight).rounded()
