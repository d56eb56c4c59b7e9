import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.errors import UsageError
from avfbel.stimulus import compose, named, render_frames
from avfbel.stimulus.camera import AXES, check_size, project
from avfbel.stimulus.light import FLOOR, FLOOR_Y, cut_at_floor, shade
from avfbel.stimulus.mesh import (
    EYE_CENTRES,
    EYE_TRIANGLES,
    EYES,
    SPHERE,
    SPHERE_TRIANGLES,
    ball_vertices,
    place,
)
from avfbel.stimulus.motion import BallState, ball_states
from avfbel.stimulus.render import Sheet, draw_picture, render_planes

SMOOTH = np.zeros((625, 3))


def state(*, lift=0.0, lean_deg=0.0, spike=0.0, seed=0):
    return BallState(lift, lean_deg, np.random.default_rng(seed).uniform(-spike, spike, (625, 3)))


def picture(**kwargs):
    return np.asarray(draw_picture(state(**kwargs))).astype(int)


def is_red(rgb):
    return rgb[..., 0] - rgb[..., 1] > 60


def test_axes_of_the_camera_are_those_printed():
    printed = [[-0.857493, 0, 0.514496], [-0.017637, 0.999412, -0.029394], [-0.514193, -0.034280, -0.856989]]
    assert pytest.approx(np.array(printed), abs=5e-7) == AXES


@pytest.mark.parametrize(
    ("lift", "x", "y"),
    [
        (0, (183, 317), (326, 502)),
        (60, (183, 317), (246, 421)),
        (100, (183, 317), (192, 367)),
        (153, None, (118, 296)),
    ],
)
def test_the_silhouette_falls_where_printed(lift, x, y):
    points = project(ball_vertices(SMOOTH, lift=lift, lean_deg=0))
    # silhouettes are printed in whole pixels, of the ellipsoid: the mesh lies up to a pixel inside it
    assert (points[:, 1].min(), points[:, 1].max()) == pytest.approx(y, abs=1)
    if x and lift == 0:
        assert (points[:, 0].min(), points[:, 0].max()) == pytest.approx(x, abs=1)


def test_eyes_and_floor_fall_where_printed():
    assert project(place(EYE_CENTRES, lift=0, lean_deg=0)) == pytest.approx(
        np.array([[234.7, 364.5], [205.7, 361.7]]), abs=0.05
    )
    corners = [[319.5, 579.6], [51.6, 494.4], [216.4, 425.9], [416.6, 460.4]]
    assert project(FLOOR) == pytest.approx(np.array(corners), abs=0.05)


@pytest.mark.parametrize(
    ("vertices", "triangles", "centre"),
    [(SPHERE, SPHERE_TRIANGLES, np.zeros(3)), (EYES[:8], EYE_TRIANGLES[:12], EYE_CENTRES[0])],
)
def test_surfaces_are_closed_and_face_outward(vertices, triangles, centre):
    edges = [tuple(t[[i, (i + 1) % 3]]) for t in triangles for i in range(3)]
    assert sorted(edges) == sorted((b, a) for a, b in edges)  # every edge is walked once in either direction
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), (a + b + c) / 3 - centre)
    assert (outward > -1e-12).all()
    assert (outward > 1e-9).sum() >= len(triangles) - 50  # the ring on the top pole has no area


def test_there_are_1250_triangles():
    assert SPHERE_TRIANGLES.shape == (1250, 3)
    assert set(SPHERE_TRIANGLES.ravel()) == set(range(627))


def test_light_from_the_lamp_falls_off_with_the_angle():
    below = np.array([[-40.0, 0.0, -150.0]])
    assert shade(np.array([[0.0, -1.0, 0.0]]), below) == pytest.approx(1.5)
    slanted = np.array([[0.0, -np.cos(1.0), -np.sin(1.0)]])
    assert shade(slanted, below) == pytest.approx(0.5 + np.cos(1.0))
    assert shade(np.array([[0.0, 0.0, 1.0]]), below) == pytest.approx(1.0)  # away from the camera


