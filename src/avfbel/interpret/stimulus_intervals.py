"""Intervals over stimuli, as experiments and lesion studies have them.

They are percentiles over draws of whole stimuli with replacement, since clips of one stimulus are no
independent cases.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avfbel.learn.intervals import Interval, draw_weights

Array = NDArray[np.float64]

LEVEL, N_DRAWS, SEED = 0.95, 2000, 0

METHOD = {"level": LEVEL, "draws": N_DRAWS, "seed": SEED, "drawn": "stimuli"}
"""How the intervals are made, as a provenance holds it."""


def stimulus_draws(stimulus: Sequence[str]) -> Array:
    """Return how often each clip counts in each of 2000 draws of stimuli, (n_draws, n_clips)."""
    return draw_weights(np.array(stimulus), n_draws=N_DRAWS, seed=SEED)


def mean_intervals(values: Array, stimulus: Sequence[str]) -> list[Interval]:
    """Return means over clips of values (n_clips, m), with 95 % intervals over their stimuli.

    An interval is NaN with fewer than two stimuli.

    Examples
    --------
    >>> mean_intervals(np.array([[1.0], [3.0]]), ["happy", "sad"])
    [Interval(value=2.0, low=1.0, high=3.0)]
    """
    weights = stimulus_draws(stimulus)
    drawn = (weights @ values) / weights.sum(axis=1, keepdims=True)
    return intervals(values.mean(axis=0), drawn, few=len(set(stimulus)) < 2)


def intervals(values: Array, drawn: Array, *, few: bool = False) -> list[Interval]:
    """Return values (m,) with percentile intervals of their draws (n_draws, m); NaN if there are too few."""
    ends = np.full((2, len(values)), np.nan)
    if not few:
        known = np.isfinite(values)
        ends[:, known] = np.nanquantile(drawn[:, known], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return [Interval(*row) for row in np.stack([values, *ends], axis=1).tolist()]
