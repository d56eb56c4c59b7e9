"""Time `avfbel analyze` on two films of 60 s, as a whole process, beside a process that only decodes them.

    python benchmarks/analyze.py [--runs 3] [--out benchmarks/results/analyze.json]

One film is a stimulus (easy to decode), the other 500 × 600 pixels at 60 fps and about 13 Mbit/s. Prints, for
each, the median wall-clock time of both processes, their ratio, and the peak memory of the analysis.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

from avfbel.stimulus import compose, named, write_stimulus

SECONDS = 60
DECODE = """
import av, sys
with av.open(sys.argv[1]) as film:
    film.streams.video[0].thread_type = "AUTO"
    for frame in film.decode(*film.streams.video, *film.streams.audio):
        pass
"""


def main() -> None:
    """Make the films, time both processes, print and save the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        films = {"stimulus film": stimulus_film(Path(folder)), "13 Mbit/s film": busy_film(Path(folder))}
        results = {name: compare(film, options.runs, Path(folder)) for name, film in films.items()}
    for name, figures in results.items():
        print(
            f"{name}: analyze {figures['analyze_s']:.2f} s, decoding only {figures['decode_s']:.2f} s, "
            f"ratio {figures['ratio']:.2f}, peak memory {figures['peak_mb']:.0f} MB"
        )
    if options.out:
        report = {"command": "python benchmarks/analyze.py", "cores": os.cpu_count(), "results": results}
        report["python"] = platform.python_version()
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def stimulus_film(folder: Path) -> Path:
    """Make one minute of the happy stimulus, with its sound."""
    files = write_stimulus(compose(named("happy"), seed=1, seconds=SECONDS - 1.5), folder, "happy_60s")
    return next(path for path in files if path.suffix == ".mp4")


def busy_film(folder: Path) -> Path:
    """Make one minute of a ball before moving noise, 500 × 600 at 60 fps, without sound."""
    path = folder / "busy.mp4"
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (700, 600, 3), dtype=np.uint8) // 6
    y, x = np.mgrid[:600, :500]
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=60, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 500, 600, "yuv420p", 13_000_000
        for k in range(60 * SECONDS):
            dy, dx = rng.integers(0, 100, 2)
            picture = noise[dy : dy + 600, dx : dx + 500].copy()
            height = 450 - 300 * abs(np.sin(np.pi * k / 45))
            picture[(y - height) ** 2 + (x - 250) ** 2 < 60**2] = (220, 40, 40)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode())
    print(f"busy film: {8 * path.stat().st_size / SECONDS / 1e6:.1f} Mbit/s", file=sys.stderr)
    return path


def compare(film: Path, runs: int, folder: Path) -> dict[str, float]:
    """Run both processes in turn after one warm-up and return medians."""
    analyze = [sys.executable, "-m", "avfbel", "analyze", str(film), "--out", str(folder / "out")]
    decode = [sys.executable, "-c", DECODE, str(film)]
    times: dict[str, list[float]] = {"analyze": [], "decode": []}
    peaks = []
    for run in range(runs + 1):
        for name, command in (("analyze", analyze), ("decode", decode)):
            seconds, peak = timed(command)
            if run:
                times[name].append(seconds)
                if name == "analyze":
                    peaks.append(peak)
    analyze_s, decode_s = (statistics.median(times[name]) for name in ("analyze", "decode"))
    return {
        "analyze_s": analyze_s,
        "decode_s": decode_s,
        "ratio": analyze_s / decode_s,
        "peak_mb": max(peaks),
    }


def timed(command: list[str]) -> tuple[float, float]:
    """Return wall-clock time in s and peak memory in MB of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"failed: {' '.join(command)}")
    return seconds, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
