"""Time `avfbel corpus build` as a whole process, with its start, against the length of the films it makes.

    python benchmarks/corpus.py [--exemplars 1 3] [--jobs N] [--out benchmarks/results/corpus.json]

Builds a corpus of each number of exemplars of the 38 stimuli, 500 × 600 pixels at 60 fps with sound. Prints
seconds of film made a second, the peak memory of all its processes together, which does not grow with the
corpus, and the bytes of a clip, from which follows the size of the corpus of 38 × 20 clips; then the time to
draw and to encode a frame. Memory is read from /proc: on Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import av

from avfbel.stimulus import compose, named, write_film
from avfbel.stimulus.render import render_planes

STIMULI, FULL = 38, 38 * 20
PROBES = ("happy", "sad", "angry", "peaceful", "scared")


def main() -> None:
    """Build the corpora, time the two halves of a film, print and save the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--exemplars", type=int, nargs="+", default=[1])
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.2f}", file=sys.stderr)
    builds = []
    for exemplars in options.exemplars:
        with tempfile.TemporaryDirectory() as folder:
            builds.append(build(exemplars, options.jobs, Path(folder)))
        print(
            "{clips} clips, {film_s:.0f} s of film in {wall_s:.1f} s: {ratio:.1f} x real time, "
            "peak memory {peak_mb:.0f} MB, {kb_per_clip:.0f} kB a clip ({kb_per_film:.0f} kB the film), "
            "{full_mb:.0f} MB for 38 x 20".format(**builds[-1])
        )
    frame = time_a_frame()
    print("a frame: {draw_ms:.2f} ms to draw, {encode_ms:.2f} ms to encode".format(**frame))
    if options.out:
        report = {
            "command": f"python benchmarks/corpus.py --exemplars {' '.join(map(str, options.exemplars))}"
        }
        report |= {"cores": os.cpu_count(), "builds": builds, "frame": frame}
        report["python"] = platform.python_version()
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def build(exemplars: int, jobs: int | None, folder: Path) -> dict[str, Any]:
    """Build one corpus and return its figures."""
    command = [sys.executable, "-m", "avfbel", "corpus", "build", "--exemplars", str(exemplars)]
    command += ["--out", str(folder), *(["--jobs", str(jobs)] if jobs else [])]
    wall_s, peak_mb = watched(command)
    films = list(folder.rglob("*.mp4"))
    if len(films) != STIMULI * exemplars:
        raise RuntimeError(f"{len(films)} films instead of {STIMULI * exemplars}: {' '.join(command)}")
    film_s = sum(length_s(film) for film in films)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "exemplars": exemplars,
        "jobs": jobs,
        "clips": len(films),
        "film_s": film_s,
        "wall_s": wall_s,
        "ratio": film_s / wall_s,
        "peak_mb": peak_mb,
        "kb_per_clip": size / len(films) / 1e3,
        "kb_per_film": sum(film.stat().st_size for film in films) / len(films) / 1e3,
        "full_mb": size / len(films) * FULL / 1e6,
    }


def length_s(film: Path) -> float:
    """Return the length of a film in s."""
    with av.open(str(film)) as file:
        return float(file.duration / av.time_base)


def watched(command: list[str]) -> tuple[float, float]:
    """Run a command; return its wall-clock time in s and the peak memory of it and its children in MB."""
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, sum(memory_kb(pid) for pid in family(process.pid)))
        try:
            process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            continue
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        raise RuntimeError(f"failed: {' '.join(command)}")
    return seconds, peak / 1024


def family(pid: int) -> list[int]:
    """List a process and all that descend from it."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has just ended
                continue
    members = [pid]
    for member in members:
        members += [child for child, parent in parents.items() if parent == member]
    return members


def memory_kb(pid: int) -> int:
    """Return the memory of a process in kB, each page divided by the number of processes that share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def time_a_frame() -> dict[str, float]:
    """Return the processor time to draw and to encode a frame, in ms, over a clip of each prototype."""
    scores = [compose(named(name), seed=1) for name in PROBES]
    n_frames = sum(round(60 * score.length_s) for score in scores)
    with tempfile.TemporaryDirectory() as folder:
        write_film(scores[0], None, Path(folder) / "warm.mp4")
        start = time.process_time()
        for score in scores:
            for _ in render_planes(score):
                pass
        drawn = time.process_time()
        for score in scores:
            write_film(score, None, Path(folder) / "film.mp4")
        written = time.process_time()
    draw_s, both_s = drawn - start, written - drawn
    return {"draw_ms": 1e3 * draw_s / n_frames, "encode_ms": 1e3 * (both_s - draw_s) / n_frames}


if __name__ == "__main__":
    main()
