"""`avfbel lesion`: from films to tables and pictures, without torch, and refusals."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import avfbel.cli.lesioning  # noqa: F401  (enters its command)
from avfbel.cli.app import app

WITHOUT_TORCH = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "onnx"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from avfbel.cli import main
main()
"""
SHIPPED = files("avfbel") / "bundles" / "default"


def avfbel_(*args: object) -> Result:
    return CliRunner().invoke(app, ["lesion", *(str(arg) for arg in args), "--jobs", "1"])


def test_neither_torch_nor_onnx_is_needed(clips: Path, tmp_path: Path) -> None:
    asked = f"--region amygdala --sweep 0:2:3 --out out --plot --jobs 1 default {clips / 'plain.mp4'}"
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "lesion", *asked.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        str(Path("out", name)) for name in ("lesions.csv", "lesion_sweep.png")
    ]
    with (tmp_path / "out" / "lesions.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["quantity"] == "epp"]
    assert [float(row["gain"]) for row in rows] == [0, 1, 2]
    assert [float(row["lesioned"]) for row in rows[:2]] == [0.5, float(rows[0]["intact"])]


def test_the_table_goes_to_stdout(clips: Path, tmp_path: Path) -> None:
    shutil.copytree(str(SHIPPED), tmp_path / "own")
    sound = clips / "sound.wav"
    shown = avfbel_(sound, "--region", "IT", "--region", "PYR")
    assert (shown.exit_code, shown.stderr) == (0, "")
    rows = list(csv.DictReader(shown.stdout.splitlines()))
    assert {row["lesion"] for row in rows} == {"IT + PYR"}
    own = avfbel_(tmp_path / "own", sound, "--region", "IT", "--region", "PYR")
    option = avfbel_(sound, "--region", "IT", "--region", "PYR", "--model", tmp_path / "own", "--gain", 0)
    assert own.stdout == option.stdout == shown.stdout
    apart = avfbel_(sound, "--region", "IT", "--region", "PYR", "--each", "--format", "json", "--gain", 0.5)
    told = json.loads(apart.stdout)
    assert [(of["name"], of["gain"]) for of in told["lesions"]] == [("IT", 0.5), ("PYR", 0.5)]
    assert told["lesions"][0]["changes"]["epp"]["change"] == 0  # nothing is seen in a sound


def test_what_works_is_done_when_some_fails(clips: Path, tmp_path: Path) -> None:
    done = avfbel_(clips / "not_media.mp4", clips / "sound.wav", "--out", tmp_path, "--plot")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert "not_media.mp4" in line
    assert (tmp_path / "lesions.csv").is_file()
    assert (tmp_path / "lesion_matrix.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--region", "hippocampus"), 2, "has no region 'hippocampus': choose from"),
        (("--gain", -1), 2, "a gain is a factor of at least 0, got -1"),
        (("--gain", 1, "--sweep", "0:2:3"), 2, "--gain is one gain and --sweep several"),
        (("--sweep", "0:2"), 2, "a sweep is FROM:TO:N"),
        (("--sweep=-1:2:4",), 2, "a gain is a factor of at least 0, got -1"),
        (("--plot",), 2, "--plot needs a folder for files: name it with --out DIR"),
        (("--model", "nowhere"), 1, "there is no bundle nowhere"),
        (("--hop", 0), 2, "hop"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    clips: Path, arguments: tuple[object, ...], code: int, sentence: str
) -> None:
    done = avfbel_(clips / "sound.wav", *arguments)
    assert done.exit_code == code, done.stderr
    (line,) = done.stderr.splitlines()
    assert sentence in line
    assert done.stdout == ""


def test_help_has_an_example() -> None:
    shown = CliRunner().invoke(app, ["lesion", "--help"], env={"COLUMNS": "200"}).stdout
    assert "Example: avfbel lesion film.mp4" in shown
