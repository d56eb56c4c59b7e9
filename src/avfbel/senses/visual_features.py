"""The five visual features of a window, from its bounces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avfbel.senses.bounces import Bounce

FLIGHT_SHARE = 0.93
"""Share of the time between two bounces that a bounce lasts, in the stimuli."""

VISUAL_RANGES = {
    "speed": (0.0, 1000.0),
    "jitter": (0.0, 4.0),
    "consonance": (-4.0, 0.0),
    "bigsmall": (0.0, 1.0),
    "updown": (-np.pi, np.pi),
}
"""Limits that each feature keeps to, whatever the film; units are those of `FEATURE_UNITS`."""


def intervals_of(shots: Sequence[Sequence[Bounce]]) -> list[NDArray[np.float64]]:
    """Return, for each shot, the time in s from each bounce to the next one.

    The last bounce of a shot is given the interval before it; a lone one its own length / 0.93.

    Examples
    --------
    >>> shot = [Bounce(t, t + 0.4, 0.2, 0.0, 0.0) for t in (0.0, 0.5, 1.1)]
    >>> [interval.round(2).tolist() for interval in intervals_of([shot, shot[:1]])]
    [[0.5, 0.6, 0.6], [0.43]]
    """
    result = []
    for bounces in shots:
        starts = np.array([b.start_s for b in bounces])
        if len(bounces) > 1:
            gaps = np.diff(starts)
            result.append(np.append(gaps, gaps[-1]))
        else:
            result.append(np.array([(b.end_s - b.start_s) / FLIGHT_SHARE for b in bounces]))
    return result


def visual_features(shots: Sequence[Sequence[Bounce]]) -> NDArray[np.float64]:
    """Return speed, jitter, consonance, bigsmall and updown of a window.

    Parameters
    ----------
    shots : sequence of sequences of Bounce
        The bounces of each shot, in order of time. No interval spans a cut.

    Returns
    -------
    ndarray, shape (5,)
        Speed in bounces/min, 60 / mean interval; jitter, sd / mean of the intervals; consonance, − mean
        roughness at the ends; bigsmall, mean peak lift in picture heights; updown, mean change of lean in
        rad, positive = forward. The last three leave out the first bounce of a film or shot where there are
        others. NaN where it cannot be measured: everything without a bounce, jitter without two intervals.

    Examples
    --------
    >>> shot = [Bounce(t, t + 0.4, 0.2, 0.1, -0.05) for t in (0.0, 0.5, 1.0)]
    >>> visual_features([shot]).round(2).tolist()
    [120.0, 0.0, -0.1, 0.2, -0.05]
    """
    values = np.full(5, np.nan)
    everything = [b for shot in shots for b in shot]
    if not everything:
        return values
    bounces = [b for b in everything if not b.is_first] or everything
    gaps = np.concatenate([np.diff([b.start_s for b in shot]) for shot in shots])
    lone = np.concatenate(intervals_of([shot for shot in shots if len(shot) == 1] or [[]]))
    values[0] = 60 / float(gaps.mean() if gaps.size else lone.mean())
    if gaps.size > 1:
        values[1] = float(gaps.std() / gaps.mean())
    values[2] = -float(np.mean([b.rough for b in bounces]))
    values[3] = float(np.mean([b.peak_lift for b in bounces]))
    values[4] = float(np.mean([b.lean_change for b in bounces]))
    limits = np.array(list(VISUAL_RANGES.values()))
    return np.asarray(np.clip(values, limits[:, 0], limits[:, 1]))
