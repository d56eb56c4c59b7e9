"""The piano: one key as a sum of stretched, decaying partials, with the noise of its hammer.

Strings are stiff, so partials are stretched [1]_; the hammer strikes at an eighth of the string, which
silences every eighth partial; each partial decays fast at first and slowly later, because the strings of a
key first move together and then against each other [2]_.

References
----------
.. [1] Rigaud, David & Daudet (2013), A parametric model and estimation techniques for the inharmonicity and
   tuning of the piano, *JASA* 133(5), 3107-3118.
.. [2] Weinreich (1977), Coupled piano strings, *JASA* 62(6), 1474-1484.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STRIKE_POINT = 1 / 8  # of the string
SLOW_SHARE = 0.25  # of a partial's amplitude, decaying slowly
SLOWER = 5.0  # the slow decay lasts this many times the fast one
ATTACK_SECONDS = 0.002
NOISE_SECONDS = 0.012  # time constant of the hammer's knock
NOISE_LEVEL = 0.19  # of the tone, in amplitude
LEVEL = 0.19  # root mean square just after the strike, of full scale
MAX_PARTIALS = 60
_BLOCK = 512


class Partials(NamedTuple):
    """The partials of one key, each array of shape (n,)."""

    frequency_hz: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    """Summing in power to a root mean square of 1."""
    decay_s: NDArray[np.float64]
    """Time constant of the fast decay."""


def key_frequency(pitch: int) -> float:
    """Give the frequency of a MIDI pitch in Hz, with A4 = 440 Hz in equal temperament.

    Examples
    --------
    >>> key_frequency(69), round(key_frequency(60), 3)
    (440.0, 261.626)
    """
    return 440.0 * math.pow(2, (pitch - 69) / 12)


def inharmonicity(pitch: int) -> float:
    """Give the inharmonicity coefficient B of a typical piano's key (Rigaud et al. 2013), dimensionless.

    Partial k of a stiff string lies at ``k * f * sqrt(1 + B * k**2)``.

    Examples
    --------
    >>> round(inharmonicity(60), 5)
    0.00033
    """
    return math.exp(-0.0847 * pitch - 5.82) + math.exp(0.0926 * pitch - 13.64)


def partials(pitch: int, rate: float) -> Partials:
    """Give the partials of a key; the first is in tune.

    Parameters
    ----------
    pitch : int
        MIDI note number, 0 to 127.
    rate : float
        Sample rate in Hz: partials stay below 0.45 of it.

    Returns
    -------
    Partials

    Examples
    --------
    >>> partials(69, 44100).frequency_hz[:3].round(1)
    array([ 440. ,  880.9, 1323.8])
    """
    b, first = inharmonicity(pitch), key_frequency(pitch)
    k = np.arange(1, MAX_PARTIALS + 1)
    frequency = k * first * np.sqrt((1 + b * k**2) / (1 + b))
    k, frequency = k[frequency < 0.45 * rate], frequency[frequency < 0.45 * rate]
    corner = 700 + 2.2 * first  # the felt of a low key is softer, in Hz
    amplitude = np.abs(np.sin(math.pi * k * STRIKE_POINT)) / k**0.6 * np.exp(-frequency / corner)
    amplitude *= math.sqrt(2) / np.sqrt(np.sum(amplitude**2))
    decay = 0.9 * 2 ** (-(pitch - 60) / 16) / (1 + (frequency / 4000) ** 1.2)
    return Partials(frequency, amplitude, decay)


@lru_cache(maxsize=256)
def piano_tone(pitch: int, n_samples: int, rate: int = 44100) -> NDArray[np.float64]:
    """Sound one key that is held down.

    Parameters
    ----------
    pitch : int
        MIDI note number, 0 to 127.
    n_samples : int
        Length of the tone.
    rate : int
        Samples a second.

    Returns
    -------
    ndarray, shape (n_samples,)
        Read-only, and kept for the next call; full scale is 1. The same key always sounds the same.

    Examples
    --------
    >>> piano_tone(60, 4410).shape
    (4410,)
    """
    keys = partials(pitch, rate)
    tone = np.zeros(-(-n_samples // _BLOCK) * _BLOCK).reshape(-1, _BLOCK)
    within, blocks = np.arange(_BLOCK) / rate, np.arange(len(tone)) * (_BLOCK / rate)
    for frequency, amplitude, decay in zip(*keys, strict=True):
        for share, lasting in ((1 - SLOW_SHARE, decay), (SLOW_SHARE, decay * SLOWER)):
            # exp(s (t1 + t2)) = exp(s t1) exp(s t2): a rank-two product instead of a sine for every sample
            s = complex(-1 / lasting, 2 * math.pi * frequency)
            start, inside = amplitude * share * np.exp(s * blocks), np.exp(s * within)
            tone += start.imag[:, None] * inside.real
            tone += start.real[:, None] * inside.imag
    sound = tone.reshape(-1)[:n_samples] + NOISE_LEVEL * _knock(pitch, n_samples, rate)
    attack = np.minimum(1, np.arange(n_samples) / (ATTACK_SECONDS * rate))
    sound *= LEVEL * np.sin(attack * math.pi / 2) ** 2
    sound.flags.writeable = False
    return sound


def _knock(pitch: int, n_samples: int, rate: int) -> NDArray[np.float64]:
    """Noise of the hammer and the key bed, shape (n_samples,), with a root mean square of 1 at its start."""
    n = min(n_samples, int(8 * NOISE_SECONDS * rate))
    white = np.random.Generator(np.random.PCG64(pitch)).standard_normal(n)
    dull = np.convolve(white, np.hanning(18)[1:-1], mode="full")[:n]  # little is left above 3 kHz at 44.1 kHz
    knock = np.zeros(n_samples)
    knock[:n] = dull / (np.sqrt(np.mean(dull**2)) or 1) * np.exp(-np.arange(n) / (NOISE_SECONDS * rate))
    return knock
