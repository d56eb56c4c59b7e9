from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.data.manifest import ManifestError, read_manifest
from avfbel.data.traces import Trace, average_windows, read_trace
from avfbel.data.traces_manifest import write_windows
from avfbel.errors import InputError, UsageError


def make(time_s: list[float], value: list[float]) -> Trace:
    return Trace(name="epp", time_s=np.array(time_s, dtype=float), value=np.array(value, dtype=float))


def write(folder: Path, text: str, name: str = "trace.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


@settings(deadline=None, max_examples=40)
@given(
    steps=st.lists(st.floats(0.05, 3), min_size=2, max_size=15),
    values=st.data(),
    start=st.floats(0, 5),
    length=st.floats(0.1, 5),
    lag=st.floats(0, 3),
)
def test_the_mean_is_that_of_a_finely_sampled_line(steps, values, start, length, lag) -> None:
    time_s = np.cumsum([0.0, *steps])
    value = np.array(values.draw(st.lists(st.floats(0, 1), min_size=len(time_s), max_size=len(time_s))))
    mean = average_windows(
        Trace(name="epp", time_s=time_s, value=value), [start], [start + length], lag_s=lag
    )
    low, high = start + lag, min(start + lag + length, time_s[-1])
    if high - low < 0.5 * length - 1e-9:
        assert np.isnan(mean[0])
    elif high - low > 0.5 * length + 1e-9:
        grid = low + (np.arange(20_000) + 0.5) / 20_000 * (high - low)
        # the midpoint rule errs only in the cells that hold a corner: at most 15 of 20 000
        assert mean[0] == pytest.approx(np.interp(grid, time_s, value).mean(), abs=1e-3)
        assert value.min() <= mean[0] <= value.max()


@settings(deadline=None, max_examples=20)
@given(lag=st.floats(0, 4), start=st.floats(0, 4))
def test_a_late_rater_read_with_the_lag_agrees_with_a_prompt_one(lag: float, start: float) -> None:
    value = [0.1, 0.9, 0.4, 0.4, 0.8, 0.0, 0.3, 0.7, 0.2]
    prompt = make(list(range(9)), value)
    late = make([time + lag for time in range(9)], value)
    a = average_windows(prompt, [start], [start + 3])
    np.testing.assert_allclose(average_windows(late, [start], [start + 3], lag_s=lag), a, rtol=0, atol=1e-12)


def test_windows_and_lags_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="lag_s must not be negative, got -1"):
        average_windows(make([0, 1], [0, 1]), [0], [1], lag_s=-1)
    with pytest.raises(ValueError, match="each window must end after its start"):
        average_windows(make([0, 1], [0, 1]), [1], [1])


def test_own_traces(tmp_path: Path) -> None:
    trace = read_trace(write(tmp_path, "time_s,arousal,epp\n0,9,0.25\n0.5,9,1\n"))
    assert (trace.name, trace.time_s.tolist(), trace.value.tolist()) == ("epp", [0.0, 0.5], [0.25, 1.0])


def test_carma_with_settings_above_the_table(tmp_path: Path) -> None:
    settings_ = "Time of Rating,2026\nMultimedia File,film.mp4\nLower Label,very negative\n"
    settings_ += "Upper Label,very positive\nMinimum Value,-100\nMidpoint Value,0\nMaximum Value,100\n"
    settings_ += "Number of Steps,9\n\n"
    trace = read_trace(write(tmp_path, settings_ + "Second,Rating\n1,-100\n2,0\n3,50\n"))
    assert trace.name == "valence"
    assert trace.value.tolist() == [0.0, 0.5, 0.75]
    assert trace.metadata["Multimedia File"] == "film.mp4"


def test_carma_with_settings_beside_the_table(tmp_path: Path) -> None:
    head = "Filename,Lower Label,Upper Label,Minimum Value,Midpoint Value,Maximum Value,Number of Steps"
    line = "film.avi,bad,good,0,5,10,9"
    trace = read_trace(write(tmp_path, f"{head},Second,Rating\n{line},1,2.5\n{line},2,10\n"))
    assert trace.value.tolist() == [0.25, 1.0]
    assert trace.metadata["Upper Label"] == "good"


def test_darma_has_two_axes(tmp_path: Path) -> None:
    trace = read_trace(write(tmp_path, "Media,film.mp4\nSecond,X,Y,Button\n0,100,-3,0\n1,-50,4,1\n"))
    assert trace.value.tolist() == [1.0, 0.25]


