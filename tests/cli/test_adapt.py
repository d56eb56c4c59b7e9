"""`avfbel adapt`: from a file of ratings to a bundle that analyses, without torch, and refusals."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import avfbel.cli.adapting
import avfbel.cli.analysis  # noqa: F401  (both enter their commands)
from avfbel import Bundle
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


@pytest.fixture(scope="module")
def ratings(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("person")
    shutil.copy(clips / "plain.mp4", folder)
    (folder / "mine.csv").write_text("media,epp\nplain.mp4,0.9\n")
    return folder / "mine.csv"


def avfbel_(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_neither_torch_nor_onnx_is_needed(ratings: Path, tmp_path: Path) -> None:
    for arguments in (
        ["adapt", "default", str(ratings), "--out", "mine", "--jobs", "1"],
        ["analyze", str(ratings.parent / "plain.mp4"), "--model", "mine", "--out", "out"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_TORCH, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert Bundle.open(tmp_path / "mine").card["adapted_from"] == Bundle.open().sha256
    assert (tmp_path / "out" / "plain.mp4.csv").is_file()


def test_it_tells_of_each_clip_what_changed(ratings: Path, tmp_path: Path) -> None:
    done = avfbel_("adapt", "default", ratings, "--out", tmp_path / "mine", "--rate", 0.5, "--jobs", 1)
    assert (done.exit_code, done.stderr) == (0, "")
    line, out = done.stdout.splitlines()
    words = line.replace(",", "").split()
    assert words[:4] == ["plain.mp4:", "EPP", "rated", "0.900"]
    assert float(words[5]) < float(words[7]) < 0.9
    assert out == str(tmp_path / "mine")
    again = avfbel_("adapt", tmp_path / "mine", ratings, "--out", tmp_path / "mine2", "--jobs", 1)
    assert again.exit_code == 0
    assert len(Bundle.open(tmp_path / "mine2").card["adaptations"]) == 2


def test_what_cannot_be_is_said_in_one_sentence(
    ratings: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(str(files("avfbel") / "bundles" / "default"), "own")
    shutil.copy(clips / "not_media.mp4", tmp_path)
    Path("faulty.csv").write_text("media,epp\nnot_media.mp4,0.9\n")
    Path("none.csv").write_text("media,epp\n")
    shipped = files("avfbel") / "bundles" / "default"
    for arguments, code, sentence in (
        (("nowhere", ratings, "--out", "new"), 1, "there is no bundle nowhere"),
        (("default", "nothing.csv", "--out", "new"), 2, "no ratings at nothing.csv"),
        (("default", "none.csv", "--out", "new"), 2, "there are no rows below the header"),
        (("default", "faulty.csv", "--out", "new"), 1, "not_media.mp4"),
        (("own", ratings, "--out", "./own"), 2, "own is the bundle to be adapted: name another folder"),
        (("default", ratings, "--out", shipped), 2, "is the bundle to be adapted"),
        (("default", ratings, "--out", "faulty.csv"), 2, "is a file: name a folder"),
        (("default", ratings, "--out", "new", "--rate", "0"), 2, "the rate is a factor above 0"),
    ):
        done = avfbel_("adapt", *arguments)
        assert done.exit_code == code, done.stderr
        (line,) = done.stderr.splitlines()
        assert sentence in line
        assert not Path("new").exists()
