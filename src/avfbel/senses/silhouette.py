"""The body's outline in one frame: where it is, how it leans, how rough it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.senses.visual_track import Area


class Silhouette(NamedTuple):
    """The body in one frame.

    `rows` holds its pixels per row of the picture, (h,); `area` their number; `covariance` the second central
    moments (xx, xy, yy) in square pixels, y downwards; `rough` how much longer the outline is than that of a
    convex body of the same extent, dimensionless.
    """

    rows: NDArray[np.int32]
    area: int
    centre: tuple[float, float]
    covariance: tuple[float, float, float]
    rough: float


def outline(codes: NDArray[np.uint16], table: NDArray[np.bool_], region: Area) -> Silhouette | None:
    """Describe the largest connected patch of the body's colours.

    Parameters
    ----------
    codes : ndarray, shape (h, w)
        Colour codes of a frame without black bars.
    table : ndarray, shape (32768,)
        Whether a code belongs to the body (see `body_table`).
    region : Area
        Where to look.

    Returns
    -------
    Silhouette or None
        None if the body is not to be seen.
    """
    mask = largest_patch(table.take(codes[region.top : region.bottom, region.left : region.right]))
    if mask is None:
        return None
    return describe(mask, top=region.top, left=region.left, height=codes.shape[0])


def largest_patch(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return the largest 4-connected patch of `mask` with its holes filled, or None if there is none."""
    from scipy import ndimage

    labels, n = ndimage.label(mask)
    if n == 0:
        return None
    size = np.bincount(labels.ravel(), minlength=n + 1)
    size[0] = 0
    patch = labels == int(size.argmax())
    outside, _ = ndimage.label(np.pad(~patch, 1, constant_values=True))
    return np.asarray((outside != outside[0, 0])[1:-1, 1:-1])


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
    padded = np.pad(mask, 1)
    edges = np.count_nonzero(padded[1:] != padded[:-1]) + np.count_nonzero(padded[:, 1:] != padded[:, :-1])
    high, wide = np.flatnonzero(in_rows), np.flatnonzero(in_columns)
    around = 2 * (int(high[-1] - high[0]) + int(wide[-1] - wide[0]) + 2)
    return Silhouette(rows, area, (mean_x + left, mean_y + top), (xx, xy, yy), float(edges) / around - 1)
