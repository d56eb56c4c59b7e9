"""`avfbel explain`: the time course of every region, and regressors for a scanner."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avfbel.cli.analysis import Hop, Sense, Window
from avfbel.cli.app import app
from avfbel.cli.support import SOME_FAILED, guarded, progress_stages, say, warnings_as_notes
from avfbel.errors import UsageError

if TYPE_CHECKING:
    from avfbel.interpret.traces_export import TraceFormat


class TableFormat(StrEnum):
    """Formats of traces."""

    csv = "csv"
    parquet = "parquet"
    bids = "bids"
    elan = "elan"


class HrfName(StrEnum):
    """Haemodynamic responses."""

    spm = "spm"
    glover = "glover"


@app.command()
@guarded
def explain(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.")],
    named: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BUNDLE] MEDIA", help="A film or sound, after a trained model if not default."
        ),
    ] = None,
    file_format: Annotated[
        list[TableFormat] | None, typer.Option("--format", help="Format of the traces; can be repeated.")
    ] = None,
    window: Window = 4.0,
    hop: Hop = 0.25,
    model: Annotated[
        str | None, typer.Option(metavar="BUNDLE", help="Trained model, if it is not named before MEDIA.")
    ] = None,
    modality: Annotated[Sense, typer.Option(help="The senses to use.")] = Sense.both,
    events: Annotated[
        Path | None, typer.Option(metavar="EVENTS.tsv", help="What was shown when in a scanner (BIDS).")
    ] = None,
    clips: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Clips of the events, named after their stimuli.")
    ] = None,
    tr: Annotated[
        float | None, typer.Option(metavar="S", help="Repetition time of the scanner, in s.")
    ] = None,
    n_scans: Annotated[int | None, typer.Option(metavar="N", help="Number of volumes of the run.")] = None,
    columns: Annotated[
        str, typer.Option(metavar="NAME,...", help="Traces that become regressors: names, emotions, regions.")
    ] = "epp",
    hrf: Annotated[HrfName, typer.Option(help="Haemodynamic response.")] = HrfName.spm,
    slice_time_ref: Annotated[
        float, typer.Option(metavar="X", help="Share of the TR at which a volume counts; 0.5 after fMRIPrep.")
    ] = 0.0,
) -> None:
    """Follow a clip through every region of the model: a table of time courses, and a figure of them.

    Writes DIR/NAME.traces.csv (or the formats asked for) and DIR/NAME.traces.png. With --events, --tr and
    --n-scans, also a design matrix for nilearn: each event shows its clip of --clips, or else MEDIA.

    Example: avfbel explain film.mp4 --out traces --format csv --format bids
    """
    from avfbel.interpret.design_files import plan_design, save_design
    from avfbel.interpret.traces import trace
    from avfbel.interpret.traces_export import save_all
    from avfbel.runtime import Predictor
    from avfbel.runtime.files import require_parquet
    from avfbel.runtime.plan import check_writable
    from avfbel.senses.windows import check_window

    bundle, media = _model_and_media(named or [], model)
    if media is None and clips is None:
        raise UsageError("explain needs a MEDIA file, or events with --clips: name a film or sound")
    if (events is None) != (tr is None) or (events is None) != (n_scans is None):
        raise UsageError("regressors need all three of --events EVENTS.tsv, --tr S and --n-scans N")
    if clips is not None and events is None:
        raise UsageError("--clips holds what events show: name these with --events EVENTS.tsv")
    formats: list[TraceFormat] = [kind.value for kind in dict.fromkeys(file_format or [TableFormat.csv])]
    if "parquet" in formats:
        require_parquet()
    check_window(window, hop)
    check_writable(out)
    predictor = Predictor(bundle)
    plan = None
    if events is not None and tr is not None and n_scans is not None:
        plan = plan_design(
            events,
            regions=predictor.bundle.regions,
            clips=clips,
            tr=tr,
            n_scans=n_scans,
            columns=columns.split(","),
            hrf=hrf.value,
            slice_time_ref=slice_time_ref,
        )
    traces = None
    with warnings_as_notes(), progress_stages() as tell:
        if media is not None:
            traces = trace(
                media,
                model=predictor,
                window=window,
                hop=hop,
                modality=modality.value,
                progress=lambda time_s: tell("seconds traced", int(time_s), 0),
            )
            for path in save_all(traces, out, formats):
                typer.echo(path)
        if plan is not None:
            for path in save_design(
                plan, out, traces=traces, model=predictor, window=window, hop=hop, progress=tell
            ):
                typer.echo(path)
    for note in traces.notes if traces else ():
        say(f"note: {note}")
    if traces is not None and not traces.complete:
        raise typer.Exit(SOME_FAILED)


def _model_and_media(named: list[str], model: str | None) -> tuple[str, str | None]:
    """Tell model and clip apart: the last name is the clip, unless it can only be a model."""
    from avfbel.interpret.lesion_files import names_bundle

    if len(named) > 2:
        raise UsageError(
            f"explain takes one MEDIA file, after a BUNDLE at most; these are {len(named)} names"
        )
    names = list(named)
    only_a_model = len(names) == 1 and names_bundle(names[0])
    media = names.pop() if names and not only_a_model else None
    if names and model is not None:
        raise UsageError(f"the model is named twice, {names[0]} and {model}: leave one of them out")
    return (names[0] if names else model) or "default", media
