"""The bounces of a film: which notes lift the ball, from which frame to which."""

from __future__ import annotations

import math
from typing import NamedTuple

from avfbel.stimulus.score import FRAMES_PER_SECOND, Score

ARCH_SHARE = 0.93  # of the gap to the next beat that a bounce takes


class Bounce(NamedTuple):
    """One arch of the ball: ``lift = height * sin(pi * i / n)`` in frame ``start_frame - 1 + i`` of its n."""

    note: int
    """Index of the note that it belongs to."""
    start_frame: int
    """The first frame in which the ball is off the ground."""
    end_frame: int
    """The frame in which it is back, ``n - 1`` frames later."""
    start_s: float
    end_s: float
    """Times of both frames, in s."""
    height: int
    """In the ball's units (1.5 world units each)."""

    @property
    def frames(self) -> int:
        """Number of frames that it takes."""
        return self.end_frame - self.start_frame + 1


def bounce_frames(gap_s: float, fps: float = FRAMES_PER_SECOND) -> int:
    """Give the length of a bounce in frames, for a gap to the next beat in s.

    Examples
    --------
    >>> [bounce_frames(gap) for gap in (0.3, 0.207, 0.93, 2.0)]
    [17, 12, 52, 112]
    """
    return math.floor(fps * ARCH_SHARE * gap_s + 0.5)


def first_frame(onset_s: float, fps: int = FRAMES_PER_SECOND) -> int:
    """Give the first frame that is not before an onset.

    Examples
    --------
    >>> [first_frame(onset) for onset in (0.0, 0.1, 0.101)]
    [0, 6, 7]
    """
    return math.ceil(round(onset_s * fps, 6))


def ball_bounces(score: Score, fps: int = FRAMES_PER_SECOND) -> list[Bounce]:
    """List the bounces that can be seen in a film.

    A note that comes while the ball is in the air, or leaves too small a gap for two frames, makes none.

    Parameters
    ----------
    score : Score
    fps : int
        Frames a second.

    Returns
    -------
    list of Bounce
        In order; they do not overlap. The last one may end after the film.

    Examples
    --------
    >>> from avfbel.stimulus import compose, named
    >>> bounces = ball_bounces(compose(named("happy"), seed=7))
    >>> bounces[0].start_frame, bounces[0].frames
    (3, 9)
    """
    return [bounce for bounce in paced_bounces(score, fps) if bounce.frames > 1]


def paced_bounces(score: Score, fps: int = FRAMES_PER_SECOND) -> list[Bounce]:
    """List the bounces of a film with those of a single frame, which pace lean and skin but lift nothing."""
    bounces: list[Bounce] = []
    for index, note in enumerate(score.notes):
        start, frames = first_frame(note.onset_s, fps), bounce_frames(note.bounce_s, fps)
        if frames and (not bounces or start > bounces[-1].end_frame):
            end = start + frames - 1
            bounces.append(Bounce(index, start, end, start / fps, end / fps, note.height))
    return bounces
