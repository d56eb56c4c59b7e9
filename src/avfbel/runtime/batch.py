"""Many inputs in one run: a bad one never loses the others, and what is done stays done."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from avfbel._version import __version__
from avfbel.errors import InputError, UsageError
from avfbel.runtime.files import Format, encode, remove_parts, require_parquet, write_whole
from avfbel.runtime.fold import analyze, digest, settings_of, shown
from avfbel.runtime.pool import map_tasks
from avfbel.runtime.status import STATUS_NAME, Status, origin, read_status, write_status
from avfbel.senses.sensorium import Modality, check_modality
from avfbel.senses.windows import check_window

if TYPE_CHECKING:
    from avfbel.runtime.analysis import Analysis
    from avfbel.runtime.bundle import Bundle
    from avfbel.runtime.engine import Predictor

# fmt: off
MEDIA_ENDINGS = frozenset((
    ".3gp", ".aac", ".ac3", ".aif", ".aiff", ".amr", ".au", ".avi", ".caf", ".flac", ".flv", ".gif",
    ".m2ts", ".m4a", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpeg", ".mpg",
    ".mts", ".mxf", ".oga", ".ogg", ".ogv", ".opus", ".ts", ".vob", ".w64", ".wav", ".webm", ".wma",
    ".wmv",
))
# fmt: on
"""Endings of the files that are taken from a folder."""

_STATUS_EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Task:
    """One input, and where its results go (None: they are only returned)."""

    media: str
    output: Path | None = None
    picture: Path | None = None


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """What a run is to do, checked before any work starts. Made by `plan_batch`.

    Attributes
    ----------
    tasks : tuple of Task
        The media files.
    faults : tuple of str
        One sentence for each input in which there is nothing to analyse.
    out : Path or None
        The output folder.
    file_format : {"csv", "parquet", "json"}
        Format of the results.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    modality : {"both", "audio", "video"}
        The senses in use.
    """

    tasks: tuple[Task, ...]
    faults: tuple[tuple[str, str], ...]
    out: Path | None
    file_format: Format
    window: float
    hop: float
    modality: Modality


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one input.

    Attributes
    ----------
    media : str
        The input, as it was named.
    ok : bool
        Whether it was analysed to its end.
    sentence : str
        What is wrong and what to do about it; empty if nothing is.
    task : Task or None
        Where its results are.
    analysis : Analysis or None
        The result; None if there is none or it was there before.
    resumed : bool
        Whether an earlier run had done it.
    """

    media: str
    ok: bool
    sentence: str = ""
    task: Task | None = None
    analysis: Analysis | None = None
    resumed: bool = False


def plan_batch(
    inputs: Sequence[str | PathLike[str]],
    *,
    out: str | PathLike[str] | None = None,
    file_format: Format = "csv",
    plot: bool = False,
    window: float = 4.0,
    hop: float = 1.0,
    modality: Modality = "both",
) -> BatchPlan:
    """Check a request and lay out its work: which files, and where the result of each goes.

    Parameters
    ----------
    inputs : sequence of path
        Media files, and folders whose media files (also those in folders within) are taken.
    out : path, optional
        Output folder, made if needed; without one, results are only returned.
    file_format : {"csv", "parquet", "json"}
        Format of the result files: ``film.mp4`` gives ``film.mp4.csv``.
    plot : bool
        Whether to draw a picture of each result too: ``film.mp4.png``.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    modality : {"both", "audio", "video"}
        The senses in use.

    Returns
    -------
    BatchPlan
        The plan, for `analyze_batch`.

    Raises
    ------
    UsageError
        If two inputs would give one result file, the output folder cannot be written into, or an option is
        wrong.
    ImportError
        If Parquet is asked for and pyarrow is not installed.
    """
    check_window(window, hop)
    check_modality(modality)
    if file_format not in get_args(Format):
        raise UsageError(f"no format {file_format!r}: choose one of {', '.join(get_args(Format))}")
    if file_format == "parquet":
        require_parquet()
    media, faults = expand(inputs)
    folder = None if out is None else Path(out)
    tasks = [
        Task(
            media=path,
            output=folder and folder / f"{Path(path).name}.{file_format}",
            picture=folder / f"{Path(path).name}.png" if folder and plot else None,
        )
        for path in media
    ]
    if folder is not None:
        _refuse_collisions(tasks)
        check_writable(folder)
    return BatchPlan(
        tasks=tuple(tasks),
        faults=tuple(faults),
        out=folder,
        file_format=file_format,
        window=float(window),
        hop=float(hop),
        modality=modality,
    )


