"""Table 1 of the paper, measured: depth, parameters, operations, memory and time of each model.

The table compares AVF-BEL with multimodal transformers in words and orders of magnitude. Here both are built
and run. The measured cells are kept in table1.json beside this file; ``rerun`` measures them anew, on one
thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avfbel.brain.visual_cortex import VisualCortex
from avfbel.files import write_whole
from avfbel.published.measured import (
    AT_A_TIME,
    ATTENTION_WIDTH,
    FITTED,
    TRANSFORMER,
    growth,
    load_measured,
    measure_all,
)
from avfbel.published.report import write_report
from avfbel.published.transformer import PRINTED_LAYERS, Transformer


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
