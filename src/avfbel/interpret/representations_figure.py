"""The figure of representational similarity: how alike each candidate is to people, below their ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.interpret.representations import square
from avfbel.runtime.figure import FAINT, INK, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.2  # inches: two columns of a journal page


def draw_likeness(found: Mapping[str, Any], rdms: Mapping[str, NDArray[np.float64]], order: Any) -> Figure:
    """Draw rank correlations with the raters for each way to perceive stimuli, and some of the RDMs.

    Filled marks are regions of the model, open ones what they are held against: generating parameters,
    measured features, untrained cortices. The grey band is the noise ceiling; bars are 95 % intervals over
    stimuli.

    Parameters
    ----------
    found : mapping
        For each way to perceive, a comparison as `told` gives it.
    rdms : mapping of str to ndarray
        RDMs to show, as vectors, by their titles.
    order : sequence of int
        The order of stimuli in them.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, not tied to any screen.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({**STYLE, "axes.titlesize": 8}):
        figure = Figure(figsize=(WIDTH, 5.6), dpi=200, layout="constrained")
        halves: Any = figure.subfigures(2, 1, height_ratios=(2.6, 1))
        upper, lower = halves
        names = max((list(of["candidates"]) for of in found.values()), key=len)
        axes = upper.subplots(1, len(found), sharey=True, sharex=True)
        for ax, (perceived, of) in zip(np.atleast_1d(axes), found.items(), strict=True):
            _draw_candidates(ax, of, names)
            ax.set_title(perceived)
        np.atleast_1d(axes)[len(found) // 2].set_xlabel(
            "rank correlation with the distances that people rated"
        )
        for ax, (title, vector) in zip(
            np.atleast_1d(lower.subplots(1, len(rdms))), rdms.items(), strict=True
        ):
            matrix = square(np.argsort(np.argsort(vector)).astype(np.float64))
            ax.imshow(matrix[np.ix_(order, order)], cmap="cividis", interpolation="nearest")
            ax.set(xticks=[], yticks=[], title=title)
    return figure


def _draw_candidates(ax: Axes, of: Mapping[str, Any], names: list[str]) -> None:
    if of["ceiling"]:
        ax.axvspan(*of["ceiling"], color="#dddddd", linewidth=0, zorder=0)
    ax.axvline(0, color=FAINT, linewidth=0.7)
    for y, name in enumerate(names):
        if name not in of["candidates"]:
            continue
        rho, low, high = of["candidates"][name]["rho"]
        held_against = name in ("parameters", "features") or name.endswith("untrained")
        ax.plot([low, high], [y, y], color=FAINT if held_against else INK, linewidth=1.1)
        face = "white" if held_against else INK
        ax.plot(rho, y, "o", color=FAINT if held_against else INK, markerfacecolor=face, markersize=4.2)
    ax.set_yticks(range(len(names)), names, size=7)
    ax.set_ylim(len(names) - 0.4, -0.6)
