"""Draw what the auditory cortex fires: published currents beside the population code, for two sounds.

    python scripts/draw_raster.py

Writes docs/images/raster.png, after Fig. 4 of the paper. The population code takes its ranges from the 38
named stimuli, as the ear measures them. Above, one set of features draws one second of spikes; below, they
are measured anew every 50 ms, from the second of sound that ends there. A few seconds on one core.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch import Tensor

from avfbel.brain import AuditoryCortex, lif_spike_times, lif_spike_times_piecewise
from avfbel.brain.auditory_cortex import DURATION_S, HOP_S, POPULATION_SIZE, population_tuning
from avfbel.brain.regions import ACOUSTIC
from avfbel.senses import AcousticTrack
from avfbel.stimulus import compose, named, named_stimuli, synthesize

OUT = Path(__file__).parents[1] / "docs" / "images" / "raster.png"
COLOURS = {"PYR": "#1b1b1b", "PV": "#c0392b", "SOM": "#2471a3"}
SHOWN, SEED, RATE = ("happy", "sad"), 7, 44_100
CLIP_S, LISTEN_S = 3.0, 1.0  # what is heard of a clip, and the sound behind each set of features


def main() -> None:
    """Hear all stimuli, let both codes fire, draw."""
    whole = {name: hear(name) for name in named_stimuli()}
    code, steady = AuditoryCortex().eval(), AuditoryCortex(currents="published").eval()
    code.fit(np.concatenate([features for features, _ in whole.values()]))
    figure = plt.figure(figsize=(13, 12), layout="constrained")
    grid = figure.add_gridspec(2, 6, height_ratios=(1, 1))
    features, evidence = whole["happy"]
    panels = {"published currents, any sound": current(steady, features, evidence)}
    panels |= {f'population code, "{name}"': current(code, *whole[name]) for name in SHOWN}
    for i, (title, volts) in enumerate(panels.items()):
        ax = figure.add_subplot(grid[0, 2 * i : 2 * i + 2])
        raster(ax, *lif_spike_times(volts[0], duration=DURATION_S), title, DURATION_S, coded=i > 0)
    hops = np.arange(HOP_S, CLIP_S + HOP_S / 2, HOP_S)
    followed = {name: hear(name, ends=hops) for name in SHOWN}
    through_time = AuditoryCortex(time_resolved=True).eval()
    through_time.fit(np.concatenate([hear(name, ends=hops[::5])[0] for name in named_stimuli()]))
    for i, (name, (features, evidence)) in enumerate(followed.items()):
        ax = figure.add_subplot(grid[1, 3 * i : 3 * i + 3])
        volts = current(through_time, features[None], evidence[None])[0]
        title = f'features every 50 ms, "{name}"'
        raster(ax, *lif_spike_times_piecewise(volts, hop=HOP_S), title, CLIP_S, coded=True)
        ax.set_title(title, pad=14)
        for note in compose(named(name), seed=SEED).notes:
            if note.onset_s < CLIP_S:
                ax.plot(note.onset_s, 812, marker="v", color="#b9770e", ms=6, clip_on=False)
    figure.savefig(OUT, dpi=110)


def hear(
    name: str, *, ends: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return features (n, 7) and evidence (n,) of a whole clip, or of the second before each of `ends`."""
    sound = synthesize(compose(named(name), seed=SEED))
    track = AcousticTrack()
    track.push(sound, RATE, 0.0)
    windows = (
        [(0.0, len(sound) / RATE)] if ends is None else [(max(0.0, end - LISTEN_S), end) for end in ends]
    )
    heard = [track.measure(start, end) for start, end in windows]
    return np.stack([each.features for each in heard]), np.array([each.g_audio for each in heard])


def current(cortex: AuditoryCortex, features: NDArray[np.float64], evidence: NDArray[np.float64]) -> Tensor:
    """Return the currents of all neurons, in V."""
    with torch.no_grad():
        return cortex.current(torch.from_numpy(features), torch.from_numpy(evidence))


def raster(ax: Axes, neuron: Tensor, time_s: Tensor, title: str, length: float, *, coded: bool) -> None:
    """Draw every spike as a dot, PYR at the top, larger preferred values higher up within each feature."""
    tuning = population_tuning(len(ACOUSTIC))
    population = np.repeat(np.arange(len(POPULATION_SIZE)), list(POPULATION_SIZE.values()))
    row = np.empty(len(population))
    row[np.lexsort((-tuning.centre, tuning.feature, population))] = np.arange(len(population))[::-1]
    total, first = sum(POPULATION_SIZE.values()), 0
    middles = {}
    for name, size in POPULATION_SIZE.items():
        here = (neuron >= first) & (neuron < first + size)
        ax.scatter(time_s[here].numpy(), row[neuron[here].numpy()], s=1.0, lw=0, color=COLOURS[name])
        middles[f"{name}\n{int(here.sum()):,}".replace(",", " ")] = total - first - size / 2
        if coded:
            for f, label in enumerate(ACOUSTIC):
                band = row[first : first + size][tuning.feature[first : first + size] == f]
                ax.axhline(band.max() + 0.5, color="0.8", lw=0.5, zorder=0)
                ax.text(
                    1.01, band.mean(), label, fontsize=6.5, va="center", transform=ax.get_yaxis_transform()
                )
        ax.axhline(total - first, color="0.3", lw=0.8)
        first += size
    ax.set(title=title, xlim=(0, length), ylim=(0, total), xlabel="time (s)")
    ax.set_yticks(list(middles.values()), list(middles))
    ax.tick_params(axis="y", length=0)


if __name__ == "__main__":
    main()
