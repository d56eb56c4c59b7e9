"""Time a stream that gets a film frame by frame, as from a camera and a microphone, and weigh its process.

    python benchmarks/streaming.py [--seconds 60] [--out benchmarks/results/streaming.json]

The film is a stimulus of 500 x 600 pixels at 60 fps with sound; pictures and samples are pushed in order of
their time, on one core. Prints, as median and 95th percentile over the hops of 1 s: how long the push takes
that completes a window and returns its prediction (features and model), beside an ordinary push; how much of
it is the model; how long the attribution of a window takes; how long all pushes of a hop take together; and
the peak memory of the process.
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

import numpy as np

WINDOW_S, HOP_S = 4.0, 1.0
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def main() -> None:
    """Make the film, stream it in a process of its own, print and save the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--film", type=Path, help=argparse.SUPPRESS)  # the process that is measured
    options = parser.parse_args()
    if options.film:
        print(json.dumps(stream(options.film)))
        return
    with tempfile.TemporaryDirectory() as folder:
        film = stimulus_film(Path(folder), options.seconds)
        figures, peak_mb = measured(film)
        told = {"attribution_ms": attribution_time(film)}
    figures |= told | {"peak_mb": peak_mb}
    for name, (median, high) in ((name, value) for name, value in figures.items() if name.endswith("_ms")):
        print(f"{name[:-3]:<28} median {median:8.2f} ms, 95th percentile {high:8.2f} ms")
    print(f"{figures['hops']} hops, peak memory {peak_mb:.0f} MB")
    if options.out:
        report = {
            "command": "python benchmarks/streaming.py",
            "window_s": WINDOW_S,
            "hop_s": HOP_S,
            "of_ms": ["median", "95th percentile"],
            "results": figures,
            "cores_used": 1,
            "python": platform.python_version(),
        }
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def stimulus_film(folder: Path, seconds: float) -> Path:
    """Make the happy stimulus of that length, with its sound."""
    from avfbel.stimulus import compose, named, write_stimulus

    files = write_stimulus(compose(named("happy"), seed=1, seconds=seconds - 1.5), folder, "happy")
    return next(path for path in files if path.suffix == ".mp4")


def measured(film: Path) -> tuple[dict[str, Any], float]:
    """Stream a film in a process of its own; return its figures and its peak memory in MB."""
    command = [sys.executable, __file__, "--film", str(film)]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, env=os.environ | ONE_THREAD)
        _, status, usage = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise RuntimeError(f"failed: {' '.join(command)}")
        output.seek(0)
        return json.loads(output.read()), usage.ru_maxrss / 1024


def stream(film: Path) -> dict[str, Any]:
    """Push a film through a stream; decoding is not counted."""
    from avfbel import Stream
    from avfbel.runtime import Predictor
    from avfbel.senses import Frame, open_media

    predictor = Predictor()
    model: list[float] = []
    predict = predictor.predict

    def timed_predict(windows: Any) -> Any:
        start = time.perf_counter()
        try:
            return predict(windows)
        finally:
            model.append(time.perf_counter() - start)

    predictor.predict = timed_predict  # type: ignore[method-assign]
    live = Stream(predictor, window=WINDOW_S, hop=HOP_S)
    pushes: dict[type, list[float]] = {}
    results, hops, together = [], [], 0.0
    with open_media(film, threads=1) as media:
        for item in media:
            start = time.perf_counter()
            if isinstance(item, Frame):
                given = live.push_frame(item.rgb, item.time_s, item.index)
            else:
                given = live.push_audio(item.samples, item.rate, item.time_s)
            spent = time.perf_counter() - start
            together += spent
            if given:
                results.append(spent / len(given))
                hops.append(together)
                together = 0.0
            else:
                pushes.setdefault(type(item), []).append(spent)
    return {
        "hops": len(results),
        "result_of_a_hop_ms": milliseconds(results),
        "of_it_model_ms": milliseconds(model),
        "push_of_a_frame_ms": milliseconds(pushes.pop(Frame)),
        "push_of_sound_ms": milliseconds([spent for of in pushes.values() for spent in of]),
        "all_pushes_of_a_hop_ms": milliseconds(hops[1:]),  # before the first, a whole window was pushed
    }


def attribution_time(film: Path) -> list[float]:
    """Return how long it takes to attribute the EPP of each window."""
    from avfbel.runtime.attribution import Attributor
    from avfbel.senses.sensorium import Sensorium, fold, open_for

    attributor, spent = Attributor(), []
    with open_for(film, threads=1) as media:
        for window in fold(media, Sensorium(window=WINDOW_S, hop=HOP_S)):
            start = time.perf_counter()
            attributor.attribute(window)
            spent.append(time.perf_counter() - start)
    return milliseconds(spent)


def milliseconds(seconds: list[float]) -> list[float]:
    """Return median and 95th percentile in ms."""
    return [round(1e3 * float(np.percentile(seconds, share)), 3) for share in (50, 95)]


if __name__ == "__main__":
    main()
