"""The ear: seven features of sound, measured from its samples."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import UsageError
from avfbel.senses.acoustic_frames import BLOCKS_PER_S, HOP, LOOK_BACK, Frames, analyse, joined
from avfbel.senses.acoustic_notes import VOICED, HeardNote, downward_share, find_notes, harmony, onset_rate
from avfbel.senses.acoustic_pitch import FLOOR, RATE
from avfbel.senses.acoustic_tonality import tonal_deviation

CONTEXT_BLOCKS = 27
"""Blocks before a window in which it is already listened, to tell what sounds from what begins: 0.3 s."""

CONTEXT_S = (CONTEXT_BLOCKS * HOP + LOOK_BACK) / RATE
"""Nothing that lies longer than this before a window, in s, changes what is measured in it."""

DELAY = 63
"""Samples by which the ear lags, so that what a resampler holds back is not missed at a window's end."""

BATCH = 45
"""Blocks that are analysed at once: half a second, which fits into a processor's cache."""

SYNC_S = 0.03
"""Times that disagree with the number of samples by less than this, in s, are rounding."""


class AcousticMeasurement(NamedTuple):
    """What the ear measured in one window."""

    features: NDArray[
        np.float64
    ]  # (7,) pitch, tonnetz, rms, tempo, duration, direction, harmony; NaN unknown
    g_audio: float  # evidence gate: 0 below −60 dBFS, 1 from −40 dBFS
    notes: tuple[HeardNote, ...]  # onsets in s from the start of the clip


def audio_gate(rms: float) -> float:
    """Return the evidence of a sound: 0 up to −60 dBFS, 1 from −40 dBFS, linear in dB between.

    Examples
    --------
    >>> [audio_gate(rms) for rms in (0.0, 0.001, 0.01, 0.5)]
    [0.0, 0.0, 1.0, 1.0]
    """
    if not rms > 0:
        return 0.0
    return float(np.clip((20 * math.log10(rms) + 60) / 20, 0.0, 1.0))


def measure_acoustic(
    samples: NDArray[np.floating[Any]], rate: int = RATE, *, before_s: float = 0.0
) -> AcousticMeasurement:
    """Measure the features of a sound.

    * pitch: median fundamental of the voiced frames, 16 to 6300 Hz;
    * tonnetz: mean absolute deviation of the tonal centroid, dimensionless, 0 to 1;
    * rms: root mean square without its constant part, full scale 1, 0 to 1;
    * tempo: rate of onsets in bpm, 0 to 3000;
    * duration: mean sounding length of the notes that begin in the window, in s;
    * direction: share of downward melodic steps, 0 to 1;
    * harmony: mean consonance (Huron) of the pairs of sounded pitch classes, −1.428 to 1.240.

    Parameters
    ----------
    samples : ndarray, shape (n,) or (n, channels)
        Full scale 1; channels are averaged, what is louder is clipped, what is not a number is silence.
    rate : int
        Samples per second; other rates than 22 050 are resampled.
    before_s : float
        So much of the sound, in s, lies before the window: it is listened to, but not measured.

    Returns
    -------
    AcousticMeasurement
        Features that cannot be measured are NaN. Onsets count from the start of `samples`.

    Raises
    ------
    UsageError
        If the samples are not one or two dimensional, or rate or times are not positive.

    Examples
    --------
    >>> time_s = np.arange(22050) / 22050
    >>> heard = measure_acoustic(0.5 * np.sin(2 * np.pi * 440 * time_s))
    >>> round(heard.features[0]), heard.g_audio
    (440, 1.0)
    """
    track = AcousticTrack()
    track.push(samples, rate, 0.0)
    return track.measure(before_s, len(samples) / rate)