@pytest.mark.parametrize("step", [0.04, 40])
def test_cognimuse(tmp_path: Path, step: float) -> None:
    rows = "\n".join(f"{k * step:g} {v} 0.3" for k, v in enumerate([-1, 0, 0.5]))
    trace = read_trace(write(tmp_path, rows, "S01_1_FILM.dat"))
    assert trace.value.tolist() == [0.0, 0.5, 0.75]
    np.testing.assert_allclose(trace.time_s, [0, 0.04, 0.08], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        ("a,b\n1,2\n", "t.csv", "t.csv is no trace: expected a header with time_s and epp or valence"),
        ("", "t.csv", "t.csv is no trace"),
        (
            "time_s,epp\n0,0\n1,2\nx,0\n0.5,\n0,0.5\n",
            "t.csv",
            r"line 3: the rating 2 .*line 4: 'x'.*line 5.*line 6",
        ),
        ("time_s,epp\n0,0\n", "t.csv", "fewer than two samples"),
        ("time_s,epp\n0,0\n1\n", "t.csv", "line 3: '', '' are not a time and a rating"),
        ("Second,Rating\n0,0\n1,1\n", "t.csv", "does not say from which minimum to which maximum"),
        ("0 0 0\n1 0 0\n", "t.dat", "samples are 1 apart, which is 40 ms neither in s nor in ms"),
        ("0 0\n1 0\n", "t.dat", "line 1: '0', '' are not a time and a rating"),
    ],
)
def test_faulty_traces_are_refused_by_line(tmp_path: Path, text: str, name: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_trace(write(tmp_path, text, name))


def test_a_missing_or_binary_trace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trace at"):
        read_trace(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes(b"\xff\x00")
    with pytest.raises(InputError, match="does not read as text"):
        read_trace(tmp_path / "t.csv")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"film")
    write(tmp_path, "time_s,epp\n0,0\n10,1\n", "a.csv")
    write(tmp_path, "time_s,valence\n0,0.5\n4,0.5\n8,0.5\n", "b.csv")
    return write(tmp_path, "media,trace,film\na.mp4,a.csv,one\nb.mp4,b.csv,two\n", "clips.csv")


def test_a_manifest_of_traces_becomes_one_of_rated_windows(clips: Path) -> None:
    out = clips.parent / "sub" / "windows.csv"
    out.parent.mkdir()
    written = write_windows(clips, out, window=4, hop=2, lag_s=1)
    assert (written.clips, written.windows, written.uncovered) == (2, 5, 0)
    manifest = read_manifest(out)
    rows = [
        (row.media.name, row.stimulus, row.start_s, row.end_s, row.groups["film"]) for row in manifest.rows
    ]
    assert rows[:2] == [("a.mp4", "a.mp4", 0.0, 4.0, "one"), ("a.mp4", "a.mp4", 2.0, 6.0, "one")]
    # from 0 to 1 in 10 s: a window's mean is its middle, one second later
    assert [row.epp for row in manifest.rows[:3]] == pytest.approx([0.3, 0.5, 0.7])
    assert [row.valence for row in manifest.rows[3:]] == [0.5, 0.5]


def test_windows_beyond_the_trace_are_counted(clips: Path) -> None:
    write(clips.parent, "media,trace,start_s,end_s\na.mp4,a.csv,4,20\n", "clips.csv")
    written = write_windows(clips, clips.parent / "w.csv", window=4, hop=4)
    assert (written.windows, written.uncovered) == (2, 2)
    with (clips.parent / "w.csv").open() as file:
        assert [row["start_s"] for row in csv.DictReader(file)] == ["4", "8"]


def test_faulty_manifests_of_traces_are_refused_by_line(clips: Path) -> None:
    out = clips.parent / "w.csv"
    write(clips.parent, "media,trace\nc.mp4,a.csv\na.mp4,c.csv\na.mp4\na.mp4,a.csv\n", "clips.csv")
    with pytest.raises(ManifestError, match="line 4: 1 cells where the header has 2"):
        write_windows(clips, out)
    write(clips.parent, "media,trace\nc.mp4,a.csv\na.mp4,c.csv\na.mp4,a.csv\n", "clips.csv")
    with pytest.raises(ManifestError, match=r"line 2: no media file c.mp4; line 3: no trace at"):
        write_windows(clips, out)
    write(clips.parent, "media,epp\na.mp4,1\n", "clips.csv")
    with pytest.raises(ManifestError, match="line 1: the column trace is missing"):
        write_windows(clips, out)
    with pytest.raises(UsageError, match="longer than 0 s"):
        write_windows(clips, out, window=0)
    with pytest.raises(UsageError, match="no manifest at"):
        write_windows(clips.parent / "none.csv", out)
    write(clips.parent, "media,trace\nb.mp4,b.csv\n", "clips.csv")
    with pytest.raises(ManifestError, match=r"line 2: the trace of b.mp4 is shorter than a window"):
        write_windows(clips, out, window=9)
    assert not out.exists()
