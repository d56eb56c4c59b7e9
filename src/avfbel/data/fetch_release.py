"""The released spreadsheets of sievers2021, read with openpyxl, and the answer taken out of their features.

The release adds a tenth of each rater's unscaled positivity to all five visual features, so that whatever is
trained on them sees what it is to predict. `undo_leak` subtracts it; what remains are the parameters that the
stimuli were made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.data.ratings import FULL_SCALE
from avfbel.emotion import RATING_COLUMNS
from avfbel.errors import InputError

PARAMETERS = ("bpm", "jitter", "consonance", "bigsmall", "updown")
"""Visual features of the release: the generative parameters of a stimulus, with the answer added."""

ACOUSTIC = ("pitch_mean", "tonnetz_mean", "rms_mean", "tempo_mean", "duration_mean")
"""Acoustic features of the release."""

LEAK_TOLERANCE = 1e-6
"""How far the raters' copies of one parameter may lie apart; the released ones agree to 7e-13."""

_RANKS = np.arange(1.0, 6.0)


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class ReleasedTable:
    """One spreadsheet of the release, a row a rated clip.

    Attributes
    ----------
    participant, stimulus : tuple of str
        Who rated what.
    ratings : ndarray, shape (n, 5)
        From 0 to 127, in the order scared, sad, angry, peaceful, happy; NaN where a cell is empty.
    features : ndarray, shape (n, 5)
        The five features as released.
    """

    participant: tuple[str, ...]
    stimulus: tuple[str, ...]
    ratings: NDArray[np.float64]
    features: NDArray[np.float64]


def unscaled_positivity(ratings: ArrayLike) -> NDArray[np.float64]:
    r"""Return :math:`\sum_k k E_k / 15`, the release's positivity before it is scaled over the data set.

    Parameters
    ----------
    ratings : array_like, shape (..., 5)
        In the order scared, sad, angry, peaceful, happy.

    Returns
    -------
    ndarray, shape (...)
        In the unit of the ratings; NaN where one of the five is missing.

    Examples
    --------
    >>> float(unscaled_positivity([127, 0, 127, 0, 30]))
    43.86...
    """
    return np.asarray(np.asarray(ratings, dtype=np.float64) @ _RANKS / _RANKS.sum(), dtype=np.float64)


def undo_leak(features: ArrayLike, ratings: ArrayLike) -> NDArray[np.float64]:
    """Subtract from released visual features what was added to them: a tenth of the rater's positivity.

    Parameters
    ----------
    features : array_like, shape (n, 5)
        Visual features as released.
    ratings : array_like, shape (n, 5)
        What the same rows say was felt, 0 to 127, in the order of the columns.

    Returns
    -------
    ndarray, shape (n, 5)
        Parameters of the stimuli; NaN in rows with a missing rating.

    Examples
    --------
    >>> leaked = [[100 + 2.2, 50 + 2.2, 10 + 2.2, 3 + 2.2, 4 + 2.2]]
    >>> undo_leak(leaked, [[0, 0, 110, 0, 0]]).round(9).tolist()
    [[100.0, 50.0, 10.0, 3.0, 4.0]]
    """
    leak = unscaled_positivity(ratings) / 10
    return np.asarray(features, dtype=np.float64) - leak[..., None]


def stimulus_parameters(table: ReleasedTable, *, file: str) -> dict[str, NDArray[np.float64]]:
    """Return the parameters of each stimulus, freed from the answer and checked against each other.

    All raters met the same stimulus, so that what remains without the leak must be the same in all of its
    rows. A table whose features are the same in all rows as they are has no leak, and is left alone.

    Parameters
    ----------
    table : ReleasedTable
        The spreadsheet of the animations.
    file : str
        Its name, for errors.

    Returns
    -------
    dict of ndarray, shape (5,)
        Parameters by stimulus, in the order of `PARAMETERS`.

    Raises
    ------
    InputError
        If the rows of a stimulus disagree either way, or all of them lack a rating.
    """
    names = np.array(table.stimulus)
    clean = undo_leak(table.features, table.ratings)
    if _spread(names, table.features) <= LEAK_TOLERANCE and _spread(names, clean) > LEAK_TOLERANCE:
        clean = table.features
    found = {}
    for name in dict.fromkeys(table.stimulus):
        rows = clean[names == name]
        rows = rows[~np.isnan(rows).any(axis=1)]
        if not len(rows):
            raise InputError(f"{file}: no row of {name} has all its ratings, so that its leak is unknown")
        spread = float(np.ptp(rows, axis=0).max())
        if spread > LEAK_TOLERANCE:
            raise InputError(
                f"{file}: without the leak the parameters of {name} still differ by {spread:.3g} between "
                "raters: is it the released table?"
            )
        found[name] = np.median(rows, axis=0)
    return found


