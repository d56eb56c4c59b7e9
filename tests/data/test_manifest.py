from __future__ import annotations

import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avfbel.data.manifest import ManifestError, read_manifest
from avfbel.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.mp4", "b.mp4", "c.wav", "t.csv"):
        (tmp_path / name).write_bytes(b"media")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "clips.csv"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> dict[int, str]:
    with pytest.raises(ManifestError) as caught:
        read_manifest(write(folder, text))
    for line, what in caught.value.faults:
        assert f"line {line}: {what}" in str(caught.value)
    return dict(caught.value.faults)


def test_a_full_manifest_is_read(folder: Path) -> None:
    path = write(
        folder,
        "media,fear,sadness,anger,calm,happiness,stimulus,participant,start_s,end_s,split,speaker\n"
        "a.mp4,0,0.5,0,0,2,film,eva,1,4.5,train,x\n\n"
        f"{folder / 'c.wav'},0,0,0,0,0,,tom,,,test,y\n",
    )
    manifest = read_manifest(path)
    first, second = manifest.rows
    assert (first.line, second.line) == (2, 4)
    assert first.media == folder / "a.mp4"
    assert first.emotions.tolist() == [0, 0.5, 0, 0, 2]
    assert (first.stimulus, first.participant, first.start_s, first.end_s) == ("film", "eva", 1.0, 4.5)
    assert math.isnan(first.epp)
    assert second.media == folder / "c.wav"
    assert second.stimulus == str(folder / "c.wav")
    assert (second.start_s, second.end_s) == (None, None)
    assert manifest.group_columns == ("participant", "split", "speaker")
    assert second.groups == {"participant": "tom", "split": "test", "speaker": "y"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_spreadsheet_exports_are_read(folder: Path, encoding: str, newline: str) -> None:
    path = folder / "clips.csv"
    text = newline.join(["media,epp,sprecher", "a.mp4 , 0.5,Jürgen", '"b.mp4","1",""', ",,", ""])
    path.write_bytes(text.encode(encoding))
    rows = read_manifest(path).rows
    assert [row.epp for row in rows] == [0.5, 1.0]
    assert rows[0].groups == {"sprecher": "Jürgen"}


def test_an_emotion_without_a_column_counts_as_not_felt(folder: Path) -> None:
    (row,) = read_manifest(write(folder, "media,happiness,sadness\na.mp4,0.8,0.2\n")).rows
    assert row.emotions.tolist() == [0, 0.2, 0, 0, 0.8]


def test_several_people_may_rate_a_clip_and_several_parts_of_it(folder: Path) -> None:
    rows = read_manifest(
        write(folder, "media,epp,participant,start_s\na.mp4,0.5,eva,\na.mp4,0.6,tom,\na.mp4,0.5,eva,2\n")
    ).rows
    assert rows[0].clip == rows[1].clip != rows[2].clip
    assert len({row.stimulus for row in rows}) == 1


def test_all_faults_are_reported_at_once_with_their_lines(folder: Path) -> None:
    found = faults(
        folder,
        "media,epp,speaker\na.mp4,0.5,a\nnowhere.mp4,0.5,a\nb.mp4,7,b\nc.wav,soon,b\n",
    )
    assert found == {
        3: "no media file nowhere.mp4",
        4: "epp is 7, not a number from 0 to 1",
        5: "epp is 'soon', not a number",
    }


def test_one_row_may_have_several_faults(folder: Path) -> None:
    with pytest.raises(
        ManifestError, match=r"line 2: no media file x; line 2: valence is nan, not a number from 0"
    ):
        read_manifest(write(folder, "media,valence\nx,nan\n"))


@pytest.mark.parametrize(
    ("header", "cells", "fault"),
    [
        ("fear", "-0.1", "fear is -0.1, not a number of 0 or more"),
        ("fear", "nan", "fear is nan, not a number of 0 or more"),
        ("fear", "inf", "fear is inf, not a number of 0 or more"),
        ("epp", "NaN", "epp is NaN, not a number from 0 to 1"),
        ("epp", "-0.1", "epp is -0.1, not a number from 0 to 1"),
        ("epp", "0,5", "3 cells where the header has 2"),
        ("epp", "", "it does not say what was felt: all rating cells are empty"),
        ("fear,calm", "0.5,", "calm is empty while fear is given: rate all emotions that have a column"),
        ("epp,start_s,end_s", "0.5,2,2", "the clip ends at 2 s, not after its start at 2 s"),
        ("epp,end_s", "0.5,0", "the clip ends at 0 s, not after its start at 0 s"),
        ("epp,start_s", "0.5,-1", "start_s is -1, not a number of 0 or more"),
        ("epp,start_s", "0.5,later", "start_s is 'later', not a number"),
        ("epp,trace", "0.5,t.csv", "continuous ratings (trace) are not read here: run `avfbel data windows`"),
        ("epp,valence", "0.9,0.1", "no emotions have the valence 0.1 and the EPP 0.9"),
    ],
)
def test_each_fault_is_named(folder: Path, header: str, cells: str, fault: str) -> None:
    assert faults(folder, f"media,{header}\na.mp4,{cells}\n")[2].startswith(fault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("media,epp\n", "there are no rows below the header"),
        ("media,epp,epp\na.mp4,0.5,0.5\n", "the column epp appears twice"),
        ("media,,epp\na.mp4,,0.5\n", "column 2 has no name"),
        ("file,epp\na.mp4,0.5\n", "the column media is missing"),
        (
            "media;epp\na.mp4;0.5\n",
            r"the column media is missing (separate columns by commas, not semicolons)",
        ),
        (
            "media,speaker\na.mp4,eva\n",
            "no column says what was felt: name one or more of fear, sadness, anger",
        ),
    ],
)
def test_a_faulty_table_is_refused(folder: Path, text: str, fault: str) -> None:
    assert faults(folder, text)[1].startswith(fault)


