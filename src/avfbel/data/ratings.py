"""The published ratings, one by one: 20 people, 38 stimuli, heard and seen, five emotions.

They are not part of the package (CC BY-NC 4.0). What is found at `--data-dir`, at `AVFBEL_DATA` or where a
fetch leaves it is checked in full before it is used, and all that is wrong with it is reported at once.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import EMOTIONS, RATING_COLUMNS
from avfbel.errors import InputError

RATED_MODALITIES = ("music", "animation")
"""What a rating was given to: a piano melody or a silent film of a bouncing ball."""

FULL_SCALE = 127.0
"""Highest possible rating (the end of a MIDI slider)."""

_COLUMNS = ("participant", "stimulus", "modality", *RATING_COLUMNS)
_MOST_SHOWN = 200

_Key = tuple[str, str, str]  # participant, stimulus, modality


class RatingsError(InputError):
    """All that is wrong with ratings.csv; `faults` holds (line, sentence) pairs, line 1 being the header."""

    def __init__(self, path: Path, faults: Sequence[tuple[int, str]]) -> None:
        self.faults = tuple(sorted(faults))
        shown = [f"line {line}: {what}" for line, what in self.faults[:_MOST_SHOWN]]
        if len(self.faults) > _MOST_SHOWN:
            shown.append(f"and {len(self.faults) - _MOST_SHOWN} more")
        super().__init__(f"{path} cannot be used as published ratings, fetch it again: {'; '.join(shown)}")


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Ratings:
    """Single ratings as one block, with NaN for a rating that is missing.

    Attributes
    ----------
    participants, stimuli : tuple of str
        Raters, and stimuli in alphabetical order.
    values : ndarray, shape (n_participants, n_stimuli, 2, 5)
        Ratings from 0 to 127, by rater, stimulus, modality (`RATED_MODALITIES`) and emotion (`EMOTIONS`).
    """

    participants: tuple[str, ...]
    stimuli: tuple[str, ...]
    values: NDArray[np.float64]

    def of(self, modality: str) -> NDArray[np.float64]:
        """Return the ratings of "music" or "animation", shape (n_participants, n_stimuli, 5)."""
        return self.values[:, :, RATED_MODALITIES.index(modality)]


def find_ratings(data_dir: Path | str | None = None) -> Path:
    """Find ratings.csv: in the folder that is named, else in `AVFBEL_DATA`, else where a fetch leaves it.

    Only the first of the three that is given is looked at: a folder that is named has to hold the ratings.

    Parameters
    ----------
    data_dir : path, optional
        The folder that holds ratings.csv, or the one above it (with `sievers2021` in it). Without it,
        `AVFBEL_DATA`, and without that the folder of `avfbel data fetch sievers2021` in the user's cache.

    Returns
    -------
    Path
        The file ratings.csv.

    Raises
    ------
    FileNotFoundError
        If that folder does not hold the ratings; the message names all three.
    """
    from avfbel.data.fetch import default_folder  # which checks what it fetched by this module
    from avfbel.data.registry import find_source

    fetched = default_folder(find_source("sievers2021"))
    folder = Path(data_dir or os.environ.get("AVFBEL_DATA") or fetched).expanduser()
    for path in (folder / "ratings.csv", folder / "sievers2021" / "ratings.csv"):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"no ratings at {folder / 'ratings.csv'}: run `avfbel data fetch sievers2021`, or point --data-dir "
        "or AVFBEL_DATA at the folder that holds ratings.csv (looked at is --data-dir, without it "
        f"AVFBEL_DATA, and without both {fetched}, where a fetch leaves them)"
    )


def load_ratings(data_dir: Path | str | None = None) -> Ratings:
    """Read and check the published ratings.

    Parameters
    ----------
    data_dir : path, optional
        As for `find_ratings`.

    Returns
    -------
    Ratings
        All ratings of the file; an empty cell is NaN.

    Raises
    ------
    FileNotFoundError
        If there is no ratings.csv.
    RatingsError
        With every fault and its line, if it is not the table expected: columns missing, values that are no
        ratings, a pair rated twice, nothing rated.
    InputError
        If it is no table at all.
    """
    path = find_ratings(data_dir)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            rows = [(reader.line_num, row) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} does not read as a CSV table: fetch it again") from error
    faults = [(1, f"the column {name} is missing") for name in _COLUMNS if name not in header]
    if not rows:
        faults.append((1, "there are no ratings below the header"))
    if faults:
        raise RatingsError(path, faults)
    return _block(_rated(path, header, rows))


def _rated(path: Path, header: list[str], rows: list[tuple[int, list[str]]]) -> dict[_Key, list[float]]:
    """Return five ratings by who rated what, or raise RatingsError with the faults of all rows."""
    cells: dict[_Key, list[float]] = {}
    first: dict[_Key, int] = {}
    faults: list[tuple[int, str]] = []
    for line, record in rows:
        if len(record) != len(header):
            faults.append((line, f"{len(record)} cells where the header has {len(header)}"))
            continue
        row = dict(zip(header, record, strict=True))
        key = (row["participant"], row["stimulus"], row["modality"])
        faults += [(line, f"the {name} cell is empty") for name in _COLUMNS[:2] if not row[name]]
        if key[2] not in RATED_MODALITIES:
            faults.append((line, f"modality is {key[2]!r}, neither music nor animation"))
        elif key in first:
            faults.append(
                (line, f"participant {key[0]} rated {key[1]} ({key[2]}) already, in line {first[key]}")
            )
        first.setdefault(key, line)
        cells[key] = [_rating(row[column]) for column in RATING_COLUMNS]
        faults += [
            (line, f"{column} is {row[column]!r}, not a rating from 0 to 127")
            for column, value in zip(RATING_COLUMNS, cells[key], strict=True)
            if row[column] and math.isnan(value)
        ]
    if faults:
        raise RatingsError(path, faults)
    return cells


def _rating(text: str) -> float:
    """Return a rating; NaN for an empty cell and for what is none."""
    try:
        value = float(text or "nan")
    except ValueError:
        return math.nan
    return value if 0 <= value <= FULL_SCALE else math.nan


def _block(cells: dict[_Key, list[float]]) -> Ratings:
    participants = sorted({key[0] for key in cells}, key=lambda name: (len(name), name))
    stimuli = sorted({key[1] for key in cells})
    values = np.full((len(participants), len(stimuli), len(RATED_MODALITIES), len(EMOTIONS)), np.nan)
    for (participant, stimulus, modality), five in cells.items():
        place = (participants.index(participant), stimuli.index(stimulus), RATED_MODALITIES.index(modality))
        values[place] = five
    return Ratings(participants=tuple(participants), stimuli=tuple(stimuli), values=values)