def expand(inputs: Sequence[str | PathLike[str]]) -> tuple[list[str], list[tuple[str, str]]]:
    """Replace folders by the media files in them, in the order of their names.

    Returns
    -------
    media : list of str
        The files, those that are named directly whatever their ending.
    faults : list of (str, str)
        Each folder without media files, with a sentence about it.
    """
    media: list[str] = []
    faults = []
    for path in map(Path, inputs):
        if not path.is_dir():
            media.append(str(path))
            continue
        found = [
            file
            for file in sorted(path.rglob("*"))
            if file.suffix.lower() in MEDIA_ENDINGS and not file.name.startswith(".") and file.is_file()
        ]
        media += map(str, found)
        if not found:
            faults.append((str(path), f"the folder {shown(path)} holds no film or sound: name another"))
    return media, faults


def analyze_batch(
    plan: BatchPlan,
    *,
    model: str | PathLike[str] | Bundle = "default",
    jobs: int | None = None,
    resume: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Iterator[Outcome]:
    """Analyse the files of a plan and yield what became of each, as soon as it is known.

    Every result is written whole or not at all, and `status.csv` is kept up to date with what is done,
    however the run ends. A file that ends early is analysed as far as it decodes; that is written, and counts
    as failed.

    Parameters
    ----------
    plan : BatchPlan
        What to do; see `plan_batch`.
    model : str, path or Bundle
        The trained model; see `Bundle.open`.
    jobs : int, optional
        Number of processes; by default one a core, and not more than there are files.
    resume : bool
        Whether to skip a file whose result is there and was computed from the same content, bundle, version
        of avfbel and settings. Contents are compared by sha256: times of files do not survive copying.
    progress : callable, optional
        Called at each window with the time in s up to which a clip is analysed, if one process does the work.

    Yields
    ------
    Outcome
        One for each input.

    Raises
    ------
    InputError
        If the bundle cannot be used: before any work.
    UsageError
        If the output folder holds a `status.csv` that is something else.
    """
    from avfbel.runtime.engine import Predictor

    predictor = Predictor(model)
    rows = read_status(plan.out) if plan.out else {}
    for media, sentence in plan.faults:
        yield Outcome(media=media, ok=False, sentence=sentence)
    todo = []
    for task in plan.tasks:
        if resume and _is_done(task, plan, predictor.bundle, rows):
            yield Outcome(media=task.media, ok=True, task=task, resumed=True)
        else:
            todo.append(task)
    written = time.monotonic()
    try:
        for outcome in _outcomes(todo, plan, predictor, jobs, progress):
            if plan.out and outcome.task and outcome.task.output:
                rows[outcome.task.output.name] = _status(outcome)
                if time.monotonic() - written > _STATUS_EVERY_S:
                    write_status(plan.out, rows)
                    written = time.monotonic()
            yield outcome
    finally:
        if plan.out and todo:
            write_status(plan.out, rows)


def _outcomes(
    todo: list[Task],
    plan: BatchPlan,
    predictor: Predictor,
    jobs: int | None,
    progress: Callable[[float], None] | None,
) -> Iterator[Outcome]:
    def clean_up(process_ids: list[int]) -> None:
        remove_parts([path for task in todo for path in (task.output, task.picture) if path], process_ids)

    in_one = jobs == 1 or len(todo) <= 1
    args = (plan, predictor, progress, None) if in_one else (plan, predictor.bundle, None, 1)
    for done in map_tasks(_work, todo, jobs=jobs, setup=_tools, setup_args=args, on_stop=clean_up):
        yield done.result or Outcome(
            media=done.task.media,
            ok=False,
            task=done.task,
            sentence=f"the process that analysed {shown(done.task.media)} died, perhaps for want of memory: "
            "try it alone, or with fewer processes",
        )


class _Tools(NamedTuple):
    plan: BatchPlan
    predictor: Predictor
    progress: Callable[[float], None] | None
    threads: int | None


def _tools(
    plan: BatchPlan,
    model: Bundle | Predictor,
    progress: Callable[[float], None] | None,
    threads: int | None,
) -> _Tools:
    from avfbel.runtime.engine import Predictor

    return _Tools(plan, model if isinstance(model, Predictor) else Predictor(model), progress, threads)


def _work(tools: _Tools, task: Task) -> Outcome:
    plan = tools.plan
    try:
        analysis = analyze(
            task.media,
            model=tools.predictor,
            window=plan.window,
            hop=plan.hop,
            modality=plan.modality,
            threads=tools.threads,
            progress=tools.progress,
        )
        if task.output:
            write_whole(task.output, encode(analysis, plan.file_format))
        if task.picture:
            analysis.plot(task.picture)
    except Exception as error:  # whatever it is, it is not to lose the other files
        return Outcome(media=task.media, ok=False, sentence=sentence_of(error, task.media), task=task)
    early = "" if analysis.complete else analysis.notes[-1]
    return Outcome(media=task.media, ok=analysis.complete, sentence=early, task=task, analysis=analysis)


def sentence_of(error: Exception, media: str) -> str:
    """Return one sentence about what went wrong with a file."""
    if isinstance(error, InputError | ImportError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f"{shown(error.filename)}: " if error.filename else ""
        return f"{where}{error.strerror.lower()} (while {shown(media)} was analysed)"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{shown(media)} could not be analysed, through a fault of avfbel: {type(error).__name__} in "
        f"{place.name} ({str(error) or 'no details'}); please report it, with the file"
    )


def _status(outcome: Outcome) -> Status:
    depends: dict[str, Any] = origin(dict(outcome.analysis.provenance)) if outcome.analysis else {}
    return Status(
        media=shown(outcome.media),
        status="ok" if outcome.ok else "failed",
        sentence=outcome.sentence,
        output=outcome.task.output.name if outcome.task and outcome.task.output else "",
        **depends,
    )


def _is_done(task: Task, plan: BatchPlan, bundle: Bundle, rows: dict[str, Status]) -> bool:
    row = rows.get(task.output.name) if task.output else None
    if row is None or row.status != "ok" or task.output is None or not task.output.is_file():
        return False
    if task.picture and not task.picture.is_file():
        return False
    try:
        content = digest(task.media)
    except OSError:
        return False  # the analysis will say what is wrong with the file
    return row.depends_on(
        {
            "input_sha256": content,
            "bundle_sha256": bundle.sha256,
            "avfbel": __version__,
            "settings": settings_of(plan.window, plan.hop, plan.modality),
        }
    )


def _refuse_collisions(tasks: list[Task]) -> None:
    taken: dict[str, str] = {STATUS_NAME: "the list of results"}
    for task in tasks:
        for path in (task.output, task.picture):
            if path is None:
                continue
            if path.name in taken:
                raise UsageError(
                    f"{shown(task.media)} and {shown(taken[path.name])} would both be written to "
                    f"{shown(path.name)}: rename one, or analyse them into different folders"
                )
            taken[path.name] = task.media


def check_writable(folder: Path) -> None:
    """Make a folder if needed and try it; raise UsageError unless results can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = write_whole(folder / ".avfbel-probe", b"")
        probe.unlink()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"results cannot be written into {shown(folder)} ({reason}): choose another output folder"
        ) from error
