"""What the paper's released data and weights show: each figure is computed from them, none is asserted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from avfbel.learn.metrics import pearson_r
from avfbel.published.audit_text import audit_text
from avfbel.published.printed import FUSED_CUT, SOUND_CUT, printed
from avfbel.published.released import (
    ReleasedPairs,
    ReleasedWeights,
    generate_film,
    generate_fused,
    generate_sound,
    load_pairs,
    load_weights,
)
from avfbel.published.report import write_report
from avfbel.published.similarity import binary_scores, min_max, published_similarity

CUTS = tuple(round(0.01 * step, 2) for step in range(1, 100))
"""The cuts that are tried when it is asked which ones make a printed row come out."""

WIDTHS, KERNELS = (5, 64, 128, 256, 512), (7, 3, 3, 3)
"""Channels in front of and behind each area of the printed visual cortex, and its kernels."""


def audit(pairs: ReleasedPairs, weights: Mapping[str, ReleasedWeights], *, seed: int = 0) -> dict[str, Any]:
    """Recompute what the paper reports from what was released, and what the same formulas give elsewhere.

    Parameters
    ----------
    pairs : ReleasedPairs
        Ratings and features, from `load_pairs`.
    weights : mapping of ReleasedWeights
        From `load_weights`.
    seed : int
        Of the order into which ratings are shuffled.

    Returns
    -------
    dict
        Similarity in percent; other figures dimensionless. Sections: `headline`, `similarity`, `cells`,
        `leak`, `copies`, `contradictions`, `weights`.
    """
    return {
        "headline": _headline(pairs, weights["fused"], seed),
        "similarity": _similarity(pairs),
        "cells": _cells(pairs, weights),
        "leak": _leak(pairs, weights["fused"]),
        "copies": _copies(pairs, weights["fused"]),
        "contradictions": _contradictions(),
        "weights": {name: {"learning_rate": of.rate} for name, of in weights.items()},
    }


def _headline(pairs: ReleasedPairs, fused: ReleasedWeights, seed: int) -> dict[str, Any]:
    generated, target = generate_fused(pairs, fused), pairs.fused_epp
    shuffled = np.random.default_rng(seed).permutation(target)
    scaled = min_max(generated)
    return {
        "n": len(target),
        "similarity": published_similarity(generated, target),
        "ratings_shuffled": published_similarity(generated, shuffled),
        "ratings_all_zero": published_similarity(generated, np.zeros_like(target)),
        "ratings_all_one": published_similarity(generated, np.ones_like(target)),
        "without_leak": published_similarity(generate_fused(pairs, fused, leak=False), target),
        "r": pearson_r(target, generated),
        "r2": float(1 - ((target - scaled) ** 2).sum() / ((target - target.mean()) ** 2).sum()),
        "output_above_rating": int((generated > target).sum()),
        "output_range": [float(generated.min()), float(generated.max())],
        "target_range": [float(target.min()), float(target.max())],
        "same_sign": float(((scaled >= 0) == (target >= 0)).mean()),
    }


def _similarity(pairs: ReleasedPairs) -> dict[str, float]:
    target = pairs.fused_epp
    return {
        "perfect": published_similarity(target, target),
        "negated": published_similarity(-target, target),
        "reversed": published_similarity(1 - target, target),
        "constant": published_similarity(np.full_like(target, target.mean()), target),
        "off_by_a_quarter": published_similarity(target + 0.25 * np.ptp(target), target),
        "off_by_a_half": published_similarity(target + 0.5 * np.ptp(target), target),
        "off_by_the_range": published_similarity(target + np.ptp(target), target),
    }


def _cells(pairs: ReleasedPairs, weights: Mapping[str, ReleasedWeights]) -> dict[str, Any]:
    sound, fused = generate_sound(pairs, weights["music"]), generate_fused(pairs, weights["fused"])
    labels = pairs.music_epp
    everything = np.ones_like(labels)
    return {
        "m-bel": {
            **binary_scores(min_max(sound), labels, cut=SOUND_CUT)._asdict(),
            "similarity": published_similarity(sound, labels),
        },
        "avf-bel": {
            **binary_scores(min_max(fused), labels, cut=FUSED_CUT)._asdict(),
            "similarity": published_similarity(fused, pairs.fused_epp),
        },
        "avf-bel, own target as labels": binary_scores(
            min_max(fused), pairs.fused_epp, cut=FUSED_CUT
        )._asdict(),
        "all positive": binary_scores(everything, labels, cut=FUSED_CUT)._asdict(),
        "other weights": {
            "music-rnn, sound": published_similarity(generate_sound(pairs, weights["music-rnn"]), labels),
            "animation, film": published_similarity(
                generate_film(pairs, weights["animation"]), pairs.animation_epp
            ),
            "animation, clean film": published_similarity(
                generate_film(pairs, weights["animation"], leak=False), pairs.animation_epp
            ),
        },
        "search": _search(pairs, weights),
    }


def _search(pairs: ReleasedPairs, weights: Mapping[str, ReleasedWeights]) -> dict[str, Any]:
    """Try every output, labels and cut for each printed row of precision, recall and F1."""
    outputs = {
        "music weights on sound": generate_sound(pairs, weights["music"]),
        "music-rnn weights on sound": generate_sound(pairs, weights["music-rnn"]),
        "animation weights on film": generate_film(pairs, weights["animation"]),
        "fused weights on film": generate_film(pairs, weights["fused"]),
        "fused weights on both": generate_fused(pairs, weights["fused"]),
    }
    labels = {"music": pairs.music_epp, "animation": pairs.animation_epp, "fused": pairs.fused_epp}
    rows = {
        model: [row[name] for name in ("precision", "recall", "f1")]
        for model, row in printed()["table2"].items()
    }
    found = []
    for what, generated in outputs.items():
        for target, true in labels.items():
            for cut in CUTS:
                scores = binary_scores(min_max(generated), true, cut=cut)
                for model, wanted in rows.items():
                    if np.allclose(scores, wanted, rtol=0, atol=0.005):
                        found.append({"row": model, "output": what, "labels": target, "cut": cut})
    return {"cuts": len(CUTS), "tried": len(outputs) * len(labels) * len(CUTS), "found": found}


def _leak(pairs: ReleasedPairs, fused: ReleasedWeights) -> dict[str, Any]:
    rating, leaky = pairs.animation, pairs.leaky
    within = _less_mean_of_stimulus(pairs.stimulus, leaky[:, 0])
    felt = _less_mean_of_stimulus(pairs.stimulus, rating)
    clean = _less_mean_of_stimulus(pairs.stimulus, pairs.parameters[:, 0])
    recovered = 10 * (leaky[:, 0] - pairs.parameters[:, 0])
    target = pairs.fused_epp
    without = binary_scores(min_max(generate_fused(pairs, fused, leak=False)), pairs.music_epp, cut=FUSED_CUT)
    return {
        "r_within_stimulus": pearson_r(felt, within),
        "clean_spread_within_stimulus": float(np.abs(clean).max()),
        "largest_error_of_recovered_rating": float(np.abs(recovered - rating).max()),
        "similarity_with": published_similarity(generate_fused(pairs, fused), target),
        "similarity_without": published_similarity(generate_fused(pairs, fused, leak=False), target),
        "fused_without": without._asdict(),
    }


def _less_mean_of_stimulus(stimulus: Any, values: Any) -> Any:
    _, place = np.unique(stimulus, return_inverse=True)
    return values - (np.bincount(place, values) / np.bincount(place))[place]


def _copies(pairs: ReleasedPairs, fused: ReleasedWeights) -> dict[str, Any]:
    generated, target = generate_fused(pairs, fused), pairs.fused_epp
    n, r = len(target), pearson_r(target, generated)
    tenfold = (np.tile(target, 10), np.tile(generated, 10))
    keys = {(str(s), int(p)) for s, p in zip(pairs.stimulus, pairs.participant, strict=True)}
    return {
        "rows": n,
        "different_pairs": len(keys),
        "different_feature_rows": len(np.unique(pairs.acoustic, axis=0)),
        "similarity": published_similarity(generated, target),
        "similarity_of_ten_copies": published_similarity(tenfold[1], tenfold[0]),
        "r_of_ten_copies": pearson_r(*tenfold),
        "r_interval": _fisher(r, n),
        "r_interval_of_ten_copies": _fisher(r, 10 * n),
    }


def _fisher(r: float, n: int) -> list[float]:
    """Return the 95 % interval of r if all n rows were independent."""
    half = 1.96 / np.sqrt(n - 3)
    return [float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))]


def visual_cortex_parameters() -> int:
    """Return the weights and biases of the four areas of the printed visual cortex.

    Examples
    --------
    >>> visual_cortex_parameters()
    1564928
    """
    areas = zip(WIDTHS, WIDTHS[1:], KERNELS, strict=False)
    return sum(kernel**2 * before * after + after for before, after, kernel in areas)


def _contradictions() -> dict[str, Any]:
    paper = printed()
    table2, text = paper["table2"], paper["text_similarity"]
    return {
        "similarity": {
            model: {"table": table2[model]["similarity"], "text": text[model]}
            for model in text
            if text[model] != table2[model]["similarity"]
        },
        "a_bel_text_is_table_of": [
            model for model in table2 if table2[model]["similarity"] == text["a-bel"] and model != "a-bel"
        ],
        "parameters": {"table1": paper["table1_parameters"], "visual_cortex": visual_cortex_parameters()},
    }


def run(data_dir: Path | None, out: Path | None, *, rerun: bool) -> str:
    """Audit the published results; return the report, and write audit.md, .json and .csv into `out`.

    Parameters
    ----------
    data_dir : path or None
        The folder that holds ratings.csv, or one above it; `AVFBEL_DATA` if None.
    out : path or None
        Folder of the files.
    rerun : bool
        Nothing is stored here: everything is computed each time anyway.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    FileNotFoundError
        If ratings, features or weights are missing.
    """
    found = audit(load_pairs(data_dir), load_weights(data_dir))
    text = audit_text(found)
    write_report(out, "audit", text, data=found, rows=[{"name": n, "value": v} for n, v in _flat(found)])
    return text


def _flat(found: Any, name: str = "") -> list[tuple[str, Any]]:
    if isinstance(found, Mapping):
        items = [(str(key), of) for key, of in found.items()]
    elif isinstance(found, list):
        items = [(str(place), of) for place, of in enumerate(found)]
    else:
        return [(name, found)]
    return [leaf for key, of in items for leaf in _flat(of, f"{name}.{key}" if name else key)]
