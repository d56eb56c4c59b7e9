"""The body's outline in one frame: where it is, how it leans, how rough it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.senses.visual_track import CROSS, Area

SMOOTHING = 0.03
"""How far the outline is smoothed before its roughness is measured; 1 is the root of the body's area."""


class Silhouette(NamedTuple):
    """The body in one frame.

    `rows` holds its pixels per row of the picture, (h,), `area` their number, `box` the rectangle around
    them; `covariance` the second central moments (xx, xy, yy) in square pixels, y downwards; `rough` the area
    between its outline and a rubber band around it as a share of its own, 0 for a convex body.
    """

    rows: NDArray[np.int32]
    area: int
    centre: tuple[float, float]
    covariance: tuple[float, float, float]
    rough: float
    box: Area


def outline(codes: NDArray[np.uint16], table: NDArray[np.bool_]) -> Silhouette | None:
    """Describe the largest connected patch of the body's colours.

    Parameters
    ----------
    codes : ndarray, shape (h, w)
        Colour codes of a frame without black bars.
    table : ndarray, shape (32768,)
        Whether a code belongs to the body (see `body_table`).

    Returns
    -------
    Silhouette or None
        None if the body is not to be seen.
    """
    mask = table.take(codes)
    box = _box(mask)
    if box is None:
        return None
    patch, within = largest_patch(mask[box.top : box.bottom, box.left : box.right])
    return describe(patch, top=box.top + within.top, left=box.left + within.left, height=codes.shape[0])


def _box(mask: NDArray[np.bool_]) -> Area | None:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if rows.size == 0:
        return None
    return Area(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)


def largest_patch(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Area]:
    """Return the largest 4-connected patch of a mask, its holes filled, and the rectangle that holds it.

    Examples
    --------
    >>> ring = np.array([[0, 1, 1, 1, 0], [0, 1, 0, 1, 0], [0, 1, 1, 1, 0], [1, 0, 0, 0, 0]], dtype=bool)
    >>> patch, box = largest_patch(ring)
    >>> int(patch.sum()), box
    (9, Area(top=0, bottom=3, left=1, right=4))
    """
    from scipy import ndimage

    labels, n = ndimage.label(mask, CROSS)
    size = np.bincount(labels.ravel(), minlength=n + 1)
    size[0] = 0
    patch = labels == int(size.argmax()) if n > 1 else mask
    box = _box(patch) or Area(0, mask.shape[0], 0, mask.shape[1])
    patch = patch[box.top : box.bottom, box.left : box.right]
    framed = np.ones((box.height + 2, box.width + 2), dtype=bool)
    framed[1:-1, 1:-1] = ~patch
    outside, n_outside = ndimage.label(framed, CROSS)
    return (outside != 1)[1:-1, 1:-1] if n_outside > 1 else patch, box


def describe(
    mask: NDArray[np.bool_], *, top: int = 0, left: int = 0, height: int | None = None
) -> Silhouette:
    """Measure a patch: rows, area, moments, roughness.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns)
        The patch, not empty, at (`top`, `left`) of a picture of `height` rows.
    top, left : int
        Position of the mask in the picture, in pixels.
    height : int, optional
        Rows of the picture; by default the mask is all of it.

    Examples
    --------
    >>> square = np.zeros((8, 8), bool)
    >>> square[2:6, 2:6] = True
    >>> s = describe(square)
    >>> s.area, s.centre, s.rough
    (16, (3.5, 3.5), 0.0)
    """
    in_rows, in_columns = mask.sum(1), mask.sum(0)
    rows = np.zeros(height or mask.shape[0], np.int32)
    rows[top : top + len(in_rows)] = in_rows
    area = int(in_rows.sum())
    y, x = np.arange(mask.shape[0]), np.arange(mask.shape[1])
    mean_y, mean_x = float(in_rows @ y) / area, float(in_columns @ x) / area
    yy = float(in_rows @ (y - mean_y) ** 2) / area
    xx = float(in_columns @ (x - mean_x) ** 2) / area
    xy = float((y - mean_y) @ (mask @ (x - mean_x))) / area
    rough = roughness(mask)
    within = _box(mask) or Area(0, 0, 0, 0)
    box = Area(within.top + top, within.bottom + top, within.left + left, within.right + left)
    return Silhouette(rows, area, (mean_x + left, mean_y + top), (xx, xy, yy), rough, box)


_ANGLES = np.arange(64) * np.pi / 32
_DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])


def roughness(mask: NDArray[np.bool_]) -> float:
    """Return the area between a patch and a rubber band around it, as a share of the patch.

    The outline is smoothed first, by the majority in a square of about 7 % of the patch's size: what
    compression and scaling leave of an edge differs by single pixels, while spikes that anyone would see are
    larger.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns)
        The patch, not empty.

    Examples
    --------
    >>> star = np.ones((40, 40), bool)
    >>> star[:15, :15] = star[25:, 25:] = star[:15, 25:] = star[25:, :15] = False
    >>> roughness(np.ones((40, 40), bool)), round(roughness(star), 1)
    (0.0, 0.5)
    """
    from scipy import ndimage

    reach = round(SMOOTHING * float(np.sqrt(np.count_nonzero(mask))))
    smooth = mask
    if reach:
        smooth = ndimage.uniform_filter(mask.astype(np.float32), 2 * reach + 1, mode="constant") > 0.5
        smooth = smooth if smooth.any() else mask
    return max(0.0, hull_area(smooth) / float(np.count_nonzero(smooth)) - 1)


def hull_area(mask: NDArray[np.bool_]) -> float:
    """Return the area, in square pixels, that a rubber band around a patch would enclose.

    The band has 64 sides of fixed directions. It runs halfway between the corners and the centres of the
    pixels, since round the corners it would find staircases in every smooth outline.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns)
        The patch.

    Examples
    --------
    >>> y, x = np.mgrid[-40:41, -40:41]
    >>> disc = x**2 + y**2 < 35**2
    >>> round(float(hull_area(disc) / disc.sum()), 2)
    1.0
    """
    rows = np.flatnonzero(mask.any(1))
    left = mask[rows].argmax(1) + 0.25
    right = mask.shape[1] - mask[rows, ::-1].argmax(1) - 0.25
    x = np.concatenate([left, right, left, right])
    y = np.concatenate([rows + 0.25, rows + 0.25, rows + 0.75, rows + 0.75])
    support = (_DIRECTIONS.T @ np.stack([x, y])).max(1)
    step = _ANGLES[1]
    sides = (np.roll(support, 1) + np.roll(support, -1) - 2 * support * np.cos(step)) / np.sin(step)
    return float(support @ sides) / 2
