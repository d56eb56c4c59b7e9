"""`avfbel demo`: see the whole of it work in under a minute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avfbel.cli.app import app
from avfbel.cli.support import guarded, progress_bar, writing_to


@app.command()
@guarded
def demo(
    out: Annotated[Path, typer.Option(help="Folder for clips, results and reports.")] = Path("avfbel-demo"),
    seed: Annotated[
        int | None, typer.Option(help="Seed of the first clip; fresh seeds by default.", min=0)
    ] = None,
) -> None:
    """Make four clips, analyse them, and set the model beside the people who rated such clips.

    Example: avfbel demo --out demo
    """
    from avfbel.demo import STIMULI, demonstrate, held_out
    from avfbel.runtime import Bundle

    seeds = None if seed is None else range(seed, seed + len(STIMULI))
    bundle = Bundle.open("default")
    with writing_to(out), progress_bar("making and analysing clips", len(STIMULI)) as advance:
        shown = demonstrate(out, seeds=seeds, model=bundle, progress=advance)

    typer.echo(f"{'clip':<20} {'EPP people':>11} {'EPP model':>10}  {'strongest emotion, model':<24}")
    for clip in shown:
        strongest = max(clip.analysis.emotions, key=clip.analysis.emotions.__getitem__)
        typer.echo(
            f"{clip.media.name:<20} {clip.human_epp:>11.2f} {clip.analysis.epp:>10.2f}  {strongest:<24}"
        )
    typer.echo(
        "\nThe model was trained on these four kinds of clip, among others; the clips themselves are new."
    )
    figures = held_out(bundle.card)
    if figures:
        typer.echo(
            f"On kinds it had never met (leave-stimulus-out, {figures['n']} stimuli): "
            f"r = {figures['r']:.2f} [{figures['r_low']:.2f}, {figures['r_high']:.2f}]."
        )
    typer.echo("Reports, to be opened in a browser:")
    for clip in shown:
        typer.echo(f"  {clip.media}.html")
    typer.echo(f"Picture: {out / 'demo.png'}")
