"""The figure of an analysis: positivity, emotions, regions and gates over the time of the clip."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import EMOTIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from avfbel.runtime.analysis import Analysis

# Colours of Okabe and Ito (2008), which can be told apart with any colour vision.
EMOTION_COLOURS = {
    "fear": "#5d3a9b",
    "sadness": "#0072b2",
    "anger": "#d55e00",
    "calm": "#009e73",
    "happiness": "#e69f00",
}
GATE_COLOURS = {"audio": "#cc79a7", "video": "#56b4e9"}
FIGURE_SIZE = (7.2, 7.4)  # inches: two columns of a journal page
_INK, _FAINT = "#222222", "#8a8a8a"
_STYLE: Any = {
    "font.size": 8,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.linewidth": 0.7,
    "axes.titlesize": 8,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "hatch.linewidth": 0.5,
    "pdf.fonttype": 42,
    "svg.hashsalt": "avfbel",
}


def draw(analysis: Analysis) -> Figure:
    """Draw an analysis on four panels that share the time of the clip.

    Each window is drawn at its middle. EPP has its neutral line, and a grey band where a window lies outside
    what the model was trained on. Region activity is scaled to each region's own range, which stands beside
    its row; a region that does not change is grey.

    Parameters
    ----------
    analysis : Analysis
        The result to draw.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, not tied to any screen.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=FIGURE_SIZE, dpi=200)
        grid = figure.add_gridspec(
            4,
            1,
            height_ratios=(2.2, 1.8, 2.6, 1.3),
            hspace=0.28,
            left=0.13,
            right=0.86,
            top=0.925,
            bottom=0.065,
        )
        axes = [figure.add_subplot(grid[0])]
        axes += [figure.add_subplot(grid[row], sharex=axes[0]) for row in (1, 2, 3)]
        times, edges = _times(analysis)
        _draw_epp(axes[0], analysis, times, edges)
        _draw_emotions(axes[1], analysis, times)
        _draw_regions(axes[2], analysis, edges)
        _draw_gates(axes[3], analysis, times)
        for letter, ax in zip("abcd", axes, strict=True):
            ax.text(-0.135, 1.0, letter, transform=ax.transAxes, weight="bold", size=10, va="bottom")
            ax.tick_params(labelbottom=ax is axes[-1])
        axes[-1].set_xlim(0, analysis.duration_s)
        axes[-1].set_xlabel("time (s)")
        _title(figure, analysis)
    return figure


def encode_figure(figure: Figure, ending: str) -> bytes:
    """Return a figure as the content of a file with this ending (png, svg or pdf)."""
    from avfbel.errors import UsageError

    if ending not in figure.canvas.get_supported_filetypes():
        raise UsageError(f"no pictures end in .{ending}: choose .png, .svg or .pdf")
    content = io.BytesIO()
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(ending)
    figure.savefig(content, format=ending, metadata=undated)
    return content.getvalue()


