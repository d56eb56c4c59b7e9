"""The paper's own metrics, as its numbers were made: similarity, and precision and recall after a cut."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class BinaryScores(NamedTuple):
    """Precision, recall and F1 of one cut, each in [0, 1], NaN where nothing is positive."""

    precision: float
    recall: float
    f1: float


def min_max(values: ArrayLike) -> Array:
    """Stretch values linearly so that the least is 0 and the greatest 1.

    Parameters
    ----------
    values : array_like, shape (n,)
        In any unit.

    Returns
    -------
    ndarray, shape (n,)
        NaN everywhere if all values are equal.

    Examples
    --------
    >>> min_max([2.0, 3.0, 6.0])
    array([0.  , 0.25, 1.  ])
    """
    x = np.asarray(values, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray((x - x.min()) / (x.max() - x.min()))


def published_similarity(generated: ArrayLike, target: ArrayLike) -> float:
    r"""Return the similarity :math:`100\,e^{-\overline{1 - |E - t| / (\max E - \min E)}}`, in percent.

    The distance is subtracted from 1 before it is put into the exponential, so that it *grows* with the
    error: a perfect answer has 100/e = 36.79, and errors as wide as the whole range have 100.

    Parameters
    ----------
    generated, target : array_like, shape (n,)
        Model output E and what it should have been. The published numbers leave E as it comes out of the
        model and take min-max normalised ratings as t.

    Returns
    -------
    float
        Percent; NaN if the output is constant, where the formula divides by zero.

    Raises
    ------
    ValueError
        If the two are not of one shape (n,), n > 0.

    Examples
    --------
    >>> t = np.array([0.0, 0.5, 1.0])
    >>> [round(published_similarity(e, t), 2) for e in (t, 1 - t, t + 10)]
    [36.79, 71.65, 810308.39]
    >>> published_similarity(np.zeros(3), t)
    nan
    """
    e, t = np.asarray(generated, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if e.ndim != 1 or e.shape != t.shape or not len(e):
        raise ValueError(f"generated has shape {e.shape}, target {t.shape}: both must be (n,) with n > 0")
    width = float(e.max() - e.min())
    if not width > 0:
        return math.nan
    return float(100.0 * np.exp(-np.mean(1.0 - np.abs(e - t) / width)))


def binary_scores(generated: ArrayLike, labels: ArrayLike, *, cut: float) -> BinaryScores:
    """Return precision, recall and F1 after both sides are cut in two classes.

    Parameters
    ----------
    generated, labels : array_like, shape (n,)
        Min-max normalised output and ratings, dimensionless.
    cut : float
        Above it a case is positive, on both sides.

    Returns
    -------
    BinaryScores
        Of the positive class.

    Examples
    --------
    >>> binary_scores([0.9, 0.8, 0.1, 0.0], [1.0, 0.0, 0.7, 0.1], cut=0.5)
    BinaryScores(precision=0.5, recall=0.5, f1=0.5)
    """
    said = np.asarray(generated, dtype=np.float64) > cut
    true = np.asarray(labels, dtype=np.float64) > cut
    hits, n_said, n_true = float((said & true).sum()), float(said.sum()), float(true.sum())
    return BinaryScores(
        hits / n_said if n_said else math.nan,
        hits / n_true if n_true else math.nan,
        2 * hits / (n_said + n_true) if n_said + n_true else math.nan,
    )
