"""`avfbel compose`: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import avfbel.cli.composing  # noqa: F401  (enters its command)
from avfbel.cli.app import app
from avfbel.runtime import analyze


def avfbel_(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVFBEL_CACHE", str(tmp_path / "cache"))


def test_clips_a_table_and_a_picture_are_written(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = avfbel_(
        *("compose", "--epp", 0.6, "--within", 0.1, "--count", 2, "--budget", 14, "--modality", "audio"),
        *("--range", "bpm=60:240", "--model", bundle, "--jobs", 1, "--out", out),
    )
    assert done.exit_code == 0, done.stderr
    with (out / "clips.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        assert float(row["predicted"]) == analyze(out / row["media"], model=bundle).epp
        assert 60 <= float(row["bpm"]) <= 240
        assert f"{row['media']}: EPP {float(row['predicted']):.3f} (bpm " in done.stdout
        assert (row["low"], row["high"]) == ("", "")  # this model has no intervals
    assert (out / "space.png").read_bytes().startswith(b"\x89PNG")
    assert done.stdout.endswith(f"{out / 'clips.csv'}\n{out / 'space.png'}\n")


def test_a_wish_that_cannot_be_had_ends_well_with_a_note(bundle: Path, tmp_path: Path) -> None:
    done = avfbel_(
        *("compose", "--epp", 0.0, "--count", 1, "--budget", 12, "--modality", "audio"),
        *("--model", bundle, "--jobs", 1, "--out", tmp_path / "out"),
    )
    assert done.exit_code == 0
    assert "note: no clip of 12 has EPP 0 within 0.02: these are the nearest" in done.stderr
    assert (tmp_path / "out/epp000_01.wav").is_file()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ((), "ask for one thing"),
        (("--epp", 0.5, "--emotion", "calm"), "ask for one thing"),
        (("--emotion", "joy"), "no emotion 'joy': choose one of fear"),
        (("--epp", 1.5), "epp is from 0 to 1, got 1.5"),
        (("--epp", 0.5, "--range", "bpm"), "--range must say NAME=LOW:HIGH"),
        (("--epp", 0.5, "--range", "bpm=10:60"), "range of bpm must lie within 30:400"),
        (("--epp", 0.5, "--jobs", 0), "jobs must be at least 1"),
        (("--epp", 0.5, "--budget", 2), "at least 12 clips must be tried"),
    ],
)
def test_wrong_usage_ends_with_two_and_one_sentence(
    bundle: Path, tmp_path: Path, args: tuple[object, ...], says: str
) -> None:
    done = avfbel_("compose", *args, "--model", bundle, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_help_has_an_example() -> None:
    assert "Example: avfbel compose --epp" in avfbel_("compose", "--help").stdout
