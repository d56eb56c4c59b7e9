"""The stream: what analyze gives, from input as it comes; range and evidence judged window by window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.emotion import EMOTIONS, predicted_epp, predicted_intensity, predicted_valence
from avfbel.errors import UsageError
from avfbel.runtime import Predictor, Stream, WindowResult, analyze
from avfbel.runtime.stream import within_ranges
from avfbel.senses import open_media
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES, SensoryFeatures

Writer = Callable[..., Path]
RANGES = dict.fromkeys(VISUAL_FEATURES + ALL_ACOUSTIC, (0.0, 1.0))
NEVER_MISSING: frozenset[str] = frozenset()


def streamed(path: Path, stream: Stream) -> list[WindowResult]:
    results = []
    with open_media(path) as media:
        for item in media:
            if hasattr(item, "rgb"):
                results += stream.push_frame(item.rgb, item.time_s, item.index)
            else:
                results += stream.push_audio(item.samples, item.rate, item.time_s)
        return results + stream.finish(media.duration_s)


@pytest.mark.parametrize("name", ["plain.mp4", "silent.mp4", "sound.wav", "short.mp4", "black.mp4"])
def test_analyze_is_the_stream(clips: Path, bundle: Path, name: str) -> None:
    analysis = analyze(clips / name, model=bundle, window=2.0, hop=0.5)
    results = streamed(clips / name, Stream(bundle, window=2.0, hop=0.5))
    assert [result.to_dict() for result in results] == [window.to_dict() for window in analysis.windows]


@pytest.mark.parametrize("name", ["plain.mp4", "silent.mp4", "noaudio.mp4", "sound.wav", "black.mp4"])
def test_epp_follows_from_the_emotions_in_every_window(clips: Path, bundle: Path, name: str) -> None:
    for window in analyze(clips / name, model=bundle).windows:
        row = window.to_dict()
        emotions = [row["emotions"][emotion] for emotion in EMOTIONS]
        assert min(emotions) >= 0
        assert row["epp"] == predicted_epp(emotions)
        assert row["valence"] == predicted_valence(emotions)
        assert row["intensity"] == predicted_intensity(emotions)
        assert row["evidence"] == (max(row["evidence_gates"].values()) > 0)


def test_without_evidence_all_is_neutral(clips: Path, bundle: Path) -> None:
    (window,) = analyze(clips / "black.mp4", model=bundle).windows
    assert (window.epp, window.valence, window.intensity, window.evidence) == (0.5, 0.5, 0.0, False)
    assert window.emotion.to_array().tolist() == [0.0] * 5


def test_windows_come_as_soon_as_they_are_complete(bundle: Path) -> None:
    stream = Stream(bundle, window=1.0, hop=0.5, modality="audio")
    noise = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    times = [[w.end_s for w in stream.push_audio(noise, 8000, k / 2)] for k in range(4)]
    assert times == [[], [1.0], [1.5], [2.0]]
    assert [w.index for w in stream.finish(2.25)] == [3]


def test_one_predictor_serves_many_streams(clips: Path, bundle: Path) -> None:
    predictor = Predictor(bundle)
    first, second = (streamed(clips / "plain.mp4", Stream(predictor)) for _ in range(2))
    assert [w.to_dict() for w in first] == [w.to_dict() for w in second]
    assert [w.index for w in second] == [0, 1, 2]


def test_closing_a_sense_gives_what_waited_for_it(bundle: Path) -> None:
    stream = Stream(bundle, window=1.0, hop=1.0)
    assert stream.push_audio(np.zeros(8000, np.float32), 8000, 0.0) == []
    (window,) = stream.close_video()
    assert window.gate_video == 0
    assert stream.close_audio() == []
    with pytest.raises(UsageError, match="the audio of this stream was closed"):
        stream.push_audio(np.zeros(10, np.float32), 8000, 1.0)


def window_with(values: list[float], *, g_audio: float = 1.0, g_video: float = 1.0) -> SensoryFeatures:
    empty = SensoryFeatures.empty(0.0, 4.0)
    return replace(
        empty, visual=np.array(values[:5]), acoustic=np.array(values[5:]), g_audio=g_audio, g_video=g_video
    )


@given(st.lists(st.floats(-1, 2), min_size=12, max_size=12))
def test_in_range_means_every_feature_within_its_bounds(values: list[float]) -> None:
    assert within_ranges(window_with(values), RANGES, NEVER_MISSING) == all(0 <= v <= 1 for v in values)


def test_the_ends_of_a_range_belong_to_it() -> None:
    assert within_ranges(window_with([0.0, 1.0] * 6), RANGES, NEVER_MISSING)


@pytest.mark.parametrize(("place", "gate"), [(4, "g_video"), (5, "g_audio"), (11, "g_audio")])
def test_a_feature_may_be_missing_only_if_its_sense_is_or_training_missed_it(place: int, gate: str) -> None:
    values = [0.5] * 12
    values[place] = float("nan")
    name = (VISUAL_FEATURES + ALL_ACOUSTIC)[place]
    assert not within_ranges(window_with(values), RANGES, NEVER_MISSING)
    assert within_ranges(window_with(values), RANGES, frozenset({name}))
    assert within_ranges(window_with(values, **{gate: 0.0}), RANGES, NEVER_MISSING)


def test_a_picture_of_which_nothing_could_be_measured_is_out_of_range() -> None:
    unmeasured = window_with([float("nan")] * 5 + [0.5] * 7)
    assert not within_ranges(unmeasured, RANGES, frozenset(VISUAL_FEATURES))


def test_a_sense_without_evidence_is_not_judged() -> None:
    strange_sound = [0.5] * 5 + [9.0] * 7
    assert not within_ranges(window_with(strange_sound), RANGES, NEVER_MISSING)
    assert within_ranges(window_with(strange_sound, g_audio=0.0), RANGES, NEVER_MISSING)
    strange_picture = [9.0] * 5 + [0.5] * 7
    assert within_ranges(window_with(strange_picture, g_video=0.0), RANGES, NEVER_MISSING)


def test_without_any_evidence_nothing_is_in_range() -> None:
    assert not within_ranges(window_with([0.5] * 12, g_audio=0.0, g_video=0.0), RANGES, NEVER_MISSING)


def test_a_feature_that_the_model_does_not_read_is_not_judged() -> None:
    ear_only = dict.fromkeys(ALL_ACOUSTIC, (0.0, 1.0))
    assert within_ranges(window_with([9.0] * 5 + [0.5] * 7), ear_only, NEVER_MISSING)


def test_modality_leaves_the_other_sense_out(clips: Path, bundle: Path) -> None:
    audio, silent = (analyze(clips / "plain.mp4", model=bundle, modality=m) for m in ("audio", "video"))
    assert all(
        w.g_video == 0 and w.features["speed"] is None and w.start_frame is None for w in audio.windows
    )
    assert all(
        w.g_audio == 0 and w.features["pitch"] is None and w.start_frame is not None for w in silent.windows
    )
    assert audio.epp != silent.epp
    sound = analyze(clips / "plain.mp4", model=bundle, modality="audio")
    assert sound.to_dict()["windows"] == audio.to_dict()["windows"]


def test_a_model_that_only_hears_gets_no_evidence_from_a_silent_film(
    clips: Path, write_bundle: Writer, tmp_path: Path
) -> None:
    ear = write_bundle(tmp_path / "ear", kinds=["audio"])
    for window in analyze(clips / "silent.mp4", model=ear).windows:
        assert (window.epp, window.evidence, window.in_range, window.weight) == (0.5, False, False, 0.0)
        assert window.features["speed"] is not None  # it was measured, but the model cannot use it


ANYTHING = {name: [-1e9, 1e9] for name in VISUAL_FEATURES + ALL_ACOUSTIC}
HALF_WIDTH = {"audio": 0.3, "video": 0.2, "fused": 0.1}
INTERVALS = {"level": 0.9, **{kind: {"half_width": width} for kind, width in HALF_WIDTH.items()}}


@pytest.fixture(scope="module")
def calibrated(write_bundle: Writer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with intervals, to which nothing is strange."""
    return write_bundle(
        tmp_path_factory.mktemp("calibrated"),
        intervals=INTERVALS,
        feature_ranges=ANYTHING,
        may_be_missing=list(ANYTHING),
    )


