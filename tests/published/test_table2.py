from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from avfbel.errors import InputError, UsageError
from avfbel.published import trained
from avfbel.published.printed import printed
from avfbel.published.released import ReleasedPairs
from avfbel.published.replication import replication_page
from avfbel.published.report import deeper, number, table, write_report
from avfbel.published.table2 import NAMES, NOT_YET, run, table2, table2_text
from avfbel.published.trained import KIND, PROTOCOLS, read_cells, score_in_sample, train_cells

needs_data = pytest.mark.skipif(
    not os.environ.get("AVFBEL_DATA"), reason="AVFBEL_DATA names no folder of published ratings"
)
PAGE = Path(__file__).parents[2] / "docs" / "replication.md"


def make_pairs(n_stimuli: int = 4, n_raters: int = 5) -> ReleasedPairs:
    rng = np.random.default_rng(0)
    n = n_stimuli * n_raters
    return ReleasedPairs(
        stimulus=np.repeat([f"s{number}" for number in range(n_stimuli)], n_raters),
        participant=np.tile(np.arange(n_raters), n_stimuli),
        acoustic=rng.random((n, 5)),
        parameters=rng.random((n, 2)),
        music=rng.uniform(0, 100, n),
        animation=rng.uniform(0, 100, n),
    )


def test_printed_f1_follows_from_printed_precision_and_recall() -> None:
    for row in printed()["table2"].values():
        p, r = row["precision"], row["recall"]
        assert row["f1"] == pytest.approx(2 * p * r / (p + r), abs=0.01)  # both are rounded to 0.01


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_whoever_says_the_ratings_has_every_case_right_and_the_least_similarity(kind: str) -> None:
    pairs = make_pairs()
    said = pairs.music_epp if kind == "audio" else pairs.animation_epp
    order = np.random.default_rng(1).permutation(4)  # of stimuli: each keeps its exemplars in order
    rows = np.concatenate([np.arange(5) + 5 * stimulus for stimulus in order])
    scores = score_in_sample(said[rows], pairs.stimulus[rows], pairs, kind)
    assert scores == pytest.approx(
        {"precision": 1, "recall": 1, "f1": 1, "similarity": 100 / np.e, "r": 1, "n": 20}
    )


def test_exemplars_beyond_the_participants_are_left_out() -> None:
    pairs = make_pairs()
    scores = score_in_sample(
        np.append(pairs.music_epp, 99.0), np.append(pairs.stimulus, "s0"), pairs, "audio"
    )
    assert scores["n"] == 20
    assert scores["r"] == pytest.approx(1)


def test_training_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def learn(model: str, *_: object, **__: object) -> dict[str, float]:
        if len(done) == 3 and "interrupted" not in done:
            done.append("interrupted")
            raise KeyboardInterrupt
        done.append(model)
        return {"r": len(done) / 10}

    monkeypatch.setattr(trained, "in_sample", learn)
    monkeypatch.setattr(trained, "held_out", learn)
    path = tmp_path / "out" / "trained.json"
    with pytest.raises(KeyboardInterrupt):
        train_cells(path, lambda: None, make_pairs())
    kept = read_cells(path)
    assert kept == {
        "bel-m": {"published": {"r": 0.1}},
        "bel-a": {"published": {"r": 0.2}},
        "m-bel": {"published": {"r": 0.3}},
    }
    cells = train_cells(path, lambda: None, make_pairs())
    assert cells == read_cells(path)
    assert {model: sorted(of) for model, of in cells.items()} == {m: sorted(PROTOCOLS) for m in KIND}
    assert len(done) == 11
    assert cells["bel-m"]["published"] == {"r": 0.1}

    def refuse() -> None:
        raise AssertionError("clips are not to be measured if every cell is there")

    assert train_cells(path, refuse, make_pairs()) == cells


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trained.json").write_text("[1]")
    with pytest.raises(InputError, match=r"trained.json does not hold trained cells: remove it"):
        read_cells(tmp_path / "trained.json")


def test_a_rerun_needs_a_folder() -> None:
    with pytest.raises(UsageError, match=r"--rerun trains for a long time .* name one with --out"):
        run(None, None, rerun=True)


def test_a_cell_that_was_not_trained_says_how_it_can_be() -> None:
    text = table2_text(table2({}, {}))
    assert text.count(NOT_YET) == 3 * len(NAMES)  # once in-sample, once for each of two targets
    assert "0 of 20 come out" in text


def test_what_the_shipped_circuit_reaches_is_told_beside_those_of_the_paper() -> None:
    """The circuits of the table learn their cortex from the ratings; the shipped one does not."""
    card = json.loads(files("avfbel.bundles.default").joinpath("card.json").read_text(encoding="utf-8"))
    reached = card["metrics"]["leave-stimulus-out"]["fused"]["epp"]
    sentence = f"it reaches r {reached['r']:.2f} (nEV {reached['nev']:.2f}) under the same protocol"
    assert sentence in table2_text(table2({}, read_cells()))


def test_committed_cells_are_possible() -> None:
    for model, of in read_cells().items():
        assert model in KIND
        if "published" in of:
            cell = of["published"]
            assert cell["n"] == 760
            assert cell["f1"] == pytest.approx(
                2 * cell["precision"] * cell["recall"] / (cell["precision"] + cell["recall"])
            )
        for figures in of.get("leave-stimulus-out", {}).values():
            assert figures["n"] == 38
            assert figures["r_low"] <= figures["r"] <= figures["r_high"] <= 1
            assert abs(figures["ccc"]) <= abs(figures["r"])


def test_the_page_shows_the_committed_cells() -> None:
    page = PAGE.read_text(encoding="utf-8")
    text = deeper(table2_text(table2({}, read_cells())))
    for section in text.split("\n### "):
        if section.startswith(("Trained here", "As printed")):
            assert section.strip() in page, "run python scripts/write_replication.py"


@needs_data
def test_the_page_is_what_data_and_cells_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == replication_page(), "run python scripts/write_replication.py"


@needs_data
def test_seven_cells_come_out(tmp_path: Path) -> None:
    text = run(None, tmp_path, rerun=False)
    assert "7 of 20 come out" in text
    rows = (tmp_path / "table2.csv").read_text().splitlines()
    assert rows[0] == "version,model,target,figure,value"
    assert "printed,avf-bel,,similarity,77.69" in rows


def test_reports_are_written_whole(tmp_path: Path) -> None:
    paths = write_report(tmp_path / "o", "x", "# T\n\n", data={"a": float("nan")}, rows=[{"n": 1}])
    assert [path.read_text() for path in paths] == ["# T\n", '{\n "a": null\n}\n', "n\n1\n"]
    assert write_report(None, "x", "", data={}, rows=[]) == []
    with pytest.raises(UsageError, match="is a file: name a folder"):
        write_report(paths[0], "x", "", data={}, rows=[])


def test_numbers_and_tables_read_as_such() -> None:
    assert [number(value) for value in (None, float("nan"), -0.073)] == ["–", "NaN", "-0.07"]
    assert table(("a", "b"), [("x", "1")]).splitlines() == ["| a | b |", "|:---|---:|", "| x | 1 |"]