def test_a_clip_rated_twice_by_nobody_in_particular_is_refused(folder: Path) -> None:
    found = faults(folder, "media,epp\na.mp4,0.5\nb.mp4,0.1\n./a.mp4,0.6\n")
    assert found == {4: "the clip of line 2 again: name the raters in a column participant"}
    found = faults(folder, "media,epp,participant\na.mp4,0.5,eva\na.mp4,0.6,eva\n")
    assert found[3].startswith("the clip of line 2 again by eva")


def test_a_line_is_that_of_the_file_even_when_cells_span_lines(folder: Path) -> None:
    assert faults(folder, 'media,epp,note\na.mp4,0.5,"two\nlines"\nb.mp4,7,\n').keys() == {4}


def test_an_empty_media_cell_is_a_fault_and_not_the_folder(folder: Path) -> None:
    assert faults(folder, "media,epp\n,0.5\n.,0.5\n") == {2: "the media cell is empty", 3: "no media file ."}


def test_a_manifest_without_targets_will_do_when_none_are_needed(folder: Path) -> None:
    (row,) = read_manifest(write(folder, "media,stimulus,bpm\na.mp4,happy,120\n"), targets=False).rows
    assert np.isnan(row.emotions).all()
    assert row.groups == {"bpm": "120"}


def test_what_is_no_manifest_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"no manifest at .*nowhere\.csv"):
        read_manifest(folder / "nowhere.csv")
    (folder / "binary.csv").write_bytes(bytes(range(256)))
    with pytest.raises(UsageError, match=r"binary\.csv does not read as a CSV table in UTF-8"):
        read_manifest(folder / "binary.csv")


def test_a_long_list_of_faults_is_cut_but_counted(folder: Path) -> None:
    with pytest.raises(ManifestError, match=r"and 100 more$") as caught:
        read_manifest(write(folder, "media,epp\n" + "x.mp4,0.5\n" * 300))
    assert len(caught.value.faults) == 300


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_in_one_sentence(folder: Path, text: str) -> None:
    path = folder / "clips.csv"
    path.write_bytes(b"media,epp\n" + text.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(UsageError):
        assert read_manifest(path).rows
