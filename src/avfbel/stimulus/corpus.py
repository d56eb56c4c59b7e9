"""The corpus: many clips, made by all cores, with their tables; a build that was broken off can go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from avfbel.errors import InputError, UsageError
from avfbel.files import remove_abandoned_parts
from avfbel.parallel import cores, map_tasks
from avfbel.stimulus.files import BEYOND_SUMMARY, PLAIN, summary, write_stimulus
from avfbel.stimulus.plans import Clip, plan_corpus
from avfbel.stimulus.rendition import Rendition
from avfbel.stimulus.tables import CONDITIONS, MANIFEST, write_tables


def build_corpus(
    folder: str | Path,
    *,
    exemplars: int = 20,
    jobs: int | None = None,
    seed: int = 0,
    stimuli: Iterable[str] | None = None,
    rendition: Rendition = PLAIN,
    resume: bool = False,
    progress: Callable[[int], object] | None = None,
) -> Path:
    """Make exemplars of named stimuli and their manifest: `build_clips` of `plan_corpus`.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist; clips of the same name are replaced.
    exemplars : int
        Of each stimulus.
    jobs : int, optional
        Processes to run; one a core by default. The clips do not depend on it.
    seed : int
        Of the corpus.
    stimuli : iterable of str, optional
        All 38 by default.
    rendition : Rendition
        How the scores become files.
    resume : bool
        Keep the clips that are there, whole and as they would be made.
    progress : callable, optional
        Called with 1 after each clip.

    Returns
    -------
    Path
        ``manifest.csv`` in `folder`: media, stimulus, exemplar, seed and the five parameters, one row a clip.

    Raises
    ------
    UsageError
        If a number is out of range or a stimulus unknown.
    InputError
        If a process is killed.
    KeyboardInterrupt
        After the clips in hand are finished; those that are there are whole.
    """
    clips = plan_corpus(exemplars=exemplars, seed=seed, stimuli=stimuli)
    return build_clips(clips, folder, jobs=jobs, rendition=rendition, resume=resume, progress=progress)


def build_clips(
    clips: Sequence[Clip],
    folder: str | Path,
    *,
    jobs: int | None = None,
    rendition: Rendition = PLAIN,
    resume: bool = False,
    progress: Callable[[int], object] | None = None,
) -> Path:
    """Make clips and the tables beside them.

    Parameters
    ----------
    clips : sequence of Clip
        As `plan_corpus`, `plan_sweep` and `plan_pairs` give them.
    folder : str or Path
        Made if it does not exist; clips of the same name are replaced.
    jobs : int, optional
        Processes to run; one a core by default. The clips do not depend on it.
    rendition : Rendition
        How the scores become files.
    resume : bool
        Keep the clips that are there, whole and as they would be made.
    progress : callable, optional
        Called with 1 after each clip.

    Returns
    -------
    Path
        ``manifest.csv`` in `folder`, which is written, with ``conditions.csv``, when all clips are there.

    Raises
    ------
    UsageError
        If `jobs` is below 1, or a clip cannot have the loudness asked for.
    InputError
        If a process is killed.
    KeyboardInterrupt
        After the clips in hand are finished; those that are there are whole.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs must be at least 1, got {jobs}")
    if not clips:
        raise UsageError("a corpus needs at least one clip")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    remove_abandoned_parts(folder)
    for table in (MANIFEST, CONDITIONS):  # they are there only beside all of their clips
        (folder / table).unlink(missing_ok=True)
    missing = [clip for clip in clips if not (resume and is_made(clip, folder, rendition))]
    for _ in range(len(clips) - len(missing)):
        _tell(progress)
    making = _Making(folder, rendition)
    for done in map_tasks(
        _make, missing, jobs=jobs or cores(), setup=_Making, setup_args=making, finish_begun=True
    ):
        if done.result is None:
            raise InputError(
                f"a process making clips for {folder} was killed, perhaps for want of memory: "
                "try fewer jobs, and --resume to keep what is there"
            )
        _tell(progress)
    return write_tables(clips, folder, rendition)


def is_made(clip: Clip, folder: Path, rendition: Rendition) -> bool:
    """Tell whether a clip is there, whole and as it would be made.

    Its files are renamed into place when all of them are written, the ground truth last; so they are whole if
    that one is there, tells of this clip, and gives the sizes that the others have.
    """
    paths = [folder / f"{clip.stem}{suffix}" for suffix in rendition.suffixes]
    try:
        told = json.loads(paths[-1].read_text(encoding="utf-8"))
        sizes = {path.suffix[1:]: path.stat().st_size for path in paths[:-1]}
    except (OSError, ValueError):
        return False
    wanted = json.loads(json.dumps(summary(clip.music, film=clip.film, rendition=rendition)))
    if not isinstance(told, dict) or told.get("bytes") != sizes:
        return False
    return bool({key: value for key, value in told.items() if key not in BEYOND_SUMMARY} == wanted)


class _Making(NamedTuple):
    """What a process needs to make clips."""

    folder: Path
    rendition: Rendition


def _make(making: _Making, clip: Clip) -> Clip:
    try:
        write_stimulus(clip.music, making.folder, clip.stem, film=clip.film, rendition=making.rendition)
    except UsageError as error:
        raise UsageError(f"{clip.stem}: {error}") from error
    return clip


def _tell(progress: Callable[[int], object] | None) -> None:
    if progress is not None:
        progress(1)
