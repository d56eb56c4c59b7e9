"""What goes wrong ends in one sentence and the documented code; what is finished is whole; limits hold."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import avfbel.cli.analysis  # enters its commands
import avfbel.cli.world
from avfbel.cli.app import app

Writer = Callable[..., Path]
COMMAND = [sys.executable, "-m", "avfbel"]
unix_only = pytest.mark.skipif(sys.platform == "win32", reason="limits of processes are Unix's")


def run(*args: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, args)], capture_output=True, text=True, timeout=120, **options)


def at_most(kilobytes: int) -> Callable[[], None]:
    """Return what makes a process unable to write a file longer than this, as a full disk would."""

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024))

    return limit


@unix_only
def test_a_result_for_which_there_is_no_space_costs_itself_only(
    clips: Path, bundle: Path, tmp_path: Path
) -> None:
    done = run(
        *("analyze", clips / "short.mp4", "--model", bundle, "--out", tmp_path / "o", "--plot"),
        preexec_fn=at_most(16),
    )
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert "short.mp4.png: file too large: free some space, or write to another folder" in sentence
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["short.mp4.csv", "status.csv"]


@unix_only
@pytest.mark.parametrize(
    "command", [("stimulus", "--name", "happy", "--seconds", 0.4, "--strict"), ("corpus", "build")]
)
def test_a_clip_for_which_there_is_no_space_leaves_nothing(
    command: tuple[object, ...], tmp_path: Path
) -> None:
    jobs = ("--jobs", 1, "--exemplars", 1) if command[0] == "corpus" else ()
    done = run(*command, *jobs, "--out", tmp_path / "o", preexec_fn=at_most(16))
    assert (done.returncode, done.stdout) == (1, "")
    (sentence,) = done.stderr.splitlines()
    assert str(tmp_path / "o") in sentence
    assert sentence.endswith("file too large: free some space, or write to another folder")
    assert list((tmp_path / "o").iterdir()) == []


@pytest.mark.parametrize("command", ["analyze", "features"])
def test_debug_shows_where_a_file_failed(command: str, clips: Path, bundle: Path) -> None:
    model = ("--model", bundle) if command == "analyze" else ()
    plain, debug = (run(*debug, command, clips / "not_media.mp4", *model) for debug in ((), ("--debug",)))
    assert plain.returncode == debug.returncode == 1
    (sentence,) = plain.stderr.splitlines()
    assert "Traceback" in debug.stderr
    assert debug.stderr.splitlines()[-1] == sentence


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (ZeroDivisionError("x"), "a fault of avfbel (ZeroDivisionError: x): please report it"),
        (MemoryError(), "there is not enough memory for this"),
    ],
)
def test_a_fault_of_ours_is_one_sentence_too(
    fault: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("avfbel.stimulus.write_stimulus", fail)
    done = CliRunner().invoke(app, ["stimulus", "--name", "sad", "--out", str(tmp_path)])
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert sentence in line


def test_every_input_is_in_the_list_of_results(clips: Path, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    inputs = [tmp_path / "nothing", clips / "short.mp4", clips / "empty.mp4", clips / "cut.avi"]
    arguments = ["analyze", *map(str, inputs), "--model", str(bundle), "--out", str(tmp_path / "o")]
    assert CliRunner().invoke(app, [*arguments, "--jobs", "1"]).exit_code == 1
    with (tmp_path / "o" / "status.csv").open(newline="") as file:
        rows = {row["media"]: row for row in csv.DictReader(file)}
    assert {Path(media).name: row["status"] for media, row in rows.items()} == {
        "nothing": "failed",
        "short.mp4": "ok",
        "empty.mp4": "failed",
        "cut.avi": "failed",
    }
    assert "holds no film or sound" in rows[str(tmp_path / "nothing")]["sentence"]
    assert CliRunner().invoke(app, [*arguments[:2], *arguments[-4:]]).exit_code == 1
    (tmp_path / "nothing" / "a.mp4").write_bytes((clips / "short.mp4").read_bytes())
    assert CliRunner().invoke(app, [*arguments[:2], *arguments[-4:]]).exit_code == 0
    with (tmp_path / "o" / "status.csv").open(newline="") as file:
        assert "nothing" not in {Path(row["media"]).name for row in csv.DictReader(file)}


WATCH = (
    "import sys\n"
    "def watch(event, args):\n"
    "    if event.startswith(('socket.', 'urllib.', 'http.', 'ftplib.', 'smtplib.')):\n"
    "        print('WENT OUT', event, args, file=sys.stderr, flush=True)\n"
    "        import os; os._exit(9)\n"
    "sys.addaudithook(watch)\n"
    "from avfbel.cli import main; main()"
)


@pytest.mark.parametrize(
    "command", [("stimulus", "--name", "sad", "--seconds", 0.4, "--strict"), ("features",), ("--help",)]
)
def test_nothing_leaves_the_machine(command: tuple[object, ...], clips: Path, tmp_path: Path) -> None:
    rest = {
        "stimulus": ("--out", tmp_path),
        "features": (clips / "short.mp4",),
    }.get(str(command[0]), ())
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *map(str, (*command, *rest))], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def seconds_of(*command: str) -> float:
    """Return the shortest of three runs: other work on the machine only ever adds."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times)


def test_starting_is_quick() -> None:
    bare = seconds_of(sys.executable, "-c", "")
    assert seconds_of(sys.executable, "-c", "import avfbel") - bare < 0.3
    assert seconds_of(*COMMAND, "--help") - bare < 1.0  # 0.2 s on a machine that does nothing else


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads peak memory in /proc")
def test_memory_does_not_grow_with_the_length(write_media: Writer, bundle: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from avfbel import analyze\n"
        "n = len(analyze(sys.argv[1], model=sys.argv[2], threads=1).windows)\n"
        "lines = open('/proc/self/status').read().splitlines()\n"
        "print(n, *(line.split()[1] for line in lines if line.startswith('VmHWM')))"
    )
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (48, 64, 3), np.uint8)

    def peak(seconds: int) -> tuple[int, int]:
        film = write_media(
            tmp_path / f"{seconds}.mkv",
            frames=[np.roll(picture, k, axis=0) for k in range(seconds * 5)],
            fps=5,
            samples=rng.normal(0, 0.1, seconds * 8000),
            rate=8000,
        )
        done = subprocess.run(
            [sys.executable, "-c", code, film, bundle], capture_output=True, text=True, check=True
        )
        n, kilobytes = map(int, done.stdout.split())
        return n, kilobytes

    (short, before), (long, after) = peak(15), peak(150)
    assert long - short > 130
    assert after - before < 8_000  # kB; maps of that many windows would take 11 MB, the samples 12 MB


def test_provenance_says_what_a_result_was_computed_from(clips: Path, bundle: Path, tmp_path: Path) -> None:
    import hashlib

    done = run(
        *("analyze", clips / "short.mp4", "--model", bundle, "--out", tmp_path, "--format", "json"),
        *("--window", 2, "--hop", 0.5, "--modality", "video"),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "short.mp4.json").read_text())
    said = result["provenance"]
    assert said["input_sha256"] == hashlib.sha256((clips / "short.mp4").read_bytes()).hexdigest()
    assert said["bundle_sha256"] == hashlib.sha256((bundle / "card.json").read_bytes()).hexdigest()
    assert said["settings"] == {"window": 2.0, "hop": 0.5, "modality": "video"}
    assert (said["avfbel"], said["seed"]) == (avfbel.__version__, 3)
    assert result["model"] == {"name": "stand-in", "version": "0"}
    assert os.fspath(tmp_path) not in json.dumps(said)
