"""Clips staged in memory: sound and picture of a score, each altered on its way and measured by itself.

No file is written: the ball is drawn at the size to which the eye reduces a film anyway, 30 pictures a
second, so that what is measured differs from a film's only by what its encoder changes. Neither sense looks
at the other: any sound can be joined to any picture after both were measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import InputError, UsageError
from avfbel.parallel import map_tasks
from avfbel.senses.conversion import WORKING_HEIGHT, WORKING_WIDTH
from avfbel.senses.features import SensoryFeatures
from avfbel.senses.sensorium import Sensorium
from avfbel.stimulus.plans import Clip, clip_seed, plan_corpus
from avfbel.stimulus.render import render_frames
from avfbel.stimulus.score import Score, compose, with_length
from avfbel.stimulus.sound import RATE, synthesize

Progress = Callable[[str, int, int], object]
"""Called with what is being done, how many steps of it are done, and how many there are."""

Sense = Literal["audio", "video"]
Windows = tuple[SensoryFeatures, ...]

FPS = 30
MID_GREY = 127.5  # of 255: where contrast fades to


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How a sound or a picture is made worse.

    Parameters
    ----------
    kind : {"noise", "attenuation", "contrast", "frames"}
        White noise is mixed to the sound, at `level` dB of signal over noise, and the mixture is as strong as
        the clean sound; the sound is turned down by `level` dB; the picture fades to mid-grey and keeps the
        share `level` of its contrast; each picture but the first is lost with probability `level`, and the
        one before it stays.
    level : float
        How much, see there.

    Raises
    ------
    UsageError
        If the kind is unknown or the level cannot be.
    """

    kind: str
    level: float

    def __post_init__(self) -> None:
        if self.kind not in SENSE_OF:
            raise UsageError(f"no way to degrade is called {self.kind!r}: choose of {', '.join(SENSE_OF)}")
        bounds = {"noise": (-60, 60), "attenuation": (0, 200)}.get(self.kind, (0, 1))
        if not bounds[0] <= self.level <= bounds[1]:
            raise UsageError(
                f"{self.kind} has levels from {bounds[0]:g} to {bounds[1]:g}, and {self.level:g} is none"
            )


SENSE_OF: dict[str, Sense] = {
    "noise": "audio",
    "attenuation": "audio",
    "contrast": "video",
    "frames": "video",
}
"""The ways to degrade a clip, and the sense that each of them is for."""


@dataclass(frozen=True, kw_only=True)
class Take:
    """One sense's part of a clip, as it is to be measured.

    Attributes
    ----------
    sense : {"audio", "video"}
        Whether the score is heard or seen.
    score : Score
        What is played.
    length_s : float
        Length of the clip, in s; what lies beyond its end is not measured.
    start_s : float
        When the sound begins, in s from the start of the clip; pictures always begin with it.
    fault : Fault, optional
        How it is made worse.
    """

    sense: Sense
    score: Score
    length_s: float
    start_s: float = 0.0
    fault: Fault | None = None


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """How clips are cut: length of a window and distance of the starts of windows, in s."""

    window: float = 4.0
    hop: float = 1.0


def plan_clips(
    stimuli: Sequence[str] | None, *, exemplars: int, seed: int, seconds: float | None = None
) -> list[Clip]:
    """Plan exemplars of named stimuli, as `plan_corpus`; notes start before `seconds` (3 by default)."""
    return plan_corpus(
        exemplars=exemplars,
        seed=seed,
        stimuli=stimuli,
        composer=lambda parameters, of: compose(parameters, seed=of, seconds=seconds),
    )


