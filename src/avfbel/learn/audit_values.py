"""Checks of the audit that look at values: constants, the label itself, and mixtures that hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from avfbel.learn.hygiene import EXACT, SPARE, deviation

Array = NDArray[np.float64]
Found = dict[str, str]

_LEAVE_OUT = "leave the column out, or undo the mixture before anything is learned"


def constants(label: Array, target: str, numbers: Mapping[str, Array]) -> Iterator[Found]:
    """Yield columns of numbers that do not vary: predictions that say nothing, features that cannot help."""
    for name, values in ((target, label), *numbers.items()):
        known = values[np.isfinite(values)]
        if len(known) < len(values) and not len(known):
            yield _found("constant", name, "it holds no number at all", "leave it out, or fill it in")
        elif np.ptp(known) <= 1e-12 * float(np.abs(known).max()):
            evidence = f"all {len(known)} values are {known[0]:.6g}"
            if name == target:
                yield _found("constant", name, evidence, "there is nothing to predict: choose another target")
            else:
                yield _found(
                    "constant", name, evidence, "as a prediction it has no correlation; as a feature, no use"
                )


def labels(
    label: Array, numbers: Mapping[str, Array], keys: Mapping[str, NDArray[np.str_]]
) -> Iterator[Found]:
    """Yield columns that hold the label: alone, within groups, with another column, or one row off.

    Parameters
    ----------
    label : ndarray, shape (n,)
        The target.
    numbers : mapping of str to ndarray, shape (n,)
        Columns of numbers.
    keys : mapping of str to ndarray of str, shape (n,)
        Columns of names, within whose groups a column may follow the label.
    """
    guilty: set[str] = set()
    for name, values in numbers.items():
        one = _alone(name, values, label) or _shifted(name, values, label)
        if one is None:
            one = next((hit for key in keys if (hit := _within(name, values, label, key, keys[key]))), None)
        if one is not None:
            guilty.add(name)
            yield one
    innocent = {name: values for name, values in numbers.items() if name not in guilty}
    for found, names in _pairs(innocent, label):
        guilty.update(names)
        yield found
    rest = {name: values for name, values in innocent.items() if name not in guilty}
    yield from _all_together(rest, label)


def _alone(name: str, values: Array, label: Array) -> Found | None:
    cases = _distinct(values, label)
    if len(cases) < SPARE + 2 or (gap := deviation(cases[:, 0], cases[:, 1:])) >= EXACT:
        return None
    slope, offset = np.polyfit(cases[:, 1], cases[:, 0], 1)
    same = abs(slope - 1) < EXACT and abs(offset) < EXACT * float(np.abs(cases[:, 1]).max())
    formula = "the label itself" if same else f"{slope:.6g} x label {offset:+.6g}"
    return _found("label", name, f"it is {formula} (largest deviation {gap:.0e} of its sd)", _LEAVE_OUT)


def _shifted(name: str, values: Array, label: Array) -> Found | None:
    """Find the label of a neighbouring row in a column."""
    for step in (1, -1, 2, -2):
        moved = np.roll(label, -step).copy()
        moved[slice(-step, None) if step > 0 else slice(None, -step)] = np.nan
        cases = _distinct(values, moved)
        if len(cases) >= SPARE + 2 and deviation(cases[:, 0], cases[:, 1:]) < EXACT:
            where = f"{abs(step)} row{'s' if abs(step) > 1 else ''} {'later' if step > 0 else 'earlier'}"
            return _found(
                "order", name, f"it holds the label of the row {where}, up to offset and scale", _LEAVE_OUT
            )
    return None


def _within(name: str, values: Array, label: Array, key: str, groups: NDArray[np.str_]) -> Found | None:
    """Find a column that is a constant of each group plus a multiple of the label."""
    known = np.isfinite(values)
    cases = np.unique(np.stack([values[known], label[known]], axis=1), axis=0, return_index=True)[1]
    rows = np.flatnonzero(known)[cases]
    if not len(rows):
        return None
    names, place = np.unique(groups[rows], return_inverse=True)
    size = np.bincount(place)
    v, y = (_centred(x[rows], place, size) for x in (values, label))
    if len(rows) - len(names) - 1 < SPARE or len(names) < 2:
        return None
    scale, gap = float(np.abs(values[rows]).max()), deviation(v, y[:, None])
    if v.std() <= 1e-9 * scale or y.std() <= 1e-9 * float(np.abs(label).max()) or gap >= EXACT:
        return None
    slope = float((v @ y) / (y @ y))
    return _found(
        "mix",
        name,
        f"within each {key} it is {slope:.6g} x label plus a constant of that {key} "
        f"({len(rows)} distinct rows in {len(names)} groups, largest deviation {gap:.0e} of its sd)",
        _LEAVE_OUT,
    )


def _pairs(numbers: Mapping[str, Array], label: Array) -> Iterator[tuple[Found, tuple[str, str]]]:
    """Yield pairs of columns of which one is the other plus a multiple of the label."""
    names = list(numbers)
    done: set[str] = set()
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            if first in done or second in done:
                continue
            cases = _distinct(label, numbers[first], numbers[second])
            if len(cases) < SPARE + 3 or (gap := deviation(cases[:, 0], cases[:, 1:])) >= EXACT:
                continue
            design = np.column_stack([cases[:, 1:], np.ones(len(cases))])
            (a, b, _), *_ = np.linalg.lstsq(design, cases[:, 0], rcond=None)
            done.update((first, second))
            if not (a and b):
                continue
            evidence = (
                f"{first} = {-b / a:.6g} x {second} {1 / a:+.6g} x label + constant "
                f"(label recovered up to {gap:.0e} of its sd)"
            )
            yield _found("mix", f"{first} with {second}", evidence, _LEAVE_OUT), (first, second)


def _all_together(numbers: Mapping[str, Array], label: Array) -> Iterator[Found]:
    """Find the label in all columns together."""
    if len(numbers) < 3:
        return
    cases = _distinct(label, *numbers.values())
    if len(cases) < len(numbers) + 1 + SPARE:
        return
    gap = deviation(cases[:, 0], cases[:, 1:])
    if gap < EXACT:
        evidence = f"a linear combination of {len(numbers)} columns is the label (up to {gap:.0e} of its sd)"
        yield _found("mix", ", ".join(numbers), evidence, _LEAVE_OUT)


def _distinct(*columns: Array) -> Array:
    """Return the rows in which all is known, each once, shape (n, n_columns)."""
    table = np.stack(columns, axis=1)
    return np.unique(table[np.isfinite(table).all(axis=1)], axis=0)


def _centred(values: Array, place: NDArray[np.intp], size: NDArray[np.intp]) -> Array:
    return values - (np.bincount(place, values) / size)[place]


def _found(kind: str, column: str, evidence: str, remedy: str) -> Found:
    return {"kind": kind, "column": column, "evidence": evidence, "remedy": remedy}
