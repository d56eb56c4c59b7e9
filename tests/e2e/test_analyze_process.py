"""The command as users start it: its own process, any film, interrupted, without network."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avfbel.emotion import EMOTIONS, predicted_epp

Writer = Callable[..., Path]
COMMAND = [sys.executable, "-m", "avfbel"]


def avfbel_(*args: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, args)], capture_output=True, text=True, timeout=60, **options)


def noise_frames(n: int, height: int, width: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    pictures = []
    for k in range(n):
        picture = np.full((height, width, 3), 40, np.uint8)
        top = int((height - 12) * abs(np.sin(k / 5)))
        picture[top : top + 12, width // 2 : width // 2 + 12] = 230
        pictures.append(picture + rng.integers(0, 3, picture.shape, np.uint8))
    return pictures


def tone(seconds: float, rate: int, channels: int) -> np.ndarray:
    time_s = np.arange(round(seconds * rate)) / rate
    return np.repeat(0.3 * np.sin(2 * np.pi * 330 * time_s)[:, None], channels, axis=1)


FILMS: dict[str, Callable[[Writer, Path], Path]] = {
    "one picture": lambda write, path: write(path / "a.mkv", frames=noise_frames(1, 64, 64)),
    "variable rate": lambda write, path: write(
        path / "a.mkv",
        frames=noise_frames(40, 64, 64),
        times=np.cumsum(np.random.default_rng(1).uniform(0.01, 0.3, 40)),
    ),
    "odd size": lambda write, path: write(path / "a.mkv", frames=noise_frames(30, 57, 73), pix_fmt="yuv444p"),
    "8-bit mono": lambda write, path: write(
        path / "a.wav", samples=tone(1, 8000, 1), rate=8000, audio_codec="pcm_u8"
    ),
    "96 kHz surround": lambda write, path: write(path / "a.flac", samples=tone(1, 96_000, 6), rate=96_000),
    "web": lambda write, path: write(
        path / "a.webm", frames=noise_frames(30, 64, 64), samples=tone(1, 48_000, 2), rate=48_000
    ),
    "larger than looked at": lambda write, path: write(path / "a.mp4", frames=noise_frames(20, 720, 1280)),
    "sound that starts late": lambda write, path: write(
        path / "a.mkv", frames=noise_frames(90, 64, 64), samples=tone(1, 44_100, 1), audio_start_s=1.5
    ),
}


@pytest.mark.parametrize("kind", FILMS)
def test_any_film_gives_a_timeline(kind: str, write_media: Writer, bundle: Path, tmp_path: Path) -> None:
    media = FILMS[kind](write_media, tmp_path)
    done = avfbel_("analyze", media, "--model", bundle, "--format", "json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["windows"]
    assert result["windows"][-1]["end_s"] == pytest.approx(result["duration_s"])
    for window in result["windows"]:
        assert window["epp"] == predicted_epp([window["emotions"][name] for name in EMOTIONS])
        assert all(value is None or np.isfinite(value) for value in window["features"].values())


def test_heavy_libraries_stay_out(clips: Path, bundle: Path) -> None:
    code = (
        "import sys; from avfbel.cli import main\n"
        "try: main()\n"
        "finally:\n"
        "    heavy = {'torch', 'sklearn', 'pandas', 'matplotlib', 'onnx'}\n"
        "    print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "analyze", clips / "short.mp4", "--model", bundle],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "[]")


def test_nothing_leaves_the_machine(clips: Path, bundle: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "def watch(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.sendto', 'urllib.Request'):\n"
        "        print('WENT OUT', event, args, file=sys.stderr, flush=True)\n"
        "        import os; os._exit(9)\n"
        "sys.addaudithook(watch)\n"
        "from avfbel.cli import main; main()"
    )
    done = subprocess.run(
        [
            *(sys.executable, "-c", code, "analyze", clips / "short.mp4"),
            *("--model", bundle, "--out", tmp_path, "--plot"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")
def test_ctrl_c_ends_all_processes_and_keeps_what_is_done(
    clips: Path, bundle: Path, write_media: Writer, tmp_path: Path
) -> None:
    long_film = write_media(tmp_path / "long.mkv", frames=noise_frames(30, 64, 64) * 150)
    other = tmp_path / "other.mkv"
    other.write_bytes(long_film.read_bytes())
    out = tmp_path / "out"
    process = subprocess.Popen(
        [
            *(*COMMAND, "analyze", clips / "short.mp4", long_film, other),
            *("--model", bundle, "--out", out, "--jobs", "2", "--hop", "0.02"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a group of its own, which ctrl-c reaches as a whole
    )
    deadline = time.monotonic() + 90  # two workers have to start, on a machine that runs other tests
    while not (out / "short.mp4.csv").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130, stderr
    assert stderr.strip() == "avfbel: interrupted; what was finished is whole and stays"
    assert sorted(p.name for p in out.iterdir()) == ["short.mp4.csv", "status.csv"]
    while group_lives(process.pid):  # the interpreter's resource tracker goes a moment after its parent
        assert time.monotonic() < deadline
        time.sleep(0.05)


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_debug_shows_where(clips: Path, bundle: Path) -> None:
    plain, debug = (
        avfbel_(*options, "analyze", clips / "short.mp4", "--model", bundle, "--window", "0")
        for options in ([], ["--debug"])
    )
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr
    assert plain.returncode == debug.returncode == 2