@pytest.mark.parametrize("lift", [0, 8, 60])
@pytest.mark.parametrize("lean_deg", [-50, 0, 35])
@pytest.mark.parametrize("spike", [0.0, 0.04, 0.2])
def test_painting_shows_what_a_depth_test_shows(depth_buffer, lift, lean_deg, spike):
    ball = state(lift=lift, lean_deg=lean_deg, spike=spike)
    reference, part = depth_buffer(ball)
    sheet = Sheet()
    left, top, right, bottom = sheet.paint(ball).times(2)
    box = slice(top, bottom), slice(left, right)
    mine = np.asarray(sheet.pixels)[box].astype(int)
    seen = np.isin(part, (0, 1))
    assert not np.delete(seen, np.r_[box[0]], axis=0).any()
    assert not np.delete(seen, np.r_[box[1]], axis=1).any()
    drawn = is_red(mine) | ((np.ptp(mine, axis=-1) == 0) & ~np.isin(mine[..., 0], (200, 143)))
    # Pillow draws the pixels on an outline too: half a pixel around a ball of 270 x 350
    assert np.mean(drawn != seen[box]) < 0.01
    both = drawn & seen[box]
    differs = np.abs(mine - reference[box]).max(axis=-1) > 8
    # painter's order is exact for a smooth ball; where spikes pierce each other, some pixels differ
    assert differs[both].mean() < (0.03 if spike == 0 else 0.08 if spike < 0.1 else 0.25)


def test_the_floor_hides_what_is_below_it():
    floor_front = project([[0.0, FLOOR_Y, -75.0]])[0, 1]
    red = is_red(picture())
    assert np.flatnonzero(red.any(axis=1)).max() < floor_front + 15
    assert np.flatnonzero(red.any(axis=1)).max() < 502 - 5
    assert is_red(picture(lift=60)).sum() > red.sum()


def test_cutting_keeps_the_share_above_the_floor():
    triangles = np.random.default_rng(0).uniform(-50, 50, (500, 3, 3)) + np.array([0, FLOOR_Y, 0])
    above = (triangles[:, :, 1] < FLOOR_Y).sum(axis=1)
    triangles = triangles[(above > 0) & (above < 3)]
    for triangle, cut in zip(triangles, cut_at_floor(triangles), strict=True):
        assert cut[:, 1].max() <= FLOOR_Y + 1e-9
        # by sampling: points of the triangle that are above the floor, as a share of its area
        weights = np.random.default_rng(1).dirichlet((1, 1, 1), 2000)
        share = np.mean(weights @ triangle[:, 1] < FLOOR_Y)
        area = np.linalg.norm(np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0]))
        kept = np.linalg.norm(
            np.cross(cut[1] - cut[0], cut[2] - cut[0]) + np.cross(cut[2] - cut[0], cut[3] - cut[0])
        )
        assert kept / area == pytest.approx(share, abs=0.05)


def test_a_smooth_ball_is_an_egg_and_a_spiky_one_is_not():
    def roughness(rgb):
        red = is_red(rgb)
        edges = (red[1:] != red[:-1]).sum() + (red[:, 1:] != red[:, :-1]).sum()
        return edges / np.sqrt(red.sum())

    assert (
        roughness(picture(lift=60))
        < roughness(picture(lift=60, spike=0.0372))
        < roughness(picture(lift=60, spike=0.2))
    )


def test_leaning_forward_lowers_the_eyes():
    def eye_height(lean_deg):
        rgb = picture(lift=60, lean_deg=lean_deg)
        white = (rgb != picture(lift=600)).any(axis=-1) & (np.ptp(rgb, axis=-1) < 30)
        return np.flatnonzero(white.any(axis=1)).mean()

    assert eye_height(30) > eye_height(0) > eye_height(-20)


def test_what_does_not_move_is_the_same_in_every_frame():
    frames = [picture(lift=lift, spike=0.1) for lift in (0, 80)]
    assert (frames[0][560:] == frames[1][560:]).all()
    assert (frames[0][:100] == (200, 200, 200)).all()


