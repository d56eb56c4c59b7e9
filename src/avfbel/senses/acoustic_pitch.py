"""Fundamental frequency by the YIN method, many frames at once."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE = 22050
"""Samples per second in which the ear works."""

YIN_WINDOW = 1024
"""Samples that are compared with themselves one lag earlier."""

MAX_LAG = 1376
"""Longest lag in samples: 16.02 Hz, below the lowest C of the range (MIDI 12)."""

FLOOR = 1e-3
"""Root mean square of what counts as silence, full scale 1: −60 dBFS."""

MIN_LAG = 4
"""Shortest lag in samples: 5.5 kHz; between samples, 6.3 kHz."""

SHORT_LAG = 512
"""Lags up to this, in samples, are tried first: pitches from 43 Hz."""

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
        one period back; where that is silent, there is no pitch.

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
    f0, aperiodicity = np.full(len(frames), np.nan), np.ones(len(frames))
    # The first dip below 0.1 decides; only where there is none among short lags are the long ones needed.
    todo = np.flatnonzero(frames[:, -YIN_WINDOW:].std(axis=1) > FLOOR)
    for longest in (SHORT_LAG, MAX_LAG):
        if len(todo):
            lag, depth = _first_dip(_normalised_difference(frames[todo], longest))
            done = depth < DIP if longest < MAX_LAG else depth < np.inf
            f0[todo[done]], aperiodicity[todo[done]] = RATE / lag[done], np.clip(depth[done], 0, None)
            todo = todo[~done]
    return Pitch(f0, aperiodicity)


def _first_dip(normalised: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return lag, in samples, and depth of the dip that YIN chooses, each (n,); without any, infinite."""
    inner = normalised[:, 1:-1]
    dips = (inner <= normalised[:, :-2]) & (inner < normalised[:, 2:])
    dips[:, : MIN_LAG - 1] = False
    depth = np.where(dips, inner, np.inf)
    row, column = np.nonzero(
        dips[:, :_REFINE_BELOW]
    )  # between two samples, a short dip is deeper than at them
    depth[row, column] = _parabola(normalised, row, column + 1)[1]
    least = depth.min(axis=1)
    limit = np.where(least < DIP, DIP, least + DIP)
    chosen = np.argmax(depth <= limit[:, None], axis=1)
    rows = np.arange(len(normalised))
    lag, _ = _parabola(normalised, rows, chosen + 1)
    return _refined(normalised, lag), depth[rows, chosen].astype(np.float64)


def _normalised_difference(frames: NDArray[np.float32], longest: int) -> NDArray[np.float32]:
    """Return YIN's d′ for lags 0 … `longest`, shape (n, longest + 1); 1 where nothing sounds."""
    from scipy import fft

    length = YIN_WINDOW + longest
    backwards = frames[:, : -length - 1 : -1]  # lag τ: sample j against sample j + τ
    backwards = backwards - backwards.mean(axis=1, keepdims=True)
    spectrum = fft.rfft(backwards, axis=1)
    spectrum *= fft.rfft(backwards[:, :YIN_WINDOW], n=length, axis=1).conj()
    difference = fft.irfft(spectrum, n=length, axis=1)[:, : longest + 1].astype(np.float64)
    difference *= -2
    energy = np.cumsum(np.square(backwards), axis=1, dtype=np.float64)
    difference += energy[:, YIN_WINDOW - 1 :]
    difference[:, 1:] -= energy[:, :longest]
    difference += energy[:, YIN_WINDOW - 1, None]
    difference[:, 0] = 0
    np.maximum(difference, 0, out=difference)
    mean = np.cumsum(difference, axis=1)
    mean /= _lags(longest)
    floor = 1e-9 * energy[:, -1:] + 1e-12
    normalised = np.ones(difference.shape, np.float32)
    np.divide(difference, mean, out=normalised, where=mean > floor, casting="unsafe")
    return normalised


@functools.cache
def _lags(longest: int) -> NDArray[np.float64]:
    return np.maximum(np.arange(longest + 1, dtype=np.float64), 1.0)


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


def _refined(normalised: NDArray[np.float32], lag: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sharpen short lags: the dip at 2, 4, … times the lag is found with the same error, in samples."""
    lag = lag.copy()
    for multiple in (2, 4, 8, 16):
        rows = np.flatnonzero((lag < _REFINE_BELOW) & (lag * multiple < 8 * _REFINE_BELOW))
        if not len(rows):
            break
        around = np.rint(lag[rows] * multiple).astype(np.intp)
        reach = np.arange(-1, 2)
        near = normalised[rows[:, None], around[:, None] + reach]
        at = around + reach[np.argmin(near, axis=1)]
        lag[rows] = _parabola(normalised, rows, at)[0] / multiple
    return lag