def _spread(names: NDArray[np.str_], values: NDArray[np.float64]) -> float:
    """Return the largest difference between rows of one stimulus; rows with a gap do not count."""
    whole = ~np.isnan(values).any(axis=1)
    groups = (values[whole & (names == name)] for name in np.unique(names[whole]))
    return max((float(np.ptp(group, axis=0).max()) for group in groups), default=0.0)


def read_released(
    path: Path, features: Sequence[str], *, columns: Mapping[str, Iterable[str]], name: str | None = None
) -> ReleasedTable:
    """Read a spreadsheet of the release; only values are read, nothing in it is run.

    Parameters
    ----------
    path : Path
        An .xlsx file; its first sheet has a header and a row a rated clip.
    features : sequence of str
        Names of the five feature columns.
    columns : mapping
        Names that the other columns may have, by the name they have here.
    name : str, optional
        What errors call the file.

    Returns
    -------
    ReleasedTable
        Its rows, in their order; a row that repeats an earlier one exactly is kept only once.

    Raises
    ------
    InputError
        If it is no spreadsheet, a column is missing, or cells are wrong: all of them, by row.
    ImportError
        If openpyxl is not installed.
    """
    name = name or path.name
    header, records = _cells(path, name)
    wanted = {**{key: tuple(names) for key, names in columns.items()}, **{key: (key,) for key in features}}
    places, absent = {}, []
    for key, names in wanted.items():
        place = next((header.index(one.lower()) for one in names if one.lower() in header), None)
        if place is None:
            absent.append(key)
        else:
            places[key] = place
    if absent:
        raise InputError(
            f"{name}: no column {', '.join(absent)} among {', '.join(filter(None, header))}: name it with "
            f"--column {absent[0]}=NAME"
        )
    faults: list[str] = []
    people, stimuli, ratings, measured, seen = [], [], [], [], set()
    for line, cells in records:
        if cells in seen:
            continue
        seen.add(cells)
        people.append(_label(cells[places["participant"]], f"row {line}: participant", faults))
        stimuli.append(_label(cells[places["stimulus"]], f"row {line}: stimulus", faults))
        ratings.append([_rating(cells[places[key]], f"row {line}: {key}", faults) for key in RATING_COLUMNS])
        measured.append([_number(cells[places[key]], f"row {line}: {key}", faults) for key in features])
    if not people:
        faults.append("there are no rows below the header")
    twice = {key for key in zip(people, stimuli, strict=True) if people and key[0] and key[1]}
    if len(twice) < len(people) and not faults:
        faults.append("a participant rated a stimulus twice, differently")
    if faults:
        more = f"; and {len(faults) - 20} more" if len(faults) > 20 else ""
        raise InputError(f"{name} cannot be used: {'; '.join(faults[:20])}{more}")
    return ReleasedTable(
        participant=tuple(people),
        stimulus=tuple(stimuli),
        ratings=np.array(ratings, dtype=np.float64),
        features=np.array(measured, dtype=np.float64),
    )


def _cells(path: Path, name: str) -> tuple[list[str], list[tuple[int, tuple[Any, ...]]]]:
    """Return the header in small letters, and the rows that are not empty with their numbers."""
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise ImportError('reading spreadsheets needs openpyxl: pip install "avfbel[data]"') from error
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            rows = [tuple(row) for row in book.worksheets[0].iter_rows(values_only=True)]
        finally:
            book.close()
    except Exception as error:  # openpyxl raises whatever zip and XML readers raise
        raise InputError(f"{name} does not read as a spreadsheet: fetch it again") from error
    if not rows:
        raise InputError(f"{name} is an empty spreadsheet: fetch it again")
    header = ["" if cell is None else str(cell).strip().lower() for cell in rows[0]]
    body = [(line, row) for line, row in enumerate(rows[1:], 2) if any(cell is not None for cell in row)]
    return header, [(line, row + (None,) * (len(header) - len(row))) for line, row in body]


def _label(cell: object, where: str, faults: list[str]) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = "" if cell is None else str(cell).strip()
    if not text:
        faults.append(f"{where} is empty")
    return text


def _rating(cell: object, where: str, faults: list[str]) -> float:
    if cell is None or cell == "":
        return float("nan")
    value = _number(cell, where, faults)
    if not np.isnan(value) and not 0 <= value <= FULL_SCALE:
        faults.append(f"{where} is {value:g}, not a rating from 0 to 127")
    return value


def _number(cell: object, where: str, faults: list[str]) -> float:
    try:
        value = float(str(cell))
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        faults.append(f"{where} is {cell!r}, not a number")
        return float("nan")
    return value
