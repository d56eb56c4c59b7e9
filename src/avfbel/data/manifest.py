"""Manifests: a CSV table of one's own clips and what people felt at them.

A row is a rating of a clip. Everything that is wrong with a manifest is reported at once, by line, before any
work.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avfbel.data.targets import rewards_from
from avfbel.emotion import EMOTIONS
from avfbel.errors import UsageError

TARGET_COLUMNS = (*EMOTIONS, "epp", "valence")
KNOWN_COLUMNS = ("media", *TARGET_COLUMNS, "stimulus", "participant", "start_s", "end_s", "split", "trace")
_MOST_SHOWN = 200


class ManifestError(UsageError):
    """All that is wrong with a manifest; `faults` holds (line, sentence) pairs, line 1 being the header."""

    def __init__(self, path: Path, faults: Sequence[tuple[int, str]]) -> None:
        self.faults = tuple(sorted(faults))
        shown = [f"line {line}: {what}" for line, what in self.faults[:_MOST_SHOWN]]
        if len(self.faults) > _MOST_SHOWN:
            shown.append(f"and {len(self.faults) - _MOST_SHOWN} more")
        super().__init__(f"{path.name} cannot be used: {'; '.join(shown)}")


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Row:
    """One rating of one clip.

    Attributes
    ----------
    line : int
        Where it stands in the file; the header is line 1.
    media : Path
        The media file, absolute.
    name : str
        The media file as the manifest writes it.
    stimulus : str
        What the clip shows; without such a column, the media file.
    participant : str
        Who rated it, or "".
    start_s, end_s : float or None
        The part of the file that is meant, in s; None for its beginning and end.
    emotions : ndarray, shape (5,)
        Intensities >= 0 in the unit of the file; NaN where only positivity is given.
    epp, valence : float
        Positivity in [0, 1]; NaN where not given.
    groups : dict of str
        The row's entries in further columns, and in `participant` and `split` if there are such.
    """

    line: int
    media: Path
    name: str
    stimulus: str
    participant: str
    start_s: float | None
    end_s: float | None
    emotions: NDArray[np.float64]
    epp: float
    valence: float
    groups: dict[str, str]

    @property
    def clip(self) -> Clip:
        """The piece of media that was rated."""
        return Clip(media=self.media, start_s=self.start_s, end_s=self.end_s)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A media file, or the part of it from `start_s` to `end_s`, in s (None: its beginning, its end)."""

    media: Path
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A manifest in which nothing is wrong.

    Attributes
    ----------
    path : Path
        The CSV file.
    rows : tuple of Row
        Its ratings, in order.
    group_columns : tuple of str
        Columns that clips can be held out by.
    """

    path: Path
    rows: tuple[Row, ...]
    group_columns: tuple[str, ...]


def read_manifest(path: Path | str, *, targets: bool = True) -> Manifest:
    """Read and check a manifest.

    Columns: `media` (path, relative to the manifest); any of `fear, sadness, anger, calm, happiness`
    (intensities >= 0 in any one unit; an emotion without a column was not asked for and counts as 0), `epp`
    or `valence` (0 to 1); optional `stimulus`, `participant`, `start_s`, `end_s`, `split`. Further columns
    are kept as groups.

    Parameters
    ----------
    path : path
        The CSV file, in UTF-8, with a header.
    targets : bool
        Whether each row must say what was felt.

    Returns
    -------
    Manifest
        Its rows, checked.

    Raises
    ------
    ManifestError
        With every fault and its line.
    UsageError
        If there is no such file or it is no text.
    """
    path = Path(path)
    header, records, faults = _read_table(path)
    if faults:
        raise ManifestError(path, faults)
    asked = [name for name in TARGET_COLUMNS if name in header]
    if targets and not asked:
        raise ManifestError(
            path, [(1, f"no column says what was felt: name one or more of {', '.join(TARGET_COLUMNS)}")]
        )
    groups = tuple(name for name in header if name not in KNOWN_COLUMNS or name in ("participant", "split"))
    rows = []
    for line, record in records:
        reader = _RowReader(line=line, record=record, folder=path.parent.absolute(), groups=groups)
        rows.append(reader.read(targets=targets))
        faults.extend((line, fault) for fault in reader.faults)
    faults.extend(_repeated(rows))
    if faults:
        raise ManifestError(path, faults)
    return Manifest(path=path.absolute(), rows=tuple(rows), group_columns=groups)


def _read_table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]], list[tuple[int, str]]]:
    """Read header and records with their line numbers, and what is wrong with the shape of the table."""
    if not path.is_file():
        raise UsageError(
            f"no manifest at {path}: give a CSV file with the columns media and epp, or sievers2021"
        )
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(_numbered(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path.name} does not read as a CSV table in UTF-8: save it as one") from error
    if not lines:
        return [], [], [(1, "the file is empty: it needs a header with the column media, and a row a clip")]
    (first, header), *body = lines
    header = [name.strip() for name in header]
    faults = [(first, f"the column {name} appears twice") for name in _twice(header)]
    if "" in header:
        faults.append((first, f"column {header.index('') + 1} has no name"))
    if "media" not in header:
        hint = " (separate columns by commas, not semicolons)" if ";" in "".join(header) else ""
        faults.append((first, f"the column media is missing{hint}"))
    if not body:
        faults.append((first, "there are no rows below the header"))
    for line, cells in body:
        if len(cells) != len(header):
            faults.append((line, f"{len(cells)} cells where the header has {len(header)}"))
    if faults:
        return header, [], faults
    return header, [(line, dict(zip(header, map(str.strip, cells), strict=True))) for line, cells in body], []


def _numbered(file: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that are not blank, with the line on which each begins."""
    reader = csv.reader(file)
    line = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


