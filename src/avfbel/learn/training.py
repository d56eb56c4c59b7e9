"""From a data set to a bundle: held-out evaluation first, then the model on everything, then its card."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avfbel.data.dataset import Progress
from avfbel.data.targets import KINDS
from avfbel.errors import UsageError
from avfbel.learn.calibration import calibrate
from avfbel.learn.candidates import (
    CIRCUITS,
    KINDS_OF_MODALITY,
    NAME_OF_MODALITY,
    Circuit,
    Settings,
    check_lessons,
    circuit,
    taught_modality,
)
from avfbel.learn.card import make_card
from avfbel.learn.crossvalidation import cross_validate
from avfbel.learn.jackknife import Choice
from avfbel.learn.protocols import PROTOTYPES, ingredients
from avfbel.runtime.bundle import CARD
from avfbel.runtime.bundle_folder import check_destination, whole_folder

if TYPE_CHECKING:
    from avfbel.brain.model import AVFBEL
    from avfbel.data import Dataset

MOST_FOLDS = 40
"""Stimuli up to which one is left out at a time; of more, a fifth."""


def protocols_for(data: Dataset, kinds: Iterable[str] = KINDS) -> tuple[str, ...]:
    """Return the protocols by which a model of this data is judged.

    The 38 stimuli of sievers2021 have two; other data leave out one stimulus at a time, or a fifth of them
    where there are more than `MOST_FOLDS`; with fewer than three stimuli nothing can be held out.

    Parameters
    ----------
    data : Dataset
        Measured clips with targets.
    kinds : iterable of str
        Kinds of perception that the model has; stimuli of which it perceives nothing do not count.

    Returns
    -------
    tuple of str
        Names of protocols.
    """
    perceived = np.any([data.available(kind) for kind in kinds], axis=0)
    stimuli = np.unique(data.stimulus[perceived])
    if len(stimuli) < 3:
        return ()
    if len(stimuli) > MOST_FOLDS:
        return ("k-fold",)
    mixed = frozenset[str]().union(*(ingredients(str(name)) for name in stimuli))
    if data.name == "sievers2021" and mixed.issuperset(PROTOTYPES):
        return ("leave-stimulus-out", "leave-prototype-out")
    return ("leave-stimulus-out",)


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
        The circuit, or its hearing or seeing half. Where no clip has a picture, or none has sound, avf-bel
        becomes the half that there is something to learn for.
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
    InputError
        If a process was ended from outside.

    Warns
    -----
    UserWarning
        If avf-bel becomes one of its halves.
    """
    settings = settings or Settings()
    check_model(model)
    check_destination(out)
    check_lessons(model, data)
    name = _half_that_learns(model, data)
    metrics = {
        protocol: cross_validate(
            name, data, protocol, settings=settings, jobs=jobs, progress=progress
        ).metrics()
        for protocol in protocols_for(data, KINDS_OF_MODALITY[CIRCUITS[name]])
    }
    fitted = circuit(name, settings)

    def tell(epoch: int, _loss: float) -> None:
        if progress is not None:
            progress("training on all clips", epoch, fitted.epochs)

    Circuit(fitted).fit(data, progress=tell)
    intervals = _intervals(fitted, data, progress)
    return write_bundle(fitted, out, make_card(fitted, data, metrics, intervals))


def _intervals(fitted: AVFBEL, data: Dataset, progress: Progress | None) -> dict[str, Any] | None:
    """Calibrate intervals; None where a cortex would have to learn anew for each stimulus held out.

    None too where the limbic system learns otherwise than `hold_out` lets it.
    """
    as_held_out = fitted.learning == "local" and fitted.rule == "moren" and fitted.gamma == 0
    if fitted.cortex is None or not as_held_out:
        return None
    choice = Choice(bel_epochs=fitted.bel_epochs, alpha=fitted.alpha, beta=fitted.beta, kappa=fitted.kappa)
    tell = None if progress is None else partial(progress, "calibrating intervals")
    kinds = KINDS_OF_MODALITY[fitted.perceives]
    return calibrate(data, fitted.cortex, choice, kinds=kinds, seed=fitted.random_state, progress=tell)


def check_model(model: str) -> None:
    """Raise UsageError unless `model` can be written as a bundle."""
    if model not in CIRCUITS:
        raise UsageError(f"{model!r} cannot be written as a bundle: choose one of {', '.join(CIRCUITS)}")


def write_bundle(model: AVFBEL, out: str | Path, card: dict[str, Any]) -> dict[str, Any]:
    """Write network, weights and card into a folder, whole or not at all.

    Parameters
    ----------
    model : AVFBEL
        A fitted model.
    out : path
        Folder; what it held before is replaced when the new files are whole.
    card : dict
        Its card, without digests.

    Returns
    -------
    dict
        The card, with digests.

    Raises
    ------
    OSError
        If the disk is full or nothing can be written there; the folder is then as it was.
    """
    from avfbel.learn.export import export_model

    with whole_folder(out) as fresh:
        complete = {**card, "sha256": export_model(model, fresh)}
        text = json.dumps(complete, indent=1, allow_nan=False) + "\n"
        (fresh / CARD).write_text(text, encoding="utf-8")
    return complete


def _half_that_learns(model: str, data: Dataset) -> str:
    modality = taught_modality(CIRCUITS[model], data)
    name = NAME_OF_MODALITY[modality] if modality else model
    if name != model:
        lacking, half = {"audio": ("a moving picture", "hearing"), "video": ("sound", "seeing")}[
            str(modality)
        ]
        warnings.warn(
            f"no rated clip has {lacking}: trained is {name}, the {half} half of {model}",
            UserWarning,
            stacklevel=3,
        )
    return name
