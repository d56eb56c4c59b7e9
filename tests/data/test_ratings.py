from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest

from avfbel.data.ratings import find_ratings, load_ratings
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


def test_ratings_are_found_in_the_folder_and_one_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "sievers2021", "0,sad,music,1,2,3,4,5\n")
    assert find_ratings(folder) == find_ratings(str(tmp_path)) == folder / "ratings.csv"
    monkeypatch.setenv("AVFBEL_DATA", str(tmp_path))
    assert find_ratings() == folder / "ratings.csv"


def test_no_ratings_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"no ratings at .*ratings.csv: run `avfbel data fetch sievers2021`, or"
    ):
        load_ratings(tmp_path)
    monkeypatch.delenv("AVFBEL_DATA", raising=False)
    with pytest.raises(
        FileNotFoundError, match=r"no folder of ratings is named: .* point --data-dir or AVFBEL_DATA"
    ):
        load_ratings()


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("0,sad,music,1,2,3,4,128\n", "line 2: happy is '128', not a rating from 0 to 127"),
        ("0,sad,music,1,2,3,4,5\n1,sad,music,-1,2,3,4,5\n", "line 3: scared is '-1'"),
        ("0,sad,music,1,nan,3,4,5\n", "line 2: sad is 'nan'"),
        ("0,sad,music,1,2,much,4,5\n", "line 2: angry is 'much'"),
        ("0,sad,music,1,2,3\n", "line 2: peaceful is None"),
        ("0,sad,film,1,2,3,4,5\n", "line 2: modality is 'film', neither music nor animation"),
        ("0,sad,music,1,2,3,4,5\n0,sad,music,1,2,3,4,5\n", "line 3: participant 0 rated sad .music. already"),
        ("", "holds no ratings"),
    ],
)
def test_a_faulty_table_is_refused_by_line(tmp_path: Path, rows: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        load_ratings(write(tmp_path, rows))


def test_another_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column scared is missing: is it the file of published ratings"):
        load_ratings(write(tmp_path, "0,sad,music\n", header="participant,stimulus,modality\n"))
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
