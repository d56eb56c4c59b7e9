"""Table 1 of the paper, measured: depth, parameters, operations, memory and time of each model.

The table compares AVF-BEL with multimodal transformers in words and orders of magnitude. Here both are built
and run. The measured cells are kept in table1.json beside this file; ``rerun`` measures them anew, on one
thread.
"""

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
from avfbel.brain.visual_cortex import VisualCortex
from avfbel.files import write_whole
from avfbel.published.meter import measure, seconds
from avfbel.published.report import write_report
from avfbel.published.transformer import PRINTED_LAYERS, SelfAttention, Transformer

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
    code = f"from avfbel.published.table1 import run_once; print(run_once({name!r}))"
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


def run(data_dir: Path | None, out: Path | None, *, rerun: bool) -> str:
    """Return Table 1 as Markdown, printed cells beside measured ones.

    Parameters
    ----------
    data_dir : Path or None
        Not needed: no cell depends on ratings.
    out : Path or None
        Folder for table1.md, .json and .csv and growth.png, if they are to be written.
    rerun : bool
        Whether to measure anew, instead of taking the committed measurements.

    Returns
    -------
    str
        Markdown.
    """
    measured = measure_all() if rerun else load_measured()
    parts = [_models(measured), _growth(measured["growth"]), _as_printed(measured["models"])]
    text = "\n\n".join(parts) + "\n"
    rows = [{"model": name, **cells} for name, cells in measured["models"].items()]
    write_report(out, "table1", text, data=measured, rows=rows)
    if out is not None:
        write_whole(out / "growth.png", draw_growth(measured["growth"]))
    return text


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _models(measured: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            f"{cells['depth']}",
            f"{cells['parameters']:,}",
            f"{cells['operations']:,}",
            _bytes(cells["peak_bytes"]),
            _bytes(cells["process_bytes"]),
            _time(cells["seconds"]),
        ]
        for name, cells in measured["models"].items()
    ]
    head = ["model", "depth", "trained parameters", "operations", "activations", "process", "time"]
    machine = measured["machine"]
    return (
        "**Table 1, measured.** One window of sound and picture through each model as it is built here: "
        "products with weights on the longest way through; trained parameters; multiply-accumulates; most "
        "memory held by activations; most memory of a whole process, of which "
        f"{_bytes(machine['imports_bytes'])} are Python and its libraries; time on one "
        f"thread ({machine['processor']}, torch {machine['torch']}). Measuring the features of the window "
        "comes on top for all alike. Operations of the circuits include the prefrontal cortex, which is "
        "multiplied although it does not learn by default: k² q for k units and q emotions, which is most of "
        "what M-BEL does without fusion.\n\n" + _table(head, rows)
    )


def _growth(curves: Mapping[str, Any]) -> str:
    rows = []
    for name, curve in curves.items():
        fitted = growth(curve)
        longest = curve["windows"][-1]
        rows.append(
            [
                name,
                f"{curve['windows'][-FITTED]}–{longest}",
                f"{fitted.time:.2f}",
                f"{fitted.memory:.2f}",
                f"{fitted.operations:.2f}",
                _time(curve["seconds"][-1]),
                _bytes(curve["peak_bytes"][-1]),
            ]
        )
    head = [
        "model",
        "windows n",
        "time ~ n^",
        "memory ~ n^",
        "operations ~ n^",
        "time at longest",
        "memory there",
    ]
    width = Transformer(n_layers=1).hear.out_features
    return (
        "**Growth with the length of a sequence.** Exponents fitted to the longest lengths; self-attention "
        "is "
        f"one layer of {ATTENTION_WIDTH} units, two tokens a window.\n\n"
        + _table(head, rows)
        + "\n\nOperations and memory are exact, time is that of one machine: matrices that outgrow its "
        "caches "
        "let time grow faster than operations do. BEL and AVF-BEL are O(n) in time, and O(1) in memory, as "
        "they "
        f"look at {AT_A_TIME} windows at a time; self-attention is O(n²), as printed. Two things are not "
        f"printed. "
        "The n × n matrix need not be held: worked through in tiles, attention takes O(n²) time and O(n) "
        "memory. And a transformer's layers are linear for the most part: with "
        f"{width} units, 12 n d² operations of the linear maps and 2 n² d of attention are equal at n = 6 d "
        f"= "
        f"{6 * width:,} tokens, so that at the lengths of clips it grows like O(n), from a far higher start."
    )


