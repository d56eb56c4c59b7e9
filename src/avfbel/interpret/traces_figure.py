"""The figure of traces: film strip and waveform, below them positivity, emotions and every region."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import EMOTIONS
from avfbel.interpret.trace_columns import EVIDENCE, GATE, SENSES, by_system
from avfbel.runtime.figure import EMOTION_COLOURS, FAINT, FEW_WINDOWS, INK, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from avfbel.interpret.traces import Traces

WIDTH = 7.2  # inches: two columns of a journal page
LEFT, RIGHT = 1.12, 0.98  # margins, inches
TOP, BOTTOM = 0.62, 0.48
LONG_S = 180.0  # from here on, time is written in minutes and seconds
MOST_PICTURES = 24  # in a strip; narrow pictures are spread out

STRIP, WAVE, EPP, EMOTION, ROW, GAP, GROUP_GAP = 0.56, 0.36, 1.15, 1.25, 0.235, 0.2, 0.13  # heights, inches

# With their colours, emotions differ in their strokes, so that they can be told apart in grey print.
STROKES: dict[str, Any] = {
    "fear": (0, (1, 1.2)),
    "sadness": (0, (5, 1.5)),
    "anger": (0, (6, 1.4, 1, 1.4)),
    "calm": (0, (2.6, 1.2)),
    "happiness": "-",
}
LEAST_SPAN = 0.05
"""A row shows this share of its greatest value at least, so that ripples do not look like waves."""

_OUTSIDE, _FILL = "#ebebeb", "#b9c3cc"


class Row(NamedTuple):
    """One thin row of the lower part: its name, and the column that it shows."""

    name: str
    column: str


def draw_traces(traces: Traces) -> Figure:
    """Draw traces on panels that share the time of the clip.

    Each region, population and gate is a thin row, from its least value to its greatest, which stand beside
    it (a single number: it is constant); rows are told apart by name, not by colour. What is grey behind the
    line of positivity lies outside what the model was trained on. Courses are held level from the outermost
    samples to the ends of the clip.

    Parameters
    ----------
    traces : Traces
        The time courses to draw.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, not tied to any screen.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    groups = _groups(traces)
    strip = STRIP if len(traces.preview.pictures) else 0.0
    wave = WAVE if len(traces.preview.high) else 0.0
    above = [height for height in (strip, wave) if height] + [EPP, EMOTION]
    below = sum(len(rows) * ROW + GROUP_GAP for rows in groups.values())
    height = TOP + sum(above) + GAP * len(above) + below + BOTTOM
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), dpi=200)
        stack = _Stack(figure, traces.duration_s)
        if strip:
            _draw_strip(stack.panel(strip, gap=0.05 if wave else GAP), traces)
        if wave:
            _draw_wave(stack.panel(wave), traces)
        _draw_epp(stack.panel(EPP), traces)
        _draw_emotions(stack.panel(EMOTION, gap=GAP + 0.05), traces)
        for system, rows in groups.items():
            axes = [stack.panel(ROW, gap=GROUP_GAP if row is rows[-1] else 0.0) for row in rows]
            _draw_rows(axes, traces, rows, system)
        stack.finish()
        _write_title(figure, traces, height)
    return figure


class _Stack:
    """Lays panels of given heights below one another, all over the same time."""

    def __init__(self, figure: Figure, duration_s: float) -> None:
        self.figure, self.duration_s = figure, duration_s
        self.width, self.height = figure.get_size_inches()
        self.top = self.height - TOP
        self.axes: list[Axes] = []

    def panel(self, height: float, *, gap: float = GAP) -> Axes:
        place = (
            LEFT / self.width,
            (self.top - height) / self.height,
            1 - (LEFT + RIGHT) / self.width,
            height / self.height,
        )
        ax = self.figure.add_axes(place, sharex=self.axes[0] if self.axes else None)
        ax.tick_params(labelbottom=False)
        self.axes.append(ax)
        self.top -= height + gap
        return ax

    def finish(self) -> None:
        """Write the time below the last panel: in s, or in minutes and seconds for a long clip."""
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        last = self.axes[-1]
        last.tick_params(labelbottom=True, bottom=True)
        last.spines["bottom"].set_visible(True)
        last.set_xlim(0, self.duration_s)
        last.set_xlabel("time (s)")
        if self.duration_s > LONG_S:
            last.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 1.5, 3, 6, 10]))
            last.xaxis.set_major_formatter(FuncFormatter(lambda time_s, _: _clock(time_s)))
            last.set_xlabel("time (min:s)")


