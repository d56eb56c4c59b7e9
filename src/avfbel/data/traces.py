"""Continuous ratings: what somebody moved a slider to while a clip ran, and its mean in each window.

Raters lag behind what they rate by one to six seconds. A lag of L says that what was rated at time t was felt
at t - L; it is to be chosen on training data only.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.errors import InputError, UsageError

COVERED = 0.5
"""Share of a window that a trace must cover for its mean to count."""

_TIME_COLUMNS = ("time_s", "second", "seconds", "time")
_VALUE_COLUMNS = ("epp", "valence")
_CARMA = ("rating", "x", "y", "valence")
_MOST_SHOWN = 20


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Trace:
    """A continuous rating.

    Attributes
    ----------
    name : {"epp", "valence"}
        What was rated.
    time_s : ndarray, shape (n,)
        Times of the samples, increasing, in s from the start of the media.
    value : ndarray, shape (n,)
        Positivity in [0, 1].
    metadata : dict of str
        Settings that the file begins with.
    """

    name: str
    time_s: NDArray[np.float64]
    value: NDArray[np.float64]
    metadata: Mapping[str, str] = field(default_factory=dict)


def average_windows(
    trace: Trace, start_s: ArrayLike, end_s: ArrayLike, *, lag_s: float = 0.0
) -> NDArray[np.float64]:
    """Return the mean of a trace in windows, each read `lag_s` later than it was shown.

    Between samples the trace is a straight line, so that the mean is exact whatever the sampling.

    Parameters
    ----------
    trace : Trace
        At least two samples.
    start_s, end_s : array_like, shape (n_windows,)
        Windows of the media, in s.
    lag_s : float
        Reaction time of the rater, in s, at least 0.

    Returns
    -------
    ndarray, shape (n_windows,)
        Means in [0, 1] over the part of a window that the trace covers; NaN where it covers less than half.

    Raises
    ------
    ValueError
        If a window does not end after its start, or the lag is negative.

    Examples
    --------
    >>> rising = Trace(name="epp", time_s=np.array([0.0, 10.0]), value=np.array([0.0, 1.0]))
    >>> average_windows(rising, [0, 4], [4, 8]).round(6).tolist()
    [0.2, 0.6]
    >>> average_windows(rising, [0, 4], [4, 8], lag_s=1.0).round(6).tolist()
    [0.3, 0.7]
    """
    start, end = np.asarray(start_s, dtype=np.float64), np.asarray(end_s, dtype=np.float64)
    if not lag_s >= 0:
        raise ValueError(f"lag_s must not be negative, got {lag_s:g}: raters follow what they rate")
    if not (end > start).all():
        raise ValueError("each window must end after its start")
    low = np.clip(start + lag_s, trace.time_s[0], trace.time_s[-1])
    high = np.clip(end + lag_s, trace.time_s[0], trace.time_s[-1])
    covered = high - low
    enough = covered >= COVERED * (end - start)
    area = _integral(trace, high) - _integral(trace, low)
    means = np.divide(area, covered, out=np.full(area.shape, np.nan), where=enough & (covered > 0))
    return np.asarray(np.clip(means, trace.value.min(), trace.value.max()))  # rounding stays inside


def _integral(trace: Trace, until: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area below the trace from its first sample until some times within it."""
    steps, middle = np.diff(trace.time_s), (trace.value[1:] + trace.value[:-1]) / 2
    areas = np.concatenate([[0.0], np.cumsum(steps * middle)])
    place = np.clip(np.searchsorted(trace.time_s, until, side="right") - 1, 0, len(steps) - 1)
    since = until - trace.time_s[place]
    slope = np.diff(trace.value)[place] / steps[place]
    return np.asarray(areas[place] + since * (trace.value[place] + slope * since / 2))


