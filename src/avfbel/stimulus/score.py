"""The note model: five parameters and a seed become a melody, each note with what it makes the ball do.

Timing is a regular grid with random forward delays; pitch is a random walk on a five-note ladder. Sievers
et al. (2013) [1]_ describe the generator.

References
----------
.. [1] Sievers, Polansky, Casey & Wheatley (2013), Music and movement share a dynamic structure that
   supports universal expressions of emotion, *PNAS* 110(1), 70-75.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np

from avfbel.errors import UsageError
from avfbel.stimulus.consonance import DYAD_CONSONANCE, PITCH_CLASS_SETS
from avfbel.stimulus.parameters import StimulusParameters

Variant = Literal["clips-2021", "patch"]

VELOCITY = 110  # MIDI
ROOT = 60  # MIDI pitch of the root before transposition
START_DEGREE = 25  # scale degree 0 of octave 5, on a ladder of five degrees an octave
PATCH_NOTES = 16
NOTE_SECONDS = 3.0  # notes of Clips-2021 start before this
RING_SECONDS = 3 * 65536 / 44100 - NOTE_SECONDS  # what most published clips last beyond their notes
RELEASE_SECONDS = 0.25  # for the dampers to silence the last note
FRAMES_PER_SECOND = 60  # a clip lasts a whole number of film frames, so that sound and film end together
MAX_SECONDS = 600.0


class Note(NamedTuple):
    """One note and the bounce that goes with it."""

    onset_s: float
    """Start, in s from the start of the clip."""
    duration_s: float
    """From key down to key up, in s."""
    pitch: int
    """MIDI note number."""
    velocity: int
    """MIDI velocity."""
    height: int
    """Height of the bounce, in the ball's units (1.5 world units each), usually 20 to 153."""
    spike: float
    """Largest offset of a vertex, in radii of the ball, 0 to 0.2."""
    lean_deg: int
    """Lean of the ball at the end of the bounce, in degrees; positive leans forward, toward its face."""
    bounce_s: float
    """Time until the next beat of the grid, in s; the bounce takes 93 % of it."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """A melody with its ball: everything that sound and film are made from."""

    parameters: StimulusParameters
    """As played: rounded or truncated as the variant does."""
    seed: int
    variant: Variant
    notes: tuple[Note, ...]
    length_s: float
    """Of sound and film, in s: a whole number of film frames."""
    seconds: float | None
    """Notes start before this, in s; None for the patch, which plays 16 notes."""
    strict: bool = False
    """Whether everything was cut at `seconds`."""


class Streams(NamedTuple):
    """Independent random streams of one clip, so that its melody does not depend on how it is drawn."""

    timing: np.random.Generator
    pitch: np.random.Generator
    vertices: np.random.Generator


def random_streams(seed: int) -> Streams:
    """Open the random streams of a seed.

    Parameters
    ----------
    seed : int
        Not negative.

    Raises
    ------
    UsageError
        If `seed` is not a whole number from 0.

    Examples
    --------
    >>> random_streams(7).timing.random() == random_streams(7).timing.random()
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise UsageError(f"the seed must be a whole number from 0, got {seed}")
    return Streams(
        *(np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(3))
    )


def draw_onsets(bpm: float, jitter: float, rng: np.random.Generator) -> Iterator[tuple[float, int]]:
    """Yield the onset of each note and the gap it leaves to the next beat, both in ms, without end.

    Onset k is ``k * P + d`` with the period P = 60000 / bpm and a delay d that is uniform on the whole
    milliseconds below ``trunc(P * jitter / 100)``: the delay is from the grid, so that errors do not add
    up.

    Parameters
    ----------
    bpm, jitter : float
        As in `StimulusParameters`.
    rng : Generator
        One number is drawn a note.

    Yields
    ------
    tuple of float and int
        Onset and ``trunc(P) - d``, in ms.

    Examples
    --------
    >>> notes = draw_onsets(200, 0, np.random.default_rng(0))
    >>> next(notes), next(notes)
    ((0.0, 300), (300.0, 300))
    """
    period = 60_000 / bpm
    n_delays = max(1, math.trunc(period * jitter / 100))
    k = 0
    while True:
        delay = int(rng.random() * n_delays)
        yield k * period + delay, math.trunc(period) - delay
        k += 1