def _twice(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if name and list(names).count(name) > 1})


@dataclass
class _RowReader:
    """Reads the cells of one record and collects what is wrong with them."""

    line: int
    record: dict[str, str]
    folder: Path
    groups: tuple[str, ...]
    faults: list[str] = field(default_factory=list)

    def read(self, *, targets: bool) -> Row:
        name = self.record["media"]
        media = self._file("media") or self.folder  # a folder stands for a file that is not there
        start_s, end_s = self._seconds("start_s"), self._seconds("end_s")
        if end_s is not None and end_s <= (start_s or 0.0):
            self.faults.append(f"the clip ends at {end_s:g} s, not after its start at {start_s or 0:g} s")
        emotions = self._emotions()
        epp, valence = (self._number(column, highest=1.0) for column in ("epp", "valence"))
        if not (math.isnan(epp) or math.isnan(valence)):
            self._agree(epp, valence)
        if self.record.get("trace"):
            self.faults.append(
                "continuous ratings (trace) are not read here: run `avfbel data windows` first"
            )
        rated = not np.isnan([*emotions, epp, valence]).all()
        if targets and not rated and not self.faults:
            self.faults.append("it does not say what was felt: all rating cells are empty")
        return Row(
            line=self.line,
            media=media,
            name=name,
            stimulus=self.record.get("stimulus") or str(media),
            participant=self.record.get("participant", ""),
            start_s=start_s,
            end_s=end_s,
            emotions=emotions,
            epp=epp,
            valence=valence,
            groups={column: self.record[column] for column in self.groups},
        )

    def _file(self, column: str) -> Path | None:
        name = self.record[column]
        if not name:
            self.faults.append(f"the {column} cell is empty")
            return None
        try:
            path = Path(os.path.normpath(self.folder / Path(name).expanduser()))  # one spelling a file
            found = path.is_file()
        except (
            OSError,
            ValueError,
            RuntimeError,
        ):  # a name too long, with a null character, of an unknown user
            found = False
        if not found:
            self.faults.append(f"no {column} file {name}")
            return None
        return path

    def _number(self, column: str, *, highest: float = math.inf) -> float:
        text = self.record.get(column, "")
        if not text:
            return math.nan
        try:
            value = float(text)
        except ValueError:
            self.faults.append(f"{column} is {text!r}, not a number")
            return math.nan
        if not (math.isfinite(value) and 0 <= value <= highest):
            bounds = (
                f"not a number from 0 to {highest:g}"
                if math.isfinite(highest)
                else "not a number of 0 or more"
            )
            self.faults.append(f"{column} is {text}, {bounds}")
            return math.nan
        return value

    def _seconds(self, column: str) -> float | None:
        value = self._number(column)
        return None if math.isnan(value) else value

    def _emotions(self) -> NDArray[np.float64]:
        asked = [name for name in EMOTIONS if name in self.record]
        given = [name for name in asked if self.record[name]]
        values = {name: self._number(name) for name in given}
        if not given:
            return np.full(len(EMOTIONS), np.nan)
        if len(given) < len(asked):
            empty = next(name for name in asked if name not in given)
            self.faults.append(
                f"{empty} is empty while {given[0]} is given: rate all emotions that have a column"
            )
        return np.array([values.get(name, 0.0) for name in EMOTIONS])

    def _agree(self, epp: float, valence: float) -> None:
        try:
            rewards_from(epp=epp, valence=valence)
        except UsageError as error:
            self.faults.append(str(error))


def _repeated(rows: Sequence[Row]) -> Iterator[tuple[int, str]]:
    """Yield the rows in which somebody rates the same clip again."""
    seen: dict[tuple[Clip, str], int] = {}
    for row in rows:
        if row.media.is_dir():
            continue
        key = (row.clip, row.participant)
        if key in seen:
            who = f" by {row.participant}" if row.participant else ""
            yield (
                row.line,
                f"the clip of line {seen[key]} again{who}: name the raters in a column participant",
            )
        seen.setdefault(key, row.line)
