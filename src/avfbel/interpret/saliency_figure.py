"""The figure of saliency: a film strip under each stage and under occlusion, and the sound below."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.interpret.occlusion import cell_sums
from avfbel.interpret.saliency import INPUT
from avfbel.interpret.saliency_clip import PEAKS_PER_S, ClipSaliency, WindowSaliency
from avfbel.interpret.saliency_overlay import COOL, WARM, blend, on_picture, strongest
from avfbel.runtime.figure import FAINT, INK, STYLE
from avfbel.senses.media import Frame, open_media

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 6
"""Windows of which the film strip is made, at most."""

# inches
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 7.2, 1.05, 0.15, 0.72, 0.42
_TILE_HEIGHT, _SPACE, _SOUND, _BEFORE_SOUND = 0.95, 0.05, 1.1, 0.3
_WARM, _COOL = (tuple(np.array(colour) / 255) for colour in (WARM, COOL))


class Row(NamedTuple):
    """One row of the strip."""

    name: str
    maps: list[NDArray[Any]]
    """One a window that is shown, (s, s)."""
    smooth: bool
    """Whether values are interpolated between places."""
    scale: float
    """Magnitude that is shown strongest, in EPP."""


def draw_saliency(told: ClipSaliency, path: str | PathLike[str]) -> Figure:
    """Draw where in the picture and when in the sound the EPP of a file comes from.

    Columns are windows, evenly spread, shown by the picture in their middle. Rows are the picture itself,
    the gradient map, its sums over cells above what occlusion of the cells changes, and the maps of the
    areas; each row has one scale, told at its left. Below, the sound and what each stretch of it changes.

    Parameters
    ----------
    told : ClipSaliency
        The saliency of a file.
    path : path
        The file, from which the pictures are taken.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, not tied to any screen.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    shown = spread(told.windows) if told.has_picture else []
    rows = rows_of(shown) if shown else []
    strip = (1 + len(rows)) * (_TILE_HEIGHT + _SPACE) if shown else 0.0
    sound = _SOUND + _BEFORE_SOUND if told.has_sound else 0.0
    height = _TOP + strip + sound + _BOTTOM
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, height), dpi=200)
        if shown:
            _draw_strip(figure, shown, rows, stills(path, [_middle(window) for window in shown]))
        if told.has_sound:
            size = (_WIDTH - _LEFT - _RIGHT) / _WIDTH, _SOUND / height
            _draw_sound(figure.add_axes((_LEFT / _WIDTH, _BOTTOM / height, *size)), told)
        _write_title(figure, told)
    return figure


def spread(windows: Sequence[WindowSaliency], n: int = COLUMNS) -> list[WindowSaliency]:
    """Return at most n windows, evenly spread, the first and the last among them."""
    at = np.unique(np.linspace(0, len(windows) - 1, min(n, len(windows))).round().astype(int))
    return [windows[i] for i in at]


def stills(path: str | PathLike[str], times: Sequence[float]) -> list[NDArray[np.uint8]]:
    """Return the pictures of a film that are shown at some times, in s, ascending.

    Returns
    -------
    list of ndarray, shape (height, width, 3), uint8
        One a time, all of the size of the first.
    """
    found: list[NDArray[np.uint8]] = []
    with open_media(path, audio=False) as media:
        frames = (item for item in media if isinstance(item, Frame))
        current = next(frames)
        for frame in frames:
            while len(found) < len(times) and times[len(found)] < frame.time_s:
                found.append(current.rgb)
            if len(found) == len(times):
                break
            current = frame
    return found + [current.rgb] * (len(times) - len(found))


def rows_of(windows: Sequence[WindowSaliency]) -> list[Row]:
    """Return the rows of the strip below the pictures: gradient, by cell, occlusion, and the areas."""
    stages = {name: [window.stages[name] for window in windows] for name in windows[0].stages}
    gradient = stages.pop(INPUT)
    cells, occlusion = [cell_sums(one) for one in gradient], [window.occlusion for window in windows]
    return [
        Row("gradient", gradient, True, strongest(gradient)),
        Row("gradient\nby cell", cells, False, strongest(cells)),
        Row("occlusion\nby cell", occlusion, False, strongest(occlusion)),
        *(Row(name, maps, True, strongest(maps)) for name, maps in stages.items()),
    ]


