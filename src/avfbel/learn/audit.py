"""Audit of a table before anything is learned from it: whether it holds its own answer.

Each check looks for one way in which an evaluation can be fooled, and reports what it found as a `Finding`.
What is exact (a column that is the label, rows that are copies) is called so only with cases to spare; what
is a matter of chance (an order that tells the target) only beyond odds of `ALARM`, all tests together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.errors import UsageError
from avfbel.learn import audit_rows, audit_values

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

ALARM = 1e-4
"""Odds at which a table without any leak is accused of one that is a matter of chance."""

FEWEST_ROWS = 3


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something in a table that fools an evaluation.

    Attributes
    ----------
    kind : str
        "label", "mix", "order", "duplicates", "group", "constant" or "metric".
    column : str
        Where it is; "rows" if it is not in a column.
    evidence : str
        What was measured.
    remedy : str
        What to do about it.
    """

    kind: str
    column: str
    evidence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.column}: {self.evidence}; {self.remedy}"


def audit_table(
    table: pd.DataFrame, target: str, *, group: str | None = None, fold: str | None = None
) -> list[Finding]:
    """Look for everything in a table that would let a model know what it is to predict.

    Parameters
    ----------
    table : DataFrame
        One row a case: numbers to learn from, the target, and keys such as stimulus or speaker.
    target : str
        Column of the label.
    group : str, optional
        Column of which no entry may be both learned from and predicted.
    fold : str, optional
        Column of a division into folds, or train and test; without it, a column named fold or split.

    Returns
    -------
    list of Finding
        Empty for a clean table.

    Raises
    ------
    UsageError
        With all that keeps the table from being audited: columns that are missing, a label that is no number
        or not there in some rows, fewer than three rows.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> clean = pd.DataFrame({"felt": rng.random(20), "tempo": rng.random(20)})
    >>> audit_table(clean, "felt")
    []
    >>> [str(found.kind) for found in audit_table(clean.assign(score=3 * clean.felt - 1), "felt")]
    ['label']
    """
    fold = fold or next((name for name in ("fold", "split") if name in table.columns), None)
    label = _check(table, target, group, fold)
    numbers = {
        str(name): table[name].to_numpy(dtype=np.float64)
        for name in table.columns
        if name not in (target, group, fold) and _is_number(table[name])
    }
    keys = {
        str(name): np.asarray(table[name].astype(str).to_numpy(), dtype=np.str_)
        for name in table.columns
        if name == group or (name not in (target, fold) and not _is_number(table[name]))
    }
    found = [
        *(Finding(**one) for one in audit_values.constants(label, target, numbers)),
        *(Finding(**one) for one in audit_values.labels(label, numbers, keys)),
        *(Finding(**one) for one in audit_rows.duplicates(table, target, group, fold, ALARM)),
        *(Finding(**one) for one in audit_rows.split_groups(table, group, fold)),
    ]
    within = None if group is None else keys[group]
    found += [Finding(**one) for one in audit_rows.order(label, target, within, ALARM)]
    return found


def metric_rewards_error(
    metric: Callable[[Array, Array], float],
    *,
    lower_is_better: bool = False,
    observed: ArrayLike | None = None,
) -> Finding | None:
    """Find out whether a metric gives a wrong prediction a better score than the perfect one.

    Parameters
    ----------
    metric : callable
        Takes observed and predicted values, shape (n,), and returns a number.
    lower_is_better : bool
        Whether it counts errors.
    observed : array_like, shape (n,), optional
        What to predict; by default 40 values between 0 and 1.

    Returns
    -------
    Finding or None
        The worst case: which wrong prediction scores how much; None if no prediction that was tried scores
        better than the perfect one.

    Examples
    --------
    >>> metric_rewards_error(lambda o, p: float(np.corrcoef(o, p)[0, 1])) is None
    True
    >>> print(metric_rewards_error(lambda o, p: float(np.abs(o - p).mean())).kind)
    metric
    """
    rng = np.random.default_rng(0)
    truth = rng.random(40) if observed is None else np.asarray(observed, dtype=np.float64)
    spread = float(truth.std()) or 1.0
    wrong = {
        "the reversed target": truth.max() + truth.min() - truth,
        "the negated target": -truth,
        "a shuffled target": rng.permutation(truth),
        "noise": truth.mean() + spread * rng.standard_normal(len(truth)),
        "the target with noise": truth + 0.5 * spread * rng.standard_normal(len(truth)),
        "the target and a constant": truth + 3 * spread,
        "the mean": np.full(len(truth), truth.mean()),
        "zero": np.zeros(len(truth)),
    }
    sign = -1.0 if lower_is_better else 1.0
    perfect = _value(metric, truth, truth)
    scores = {name: _value(metric, truth, said) for name, said in wrong.items()}
    better = {
        name: score
        for name, score in scores.items()
        if math.isfinite(score) and sign * (score - perfect) > 1e-9 * max(1.0, abs(perfect))
    }
    if not better:
        return None
    worst = max(better, key=lambda name: sign * better[name])
    return Finding(
        kind="metric",
        column=getattr(metric, "__name__", "metric"),
        evidence=f"{worst} scores {better[worst]:.4g}, the perfect prediction {perfect:.4g}",
        remedy="report a metric that a perfect prediction wins, such as r with R2, or MAE",
    )


def _value(metric: Callable[[Array, Array], float], observed: Array, predicted: Array) -> float:
    with np.errstate(all="ignore"):
        try:
            return float(metric(observed, predicted))
        except ZeroDivisionError:
            return math.nan


def _check(table: pd.DataFrame, target: str, group: str | None, fold: str | None) -> Array:
    problems = list(_problems(table, target, group, fold))
    if problems:
        raise UsageError(f"the table cannot be audited: {'; '.join(problems)}")
    return table[target].to_numpy(dtype=np.float64)


def _problems(table: pd.DataFrame, target: str, group: str | None, fold: str | None) -> Iterator[str]:
    there = ", ".join(map(str, table.columns))
    twice = sorted({str(name) for name in table.columns[table.columns.duplicated()]})
    if twice:
        yield f"columns of one name: {', '.join(twice)}"
        return
    for what, name in (("target", target), ("group", group), ("fold", fold)):
        if name is not None and name not in table.columns:
            yield f"no column {name!r} for the {what}: there are {there}"
    if group == target or fold == target:
        yield f"{target!r} cannot be the target and a key at once"
    if len(table) < FEWEST_ROWS:
        yield f"{len(table)} rows are too few: give {FEWEST_ROWS} or more"
    if target in table.columns:
        if not _is_number(table[target]):
            yield f"{target!r} holds something else than numbers"
        else:
            values = table[target].to_numpy(dtype=np.float64)
            bad = np.flatnonzero(~np.isfinite(values))
            if len(bad):
                yield f"{target!r} is missing or infinite in {len(bad)} rows, the first is row {bad[0] + 1}"
    if group is not None and group in table.columns:
        lacking = np.flatnonzero(table[group].isna().to_numpy())
        if len(lacking):
            yield f"{len(lacking)} rows have no {group}, the first is row {lacking[0] + 1}"
        elif table[group].nunique() < 2:
            yield f"the column {group!r} holds one group only: nothing could be held out by it"


def _is_number(column: pd.Series[float]) -> bool:
    from pandas.api.types import is_numeric_dtype

    return bool(is_numeric_dtype(column))
