"""Heat maps of the limbic system, as in Fig. 9 of the paper: V, U, W, and A, O, E at some stimuli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import EMOTIONS
from avfbel.interpret.weights import LimbicMaps, Sparsity
from avfbel.runtime.figure import FAINT, INK, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (7.2, 7.4)  # inches: two columns of a journal page
_FEW = 40  # up to so many units, all are named if they have names


def draw_maps(maps: LimbicMaps) -> Figure:
    """Draw the six maps, each on its own scale around 0, with its sparsity below its name.

    Parameters
    ----------
    maps : LimbicMaps
        Weights and activity.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, not tied to any screen.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    sparse = maps.sparsity()
    titles = {"V": "V, amygdala", "U": "U, orbitofrontal", "W": "W, prefrontal"}
    with mpl.rc_context({**STYLE, "axes.titlesize": 8}):
        figure = Figure(figsize=SIZE, dpi=200, layout="constrained")
        halves: Any = figure.subfigures(2, 1, height_ratios=(1, 1))
        upper = halves[0].subplots(1, 3, width_ratios=(1, 1, 2))
        for ax, (name, values) in zip(upper, maps.weights.items(), strict=True):
            _heat(ax, values, titles[name], sparse[name])
            _name_units(ax, maps.units, named=name == "V")
            columns = maps.units if name == "W" else EMOTIONS
            if name != "W":
                ax.set_xticks(range(len(columns)), columns, rotation=90, size=6.5)
            else:
                ax.set_xlabel("unit")
        lower = halves[1].subplots(1, 3, width_ratios=(1.5, 1.5, 1))
        for ax, name, values in zip(lower, "AO", (maps.amygdala, maps.orbitofrontal), strict=False):
            side_by_side = np.concatenate(list(values), axis=1)
            _heat(ax, side_by_side, f"{name} = x {'V' if name == 'A' else 'U'}", sparse[name])
            _name_units(ax, maps.units, named=name == "A")
            _name_stimuli(ax, maps.stimuli)
        _heat(lower[2], maps.emotion, "E", sparse["E"])
        lower[2].set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=90, size=6.5)
        lower[2].set_yticks(range(len(maps.stimuli)), maps.stimuli, size=6.5)
        figure.supxlabel(f"model {maps.model}", size=6.5, color=FAINT, x=0.99, ha="right")
    return figure


def _heat(ax: Axes, values: NDArray[np.float64], title: str, sparse: Sparsity) -> None:
    limit = float(np.abs(values).max()) or 1.0
    style: Any = {"cmap": "PuOr", "aspect": "auto", "interpolation": "nearest"}
    mesh = ax.imshow(values, vmin=-limit, vmax=limit, **style)
    hoyer = "" if np.isnan(sparse.hoyer) else f", Hoyer {sparse.hoyer:.2f}"
    ax.set_title(f"{title}\n0: {sparse.zeros:.0%}, near 0: {sparse.near_zero:.0%}{hoyer}", size=7)
    ax.spines[:].set_visible(False)
    if not values.any():
        ax.text(0.5, 0.5, "all 0", transform=ax.transAxes, ha="center", va="center", color=INK)
        return
    bar = ax.figure.colorbar(mesh, ax=ax, location="bottom", ticks=[-limit, 0, limit], aspect=14)
    bar.ax.set_xticklabels([f"−{limit:.2g}", "0", f"{limit:.2g}"], size=6)


def _name_units(ax: Axes, units: tuple[str, ...], *, named: bool) -> None:
    if not named:
        ax.set_yticks([])
    elif len(units) <= _FEW and units != tuple(str(k) for k in range(len(units))):
        ax.set_yticks(range(len(units)), units, size=5)
    else:
        ax.set_yticks([0, len(units) - 1])
        ax.set_ylabel("unit of the fused code")


def _name_stimuli(ax: Axes, stimuli: tuple[str, ...]) -> None:
    q = len(EMOTIONS)
    for n in range(1, len(stimuli)):
        ax.axvline(n * q - 0.5, color=INK, linewidth=0.6)
    middles = [n * q + (q - 1) / 2 for n in range(len(stimuli))]
    ax.set_xticks(middles, stimuli, size=6.5, rotation=90 if len(stimuli) > 5 else 30)
    ax.set_xlabel("fear … happiness in each", size=6.5)
