"""`avfbel compose`: clips of which the model says what is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avfbel.cli.analysis import Sense
from avfbel.cli.app import app
from avfbel.cli.support import guarded, progress_stages, say, writing_to
from avfbel.errors import UsageError

if TYPE_CHECKING:
    from avfbel.compose.search import Composition


@app.command()
@guarded
def compose(
    epp: Annotated[float | None, typer.Option(metavar="X", help="Positivity asked for, 0 to 1.")] = None,
    emotion: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="fear, sadness, anger, calm or happiness: as much as can be."),
    ] = None,
    valence: Annotated[float | None, typer.Option(metavar="X", help="Valence asked for, 0 to 1.")] = None,
    count: Annotated[int, typer.Option(metavar="N", help="How many clips.")] = 4,
    within: Annotated[
        float | None, typer.Option(metavar="X", help="How far off they may be; 0.02, of emotions 0.05.")
    ] = None,
    modality: Annotated[Sense, typer.Option(help="Films with sound, sounds, or silent films.")] = Sense.both,
    limits: Annotated[
        list[str] | None,
        typer.Option("--range", metavar="NAME=LOW:HIGH", help="Keep a parameter in a range; repeatable."),
    ] = None,
    budget: Annotated[int, typer.Option(metavar="N", help="How many clips to try.")] = 160,
    model: Annotated[
        str, typer.Option(metavar="BUNDLE", help="Trained model: a folder or a zip.")
    ] = "default",
    seed: Annotated[int, typer.Option(help="The same seed gives the same clips.")] = 0,
    jobs: Annotated[int | None, typer.Option(metavar="N", help="Processes; by default one a core.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write to.")] = Path("composed"),
) -> None:
    """Search the five parameters for clips with the asked positivity, and write diverse ones.

    Writes the clips, DIR/clips.csv with their parameters and what the model says of them, and DIR/space.png.
    If no clip has what was asked for, the nearest ones are written, and a note says so.

    Example: avfbel compose --epp 0.6 --out composed

    Example: avfbel compose --emotion calm --range bpm=60:120 --count 3
    """
    from avfbel.compose.clips import ModelWorld
    from avfbel.compose.picture import draw_space
    from avfbel.compose.search import compose_clips
    from avfbel.compose.table import encode_table
    from avfbel.compose.wish import Wish
    from avfbel.files import write_whole
    from avfbel.runtime.bundle import Bundle
    from avfbel.runtime.figure import encode_figure
    from avfbel.runtime.plan import check_writable

    asked = [
        Wish(quantity=name, target=target)
        for name, target in (("epp", epp), ("valence", valence), (emotion, 1.0 if emotion else None))
        if name is not None and target is not None
    ]
    if len(asked) != 1:
        raise UsageError("ask for one thing: --epp 0.6, --valence 0.6 or --emotion calm")
    ranges = dict(map(_range, limits or []))
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs must be at least 1, got {jobs}")
    check_writable(out)
    with writing_to(out), progress_stages() as tell:
        world = ModelWorld(Bundle.open(model), modality=modality.value, jobs=jobs)
        found = compose_clips(
            *(world, asked[0], out),
            count=count,
            within=within,
            budget=budget,
            ranges=ranges,
            seed=seed,
            tell=tell,
        )
        table = write_whole(out / "clips.csv", encode_table(found))
        picture = write_whole(out / "space.png", encode_figure(draw_space(found), "png"))
    _report(found, count)
    typer.echo(table)
    typer.echo(picture)


def _report(found: Composition, count: int) -> None:
    wish = found.wish
    for clip in found.clips:
        interval = "" if clip.low is None else f" [{clip.low:.3f}, {clip.high:.3f}]"
        values = ", ".join(f"{name} {value:g}" for name, value in vars(clip.parameters).items())
        beyond = "" if clip.written.told.in_range else "; beyond the range of training"
        typer.echo(f"{clip.written.media}: {wish.title} {clip.predicted:.3f}{interval} ({values}){beyond}")
    if not (found.reached or wish.of_emotion):
        say(
            f"avfbel: note: no clip of {found.n_tried} has {wish.title} {wish.target:g} within "
            f"{found.within:g}: these are the nearest; a larger --budget may find others"
        )
    elif len(found.clips) < count:
        say(
            f"avfbel: note: only {len(found.clips)} of {count} were found: try more with --budget, or allow "
            "more with --within"
        )


def _range(text: str) -> tuple[str, tuple[float, float]]:
    name, _, bounds = text.partition("=")
    low, _, high = bounds.partition(":")
    try:
        return name, (float(low), float(high or low))
    except ValueError:
        raise UsageError(f"--range must say NAME=LOW:HIGH, such as bpm=60:120, got {text!r}") from None