def _draw_strip(
    figure: Figure, windows: Sequence[WindowSaliency], rows: Sequence[Row], pictures: list[NDArray[np.uint8]]
) -> None:
    width, height = figure.get_size_inches()
    column = (width - _LEFT - _RIGHT) / max(4, len(windows))
    for i, (window, picture) in enumerate(zip(windows, pictures, strict=True)):
        for j, row in enumerate([None, *rows]):
            bottom = height - _TOP - (j + 1) * (_TILE_HEIGHT + _SPACE)
            size = (column - _SPACE) / width, _TILE_HEIGHT / height
            ax = figure.add_axes(((_LEFT + i * column) / width, bottom / height, *size))
            laid = picture
            if row is not None:
                over = on_picture(row.maps[i], window.place, picture.shape[:2], smooth=row.smooth)
                laid = blend(picture, over, row.scale)
            ax.imshow(laid, interpolation="antialiased")
            ax.axis("off")
            if j == 0:
                when = f"{window.start_s:.3g}–{window.end_s:.3g} s"
                ax.set_title(f"{when}\nEPP {window.epp:.2f}", size=7, pad=3)
            if i == 0:
                name, scale = ("picture", "") if row is None else (row.name, f"±{row.scale:.2g} EPP")
                middle = (bottom + _TILE_HEIGHT / 2) / height
                figure.text(0.06 / width, middle, name, va="bottom", size=8)
                figure.text(0.06 / width, middle - 0.03 / height, scale, va="top", size=6.5, color=FAINT)


def _draw_sound(ax: Axes, told: ClipSaliency) -> None:
    """Draw the sound, and over it what each stretch changes, on an axis of its own."""
    edges, change = told.sound_course()
    time = (np.arange(len(told.loudness)) + 0.5) / PEAKS_PER_S
    loud = ax.twinx()
    loud.fill_between(time, -told.loudness, told.loudness, color="#d9d9d9", linewidth=0)
    largest = max(1e-3, float(told.loudness.max(initial=0.0)))
    loud.set(ylim=(-1.1 * largest, 1.1 * largest), yticks=[])
    loud.spines[:].set_visible(False)
    ax.set_zorder(loud.get_zorder() + 1)
    ax.patch.set_visible(False)
    colours = [_WARM if value > 0 else _COOL for value in change]
    ax.bar(edges[:-1], change, np.diff(edges), align="edge", color=colours, edgecolor="white", linewidth=0.3)
    ax.axhline(0, color=INK, linewidth=0.6)
    reach = 1.1 * max(1e-6, float(np.abs(change).max(initial=0.0)))
    ax.set(
        xlim=(0, told.duration_s),
        ylim=(-reach, reach),
        xlabel="time (s)",
        ylabel="sound: EPP with\n− without",
    )
    ax.locator_params(axis="y", nbins=5)


def _write_title(figure: Figure, told: ClipSaliency) -> None:
    width, height = figure.get_size_inches()
    name = PurePath(told.media).name
    name = name if len(name) <= 44 else f"{name[:30]}…{name[-13:]}"
    left, top = 0.06 / width, 1 - 0.16 / height
    figure.text(left, top, name, size=10, weight="bold", va="center")
    figure.text(1 - _RIGHT / width, top, f"model {told.model}", ha="right", va="center", size=7, color=FAINT)
    legend = top - 0.19 / height
    figure.text(left, legend, "makes EPP", size=7, va="center", color=FAINT)
    figure.text(left + 0.6 / width, legend, "higher,", size=7, va="center", color=_WARM, weight="bold")
    figure.text(left + 1.0 / width, legend, "lower", size=7, va="center", color=_COOL, weight="bold")


def _middle(window: WindowSaliency) -> float:
    return (window.start_s + window.end_s) / 2
