"""The camera: where a point of the world falls in the picture.

Axes of the world: x to the right, y down, z from the ball's face to its back.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDTH, HEIGHT = 500, 600  # pixels
POSITION = np.array([-300.0, -200.0, -500.0])
TARGET = np.array([0.0, -180.0, 0.0])
_HALF_VIEW = math.tan(math.radians(60) / 2)  # vertical


def _axes() -> NDArray[np.float64]:
    back = POSITION - TARGET
    back /= np.linalg.norm(back)
    right = np.cross((0.0, 1.0, 0.0), back)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(back, right), back])


AXES = _axes()  # rows: right, down, back


def view(points: ArrayLike) -> NDArray[np.float64]:
    """Give points as the camera sees them.

    Parameters
    ----------
    points : array_like, shape (..., 3)
        World coordinates.

    Returns
    -------
    ndarray, shape (..., 3)
        x and y in pixels from the top left, and depth in world units.
    """
    right, down, back = np.moveaxis((np.asarray(points, float) - POSITION) @ AXES.T, -1, 0)
    depth = -back
    x = WIDTH / 2 * (1 + right / (depth * _HALF_VIEW * WIDTH / HEIGHT))
    y = HEIGHT / 2 * (1 + down / (depth * _HALF_VIEW))
    return np.stack([x, y, depth], axis=-1)


def project(points: ArrayLike) -> NDArray[np.float64]:
    """Project points of the world into the picture.

    Parameters
    ----------
    points : array_like, shape (..., 3)
        World coordinates.

    Returns
    -------
    ndarray, shape (..., 2)
        In pixels from the left and from the top.

    Examples
    --------
    >>> project((0.0, -52.5, 0.0)).round(1)
    array([250. , 412.6])
    """
    return view(points)[..., :2]
