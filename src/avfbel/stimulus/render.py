"""The picture: the ball and its floor, flat-shaded polygons painted from far to near.

Everything above the floor is nearer to the camera than the floor behind it, and everything below the floor
is hidden by it; so the floor is painted once, and the ball is cut at the floor and painted over it, which
is what a depth test gives. Pictures are drawn at twice their size and reduced; only the box around the ball
is drawn again for every frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from avfbel.stimulus.camera import HEIGHT, POSITION, WIDTH, project, view
from avfbel.stimulus.mesh import EYE_TRIANGLES, EYES, SPHERE, SPHERE_TRIANGLES, ball_vertices, place
from avfbel.stimulus.motion import BallState, ball_states
from avfbel.stimulus.score import FRAMES_PER_SECOND, Score

BACKGROUND, FLOOR_GREY, RED, WHITE = 200, 100, (255, 0, 0), (255, 255, 255)
FLOOR_Y = 20.0
FLOOR = np.array([[-150, FLOOR_Y, -150], [150, FLOOR_Y, -150], [150, FLOOR_Y, 150], [-150, FLOOR_Y, 150]])
LAMP = np.array([-40.0, -375.0, -150.0])
AMBIENT = DIRECTIONAL = 0.5
SCALE = 2  # of the drawing, for smooth edges
_TRIANGLES = np.concatenate([SPHERE_TRIANGLES, EYE_TRIANGLES + len(SPHERE)])
_IS_EYE = np.arange(len(_TRIANGLES)) >= len(SPHERE_TRIANGLES)
_EYE_LEAD = (
    6.0  # world units by which an eye is painted later than the skin around it, from which it juts out
)


class Polygons(NamedTuple):
    """Visible triangles, far to near, not yet cut at the floor."""

    corners: NDArray[np.float64]
    """World coordinates, shape (n, 3, 3)."""
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
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    lamp: NDArray[np.float64] = np.maximum(0, np.sum(normals * toward, axis=1))
    return AMBIENT + DIRECTIONAL * np.maximum(0, normals[:, 2]) + lamp


def visible_polygons(state: BallState) -> Polygons:
    """Find the triangles of ball and eyes that face the camera and reach above the floor.

    Parameters
    ----------
    state : BallState

    Returns
    -------
    Polygons
    """
    where = {"lift": state.lift, "lean_deg": state.lean_deg}
    vertices = np.concatenate([ball_vertices(state.offsets, **where), place(EYES, **where)])
    corners = vertices[_TRIANGLES]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = np.einsum("ij,ij->i", normals, POSITION - corners[:, 0]) > 1e-9
    seen = facing & (corners[:, :, 1].min(axis=1) < FLOOR_Y)
    corners, normals, is_eye = corners[seen], normals[seen], _IS_EYE[seen]
    centroids = corners.mean(axis=1)
    light = shade(normals / np.linalg.norm(normals, axis=1, keepdims=True), centroids)
    far_to_near = np.argsort(_EYE_LEAD * is_eye - view(centroids)[:, 2], kind="stable")
    return Polygons(corners[far_to_near], light[far_to_near], is_eye[far_to_near])


def cut_at_floor(triangle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut a triangle off at the floor.

    Parameters
    ----------
    triangle : ndarray, shape (3, 3)
        World coordinates, with at least one corner above the floor.

    Returns
    -------
    ndarray, shape (3 or 4, 3)
        What is left above the floor.

    Examples
    --------
    >>> cut_at_floor(np.array([[0.0, 0.0, 0.0], [0.0, 40.0, 0.0], [20.0, 40.0, 0.0]]))
    array([[ 0.,  0.,  0.],
           [ 0., 20.,  0.],
           [10., 20.,  0.]])
    """
    kept = []
    for a, b in zip(triangle, np.roll(triangle, -1, axis=0), strict=True):
        if a[1] <= FLOOR_Y:
            kept.append(a)
        if (a[1] < FLOOR_Y) != (b[1] < FLOOR_Y) and a[1] != FLOOR_Y:
            kept.append(a + (FLOOR_Y - a[1]) / (b[1] - a[1]) * (b - a))
    return np.array(kept)


@cache
def _stage() -> Image.Image:
    """Background and floor at the scale of drawing."""
    stage = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), (BACKGROUND,) * 3)
    up = np.array([[0.0, -1.0, 0.0]])
    grey = round(FLOOR_GREY * float(shade(up, FLOOR.mean(axis=0, keepdims=True))[0]))
    ImageDraw.Draw(stage).polygon(_on_paper(FLOOR), fill=(grey,) * 3)
    return stage


@cache
def _empty_picture() -> Image.Image:
    return _stage().reduce(SCALE)


def _on_paper(points: NDArray[np.float64], left: float = 0, top: float = 0) -> list[float]:
    """Coordinates for Pillow, whose pixels are counted from their centres."""
    xy: list[float] = (project(points) * SCALE - (left * SCALE + 0.5, top * SCALE + 0.5)).ravel().tolist()
    return xy


def draw_picture(state: BallState) -> Image.Image:
    """Draw one frame.

    Parameters
    ----------
    state : BallState

    Returns
    -------
    Image
        RGB, 500 x 600 pixels.
    """
    polygons = visible_polygons(state)
    picture = _empty_picture().copy()
    if not len(polygons.shade):
        return picture
    corners = project(polygons.corners)
    left, top = np.maximum(np.floor(corners.min(axis=(0, 1))).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=(0, 1))).astype(int) + 2, (WIDTH, HEIGHT))
    if right <= left or bottom <= top:
        return picture
    box = _stage().crop((left * SCALE, top * SCALE, right * SCALE, bottom * SCALE))
    draw = ImageDraw.Draw(box)
    flat = (corners * SCALE - (left * SCALE + 0.5, top * SCALE + 0.5)).reshape(-1, 6).tolist()
    levels = np.minimum(255, np.rint(255 * polygons.shade)).astype(int).tolist()
    crosses = (polygons.corners[:, :, 1].max(axis=1) > FLOOR_Y).tolist()
    for i, (xy, level, is_eye) in enumerate(zip(flat, levels, polygons.is_eye.tolist(), strict=True)):
        outline = _on_paper(cut_at_floor(polygons.corners[i]), left, top) if crosses[i] else xy
        draw.polygon(outline, fill=(level,) * 3 if is_eye else (level, 0, 0))
    picture.paste(box.reduce(SCALE), (int(left), int(top)))
    return picture


def render_frames(score: Score, fps: int = FRAMES_PER_SECOND) -> Iterator[NDArray[np.uint8]]:
    """Draw the film of a score.

    Parameters
    ----------
    score : Score
    fps : int
        Frames a second.

    Yields
    ------
    ndarray of uint8, shape (600, 500, 3)
        One frame after another, in RGB.

    Examples
    --------
    >>> from avfbel.stimulus import compose, named
    >>> next(render_frames(compose(named("happy"), seed=7))).shape
    (600, 500, 3)
    """
    for state in ball_states(score, fps):
        yield np.asarray(draw_picture(state))
