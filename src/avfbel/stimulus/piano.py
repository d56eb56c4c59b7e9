"""The piano: one key as a sum of stretched, decaying partials, with the noise of its hammer.

Strings are stiff, so partials are stretched [1]_; the hammer strikes at an eighth of the string, which
silences every eighth partial; its felt is softer in the bass, and the soundboard radiates the lowest partials
badly; each partial decays fast at first and slowly later, because the strings of a key first move together
and then against each other [2]_. All keys are equally loud.

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

from avfbel.stimulus.exact import exact_exp, exact_power_of_two, exact_turn
from avfbel.stimulus.loudness import k_weighting

STRIKE_POINT = 1 / 8  # of the string
SOUNDBOARD_HZ = 40.0  # it radiates less and less below
DECAY_SECONDS = 0.6  # time constant of the fast decay of middle C, but for the loss at high frequencies
DECAY_HALVES = 60  # semitones up for half of it
LOSS_HZ = 4000.0  # here, wood and air take as much as the soundboard does at any frequency
SLOW_SHARE = 0.25  # of a partial's amplitude, decaying slowly
SLOWER = 5.0  # the slow decay lasts this many times the fast one
DETUNING = 0.00025  # of the slow part against the fast one: 0.43 cents, a beat of 0.25 Hz at 1 kHz
ATTACK_SECONDS = 0.0025  # the hammer's time on the string, at whose end all partials move together
NOISE_SECONDS = 0.012  # time constant of the hammer's knock
NOISE_LEVEL = 0.036  # of the knock at its start, root mean square, of full scale
LEVEL = 0.126  # of every key in the time below, root mean square after K-weighting, of full scale
LEVEL_SECONDS = 0.9
MAX_PARTIALS = 100
_FAINTEST = 1e-3  # of the strongest partial: fainter ones are left out
_GONE = 1e-6  # of full scale: what has decayed below is left out
_BLOCK = 512


class Partials(NamedTuple):
    """The partials of one key, each array of shape (n,)."""

    frequency_hz: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    """At the strike, of full scale."""
    decay_s: NDArray[np.float64]
    """Time constant of the fast decay."""


def key_frequency(pitch: int) -> float:
    """Give the frequency of a MIDI pitch in Hz, with A4 = 440 Hz in equal temperament.

    Examples
    --------
    >>> key_frequency(69), round(key_frequency(60), 3)
    (440.0, 261.626)
    """
    return 440.0 * exact_power_of_two((pitch - 69) / 12)


def inharmonicity(pitch: int) -> float:
    """Give the inharmonicity coefficient B of a typical piano's key (Rigaud et al. 2013), dimensionless.

    Partial k of a stiff string lies at ``k * f * sqrt(1 + B * k**2)``, where f is the first partial of the
    string without stiffness.

    Examples
    --------
    >>> round(inharmonicity(60), 5)
    0.00033
    """
    return float(exact_exp(-0.0847 * pitch - 5.82) + exact_exp(0.0926 * pitch - 13.64))


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
    k = np.arange(1.0, MAX_PARTIALS + 1)
    frequency = k * first * np.sqrt((1 + b * (k * k)) / (1 + b))
    corner = 700 + 2.2 * first  # the felt of a low key is softer, in Hz
    _, strike = exact_turn(k * STRIKE_POINT / 2)
    amplitude = np.abs(strike) / np.sqrt(k) * exact_exp(-frequency / corner)
    amplitude *= frequency / np.sqrt(frequency * frequency + SOUNDBOARD_HZ * SOUNDBOARD_HZ)
    kept = (frequency < 0.45 * rate) & (amplitude > _FAINTEST * amplitude.max())
    frequency, amplitude = frequency[kept], amplitude[kept]
    decay = DECAY_SECONDS * exact_power_of_two(-(pitch - 60) / DECAY_HALVES) / (1 + frequency / LOSS_HZ)
    return Partials(frequency, amplitude * (LEVEL / math.sqrt(_power(frequency, amplitude, decay))), decay)


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
        Read-only, and kept for the next call; full scale is 1. The same key always sounds the same, to the
        last bit.

    Examples
    --------
    >>> piano_tone(60, 4410).shape
    (4410,)
    """
    n_blocks = -(-n_samples // _BLOCK)
    tone, product = np.zeros((n_blocks, _BLOCK)), np.empty((n_blocks, _BLOCK))
    frequency, amplitude, decay = _strings(partials(pitch, rate))
    blocks, within = np.arange(n_blocks) * (_BLOCK / rate), np.arange(_BLOCK) / rate
    # sin(a + b) exp(c + d) is a sum of two products: cheaper than a sine for every sample
    level = amplitude * exact_exp(-blocks / decay)
    cosine, sine = exact_turn(frequency * (blocks - ATTACK_SECONDS)) * level
    cosine_within, sine_within = exact_turn(frequency * within) * exact_exp(-within / decay)
    for k, m in enumerate(np.count_nonzero(level > _GONE, axis=1)):
        for start, inside in ((sine, cosine_within), (cosine, sine_within)):
            tone[:m] += np.multiply(start[k, :m, None], inside[k], out=product[:m])
    sound = tone.reshape(-1)[:n_samples]
    knock = _knock(pitch, n_samples, rate)
    sound[: len(knock)] += knock
    rise = np.arange(min(n_samples, math.ceil(ATTACK_SECONDS * rate)))
    sound[: len(rise)] *= 0.5 - 0.5 * exact_turn(rise / (2 * ATTACK_SECONDS * rate))[0]
    sound.flags.writeable = False
    return sound


def _strings(keys: Partials) -> Partials:
    """Partials of the strings together, which decay fast, and of what is left, each of shape (2 n, 1)."""
    together = (1 - SLOW_SHARE) * keys.amplitude, SLOW_SHARE * keys.amplitude
    return Partials(
        np.concatenate([keys.frequency_hz, keys.frequency_hz * (1 + DETUNING)])[:, None],
        np.concatenate(together)[:, None],
        np.concatenate([keys.decay_s, keys.decay_s * SLOWER])[:, None],
    )


def _power(
    frequency: NDArray[np.float64], amplitude: NDArray[np.float64], decay: NDArray[np.float64]
) -> float:
    """Mean power of decaying partials after K-weighting, in the first LEVEL_SECONDS."""
    squared = np.zeros_like(decay)  # mean square of the envelope
    for a, slower_a in ((1 - SLOW_SHARE, 1.0), (SLOW_SHARE, SLOWER)):
        for b, slower_b in ((1 - SLOW_SHARE, 1.0), (SLOW_SHARE, SLOWER)):
            lasting = decay / (1 / slower_a + 1 / slower_b) / LEVEL_SECONDS
            squared += a * b * lasting * (1 - exact_exp(-1 / lasting))
    return math.fsum(k_weighting(frequency) * amplitude * amplitude * squared / 2)


def _knock(pitch: int, n_samples: int, rate: int) -> NDArray[np.float64]:
    """Noise of the hammer and the key bed, shape (n,) with at most `n_samples`."""
    n, smooth = int(8 * NOISE_SECONDS * rate), max(1, round(rate / 5500))
    dull = np.random.Generator(np.random.PCG64(pitch)).random(n + 3 * smooth) - 0.5
    for _ in range(3):  # little is left above 3 kHz
        dull = np.add.reduce([dull[k : len(dull) - smooth + k] for k in range(smooth)])
    dull = dull * (NOISE_LEVEL / math.sqrt(math.fsum(dull * dull) / n))
    return (dull * exact_exp(-np.arange(n) / (NOISE_SECONDS * rate)))[:n_samples]
