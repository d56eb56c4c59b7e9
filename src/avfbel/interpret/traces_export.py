"""Files of traces for other tools: CSV, Parquet, a BIDS stimulus recording, a time series for ELAN."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Iterable
from os import PathLike
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from avfbel.errors import UsageError
from avfbel.files import whole_files, write_whole
from avfbel.interpret.trace_columns import meaning
from avfbel.runtime.files import encode_csv, encode_json, require_parquet

if TYPE_CHECKING:
    from avfbel.interpret.traces import Traces

TraceFormat = Literal["csv", "parquet", "bids", "elan"]
"""The formats of traces."""

BIDS_ENDING, ELAN_ENDING = "_stim.tsv.gz", ".elan.tsv"
"""How the names of the files for BIDS and ELAN end."""


def file_name(media: str | PathLike[str], file_format: TraceFormat) -> str:
    """Return the name of the file of traces of a clip, in one of the formats.

    In BIDS, where a label holds letters and digits only, the clip gives the name of the task.

    Examples
    --------
    >>> [file_name("films/my film.mp4", kind) for kind in ("csv", "elan", "bids")]
    ['my film.mp4.traces.csv', 'my film.mp4.elan.tsv', 'task-myfilm_stim.tsv.gz']
    """
    name = PurePath(media).name
    if file_format == "bids":
        label = re.sub("[^A-Za-z0-9]", "", PurePath(name).stem) or "clip"
        return f"task-{label}{BIDS_ENDING}"
    return f"{name}{ELAN_ENDING}" if file_format == "elan" else f"{name}.traces.{file_format}"


def save_all(traces: Traces, folder: str | PathLike[str], formats: Iterable[TraceFormat]) -> list[Path]:
    """Write traces in several formats, and their figure, into a folder; return what was written."""
    folder = Path(folder)
    written = [path for kind in formats for path in save(traces, folder / file_name(traces.media, kind))]
    picture = folder / f"{PurePath(traces.media).name}.traces.png"
    traces.plot(picture)
    return [*written, picture]


def save(traces: Traces, path: str | PathLike[str]) -> tuple[Path, ...]:
    """Write traces to a file whose ending chooses the format; see `Traces.save`."""
    path = Path(path)
    if path.name.endswith(BIDS_ENDING):
        return save_bids(traces, path)
    if path.name.endswith(ELAN_ENDING):
        return (write_whole(path, encode_elan(traces)),)
    if path.suffix == ".csv":
        return (write_whole(path, encode_csv(_table_columns(traces), _rows(traces))),)
    if path.suffix == ".parquet":
        return (write_whole(path, _encode_parquet(traces)),)
    raise UsageError(
        f"{path} ends in no known format: choose .csv, .parquet, {BIDS_ENDING} (BIDS) or {ELAN_ENDING} (ELAN)"
    )


def save_bids(traces: Traces, path: str | PathLike[str], *, onset_s: float = 0.0) -> tuple[Path, Path]:
    """Write traces as a BIDS continuous recording of a stimulus, with its sidecar.

    The table is compressed, separated by tabs and has no header; the sidecar names its columns and says when
    its first row is and how many rows a second has [1]_. What could not be measured is ``n/a``.

    Parameters
    ----------
    traces : Traces
        The time courses.
    path : path
        The table, ending in ``_stim.tsv.gz``; the sidecar has its name with ``.json``.
    onset_s : float
        When the clip starts, in s after the first volume of the run.

    Returns
    -------
    table, sidecar : Path
        What was written.

    Raises
    ------
    UsageError
        If the name ends otherwise.

    References
    ----------
    .. [1] Brain Imaging Data Structure 1.10, "Physiological and other continuous recordings".
    """
    table = Path(path)
    if not table.name.endswith(BIDS_ENDING):
        raise UsageError(f"a BIDS recording of a stimulus ends in {BIDS_ENDING}, and {table.name} does not")
    sidecar = table.with_name(table.name.removesuffix(".tsv.gz") + ".json")
    lines = ("\t".join("n/a" if np.isnan(v) else repr(v) for v in row) for row in traces.values.tolist())
    text = "".join(f"{line}\n" for line in lines)
    with whole_files(table, sidecar) as (table_part, sidecar_part):
        table_part.write_bytes(gzip.compress(text.encode("ascii"), mtime=0))  # equal traces, equal bytes
        sidecar_part.write_bytes(encode_json(bids_sidecar(traces, onset_s=onset_s)))
    return table, sidecar


def bids_sidecar(traces: Traces, *, onset_s: float = 0.0) -> dict[str, Any]:
    """Return what the sidecar of a BIDS recording holds: sampling, columns, and what each column means."""
    told = {column: meaning(column) for column in traces.columns}
    return {
        "SamplingFrequency": 1 / traces.hop_s,
        "StartTime": onset_s + float(traces.time_s[0]),
        "Columns": list(traces.columns),
        **{name: {"Description": what, "Units": unit} for name, (what, unit) in told.items()},
        "Origin": _origin(traces),
    }


def encode_elan(traces: Traces) -> bytes:
    """Return traces as ELAN reads a time series: tabs between columns, seconds in the first one.

    ELAN skips lines that begin with ``#``, takes times with a decimal point for seconds, and counts a cell
    that it cannot read as a gap; a gap is written as ``NaN``. A column that holds nothing at all is left out.
    """
    present = [name for name in traces.columns if not np.isnan(traces[name]).all()]
    text = io.StringIO()
    text.write("#" + "\t".join(["time_s", *present]) + "\n")
    rows = np.column_stack([traces[name] for name in present]).tolist()
    for time_s, row in zip(traces.time_s, rows, strict=True):
        cells = ("NaN" if np.isnan(value) else f"{value:.6g}" for value in row)
        text.write("\t".join([f"{time_s:.3f}", *cells]) + "\n")
    return text.getvalue().encode("ascii")


def _table_columns(traces: Traces) -> tuple[str, ...]:
    return ("media", "time_s", *traces.columns, "in_range")


def _rows(traces: Traces) -> list[list[str | float | bool | None]]:
    return [
        [traces.media, time_s, *(None if np.isnan(value) else value for value in row), within]
        for time_s, row, within in zip(
            traces.time_s.tolist(), traces.values.tolist(), traces.in_range.tolist(), strict=True
        )
    ]


def _encode_parquet(traces: Traces) -> bytes:
    require_parquet()
    import pyarrow
    from pyarrow import parquet

    n = len(traces.time_s)
    arrays = [
        pyarrow.array([traces.media] * n, pyarrow.string()),
        pyarrow.array(traces.time_s),
        *(pyarrow.array(traces[name], from_pandas=True) for name in traces.columns),  # NaN becomes null
        pyarrow.array(traces.in_range),
    ]
    table = pyarrow.Table.from_arrays(arrays, names=list(_table_columns(traces)))
    content = pyarrow.BufferOutputStream()
    parquet.write_table(table.replace_schema_metadata({"avfbel": json.dumps(_origin(traces))}), content)
    return bytes(content.getvalue().to_pybytes())


def _origin(traces: Traces) -> dict[str, Any]:
    return {"media": traces.media, "model": dict(traces.model), "provenance": dict(traces.provenance)}
