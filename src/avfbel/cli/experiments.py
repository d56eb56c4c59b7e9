"""`avfbel experiment`: mismatched pairs, delays and degraded senses, shown to the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avfbel.cli.app import app
from avfbel.cli.support import guarded, progress_stages, writing_to
from avfbel.errors import UsageError

if TYPE_CHECKING:
    from avfbel.interpret.experiments import Experiment

experiment = typer.Typer(
    name="experiment",
    help="Show the model audio-visual experiments.\n\n"
    "Example: avfbel experiment congruence --stimuli happy,sad,angry --out congruence",
    no_args_is_help=True,
)
app.add_typer(experiment)

Model = Annotated[str, typer.Option(metavar="BUNDLE", help="Trained model: a folder or a zip.")]
Stimuli = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Only these of the 38 stimuli, as in happy,sad.")
]
Exemplars = Annotated[int, typer.Option(metavar="N", help="Clips of each stimulus.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same clips.")]
Jobs = Annotated[int | None, typer.Option(metavar="N", help="Processes; by default one a core.")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for tables, findings and figure.")]


@experiment.command()
@guarded
def congruence(
    model: Model = "default",
    stimuli: Stimuli = None,
    exemplars: Exemplars = 1,
    seed: Seed = 0,
    jobs: Jobs = None,
    out: Out = Path("experiment"),
) -> None:
    """Pair the music of every stimulus with the film of every stimulus.

    Example: avfbel experiment congruence --stimuli happy,sad,angry --exemplars 3 --out congruence
    """
    from avfbel.interpret import congruence as run

    names = _names(stimuli)
    _check(out)
    with progress_stages() as tell:
        found = run(names, model=model, exemplars=exemplars, seed=seed, jobs=jobs, progress=tell)
    _write(found, out)


@experiment.command()
@guarded
def delay(
    delays: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Seconds of the sound behind the picture: --delays=-1,1."),
    ] = None,
    model: Model = "default",
    stimuli: Stimuli = None,
    exemplars: Exemplars = 1,
    seed: Seed = 0,
    jobs: Jobs = None,
    out: Out = Path("experiment"),
) -> None:
    """Delay the sound of clips against their picture.

    Example: avfbel experiment delay --stimuli happy,sad,angry --delays=-0.5,-0.2,0.2,0.5 --out delay
    """
    from avfbel.interpret import asynchrony
    from avfbel.interpret.experiment_alterations import DELAYS_S

    steps = DELAYS_S if delays is None else _numbers(delays)
    names = _names(stimuli)
    _check(out)
    with progress_stages() as tell:
        found = asynchrony(
            names, delays=steps, model=model, exemplars=exemplars, seed=seed, jobs=jobs, progress=tell
        )
    _write(found, out)


@experiment.command()
@guarded
def degrade(
    how: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND[=LIST]",
            help="noise, attenuation, contrast or frames, with levels of your own: noise=20,0. Repeatable.",
        ),
    ] = None,
    model: Model = "default",
    stimuli: Stimuli = None,
    exemplars: Exemplars = 1,
    seed: Seed = 0,
    jobs: Jobs = None,
    out: Out = Path("experiment"),
) -> None:
    """Degrade the sound or the picture of clips, and leave the other as it is.

    Example: avfbel experiment degrade --how noise --how contrast=0.5,0.1 --stimuli happy,sad --out degrade
    """
    from avfbel.interpret import degradation
    from avfbel.interpret.experiment_alterations import LEVELS

    levels = dict(LEVELS) if not how else dict(_way(text) for text in how)
    names = _names(stimuli)
    _check(out)
    with progress_stages() as tell:
        found = degradation(
            names, levels=levels, model=model, exemplars=exemplars, seed=seed, jobs=jobs, progress=tell
        )
    _write(found, out)


def _way(text: str) -> tuple[str, tuple[float, ...]]:
    """Read a way to degrade, and its levels: those of the package if none are given."""
    from avfbel.interpret.experiment_alterations import LEVELS

    kind, equals, values = text.partition("=")
    if kind not in LEVELS:
        raise UsageError(f"no way to degrade is called {kind!r}: choose one of {', '.join(LEVELS)}")
    return kind, _numbers(values) if equals else LEVELS[kind]


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(value) for value in text.split(","))
    except ValueError:
        raise UsageError(f"numbers are written 0.2,0.5,1, got {text!r}") from None


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _check(out: Path) -> None:
    from avfbel.runtime.plan import check_writable

    check_writable(out)


def _write(found: Experiment, out: Path) -> None:
    """Print what was found, and the paths of its files."""
    from avfbel.interpret.experiments import write_experiment

    with writing_to(out):
        paths = write_experiment(found, out)
    for sentence in found.sentences():
        typer.echo(sentence)
    for path in paths:
        typer.echo(path)
