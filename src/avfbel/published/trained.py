"""The five models of Table 2, trained by this package, one cell a model and protocol."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import InputError
from avfbel.files import write_whole
from avfbel.learn.candidates import Circuit, Settings, all_samples, circuit
from avfbel.learn.crossvalidation import cross_validate
from avfbel.learn.metrics import pearson_r
from avfbel.published.printed import FUSED_CUT, SOUND_CUT
from avfbel.published.released import ReleasedPairs
from avfbel.published.report import to_json
from avfbel.published.similarity import binary_scores, min_max, published_similarity

if TYPE_CHECKING:
    from avfbel.data import Dataset

Array = NDArray[np.float64]

KIND = {"bel-m": "audio", "bel-a": "video", "m-bel": "audio", "a-bel": "video", "avf-bel": "fused"}
"""What each model of Table 2 perceives, in the order of the table."""

PROTOCOLS = ("published", "leave-stimulus-out")
"""In-sample with the paper's metrics, and held out with honest ones."""

COMMITTED = Path(__file__).with_name("trained.json")
"""The cells that were trained for the package."""

CUT = {"audio": SOUND_CUT, "video": SOUND_CUT, "fused": FUSED_CUT}
"""Where published precision and recall cut, by perception: as printed rows come out of released weights."""


def read_cells(path: Path = COMMITTED) -> dict[str, dict[str, Any]]:
    """Return trained cells as ``{model: {protocol: figures}}``; nothing if the file is not there.

    Raises
    ------
    InputError
        If the file is not one of trained cells.
    """
    if not path.exists():
        return {}
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return {model: dict(of) for model, of in cells.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} does not hold trained cells: remove it, and train anew") from error


def train_cells(
    path: Path,
    load: Callable[[], Dataset],
    pairs: ReleasedPairs,
    *,
    models: tuple[str, ...] = tuple(KIND),
    seed: int = 0,
    jobs: int | None = None,
    tell: Callable[[str, int, int], None] | None = None,
) -> dict[str, dict[str, Any]]:
    """Train the cells that a file does not hold yet, and write it anew after each one.

    Parameters
    ----------
    path : path
        The file; cells that are in it are kept.
    load : callable
        Returns the measured clips; called only if a cell is missing.
    pairs : ReleasedPairs
        Single ratings, with which the published metrics compare.
    models : tuple of str
        Which of `KIND`.
    seed, jobs : int
        Seed of training, and number of processes of cross-validation.
    tell : callable, optional
        Called with what is being done, the number of its parts that are done, and that of all.

    Returns
    -------
    dict
        All cells in the file.
    """
    cells = read_cells(path)
    wanted = [(model, protocol) for protocol in PROTOCOLS for model in models]
    missing = [(model, protocol) for model, protocol in wanted if protocol not in cells.get(model, {})]
    if not missing:
        return cells
    data = load()
    for done, (model, protocol) in enumerate(missing, start=len(wanted) - len(missing)):
        if tell:
            tell("cells of Table 2", done, len(wanted))
        figures = (
            in_sample(model, data, pairs, seed=seed)
            if protocol == "published"
            else held_out(model, data, seed=seed, jobs=jobs, tell=tell)
        )
        cells.setdefault(model, {})[protocol] = figures
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, to_json({"seed": seed, "cells": cells}).encode("utf-8"))
    return cells


def in_sample(model: str, data: Dataset, pairs: ReleasedPairs, *, seed: int = 0) -> dict[str, Any]:
    """Train a model on all clips and score it on the same ones, with the paper's metrics.

    It learns the mean intensities of each stimulus. What it then says of exemplar i of a stimulus is compared
    with what participant i answered, as the paper does: sum of k·E_k / 15 (rating / 127) against the min-max
    normalised published EPP.

    Returns
    -------
    dict
        precision, recall, f1, similarity (percent), r, and n clips.
    """
    kind = KIND[model]
    fitted = Circuit(circuit(model, Settings(seed=seed, cortex="none"))).fit(data)
    samples = all_samples(data, kind)
    emotions = np.maximum(0.0, fitted.model.predict(samples))
    positivity = emotions @ np.arange(1.0, 6.0) / 15.0
    clip = data.clip[samples.row]
    said = np.bincount(clip, positivity, minlength=data.n_clips) / np.bincount(clip, minlength=data.n_clips)
    return score_in_sample(said, data.stimulus, pairs, kind)


def score_in_sample(
    said: Array, stimulus: NDArray[np.str_], pairs: ReleasedPairs, kind: str
) -> dict[str, Any]:
    """Score what was said of clips by the paper's metrics, each exemplar against one participant's answer.

    Parameters
    ----------
    said : ndarray, shape (n_clips,)
        Sum of k·E_k / 15, in units of rating / 127.
    stimulus : ndarray of str, shape (n_clips,)
        Exemplars of a stimulus in the order of participants.
    pairs : ReleasedPairs
        What participants answered.
    kind : {"audio", "video", "fused"}
        What was perceived: fused is compared as the paper did, cut with labels of music.

    Returns
    -------
    dict
        precision, recall, f1, similarity (percent), r, and n clips.
    """
    target = {"audio": pairs.music_epp, "video": pairs.animation_epp, "fused": pairs.fused_epp}[kind]
    labels = pairs.animation_epp if kind == "video" else pairs.music_epp
    row_of = {
        (str(name), int(participant)): row
        for row, (name, participant) in enumerate(zip(pairs.stimulus, pairs.participant, strict=True))
    }
    met: dict[str, int] = {}
    rows, clips = [], []
    for clip, name in enumerate(stimulus.tolist()):
        row = row_of.get((name, met.setdefault(name, 0)))
        met[name] += 1
        if row is not None:
            rows.append(row)
            clips.append(clip)
    said, target, labels = said[clips], target[rows], labels[rows]
    return {
        **binary_scores(min_max(said), labels, cut=CUT[kind])._asdict(),
        "similarity": published_similarity(said, target),
        "r": pearson_r(target, said),
        "n": len(rows),
    }


def held_out(
    model: str,
    data: Dataset,
    *,
    seed: int = 0,
    jobs: int | None = None,
    tell: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Score a model on stimuli that it has not met, as ``{target: figures}`` of what it perceives."""
    found = cross_validate(
        model,
        data,
        "leave-stimulus-out",
        settings=Settings(seed=seed, cortex="none"),
        jobs=jobs,
        progress=tell,
    )
    return dict(found.metrics()[KIND[model]])
