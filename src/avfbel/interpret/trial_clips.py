"""Which clip a trial in the scanner showed, and its traces with the sense that perceived it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from avfbel.data.bids import MODALITY_OF_SUFFIX, Trial
from avfbel.errors import InputError, UsageError
from avfbel.interpret.traces import Traces, trace
from avfbel.runtime.engine import Predictor
from avfbel.runtime.plan import MEDIA_ENDINGS
from avfbel.senses.sensorium import Modality

if TYPE_CHECKING:
    from avfbel.runtime.bundle import Bundle

SUFFIX_OF_MODALITY = {modality: suffix for suffix, modality in MODALITY_OF_SUFFIX.items()}
SENSE_OF_MODALITY: dict[str, Modality] = {"music": "audio", "animation": "video"}
"""The one sense that a trial spoke to: what else the file of its clip holds was not presented."""

_SOUNDS = frozenset(
    (".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wma")
)
_MOST_NAMED = 10


def trial_type(trial: Trial) -> str:
    """Return the trial type of a trial, such as `happy_sad_25_anim`."""
    return f"{trial.stimulus}_{SUFFIX_OF_MODALITY[trial.modality]}"


def find_clips(folder: str | PathLike[str], trials: Iterable[Trial]) -> dict[str, Path]:
    """Find the clip of each kind of trial in a folder.

    The clip of `happy_sad_25_anim` is the file of that name, whatever its ending, or else `happy_sad_25`; of
    several such files, music takes a sound file and animation takes a film.

    Parameters
    ----------
    folder : path
        The folder of media files.
    trials : iterable of Trial
        What was shown.

    Returns
    -------
    dict of str to Path
        The file by trial type.

    Raises
    ------
    UsageError
        If there is no such folder.
    InputError
        If a clip is missing, or several files could be it; all of them are named.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: name the one that holds the clips, with --clips")
    media: dict[str, list[Path]] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in MEDIA_ENDINGS and not file.name.startswith("."):
            media.setdefault(file.stem, []).append(file)
    clips: dict[str, Path] = {}
    faults = []
    for kind, trial in {trial_type(trial): trial for trial in trials}.items():
        files = media.get(kind) or media.get(trial.stimulus, [])
        files = [file for file in files if _is_sound(file) == (trial.modality == "music")] or files
        if len(files) == 1:
            clips[kind] = files[0]
        else:
            faults.append(f"{kind} ({', '.join(file.name for file in files) or 'no file'})")
    if faults:
        more = f" and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
        raise InputError(
            f"{folder} does not hold one clip for each trial type: {', '.join(faults[:_MOST_NAMED])}{more}; "
            "name each clip after its stimulus, such as happy_sad_25.mp4"
        )
    return clips


def trace_clips(
    clips: Mapping[str, Path],
    *,
    model: str | PathLike[str] | Bundle | Predictor = "default",
    window: float = 4.0,
    hop: float = 0.25,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Traces]:
    """Trace the clip of each kind of trial, with the sense that it spoke to.

    Parameters
    ----------
    clips : Mapping of str to Path
        The file by trial type; see `find_clips`.
    model : str, path, Bundle or Predictor
        The trained model; see `Bundle.open`.
    window, hop : float
        Length of a window and distance of samples, in s.
    progress : callable, optional
        Called with a word on what is done, how many clips are traced, and how many there are.

    Returns
    -------
    dict of str to Traces
        The traces by trial type.

    Raises
    ------
    InputError
        If a clip cannot be used, or has no track for its sense.
    """
    predictor = model if isinstance(model, Predictor) else Predictor(model)
    traced = {}
    for done, (kind, clip) in enumerate(clips.items(), 1):
        sense = SENSE_OF_MODALITY[MODALITY_OF_SUFFIX[kind.rpartition("_")[2]]]
        traced[kind] = trace(clip, model=predictor, window=window, hop=hop, modality=sense)
        if progress is not None:
            progress("clips traced", done, len(clips))
    return traced


def _is_sound(file: Path) -> bool:
    return file.suffix.lower() in _SOUNDS
