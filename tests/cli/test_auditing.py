"""`avfbel audit`: findings a line each, and exit codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from click.testing import Result
from typer.testing import CliRunner

import avfbel.cli.auditing
import avfbel.cli.learning  # noqa: F401  (one command alone would have no name)
from avfbel.cli.app import app


def audit(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


def written(path: Path, **columns: object) -> Path:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"tempo": rng.random(30), "felt": rng.random(30), **columns})
    table.to_csv(path, index=False)
    return path


def test_a_clean_table_ends_with_0_and_a_leak_with_1(tmp_path: Path) -> None:
    clean = written(tmp_path / "clean.csv")
    done = audit(clean, "--target", "felt")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "nothing found\n", "")
    felt = pd.read_csv(clean).felt
    done = audit(written(tmp_path / "leak.csv", score=2 * felt, said=0.5), "--target", "felt")
    assert done.exit_code == 1
    first, second = done.stdout.splitlines()
    assert first.startswith("constant: said: all 30 values are 0.5; as a prediction")
    assert second.startswith("label: score: it is 2 x label +")
    assert second.endswith("leave the column out, or undo the mixture before anything is learned")


def test_what_cannot_be_audited_is_one_sentence(tmp_path: Path) -> None:
    done = audit(written(tmp_path / "t.csv"), "--target", "joy", "--group", "film")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "no column 'joy' for the target" in done.stderr
    assert "no column 'film' for the group" in done.stderr
    done = audit(tmp_path / "lost.csv", "--target", "felt")
    assert (done.exit_code, "no table at" in done.stderr) == (2, True)
    (tmp_path / "empty.csv").touch()
    done = audit(tmp_path / "empty.csv", "--target", "felt")
    assert (done.exit_code, "does not read as a CSV table" in done.stderr) == (2, True)
