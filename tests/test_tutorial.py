"""The tutorial works as it stands: its boxes run from top to bottom, and show what they say they show."""

from __future__ import annotations

import code
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("write_tutorial", ROOT / "scripts" / "write_tutorial.py")
tutorial = importlib.util.module_from_spec(_spec)
sys.modules["write_tutorial"] = tutorial  # its dataclass looks itself up there
_spec.loader.exec_module(tutorial)
PAGE = tutorial.PAGE.read_text(encoding="utf-8")

pytestmark = pytest.mark.xdist_group("tutorial")  # one process follows the page, once


@dataclass(frozen=True)
class Desk:
    """A student's desk after the last page: the folder, what the boxes show, the names of the notebook."""

    folder: Path
    shown: tuple[str, ...]
    names: dict[str, object]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("desk")
    walk = tutorial.follow(PAGE, folder)
    return Desk(folder, walk.shown, walk.names)


@pytest.mark.slow
def test_the_page_shows_what_comes_out(desk: Desk) -> None:
    boxes = tutorial.texts(PAGE)
    assert len(boxes) == len(desk.shown) > 8
    for on_the_page, came_out in zip(boxes, desk.shown, strict=True):
        assert came_out.strip()
        assert tutorial.shape(on_the_page) == tutorial.shape(came_out), came_out


@pytest.mark.slow
def test_the_pictures_are_those_that_the_commands_draw(desk: Desk) -> None:
    assert set(re.findall(r"\(images/(.*?)\)", PAGE)) == set(tutorial.PICTURES)
    for picture, drawn in tutorial.PICTURES.items():
        assert f"`{drawn}`" in PAGE
        for path in (desk.folder / drawn, tutorial.IMAGES / picture):
            assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_files_that_the_page_names_are_there(desk: Desk) -> None:
    named = re.findall(r"`((?:results|traces|saliency|lesions|congruence)/[\w.]+)`", PAGE)
    assert "results/happy_0001.mp4.html" in named
    for path in (*named, "traces/happy_0001.mp4.elan.tsv", "traces/task-happy0001_stim.tsv.gz"):
        assert (desk.folder / path).stat().st_size > 0


@pytest.mark.slow
def test_the_sound_tells_the_clips_apart(desk: Desk) -> None:
    by_sense = desk.names["beside_people"].pivot(index="senses", columns="clip", values=["people", "model"])
    people, model = (by_sense[who]["happy"] - by_sense[who]["sad"] for who in ("people", "model"))
    assert people["audio"] > 5 * abs(people["video"])
    assert model["audio"] > 0
    assert by_sense.loc["video", ("people", "happy")] == pytest.approx(0.5, abs=0.05)  # nearly neutral


@pytest.mark.slow
def test_contributions_add_up_to_the_positivity(desk: Desk) -> None:
    parts = desk.names["parts"]
    for clip in ("happy", "sad"):
        assert parts.loc["sum + 0.5", clip] == pytest.approx(desk.names[clip]["epp"].mean(), abs=1e-5)
        assert np.ptp(parts[clip]) > 0.01


@pytest.mark.slow
def test_without_the_amygdala_nothing_is_felt(desk: Desk) -> None:
    epp = desk.names["lesions"].query("quantity == 'epp'").set_index("lesion")
    assert epp.loc["amygdala", "lesioned"] == 0.5
    assert epp.loc["sight", "size"] > 0.01


@pytest.mark.slow
def test_a_model_of_nine_sad_melodies_knows_that_a_happy_one_is_none(desk: Desk) -> None:
    told = pd.read_csv(desk.folder / "results-mine" / "happy_0001.wav.csv")
    assert not told["in_range"].any()
    assert told["epp"].between(0, 1).all()


def test_python_can_be_pasted_into_a_prompt() -> None:
    boxes = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(boxes) > 6
    for box in boxes:
        waiting: list[str] = []
        for line in [*box.splitlines(), ""]:
            waiting.append(line)
            if code.compile_command("\n".join(waiting)) is not None:
                waiting.clear()
        assert waiting == []


def test_a_shape_forgets_numbers_and_judgements_only() -> None:
    told = "  audio epp   m-bel is beaten by ridge: -0.23 [-0.67, -0.04]   True  NaN  -  1e-05"
    other = "  audio epp   m-bel and ridge: no difference shown: +0.1 [-0.3, 0.2] False 0.4  3 -2.5"
    assert tutorial.shape(told) == tutorial.shape(other) == ["audio epp ?: # [#, #] ? # # #"]
    assert tutorial.shape(told) != tutorial.shape(told.replace("epp", "valence"))
    assert tutorial.shape("1 2\n3 4") != tutorial.shape("1 2\n3 4\n5 6")
    assert tutorial.shape("m-bel, leave-stimulus-out") == ["m-bel, leave-stimulus-out"]


def test_a_box_is_renewed_and_the_rest_is_left_alone() -> None:
    page = "a\n\n```sh\navfbel\n```\n\n```text\nold\n```\nb\n```text\n```\n"
    assert tutorial.renew(page, ("new\n", "more\n")) == page.replace("old", "new").replace(
        "```text\n```", "```text\nmore\n```"
    )
    assert tutorial.texts(page) == ["old\n", ""]


def test_a_command_that_fails_is_told_with_its_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"analyze none\.mp4\nended with \d+: .*none\.mp4"):
        tutorial.follow("```sh\navfbel analyze none.mp4\n```\n", tmp_path)
