"""How close predictions come to what people felt.

Every metric is a function of observed and predicted values, shape (n,), and returns NaN where it has no
value: fewer than two points, or something constant that would have to vary. Intervals are bootstrapped over
stimuli, never over clips, since clips of one stimulus share their target.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def pearson_r(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Return Pearson's correlation, in [-1, 1].

    Parameters
    ----------
    observed, predicted : array_like, shape (n,)
        Values in any unit.

    Returns
    -------
    float
        NaN if there are fewer than two points or either is constant.

    Examples
    --------
    >>> pearson_r([0.1, 0.5, 0.9], [1.0, 2.0, 3.0]), pearson_r([0.1, 0.5], [2.0, 2.0])
    (1.0, nan)
    """
    o, p = _pair(observed, predicted)
    if not (varies(o) and varies(p)):
        return math.nan
    o, p = _standard(o), _standard(p)
    return float(np.clip((o * p).sum() / math.sqrt((o * o).sum() * (p * p).sum()), -1.0, 1.0))


def r_squared(observed: ArrayLike, predicted: ArrayLike, *, baseline: ArrayLike) -> float:
    r"""Return :math:`R^2 = 1 - \sum(o - p)^2 / \sum(o - b)^2` against what the training fold would guess.

    Parameters
    ----------
    observed, predicted : array_like, shape (n,)
        Values in one unit.
    baseline : float or array_like, shape (n,)
        Mean of the training fold of each held-out value. The mean of the held-out values would be knowledge
        that no model had.

    Returns
    -------
    float
        1 for perfect, 0 for no better than the mean, negative for worse; NaN if the baseline is already
        perfect.

    Examples
    --------
    >>> r_squared([0.0, 1.0], [0.0, 0.5], baseline=0.5)
    0.5
    """
    o, p = _pair(observed, predicted)
    b = np.broadcast_to(np.asarray(baseline, dtype=np.float64), o.shape)
    residual, total = float(((o - p) ** 2).sum()), float(((o - b) ** 2).sum())
    return 1 - residual / total if len(o) and _divisible(residual, total) else math.nan


def nev(r2: float, reliability: float | None) -> float:
    r"""Return the noise-normalised explained variance, :math:`R^2/\rho`: 1 is as good as a new panel.

    Parameters
    ----------
    r2 : float
        Explained variance of stimulus means.
    reliability : float or None
        Reliability of those means, the ceiling of R²; None where it is not known.

    Returns
    -------
    float
        NaN if the reliability is unknown or not positive.

    Examples
    --------
    >>> nev(0.45, 0.9), nev(0.45, None)
    (0.5, nan)
    """
    if reliability is None or not _divisible(r2, reliability):
        return math.nan
    return float(r2 / reliability)


def ccc(observed: ArrayLike, predicted: ArrayLike) -> float:
    r"""Return Lin's concordance correlation, which unlike r punishes a wrong mean or scale.

    :math:`2 s_{op} / (s_o^2 + s_p^2 + (\bar o - \bar p)^2)` with population (co)variances [1]_.

    Parameters
    ----------
    observed, predicted : array_like, shape (n,)
        Values in one unit.

    Returns
    -------
    float
        In [-1, 1]; NaN if there are fewer than two points or either is constant.

    References
    ----------
    .. [1] Lin (1989), A concordance correlation coefficient to evaluate reproducibility, Biometrics 45.

    Examples
    --------
    >>> ccc([0.0, 1.0], [0.0, 1.0]), round(ccc([0.0, 1.0], [1.0, 2.0]), 3)
    (1.0, 0.333)
    """
    o, p = _pair(observed, predicted)
    if not (varies(o) and varies(p)):
        return math.nan
    scale = max(float(np.abs(o - o[0]).max()), float(np.abs(p - o[0]).max()))
    o, p = (
        (o - o[0]) / scale,
        (p - o[0]) / scale,
    )  # concordance is the same in any unit; this one cannot overflow
    between = ((o - o.mean()) * (p - p.mean())).mean()
    return float(2 * between / (o.var() + p.var() + (o.mean() - p.mean()) ** 2))


