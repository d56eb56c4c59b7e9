"""Many inputs in one run: a bad one never loses the others, and what is done stays done."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

from avfbel._version import __version__
from avfbel.errors import InputError, system_sentence
from avfbel.files import remove_parts, write_whole
from avfbel.parallel import map_tasks
from avfbel.runtime.attribution import reference_of
from avfbel.runtime.files import encode
from avfbel.runtime.fold import analyze, digest, settings_of, shown
from avfbel.runtime.plan import BatchPlan, Task
from avfbel.runtime.report import mark_of, origin_of
from avfbel.runtime.status import Status, origin, read_status, write_status

if TYPE_CHECKING:
    from avfbel.runtime.analysis import Analysis
    from avfbel.runtime.bundle import Bundle
    from avfbel.runtime.engine import Predictor

_STATUS_EVERY_S = 1.0


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
    trace : str
        The traceback of what went wrong, for those who mend avfbel; empty if nothing did.
    """

    media: str
    ok: bool
    sentence: str = ""
    task: Task | None = None
    analysis: Analysis | None = None
    resumed: bool = False
    trace: str = ""


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
        If the bundle cannot be used, or lacks what attribution compares with: before any work.
    UsageError
        If the output folder holds a `status.csv` that is something else.
    """
    from avfbel.runtime.engine import Predictor

    predictor = Predictor(model)
    if plan.attribution:
        reference_of(predictor.bundle)
    rows = {name: row for name, row in read_status(plan.out).items() if row.output} if plan.out else {}
    for media, sentence in plan.faults:
        rows[media] = Status(media=shown(media), status="failed", sentence=sentence)
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
        if plan.out and (todo or plan.faults):
            write_status(plan.out, rows)


def _outcomes(
    todo: list[Task],
    plan: BatchPlan,
    predictor: Predictor,
    jobs: int | None,
    progress: Callable[[float], None] | None,
) -> Iterator[Outcome]:
    def clean_up(process_ids: list[int]) -> None:
        remove_parts([path for task in todo for path in task.files], process_ids)

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
            attribution=plan.attribution,
            threads=tools.threads,
            progress=tools.progress,
        )
        if task.output:
            write_whole(task.output, encode(analysis, plan.file_format))
        if task.picture:
            analysis.plot(task.picture)
        if task.attribution_picture:
            analysis.plot_attribution(task.attribution_picture)
        if task.report:
            analysis.report(task.report, media=task.media, threads=tools.threads)
    except Exception as error:  # whatever it is, it is not to lose the other files
        return Outcome(
            media=task.media,
            ok=False,
            sentence=sentence_of(error, task.media),
            task=task,
            trace=traceback.format_exc(),
        )
    early = "" if analysis.complete else analysis.notes[-1]
    return Outcome(media=task.media, ok=analysis.complete, sentence=early, task=task, analysis=analysis)


def sentence_of(error: Exception, media: str) -> str:
    """Return one sentence about what went wrong with a file."""
    if isinstance(error, InputError | ImportError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{system_sentence(error)} (while {shown(media)} was analysed)"
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
    if row is None or row.status != "ok" or task.output is None:
        return False
    if not all(path.is_file() for path in task.files):
        return False
    try:
        content = digest(task.media)
    except OSError:
        return False  # the analysis will say what is wrong with the file
    provenance = {
        "input_sha256": content,
        "bundle_sha256": bundle.sha256,
        "avfbel": __version__,
        "settings": settings_of(plan.window, plan.hop, plan.modality, plan.attribution),
    }
    return row.depends_on(provenance) and (not task.report or origin_of(task.report) == mark_of(provenance))
