"""Choose how to learn without looking at what is held out: nested cross-validation.

For each outer fold, every choice is judged on the training stimuli alone, each of which is held out in turn
beside the fold's own; the best one then predicts the fold. What comes out tells how well the whole procedure
does, choosing included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfbel.data.targets import KINDS
from avfbel.emotion import predicted_epp, predicted_valence
from avfbel.learn.evaluation import TARGETS
from avfbel.learn.jackknife import Choice, HeldOutSamples, Material, hold_out, stimulus_means
from avfbel.learn.protocols import leave_prototype_out

Array = NDArray[np.float64]

CHOICES: tuple[Choice, ...] = tuple(
    Choice(bel_epochs=passes, alpha=alpha, beta=2 * alpha, adapt=adapt)
    for passes, alpha, adapt in product((1, 3, 10), (0.01, 0.03, 0.1), (True, False))
)
"""Everything that is tried."""

JUDGED_BY = "fused"
"""The kind of perception by which a choice is judged: by EPP and valence alike."""


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Tried:
    """What one choice comes to under a protocol.

    Attributes
    ----------
    choice : Choice
        The choice.
    fold : tuple of tuple of int
        The stimuli that each outer fold holds out.
    inner : ndarray, shape (n_folds,)
        Mean squared error over the training stimuli of a fold, each held out in turn and perceived as
        `JUDGED_BY`, in units of the variance of their ratings; the mean of EPP and valence.
    predicted : tuple of ndarray, each of shape (n_held, 3, 2)
        Predictions for the stimuli of each fold, by kind of perception and target.
    """

    choice: Choice
    fold: tuple[tuple[int, ...], ...]
    inner: Array
    predicted: tuple[Array, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, lists and texts."""
        return {
            "choice": asdict(self.choice),
            "fold": [list(fold) for fold in self.fold],
            "inner": self.inner.tolist(),
            "predicted": [part.tolist() for part in self.predicted],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Tried:
        """Return what `to_dict` has given."""
        return cls(
            choice=Choice(**plain["choice"]),
            fold=tuple(tuple(fold) for fold in plain["fold"]),
            inner=np.array(plain["inner"]),
            predicted=tuple(np.array(part) for part in plain["predicted"]),
        )


def outer_folds(stimuli: Sequence[str], protocol: str) -> tuple[tuple[int, ...], ...]:
    """Return the stimuli that each fold of leave-stimulus-out or leave-prototype-out holds out."""
    if protocol == "leave-stimulus-out":
        return tuple((number,) for number in range(len(stimuli)))
    return tuple(tuple(int(n) for n in fold.test) for fold in leave_prototype_out(np.array(stimuli)))


def attempt(
    material: Material,
    truth: Array,
    choice: Choice,
    protocol: str,
    *,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> Tried:
    """Try one choice in every outer fold and all its inner ones.

    Parameters
    ----------
    material : Material
        Lines and rewards of all samples.
    truth : ndarray, shape (n_stimuli, 3, 2)
        Rated EPP and valence by kind of perception; NaN where nobody rated.
    choice : Choice
        How lines adapt and the limbic system learns.
    protocol : {"leave-stimulus-out", "leave-prototype-out"}
        What the outer folds hold out; inner ones hold out one more stimulus.
    seed : int
        Of the order of learning.
    progress : callable, optional
        Called with the number of models that have just learned.
    """
    folds = outer_folds(material.stimuli, protocol)
    inner = inner_sets(folds, len(material.stimuli))
    sets = [*map(frozenset, folds), *inner]
    judged = {one.held: one for one in hold_out(material, choice, sets, seed=seed, progress=progress)}
    return Tried(
        choice=choice,
        fold=folds,
        inner=np.array([_inner_error(judged, fold, material, truth) for fold in folds]),
        predicted=tuple(predictions(judged[frozenset(fold)], fold, material) for fold in folds),
    )


def inner_sets(folds: Sequence[Sequence[int]], n_stimuli: int) -> list[frozenset[int]]:
    """Return what the inner folds hold out: an outer fold and one more stimulus, each set once."""
    sets = {frozenset((*fold, extra)) for fold in folds for extra in range(n_stimuli) if extra not in fold}
    return sorted(sets, key=sorted)


def predictions(held: HeldOutSamples, stimuli: Sequence[int], material: Material) -> Array:
    """Return EPP and valence of stimuli, means over their samples, by kind: (n, 3, 2)."""
    judged = [predicted_epp(held.emotion), predicted_valence(held.emotion)]
    columns = [
        [stimulus_means(values, held.rows, material, stimuli, kind) for values in judged]
        for kind in range(len(KINDS))
    ]
    return np.array(columns).transpose(2, 0, 1)


def choose(tried: Sequence[Tried]) -> list[int]:
    """Return which choice is best in each outer fold, judged by its training stimuli alone."""
    return [int(number) for number in np.argmin([one.inner for one in tried], axis=0)]


def nested_predictions(tried: Sequence[Tried]) -> tuple[list[int], tuple[Array, ...]]:
    """Return the choice of each outer fold and what it predicts for the fold, (n_held, 3, 2) each."""
    chosen = choose(tried)
    return chosen, tuple(tried[best].predicted[fold] for fold, best in enumerate(chosen))


def best_overall(tried: Sequence[Tried]) -> Tried:
    """Return the choice with the least inner error over all folds: the one to train on everything with."""
    return min(tried, key=lambda one: float(one.inner.mean()))


def _inner_error(
    judged: Mapping[frozenset[int], HeldOutSamples],
    fold: Sequence[int],
    material: Material,
    truth: Array,
) -> float:
    kind = KINDS.index(JUDGED_BY)
    others = [number for number in range(len(material.stimuli)) if number not in fold]
    said = np.array(
        [predictions(judged[frozenset((*fold, number))], [number], material)[0, kind] for number in others]
    )
    known = np.isfinite(said - truth[others, kind]).all(axis=1)
    said, wanted = said[known], truth[others, kind][known]
    errors = ((said - wanted) ** 2).mean(axis=0) / wanted.var(axis=0)
    assert len(errors) == len(TARGETS)
    return float(errors.mean())
