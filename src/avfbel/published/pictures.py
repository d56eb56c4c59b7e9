"""Figures 4-9 of the paper, drawn from data and weights, and what it says of training and activations."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec

import numpy as np
import torch
from numpy.typing import NDArray

from avfbel.brain.auditory_cortex import DURATION_S, POPULATION_SIZE, PUBLISHED_CURRENT_V, AuditoryCortex
from avfbel.brain.regions import ACOUSTIC
from avfbel.brain.spiking import lif_spike_times
from avfbel.data.norms import Norms
from avfbel.data.ratings import find_ratings
from avfbel.emotion import EMOTIONS
from avfbel.errors import InputError
from avfbel.published.released import ReleasedPairs, ReleasedWeights
from avfbel.published.similarity import min_max
from avfbel.runtime.bundle import Bundle
from avfbel.runtime.figure import FAINT, INK, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
P = ParamSpec("P")
MINUS = "\N{MINUS SIGN}"
POPULATION_COLOURS = {"PYR": "#0072b2", "PV": "#d55e00", "SOM": "#009e73"}
PROTOTYPE_COLOURS = {
    "scared": "#5d3a9b",
    "sad": "#0072b2",
    "angry": "#d55e00",
    "peaceful": "#009e73",
    "happy": "#e69f00",
}
MIXED = "#bbbbbb"
PARAMETERS = ("bpm", "jitter", "consonance", "bigsmall", "updown")
RELEASED_ACOUSTIC = ("pitch_mean", "tonnetz_mean", "rms_mean", "tempo_mean", "duration_mean")


def _styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a function draw in the style of the package's figures, and leave the user's own style alone."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        import matplotlib as mpl

        with mpl.rc_context({**STYLE, "axes.titlesize": 8, "legend.fontsize": 7}):
            return draw(*args, **kwargs)

    return drawn


class Limbic(NamedTuple):
    """What a trained limbic system says to one input of k stimuli, for q emotions."""

    x: Array
    """(k,) fused code."""
    amygdala: Array
    """(k, q) A = x V."""
    orbitofrontal: Array
    """(k, q) O = x U."""
    emotion: Array
    """(q,) E."""


@_styled
def draw_raster(bundle: Bundle) -> Figure:
    """Draw Figure 4: spikes under the printed currents, and under those of an average sound."""
    printed = torch.cat([torch.full((n,), PUBLISHED_CURRENT_V[p]) for p, n in POPULATION_SIZE.items()])
    heard = average_currents(bundle)
    figure, axes = _axes((7.2, 3.4), 1, 2, sharey=True)
    titles = ("currents as printed: 0.6, 0.6, 0.65 V", "population code of an average sound")
    for ax, current, title in zip(axes, (printed, heard), titles, strict=True):
        _draw_spikes(ax, current)
        ax.set(xlim=(0, DURATION_S), xlabel="time (s)", title=title)
    axes[0].set(ylabel="neuron")
    return figure


def average_currents(bundle: Bundle) -> torch.Tensor:
    """Return the currents (800,), in V, that the mean features of training draw.

    The population code is set to the ranges of features that the bundle has seen; its centres and widths are
    those before training.
    """
    ranges, means = bundle.feature_ranges, bundle.card["reference"]["acoustic"]
    cortex = AuditoryCortex()
    cortex.fit(np.stack([np.linspace(*ranges[name], 101) for name in ACOUSTIC], axis=1))
    with torch.no_grad():
        features = torch.tensor([[means[name] for name in ACOUSTIC]])
        return cortex.current(features, torch.ones(1))[0]


def _draw_spikes(ax: Axes, current: torch.Tensor) -> None:
    neuron, time_s = (part.numpy() for part in lif_spike_times(current, duration=DURATION_S))
    first = 0
    for name, size in POPULATION_SIZE.items():
        own = (neuron >= first) & (neuron < first + size)
        ax.plot(time_s[own], neuron[own], ",", color=POPULATION_COLOURS[name], rasterized=True)
        label, colour = f"{name}\n{own.sum():,}\nspikes", POPULATION_COLOURS[name]
        ax.text(1.01 * DURATION_S, first + size / 2, label, size=6, va="center", color=colour)
        first += size
    ax.set(ylim=(-5, first + 5))


@_styled
def draw_features(pairs: ReleasedPairs, data_dir: Path | None) -> Figure:
    """Draw Figure 5: the five parameters of the films, and the five released features of the sounds."""
    parameters = read_parameters(data_dir)
    names = list(parameters)
    place = np.array([names.index(stimulus) for stimulus in pairs.stimulus])
    colours = np.array([PROTOTYPE_COLOURS.get(name, MIXED) for name in names])
    figure, axes = _axes((7.4, 3.9), 2, 5)
    for j, (upper, lower) in enumerate(axes.T):
        upper.scatter(range(len(names)), [parameters[name][j] for name in names], s=8, c=colours)
        lower.scatter(place, pairs.acoustic[:, j], s=2, c=colours[place], linewidths=0)
        upper.set_title(PARAMETERS[j])
        lower.set_title(RELEASED_ACOUSTIC[j])
        upper.set_xticks([])
        lower.set_xticks([])
        lower.set_xlabel("38 stimuli")
    axes[0, 0].set_ylabel("animation:\nparameter")
    axes[1, 0].set_ylabel("music: released\nfeature of a clip")
    from matplotlib.lines import Line2D

    key = [
        Line2D([], [], marker="o", linestyle="", markersize=4, color=colour, label=name)
        for name, colour in {**PROTOTYPE_COLOURS, "mixtures and others": MIXED}.items()
    ]
    figure.legend(handles=key, loc="outside lower center", ncols=6, frameon=False, fontsize=7)
    return figure


def read_parameters(data_dir: Path | None) -> dict[str, tuple[float, ...]]:
    """Return the five generative parameters of each stimulus, from stimuli.csv.

    Raises
    ------
    FileNotFoundError, InputError
        If there is no such table, or it lacks a column.
    """
    path = find_ratings(data_dir).with_name("stimuli.csv")
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    try:
        return {row["stimulus"]: tuple(float(row[name]) for name in PARAMETERS) for row in rows}
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path} is not the table of generative parameters: fetch it again") from error


def stimulus_means(stimulus: NDArray[np.str_], values: Array) -> Array:
    """Return the mean of values (n,) over each stimulus, in alphabetical order.

    Examples
    --------
    >>> stimulus_means(np.array(["b", "a", "b"]), np.array([1.0, 5.0, 2.0]))
    array([5. , 1.5])
    """
    _, place = np.unique(stimulus, return_inverse=True)
    return np.asarray(np.bincount(place, values) / np.bincount(place))


@_styled
def draw_generated(stimulus: NDArray[np.str_], generated: Array, wanted: Array) -> Figure:
    """Draw Figure 6, 7 or 8: generated against human EPP, by rating and by stimulus, both normalised.

    Parameters
    ----------
    stimulus, generated, wanted : ndarray, shape (n,)
        Stimulus, output E and published EPP of each rating.
    """
    said, felt = min_max(generated), min_max(wanted)
    order = np.argsort(felt, kind="stable")
    names, means = np.unique(stimulus), [stimulus_means(stimulus, values) for values in (felt, said)]
    figure, (left, right) = _axes((7.2, 2.9), 1, 2, width_ratios=(2.1, 1))
    left.plot(said[order], ".", color="#d55e00", markersize=2.5, label="generated")
    left.plot(felt[order], color=INK, linewidth=1.4, label="human")
    left.set(xlabel="ratings, in order of human EPP", ylabel="EPP, min–max normalised", ylim=(-0.02, 1.15))
    left.legend(frameon=False, ncols=2, loc="upper left")
    colours = [PROTOTYPE_COLOURS.get(name, MIXED) for name in names]
    right.scatter(*means, s=16, c=colours)
    r = float(np.corrcoef(means[0], means[1])[0, 1])
    right.set(
        xlabel="human, mean of stimulus", ylabel="generated", title=f"{len(names)} stimuli: r = {signed(r)}"
    )
    return figure


def average_limbic(bundle: Bundle) -> Limbic:
    """Return what the limbic system of a bundle says to the average input of its training."""
    import onnxruntime

    means = bundle.card["reference"]
    maps = np.array([means["maps"]["mean"][name] for name in means["maps"]["mean"]], dtype=np.float32)
    session = onnxruntime.InferenceSession(bundle.network, providers=["CPUExecutionProvider"])
    given = {
        "maps": np.broadcast_to(maps[None, :, None, None], (1, len(maps), 64, 64)).copy(),
        "acoustic": np.array([[means["acoustic"][name] for name in ACOUSTIC]], dtype=np.float32),
        "evidence": np.ones((1, 2), dtype=np.float32),
        **bundle.weights,
    }
    said = dict(zip((o.name for o in session.get_outputs()), session.run(None, given), strict=True))
    x = np.asarray(said["x_fused"], dtype=np.float64)[0]
    v, u = (bundle.weights[name].astype(np.float64) for name in "VU")
    return Limbic(x, x[:, None] * v, x[:, None] * u, np.asarray(said["emotion"], dtype=np.float64)[0])


@_styled
def draw_weights(bundle: Bundle, said: Limbic, released: ReleasedWeights) -> Figure:
    """Draw Figure 9: the eight released weights, and the weights and activity of the shipped model."""
    w = bundle.weights
    upper: Mapping[str, Any] = {
        "released v": released.v[None],
        "released w": released.w[None],
        "released we": released.we,
    }
    lower: Mapping[str, Any] = {
        "V": w["V"],
        "U": w["U"],
        "T": w["T"][None],
        "A = x V": said.amygdala,
        "O = x U": said.orbitofrontal,
        "E": said.emotion[None],
    }
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 5.2), dpi=200, layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=(1, 2.8))
    for ax, (name, table) in zip(halves[0].subplots(1, 3), upper.items(), strict=True):
        _heat(ax, name, np.asarray(table), numbers=True)
        ax.set(xticks=[], yticks=[])
    for ax, (name, table) in zip(halves[1].subplots(1, 6), lower.items(), strict=True):
        _heat(ax, name, np.asarray(table), numbers=False)
        ax.set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=90, size=6.5)
        ax.set_yticks([0, len(table) - 1] if len(table) > 1 else [])
        if len(table) == 1:
            ax.set_box_aspect(0.25)
        if name == "V":
            ax.set_ylabel("unit of the fused code")
    return figure


def _heat(ax: Axes, name: str, table: Array, *, numbers: bool) -> None:
    limit = float(np.abs(table).max()) or 1.0
    mesh = ax.imshow(table, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    ax.set_title(name)
    ax.spines[:].set_visible(False)
    if numbers:
        for (i, j), value in np.ndenumerate(table):
            dark = abs(value) > 0.6 * limit
            ax.text(j, i, signed(value), ha="center", va="center", size=7, color="white" if dark else INK)
    else:
        bar = ax.figure.colorbar(mesh, ax=ax, location="bottom", ticks=[-limit, 0, limit])
        bar.ax.set_xticklabels([f"−{limit:.2g}", "0", f"{limit:.2g}"], size=6)


def signed(value: float) -> str:
    """Return a number with two decimals and a proper minus sign.

    Examples
    --------
    >>> signed(-0.073)
    '−0.07'
    """
    return f"{value:.2f}".replace("-", MINUS)


def share_near_zero(*tables: NDArray[np.floating[Any]], within: float = 0.01) -> float:
    """Return the share of weights that are smaller than a hundredth of the greatest.

    Examples
    --------
    >>> share_near_zero(np.array([0.0, 1.0]), np.array([0.001, -2.0]))
    0.5
    """
    flat = np.abs(np.concatenate([np.ravel(table) for table in tables]))
    return float((flat < within * flat.max()).mean())


@_styled
def draw_norms(norms: Norms) -> Figure:
    """Draw what people felt: EPP of the 38 stimuli as heard, as seen, and mixed as the paper does."""
    order = np.argsort(norms.epp("fused"))
    figure, ax = _axes((7.4, 3.6), 1, 1)
    for modality, colour, mark in (
        ("music", "#b0508a", "o"),
        ("animation", "#3f9bd1", "s"),
        ("fused", INK, "_"),
    ):
        label = {"music": "music", "animation": "animation", "fused": "0.25 music + 0.75 animation"}[modality]
        ax.plot(norms.epp(modality)[order], mark, color=colour, markersize=4.5, label=label)
    ax.axhline(0.5, color=FAINT, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
    names = [norms.stimuli[i].replace("_", " ") for i in order]
    ax.set_xticks(range(len(names)), names, rotation=90, size=6)
    ax.set(ylabel="EPP of norms", ylim=(0, 1))
    ax.legend(frameon=False, loc="upper left")
    return figure


@_styled
def draw_training(loss_curve: list[float], ablation: Mapping[str, Any]) -> Figure:
    """Draw the loss of the shipped model's training, and the comparison of activation functions."""
    colours = {"relu": "#0072b2", "gelu": "#e69f00", "sigmoid": "#009e73"}
    figure, (shipped, loss, held_out) = _axes((7.4, 2.7), 1, 3)
    shipped.semilogy(range(1, len(loss_curve) + 1), loss_curve, color=INK)
    shipped.set(xlabel="epoch", ylabel="mean squared error", title="shipped AVF-BEL")
    for i, (name, found) in enumerate(ablation["activations"].items()):
        loss.semilogy(range(1, len(found["loss"]) + 1), found["loss"], color=colours[name], label=name)
        held_out.plot([i] * len(found["r"]), found["r"], "o", color=colours[name], markersize=4)
        held_out.plot(i, np.mean(found["r"]), "_", color=INK, markersize=18)
    loss.legend(frameon=False)
    loss.set(xlabel="epoch", title="A-BEL, by activation")
    held_out.set_xticks(range(len(ablation["activations"])), list(ablation["activations"]))
    held_out.set(ylabel="r, held-out stimuli", xlim=(-0.5, 2.5), title="one dot a seed")
    return figure


def _axes(size: tuple[float, float], rows: int, columns: int, **options: Any) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=200, layout="constrained")
    return figure, figure.subplots(rows, columns, **options)