def features_of(frames: Frames, start: int, end: int) -> AcousticMeasurement:
    """Measure the blocks `start` ≤ k < `end` of analysed sound, with the blocks before as context."""
    frames = frames.between(start - CONTEXT_BLOCKS, end)
    window = frames.between(start, end)
    n = len(window.total) * HOP
    mean = window.total.sum() / n if n else 0.0
    rms = math.sqrt(max(0.0, window.energy.sum() / n - mean**2)) if n else 0.0
    if rms < FLOOR:
        return AcousticMeasurement(np.array([np.nan, np.nan, rms, *[np.nan] * 4]), audio_gate(rms), ())
    start_s = start / BLOCKS_PER_S
    heard = find_notes(frames)
    notes = tuple(note for note in heard if note.onset_s >= start_s)
    voiced = window.f0[(window.aperiodicity < VOICED) & (window.level > FLOOR)]
    pitches = np.array([note.pitch for note in notes])
    features = [
        float(np.median(voiced)) if len(voiced) else math.nan,
        tonal_deviation(window.chroma[window.level > FLOOR]),
        min(rms, 1.0),
        onset_rate(np.array([note.onset_s for note in notes])),
        float(np.mean([note.duration_s for note in notes])) if notes else math.nan,
        downward_share(pitches),
        harmony(pitches),
    ]
    return AcousticMeasurement(np.array(features), audio_gate(rms), notes)


