"""The corpus: exemplars of the 38 stimuli, made by all cores, with a manifest."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avfbel.errors import InputError, UsageError
from avfbel.files import write_whole
from avfbel.parallel import cores, map_tasks
from avfbel.stimulus.files import write_stimulus
from avfbel.stimulus.parameters import RANGES, named, named_stimuli
from avfbel.stimulus.score import compose

COLUMNS = ("media", "stimulus", "exemplar", "seed", *RANGES)


class Clip(NamedTuple):
    """One clip of a corpus."""

    stimulus: str
    exemplar: int
    seed: int

    @property
    def stem(self) -> str:
        """Name of its files, without suffix."""
        return f"{self.stimulus}_{self.exemplar:04d}"


def clip_seed(seed: int, stimulus: str, exemplar: int) -> int:
    """Give the seed of one clip: independent between clips, whatever else the corpus holds.

    Parameters
    ----------
    seed : int
        Of the corpus.
    stimulus : str
    exemplar : int

    Returns
    -------
    int
        Below 2**32.

    Examples
    --------
    >>> clip_seed(0, "happy", 0) == clip_seed(0, "sad", 0)
    False
    """
    sequence = np.random.SeedSequence([seed, zlib.crc32(stimulus.encode()), exemplar])
    return int(sequence.generate_state(1)[0])


def plan_corpus(*, exemplars: int = 20, seed: int = 0, stimuli: Iterable[str] | None = None) -> list[Clip]:
    """List the clips of a corpus.

    Parameters
    ----------
    exemplars : int
        Of each stimulus.
    seed : int
        Of the corpus.
    stimuli : iterable of str, optional
        All 38 by default.

    Returns
    -------
    list of Clip

    Raises
    ------
    UsageError
        If a number is out of range or a stimulus unknown.

    Examples
    --------
    >>> len(plan_corpus(exemplars=20))
    760
    """
    if exemplars < 1:
        raise UsageError(f"exemplars must be at least 1, got {exemplars}")
    if seed < 0:
        raise UsageError(f"the seed must be a whole number from 0, got {seed}")
    names = list(named_stimuli()) if stimuli is None else list(dict.fromkeys(stimuli))
    if not names:
        raise UsageError("a corpus needs at least one stimulus")
    for name in names:
        named(name)
    return [Clip(name, k, clip_seed(seed, name, k)) for name in names for k in range(exemplars)]


def build_corpus(
    folder: str | Path,
    *,
    exemplars: int = 20,
    jobs: int | None = None,
    seed: int = 0,
    stimuli: Iterable[str] | None = None,
    progress: Callable[[int], object] | None = None,
) -> Path:
    """Make a corpus of clips and its manifest.

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
    progress : callable, optional
        Called with 1 after each clip.

    Returns
    -------
    Path
        ``manifest.csv`` in `folder`: media, stimulus, exemplar, seed and the five parameters, one row a
        clip. It is written when all clips are there.

    Raises
    ------
    UsageError
        If a number is out of range or a stimulus unknown.
    InputError
        If a process is killed.
    KeyboardInterrupt
        After the clips in hand are finished; those that are there are whole.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs must be at least 1, got {jobs}")
    clips, folder = plan_corpus(exemplars=exemplars, seed=seed, stimuli=stimuli), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for _ in _make_all(clips, folder, jobs or cores()):
        if progress is not None:
            progress(1)
    return _write_manifest(clips, folder / "manifest.csv")


def _make_all(clips: list[Clip], folder: Path, jobs: int) -> Iterator[Clip]:
    for done in map_tasks(_make, clips, jobs=jobs, setup=Path, setup_args=(folder,), finish_begun=True):
        if done.result is None:
            raise InputError(
                f"a process making clips for {folder} was killed, perhaps for want of memory: try fewer jobs"
            )
        yield done.task


def _make(folder: Path, clip: Clip) -> Clip:
    write_stimulus(compose(named(clip.stimulus), seed=clip.seed), folder, clip.stem)
    return clip


def _write_manifest(clips: list[Clip], path: Path) -> Path:
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for clip in clips:
        parameters = asdict(named(clip.stimulus))
        writer.writerow({"media": f"{clip.stem}.mp4", **clip._asdict(), **parameters})
    return write_whole(path, table.getvalue().encode())
