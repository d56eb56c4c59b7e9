"""The figure of an analysis: positivity, emotions, regions and gates over the time of the clip."""

from __future__ import annotations

import io
from collections.abc import Iterable
from itertools import pairwise
from os import PathLike
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import EMOTIONS
from avfbel.errors import UsageError
from avfbel.files import write_whole

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
SENSE_COLOURS = {"audio": "#b0508a", "video": "#3f9bd1"}
FIGURE_SIZE = (7.2, 7.6)  # inches: two columns of a journal page
FEW_WINDOWS = 24  # up to so many, windows are marked one by one

INK, FAINT, _OUTSIDE, _CONSTANT = "#222222", "#767676", "#ebebeb", "#d9d9d9"
_EVIDENCE: Any = (0, (1, 1.4))
STYLE: Any = {
    "font.size": 8,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "text.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "pdf.fonttype": 42,
    "svg.hashsalt": "avfbel",
}


def draw(analysis: Analysis) -> Figure:
    """Draw an analysis on four panels that share the time of the clip.

    Each window is drawn at its middle, the first and last ones out to the ends of the clip. EPP has its
    neutral line, and a grey band where a window lies outside what the model was trained on. The activity of a
    region is scaled to its own range, which stands beside its row; one that does not change is grey.

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

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=FIGURE_SIZE, dpi=200)
        grid = figure.add_gridspec(
            4, 1, height_ratios=(2.2, 2, 2.7, 1.4), hspace=0.3, left=0.135, right=0.86, top=0.91, bottom=0.062
        )
        axes = [figure.add_subplot(grid[0])]
        axes += [figure.add_subplot(grid[row], sharex=axes[0]) for row in (1, 2, 3)]
        for drawn, ax in zip((_draw_epp, _draw_emotions, _draw_regions, _draw_gates), axes, strict=True):
            drawn(ax, analysis)
        for letter, ax in zip("abcd", axes, strict=True):
            ax.annotate(letter, (-0.155, 1.02), xycoords="axes fraction", weight="bold", size=10, va="bottom")
            ax.tick_params(labelbottom=ax is axes[-1])
        axes[-1].set(xlim=(0, analysis.duration_s), xlabel="time (s)")
        figure.align_ylabels([ax for ax in axes if ax.get_ylabel()])
        write_title(figure, analysis)
    return figure


def encode_figure(figure: Figure, ending: str) -> bytes:
    """Return a figure as the content of a file with this ending (png, svg or pdf), without the date."""
    import matplotlib as mpl

    if ending not in figure.canvas.get_supported_filetypes():
        raise UsageError(f"no pictures end in .{ending}: choose .png, .svg or .pdf")
    content = io.BytesIO()
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(ending)
    with mpl.rc_context(STYLE):
        figure.savefig(content, format=ending, metadata=undated)
    return content.getvalue()


def save_figure(figure: Figure, path: str | PathLike[str]) -> Path:
    """Write a figure, whole or not at all, in the format that the ending of `path` names; png without one."""
    return write_whole(path, encode_figure(figure, PurePath(path).suffix.lstrip(".") or "png"))


def _draw_epp(ax: Axes, analysis: Analysis) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    windows = analysis.windows
    for (left, right), window in zip(pairwise(window_edges(analysis)), windows, strict=True):
        if not window.in_range:
            ax.axvspan(left, right, facecolor=_OUTSIDE, edgecolor="none", zorder=0)
    ax.axhline(0.5, color=INK, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)
    low, high = (np.array([getattr(w, name) for w in windows], float) for name in ("epp_low", "epp_high"))
    known = np.isfinite(low) & np.isfinite(high)  # there is none where a window is out of range
    if known.any():
        middles = window_middles(analysis)
        ax.fill_between(middles, low, high, where=known, color="#cccccc", linewidth=0)
        alone = known & ~np.append(known[1:], False) & ~np.append(False, known[:-1])
        if alone.any():
            ax.vlines(middles[alone], low[alone], high[alone], color="#cccccc", linewidth=3)
    draw_course(ax, analysis, (w.epp for w in windows), color=INK, linewidth=1.6)
    blank = [
        (middle, w.epp) for middle, w in zip(window_middles(analysis), windows, strict=True) if not w.evidence
    ]
    style: Any = {
        "marker": "o",
        "linestyle": "",
        "markersize": 3.6,
        "color": INK,
        "markerfacecolor": "white",
    }
    ax.plot(*np.array(blank).reshape(-1, 2).T, zorder=3, **style)
    ax.set(ylim=(0, 1), yticks=(0, 0.25, 0.5, 0.75, 1), ylabel="EPP")
    for height, place, word in (
        (1.0, "top", "positive"),
        (0.5, "center", "neutral"),
        (0.0, "bottom", "negative"),
    ):
        ax.annotate(word, (1.012, height), xycoords="axes fraction", color=FAINT, va=place)
    key: list[Any] = []
    if not all(window.in_range for window in windows):
        key.append(Patch(facecolor=_OUTSIDE, label="outside what the model was trained on"))
    if blank:
        key.append(Line2D([], [], label="no evidence", **style))
    _key(ax, key)


def _draw_emotions(ax: Axes, analysis: Analysis) -> None:
    ends = {}
    for name in EMOTIONS:
        values = [getattr(window.emotion, name) for window in analysis.windows]
        draw_course(ax, analysis, values, color=EMOTION_COLOURS[name], linewidth=1.3)
        ends[name] = values[-1]
    ax.set(ylabel="emotion (rating / 127)", ylim=(0, max(0.1, 1.05 * ax.dataLim.y1)))
    _label_ends(ax, ends, EMOTION_COLOURS)


def _draw_regions(ax: Axes, analysis: Analysis) -> None:
    from matplotlib.patches import Patch

    names = list(analysis.windows[0].regions)
    activity = np.array([list(window.regions.values()) for window in analysis.windows]).T
    low, high = activity.min(axis=1, keepdims=True), activity.max(axis=1, keepdims=True)
    changes = high - low > 1e-6 * np.abs(high)  # below that, it is the rounding of single precision
    scaled = np.divide(activity - low, high - low, out=np.full_like(activity, np.nan), where=changes)
    ax.set_facecolor(_CONSTANT)
    borders = np.arange(len(names) + 1) - 0.5
    mesh = ax.pcolormesh(
        window_edges(analysis), borders, scaled, cmap="cividis", vmin=0, vmax=1, rasterized=True
    )
    ax.hlines(borders[1:-1], 0, analysis.duration_s, color="white", linewidth=0.6)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.spines[:].set_visible(False)
    ax.set_ylim(borders[-1], borders[0])
    where: Any = {"xycoords": ("axes fraction", "data"), "va": "center", "size": 6.5, "color": FAINT}
    for row, bounds in enumerate(zip(low[:, 0], high[:, 0], changes[:, 0], strict=True)):
        ax.annotate(_range_text(*bounds), (1.012, row), **where)
    if changes.any():
        bar = ax.inset_axes((0.78, 1.035, 0.17, 0.032))
        colours: Any = ax.figure.colorbar(mesh, cax=bar, orientation="horizontal", ticks=[])
        colours.outline.set_visible(False)
        for x, side, word in ((-0.03, "right", "activity: region's least"), (1.04, "left", "most")):
            bar.text(x, 0.5, word, transform=bar.transAxes, ha=side, va="center_baseline", size=7)
    else:
        _key(ax, [Patch(facecolor=_CONSTANT, label="activity: constant, value on the right")])


def _draw_gates(ax: Axes, analysis: Analysis) -> None:
    from matplotlib.lines import Line2D

    ends = {}
    for sense, colour in SENSE_COLOURS.items():
        attention = [getattr(window, f"gate_{sense}") for window in analysis.windows]
        evidence = [getattr(window, f"g_{sense}") for window in analysis.windows]
        draw_course(ax, analysis, evidence, color=colour, linewidth=1.0, linestyle=_EVIDENCE, marker=False)
        draw_course(ax, analysis, attention, color=colour, linewidth=1.3)
        ends[sense] = attention[-1]
    ax.set(ylabel="gate", ylim=(0, 1.05 * max(1.0, ax.dataLim.y1)))
    _label_ends(ax, ends, SENSE_COLOURS)
    lines = {"attention": ("-", 1.3), "evidence": (_EVIDENCE, 1.0)}
    _key(ax, [Line2D([], [], color=INK, label=n, linestyle=s, linewidth=w) for n, (s, w) in lines.items()])


def window_middles(analysis: Analysis) -> NDArray[np.float64]:
    """Return the middles of the windows, in s."""
    return np.array([(window.start_s + window.end_s) / 2 for window in analysis.windows])


def window_edges(analysis: Analysis) -> NDArray[np.float64]:
    """Return the borders between windows, in s: halfway between their middles, and the ends of the clip."""
    middles = window_middles(analysis)
    return np.concatenate([[0.0], (middles[1:] + middles[:-1]) / 2, [analysis.duration_s]])


def draw_course(
    ax: Axes, analysis: Analysis, values: Iterable[float], *, marker: bool = True, **style: Any
) -> None:
    """Draw a course over time, level from the outermost middles of windows to the ends of the clip."""
    course = list(values)
    times = [0.0, *window_middles(analysis), analysis.duration_s]
    if marker and len(course) <= FEW_WINDOWS:
        style |= {"marker": "o", "markersize": 3.2, "markevery": slice(1, len(course) + 1)}
    ax.plot(times, [course[0], *course, course[-1]], clip_on=False, **style)


def _range_text(low: float, high: float, changes: bool) -> str:
    """Write a range with as many digits as it takes to tell its ends apart."""
    if not changes:
        return f"{high:.3g}"
    digits = next((n for n in range(2, 8) if f"{low:.{n}g}" != f"{high:.{n}g}"), 8)
    return f"{low:.{digits}g} – {high:.{digits}g}"


def _key(ax: Axes, entries: list[Any]) -> None:
    if entries:
        place: Any = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.99), "borderaxespad": 0.2}
        ax.legend(handles=entries, ncols=len(entries), frameon=False, fontsize=7, handlelength=1.8, **place)


def _label_ends(ax: Axes, ends: dict[str, float], colours: dict[str, str]) -> None:
    """Write each name beside the end of its line, far enough apart to be read."""
    low, high = ax.get_ylim()
    step = 9.0 * (high - low) / (ax.get_position().height * FIGURE_SIZE[1] * 72)
    names = sorted(ends, key=lambda name: ends[name])
    places = [ends[name] for name in names]
    for _ in range(50):  # part neighbours evenly, then make sure that none leaves the panel
        for i, (below, above) in enumerate(pairwise(places)):
            push = max(0.0, step - (above - below)) / 2
            places[i], places[i + 1] = below - push, above + push
    for i in range(len(places)):
        places[i] = max(places[i], places[i - 1] + step if i else low)
    for i in reversed(range(len(places))):
        places[i] = min(places[i], places[i + 1] - step if i + 1 < len(places) else high)
    for name, place in zip(names, places, strict=True):
        where: Any = ("axes fraction", "data")
        ax.annotate(
            name, (1.012, place), xycoords=where, color=colours[name], va="center", annotation_clip=False
        )


def write_title(figure: Figure, analysis: Analysis, *, left: float = 0.135, right: float = 0.86) -> None:
    """Write on top what was analysed, how, and with what result; `left`, `right` are shares of the width."""
    settings, model = analysis.provenance["settings"], analysis.model
    n = len(analysis.windows)
    unused = {"audio": ", sound only", "video": ", picture only"}.get(settings["modality"], "")
    numbers = f"EPP {analysis.epp:.2f}   valence {analysis.valence:.2f}   intensity {analysis.intensity:.2f}"
    how = (
        f"{n} window{'s' * (n != 1)} of {settings['window']:g} s every {settings['hop']:g} s{unused}; "
        f"model {model['name']} {model['version']}"
    )
    name = PurePath(analysis.media).name
    name = name if len(name) <= 44 else f"{name[:30]}…{name[-13:]}"
    figure.text(left, 0.975, name, size=10, weight="bold", va="center")
    figure.text(right, 0.975, numbers, ha="right", va="center")
    figure.text(left, 0.953, how, size=7, color=FAINT, va="center")
