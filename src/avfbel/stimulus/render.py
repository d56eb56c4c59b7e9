"""The picture: the ball and its floor, flat-shaded polygons painted from far to near.

Everything above the floor is nearer to the camera than the floor behind it, and everything below the floor is
hidden by it; so the floor is painted once, and the ball is cut at the floor and painted over it, which is
what a depth test gives. Pictures are drawn at twice their size and reduced; only the box around the ball is
drawn again for every frame. Films are drawn in the encoder's own colours, which saves converting every
pixel of every frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from avfbel.stimulus.camera import HEIGHT, WIDTH, project
from avfbel.stimulus.light import FLOOR, FLOOR_Y, cut_at_floor, shade, visible_polygons
from avfbel.stimulus.motion import BallState, ball_states
from avfbel.stimulus.score import FRAMES_PER_SECOND, Score

Colours = Literal["rgb", "ycbcr"]

BACKGROUND, FLOOR_GREY = 200, 100  # of 255
SCALE = 2  # of the drawing, for smooth edges
_GRID = 2  # boxes begin and end on multiples of this, as the encoder's colour planes have half the size
# ITU-R BT.601, 8 bits, luma 16 to 235
_TO_YCBCR = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
_YCBCR_ZERO = np.array([16.0, 128.0, 128.0])


class Patch(NamedTuple):
    """A part of the picture that was drawn anew."""

    pixels: Image.Image
    """Three bands, at the scale of drawing."""
    left: int
    top: int
    """In pixels of the finished picture, even."""


class Planes(NamedTuple):
    """A picture in the encoder's colours, ITU-R BT.601 with luma from 16 to 235; arrays of uint8."""

    y: NDArray[np.uint8]
    """Shape (600, 500)."""
    cb: NDArray[np.uint8]
    """Shape (300, 250)."""
    cr: NDArray[np.uint8]
    """Shape (300, 250)."""


@cache
def _inks(colours: Colours) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """Shades of grey and of red from 0 to 255, as the three bands of a colour space."""
    level = np.arange(256.0)[:, None]
    inks = [level * [1, 1, 1], level * [1, 0, 0]]
    if colours == "ycbcr":
        inks = [ink @ _TO_YCBCR.T + _YCBCR_ZERO for ink in inks]
    grey, red = ([(int(a), int(b), int(c)) for a, b, c in np.rint(ink)] for ink in inks)
    return grey, red


@cache
def _stage(colours: Colours) -> Image.Image:
    """Background and floor at the scale of drawing."""
    grey, _ = _inks(colours)
    stage = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), grey[BACKGROUND])
    light = float(shade(np.array([[0.0, -1.0, 0.0]]), FLOOR.mean(axis=0, keepdims=True))[0])
    floor = _on_paper(FLOOR[None], 0, 0)[0]
    ImageDraw.Draw(stage).polygon(floor, fill=grey[round(FLOOR_GREY * light)])
    return stage


def _on_paper(polygons: NDArray[np.float64], left: int, top: int) -> list[list[float]]:
    """Outlines x, y, x, y, ... of polygons, shape (n, corners, 3), counted from pixel centres."""
    points = project(polygons) * SCALE - (left * SCALE + 0.5, top * SCALE + 0.5)
    lists: list[list[float]] = points.reshape(len(polygons), 2 * polygons.shape[1]).tolist()
    return lists


