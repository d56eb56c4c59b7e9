"""Depth, parameters, operations, memory and time of every model of Table 1, measured while it runs."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from avfbel.brain.model import AVFBEL
from avfbel.brain.network import Network
from avfbel.published.meter import measure, seconds
from avfbel.published.transformer import SelfAttention, Transformer

STORE = "table1.json"
N_EMOTIONS = 5

CIRCUITS: Mapping[str, Mapping[str, Any]] = {
    "bel": {"visual": "features", "auditory": "features", "fusion": None},
    "m-bel": {"visual": None, "fusion": None},
    "a-bel": {"auditory": None, "fusion": None},
    "avf-bel": {},
    "avf-bel, printed size": {"width": 64},
}
"""Parameters of the circuits of Tables 1 and 2; as in Table 2, M-BEL and A-BEL have no fusion. The visual
cortex is as wide as CORnet-Z in "printed size"."""

TRANSFORMER = "transformer"
MODELS = (*CIRCUITS, TRANSFORMER)

GROWTH: Mapping[str, tuple[int, ...]] = {
    "bel": (64, 128, 256, 512, 1024, 2048),
    "avf-bel": (32, 64, 128, 256, 512, 1024),
    "self-attention": (64, 128, 256, 512, 1024, 2048),
    "self-attention, tiled": (64, 128, 256, 512, 1024, 2048),
    TRANSFORMER: (4, 8, 16, 32, 64, 128),
}
"""Lengths, in windows, at which time and memory are measured. Each window is two tokens to attention."""

FITTED = 4  # of the longest lengths: the exponent is the slope in them
ATTENTION_WIDTH, ATTENTION_HEADS = 64, 1
AT_A_TIME = 16  # windows: a circuit needs no other window to judge one


class Growth(NamedTuple):
    """Exponents p of cost ~ n^p over sequence length."""

    time: float
    memory: float
    operations: float


class Probe(NamedTuple):
    """A model ready to run on sequences of any length."""

    module: nn.Module
    weights: list[Tensor]
    limbic: tuple[Tensor, ...]

    def run(self, *inputs: Tensor) -> Tensor:
        """Run the model on its inputs; a circuit takes a few windows at a time."""
        if not self.limbic:
            said: Tensor = self.module(*inputs)
            return said
        parts = zip(*(torch.split(part, AT_A_TIME) for part in inputs), strict=True)
        return torch.cat([self.module(*part, *self.limbic).emotion for part in parts])

    def inputs(self, length: int) -> list[Tensor]:
        """Return random inputs of so many windows, dimensionless."""
        generator = torch.Generator().manual_seed(0)

        def noise(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=generator)

        if isinstance(self.module, SelfAttention):
            return [noise(1, 2 * length, ATTENTION_WIDTH)]
        if isinstance(self.module, Transformer):
            return [noise(1, length, 7), noise(1, length, 5)]
        relayed = getattr(self.module, "visual", None) == "features"
        return [
            noise(length, 5) if relayed else noise(length, 5, 64, 64),
            noise(length, 7),
            torch.ones(length, 2),
        ]


def build(name: str) -> Probe:
    """Build a model of Table 1, or attention alone, with random weights, for running.

    Parameters
    ----------
    name : str
        One of `MODELS` or of `GROWTH`.

    Returns
    -------
    Probe
        The model in evaluation mode.

    Raises
    ------
    ValueError
        If there is no such model.

    Examples
    --------
    >>> build("m-bel").run(*build("m-bel").inputs(3)).shape
    torch.Size([3, 5])
    """
    torch.manual_seed(0)
    module: nn.Module
    if name in CIRCUITS:
        network = Network(**CIRCUITS[name]).eval()
        limbic = network.naive_weights(N_EMOTIONS)
        # W is the prefrontal cortex, which does not learn by default
        return Probe(network, [*network.parameters(), limbic.V, limbic.U, limbic.T], tuple(limbic))
    if name == TRANSFORMER:
        module = Transformer().eval()
    elif name.startswith("self-attention"):
        module = SelfAttention(ATTENTION_WIDTH, ATTENTION_HEADS, tiled=name.endswith("tiled")).eval()
    else:
        raise ValueError(f"no model {name!r}: choose one of {', '.join({*MODELS, *GROWTH})}")
    return Probe(module, list(module.parameters()), ())


def n_parameters(name: str) -> int:
    """Return the trained parameters of a model of Table 1, read from the built model."""
    if name in CIRCUITS:
        return sum(cost.trained for cost in AVFBEL(**CIRCUITS[name]).parameter_table(n_outputs=N_EMOTIONS))
    return sum(weight.numel() for weight in build(name).weights)


def exponent(lengths: Sequence[float], costs: Sequence[float]) -> float:
    """Return the slope of log cost over log length, by least squares, in the longest lengths.

    Examples
    --------
    >>> round(exponent([1, 2, 4, 8], [3, 12, 48, 192]), 6)
    2.0
    """
    slope, _ = np.polyfit(np.log(lengths[-FITTED:]), np.log(costs[-FITTED:]), 1)
    return float(slope)


def growth(curve: Mapping[str, Sequence[float]]) -> Growth:
    """Return the exponents of a measured curve."""
    return Growth(
        *(exponent(curve["windows"], curve[key]) for key in ("seconds", "peak_bytes", "operations"))
    )


def measure_all() -> dict[str, Any]:
    """Measure every cell, on one thread; about a minute.

    Returns
    -------
    dict
        ``machine``, ``models`` (a mapping by `MODELS`) and ``growth`` (by `GROWTH`), as in table1.json.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        models = {name: _measure_model(name) for name in MODELS}
        curves = {name: _measure_growth(name, lengths) for name, lengths in GROWTH.items()}
    finally:
        torch.set_num_threads(threads)
    machine = {
        "threads": 1,
        "torch": torch.__version__.split("+")[0],
        "processor": platform.machine(),
        "imports_bytes": _process_bytes(""),
    }
    return {"machine": machine, "models": models, "growth": curves}


