"""Ways to learn a person from a few ratings: brain emotional learning, online, and what it is compared with.

All begin from the same model, which has learned the panel without this person, and correct what it says. Each
has settings, out of which other raters choose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from avfbel.brain.limbic import Array, LimbicParameters, LimbicState, limbic_output
from avfbel.brain.limbic_learning import limbic_fit
from avfbel.emotion import predicted_epp, predicted_valence

Setting = Mapping[str, float | bool | int]
_FEWEST = 1e-9  # below it nothing was felt


class Situation(NamedTuple):
    """m models that have learned the panel, each beside a person's ratings in the order they are shown.

    Attributes
    ----------
    codes : ndarray, shape (n, k)
        Code of each item that people were asked about.
    state : LimbicState, leading axis m
        Limbic weights before the first rating.
    rewards, positivity : ndarray, shapes (m, n, 5) and (m, n, 2)
        What the person felt; NaN where unknown, which is never shown.
    order : ndarray of int, shape (m, steps)
        Items in the order they are shown.
    parameters : LimbicParameters
        Rule and rates of the model.
    """

    codes: Array
    state: LimbicState
    rewards: Array
    positivity: Array
    order: NDArray[np.int64]
    parameters: LimbicParameters


class Learner(Protocol):
    """A way to learn a person."""

    @property
    def settings(self) -> Sequence[Setting]:
        """What can be chosen."""
        ...

    def learn(self, situation: Situation, shown: Sequence[int], setting: Setting) -> Array:
        """Return EPP and valence (m, len(shown), n, 2) of all items after so many ratings, 0 left out."""
        ...


def say(state: LimbicState, codes: Array, parameters: LimbicParameters) -> Array:
    """Return the emotions (m, n, 5) that m models feel at n codes."""
    each = LimbicState(*(weights[:, None] for weights in state))
    return limbic_output(each, codes, parameters).emotion


def positivity_of(emotions: Array) -> Array:
    """Return EPP and valence (..., 2) of predicted emotions (..., 5)."""
    return np.stack([predicted_epp(emotions), predicted_valence(emotions)], axis=-1)


@dataclass(frozen=True, kw_only=True)
class Online:
    """Brain emotional learning: a step of the local rule a rating, in order, at constant rates.

    A setting has the rates ``alpha`` and ``beta``; ``scaled``, whether ratings are first brought to the
    panel's use of the scale; ``context``, the strength of an added cue that is always there; and ``repeats``,
    how often each rating is shown in a row, as a clip of so many windows does.
    """

    settings: Sequence[Setting]

    def learn(self, situation: Situation, shown: Sequence[int], setting: Setting) -> Array:
        """Return EPP and valence (m, len(shown), n, 2)."""
        parameters = replace(situation.parameters, alpha=float(setting["alpha"]), beta=float(setting["beta"]))
        codes, state = _with_context(situation.codes, situation.state, float(setting.get("context", 0.0)))
        rewards = _to_panel_scale(situation) if setting.get("scaled") else situation.rewards
        said, before = [], 0
        for now in shown:
            order = np.repeat(situation.order[:, before:now], int(setting.get("repeats", 1)), axis=1)
            state = limbic_fit(state, codes, rewards, order[:, None], parameters)
            said.append(positivity_of(say(state, codes, parameters)))
            before = now
        return np.stack(said, axis=1)


def _with_context(codes: Array, state: LimbicState, strength: float) -> tuple[Array, LimbicState]:
    """Add a cue that is always there, of which nothing has been learned yet."""
    if strength == 0:
        return codes, state
    codes = np.concatenate([codes, np.full((len(codes), 1), strength)], axis=1)
    novel = np.zeros_like(state.V[:, :1])
    v, u = (np.concatenate([weights, novel], axis=1) for weights in (state.V, state.U))
    return codes, LimbicState(v, state.T, u, np.pad(state.W, ((0, 0), (0, 1), (0, 1))))


def _to_panel_scale(situation: Situation, *, worth: float = 4.0) -> Array:
    """Multiply each rating by how much less than expected the person has felt in all so far.

    Both sums begin with the panel's mean, as if `worth` ratings had come before.
    """
    model = np.arange(len(situation.order))[:, None]
    expected = np.maximum(say(situation.state, situation.codes, situation.parameters), 0.0).sum(axis=-1)
    prior = worth * expected.mean(axis=1, keepdims=True)
    felt = situation.rewards.sum(axis=-1)
    own, panel = (prior + np.cumsum(of[model, situation.order], axis=1) for of in (felt, expected))
    scaled = situation.rewards.copy()
    scaled[model, situation.order] *= (panel / np.maximum(own, _FEWEST))[..., None]
    return scaled


@dataclass(frozen=True, kw_only=True)
class Ridge:
    """Ridge regression of the five residual emotions on the code, refitted on all ratings shown so far.

    What is left of a rating when the model's prediction is taken away is regressed, and the regression is
    added to the prediction. A setting has ``penalty``, and ``spread``: 0 takes the code at unit length, as
    the local rule does in effect; else it is standardised, with this share of variance beside a constant.
    """

    settings: Sequence[Setting]

    def learn(self, situation: Situation, shown: Sequence[int], setting: Setting) -> Array:
        """Return EPP and valence (m, len(shown), n, 2)."""
        before = say(situation.state, situation.codes, situation.parameters)
        features = ridge_features(situation.codes, float(setting["spread"]))
        kernel = np.broadcast_to(features @ features.T, (len(before), *[len(features)] * 2))
        added = _kernel_ridge(
            kernel, situation.rewards - before, situation.order, shown, float(setting["penalty"])
        )
        return positivity_of(before[:, None] + added)


def ridge_features(codes: Array, spread: float) -> Array:
    """Return the features (n, d) on which `Ridge` regresses; see there."""
    if spread == 0:
        return np.asarray(codes / np.linalg.norm(codes, axis=1, keepdims=True))
    sd = codes.std(axis=0)
    z = (codes - codes.mean(axis=0)) / np.where(sd > _FEWEST, sd, 1.0)
    return np.concatenate([np.ones((len(z), 1)), np.sqrt(spread / codes.shape[1]) * z], axis=1)


@dataclass(frozen=True, kw_only=True)
class OffsetAndSlope:
    """A shrunken offset and slope: EPP, and valence, as the person's own linear function of the model's.

    A setting has ``penalty`` and ``spread``, the variance of the model's predictions beside the constant.
    """

    settings: Sequence[Setting]

    def learn(self, situation: Situation, shown: Sequence[int], setting: Setting) -> Array:
        """Return EPP and valence (m, len(shown), n, 2)."""
        before = positivity_of(say(situation.state, situation.codes, situation.parameters))
        residual = situation.positivity - before
        z = (before - before.mean(axis=1, keepdims=True)) / before.std(axis=1, keepdims=True)
        learned = []
        for target in range(2):
            kernel = 1 + float(setting["spread"]) * z[:, :, None, target] * z[:, None, :, target]
            own = residual[..., [target]]
            learned.append(
                _kernel_ridge(kernel, own, situation.order, shown, float(setting["penalty"]))[..., 0]
            )
        return np.clip(before[:, None] + np.stack(learned, axis=-1), 0.0, 1.0)


def _kernel_ridge(
    kernel: Array, residual: Array, order: NDArray[np.int64], shown: Sequence[int], penalty: float
) -> Array:
    """Return what a ridge regression on the first ratings adds everywhere, (m, len(shown), n, targets).

    Parameters
    ----------
    kernel : ndarray, shape (m, n, n)
        Inner products of the features of all items.
    residual : ndarray, shape (m, n, targets)
        What is to be explained, where it is known.
    order : ndarray of int, shape (m, steps)
        Items in the order they are shown.
    shown : sequence of int
        After how many of them.
    penalty : float
        Of the squared weights, above 0.
    """
    model = np.arange(len(order))[:, None]
    added = []
    for k in shown:
        items = order[:, :k]
        seen = kernel[model[..., None], items[:, :, None], items[:, None, :]] + penalty * np.eye(k)
        weights = np.linalg.solve(seen, residual[model, items])
        added.append(kernel[model, items].swapaxes(1, 2) @ weights)
    return np.stack(added, axis=1)


def grid(**values: Sequence[float | bool]) -> list[dict[str, float | bool]]:
    """Return every combination of values.

    Examples
    --------
    >>> grid(alpha=(0.1, 0.2), beta=(0.4,))
    [{'alpha': 0.1, 'beta': 0.4}, {'alpha': 0.2, 'beta': 0.4}]
    """
    rows: list[dict[str, float | bool]] = [{}]
    for name, choices in values.items():
        rows = [{**row, name: choice} for row in rows for choice in choices]
    return rows


def standard_learners(parameters: LimbicParameters) -> dict[str, Learner]:
    """Return the ways that are compared: "bel", "bel, as trained", "ridge" and "offset and slope".

    Parameters
    ----------
    parameters : LimbicParameters
        Rates with which the model learned from the panel: those of "bel, as trained".
    """
    rates = grid(alpha=(0.02, 0.05, 0.1, 0.2), beta=(0.05, 0.1, 0.2, 0.4), scaled=(False, True))
    apart = grid(spread=(0.0,), penalty=(1.0, 2.0, 5.0, 10.0, 20.0))
    spread = grid(spread=(1.0, 4.0), penalty=(5.0, 10.0, 20.0, 40.0))
    return {
        "bel": Online(settings=rates),
        "bel, as trained": Online(settings=[{"alpha": parameters.alpha, "beta": parameters.beta}]),
        "ridge": Ridge(settings=[*apart, *spread]),
        "offset and slope": OffsetAndSlope(
            settings=grid(spread=(0.0, 0.25, 1.0, 4.0), penalty=(10.0, 20.0, 40.0, 80.0))
        ),
    }
