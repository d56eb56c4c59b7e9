"""The figures of audio-visual experiments: pairs of music and film, and curves over what was altered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.interpret.experiment_curves import UNITS, Course, Courses
from avfbel.interpret.experiment_pairs import Congruence
from avfbel.interpret.experiment_responses import NOTHING, Additivity
from avfbel.runtime.figure import FAINT, INK, SENSE_COLOURS, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.2  # inches: two columns of a journal page
LOOKS: dict[str, Any] = {
    "both": {"color": INK, "marker": "o", "linestyle": "-"},
    "sound": {"color": SENSE_COLOURS["audio"], "marker": "s", "linestyle": (0, (4, 1.5))},
    "picture": {"color": SENSE_COLOURS["video"], "marker": "^", "linestyle": (0, (1, 1.2))},
}
"""Colour, mark and dashes of the senses that are open: each tells them apart alone."""

_NAMES = {"both": "both", "sound": "sound alone", "picture": "picture alone"}


def draw_congruence(found: Congruence) -> Figure:
    """Draw EPP of all pairs of music and film, and the responses of congruent pairs beside either sense.

    Stimuli are ordered by EPP of their congruent pair. Responses are shares of the largest of the three; the
    line below both is its interval around the sum, which ends with the grey bar.

    Parameters
    ----------
    found : Congruence
        The experiment.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, not tied to any screen.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({**STYLE, "axes.titlesize": 8}):
        figure = Figure(figsize=(WIDTH, 4.0), dpi=200, layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
        _draw_pairs(left, found)
        _draw_additivity(right, found.additivity())
        _letters([left, right])
        _title(figure, found.model, len(found.stimuli))
    return figure


def _draw_pairs(ax: Axes, found: Congruence) -> None:
    epp = found.pairs[:, :, found.congruent.quantities.index("epp")]
    order = np.argsort(np.diag(epp), kind="stable")
    reach = float(np.abs(epp - 0.5).max()) or 0.01
    limits: Any = {"vmin": 0.5 - reach, "vmax": 0.5 + reach}
    mesh = ax.imshow(epp[np.ix_(order, order)], cmap="PuOr_r", **limits)
    names = [found.stimuli[k].replace("_", " ") for k in order]
    size = 7 if len(names) <= 12 else 4
    ax.set_xticks(range(len(names)), names, rotation=90, size=size)
    ax.set_yticks(range(len(names)), names, size=size)
    if len(names) <= 6:
        for (i, j), k in np.ndenumerate(epp[np.ix_(order, order)]):
            dark = abs(k - 0.5) > 0.65 * reach
            ax.text(j, i, f"{k:.2f}", ha="center", va="center", size=7, color="white" if dark else INK)
    ax.plot(range(len(names)), range(len(names)), ".", color=INK, markersize=1.5 if len(names) > 6 else 0)
    ax.set(xlabel="film", ylabel="music")
    ax.spines[:].set_visible(False)
    ax.figure.colorbar(mesh, ax=ax, location="right", shrink=0.6, pad=0.02, label="EPP")
    shares = found.shares()
    ax.annotate(
        "; ".join(f"{name} {share.value:.0%}" for name, share in shares.items()) + " of variance",
        (0.5, 1.0),
        xycoords="axes fraction",
        ha="center",
        va="bottom",
        size=6.5,
        color=FAINT,
    )
    ax.set_title("EPP of every music with every film", pad=13)


def _draw_additivity(ax: Axes, found: Sequence[Additivity]) -> None:
    rows = [of for of in found if max(abs(of.both), abs(of.sound), abs(of.picture)) >= NOTHING]
    for y, of in enumerate(rows):
        unit = max(abs(of.both), abs(of.sound), abs(of.picture), abs(of.sound + of.picture))
        total = (of.sound + of.picture) / unit
        ax.plot([0, total], [y, y], color="#dddddd", linewidth=5, solid_capstyle="butt", zorder=0)
        for name, value in (("sound", of.sound), ("picture", of.picture), ("both", of.both)):
            style = {**LOOKS[name], "linestyle": ""}
            ax.plot(value / unit, y, markersize=4.5, label=_NAMES[name] if y == 0 else None, **style)
        if np.isfinite(of.excess.low) and of.excess.low != of.excess.high:
            ends = [total + end / unit for end in (of.excess.low, of.excess.high)]
            ax.plot(ends, [y + 0.28] * 2, color=INK, linewidth=1.2)
        ax.text(1.02, y, _short(of), transform=ax.get_yaxis_transform(), size=6, va="center", color=FAINT)
    ax.set_yticks(range(len(rows)), ["EPP from 0.5" if of.quantity == "epp" else of.quantity for of in rows])
    ax.invert_yaxis()
    ax.axvline(0, color=FAINT, linewidth=0.7)
    ax.set(xlabel="response / largest of the row")
    ax.set_title("Congruent pairs: both, either, and their sum", pad=13)
    ax.legend(
        frameon=False,
        fontsize=6.5,
        ncols=3,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.985),
        handletextpad=0.1,
        columnspacing=0.8,
        borderaxespad=0,
    )


