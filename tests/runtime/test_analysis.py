"""An analysis: its means, its table, its JSON, its provenance and its files."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import avfbel
from avfbel.emotion import EMOTIONS, Emotion
from avfbel.errors import InputError, UsageError
from avfbel.runtime import Analysis, Bundle, WindowResult, analyze
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES

COLUMNS = [
    *("media", "window", "start_s", "end_s", "start_frame", "end_frame"),
    *("epp", "epp_low", "epp_high", "valence", "intensity", "evidence", "in_range"),
    *("fear", "sadness", "anger", "calm", "happiness"),
    *("speed", "jitter", "consonance", "bigsmall", "updown"),
    *("pitch", "tonnetz", "rms", "tempo", "duration", "direction", "harmony"),
    *(
        "region_V1",
        "region_V2",
        "region_V4",
        "region_IT",
        "region_PYR",
        "region_PV",
        "region_SOM",
        "region_aSTG",
    ),
    *("region_amygdala", "region_orbitofrontal", "region_prefrontal", "gate_audio", "gate_video"),
]


@pytest.fixture(scope="module")
def plain(clips: Path, bundle: Path) -> Analysis:
    return analyze(clips / "plain.mp4", model=bundle)


def window(emotions: list[float], g_audio: float, g_video: float) -> WindowResult:
    return WindowResult(
        index=0,
        start_s=0.0,
        end_s=4.0,
        start_frame=None,
        end_frame=None,
        emotion=Emotion.from_output(emotions),
        evidence=max(g_audio, g_video) > 0,
        in_range=True,
        features=dict.fromkeys(VISUAL_FEATURES + ALL_ACOUSTIC),
        regions={"V1": 0.0},
        gate_audio=0.0,
        gate_video=0.0,
        g_audio=g_audio,
        g_video=g_video,
    )


gates = st.floats(0, 1)
windows = st.lists(
    st.builds(window, st.lists(st.floats(0, 1), min_size=5, max_size=5), gates, gates), min_size=1, max_size=6
)


@given(windows)
def test_clip_numbers_are_means_weighted_by_the_larger_gate(found: list[WindowResult]) -> None:
    analysis = Analysis(
        media="x",
        duration_s=4.0,
        has_audio=True,
        has_video=True,
        complete=True,
        windows=tuple(found),
        model={},
        provenance={},
    )
    weights = np.array([max(w.g_audio, w.g_video) for w in found])
    for name, neutral in (("epp", 0.5), ("valence", 0.5), ("intensity", 0.0)):
        values = np.array([getattr(w, name) for w in found])
        want = np.average(values, weights=weights) if weights.sum() > 1e-300 else neutral
        assert getattr(analysis, name) == pytest.approx(want, rel=1e-9)
        assert values.min() - 1e-9 <= getattr(analysis, name) <= values.max() + 1e-9 or not weights.any()
    assert analysis.evidence == bool(weights.any())
    emotions = np.array([w.emotion.to_array() for w in found])
    if weights.sum() > 1e-300:
        want = np.average(emotions, axis=0, weights=weights)
        assert list(analysis.emotions.values()) == pytest.approx(want, rel=1e-9, abs=1e-300)


def test_without_any_evidence_the_clip_is_exactly_neutral(clips: Path, bundle: Path) -> None:
    black = analyze(clips / "black.mp4", model=bundle)
    assert (black.epp, black.valence, black.intensity, black.evidence) == (0.5, 0.5, 0.0, False)
    assert set(black.emotions.values()) == {0.0}
    assert "0.5 for lack of evidence" in black.notes[-1]


def test_json_holds_the_contract(plain: Analysis, clips: Path, bundle: Path) -> None:
    found = json.loads(json.dumps(plain.to_dict(), allow_nan=False))
    assert list(found)[:9] == [
        *("media", "duration_s", "has_audio", "has_video", "complete"),
        *("epp", "valence", "intensity", "evidence"),
    ]
    assert (found["has_audio"], found["has_video"], found["complete"]) == (True, True, True)
    assert found["model"] == {"name": "stand-in", "version": "0"}
    assert [(w["start_s"], w["end_s"]) for w in found["windows"]][:2] == [(0.0, 4.0), (1.0, 5.0)]
    for row in found["windows"]:
        assert list(row["emotions"]) == list(EMOTIONS)
        assert list(row["features"]) == list(VISUAL_FEATURES + ALL_ACOUSTIC)
        assert list(row["regions"])[-1] == "prefrontal"
        assert len(row["regions"]) == 11
        assert set(row["gates"]) == set(row["evidence_gates"]) == {"audio", "video"}
        assert row["epp_low"] is row["epp_high"] is None
    made_from = found["provenance"]
    assert made_from["input_sha256"] == hashlib.sha256((clips / "plain.mp4").read_bytes()).hexdigest()
    assert made_from["bundle_sha256"] == Bundle.open(bundle).sha256
    assert made_from["avfbel"] == avfbel.__version__
    assert made_from["settings"] == {"window": 4.0, "hop": 1.0, "modality": "both"}
    assert made_from["seed"] == 3
    assert {"av", "numpy", "onnxruntime"} <= set(made_from["versions"])


def test_what_could_not_be_measured_is_null(clips: Path, bundle: Path) -> None:
    silent = analyze(clips / "silent.mp4", model=bundle).to_dict()["windows"][0]["features"]
    assert silent["pitch"] is None
    assert silent["speed"] is not None
    assert not any(isinstance(value, float) and math.isnan(value) for value in silent.values())


def test_two_runs_agree_to_the_last_bit(plain: Analysis, clips: Path, bundle: Path) -> None:
    assert analyze(clips / "plain.mp4", model=bundle).to_dict() == plain.to_dict()
    assert analyze(clips / "plain.mp4", model=bundle, threads=1).to_dict() == plain.to_dict()


def test_a_missing_track_is_no_error_and_is_said(clips: Path, bundle: Path) -> None:
    deaf, blind = (analyze(clips / name, model=bundle) for name in ("noaudio.mp4", "sound.wav"))
    assert (deaf.has_audio, deaf.has_video, blind.has_audio, blind.has_video) == (False, True, True, False)
    assert "noaudio.mp4 has no sound: EPP comes from the picture alone" in deaf.notes[0]
    assert "sound.wav has no film: EPP comes from the sound alone" in blind.notes[0]
    assert all(w.gate_audio == 0 and w.evidence for w in deaf.windows)
    assert all(w.gate_video == 0 and w.evidence for w in blind.windows)


def test_a_clip_shorter_than_a_window_is_one_window(clips: Path, bundle: Path) -> None:
    short = analyze(clips / "short.mp4", model=bundle)
    assert [(w.start_s, w.end_s) for w in short.windows] == [(0.0, short.duration_s)]


def test_a_file_that_ends_early_is_analysed_as_far_as_it_decodes(clips: Path, bundle: Path) -> None:
    cut = analyze(clips / "cut.avi", model=bundle)
    assert not cut.complete
    assert 1 < cut.duration_s < 5
    assert "cut.avi ends early or is damaged: analysed as far as it decodes" in cut.notes[-1]


@pytest.mark.parametrize("name", ["not_media.mp4", "empty.mp4", "absent.mp4"])
def test_what_does_not_decode_is_an_error_that_names_it(clips: Path, bundle: Path, name: str) -> None:
    with pytest.raises(InputError, match=name):
        analyze(clips / name, model=bundle)


def test_progress_tells_how_far_it_is(clips: Path, bundle: Path) -> None:
    reached: list[float] = []
    analyze(clips / "plain.mp4", model=bundle, progress=reached.append)
    assert reached[:2] == [4.0, 5.0]
    assert reached == sorted(reached)


def test_the_table_has_a_row_a_window(plain: Analysis) -> None:
    frame = plain.to_frame()
    assert list(frame.columns) == COLUMNS
    assert len(frame) == len(plain.windows)
    assert frame["epp"].tolist() == [w.epp for w in plain.windows]
    assert frame["region_V1"].tolist() == [w.regions["V1"] for w in plain.windows]
    assert frame["epp_low"].isna().all()


def test_csv_and_parquet_and_json_hold_the_same_numbers(plain: Analysis, tmp_path: Path) -> None:
    paths = [plain.save(tmp_path / f"result.{ending}") for ending in ("csv", "json", "parquet")]
    with paths[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    windows_read = json.loads(paths[1].read_text())["windows"]
    from pyarrow import parquet

    table = parquet.read_table(paths[2])
    assert table.column_names == COLUMNS
    assert json.loads(table.schema.metadata[b"avfbel"])["provenance"] == dict(plain.provenance)
    for row, read, other in zip(rows, windows_read, table.to_pylist(), strict=True):
        assert float(row["epp"]) == read["epp"] == other["epp"]
        assert row["epp_low"] == ""
        assert other["epp_low"] is None
        assert row["evidence"] == "true"
        assert other["evidence"] is True
        for name, value in read["features"].items():
            assert (None if row[name] == "" else float(row[name])) == value == other[name]
        assert int(row["start_frame"]) == other["start_frame"] == read["start_frame"]


def test_intervals_are_numbers_in_every_format(
    clips: Path, write_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    """And empty where there are none, window by window; the clip as a whole has none."""
    wide = {name: [-1e9, 1e9] for name in VISUAL_FEATURES + ALL_ACOUSTIC}
    model = write_bundle(
        tmp_path / "b",
        intervals={"level": 0.9, "fused": {"half_width": 0.07}},
        feature_ranges=wide,
        may_be_missing=list(wide),
    )
    analysis = analyze(clips / "plain.mp4", model=model)
    bounds = [(w.epp_low, w.epp_high) for w in analysis.windows]
    assert bounds == [(pytest.approx(w.epp - 0.07), pytest.approx(w.epp + 0.07)) for w in analysis.windows]
    found = analysis.to_dict()
    assert "epp_low" not in found
    assert [(w["epp_low"], w["epp_high"]) for w in found["windows"]] == bounds
    for path in (analysis.save(tmp_path / "a.csv"), analysis.save(tmp_path / "a.parquet")):
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
        np.testing.assert_allclose(table[["epp_low", "epp_high"]], bounds, rtol=1e-12)
    alone = analyze(clips / "plain.mp4", model=model, modality="audio").to_frame()
    assert alone[["epp_low", "epp_high"]].isna().all(axis=None)


def test_a_missing_value_is_an_empty_cell(clips: Path, bundle: Path, tmp_path: Path) -> None:
    saved = analyze(clips / "sound.wav", model=bundle).save(tmp_path / "sound.csv")
    with saved.open(newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["speed"], row["start_frame"], row["gate_video"]) == ("", "", "0.0")
    assert "nan" not in row.values()


def test_an_unknown_ending_is_refused(plain: Analysis, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"result.xls ends in no known format: choose .csv, .parquet or .json"
    ):
        plain.save(tmp_path / "result.xls")


def test_without_pyarrow_parquet_says_what_to_install(
    plain: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r'pip install "avfbel\[parquet\]"'):
        plain.save(tmp_path / "result.parquet")
    assert not list(tmp_path.iterdir())


def test_bad_requests_are_refused_before_anything_is_decoded(tmp_path: Path, bundle: Path) -> None:
    for wrong in ({"window": -1.0}, {"hop": 0.0}, {"window": math.nan}, {"modality": "smell"}):
        with pytest.raises(UsageError):
            analyze(tmp_path / "absent.mp4", model=bundle, **wrong)


def test_a_name_that_is_no_text_still_gives_files(clips: Path, bundle: Path, tmp_path: Path) -> None:
    strange = tmp_path / b"f\xfflm.mp4".decode("utf-8", "surrogateescape")
    strange.write_bytes((clips / "short.mp4").read_bytes())
    analysis = analyze(strange, model=bundle)
    for ending in ("csv", "json", "parquet"):
        analysis.save(tmp_path / f"result.{ending}")
    assert json.loads((tmp_path / "result.json").read_text())["media"].endswith("f\ufffdlm.mp4")


def test_the_public_names_are_the_runtime(clips: Path, write_bundle: Callable[..., Path]) -> None:
    assert avfbel.analyze is analyze
    assert avfbel.Analysis is Analysis
