"""Time one window through the whole model on one core, in torch and in onnxruntime.

    OMP_NUM_THREADS=1 python benchmarks/forward.py [--passes 200] [--out benchmarks/results/forward.json]

The default circuit with weights as they start (time does not depend on them): feature maps and features in,
activity of every region and the emotion out. Prints the median, in ms, and how many times 5 ms holds it. The
passes of both runtimes alternate, so that what disturbs one disturbs the other.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from avfbel.brain import AVFBEL, Samples
from avfbel.learn.export import INPUTS, limbic_arrays, onnx_graph

LIMIT_MS = 5.0
WARM_UP = 20


def main() -> None:
    """Time, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--passes", type=int, default=200)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results = measure(options.passes)
    for name, figures in results.items():
        print(
            f"{name}: median {figures['median_ms']:.2f} ms, 95 % within {figures['q95_ms']:.2f} ms, "
            f"{figures['times_within_limit']:.1f} times in {LIMIT_MS:g} ms"
        )
    if options.out:
        report = {
            "command": "OMP_NUM_THREADS=1 python benchmarks/forward.py",
            "threads": 1,
            "passes": options.passes,
            "limit_ms": LIMIT_MS,
            "machine": {"cores": os.cpu_count(), "processor": platform.machine()},
            "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
            "results": results,
        }
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def measure(passes: int) -> dict[str, dict[str, float]]:
    """Return median and 95th percentile of single-window passes, in ms, by runtime."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model, window = circuit()
        runs = {"torch": in_torch(model, window), "onnxruntime": in_onnxruntime(model, window)}
        times: dict[str, list[float]] = {name: [] for name in runs}
        for number in range(WARM_UP + passes):
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                if number >= WARM_UP:
                    times[name].append(1e3 * (time.perf_counter() - start))
    finally:
        torch.set_num_threads(threads)
    return {
        name: {
            "median_ms": round(statistics.median(taken), 4),
            "q95_ms": round(float(np.quantile(taken, 0.95)), 4),
            "times_within_limit": round(LIMIT_MS / statistics.median(taken), 2),
        }
        for name, taken in times.items()
    }


def circuit() -> tuple[AVFBEL, dict[str, Any]]:
    """Return the default circuit after one pass over made-up clips, and the inputs of one window."""
    rng = np.random.default_rng(0)
    maps = rng.random((8, 5, 64, 64)).astype(np.float32)
    acoustic = rng.uniform(0.5, 2.0, (8, 7))
    samples = Samples.of_clips(maps, acoustic, np.ones((8, 2)), rng.random((8, 5)))
    model = AVFBEL(epochs=1, bel_epochs=1).fit(samples)
    senses = {"maps": maps[:1], "acoustic": acoustic[:1], "evidence": np.ones((1, 2))}
    window = {name: value.astype(np.float32) for name, value in senses.items()}
    return model, window | limbic_arrays(model)


def in_torch(model: AVFBEL, window: dict[str, Any]) -> Callable[[], object]:
    """Return a pass through the network in torch."""
    inputs = [torch.from_numpy(window[name]) for name in INPUTS]

    def run() -> object:
        with torch.inference_mode():
            return model.network_(*inputs)

    return run


def in_onnxruntime(model: AVFBEL, window: dict[str, Any]) -> Callable[[], object]:
    """Return a pass through the exported graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx_graph(model), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, window)


if __name__ == "__main__":
    main()
