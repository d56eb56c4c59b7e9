"""What result files hold: CSV, Parquet or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from avfbel.errors import UsageError

if TYPE_CHECKING:
    from avfbel.runtime.analysis import Analysis

Format = Literal["csv", "parquet", "json"]
"""Formats of result files; each is also the ending of their names."""

Cell = str | int | float | bool | None

_WHOLE_NUMBERS = ("window", "start_frame", "end_frame")
_TRUTHS = ("evidence", "in_range")
_TEXTS = ("media",)


def encode(analysis: Analysis, file_format: Format) -> bytes:
    """Return the content of a result file.

    Parameters
    ----------
    analysis : Analysis
        The result.
    file_format : {"csv", "parquet", "json"}
        CSV and Parquet hold one row a window; JSON also holds provenance, Parquet has it in its metadata.

    Returns
    -------
    bytes
        The content.

    Raises
    ------
    UsageError
        If the format is unknown.
    ImportError
        If Parquet is asked for and pyarrow is not installed.
    """
    if file_format == "json":
        return encode_json(analysis.to_dict())
    if file_format == "csv":
        return encode_csv(analysis.columns, analysis.rows())
    if file_format == "parquet":
        return _encode_parquet(analysis)
    raise UsageError(f"no format {file_format!r}: choose one of {', '.join(get_args(Format))}")


def encode_json(value: Any) -> bytes:
    """Return JSON in UTF-8, numbers in full; a number that is not finite is refused, since JSON has none."""
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def encode_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, header: bool = True) -> bytes:
    """Return CSV in UTF-8, numbers in full, an empty cell for None, `true` or `false` for truth values."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(columns)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue().encode("utf-8", "surrogateescape")


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def require_parquet() -> None:
    """Raise ImportError with a remedy unless Parquet can be written."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'Parquet needs pyarrow: run `pip install "avfbel[parquet]"`, or choose csv or json'
        ) from error


def _encode_parquet(analysis: Analysis) -> bytes:
    require_parquet()
    import pyarrow
    from pyarrow import parquet

    kinds = (
        dict.fromkeys(_TEXTS, pyarrow.string())
        | dict.fromkeys(_WHOLE_NUMBERS, pyarrow.int64())
        | dict.fromkeys(_TRUTHS, pyarrow.bool_())
    )
    schema = pyarrow.schema(
        [(name, kinds.get(name, pyarrow.float64())) for name in analysis.columns],
        metadata={"avfbel": json.dumps({"model": analysis.model, "provenance": analysis.provenance})},
    )
    columns = zip(*analysis.rows(), strict=True)
    arrays = [pyarrow.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)]
    content = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema), content)
    return bytes(content.getvalue().to_pybytes())
