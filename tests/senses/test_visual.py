"""The eye on films: ball films made and encoded here, drawn ones, and what is no bounce."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr

from avfbel.errors import UsageError
from avfbel.senses.features import VISUAL_FEATURES
from avfbel.senses.media import Frame, open_media
from avfbel.senses.visual import VisualMeasurement, VisualTrack
from avfbel.senses.visual_features import VISUAL_RANGES
from avfbel.senses.windows import plan_windows
from avfbel.stimulus import compose, named
from avfbel.stimulus.motion import ball_states
from avfbel.stimulus.render import draw_picture

Film = Sequence[NDArray[np.uint8]]

# Range of each feature over the 38 stimuli, 3 clips each (scripts/measure_eye.py).
RANGE = np.array([310.0, 0.42, 0.027, 0.16, 0.115])
RED, BLUE, GREY = (220, 20, 20), (20, 20, 220), 200


@cache
def ball_film(name: str, seed: int, fps: int = 60) -> Film:
    """Film of a stimulus, 500 × 600, about 4.5 s."""
    states = list(ball_states(compose(named(name), seed=seed)))
    return [np.asarray(draw_picture(state)) for state in states[:: 60 // fps]]


def watch(film: Film, fps: float = 30) -> VisualTrack:
    track = VisualTrack()
    for k, picture in enumerate(film):
        track.push(picture, k / fps)
    return track


def see(film: Film, fps: float = 30) -> VisualMeasurement:
    return watch(film, fps).measure(0.0, len(film) / fps)


def mean_features(track: VisualTrack, duration_s: float) -> NDArray[np.float64]:
    return np.mean([track.measure(*window).features for window in plan_windows(duration_s)], axis=0)


def encoded(film: Film, folder: Path, *, fps: int = 60, crf: int = 18, **options: str) -> VisualTrack:
    """Watch a film after H.264."""
    path = folder / "film.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream(
            "libx264", rate=fps, options={"preset": "veryfast", "crf": str(crf)} | options
        )
        stream.height, stream.width = film[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in film:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        file.mux(stream.encode())
    track = VisualTrack()
    with open_media(path, threads=1) as media:
        for item in media:
            assert isinstance(item, Frame)
            track.push(item.rgb, item.time_s, item.index)
    return track


def drawn(
    n: int, paint: Callable[[NDArray[np.uint8], float], None], *, grey: int = GREY, fps: float = 30
) -> Film:
    """Film of `n` pictures, 250 × 300, painted by time."""
    film = [np.full((300, 250, 3), grey, np.uint8) for _ in range(n)]
    for k, picture in enumerate(film):
        paint(picture, k / fps)
    return film


def disc(picture: NDArray[np.uint8], x: float, y: float, radius: float, colour: tuple[int, int, int]) -> None:
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    picture[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = colour


def hopping(
    x: float, period: float, height: float, radius: float, colour: tuple[int, int, int]
) -> Callable[..., None]:
    return lambda picture, t: disc(picture, x, 220 - height * abs(np.sin(np.pi * t / period)), radius, colour)


def photograph(height: int, width: int) -> NDArray[np.uint8]:
    """Coloured blotches of all sizes."""
    rng, total = np.random.default_rng(7), np.zeros((height, width, 3))
    for size in (4, 12, 40):
        blotches = rng.integers(0, 256, (size, size, 3)).astype(np.uint8)
        total += np.asarray(Image.fromarray(blotches).resize((width, height), Image.Resampling.BICUBIC))
    return (total / 3).astype(np.uint8)


@pytest.mark.slow
def test_the_eye_sees_what_the_notes_say() -> None:
    names = ["happy", "angry", "scared", "biggest_gap", "happy_sad_50", "sad_scared_50", "angry_peaceful_50"]
    names += ["peaceful_scared_75", "angry_sad_25", "happy_peaceful_50", "angry_happy_50", "sad_scared_25"]
    seen, known = [], []
    for seed, name in enumerate(names + names[:4], start=4001):
        notes = compose(named(name), seed=seed).notes
        gap = np.diff([note.onset_s for note in notes])
        known.append(
            [
                60 / gap.mean(),
                gap.std() / gap.mean(),
                -np.mean([note.spike for note in notes[1:]]),
                np.mean([note.height for note in notes[1:]]),
                -np.diff([note.pitch for note in notes]).mean(),
            ]
        )
        film = ball_film(name, seed, fps=30)
        seen.append(mean_features(watch(film), len(film) / 30))
    rho = [spearmanr(a, b).statistic for a, b in zip(np.transpose(seen), np.transpose(known), strict=True)]
    assert (np.array(rho) >= (0.95, 0.8, 0.8, 0.9, 0.8)).all(), dict(zip(VISUAL_FEATURES, rho, strict=True))


@pytest.mark.slow
def test_the_same_film_in_another_form_gives_the_same_features(tmp_path: Path) -> None:
    film = ball_film("happy", 4101)
    length = len(film) / 60
    base = mean_features(encoded(film, tmp_path), length)
    assert np.isfinite(base).all()
    half = [np.asarray(Image.fromarray(picture).resize((250, 300), Image.Resampling.BOX)) for picture in film]
    forms = {
        "half size": encoded(half, tmp_path),
        "bars above and below": encoded([np.pad(p, ((70, 50), (0, 0), (0, 0))) for p in film], tmp_path),
        "bars at the sides": encoded([np.pad(p, ((0, 0), (200, 200), (0, 0))) for p in film], tmp_path),
        "a bar on one side": encoded([np.pad(p, ((0, 90), (0, 0), (0, 0))) for p in film], tmp_path),
        "30 frames a second": encoded(film[::2], tmp_path, fps=30),
        "stronger compression": encoded(film, tmp_path, crf=34),
    }
    for form, track in forms.items():
        change = np.abs(mean_features(track, length) - base) / RANGE
        assert (change < 0.1).all(), (form, dict(zip(VISUAL_FEATURES, change.round(3), strict=True)))


def test_twice_the_speed_doubles_speed_and_leaves_jitter() -> None:
    film = ball_film("happy_sad_50", 4202)[:240]
    once, twice = see(film, fps=60), see(film, fps=120)
    assert once.features[0] == pytest.approx(168, rel=0.1)  # bpm
    assert twice.features[0] == pytest.approx(2 * once.features[0], rel=0.02)
    assert twice.features[1] == pytest.approx(once.features[1], abs=0.1 * RANGE[1])


@pytest.mark.parametrize(
    "film",
    [
        drawn(60, lambda picture, t: None),
        drawn(60, lambda picture, t: None, grey=0),
        [photograph(300, 250)] * 60,
        [ball_film("happy", 4101, fps=30)[0]] * 60,
    ],
    ids=["grey", "black", "photograph", "ball"],
)
def test_a_still_film_is_no_evidence(film: Film, tmp_path: Path) -> None:
    for track in (watch(film), encoded(film, tmp_path, fps=30, crf=30)):
        measurement = track.measure(0.0, 2.0)
        assert measurement.g_video == 0.0
        assert np.isnan(measurement.features).all()
        assert not measurement.maps.any()
        assert measurement.bounces == ()
        assert (measurement.start_frame, measurement.end_frame) == (0, 59)


def test_key_frames_of_a_still_film_are_no_evidence(tmp_path: Path) -> None:
    still = [photograph(300, 250)] * 60
    assert encoded(still, tmp_path, fps=30, crf=23, g="12").measure(0.0, 2.0).g_video == 0.0


def test_a_drawn_ball_is_measured() -> None:
    found = see(drawn(120, hopping(125, 0.5, 90, 34, RED)))
    assert found.features[:4] == pytest.approx([120, 0, 0, 0.3], abs=0.02, rel=0.01)
    assert found.features[4] == pytest.approx(0, abs=0.01)
    assert found.g_video == 1.0
    assert len(found.bounces) == 8
    moving = found.maps[0] > 30
    assert moving.any()
    assert not moving[:, :20].any()  # the ball is in the middle third
    assert found.maps[3][moving].max() <= 0.31


@pytest.mark.parametrize("colour", [BLUE, RED, (30, 30, 30)], ids=["blue", "red", "black"])
@pytest.mark.parametrize("radius", [12, 26])
def test_of_two_moving_bodies_the_larger_is_followed(colour: tuple[int, int, int], radius: int) -> None:
    large, small = hopping(70, 0.5, 60, 34, RED), hopping(190, 0.31, 110, radius, colour)

    def both(picture: NDArray[np.uint8], t: float) -> None:
        large(picture, t)
        small(picture, t)

    found = see(drawn(120, both))
    assert found.features[[0, 3]] == pytest.approx([120, 0.2], rel=0.05)


def test_cuts_are_no_bounces() -> None:
    def shots(picture: NDArray[np.uint8], t: float) -> None:
        picture[:] = (200, 90, 140)[int(t / 0.8) % 3]
        disc(picture, 125, (220, 120, 160)[int(t / 0.8) % 3], 34, RED)

    found = see(drawn(120, shots))
    assert found.bounces == ()
    assert np.isnan(found.features).all()
    assert found.g_video > 0


def test_a_body_that_only_jumps_does_not_bounce() -> None:
    found = see(drawn(120, lambda picture, t: disc(picture, 125, 220 if int(t / 0.5) % 2 else 120, 34, RED)))
    assert found.bounces == ()


def test_bounces_on_either_side_of_a_cut_are_counted_apart() -> None:
    left, right = hopping(70, 0.5, 60, 34, RED), hopping(190, 0.25, 60, 34, BLUE)

    def shots(picture: NDArray[np.uint8], t: float) -> None:
        picture[:] = 200 if t < 1.9 else 120
        (left if t < 1.9 else right)(picture, t)

    found = see(drawn(120, shots))
    gaps = [0.5] * 2 + [0.25] * (
        len(found.bounces) - 4
    )  # three bounces, then others: no interval spans the cut
    assert len(gaps) >= 7
    assert found.features[0] == pytest.approx(60 / np.mean(gaps), rel=0.02)


@pytest.mark.parametrize(
    "path",
    [
        lambda t: (60 * t, 60),
        lambda t: (60, 60 * t),
        lambda t: (60, 150 + 100 * np.sin(2 * np.pi * t)),
        lambda t: (60, 150 + 40 * np.sin(2 * np.pi * t / 3)),
        lambda t: (100 + 80 * np.sin(3 * t), 150 + 80 * np.cos(3 * t)),
    ],
    ids=["across", "down", "shaking", "slowly up and down", "round"],
)
def test_a_pan_is_no_bounce(path: Callable[[float], tuple[float, float]]) -> None:
    scene = photograph(640, 600)
    film = []
    for k in range(120):
        x, y = (int(v) for v in path(k / 30))
        film.append(scene[y : y + 300, x : x + 250])
    assert see(film).bounces == ()


def test_the_bounces_after_a_pan_are_seen() -> None:
    def scene(picture: NDArray[np.uint8], t: float) -> None:
        down = int(60 * min(t, 2.0))
        picture[100 + down :] = 120
        picture[100 + down :, ::50] = 60
        disc(picture, 125, 60 + down - (70 * abs(np.sin(np.pi * t / 0.5)) if t > 2 else 0), 34, RED)

    found = see(drawn(120, scene))
    assert len(found.bounces) == 4
    assert found.features[0] == pytest.approx(120, rel=0.02)
    assert found.bounces[0].start_s >= 1.9


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 70), st.integers(1, 25))
def test_any_film_gives_features_in_range(seed: int, height: int, width: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    kind = rng.integers(3)
    film = rng.integers(0, 256, (n, height, width, 3)).astype(np.uint8)
    if kind:  # noise that stays, before which something wanders; or dark
        film[1:] = film[0] if kind == 1 else film[0] // 8
        for k in range(n):
            y, x = rng.integers(0, height), rng.integers(0, width)
            film[k, y : y + 5, x : x + 7] = rng.integers(0, 256, 3)
    found = see(list(film), fps=float(rng.choice([5, 24, 30, 60])))
    for name, value in zip(VISUAL_FEATURES, found.features, strict=True):
        low, high = VISUAL_RANGES[name]
        assert np.isnan(value) or low <= value <= high
    assert np.isfinite(found.maps).all()
    assert found.maps.shape == (5, 64, 64)
    assert found.maps.dtype == np.float32
    assert 0 <= found.g_video <= 1


def test_a_window_depends_on_its_frames_alone() -> None:
    film = drawn(240, hopping(125, 0.37, 90, 34, RED))
    whole, late = watch(film), watch(film)
    whole.measure(0.0, 4.0)
    late.forget(3.0)
    a, b = whole.measure(3.0, 7.0), late.measure(3.0, 7.0)
    np.testing.assert_array_equal(a.features, b.features)
    np.testing.assert_array_equal(a.maps, b.maps)
    assert a.bounces == b.bounces
    assert (b.start_frame, b.end_frame) == (90, 209)
    assert late.measure(0.0, 2.0).start_frame is None


def test_frames_beyond_thirty_a_second_change_nothing() -> None:
    slow, fast = (drawn(n, hopping(125, 0.5, 90, 34, RED), fps=fps) for n, fps in ((90, 30), (180, 60)))
    np.testing.assert_array_equal(see(slow).features, see(fast, fps=60).features)


def test_larger_frames_are_reduced() -> None:
    film = drawn(60, hopping(125, 0.5, 90, 34, RED))
    large = [picture.repeat(3, 0).repeat(3, 1) for picture in film]
    np.testing.assert_array_equal(see(film).features, see(large).features)


def test_frame_numbers_are_those_given() -> None:
    track = VisualTrack()
    for k in range(10):
        track.push(np.zeros((20, 20, 3), np.uint8), k / 10, index=100 + 3 * k)
    assert track.measure(0.2, 0.5)[-2:] == (106, 112)


def test_a_change_of_size_starts_a_shot() -> None:
    film = [
        *drawn(60, hopping(125, 0.5, 90, 34, RED)),
        *(p[:200] for p in drawn(60, hopping(125, 0.5, 90, 34, RED))),
    ]
    assert np.isfinite(see(film).maps).all()


@pytest.mark.parametrize(
    "frame", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)]
)
def test_what_is_no_picture_is_refused(frame: NDArray[np.generic]) -> None:
    with pytest.raises(UsageError, match=r"a frame must be \(height, width, 3\) uint8, got"):
        VisualTrack().push(frame, 0.0)  # type: ignore[arg-type]
