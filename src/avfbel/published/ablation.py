"""Activation functions of the visual cortex compared: ReLU, GELU and sigmoid, trained and held out alike.

The paper names the three and prefers ReLU by argument; it prints no numbers. Here A-BEL is trained with each
on the same clips, folds and seeds. What came out is kept in ablation.json beside this file.
"""

from __future__ import annotations

import json
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from avfbel.brain.model import AVFBEL
from avfbel.brain.visual_cortex import ACTIVATIONS
from avfbel.learn.candidates import Circuit
from avfbel.learn.metrics import pearson_r
from avfbel.learn.protocols import k_fold

if TYPE_CHECKING:
    from avfbel.data import Dataset

STORE = "ablation.json"
EXEMPLARS, FOLDS, EPOCHS, SEEDS = 2, 4, 15, (0, 1, 2, 3)


def train_ablation(
    data: Dataset, *, folds: int = FOLDS, epochs: int = EPOCHS, seeds: tuple[int, ...] = SEEDS
) -> dict[str, Any]:
    """Train A-BEL with each activation, and predict stimuli that it has not met.

    Parameters
    ----------
    data : Dataset
        Clips with what people felt at them.
    folds, epochs : int
        Groups of stimuli held out in turn, and passes of training.
    seeds : tuple of int
        Initial weights; folds stay the same.

    Returns
    -------
    dict
        ``clips``, ``stimuli``, ``folds``, ``epochs``, ``seeds``, and under ``activations`` by name: ``loss``
        (mean over folds and seeds of the training error in each epoch), ``r`` (correlation of held-out EPP
        of stimuli with that of people, one a seed), ``rmse`` (likewise) and ``seconds`` of training.
    """
    held_out = k_fold(data.stimulus, k=folds)
    result: dict[str, Any] = {
        "clips": data.n_clips,
        "stimuli": len(np.unique(data.stimulus)),
        "folds": folds,
        "epochs": epochs,
        "seeds": list(seeds),
        "activations": {},
    }
    for activation in ACTIVATIONS:
        losses, rs, rmses, begin = [], [], [], time.perf_counter()
        for seed in seeds:
            predicted = np.full(data.n_clips, np.nan)
            for fold in held_out:
                model = AVFBEL(modality="video", activation=activation, epochs=epochs, random_state=seed)
                learner = Circuit(model).fit(data.take(fold.train))
                predicted[fold.test] = learner.predict(data.take(fold.test), "video")[:, 0]
                losses.append(model.loss_curve_)
            said, felt = _by_stimulus(data, predicted), _by_stimulus(data, data.targets["video"].epp)
            rs.append(round(float(pearson_r(felt, said)), 4))
            rmses.append(round(float(np.sqrt(np.mean((said - felt) ** 2))), 4))
        result["activations"][activation] = {
            "loss": [round(float(loss), 6) for loss in np.mean(losses, axis=0)],
            "r": rs,
            "rmse": rmses,
            "seconds": round(time.perf_counter() - begin, 1),
        }
    return result


def _by_stimulus(data: Dataset, values: Any) -> Any:
    names, place = np.unique(data.stimulus, return_inverse=True)
    return np.bincount(place, np.asarray(values)) / np.bincount(place, minlength=len(names))


def load_ablation() -> dict[str, Any]:
    """Return the committed comparison."""
    stored: dict[str, Any] = json.loads((files("avfbel.published") / STORE).read_text(encoding="utf-8"))
    return stored
