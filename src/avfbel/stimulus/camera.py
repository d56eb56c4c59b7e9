"""The camera: where a point of the world falls in the picture.

Axes of the world: x to the right, y down, z from the ball's face to its back.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.errors import UsageError

WIDTH, HEIGHT = 500, 600  # pixels
SIDES = 64, 2160  # pixels, shortest and longest side of a picture
POSITION = np.array([-300.0, -200.0, -500.0])
TARGET = np.array([0.0, -180.0, 0.0])
_HALF_VIEW = math.tan(
    math.radians(60) / 2
)  # vertical, whatever the size: wider pictures show more at the sides


def _axes() -> NDArray[np.float64]:
    back = POSITION - TARGET
    back /= np.linalg.norm(back)
    right = np.cross((0.0, 1.0, 0.0), back)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(back, right), back])


AXES = _axes()  # rows: right, down, back


def check_size(size: tuple[int, int]) -> None:
    """Check that pictures of a size can be drawn and encoded.

    Parameters
    ----------
    size : tuple of int
        Width and height in pixels.

    Raises
    ------
    UsageError
        If they are not two even whole numbers from 64 to 2160.

    Examples
    --------
    >>> check_size((500, 600))
    >>> check_size((500, 601))
    Traceback (most recent call last):
    ...
    avfbel.errors.UsageError: the size must be two even numbers from 64 to 2160, width and height in pixels,
    got 500 x 601
    """
    low, high = SIDES
    fits = [
        isinstance(side, int | np.integer)
        and not isinstance(side, bool)
        and low <= side <= high
        and side % 2 == 0
        for side in size
    ]
    if fits != [True, True]:
        raise UsageError(
            f"the size must be two even numbers from {low} to {high}, width and height in pixels, "
            f"got {' x '.join(str(side) for side in size)}"
        )


def view(points: ArrayLike, *, size: tuple[int, int] = (WIDTH, HEIGHT)) -> NDArray[np.float64]:
    """Give points as the camera sees them.

    Parameters
    ----------
    points : array_like, shape (..., 3)
        World coordinates.
    size : tuple of int
        Width and height of the picture in pixels; the vertical field of view is always 60 degrees.

    Returns
    -------
    ndarray, shape (..., 3)
        x and y in pixels from the top left, and depth in world units.
    """
    right, down, back = np.moveaxis((np.asarray(points, float) - POSITION) @ AXES.T, -1, 0)
    depth = -back
    width, height = size
    x = width / 2 * (1 + right / (depth * _HALF_VIEW * width / height))
    y = height / 2 * (1 + down / (depth * _HALF_VIEW))
    return np.stack([x, y, depth], axis=-1)


def project(points: ArrayLike, *, size: tuple[int, int] = (WIDTH, HEIGHT)) -> NDArray[np.float64]:
    """Project points of the world into the picture.

    Parameters
    ----------
    points : array_like, shape (..., 3)
        World coordinates.
    size : tuple of int
        Width and height of the picture in pixels.

    Returns
    -------
    ndarray, shape (..., 2)
        In pixels from the left and from the top.

    Examples
    --------
    >>> project((0.0, -52.5, 0.0)).round(1)
    array([250. , 412.6])
    """
    return view(points, size=size)[..., :2]