def read_trace(path: Path | str) -> Trace:
    """Read a continuous rating; which of the known formats it is follows from the file.

    Read are: a CSV with the columns `time_s` and `epp` or `valence`, in [0, 1]; CSV files of CARMA (one
    rating) and DARMA (X is taken as valence), with their settings above the table or in columns beside it,
    scaled from minimum and maximum to [0, 1]; `.dat` files of COGNIMUSE (time, valence, arousal; valence from
    -1 to 1, a sample every 40 ms). For MuVi, whose traces of all people share a table, see `read_muvi`.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Trace
        Its samples.

    Raises
    ------
    UsageError
        If there is no such file.
    InputError
        If it is none of these formats, or samples are wrong: all of them, by line.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"no trace at {path}")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} does not read as text in UTF-8") from error
    return _read_cognimuse(path, lines) if path.suffix.lower() == ".dat" else _read_csv(path, lines)


def _read_csv(path: Path, lines: Sequence[str]) -> Trace:
    """Read a table with a header that may follow lines of settings."""
    rows = list(csv.reader(lines))
    for place, row in enumerate(rows):
        header = [cell.strip().lower() for cell in row]
        time = next((header.index(name) for name in _TIME_COLUMNS if name in header), None)
        if time is None or len(header) < 2:
            continue
        own = header[time] == "time_s"
        names = _VALUE_COLUMNS if own else _CARMA
        column = next((header.index(name) for name in names if name in header), None)
        if column is None:
            continue
        settings = {row[0].strip(): row[1].strip() for row in rows[:place] if len(row) > 1 and row[0].strip()}
        if not own and place + 1 < len(rows):
            beside = zip(rows[place], rows[place + 1], strict=False)
            settings |= {
                key.strip(): value for i, (key, value) in enumerate(beside) if i not in (time, column)
            }
        low, high = (0.0, 1.0) if own else _bounds(path, settings, two_axes=header[column] == "x")
        cells = [
            (line, row[time], row[column]) if len(row) > max(time, column) else (line, "", "")
            for line, row in enumerate(rows[place + 1 :], place + 2)
            if any(cell.strip() for cell in row)
        ]
        name = header[column] if header[column] in _VALUE_COLUMNS else "valence"
        return _checked(path, name, cells, low=low, high=high, metadata=settings)
    raise InputError(
        f"{path.name} is no trace: expected a header with time_s and epp or valence, or a file of CARMA or "
        "DARMA with Second and Rating or X"
    )


def _bounds(path: Path, settings: Mapping[str, str], *, two_axes: bool) -> tuple[float, float]:
    """Return the ends of the scale of CARMA or DARMA."""
    found = []
    for end, default in (("min", -100.0), ("max", 100.0)):
        wanted = [key for key in settings if end in key.lower() and (not two_axes or "y" not in _words(key))]
        try:
            found.append(float(settings[wanted[0]]) if wanted else math.nan)
        except ValueError:
            found.append(math.nan)
        if two_axes and not wanted:
            found[-1] = default  # DARMA rates on a square of -100 to 100
    if not found[0] < found[1]:
        raise InputError(f"{path.name} does not say from which minimum to which maximum was rated")
    return found[0], found[1]


def _words(text: str) -> list[str]:
    return text.lower().replace("-", " ").split()


def _read_cognimuse(path: Path, lines: Sequence[str]) -> Trace:
    """Read time, valence, arousal in columns separated by blanks."""
    cells = []
    for number, line in enumerate(lines, 1):
        row = line.replace(",", " ").split()
        if row:
            cells.append((number, row[0], row[1] if len(row) == 3 else ""))
    trace = _checked(path, "valence", cells, low=-1.0, high=1.0, metadata={})
    step = float(np.median(np.diff(trace.time_s)))
    for unit_s in (1.0, 1e-3):
        if 0.03 <= step * unit_s <= 0.05:
            return Trace(name="valence", time_s=trace.time_s * unit_s, value=trace.value)
    raise InputError(
        f"{path.name}: samples are {step:g} apart, which is 40 ms neither in s nor in ms: is it a "
        "trace of COGNIMUSE?"
    )


def _checked(
    path: Path,
    name: str,
    cells: Sequence[tuple[int, str, str]],
    *,
    low: float,
    high: float,
    metadata: Mapping[str, str],
) -> Trace:
    """Turn cells into samples on [0, 1], or refuse all faulty lines at once."""
    faults: list[str] = []
    times: list[float] = []
    values: list[float] = []
    for line, when, what in cells:
        time_s, value = _number(when), _number(what)
        if math.isnan(time_s) or math.isnan(value):
            faults.append(f"line {line}: {when!r}, {what!r} are not a time and a rating")
        elif not low <= value <= high:
            faults.append(f"line {line}: the rating {value:g} is not from {low:g} to {high:g}")
        elif times and time_s <= times[-1]:
            faults.append(f"line {line}: the time {time_s:g} is not after the one before")
        else:
            times.append(time_s)
            values.append((value - low) / (high - low))
    if not faults and len(times) < 2:
        faults.append("fewer than two samples")
    if faults:
        more = f"; and {len(faults) - _MOST_SHOWN} more" if len(faults) > _MOST_SHOWN else ""
        raise InputError(f"{path.name} cannot be used: {'; '.join(faults[:_MOST_SHOWN])}{more}")
    return Trace(name=name, time_s=np.array(times), value=np.array(values), metadata=dict(metadata))


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
