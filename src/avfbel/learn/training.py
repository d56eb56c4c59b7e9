"""From a data set to a bundle: held-out evaluation first, then the model on everything, then its card."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avfbel._version import __version__
from avfbel.data.targets import KINDS
from avfbel.emotion import EPP_WEIGHTS, PRIOR
from avfbel.errors import UsageError
from avfbel.learn.candidates import CIRCUITS, Circuit, Settings, circuit
from avfbel.learn.crossvalidation import cross_validate
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES

if TYPE_CHECKING:
    from avfbel.brain.model import AVFBEL
    from avfbel.data import Dataset

Progress = Callable[[str, int, int], object]
"""Called with what is being done, how many steps of it are done, and how many there are."""

EPP_DEFINITION = (
    f"(lambda/2 + sum w_e E_e) / (lambda + sum E_e) with E_e = max(0, output), lambda = {PRIOR} and weights "
    f"{', '.join(f'{weight:.4g}' for weight in EPP_WEIGHTS)} for fear, sadness, anger, calm, happiness"
)


def protocols_for(data: Dataset) -> tuple[str, ...]:
    """Return the protocols by which a model of this data is judged.

    The 38 stimuli of sievers2021 have two; other data leave out one stimulus at a time, or a fifth of them
    where there are more than 40; with fewer than three stimuli nothing can be held out.
    """
    if data.name == "sievers2021":
        return ("leave-stimulus-out", "leave-prototype-out")
    n_stimuli = len(np.unique(data.stimulus))
    if n_stimuli < 3:
        return ()
    return ("leave-stimulus-out",) if n_stimuli <= 40 else ("k-fold",)


def train_bundle(
    model: str,
    data: Dataset,
    out: str | Path,
    *,
    settings: Settings | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate a circuit by cross-validation, train it on all clips and write it as a bundle.

    Parameters
    ----------
    model : {"avf-bel", "m-bel", "a-bel"}
        The circuit, or its hearing or seeing half.
    data : Dataset
        Measured clips with targets.
    out : path
        Folder to write; an existing bundle there is replaced once the new one is whole.
    settings : Settings, optional
        Epochs, seed and parameters.
    jobs : int, optional
        Processes for the folds; one a core by default.
    progress : callable, optional
        Told of folds and epochs.

    Returns
    -------
    dict
        The card of the bundle.

    Raises
    ------
    UsageError
        If the model is no circuit, `out` is something else than a bundle, or there is nothing to learn from.
    """
    settings = settings or Settings()
    check_model(model)
    out = Path(out)
    check_destination(out)
    check_lessons(model, data)
    metrics = {}
    for protocol in protocols_for(data):
        done = _counter(progress, protocol)
        metrics[protocol] = cross_validate(
            model, data, protocol, settings=settings, jobs=jobs, progress=done
        ).metrics()
    fitted = Circuit(circuit(model, settings), kinds=_kinds(model))
    epochs = fitted.model.epochs

    def tell(epoch: int, _loss: float) -> None:
        if progress is not None:
            progress("final model", epoch, epochs)

    fitted.fit(data, progress=tell)
    return write_bundle(fitted.model, out, make_card(model, fitted.model, data, metrics, settings))


def check_model(model: str) -> None:
    """Raise UsageError unless `model` can be written as a bundle."""
    if model not in CIRCUITS:
        raise UsageError(f"{model!r} cannot be written as a bundle: choose one of {', '.join(CIRCUITS)}")


def check_destination(out: Path) -> None:
    """Refuse a destination that is not a bundle, or cannot be written, before any work.

    Raises
    ------
    UsageError
        Naming the folder.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: name a folder for the bundle")
    if out.is_dir() and any(out.iterdir()) and not (out / "card.json").is_file():
        raise UsageError(f"{out} holds something else than a bundle: name a new folder")
    parent = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
    if not os.access(parent, os.W_OK):
        raise UsageError(f"{parent} cannot be written to: name another folder with --out")


def check_lessons(model: str, data: Dataset) -> None:
    """Refuse data from which this model cannot learn anything.

    Raises
    ------
    UsageError
        If no rated clip has a track that the model perceives.
    """
    if not any(
        (data.available(kind) & np.isfinite(data.targets[kind].rewards).all(axis=1)).any()
        for kind in _kinds(model)
        if data.available(kind).any()
    ):
        raise UsageError(f"{data.manifest}: no rated clip has a track that {model} perceives")


def make_card(
    model: str, fitted: AVFBEL, data: Dataset, metrics: Mapping[str, Any], settings: Settings
) -> dict[str, Any]:
    """Say what a trained model is, what it was trained on, and how well it predicts what it had not met."""
    from avfbel.brain.regions import REGIONS
    from avfbel.runtime import BUNDLE_FORMAT

    ranges, missing = feature_ranges(data)
    n_stimuli = len(np.unique(data.stimulus))
    return {
        "format": BUNDLE_FORMAT,
        "name": model,
        "version": __version__,
        "avfbel": __version__,
        "data": data.name,
        "trained_on": (
            f"{n_stimuli} stimuli, {data.n_clips} clips, {data.n_windows} windows of {data.window:g} s"
        ),
        "kinds": list(_kinds(model)),
        "citation": data.source.get("citation"),
        "licence": data.source.get("licence", "that of the ratings it was trained on"),
        "window_s": data.window,
        "hop_s": data.hop,
        "epp_definition": EPP_DEFINITION,
        "feature_ranges": ranges,
        "may_be_missing": missing,
        "regions": list(REGIONS),
        "seed": settings.seed,
        "parameters": fitted.get_params(),
        "n_parameters": fitted.n_parameters_,
        "loss_curve": [round(loss, 6) for loss in fitted.loss_curve_],
        "training_mse": {"linear_read_out": fitted.head_mse_, "brain_emotional_learning": fitted.bel_mse_},
        "metrics": dict(metrics),
    }


def feature_ranges(data: Dataset) -> tuple[dict[str, list[float]], list[str]]:
    """Return smallest and largest value of each feature where its sense has evidence, and which may lack."""
    ranges, missing = {}, []
    for sense, (names, table) in enumerate(((ALL_ACOUSTIC, data.acoustic), (VISUAL_FEATURES, data.visual))):
        perceived = data.evidence[:, sense] > 0
        for name, column in zip(names, table[perceived].T, strict=True):
            known = column[np.isfinite(column)]
            if len(known):
                ranges[name] = [float(known.min()), float(known.max())]
            if len(known) < len(column):
                missing.append(name)
    return ranges, missing


def write_bundle(model: AVFBEL, out: Path, card: dict[str, Any]) -> dict[str, Any]:
    """Write network, weights and card into a folder, whole or not at all; return the card with digests."""
    from avfbel.learn.export import export_model

    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as workplace:
        fresh = Path(workplace) / "bundle"
        complete = {**card, "sha256": export_model(model, fresh)}
        (fresh / "card.json").write_text(
            json.dumps(complete, indent=1, allow_nan=False) + "\n", encoding="utf-8"
        )
        if out.exists():
            shutil.move(out, Path(workplace) / "replaced")
        fresh.replace(out)
    return complete


def _kinds(model: str) -> tuple[str, ...]:
    return KINDS if CIRCUITS[model] == "both" else (CIRCUITS[model],)


def _counter(progress: Progress | None, title: str) -> Callable[[int], object] | None:
    if progress is None:
        return None
    done = 0

    def step(n: int) -> None:
        nonlocal done
        done += n
        progress(title, done, 0)

    return step
