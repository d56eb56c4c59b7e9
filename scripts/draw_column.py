"""Run the coupled auditory column on paired tones and on two clips; draw, tabulate and save what it does.

    python scripts/draw_column.py [--seeds 12] [--clip-seeds 4]

Writes benchmarks/results/column.json, docs/images/column.png, and the tables of docs/auditory-column.md (what
is between its two comments). About a minute and a half on one core.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from avfbel.brain.column import (
    CONDITIONS,
    ColumnActivity,
    forward_suppression,
    onset_envelope,
    paired_tones,
    simulate_column,
)
from avfbel.brain.column_stimulus import FIRST_TONE, SECOND_TONE
from avfbel.stimulus import Score, compose, named

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- tables: written by scripts/draw_column.py -->", "<!-- end of tables -->"
SIZES = {"PYR": 800, "PV": 200, "SOM": 200}
COLOURS = {"PYR": "#1b1b1b", "PV": "#c0392b", "SOM": "#2471a3"}
MEASURES = {
    "PYR 0–160 ms": ("PYR", (0.0, 0.16)),
    "PYR first tone": ("PYR", FIRST_TONE),
    "PYR second tone": ("PYR", SECOND_TONE),
    "PV first tone": ("PV", FIRST_TONE),
    "SOM first tone": ("SOM", FIRST_TONE),
}
RATIO = "ratio"
# Spikes of the whole population in the column released with Park & Geffen (2020): range over four seeds.
RELEASED = {
    "control": [(108, 120), (181, 211), (41, 51), (150, 158), (1186, 1308), (0.22, 0.27)],
    "PV off": [(113, 123), (258, 285), (62, 68), (0, 0), (1435, 1515), (0.22, 0.26)],
    "SOM off": [(299, 331), (386, 415), (107, 127), (331, 343), (0, 1), (0.28, 0.32)],
}
CLIPS, CLIP_SEED = ("happy", "sad"), 7
CLIP_LENGTH, LEAD, RESPONSE = 3.0, 0.16, 0.05  # s; silence before the clip, as before the first tone


def main() -> None:
    """Simulate, print, save, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--clip-seeds", type=int, default=4)
    options = parser.parse_args()
    start = time.perf_counter()
    tones = simulate_column(paired_tones(), seeds=range(options.seeds), light_nA=CONDITIONS.values())
    seconds = time.perf_counter() - start
    clips = {name: hear(name, options.clip_seeds) for name in CLIPS}
    report = {
        "command": "python scripts/draw_column.py",
        "python": platform.python_version(),
        "seeds": options.seeds,
        "clip_seeds": options.clip_seeds,
        "seconds_for_paired_tones": round(seconds, 1),
        "paired_tones": summarise(tones),
        "clips": {name: summarise_clip(*heard) for name, heard in clips.items()},
    }
    text = tables(report)
    print(f"{text}\n{3 * options.seeds} simulations of 350 ms in {seconds:.1f} s")
    (ROOT / "benchmarks/results/column.json").write_text(
        json.dumps(report, indent=1) + "\n", encoding="utf-8"
    )
    page = ROOT / "docs/auditory-column.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    draw(tones, clips).savefig(ROOT / "docs/images/column.png", dpi=110)


def hear(name: str, n_seeds: int) -> tuple[Score, ColumnActivity]:
    """Let the column hear the first seconds of a clip, under all three conditions."""
    score = compose(named(name), seed=CLIP_SEED)
    onsets, durations = np.array([(note.onset_s, note.duration_s) for note in score.notes]).T
    stimulus = onset_envelope(LEAD + onsets, durations, length=LEAD + CLIP_LENGTH)
    return score, simulate_column(stimulus, seeds=range(n_seeds), light_nA=CONDITIONS.values())


def summarise(activity: ColumnActivity) -> dict[str, dict[str, dict[str, float]]]:
    """Give mean and range over seeds of each measure, by condition, beside the released range."""
    measured = {name: activity.spike_count(who, *when) for name, (who, when) in MEASURES.items()}
    measured[RATIO] = forward_suppression(activity)
    return {
        condition: {
            name: {**spread(values[i]), "released_min": low, "released_max": high}
            for (name, values), (low, high) in zip(measured.items(), RELEASED[condition], strict=True)
        }
        for i, condition in enumerate(CONDITIONS)
    }


def spread(values: NDArray[Any]) -> dict[str, float]:
    """Return mean, smallest and largest value, rounded."""
    return {name: round(float(getattr(values, name)()), 3) for name in ("mean", "min", "max")}


def summarise_clip(score: Score, activity: ColumnActivity) -> dict[str, Any]:
    """Give the rates of a clip, and how the answer to later notes compares with that to the first."""
    onsets = [LEAD + note.onset_s for note in score.notes if note.onset_s + RESPONSE <= CLIP_LENGTH]
    answers = np.stack([activity.spike_count("PYR", at, at + RESPONSE) for at in onsets], axis=-1)
    rates = {
        who: activity.spike_count(who, LEAD, LEAD + CLIP_LENGTH) / (SIZES[who] * CLIP_LENGTH)
        for who in activity.spikes
    }
    return {
        "notes": len(onsets),
        "conditions": {
            condition: {
                "rate_hz": {who: spread(rate[i]) for who, rate in rates.items()},
                "first_note": spread(answers[i, :, 0]),
                "later_notes": spread(answers[i, :, 1:].mean(axis=-1)),
            }
            for i, condition in enumerate(CONDITIONS)
        },
    }


