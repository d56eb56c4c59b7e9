"""A slow reference renderer for the picture, which tests depth and sorts, cuts and culls nothing."""

import numpy as np
import pytest

from avfbel.stimulus.camera import HEIGHT, WIDTH, view
from avfbel.stimulus.light import FLOOR, shade
from avfbel.stimulus.mesh import EYE_TRIANGLES, EYES, SPHERE_TRIANGLES, ball_vertices, place

SCALE = 2


@pytest.fixture(scope="session")
def depth_buffer():
    return _render


def _render(state):
    """Draw a frame at twice its size: RGB (1200, 1000, 3), and what is seen: 0 ball, 1 eye, 2 floor."""
    where = {"lift": state.lift, "lean_deg": state.lean_deg}
    parts = [
        (ball_vertices(state.offsets, **where), SPHERE_TRIANGLES, (255, 0, 0)),
        (place(EYES, **where), EYE_TRIANGLES, (255, 255, 255)),
        (FLOOR, np.array([[0, 1, 2], [0, 2, 3]]), (100, 100, 100)),
    ]
    picture = np.full((HEIGHT * SCALE, WIDTH * SCALE, 3), 200, np.uint8)
    nearness = np.zeros(picture.shape[:2])
    part_seen = np.full(picture.shape[:2], -1)
    for part, (vertices, triangles, colour) in enumerate(parts):
        for corners in vertices[triangles]:
            normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
            if not np.linalg.norm(normal):
                continue
            normal, centroid = normal / np.linalg.norm(normal), corners.mean(axis=0)
            if part == 2:
                normal, centroid = np.array([0.0, -1.0, 0.0]), FLOOR.mean(axis=0)
            light = shade(normal[None], centroid[None])[0]
            ink = np.minimum(255, np.rint(np.array(colour) * light))
            _fill(picture, nearness, part_seen, view(corners), ink, part)
    return picture, part_seen


def _fill(picture, nearness, part_seen, corners, ink, part):
    xy, near = corners[:, :2] * SCALE, 1 / corners[:, 2]  # 1 / depth is linear on the screen
    left, top = np.maximum(np.floor(xy.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(xy.max(axis=0)).astype(int) + 1, (WIDTH * SCALE, HEIGHT * SCALE))
    if right <= left or bottom <= top:
        return
    (ax, ay), (bx, by), (cx, cy) = xy
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area == 0:
        return
    x, y = np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5)
    b = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
    c = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
    inside = (b >= 0) & (c >= 0) & (b + c <= 1)
    box = slice(top, bottom), slice(left, right)
    here = near[0] + b * (near[1] - near[0]) + c * (near[2] - near[0])
    wins = inside & (here > nearness[box])
    nearness[box][wins], picture[box][wins], part_seen[box][wins] = here[wins], ink, part
