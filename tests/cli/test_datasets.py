"""`avfbel data`: what it prints, and the codes it ends with."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import avfbel.cli.datasets  # noqa: F401  (enters its commands)
from avfbel.cli.app import app
from avfbel.data.manifest import read_manifest
from avfbel.data.registry import find_source
from avfbel.stimulus import named_stimuli


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["data", *map(str, words)])


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Spreadsheets of one stimulus and two people."""
    openpyxl = pytest.importorskip("openpyxl")
    source = find_source("sievers2021")
    happy = named_stimuli()["happy"]
    parameters = [happy.bpm, happy.jitter, happy.consonance, happy.bigsmall, happy.updown]
    acoustic = ["pitch_mean", "tonnetz_mean", "rms_mean", "tempo_mean", "duration_mean"]
    emotions = ["scared", "sad", "angry", "peaceful", "happy"]
    for file, names in (
        (source.music, acoustic),
        (source.animation, ["bpm", "jitter", "consonance", "bigsmall", "updown"]),
    ):
        book = openpyxl.Workbook()
        book.active.append(["participant", "stimulus", *emotions, *names])
        for participant, happiness in enumerate((60, 120)):
            leak = 5 * happiness / 15 / 10
            book.active.append(
                [participant, "happy", 0, 0, 0, 0, happiness, *(value + leak for value in parameters)]
            )
        book.save(tmp_path / file.name)
    return tmp_path


def test_list_and_show_say_what_there_is() -> None:
    listed = run("list")
    assert listed.exit_code == 0
    assert "sievers2021: 38 emotional piano melodies" in listed.stdout
    assert "ravdess" in listed.stdout
    shown = run("show", "sievers2021").stdout
    for part in (
        "Current Biology",
        "CC BY-NC 4.0",
        "sha256 not pinned",
        "were not checked against the release",
    ):
        assert part in shown
    wrong = run("show", "deap")
    assert wrong.exit_code == 2
    assert "no data set 'deap'" in wrong.stderr


def test_fetch_says_what_it_could_check(release: Path, tmp_path: Path) -> None:
    done = run("fetch", "sievers2021", "--url", release, "--out", tmp_path / "data")
    assert done.exit_code == 0, done.stderr
    assert "(not pinned)" in done.stdout
    assert "it has 1 stimuli, not the 38 known ones" in done.stderr
    assert done.stdout.splitlines()[-1] == str(tmp_path / "data")
    assert "happy,288.5,25,37,50.5,38.5" in (tmp_path / "data" / "stimuli.csv").read_text()


def test_fetch_offline_ends_with_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pooch")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AVFBEL_DATA_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        done = run("fetch", "sievers2021", "--out", tmp_path / "data")
    assert done.exit_code == 1
    assert "cannot be reached: is this machine online?" in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "data").exists()


def test_fetch_refuses_half_a_column(tmp_path: Path) -> None:
    done = run("fetch", "sievers2021", "--column", "stimulus", "--out", tmp_path / "data")
    assert done.exit_code == 2
    assert "--column stimulus does not say COLUMN=NAME" in done.stderr


def test_a_folder_becomes_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "wav").mkdir()
    for name in ("03a01Fa.wav", "03a01La.wav", "08a01Ta.wav"):
        (tmp_path / "wav" / name).write_bytes(b"sound")
    done = run("manifest", "emodb", tmp_path, "--out", tmp_path / "clips.csv")
    assert done.exit_code == 0, done.stderr
    assert "note: 1 left out: boredom" in done.stderr
    assert done.stdout.endswith("clips.csv: 2 clips\n")
    assert read_manifest(tmp_path / "clips.csv").group_columns == ("speaker", "text")
    wrong = run("manifest", "ravdess", tmp_path, "--out", tmp_path / "other.csv")
    assert wrong.exit_code == 1
    assert "03a01Fa.wav is not named by seven codes" in wrong.stderr
    assert not (tmp_path / "other.csv").exists()


def test_traces_become_windows(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"film")
    (tmp_path / "a.csv").write_text("time_s,epp\n0,0\n10,1\n")
    (tmp_path / "clips.csv").write_text("media,trace\na.mp4,a.csv\n")
    done = run("windows", tmp_path / "clips.csv", "--lag", "1", "--out", tmp_path / "windows.csv")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.endswith("windows.csv: 2 windows of 1 clips\n")
    assert [row.epp for row in read_manifest(tmp_path / "windows.csv").rows] == pytest.approx([0.3, 0.7])
    wrong = run("windows", tmp_path / "none.csv", "--out", tmp_path / "windows.csv")
    assert wrong.exit_code == 2
    assert "no manifest at" in wrong.stderr
