"""From score to sound: notes on a piano or as plain sines, in stereo, and the WAV file."""

from __future__ import annotations

import math
import wave
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import UsageError
from avfbel.stimulus.piano import key_frequency, piano_tone
from avfbel.stimulus.score import RELEASE_SECONDS, Score

Sound = Literal["piano", "sine"]

RATE = 44100  # samples a second
SINE_LEVEL = 0.25  # amplitude, of full scale
EDGE_SECONDS = 0.005  # rise and fall of a sine; fall at the end of the clip
WIDTH = 0.15  # of the keyboard in the stereo picture, in rad for 64 keys
PEAK = 0.98  # of full scale; a clip that would go beyond it is turned down as a whole
_CACHE_STEP = 0.25  # tones are kept in whole multiples of this, in s


def synthesize(score: Score, *, sound: Sound = "piano", rate: int = RATE) -> NDArray[np.float64]:
    """Sound a score.

    Parameters
    ----------
    score : Score
    sound : {"piano", "sine"}
        An additive piano, or plain sines.
    rate : int
        Samples a second.

    Returns
    -------
    ndarray, shape (n_samples, 2)
        Left and right, within [-1, 1]; as long as the film.

    Raises
    ------
    UsageError
        If there is no such sound.

    Examples
    --------
    >>> from avfbel.stimulus import compose, named
    >>> synthesize(compose(named("happy"), seed=7)).shape
    (196980, 2)
    """
    check_sound(sound)
    n = round(score.length_s * rate)
    out = np.zeros((n, 2))
    for note in score.notes:
        start = round(note.onset_s * rate)
        tone = _note(note.pitch, note.duration_s, sound, rate)[: n - start]
        angle = math.pi / 4 + WIDTH * (note.pitch - 64) / 64
        out[start : start + len(tone), 0] += tone * math.cos(angle) * math.sqrt(2)
        out[start : start + len(tone), 1] += tone * math.sin(angle) * math.sqrt(2)
    edge = min(n, round(EDGE_SECONDS * rate))
    out[n - edge :] *= np.linspace(1, 0, edge)[:, None]
    out *= min(1.0, PEAK / max(np.abs(out).max(), PEAK))
    return out


def check_sound(sound: str) -> None:
    """Raise UsageError if `sound` is neither "piano" nor "sine"."""
    if sound not in get_args(Sound):
        raise UsageError(f"the sound must be {' or '.join(get_args(Sound))}, got {sound!r}")


def to_pcm(samples: NDArray[np.float64]) -> NDArray[np.int16]:
    """Round samples within [-1, 1] to 16 bits.

    Raises
    ------
    ValueError
        If a sample is out of range: it would wrap round.

    Examples
    --------
    >>> to_pcm(np.array([-1.0, 0.0, 1.0]))
    array([-32767, 0, 32767], dtype=int16)
    """
    if not np.all(np.abs(samples) <= 1):
        raise ValueError("samples must be within [-1, 1]: lower the level")
    return np.rint(samples * 32767).astype(np.int16)


def write_wav(samples: NDArray[np.float64], path: str | Path, *, rate: int = RATE) -> None:
    """Write samples as a 16-bit WAV file.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels)
        Within [-1, 1].
    path : str or Path
        An existing file is overwritten.
    rate : int
        Samples a second.
    """
    with Path(path).open("wb") as stream, wave.open(stream, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(to_pcm(samples).astype("<i2").tobytes())


def _note(pitch: int, duration_s: float, sound: Sound, rate: int) -> NDArray[np.float64]:
    """One note with its release, shape (n,)."""
    held, n = round(duration_s * rate), round((duration_s + RELEASE_SECONDS) * rate)
    if sound == "piano":
        kept = math.ceil((duration_s + RELEASE_SECONDS) / _CACHE_STEP) * _CACHE_STEP
        return piano_tone(pitch, round(kept * rate) + 1, rate)[:n] * _damper(pitch, n, held, rate)
    edge = EDGE_SECONDS * rate
    k = np.arange(n)
    envelope = np.clip(np.minimum(k / edge, 1 - (k - held) / edge), 0, 1)
    tone: NDArray[np.float64] = SINE_LEVEL * envelope * np.sin(2 * math.pi * key_frequency(pitch) / rate * k)
    return tone


def _damper(pitch: int, n: int, held: int, rate: int) -> NDArray[np.float64]:
    """Envelope of the damper, which falls after `held` samples and takes longer on the heavy low strings."""
    envelope = np.ones(n)
    after = np.arange(n - held) / rate
    time_constant = min(0.06, 0.035 * 2 ** (-(pitch - 60) / 36))
    envelope[held:] = np.exp(-after / time_constant) * (1 - after / RELEASE_SECONDS)
    return envelope
