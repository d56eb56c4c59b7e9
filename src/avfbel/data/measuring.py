"""Measuring many clips: once each, by all cores, kept under the hash of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from avfbel.data.cache import (
    Measured,
    cache_folder,
    file_digest,
    measurement_name,
    pack,
    read_measured,
    write_measured,
)
from avfbel.data.manifest import Clip
from avfbel.data.workers import work_in_processes
from avfbel.errors import InputError
from avfbel.parallel import cores
from avfbel.senses.measure import Excerpt, measure_excerpts


@dataclass(frozen=True, kw_only=True)
class Job:
    """A file to decode, the excerpts of it to measure, and where each measurement goes."""

    media: Path
    excerpts: tuple[Excerpt, ...]
    targets: tuple[Path, ...]
    window: float
    hop: float


def measure_clips(
    clips: Sequence[Clip],
    *,
    manifest: Path,
    window: float,
    hop: float,
    jobs: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> tuple[list[Measured], list[str]]:
    """Measure clips that are not measured yet, and return all measurements.

    Each measurement is written as soon as it is made: a run that is interrupted goes on where it was.

    Parameters
    ----------
    clips : sequence of Clip
        Files, or parts of files.
    manifest : Path
        Where they are listed; measurements are kept beside it.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    jobs : int, optional
        Processes to run; one a core by default.
    progress : callable, optional
        Called with the number of clips done, each time some are.

    Returns
    -------
    measured : list of Measured
        One a clip.
    digests : list of str
        SHA-256 of each clip's file.

    Raises
    ------
    InputError
        If clips cannot be measured, naming each of them, or a process was ended from outside; what
        is measured stays.
    """
    folder = cache_folder(manifest)
    digest_of = {media: file_digest(media) for media in dict.fromkeys(clip.media for clip in clips)}
    digests = [digest_of[clip.media] for clip in clips]
    places = [
        folder / measurement_name(digest, _excerpt(clip), window=window, hop=hop)
        for clip, digest in zip(clips, digests, strict=True)
    ]
    known = {
        place: measured for place in dict.fromkeys(places) if (measured := read_measured(place)) is not None
    }
    report = progress or (lambda steps: None)
    report(sum(place in known for place in places))
    todo = _jobs(clips, places, known, window=window, hop=hop)
    faults = []
    for job, fault in _run_all(todo, min(jobs or cores(), len(todo))):
        report(sum(place in job.targets for place in places))
        if fault:
            faults.append(fault)
    if faults:
        raise InputError(
            f"{len(faults)} of {len(digest_of)} files cannot be measured: {'; '.join(sorted(faults))}"
        )
    for place in places:
        if place not in known:
            measured = read_measured(place)
            if measured is None:
                raise InputError(f"{place} went missing while measuring: run it again")
            known[place] = measured
    return [known[place] for place in places], digests


def _excerpt(clip: Clip) -> Excerpt:
    return Excerpt(clip.start_s or 0.0, clip.end_s)


def _jobs(
    clips: Sequence[Clip], places: Sequence[Path], known: dict[Path, Measured], *, window: float, hop: float
) -> list[Job]:
    """Group what is not known by file, so that each file is decoded once."""
    wanted: dict[Path, dict[Path, Excerpt]] = {}
    taken: set[Path] = set()
    for clip, place in zip(clips, places, strict=True):
        if place not in known and place not in taken:
            wanted.setdefault(clip.media, {})[place] = _excerpt(clip)
            taken.add(place)
    return [
        Job(media=media, excerpts=tuple(of.values()), targets=tuple(of), window=window, hop=hop)
        for media, of in wanted.items()
    ]


def _run_all(todo: Sequence[Job], jobs: int) -> Iterator[tuple[Job, str | None]]:
    if jobs <= 1:
        for job in todo:
            yield job, _run(job, None)
        return
    results = work_in_processes(_run, [(job, 1) for job in todo], jobs=jobs, in_order=True)
    yield from zip(todo, results, strict=True)


def _run(job: Job, threads: int | None) -> str | None:
    """Measure one file and keep the result; return what went wrong, if the file is to blame."""
    try:
        measured = measure_excerpts(job.media, job.excerpts, window=job.window, hop=job.hop, threads=threads)
    except InputError as error:
        return str(error)
    for measurement, target in zip(measured, job.targets, strict=True):
        if not measurement.windows:
            return f"{job.media} has no length"
        write_measured(pack(measurement), target)
    return None