def _times(analysis: Analysis) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle of each window, and the edges of the cell drawn for it."""
    middles = np.array([(window.start_s + window.end_s) / 2 for window in analysis.windows])
    between = (middles[1:] + middles[:-1]) / 2
    return middles, np.concatenate([[0.0], between, [analysis.duration_s]])


def _draw_epp(ax: Axes, analysis: Analysis, times: NDArray[np.float64], edges: NDArray[np.float64]) -> None:
    epp = np.array([window.epp for window in analysis.windows])
    for (left, right), window in zip(pairwise(edges), analysis.windows, strict=True):
        if not window.in_range:
            ax.axvspan(left, right, facecolor="#ececec", edgecolor="none", zorder=0)
    ax.axhline(0.5, color=_INK, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)
    _line(ax, times, epp, color=_INK, width=1.6)
    low = [window.epp_low for window in analysis.windows]
    high = [window.epp_high for window in analysis.windows]
    if None not in low and None not in high:
        ax.fill_between(
            times, np.array(low, float), np.array(high, float), color=_INK, alpha=0.15, linewidth=0
        )
    silent = np.array([not window.evidence for window in analysis.windows])
    ax.plot(times[silent], epp[silent], "o", markersize=4, markerfacecolor="white", markeredgecolor=_INK)
    ax.set(ylim=(0, 1), yticks=(0, 0.25, 0.5, 0.75, 1), ylabel="EPP")
    for height, word in ((0.97, "positive"), (0.5, "neutral"), (0.03, "negative")):
        place = {0.97: "top", 0.5: "center", 0.03: "bottom"}[height]
        ax.annotate(
            word, (1.01, height), xycoords="axes fraction", color=_FAINT, va=place, annotation_clip=False
        )
    _draw_key(ax, analysis, bool(silent.any()))


def _draw_key(ax: Axes, analysis: Analysis, any_silent: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    key: list[Any] = []
    if not all(window.in_range for window in analysis.windows):
        key.append(Patch(facecolor="#ececec", label="outside what the model was trained on"))
    if any_silent:
        key.append(
            Line2D([], [], marker="o", linestyle="", markersize=4, color=_INK, markerfacecolor="white")
        )
        key[-1].set_label("no evidence")
    if key:
        ax.legend(
            handles=key, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False, borderpad=0
        )


def _draw_emotions(ax: Axes, analysis: Analysis, times: NDArray[np.float64]) -> None:
    ends = {}
    for name in EMOTIONS:
        values = np.array([getattr(window.emotion, name) for window in analysis.windows])
        _line(ax, times, values, color=EMOTION_COLOURS[name], width=1.3)
        ends[name] = float(values[-1])
    ax.set(ylabel="emotion\n(rating / 127)")
    ax.set_ylim(0, max(0.1, 1.05 * ax.dataLim.y1))
    _label_ends(ax, ends, EMOTION_COLOURS)


def _draw_regions(ax: Axes, analysis: Analysis, edges: NDArray[np.float64]) -> None:
    names = list(analysis.windows[0].regions)
    activity = np.array([list(window.regions.values()) for window in analysis.windows]).T
    low, high = activity.min(axis=1, keepdims=True), activity.max(axis=1, keepdims=True)
    span = high - low
    scaled = np.divide(activity - low, span, out=np.full_like(activity, np.nan), where=span > 0)
    rows = np.arange(len(names) + 1) - 0.5
    ax.set_facecolor("#d9d9d9")  # where a region does not change
    mesh = ax.pcolormesh(edges, rows, scaled, cmap="cividis", vmin=0, vmax=1, rasterized=True)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.spines[:].set_visible(False)
    ax.invert_yaxis()
    for row, (smallest, largest) in enumerate(zip(low[:, 0], high[:, 0], strict=True)):
        text = f"{smallest:.3g}" if smallest == largest else f"{smallest:.2g} – {largest:.2g}"
        ax.annotate(
            text, (1.01, row), xycoords=("axes fraction", "data"), va="center", size=6.5, color=_FAINT
        )
    ax.set_ylabel("region")
    bar = ax.inset_axes((0.80, 1.035, 0.20, 0.03))
    colours = ax.figure.colorbar(mesh, cax=bar, orientation="horizontal", ticks=[])
    colours.outline.set_visible(False)
    for x, side, word in ((-0.03, "right", "activity: least"), (1.03, "left", "most")):
        bar.text(x, 0.5, word, transform=bar.transAxes, ha=side, va="center", size=7, color=_INK)


def _draw_gates(ax: Axes, analysis: Analysis, times: NDArray[np.float64]) -> None:
    ends = {}
    for sense, colour in GATE_COLOURS.items():
        attention = np.array([getattr(window, f"gate_{sense}") for window in analysis.windows])
        evidence = np.array([getattr(window, f"g_{sense}") for window in analysis.windows])
        _line(ax, times, attention, color=colour, width=1.3)
        _line(ax, times, evidence, color=colour, width=0.9, style=(0, (1, 1.5)))
        ends[sense] = float(attention[-1])
    ax.set(ylabel="gate")
    ax.set_ylim(0, 1.08 * max(1.0, ax.dataLim.y1))
    _label_ends(ax, ends, GATE_COLOURS)
    from matplotlib.lines import Line2D

    key = [
        Line2D([], [], color=_INK, linewidth=1.3, label="attention"),
        Line2D([], [], color=_INK, linewidth=0.9, linestyle=(0, (1, 1.5)), label="evidence"),
    ]
    ax.legend(handles=key, loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=2, frameon=False, borderpad=0)


def _line(
    ax: Axes,
    times: NDArray[np.float64],
    values: NDArray[np.float64],
    *,
    color: str,
    width: float,
    style: Any = "-",
) -> None:
    """Draw a course over time; few windows are marked one by one, since a single one makes no line."""
    marker: Any = {"marker": "o", "markersize": 2.0 + width} if len(times) <= 24 else {}
    ax.plot(times, values, color=color, linewidth=width, linestyle=style, clip_on=False, **marker)


def _label_ends(ax: Axes, ends: dict[str, float], colours: dict[str, str]) -> None:
    """Write each name beside the end of its line, apart from one another."""
    low, high = ax.get_ylim()
    height_pt = ax.get_position().height * FIGURE_SIZE[1] * 72
    step = 9.5 * (high - low) / height_pt
    names = sorted(ends, key=lambda name: ends[name])
    places = [ends[name] for name in names]
    for _ in range(100):  # push neighbours apart until none overlap
        for i, (below, above) in enumerate(pairwise(places)):
            push = (step - (above - below)) / 2
            if push > 1e-9:
                places[i], places[i + 1] = max(low, below - push), above + push
    for name, place in zip(names, places, strict=True):
        ax.annotate(
            name,
            (1.01, place),
            xycoords=("axes fraction", "data"),
            color=colours[name],
            va="center",
            annotation_clip=False,
        )


def _title(figure: Figure, analysis: Analysis) -> None:
    from pathlib import PurePath

    settings = analysis.provenance["settings"]
    unused = {"audio": ", sound only", "video": ", picture only"}.get(settings["modality"], "")
    figure.text(0.13, 0.975, PurePath(analysis.media).name, size=10, weight="bold", va="center")
    figure.text(
        0.86,
        0.975,
        f"EPP {analysis.epp:.2f}   valence {analysis.valence:.2f}   intensity {analysis.intensity:.2f}",
        ha="right",
        va="center",
    )
    figure.text(
        0.13,
        0.953,
        f"{len(analysis.windows)} windows of {settings['window']:g} s every {settings['hop']:g} s{unused}; "
        f"model {analysis.model['name']} {analysis.model['version']}",
        color=_FAINT,
        va="center",
        size=7,
    )
