"""Many inputs: refused before work where they cannot come out right, and none lost by another."""

from __future__ import annotations

import csv
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avfbel.errors import InputError, UsageError
from avfbel.runtime import Bundle, Outcome, analyze, analyze_batch, plan_batch
from avfbel.runtime import batch as batch_module


def status_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "status.csv").open(newline="") as file:
        return {Path(row["media"]).name: row for row in csv.DictReader(file)}


def run(
    inputs: list[Path], out: Path, bundle: Path, *, jobs: int = 1, resume: bool = False, **options: Any
) -> list[Outcome]:
    return list(analyze_batch(plan_batch(inputs, out=out, **options), model=bundle, jobs=jobs, resume=resume))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_bad_file_loses_no_other(clips: Path, bundle: Path, tmp_path: Path, jobs: int) -> None:
    inputs = [
        clips / n for n in ("not_media.mp4", "short.mp4", "empty.mp4", "absent.mp4", "cut.avi", "sound.wav")
    ]
    outcomes = {
        Path(o.media).name: o for o in run(inputs, tmp_path / "out", bundle, jobs=jobs, file_format="json")
    }
    assert {name: outcome.ok for name, outcome in outcomes.items()} == {
        "not_media.mp4": False,
        "short.mp4": True,
        "empty.mp4": False,
        "absent.mp4": False,
        "cut.avi": False,
        "sound.wav": True,
    }
    written = ["cut.avi.json", "short.mp4.json", "sound.wav.json", "status.csv"]
    assert names(tmp_path / "out") == written
    assert json.loads((tmp_path / "out/cut.avi.json").read_text())["complete"] is False
    status = status_of(tmp_path / "out")
    assert {name: row["status"] == "ok" for name, row in status.items()} == {
        n: o.ok for n, o in outcomes.items()
    }
    for name, row in status.items():
        assert (name in row["sentence"]) == (row["status"] == "failed")
    assert status["sound.wav"]["output"] == "sound.wav.json"
    assert status["sound.wav"]["bundle_sha256"] == Bundle.open(bundle).sha256


