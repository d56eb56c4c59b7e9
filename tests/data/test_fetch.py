"""Data come whole from a server of this machine, or not at all; the answer is taken out of their features."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from avfbel.data.fetch import TABLES, fetch
from avfbel.data.fetch_release import (
    ACOUSTIC,
    PARAMETERS,
    ReleasedTable,
    stimulus_parameters,
    undo_leak,
    unscaled_positivity,
)
from avfbel.data.ratings import load_ratings
from avfbel.data.registry import RemoteFile, Source, find_source
from avfbel.emotion import RATING_COLUMNS
from avfbel.errors import InputError, UsageError
from avfbel.stimulus import named_stimuli

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("pooch")

SOURCE = find_source("sievers2021")
MUSIC, ANIMATION = SOURCE.music.name, SOURCE.animation.name
TRUTH = {
    name: np.array([getattr(p, one) for one in PARAMETERS], dtype=float)
    for name, p in list(named_stimuli().items())[:4]
}
HEADER = ["participant", "stimulus", *RATING_COLUMNS]


def spreadsheet(path: Path, header: list[str], rows: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(header)
    for row in rows:
        sheet.append(row)
    book.save(path)


def leaked(parameters: np.ndarray, ratings: np.ndarray) -> np.ndarray:
    """What the release did, from its description: each feature plus a tenth of the rater's sum k·E_k / 15."""
    return parameters + sum(k * e for k, e in enumerate(ratings, 1)) / 15 / 10


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both spreadsheets, of four stimuli and three people, with one empty rating and rows said twice."""
    folder = tmp_path_factory.mktemp("release")
    rng = np.random.default_rng(3)
    for name, features in ((MUSIC, ACOUSTIC), (ANIMATION, PARAMETERS)):
        rows: list[list[object]] = []
        for stimulus, parameters in TRUTH.items():
            for participant in range(3):
                ratings = rng.integers(0, 128, 5)
                values = leaked(parameters, ratings) if name == ANIMATION else rng.normal(size=5)
                rows.append([participant, stimulus, *map(int, ratings), *map(float, values), "EPP"])
        rows[0][4] = None  # the rater's anger is not known, although it went into the features
        spreadsheet(folder / name, [*HEADER, *features, "EPP"], rows + rows[:2])
    return folder


@pytest.fixture
def server(release: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serves the release under /whole; closes half-way under /half; knows nothing under /none."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, kind, name = self.path.split("/")
            if kind == "none":
                self.send_error(404)
                return
            content = (release / name).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            cut = kind == "half" and name == ANIMATION
            self.wfile.write(content[: len(content) // 2] if cut else content)

        def log_message(self, *_: object) -> None:
            pass

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_address[1]}"
    serving.shutdown()
    serving.server_close()
    thread.join()


def pinned(release: Path, **wrong: str) -> Source:
    files = {
        key: RemoteFile(
            name=name, sha256=wrong.get(key, hashlib.sha256((release / name).read_bytes()).hexdigest())
        )
        for key, name in (("music", MUSIC), ("animation", ANIMATION))
    }
    return replace(SOURCE, **files)


def test_a_whole_release_becomes_plain_tables(server: str, release: Path, tmp_path: Path) -> None:
    fetched = fetch(pinned(release), folder=tmp_path / "data", url=f"{server}/whole")
    assert sorted(path.name for path in fetched.folder.iterdir()) == sorted(TABLES)
    assert fetched.pinned == {MUSIC: True, ANIMATION: True}
    ratings = load_ratings(fetched.folder)
    assert ratings.values.shape == (3, 4, 2, 5)
    assert np.isnan(ratings.values).sum() == 2
    with (fetched.folder / "stimuli.csv").open() as file:
        found = {row["stimulus"]: [float(row[one]) for one in PARAMETERS] for row in csv.DictReader(file)}
    for name, parameters in TRUTH.items():
        np.testing.assert_allclose(found[name], parameters, rtol=0, atol=1e-9)
    assert any("4 stimuli" in sentence for sentence in fetched.differences)
    origin = json.loads((fetched.folder / "source.json").read_text())
    assert origin["sha256"] == fetched.sha256
    assert "Current Biology" in origin["citation"]


def test_what_cannot_be_compared_is_said(server: str, tmp_path: Path) -> None:
    fetched = fetch(SOURCE, folder=tmp_path, url=f"{server}/whole")
    assert fetched.pinned == {MUSIC: False, ANIMATION: False}
    assert all(len(digest) == 64 for digest in fetched.sha256.values())


def test_a_folder_and_the_environment_are_mirrors(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVFBEL_DATA_URL", str(release))
    assert fetch(SOURCE, folder=tmp_path).sha256[MUSIC] in pinned(release).music.sha256


@pytest.mark.parametrize(
    ("place", "wrong", "sentence"),
    [
        ("half", {}, rf"{ANIMATION} ended before it was complete"),
        ("none", {}, rf"/none/{MUSIC}: the server answers 404: .*--url"),
        (
            "whole",
            {"animation": "0" * 64},
            rf"{ANIMATION} has the wrong checksum: sha256 is [0-9a-f]{{64}}, not 0",
        ),
    ],
)
def test_what_does_not_come_whole_leaves_nothing(
    server: str, release: Path, tmp_path: Path, place: str, wrong: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        fetch(pinned(release, **wrong), folder=tmp_path / "data", url=f"{server}/{place}")
    assert not (tmp_path / "data").exists()


def test_a_failed_fetch_leaves_what_was_there(server: str, release: Path, tmp_path: Path) -> None:
    fetch(SOURCE, folder=tmp_path, url=f"{server}/whole")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match="ended before"):
        fetch(SOURCE, folder=tmp_path, url=f"{server}/half")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_without_a_network_one_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(
            InputError, match=r"cannot be reached: is this machine online\? .*AVFBEL_DATA_URL"
        ):
            fetch(SOURCE, folder=tmp_path / "data", url=f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert not (tmp_path / "data").exists()


def test_wrong_requests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no data set 'deap': choose one of sievers2021"):
        find_source("deap")
    with pytest.raises(UsageError, match="neither an address with http or https nor a folder"):
        fetch(SOURCE, folder=tmp_path, url="ftp://example.org")
    with pytest.raises(InputError, match=f"no {MUSIC} in .*: name the folder"):
        fetch(SOURCE, folder=tmp_path, url=str(tmp_path))
    with pytest.raises(UsageError, match="has no column 'epp' to rename"):
        fetch(SOURCE, folder=tmp_path, url=str(tmp_path), columns={"epp": "EPP"})


def test_other_tables_are_refused(release: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(release / MUSIC)
    other = tmp_path / "other"
    other.mkdir()
    (other / ANIMATION).write_bytes((release / ANIMATION).read_bytes())
    book.active["B1"] = "clip"
    book.save(other / MUSIC)
    with pytest.raises(
        InputError, match=f"{MUSIC}: no column stimulus among participant, clip.*stimulus=NAME"
    ):
        fetch(SOURCE, folder=tmp_path / "data", url=str(other))
    fetch(SOURCE, folder=tmp_path / "named", url=str(release), columns={"stimulus": "Stimulus"})
    book.active["B1"], book.active["C3"], book.active["D4"] = "stimulus", 128, "much"
    book.save(other / MUSIC)
    with pytest.raises(
        InputError, match=r"row 3: scared is 128, not a rating.*; row 4: sad is 'much', not a num"
    ):
        fetch(SOURCE, folder=tmp_path / "data", url=str(other))
    (other / MUSIC).write_bytes(b"PK\x03\x04 no spreadsheet")
    with pytest.raises(InputError, match=f"{MUSIC} does not read as a spreadsheet"):
        fetch(SOURCE, folder=tmp_path / "data", url=str(other))


@settings(deadline=None, max_examples=30)
@given(
    parameters=arrays(float, 5, elements=st.floats(-200, 500)),
    ratings=arrays(float, (6, 5), elements=st.floats(0, 127)),
)
def test_the_leak_is_undone_whatever_was_felt(parameters: np.ndarray, ratings: np.ndarray) -> None:
    features = np.array([leaked(parameters, row) for row in ratings])
    np.testing.assert_allclose(undo_leak(features, ratings), np.tile(parameters, (6, 1)), rtol=0, atol=1e-9)


def table(features: np.ndarray, ratings: np.ndarray) -> ReleasedTable:
    names = tuple(map(str, range(len(ratings))))
    return ReleasedTable(participant=names, stimulus=("a",) * len(names), ratings=ratings, features=features)


def test_clean_features_are_left_alone_and_others_refused() -> None:
    ratings = np.array([[127.0, 0, 0, 0, 0], [0, 0, 0, 0, 127.0]])
    clean = np.tile([100.0, 50, 10, 3, 4], (2, 1))
    assert stimulus_parameters(table(clean, ratings), file="f")["a"].tolist() == clean[0].tolist()
    with pytest.raises(InputError, match=r"f: without the leak the parameters of a still differ by 0.847"):
        stimulus_parameters(table(clean + 2 * unscaled_positivity(ratings)[:, None] / 16, ratings), file="f")
    with pytest.raises(InputError, match="no row of a has all its ratings"):
        stimulus_parameters(table(clean, np.full((2, 5), np.nan)), file="f")


@pytest.mark.skipif(
    not os.environ.get("AVFBEL_DATA"), reason="AVFBEL_DATA names no folder of published ratings"
)
def test_the_published_ratings_come_back_from_a_leaked_release(tmp_path: Path) -> None:
    ratings = load_ratings()
    truth = named_stimuli()
    lost = {("peaceful_scared_50", "animation"): 14.0, ("sad", "music"): 0.0}  # what the release put there
    for modality, name, features in (("music", MUSIC, ACOUSTIC), ("animation", ANIMATION, PARAMETERS)):
        rows: list[list[object]] = []
        for i, participant in enumerate(ratings.participants):
            for j, stimulus in enumerate(ratings.stimuli):
                five = ratings.of(modality)[i, j]
                known = np.where(np.isnan(five), lost.get((stimulus, modality), np.nan), five)
                parameters = np.array([getattr(truth[stimulus], one) for one in PARAMETERS], dtype=float)
                values = leaked(parameters, known) if modality == "animation" else np.arange(5.0)
                cells = [None if np.isnan(one) else float(one) for one in five]
                rows.append([participant, stimulus, *cells, *map(float, values)])
        spreadsheet(tmp_path / name, [*HEADER, *features], rows)
    fetched = fetch(SOURCE, folder=tmp_path / "data", url=str(tmp_path))
    assert fetched.differences == ()
    again = load_ratings(fetched.folder)
    assert (again.participants, again.stimuli) == (ratings.participants, ratings.stimuli)
    np.testing.assert_array_equal(again.values, ratings.values)
