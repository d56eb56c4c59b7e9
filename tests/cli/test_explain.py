"""`avfbel explain`: what it takes, writes and says."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

import avfbel.cli.explaining  # noqa: F401  (enters its command)
from avfbel.cli.app import app
from avfbel.interpret.traces import trace


def explain(*args: object) -> Result:
    return CliRunner().invoke(app, ["explain", *map(str, args)])


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "sub-01_task-viewing_events.tsv"
    path.write_text("onset\tduration\ttrial_type\n2\t3\thappy_anim\n11\t3\thappy_mus\n")
    return path


def test_a_table_and_a_figure_are_written_and_named(clips: Path, bundle: Path, tmp_path: Path) -> None:
    done = explain(bundle, clips / "plain.mp4", "--out", tmp_path / "o", "--hop", 0.5)
    assert done.exit_code == 0, done.stderr
    written = [Path(line) for line in done.stdout.splitlines()]
    assert [path.name for path in written] == ["plain.mp4.traces.csv", "plain.mp4.traces.png"]
    table = pd.read_csv(written[0])
    want = trace(clips / "plain.mp4", model=bundle, hop=0.5)
    assert table["region_amygdala"].to_numpy() == pytest.approx(want["amygdala"])
    assert written[1].read_bytes().startswith(b"\x89PNG")


def test_the_model_can_be_an_option_and_formats_several(clips: Path, bundle: Path, tmp_path: Path) -> None:
    formats = ("--format", "bids", "--format", "elan", "--format", "bids")
    done = explain(clips / "short.mp4", "--model", bundle, "--out", tmp_path / "o", *formats)
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == [
        "short.mp4.elan.tsv",
        "short.mp4.traces.png",
        "task-short_stim.json",
        "task-short_stim.tsv.gz",
    ]
    assert "note: " in done.stderr
    assert "gives a single sample at a window of 4 s" in done.stderr


def test_events_become_a_design_matrix_of_their_clips(
    clips: Path, bundle: Path, tmp_path: Path, events: Path
) -> None:
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "happy.mp4").write_bytes((clips / "plain.mp4").read_bytes())
    run = ("--events", events, "--clips", shown, "--tr", 2, "--n-scans", 20, "--columns", "epp,amygdala")
    done = explain(bundle, "--out", tmp_path / "o", "--hop", 1, *run)
    assert done.exit_code == 0, done.stderr
    table, sidecar = map(Path, done.stdout.splitlines())
    assert sidecar.suffix == ".json"
    assert list(pd.read_csv(table, sep="\t"))[:3] == ["stimulus", "epp", "region_amygdala"]


def test_without_clips_every_event_shows_the_one_named(
    clips: Path, bundle: Path, tmp_path: Path, events: Path
) -> None:
    run = ("--events", events, "--tr", 2, "--n-scans", 20, "--hrf", "glover")
    done = explain(bundle, clips / "plain.mp4", "--out", tmp_path / "o", *run)
    assert done.exit_code == 0, done.stderr
    assert [Path(line).name for line in done.stdout.splitlines()][-2] == "sub-01_task-viewing_design.tsv"


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((), "explain needs a MEDIA file, or events with --clips"),
        (("default",), "explain needs a MEDIA file, or events with --clips"),
        (("a", "b", "c"), "takes one MEDIA file, after a BUNDLE at most; these are 3 names"),
        (("a", "b", "--model", "c"), "the model is named twice, a and c"),
        (("a", "--tr", "2"), "regressors need all three of --events EVENTS.tsv, --tr S and --n-scans N"),
        (("a", "--clips", "b"), "--clips holds what events show: name these with --events"),
        (("a", "--hop", "0"), "the hop must be a positive number of seconds"),
    ],
)
def test_wrong_usage_is_said_before_work_starts(tmp_path: Path, args: tuple[str, ...], sentence: str) -> None:
    done = explain(*args, "--out", tmp_path / "o")
    assert done.exit_code == 2
    assert sentence in " ".join(done.stderr.split())


def test_faults_of_files_end_in_one_sentence(clips: Path, bundle: Path, tmp_path: Path, events: Path) -> None:
    bad = explain(bundle, clips / "not_media.mp4", "--out", tmp_path / "o")
    assert (bad.exit_code, bad.stdout) == (1, "")
    assert "not_media.mp4" in bad.stderr
    absent = explain(
        *("--model", bundle, "--events", events, "--clips", clips, "--tr", 2, "--n-scans", 9),
        *("--out", tmp_path / "o"),
    )
    assert absent.exit_code == 1
    assert "does not hold one clip for each trial type: happy_anim (no file)" in absent.stderr


def test_a_clip_that_ends_early_is_traced_and_counted_as_failed(
    clips: Path, bundle: Path, tmp_path: Path
) -> None:
    done = explain(bundle, clips / "cut.avi", "--out", tmp_path, "--hop", 1)
    assert done.exit_code == 1
    assert "ends early or is damaged" in done.stderr
    assert (tmp_path / "cut.avi.traces.csv").is_file()


def test_a_folder_of_clips_is_not_taken_for_a_model(clips: Path, tmp_path: Path) -> None:
    done = explain(clips, "--out", tmp_path)
    assert done.exit_code == 1
    assert f"{clips} is a folder: name the media files in it" in done.stderr
