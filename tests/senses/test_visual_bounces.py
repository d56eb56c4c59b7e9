"""From lifts to bounces, from bounces to features and maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from avfbel.senses.bounces import Bounce, bounces_of, find_arches, lifts
from avfbel.senses.feature_maps import area_average, event_values, paint
from avfbel.senses.features import VISUAL_FEATURES
from avfbel.senses.silhouette import Silhouette, describe
from avfbel.senses.visual_features import VISUAL_RANGES, intervals_of, visual_features

FRAME = 1 / 30


def course(
    starts: NDArray[np.float64], lengths: NDArray[np.float64], heights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Lifts, every thirtieth of a second for 4 s, of bounces that do not overlap."""
    t = np.arange(120) * FRAME
    phase = np.clip((t - starts[:, None]) / lengths[:, None], 0, 1)
    return (heights[:, None] * np.sin(np.pi * phase)).sum(0)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.15, 0.9))
def test_arches_are_found_where_they_were_drawn(seed: int, period: float) -> None:
    rng = np.random.default_rng(seed)
    n = int(3.9 / period) - 1
    gaps = period * rng.uniform(0.9, 1.1, n)
    starts, lengths = 0.05 + np.r_[0, np.cumsum(gaps[:-1])], 0.9 * gaps
    heights = rng.uniform(0.05, 0.35, n)
    lift = np.maximum(0, course(starts, lengths, heights) + rng.normal(0, 0.001, 120))
    found = find_arches(np.arange(120) * FRAME, lift)
    assert len(found) == n
    # a frame is 33 ms; noise of 0.001 moves the flank of the lowest and longest by 6 ms
    np.testing.assert_allclose([a.start_s for a in found], starts, atol=0.02)
    np.testing.assert_allclose([a.end_s for a in found], starts + lengths, atol=0.02)
    np.testing.assert_allclose([a.peak for a in found], heights, rtol=0.15, atol=0.004)


@pytest.mark.parametrize(
    "lift",
    [
        np.zeros(60),
        np.full(60, 0.3),
        np.linspace(0, 0.3, 60),  # a pan
        np.repeat([0.0, 0.3, 0.0], 20),  # two cuts
        np.r_[np.linspace(0.3, 0, 30), np.linspace(0, 0.3, 30)],  # cut off at both ends
        0.01 * np.abs(np.sin(np.arange(60) / 3)),  # trembling
        np.zeros(2),
        np.zeros(0),
    ],
)
def test_what_does_not_rise_and_fall_is_no_bounce(lift: NDArray[np.float64]) -> None:
    assert find_arches(np.arange(len(lift)) * FRAME, lift) == []


@given(st.lists(st.floats(0, 1), max_size=80))
def test_any_course_gives_arches_in_order_and_within_bounds(lift: list[float]) -> None:
    found = find_arches(np.arange(len(lift)) * FRAME, np.array(lift))
    assert all(arch.start_s < arch.end_s and 0 < arch.peak <= 1.5 for arch in found)
    middles = [(arch.start_s + arch.end_s) / 2 for arch in found]
    assert middles == sorted(middles)


def egg(lean: float, y: float, *, floor: int = 150) -> Silhouette:
    """An ellipse of axes 1.3 : 1 whose top leans left by `lean` rad, cut off at the floor."""
    rows, columns = np.mgrid[:200, :120]
    dx, dy = columns - 60, rows - y
    along, across = dx * np.sin(lean) + dy * np.cos(lean), dx * np.cos(lean) - dy * np.sin(lean)
    return describe(((along / 39) ** 2 + (across / 30) ** 2 < 1) & (rows < floor))


def test_lift_and_lean_of_an_egg_that_sits_in_the_floor() -> None:
    t = np.arange(60) * FRAME
    starts = np.array([0.2, 0.8, 1.4])
    lift = course(starts, np.full(3, 0.5), np.array([0.3, 0.15, 0.4]))[:60]
    leans = np.interp(t, np.concatenate([[s, s + 0.5] for s in starts]), [0, 0.1, 0.1, 0.05, 0.05, 0.2])
    film = [egg(lean, 125 - 200 * up) for lean, up in zip(leans, lift, strict=True)]
    np.testing.assert_allclose(lifts(film), lift, atol=0.02)  # what the floor hides: up to 14 of 200 rows
    found = bounces_of(t, film, from_start=True)
    np.testing.assert_allclose([b.lean_change for b in found], [0.1, -0.05, 0.15], atol=0.02)
    np.testing.assert_allclose([b.peak_lift for b in found], [0.3, 0.15, 0.4], atol=0.02)
    np.testing.assert_allclose([b.start_s for b in found], starts, atol=0.02)
    assert [b.is_first for b in found] == [True, False, False]


def bounce(start: float, *, length: float = 0.4, **changes: float) -> Bounce:
    values = {"peak_lift": 0.2, "rough": 0.1, "lean_change": 0.05} | changes
    return Bounce(start, start + length, values["peak_lift"], values["rough"], values["lean_change"])


