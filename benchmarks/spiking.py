"""Count the spikes of 760 sounds × 800 neurons × 1 s in closed form, and beside it in Brian2.

    python benchmarks/spiking.py [--sounds 5] [--out benchmarks/results/spiking.json] [--page]
    python benchmarks/spiking.py --table tests/brain/brian2_counts.json

Needs ``pip install "avfbel[train,bench]"`` and, for Brian2's fast code, a C++ compiler. Brian2 runs once a
sound: its network is built once, a few sounds are run after its code is compiled, and its time for 760 is
extrapolated from the fastest of them. We count 38 sounds at a time; the fastest of 15 passes through all 760
is taken. Counts are compared neuron by neuron. Prints the ratio of both times, taken in turn by one process
on one thread, and, for scale, Brian2's time if all sounds were put into one network, extrapolated from a
fraction of a second of it.

``--page`` also writes the table of docs/auditory-cortex.md, between its two comments.
``--table`` instead writes Brian2's counts for a sweep of currents, the published ones, and currents that
change every 50 ms: the tests compare with them where Brian2 is not installed.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PAGE = Path(__file__).parents[1] / "docs" / "auditory-cortex.md"
BEGIN, END = "<!-- table: written by benchmarks/spiking.py -->", "<!-- end of table -->"
Counter = Callable[[NDArray[np.float64], float], NDArray[np.int64]]
SOUNDS, NEURONS, SECONDS, HOP_S = 760, 800, 1.0, 0.05
BATCH = 38  # sounds counted at once: what they need fits into a processor's cache
TOGETHER_S = 0.02  # of simulated time with all sounds in one network
# Features are drawn evenly between: pitch (Hz), tonnetz, rms, tempo (bpm), duration (s), direction, harmony.
LOWEST, HIGHEST = [50, 0.05, 0.01, 40, 0.1, 0, -1], [880, 0.3, 0.2, 350, 1.5, 1, 1]
PUBLISHED_V = [0.6] * 600 + [0.65] * 200  # PYR and PV, SOM
# A little off the multiples of 0.0015 V: on the edge between two counts, rounding decides either way.
SWEEP_V = (0.45 + 0.0015 * np.arange(NEURONS) + 1.7e-7).round(8)


def main() -> None:
    """Time both, print and save the figures, or write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sounds", type=int, default=5, help="sounds that Brian2 runs (5)")
    parser.add_argument("--target", choices=["cython", "numpy"], default="cython", help="Brian2's code")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--page", action="store_true", help="write the table of the page")
    parser.add_argument("--table", type=Path, help="write the table for the tests, and nothing else")
    options = parser.parse_args()
    if options.table:
        write_table(options.table)
        return
    figures = compare(options.sounds, options.target)
    for name, value in figures.items():
        print(f"{name}: {value}")
    if options.out:
        report = {"command": "python benchmarks/spiking.py", "python": platform.python_version(), **figures}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if options.page:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{page_table(figures)}\n{END}{after}", encoding="utf-8")


def page_table(figures: dict[str, Any]) -> str:
    """Write the figures as the table of the page."""
    ours = figures["ours_s"]
    rows = {
        "closed form, counts from currents": ours,
        "closed form, counts from features (the population code as well)": figures[
            "ours_with_population_code_s"
        ],
        "closed form, 20 hops of 50 ms": figures["ours_through_20_hops_s"],
        f"Brian2, a run a sound ({figures['brian2_sounds_run']} of them run)": figures[
            "brian2_s_extrapolated"
        ],
        "Brian2, all sounds in one network": figures["brian2_s_in_one_network_extrapolated"],
    }
    lines = ["| 760 sounds × 800 neurons × 1 s | seconds | times the first |", "|---|---|---|"]
    lines += [f"| {name} | {short(seconds)} | {short(seconds / ours)} |" for name, seconds in rows.items()]
    return "\n".join(lines) + "\n"


def short(value: float) -> str:
    """Write a number with two significant digits, and no exponent."""
    digits = max(0, 1 - math.floor(math.log10(value)))
    rounded = round(value, 1 - math.floor(math.log10(value)))
    return f"{rounded:,.{digits}f}".replace(",", " ")