def test_planes_are_the_frames_in_the_colours_of_the_encoder():
    score = compose(named("angry"), seed=3, seconds=0.4, strict=True)
    for rgb, planes in zip(render_frames(score), render_planes(score), strict=True):
        r, g, b = rgb.transpose(2, 0, 1) / 255  # BT.601 with head room
        luma = 16 + 219 * (0.299 * r + 0.587 * g + 0.114 * b)
        blue, red = 128 + 112 / 0.886 * (b - (luma - 16) / 219), 128 + 112 / 0.701 * (r - (luma - 16) / 219)
        assert np.abs(planes.y - luma).max() < 2
        for plane, colour in ((planes.cb, blue), (planes.cr, red)):
            assert np.abs(plane - colour.reshape(300, 2, 250, 2).mean(axis=(1, 3))).max() < 2


def test_repainting_the_box_around_the_ball_gives_what_painting_everything_gives():
    score = compose(named("scared"), seed=9, seconds=0.8, strict=True)
    for ball, frame in zip(ball_states(score), render_frames(score), strict=True):
        assert (np.asarray(draw_picture(ball)) == frame).all()


@pytest.mark.parametrize("lift", [0, 60, 120])
@pytest.mark.parametrize("spike", [0.0, 0.2])
def test_a_small_picture_is_the_large_one_reduced(lift, spike):
    ball = state(lift=lift, lean_deg=10, spike=spike)
    large = np.asarray(draw_picture(ball, size=(500, 600))).astype(float)
    reduced = large.reshape(300, 2, 250, 2, 3).mean(axis=(1, 3))
    small = np.asarray(draw_picture(ball, size=(250, 300))).astype(float)
    # the outline is drawn half a pixel of the drawing wide, whatever the scale: edges differ, areas do not
    assert np.abs(small - reduced).mean() < 1.5
    assert np.median(np.abs(small - reduced).max(axis=-1)[is_red(reduced)]) < 10


@pytest.mark.parametrize("size", [(1066, 600), (500, 600), (400, 600)])
def test_a_wide_picture_shows_more_at_the_sides_and_the_rest_in_the_same_place(size):
    ball = state(lift=60, spike=0.1)
    wide, usual = (np.asarray(draw_picture(ball, size=s)).astype(int) for s in (size, (500, 600)))
    assert wide.shape == (600, size[0], 3)
    common = min(size[0], 500)
    middle = [slice((w - common) // 2, (w + common) // 2) for w in (size[0], 500)]
    assert (np.abs(wide[:, middle[0]] - usual[:, middle[1]]).max(axis=-1) > 0).mean() < 1e-3


sides = st.integers(32, 1080).map(lambda half: 2 * half)


@given(sides, sides, st.lists(st.floats(-150, 150), min_size=3, max_size=3))
def test_the_vertical_place_depends_on_the_height_alone_and_the_middle_is_the_middle(width, height, point):
    x, y = project(point, size=(width, height))
    usual_x, usual_y = project(point)
    assert y / height == pytest.approx(usual_y / 600)
    assert (x - width / 2) / height == pytest.approx((usual_x - 250) / 600)


@given(sides, sides)
def test_even_sides_from_64_to_2160_will_do(width, height):
    check_size((width, height))


@pytest.mark.parametrize(
    "size", [(501, 600), (500, 62), (2162, 600), (500.0, 600), (0, 0), (500,), (-64, 64)]
)
def test_other_sizes_are_refused_with_a_remedy(size):
    for refuse in (check_size, lambda s: draw_picture(state(), size=s)):
        with pytest.raises(
            UsageError, match="the size must be two even numbers from 64 to 2160, width and hei"
        ):
            refuse(size)


def test_a_ball_above_the_picture_leaves_it_empty():
    assert Sheet().paint(state(lift=600)) is None
    assert not is_red(picture(lift=600)).any()
