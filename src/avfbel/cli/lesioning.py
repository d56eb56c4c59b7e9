"""`avfbel lesion`: silence or scale regions of the model, and see what it changes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avfbel.cli.app import app
from avfbel.cli.support import SOME_FAILED, guarded, progress_stages, say, warnings_as_notes
from avfbel.errors import UsageError

if TYPE_CHECKING:
    from avfbel.interpret.lesion_study import LesionStudy


class TableFormat(StrEnum):
    """Formats of the table."""

    csv = "csv"
    json = "json"


@app.command()
@guarded
def lesion(
    media: Annotated[
        list[str],
        typer.Argument(
            metavar="[BUNDLE] MEDIA",
            help="Films, sounds, folders, corpora, manifests; first a trained model, if not the default.",
        ),
    ],
    region: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A region; sound, sight or thalamus; visual cortex, auditory cortex or limbic system; or "
            "all, one after the other (the default). Repeatable: together.",
        ),
    ] = None,
    gain: Annotated[
        float | None, typer.Option(metavar="G", help="Factor on what leaves it: 0, the default, silences.")
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="FROM:TO:N", help="N gains in even steps instead, such as 0:2:9.")
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="The regions one after the other, not together.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the results; else stdout.")
    ] = None,
    file_format: Annotated[
        TableFormat, typer.Option("--format", help="Format of the table.")
    ] = TableFormat.csv,
    plot: Annotated[
        bool, typer.Option("--plot", help="Draw it, too: a matrix, or curves over a sweep.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(metavar="BUNDLE", help="Trained model: a folder or a zip.")
    ] = None,
    window: Annotated[float, typer.Option(metavar="S", help="Length of a window, in s.")] = 4.0,
    hop: Annotated[float, typer.Option(metavar="S", help="Time from one window to the next, in s.")] = 1.0,
    jobs: Annotated[int | None, typer.Option(metavar="N", help="Processes; by default one a core.")] = None,
) -> None:
    """Silence or scale regions of the model, and tell how that changes what it feels.

    The table holds the change (lesioned - intact) of EPP, valence and the five emotions over all clips, with
    95 % intervals over stimuli: each file is one, or what the manifest says. DIR gets lesions.csv (or .json)
    and, with --plot, lesion_matrix.png or lesion_sweep.png.

    Example: avfbel lesion film.mp4 --region amygdala --region IT --each
    """
    from avfbel.interpret.lesion_files import parse_sweep, split_bundle, write_study
    from avfbel.interpret.lesion_study import lesion as lesion_media
    from avfbel.runtime.plan import check_writable

    if out is None and plot:
        raise UsageError("--plot needs a folder for files: name it with --out DIR")
    if gain is not None and sweep is not None:
        raise UsageError("--gain is one gain and --sweep several: choose one of them")
    bundle, inputs = split_bundle(media, model)
    gains = parse_sweep(sweep) if sweep is not None else (0.0 if gain is None else gain,)
    if out is not None:
        check_writable(out)
    with warnings_as_notes(), progress_stages() as tell:
        study = lesion_media(
            inputs,
            region or ("all",),
            gains=gains,
            each=each,
            model=bundle,
            window=window,
            hop=hop,
            jobs=jobs,
            progress=tell,
        )
    for sentence in study.faults:
        say(f"avfbel: {sentence}")
    for note in study.notes:
        say(f"avfbel: note: {note}")
    if out is None:
        _print(study, file_format)
    else:
        for path in write_study(study, out, file_format=file_format.value, plot=plot):
            typer.echo(path)
    if study.faults:
        raise typer.Exit(SOME_FAILED)


def _print(study: LesionStudy, file_format: TableFormat) -> None:
    from avfbel.interpret.lesion_files import encode_study

    typer.echo(encode_study(study, file_format.value), nl=False)
