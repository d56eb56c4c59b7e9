"""The figure of an attribution: what contributes to positivity over the time of a clip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.runtime.attribution import PATHWAYS, REFERENCE, SOURCES
from avfbel.runtime.figure import FAINT, INK, STYLE, draw_course, window_edges, write_title
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from avfbel.runtime.analysis import Analysis

FIGURE_SIZE = (7.2, 6.4)  # inches: two columns of a journal page

_WARM = ("#7f0000", "#c51b3a", "#e78ac3", "#d95f0e", "#f7a072", "#f2b701", "#fdeaa0")
_COOL = ("#08306b", "#2171b5", "#7fb8de", "#1b7837", "#8ccf8a")
# What is heard is warm, what is seen is cool, what either is on average is pale.
SOURCE_COLOURS = {
    ("audio", REFERENCE): "#e6dad5",
    ("video", REFERENCE): "#d3dce4",
    **{("audio", name): colour for name, colour in zip(ALL_ACOUSTIC, _WARM, strict=True)},
    **{("video", name): colour for name, colour in zip(VISUAL_FEATURES, _COOL, strict=True)},
}
PATHWAY_COLOURS = dict(zip(PATHWAYS, ("#e69f00", "#56b4e9", "#009e73", "#5d3a9b"), strict=True))


def draw_attribution(analysis: Analysis) -> Figure:
    """Draw contributions to EPP, stacked from the neutral line, by feature and by pathway.

    What makes a window more positive is stacked upwards, what makes it more negative downwards; the line is
    EPP, 0.5 and all contributions.

    Parameters
    ----------
    analysis : Analysis
        An analysis that holds contributions.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, not tied to any screen.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    told = contributions(analysis)
    by_source = dict(zip(SOURCES, told.sum(axis=2).T, strict=True))
    by_pathway = dict(zip(PATHWAYS, told.sum(axis=1).T, strict=True))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=FIGURE_SIZE, dpi=200)
        place: Any = {"left": 0.1, "right": 0.75, "top": 0.9, "bottom": 0.075}
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1.15), gridspec_kw=place)
        _draw_stack(upper, analysis, {source: by_source[source] for source in SOURCE_COLOURS}, SOURCE_COLOURS)
        _draw_stack(lower, analysis, by_pathway, PATHWAY_COLOURS)
        _source_key(upper)
        _key(lower, "pathway", PATHWAY_COLOURS.items(), 1.0)
        for letter, ax in zip("ab", (upper, lower), strict=True):
            ax.annotate(letter, (-0.13, 1.02), xycoords="axes fraction", weight="bold", size=10, va="bottom")
        lower.set(xlim=(0, analysis.duration_s), xlabel="time (s)")
        write_title(figure, analysis, left=0.1, right=0.96)
    return figure


def contributions(analysis: Analysis) -> NDArray[np.float64]:
    """Return the contributions of all windows, shape (n, 14, 4), by `SOURCES` and `PATHWAYS`."""
    values = [list((window.attribution or {}).values()) for window in analysis.windows]
    return np.array(values).reshape(len(values), len(SOURCES), len(PATHWAYS))


def _draw_stack(
    ax: Axes, analysis: Analysis, parts: Mapping[Any, NDArray[np.float64]], colours: Mapping[Any, str]
) -> None:
    edges = window_edges(analysis)
    ends = {+1: np.full(len(analysis.windows), 0.5), -1: np.full(len(analysis.windows), 0.5)}
    for name, part in parts.items():
        for sign, end in ends.items():
            height = np.where(sign * part > 0, part, 0.0)
            style: Any = {"color": colours[name], "linewidth": 0, "align": "edge"}
            ax.bar(edges[:-1], height, np.diff(edges), bottom=end, **style)
            end += height
    ax.axhline(0.5, color=INK, linewidth=0.7, linestyle=(0, (4, 3)))
    epp = [window.epp for window in analysis.windows]
    draw_course(ax, analysis, epp, color="white", linewidth=3.2, marker=False)
    draw_course(ax, analysis, epp, color=INK, linewidth=1.5)
    low, high = min(0.45, *ends[-1]), max(0.55, *ends[+1])
    margin = 0.05 * (high - low)
    ax.set(ylim=(low - margin, high + margin), ylabel="EPP (line) and its parts")


def _source_key(ax: Axes) -> None:
    """Name the colours of what is heard and of what is seen, one list below the other."""
    height = 1.0
    for sense, title in (("audio", "heard"), ("video", "seen")):
        names = [(name, colour) for (of, name), colour in SOURCE_COLOURS.items() if of == sense]
        names = [(f"{name} (all average)" if name == REFERENCE else name, colour) for name, colour in names]
        _key(ax, title, names, height)
        height -= 0.052 * (len(names) + 1.7)


def _key(ax: Axes, title: str, names: Any, height: float) -> None:
    from matplotlib.patches import Patch

    place: Any = {"loc": "upper left", "bbox_to_anchor": (1.0, height), "borderaxespad": 0.0}
    key = ax.legend(
        handles=[Patch(facecolor=colour, label=name) for name, colour in names],
        title=title,
        alignment="left",
        frameon=False,
        fontsize=7,
        title_fontproperties={"size": 7.5, "weight": "bold"},
        handlelength=1.1,
        handleheight=0.9,
        labelspacing=0.25,
        **place,
    )
    key.get_title().set_color(FAINT)
    ax.add_artist(key)
