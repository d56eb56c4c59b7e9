"""From the course of a body's height to bounces: where each begins, how high it goes, where it ends.

A bounce is a rise and a fall. Its beginning and end are read from the whole arch, not from the frame in which
the body happens to be low: at 30 frames a second a fast bounce is seen four times, and the beat would be lost
in the raster.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.senses.silhouette import Silhouette

MIN_LIFT = 0.015
"""Rises below this, in picture heights, are no bounces."""

MIN_SHARE = 0.05
"""Rises below this share of the largest are no bounces."""

LINE = 0.4
"""Share of the body above the line whose height is followed."""

MIN_FIT = 0.9
"""Share of the lift's energy that a single arch must explain for a rise and fall to be a bounce."""


GRID = 10
"""Beginnings and ends of an arch that are tried, each."""

SLACK = 0.04
"""Share of an arch in which it is too low to be told from rest."""

NOISE_LIFT, REST_LIFT = 0.003, 0.005
"""Standard deviation, in picture heights, of a lift and of the height of rest from bounce to bounce."""

AT_REST = 0.3
"""Weight of the lean of a body at rest; at the top of a bounce it is 1 more."""

MAX_OVERSHOOT = 1.5
"""An arch is at most this many times as high as the highest frame seen of it."""


class Bounce(NamedTuple):
    """One bounce of the body.

    Times are in s, the lift in picture heights, `rough` (outline at the end, see `Silhouette`) dimensionless,
    `lean_change` in rad, positive when the body tips forward, that is to the left of the picture. `is_first`
    tells that the film, or the shot, began with this bounce: its height and lean then say where things
    started, not how they moved on.
    """

    start_s: float
    end_s: float
    peak_lift: float
    rough: float
    lean_change: float
    is_first: bool = False


class Arch(NamedTuple):
    """One half wave ``peak * sin(pi * (t - start_s) / (end_s - start_s))`` in a course of lifts."""

    start_s: float
    end_s: float
    peak: float


def lifts(silhouettes: list[Silhouette]) -> NDArray[np.float64]:
    """Return how far the body is above its rest in each frame, (n,), in picture heights, not negative.

    Height is that of the line above which two fifths of the body lie. Spikes at the top, which grow and
    shrink with every bounce, hardly move it, and what the floor hides of a body at rest moves it little. Rest
    is the 98th percentile.

    Examples
    --------
    >>> from avfbel.senses.silhouette import describe
    >>> low, high = np.zeros((10, 4), bool), np.zeros((10, 4), bool)
    >>> low[6:] = high[2:6] = True
    >>> lifts([describe(low), describe(high)]).round(2).tolist()
    [0.0, 0.39]
    """
    if not silhouettes:
        return np.zeros(0)
    rows = np.stack([s.rows for s in silhouettes])
    above = np.cumsum(rows, axis=1)
    at, goal = np.arange(len(rows)), LINE * above[:, -1]
    row = (above < goal[:, None]).sum(1)
    y = row + 1 - (above[at, row] - goal) / rows[at, row]
    return np.asarray(np.maximum(0.0, np.percentile(y, 98) - y) / rows.shape[1])


def find_arches(time_s: NDArray[np.float64], lift: NDArray[np.float64]) -> list[Arch]:
    """Find the bounces in a course of lifts.

    A bounce is a peak that rises out of, and falls back into, valleys below half of its lift, above
    `MIN_SHARE` of the largest and `MIN_LIFT`, and shaped like an arch.

    Parameters
    ----------
    time_s : ndarray, shape (n,)
        Times in s, increasing.
    lift : ndarray, shape (n,)
        Lifts in picture heights, not negative.

    Returns
    -------
    list of Arch
        In order of time. A bounce that the beginning or end cuts is left out.

    Examples
    --------
    >>> t = np.arange(60) / 30
    >>> [round(arch.end_s, 2) for arch in find_arches(t, 0.3 * abs(np.sin(np.pi * t / 0.5)))]
    [0.5, 1.0, 1.5, 2.0]
    """
    if len(lift) < 3:
        return []
    floor = max(MIN_LIFT, MIN_SHARE * float(lift.max()))
    arches = []
    for first, peak, last in _peaks(lift, floor):
        arch = fit_arch(time_s[first : last + 1], lift[first : last + 1], peak - first)
        if arch is not None:
            arches.append(arch)
    return arches


