"""Windows come out as they are complete, as planned, in flat memory, however the input is cut."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.errors import InputError, UsageError
from avfbel.senses import open_media, plan_windows
from avfbel.senses.features import SensoryFeatures
from avfbel.senses.sensorium import PATIENCE_S, Sensorium, fold, open_for

RATE = 8000
GREY = np.full((12, 10, 3), 128, np.uint8)


def sound(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def places(windows: list[SensoryFeatures]) -> list[tuple[float, float]]:
    return [(window.start_s, window.end_s) for window in windows]


@settings(max_examples=60)
@given(
    duration=st.floats(0.05, 9),
    window=st.floats(0.2, 5),
    hop=st.floats(0.1, 3),
    modality=st.sampled_from(["both", "audio", "video"]),
    block=st.floats(0.05, 0.7),
)
def test_any_stream_gives_the_planned_windows(
    duration: float, window: float, hop: float, modality: str, block: float
) -> None:
    sensorium = Sensorium(window=window, hop=hop, modality=modality)  # type: ignore[arg-type]
    given_windows, time = [], 0.0
    while time < duration:
        given_windows += sensorium.push_frame(GREY, time)
        given_windows += sensorium.push_audio(sound(min(block, duration - time)), RATE, time)
        time += block
    given_windows += sensorium.finish(duration)
    want = plan_windows(duration, window, hop)
    assert len(given_windows) == len(want)
    assert np.array(places(given_windows)) == pytest.approx(np.array(want), abs=2e-6)


def test_a_window_is_given_as_soon_as_both_senses_have_reached_its_end() -> None:
    sensorium = Sensorium(window=1.0, hop=0.5)
    assert sensorium.push_audio(sound(1.6), RATE, 0.0) == []
    for k in range(30):
        assert sensorium.push_frame(GREY, k / 30) == []
    assert places(sensorium.push_frame(GREY, 1.0)) == [(0.0, 1.0)]
    assert places(sensorium.close_video()) == [(0.5, 1.5)]
    assert places(sensorium.push_audio(sound(0.5), RATE, 1.6)) == [(1.0, 2.0)]
    assert places(sensorium.finish()) == [(pytest.approx(1.1), pytest.approx(2.1))]
    assert sensorium.finish() == []


def test_a_sense_that_stays_away_is_not_waited_for_longer_than_patience() -> None:
    sensorium = Sensorium()
    times = [(second, places(sensorium.push_audio(sound(1), RATE, float(second)))) for second in range(12)]
    first = next(second + 1 for second, windows in times if windows)
    assert first == 4 + PATIENCE_S
    assert [place for _, windows in times for place in windows] == [(0, 4), (1, 5), (2, 6), (3, 7)]
    late = sensorium.push_frame(GREY, 11.9)  # both are here again, and nothing has to wait
    assert places(late) == [(k, k + 4) for k in range(4, 8)]


def test_what_a_stream_ends_with_by_default() -> None:
    eye = Sensorium(modality="video")
    for k in range(10):
        eye.push_frame(GREY, k / 10)
    assert places(eye.finish()) == [
        (0.0, pytest.approx(1.0))
    ]  # the last picture lasts as long as those before
    assert Sensorium().finish() == []


def test_the_other_modality_is_ignored() -> None:
    ear = Sensorium(window=1.0, modality="audio")
    rng = np.random.default_rng(0)
    for k in range(30):
        ear.push_frame(rng.integers(0, 255, (12, 10, 3), np.uint8), k / 30)
    (window,) = ear.push_audio(sound(1.0), RATE, 0.0)
    assert (window.g_video, window.start_frame, np.isnan(window.visual).all()) == (0.0, None, True)
    assert not window.maps.any()


def test_frames_are_counted_in_the_window() -> None:
    eye = Sensorium(window=1.0, hop=1.0, modality="video")
    windows = [window for k in range(61) for window in eye.push_frame(GREY, k / 30)]
    assert [(w.start_frame, w.end_frame) for w in windows] == [(0, 29), (30, 59)]


@pytest.mark.parametrize("hop", [0.5, 20.0])
def test_memory_does_not_grow_with_the_stream(hop: float) -> None:
    def peak(seconds: int) -> float:
        sensorium = Sensorium(window=2.0, hop=hop)
        rng = np.random.default_rng(0)
        picture = rng.integers(0, 255, (60, 50, 3), np.uint8)
        tracemalloc.start()
        for k in range(seconds * 10):
            sensorium.push_frame(np.roll(picture, k, axis=0), k / 10)
            sensorium.push_audio(sound(0.1), RATE, k / 10)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(1)  # whatever is built once
    assert peak(60) < 1.15 * peak(15) + 100_000


def test_wrong_requests_are_named() -> None:
    with pytest.raises(UsageError, match="window must be a positive"):
        Sensorium(window=0.0)
    with pytest.raises(UsageError, match="no modality 'touch': choose one of both, audio, video"):
        Sensorium(modality="touch")  # type: ignore[arg-type]
    sensorium = Sensorium()
    sensorium.close_video()
    with pytest.raises(UsageError, match="the video of this stream was closed"):
        sensorium.push_frame(GREY, 0.0)
    sensorium.finish()
    with pytest.raises(UsageError, match="finished: start another one"):
        sensorium.push_audio(sound(1), RATE, 0.0)


def test_a_file_is_folded_window_by_window(clips: Path) -> None:
    with open_for(clips / "plain.mp4") as media:
        windows = list(fold(media, Sensorium(window=2.0, hop=2.0)))
        assert places(windows)[:2] == [(0, 2), (2, 4)]
        assert windows[-1].end_s == media.duration_s
    assert all(window.g_audio == 1 and window.g_video > 0 for window in windows)
    assert windows[1].start_frame == 60


def test_the_cut_of_the_input_does_not_change_what_is_measured(clips: Path) -> None:
    def measured(block: int | None) -> list[SensoryFeatures]:
        sensorium = Sensorium()
        windows = []
        with open_media(clips / "plain.mp4") as media:
            for item in media:
                if hasattr(item, "rgb"):
                    windows += sensorium.push_frame(item.rgb, item.time_s, item.index)
                    continue
                step = block or len(item.samples)
                for i in range(0, len(item.samples), step):
                    part = item.samples[i : i + step]
                    windows += sensorium.push_audio(part, item.rate, item.time_s + i / item.rate)
            return windows + sensorium.finish(media.duration_s)

    for whole, cut in zip(measured(None), measured(300), strict=True):
        assert whole.visual.tobytes() == cut.visual.tobytes()
        assert whole.maps.tobytes() == cut.maps.tobytes()
        assert cut.acoustic == pytest.approx(
            whole.acoustic, rel=1e-6, nan_ok=True
        )  # times of blocks are rounded


def test_a_modality_that_a_file_lacks_is_refused(clips: Path) -> None:
    with pytest.raises(InputError, match=r"noaudio.mp4 has no sound: leave out the modality 'audio'"):
        open_for(clips / "noaudio.mp4", "audio")
    with pytest.raises(InputError, match=r"sound.wav has no film: leave out the modality 'video'"):
        open_for(clips / "sound.wav", "video")
