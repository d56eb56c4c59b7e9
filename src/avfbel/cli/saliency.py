"""`avfbel saliency`: where in the picture and when in the sound the EPP of a file comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avfbel.cli.app import app
from avfbel.cli.support import SOME_FAILED, guarded, progress_stages, say, writing_to
from avfbel.errors import UsageError


@app.command()
@guarded
def saliency(
    media: Annotated[
        list[str],
        typer.Argument(metavar="[BUNDLE] MEDIA", help="A film or sound; before it a model, if not default."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for tables, picture and film.")],
    window: Annotated[float, typer.Option(metavar="S", help="Length of a window, in s.")] = 4.0,
    hop: Annotated[float, typer.Option(metavar="S", help="Time from one window to the next, in s.")] = 1.0,
    film: Annotated[bool, typer.Option(help="Write the film with its saliency over it, too.")] = True,
) -> None:
    """Show where in the picture and when in the sound EPP comes from.

    Writes DIR/NAME.saliency.png, the tables DIR/NAME.saliency-picture.csv (window, cell, saliency, occlusion)
    and DIR/NAME.saliency-sound.csv (window, time, change), and the overlay film DIR/NAME.saliency.mp4. Needs
    the extra train.

    Example: avfbel saliency film.mp4 --out results
    """
    from avfbel.interpret.lesion_files import names_bundle
    from avfbel.interpret.saliency_files import write_saliency

    if len(media) > 2:
        raise UsageError(f"saliency takes one film or sound, and a model before it, got {len(media)} names")
    if len(media) == 1 and names_bundle(media[0]):
        raise UsageError(f"{media[0]} is a model: name a film or sound after it")
    bundle, path = media if len(media) == 2 else ("default", media[0])
    with progress_stages() as tell, writing_to(out):
        written = write_saliency(path, out, model=bundle, window=window, hop=hop, film=film, progress=tell)
    for note in written.notes:
        say(f"avfbel: note: {note}")
    for file in written.files:
        typer.echo(file)
    if written.fault:
        say(f"avfbel: {written.fault}")
        raise typer.Exit(SOME_FAILED)
