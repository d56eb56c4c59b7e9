"""Paired differences between models that predicted the same held-out cases.

Two models met the same stimuli in the same folds, so that what is hard about a stimulus is hard for both:
their difference is much better known than either figure. "Beats" is said only where the interval of the
difference excludes 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avfbel.data.targets import KINDS
from avfbel.errors import UsageError
from avfbel.learn.evaluation import TARGETS, Evaluation
from avfbel.learn.intervals import LOWER_IS_BETTER, METRICS, Cases, Interval, score_difference

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("modality", "target", "metric", "first", "second", "difference", "low", "high", "verdict")
"""Columns of the table of `compare`."""


def compare(
    results: Sequence[Evaluation],
    *,
    metrics: Sequence[str] = ("r", "r2", "ccc", "mae", "balanced_accuracy"),
    n_draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare every two models on what both predicted.

    Parameters
    ----------
    results : sequence of Evaluation
        Results of two or more models under one protocol on the same data.
    metrics : sequence of str
        Names out of `avfbel.learn.intervals.METRICS`.
    n_draws, seed : int
        Draws of the bootstrap over stimuli, and their seed.

    Returns
    -------
    DataFrame
        One row a modality, target, metric and pair: the difference, first minus second, its 95 % interval,
        and the verdict "beats", "is beaten by", or "no difference shown".

    Raises
    ------
    UsageError
        If there are fewer than two results, they come from several protocols, their cases differ, or a metric
        is unknown.
    """
    import pandas as pd

    _check(results, metrics)
    rows: list[tuple[object, ...]] = []
    for first, second in combinations(results, 2):
        for modality in KINDS:
            for target in TARGETS:
                pair = _paired(first, second, modality, target)
                if pair is None:
                    continue
                found = score_difference(*pair, n_draws=n_draws, seed=seed)
                rows.extend(
                    (
                        modality,
                        target,
                        name,
                        first.model,
                        second.model,
                        *found[name],
                        verdict(name, found[name]),
                    )
                    for name in metrics
                    if math.isfinite(found[name].value)
                )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def verdict(metric: str, difference: Interval) -> str:
    """Say in words what a difference shows, first minus second.

    Examples
    --------
    >>> verdict("r", Interval(0.1, 0.02, 0.2)), verdict("mae", Interval(0.1, 0.02, 0.2))
    ('beats', 'is beaten by')
    >>> verdict("r", Interval(0.1, -0.02, 0.2))
    'no difference shown'
    """
    if not (difference.low > 0 or difference.high < 0):
        return "no difference shown"
    return "beats" if (difference.low > 0) != (metric in LOWER_IS_BETTER) else "is beaten by"


def _check(results: Sequence[Evaluation], metrics: Sequence[str]) -> None:
    problems = [
        f"no metric {name!r}: choose among {', '.join(METRICS)}" for name in metrics if name not in METRICS
    ]
    if len(results) < 2:
        problems.append("a comparison needs two results or more")
    protocols = list(dict.fromkeys(result.protocol for result in results))
    if len(protocols) > 1:
        problems.append(f"results of several protocols cannot be compared: {', '.join(protocols)}")
    if problems:
        raise UsageError("; ".join(problems))


def _paired(first: Evaluation, second: Evaluation, modality: str, target: str) -> tuple[Cases, Cases] | None:
    """Return the cases of both in one order, or None if one of them does not predict this."""
    found = [_keyed(result, modality, target) for result in (first, second)]
    if not all(keys for keys, _ in found):
        return None
    (keys, cases), (others, other_cases) = found
    if sorted(keys) != sorted(others):
        raise UsageError(
            f"{first.model} and {second.model} did not predict the same cases ({modality}): evaluate "
            "both on the same data with the same seed"
        )
    place = {key: row for row, key in enumerate(others)}
    order = np.array([place[key] for key in keys], dtype=np.intp)
    o, p, b, stimuli = other_cases
    aligned = Cases(o[order], p[order], b[order], stimuli[order])
    if not np.allclose(cases.observed, aligned.observed, rtol=0, atol=1e-12):
        raise UsageError(f"{first.model} and {second.model} were held against other ratings ({modality})")
    return cases, aligned._replace(observed=cases.observed)


def _keyed(result: Evaluation, modality: str, target: str) -> tuple[list[tuple[str, str]], Cases]:
    column = TARGETS.index(target)
    rows: NDArray[np.bool_] = (result.modality == modality) & np.isfinite(result.observed[:, column])
    held_out = result.select(modality, target)
    keys = list(zip(result.fold[rows].tolist(), result.stimulus[rows].tolist(), strict=True))
    return keys, Cases(held_out.observed, held_out.predicted, held_out.baseline, held_out.stimulus)
