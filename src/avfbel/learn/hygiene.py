"""What must hold before a model is believed: nothing that is predicted was known when it learned.

In this package it holds by construction: scalers, imputers and selectors are steps of the estimator, which is
made anew for every fold and is given the training side only. The checks here notice when that is undone: a
step that was fitted outside, a feature that is the label, a group on both sides. `cross_validate` runs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.errors import UsageError
from avfbel.learn.protocols import Fold, check_folds

EXACT = 1e-6
"""A column whose largest deviation from a formula is below this share of its spread is that formula."""

SPARE = 8
"""Cases that must be left over, beyond the numbers fitted, before an exact fit is called a leak."""


def assert_no_leak(
    estimator: object,
    *,
    folds: Sequence[Fold],
    groups: ArrayLike,
    features: ArrayLike | None = None,
    target: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> None:
    """Refuse to cross-validate where what is held out could be known.

    Parameters
    ----------
    estimator : object
        Any estimator of scikit-learn's kind, with all its steps: it must not be fitted.
    folds : sequence of Fold
        Divisions of the cases.
    groups : array_like of str, shape (n,)
        What may not be on both sides of a fold, such as the stimulus of each case.
    features : array_like, shape (n, m), optional
        What is learned from.
    target : array_like, shape (n,), optional
        What is predicted.
    names : sequence of str, optional
        Names of the features.

    Raises
    ------
    UsageError
        Naming the step, the feature, or the group.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from avfbel.learn.protocols import make_folds
    >>> stimuli = ["a", "b", "c"]
    >>> folds = make_folds("leave-stimulus-out", stimulus=stimuli)
    >>> assert_no_leak(StandardScaler(), folds=folds, groups=stimuli)
    >>> assert_no_leak(StandardScaler().fit([[1.0], [2.0]]), folds=folds, groups=stimuli)
    Traceback (most recent call last):
        ...
    avfbel.errors.UsageError: StandardScaler has been fitted already: ...
    """
    check_folds(folds, stimulus=groups)
    check_unfitted(estimator)
    if features is not None and target is not None:
        check_features(features, target, names=names)


def check_unfitted(estimator: object) -> None:
    """Refuse an estimator that is fitted, or holds a step or a function of something fitted.

    Raises
    ------
    UsageError
        Naming what is fitted.
    """
    for part in _parts(estimator, set()):
        if _learned(part):
            raise UsageError(
                f"{type(part).__name__} has been fitted already: on cases that are to be predicted, for all "
                "that is known; make it a step of the model, so that each fold fits it anew"
            )


def check_features(features: ArrayLike, target: ArrayLike, *, names: Sequence[str] | None = None) -> None:
    """Refuse features of which one is the label, up to an offset and a scale.

    Parameters
    ----------
    features : array_like, shape (n, m)
        What is learned from; NaN where unknown.
    target : array_like, shape (n,)
        What is predicted; NaN where unknown.
    names : sequence of str, optional
        Names of the features.

    Raises
    ------
    UsageError
        Naming the features.
    """
    table, label = np.asarray(features, dtype=np.float64), np.asarray(target, dtype=np.float64)
    guilty = []
    for column in range(table.shape[1]):
        known = np.isfinite(table[:, column]) & np.isfinite(label)
        pairs = np.unique(np.stack([table[known, column], label[known]], axis=1), axis=0)
        if len(pairs) >= SPARE + 2 and deviation(pairs[:, 0], pairs[:, 1:]) < EXACT:
            guilty.append(names[column] if names is not None else f"number {column + 1}")
    if guilty:
        raise UsageError(
            f"the label is among the features, up to offset and scale: {', '.join(guilty)}; leave it out, "
            "and look at the table with `avfbel audit`"
        )


def deviation(values: NDArray[np.float64], causes: NDArray[np.float64]) -> float:
    """Return the largest deviation of values from the best affine function of others, as share of their sd.

    Parameters
    ----------
    values : ndarray, shape (n,)
        What is to be explained.
    causes : ndarray, shape (n, k)
        What may explain it, beside a constant.

    Returns
    -------
    float
        0 where `values` is exactly such a function; infinite if `values` or all causes are constant.

    Examples
    --------
    >>> x = np.arange(5.0)
    >>> deviation(2 * x + 1, x[:, None]) < 1e-12, deviation(x**2, x[:, None]) > 0.1
    (True, True)
    """
    spread = float(values.std())
    centred = causes - causes.mean(axis=0)
    size = np.sqrt((centred**2).mean(axis=0))
    if spread <= 1e-12 * float(np.abs(values).max(initial=0.0)) or not (size > 0).any():
        return np.inf
    scaled = centred[:, size > 0] / size[size > 0]
    wanted = (values - values.mean()) / spread
    slope, *_ = np.linalg.lstsq(scaled, wanted, rcond=None)
    return float(np.abs(wanted - scaled @ slope).max())


def _parts(value: object, seen: set[int]) -> Iterator[object]:
    """Yield an estimator and all that it holds: parameters, steps, and what its functions belong to."""
    if id(value) in seen or isinstance(value, str | bytes | int | float | np.ndarray | type | None):
        return
    seen.add(id(value))
    if isinstance(value, list | tuple | set | frozenset):
        inner: list[Any] = list(value)
    elif isinstance(value, dict):
        inner = list(value.values())
    elif callable(value) and not hasattr(value, "fit"):
        owner = getattr(value, "__self__", None)
        cells = getattr(value, "__closure__", None) or ()
        inner = [owner, *(cell.cell_contents for cell in cells if _filled(cell))]
    elif hasattr(value, "fit") or hasattr(value, "transform") or hasattr(value, "predict"):
        yield value
        inner = list(vars(value).values()) if hasattr(value, "__dict__") else []
    else:
        return
    for item in inner:
        yield from _parts(item, seen)


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  (an empty cell raises)
    except ValueError:
        return False
    return True


def _learned(part: object) -> bool:
    """Tell whether an estimator carries what is learned: attributes that end with one underscore."""
    return any(
        name.endswith("_") and not name.endswith("__") and not name.startswith("_")
        for name in getattr(part, "__dict__", {})
    )
