"""The noise ceiling: how well people agree with other people, and so how good any model can get."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from avfbel.data.norms import NORM_MODALITIES, mix_modalities
from avfbel.data.ratings import Ratings
from avfbel.emotion import published_epp, rating_epp, rating_valence
from avfbel.errors import UsageError
from avfbel.learn.metrics import pearson_r

TARGETS: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "epp": rating_epp,
    "valence": rating_valence,
    "published": published_epp,
}
"""What can be predicted about a stimulus, each from mean ratings (n_stimuli, 5)."""


def spearman_brown(r: float) -> float:
    """Return the reliability of a whole of which two halves correlate by `r`.

    Examples
    --------
    >>> spearman_brown(0.5)
    0.6666666666666666
    """
    return 2 * r / (1 + r)


def split_half_reliability(
    ratings: Ratings, *, modality: str, target: str, n_splits: int = 200, seed: int = 0
) -> float:
    r"""Estimate the reliability of stimulus means by splitting the raters into random halves.

    Each half's mean ratings give the target of every stimulus; the correlation over stimuli between halves,
    averaged over splits, is corrected to the whole panel by Spearman and Brown's formula. The result
    :math:`\rho` is the ceiling of R², :math:`\sqrt\rho` that of r.

    Parameters
    ----------
    ratings : Ratings
        Single ratings.
    modality : {"music", "animation", "fused"}
        Whose means; for fused each half's means are mixed 0.25 : 0.75.
    target : {"epp", "valence", "published"}
        Which number about a stimulus.
    n_splits, seed : int
        Number of random splits, and the seed that draws them.

    Returns
    -------
    float
        Reliability, at most 1; NaN where a half's targets do not vary.

    Raises
    ------
    UsageError
        If the target or the modality is unknown, or there are fewer than two raters.
    """
    if target not in TARGETS:
        raise UsageError(f"no target {target!r}: choose one of {', '.join(TARGETS)}")
    n_raters = len(ratings.participants)
    if n_raters < 2:
        raise UsageError("reliability needs ratings of two people or more")
    rng = np.random.default_rng(seed)
    correlations = []
    for _ in range(n_splits):
        order = rng.permutation(n_raters)
        first, second = (
            TARGETS[target](mix_modalities(np.nanmean(ratings.values[half], axis=0), modality))
            for half in (order[: n_raters // 2], order[n_raters // 2 :])
        )
        correlations.append(pearson_r(first, second))
    return spearman_brown(float(np.mean(correlations)))


def reliability_table(ratings: Ratings, *, n_splits: int = 200, seed: int = 0) -> dict[str, dict[str, float]]:
    """Return the reliability of every modality and target, as `avfbel.data.load_reliability` reads it."""
    return {
        modality: {
            target: split_half_reliability(
                ratings, modality=modality, target=target, n_splits=n_splits, seed=seed
            )
            for target in TARGETS
        }
        for modality in NORM_MODALITIES
    }


def shortened(reliability: float, share: float) -> float:
    r"""Return the reliability of means over another number of raters, by Spearman and Brown's formula.

    :math:`\rho_s = s\rho / (1 + (s - 1)\rho)` for `s` times as many raters.

    Parameters
    ----------
    reliability : float
        Reliability ρ of means over the whole panel.
    share : float
        Number of raters over that of the whole panel; 0.5 for half of it.

    Returns
    -------
    float
        Reliability of means over so many raters.

    Examples
    --------
    >>> round(shortened(2 / 3, 0.5), 12), round(shortened(0.5, 2), 6)
    (0.5, 0.666667)
    """
    return share * reliability / (1 + (share - 1) * reliability)


def rater_versus_rest(single: NDArray[np.float64], rest: NDArray[np.float64]) -> float:
    """Return how well the mean of the other raters predicts a rater: r over all single ratings.

    Nothing that does not know the rater can do much better on single ratings.

    Parameters
    ----------
    single : ndarray, shape (n_raters, n_stimuli)
        What each rater felt; NaN where there is none.
    rest : ndarray, shape (n_raters, n_stimuli)
        What the others felt on average.

    Returns
    -------
    float
        Pearson's r, pooled over raters and stimuli; NaN if nothing varies.

    Examples
    --------
    >>> round(rater_versus_rest(np.array([[0.0, 1.0], [0.0, 0.5]]), np.array([[0.0, 0.5], [0.0, 1.0]])), 3)
    0.636
    """
    known = np.isfinite(single) & np.isfinite(rest)
    return pearson_r(single[known], rest[known])


def panel_reliability(
    halves: Callable[[NDArray[np.intp]], NDArray[np.float64]],
    n_raters: int,
    *,
    n_splits: int = 200,
    seed: int = 0,
) -> float:
    """Estimate the reliability of stimulus means from any single ratings, as `split_half_reliability` does.

    Parameters
    ----------
    halves : callable
        Takes numbers of raters and returns their mean target of each stimulus, shape (n_stimuli,).
    n_raters : int
        How many there are.
    n_splits, seed : int
        Number of random splits, and the seed that draws them.

    Returns
    -------
    float
        Reliability; NaN with fewer than four raters, or where a half's targets do not vary.
    """
    if n_raters < 4:
        return float("nan")
    rng = np.random.default_rng(seed)
    correlations = []
    for _ in range(n_splits):
        order = rng.permutation(n_raters)
        first, second = halves(order[: n_raters // 2]), halves(order[n_raters // 2 :])
        known = np.isfinite(first) & np.isfinite(second)
        correlations.append(pearson_r(first[known], second[known]))
    return spearman_brown(float(np.mean(correlations)))
