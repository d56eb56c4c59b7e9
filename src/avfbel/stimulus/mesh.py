"""The ball: a sphere of 25 rings with two eyes, stretched, leaned and lifted into the world."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

RINGS = POINTS = 25
N_MOVABLE = RINGS * POINTS  # the two poles, vertices 625 (below) and 626 (above), never move
SIZE = 1.5  # world units per unit of the ball, translation included
RADIUS = 50.0
REST = 35.0  # height of the centre above the origin
STRETCH = 1.3  # upward
EYE_EDGE = 4.0
EYE_CENTRES = np.array([[-12.0, -33.0, -40.0], [12.0, -33.0, -40.0]])


def _sphere() -> NDArray[np.float64]:
    polar = (np.arange(RINGS) + 1)[:, None] * np.pi / RINGS
    around = (np.arange(POINTS) + 1)[None, :] * 2 * np.pi / POINTS
    ring = np.stack(
        [np.sin(polar) * np.cos(around), np.cos(polar) + 0 * around, np.sin(polar) * np.sin(around)], axis=-1
    )
    poles = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    return np.concatenate([ring.reshape(-1, 3), poles])


def _triangles() -> NDArray[np.intp]:
    """Vertices of each triangle, shape (1250, 3), so turned that their normal points outward."""
    point = np.arange(POINTS)
    after = (point + 1) % POINTS
    faces: list[NDArray[np.intp]] = [np.stack([np.full(POINTS, N_MOVABLE), after, point], axis=1)]
    for ring in range(1, RINGS):
        a, b = (ring - 1) * POINTS + point, ring * POINTS + point
        c, d = ring * POINTS + after, (ring - 1) * POINTS + after
        faces += [np.stack([a, c, b], axis=1), np.stack([a, d, c], axis=1)]
    top = (RINGS - 1) * POINTS
    faces.append(np.stack([np.full(POINTS, N_MOVABLE + 1), top + point, top + after], axis=1))
    return np.concatenate(faces)


def _eyes() -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Corners (16, 3), in the ball's units, and outward triangles (24, 3) of the two cubes."""
    corner = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * EYE_EDGE / 2
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    cube = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    return (EYE_CENTRES[:, None] + corner).reshape(-1, 3), np.concatenate([cube, cube + 8]).astype(np.intp)


SPHERE = _sphere()  # (627, 3), in radii
SPHERE_TRIANGLES = _triangles()
EYES, EYE_TRIANGLES = _eyes()


def ball_centre(lift: ArrayLike) -> NDArray[np.float64]:
    """Give the centre of the ball in the world, shape (..., 3), for lifts in the ball's units.

    Examples
    --------
    >>> ball_centre(0.0)
    array([  0. , -52.5,   0. ])
    """
    height = -SIZE * (REST + np.asarray(lift, float))
    return np.stack([np.zeros_like(height), height, np.zeros_like(height)], axis=-1)


def place(points: NDArray[np.float64], *, lift: float, lean_deg: float) -> NDArray[np.float64]:
    """Stretch, lean, lift and enlarge points from the ball's own frame into the world.

    Parameters
    ----------
    points : ndarray, shape (n, 3)
        In the ball's units, from its centre.
    lift : float
        In the ball's units.
    lean_deg : float
        About the x axis, in degrees.

    Returns
    -------
    ndarray, shape (n, 3)
        World coordinates.

    Examples
    --------
    >>> place(np.array([[0.0, 50.0, 0.0]]), lift=0, lean_deg=0)
    array([[ 0., 45., 0.]])
    """
    sin, cos = np.sin(np.radians(lean_deg)), np.cos(np.radians(lean_deg))
    x, y, z = points[:, 0], points[:, 1] * STRETCH, points[:, 2]
    return np.stack([SIZE * x, SIZE * (y * cos - z * sin - REST - lift), SIZE * (y * sin + z * cos)], axis=1)


def ball_vertices(offsets: NDArray[np.float64], *, lift: float, lean_deg: float) -> NDArray[np.float64]:
    """Give the ball's vertices in the world.

    Parameters
    ----------
    offsets : ndarray, shape (625, 3)
        Of the movable vertices, in radii of the ball.
    lift, lean_deg : float
        As in `place`.

    Returns
    -------
    ndarray, shape (627, 3)

    Examples
    --------
    >>> ball_vertices(np.zeros((625, 3)), lift=0, lean_deg=0)[-1]
    array([ 0., -150., 0.])
    """
    skin = SPHERE.copy()
    skin[:N_MOVABLE] += offsets
    return place(RADIUS * skin, lift=lift, lean_deg=lean_deg)
