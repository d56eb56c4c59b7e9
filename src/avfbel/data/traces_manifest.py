"""A manifest whose clips have continuous ratings, cut into windows that are rated each.

The column `trace` names a file for each clip. What comes out is a plain manifest, with a row a window, that
all of the package reads; the windows of a clip share its stimulus, and so one side of every split.
"""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avfbel.data.manifest import ManifestError
from avfbel.data.traces import average_windows, read_trace
from avfbel.errors import InputError, UsageError
from avfbel.files import write_whole

_REPLACED = ("trace", "start_s", "end_s", "epp", "valence")


@dataclass(frozen=True, kw_only=True)
class WindowedTraces:
    """What was written.

    Attributes
    ----------
    path : Path
        The manifest of windows.
    clips, windows, uncovered : int
        Clips read, windows written, and windows left out because their trace covers less than half of them.
    """

    path: Path
    clips: int
    windows: int
    uncovered: int


def write_windows(
    manifest: Path | str, out: Path | str, *, window: float = 4.0, hop: float = 4.0, lag_s: float = 0.0
) -> WindowedTraces:
    """Cut the clips of a manifest into windows, and rate each by the mean of its trace.

    Parameters
    ----------
    manifest : path
        A CSV with the columns `media` and `trace` (paths relative to it), optional `stimulus`, `start_s`,
        `end_s` and groups. Times of a trace count from the start of the media file.
    out : path
        The manifest to write, whole or not at all.
    window, hop : float
        Length of a window and distance of their starts, in s.
    lag_s : float
        Reaction time, in s: a window is rated by what the trace says that much later.

    Returns
    -------
    WindowedTraces
        Where it is, and how much there is of it.

    Raises
    ------
    ManifestError
        With all faulty rows, by line.
    UsageError
        If there is no such manifest, or a length or the lag cannot be.
    """
    if not (window > 0 and hop > 0 and lag_s >= 0):
        raise UsageError("a window and a hop are longer than 0 s, and a lag is not negative")
    source, target = Path(manifest).expanduser(), Path(out).expanduser().absolute()
    records = _records(source)
    faults: list[tuple[int, str]] = []
    rows: list[dict[str, str]] = []
    uncovered = 0
    for line, record in records:
        media, trace_file = source.parent / record["media"], source.parent / record["trace"]
        if not record["media"] or not media.is_file():
            faults.append((line, f"no media file {record['media']}"))
            continue
        try:
            trace = read_trace(trace_file)
            first = float(record.get("start_s") or 0.0)
            last = float(record.get("end_s") or trace.time_s[-1] - lag_s)
        except (InputError, UsageError, ValueError) as error:
            faults.append((line, str(error)))
            continue
        starts = first + hop * np.arange(max(0, int(np.floor((last - first - window) / hop + 1e-9)) + 1))
        if not len(starts):
            faults.append((line, f"the trace of {record['media']} is shorter than a window"))
            continue
        means = average_windows(trace, starts, starts + window, lag_s=lag_s)
        uncovered += int(np.isnan(means).sum())
        kept = {key: value for key, value in record.items() if key not in _REPLACED}
        kept["media"] = Path(os.path.relpath(media.absolute(), target.parent)).as_posix()
        kept["stimulus"] = record.get("stimulus") or record["media"]
        for start, mean in zip(starts, means, strict=True):
            if not np.isnan(mean):
                times = {"start_s": f"{start:.6g}", "end_s": f"{start + window:.6g}"}
                rows.append({**kept, **times, trace.name: f"{mean:.6f}"})
    if not faults and not rows:
        faults.append((1, "no trace covers half of any window"))
    if faults:
        raise ManifestError(source, faults)
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(target, text.getvalue().encode("utf-8"))
    return WindowedTraces(path=target, clips=len(records), windows=len(rows), uncovered=uncovered)


def _records(path: Path) -> list[tuple[int, dict[str, str]]]:
    if not path.is_file():
        raise UsageError(f"no manifest at {path}: give a CSV file with the columns media and trace")
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader, [])]
        absent = [name for name in ("media", "trace") if name not in header]
        if absent:
            raise ManifestError(path, [(1, f"the column {absent[0]} is missing")])
        records, faults = [], []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                what = f"{len(cells)} cells where the header has {len(header)}"
                faults.append((reader.line_num, what))
                continue
            records.append((reader.line_num, dict(zip(header, map(str.strip, cells), strict=True))))
    if not records and not faults:
        faults.append((1, "there are no rows below the header"))
    if faults:
        raise ManifestError(path, faults)
    return records
