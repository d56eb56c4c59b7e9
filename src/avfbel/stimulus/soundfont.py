"""Notes played by the user's own sound font, through FluidSynth."""

from __future__ import annotations

import ctypes
import math
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import InputError, UsageError
from avfbel.stimulus.score import Note, Score

GAIN = 1.0  # of FluidSynth: a note at full velocity comes near full scale
_BLOCK = 64  # samples: FluidSynth takes commands at the starts of its blocks
_SILENT: dict[str, Any] = {
    "synth.reverb.active": 0,
    "synth.chorus.active": 0,
    "synth.midi-channels": 16,
    "synth.cpu-cores": 1,
}


def play(score: Score, path: str | Path, *, rate: int) -> NDArray[np.float64]:
    """Play a score with the first program of a sound font, without reverb and chorus.

    Each note is played by itself and put in its place, so that it starts on its sample. A key comes up at the
    nearest 64th sample; what the sound font lets ring then may sound into the next note.

    Parameters
    ----------
    score : Score
    path : str or Path
        A sound font (.sf2 or .sf3) with a program 0 in bank 0: the acoustic piano of General MIDI.
    rate : int
        Samples a second, 8000 to 96000.

    Returns
    -------
    ndarray, shape (n_samples, 2)
        Left and right; may go beyond 1. As long as the film.

    Raises
    ------
    UsageError
        If FluidSynth is not there, or cannot play at `rate`.
    InputError
        If the file is missing, is no sound font, or has no such program.

    References
    ----------
    .. [1] FluidSynth, a software synthesizer based on the SoundFont 2 specifications, fluidsynth.org.
    """
    if not 8000 <= rate <= 96000:
        raise UsageError(f"a sound font plays at 8000 to 96000 samples a second, got {rate}")
    path = Path(path)
    _check_file(path)
    fluidsynth = _fluidsynth()
    synth = fluidsynth.Synth(gain=GAIN, samplerate=float(rate), **_SILENT)
    try:
        font = synth.sfload(os.fspath(path))
        if font < 0:
            raise InputError(f"{path} cannot be played: it is no complete sound font (.sf2)")
        if synth.program_select(0, font, 0, 0) != fluidsynth.FLUID_OK:
            raise InputError(f"{path} has no program 0 in bank 0, the piano: choose another sound font")
        out = np.zeros((round(score.length_s * rate), 2))
        for note in score.notes:
            start = round(note.onset_s * rate)
            out[start:] += _sound(fluidsynth, synth, note, len(out) - start, rate)
        return out
    finally:
        synth.delete()


def _check_file(path: Path) -> None:
    """Raise InputError unless a file starts as a sound font does."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except FileNotFoundError:
        raise InputError(f"there is no sound font {path}: give the path of a .sf2 file") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read as a sound font: {error.strerror}") from error
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise InputError(f"{path} is no sound font: give the path of a .sf2 file")
    if path.stat().st_size < 8 + int.from_bytes(head[4:8], "little"):
        raise InputError(f"{path} is cut short: copy or download the sound font again")


def _fluidsynth() -> ModuleType:
    """Import the binding, with its error messages off."""
    try:
        import fluidsynth
    except ImportError as error:
        raise UsageError(
            'a sound font needs FluidSynth: run `pip install "avfbel[soundfont]"` and install the system '
            "library (Debian and Ubuntu: apt install libfluidsynth3; macOS: brew install fluid-synth), or "
            "leave the sound font out"
        ) from error
    for level in range(4):
        fluidsynth._fl.fluid_set_log_function(level, None, None)
    module: ModuleType = fluidsynth
    return module


def _sound(fluidsynth: ModuleType, synth: Any, note: Note, n: int, rate: int) -> NDArray[np.float64]:
    """One note from its start to the end of the clip, shape (n, 2)."""
    held = max(1, round(note.duration_s * rate / _BLOCK)) * _BLOCK
    whole = math.ceil(n / _BLOCK) * _BLOCK
    synth.noteon(0, note.pitch, note.velocity)  # unheard: only a voice that was used before starts at once
    _render(fluidsynth, synth, _BLOCK)
    synth.all_sounds_off(0)
    _render(fluidsynth, synth, 4 * _BLOCK)  # until it is silent
    synth.noteon(0, note.pitch, note.velocity)
    parts = [_render(fluidsynth, synth, min(held, whole))]
    if held < whole:
        synth.noteoff(0, note.pitch)
        parts.append(_render(fluidsynth, synth, whole - held))
    return np.concatenate(parts)[:n]


def _render(fluidsynth: ModuleType, synth: Any, n: int) -> NDArray[np.float64]:
    """The next samples in single precision: 16 bits would come with random dither."""
    buffer = np.zeros((n, 2), np.float32)
    pointer = buffer.ctypes.data_as(ctypes.c_void_p)
    write = fluidsynth._fl.fluid_synth_write_float
    write.argtypes = [ctypes.c_void_p, ctypes.c_int, *[ctypes.c_void_p, ctypes.c_int, ctypes.c_int] * 2]
    if write(synth.synth, n, pointer, 0, 2, pointer, 1, 2) != fluidsynth.FLUID_OK:
        raise RuntimeError("FluidSynth could not render")
    return buffer.astype(np.float64)
