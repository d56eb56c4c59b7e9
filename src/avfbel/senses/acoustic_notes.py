"""Notes, as heard: where something begins to sound, at what pitch, and for how long."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.senses.acoustic_frames import (
    BLOCKS_PER_S,
    Frames,
    flux_time,
    pitch_time,
)
from avfbel.senses.acoustic_pitch import FLOOR
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

MIN_RUN = 2
"""Pitch estimates in a row that make a note of its own where no onset is heard: 67 ms."""

FALL_DB, FALL = 6.0, 4
"""A note is released where its level falls by so many dB within so many blocks, and does not come back."""

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
    around = (cumulated[high] - cumulated[low]) / (2 * reach + 1)  # outside, nothing changes
    padded = np.concatenate([[-1.0], flux, [math.inf]])  # the last one may still rise
    peak = (flux > padded[:-2]) & (flux >= padded[2:]) & (flux > MIN_FLUX + FLUX_OVER_MEAN * around)
    times = flux_time(frames)
    chosen: list[np.intp] = []
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
    first_s, end_s = frames.first / BLOCKS_PER_S, frames.end / BLOCKS_PER_S
    level = 20 * np.log10(np.maximum(frames.level, 1e-6))
    voiced = np.flatnonzero(frames.aperiodicity < VOICED)
    time_s = pitch_time(frames)[voiced]
    semitone = 69 + 12 * np.log2(frames.f0[voiced] / 440)
    notes = []
    for start, stop in itertools.pairwise([*onsets, end_s]):
        inside = (time_s >= start) & (time_s < stop)
        parts = _split(time_s[inside], semitone[inside], start)
        for (onset, pitch), (until, _) in itertools.pairwise([*parts, (stop, math.nan)]):
            length_s = _sounding_s(level, onset - first_s, until - first_s)
            notes.append(HeardNote(float(onset), length_s, float(pitch)))
    return notes


def _split(
    time_s: NDArray[np.float64], semitone: NDArray[np.float64], onset: float
) -> list[tuple[float, float]]:
    """Return onset and pitch of the runs of stable pitch that follow an onset."""
    if not len(time_s):
        return [(onset, math.nan)]
    breaks = np.flatnonzero(np.abs(np.diff(semitone)) > SAME_PITCH) + 1
    bounds = itertools.pairwise([0, *breaks.tolist(), len(semitone)])
    runs = [(low, high) for low, high in bounds if high - low >= MIN_RUN]
    if not runs:
        return [(onset, _median(semitone))]
    parts = [(onset, _median(semitone[slice(*runs[0])]))]
    for low, high in runs[1:]:
        pitch = _median(semitone[low:high])
        step = abs(pitch - parts[-1][1])
        if (
            step > SAME_PITCH and abs(step - 12 * round(step / 12)) > SAME_PITCH
        ):  # an octave is rather an error
            parts.append((float(time_s[low]), pitch))
    return parts


def _median(values: NDArray[np.float64]) -> float:
    """Return the median of a few values: np.median, without what makes it slow for few."""
    ordered = np.sort(values)
    return float(ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2


def _sounding_s(level: NDArray[np.float64], onset: float, until: float) -> float:
    """Return how long, in s, what begins at `onset` sounds, at most up to `until`; level of blocks in dB."""
    low = max(0, math.floor(onset * BLOCKS_PER_S))
    heard = level[low : max(low + 1, math.ceil(until * BLOCKS_PER_S))]
    if not len(heard):
        return until - onset
    loudest = int(heard.argmax())
    heard = heard[loudest:]
    to_come = np.maximum.accumulate(heard[::-1])[::-1]  # the loudest from here on
    ended = to_come < max(heard[0] - FADED_DB, 20 * math.log10(FLOOR))
    ended[:-FALL] |= to_come[FALL:] < heard[:-FALL] - FALL_DB
    n_blocks = loudest + (int(ended.argmax()) if ended.any() else len(heard))
    sounding = (low + n_blocks) / BLOCKS_PER_S - onset
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
