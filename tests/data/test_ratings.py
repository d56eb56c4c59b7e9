from __future__ import annotations

import math
import os
import re
from pathlib import Path

import numpy as np
import pytest

from avfbel.data.fetch import default_folder
from avfbel.data.ratings import RatingsError, find_ratings, load_ratings
from avfbel.data.registry import find_source
from avfbel.errors import InputError

HEADER = "participant,stimulus,modality,scared,sad,angry,peaceful,happy\n"

needs_ratings = pytest.mark.skipif(
    not os.environ.get("AVFBEL_DATA"), reason="AVFBEL_DATA names no folder of published ratings"
)


def write(folder: Path, rows: str, header: str = HEADER) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ratings.csv").write_text(header + rows)
    return folder


def test_ratings_become_a_block_by_rater_stimulus_modality_and_emotion(tmp_path: Path) -> None:
    write(tmp_path, "10,sad,music,1,2,3,4,5\n2,sad,animation,6,7,,9,10\n2,happy,music,11,12,13,14,127\n")
    ratings = load_ratings(tmp_path)
    assert ratings.participants == ("2", "10")
    assert ratings.stimuli == ("happy", "sad")
    assert ratings.of("music")[1, 1].tolist() == [1, 2, 3, 4, 5]
    assert ratings.of("music")[0, 0].tolist() == [11, 12, 13, 14, 127]
    np.testing.assert_equal(ratings.of("animation")[0, 1], [6, 7, math.nan, 9, 10])
    assert np.isnan(ratings.of("animation")[1]).all()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user's cache, and no folder of ratings named."""
    monkeypatch.delenv("AVFBEL_DATA", raising=False)
    monkeypatch.setenv("AVFBEL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_ratings_are_found_in_the_folder_and_one_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "sievers2021", "0,sad,music,1,2,3,4,5\n")
    assert find_ratings(folder) == find_ratings(str(tmp_path)) == folder / "ratings.csv"
    monkeypatch.setenv("AVFBEL_DATA", str(tmp_path))
    assert find_ratings() == folder / "ratings.csv"


def test_the_first_place_that_is_named_counts(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = "0,sad,music,1,2,3,4,5\n"
    fetched = write(default_folder(find_source("sievers2021")), row) / "ratings.csv"
    assert fetched.is_relative_to(cache)
    assert find_ratings() == fetched
    environment, option = (write(tmp_path / name, row) for name in ("environment", "option"))
    monkeypatch.setenv("AVFBEL_DATA", str(environment))
    assert find_ratings() == environment / "ratings.csv"
    assert find_ratings(option) == option / "ratings.csv"
    (option / "ratings.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"no ratings at .*option.ratings\.csv"):
        find_ratings(option)  # a folder that is named has to hold them


def test_no_ratings_names_the_remedy_and_all_places(cache: Path, tmp_path: Path) -> None:
    places = (
        r"ratings\.csv: run `avfbel data fetch sievers2021`, or point --data-dir or AVFBEL_DATA at "
        rf".*without both {re.escape(str(cache / 'data' / 'sievers2021'))}, where a fetch leaves them"
    )
    with pytest.raises(FileNotFoundError, match=rf"no ratings at {re.escape(str(tmp_path))}/{places}"):
        load_ratings(tmp_path)
    with pytest.raises(FileNotFoundError, match=rf"no ratings at {re.escape(str(cache))}/.*{places}"):
        load_ratings()


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("0,sad,music,1,2,3,4,128\n", "line 2: happy is '128', not a rating from 0 to 127"),
        ("0,sad,music,1,2,3,4,5\n1,sad,music,-1,2,3,4,5\n", "line 3: scared is '-1'"),
        ("0,sad,music,1,nan,3,4,5\n", "line 2: sad is 'nan'"),
        ("0,sad,music,1,2,much,4,5\n", "line 2: angry is 'much'"),
        ("0,sad,music,1,2,3\n", "line 2: 6 cells where the header has 8"),
        ("0,sad,music,1,2,3,4,5,6,7\n", "line 2: 10 cells where the header has 8"),
        (",sad,music,1,2,3,4,5\n", "line 2: the participant cell is empty"),
        ("0,sad,film,1,2,3,4,5\n", "line 2: modality is 'film', neither music nor animation"),
        (
            "0,sad,music,1,2,3,4,5\n\n0,sad,music,1,2,3,4,5\n",
            r"line 4: participant 0 rated sad \(music\) already, in line 2",
        ),
        ("", "line 1: there are no ratings below the header"),
    ],
)
def test_a_faulty_table_is_refused_by_line(tmp_path: Path, rows: str, sentence: str) -> None:
    with pytest.raises(RatingsError, match=sentence):
        load_ratings(write(tmp_path, rows))


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    rows = "0,sad,film,1,-2,3,4,much\n0,sad,music,1,2,3,4,5\n1,sad\n0,sad,music,1,2,3,4,500\n"
    with pytest.raises(RatingsError) as caught:
        load_ratings(write(tmp_path, rows))
    assert [line for line, _ in caught.value.faults] == [2, 2, 2, 4, 5, 5]
    said = str(caught.value)
    assert said.startswith(
        f"{tmp_path / 'ratings.csv'} cannot be used as published ratings, fetch it again: "
    )
    assert all(f"line {line}: {what}" in said for line, what in caught.value.faults)
    assert "\n" not in said
    with pytest.raises(RatingsError, match=r"line 201: .*; and 50 more$") as caught:
        load_ratings(write(tmp_path, "".join(f"{n},sad,film,1,2,3,4,5\n" for n in range(250))))
    assert len(caught.value.faults) == 250


def test_another_table_is_refused(tmp_path: Path) -> None:
    header = "participant,stimulus,modality,sad,angry,peaceful\n"
    with pytest.raises(InputError, match="the column happy is missing; line 1: the column scared is missing"):
        load_ratings(write(tmp_path, "0,sad,music\n", header=header))
    (tmp_path / "ratings.csv").write_bytes(b"\xff\xfe\x00\x01" * 100)
    with pytest.raises(InputError, match="does not read as a CSV table"):
        load_ratings(tmp_path)


@needs_ratings
def test_the_published_ratings_are_complete_but_for_two_cells() -> None:
    ratings = load_ratings()
    assert ratings.values.shape == (20, 38, 2, 5)
    assert np.isnan(ratings.values).sum() == 2
    stimulus = ratings.stimuli.index
    assert math.isnan(ratings.of("animation")[0, stimulus("peaceful_scared_50"), 2])
    assert math.isnan(ratings.of("music")[0, stimulus("sad"), 2])
    assert (np.nansum(ratings.values, axis=-1) == 0).sum() == 16  # rows of five zeros, which have no EPP
