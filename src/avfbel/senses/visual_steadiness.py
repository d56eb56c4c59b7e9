"""Does the camera hold still? Cuts and pans move the whole picture, and neither is a bounce.

A picture is divided into cells of 8 × 8 pixels. Where the camera moves, whatever has edges changes, all over
the picture; where it holds still, only the cells that something moves through do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CELL = 8
"""Height and width of a cell, in pixels."""

CLEAR = 16
"""A change of a pixel beyond noise, of 255, that is clearly seen."""

EDGE = 32
"""Difference of brightness within a cell, of 255, that makes an edge."""

CUT_SHARE = 0.4
"""A cut changes more than this share of the pixels clearly."""

PAN_SHARE, PAN_SPAN = 0.35, 0.5
"""A pan changes this share of the cells with edges, over this share of width or height.

Edges that lie along its direction do not change.
"""


class Cells(NamedTuple):
    """What the cells of a frame hold: an `edge`; something `other` than in the frame before."""

    edge: NDArray[np.bool_]
    other: NDArray[np.bool_]


def cells_of(colours: NDArray[np.uint8], changed: NDArray[np.uint8] | None) -> Cells:
    """Find the cells with edges and those that changed clearly.

    Parameters
    ----------
    colours : ndarray, shape (3, h, w)
        Colour planes of a frame.
    changed : ndarray, shape (h, w), or None
        Its change since the frame before, beyond noise (see `change`).

    Returns
    -------
    Cells
        Two arrays (h // 8, w // 8); what is left over at the edges is not looked at.
    """
    brightness = (colours[0] >> 2) + (colours[1] >> 1) + (colours[2] >> 2)
    span = _by_cell(np.maximum, brightness) - _by_cell(np.minimum, brightness)
    other = np.zeros_like(span, dtype=bool) if changed is None else _by_cell(np.maximum, changed) > CLEAR
    return Cells(span >= EDGE, other)


def _by_cell(ufunc: np.ufunc, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape[0] // CELL, picture.shape[1] // CELL
    if height == 0 or width == 0:
        return np.zeros((height, width), np.uint8)
    rows = ufunc.reduce(picture[: height * CELL, : width * CELL].reshape(height, CELL, -1), axis=1)
    return np.asarray(ufunc.reduce(rows.reshape(height, width, CELL), axis=2))


def is_cut(changed: NDArray[np.uint8]) -> bool:
    """Tell whether so much of the picture (h, w) changed that nothing in it can be followed.

    Examples
    --------
    >>> is_cut(np.full((4, 4), 100, np.uint8)), is_cut(np.full((4, 4), 10, np.uint8))
    (True, False)
    """
    return bool(np.count_nonzero(changed > CLEAR) > CUT_SHARE * changed.size)


def camera_moves(cells: Cells, body: NDArray[np.bool_]) -> bool:
    """Tell whether a frame changed all over, wherever there is an edge, besides the body that is followed.

    Parameters
    ----------
    cells : Cells
        The cells of the frame.
    body : ndarray, shape of the cells
        Where the body is at any time. If it is everywhere, it is not left out.

    Examples
    --------
    >>> edge, other = np.zeros((32, 32), bool), np.zeros((32, 32), bool)
    >>> edge[20] = other[20] = True
    >>> nowhere = np.zeros((32, 32), bool)
    >>> camera_moves(Cells(edge, other), nowhere), camera_moves(Cells(edge, other), edge)
    (True, False)
    """
    outside = np.ones_like(body) if np.count_nonzero(body) > 0.75 * body.size else ~body
    other = cells.other & outside
    if not other.any():
        return False
    rows, columns = np.flatnonzero(other.any(1)), np.flatnonzero(other.any(0))
    span = max((rows[-1] - rows[0] + 1) / len(other), (columns[-1] - columns[0] + 1) / other.shape[1])
    share = np.count_nonzero(other) / np.count_nonzero((cells.edge & outside) | other)
    return bool(share >= PAN_SHARE and span >= PAN_SPAN)
