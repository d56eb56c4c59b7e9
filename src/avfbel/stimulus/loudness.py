"""Loudness as broadcasters measure it: ITU-R BS.1770, in LUFS.

References
----------
.. [1] ITU-R (2023), *Algorithms to measure audio programme loudness and true-peak audio level*,
   Recommendation BS.1770-5.
.. [2] Steinmetz & Reiss (2021), pyloudnorm: a simple yet flexible loudness meter in Python, *150th AES
   Convention*.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import UsageError
from avfbel.stimulus.exact import exact_power_of_two

LOUDNESS_RANGE = (-60.0, -5.0)  # LUFS; near its limit of -70, the meter would leave soft parts out
PEAK = 0.891  # of full scale, just below -1 dB: no sample goes beyond it
BLOCK_SECONDS = 0.4  # what the meter listens to at once
_GAIN_STEP = 0.01  # dB: the last bits of the meter do not reach the samples
_TRIES = 5
_LOG2_10 = 3.321928094887362

Number = TypeVar("Number", float, NDArray[np.float64])


def check_loudness(loudness: float) -> None:
    """Raise UsageError unless a sound can be asked to be this loud, in LUFS.

    Examples
    --------
    >>> check_loudness(-23)
    >>> check_loudness(3)
    Traceback (most recent call last):
    ...
    avfbel.errors.UsageError: the loudness must be from -60 to -5 LUFS, got 3
    """
    low, high = LOUDNESS_RANGE
    if not low <= loudness <= high:
        raise UsageError(f"the loudness must be from {low:g} to {high:g} LUFS, got {loudness:g}")


def integrated_loudness(samples: NDArray[np.float64], *, rate: int) -> float:
    """Measure the integrated loudness of a sound.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels)
        Full scale is 1.
    rate : int
        Samples a second.

    Returns
    -------
    float
        In LUFS; minus infinity for silence.

    Raises
    ------
    UsageError
        If the sound is shorter than 0.4 s.

    Examples
    --------
    A sine of 997 Hz at full scale in one of two channels has -3.01 LUFS by definition.

    >>> sine = np.sin(2 * np.pi * 997 * np.arange(48000) / 48000)
    >>> abs(integrated_loudness(np.stack([sine, 0 * sine], axis=1), rate=48000) + 3.01) < 0.1
    True
    """
    from pyloudnorm import Meter

    if len(samples) < BLOCK_SECONDS * rate:
        raise UsageError(
            f"loudness is measured over at least {BLOCK_SECONDS:g} s, and the sound lasts "
            f"{len(samples) / rate:.3g} s: ask for a longer clip, or for no loudness"
        )
    if not samples.any():
        return -math.inf
    return float(Meter(rate, block_size=BLOCK_SECONDS).integrated_loudness(samples))


def normalize(samples: NDArray[np.float64], loudness: float, *, rate: int) -> NDArray[np.float64]:
    """Bring a sound to an integrated loudness.

    The gain is rounded to 0.01 dB.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels)
        Full scale is 1.
    loudness : float
        In LUFS.
    rate : int
        Samples a second.

    Returns
    -------
    ndarray, shape (n_samples, n_channels)

    Raises
    ------
    UsageError
        If the loudness is out of range, the sound too short or too soft to measure, or it would go beyond
        -1 dB of full scale.

    Examples
    --------
    >>> from avfbel.stimulus import compose, named, synthesize
    >>> samples = synthesize(compose(named("happy"), seed=7))
    >>> round(integrated_loudness(normalize(samples, -23, rate=44100), rate=44100), 1)
    -23.0
    """
    check_loudness(loudness)
    first = now = integrated_loudness(samples, rate=rate)
    gain_db, louder = 0.0, samples
    for _ in range(_TRIES):  # more than one only where the meter's lower limit cuts soft parts off
        if not math.isfinite(now):
            raise UsageError("the sound is too soft to have that loudness: ask for more, or leave it out")
        gain_db = round(gain_db + loudness - now, 2)
        louder = samples * exact_power_of_two(gain_db / 20 * _LOG2_10)
        now = integrated_loudness(louder, rate=rate)
        if abs(now - loudness) <= _GAIN_STEP:
            break
    if np.abs(louder).max() > PEAK:
        loudest = first + 20 * math.log10(PEAK / float(np.abs(samples).max()))
        raise UsageError(
            f"at {loudness:g} LUFS the sound would go beyond -1 dB of full scale: ask for at most "
            f"{math.floor((loudest - _GAIN_STEP) * 100) / 100:.2f} LUFS"
        )
    return louder


def k_weighting(frequency_hz: Number) -> Number:
    """Give the gain in power with which BS.1770 counts a frequency: the response of its two analogue filters.

    Parameters
    ----------
    frequency_hz : float or ndarray

    Returns
    -------
    float or ndarray
        Of the shape of `frequency_hz`, dimensionless; 1.16 (0.65 dB) at 997 Hz.

    Examples
    --------
    >>> round(k_weighting(997.0), 2), round(k_weighting(38.0), 2)
    (1.16, 0.25)
    """
    # a shelf of 4 dB above 1682 Hz for the head, and a high pass at 38 Hz: corner, quality and gains of [1]_
    shelf, quality, high, middle = 1681.974, 0.7071752, 1.5848647, 1.2587209
    r = frequency_hz / shelf
    q = r / quality
    up = (1 - high * r * r) * (1 - high * r * r) + middle * q * middle * q
    head = up / ((1 - r * r) * (1 - r * r) + q * q)
    r = frequency_hz / 38.13547
    q = r / 0.5003270
    return head * (r * r * r * r) / ((1 - r * r) * (1 - r * r) + q * q)