def _draw_strip(ax: Axes, traces: Traces) -> None:
    height, width = traces.preview.pictures.shape[1:3]
    share = STRIP / (WIDTH - LEFT - RIGHT) * width / height  # of the panel that one picture takes up
    n = max(1, min(MOST_PICTURES, int(1 / share)))
    slot = traces.duration_s / n
    half = min(share, 1.0) * traces.duration_s / 2
    for k in range(n):
        middle = (k + 0.5) * slot
        picture = traces.preview.nearest(middle)
        ax.imshow(
            picture, extent=(middle - half, middle + half, 0, 1), aspect="auto", interpolation="antialiased"
        )
    ax.set(ylim=(0, 1), yticks=())
    ax.spines[:].set_visible(False)
    ax.tick_params(bottom=False)
    _name(ax, "film")


def _draw_wave(ax: Axes, traces: Traces) -> None:
    seen = traces.preview
    low, high = np.nan_to_num(seen.low), np.nan_to_num(seen.high)
    edges = np.arange(len(high) + 1) * seen.bin_s
    peak = max(np.abs([low.min(), high.max()]).max(), 1e-9)
    ax.fill_between(edges, np.append(low, 0), np.append(high, 0), step="post", color=INK, linewidth=0.2)
    ax.set(ylim=(-peak, peak), yticks=())
    ax.spines[:].set_visible(False)
    ax.tick_params(bottom=False)
    _name(ax, "sound")
    _note(ax, f"± {peak:.2g}" if peak > 1e-9 else "silent")


def _draw_epp(ax: Axes, traces: Traces) -> None:
    from matplotlib.patches import Patch

    for (left, right), within in zip(pairwise(traces.edges_s), traces.in_range, strict=True):
        if not within:
            ax.axvspan(left, right, facecolor=_OUTSIDE, edgecolor="none", zorder=0)
    ax.axhline(0.5, color=INK, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)
    low, high = traces["epp_low"], traces["epp_high"]
    if not np.isnan(low).all():
        ax.fill_between(traces.time_s, low, high, color="#cccccc", linewidth=0, zorder=1)
    _course(ax, traces, traces["epp"], color=INK, linewidth=1.6)
    ax.set(ylim=(0, 1), yticks=(0, 0.5, 1), ylabel="EPP")
    for height, place, word in (
        (1, "top", "positive"),
        (0.5, "center", "neutral"),
        (0, "bottom", "negative"),
    ):
        _note(ax, word, height=height, va=place)
    if not traces.in_range.all():
        above: Any = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.98), "borderaxespad": 0.1}
        patch = Patch(facecolor=_OUTSIDE, label="outside what the model was trained on")
        ax.legend(handles=[patch], frameon=False, fontsize=6.5, handlelength=1.6, **above)


def _draw_emotions(ax: Axes, traces: Traces) -> None:
    for name in EMOTIONS:
        style: Any = {"color": EMOTION_COLOURS[name], "linestyle": STROKES[name], "linewidth": 1.4}
        _course(ax, traces, traces[name], label=name, **style)
    highest = max(0.1, 1.08 * max(traces[name].max() for name in EMOTIONS))
    ax.set(ylim=(0, highest), ylabel="emotion\n(rating / 127)")
    place: Any = {"loc": "center left", "bbox_to_anchor": (1.005, 0.5), "borderaxespad": 0.0}
    handles, labels = ax.get_legend_handles_labels()
    order = np.argsort([-traces[name].mean() for name in labels])  # as the lines lie, from the top down
    ax.legend(
        [handles[k] for k in order],
        [labels[k] for k in order],
        frameon=False,
        fontsize=7,
        handlelength=2.4,
        handletextpad=0.4,
        labelspacing=0.3,
        **place,
    )


def _groups(traces: Traces) -> dict[str, list[Row]]:
    """Return the thin rows by system: regions first, then the gates."""
    regions = {
        system: [Row(name, name) for name in names] for system, names in by_system(traces.regions).items()
    }
    attention = [Row(f"{sense}", GATE + sense) for sense in SENSES]
    evidence = [Row(f"{sense}", EVIDENCE + sense) for sense in SENSES]
    return regions | {"attention": attention, "evidence": evidence}


