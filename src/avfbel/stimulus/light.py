"""The light on the scene and the polygons that the camera sees of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.stimulus.camera import HEIGHT, WIDTH, view
from avfbel.stimulus.mesh import EYE_TRIANGLES, EYES, SPHERE, SPHERE_TRIANGLES, ball_vertices, place
from avfbel.stimulus.motion import BallState

FLOOR_Y = 20.0
FLOOR = np.array([[-150, FLOOR_Y, -150], [150, FLOOR_Y, -150], [150, FLOOR_Y, 150], [-150, FLOOR_Y, 150]])
LAMP = np.array([-40.0, -375.0, -150.0])
AMBIENT = DIRECTIONAL = 0.5
EYE_LEAD = 6.0  # world units by which an eye is painted later than the skin around it, from which it juts out

_TRIANGLES = np.concatenate([SPHERE_TRIANGLES, EYE_TRIANGLES + len(SPHERE)])
_A, _B, _C = np.ascontiguousarray(_TRIANGLES.T)
_IS_EYE = np.arange(len(_TRIANGLES)) >= len(SPHERE_TRIANGLES)


class Polygons(NamedTuple):
    """Visible triangles, far to near, not yet cut at the floor."""

    corners: NDArray[np.float64]
    """World coordinates, shape (n, 3, 3)."""
    outlines: NDArray[np.float64]
    """The corners in the picture, in pixels, shape (n, 3, 2)."""
    shade: NDArray[np.float64]
    """Light on each, shape (n,), 0.5 and more; 1 shows the plain colour."""
    is_eye: NDArray[np.bool_]
    """Shape (n,)."""


def shade(normals: NDArray[np.float64], centroids: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light flat faces: ambient, a directional light from behind the ball, and a lamp above it.

    Parameters
    ----------
    normals : ndarray, shape (n, 3)
        Outward, of unit length.
    centroids : ndarray, shape (n, 3)
        World coordinates.

    Returns
    -------
    ndarray, shape (n,)
        Factor on the colour, 0.5 to 2.

    Examples
    --------
    >>> shade(np.array([[0.0, 1.0, 0.0]]), np.array([[0.0, 0.0, 0.0]]))  # a face that looks down
    array([0.5])
    """
    toward = LAMP - centroids
    distance = np.sqrt(np.einsum("ij,ij->i", toward, toward))
    lamp: NDArray[np.float64] = np.maximum(0, np.einsum("ij,ij->i", normals, toward) / distance)
    return AMBIENT + DIRECTIONAL * np.maximum(0, normals[:, 2]) + lamp


def visible_polygons(state: BallState, *, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Polygons:
    """Find the triangles of ball and eyes that face the camera and reach above the floor.

    Parameters
    ----------
    state : BallState
    size : tuple of int
        Width and height of the picture in pixels.

    Returns
    -------
    Polygons
    """
    where = {"lift": state.lift, "lean_deg": state.lean_deg}
    vertices = np.concatenate([ball_vertices(state.offsets, **where), place(EYES, **where)])
    viewed = view(vertices, size=size)
    x, y, depth = np.ascontiguousarray(viewed.T)
    x_a, y_a = x[_A], y[_A]
    # twice the area in pixels: positive where the corners run clockwise, nothing where the skin has no extent
    facing = (x[_B] - x_a) * (y[_C] - y_a) - (y[_B] - y_a) * (x[_C] - x_a) > 1e-9
    above = vertices[:, 1] < FLOOR_Y
    (seen,) = np.nonzero(facing & (above[_A] | above[_B] | above[_C]))
    distance = (depth[_A[seen]] + depth[_B[seen]] + depth[_C[seen]]) / 3 - EYE_LEAD * _IS_EYE[seen]
    chosen = seen[np.argsort(-distance, kind="stable")]
    corners = vertices[_TRIANGLES[chosen]]
    normals = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.sqrt(np.einsum("ij,ij->i", normals, normals))[:, None]
    light = shade(normals, corners.sum(axis=1) / 3)
    return Polygons(corners, viewed[:, :2][_TRIANGLES[chosen]], light, _IS_EYE[chosen])


def _cross(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    (a, b, c), (d, e, f) = u.T, v.T
    return np.stack([b * f - c * e, c * d - a * f, a * e - b * d], axis=1)


def cut_at_floor(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut off what lies below the floor.

    Parameters
    ----------
    triangles : ndarray, shape (n, 3, 3)
        World coordinates; each with a corner above the floor and one below it.

    Returns
    -------
    ndarray, shape (n, 4, 3)
        What is left above the floor; a triangle has one of its corners twice.

    Examples
    --------
    >>> cut_at_floor(np.array([[[0.0, 0.0, 0.0], [0.0, 40.0, 0.0], [20.0, 40.0, 0.0]]]))
    array([[[ 0.,  0.,  0.],
            [ 0., 20.,  0.],
            [10., 20.,  0.],
            [ 0.,  0.,  0.]]])
    """
    above = triangles[:, :, 1] < FLOOR_Y
    # turn each triangle until its first corner is above and its last below: above, either, below
    first = np.argmax(above & ~np.roll(above, 1, axis=1), axis=1)
    turned = triangles[np.arange(len(triangles))[:, None], (first[:, None] + np.arange(3)) % 3]
    p, q, r = turned.transpose(1, 0, 2)
    two_above = (q[:, 1] < FLOOR_Y)[:, None]
    leaving = _at_floor(np.where(two_above, q, p), np.where(two_above, r, q))
    returning = _at_floor(p, r)
    third, fourth = np.where(two_above, leaving, returning), np.where(two_above, returning, p)
    return np.stack([p, np.where(two_above, q, leaving), third, fourth], axis=1)


def _at_floor(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the lines from points above the floor to points below it meet the floor, shape (n, 3)."""
    share = (FLOOR_Y - above[:, 1]) / (below[:, 1] - above[:, 1])
    return above + share[:, None] * (below - above)
