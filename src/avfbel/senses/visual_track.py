"""What moves in a picture: colour codes, the lit area, the background, and the body that moves before it.

Colours are reduced to 15 bits once a frame. Whatever is then asked of a pixel's colour (how far is it from
the background? does it belong to the body?) is one look-up in a table of 32 768 entries, and estimates that
differ by less than a level give the same table, so that frames described for one window need not be described
again for the next.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVELS = 32
"""Levels per colour channel of a code; one level is 8/255."""

BORDER = 0.05
"""Share of height and width that counts as border, where the background is looked for."""

BLACK = 24
"""A row or column that never exceeds this (of 255) may belong to a black bar."""

NOISE = 8
"""Changes up to this (of 255) between two frames are taken for noise of the camera or the compression."""

MIN_CONTRAST = 24
"""A body differs from its background by at least this, of 255, in one channel."""

KEPT_TABLES = 32
"""Tables of all colours that are kept, 32 kB each."""

TINTED = 40
"""A body differs in tint from its background if the tints are further apart than this, of 255."""

SAME_TINT = 0.8
"""A tint is the body's if it is nearer to it than this share of the way to the background's."""


CROSS = np.array([[False, True, False], [True, True, True], [False, True, False]])
"""Which neighbours of a pixel are connected with it."""


class Area(NamedTuple):
    """Part of a picture, in pixels: rows `top` to `bottom`, columns `left` to `right`, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left


class Body(NamedTuple):
    """How the moving body is told from the rest: its colour and that of the background, of 255."""

    colour: tuple[int, int, int]
    background: tuple[int, int, int]