def tables(report: dict[str, Any]) -> str:
    """Write the two tables of the page."""
    names = [*list(MEASURES)[:3], RATIO, *list(MEASURES)[3:]]
    lines = [
        f"| spikes of the population; ours: mean (range) over {report['seeds']} seeds | "
        + " | ".join(names)
        + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for condition, measures in report["paired_tones"].items():
        ours, released = [], []
        for name in names:
            m, form = measures[name], ".2f" if name == RATIO else ".0f"
            around = f" ({extent(m['min'], m['max'], form)})" if m["min"] < m["max"] else ""
            ours.append(f"{m['mean']:{form}}{around}")
            released.append(extent(m["released_min"], m["released_max"], form))
        lines.append(f"| {condition}, released | " + " | ".join(released) + " |")
        lines.append(f"| {condition}, ours | " + " | ".join(ours) + " |")
    lines += [
        "",
        f"| clip (notes in {CLIP_LENGTH:g} s), mean over {report['clip_seeds']} seeds | PYR, Hz | PV, Hz "
        "| SOM, Hz | PYR spikes, first note | later notes | later / first |",
        "|---|---|---|---|---|---|---|",
    ]
    for clip, found in report["clips"].items():
        for condition, m in found["conditions"].items():
            rates = " | ".join(f"{m['rate_hz'][who]['mean']:.2f}" for who in SIZES)
            first, later = m["first_note"]["mean"], m["later_notes"]["mean"]
            lines.append(
                f"| {clip} ({found['notes']}), {condition} | {rates} | {first:.0f} | {later:.0f} | "
                f"{later / first:.2f} |"
            )
    return "\n".join(lines) + "\n"


def extent(low: float, high: float, form: str) -> str:
    """Write a range, or the one number it consists of."""
    return f"{low:{form}}" if low == high else f"{low:{form}}–{high:{form}}"


def draw(tones: ColumnActivity, clips: dict[str, tuple[Score, ColumnActivity]]) -> plt.Figure:
    """Draw rasters and rates of the paired tones, the ratios over seeds, and the two clips."""
    figure = plt.figure(figsize=(13, 11), layout="constrained")
    grid = figure.add_gridspec(3, 6, height_ratios=(1.5, 1, 1.25))
    for i, condition in enumerate(CONDITIONS):
        top = figure.add_subplot(grid[0, 2 * i : 2 * i + 2])
        raster(top, tones, i, condition)
        below = figure.add_subplot(grid[1, 2 * i : 2 * i + 2], sharex=top)
        pyramidal_rate(below, tones, i, width=0.005)
        below.set(xlabel="time (s)", ylim=(0, 40), ylabel="PYR, spikes per cell and s" if i == 0 else "")
        for ax in (top, below):
            for tone in (FIRST_TONE, SECOND_TONE):
                ax.axvspan(*tone, color="#fcf3cf", lw=0, zorder=0)
    ratios(figure.add_subplot(grid[2, :2]), tones)
    side = grid[2, 2:].subgridspec(2, 1)
    for row, (name, (score, activity)) in enumerate(clips.items()):
        ax = figure.add_subplot(side[row])
        at = np.arange(activity.stimulus.shape[1]) * activity.dt
        ax.fill_between(at, 12 * activity.stimulus[0], color="#f9e79f", lw=0)
        pyramidal_rate(ax, activity, 0, width=0.01)
        ax.set(xlim=(0, LEAD + CLIP_LENGTH), ylim=(0, 12), ylabel="PYR, spikes\nper cell and s")
        ax.set_title(f'clip "{name}", {score.parameters.bpm:g} bpm; yellow: its onset envelope', fontsize=10)
    ax.set_xlabel("time (s)")
    return figure


def raster(ax: Axes, activity: ColumnActivity, condition: int, title: str) -> None:
    """Draw the spikes of the first seed, PYR at the top."""
    base = 0
    for name in ("SOM", "PV", "PYR"):
        found = activity.spikes[name]
        here = (found.condition == condition) & (found.seed == 0)
        ax.scatter(found.step[here] * activity.dt, base + found.cell[here], s=1.2, lw=0, color=COLOURS[name])
        ax.axhline(base, color="0.7", lw=0.5)
        base += SIZES[name]
    ax.set(title=title, ylim=(0, base), yticks=[100, 300, 800], yticklabels=["SOM", "PV", "PYR"])
    ax.set_xlim(0, activity.stimulus.shape[1] * activity.dt)


def pyramidal_rate(ax: Axes, activity: ColumnActivity, condition: int, *, width: float) -> None:
    """Draw the mean rate of PYR over seeds, in bins of `width` s."""
    counts = (
        activity.counts("PYR")[condition].mean(axis=0).reshape(-1, round(width / activity.dt)).sum(axis=1)
    )
    edges = np.arange(len(counts) + 1) * width
    ax.stairs(counts / (SIZES["PYR"] * width), edges, color=COLOURS["PYR"], lw=1.2)


def ratios(ax: Axes, activity: ColumnActivity) -> None:
    """Draw forward suppression of every seed over the released range."""
    found = forward_suppression(activity)
    for i, condition in enumerate(CONDITIONS):
        low, high = RELEASED[condition][-1]
        label = "released column, range of 4 seeds" if i == 0 else None
        ax.fill_between([i - 0.3, i + 0.3], low, high, color="#85c1e9", alpha=0.6, lw=0, label=label)
        spots = i + np.linspace(-0.2, 0.2, found.shape[1])
        ax.plot(spots, found[i], "o", color="#1b1b1b", ms=4, label="ours, one dot a seed" if i == 0 else None)
        ax.plot([i - 0.3, i + 0.3], [found[i].mean()] * 2, color="#1b1b1b", lw=1)
    ax.set(xticks=range(3), xticklabels=list(CONDITIONS), ylim=(0, 0.5))
    ax.set_title("forward suppression: PYR spikes, second / first tone", fontsize=10)
    ax.legend(frameon=False, fontsize=8, loc="lower left")


if __name__ == "__main__":
    main()
