"""The corpus: exemplars of the 38 stimuli, made by all cores, with a manifest."""

from __future__ import annotations

import csv
import io
import multiprocessing
import os
import signal
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avfbel.errors import InputError, UsageError
from avfbel.files import write_whole
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

    Notes
    -----
    With more than one job, processes are spawned: a script that calls this needs the usual
    ``if __name__ == "__main__":`` guard.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs must be at least 1, got {jobs}")
    clips, folder = plan_corpus(exemplars=exemplars, seed=seed, stimuli=stimuli), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for _ in _make_all(clips, folder, min(jobs or _cores(), len(clips))):
        if progress is not None:
            progress(1)
    return _write_manifest(clips, folder / "manifest.csv")


def _make_all(clips: list[Clip], folder: Path, jobs: int) -> Iterator[Clip]:
    if jobs == 1:
        for clip in clips:
            _make(clip, folder)
            yield clip
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_leave_interrupts_to_the_parent) as pool:
        waiting = iter(clips)
        try:
            with _interrupts_held_back():  # the processes that start here inherit it, and never see one
                work = {pool.submit(_make, clip, folder) for clip in islice(waiting, jobs)}
            while work:  # no more than one clip a process, so that an interruption has little to wait for
                done, work = wait(work, return_when=FIRST_COMPLETED)
                work |= {pool.submit(_make, clip, folder) for clip in islice(waiting, len(done))}
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            raise InputError(
                f"a process making clips for {folder} was killed, perhaps for want of memory: try fewer jobs"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _make(clip: Clip, folder: Path) -> Clip:
    write_stimulus(compose(named(clip.stimulus), seed=clip.seed), folder, clip.stem)
    return clip


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let Ctrl-C wait until the block is left, where the system can (it cannot on Windows)."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _write_manifest(clips: list[Clip], path: Path) -> Path:
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for clip in clips:
        parameters = asdict(named(clip.stimulus))
        writer.writerow({"media": f"{clip.stem}.mp4", **clip._asdict(), **parameters})
    return write_whole(path, table.getvalue().encode())
