"""`avfbel stimulus` and `avfbel corpus build`: make melodies and films of the bouncing ball."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from avfbel.cli.app import app
from avfbel.cli.support import guarded, progress_bar, writing_to
from avfbel.errors import UsageError

if TYPE_CHECKING:
    from avfbel.stimulus import StimulusParameters
    from avfbel.stimulus.score import Variant
    from avfbel.stimulus.sound import Sound

SLIDERS = ("bpm", "jitter", "consonance", "bigsmall", "updown")

corpus = typer.Typer(name="corpus", help="Make many stimuli at once.", no_args_is_help=True)
app.add_typer(corpus)


@app.command()
@guarded
def stimulus(
    name: Annotated[
        str | None, typer.Option(help="One of the 38 stimuli, such as happy or angry_sad_25.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="Stimulus to mix from.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Stimulus to mix to.")] = None,
    mix: Annotated[float | None, typer.Option(help="Share of --to in the mix, 0 to 1.")] = None,
    bpm: Annotated[float | None, typer.Option(help="Speed, 30 to 400 notes a minute.")] = None,
    jitter: Annotated[float | None, typer.Option(help="Irregularity, 0 to 99 % of the beat.")] = None,
    consonance: Annotated[
        float | None, typer.Option(help="0 (dissonant, spiky) to 37 (consonant, smooth).")
    ] = None,
    bigsmall: Annotated[float | None, typer.Option(help="Steps and bounces, 0 (small) to 100 (big).")] = None,
    updown: Annotated[
        float | None, typer.Option(help="0 (up, leaning back) to 100 (down, leaning forward).")
    ] = None,
    variant: Annotated[
        str, typer.Option(help="clips-2021 (notes for some seconds) or patch (16 notes).")
    ] = "clips-2021",
    sound: Annotated[str, typer.Option(help="piano or sine.")] = "piano",
    seed: Annotated[int, typer.Option(help="The same seed makes the same clip.")] = 0,
    seconds: Annotated[
        float | None, typer.Option(help="Notes start before this, in s; 3 by default.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Cut sound and film at --seconds.")] = False,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path(),
) -> None:
    """Make one clip: .mid, .wav, .mp4 and .json, whose paths are printed.

    Example: avfbel stimulus --from happy --to sad --mix 0.25 --seed 7 --out clips
    """
    from avfbel.stimulus import compose, write_stimulus
    from avfbel.stimulus.sound import check_sound

    sliders = dict(zip(SLIDERS, (bpm, jitter, consonance, bigsmall, updown), strict=True))
    called, parameters = _requested(name, (start, to, mix), sliders)
    check_sound(sound)
    score = compose(parameters, seed=seed, variant=cast("Variant", variant), seconds=seconds, strict=strict)
    with writing_to(out):
        paths = write_stimulus(score, out, f"{called}_{seed:04d}", sound=cast("Sound", sound))
    for path in paths:
        typer.echo(path)


@corpus.command()
@guarded
def build(
    exemplars: Annotated[int, typer.Option(help="Clips of each of the 38 stimuli.")] = 20,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("corpus"),
    jobs: Annotated[int | None, typer.Option(help="Processes; one a core by default.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same corpus.")] = 0,
) -> None:
    """Make exemplars of the 38 stimuli, with manifest.csv, whose path is printed.

    Example: avfbel corpus build --exemplars 2 --out corpus
    """
    from avfbel.stimulus import build_corpus, named_stimuli

    with writing_to(out), progress_bar("making clips", len(named_stimuli()) * exemplars) as advance:
        manifest = build_corpus(out, exemplars=exemplars, jobs=jobs, seed=seed, progress=advance)
    typer.echo(manifest)


def _requested(
    name: str | None, mixed: tuple[str | None, str | None, float | None], sliders: dict[str, float | None]
) -> tuple[str, StimulusParameters]:
    """Give name and parameters of the one stimulus that was asked for."""
    from avfbel.stimulus import StimulusParameters, blend, named

    start, to, share = mixed
    ways = [name is not None, any(m is not None for m in mixed), any(s is not None for s in sliders.values())]
    if sum(ways) != 1:
        raise UsageError(
            "say which stimulus: by --name, by --from, --to and --mix, or by the five sliders from --bpm on"
        )
    if name is not None:
        return name, named(name)
    if ways[1]:
        if start is None or to is None or share is None:
            raise UsageError("a mix needs --from, --to and --mix, such as --from happy --to sad --mix 0.25")
        return f"{start}_{to}_{share * 100:g}", blend(start, to, share)
    missing = [f"--{slider}" for slider, value in sliders.items() if value is None]
    if missing:
        raise UsageError(f"all five sliders are needed: add {', '.join(missing)}")
    return "sliders", StimulusParameters(**{k: v for k, v in sliders.items() if v is not None})