def _as_printed(models: Mapping[str, Mapping[str, float]]) -> str:
    small, printed, peer = models["avf-bel"], models["avf-bel, printed size"], models[TRANSFORMER]
    areas = sum(cost.parameters for cost in VisualCortex(width=64).costs()[:4])
    published = released_size()
    n_layers = PRINTED_LAYERS
    rows = [
        [
            "Model depth",
            "2 layers",
            "12–24 layers",
            f"{small['depth']} layers",
            f"{peer['depth']} ({n_layers} encoder layers of 4)",
            "contradicted: the four areas and three layers a branch that the paper describes are more than "
            "two; "
            "BEL alone has one",
        ],
        [
            "Parameters",
            "small (tens of)",
            "millions to billions",
            f"{small['parameters']:,}",
            f"{peer['parameters']:,}",
            f"contradicted: the four visual areas alone have {areas:,} at the width of CORnet-Z, the whole "
            f"model "
            f"{printed['parameters']:,}. The released limbic weights are {published} numbers: not tens "
            f"either",
        ],
        ["Complexity", "O(n)", "O(n²)", "O(n)", "O(n²) in attention", "holds; see growth"],
        [
            "Memory",
            "less than 8 GB",
            "above 16 GB",
            _bytes(small["process_bytes"]),
            _bytes(peer["process_bytes"]),
            "holds for AVF-BEL; a transformer of the printed depth needs no GPU and no 16 GB to run one clip",
        ],
        [
            "Self-attention",
            "not used",
            "core mechanism",
            "not used",
            "12 layers",
            "holds, but for the name: gates of Eq. 13–14 are called attention, and are not self-attention",
        ],
        [
            "Data set size",
            "below 2 GB",
            "more than 10 GB",
            "not measured",
            "not measured",
            "a property of a study, not of a model",
        ],
        [
            "Application",
            "low-resource, fast",
            "high-precision, complex",
            f"{_time(small['seconds'])} a window",
            f"{_time(peer['seconds'])} a window",
            "speed is measured here; precision is a matter of held-out evaluation, not of this table",
        ],
    ]
    head = [
        "item",
        "AVF-BEL, printed",
        "transformers, printed",
        "AVF-BEL, measured",
        "transformer, measured",
        "verdict",
    ]
    return (
        "**As printed, beside it.** The paper names neither width nor heads of its peer; the smallest "
        "printed "
        "reading is taken: 12 layers, 768 units, 12 heads.\n\n" + _table(head, rows)
    )


def released_size() -> int:
    """Return how many limbic weights the released model has: vi (1, 2), wi (1, 2) and we (2, 2).

    Examples
    --------
    >>> released_size()
    8
    """
    return 1 * 2 + 1 * 2 + 2 * 2


def _bytes(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:.3g} {unit}"


def _time(value: float) -> str:
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def draw_growth(curves: Mapping[str, Any]) -> bytes:
    """Draw time and memory over the length of a sequence, both logarithmic, as PNG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from avfbel.runtime.figure import STYLE, encode_figure

    colours = ("#009e73", "#0072b2", "#d55e00", "#e69f00", "#5d3a9b")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6), dpi=200, layout="constrained")
        time, memory = figure.subplots(1, 2)
        for (name, curve), colour in zip(curves.items(), colours, strict=True):
            p = growth(curve)
            label = f"{name}: n^{p.time:.2f}, n^{p.memory:.2f}"
            time.loglog(curve["windows"], curve["seconds"], "o-", color=colour, markersize=3, label=label)
            held = np.array(curve["peak_bytes"]) / 1e6
            memory.loglog(curve["windows"], held, "o-", color=colour, markersize=3)
        time.set(xlabel="windows n", ylabel="time (s)")
        memory.set(xlabel="windows n", ylabel="activations held (MB)")
        title = "exponents of time and of memory in the longest lengths"
        figure.legend(
            loc="outside lower center", ncols=3, frameon=False, fontsize=6.5, title=title, title_fontsize=6.5
        )
    return encode_figure(figure, "png")