class AcousticTrack:
    """Takes sound as it comes and measures windows of it; what windows share is analysed once.

    The law: for a window that begins on a whole sixth of a second, `measure(start, end)` equals
    `measure_acoustic` of the samples from `CONTEXT_S` (or more whole sixths) before the window up to its end,
    with ``before_s`` set to that: it depends on nothing else, neither on earlier nor later sound, nor on how
    the sound was cut when it was pushed. Other starts and ends are rounded to the grid of 90 blocks a second.

    Examples
    --------
    >>> ear = AcousticTrack()
    >>> for second in range(3):
    ...     ear.push(np.zeros((22050, 2), np.float32), 22050, float(second))
    >>> ear.measure(0.0, 2.0).g_audio
    0.0
    """

    def __init__(self) -> None:
        self._resampler: Any = None
        self._rate = 0
        self._started = False
        self._clock = 0.0  # end of what was pushed, in s
        self._raw: list[NDArray[np.float32]] = []  # at the rate at which it came
        self._n_raw = 0
        self._n_samples = DELAY  # on the working grid so far
        self._waiting = [np.zeros(LOOK_BACK + DELAY, np.float32)]  # what the next blocks depend on, and they
        self._n_waiting = DELAY
        self._done: list[Frames] = []  # in order, without gaps
        self._next = 0  # number of the next block

    def push(self, samples: NDArray[np.floating[Any]], rate: float, time_s: float) -> None:
        """Take a stretch of sound.

        Parameters
        ----------
        samples : ndarray, shape (n,) or (n, channels)
            Full scale 1.
        rate : float
            Samples per second.
        time_s : float
            Time of the first sample, in s from the start of the clip. A gap is silence; what overlaps with
            sound pushed before, or lies before 0, is left out.

        Raises
        ------
        UsageError
            If the samples are not one or two dimensional, the rate is not positive or the time not finite.
        """
        hertz = round(rate) if math.isfinite(rate) else 0
        if hertz <= 0 or not math.isfinite(time_s):
            raise UsageError(f"a sound needs a rate above 0 Hz and a time, got {rate:g} Hz at {time_s:g} s")
        mono = _mono(samples)
        if hertz != self._rate:
            self._change_rate(hertz)
        gap = round((time_s - self._clock) * hertz)
        if not self._started and gap <= 0 and len(mono) > -gap:
            self._waiting[0][:] = mono[-gap]  # a constant before the start, so that an offset is no click
        if self._started and abs(gap) <= SYNC_S * hertz:
            gap = 0  # containers round their times
        self._started = True
        while gap > 0:
            silence = np.zeros(min(gap, 10 * hertz), np.float32)
            self._take(silence)
            gap -= len(silence)
        self._take(mono[-gap:])

    def measure(self, start_s: float, end_s: float) -> AcousticMeasurement:
        """Measure the window from `start_s` to `end_s`, in s, as far as sound was pushed and not forgotten.

        Parameters
        ----------
        start_s, end_s : float
            The window, in s from the start of the clip.
        """
        self._analyse(everything=True)
        start = max(0, round(start_s * BLOCKS_PER_S))
        end = max(start, math.floor(end_s * BLOCKS_PER_S + 1e-6))
        parts = [part for part in self._done if part.end > start - CONTEXT_BLOCKS and part.first < end]
        heard = features_of(joined(parts), start, end)
        notes = tuple(note._replace(onset_s=max(0.0, note.onset_s - DELAY / RATE)) for note in heard.notes)
        return heard._replace(notes=notes)

    def forget(self, before_s: float) -> None:
        """Give up what is only needed for windows that start before `before_s`, in s."""
        self._analyse(everything=False)
        first = math.floor(before_s * BLOCKS_PER_S) - CONTEXT_BLOCKS - 1
        self._done = [part for part in self._done if part.end > first]

    def _change_rate(self, rate: int) -> None:
        """Begin a new resampler, exactly where the sound so far ends."""
        self._resample()
        if self._resampler is not None:
            self._append([part.to_ndarray()[0] for part in self._resampler.resample(None)])
        missing = round(self._clock * RATE) + DELAY - self._n_samples
        if missing > 0:
            self._append([np.zeros(missing, np.float32)])
        self._rate, self._resampler = rate, None
        if rate != RATE:
            import av

            self._resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)

    def _take(self, mono: NDArray[np.float32]) -> None:
        """Keep `mono`; resample and analyse as soon as there is enough of it to be worth a call."""
        self._raw.append(mono)
        self._n_raw += len(mono)
        self._clock += len(mono) / self._rate
        if self._n_raw * RATE >= BATCH * HOP * self._rate:
            self._analyse(everything=False)

    def _resample(self) -> None:
        """Bring what was taken to the working rate."""
        if not self._n_raw:
            return
        mono = np.concatenate(self._raw)
        self._raw, self._n_raw = [], 0
        if self._resampler is None:
            self._append([mono])
        else:
            import av

            frame = av.AudioFrame.from_ndarray(mono[None], format="flt", layout="mono")
            frame.sample_rate = self._rate
            self._append([part.to_ndarray()[0] for part in self._resampler.resample(frame)])

    def _append(self, parts: list[NDArray[np.float32]]) -> None:
        self._waiting += parts
        n = sum(map(len, parts))
        self._n_samples += n
        self._n_waiting += n

    def _analyse(self, *, everything: bool) -> None:
        """Analyse waiting blocks, at most `BATCH` at once; unless `everything`, only whole batches."""
        self._resample()
        if self._n_waiting < (HOP if everything else BATCH * HOP):
            return
        samples = np.concatenate(self._waiting)
        at = 0
        while (n := min(BATCH, self._n_waiting // HOP)) >= (1 if everything else BATCH):
            self._done.append(analyse(samples[at : at + LOOK_BACK + n * HOP], self._next))
            self._next += n
            at += n * HOP
            self._n_waiting -= n * HOP
        self._waiting = [samples[at:].copy()]


def _mono(samples: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return the mean of the channels as a new array, clipped to full scale, with 0 for what is no number."""
    with np.errstate(over="ignore", invalid="ignore"):
        sound = np.array(samples, np.float32)
        if sound.ndim == 2 and sound.shape[1]:
            sound = sound @ np.full(sound.shape[1], 1 / sound.shape[1], np.float32)
        elif sound.ndim != 1:
            raise UsageError(f"samples must have the shape (n,) or (n, channels), got {sound.shape}")
        np.clip(sound, -1, 1, out=sound)
        if np.isnan(sound.sum()):
            sound[np.isnan(sound)] = 0
    return sound
