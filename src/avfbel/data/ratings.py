"""The published ratings, one by one: 20 people, 38 stimuli, heard and seen, five emotions.

They are not part of the package (CC BY-NC 4.0). What is found at `--data-dir` or `AVFBEL_DATA` is checked in
full before it is used.
"""

from __future__ import annotations

import csv
import math
import os
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
    """Find ratings.csv.

    Parameters
    ----------
    data_dir : path, optional
        The folder that holds ratings.csv, or the one above it (with `sievers2021` in it). Without it,
        `AVFBEL_DATA`.

    Returns
    -------
    Path
        The file ratings.csv.

    Raises
    ------
    FileNotFoundError
        If no folder is named or it does not hold the ratings.
    """
    given = str(data_dir or os.environ.get("AVFBEL_DATA") or "")
    remedy = (
        "run `avfbel data fetch sievers2021`, or point --data-dir or AVFBEL_DATA at the folder "
        "that holds ratings.csv"
    )
    if not given:
        raise FileNotFoundError(f"no folder of ratings is named: {remedy}")
    folder = Path(given).expanduser()
    for path in (folder / "ratings.csv", folder / "sievers2021" / "ratings.csv"):
        if path.is_file():
            return path
    raise FileNotFoundError(f"no ratings at {folder / 'ratings.csv'}: {remedy}")


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
    InputError
        If it is not the table expected: a column missing, a value that is no rating, a pair rated twice.
    """
    path = find_ratings(data_dir)
    cells: dict[tuple[str, str, str], list[float]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            absent = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if absent:
                raise InputError(
                    f"{path}: column {absent[0]} is missing: is it the file of published ratings?"
                )
            for row in reader:
                where = f"{path}: line {reader.line_num}"
                key = (row["participant"], row["stimulus"], row["modality"])
                if key[2] not in RATED_MODALITIES:
                    raise InputError(f"{where}: modality is {key[2]!r}, neither music nor animation")
                if key in cells:
                    raise InputError(f"{where}: participant {key[0]} rated {key[1]} ({key[2]}) already")
                cells[key] = [_rating(row[column], f"{where}: {column}") for column in RATING_COLUMNS]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} does not read as a CSV table: fetch it again") from error
    if not cells:
        raise InputError(f"{path} holds no ratings: fetch it again")
    return _block(cells)


def _rating(text: str | None, where: str) -> float:
    if text == "":
        return math.nan
    try:
        value = float(text or "nothing")
    except ValueError:
        value = math.nan
    if not 0 <= value <= FULL_SCALE:
        raise InputError(f"{where} is {text!r}, not a rating from 0 to 127")
    return value


def _block(cells: dict[tuple[str, str, str], list[float]]) -> Ratings:
    participants = sorted({key[0] for key in cells}, key=lambda name: (len(name), name))
    stimuli = sorted({key[1] for key in cells})
    values = np.full((len(participants), len(stimuli), len(RATED_MODALITIES), len(EMOTIONS)), np.nan)
    for (participant, stimulus, modality), five in cells.items():
        place = (participants.index(participant), stimuli.index(stimulus), RATED_MODALITIES.index(modality))
        values[place] = five
    return Ratings(participants=tuple(participants), stimuli=tuple(stimuli), values=values)