def _measure_model(name: str) -> dict[str, float]:
    probe = build(name)
    inputs = probe.inputs(1)
    cost = measure(probe.run, inputs, probe.weights)
    return {
        "depth": cost.depth,
        "parameters": n_parameters(name),
        "operations": cost.operations,
        "peak_bytes": cost.peak_bytes,
        "process_bytes": _process_bytes(name),
        "seconds": _rounded(seconds(partial(probe.run, *inputs), repeats=20)),
    }


def _measure_growth(name: str, lengths: Sequence[int]) -> dict[str, list[float]]:
    probe = build(name)
    # torch does not count the operations of tiles; they are those of the matrix
    counted = build("self-attention") if isinstance(probe.module, SelfAttention) else probe
    curve: dict[str, list[float]] = {
        "windows": list(lengths),
        "seconds": [],
        "peak_bytes": [],
        "operations": [],
    }
    for length in lengths:
        inputs = probe.inputs(length)
        curve["seconds"].append(_rounded(seconds(partial(probe.run, *inputs), repeats=5)))
        curve["peak_bytes"].append(measure(probe.run, inputs, probe.weights).peak_bytes)
        curve["operations"].append(measure(counted.run, inputs, counted.weights).operations)
    return curve


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _process_bytes(name: str) -> int:
    """Return the most memory of a fresh process that builds a model and runs it once, in bytes."""
    code = f"from avfbel.published.measured import run_once; print(run_once({name!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


def run_once(name: str) -> int:
    """Build a model, run it on one window, and return the most memory this process has held, in bytes.

    Without a name, nothing is built: what the process needs for its imports alone.
    """
    torch.set_num_threads(1)
    if name:
        probe = build(name)
        with torch.no_grad():
            probe.run(*probe.inputs(1))
    return _most_held()


def _most_held() -> int:
    """Return the most memory this process has held, in bytes.

    Where the kernel tells it of the program alone, that is taken: the figure of `getrusage` is inherited from
    the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        told = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        if "VmHWM" in told:
            return int(told["VmHWM"].split()[0]) * 1024
    import resource  # which Windows lacks; only measuring anew needs it

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def load_measured() -> dict[str, Any]:
    """Return the committed measurements."""
    stored: dict[str, Any] = json.loads((files("avfbel.published") / STORE).read_text(encoding="utf-8"))
    return stored
