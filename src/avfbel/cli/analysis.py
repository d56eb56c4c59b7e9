"""`avfbel analyze` and `avfbel features`: what the model makes of media, and what it measures in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avfbel.cli.app import app
from avfbel.cli.support import SOME_FAILED, guarded, progress_bar, say, say_trace
from avfbel.errors import UsageError

if TYPE_CHECKING:
    from avfbel.runtime.batch import Outcome
    from avfbel.runtime.files import Format


class FileFormat(StrEnum):
    """Formats of result files."""

    csv = "csv"
    parquet = "parquet"
    json = "json"


class Sense(StrEnum):
    """The senses in use."""

    both = "both"
    audio = "audio"
    video = "video"


Media = Annotated[list[Path], typer.Argument(metavar="MEDIA|FOLDER", help="Films, sounds, folders of them.")]
Window = Annotated[float, typer.Option(metavar="S", help="Length of a window, in s.")]
Hop = Annotated[float, typer.Option(metavar="S", help="Time from one window to the next, in s.")]
Jobs = Annotated[int | None, typer.Option(metavar="N", help="Processes; by default one a core.")]


@app.command()
@guarded
def analyze(
    media: Media,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the results; else stdout.")
    ] = None,
    file_format: Annotated[
        FileFormat, typer.Option("--format", help="Format of the results.")
    ] = FileFormat.csv,
    plot: Annotated[bool, typer.Option("--plot", help="Draw each timeline, too.")] = False,
    attribution: Annotated[
        bool, typer.Option("--attribution", help="Tell what contributes to EPP, in further columns.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Write a page for the browser on each, with --attribution.")
    ] = False,
    window: Window = 4.0,
    hop: Hop = 1.0,
    model: Annotated[
        str, typer.Option(metavar="BUNDLE", help="Trained model: a folder or a zip.")
    ] = "default",
    modality: Annotated[Sense, typer.Option(help="The senses to use.")] = Sense.both,
    jobs: Jobs = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip what status.csv in DIR says is done with equal settings.")
    ] = False,
) -> None:
    """Predict emotional positivity over time, with the activity of every region.

    Each input gives DIR/NAME.FORMAT, NAME.png with --plot and NAME.html with --report, a page that plays the
    clip and shows the circuit at work; DIR/status.csv lists what became of each. With --attribution, columns
    tell what each feature of either sense contributes to EPP on each pathway.

    Example: avfbel analyze film.mp4 --out results --plot --report
    """
    from avfbel.runtime.batch import analyze_batch
    from avfbel.runtime.plan import plan_batch

    if out is None and (plot or report or resume or file_format is FileFormat.parquet):
        options = {"--plot": plot, "--report": report, "--resume": resume}
        wanting = next((name for name, wanted in options.items() if wanted), "--format parquet")
        raise UsageError(f"{wanting} needs a folder for files: name it with --out DIR")
    chosen: Format = file_format.value
    plan = plan_batch(
        media,
        out=out,
        file_format=chosen,
        plot=plot,
        window=window,
        hop=hop,
        modality=modality.value,
        attribution=attribution,
        report=report,
    )
    n_failed = n_shown = 0
    with _progress(len(plan.tasks), str(media[0])) as (file_done, second_done):
        for outcome in analyze_batch(plan, model=model, jobs=jobs, resume=resume, progress=second_done):
            _report(outcome, chosen, header=n_shown == 0)
            n_shown += outcome.analysis is not None
            n_failed += not outcome.ok
            file_done()
    if n_failed:
        raise typer.Exit(SOME_FAILED)


@app.command()
@guarded
def features(
    media: Media,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="CSV file to write; else stdout.")] = None,
    window: Window = 4.0,
    hop: Hop = 1.0,
    jobs: Jobs = None,
) -> None:
    """Measure the features of films and sound files, one row a window.

    Example: avfbel features film.mp4 --out features.csv
    """
    from avfbel.files import write_whole
    from avfbel.runtime.feature_table import FEATURE_COLUMNS, feature_rows
    from avfbel.runtime.files import encode_csv
    from avfbel.runtime.plan import check_writable, expand
    from avfbel.senses.windows import check_window

    check_window(window, hop)
    if out is not None:
        check_writable(out.parent)
    paths, faults = expand(media)
    rows: list[Any] = []
    sentences = [sentence for _, sentence in faults]
    with progress_bar("measuring", len(paths)) as advance:
        for measured in feature_rows(paths, window=window, hop=hop, jobs=jobs):
            rows += measured.rows
            sentences += [measured.sentence] * bool(measured.sentence)
            say_trace(measured.trace)
            advance(1)
    table = encode_csv(FEATURE_COLUMNS, rows)
    if out is None:
        typer.echo(table, nl=False)
    else:
        write_whole(out, table)
    for sentence in sentences:
        say(f"avfbel: {sentence}")
    if sentences:
        raise typer.Exit(SOME_FAILED)


@contextmanager
def _progress(n_files: int, name: str) -> Iterator[tuple[Callable[[], None], Callable[[float], None] | None]]:
    """Show how many files are done or, of a single one, how many seconds; yields what to call for each."""
    if n_files > 1:
        with progress_bar("analysing files", n_files) as advance:
            yield lambda: advance(1), None
        return
    shown = 0
    with progress_bar(f"seconds of {Path(name).name} analysed") as advance:

        def up_to(time_s: float) -> None:
            nonlocal shown
            advance(int(time_s) - shown)
            shown = int(time_s)

        yield lambda: None, up_to


def _report(outcome: Outcome, file_format: Format, *, header: bool) -> None:
    """Print a result, or where it is, on stdout; what its reader should know on stderr."""
    from avfbel.runtime.files import encode, encode_csv
    from avfbel.runtime.fold import shown

    analysis, task = outcome.analysis, outcome.task
    if not outcome.ok:
        say_trace(outcome.trace)
        say(f"avfbel: {outcome.sentence}")
    for note in analysis.notes if analysis else ():
        if note != outcome.sentence:
            say(f"avfbel: note: {note}")
    if outcome.resumed:
        say(f"avfbel: note: {shown(outcome.media)} was done before, with equal content, model and settings")
    elif analysis and task and task.output:
        within = sum(window.in_range for window in analysis.windows)
        typer.echo(
            f"{shown(task.output)}: EPP {analysis.epp:.3f}, "
            f"{within} of {len(analysis.windows)} windows in the range of training"
        )
    elif analysis and file_format == "csv":
        typer.echo(encode_csv(analysis.columns, analysis.rows(), header=header), nl=False)
    elif analysis:
        typer.echo(encode(analysis, file_format), nl=False)