def _short(of: Additivity) -> str:
    return {
        "superadditive": "> sum",
        "subadditive": "< sum",
        "additive exactly": "= sum",
        "not told from additive": "≈ sum",
    }.get(of.verdict, "")


def draw_courses(found: Courses) -> Figure:
    """Draw what is kept of EPP, and the excess of both senses over the sum of either, over each condition.

    Bands and bars are 95 % intervals over stimuli.

    Parameters
    ----------
    found : Courses
        The experiment.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, not tied to any screen.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    n = len(found.courses)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH if n > 1 else 0.6 * WIDTH, 4.6), dpi=200, layout="constrained")
        axes = figure.subplots(2, n, squeeze=False, sharey="row", height_ratios=(1.35, 1))
        for (upper, lower), course in zip(axes.T, found.courses, strict=True):
            _draw_kept(upper, course)
            _draw_excess(lower, course)
            lower.set_xlabel(f"{course.condition} ({UNITS[course.condition]})")
        axes[0, 0].set_ylabel("share kept of EPP − 0.5")
        axes[1, 0].set_ylabel("EPP: both −\n(sound + picture)")
        axes[0, 0].legend(frameon=False, fontsize=7, loc="best")
        _letters(list(axes[:, 0]))
        _title(figure, found.model, found.courses[0].responses.n_stimuli)
    return figure


def _draw_kept(ax: Axes, course: Course) -> None:
    place = _places(course)
    for senses, look in LOOKS.items():
        epp = course.responses.quantities.index("epp")
        kept = np.array([points[epp].kept for points in course.points(senses)])
        ax.plot(place, kept[:, 0], markersize=3.5, linewidth=1.3, label=_NAMES[senses], **look)
        if np.isfinite(kept).all():
            ax.fill_between(place, kept[:, 1], kept[:, 2], color=look["color"], alpha=0.13, linewidth=0)
    for height in (0, 1):
        ax.axhline(height, color=FAINT, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
    _label(ax, course, place)


def _draw_excess(ax: Axes, course: Course) -> None:
    place = _places(course)
    epp = course.responses.quantities.index("epp")
    excess = np.array([course.additivity(k)[epp].excess for k in range(len(course.levels))])
    if np.isfinite(excess).all():
        ax.vlines(place, excess[:, 1], excess[:, 2], color=INK, linewidth=1.1)
    ax.plot(place, excess[:, 0], color=INK, marker="o", markersize=3.5, linestyle="")
    ax.axhline(0, color=FAINT, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
    _label(ax, course, place)


def _places(course: Course) -> NDArray[np.float64]:
    """Delays at their place on the axis, other levels in even steps from intact to hardest."""
    if course.condition == "delay":
        return np.array(course.levels, dtype=np.float64)
    return np.arange(len(course.levels), dtype=np.float64)


def _label(ax: Axes, course: Course, place: NDArray[np.float64]) -> None:
    if course.condition == "delay":
        ax.set_xticks(place, [f"{delay:g}".replace("-", "−") for delay in place.tolist()], size=7)
    else:
        names = ["intact" if level is None else f"{level:g}".replace("-", "−") for level in course.levels]
        ax.set_xticks(place, names, size=7)


def _letters(axes: Sequence[Axes]) -> None:
    for letter, ax in zip("ab", axes, strict=True):
        ax.annotate(letter, (-0.2, 1.05), xycoords="axes fraction", weight="bold", size=10, va="bottom")


def _title(figure: Figure, model: str, n_stimuli: int) -> None:
    text = f"model {model}, {n_stimuli} stimuli; intervals: 95 % over stimuli"
    figure.supxlabel(text, size=6.5, color=FAINT, x=0.99, ha="right")
