"""Counts against those of Brian2: a committed table of its own, and Brian2 itself where it is installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avfbel.brain import lif_spike_count, lif_spike_count_piecewise

ROOT = Path(__file__).parents[2]
TABLE: dict[str, Any] = json.loads(Path(__file__).with_name("brian2_counts.json").read_text(encoding="utf-8"))
_spec = importlib.util.spec_from_file_location("bench_spiking", ROOT / "benchmarks" / "spiking.py")
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)


def test_every_count_of_a_sweep_is_that_of_brian2() -> None:
    current, count = TABLE["sweep"]["current_V"], TABLE["sweep"]["count"]
    assert len(current) == len(set(current)) == 800
    assert lif_spike_count(torch.tensor(current, dtype=torch.float64), duration=1.0).tolist() == count
    assert len(set(count)) > 100  # from silence to 250 Hz


def test_published_currents_draw_what_they_draw_in_brian2() -> None:
    assert {name: sum(count) for name, count in TABLE["published"].items()} == {
        "PYR": 22_000,
        "PV": 11_000,
        "SOM": 13_600,
    }
    want = [spikes for count in TABLE["published"].values() for spikes in count]
    current = torch.tensor(bench.PUBLISHED_V, dtype=torch.float64)
    assert lif_spike_count(current, duration=1.0).tolist() == want


def test_every_hop_of_currents_that_change_is_that_of_brian2() -> None:
    current = torch.tensor(TABLE["varying"]["current_V"], dtype=torch.float64)
    assert current.shape == (20, 100)
    assert lif_spike_count_piecewise(current).tolist() == TABLE["varying"]["count"]


def test_the_table_is_of_the_currents_its_script_names() -> None:
    assert TABLE["sweep"]["current_V"] == bench.SWEEP_V.tolist()
    assert TABLE["varying"]["current_V"] == bench.varying_currents().tolist()


def test_brian2_still_says_so() -> None:
    pytest.importorskip("brian2", reason='Brian2 is not installed: pip install "avfbel[bench]"')
    currents = np.array(TABLE["sweep"]["current_V"])
    got = bench.brian2_counter(len(currents), target="numpy")(currents, 1.0)
    assert got.tolist() == TABLE["sweep"]["count"]
    hops = np.array(TABLE["varying"]["current_V"])[:4, :20]
    want = np.array(TABLE["varying"]["count"])[:4, :20]
    np.testing.assert_array_equal(bench.brian2_hop_counts(hops, target="numpy"), want)


def test_the_benchmark_reports_what_it_owes() -> None:
    figures = json.loads((ROOT / "benchmarks/results/spiking.json").read_text(encoding="utf-8"))
    assert figures["counts_equal"]
    assert figures["ratio"] >= 10_000
    assert bench.page_table(figures) in bench.PAGE.read_text(encoding="utf-8"), (
        "run benchmarks/spiking.py --page"
    )
    assert (figures["sounds"], figures["neurons"], figures["seconds_of_sound"]) == (760, 800, 1.0)
