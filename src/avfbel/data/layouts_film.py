"""Films and music videos that people rated for valence: LIRIS-ACCEDE, MuVi."""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from avfbel.data.layouts import MEDIA_SUFFIXES, LabelledClip, LabelledFolder, gather
from avfbel.data.traces import Trace, average_windows
from avfbel.errors import InputError

LIRIS_SETS = {"0": "test", "1": "learn", "2": "val"}
"""Official parts of LIRIS-ACCEDE."""

LIRIS_SCALE = (1.0, 5.0)
"""Ends of the valence scale of LIRIS-ACCEDE (five points); its values lie between 1.33 and 3.59."""

MUVI_MODALITIES = ("music", "muted_video", "video")
"""What people of MuVi were given: the sound, the picture, or both."""

MUVI_SAMPLES = 118
"""Samples of a complete trace of MuVi; only that many are used of each."""

_RANKING = ("id", "name", "valenceValue")


def read_liris_accede(folder: Path | str) -> LabelledFolder:
    """Read the discrete part of LIRIS-ACCEDE: `data/ACCEDE00000.mp4` with the tables in `annotations`.

    Valence v becomes (v - 1)/4. Groups: `split` (test, learn, val) from ACCEDEsets.txt, `film` from
    ACCEDEdescription.xml; hold out by film.

    Parameters
    ----------
    folder : path
        The folder that holds `data` and `annotations`.

    Returns
    -------
    LabelledFolder
        Its clips.

    Raises
    ------
    InputError
        If ACCEDEranking.txt is missing or faulty, or a film it names is not there.
    """
    folder = Path(folder)
    annotations = folder / "annotations"
    splits, films = _liris_sets(annotations), _liris_films(annotations)
    clips, faults, notes = [], [], []
    for line, row in _table(annotations / "ACCEDEranking.txt", _RANKING, delimiter="\t"):
        media = folder / "data" / row["name"]
        if not media.is_file():
            faults.append(f"line {line}: no film data/{row['name']}")
            continue
        low, high = LIRIS_SCALE
        value = _number(row["valenceValue"])
        if not low <= value <= high:
            faults.append(f"line {line}: valenceValue is {row['valenceValue']!r}, not a number from 1 to 5")
            continue
        groups = {}
        if splits:
            groups["split"] = splits.get(row["name"], "")
        if films:
            groups["film"] = films.get(row["name"], "")
        missing = [name for name, group in groups.items() if not group]
        if missing:
            faults.append(f"line {line}: {row['name']} has no {missing[0]}")
            continue
        clips.append(
            LabelledClip(
                media=media, stimulus=media.stem, valence=(value - low) / (high - low), groups=groups
            )
        )
    if not films:
        notes.append("no ACCEDEdescription.xml: clips of one film cannot be held out together")
    if not splits:
        notes.append("no ACCEDEsets.txt: the official parts are not known")
    return gather("liris-accede", clips, left_out={}, faults=faults, notes=notes)


def _liris_sets(annotations: Path) -> dict[str, str]:
    """Return the part of each film, by file name; empty without a table."""
    path = annotations / "ACCEDEsets.txt"
    if not path.is_file():
        return {}
    found = {}
    for line, row in _table(path, ("name", "set"), delimiter="\t"):
        if row["set"] not in LIRIS_SETS:
            raise InputError(f"{path.name}: line {line}: set is {row['set']!r}, not 0, 1 or 2")
        found[row["name"]] = LIRIS_SETS[row["set"]]
    return found


def _liris_films(annotations: Path) -> dict[str, str]:
    """Return the film each clip was cut from, by file name; empty without a description."""
    path = annotations / "ACCEDEdescription.xml"
    if not path.is_file():
        return {}
    content = path.read_bytes()
    if b"<!ENTITY" in content or b"<!DOCTYPE" in content:  # an entity can be made to fill the memory
        raise InputError(f"{path.name} declares a document type: remove the declaration")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise InputError(f"{path.name} does not read as XML: {error}") from error
    found = {}
    for element in root.iter():
        name = element.findtext("name")
        film = next(filter(None, (element.findtext(tag) for tag in ("movie", "film", "title"))), None)
        if name and film:
            found[name.strip()] = film.strip()
    if not found:
        raise InputError(f"{path.name} names no film: expected elements with name and movie, film or title")
    return found


