"""Data sets in the folders people have them in, turned into manifests.

A reader knows how one data set names its files and labels; it returns rows for a manifest and says what it
left out. Labels that none of the five emotions stands for (disgust, surprise, boredom) are counted, never
guessed. A neutral performance has no intensities; its positivity is 0.5.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from avfbel.emotion import EMOTIONS
from avfbel.errors import InputError, UsageError
from avfbel.files import write_whole

MEDIA_SUFFIXES = (".wav", ".mp3", ".flac", ".ogg", ".m4a", ".mp4", ".flv", ".avi", ".mov", ".mkv", ".webm")
"""Endings of the files that readers look at; all others are none of their business."""

LAYOUTS: Mapping[str, str] = {
    "ravdess": "RAVDESS: Actor_NN/MM-VV-EE-II-SS-RR-AA.wav|mp4",
    "crema-d": "CREMA-D: AudioWAV/1001_DFA_ANG_XX.wav, VideoFlash/1001_DFA_ANG_XX.flv",
    "emodb": "EmoDB: wav/03a01Fa.wav",
    "liris-accede": "LIRIS-ACCEDE: data/ACCEDE00000.mp4, annotations/ACCEDEranking.txt",
    "muvi": "MuVi: av_data.csv, and media as music|muted_video|video/<media_id>.*",
}
"""The layouts there are readers for."""

_READERS = {
    "ravdess": ("layouts_speech", "read_ravdess"),
    "crema-d": ("layouts_speech", "read_crema_d"),
    "emodb": ("layouts_speech", "read_emodb"),
    "liris-accede": ("layouts_film", "read_liris_accede"),
    "muvi": ("layouts_film", "read_muvi"),
}
_MOST_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class LabelledClip:
    """A media file and what its data set says was felt.

    Attributes
    ----------
    media : Path
        The file.
    stimulus : str
        What it shows; versions of one performance, and sound and film of one take, have the same.
    emotions : dict of float
        Intensities from 0 to 1 by emotion, those not named being 0; empty where only positivity is known.
    epp, valence : float or None
        Positivity in [0, 1], where the data set has it.
    groups : dict of str
        What clips can be held out by: speaker, film, split and the like.
    """

    media: Path
    stimulus: str
    emotions: Mapping[str, float] = field(default_factory=dict)
    epp: float | None = None
    valence: float | None = None
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LabelledFolder:
    """What a reader found.

    Attributes
    ----------
    layout : str
        The reader.
    clips : tuple of LabelledClip
        Sorted by file.
    left_out : dict of int
        How many were left out, by reason.
    notes : tuple of str
        What else is to be known.
    """

    layout: str
    clips: tuple[LabelledClip, ...]
    left_out: Mapping[str, int]
    notes: tuple[str, ...] = ()


def read_layout(layout: str, folder: Path | str) -> LabelledFolder:
    """Read the folder of a known data set.

    Parameters
    ----------
    layout : str
        One of `LAYOUTS`.
    folder : path
        Where it lies.

    Returns
    -------
    LabelledFolder
        Its clips and what was left out.

    Raises
    ------
    UsageError
        If there is no such layout.
    InputError
        If the folder is not laid out like that; all faults at once.
    """
    if layout not in _READERS:
        raise UsageError(f"no layout {layout!r}: choose one of {', '.join(LAYOUTS)}")
    module, name = _READERS[layout]
    reader: Callable[[Path | str], LabelledFolder] = getattr(import_module(f"avfbel.data.{module}"), name)
    return reader(folder)


def __getattr__(name: str) -> Any:
    for module, reader in _READERS.values():
        if reader == name:
            return getattr(import_module(f"avfbel.data.{module}"), name)
    raise AttributeError(f"module 'avfbel.data.layouts' has no attribute {name!r}")


def write_manifest(found: LabelledFolder, path: Path | str) -> Path:
    """Write clips as a manifest, with media relative to it.

    Parameters
    ----------
    found : LabelledFolder
        From a reader.
    path : path
        The CSV file to write, whole or not at all.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path = Path(path).expanduser().absolute()
    groups = list(dict.fromkeys(name for clip in found.clips for name in clip.groups))
    emotions = [name for name in EMOTIONS if any(clip.emotions for clip in found.clips)]
    measures = [
        name for name in ("epp", "valence") if any(getattr(clip, name) is not None for clip in found.clips)
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["media", *emotions, *measures, "stimulus", *groups])
    for clip in found.clips:
        five = [f"{clip.emotions.get(name, 0.0):.6g}" if clip.emotions else "" for name in emotions]
        values = [getattr(clip, name) for name in measures]
        writer.writerow(
            [
                _relative(clip.media, path.parent),
                *five,
                *("" if value is None else f"{value:.6f}" for value in values),
                clip.stimulus,
                *(clip.groups.get(name, "") for name in groups),
            ]
        )
    return write_whole(path, text.getvalue().encode("utf-8"))


def _relative(media: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(media.absolute(), folder)).as_posix()
    except ValueError:  # on another drive
        return media.absolute().as_posix()


def media_files(folder: Path, *, suffixes: Sequence[str] = MEDIA_SUFFIXES) -> list[Path]:
    """Return the media files below a folder, sorted; hidden files are left out.

    Raises
    ------
    InputError
        If there is no such folder or none in it.
    """
    if not folder.is_dir():
        raise InputError(f"no folder {folder}: name the one that holds the data set")
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
    )
    if not found:
        raise InputError(f"no media files in {folder}: name the folder that holds the data set")
    return found


def clip_of_label(
    label: str, table: Mapping[str, str], *, intensity: float = 1.0
) -> tuple[dict[str, float], float | None] | None:
    """Return emotions and positivity for a label of a data set, or None where no emotion stands for it.

    Parameters
    ----------
    label : str
        The label as the data set writes it.
    table : mapping
        One of `EMOTIONS` or "neutral", by label.
    intensity : float
        From 0 to 1.

    Returns
    -------
    tuple or None
        Intensities by emotion, and 0.5 for a neutral performance, whose intensities are empty.

    Examples
    --------
    >>> clip_of_label("HAP", {"HAP": "happiness", "NEU": "neutral"}, intensity=0.5)
    ({'happiness': 0.5}, None)
    >>> clip_of_label("NEU", {"HAP": "happiness", "NEU": "neutral"})
    ({}, 0.5)
    """
    emotion = table.get(label)
    if emotion is None:
        return None
    return ({}, 0.5) if emotion == "neutral" else ({emotion: intensity}, None)


def gather(
    layout: str,
    clips: Iterable[LabelledClip],
    *,
    left_out: Mapping[str, int],
    faults: Sequence[str],
    notes: Sequence[str] = (),
) -> LabelledFolder:
    """Join what a reader found, or refuse it with all faults at once.

    Raises
    ------
    InputError
        If there are faults, or no clip is left.
    """
    if faults:
        more = f"; and {len(faults) - _MOST_SHOWN} more" if len(faults) > _MOST_SHOWN else ""
        raise InputError(
            f"the folder is not laid out as {LAYOUTS[layout]}: {'; '.join(faults[:_MOST_SHOWN])}{more}"
        )
    kept = tuple(sorted(clips, key=lambda clip: str(clip.media)))
    counted = dict(sorted(Counter(left_out).items()))
    if not kept:
        reasons = ", ".join(f"{count} {reason}" for reason, count in counted.items())
        raise InputError(f"no clip has a label that one of the five emotions stands for ({reasons})")
    return LabelledFolder(layout=layout, clips=kept, left_out=counted, notes=tuple(notes))
