"""`avfbel analyze` and `avfbel features`: what they print, write and return."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import avfbel.cli.analysis  # noqa: F401  (enters its commands)
from avfbel.cli.app import app
from avfbel.runtime import analyze
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES


def avfbel_(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_without_a_folder_a_table_is_printed(clips: Path, bundle: Path) -> None:
    done = avfbel_("analyze", clips / "plain.mp4", clips / "sound.wav", "--model", bundle, "--jobs", 1)
    assert done.exit_code == 0
    rows = table(done.stdout)
    assert [row["media"] for row in rows] == [str(clips / "plain.mp4")] * 3 + [str(clips / "sound.wav")] * 3
    want = analyze(clips / "plain.mp4", model=bundle)
    assert [float(row["epp"]) for row in rows[:3]] == [window.epp for window in want.windows]
    assert "sound.wav has no film: EPP comes from the sound alone" in done.stderr


def test_json_is_printed_as_it_is_saved(clips: Path, bundle: Path) -> None:
    done = avfbel_("analyze", clips / "plain.mp4", "--model", bundle, "--format", "json")
    assert json.loads(done.stdout) == analyze(clips / "plain.mp4", model=bundle).to_dict()


@pytest.mark.parametrize("file_format", ["csv", "json", "parquet"])
def test_a_folder_gets_results_and_pictures(
    clips: Path, bundle: Path, tmp_path: Path, file_format: str
) -> None:
    done = avfbel_(
        *("analyze", clips / "short.mp4", "--model", bundle, "--out", tmp_path / "o"),
        *("--format", file_format, "--plot"),
    )
    assert done.exit_code == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == [
        f"short.mp4.{file_format}",
        "short.mp4.png",
        "status.csv",
    ]
    assert f"short.mp4.{file_format}: EPP 0." in done.stdout
    assert "0 of 1 windows in the range of training" in done.stdout


def test_some_failed_is_one_and_the_others_are_written(clips: Path, bundle: Path, tmp_path: Path) -> None:
    done = avfbel_(
        "analyze", clips / "empty.mp4", clips / "short.mp4", "--model", bundle, "--out", tmp_path, "--jobs", 1
    )
    assert done.exit_code == 1
    assert (tmp_path / "short.mp4.csv").exists()
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("avfbel: ")
    assert "empty.mp4 is empty (0 bytes)" in sentence


@pytest.mark.parametrize("name", ["not_media.mp4", "empty.mp4", "absent.mp4"])
def test_what_does_not_decode_ends_in_one_sentence(
    clips: Path, bundle: Path, tmp_path: Path, name: str
) -> None:
    done = avfbel_("analyze", clips / name, "--model", bundle, "--out", tmp_path)
    assert done.exit_code == 1
    (sentence,) = done.stderr.splitlines()
    assert name in sentence
    assert "Traceback" not in done.output


def test_a_cut_off_file_is_written_warned_of_and_one(clips: Path, bundle: Path, tmp_path: Path) -> None:
    done = avfbel_("analyze", clips / "cut.avi", "--model", bundle, "--out", tmp_path, "--format", "json")
    assert done.exit_code == 1
    assert "cut.avi ends early or is damaged: analysed as far as it decodes" in done.stderr
    assert json.loads((tmp_path / "cut.avi.json").read_text())["complete"] is False


def test_a_missing_modality_is_said_and_no_error(clips: Path, bundle: Path) -> None:
    done = avfbel_("analyze", clips / "noaudio.mp4", "--model", bundle)
    assert done.exit_code == 0
    assert "note: " in done.stderr
    assert "noaudio.mp4 has no sound: EPP comes from the picture alone" in done.stderr


def test_modality_leaves_one_sense_out(clips: Path, bundle: Path) -> None:
    sound_only = table(
        avfbel_("analyze", clips / "plain.mp4", "--model", bundle, "--modality", "audio").stdout
    )
    assert {row["speed"] for row in sound_only} == {""}
    assert all(float(row["tempo"]) > 0 for row in sound_only)
    refused = avfbel_("analyze", clips / "noaudio.mp4", "--model", bundle, "--modality", "audio")
    assert refused.exit_code == 1
    assert "noaudio.mp4 has no sound" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plot"], "--plot needs a folder for files: name it with --out DIR"),
        (["--resume"], "--resume needs a folder"),
        (["--format", "parquet"], "--format parquet needs a folder"),
        (["--window", "0"], "the window must be a positive number of seconds"),
        (["--hop", "-1"], "the hop must be a positive number of seconds"),
        (["--format", "xls"], "xls"),
        (["--jobs", "0"], "the number of jobs must be at least 1, got 0"),
        (["--report"], "--report"),
    ],
)
def test_wrong_usage_is_two(clips: Path, bundle: Path, arguments: list[str], message: str) -> None:
    done = avfbel_("analyze", clips / "short.mp4", "--model", bundle, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_folder_that_cannot_be_made_is_two(clips: Path, bundle: Path) -> None:
    done = avfbel_("analyze", clips / "short.mp4", "--model", bundle, "--out", clips / "empty.mp4/out")
    assert done.exit_code == 2
    assert "results cannot be written into" in done.stderr


def test_a_tampered_bundle_is_one(clips: Path, write_bundle: object, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "b")
    (folder / "model.onnx").write_bytes(b"other")
    done = avfbel_("analyze", clips / "short.mp4", "--model", folder)
    assert done.exit_code == 1
    assert "model.onnx of the bundle" in done.stderr
    assert "tampered" in done.stderr


def test_resume_says_what_was_done(clips: Path, bundle: Path, tmp_path: Path) -> None:
    arguments = ("analyze", clips / "short.mp4", "--model", bundle, "--out", tmp_path, "--resume")
    assert "EPP" in avfbel_(*arguments).stdout
    again = avfbel_(*arguments)
    assert (again.exit_code, again.stdout) == (0, "")
    assert "short.mp4 was done before" in again.stderr


def test_an_interruption_is_130(clips: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("avfbel.runtime.batch.analyze", interrupted)
    done = avfbel_("analyze", clips / "short.mp4", "--model", bundle)
    assert done.exit_code == 130
    assert "interrupted" in done.stderr


def test_features_are_a_table_with_empty_cells(clips: Path) -> None:
    done = avfbel_("features", clips / "plain.mp4", clips / "sound.wav", "--jobs", 1)
    assert done.exit_code == 0
    rows = table(done.stdout)
    assert list(rows[0]) == ["media", "start_s", "end_s", *VISUAL_FEATURES, *ALL_ACOUSTIC]
    assert [row["media"] for row in rows] == [str(clips / "plain.mp4")] * 3 + [str(clips / "sound.wav")] * 3
    assert float(rows[0]["speed"]) == pytest.approx(120, rel=0.02)  # two bounces a second
    assert float(rows[3]["tempo"]) == pytest.approx(150, rel=0.05)  # a tone each 0.4 s
    assert rows[3]["speed"] == ""


def test_features_are_those_of_the_analysis(clips: Path, bundle: Path, tmp_path: Path) -> None:
    done = avfbel_("features", clips / "plain.mp4", "--out", tmp_path / "f.csv", "--window", 2, "--hop", 2)
    assert (done.exit_code, done.stdout) == (0, "")
    rows = table((tmp_path / "f.csv").read_text())
    for row, window in zip(
        rows, analyze(clips / "plain.mp4", model=bundle, window=2, hop=2).windows, strict=True
    ):
        for name, value in window.features.items():
            assert (None if row[name] == "" else float(row[name])) == value


def test_features_keep_the_order_and_lose_nothing(clips: Path, tmp_path: Path) -> None:
    inputs = [clips / name for name in ("plain.mp4", "empty.mp4", "short.mp4", "cut.avi")]
    done = avfbel_("features", *inputs, "--jobs", 2, "--out", tmp_path / "f.csv")
    assert done.exit_code == 1
    rows = table((tmp_path / "f.csv").read_text())
    assert list(dict.fromkeys(Path(row["media"]).name for row in rows)) == [
        "plain.mp4",
        "short.mp4",
        "cut.avi",
    ]
    assert "empty.mp4 is empty" in done.stderr
    assert "cut.avi ends early or is damaged: measured as far as it decodes" in done.stderr


def test_features_need_a_place_to_go_before_any_work(clips: Path) -> None:
    done = avfbel_("features", clips / "absent.mp4", "--out", clips / "empty.mp4/f.csv")
    assert done.exit_code == 2
    assert "results cannot be written into" in done.stderr


def test_features_of_a_folder_without_media_fail(tmp_path: Path) -> None:
    done = avfbel_("features", tmp_path)
    assert done.exit_code == 1
    assert "holds no film or sound" in done.stderr


@pytest.mark.parametrize("command", ["analyze", "features"])
def test_help_has_an_example(command: str) -> None:
    done = avfbel_(command, "--help")
    assert done.exit_code == 0
    assert f"Example: avfbel {command} film.mp4 --out" in done.stdout


def test_attribution_gives_columns_and_a_picture(clips: Path, tmp_path: Path) -> None:
    done = avfbel_("analyze", clips / "sound.wav", "--out", tmp_path, "--jobs", 1, "--attribution", "--plot")
    assert (done.exit_code, done.stderr.count("\n")) == (0, 1)  # a note that there is no film
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"sound.wav.csv", "sound.wav.png", "sound.wav.attribution.png", "status.csv"}
    for row in table((tmp_path / "sound.wav.csv").read_text()):
        told = [float(value) for name, value in row.items() if name.startswith("attribution_")]
        assert len(told) == 56
        assert 0.5 + sum(told) == pytest.approx(float(row["epp"]), abs=1e-6)


def test_attribution_needs_a_reference_before_any_work(clips: Path, bundle: Path, tmp_path: Path) -> None:
    done = avfbel_("analyze", clips / "sound.wav", "--model", bundle, "--out", tmp_path, "--attribution")
    assert done.exit_code == 1
    assert "has no reference" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == []
