"""The picture and the outline of a body in it: colours, bars, bodies, silhouettes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from avfbel.senses.silhouette import describe, hull_area, largest_patch, outline, roughness
from avfbel.senses.visual_track import (
    Area,
    Body,
    active_area,
    background_colour,
    body_table,
    change,
    code_colours,
    colour_codes,
    find_body,
    planes,
)

RED, BLUE, GREY = (220, 20, 20), (20, 20, 220), (200, 200, 200)


def disc(picture: NDArray[np.uint8], x: float, y: float, radius: float, colour: tuple[int, int, int]) -> None:
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    picture[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = colour


def codes_of(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint16]:
    return np.stack([colour_codes(planes(picture)) for picture in pictures])


@given(arrays(np.uint8, (3, 2, 2)))
def test_a_code_stands_for_a_colour_at_most_seven_levels_away(colours: NDArray[np.uint8]) -> None:
    decoded = code_colours()[colour_codes(colours)].transpose(2, 0, 1)
    assert np.abs(decoded - colours.astype(int)).max() <= 7  # 4, but for the brightest


@given(arrays(np.uint8, (3, 2, 2)), arrays(np.uint8, (3, 2, 2)))
def test_change_is_the_largest_difference_beyond_noise(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> None:
    expected = np.maximum(np.abs(a.astype(int) - b).max(0) - 8, 0)
    np.testing.assert_array_equal(change(a, b), expected)


@given(st.tuples(*[st.integers(0, 30)] * 4))
def test_black_bars_on_any_side_are_left_out(bars: tuple[int, int, int, int]) -> None:
    top, bottom, left, right = bars
    film = np.zeros((3, 60 + top + bottom, 50 + left + right), np.uint16)
    film[:, top : top + 60, left : left + 50] = 20 << 10
    assert active_area(film) == Area(top, top + 60, left, left + 50)


def test_a_body_before_black_is_not_taken_for_a_picture_between_bars() -> None:
    pictures = [np.zeros((100, 80, 3), np.uint8) for _ in range(5)]
    for k, picture in enumerate(pictures):
        disc(picture, 40, 80 - 10 * k, 12, RED)
    assert active_area(codes_of(pictures)) == Area(0, 100, 0, 80)


def test_a_black_film_has_no_bars() -> None:
    assert active_area(np.zeros((2, 30, 40), np.uint16)) == Area(0, 30, 0, 40)


def moving(bodies: list[tuple[float, float, float, tuple[int, int, int]]], n: int = 12) -> NDArray[np.uint16]:
    """Film of discs (x, amplitude, radius, colour) that go up and down before grey."""
    pictures = []
    for k in range(n):
        picture = np.full((150, 125, 3), GREY, np.uint8)
        for x, amplitude, radius, colour in bodies:
            disc(picture, x, 110 - amplitude * abs(np.sin(k * 0.7 + x)), radius, colour)
        pictures.append(picture)
    return codes_of(pictures)


def test_body_and_background_have_their_own_colours() -> None:
    codes = moving([(60, 50, 17, RED)])
    assert background_colour(codes) == GREY
    body = find_body(codes, GREY)
    assert body is not None
    assert np.abs(np.subtract(body.colour, RED)).max() <= 16


@pytest.mark.parametrize("other", [BLUE, (30, 30, 30), (250, 250, 60)])
@pytest.mark.parametrize("small", [6, 10, 13])
def test_of_two_moving_bodies_the_larger_is_found(other: tuple[int, int, int], small: float) -> None:
    body = find_body(moving([(35, 40, 17, RED), (95, 70, small, other)]), GREY)
    assert body is not None
    assert np.abs(np.subtract(body.colour, RED)).max() <= 16


def test_nothing_moves_in_a_still_film() -> None:
    still = np.repeat(moving([(60, 50, 17, RED)], n=1), 10, axis=0)
    assert find_body(still, GREY) is None


def test_a_still_thing_is_not_the_body_whatever_its_size() -> None:
    codes = moving([(60, 50, 10, RED)])
    codes[:, :40, :] = colour_codes(np.array(BLUE, np.uint8).reshape(3, 1, 1))[0, 0]
    body = find_body(codes, GREY)
    assert body is not None
    assert np.abs(np.subtract(body.colour, RED)).max() <= 16


def test_of_two_bodies_of_one_colour_the_larger_is_outlined() -> None:
    picture = np.full((150, 125, 3), GREY, np.uint8)
    disc(picture, 30, 40, 10, RED)
    disc(picture, 80, 90, 17, RED)
    found = outline(codes_of([picture])[0], body_table(Body(RED, GREY)))
    assert found is not None
    assert found.centre == pytest.approx((80, 90), abs=0.1)
    assert outline(codes_of([picture])[0], body_table(Body((250, 250, 60), GREY))) is None


@given(arrays(np.bool_, (7, 9)).filter(lambda mask: mask.any()))
def test_moments_are_those_of_the_pixels(mask: NDArray[np.bool_]) -> None:
    found = describe(mask, top=3, left=5, height=20)
    pixels = np.argwhere(mask)
    assert found.area == len(pixels)
    assert found.centre == pytest.approx((pixels[:, 1].mean() + 5, pixels[:, 0].mean() + 3))
    expected = np.cov(pixels.T, bias=True)
    assert found.covariance == pytest.approx((expected[1, 1], expected[0, 1], expected[0, 0]), abs=1e-9)
    np.testing.assert_array_equal(found.rows, np.r_[[0] * 3, mask.sum(1), [0] * 10])
    assert found.rough >= 0


@given(arrays(np.bool_, (8, 8)).filter(lambda mask: mask.any()))
def test_the_largest_patch_is_connected_and_whole(mask: NDArray[np.bool_]) -> None:
    patch, box = largest_patch(mask)
    again, same = largest_patch(patch)
    np.testing.assert_array_equal(again, patch)
    assert same == Area(0, box.height, 0, box.width)
    assert patch.any(1).all()
    assert patch.any(0).all()


@given(st.integers(0, 2**32 - 1))
def test_the_rubber_band_is_the_convex_hull(seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = np.zeros((90, 90, 3), np.uint8)
    for x, y, radius in rng.uniform((25, 25, 12), (65, 65, 24), (3, 3)):
        disc(picture, x, y, radius, (255, 0, 0))
    mask, _ = largest_patch(picture[..., 0] > 0)
    # The band runs a quarter of a pixel within the corners: the hull of those points, by another way.
    corners = np.argwhere(mask)[:, None] + np.array([[a, b] for a in (0.25, 0.75) for b in (0.25, 0.75)])
    exact = ConvexHull(corners.reshape(-1, 2)).volume
    assert exact <= hull_area(mask) + 1e-9 <= exact * 1.03  # sides that are up to 2.8° askew


@pytest.mark.parametrize("radius", [9, 17, 34, 60])
def test_spikes_make_a_body_rough_and_size_does_not(radius: float) -> None:
    rows, columns = np.mgrid[:150, :150] - 75
    angle, distance = np.arctan2(rows, columns), np.hypot(rows, columns)
    rough = [roughness(distance < radius * (1 + depth * np.cos(9 * angle))) for depth in (0, 0.1, 0.2)]
    ideal = [0.0]
    for depth in (0.1, 0.2):
        a = np.linspace(0, 2 * np.pi, 2000)
        star = (1 + depth * np.cos(9 * a)) * np.stack([np.cos(a), np.sin(a)])
        ideal.append(ConvexHull(star.T).volume / (np.pi * (1 + depth**2 / 2)) - 1)
    assert rough == pytest.approx(ideal, abs=0.045)  # the smallest is 18 pixels across
    assert rough[0] < 0.012
