"""A corpus of the wider world: clips whose parameters are drawn at random, away from the named stimuli."""

from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import UsageError
from avfbel.stimulus.parameters import RANGES, StimulusParameters, named, named_stimuli
from avfbel.stimulus.plans import MAX_CLIPS, Clip, Composer, clip_seed, composed

CLEARANCE = 0.1
"""No random point lies this near to a named stimulus in all five parameters at once, in shares of a range."""


def plan_random(n: int, *, seed: int = 0, composer: Composer = composed) -> list[Clip]:
    """Plan clips of random parameters: evenly over the ranges, the speed over its logarithm.

    Clip k is the same however many there are. Points within `CLEARANCE` of a named stimulus are drawn again,
    so that what learns from these clips has met none of the 38.

    Parameters
    ----------
    n : int
        Number of clips.
    seed : int
        Of the corpus.
    composer : callable
        Makes a score from parameters and a seed.

    Returns
    -------
    list of Clip
        Each a stimulus of its own, named random00000 and so on.

    Raises
    ------
    UsageError
        If a number is out of range, or a phrase would hold no note.

    Examples
    --------
    >>> [clip.stem for clip in plan_random(2)]
    ['random00000_0000', 'random00001_0000']
    """
    if not 1 <= n <= MAX_CLIPS:
        raise UsageError(f"the number of random clips must be from 1 to {MAX_CLIPS}, got {n}")
    if seed < 0:
        raise UsageError(f"the seed must be a whole number from 0, got {seed}")
    avoided = np.array([place(named(name)) for name in named_stimuli()])
    clips = []
    for k in range(n):
        name = f"random{k:05d}"
        own_seed = clip_seed(seed, name, 0)
        clips.append(Clip(name, 0, composer(_point(own_seed, avoided), own_seed)))
    return clips


def place(parameters: StimulusParameters) -> NDArray[np.float64]:
    """Return where a point lies in the unit cube of the five ranges, the speed by its logarithm, shape (5,).

    Examples
    --------
    >>> place(StimulusParameters(bpm=30, jitter=99, consonance=18.5, bigsmall=0, updown=100)).tolist()
    [0.0, 1.0, 0.5, 0.0, 1.0]
    """
    low, high = _bounds()
    values = np.array(astuple(parameters))
    values[0] = math.log(values[0])
    inside: NDArray[np.float64] = (values - low) / (high - low)
    return inside


def _point(seed: int, avoided: NDArray[np.float64]) -> StimulusParameters:
    low, high = _bounds()
    rng = np.random.default_rng(seed)
    while True:
        u = rng.random(len(RANGES))
        if (np.abs(avoided - u).max(axis=1) >= CLEARANCE).all():
            log_bpm, *others = (low + u * (high - low)).tolist()
            return StimulusParameters(math.exp(log_bpm), *others)


def _bounds() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = np.array(list(RANGES.values()), dtype=np.float64).T
    low[0], high[0] = np.log(low[0]), np.log(high[0])
    return low, high
