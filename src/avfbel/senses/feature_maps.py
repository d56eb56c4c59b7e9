"""Painted events: where in the picture something moved, coloured with what the movement was like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avfbel.senses.bounces import Bounce
from avfbel.senses.features import MAP_SIZE
from avfbel.senses.visual_features import intervals_of


def area_average(picture: NDArray[np.generic], *, size: int = MAP_SIZE) -> NDArray[np.float32]:
    """Average a picture (h, w) over size × size equal rectangles; smaller pictures are spread.

    Examples
    --------
    >>> area_average(np.arange(16.0).reshape(4, 4), size=2)
    array([[ 2.5,  4.5], [10.5, 12.5]], dtype=float32)
    """
    height, width = picture.shape
    averaged = np.zeros((size, size), np.float32)
    rows, columns = np.flatnonzero(picture.any(1)), np.flatnonzero(picture.any(0))
    if rows.size:
        top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        lit = picture[top:bottom, left:right].astype(np.float32)
        down = _sums(lit, np.linspace(0, height, size + 1) - top)
        across = _sums(np.ascontiguousarray(down.T), np.linspace(0, width, size + 1) - left)
        averaged[:] = across.T * np.float32(size * size / (height * width))
    return averaged


def _sums(picture: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.float32]:
    """Sum the rows of a picture (n, m) between successive edges, given in rows; (len(edges) − 1, m)."""
    n = len(picture)
    upto = np.zeros((n + 1, picture.shape[1]), np.float32)
    np.cumsum(picture, axis=0, out=upto[1:])
    at = np.clip(edges, 0, n)
    whole = np.minimum(at.astype(int), n - 1)
    part = (at - whole).astype(np.float32)[:, None]
    return np.diff(upto[whole] + part * picture[whole], axis=0)


def event_values(shots: Sequence[Sequence[Bounce]]) -> NDArray[np.float64]:
    """Return what each bounce is painted with, (n_bounces, 5).

    Rate 60 / interval in bounces/min, |interval − median| / median, roughness, peak lift in picture heights,
    change of lean in rad.
    """
    intervals = intervals_of(shots)
    if not any(len(shot) for shot in shots):
        return np.zeros((0, 5))
    interval = np.concatenate(intervals)
    middle = float(np.median(interval))
    bounces = [b for shot in shots for b in shot]
    return np.stack(
        [
            60 / interval,
            np.abs(interval - middle) / middle,
            np.array([b.rough for b in bounces]),
            np.array([b.peak_lift for b in bounces]),
            np.array([b.lean_change for b in bounces]),
        ],
        axis=1,
    )


def paint(weights: NDArray[np.float32], values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Paint bounces where they took place.

    Parameters
    ----------
    weights : ndarray, shape (n_bounces, h, w)
        How much moved at each place during each bounce, not negative.
    values : ndarray, shape (n_bounces, c)
        What the bounces are painted with.

    Returns
    -------
    ndarray, shape (c, h, w), float32
        The mean of the values at each place, weighted by movement, fading to 0 where little moved; zero
        without bounces.

    Examples
    --------
    >>> paint(np.ones((2, 1, 1), np.float32), np.array([[1.0], [3.0]])).round(2)
    array([[[1.98]]], dtype=float32)
    """
    total = weights.sum(0)
    if values.shape[0] == 0 or not total.any():
        return np.zeros((values.shape[1], *weights.shape[1:]), np.float32)
    painted = np.tensordot(values.T.astype(np.float32), weights, axes=1)
    return np.asarray((painted / (total + 0.01 * total.max())).astype(np.float32))