def planes(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the three colour planes (3, h, w), contiguous, of a picture (h, w, 3)."""
    return np.ascontiguousarray(rgb.transpose(2, 0, 1))


def colour_codes(colours: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return 15-bit colour codes (h, w), five bits a channel, of colour planes (3, h, w).

    Examples
    --------
    >>> int(colour_codes(np.array([[[255]], [[7]], [[0]]], dtype=np.uint8))[0, 0])
    31776
    """
    # rounded to multiples of 8: drawn pictures like them, and noise does not move them to the next level
    levels = np.minimum(colours, 251)
    levels += 4
    levels >>= 3
    codes: NDArray[np.uint16] = levels[0].astype(np.uint16)
    for level in levels[1:]:
        codes <<= 5
        codes |= level
    return codes


def code_colours() -> NDArray[np.int16]:
    """Return the colour (32768, 3), of 255, that each code stands for."""
    codes = np.arange(LEVELS**3)
    return np.stack([(codes >> shift & 31) * 8 for shift in (10, 5, 0)], axis=1).astype(np.int16)


_COLOURS = code_colours()

# Brightness (times 3), blue and red difference. Films keep half as much detail of colour as of brightness: an
# outline looked for in red, green and blue would be blurred, the more so the smaller the film.
_PERCEIVED = np.array(
    [[3 * 0.299, 3 * 0.587, 3 * 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], np.float32
)
_SEEN = _COLOURS @ _PERCEIVED.T


def change(colours: NDArray[np.uint8], previous: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return how much each pixel changed beyond noise, of 255: the largest of the channels, (h, w).

    Examples
    --------
    >>> after = np.array([[[9, 0]], [[20, 8]], [[0, 0]]], dtype=np.uint8)
    >>> change(after, np.zeros_like(after))
    array([[12,  0]], dtype=uint8)
    """
    difference = np.maximum(colours, previous) - np.minimum(colours, previous)
    largest = np.maximum(np.maximum(difference[0], difference[1]), difference[2])
    return np.asarray(np.maximum(largest, NOISE) - np.uint8(NOISE))


def active_area(codes: NDArray[np.uint16]) -> Area:
    """Find the picture between black bars.

    A bar is a run of rows or columns at the edge that are black in every frame, and beside which the picture
    is lit along at least half of its length; a body before a black background is therefore not cropped.

    Parameters
    ----------
    codes : ndarray, shape (n, h, w)
        Colour codes of some frames.

    Returns
    -------
    Area
        The whole picture if there are no bars.

    Examples
    --------
    >>> film = np.zeros((2, 40, 30), np.uint16)
    >>> film[:, 5:35] = 30000
    >>> active_area(film)
    Area(top=5, bottom=35, left=0, right=30)
    """
    dark = BLACK >> 3
    often = np.zeros(codes.shape[1:], np.uint8)  # number of frames, of at most 255, in which a pixel is lit
    for code in codes[:255]:
        often += (code >= (dark << 10)) | ((code & (31 << 5)) >= (dark << 5)) | ((code & 31) >= dark)
    height, width = codes.shape[1], codes.shape[2]
    lit = often > 0
    rows, columns = np.flatnonzero(lit.mean(1) > 0.02), np.flatnonzero(lit.mean(0) > 0.02)
    if rows.size == 0 or columns.size == 0:
        return Area(0, height, 0, width)
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    inner = often[top:bottom, left:right] / len(codes[:255])
    edge_rows, edge_columns = inner.mean(1), inner.mean(0)
    depth = max(1, round(0.01 * max(height, width)))  # a soft edge between bar and picture
    is_bar = (
        edge_rows[:depth].max() >= 0.5,
        edge_rows[-depth:].max() >= 0.5,
        edge_columns[:depth].max() >= 0.5,
        edge_columns[-depth:].max() >= 0.5,
    )
    return Area(
        top if is_bar[0] else 0,
        bottom if is_bar[1] else height,
        left if is_bar[2] else 0,
        right if is_bar[3] else width,
    )


def background_colour(codes: NDArray[np.uint16]) -> tuple[int, int, int]:
    """Return the median colour, of 255, of the border (5 % on each side) of frames (n, h, w).

    Examples
    --------
    >>> background_colour(np.full((1, 20, 20), 31 << 10, np.uint16))
    (248, 0, 0)
    """
    _, height, width = codes.shape
    y, x = max(1, round(BORDER * height)), max(1, round(BORDER * width))
    sides = (codes[:, :y], codes[:, -y:], codes[:, y:-y, :x], codes[:, y:-y, -x:])
    return _median_colour(np.concatenate([side.ravel() for side in sides]))


def body_table(body: Body) -> NDArray[np.bool_]:
    """Return for each colour code (32768,) whether it belongs to the body.

    It does if it is nearer to the body than half its distance to the background. If the two differ in tint,
    then also the pixel's tint must be nearer to the body's than four fifths of that: between a red body and a
    light wall in brightness lies a grey floor.

    Examples
    --------
    >>> red = Body((248, 0, 0), (200, 200, 200))
    >>> body_table(red)[[31 << 10, 25 << 10 | 25 << 5 | 25]]
    array([ True, False])
    """
    return _within(body.colour, body.background)


def find_body(codes: NDArray[np.uint16], background: tuple[int, int, int], *, stride: int = 2) -> Body | None:
    """Find the body that moves before the background; of several the largest.

    A pixel counts as moved where it differs more from the background than it does at some other time. The
    colours of such pixels fall into clusters, of which up to three are tried.

    Parameters
    ----------
    codes : ndarray, shape (n, h, w)
        Colour codes of some frames of one shot, without black bars.
    background : tuple of int
        Colour of the background, of 255.
    stride : int
        Every how manieth row and column is looked at.

    Returns
    -------
    Body or None
        None if nothing moves.
    """
    few = np.ascontiguousarray(codes[:, ::stride, ::stride])
    contrast = _contrast(background)[few]
    excess = contrast - contrast.min(0)
    tail = np.cumsum(np.bincount(excess.ravel(), minlength=256)[::-1])[::-1]
    largest = int(np.flatnonzero(tail >= 4 * len(few)).max(initial=0))
    if largest < MIN_CONTRAST:
        return None
    moved = excess >= max(MIN_CONTRAST, largest // 4)
    best, best_size = None, 0.0
    remaining = few[moved]
    n_moved = remaining.size
    for _ in range(3):
        if remaining.size < max(8, 0.05 * n_moved):
            break
        colour = _commonest_colour(remaining)
        members = _within(colour, background)
        size = _moving_size(members[few], moved)
        if size > best_size:
            best, best_size = Body(_coarse(colour, background), background), size
        remaining = remaining[~members[remaining]]
    return best


def _moving_size(mask: NDArray[np.bool_], moved: NDArray[np.bool_]) -> float:
    """Return the mean size in pixels of the largest connected patch of `mask` that holds moved pixels."""
    from scipy import ndimage

    sizes = []
    for patch, at_all in zip(mask, moved, strict=True):
        labels, n = ndimage.label(patch, CROSS)
        if n == 0:
            sizes.append(0)
            continue
        size = np.bincount(labels.ravel(), minlength=n + 1)
        live = np.bincount(labels[at_all], minlength=n + 1)
        size[0] = 0
        size[live < 0.02 * size] = 0
        sizes.append(int(size.max()))
    return float(np.mean(sizes))


def _commonest_colour(codes: NDArray[np.uint16]) -> tuple[int, int, int]:
    """Return the median colour of the fullest 3 × 3 × 3 cells of an 8 × 8 × 8 histogram."""
    cells = np.stack([codes >> 12, codes >> 7 & 7, codes >> 2 & 7])
    counts = np.bincount(cells[0] << 6 | cells[1] << 3 | cells[2], minlength=512).reshape(8, 8, 8)
    padded = np.pad(counts, 1)
    around = sum(
        padded[i : i + 8, j : j + 8, k : k + 8] for i in range(3) for j in range(3) for k in range(3)
    )
    centre = np.array(np.unravel_index(np.argmax(around * 1000.0 + counts / counts.max()), counts.shape))
    near = (np.abs(cells.astype(np.int16) - centre[:, None]) <= 1).all(0)
    return _median_colour(codes[near])


def _coarse(colour: tuple[int, int, int], background: tuple[int, int, int]) -> tuple[int, int, int]:
    """Round a colour as far as its distance from the background allows, so that estimates seldom differ."""
    distance = max(abs(a - b) for a, b in zip(colour, background, strict=True))
    step = 8 if distance < 64 else 16 if distance < 128 else 32
    red, green, blue = (min(248, (level + step // 2) // step * step) for level in colour)
    return red, green, blue


def _median_colour(codes: NDArray[np.uint16]) -> tuple[int, int, int]:
    counts = np.bincount(codes.ravel(), minlength=LEVELS**3).reshape(LEVELS, LEVELS, LEVELS)
    red, green, blue = (
        int(np.searchsorted(np.cumsum(counts.sum(others)), codes.size / 2)) * 8
        for others in ((1, 2), (0, 2), (0, 1))
    )
    return red, green, blue


# Tables of all colours, kept because background and body seldom differ from one window to the next.


@lru_cache(maxsize=KEPT_TABLES)
def _contrast(background: tuple[int, int, int]) -> NDArray[np.uint8]:
    contrast = np.abs(_COLOURS - np.array(background, np.int16)).max(1).astype(np.uint8)
    contrast.flags.writeable = False
    return np.asarray(contrast)


@lru_cache(maxsize=KEPT_TABLES)
def _within(colour: tuple[int, int, int], background: tuple[int, int, int]) -> NDArray[np.bool_]:
    centre = _PERCEIVED @ np.array(colour, np.float32)
    apart = (centre - _PERCEIVED @ np.array(background, np.float32)) ** 2
    away = (_SEEN - centre) ** 2
    near = away.sum(1) < apart.sum() / 4
    tint = float(apart[1:].sum())
    if tint > TINTED**2:
        near &= away[:, 1:].sum(1) < SAME_TINT**2 * tint
    near.flags.writeable = False
    return np.asarray(near)
