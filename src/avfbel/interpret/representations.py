r"""Representational similarity: which stimuli are alike to a region, and which to people.

A representational dissimilarity matrix (RDM) holds the distance between the codes of every two stimuli; here
the upper triangle as a vector. RDMs are compared by Spearman's rho with ties broken at random, in expectation
(``rho-a`` of rsatoolbox): only the order of the distances counts. The **noise ceiling** [1]_ is what the best
possible model could reach: its lower bound is how well the other raters predict a rater, its upper bound how
well all raters together do. Intervals are percentiles over draws of stimuli with replacement, where the
distance of a stimulus to itself is left out.

References
----------
.. [1] Nili et al. (2014), A toolbox for representational similarity analysis, *PLoS Computational
       Biology* 10(4), e1003553.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfbel.data.norms import load_norms, mix_modalities
from avfbel.data.ratings import Ratings, load_ratings
from avfbel.errors import UsageError
from avfbel.learn.intervals import Interval

Array = NDArray[np.float64]

LEVEL, N_DRAWS, SEED = 0.95, 1000, 0
METHOD = "rho-a"


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """The noise ceiling: what a perfect model could reach, from below and from above."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How a candidate's RDM resembles those of raters.

    Attributes
    ----------
    name : str
        The candidate.
    rho : Interval
        Mean rank correlation with the raters.
    beyond : mapping of str to Interval
        How much more that is than that of other candidates, by their names.
    to_ceiling : Interval
        The lower bound of the ceiling less `rho`; NaN if there is no ceiling.
    """

    name: str
    rho: Interval
    beyond: Mapping[str, Interval]
    to_ceiling: Interval

    @property
    def verdict(self) -> str:
        """What the intervals say, in words."""
        if self.rho.low <= 0:
            return "not told from chance"
        if np.isnan(self.to_ceiling.low):
            return "alike"
        return "not told from the ceiling" if self.to_ceiling.low <= 0 else "alike, below the ceiling"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Candidates beside raters: the noise ceiling (None with fewer than three raters), and each likeness."""

    n_raters: int
    n_stimuli: int
    ceiling: Ceiling | None
    likenesses: tuple[Likeness, ...]


def dissimilarity(codes: Array, *, standardized: bool = False) -> Array:
    """Return the Euclidean distances between the codes of stimuli.

    Parameters
    ----------
    codes : ndarray, shape (n_stimuli, n_units)
        Codes.
    standardized : bool
        Whether units are brought to a standard deviation of 1 first; for units of different kinds.

    Returns
    -------
    ndarray, shape (n_stimuli * (n_stimuli - 1) / 2,)
        Upper triangle, row by row, in the unit of the codes.

    Examples
    --------
    >>> dissimilarity(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])).round(3).tolist()
    [5.0, 1.0, 4.243]
    """
    toolbox = _toolbox()
    values = np.asarray(codes, dtype=np.float64)
    if standardized:
        spread = values.std(axis=0)
        values = values[:, spread > 0] / spread[spread > 0]
    found = toolbox.rdm.calc_rdm(toolbox.data.Dataset(values), method="euclidean")
    squared = found.dissimilarities[0] * values.shape[1]  # the toolbox divides by the number of units
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def rater_rdms(ratings: Ratings, modality: str) -> Array:
    """Return the RDM of every rater who rated all stimuli, (n_raters, n_pairs), from the five emotions.

    Parameters
    ----------
    ratings : Ratings
        Single ratings.
    modality : {"music", "animation", "fused"}
        What was rated; for fused each rater's ratings are mixed 0.25 : 0.75, by the convention of the norms.
    """
    values = mix_modalities(ratings.values, modality)
    whole = [of for of in values if np.isfinite(of).all()]
    if not whole:
        raise UsageError(f"nobody rated all stimuli ({modality}): there is nothing to compare with")
    return np.stack([dissimilarity(of) for of in whole])


def people_rdms(modality: str, data_dir: Path | str | None = None) -> Array:
    """Return the RDM of every rater, or, where single ratings are not at hand, of the shipped norms alone.

    Parameters
    ----------
    modality : {"music", "animation", "fused"}
        What was rated.
    data_dir : path, optional
        Folder of ratings.csv; `AVFBEL_DATA` by default. A folder that is named has to hold it.

    Returns
    -------
    ndarray, shape (n_raters, n_pairs)
        One row if it comes from the norms: then there is no noise ceiling.
    """
    if data_dir is None and not os.environ.get("AVFBEL_DATA"):
        return dissimilarity(load_norms().emotions(modality))[None]
    return rater_rdms(load_ratings(data_dir), modality)


def noise_ceiling(raters: Array) -> Ceiling:
    """Return the noise ceiling of raters' RDMs (n_raters, n_pairs), by rsatoolbox.

    Examples
    --------
    >>> one = dissimilarity(np.random.default_rng(0).normal(size=(6, 3)))
    >>> noise_ceiling(np.stack([one, one, one]))
    Ceiling(low=1.0, high=1.0)
    """
    toolbox = _toolbox()
    bounds = toolbox.inference.noise_ceiling.boot_noise_ceiling
    low, high = bounds(toolbox.rdm.RDMs(np.asarray(raters)), method=METHOD)
    return Ceiling(low=float(low), high=float(high))


