"""Every metric with its interval: whole stimuli are drawn with replacement, for all metrics at once.

All metrics here follow from sums over cases, so that a draw is a row of weights (how often each case was
drawn) and 2000 draws are one product of matrices. The formulas are those of `avfbel.learn.metrics` and
`avfbel.learn.binary`; the draws are those of `cluster_bootstrap`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.learn.metrics import varies

Array = NDArray[np.float64]

METRICS = ("r", "r2", "nev", "ccc", "mae", "rmse", "balanced_accuracy", "mcc", "precision", "recall", "f1")
"""Names of all metrics, in the order of reports."""

LOWER_IS_BETTER = frozenset({"mae", "rmse"})
"""Metrics that count errors."""


class Interval(NamedTuple):
    """A figure and its bootstrap interval; NaN where undefined."""

    value: float
    low: float
    high: float


class Cases(NamedTuple):
    """What was observed and predicted, each of shape (n,), and the stimulus that each case belongs to."""

    observed: Array
    predicted: Array
    baseline: Array
    clusters: NDArray[np.str_]


def draw_weights(clusters: ArrayLike, *, n_draws: int = 2000, seed: int = 0) -> Array:
    """Draw clusters with replacement, and count how often each case comes up.

    Parameters
    ----------
    clusters : array_like, shape (n,)
        What each case belongs to.
    n_draws, seed : int
        Number of draws and their seed: equal clusters give equal draws, so that two models meet the same.

    Returns
    -------
    ndarray, shape (n_draws, n)
        Whole numbers.
    """
    names, place = np.unique(np.asarray(clusters), return_inverse=True)
    drawn = np.random.default_rng(seed).integers(len(names), size=(n_draws, len(names)))
    counts = np.zeros((n_draws, len(names)))
    np.add.at(counts, (np.arange(n_draws)[:, None], drawn), 1.0)
    return counts[:, place]


def weighted_scores(
    cases: Cases, weights: Array, *, reliability: float | None = None, cut: float = 0.5
) -> dict[str, Array]:
    """Compute every metric under each row of weights.

    Parameters
    ----------
    cases : Cases
        Finite values, n of them.
    weights : ndarray, shape (m, n)
        How often each case counts.
    reliability : float, optional
        Ceiling of R², for `nev`.
    cut : float
        Where positive begins.

    Returns
    -------
    dict of ndarray, shape (m,)
        By the names of `METRICS`; NaN where a metric has no value.
    """
    o, p, b = cases.observed, cases.predicted, cases.baseline
    total = weights.sum(axis=1)

    def mean(values: Array) -> Array:
        return _ratio(weights @ values, total)

    shift = float(o.mean()) if len(o) else 0.0  # sums of squares of centred values lose no digits
    o_mean, p_mean = mean(o - shift), mean(p - shift)
    o_var = mean((o - shift) ** 2) - o_mean**2
    p_var = mean((p - shift) ** 2) - p_mean**2
    both = mean((o - shift) * (p - shift)) - o_mean * p_mean
    flat = (o_var <= 1e-20) | (p_var <= 1e-20) | (not (varies(o) and varies(p)))
    squared, guessed = weights @ (o - p) ** 2, weights @ (o - b) ** 2
    r2 = 1 - _ratio(squared, guessed)
    tp, fp, fn, tn = (
        weights @ (is_o & is_p).astype(np.float64)
        for is_p, is_o in (
            (p > cut, o > cut),
            (p > cut, o <= cut),
            (p <= cut, o > cut),
            (p <= cut, o <= cut),
        )
    )
    margin = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return {
        "r": np.where(flat, np.nan, np.clip(_ratio(both, np.sqrt(np.abs(o_var * p_var))), -1, 1)),
        "r2": r2,
        "nev": r2 / reliability if reliability is not None and reliability > 0 else np.full(len(r2), np.nan),
        "ccc": np.where(flat, np.nan, _ratio(2 * both, o_var + p_var + (o_mean - p_mean) ** 2)),
        "mae": mean(np.abs(o - p)),
        "rmse": np.sqrt(mean((o - p) ** 2)),
        "balanced_accuracy": (_ratio(tp, tp + fn) + _ratio(tn, tn + fp)) / 2,
        "mcc": _ratio(tp * tn - fp * fn, np.sqrt(margin)),
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
    }


def score_all(
    cases: Cases,
    *,
    reliability: float | None = None,
    cut: float = 0.5,
    n_draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Interval]:
    """Return every metric with its cluster-bootstrap interval.

    Parameters
    ----------
    cases : Cases
        Held-out values, all finite.
    reliability : float, optional
        Reliability ρ of the observations, the ceiling of R².
    cut : float
        Where positive begins.
    n_draws, seed : int
        Number of draws, and their seed.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    dict of Interval
        By the names of `METRICS`.

    Raises
    ------
    ValueError
        If a value is not finite or the lengths differ.

    Examples
    --------
    >>> o = np.linspace(0, 1, 10)
    >>> found = score_all(Cases(o, o, np.full(10, 0.5), np.arange(10).astype(str)))
    >>> [float(round(x, 6)) for x in found["r"]], float(found["mae"].value)
    ([1.0, 1.0, 1.0], 0.0)
    """
    _check(cases)
    once = weighted_scores(cases, np.ones((1, len(cases.observed))), reliability=reliability, cut=cut)
    weights = draw_weights(cases.clusters, n_draws=n_draws, seed=seed)
    drawn = weighted_scores(cases, weights, reliability=reliability, cut=cut)
    return _intervals(once, drawn, few=len(np.unique(cases.clusters)) < 2, level=level)


def score_difference(
    first: Cases, second: Cases, *, n_draws: int = 2000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Return the difference of every metric, first minus second, both met by the same draws.

    Parameters
    ----------
    first, second : Cases
        Predictions of two models for the same cases in the same order.
    n_draws, seed : int
        Number of draws, and their seed.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    dict of Interval
        By the names of `METRICS`, `nev` being NaN.

    Raises
    ------
    ValueError
        If the cases are not the same.
    """
    _check(first)
    _check(second)
    if first.clusters.tolist() != second.clusters.tolist() or not np.array_equal(
        first.observed, second.observed
    ):
        raise ValueError("a paired difference needs the same cases in the same order")
    weights = draw_weights(first.clusters, n_draws=n_draws, seed=seed)
    alone = np.ones((1, len(first.observed)))
    once, drawn = (
        {name: a[name] - b[name] for name in METRICS}
        for a, b in ((weighted_scores(first, w), weighted_scores(second, w)) for w in (alone, weights))
    )
    return _intervals(once, drawn, few=len(np.unique(first.clusters)) < 2, level=level)


def _intervals(
    once: Mapping[str, Array], drawn: Mapping[str, Array], *, few: bool, level: float
) -> dict[str, Interval]:
    result = {}
    for name in METRICS:
        values = drawn[name][np.isfinite(drawn[name])]
        low, high = np.nan, np.nan
        if not few and 2 * len(values) >= len(drawn[name]) and np.isfinite(once[name][0]):
            low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
        result[name] = Interval(float(once[name][0]), float(low), float(high))
    return result


def _check(cases: Cases) -> None:
    shapes = {np.shape(values) for values in cases}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise ValueError(f"observed, predicted, baseline and clusters must all be (n,), got {sorted(shapes)}")
    if not all(np.isfinite(values).all() for values in cases[:2]):
        raise ValueError("observed and predicted must be finite: leave out what is not known")


def _ratio(numerator: Array, denominator: Array) -> Array:
    """Divide, NaN where nothing is there to divide by."""
    nothing = np.full(np.shape(numerator), np.nan)
    return np.asarray(np.divide(numerator, denominator, out=nothing, where=denominator > 1e-300))