def step_size(x: float, bigsmall: float) -> int:
    """Turn a uniform number into a melodic step of 1 to 4 scale degrees.

    The number is warped by the falling line of two pieces through (0, 1), (a, a) and (1, 0) with a =
    bigsmall / 100.

    Parameters
    ----------
    x : float
        Uniform on [0, 1).
    bigsmall : float
        0 (steps of one degree) to 100 (steps of four).

    Examples
    --------
    >>> [step_size(x, 50) for x in (0.1, 0.3, 0.6, 0.8)]
    [4, 3, 2, 1]
    """
    a = bigsmall / 100
    if a in (0, 1):
        return 1 if a == 0 else 4
    warped = 1 - x * (1 - a) / a if x <= a else a * (1 - x) / (1 - a)
    return 1 + (warped > 0.25) + (warped > 0.5) + (warped > 0.75)


def draw_pitches(
    parameters: StimulusParameters, rng: np.random.Generator, *, transposition: int | None = None
) -> Iterator[tuple[int, int]]:
    """Yield the pitch of each note and of the one before it, without end.

    Parameters
    ----------
    parameters : StimulusParameters
        Consonance must be a whole number.
    rng : Generator
        The transposition is drawn first, then two numbers a note.
    transposition : int, optional
        Semitones of the phrase above C; drawn from 0 to 11 by default.

    Yields
    ------
    tuple of int
        MIDI pitch of the note, and of the note before: the unsounded root, for the first.

    Examples
    --------
    >>> up = StimulusParameters(bpm=200, jitter=0, consonance=37, bigsmall=0, updown=0)
    >>> pitches = draw_pitches(up, np.random.default_rng(0), transposition=0)
    >>> [next(pitches)[0] for _ in range(6)]
    [62, 64, 67, 69, 72, 74]
    """
    ladder = PITCH_CLASS_SETS[int(parameters.consonance)]
    drawn = int(rng.random() * 12)
    shift = drawn if transposition is None else transposition
    degree, before = START_DEGREE, ROOT + shift
    while True:
        size = step_size(rng.random(), parameters.bigsmall)
        degree += -size if rng.random() <= parameters.updown / 100 else size
        if degree < 5:  # the octave guard
            degree += 5
        elif degree >= 50:
            degree -= 5
        pitch = 12 * (degree // 5) + ladder[degree % 5] + shift
        yield pitch, before
        before = pitch


def bounce_height(semitones: int) -> int:
    """Give the height of a bounce for a melodic interval: 20 for a semitone, 100 for a fifth.

    Parameters
    ----------
    semitones : int
        Size of the interval.

    Returns
    -------
    int
        In the ball's units.

    Examples
    --------
    >>> [bounce_height(n) for n in (0, 1, 2, 7, 11)]
    [20, 20, 33, 100, 153]
    """
    return math.trunc(20 + (max(1, abs(semitones)) - 1) * 80 / 6)


def spike_amplitude(semitones: int) -> float:
    """Give the largest vertex offset for a melodic interval: the more dissonant, the spikier.

    Parameters
    ----------
    semitones : int
        Size of the interval, 0 to 11.

    Returns
    -------
    float
        0 to 0.2, in radii of the ball.

    Examples
    --------
    >>> [round(spike_amplitude(n), 4) for n in (1, 2, 3, 4, 5)]
    [0.2, 0.1241, 0.0185, 0.0372, 0.0]
    """
    return max(0.0, 0.2 * (0.8 - DYAD_CONSONANCE[abs(semitones)]) / 2.228)


def compose(
    parameters: StimulusParameters,
    *,
    seed: int,
    variant: Variant = "clips-2021",
    seconds: float | None = None,
    strict: bool = False,
) -> Score:
    """Compose a melody and its bounces.

    Parameters
    ----------
    parameters : StimulusParameters
        The five sliders; "clips-2021" rounds consonance half up, "patch" truncates all five.
    seed : int
        Not negative; the same seed gives the same score.
    variant : {"clips-2021", "patch"}
        Notes for some seconds, or 16 notes.
    seconds : float, optional
        Clips-2021 only: notes start before this, in s; 3 by default. The last one rings out.
    strict : bool
        Clips-2021 only: cut sound and film at `seconds`.

    Returns
    -------
    Score

    Raises
    ------
    UsageError
        If the request does not fit the variant, or no note would start within `seconds`.

    Examples
    --------
    >>> from avfbel.stimulus import named
    >>> score = compose(named("sad"), seed=7)
    >>> len(score.notes), round(score.length_s, 3)
    (3, 4.467)
    """
    if variant not in get_args(Variant):
        raise UsageError(f"the variant must be {' or '.join(get_args(Variant))}, got {variant!r}")
    if variant == "patch" and (seconds is not None or strict):
        raise UsageError(
            "the patch always plays 16 notes to the end: leave out seconds and strict, or take clips-2021"
        )
    if seconds is not None and not 0 < seconds <= MAX_SECONDS:
        raise UsageError(f"seconds must be above 0 and at most {MAX_SECONDS:g}, got {seconds:g}")
    patch = variant == "patch"
    played = parameters.truncated() if patch else parameters.rounded()
    until = None if patch else NOTE_SECONDS if seconds is None else float(seconds)
    notes = _draw_notes(played, random_streams(seed), until)
    if not notes:
        raise UsageError(
            f"no note starts within {until:g} s at {played.bpm:g} bpm with seed {seed}: ask for more seconds"
        )
    if strict and until is not None:
        notes = [n._replace(duration_s=min(n.duration_s, until - n.onset_s)) for n in notes]
    length = _length_s(notes[-1], until, strict=strict)
    return Score(
        parameters=played,
        seed=int(seed),
        variant=variant,
        notes=tuple(notes),
        length_s=_whole_frames(length),
        seconds=until,
        strict=strict,
    )


def with_silence(score: Score, before_s: float = 0.0, after_s: float = 0.0) -> Score:
    """Put silence before and after a score, in which the ball lies still.

    Parameters
    ----------
    score : Score
    before_s, after_s : float
        In s; rounded to whole film frames.

    Returns
    -------
    Score
        The same notes, later; the onsets count from the start of the silence.

    Raises
    ------
    UsageError
        If a length is negative, not finite or above 600 s.

    Examples
    --------
    >>> from avfbel.stimulus import named
    >>> score = compose(named("happy"), seed=7)
    >>> later = with_silence(score, before_s=0.5, after_s=1)
    >>> round(later.length_s - score.length_s, 9), round(later.notes[0].onset_s - score.notes[0].onset_s, 9)
    (1.5, 0.5)
    """
    check_silence(before_s, after_s)
    before, after = (
        round(seconds * FRAMES_PER_SECOND) / FRAMES_PER_SECOND for seconds in (before_s, after_s)
    )
    notes = tuple(note._replace(onset_s=note.onset_s + before) for note in score.notes)
    return replace(score, notes=notes, length_s=_whole_frames(before + score.length_s + after))


def check_silence(before_s: float, after_s: float) -> None:
    """Raise UsageError unless both are lengths of a silence, in s."""
    for where, seconds in (("before", before_s), ("after", after_s)):
        if not 0 <= seconds <= MAX_SECONDS:
            raise UsageError(f"the silence {where} must be from 0 to {MAX_SECONDS:g} s, got {seconds:g}")


def with_length(score: Score, length_s: float) -> Score:
    """Let a score last at least `length_s` seconds, rounded up to whole film frames.

    Examples
    --------
    >>> from avfbel.stimulus import named
    >>> with_length(compose(named("happy"), seed=7), 480 / 64.5).length_s
    7.45
    """
    return replace(score, length_s=_whole_frames(max(score.length_s, length_s)))


def _whole_frames(length_s: float) -> float:
    return math.ceil(round(length_s * FRAMES_PER_SECOND, 6)) / FRAMES_PER_SECOND


def _draw_notes(parameters: StimulusParameters, streams: Streams, until: float | None) -> list[Note]:
    notes: list[Note] = []
    onsets = draw_onsets(parameters.bpm, parameters.jitter, streams.timing)
    for (onset_ms, gap_ms), (pitch, before) in zip(
        onsets, draw_pitches(parameters, streams.pitch), strict=False
    ):
        if len(notes) == PATCH_NOTES if until is None else onset_ms >= until * 1000:
            break
        reference = (
            before if notes else ROOT
        )  # the first height is measured from C, whatever the transposition
        note = Note(
            onset_s=onset_ms / 1000,
            duration_s=max(1, gap_ms - 10) / 1000,
            pitch=min(pitch, 127),
            velocity=VELOCITY,
            height=bounce_height(pitch - reference),
            spike=spike_amplitude(pitch - before),
            lean_deg=ROOT - pitch,
            bounce_s=gap_ms / 1000,
        )
        notes.append(note)
    return notes


def _length_s(last: Note, until: float | None, *, strict: bool) -> float:
    """Length of the clip before it is rounded up to whole frames, in s."""
    if strict and until is not None:
        return until
    rung_out = last.onset_s + last.duration_s + RELEASE_SECONDS
    return max(rung_out, last.onset_s + 1 if until is None else until + RING_SECONDS)
