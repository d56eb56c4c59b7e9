"""Checks of the audit that look at rows: copies, divided groups, an order that tells the target."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Found = dict[str, str]


def duplicates(
    table: pd.DataFrame, target: str, group: str | None, fold: str | None, alarm: float
) -> Iterator[Found]:
    """Yield the fact that rows are copies of each other, more of them than chance makes.

    Row counters and the keys are left aside. Coarse values make equal rows by chance: their number is
    compared with what independent columns would give. Where most rows share their features with others, as
    where several people rate one stimulus, only the labels can agree by chance.
    """
    columns = [name for name in table.columns if name not in (group, fold) and not _counts(table[name])]
    features = [name for name in columns if name != target]
    if target not in columns or not features:
        return
    codes, shared = _codes(table, columns), _codes(table, features)
    size = np.bincount(codes)
    n, pairs = len(codes), _pairs(codes)
    designed = bool((np.bincount(shared)[shared] > 1).mean() > 0.5)
    expected = _pairs(shared) if designed else n * (n - 1) / 2
    for name in [target] if designed else columns:
        share = table[name].value_counts(normalize=True, dropna=False).to_numpy()
        expected *= float((share**2).sum())
    if pairs <= expected or _poisson_tail(pairs, expected) > alarm:
        return
    copied, most = int((size[codes] > 1).sum()), int(size.max())
    evidence = f"{copied} of {n} rows are copies of others ({len(size)} are distinct, up to {most} of each)"
    for key in (group, fold):
        if key is not None:
            split = table.groupby(codes)[key].nunique()
            if (split > 1).any():
                evidence += f", {int((split > 1).sum())} of them under several entries of {key}"
    yield _found(
        "duplicates",
        "rows",
        evidence,
        "keep one of each, or hold copies out together: they inflate n and leak",
    )


def split_groups(table: pd.DataFrame, group: str | None, fold: str | None) -> Iterator[Found]:
    """Yield groups that lie in several folds, and those that are one group under several spellings."""
    if group is None:
        return
    if fold is not None:
        spread = table.groupby(group)[fold].nunique()
        split = [str(name) for name in spread.index[spread > 1]]
        if split:
            yield _found(
                "group",
                fold,
                f"{len(split)} of {len(spread)} entries of {group} are on several sides: {_few(split)}",
                f"divide by {group}, so that each is on one side",
            )
    names = table[group].astype(str)
    spellings = names.groupby(names.str.strip().str.casefold()).unique()
    doubled = [" = ".join(repr(str(name)) for name in found) for found in spellings if len(found) > 1]
    if doubled:
        yield _found(
            "group",
            group,
            f"one group in several spellings: {_few(doubled)}",
            "spell each the same everywhere",
        )


def order(label: Array, target: str, groups: NDArray[np.str_] | None, alarm: float) -> Iterator[Found]:
    """Yield the fact that the place of a row tells its label: by a trend, or by the rows beside it.

    With groups, only what is left of the label within them counts, since a group is held out as a whole.
    """
    values = label
    if groups is not None:
        names, place = np.unique(groups, return_inverse=True)
        size = np.bincount(place)
        alone = size[place] == 1
        values = label - (np.bincount(place, label) / size)[place]
        if not alone.all():
            values = values[~alone]
        if len(names) == len(label):
            values = label  # every row is a group of its own
    n = len(values)
    if n < 20 or np.ptp(values) <= 1e-9 * float(np.abs(label).max()):
        return
    ranks = _ranks(values)
    beyond = _normal_quantile(alarm / 3)
    trend = float(np.corrcoef(ranks, np.arange(n))[0, 1])
    if abs(trend) * math.sqrt(n - 1) > beyond:
        yield _found(
            "order",
            target,
            f"rank correlation {trend:+.2f} with the number of the row",
            "shuffle the rows, never divide them by their order, and keep row numbers out of the features",
        )
    for lag in (1, 2):
        near = float(np.corrcoef(ranks[:-lag], ranks[lag:])[0, 1])
        if abs(near) * math.sqrt(n - lag) > beyond:
            which = "the next row" if lag == 1 else "the next row but one"
            yield _found(
                "order",
                target,
                f"rank correlation {near:+.2f} with the label of {which}",
                "hold neighbours out together (name what they share with --group), or shuffle the rows",
            )
            return


def _codes(table: pd.DataFrame, columns: list[str]) -> NDArray[np.intp]:
    """Number the distinct rows of some columns; cells that are missing are equal."""
    return np.asarray(table.groupby(columns, dropna=False, sort=False).ngroup().to_numpy(), dtype=np.intp)


def _pairs(codes: NDArray[np.intp]) -> float:
    size = np.bincount(codes).astype(np.float64)
    return float((size * (size - 1)).sum() / 2)


def _counts(column: pd.Series[float]) -> bool:
    """Tell whether a column only numbers the rows."""
    from pandas.api.types import is_numeric_dtype

    if not is_numeric_dtype(column) or column.isna().any() or len(column) < 3:
        return False
    steps = np.diff(column.to_numpy(dtype=np.float64))
    return bool(steps[0] != 0 and (np.abs(steps - steps[0]) <= 1e-9 * abs(steps[0])).all())


def _ranks(values: Array) -> Array:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), dtype=np.float64)


def _poisson_tail(count: float, expected: float) -> float:
    from scipy.stats import poisson

    return float(poisson.sf(count - 1, expected))


def _normal_quantile(tail: float) -> float:
    from scipy.stats import norm

    return float(norm.isf(tail / 2))


def _few(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _found(kind: str, column: str, evidence: str, remedy: str) -> Found:
    return {"kind": kind, "column": column, "evidence": evidence, "remedy": remedy}