def read_muvi(folder: Path | str, *, lag_s: float = 0.0) -> LabelledFolder:
    """Read MuVi: `av_data.csv` with traces of valence, and media that were fetched by hand.

    MuVi ships addresses of videos, not the videos. They are expected as `music/<media_id>.*` (sound),
    `muted_video/<media_id>.*` (silent film) and `video/<media_id>.*` (both). A clip's valence is the mean
    over its participants of each trace's mean over the first 118 samples. Constant traces and traces of fewer
    samples are left out and counted. Groups: modality.

    Parameters
    ----------
    folder : path
        The folder that holds av_data.csv and the three folders of media.
    lag_s : float
        Reaction time, in s: the beginning of each trace that is left out.

    Returns
    -------
    LabelledFolder
        Its clips; the three forms of a video share a stimulus.

    Raises
    ------
    InputError
        If the table is faulty, or media are missing.
    """
    folder = Path(folder)
    faults: list[str] = []
    left_out: Counter[str] = Counter()
    felt: dict[tuple[str, str], list[float]] = {}
    for (_, media_id, modality), (time_s, valence) in _muvi_traces(folder / "av_data.csv", faults).items():
        if len(valence) < MUVI_SAMPLES:
            left_out["short trace"] += 1
            continue
        if np.ptp(valence[:MUVI_SAMPLES]) == 0:
            left_out["constant trace"] += 1
            continue
        trace = Trace(
            name="valence",
            time_s=np.array(time_s[:MUVI_SAMPLES]),
            value=(np.array(valence[:MUVI_SAMPLES]) + 1) / 2,
        )
        start_s, end_s = float(trace.time_s[0]), float(trace.time_s[-1])
        if end_s - lag_s <= start_s:
            faults.append(f"the lag of {lag_s:g} s leaves nothing of the trace of {media_id}")
            continue
        mean = average_windows(trace, [start_s], [end_s - lag_s], lag_s=lag_s)
        felt.setdefault((media_id, modality), []).append(float(mean[0]))
    clips = []
    for (media_id, modality), values in felt.items():
        media = _muvi_media(folder / modality, media_id)
        if media is None:
            faults.append(f"no media file {modality}/{media_id}.*")
            continue
        clips.append(
            LabelledClip(
                media=media,
                stimulus=media_id,
                valence=float(np.mean(values)),
                groups={"modality": modality},
            )
        )
    return gather("muvi", clips, left_out=left_out, faults=faults)


def _muvi_traces(
    path: Path, faults: list[str]
) -> Mapping[tuple[str, str, str], tuple[list[float], list[float]]]:
    """Return times in s and valence, by participant, video and modality."""
    traces: dict[tuple[str, str, str], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    columns = ("participant_id", "media_id", "media_modality", "time", "valence")
    for line, row in _table(path, columns):
        time_s, valence = _number(row["time"]), _number(row["valence"])
        times, values = traces[row["participant_id"], row["media_id"], row["media_modality"]]
        if row["media_modality"] not in MUVI_MODALITIES:
            faults.append(f"line {line}: media_modality is {row['media_modality']!r}")
        elif not -1 <= valence <= 1:
            faults.append(f"line {line}: valence is {row['valence']!r}, not a number from -1 to 1")
        elif not math.isfinite(time_s) or (times and time_s <= times[-1]):
            faults.append(f"line {line}: time is {row['time']!r}, not after the sample before it")
        else:
            times.append(time_s)
            values.append(valence)
    return traces


def _muvi_media(folder: Path, media_id: str) -> Path | None:
    paths = (folder / f"{media_id}{suffix}" for suffix in MEDIA_SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def _table(
    path: Path, columns: tuple[str, ...], *, delimiter: str = ","
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a table with their lines; the columns must be there."""
    if not path.is_file():
        raise InputError(f"no {path.name} in {path.parent}: name the folder of the data set")
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, delimiter=delimiter)
        absent = [name for name in columns if name not in (reader.fieldnames or ())]
        if absent:
            raise InputError(f"{path.name}: no column {', '.join(absent)}")
        for row in reader:
            if None in row.values():
                raise InputError(f"{path.name}: line {reader.line_num} has fewer cells than the header")
            yield reader.line_num, {str(key): str(value).strip() for key, value in row.items()}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
