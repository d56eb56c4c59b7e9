"""Delay between sound and picture, and one sense degraded: the experiments that alter one of the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import UsageError
from avfbel.interpret.experiment_curves import Course, Courses
from avfbel.interpret.experiment_responses import PERCEPTIONS, Responses, open_model, quantities_of, respond
from avfbel.interpret.experiment_staging import (
    SENSE_OF,
    Fault,
    Gauge,
    Progress,
    Take,
    measure_takes,
    plan_clips,
    together,
)
from avfbel.interpret.experiments import provenance
from avfbel.runtime.bundle import Bundle
from avfbel.runtime.engine import Predictor
from avfbel.stimulus.score import Score, with_silence

Array = NDArray[np.float64]

DELAYS_S = (-1.0, -0.5, -0.2, 0.0, 0.2, 0.5, 1.0)
"""Delays of the sound behind the picture, in s, if none are given."""

DELAYED_SECONDS = 8.0
"""Length of the melodies whose sound is delayed, in s: several windows."""

LEVELS: Mapping[str, tuple[float, ...]] = {
    "noise": (20.0, 10.0, 0.0, -10.0),
    "attenuation": (10.0, 20.0, 30.0, 40.0),
    "contrast": (0.5, 0.25, 0.1),
    "frames": (0.5, 0.75, 0.9),
}
"""Levels of each way to degrade a clip, if none are given, from mild to hard."""


def asynchrony(
    stimuli: Sequence[str] | None = None,
    *,
    delays: Sequence[float] = DELAYS_S,
    model: str | PathLike[str] | Bundle = "default",
    exemplars: int = 1,
    seed: int = 0,
    seconds: float = DELAYED_SECONDS,
    window: float = 4.0,
    hop: float = 1.0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Courses:
    """Delay the sound of clips against their picture.

    All clips of a stimulus are equally long: stillness and silence as long as the greatest delay lie before
    and after the ball's dance, and the sound moves within them.

    Parameters
    ----------
    stimuli : sequence of str, optional
        Of the 38; all of them by default.
    delays : sequence of float
        By how much the sound comes after the picture, in s; negative is before it. 0 is added.
    model : str, path or Bundle
        The trained model, with both senses.
    exemplars, seed : int
        Clips of each stimulus, and their seed.
    seconds : float
        Notes start before this, in s.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    jobs : int, optional
        Processes to measure with; by default one a core.
    progress : callable, optional
        Called with what is being done, how many steps of it are done, and how many there are.

    Returns
    -------
    Courses
        One course.

    Raises
    ------
    InputError
        If the bundle cannot be used.
    UsageError
        If a delay is not a number within a minute, a stimulus is unknown, or the model lacks a sense.
    """
    predictor = open_model(model)
    steps = tuple(sorted({0.0, *(float(delay) for delay in delays)}))
    if not all(abs(delay) <= 60 for delay in steps):
        named = ", ".join(f"{delay:g}" for delay in steps if not abs(delay) <= 60)
        raise UsageError(f"a delay is a number of seconds from -60 to 60, got {named}")
    margin = max(abs(delay) for delay in steps)
    clips = plan_clips(stimuli, exemplars=exemplars, seed=seed, seconds=seconds)
    gauge = Gauge(window=window, hop=hop)
    takes = []
    for clip in clips:
        film = with_silence(clip.music, margin, margin)
        begins = film.notes[0].onset_s - clip.music.notes[0].onset_s
        picture = Take(sense="video", score=film, length_s=film.length_s)
        sounds = [
            Take(sense="audio", score=clip.music, length_s=film.length_s, start_s=begins + delay)
            for delay in steps
        ]
        takes.append([(sound, picture) for sound in sounds])
    values = _shown(predictor, takes, gauge, jobs, progress)
    responses = Responses(
        stimulus=tuple(clip.stimulus for clip in clips),
        quantities=quantities_of(predictor.bundle),
        values=values,
    )
    course = Course(condition="delay", altered="sound", levels=steps, responses=responses)
    return Courses(
        model=predictor.bundle.name,
        provenance=provenance(predictor.bundle, gauge, clips, seed) | {"seconds": seconds},
        name="delay",
        courses=(course,),
    )


def degradation(
    stimuli: Sequence[str] | None = None,
    *,
    levels: Mapping[str, Sequence[float]] = LEVELS,
    model: str | PathLike[str] | Bundle = "default",
    exemplars: int = 1,
    seed: int = 0,
    window: float = 4.0,
    hop: float = 1.0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Courses:
    """Degrade the sound or the picture of clips, and leave the other sense as it is.

    Parameters
    ----------
    stimuli : sequence of str, optional
        Of the 38; all of them by default.
    levels : mapping of str to sequence of float
        Levels of each way to degrade a clip; see `Fault`. The intact clip is added.
    model : str, path or Bundle
        The trained model, with both senses.
    exemplars, seed : int
        Clips of each stimulus, and their seed.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    jobs : int, optional
        Processes to measure with; by default one a core.
    progress : callable, optional
        Called with what is being done, how many steps of it are done, and how many there are.

    Returns
    -------
    Courses
        A course for each way.

    Raises
    ------
    InputError
        If the bundle cannot be used.
    UsageError
        If a way, a level or a stimulus is none, or the model lacks a sense.
    """
    predictor = open_model(model)
    faults: list[Fault | None] = [Fault(kind=kind, level=x) for kind, of in levels.items() for x in of]
    if not faults:
        raise UsageError(f"there is nothing to degrade: name {', '.join(SENSE_OF)}")
    clips = plan_clips(stimuli, exemplars=exemplars, seed=seed)
    gauge = Gauge(window=window, hop=hop)
    every = [None, *faults]
    takes = [[_degraded(clip.music, fault) for fault in every] for clip in clips]
    values = _shown(predictor, takes, gauge, jobs, progress)
    stimulus = tuple(clip.stimulus for clip in clips)
    courses = []
    for kind in levels:
        rows = [k for k, fault in enumerate(every) if fault is None or fault.kind == kind]
        courses.append(
            Course(
                condition=kind,
                altered="sound" if SENSE_OF[kind] == "audio" else "picture",
                levels=tuple(fault.level if (fault := every[k]) else None for k in rows),
                responses=Responses(
                    stimulus=stimulus, quantities=quantities_of(predictor.bundle), values=values[rows]
                ),
            )
        )
    return Courses(
        model=predictor.bundle.name,
        provenance=provenance(predictor.bundle, gauge, clips, seed),
        name="degrade",
        courses=tuple(courses),
    )


def _degraded(score: Score, fault: Fault | None) -> tuple[Take, Take]:
    """Return sound and picture of a clip, of which the one that the fault is for has it."""
    sound = fault if fault and SENSE_OF[fault.kind] == "audio" else None
    picture = fault if fault and SENSE_OF[fault.kind] == "video" else None
    return (
        Take(sense="audio", score=score, length_s=score.length_s, fault=sound),
        Take(sense="video", score=score, length_s=score.length_s, fault=picture),
    )


def _shown(
    predictor: Predictor,
    takes: Sequence[Sequence[tuple[Take, Take]]],
    gauge: Gauge,
    jobs: int | None,
    progress: Progress | None,
) -> Array:
    """Show sound and picture of each clip (outer) under each condition (inner): `Responses.values`."""
    flat = [[take for pair in of for take in pair] for of in takes]
    measured = measure_takes(flat, gauge=gauge, jobs=jobs, progress=progress)
    conditions = []
    for k in range(len(takes[0])):
        shown = [
            together(windows[of[k][0]], windows[of[k][1]])
            for of, windows in zip(takes, measured, strict=True)
        ]
        conditions.append(respond(predictor, shown, PERCEPTIONS))
    return np.array(conditions)
