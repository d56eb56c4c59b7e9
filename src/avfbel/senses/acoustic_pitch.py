"""Fundamental frequency by the YIN method, many frames at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE = 22050
"""Samples per second in which the ear works."""

YIN_WINDOW = 1024
"""Samples that are compared with themselves one lag earlier."""

MAX_LAG = 1376
"""Longest lag in samples: 16.02 Hz, below the lowest C of the range (MIDI 12)."""

MIN_LAG = 4
"""Shortest lag in samples: 5.5 kHz."""

YIN_FRAME = YIN_WINDOW + MAX_LAG
"""Samples of one frame, of which low notes need all and high ones only the last `YIN_WINDOW`."""

DIP = 0.1
"""A dip of the normalised difference below this is a period; otherwise one within this of the smallest is."""

_REFINE_BELOW = 40  # lags below this, in samples, are refined by their multiples


class Pitch(NamedTuple):
    """Pitch of each frame: fundamental in Hz, and aperiodicity (dimensionless: 0 periodic, about 1 noise)."""

    f0: NDArray[np.float64]  # (n,), NaN where no period was found
    aperiodicity: NDArray[np.float64]  # (n,)


def yin(frames: NDArray[np.float32]) -> Pitch:
    """Estimate the fundamental frequency at the end of each frame.

    The cumulative mean normalised difference [1]_ of the last `YIN_WINDOW` samples of a frame with those one
    lag earlier; its first dip below 0.1, or where there is none the first within 0.1 of its minimum;
    parabolic interpolation, refined at high pitch by the multiples of the period.

    Parameters
    ----------
    frames : ndarray, shape (n, YIN_FRAME)
        Samples at 22 050 Hz.

    Returns
    -------
    Pitch
        Arrays of shape (n,). What the result covers reaches from the end of a frame `YIN_WINDOW` samples and
        one period back.

    References
    ----------
    .. [1] de Cheveigné & Kawahara (2002), YIN, a fundamental frequency estimator for speech and music,
       J. Acoust. Soc. Am. 111, 1917–1930.

    Examples
    --------
    >>> time_s = np.arange(YIN_FRAME) / RATE
    >>> yin(np.sin(2 * np.pi * 440 * time_s)[None].astype(np.float32)).f0.round()
    array([440.])
    """
    n = len(frames)
    if n == 0:
        return Pitch(np.empty(0), np.empty(0))
    normalised = _normalised_difference(frames)
    inner = normalised[:, 1:-1]
    dips = (inner <= normalised[:, :-2]) & (inner < normalised[:, 2:])
    dips[:, : MIN_LAG - 1] = False
    depth = np.where(dips, inner, np.inf)
    rows, at = np.nonzero(dips[:, :_REFINE_BELOW])  # between two samples, a short dip is deeper than at them
    depth[rows, at] = _parabola(normalised, rows, at + 1)[1]
    least = depth.min(axis=1)
    limit = np.where(least < DIP, DIP, least + DIP)
    chosen = np.argmax(depth <= limit[:, None], axis=1) + 1
    rows = np.arange(n)
    found = np.isfinite(least) & (frames.max(axis=1) > frames.min(axis=1))
    lag, _ = _parabola(normalised, rows, chosen)
    lag = _refined(normalised, lag, found)
    aperiodicity = np.where(found, np.clip(normalised[rows, chosen], 0, None), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        f0 = np.where(found, RATE / lag, np.nan)
    return Pitch(f0.astype(np.float64), aperiodicity.astype(np.float64))


def _normalised_difference(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return YIN's d′ for lags 0 … MAX_LAG, shape (n, MAX_LAG + 1); 1 where nothing sounds."""
    from scipy import fft

    centred = frames - frames.mean(axis=1, keepdims=True)
    backwards = np.ascontiguousarray(centred[:, ::-1])  # lag τ: sample j against sample j + τ
    head = backwards[:, :YIN_WINDOW]
    spectrum = fft.rfft(backwards, axis=1)
    spectrum *= fft.rfft(head, n=YIN_FRAME, axis=1).conj()
    correlation = fft.irfft(spectrum, n=YIN_FRAME, axis=1)[:, : MAX_LAG + 1]
    energy = np.cumsum(np.square(backwards, dtype=np.float64), axis=1)
    at_lag = energy[:, YIN_WINDOW - 1 : YIN_WINDOW + MAX_LAG].copy()
    at_lag[:, 1:] -= energy[:, :MAX_LAG]
    difference = at_lag + at_lag[:, :1] - 2 * correlation
    np.maximum(difference, 0, out=difference)
    difference[:, 0] = 0
    mean = np.cumsum(difference, axis=1)
    mean[:, 1:] /= np.arange(1, MAX_LAG + 1)
    floor = 1e-9 * energy[:, -1:] + 1e-12
    normalised = np.ones(difference.shape, np.float32)
    np.divide(difference, mean, out=normalised, where=mean > floor, casting="unsafe")
    return normalised


def _parabola(
    values: NDArray[np.float32], rows: NDArray[np.intp], at: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return position and depth of the parabola through each value and its two neighbours."""
    left, middle, right = (values[rows, at + step].astype(np.float64) for step in (-1, 0, 1))
    curvature = left - 2 * middle + right
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(curvature > 0, 0.5 * (left - right) / curvature, 0.0)
    shift = np.clip(shift, -0.5, 0.5)
    return at + shift, middle - 0.25 * (left - right) * shift


def _refined(
    normalised: NDArray[np.float32], lag: NDArray[np.float64], found: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Sharpen short lags: the dip at 2, 4, … times the lag is found with the same error, in samples."""
    lag = lag.copy()
    multiple = 1
    while multiple < 16:
        multiple *= 2
        rows = np.flatnonzero(found & (lag < _REFINE_BELOW))
        rows = rows[lag[rows] * multiple < min(MAX_LAG - 2, 8 * _REFINE_BELOW)]
        if not len(rows):
            break
        around = np.rint(lag[rows] * multiple).astype(np.intp)
        reach = np.arange(-1, 2)
        near = normalised[rows[:, None], around[:, None] + reach]
        at = around + reach[np.argmin(near, axis=1)]
        better, _ = _parabola(normalised, rows, at)
        lag[rows] = better / multiple
    return lag
