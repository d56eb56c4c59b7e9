"""`avfbel weights`: heat maps of what the limbic system has learned, and how sparse it is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from avfbel.cli.app import app
from avfbel.cli.support import guarded, writing_to


@app.command()
@guarded
def weights(
    model: Annotated[
        str, typer.Argument(metavar="[BUNDLE]", help="Trained model: a folder or a zip.")
    ] = "default",
    stimuli: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Stimuli that A, O and E are drawn for; the five prototypes."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the clips that are made of them.")] = 0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the figure and tables.")] = Path(
        "weights"
    ),
) -> None:
    """Draw the weights V, U and W of the limbic system, and its activity A, O and E at some stimuli.

    DIR gets weights.png, weights.csv (all values) and weights.json (sparsity). Printed are, for each of the
    six, the shares of exact zeros and of values below 1 % of the largest, and Hoyer's index.

    Example: avfbel weights --stimuli happy,sad --out weights
    """
    from avfbel.interpret.weights import PROTOTYPES, limbic_maps, write_maps
    from avfbel.runtime.plan import check_writable

    names = (
        PROTOTYPES if stimuli is None else tuple(name.strip() for name in stimuli.split(",") if name.strip())
    )
    check_writable(out)
    maps = limbic_maps(model, names, seed=seed)
    with writing_to(out):
        paths = write_maps(maps, out)
    for name, of in maps.sparsity().items():
        index = "no Hoyer index" if math.isnan(of.hoyer) else f"Hoyer {of.hoyer:.3f}"
        typer.echo(f"{name}: {of.n} values, zeros {of.zeros:.3f}, near zero {of.near_zero:.3f}, {index}")
    for path in paths:
        typer.echo(path)
