"""Time brain emotional learning of many models at once beside loops that train one model after another.

    python benchmarks/bel.py [--models 38] [--passes 100] [--loops 2] [--out benchmarks/results/bel.json]

38 folds go through their own 570 of 600 samples 100 times, each in a random order of its own: 5 features of
either sign (ON and OFF channels and a context, k = 11) and 5 emotions. All folds train together with
`limbic_fit`; beside it a loop of `limbic_step` (small-array numpy, one step a sample), `limbic_fit` on one
fold after the other, and a loop over plain Python lists. The loops train the first `--loops` folds in full,
and their time is multiplied by folds / loops; the weights of these folds are compared. Times are processor
time of one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from avfbel.brain import LimbicParameters, LimbicState, limbic_step
from avfbel.brain.bel import on_off_channels
from avfbel.brain.limbic import initial_state
from avfbel.brain.limbic_learning import limbic_fit, shuffled_passes

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
ROWS, SAMPLES, FEATURES, EMOTIONS = 600, 570, 5, 5
PARAMETERS = LimbicParameters()


def main() -> None:
    """Train the folds in each way, print and save times, ratios and the largest difference of weights."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=38)
    parser.add_argument("--passes", type=int, default=100)
    parser.add_argument("--loops", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    report = measure(options.models, options.passes, options.loops)
    print(f"{options.models} models at once: {report['together_s']:.2f} s, k = {report['k']}")
    for name, loop in report["loops"].items():
        print(
            f"{name}: {loop['seconds']:.1f} s for all ({loop['measured_s']:.2f} s for {options.loops}), "
            f"ratio {loop['ratio']:.1f}, largest difference of a weight {loop['difference']:.1e}"
        )
    if options.out:
        report |= {"command": "python benchmarks/bel.py", "cores": os.cpu_count()}
        report |= {"python": platform.python_version(), "numpy": np.__version__}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def measure(models: int, passes: int, loops: int) -> dict:
    """Return times in s, ratios and differences."""
    x, reward, order = folds(models, passes)
    k = x.shape[1]
    naive = initial_state(k, EMOTIONS, models=(models,))
    limbic_fit(naive, x, reward, order[:, :1], PARAMETERS)  # warm up
    together, together_s = timed(lambda: limbic_fit(naive, x, reward, order, PARAMETERS))
    ways = {"numpy, a step a sample": numpy_loop, "numpy, limbic_fit alone": fit_loop, "lists": list_loop}
    results = {}
    for name, train in ways.items():
        learned, seconds = timed(lambda train=train: [train(x, reward, rows) for rows in order[:loops]])
        results[name] = {
            "measured_s": seconds,
            "seconds": seconds * models / loops,
            "ratio": seconds * models / loops / together_s,
            "difference": max(
                float(np.abs(getattr(together, w)[i] - getattr(state, w)).max())
                for i, state in enumerate(learned)
                for w in "VTU"
            ),
        }
    return {
        "models": models,
        "passes": passes,
        "samples": SAMPLES,
        "k": k,
        "outputs": EMOTIONS,
        "loops_measured": loops,
        "together_s": together_s,
        "loops": results,
    }


def folds(models: int, passes: int) -> tuple[Array, Array, Indices]:
    """Return stimuli (600, k), rewards (600, 5) and an order (models, passes, 570) of each fold's samples."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(ROWS, FEATURES))
    reward = np.clip(0.4 + 0.1 * features @ rng.normal(size=(FEATURES, EMOTIONS)), 0, 1)
    reward = np.clip(reward + rng.normal(0, 0.1, reward.shape), 0, 1)
    rows = [rng.permutation(ROWS)[:SAMPLES] for _ in range(models)]
    return on_off_channels(features, context=1.0), reward, shuffled_passes(rows, passes, seeds=range(models))


def timed(work: Callable[[], object]) -> tuple:
    """Return the result and the processor time in s."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def numpy_loop(x: Array, reward: Array, passes: Indices) -> LimbicState:
    """Train one model with `limbic_step`, sample by sample."""
    state = initial_state(x.shape[1], reward.shape[1])
    for j, rows in enumerate(passes):
        for i in rows:
            state, _ = limbic_step(state, x[i], reward[i], PARAMETERS, rate=1 / (1 + j / 10))
    return state


def fit_loop(x: Array, reward: Array, passes: Indices) -> LimbicState:
    """Train one model with `limbic_fit`."""
    return limbic_fit(initial_state(x.shape[1], reward.shape[1]), x, reward, passes, PARAMETERS)


def list_loop(x: Array, reward: Array, passes: Indices) -> LimbicState:
    """Train one model by the rule `moren` in plain Python, with lists."""
    p, k, outputs = PARAMETERS, x.shape[1], range(reward.shape[1])
    stimuli, rewards = x.tolist(), reward.tolist()
    strongest = [max(cue) for cue in stimuli]
    norms = [
        max(1.0, sum(a * a for a in cue) + (p.kappa * h) ** 2)
        for cue, h in zip(stimuli, strongest, strict=True)
    ]
    v, u = ([[0.0] * k for _ in outputs] for _ in "vu")
    t = [0.0 for _ in outputs]
    for j, rows in enumerate(passes.tolist()):
        alpha, beta = p.alpha / (1 + j / 10), p.beta / (1 + j / 10)
        for row in rows:
            cue, r, h, n = stimuli[row], rewards[row], p.kappa * strongest[row], norms[row]
            for e in outputs:
                ve, ue = v[e], u[e]
                a, o = h * t[e], 0.0
                for c, weight, other in zip(cue, ve, ue, strict=True):
                    a += c * weight
                    o += c * other
                missing, surplus = max(0.0, r[e] - a), max(0.0, a - r[e])
                up, down = alpha * missing / n, beta * (surplus - o) / n
                t[e] += h * up
                v[e] = [weight + c * up for c, weight in zip(cue, ve, strict=True)]
                u[e] = [weight + c * down for c, weight in zip(cue, ue, strict=True)]
    return LimbicState(np.array(v).T, np.array(t), np.array(u).T, np.zeros((k, k)))


if __name__ == "__main__":
    main()
