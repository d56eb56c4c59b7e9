"""Figures of the paper, regenerated as far as they can be, each with what it shows and what is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from avfbel.brain.auditory_cortex import POPULATION_SIZE, PUBLISHED_CURRENT_V
from avfbel.brain.model import AVFBEL
from avfbel.data.norms import load_norms, load_reliability
from avfbel.files import write_whole
from avfbel.published.ablation import EXEMPLARS, load_ablation, train_ablation
from avfbel.published.architecture import draw_framework, draw_layers, draw_pathway
from avfbel.published.pictures import (
    average_limbic,
    draw_features,
    draw_generated,
    draw_norms,
    draw_raster,
    draw_training,
    draw_weights,
    share_near_zero,
    signed,
    stimulus_means,
)
from avfbel.published.released import (
    generate_film,
    generate_fused,
    generate_sound,
    load_pairs,
    load_weights,
)
from avfbel.published.report import write_report
from avfbel.published.similarity import published_similarity
from avfbel.runtime.bundle import Bundle
from avfbel.runtime.figure import encode_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRINTED_SIMILARITY = {
    "M-BEL": ("49.26", "49.06"),
    "A-BEL": ("67.48", "65.08"),
    "AVF-BEL": ("77.69", "77.69"),
}
"""Average similarity in Table 2 and in the text of the paper, in %."""


class Regenerated(NamedTuple):
    """A figure made anew."""

    file: str
    """Name of the PNG."""
    title: str
    shows: str
    """What it shows, with the numbers in it."""
    lost: str
    """What of the printed figure cannot be made anew, or differs."""
    draw: Callable[[], Figure]


def run(data_dir: Path | None, out: Path | None, *, rerun: bool) -> str:
    """Return the captions of all figures as Markdown, and write the pictures.

    Parameters
    ----------
    data_dir : Path or None
        Folder of the released data, as for `avfbel.data.ratings.find_ratings`.
    out : Path or None
        Folder for fig1.png to fig9.png, norms.png, training.png and figures.md, .json and .csv, if they are
        to be written.
    rerun : bool
        Whether to train the comparison of activation functions anew (its clips are made first if they were
        never made), instead of taking what is committed.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    FileNotFoundError, avfbel.errors.InputError
        If the released data are not there or not as released.
    """
    ablation = _train() if rerun else load_ablation()
    figures = all_figures(data_dir, ablation)
    text = "\n\n".join(_caption(figure, linked=out is not None) for figure in figures) + "\n"
    rows = [
        {"file": figure.file, "title": figure.title, "shows": figure.shows, "not_regenerated": figure.lost}
        for figure in figures
    ]
    write_report(out, "figures", text, data={"figures": rows, "ablation": ablation}, rows=rows)
    if out is not None:
        for figure in figures:
            write_whole(out / figure.file, encode_figure(figure.draw(), "png"))
    return text


def all_figures(data_dir: Path | None, ablation: Mapping[str, Any]) -> list[Regenerated]:
    """Return all figures, not yet drawn.

    Parameters
    ----------
    data_dir : Path or None
        Folder of the released data.
    ablation : mapping
        As from `train_ablation`.
    """
    model, bundle = AVFBEL(), Bundle.open()
    return [
        *_architecture(model),
        _raster(bundle),
        *_from_ratings(data_dir),
        _heat_maps(data_dir, bundle),
        _norms(),
        _training(bundle, ablation),
    ]


def _architecture(model: AVFBEL) -> list[Regenerated]:
    table = model.parameter_table()
    trained = sum(part.trained for part in table)
    areas = "the printed drawing of a brain is an illustration and is not redrawn"
    return [
        Regenerated(
            "fig1.png",
            "Figure 1, the pathway",
            f"Regions on the way from film and sound to emotion, with the weights each has: {trained:,} in "
            f"all, "
            "the decoder that follows IT included. Read from the built model.",
            areas + "; MST and the dorsal stream are in its text, and in no code.",
            lambda: draw_pathway(model),
        ),
        Regenerated(
            "fig2.png",
            "Figure 2, the framework",
            "The four modules, by the names of their classes, with parameters, operations a window and the "
            "lengths of the codes between them.",
            "sizes of the printed modules: the paper gives none but the numbers of neurons and kernels.",
            lambda: draw_framework(model),
        ),
        Regenerated(
            "fig3.png",
            "Figure 3, the layers",
            "Every layer, with its shape as traced through a run; both forms of the limbic system.",
            "the printed network has no sizes and no equations; the reading taken stands in "
            "`avfbel.brain.recurrent`.",
            lambda: draw_layers(model),
        ),
    ]


def _raster(bundle: Bundle) -> Regenerated:
    currents = ", ".join(f"{PUBLISHED_CURRENT_V[p]:g} V into {n} {p}" for p, n in POPULATION_SIZE.items())
    return Regenerated(
        "fig4.png",
        "Figure 4, spikes of the auditory cortex",
        f"Left: the printed currents, {currents}, for 1 s. All neurons of a population fire as one, and "
        f"whatever "
        "the sound. Right: the population code of this package for the mean features of its training.",
        "nothing: the left panel is the closed form of the printed equations. Printed currents do not "
        "depend on "
        "the five features that Eq. 7–9 say they map.",
        lambda: draw_raster(bundle),
    )


def _from_ratings(data_dir: Path | None) -> list[Regenerated]:
    pairs, weights = load_pairs(data_dir), load_weights(data_dir)
    sound = generate_sound(pairs, weights["music"])
    film = generate_film(pairs, weights["animation"])
    fused = generate_fused(pairs, weights["fused"])
    n = len(pairs.stimulus)
    found = [
        Regenerated(
            "fig5.png",
            "Figure 5, the ten features",
            "Upper row: the generative parameters of the 38 films. Lower row: the released acoustic "
            "features of "
            f"{n} clips.",
            "which clips the printed panels were taken from. The released visual features are the parameters "
            "plus a tenth of the rating to be predicted; drawn are the clean ones.",
            lambda: draw_features(pairs, data_dir),
        )
    ]
    models = (
        ("M-BEL", sound, pairs.music_epp),
        ("A-BEL", film, pairs.animation_epp),
        ("AVF-BEL", fused, pairs.fused_epp),
    )
    for order, (name, generated, wanted) in enumerate(models, 6):
        similarity = published_similarity(generated, wanted)
        r = float(np.corrcoef(generated, wanted)[0, 1])
        means = [stimulus_means(pairs.stimulus, values) for values in (generated, wanted)]
        r_means = float(np.corrcoef(means[0], means[1])[0, 1])
        table, text = PRINTED_SIMILARITY[name]
        lost = (
            "nothing that is known of it: the printed similarity comes out to the digit."
            if f"{similarity:.2f}" == table
            else f"Table 2 prints {table} % and the text {text} %; released weights and tables give neither."
        )
        found.append(
            Regenerated(
                f"fig{order}.png",
                f"Figure {order}, generated and human EPP, {name}",
                f"Output of the released weights for {n} ratings beside the published EPP, both normalised. "
                f"Similarity as the paper computes it {similarity:.2f} %, correlation r = {signed(r)}, "
                f"{signed(r_means)} over the means of stimuli. The "
                "similarity grows with the error, so that it does not tell how well the model does.",
                lost,
                partial(draw_generated, pairs.stimulus, generated, wanted),
            )
        )
    return found


def _heat_maps(data_dir: Path | None, bundle: Bundle) -> Regenerated:
    released = load_weights(data_dir)["fused"]
    ours = share_near_zero(bundle.weights["V"], bundle.weights["U"])
    theirs = share_near_zero(released.v, released.w, released.we)
    return Regenerated(
        "fig9.png",
        "Figure 9, weights and activity",
        "Above: the eight released weights of the fused model. Below: V, U and T of the shipped model, and "
        "A, O "
        f"and E for the average input x of its training. Near zero (below 1 % of the greatest) are "
        f"{theirs:.0%} "
        f"of the released weights and {ours:.0%} of V and U.",
        "the printed maps of A and O, whose inputs are not told. The paper sees a high degree of sparsity; "
        "the "
        "released weights show none. W of the shipped model is 0: its prefrontal cortex does not learn.",
        lambda: draw_weights(bundle, average_limbic(bundle), released),
    )


def _norms() -> Regenerated:
    norms, reliability = load_norms(), load_reliability()
    heard, seen = norms.epp("music"), norms.epp("animation")
    told = ", ".join(f"{name} {reliability[name]['epp']:.2f}" for name in ("music", "animation", "fused"))
    return Regenerated(
        "norms.png",
        "What people felt",
        "EPP of the 38 stimuli as a ratio of mean ratings, heard and seen. The two agree with "
        f"r = {np.corrcoef(heard, seen)[0, 1]:.2f}; reliability over raters: {told}.",
        "not in the paper, which prints no ratings by stimulus. Nobody rated sound and film together: the "
        "fused "
        "norm is a convention.",
        lambda: draw_norms(norms),
    )


def _training(bundle: Bundle, ablation: Mapping[str, Any]) -> Regenerated:
    cortex = bundle.card.get("cortex") or {}
    curve = [float(loss) for loss in cortex.get("loss_curve") or bundle.card["loss_curve"]]
    learners = "cortex and gyrus, which learn without ratings," if cortex else "the model"
    told = "; ".join(
        f"{name} r = {np.mean(found['r']):.3f} ({min(found['r']):.3f} to {max(found['r']):.3f})"
        for name, found in ablation["activations"].items()
    )
    means = [np.mean(found["r"]) for found in ablation["activations"].values()]
    widest = max(max(found["r"]) - min(found["r"]) for found in ablation["activations"].values())
    verdict = (
        "The activations differ by less than the seeds of one: the choice of ReLU makes no measurable "
        "difference"
        if max(means) - min(means) < widest
        else "The activations differ by more than the seeds of one"
    )
    return Regenerated(
        "training.png",
        "Loss and activation functions",
        f"Left: loss of {learners} of the shipped bundle in {len(curve)} epochs, from {curve[0]:.4f} to "
        f"{curve[-1]:.4f}. Middle and "
        f"right: A-BEL with each activation function on {ablation['clips']} clips, {ablation['folds']} "
        f"groups of "
        f"stimuli held out in turn, {len(ablation['seeds'])} seeds, {ablation['epochs']} epochs; "
        f"correlation of "
        f"held-out EPP: {told}. {verdict}, at this size.",
        "the paper names the three functions and reports a loss every tenth epoch, and prints neither.",
        lambda: draw_training(curve, ablation),
    )


def _caption(figure: Regenerated, *, linked: bool) -> str:
    picture = f"![{figure.title}]({figure.file})\n\n" if linked else ""
    return f"### {figure.title}\n\n{picture}{figure.shows}\n\n*Not regenerated:* {figure.lost}"


def _train() -> dict[str, Any]:
    from avfbel.data.dataset import load_dataset

    return train_ablation(load_dataset("sievers2021", exemplars=EXEMPLARS))