def draw_ball(state: BallState, *, colours: Colours = "rgb") -> Patch | None:
    """Draw the part of the picture that holds the ball.

    Parameters
    ----------
    state : BallState
    colours : {"rgb", "ycbcr"}
        What the three bands of the result mean; "ycbcr" is ITU-R BT.601 with luma from 16 to 235.

    Returns
    -------
    Patch or None
        None if nothing of the ball is in the picture.
    """
    polygons = visible_polygons(state)
    if not len(polygons.shade):
        return None
    corners = project(polygons.corners)
    low = np.floor(corners.min(axis=(0, 1)) / _GRID).astype(int) * _GRID
    high = (np.ceil(corners.max(axis=(0, 1)) / _GRID).astype(int) + 1) * _GRID
    left, top = (int(v) for v in np.maximum(low, 0))
    right, bottom = (int(v) for v in np.minimum(high, (WIDTH, HEIGHT)))
    if right <= left or bottom <= top:
        return None
    box = _stage(colours).crop((left * SCALE, top * SCALE, right * SCALE, bottom * SCALE))
    outlines = (corners * SCALE - (left * SCALE + 0.5, top * SCALE + 0.5)).reshape(-1, 6).tolist()
    (crossing,) = np.nonzero(polygons.corners[:, :, 1].max(axis=1) > FLOOR_Y)
    for i, cut in zip(crossing, _on_paper(cut_at_floor(polygons.corners[crossing]), left, top), strict=True):
        outlines[i] = cut
    levels = np.minimum(255, np.rint(255 * polygons.shade)).astype(int).tolist()
    white, red = _inks(colours)
    paint = ImageDraw.Draw(box).polygon
    for outline, level, is_eye in zip(outlines, levels, polygons.is_eye.tolist(), strict=True):
        paint(outline, fill=white[level] if is_eye else red[level])
    return Patch(box, left, top)


def draw_picture(state: BallState) -> Image.Image:
    """Draw one frame.

    Parameters
    ----------
    state : BallState

    Returns
    -------
    Image
        RGB, 500 x 600 pixels.

    Examples
    --------
    >>> draw_picture(BallState(lift=60.0, lean_deg=-12.0, offsets=np.zeros((625, 3)))).size
    (500, 600)
    """
    picture = _stage("rgb").reduce(SCALE)
    patch = draw_ball(state)
    if patch is not None:
        picture.paste(patch.pixels.reduce(SCALE), (patch.left, patch.top))
    return picture


def render_frames(score: Score, fps: int = FRAMES_PER_SECOND) -> Iterator[NDArray[np.uint8]]:
    """Draw the film of a score.

    Parameters
    ----------
    score : Score
    fps : int
        Frames a second.

    Yields
    ------
    ndarray of uint8, shape (600, 500, 3)
        One frame after another, in RGB.

    Examples
    --------
    >>> from avfbel.stimulus import compose, named
    >>> next(render_frames(compose(named("happy"), seed=7))).shape
    (600, 500, 3)
    """
    for state in ball_states(score, fps):
        yield np.asarray(draw_picture(state))


def render_planes(score: Score, fps: int = FRAMES_PER_SECOND) -> Iterator[Planes]:
    """Draw the film of a score as the encoder wants it.

    Parameters
    ----------
    score : Score
    fps : int
        Frames a second.

    Yields
    ------
    Planes
        The same arrays every time, valid until the next frame is asked for.
    """
    blank = Planes(
        np.empty((HEIGHT, WIDTH), np.uint8),
        np.empty((HEIGHT // 2, WIDTH // 2), np.uint8),
        np.empty((HEIGHT // 2, WIDTH // 2), np.uint8),
    )
    _reduce_into(blank, Patch(_stage("ycbcr"), 0, 0))
    planes, before = Planes(*(plane.copy() for plane in blank)), None
    for state in ball_states(score, fps):
        if before is None or not _looks_the_same(state, before):
            for plane, empty in zip(planes, blank, strict=True):
                plane[:] = empty
            patch = draw_ball(state, colours="ycbcr")
            if patch is not None:
                _reduce_into(planes, patch)
        before = state
        yield planes


def _looks_the_same(a: BallState, b: BallState) -> bool:
    return a.offsets is b.offsets and (a.lift, a.lean_deg) == (b.lift, b.lean_deg)


def _reduce_into(planes: Planes, patch: Patch) -> None:
    """Reduce the bands of a patch to the sizes of the three planes and put them in place."""
    for plane, band, shrink in zip(planes, patch.pixels.split(), (1, 2, 2), strict=True):
        part = np.asarray(band.reduce(SCALE * shrink))
        top, left = patch.top // shrink, patch.left // shrink
        plane[top : top + part.shape[0], left : left + part.shape[1]] = part