def rank_correlation(first: Array, second: Array) -> Array:
    """Return ``rho-a`` between RDMs (n, n_pairs) and (m, n_pairs), shape (n, m), by rsatoolbox."""
    toolbox = _toolbox()
    rdms = (toolbox.rdm.RDMs(np.atleast_2d(vectors)) for vectors in (first, second))
    return np.asarray(toolbox.rdm.compare(*rdms, method=METHOD))


def _toolbox() -> Any:
    """Return rsatoolbox, as untyped as it is."""
    try:
        import rsatoolbox.inference.noise_ceiling
    except ImportError as error:
        raise ImportError(
            'representations are compared by rsatoolbox: install it with `pip install "avfbel[neuro]"`'
        ) from error
    return rsatoolbox


def compare_with_raters(
    candidates: Mapping[str, Array],
    raters: Array,
    *,
    against: Mapping[str, Sequence[str]] | None = None,
    n_draws: int = N_DRAWS,
    seed: int = SEED,
) -> Comparison:
    """Compare RDMs with those of raters.

    Parameters
    ----------
    candidates : mapping of str to ndarray, shape (n_pairs,)
        RDMs by name.
    raters : ndarray, shape (n_raters, n_pairs)
        RDMs of raters.
    against : mapping of str to sequence of str, optional
        For a candidate, the others that it has to surpass.
    n_draws, seed : int
        Number of draws of stimuli, and their seed: all candidates meet the same.

    Returns
    -------
    Comparison
        Ceiling, and the likeness of each candidate.

    Raises
    ------
    ValueError
        If RDMs differ in length.
    """
    names = list(candidates)
    models = np.stack([candidates[name] for name in names])
    if models.shape[1] != raters.shape[1]:
        raise ValueError(f"RDMs of {models.shape[1]} and {raters.shape[1]} pairs cannot be compared")
    rho = rank_correlation(models, raters).mean(axis=1)
    ceiling = noise_ceiling(raters) if len(raters) > 2 else None
    draws = list(_drawn(models, raters, n_draws, seed, with_ceiling=ceiling is not None))
    drawn, ceilings = np.array([of[0] for of in draws]), np.array([of[1] for of in draws])
    undefined = Interval(*[float("nan")] * 3)
    rivals = {name: (against or {}).get(name, ()) for name in names}
    return Comparison(
        n_raters=len(raters),
        n_stimuli=_n_stimuli(raters.shape[1]),
        ceiling=ceiling,
        likenesses=tuple(
            Likeness(
                name=name,
                rho=_interval(rho[k], drawn[:, k]),
                beyond={
                    other: _interval(rho[k] - rho[at], drawn[:, k] - drawn[:, at])
                    for other in rivals[name]
                    for at in [names.index(other)]
                },
                to_ceiling=undefined
                if ceiling is None
                else _interval(ceiling.low - rho[k], ceilings - drawn[:, k]),
            )
            for k, name in enumerate(names)
        ),
    )


def square(vector: Array) -> Array:
    """Return an RDM as a symmetric matrix with zeros on its diagonal."""
    n = _n_stimuli(len(vector))
    matrix = np.zeros((n, n))
    matrix[np.triu_indices(n, 1)] = vector
    return matrix + matrix.T


def _drawn(
    models: Array, raters: Array, n_draws: int, seed: int, *, with_ceiling: bool
) -> Iterator[tuple[Array, float]]:
    """Yield mean rho of each model and the lower ceiling, draw by draw."""
    n = _n_stimuli(raters.shape[1])
    rng, upper = np.random.default_rng(seed), np.triu_indices(n, 1)
    number = square(np.arange(1, len(upper[0]) + 1, dtype=np.float64)).astype(int) - 1
    for _ in range(n_draws):
        chosen = rng.integers(n, size=n)
        pairs = number[chosen[upper[0]], chosen[upper[1]]]
        pairs = pairs[pairs >= 0]  # a stimulus drawn twice has no distance to itself
        felt = _ranks(raters[:, pairs])
        rho = _rho(_ranks(models[:, pairs]), felt).mean(axis=1)
        low = float("nan")
        if with_ceiling:
            others = _ranks((felt.sum(axis=0) - felt) / (len(felt) - 1))
            low = float(np.einsum("ij,ij->i", others, felt).mean() / _full(felt.shape[1]))
        yield rho, low


def _ranks(vectors: Array) -> Array:
    from scipy.stats import rankdata

    return np.asarray(rankdata(vectors, axis=1) - (vectors.shape[1] + 1) / 2)


def _rho(first: Array, second: Array) -> Array:
    return np.asarray(first @ second.T / _full(first.shape[1]))


def _full(n_pairs: int) -> float:
    return (n_pairs**3 - n_pairs) / 12


def _n_stimuli(n_pairs: int) -> int:
    return (1 + math.isqrt(1 + 8 * n_pairs)) // 2


def _interval(value: float, drawn: Array) -> Interval:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(value), float(low), float(high))


def told(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain values; what is not defined is None."""

    def plain(found: Interval) -> list[float | None]:
        return [None if np.isnan(value) else round(value, 4) for value in found]

    ceiling = comparison.ceiling
    return {
        "n_raters": comparison.n_raters,
        "n_stimuli": comparison.n_stimuli,
        "ceiling": None if ceiling is None else [round(ceiling.low, 4), round(ceiling.high, 4)],
        "candidates": {
            of.name: {
                "rho": plain(of.rho),
                "beyond": {other: plain(more) for other, more in of.beyond.items()},
                "to_ceiling": plain(of.to_ceiling),
                "verdict": of.verdict,
            }
            for of in comparison.likenesses
        },
    }