def _peaks(lift: NDArray[np.float64], floor: float) -> list[tuple[int, int, int]]:
    """List valley, peak and valley of each bounce, as indices."""
    rising = np.concatenate(([True], lift[1:] > lift[:-1]))
    falling = np.concatenate((lift[:-1] >= lift[1:], [True]))
    peaks: list[int] = []
    valleys: list[int] = []  # between successive peaks
    for i in np.flatnonzero(rising & falling & (lift >= floor)).tolist():
        while peaks:
            valley = peaks[-1] + int(np.argmin(lift[peaks[-1] : i + 1]))
            if lift[valley] < 0.5 * min(lift[peaks[-1]], lift[i]):
                peaks.append(i)
                valleys.append(valley)
                break
            if lift[i] <= lift[peaks[-1]]:
                break
            peaks.pop()
            if valleys:
                valleys.pop()
        else:
            peaks.append(i)
    if not peaks:
        return []
    begin = _last_lowest(lift[: peaks[0] + 1])
    end = peaks[-1] + int(np.argmin(lift[peaks[-1] :]))
    bounds = [begin, *valleys, end]
    return [
        (a, p, b)
        for a, p, b in zip(bounds[:-1], peaks, bounds[1:], strict=True)
        if max(lift[a], lift[b]) < 0.5 * lift[p]
    ]


def _last_lowest(lift: NDArray[np.float64]) -> int:
    return len(lift) - 1 - int(np.argmin(lift[::-1]))


def fit_arch(time_s: NDArray[np.float64], lift: NDArray[np.float64], peak: int) -> Arch | None:
    """Fit one arch to the lifts between two valleys.

    The arch begins between the last low frame and the first raised one, and ends likewise. Over a grid of
    both, height and rest follow by least squares; the result is the mean over the grid, weighted by
    likelihood, so that a bounce of which only one or two frames are known is placed in the middle of what is
    possible.

    Parameters
    ----------
    time_s, lift : ndarray, shape (n,)
        From valley to valley.
    peak : int
        Index of the highest.

    Returns
    -------
    Arch or None
        None if the arch explains less than `MIN_FIT` of the energy.

    Examples
    --------
    >>> t = np.arange(12) / 30
    >>> arch = fit_arch(t, 0.2 * np.sin(np.pi * np.clip((t - 0.05) / 0.25, 0, 1)), 5)
    >>> [round(number, 2) for number in arch]
    [0.05, 0.3, 0.2]
    """
    first, last = _raised(lift, peak)
    begin, end = max(0, first - 2), min(len(lift), last + 3)
    t, y = time_s[begin:end], lift[begin:end]
    earliest, latest = time_s[first - 1], time_s[last + 1]
    # a low frame may lie within the arch, at the phase that its height tells
    hidden = SLACK + np.arcsin(np.clip(lift[[first - 1, last + 1]] / lift[peak], 0, 1)) / np.pi
    earliest, latest = (earliest, latest) + hidden * (earliest - latest, latest - earliest)
    start = np.tile(np.linspace(earliest, time_s[first], GRID), GRID)
    stop = np.repeat(np.linspace(time_s[last], latest, GRID), GRID)
    with np.errstate(divide="ignore", invalid="ignore"):
        phase = (t - start[:, None]) / (stop - start)[:, None]
    if first == last:  # then the arch that begins and ends with its only raised frame has no length
        phase = np.nan_to_num(phase)
    wave = np.sin(np.pi * phase.clip(0, 1))
    # height * wave + rest, where rest is expected near 0: two unknowns, solved for the whole grid at once
    ww, w1, wy = (wave**2).sum(1) + 1e-6, wave.sum(1), wave @ y
    n = len(y) + (NOISE_LIFT / REST_LIFT) ** 2
    height = (n * wy - w1 * y.sum()) / (n * ww - w1**2)
    rest = (y.sum() - height * w1) / n
    error = ((y - height[:, None] * wave - rest[:, None]) ** 2).sum(1) + (NOISE_LIFT / REST_LIFT * rest) ** 2
    error[(height <= 0) | (height > MAX_OVERSHOOT * lift[peak])] = np.inf
    best = int(error.argmin())
    if not np.isfinite(error[best]) or error[best] > (1 - MIN_FIT) * float(((y - rest[best]) ** 2).sum()):
        return None
    likelihood = np.exp((error[best] - error) / (2 * NOISE_LIFT**2))
    likelihood /= likelihood.sum()
    return Arch(float(likelihood @ start), float(likelihood @ stop), float(likelihood @ height))


