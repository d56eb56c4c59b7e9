"""The figures of lesions: a matrix of lesions and what they change, and curves over a sweep of gains.

Both are made to be read without colour: every cell of the matrix holds its number with its sign, dark cells
are large changes, and the lines of a sweep differ by their dashes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import EMOTIONS
from avfbel.errors import UsageError
from avfbel.interpret.lesion_study import QUANTITIES, Change, LesionStudy
from avfbel.runtime.figure import EMOTION_COLOURS, FAINT, INK, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.2  # inches: two columns of a journal page
ROW_HEIGHT = 0.26  # inches
_LESS, _NONE, _MORE = "#2166ac", "#f7f7f7", "#c05a1c"
_DASHES: Any = dict(zip(EMOTIONS, ((0, (1, 1.2)), (0, (3, 1.2)), (0, (6, 1.5)), "-.", "-"), strict=True))


def draw_matrix(study: LesionStudy) -> Figure:
    """Draw the change of each quantity by each lesion as a matrix with the values in its cells.

    Darker is a larger change, on one scale for EPP and valence and another for the emotions; bold numbers
    have an interval without 0. A grey column gives the mean size of the change in EPP without its sign.

    Parameters
    ----------
    study : LesionStudy
        Lesions, each named with its gain if it is not 0.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, not tied to any screen.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    changes = study.changes()
    height = 1.15 + ROW_HEIGHT * len(changes)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), dpi=200)
        place: Any = {
            "left": 0.2,
            "right": 0.985,
            "top": 1 - 0.62 / height,
            "bottom": 0.42 / height,
            "wspace": 0.04,
        }
        axes = figure.subplots(1, 3, width_ratios=(2, 1, len(EMOTIONS)), gridspec_kw=place)
        names = [_name(study, number) for number in range(len(changes))]
        _draw_changes(axes[0], changes, QUANTITIES[:2], "change (0 to 1)")
        _draw_sizes(axes[1], changes)
        _draw_changes(axes[2], changes, EMOTIONS, "change (rating / 127)")
        axes[0].set_yticks(range(len(names)), names)
        _write_title(figure, study, "What a lesion changes: lesioned − intact", height)
        sure = "; bold: 95 % interval over stimuli without 0" if study.n_stimuli > 1 else ""
        figure.text(0.985, 0.09 / height, f"blue less, orange more, darker larger{sure}", **_small("right"))
    return figure


