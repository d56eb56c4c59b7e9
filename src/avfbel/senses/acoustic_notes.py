"""Notes, as heard: where something begins to sound, at what pitch, and for how long."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.senses.acoustic_frames import (
    BLOCKS_PER_S,
    FLOOR,
    Frames,
    flux_time,
    pitch_time,
)
from avfbel.senses.acoustic_tonality import mean_consonance

VOICED = 0.25
"""Aperiodicity below which a frame has a pitch."""

MIN_FLUX = 0.05
"""Least spectral flux of an onset, dimensionless, above `FLUX_OVER_MEAN` times the mean around it."""

FLUX_OVER_MEAN = 1.3
AROUND_S = 0.1
"""An onset stands out from the mean flux within this time, in s."""

APART_S = 0.04
"""Two onsets are at least this far apart, in s."""

SAME_PITCH = 0.8
"""Pitches nearer than this, in semitones, are one."""

MIN_RUN = 3
"""Pitch estimates in a row that make a note of its own where no onset is heard: 67 ms."""

FALL_DB, FALL_S = 6.0, 4 / BLOCKS_PER_S
"""A note is released where its level falls by so many dB within so many s, and does not come back."""

FADED_DB = 40.0
"""A note has ended, at the latest, so many dB below its loudest."""


class HeardNote(NamedTuple):
    """One note: onset and sounding length in s, pitch in (fractional) MIDI numbers, NaN if it has none."""

    onset_s: float
    duration_s: float
    pitch: float


def find_onsets(frames: Frames) -> NDArray[np.float64]:
    """Return the times, in s from the start of the grid, at which something begins to sound, ascending.

    Peaks of the spectral flux that stand out from what is around them, while there is sound.
    """
    flux = frames.flux
    n = len(flux)
    if n < 3:
        return np.empty(0)
    reach = round(AROUND_S * BLOCKS_PER_S)
    cumulated = np.concatenate([[0.0], np.cumsum(flux)])
    k = np.arange(n)
    low, high = np.maximum(k - reach, 0), np.minimum(k + reach + 1, n)
    around = (cumulated[high] - cumulated[low]) / (high - low)
    padded = np.concatenate([[-1.0], flux, [math.inf]])  # the last one may still rise
    peak = (flux > padded[:-2]) & (flux >= padded[2:]) & (flux > MIN_FLUX + FLUX_OVER_MEAN * around)
    times, chosen = flux_time(frames), []
    for candidate in np.flatnonzero(peak):
        if chosen and times[candidate] - times[chosen[-1]] < APART_S:
            if flux[candidate] > flux[chosen[-1]]:
                chosen[-1] = candidate
        else:
            chosen.append(candidate)
    return times[chosen] if chosen else np.empty(0)


def find_notes(frames: Frames) -> list[HeardNote]:
    """Segment sound into notes, by onsets and by changes of pitch.

    Parameters
    ----------
    frames : Frames
        The analysed sound; a note that sounds from the start on has no onset and is left out.

    Returns
    -------
    list of HeardNote
        In order of onset. Also what has no pitch, like a drum, is a note here.
    """
    onsets = find_onsets(frames)
    end_s = (frames.first + len(frames.flux)) / BLOCKS_PER_S
    voiced = np.flatnonzero(frames.aperiodicity < VOICED)
    time_s = pitch_time(frames)[voiced]
    semitone = 69 + 12 * np.log2(frames.f0[voiced] / 440)
    notes = []
    for start, stop in zip(onsets, [*onsets[1:], end_s], strict=True):
        inside = (time_s >= start) & (time_s < stop)
        parts = _split(time_s[inside], semitone[inside], start)
        for (onset, pitch), (until, _) in zip(parts, [*parts[1:], (stop, math.nan)], strict=True):
            notes.append(HeardNote(float(onset), _sounding_s(frames, onset, until), float(pitch)))
    return notes


def _split(
    time_s: NDArray[np.float64], semitone: NDArray[np.float64], onset: float
) -> list[tuple[float, float]]:
    """Return onset and pitch of the runs of stable pitch that follow an onset."""
    if not len(time_s):
        return [(onset, math.nan)]
    breaks = np.flatnonzero(np.abs(np.diff(semitone)) > SAME_PITCH) + 1
    runs = [run for run in np.split(np.arange(len(time_s)), breaks) if len(run) >= MIN_RUN]
    if not runs:
        return [(onset, float(np.median(semitone)))]
    parts = [(onset, float(np.median(semitone[runs[0]])))]
    for run in runs[1:]:
        pitch = float(np.median(semitone[run]))
        step = abs(pitch - parts[-1][1])
        if (
            step > SAME_PITCH and abs(step - 12 * round(step / 12)) > SAME_PITCH
        ):  # an octave is rather an error
            parts.append((float(time_s[run[0]]), pitch))
    return parts


def _sounding_s(frames: Frames, onset: float, until: float) -> float:
    """Return how long what begins at `onset` sounds, at most up to `until`, in s."""
    low = max(0, math.floor(onset * BLOCKS_PER_S) - frames.first)
    high = max(low + 1, math.ceil(until * BLOCKS_PER_S) - frames.first)
    level = 20 * np.log10(np.maximum(frames.level[low:high], 1e-6))
    if not len(level):
        return until - onset
    loudest = int(np.argmax(level))
    over = level[loudest:]
    best_later = np.maximum.accumulate(over[::-1])[::-1]  # the loudest that is still to come
    ended = (best_later < level[loudest] - FADED_DB) | (best_later < 20 * math.log10(FLOOR))
    n_fall = round(FALL_S * BLOCKS_PER_S)
    fall = np.zeros(len(over), bool)
    fall[: max(0, len(over) - n_fall)] = best_later[n_fall:] < over[: max(0, len(over) - n_fall)] - FALL_DB
    k = int(np.argmax(np.append(ended | fall, True)))
    sounding = (frames.first + low + loudest + k) / BLOCKS_PER_S - onset
    return float(min(max(sounding, 1 / BLOCKS_PER_S), until - onset))


def onset_rate(onsets: NDArray[np.float64]) -> float:
    """Return 60 / the mean time between successive onsets, in bpm; NaN with fewer than two.

    Examples
    --------
    >>> onset_rate(np.array([0.0, 0.5, 1.0]))
    120.0
    """
    if len(onsets) < 2:
        return math.nan
    return 60 * (len(onsets) - 1) / float(onsets[-1] - onsets[0])


def downward_share(pitches: NDArray[np.float64]) -> float:
    """Return the share of downward steps among those between successive pitches (MIDI); NaN without any.

    Examples
    --------
    >>> downward_share(np.array([60.0, 64.0, 62.0, 60.0, 60.1]))
    0.6666666666666666
    """
    steps = np.diff(pitches[np.isfinite(pitches)])
    steps = steps[np.abs(steps) >= SAME_PITCH]
    return float(np.mean(steps < 0)) if len(steps) else math.nan


def harmony(pitches: NDArray[np.float64]) -> float:
    """Return the mean consonance of the pitch classes of pitches (MIDI numbers), NaN with fewer than two.

    Pitches are rounded to semitones after their common mistuning is taken out.

    Examples
    --------
    >>> round(harmony(np.array([60.3, 67.3])), 2)  # a fifth, a third of a semitone sharp
    1.24
    """
    heard = pitches[np.isfinite(pitches)]
    if not len(heard):
        return math.nan
    mistuning = np.angle(np.exp(2j * math.pi * heard).mean()) / (2 * math.pi)
    return mean_consonance(np.rint(heard - mistuning).astype(np.intp) % 12)