def _raised(lift: NDArray[np.float64], peak: int) -> tuple[int, int]:
    """Return first and last index of the stretch around the peak that is out of the valley on its side."""
    low = lift < np.where(np.arange(len(lift)) < peak, lift[0], lift[-1]) * 0.9 + 0.1 * lift[peak]
    low[0] = low[-1] = True
    first = int(np.flatnonzero(low[:peak])[-1]) + 1
    return first, peak + int(np.flatnonzero(low[peak:])[0]) - 1


def bounces_of(
    time_s: NDArray[np.float64], silhouettes: list[Silhouette], *, from_start: bool = False
) -> list[Bounce]:
    """Describe the bounces of a body from its outline in successive frames of one shot.

    Parameters
    ----------
    time_s : ndarray, shape (n,)
        Times of the frames in s, increasing.
    silhouettes : list of Silhouette
        The body in each frame.
    from_start : bool
        Whether the film, or the shot, began with the first frame.

    Returns
    -------
    list of Bounce
        In order of time.
    """
    arches = find_arches(time_s, lifts(silhouettes))
    if not arches:
        return []
    leans = lean_at_joints(time_s, silhouettes, arches)
    rough = np.array([s.rough for s in silhouettes])
    ends = [_rough_at_end(time_s, rough, arches, k) for k in range(len(arches))]
    return [
        Bounce(*arch, ends[k], float(leans[k + 1] - leans[k]), is_first=from_start and k == 0)
        for k, arch in enumerate(arches)
    ]


def _rough_at_end(
    time_s: NDArray[np.float64], rough: NDArray[np.float64], arches: list[Arch], k: int
) -> float:
    """Return the mean roughness while the body keeps the form it had at the end of bounce `k`."""
    arch = arches[k]
    length = arch.end_s - arch.start_s
    until = (
        arches[k + 1].start_s + 0.12 * (arches[k + 1].end_s - arches[k + 1].start_s)
        if k + 1 < len(arches)
        else arch.end_s + 0.12 * length
    )
    near = (time_s >= arch.end_s - 0.12 * length) & (time_s <= until)
    if not near.any():
        near = np.arange(len(time_s)) == int(np.argmin(np.abs(time_s - arch.end_s)))
    return float(rough[near].mean())


def lean_at_joints(
    time_s: NDArray[np.float64], silhouettes: list[Silhouette], arches: list[Arch]
) -> NDArray[np.float64]:
    """Return the body's lean before the first bounce and after each, (n_bounces + 1,), in rad.

    Lean is the direction of the longer axis, which turns evenly during a bounce; the joints of that broken
    line are fitted to all frames by least squares. A frame weighs the more the longer the body (a round one
    has no lean) and the higher it is: at rest the floor may hide part of it.
    """
    xx, xy, yy = np.array([s.covariance for s in silhouettes]).T
    anisotropy = np.hypot(yy - xx, 2 * xy) / np.maximum(xx + yy, 1e-9)  # of a single pixel: 0
    lean = np.unwrap(np.arctan2(2 * xy, yy - xx), period=2 * np.pi) / 2
    basis = np.zeros((len(time_s), len(arches) + 1))
    bounds = np.array([a.start_s for a in arches] + [np.inf])
    which = np.clip(np.searchsorted(bounds, time_s, side="right") - 1, 0, len(arches) - 1)
    starts, ends = np.array([a.start_s for a in arches]), np.array([a.end_s for a in arches])
    phase = np.clip((time_s - starts[which]) / (ends - starts)[which], 0, 1)
    at = np.arange(len(time_s))
    basis[at, which], basis[at, which + 1] = 1 - phase, phase
    weight = anisotropy[:, None] * (AT_REST + np.sin(np.pi * phase[:, None]))
    stiffness = 1e-3 * np.diff(np.eye(len(arches) + 1), axis=0)  # decides what no frame shows
    design = np.concatenate([basis * weight, stiffness])
    target = np.concatenate([lean * weight[:, 0], np.zeros(len(arches))])
    return np.asarray(np.linalg.lstsq(design, target, rcond=None)[0])
