"""The picture of a composition: the quantity over every pair of parameters, and where the clips lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.compose.search import Composition
from avfbel.compose.space import NAMES, position, positions_of
from avfbel.stimulus.parameters import RANGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GRID, N_AVERAGED = 21, 64
TICKS = {
    "bpm": (30, 60, 120, 240, 400),
    "jitter": (0, 50, 99),
    "consonance": (0, 18, 37),
    "bigsmall": (0, 50, 100),
    "updown": (0, 50, 100),
}
UNITS = {"bpm": "notes a minute", "jitter": "% of the beat", "updown": "% down"}
CLIP = "#D55E00"


def draw_space(composition: Composition) -> Figure:
    """Draw what the model would say over the parameter space, with the chosen clips.

    Below the diagonal, a panel shows a pair of parameters, averaged evenly over the other three. On the
    diagonal, a line shows one parameter, averaged over the other four, with the 10th and the 90th percentile
    over these; dots are the clips that were tried, numbers the chosen ones.

    Parameters
    ----------
    composition : Composition
        What a search came to.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    from matplotlib.figure import Figure

    n = len(NAMES)
    figure = Figure(figsize=(11, 9.4), dpi=110, layout="constrained")
    grid = figure.subplots(n, n, squeeze=False)
    pairs = {(row, column): _pair(composition, row, column) for row in range(n) for column in range(row)}
    shown = np.concatenate([plane.ravel() for plane in pairs.values()])
    levels = np.linspace(shown.min(), shown.max(), 13)
    chosen = positions_of([clip.parameters for clip in composition.clips])
    filled: Any = None
    for row in range(n):
        for column in range(n):
            axes = grid[row, column]
            if column > row:
                axes.set_axis_off()
                continue
            if column == row:
                _draw_one(axes, composition, row, chosen)
            else:
                filled = _draw_pair(axes, pairs[row, column], levels, chosen[:, [column, row]])
            _label(axes, row, column, last=row == n - 1)
    bar = figure.colorbar(filled, ax=grid[:2, 3:], location="top", shrink=0.9, format="%.2f")
    bar.set_label(f"{composition.wish.title}, mean over the other parameters")
    _caption(grid[2, 3], composition)
    return figure


def _pair(composition: Composition, row: int, column: int) -> NDArray[np.float64]:
    """Mean over the other parameters, shape (GRID, GRID): rows are of the parameter `row`."""
    line = np.linspace(0, 1, GRID)
    first, second = np.meshgrid(line, line)
    points = _others()[None].repeat(GRID * GRID, axis=0)
    points[:, :, column], points[:, :, row] = first.reshape(-1, 1), second.reshape(-1, 1)
    mean, _ = composition.surrogate.predict(points.reshape(-1, len(NAMES)))
    return np.asarray(mean.reshape(GRID, GRID, -1).mean(axis=2))


def _draw_pair(
    axes: Axes, plane: NDArray[np.float64], levels: NDArray[np.float64], chosen: NDArray[np.float64]
) -> Any:
    line = np.linspace(0, 1, GRID)
    filled = axes.contourf(line, line, plane, levels=levels, cmap="cividis", extend="both")
    axes.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04))
    for k, (x, y) in enumerate(chosen, 1):
        axes.plot(x, y, "o", color=CLIP, markersize=11, markeredgecolor="white", clip_on=False)
        axes.annotate(str(k), (x, y), ha="center", va="center_baseline", fontsize=7, color="white")
    return filled


def _draw_one(axes: Axes, composition: Composition, index: int, chosen: NDArray[np.float64]) -> None:
    line = np.linspace(0, 1, GRID)
    points = _others()[None].repeat(GRID, axis=0)
    points[:, :, index] = line[:, None]
    mean = composition.surrogate.predict(points.reshape(-1, len(NAMES)))[0].reshape(GRID, -1)
    low, high = np.percentile(mean, (10, 90), axis=1)
    axes.fill_between(line, low, high, color="0.85", linewidth=0)
    axes.plot(composition.positions[:, index], composition.values, ".", color="0.55", markersize=2)
    axes.plot(line, mean.mean(axis=1), color="black")
    if not composition.wish.of_emotion:
        axes.axhline(composition.wish.target, color=CLIP, linewidth=1, linestyle="--")
    for k, (place, clip) in enumerate(zip(chosen, composition.clips, strict=True), 1):
        axes.annotate(
            str(k), (place[index], clip.predicted), ha="center", va="center", fontsize=8, color=CLIP
        )
    axes.set(xlim=(-0.04, 1.04), title=f"{composition.wish.title} by {NAMES[index]}")
    axes.title.set_fontsize(8)
    axes.yaxis.tick_right()


def _label(axes: Axes, row: int, column: int, *, last: bool) -> None:
    axes.tick_params(labelsize=7)
    axes.set_xticks(_places(column), [str(tick) for tick in TICKS[NAMES[column]]] if last else [])
    if last:
        axes.set_xlabel(_name(column), fontsize=8)
    if column < row:
        first = column == 0
        axes.set_yticks(_places(row), [str(tick) for tick in TICKS[NAMES[row]]] if first else [])
        if first:
            axes.set_ylabel(_name(row), fontsize=8)


def _caption(axes: Axes, composition: Composition) -> None:
    wish = composition.wish
    asked = f"as much {wish.quantity} as can be had" if wish.of_emotion else f"{wish.title} {wish.target:g}"
    lines = [f"asked for: {asked}", f"{composition.n_tried} clips tried", ""]
    lines += [
        f"{k}  {clip.predicted:.2f}" + ("" if clip.written.told.in_range else "  (beyond training)")
        for k, clip in enumerate(composition.clips[:8], 1)
    ]
    axes.text(0, 1, "\n".join(lines), transform=axes.transAxes, va="top", fontsize=9)


def _others() -> NDArray[np.float64]:
    """Positions spread over the whole space, over which the other parameters are averaged."""
    from avfbel.compose.space import Space

    return Space.within().spread(N_AVERAGED, seed=0)


def _places(index: int) -> NDArray[np.float64]:
    ticks = TICKS[NAMES[index]]
    values = np.tile([low for low, _ in RANGES.values()], (len(ticks), 1)).astype(np.float64)
    values[:, index] = ticks
    return position(values)[:, index]


def _name(index: int) -> str:
    name = NAMES[index]
    return f"{name} ({UNITS[name]})" if name in UNITS else name