@pytest.mark.parametrize(("modality", "kind"), [("both", "fused"), ("audio", "audio"), ("video", "video")])
def test_windows_have_the_interval_of_what_they_perceive(
    clips: Path, calibrated: Path, modality: str, kind: str
) -> None:
    windows = analyze(clips / "plain.mp4", model=calibrated, modality=modality).windows
    assert windows
    for window in windows:
        assert window.epp_low == max(0.0, window.epp - HALF_WIDTH[kind])
        assert window.epp_high == min(1.0, window.epp + HALF_WIDTH[kind])
        told = window.to_dict()
        assert (told["epp_low"], told["epp_high"]) == (window.epp_low, window.epp_high)


@pytest.mark.parametrize(
    ("name", "kind"), [("silent.mp4", "video"), ("noaudio.mp4", "video"), ("sound.wav", "audio")]
)
def test_a_sense_without_evidence_has_no_part_in_the_interval(
    clips: Path, calibrated: Path, name: str, kind: str
) -> None:
    for window in analyze(clips / name, model=calibrated).windows:
        assert window.epp_high == min(1.0, window.epp + HALF_WIDTH[kind])


def test_a_model_that_only_hears_has_the_interval_of_its_sense(
    clips: Path, write_bundle: Writer, tmp_path: Path
) -> None:
    ear = write_bundle(
        tmp_path / "ear",
        kinds=["audio"],
        intervals={"level": 0.9, "audio": {"half_width": 0.25}},
        feature_ranges={name: ANYTHING[name] for name in ALL_ACOUSTIC},
        may_be_missing=list(ALL_ACOUSTIC),
    )
    for window in analyze(clips / "plain.mp4", model=ear).windows:
        assert window.epp_low == max(0.0, window.epp - 0.25)


def test_what_is_out_of_range_or_without_evidence_has_no_interval(
    clips: Path, calibrated: Path, write_bundle: Writer, tmp_path: Path
) -> None:
    narrow = write_bundle(tmp_path / "narrow", intervals=INTERVALS, feature_ranges={"rms": [0.9, 1.0]})
    for name, model in (("black.mp4", calibrated), ("plain.mp4", narrow)):
        for window in analyze(clips / name, model=model).windows:
            assert not window.in_range
            assert window.epp_low is window.epp_high is None


def test_a_sense_that_the_model_lacks_cannot_be_chosen(write_bundle: Writer, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no sense for video, only for audio"):
        Stream(write_bundle(tmp_path / "ear", kinds=["audio"]), modality="video")