def compare(sounds: int, target: str) -> dict[str, Any]:
    """Count with both and return times in s, their ratio, and whether all counts are equal."""
    import brian2
    import torch

    from avfbel.brain import AuditoryCortex, lif_spike_count, lif_spike_count_piecewise

    torch.set_num_threads(1)
    features = np.random.default_rng(0).uniform(LOWEST, HIGHEST, (SOUNDS, 7))
    cortex = AuditoryCortex().eval()
    cortex.fit(features)
    heard, evidence = torch.from_numpy(features), torch.ones(SOUNDS)
    with torch.no_grad():
        currents = cortex.current(heard, evidence)
        counts = lif_spike_count(currents, duration=SECONDS)
        batches = currents.split(BATCH)
        ours = fastest(lambda: [lif_spike_count(batch, duration=SECONDS) for batch in batches])
        sounds_heard = list(zip(heard.split(BATCH), evidence.split(BATCH), strict=True))
        with_code = fastest(lambda: [cortex(*batch) for batch in sounds_heard])
        hops = currents[:BATCH].unsqueeze(1).expand(-1, 20, -1).contiguous()
        through_hops = SOUNDS / BATCH * fastest(lambda: lif_spike_count_piecewise(hops, hop=HOP_S))

    count = brian2_counter(NEURONS, target=target)
    chosen = np.linspace(0, SOUNDS - 1, sounds).round().astype(int)
    count(currents[0].numpy(), SECONDS)  # compiles
    times, equal = [], True
    for i in chosen:
        start = time.perf_counter()
        theirs = count(currents[i].numpy(), SECONDS)
        times.append(time.perf_counter() - start)
        equal &= bool((theirs == counts[i].numpy()).all())
    together = brian2_counter(SOUNDS * NEURONS, target=target)
    everything = currents.flatten().numpy()
    together(everything, TOGETHER_S)
    start = time.perf_counter()
    together(everything, TOGETHER_S)
    at_once = (time.perf_counter() - start) * SECONDS / TOGETHER_S
    return {
        "sounds": SOUNDS,
        "neurons": NEURONS,
        "seconds_of_sound": SECONDS,
        "spikes": int(counts.sum()),
        "ours_s": ours,
        "ours_with_population_code_s": with_code,
        "ours_through_20_hops_s": through_hops,
        "brian2": brian2.__version__,
        "brian2_target": target,
        "brian2_sounds_run": sounds,
        "brian2_s_a_sound": min(times),
        "brian2_s_extrapolated": min(times) * SOUNDS,
        "brian2_s_in_one_network_extrapolated": at_once,
        "counts_equal": equal,
        "ratio": min(times) * SOUNDS / ours,
        "ratio_with_population_code": min(times) * SOUNDS / with_code,
        "ratio_to_one_network": at_once / ours,
    }


def fastest(work: Callable[[], object], runs: int = 15) -> float:
    """Return the shortest time of several, in s, after one to warm up."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def brian2_counter(n: int, *, target: str) -> Counter:
    """Build neurons in Brian2 once and return what counts their spikes from rest under currents (n,) in V."""
    import brian2 as b2

    b2.prefs.codegen.target = target
    neurons = b2.NeuronGroup(
        n,
        "dv/dt = (I - v) / (10*ms) : volt\nI : volt (constant)",
        threshold="v > 0.5*volt",
        reset="v = 0*volt",
        method="exact",
        dt=0.1 * b2.ms,
    )
    spikes = b2.SpikeMonitor(neurons, record=False)
    network = b2.Network(neurons, spikes)
    network.store()

    def count(current: NDArray[np.float64], duration: float) -> NDArray[np.int64]:
        network.restore()
        neurons.I = current * b2.volt
        network.run(duration * b2.second)
        return np.array(spikes.count, dtype=np.int64)

    return count


def brian2_hop_counts(currents: NDArray[np.float64], *, target: str) -> NDArray[np.int64]:
    """Count the spikes per hop of currents (n_hops, n), in V, that change every 50 ms, in Brian2."""
    import brian2 as b2

    b2.prefs.codegen.target = target
    neurons = b2.NeuronGroup(
        currents.shape[1],
        "dv/dt = (I - v) / (10*ms) : volt\nI : volt (constant)",
        threshold="v > 0.5*volt",
        reset="v = 0*volt",
        method="exact",
        dt=0.1 * b2.ms,
    )
    spikes = b2.SpikeMonitor(neurons, record=False)
    network = b2.Network(neurons, spikes)
    total = [np.zeros(currents.shape[1], dtype=np.int64)]
    for current in currents:
        neurons.I = current * b2.volt
        network.run(HOP_S * b2.second)
        total.append(np.array(spikes.count, dtype=np.int64))
    return np.diff(total, axis=0)


def varying_currents(n: int = 100, n_hops: int = 20) -> NDArray[np.float64]:
    """Return currents (n_hops, n), in V, half of them above threshold, to the fifth decimal place."""
    return np.random.default_rng(1).uniform(0.2, 0.8, (n_hops, n)).round(5)


def write_table(path: Path) -> None:
    """Write Brian2's counts for the sweep, the published currents and those that vary."""
    import brian2

    count = brian2_counter(NEURONS, target="numpy")
    published = count(np.array(PUBLISHED_V), SECONDS)
    varying = varying_currents()
    table = {
        "command": "python benchmarks/spiking.py --table tests/brain/brian2_counts.json",
        "brian2": brian2.__version__,
        "method": "exact, dt 0.1 ms, tau 10 ms, threshold 0.5 V, 1 s",
        "published": {"PYR": published[:400], "PV": published[400:600], "SOM": published[600:]},
        "sweep": {"current_V": SWEEP_V, "count": count(SWEEP_V, SECONDS)},
        "varying": {"current_V": varying, "count": brian2_hop_counts(varying, target="numpy")},
    }
    path.write_text(in_lines(table) + "\n", encoding="utf-8")


def in_lines(value: Any, depth: int = 0) -> str:
    """Write JSON with every array of numbers on one line."""
    if isinstance(value, np.ndarray):
        if value.ndim == 1:
            return json.dumps(value.tolist(), separators=(",", ":"))
        return (
            "[\n" + ",\n".join(" " * (depth + 1) + in_lines(row) for row in value) + "\n" + " " * depth + "]"
        )
    if isinstance(value, dict):
        pairs = (f"{' ' * (depth + 1)}{json.dumps(k)}: {in_lines(v, depth + 1)}" for k, v in value.items())
        return "{\n" + ",\n".join(pairs) + "\n" + " " * depth + "}"
    return json.dumps(value)


if __name__ == "__main__":
    main()