def draw_sweep(study: LesionStudy) -> Figure:
    """Draw the change over a sweep of gains, a panel for each lesion.

    Parameters
    ----------
    study : LesionStudy
        Lesions at two gains or more each.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, not tied to any screen.

    Raises
    ------
    UsageError
        If there is only one gain.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(lesion.name for lesion in study.lesions))
    if len(names) == len(study.lesions):
        raise UsageError("a curve needs several gains: sweep them, for instance --sweep 0:2:9")
    n_columns = min(4, len(names))
    n_rows = math.ceil(len(names) / n_columns)
    height = 1.2 + 1.6 * n_rows * (1.7 if len(names) == 1 else 1)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), dpi=200)
        place: Any = {"left": 0.085, "right": 0.985, "top": 1 - 0.85 / height, "bottom": 0.62 / height}
        axes = figure.subplots(
            n_rows, n_columns, sharex=True, sharey=True, squeeze=False, gridspec_kw=place | {"hspace": 0.3}
        ).ravel()
        changes = study.changes()
        for ax, name in zip(axes, names, strict=False):
            _draw_curves(ax, study, changes, name)
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        for ax in axes[max(0, len(names) - n_columns) : len(names)]:
            ax.tick_params(labelbottom=True)
        figure.supxlabel("gain (0: silenced, 1: intact)", size=8, y=0.21 / height)
        figure.supylabel("change", size=8, x=0.008)
        handles, labels = axes[0].get_legend_handles_labels()
        key: Any = {"loc": "upper left", "bbox_to_anchor": (0.075, 1 - 0.42 / height), "borderaxespad": 0.0}
        figure.legend(handles, labels, ncols=len(labels), frameon=False, fontsize=7, handlelength=2.4, **key)
        _write_title(figure, study, "What a gain changes: scaled − intact", height)
        band = "; band: 95 % interval of EPP over stimuli" if study.n_stimuli > 1 else ""
        figure.text(
            0.985, 0.09 / height, f"EPP from 0 to 1, emotions in rating / 127{band}", **_small("right")
        )
    return figure


def _draw_changes(ax: Axes, changes: list[dict[str, Change]], names: tuple[str, ...], unit: str) -> None:
    values = np.array([[of[name].change for name in names] for of in changes])
    bold = np.array([[of[name].low > 0 or of[name].high < 0 for name in names] for of in changes])
    largest = float(np.abs(values).max())
    texts = [[_signed(value) for value in row] for row in values.tolist()]
    _draw_cells(ax, values, texts, bold, colours=(_LESS, _NONE, _MORE), limits=(-largest, largest))
    ax.set_xticks(range(len(names)), ["EPP" if name == "epp" else name for name in names])
    _write_below(ax, unit, len(changes))


def _draw_sizes(ax: Axes, changes: list[dict[str, Change]]) -> None:
    """Draw how much the EPP of a clip changes in the mean, whatever the direction."""
    values = np.array([[of["epp"].size] for of in changes])
    texts = [[_signed(value).lstrip("+")] for value in values[:, 0].tolist()]
    bold = np.zeros(values.shape, np.bool_)
    _draw_cells(ax, values, texts, bold, colours=(_NONE, "#4d4d4d"), limits=(0.0, float(values.max())))
    ax.set_xticks([0], ["|EPP|"])
    _write_below(ax, "size (0 to 1)", len(changes))


def _write_below(ax: Axes, text: str, n_rows: int) -> None:
    ax.set_xlabel(text, size=7, color=FAINT, ha="left", va="top")
    ax.xaxis.set_label_coords(0.0, -0.06 / (ROW_HEIGHT * n_rows))  # whatever labels the columns have


def _draw_cells(
    ax: Axes,
    values: NDArray[np.float64],
    texts: list[list[str]],
    bold: NDArray[np.bool_],
    *,
    colours: tuple[str, ...],
    limits: tuple[float, float],
) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    low, high = limits if limits[1] > 0 else (-1.0, 1.0)
    shades = LinearSegmentedColormap.from_list("change", colours)
    ax.imshow(values, cmap=shades, vmin=low, vmax=high, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        ax.text(
            column,
            row,
            texts[row][column],
            ha="center",
            va="center",
            size=7,
            weight="bold" if bold[row, column] else "normal",
            color="white" if abs(value) > 0.6 * high else INK,
        )
    ax.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False)
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_xticks(np.arange(1, values.shape[1]) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, len(values)) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.2)
    ax.tick_params(which="minor", length=0)


def _draw_curves(ax: Axes, study: LesionStudy, changes: list[dict[str, Change]], name: str) -> None:
    chosen = sorted(
        (lesion.gain, number) for number, lesion in enumerate(study.lesions) if lesion.name == name
    )
    gains = [gain for gain, _ in chosen]
    curves: dict[str, NDArray[np.float64]] = {
        quantity: np.array([changes[number][quantity] for _, number in chosen]) for quantity in QUANTITIES
    }
    ax.axhline(0, color=FAINT, linewidth=0.6)
    ax.axvline(1, color=FAINT, linewidth=0.6)
    epp = curves["epp"]
    ax.fill_between(gains, epp[:, 3], epp[:, 4], color=INK, alpha=0.18, linewidth=0)
    ax.plot(gains, epp[:, 2], color=INK, linewidth=2.0, label="EPP")
    for emotion in EMOTIONS:
        style: Any = {"color": EMOTION_COLOURS[emotion], "linestyle": _DASHES[emotion], "linewidth": 1.1}
        ax.plot(gains, curves[emotion][:, 2], label=emotion, **style)
    ax.locator_params(axis="x", nbins=5)
    ax.set_title(name if len(name) < 30 else f"{name[:28]}…", size=8, loc="left", pad=3)


def _name(study: LesionStudy, number: int) -> str:
    lesion = study.lesions[number]
    name = lesion.name if len(lesion.name) < 24 else f"{lesion.name[:22]}…"
    return name if lesion.gain == 0 else f"{name} × {lesion.gain:g}"


def _signed(value: float) -> str:
    """Write a change with its sign; what rounds to nothing has none, what is exactly nothing is 0.

    Examples
    --------
    >>> _signed(0.123), _signed(-0.0123), _signed(0.0), _signed(-0.0001)
    ('+0.123', '−0.012', '0', '0.000')
    """
    if value == 0:
        return "0"
    text = f"{abs(value):.3f}"
    return text if float(text) == 0 else f"{'+' if value > 0 else '−'}{text}"


def _write_title(figure: Figure, study: LesionStudy, title: str, height: float) -> None:
    clips = f"{len(study.media)} clip{'s' * (len(study.media) != 1)}"
    stimuli = f"{study.n_stimuli} stimul{'us' if study.n_stimuli == 1 else 'i'}"
    settings = study.provenance["settings"]
    how = (
        f"mean over {clips} of {stimuli}; windows of {settings['window']:g} s every {settings['hop']:g} s; "
        f"model {study.model['name']} {study.model['version']}"
    )
    figure.text(0.015, 1 - 0.14 / height, title, size=10, weight="bold", va="center")
    figure.text(0.015, 1 - 0.31 / height, how, **_small("left"))


def _small(side: str) -> Any:
    return {"size": 7, "color": FAINT, "va": "center", "ha": side}
