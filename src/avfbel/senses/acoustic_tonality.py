"""Which pitch classes sound, where they lie in tonal space, and how well they agree."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
from numpy.typing import NDArray

from avfbel.senses.acoustic_pitch import RATE

CHROMA_FRAME = 4096
"""Samples of a chroma frame: 186 ms, which tells semitones apart down to 90 Hz."""

CHROMA_RANGE_HZ = (60.0, 4200.0)
"""Frequencies that count towards a pitch class: fundamentals and low partials."""

HURON_CONSONANCE = (1.428, -1.428, -0.582, 0.594, 0.386, 1.240, -0.453, 1.240, 0.386, 0.594, -0.582, -1.428)
"""Consonance (dimensionless) of 0 … 11 semitones, Huron (1994), Music Perception 11, 289–305."""

_RADII = (1.0, 1.0, 0.5)  # of the circles of fifths, minor thirds and major thirds
_STEPS = (7 / 6, 3 / 2, 2 / 3)  # angle of a semitone on each, in units of pi


def chroma(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the energy share of each pitch class in each frame.

    Only spectral peaks count, each at its interpolated frequency, which keeps neighbours apart.

    Parameters
    ----------
    frames : ndarray, shape (n, CHROMA_FRAME)
        Samples at 22 050 Hz.

    Returns
    -------
    ndarray, shape (n, 12)
        Shares from C to B, equal temperament at a′ = 440 Hz, rows of sum 1; NaN where no peak stands out.

    Examples
    --------
    >>> time_s = np.arange(CHROMA_FRAME) / RATE
    >>> int(chroma(np.sin(2 * np.pi * 440 * time_s)[None].astype(np.float32)).argmax())
    9
    """
    from scipy import fft

    window = _hann(CHROMA_FRAME)
    power = np.square(np.abs(fft.rfft(frames * window, axis=1)), dtype=np.float64)
    low, high = (round(hz * CHROMA_FRAME / RATE) for hz in CHROMA_RANGE_HZ)
    middle = power[:, low:high]
    left, right = power[:, low - 1 : high - 1], power[:, low + 1 : high + 1]
    strongest = power.max(axis=1, keepdims=True, initial=0.0)
    peaks = (middle > left) & (middle >= right) & (middle > 1e-5 * strongest) & (middle > 1e-9)
    rows, columns = np.nonzero(peaks)
    a, b, c = (np.log(part[rows, columns] + 1e-30) for part in (left, middle, right))
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.nan_to_num(0.5 * (a - c) / (a - 2 * b + c))
    hz = (columns + low + np.clip(shift, -0.5, 0.5)) * RATE / CHROMA_FRAME
    pitch_class = np.rint(69 + 12 * np.log2(hz / 440)).astype(np.intp) % 12
    weight = np.sqrt(middle[rows, columns])
    shares = np.bincount(rows * 12 + pitch_class, weight, 12 * len(frames)).astype(float).reshape(-1, 12)
    total = shares.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(shares, total, out=np.full_like(shares, np.nan), where=total > 0))


@functools.cache
def _hann(n: int) -> NDArray[np.float32]:
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) + 0.5) / n)
    return window.astype(np.float32)


def tonal_centroid(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the place of chroma vectors in six-dimensional tonal space [1]_.

    Parameters
    ----------
    shares : ndarray, shape (n, 12)
        Energy shares of the pitch classes, rows of sum 1.

    Returns
    -------
    ndarray, shape (n, 6)
        Sine and cosine on the circles of fifths, minor and major thirds, of radius 1, 1 and ½.

    References
    ----------
    .. [1] Harte, Sandler & Gasser (2006), Detecting harmonic change in musical audio, AMCMM, 21–26.

    Examples
    --------
    >>> fifth_up = tonal_centroid(np.eye(12))[7] - tonal_centroid(np.eye(12))[0]
    >>> float(np.hypot(*fifth_up[:2]).round(3))  # neighbours on the circle of fifths: 2 sin(15°)
    0.518
    """
    pitch_class = np.arange(12)
    basis = [
        radius * turn(math.pi * step * pitch_class)
        for radius, step in zip(_RADII, _STEPS, strict=True)
        for turn in (np.sin, np.cos)
    ]
    return np.asarray(shares @ np.stack(basis, axis=1))


def tonal_deviation(shares: NDArray[np.float64]) -> float:
    """Return the mean absolute deviation of the tonal centroid from its mean over time.

    Dimensionless, 0 while the harmony stands still and never above 1: the mean over frames and over the six
    dimensions. Rows of NaN are left out; NaN if no row is left.

    Parameters
    ----------
    shares : ndarray, shape (n, 12)
        Chroma of each frame.

    Examples
    --------
    >>> tonal_deviation(np.eye(12)[[0, 0, 0]])
    0.0
    """
    tonal = shares[np.isfinite(shares).all(axis=1)]
    if not len(tonal):
        return math.nan
    centroid = tonal_centroid(tonal)
    return float(np.mean(np.abs(centroid - centroid.mean(axis=0))))


def mean_consonance(pitch_classes: NDArray[np.intp]) -> float:
    """Return the mean consonance, after Huron, of all pairs of distinct pitch classes.

    Parameters
    ----------
    pitch_classes : ndarray of int, shape (n,)
        Sounded pitch classes 0 … 11, in any order, with or without repeats.

    Returns
    -------
    float
        Between −1.428 and 1.240, dimensionless; NaN if fewer than two distinct pitch classes sound.

    Examples
    --------
    >>> round(mean_consonance(np.array([0, 4, 7])), 3)  # a major triad
    0.74
    """
    distinct = sorted(set(pitch_classes.tolist()))
    pairs = [HURON_CONSONANCE[high - low] for low, high in itertools.combinations(distinct, 2)]
    return float(np.mean(pairs)) if pairs else math.nan