def measure_takes(
    takes: Sequence[Sequence[Take]],
    *,
    gauge: Gauge,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> list[dict[Take, Windows]]:
    """Measure takes, those of one clip in one process, where they share what is drawn and played.

    Parameters
    ----------
    takes : sequence of sequence of Take
        The takes of each clip.
    gauge : Gauge
        Windows and their distance.
    jobs : int, optional
        Processes; by default one a core. The result does not depend on it.
    progress : callable, optional
        Called after each clip.

    Returns
    -------
    list of dict
        The windows of each take, clip by clip in the order given.

    Raises
    ------
    InputError
        If a process dies.
    """
    measured: list[dict[Take, Windows]] = [{} for _ in takes]
    tasks = [(number, tuple(dict.fromkeys(of))) for number, of in enumerate(takes)]
    work = map_tasks(_measure, tasks, jobs=jobs, setup=_gauge, setup_args=(gauge,))
    for n, done in enumerate(work, start=1):
        if done.result is None:
            raise InputError("a process that measured clips died, perhaps for want of memory: try --jobs 1")
        number, of = done.task
        measured[number] = dict(zip(of, done.result, strict=True))
        if progress is not None:
            progress("making and measuring clips", n, len(tasks))
    return measured


def together(heard: Windows, seen: Windows) -> Windows:
    """Join what was heard and what was seen in the same windows.

    Raises
    ------
    ValueError
        If the windows are not the same.
    """
    if [(w.start_s, w.end_s) for w in heard] != [(w.start_s, w.end_s) for w in seen]:
        raise ValueError("sound and picture were measured in different windows")
    return tuple(
        replace(picture, acoustic=sound.acoustic, g_audio=sound.g_audio)
        for sound, picture in zip(heard, seen, strict=True)
    )


def _gauge(gauge: Gauge) -> Gauge:
    return gauge


def _measure(gauge: Gauge, task: tuple[int, tuple[Take, ...]]) -> list[Windows]:
    """Measure the takes of one clip; drawings and sounds of equal scores are made once."""
    _, takes = task
    seen, heard = (tuple(take for take in takes if take.sense == sense) for sense in ("video", "audio"))
    pictures = {score: _pictures(score, seen) for score in {take.score for take in seen}}
    sounds = {score: synthesize(score) for score in {take.score for take in heard}}
    return [
        _see(take, pictures[take.score], gauge)
        if take.sense == "video"
        else _hear(take, sounds[take.score], gauge)
        for take in takes
    ]


def _pictures(score: Score, takes: Sequence[Take]) -> list[NDArray[np.uint8]]:
    """Draw a score up to the end of the longest take of it."""
    length = max(take.length_s for take in takes if take.score == score)
    return list(render_frames(with_length(score, length), FPS, size=(WORKING_WIDTH, WORKING_HEIGHT)))


def _see(take: Take, pictures: Sequence[NDArray[np.uint8]], gauge: Gauge) -> Windows:
    eye = Sensorium(window=gauge.window, hop=gauge.hop, modality="video")
    windows: list[SensoryFeatures] = []
    count = min(len(pictures), round(take.length_s * FPS))
    for k, picture in enumerate(_worse_pictures(pictures[:count], take)):
        windows += eye.push_frame(picture, k / FPS)
    return tuple(windows + eye.finish(take.length_s))


def _hear(take: Take, sound: NDArray[np.float64], gauge: Gauge) -> Windows:
    ear = Sensorium(window=gauge.window, hop=gauge.hop, modality="audio")
    left_out = max(0, round(-take.start_s * RATE))
    until = max(left_out, round((take.length_s - take.start_s) * RATE))
    samples = _worse_sound(sound, take)[left_out:until]
    windows = ear.push_audio(samples, RATE, max(0.0, take.start_s))
    return tuple(windows + ear.finish(take.length_s))


def _worse_sound(sound: NDArray[np.float64], take: Take) -> NDArray[np.float64]:
    fault = take.fault
    if fault is None:
        return sound
    if fault.kind == "attenuation":
        return np.asarray(sound * 10 ** (-fault.level / 20))
    rng = np.random.default_rng(clip_seed(take.score.seed, "noise", 0))
    noise = rng.standard_normal((len(sound), 1))
    level = float(np.sqrt(np.mean(sound**2)))
    mixed = sound + noise * level * 10 ** (-fault.level / 20)
    return np.asarray(mixed * (level / np.sqrt(np.mean(mixed**2)) if level else 0.0))


def _worse_pictures(pictures: Sequence[NDArray[np.uint8]], take: Take) -> Iterator[NDArray[np.uint8]]:
    fault = take.fault
    if fault is None:
        yield from pictures
        return
    if fault.kind == "contrast":
        levels = np.rint(MID_GREY + fault.level * (np.arange(256.0) - MID_GREY)).astype(np.uint8)
        yield from (levels[picture] for picture in pictures)
        return
    # the same pictures are lost, and more of them, the larger the share is
    chance = np.random.default_rng(clip_seed(take.score.seed, "frames", 0)).random(len(pictures))
    shown = 0
    for k in range(len(pictures)):
        shown = shown if k and chance[k] < fault.level else k
        yield pictures[shown]
