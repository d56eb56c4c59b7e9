"""`avfbel adapt`: a trained model learns on from what one person felt."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from avfbel.cli.app import app
from avfbel.cli.support import guarded, progress_stages, warnings_as_notes, writing_to


@app.command()
@guarded
def adapt(
    bundle: Annotated[
        str, typer.Argument(metavar="BUNDLE", help="Trained model: a folder, a zip, or default.")
    ],
    ratings: Annotated[
        Path, typer.Argument(metavar="RATINGS.csv", help="Manifest of clips with one person's ratings.")
    ],
    out: Annotated[Path, typer.Option(metavar="BUNDLE", help="Folder of the adapted model.")],
    rate: Annotated[
        float,
        typer.Option(
            metavar="X", help="Factor on the model's learning rates: 1 is a step of training a clip."
        ),
    ] = 1.0,
    jobs: Annotated[int | None, typer.Option(help="Processes; one a core by default.", min=1)] = None,
) -> None:
    """Let a model learn on from a few ratings of one person, in their order.

    Each rated clip counts once, however long it is: its windows share one step of learning. Prints, for each
    clip, its EPP as rated, and as predicted before and after.

    Example: avfbel adapt default my-ratings.csv --out my-model
    """
    from avfbel.runtime import Bundle
    from avfbel.runtime.adapt import adapt as learn_on
    from avfbel.runtime.adapt import refuse_same_folder
    from avfbel.runtime.bundle_folder import check_destination

    trained = Bundle.open(bundle)
    refuse_same_folder(trained, out)
    check_destination(out)
    with warnings_as_notes(), progress_stages() as tell:
        learned = learn_on(ratings, model=trained, rate=rate, jobs=jobs, progress=tell)
        with writing_to(out):
            learned.save(out)
    for media, *epp in zip(learned.media, learned.rated, learned.before, learned.after, strict=True):
        rated, before, after = ("-" if math.isnan(value) else f"{value:.3f}" for value in epp)
        typer.echo(f"{media}: EPP rated {rated}, before {before}, after {after}")
    typer.echo(out)
