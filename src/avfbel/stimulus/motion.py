"""The ball's life: lift, lean and the shape of its skin, film frame by film frame."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.stimulus.bounces import first_frame, paced_bounces
from avfbel.stimulus.camera import HEIGHT, WIDTH, check_size, project
from avfbel.stimulus.mesh import N_MOVABLE, ball_centre
from avfbel.stimulus.score import FRAMES_PER_SECOND, Score, random_streams

FIRST_FRAMES = 30  # what a change takes before the first bounce has set its own pace


class BallState(NamedTuple):
    """The ball in one frame."""

    lift: float
    """Above rest, in the ball's units (1.5 world units each)."""
    lean_deg: float
    """About the horizontal axis; positive leans forward."""
    offsets: NDArray[np.float64]
    """Of the movable vertices, shape (625, 3), in radii of the ball."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BallMotion:
    """Where the ball is and what it looks like, one row a frame; every array has shape (n_frames,)."""

    time_s: NDArray[np.float64]
    x: NDArray[np.float64]
    """Centre of the ball in the picture, in pixels from the left."""
    y: NDArray[np.float64]
    """Centre of the ball in the picture, in pixels from the top."""
    spikiness: NDArray[np.float64]
    """The amplitude of uniform offsets as scattered as those of the skin, 0 to about 0.2."""
    lift: NDArray[np.float64]
    """In the ball's units (1.5 world units each)."""
    lean_deg: NDArray[np.float64]


def ball_states(score: Score, fps: int = FRAMES_PER_SECOND) -> Iterator[BallState]:
    """Yield the state of the ball in every frame of the film.

    A note takes effect in the first frame that is not before it. Its bounce is one arch of a sine; lean and
    skin move linearly to their new values in the same time. A note that comes while the ball is still in
    the air starts no bounce, but changes lean and skin, at the pace of the bounce that goes on.

    Parameters
    ----------
    score : Score
    fps : int
        Frames a second.

    Yields
    ------
    BallState
        ``round(score.length_s * fps)`` of them; offsets must not be written to.

    Examples
    --------
    >>> from avfbel.stimulus import compose, named
    >>> sum(1 for _ in ball_states(compose(named("happy"), seed=7)))
    268
    """
    rng = random_streams(score.seed).vertices
    bounces = {bounce.note: bounce for bounce in paced_bounces(score, fps)}
    pending = [(first_frame(note.onset_s, fps), index) for index, note in enumerate(score.notes)][::-1]
    pace, height = FIRST_FRAMES, 0.0
    airborne = 0  # frames since the bounce began, 0 on the ground
    lean = _Glide(np.zeros(()))
    skin = _Glide(np.zeros((N_MOVABLE, 3)))
    for frame in range(round(score.length_s * fps)):
        while pending and pending[-1][0] <= frame:
            index = pending.pop()[1]
            note = score.notes[index]
            if index in bounces:
                pace, height, airborne = bounces[index].frames, float(note.height), 1
            elif not airborne:
                pace = 0  # too short a gap for a bounce: lean and skin jump
            lean.start(np.asarray(float(note.lean_deg)), pace)
            skin.start(rng.uniform(-note.spike, note.spike, (N_MOVABLE, 3)), pace)
        lift = height * math.sin(math.pi * airborne / pace) if 0 < airborne < pace else 0.0
        yield BallState(lift, float(lean.step()), skin.step())
        airborne = airborne + 1 if 0 < airborne < pace else 0


def ball_motion(
    score: Score, fps: int = FRAMES_PER_SECOND, *, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> BallMotion:
    """Trace the ball through the film.

    Parameters
    ----------
    score : Score
    fps : int
        Frames a second.
    size : tuple of int
        Width and height of the picture in pixels.

    Returns
    -------
    BallMotion

    Raises
    ------
    UsageError
        If the size is not one of a film, see `check_size`.

    Examples
    --------
    >>> from avfbel.stimulus import compose, named
    >>> motion = ball_motion(compose(named("happy"), seed=7))
    >>> motion.x[0].round(1), motion.y[0].round(1)
    (np.float64(250.0), np.float64(412.6))
    """
    check_size(size)
    rows = [(s.lift, s.lean_deg, math.sqrt(3 * np.mean(s.offsets**2))) for s in ball_states(score, fps)]
    lift, lean, spikiness = np.array(rows).T
    x, y = project(ball_centre(lift), size=size).T
    time = np.arange(len(rows)) / fps
    return BallMotion(time_s=time, x=x, y=y, spikiness=spikiness, lift=lift, lean_deg=lean)


class _Glide:
    """A value on its straight way from where it was to a target, in a number of frames."""

    def __init__(self, value: NDArray[np.float64]) -> None:
        self.value = self._from = self._to = value
        self._frame = self._frames = 0

    def start(self, target: NDArray[np.float64], frames: int) -> None:
        self._from, self._to, self._frame, self._frames = self.value, target, 0, frames
        if not frames:
            self.value = target

    def step(self) -> NDArray[np.float64]:
        if self._frame < self._frames:
            self._frame += 1
            w = self._frame / self._frames
            self.value = self._to if w == 1 else self._from + w * (self._to - self._from)
        return self.value
