"""`avfbel verify`: what it says, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import avfbel.cli.analysis
import avfbel.cli.verifying  # noqa: F401  (enters its command)
from avfbel.cli.app import app


def avfbel_(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def result(clips: Path, bundle: Path, tmp_path: Path) -> Path:
    done = avfbel_(
        *("analyze", clips / "plain.mp4", "--model", bundle, "--out", tmp_path, "--format", "json")
    )
    assert done.exit_code == 0
    return tmp_path / "plain.mp4.json"


def test_an_equal_result_ends_with_zero(result: Path) -> None:
    done = avfbel_("verify", result)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "values are equal to the last bit" in done.stdout
    assert "with stand-in 0" in done.stdout


def test_another_result_ends_with_one_and_says_which_value_differs(result: Path) -> None:
    content = json.loads(result.read_text())
    content["windows"][1]["epp"] += 0.125
    content["windows"][0]["epp_low"] = 0.1
    result.write_text(json.dumps(content))
    done = avfbel_("verify", result)
    assert done.exit_code == 1
    assert "2 of " in done.stdout
    assert "windows[1].epp: 0." in done.stdout
    assert "(by 0.125)" in done.stdout
    assert "windows[0].epp_low: 0.1 here, null now" in done.stdout


def test_what_cannot_be_recomputed_ends_with_one_sentence(result: Path, clips: Path, tmp_path: Path) -> None:
    done = avfbel_("verify", result, "--media", clips / "short.mp4")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "short.mp4 is not the file that" in done.stderr
    assert avfbel_("verify", tmp_path / "absent.json").exit_code == 1
    folder = avfbel_("verify", tmp_path)
    assert folder.exit_code == 1
    assert f"{tmp_path} is a folder: name one of the results in it" in folder.stderr
    assert "Example: avfbel verify results/film.mp4.json" in avfbel_("verify", "--help").stdout