def mae(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean absolute error, in the unit of the values; NaN without any.

    Examples
    --------
    >>> mae([0.0, 1.0], [0.5, 1.0])
    0.25
    """
    o, p = _pair(observed, predicted)
    return float(np.abs(o - p).mean()) if len(o) else math.nan


def rmse(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Return the root of the mean squared error, in the unit of the values; NaN without any.

    Examples
    --------
    >>> rmse([0.0, 0.0], [3.0, 4.0])
    3.5355339059327378
    """
    o, p = _pair(observed, predicted)
    return math.sqrt(float(((o - p) ** 2).mean())) if len(o) else math.nan


def balanced_accuracy(observed: ArrayLike, predicted: ArrayLike, *, cut: float = 0.5) -> float:
    """Return the mean of the shares of positive and of negative cases that are recognised.

    In [0, 1], 0.5 for any constant answer; NaN unless both classes were observed. Arguments are those of
    `confusion`.

    Examples
    --------
    >>> balanced_accuracy([0.9, 0.8, 0.1], [0.9, 0.4, 0.2])
    0.75
    """
    tp, fp, fn, tn = confusion(observed, predicted, cut=cut)
    return (tp / (tp + fn) + tn / (tn + fp)) / 2 if tp + fn and tn + fp else math.nan


def mcc(observed: ArrayLike, predicted: ArrayLike, *, cut: float = 0.5) -> float:
    """Return Matthews' correlation of the two classes, in [-1, 1]; NaN if either only knows one class.

    Arguments are those of `confusion`.

    Examples
    --------
    >>> mcc([0.9, 0.8, 0.1, 0.3], [0.9, 0.6, 0.2, 0.1]), mcc([0.9, 0.1], [0.9, 0.9])
    (1.0, nan)
    """
    tp, fp, fn, tn = confusion(observed, predicted, cut=cut)
    margin = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / math.sqrt(margin) if margin else math.nan


def mean_by(labels: ArrayLike, values: ArrayLike) -> tuple[NDArray[np.str_], Array]:
    """Average values by label, such as predictions of clips by stimulus.

    Parameters
    ----------
    labels : array_like of str, shape (n,)
        Label of each value.
    values : array_like, shape (n,) or (n, m)
        What to average.

    Returns
    -------
    names : ndarray of str, shape (n_labels,)
        Each label once, sorted.
    means : ndarray, shape (n_labels,) or (n_labels, m)
        Mean of its values.

    Examples
    --------
    >>> names, means = mean_by(["sad", "happy", "sad"], [0.1, 0.9, 0.3])
    >>> names.tolist(), means.tolist()
    (['happy', 'sad'], [0.9, 0.2])
    """
    names, place, counts = np.unique(
        np.asarray(labels, dtype=np.str_), return_inverse=True, return_counts=True
    )
    table = np.asarray(values, dtype=np.float64)
    sums = np.zeros((len(names), *table.shape[1:]))
    np.add.at(sums, place, table)
    return names, (sums.T / counts).T


def cluster_bootstrap(
    statistic: Callable[[NDArray[np.intp]], float],
    clusters: ArrayLike,
    *,
    n_draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the percentile interval of a statistic when whole clusters are drawn with replacement.

    A statistic of row numbers can compare two models on the same draw: give it the difference, and the
    interval is that of the paired difference.

    Parameters
    ----------
    statistic : callable
        Takes row numbers, shape (m,), with repetitions, and returns a number; NaN draws are left out.
    clusters : array_like, shape (n,)
        What each row belongs to: stimulus, film, speaker.
    n_draws, seed : int
        Number of draws, and the seed that makes them.
    level : float
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    low, high : float
        NaN with fewer than two clusters, or if more than half of the draws have no value.

    Examples
    --------
    >>> x = np.arange(40.0)
    >>> low, high = cluster_bootstrap(lambda rows: float(x[rows].mean()), np.arange(40), seed=1)
    >>> low < 19.5 < high
    True
    """
    names, place = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < 2:
        return math.nan, math.nan
    members = [np.flatnonzero(place == k) for k in range(len(names))]
    draws = np.random.default_rng(seed).integers(len(names), size=(n_draws, len(names)))
    values = np.array([statistic(np.concatenate([members[k] for k in draw])) for draw in draws])
    values = values[np.isfinite(values)]
    if 2 * len(values) < n_draws:
        return math.nan, math.nan
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def score(
    observed: ArrayLike,
    predicted: ArrayLike,
    *,
    baseline: ArrayLike,
    reliability: float | None,
    clusters: ArrayLike | None = None,
    n_draws: int = 2000,
    seed: int = 0,
) -> dict[str, float]:
    """Score held-out predictions as the card of a bundle states them.

    Parameters
    ----------
    observed, predicted : array_like, shape (n,)
        EPP or valence, usually of stimulus means. A case without an observation (NaN) is left out; a
        prediction that is NaN makes every figure NaN.
    baseline : float or array_like, shape (n,)
        Mean of the training fold of each case.
    reliability : float or None
        Reliability of the observations, if known.
    clusters : array_like, shape (n,), optional
        Stimulus of each case, if several cases share one; otherwise each case is its own.
    n_draws, seed : int
        Bootstrap draws for the interval of r, and their seed.

    Returns
    -------
    dict
        `r`, `r_low`, `r_high` (95 % interval over stimuli), `r2`, `nev`, `ccc`, `rmse`, and `n`, the number
        of cases.

    Raises
    ------
    ValueError
        If the lengths differ.

    Examples
    --------
    >>> figures = score([0.1, 0.4, 0.8], [0.2, 0.4, 0.7], baseline=0.5, reliability=0.9)
    >>> figures["n"], round(figures["r"], 3), round(figures["nev"], 3)
    (3, 0.999, 1.026)
    """
    o, p = _pair(observed, predicted)
    b = np.broadcast_to(np.asarray(baseline, dtype=np.float64), o.shape)
    groups = np.arange(len(o)) if clusters is None else np.asarray(clusters)
    if groups.shape != o.shape:
        raise ValueError(f"observed has shape {o.shape}, clusters {groups.shape}: give one cluster a case")
    known = ~np.isnan(o)
    o, p, b, groups = o[known], p[known], b[known], groups[known]
    low, high = cluster_bootstrap(
        lambda rows: pearson_r(o[rows], p[rows]), groups, n_draws=n_draws, seed=seed
    )
    r2 = r_squared(o, p, baseline=b)
    return {
        "r": pearson_r(o, p),
        "r_low": low,
        "r_high": high,
        "r2": r2,
        "nev": nev(r2, reliability),
        "ccc": ccc(o, p),
        "rmse": rmse(o, p),
        "n": len(o),
    }


def _pair(observed: ArrayLike, predicted: ArrayLike) -> tuple[Array, Array]:
    o, p = np.asarray(observed, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if o.ndim != 1 or o.shape != p.shape:
        raise ValueError(f"observed has shape {o.shape}, predicted {p.shape}: both must be (n,)")
    return o, p


def varies(values: Array) -> bool:
    """Tell whether values differ by more than rounding, in which the mean of equal clips may wobble."""
    if len(values) < 2 or not np.isfinite(values).all():
        return False
    spread, size = float(np.ptp(values)), float(np.abs(values).max())
    return spread > 1e-12 * size and spread > 1e-300


def _standard(values: Array) -> Array:
    """Centre values and scale them to at most 1, so that squares neither overflow nor vanish."""
    centred = values - values.mean()
    return np.asarray(centred / np.abs(centred).max())


def _divisible(numerator: float, denominator: float) -> bool:
    return math.isfinite(numerator) and denominator > 1e-300 and math.isfinite(numerator / denominator)


def confusion(observed: ArrayLike, predicted: ArrayLike, *, cut: float = 0.5) -> tuple[int, int, int, int]:
    """Count true and false positives, false and true negatives; all 0 if a prediction is NaN.

    Parameters
    ----------
    observed, predicted : array_like, shape (n,)
        Positivity; above `cut` is positive. A case without an observation (NaN) is left out.
    cut : float
        Where positive begins.

    Returns
    -------
    tuple of int
        True positives, false positives, false negatives, true negatives.

    Examples
    --------
    >>> confusion([0.9, 0.8, 0.1], [0.9, 0.4, 0.7])
    (1, 1, 1, 0)
    """
    o, p = _pair(observed, predicted)
    known = ~np.isnan(o) & (not np.isnan(p).any())
    o_positive, p_positive = o[known] > cut, p[known] > cut
    tp, fp = int((o_positive & p_positive).sum()), int((~o_positive & p_positive).sum())
    return tp, fp, int((o_positive & ~p_positive).sum()), int((~o_positive & ~p_positive).sum())
