"""The card of a bundle: what the model is, what it learned from, and how it predicts what is new to it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from avfbel._version import __version__
from avfbel.emotion import EPP_WEIGHTS, PRIOR
from avfbel.learn.candidates import KINDS_OF_MODALITY, NAME_OF_MODALITY
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES

if TYPE_CHECKING:
    from avfbel.brain.model import AVFBEL
    from avfbel.data import Dataset

EPP_DEFINITION = (
    f"(lambda/2 + sum w_e E_e) / (lambda + sum E_e) with E_e = max(0, output), lambda = {PRIOR} and weights "
    f"{', '.join(f'{weight:.4g}' for weight in EPP_WEIGHTS)} for fear, sadness, anger, calm, happiness"
)


def make_card(
    fitted: AVFBEL,
    data: Dataset,
    metrics: Mapping[str, Any],
    intervals: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe a trained model; the digests of its files are added when they are written.

    Parameters
    ----------
    fitted : AVFBEL
        The trained model.
    data : Dataset
        What it was trained on.
    metrics : mapping
        Held-out figures by protocol, modality and target.
    intervals : mapping, optional
        What `avfbel.learn.calibration.calibrate` has found.

    Returns
    -------
    dict
        Texts, numbers, lists and None only: it is written as JSON.
    """
    from avfbel.brain.regions import REGIONS
    from avfbel.runtime import BUNDLE_FORMAT

    ranges, missing = feature_ranges(data, fitted.modality)
    return {
        "format": BUNDLE_FORMAT,
        "name": NAME_OF_MODALITY[fitted.modality],
        "version": __version__,
        "avfbel": __version__,
        "created_with": _versions(),
        "model": f"AVFBEL, modality {fitted.modality}",
        "data": data.name,
        "trained_on": _trained_on(data, fitted.modality),
        "kinds": list(KINDS_OF_MODALITY[fitted.modality]),
        "citation": data.source.get("citation"),
        "licence": data.source.get("licence", "that of the ratings it was trained on"),
        "window_s": data.window,
        "hop_s": data.hop,
        "epp_definition": EPP_DEFINITION,
        "feature_ranges": ranges,
        "may_be_missing": missing,
        "reference": reference(fitted, data),
        "regions": list(REGIONS),
        "seed": fitted.random_state,
        "parameters": _parameters(fitted),
        "cortex": None if fitted.cortex is None else dict(fitted.cortex.story),
        "fused_units": None if fitted.cortex is None else list(fitted.cortex.unit_names),
        "n_parameters": fitted.n_parameters_,
        "loss_curve": [round(loss, 6) for loss in fitted.loss_curve_],
        "training_mse": {"linear_read_out": fitted.head_mse_, "brain_emotional_learning": fitted.bel_mse_},
        "metrics": dict(metrics),
        "intervals": None if intervals is None else dict(intervals),
    }


def _parameters(fitted: AVFBEL) -> dict[str, Any]:
    """Return the model's parameters; with a cortex of its own, those that its network was built with."""
    from avfbel.brain.adaptation import N_LINES

    given: dict[str, Any] = fitted.get_params(deep=False)
    cortex = given.pop("cortex")
    if cortex is not None:
        s = cortex.settings
        given |= {name: getattr(s, name) for name in ("width", "activation", "n_visual", "hidden", "dropout")}
        given |= {"n_fused": N_LINES, "epochs": s.epochs, "lines": True}
    return given


def feature_ranges(data: Dataset, modality: str = "both") -> tuple[dict[str, list[float]], list[str]]:
    """Return within which bounds a model has seen each feature that it reads, and which it has missed.

    Parameters
    ----------
    data : Dataset
        What the model was trained on.
    modality : {"both", "audio", "video"}
        Its senses.

    Returns
    -------
    ranges : dict of [float, float]
        Smallest and largest value of each feature, in its unit, over windows with evidence of its sense.
    may_be_missing : list of str
        Features that some of these windows lack.
    """
    ranges, missing = {}, []
    senses = {"audio": (ALL_ACOUSTIC, data.acoustic), "video": (VISUAL_FEATURES, data.visual)}
    for column, (sense, (names, table)) in enumerate(senses.items()):
        if modality not in ("both", sense):
            continue
        perceived = table[data.evidence[:, column] > 0]
        for name, values in zip(names, perceived.T, strict=True):
            known = values[np.isfinite(values)]
            if len(known):
                ranges[name] = [float(known.min()), float(known.max())]
            if len(known) < len(values):
                missing.append(name)
    return ranges, missing


def reference(fitted: AVFBEL, data: Dataset) -> dict[str, Any]:
    """Return the average input of training, against which the contribution of a feature is told.

    Parameters
    ----------
    fitted : AVFBEL
        The trained model.
    data : Dataset
        What it was trained on.

    Returns
    -------
    dict
        ``acoustic``: the mean of each acoustic feature over windows with evidence of sound, in its unit;
        geometric for those that the auditory cortex codes by their logarithm; features that were never
        measured are left out. ``maps``: the mean of each feature map over what moved, and ``presence``, the
        value of the speed map from which on something counts as moving, as the visual cortex standardises.
    """
    from avfbel.brain.regions import LOGARITHMIC, MAPS

    heard = data.acoustic[data.evidence[:, 0] > 0]
    acoustic = {}
    for name, values in zip(ALL_ACOUSTIC, heard.T, strict=True):
        known = values[np.isfinite(values) & ((values > 0) | (name not in LOGARITHMIC))]
        if len(known):
            logs = name in LOGARITHMIC
            acoustic[name] = float(np.exp(np.log(known).mean()) if logs else known.mean())
    scale = fitted.network_.visual_cortex.scale
    means = dict(zip(MAPS, scale.mean.flatten().tolist(), strict=True))
    return {"acoustic": acoustic, "maps": {"mean": means, "presence": float(scale.reference)}}


def _trained_on(data: Dataset, modality: str) -> str:
    perceived = np.any([data.available(kind) for kind in KINDS_OF_MODALITY[modality]], axis=0)
    return (
        f"{len(np.unique(data.stimulus[perceived]))} stimuli, {perceived.sum()} clips, "
        f"{perceived[data.clip].sum()} windows of up to {data.window:g} s"
    )


def _versions() -> dict[str, str]:
    """Return the versions of what the trained numbers depend on."""
    made_by = {name: version(name) for name in ("av", "numpy", "scipy", "torch")}
    return {"python": platform.python_version(), **made_by}
