"""From score to sound: notes on a piano, as plain sines or by a sound font, in stereo, and the WAV file."""

from __future__ import annotations

import math
import wave
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import UsageError
from avfbel.stimulus.exact import exact_exp, exact_power_of_two, exact_turn
from avfbel.stimulus.loudness import PEAK, normalize
from avfbel.stimulus.piano import key_frequency, piano_tone
from avfbel.stimulus.score import RELEASE_SECONDS, Score

Sound = Literal["piano", "sine"]

RATE = 44100  # samples a second
SINE_LEVEL = 0.25  # amplitude, of full scale
EDGE_SECONDS = 0.005  # rise and fall of a sine; fall at the end of the clip
WIDTH = 0.024  # of the keyboard in the stereo picture, in turns for 64 keys
_CACHE_STEP = 0.25  # tones are kept in whole multiples of this, in s


def synthesize(
    score: Score,
    *,
    sound: Sound = "piano",
    soundfont: str | Path | None = None,
    loudness: float | None = None,
    rate: int = RATE,
) -> NDArray[np.float64]:
    """Sound a score.

    Piano and sines have the same bits on every machine.

    Parameters
    ----------
    score : Score
    sound : {"piano", "sine"}
        An additive piano, or plain sines.
    soundfont : str or Path, optional
        A sound font (.sf2), whose piano plays instead.
    loudness : float, optional
        Integrated loudness in LUFS (ITU-R BS.1770); by default, as it comes.
    rate : int
        Samples a second.

    Returns
    -------
    ndarray, shape (n_samples, 2)
        Left and right, at most 0.891 (-1 dB) in size: a clip that would go beyond is turned down as a whole.
        As long as the film.

    Raises
    ------
    UsageError
        If there is no such sound, two sounds are asked for, or the sound cannot be that loud.
    InputError
        If the sound font cannot be played.

    Examples
    --------
    >>> from avfbel.stimulus import compose, named
    >>> synthesize(compose(named("happy"), seed=7)).shape
    (196980, 2)
    """
    check_sound(sound)
    if soundfont is not None:
        if sound != "piano":
            raise UsageError(f"a sound font plays instead of the {sound}: leave one of the two out")
        from avfbel.stimulus.soundfont import play

        out = play(score, soundfont, rate=rate)
    else:
        out = _play(score, sound, rate)
    edge = min(len(out), round(EDGE_SECONDS * rate))
    out[len(out) - edge :] *= np.linspace(1, 0, edge)[:, None]
    out *= min(1.0, PEAK / max(np.abs(out).max(initial=0), PEAK))
    return out if loudness is None else normalize(out, loudness, rate=rate)


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


def _play(score: Score, sound: Sound, rate: int) -> NDArray[np.float64]:
    """All notes, each at its place in the stereo picture, shape (n_samples, 2)."""
    n = round(score.length_s * rate)
    out = np.zeros((n, 2))
    for note in score.notes:
        start = round(note.onset_s * rate)
        tone = _note(note.pitch, note.duration_s, sound, rate)[: n - start]
        place = exact_turn(1 / 8 + WIDTH * (note.pitch - 64) / 64)
        for channel, gain in enumerate(place):
            out[start : start + len(tone), channel] += tone * (float(gain) * math.sqrt(2))
    return out


def _note(pitch: int, duration_s: float, sound: Sound, rate: int) -> NDArray[np.float64]:
    """One note with its release, shape (n,)."""
    held, n = round(duration_s * rate), round((duration_s + RELEASE_SECONDS) * rate)
    if sound == "piano":
        kept = math.ceil((duration_s + RELEASE_SECONDS) / _CACHE_STEP) * _CACHE_STEP
        tone: NDArray[np.float64] = piano_tone(pitch, round(kept * rate) + 1, rate)[:n].copy()
        tone[held:] *= _damper(pitch, rate)[: n - held]
        return tone
    edge = EDGE_SECONDS * rate
    k = np.arange(n)
    envelope = np.clip(np.minimum(k / edge, 1 - (k - held) / edge), 0, 1)
    sine: NDArray[np.float64] = SINE_LEVEL * envelope * exact_turn(key_frequency(pitch) / rate * k)[1]
    return sine


@lru_cache(maxsize=128)
def _damper(pitch: int, rate: int) -> NDArray[np.float64]:
    """Envelope of a string from key up to silence; the heavy low strings take longer."""
    after = np.arange(math.ceil(RELEASE_SECONDS * rate) + 1) / rate
    time_constant = min(0.038, 0.022 * exact_power_of_two(-(pitch - 60) / 48))
    envelope: NDArray[np.float64] = exact_exp(-after / time_constant) * np.maximum(
        0, 1 - after / RELEASE_SECONDS
    )
    envelope.flags.writeable = False
    return envelope
