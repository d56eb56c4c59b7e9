"""`avfbel saliency`: files, and refusals."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import pytest
from click.testing import Result
from typer.testing import CliRunner

import avfbel.cli.saliency  # noqa: F401  (enters the command)
from avfbel.cli.app import app


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["saliency", *map(str, args)])


def test_a_film_gives_picture_tables_and_overlay(clips: Path, tmp_path: Path) -> None:
    result = run("default", clips / "short.mp4", "--out", tmp_path / "told")
    assert result.exit_code == 0, result.output
    names = [Path(line).name for line in result.stdout.splitlines()]
    assert names == [
        "short.mp4.saliency-picture.csv",
        "short.mp4.saliency-sound.csv",
        "short.mp4.saliency.png",
        "short.mp4.saliency.mp4",
    ]
    assert sorted(names) == sorted(path.name for path in (tmp_path / "told").iterdir())
    with av.open(str(tmp_path / "told" / "short.mp4.saliency.mp4")) as file:
        assert len(list(file.decode(video=0))) == 9


def test_the_film_can_be_left_out(clips: Path, tmp_path: Path) -> None:
    result = run(clips / "short.mp4", "--out", tmp_path, "--no-film")
    assert result.exit_code == 0
    assert not list(tmp_path.glob("*.mp4"))


def test_of_a_film_that_ends_early_the_rest_is_told_and_it_ends_with_one(clips: Path, tmp_path: Path) -> None:
    result = run(clips / "cut.avi", "--out", tmp_path, "--no-film")
    assert result.exit_code == 1
    assert "cut.avi ends early or is damaged: explained as far as it decodes" in result.stderr
    assert result.stderr.count("\n") == 1
    assert (tmp_path / "cut.avi.saliency.png").exists()


@pytest.mark.parametrize(
    ("args", "code", "sentence"),
    [
        (["a", "b", "c"], 2, "one film or sound"),
        (["nowhere.mp4"], 1, "nowhere.mp4"),
        (["default"], 2, "default is a model: name a film or sound after it"),
        (["nowhere", "nowhere.mp4"], 1, "there is no bundle nowhere"),
    ],
)
def test_refusals_are_one_sentence(args: list[str], code: int, sentence: str, tmp_path: Path) -> None:
    result = run(*args, "--out", tmp_path)
    assert result.exit_code == code
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert not list(tmp_path.iterdir())


def test_without_torch_the_remedy_is_named(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run(clips / "short.mp4", "--out", tmp_path)
    assert result.exit_code == 1
    assert "avfbel[train]" in result.stderr