def _draw_rows(axes: Sequence[Axes], traces: Traces, rows: Sequence[Row], system: str) -> None:
    for ax, row in zip(axes, rows, strict=True):
        values = traces[row.column]
        low, high = float(values.min()), float(values.max())
        span = max(high - low, LEAST_SPAN * max(abs(low), abs(high)))
        ground, top = (high - span, high + 0.16 * span) if span > 0 else (0.0, 1.0)  # zero is an empty row
        times, held = _held(traces, values)
        ax.fill_between(times, held, ground, color=_FILL, linewidth=0)
        ax.plot(times, held, color=INK, linewidth=0.8, clip_on=False)
        ax.set(ylim=(ground, top), yticks=())
        ax.spines[:].set_visible(False)
        ax.spines["bottom"].set(visible=True, color="#cfcfcf", linewidth=0.5)
        ax.tick_params(bottom=False)
        _name(ax, row.name)
        _note(ax, _range_text(low, high))
    if system != rows[0].name:
        _name_system(axes, system)


def _name_system(axes: Sequence[Axes], system: str) -> None:
    """Write the name of a system beside its rows: upwards, or level beside a single row."""
    figure = axes[0].figure
    middle = (axes[0].get_position().y1 + axes[-1].get_position().y0) / 2
    words = system if len(axes) > 3 else system.replace(" ", "\n")
    style: Any = {"va": "center", "color": FAINT, "size": 6.8, "linespacing": 1.05}
    if len(axes) > 1:
        figure.text(0.028, middle, words, rotation=90, ha="center", **style)
    else:
        figure.text(0.012, middle, words, ha="left", **style)


def _range_text(low: float, high: float) -> str:
    """Write a range with as many digits as it takes to tell its ends apart; one number if they are equal."""
    if high - low <= 1e-6 * max(abs(low), abs(high)):
        return f"{high:.3g}"
    digits = next((n for n in range(2, 8) if f"{low:.{n}g}" != f"{high:.{n}g}"), 8)
    return f"{low:.{digits}g} – {high:.{digits}g}"


def _course(ax: Axes, traces: Traces, values: NDArray[np.float64], **style: Any) -> None:
    """Draw a course, held level from the outermost samples to the ends of the clip; mark a few samples."""
    times, held = _held(traces, values)
    if len(values) <= FEW_WINDOWS:
        style |= {"marker": "o", "markersize": 2.8, "markevery": slice(1, len(values) + 1)}
    ax.plot(times, held, clip_on=False, **style)


def _held(traces: Traces, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    times = np.concatenate([[0.0], traces.time_s, [traces.duration_s]])
    return times, np.concatenate([values[:1], values, values[-1:]])


def _clock(time_s: float) -> str:
    return f"{int(time_s) // 60}:{int(time_s) % 60:02d}"


def _name(ax: Axes, name: str) -> None:
    ax.annotate(name, (-0.012, 0.5), xycoords="axes fraction", ha="right", va="center", size=7.2)


def _note(ax: Axes, text: str, *, height: float = 0.5, va: str = "center") -> None:
    where: Any = {"xycoords": "axes fraction", "va": va, "size": 6.5, "color": FAINT}
    ax.annotate(text, (1.012, height), **where)


def _write_title(figure: Figure, traces: Traces, height: float) -> None:
    left, right = LEFT / WIDTH, 1 - RIGHT / WIDTH
    name = PurePath(traces.media).name
    name = name if len(name) <= 52 else f"{name[:36]}…{name[-15:]}"
    n = len(traces.time_s)
    grid = f"{n} samples every {traces.hop_s:g} s, each of" if n > 1 else "1 sample, of"
    model = f"model {traces.model['name']} {traces.model['version']}"
    how = f"{grid} the {traces.window_s:.3g} s around it; {model}"
    length = (
        f"{_clock(traces.duration_s)} min" if traces.duration_s > LONG_S else f"{traces.duration_s:.4g} s"
    )
    figure.text(left, 1 - 0.2 / height, name, size=10, weight="bold", va="center")
    figure.text(right, 1 - 0.2 / height, length, ha="right", va="center")
    figure.text(left, 1 - 0.4 / height, how, size=7, color=FAINT, va="center")
