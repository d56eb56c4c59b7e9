"""`avfbel experiment` and `avfbel weights`: files, findings on stdout, refusals."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import avfbel.cli.experiments
import avfbel.cli.weights  # noqa: F401  (both enter their commands)
from avfbel.cli.app import app


def avfbel_(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_an_experiment_prints_what_it_found_and_where_it_is(tmp_path: Path) -> None:
    done = avfbel_(
        *("experiment", "degrade", "--how", "noise=0", "--how", "frames", "--stimuli", "sad"),
        *("--jobs", 1, "--out", tmp_path / "new"),
    )
    assert done.exit_code == 0, done.output
    assert "noise 0 dB signal over noise" in done.stdout
    assert str(tmp_path / "new" / "degrade.png") in done.stdout
    with (tmp_path / "new" / "degrade.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["level"] for row in rows if row["condition"] == "noise"} == {"", "0.0"}
    assert {row["kept_low"] for row in rows} == {""}  # one stimulus has no interval


def test_delays_can_be_named(tmp_path: Path) -> None:
    done = avfbel_(
        *("experiment", "delay", "--delays=-0.5,0.5", "--stimuli", "happy", "--jobs", 1, "--out", tmp_path)
    )
    assert done.exit_code == 0, done.output
    assert "The model compares no times" in done.stdout
    with (tmp_path / "delay.csv").open(newline="") as file:
        assert {row["level"] for row in csv.DictReader(file)} == {"-0.5", "0.0", "0.5"}


def test_weights_are_drawn(tmp_path: Path) -> None:
    done = avfbel_("weights", "--stimuli", "happy", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("V: ")
    assert (tmp_path / "weights.png").stat().st_size > 10_000
    assert "nan" not in done.stdout  # W of a model without a trained prefrontal cortex has no index


def test_the_help_of_the_group_has_an_example() -> None:
    assert "Example: avfbel experiment congruence" in avfbel_("experiment", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("experiment", "congruence", "--stimuli", "happy"), "two stimuli or more"),
        (("experiment", "delay", "--delays", "soon"), "numbers are written"),
        (("experiment", "delay", "--delays=0.5,100"), "from -60 to 60, got 100"),
        (("experiment", "degrade", "--how", "fog"), "no way to degrade"),
        (("weights", "--stimuli", "hapy"), "did you mean happy"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    done = avfbel_(*arguments, "--out", tmp_path)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