def test_processes_give_the_same_bits(clips: Path, bundle: Path, tmp_path: Path) -> None:
    inputs = [clips / "plain.mp4", clips / "sound.wav"]
    run(inputs, tmp_path / "one", bundle, jobs=1)
    run(inputs, tmp_path / "two", bundle, jobs=2)
    for name in ("plain.mp4.csv", "sound.wav.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_without_a_folder_results_are_returned(clips: Path, bundle: Path) -> None:
    (outcome,) = analyze_batch(plan_batch([clips / "short.mp4"]), model=bundle)
    assert outcome.analysis is not None
    assert outcome.analysis.to_dict() == analyze(clips / "short.mp4", model=bundle).to_dict()


def test_pictures_stand_beside_results(clips: Path, bundle: Path, tmp_path: Path) -> None:
    run([clips / "short.mp4"], tmp_path, bundle, plot=True)
    assert names(tmp_path) == ["short.mp4.csv", "short.mp4.png", "status.csv"]
    assert (tmp_path / "short.mp4.png").read_bytes().startswith(b"\x89PNG")


def test_folders_stand_for_the_media_in_them(clips: Path, bundle: Path, tmp_path: Path) -> None:
    inside = tmp_path / "in/deeper"
    inside.mkdir(parents=True)
    for name in ("b.mp4", "A.WAV", "notes.txt", ".hidden.mp4"):
        (inside / name).write_bytes(b"x")
    (tmp_path / "in/c.mov").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    plan = plan_batch([tmp_path / "in", tmp_path / "empty"])
    assert [Path(task.media).name for task in plan.tasks] == ["c.mov", "A.WAV", "b.mp4"]
    (fault,) = (o for o in analyze_batch(plan, model=bundle, jobs=1) if o.task is None)
    assert fault.sentence.endswith("empty holds no film or sound: name another")


def test_two_inputs_of_one_name_are_refused_before_work(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/plain.mp4").touch()
    with pytest.raises(
        UsageError, match=r"plain.mp4 and .*plain.mp4 would both be written to plain.mp4.csv: rename"
    ):
        plan_batch([clips / "plain.mp4", tmp_path / "other/plain.mp4"], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert (
        len(plan_batch([clips / "plain.mp4", tmp_path / "other/plain.mp4"]).tasks) == 2
    )  # nothing is written


def test_the_list_of_results_is_not_overwritten_by_one(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"status and the list of results would both be written to status.csv"
    ):
        plan_batch([tmp_path / "status"], out=tmp_path / "out")


def test_a_folder_that_cannot_be_written_into_is_refused_before_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UsageError, match=r"results cannot be written into .*file/out .*choose another output folder"
    ):
        plan_batch([tmp_path / "a.mp4"], out=tmp_path / "file/out")


def test_a_read_only_folder_is_refused_before_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes) -> Path:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr("avfbel.runtime.plan.write_whole", refuse)
    with pytest.raises(UsageError, match=r"read-only file system\): choose another output folder"):
        plan_batch([tmp_path / "a.mp4"], out=tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"window": 0.0}, {"hop": -1.0}, {"modality": "smell"}, {"file_format": "xls"}]
)
def test_wrong_options_are_refused_before_work(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(
        UsageError, match=r"must be a positive|no modality|no format 'xls': choose one of csv"
    ):
        plan_batch([tmp_path / "a.mp4"], out=tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


def test_a_faulty_bundle_is_refused_before_work(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no bundle"):
        run([clips / "short.mp4"], tmp_path / "out", tmp_path / "absent")
    assert names(tmp_path / "out") == []


def test_a_full_disk_fails_one_file_and_leaves_the_others(
    clips: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = batch_module.write_whole

    def full(path: Path, content: bytes) -> Path:
        if path.name == "short.mp4.csv":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, content)

    monkeypatch.setattr(batch_module, "write_whole", full)
    outcomes = run([clips / "short.mp4", clips / "sound.wav"], tmp_path, bundle)
    assert [o.ok for o in outcomes] == [False, True]
    assert "short.mp4.csv: no space left on device" in outcomes[0].sentence
    assert names(tmp_path) == ["sound.wav.csv", "status.csv"]
    assert status_of(tmp_path)["short.mp4"]["status"] == "failed"


def test_a_fault_of_ours_is_said_and_loses_no_other(
    clips: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(path: str, **options: Any) -> Any:
        if path.endswith("short.mp4"):
            raise ZeroDivisionError("division by zero")
        return analyze(path, **options)

    monkeypatch.setattr(batch_module, "analyze", stumble)
    outcomes = run([clips / "short.mp4", clips / "sound.wav"], tmp_path, bundle)
    assert [o.ok for o in outcomes] == [False, True]
    assert (
        "through a fault of avfbel: ZeroDivisionError in stumble (division by zero); please"
        in outcomes[0].sentence
    )


def test_an_interrupted_run_keeps_what_is_done(
    clips: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: str, **options: Any) -> Any:
        if path.endswith("sound.wav"):
            raise KeyboardInterrupt
        return analyze(path, **options)

    monkeypatch.setattr(batch_module, "analyze", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run([clips / "short.mp4", clips / "sound.wav", clips / "plain.mp4"], tmp_path, bundle)
    assert names(tmp_path) == ["short.mp4.csv", "status.csv"]
    assert list(status_of(tmp_path)) == ["short.mp4"]
    monkeypatch.undo()
    resumed = run([clips / "short.mp4", clips / "sound.wav"], tmp_path, bundle, resume=True)
    assert [(Path(o.media).name, o.ok, o.resumed) for o in resumed] == [
        ("short.mp4", True, True),
        ("sound.wav", True, False),
    ]


@pytest.fixture
def done(clips: Path, bundle: Path, tmp_path: Path) -> Callable[..., bool]:
    """Whether a second run, changed in some way, takes a file as done by the first."""
    media = tmp_path / "clip.mp4"
    media.write_bytes((clips / "short.mp4").read_bytes())
    run([media], tmp_path / "out", bundle)

    def again(change: Callable[[Path], object] = lambda _: None, **options: Any) -> bool:
        change(tmp_path)
        model = options.pop("model", bundle)
        (outcome,) = run([media], tmp_path / "out", model, resume=True, **options)
        return outcome.resumed

    return again


def test_resume_skips_what_is_done(done: Callable[..., bool]) -> None:
    assert done()


def test_resume_compares_contents_not_times(done: Callable[..., bool], clips: Path) -> None:
    assert done(lambda folder: os.utime(folder / "clip.mp4"))
    assert not done(lambda folder: (folder / "clip.mp4").write_bytes((clips / "sound.wav").read_bytes()))


def test_resume_sees_other_settings(done: Callable[..., bool]) -> None:
    assert not done(hop=0.5)
    assert not done(modality="audio")


def test_resume_sees_another_bundle(
    done: Callable[..., bool], write_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    assert not done(model=write_bundle(tmp_path / "other", name="another"))


def test_resume_sees_that_a_file_is_gone_or_wanted(done: Callable[..., bool]) -> None:
    assert not done(plot=True)
    assert done(plot=True)
    assert not done(lambda folder: (folder / "out/clip.mp4.csv").unlink())
    assert not done(file_format="json")


def test_resume_tries_what_failed_again(clips: Path, bundle: Path, tmp_path: Path) -> None:
    for resume in (False, True):
        (outcome,) = run([clips / "cut.avi"], tmp_path, bundle, resume=resume)
        assert (outcome.ok, outcome.resumed) == (False, False)


def test_a_later_run_keeps_the_status_of_an_earlier_one(clips: Path, bundle: Path, tmp_path: Path) -> None:
    run([clips / "short.mp4"], tmp_path, bundle)
    run([clips / "not_media.mp4"], tmp_path, bundle)
    assert {name: row["status"] for name, row in status_of(tmp_path).items()} == {
        "short.mp4": "ok",
        "not_media.mp4": "failed",
    }


def test_somebody_elses_status_is_not_overwritten(clips: Path, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "status.csv").write_text("project,status\nx,green\n")
    with pytest.raises(
        UsageError, match=r"status.csv was not written by this version of avfbel: move it away"
    ):
        run([clips / "short.mp4"], tmp_path, bundle)
    assert (tmp_path / "status.csv").read_text().startswith("project")
