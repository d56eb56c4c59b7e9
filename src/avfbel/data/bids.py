"""What was shown when in a scanner: events of BIDS data sets such as ds003715 (Sievers et al., 2021).

A trial is named by what it shows: `happy_sad_25_anim` is the animation of the stimulus happy_sad_25, and
`sad_scared_25_mus` its counterpart in music. Catch trials and answers show nothing; they are counted.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from avfbel.errors import InputError
from avfbel.stimulus import named_stimuli

MODALITY_OF_SUFFIX = {"mus": "music", "anim": "animation"}
"""What the end of a trial type stands for."""

_COLUMNS = ("onset", "duration", "trial_type")
_ENTITY = re.compile(r"^([a-z]+)-([A-Za-z0-9]+)$")
_MOST_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One presentation of a stimulus.

    Attributes
    ----------
    stimulus : str
        One of the 38 names.
    modality : str
        "music" or "animation".
    onset_s, duration_s : float
        From the first volume of the run, in s.
    line : int
        Where it stands in the file; the header is line 1.
    """

    stimulus: str
    modality: str
    onset_s: float
    duration_s: float
    line: int


@dataclass(frozen=True, kw_only=True)
class Events:
    """The events of one run.

    Attributes
    ----------
    path : Path
        The file.
    entities : dict of str
        What its name says, for instance {"sub": "01", "ses": "02", "task": "viewing", "run": "03"}.
    trials : tuple of Trial
        Presentations, in the order of the file.
    left_out : dict of int
        How many events show no stimulus, by trial type.
    """

    path: Path
    entities: Mapping[str, str]
    trials: tuple[Trial, ...]
    left_out: Mapping[str, int]


def read_events(path: Path | str) -> Events:
    """Read an events file and check every line of it.

    Parameters
    ----------
    path : path
        A `*_events.tsv`: tab-separated, with the columns onset, duration (both in s) and trial_type.

    Returns
    -------
    Events
        Its trials.

    Raises
    ------
    InputError
        With everything that is wrong, by line.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> events = read_events("sub-01_task-viewing_run-01_events.tsv")  # doctest: +SKIP
    >>> events.trials[0].stimulus, events.trials[0].onset_s  # doctest: +SKIP
    ('happy_sad_25', 12.0)
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no events at {path}: name a file that ends in _events.tsv")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} does not read as a table in UTF-8") from error
    header = lines[0].split("\t") if lines else []
    absent = [name for name in _COLUMNS if name not in header]
    if absent:
        raise InputError(
            f"{path.name}: line 1: no column {', '.join(absent)}: an events file has onset, duration and "
            "trial_type, separated by tabs"
        )
    trials: list[Trial] = []
    left_out: Counter[str] = Counter()
    faults: list[str] = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) != len(header):
            faults.append(f"line {number}: {len(cells)} cells where the header has {len(header)}")
            continue
        record = dict(zip(header, map(str.strip, cells), strict=True))
        kind = record["trial_type"]
        if kind.startswith("catch") or kind.endswith("response"):
            left_out[kind] += 1
            continue
        named, wrong = _stimulus_of(kind)
        onset_s, duration_s = (_seconds(record[name], name, wrong) for name in ("onset", "duration"))
        if not math.isnan(duration_s) and duration_s <= 0:
            wrong.append(f"duration is {duration_s:g} s: a trial lasts")
        faults += [f"line {number}: {what}" for what in wrong]
        if named is not None and not wrong:
            stimulus, modality = named
            trials.append(
                Trial(
                    stimulus=stimulus, modality=modality, onset_s=onset_s, duration_s=duration_s, line=number
                )
            )
    if faults:
        more = f"; and {len(faults) - _MOST_SHOWN} more" if len(faults) > _MOST_SHOWN else ""
        raise InputError(f"{path.name} cannot be used: {'; '.join(faults[:_MOST_SHOWN])}{more}")
    return Events(
        path=path,
        entities=_entities(path.name),
        trials=tuple(trials),
        left_out=dict(sorted(left_out.items())),
    )


def read_dataset(folder: Path | str) -> tuple[Events, ...]:
    """Read all events files of a BIDS folder, sorted by name.

    Parameters
    ----------
    folder : path
        The folder of the data set, or of one subject.

    Returns
    -------
    tuple of Events
        One a run.

    Raises
    ------
    InputError
        If there are none, or one of them is faulty.
    """
    paths = sorted(Path(folder).rglob("*_events.tsv"))
    if not paths:
        raise InputError(f"no *_events.tsv in {folder}: name the folder of a BIDS data set")
    return tuple(read_events(path) for path in paths)


def _stimulus_of(kind: str) -> tuple[tuple[str, str] | None, list[str]]:
    name, _, suffix = kind.rpartition("_")
    if suffix not in MODALITY_OF_SUFFIX or not name:
        return None, [f"trial_type is {kind!r}, which ends neither in _mus nor in _anim"]
    if name not in named_stimuli():
        return None, [f"trial_type is {kind!r}, but {name} is none of the 38 stimuli"]
    return (name, MODALITY_OF_SUFFIX[suffix]), []


def _seconds(text: str, column: str, faults: list[str]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        faults.append(f"{column} is {text!r}, not a time in s")
        return math.nan
    return value


def _entities(name: str) -> dict[str, str]:
    found = (_ENTITY.match(part) for part in name.split("_"))
    return {match[1]: match[2] for match in found if match}