def test_features_by_hand() -> None:
    shot = [
        bounce(0.0, peak_lift=9.0, rough=9.0, lean_change=9.0)._replace(is_first=True),
        bounce(0.5, peak_lift=0.1, rough=0.02, lean_change=0.1),
        bounce(0.9, peak_lift=0.3, rough=0.04, lean_change=-0.2),
        bounce(1.5),
    ]
    expected = [120.0, np.std([0.5, 0.4, 0.6]) / 0.5, -(0.02 + 0.04 + 0.1) / 3, 0.2, -0.05 / 3]
    np.testing.assert_allclose(visual_features([shot]), expected)


def test_no_interval_spans_a_cut() -> None:
    shots = [[bounce(0.0), bounce(0.5)], [bounce(9.0), bounce(9.5)]]
    np.testing.assert_allclose(visual_features(shots)[:2], [120, 0], atol=1e-12)


def test_a_lone_bounce_tells_its_speed_by_its_length_but_no_jitter() -> None:
    values = visual_features([[bounce(1.0, length=0.93)._replace(is_first=True)]])
    np.testing.assert_allclose(values, [60.0, np.nan, -0.1, 0.2, 0.05])


def test_without_bounces_nothing_is_measured() -> None:
    assert np.isnan(visual_features([[], []])).all()
    assert np.isnan(visual_features([])).all()


BOUNCES = st.lists(
    st.builds(
        lambda gap, length, up, rough, lean: (gap, length, up, rough, lean),
        st.floats(0.07, 3),
        st.floats(0.05, 1),
        st.floats(0.015, 1.5),
        st.floats(0, 30),
        st.floats(-4, 4),
    ),
    max_size=12,
)


def chain(rows: list[tuple[float, ...]], pace: float = 1.0) -> list[Bounce]:
    t, result = 0.0, []
    for gap, length, *rest in rows:
        result.append(Bounce(t, t + length / pace, *rest))
        t += gap / pace
    return result


@given(BOUNCES)
def test_features_are_nan_or_in_their_range(rows: list[tuple[float, ...]]) -> None:
    for name, value in zip(VISUAL_FEATURES, visual_features([chain(rows)]), strict=True):
        low, high = VISUAL_RANGES[name]
        assert np.isnan(value) or low <= value <= high


@given(BOUNCES.filter(len))
def test_twice_the_speed_doubles_speed_and_leaves_the_rest(rows: list[tuple[float, ...]]) -> None:
    once, twice = visual_features([chain(rows)]), visual_features([chain(rows, pace=2.0)])
    expected = once * [2, 1, 1, 1, 1]
    expected[0] = min(expected[0], VISUAL_RANGES["speed"][1])
    np.testing.assert_allclose(twice, expected, rtol=1e-6, atol=1e-9)


@given(BOUNCES.filter(len))
def test_events_are_valued_by_their_own_interval(rows: list[tuple[float, ...]]) -> None:
    shot = chain(rows)
    values = event_values([shot])
    assert np.isfinite(values).all()
    np.testing.assert_allclose(values[:, 0], 60 / intervals_of([shot])[0])
    np.testing.assert_allclose(values[:, 2:], [[b.rough, b.peak_lift, b.lean_change] for b in shot])
    assert event_values([[]]).shape == (0, 5)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1))
def test_averaging_areas_keeps_the_mean_and_the_place(height: int, width: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    averaged = area_average(picture)
    assert averaged.mean() == pytest.approx(picture.mean(), rel=1e-4)
    # by another way: every pixel cut into 64 × 64 equal parts, of which those in one cell are averaged
    fine = np.repeat(np.repeat(picture, 64, 0), 64, 1).reshape(64, height, 64, width)
    np.testing.assert_allclose(averaged, fine.mean((1, 3)), rtol=1e-4, atol=1e-2)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_the_weighted_mean_of_a_map_is_that_of_the_events(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    cy, cx, radius = rng.uniform(10, 54, n), rng.uniform(10, 54, n), rng.uniform(4, 12, n)
    weights = np.stack(
        [
            rng.uniform(0.3, 1) * np.clip(3 - 3 * np.hypot(y - b, x - a) / r, 0, 1)
            for a, b, r in zip(cx, cy, radius, strict=True)
        ]
    ).astype(np.float32)
    values = rng.uniform(0.5, 2, (n, 5)) * [1, 1, 1, 1, -1]
    maps = paint(weights, values)
    total = weights.sum(0)
    mean = (maps * total).sum((1, 2)) / total.sum()
    expected = (values * weights.sum((1, 2))[:, None]).sum(0) / total.sum()
    np.testing.assert_allclose(mean, expected, rtol=0.05)
    assert (maps[:, total == 0] == 0).all()
    assert (np.abs(maps) <= np.abs(values).max(0)[:, None, None] + 1e-6).all()


def test_nothing_is_painted_without_events_or_movement() -> None:
    assert not paint(np.zeros((0, 64, 64), np.float32), np.zeros((0, 5))).any()
    assert not paint(np.zeros((2, 64, 64), np.float32), np.ones((2, 5))).any()
