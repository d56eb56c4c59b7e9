"""What the protocol `personalised` works on: a fixed code of each stimulus, and what each rater felt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.brain.limbic import LimbicParameters
from avfbel.data.dataset import SIEVERS2021
from avfbel.errors import UsageError
from avfbel.learn.candidates import (
    CONFIGURATIONS,
    WITHOUT_CORTEX,
    Circuit,
    Settings,
    all_samples,
    check_candidate,
    check_lessons,
    circuit,
)
from avfbel.learn.metrics import mean_by
from avfbel.learn.panel import Panel

if TYPE_CHECKING:
    from avfbel.data import Dataset

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Material:
    """Stimuli as a model perceives them, each in one or several ways, and the single ratings of people.

    Attributes
    ----------
    raters : tuple of str
        Who rated.
    stimulus, kind : ndarray of str, shape (n,)
        Name of the stimulus, and whether it is heard, seen or both (`avfbel.data.targets.KINDS`).
    codes : ndarray, shape (n, k)
        What reaches the limbic system, at least 0, dimensionless.
    rewards : ndarray, shape (n_raters, n, 5)
        Intensities that each rater felt; NaN where there is no rating.
    positivity : ndarray, shape (n_raters, n, 2)
        EPP and valence of these ratings; NaN where there is none, or nothing was felt.
    asked : ndarray of bool, shape (n,)
        What was put to people this way. The others (a fused norm that is mixed of two) only teach.
    parameters : LimbicParameters
        Rule and rates with which the model learns from the panel.
    """

    raters: tuple[str, ...]
    stimulus: NDArray[np.str_]
    kind: NDArray[np.str_]
    codes: Array
    rewards: Array
    positivity: Array
    asked: NDArray[np.bool_]
    parameters: LimbicParameters

    def ratings_of(self, rater: int) -> NDArray[np.intp]:
        """Return the items that a rater was asked about and found something positive or negative in."""
        return np.flatnonzero(self.asked & np.isfinite(self.positivity[rater]).all(axis=1))


def check_online(model: str) -> None:
    """Refuse a model whose limbic system does not learn by a local rule.

    Raises
    ------
    UsageError
        If there is no such model, or it is a regression or learns by gradient.
    """
    check_candidate(model)
    if CONFIGURATIONS.get(model, {"learning": "gradient"}).get("learning") == "gradient":
        able = ", ".join(name for name, of in CONFIGURATIONS.items() if of.get("learning") != "gradient")
        raise UsageError(
            f"{model} does not learn online: personalised is for {able}, and sets ridge beside them"
        )


def make_material(
    model: str, data: Dataset, panel: Panel, *, rater: int | None = None, settings: Settings | None = None
) -> Material:
    """Let a model perceive all stimuli, and lay the single ratings beside its codes.

    Parameters
    ----------
    model : str
        One of `avfbel.learn.candidates.CONFIGURATIONS` that learns by the local rule.
    data : Dataset
        Measured clips.
    panel : Panel
        Single ratings of them.
    rater : int, optional
        Number of the rater whose ratings the code must not know: whatever is trained before the limbic system
        is trained on the means of the others. A code without cortex knows nobody's.
    settings : Settings, optional
        Epochs, seed and parameters of the model.

    Returns
    -------
    Material
        One item a stimulus and way to perceive it; codes and ratings are means over the clips of a stimulus.

    Raises
    ------
    UsageError
        If the model does not learn online, or not from these clips.
    """
    check_online(model)
    everyone = np.arange(len(panel.raters))
    others = everyone if rater is None else np.delete(everyone, rater)
    taught = replace(data, targets=panel.all_targets(others))
    check_lessons(model, taught)
    fitted = Circuit(circuit(model, settings or Settings())).fit(taught)
    parts = [part for kind in fitted.kinds if (part := _of_kind(fitted, data, panel, kind)) is not None]
    stimulus, kind = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("stimulus", "kind")
    )
    estimator = fitted.model
    return Material(
        raters=panel.raters,
        stimulus=stimulus,
        kind=kind,
        codes=np.concatenate([part.codes for part in parts]),
        rewards=np.concatenate([part.rewards for part in parts], axis=1),
        positivity=np.concatenate([part.positivity for part in parts], axis=1),
        asked=_asked(stimulus, kind, apart=data.name == SIEVERS2021 and bool(data.source)),
        parameters=LimbicParameters(
            rule=estimator.rule,
            alpha=estimator.alpha,
            beta=estimator.beta,
            kappa=estimator.kappa,
            gamma=estimator.gamma,
        ),
    )


def knows_nobody(model: str) -> bool:
    """Whether the code of a model owes nothing to ratings, so that one serves for all raters."""
    return model in WITHOUT_CORTEX


class _Part(NamedTuple):
    stimulus: NDArray[np.str_]
    kind: NDArray[np.str_]
    codes: Array
    rewards: Array
    positivity: Array


def _of_kind(fitted: Circuit, data: Dataset, panel: Panel, kind: str) -> _Part | None:
    samples = all_samples(data, kind)
    if not len(samples):
        return None
    names, codes = mean_by(data.stimulus[data.clip[samples.row]], fitted.model.activity(samples).x_fused)
    targets = [panel.targets(kind, [rater]) for rater in range(len(panel.raters))]
    rewards = np.stack([_by_name(names, data.stimulus, of.rewards) for of in targets])
    felt = [np.stack([of.epp, of.valence], axis=1) for of in targets]
    positivity = np.stack([_by_name(names, data.stimulus, of) for of in felt])
    return _Part(names, np.full(len(names), kind), codes, rewards, positivity)


def _by_name(names: NDArray[np.str_], stimulus: NDArray[np.str_], values: Array) -> Array:
    """Return means (names, d) of the clips of each stimulus that were rated; NaN where none was."""
    result = np.full((len(names), values.shape[1]), np.nan)
    for row, name in enumerate(names):
        own = values[stimulus == name]
        own = own[np.isfinite(own).all(axis=1)]
        if len(own):
            result[row] = own.mean(axis=0)
    return result


def _asked(stimulus: NDArray[np.str_], kind: NDArray[np.str_], *, apart: bool) -> NDArray[np.bool_]:
    """Tell what people were asked: sound and picture apart, or each stimulus as it is."""
    if apart:
        return np.asarray(kind != "fused")
    both = np.unique(stimulus[kind == "fused"])
    return np.asarray((kind == "fused") | ~np.isin(stimulus, both))
