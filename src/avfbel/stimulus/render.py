"""The picture: the ball and its floor, flat-shaded polygons painted from far to near.

Everything above the floor is nearer to the camera than the floor behind it, and everything below the floor is
hidden by it; so the floor is painted first, and the ball is cut at the floor and painted over it, which is
what a depth test gives. Pictures are drawn at twice their size and reduced. From frame to frame only the box
around the ball is wiped, painted and reduced again. Films are drawn in the encoder's own colours, which saves
converting every pixel of every frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from avfbel.stimulus.camera import HEIGHT, WIDTH, check_size, project
from avfbel.stimulus.light import FLOOR, FLOOR_Y, Polygons, cut_at_floor, shade, visible_polygons
from avfbel.stimulus.motion import BallState, ball_states
from avfbel.stimulus.score import FRAMES_PER_SECOND, Score

Colours = Literal["rgb", "ycbcr"]

BACKGROUND, FLOOR_GREY = 200, 100  # of 255
SCALE = 2  # of the drawing, for smooth edges
_GRID = 2  # boxes begin and end on multiples of this, as the encoder's colour planes have half the size
# ITU-R BT.601, 8 bits, luma 16 to 235
_TO_YCBCR = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
_YCBCR_ZERO = np.array([16.0, 128.0, 128.0])


class Box(NamedTuple):
    """A part of the picture, in pixels from its top left; all four are even."""

    left: int
    top: int
    right: int
    bottom: int

    def times(self, factor: int) -> Box:
        """Return the same part of a picture so many times as large."""
        return Box(*(factor * side for side in self))

    def within(self, plane: NDArray[np.uint8], *, shrink: int = 1) -> NDArray[np.uint8]:
        """Return the part of a picture's plane, which may be a whole number of times smaller than it."""
        left, top, right, bottom = (side // shrink for side in self)
        return plane[top:bottom, left:right]


class Planes(NamedTuple):
    """A picture in the encoder's colours, ITU-R BT.601 with luma from 16 to 235; arrays of uint8."""

    y: NDArray[np.uint8]
    """Shape (height, width)."""
    cb: NDArray[np.uint8]
    """Shape (height / 2, width / 2)."""
    cr: NDArray[np.uint8]
    """Shape (height / 2, width / 2)."""


@cache
def _inks(colours: Colours) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """Shades of grey and of red from 0 to 255, as the three bands of a colour space."""
    level = np.arange(256.0)[:, None]
    inks = [level * [1, 1, 1], level * [1, 0, 0]]
    if colours == "ycbcr":
        inks = [ink @ _TO_YCBCR.T + _YCBCR_ZERO for ink in inks]
    grey, red = ([(int(a), int(b), int(c)) for a, b, c in np.rint(ink)] for ink in inks)
    return grey, red


class Sheet:
    """A sheet with the floor on it, at the scale of drawing, on which one ball after another is painted.

    Parameters
    ----------
    colours : {"rgb", "ycbcr"}
        What the three bands mean; "ycbcr" is ITU-R BT.601 with luma from 16 to 235.
    size : tuple of int
        Width and height of the finished picture in pixels.

    Raises
    ------
    UsageError
        If the size is not one of a film, see `check_size`.

    Examples
    --------
    >>> sheet = Sheet()
    >>> sheet.paint(BallState(lift=60.0, lean_deg=-12.0, offsets=np.zeros((625, 3))))
    Box(left=182, top=246, right=320, bottom=424)
    >>> sheet.pixels.size
    (1000, 1200)
    """

    def __init__(self, colours: Colours = "rgb", *, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
        check_size(size)
        self.size = size
        self._grey, self._red = _inks(colours)
        light = shade(np.array([[0.0, -1.0, 0.0]]), FLOOR.mean(axis=0, keepdims=True))[0]
        self._floor = _on_paper(project(FLOOR[None], size=size))[0], self._grey[round(FLOOR_GREY * light)]
        self.pixels = Image.new("RGB", (size[0] * SCALE, size[1] * SCALE), self._grey[BACKGROUND])
        self._pen = ImageDraw.Draw(self.pixels)
        self._pen.polygon(self._floor[0], fill=self._floor[1])
        self.box: Box | None = None
        """Around the ball that is on the sheet."""

    def paint(self, state: BallState) -> Box | None:
        """Wipe off the ball that is on the sheet and paint another.

        Parameters
        ----------
        state : BallState

        Returns
        -------
        Box or None
            Around the new ball; None if nothing of it is in the picture.
        """
        if self.box is not None:
            left, top, right, bottom = self.box.times(SCALE)
            self._pen.rectangle((left, top, right - 1, bottom - 1), fill=self._grey[BACKGROUND])
            self._pen.polygon(self._floor[0], fill=self._floor[1])
        polygons = visible_polygons(state, size=self.size)
        self.box = _box_around(polygons.outlines, self.size)
        if self.box is not None:
            self._paint(polygons)
        return self.box

    def _paint(self, polygons: Polygons) -> None:
        outlines = _on_paper(polygons.outlines)
        (crossing,) = np.nonzero(polygons.corners[:, :, 1].max(axis=1) > FLOOR_Y)
        cut = project(cut_at_floor(polygons.corners[crossing]), size=self.size)
        for i, outline in zip(crossing, _on_paper(cut), strict=True):
            outlines[i] = outline
        levels = np.minimum(255, np.rint(255 * polygons.shade)).astype(int).tolist()
        white, red, paint = self._grey, self._red, self._pen.polygon
        for outline, level, is_eye in zip(outlines, levels, polygons.is_eye.tolist(), strict=True):
            paint(outline, fill=white[level] if is_eye else red[level])


def _box_around(outlines: NDArray[np.float64], size: tuple[int, int]) -> Box | None:
    """The part of a picture that holds all outlines, shape (n, corners, 2); None if that is nothing."""
    if not len(outlines):
        return None
    # pixels of the sheet are whole numbers below, up to half a pixel of the picture outside the outline
    low = np.floor((outlines.min(axis=(0, 1)) - 0.5) / _GRID).astype(int) * _GRID
    high = (np.ceil(outlines.max(axis=(0, 1)) / _GRID).astype(int) + 1) * _GRID
    left, top = (int(v) for v in np.maximum(low, 0))
    right, bottom = (int(v) for v in np.minimum(high, size))
    return Box(left, top, right, bottom) if left < right and top < bottom else None


def _on_paper(outlines: NDArray[np.float64]) -> list[list[float]]:
    """Outlines in pixels, shape (n, corners, 2), as x, y, x, y, ... from pixel centres of the sheet."""
    lists: list[list[float]] = (outlines * SCALE - 0.5).reshape(len(outlines), 2 * outlines.shape[1]).tolist()
    return lists


def draw_picture(state: BallState, *, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    """Draw one frame.

    Parameters
    ----------
    state : BallState
    size : tuple of int
        Width and height in pixels, even.

    Returns
    -------
    Image
        RGB.

    Raises
    ------
    UsageError
        If the size is not one of a film, see `check_size`.

    Examples
    --------
    >>> draw_picture(BallState(lift=60.0, lean_deg=-12.0, offsets=np.zeros((625, 3)))).size
    (500, 600)
    """
    sheet = Sheet(size=size)
    sheet.paint(state)
    return sheet.pixels.reduce(SCALE)


def render_frames(
    score: Score, fps: int = FRAMES_PER_SECOND, *, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Iterator[NDArray[np.uint8]]:
    """Draw the film of a score.

    Parameters
    ----------
    score : Score
    fps : int
        Frames a second.
    size : tuple of int
        Width and height in pixels, even.

    Yields
    ------
    ndarray of uint8, shape (height, width, 3)
        One frame after another, in RGB.

    Raises
    ------
    UsageError
        If the size is not one of a film, see `check_size`.

    Examples
    --------
    >>> from avfbel.stimulus import compose, named
    >>> next(render_frames(compose(named("happy"), seed=7))).shape
    (600, 500, 3)
    """
    sheet = Sheet(size=size)
    for state in ball_states(score, fps):
        sheet.paint(state)
        yield np.asarray(sheet.pixels.reduce(SCALE))


def render_planes(
    score: Score, fps: int = FRAMES_PER_SECOND, *, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Iterator[Planes]:
    """Draw the film of a score as the encoder wants it.

    Parameters
    ----------
    score : Score
    fps : int
        Frames a second.
    size : tuple of int
        Width and height in pixels, even.

    Yields
    ------
    Planes
        The same arrays every time, valid until the next frame is asked for.

    Raises
    ------
    UsageError
        If the size is not one of a film, see `check_size`.
    """
    sheet = Sheet("ycbcr", size=size)
    (width, height), before = size, None
    planes = Planes(*(np.empty((height // k, width // k), np.uint8) for k in (1, 2, 2)))
    _reduce_into(planes, sheet, Box(0, 0, width, height))
    blank = Planes(*(plane.copy() for plane in planes))
    for state in ball_states(score, fps):
        if before is None or not _looks_the_same(state, before):
            if sheet.box is not None:
                for plane, empty, shrink in zip(planes, blank, (1, 2, 2), strict=True):
                    sheet.box.within(plane, shrink=shrink)[:] = sheet.box.within(empty, shrink=shrink)
            box = sheet.paint(state)
            if box is not None:
                _reduce_into(planes, sheet, box)
        before = state
        yield planes


def _looks_the_same(a: BallState, b: BallState) -> bool:
    return a.offsets is b.offsets and (a.lift, a.lean_deg) == (b.lift, b.lean_deg)


def _reduce_into(planes: Planes, sheet: Sheet, box: Box) -> None:
    """Reduce the three bands of a part of the sheet to the sizes of the planes and put them in place."""
    full = sheet.pixels.reduce(SCALE, box.times(SCALE))
    half = sheet.pixels.reduce(2 * SCALE, box.times(SCALE))
    box.within(planes.y)[:] = np.asarray(full.getchannel(0))
    box.within(planes.cb, shrink=2)[:] = np.asarray(half.getchannel(1))
    box.within(planes.cr, shrink=2)[:] = np.asarray(half.getchannel(2))
