"""Results that were written earlier, read back: their values by name, and what they were computed from."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avfbel.errors import InputError, UsageError
from avfbel.runtime.files import Cell, require_parquet
from avfbel.runtime.status import STATUS_NAME, read_status

if TYPE_CHECKING:
    from avfbel.runtime.analysis import Analysis

_ORIGIN = {"input_sha256": str, "bundle_sha256": str, "avfbel": str, "settings": dict}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One analysis as a result file holds it.

    Attributes
    ----------
    file : Path
        The result file.
    media : str
        The film or sound file, as it was named then.
    duration_s : float
        Its length, in s, as far as the file tells; else 0.
    tabular : bool
        Whether the file is a table of windows and not JSON.
    values : Mapping of str to Cell
        Every value by its place, such as ``windows[0].epp``.
    provenance : Mapping
        What it was computed from and with.
    """

    file: Path
    media: str
    duration_s: float
    tabular: bool
    values: Mapping[str, Cell]
    provenance: Mapping[str, Any]


def read_results(path: str | PathLike[str]) -> list[Recorded]:
    """Read the analyses that a result file of `avfbel analyze` holds.

    JSON and Parquet hold their provenance; that of a CSV file is in the `status.csv` beside it.

    Parameters
    ----------
    path : path
        A result file; JSON may hold several analyses, one after the other, as stdout gets them.

    Returns
    -------
    list of Recorded
        At least one.

    Raises
    ------
    InputError
        If the file is no result, or nobody knows what it was computed from.
    ImportError
        If it is Parquet and pyarrow is not installed.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder: name one of the results in it")
    try:
        if path.suffix.lower() == ".csv":
            return [_read_csv(path)]
        if path.suffix.lower() == ".parquet":
            return [_read_parquet(path)]
        return list(_read_json(path))
    except (UnicodeDecodeError, csv.Error, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _no_result(path) from error


def values_of(analysis: Analysis, *, tabular: bool) -> dict[str, Cell]:
    """Return every value of an analysis by its place, as `Recorded.values` has them."""
    if tabular:
        return _from_rows(analysis.columns, analysis.rows())
    return _from_dict(analysis.to_dict())


def _read_json(path: Path) -> Iterator[Recorded]:
    text = path.read_text(encoding="utf-8").strip()
    decoder, at = json.JSONDecoder(), 0
    while True:
        try:
            found, at = decoder.raw_decode(text, at)
        except ValueError as error:
            raise _no_result(path) from error
        yield Recorded(
            file=path,
            media=_text(found["media"]),
            duration_s=float(found["duration_s"]),
            tabular=False,
            values=_from_dict(found),
            provenance=_origin(found.get("provenance"), path),
        )
        at += len(text[at:]) - len(text[at:].lstrip())
        if at == len(text):
            return


def _read_csv(path: Path) -> Recorded:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        columns, *rows = list(csv.reader(file)) or [[]]
    if "media" not in columns or not rows:
        raise _no_result(path)
    try:
        row = read_status(path.parent).get(path.name)
    except UsageError:  # a status.csv of something else
        row = None
    if row is None or not row.settings:
        raise InputError(
            f"{path} does not say what it was computed from, and no {STATUS_NAME} beside it does: keep them "
            "together, or analyse with `--format json`, which holds it"
        )
    told = {
        "input_sha256": row.input_sha256,
        "bundle_sha256": row.bundle_sha256,
        "avfbel": row.avfbel,
        "settings": _parsed(row.settings, path),
    }
    return _table(path, columns, [[_cell(text) for text in row] for row in rows], told)


def _read_parquet(path: Path) -> Recorded:
    require_parquet()
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except pyarrow.ArrowException as error:
        raise _no_result(path) from error
    told = _parsed((table.schema.metadata or {})[b"avfbel"], path)
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return _table(path, table.column_names, [list(row) for row in rows], told["provenance"])


def _table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Cell]], told: Any) -> Recorded:
    return Recorded(
        file=path,
        media=_text(rows[0][columns.index("media")]),
        duration_s=0.0,
        tabular=True,
        values=_from_rows(columns, rows),
        provenance=_origin(told, path),
    )


def _from_rows(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> dict[str, Cell]:
    return {
        f"windows[{k}].{name}": value
        for k, row in enumerate(rows)
        for name, value in zip(columns, row, strict=True)
        if name != "media"
    }


def _from_dict(found: Mapping[str, Any]) -> dict[str, Cell]:
    held = {name: value for name, value in found.items() if name not in ("media", "provenance")}
    return dict(_leaves(held, ""))


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Cell]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for k, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[{k}]")
    else:
        yield place, value


def _cell(text: str) -> Cell:
    """Return what a cell of a CSV file stands for."""
    if text in ("", "true", "false"):
        return {"": None, "true": True, "false": False}[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _origin(told: Any, path: Path) -> dict[str, Any]:
    lacking = [
        name
        for name, kind in _ORIGIN.items()
        if not (isinstance(told, dict) and isinstance(told.get(name), kind))
    ]
    if lacking:
        raise InputError(
            f"{path} lacks {', '.join(lacking)} in its provenance: analyse the film or sound again with "
            "`--format json`"
        )
    return dict(told)


def _parsed(text: str | bytes, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _no_result(path) from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _no_result(path: Path) -> InputError:
    return InputError(
        f"{path} is no result of `avfbel analyze`: name a file that it has written, best with `--format json`"
    )
