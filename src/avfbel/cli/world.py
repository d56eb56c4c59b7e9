"""`avfbel stimulus` and `avfbel corpus build`: make melodies and films of the bouncing ball."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from avfbel.cli.app import app
from avfbel.cli.support import guarded, progress_bar, writing_to
from avfbel.errors import UsageError

if TYPE_CHECKING:
    from avfbel.stimulus import Clip, Rendition, Score, StimulusParameters
    from avfbel.stimulus.plans import Composer
    from avfbel.stimulus.rendition import Only
    from avfbel.stimulus.score import Variant
    from avfbel.stimulus.sound import Sound

SLIDERS = ("bpm", "jitter", "consonance", "bigsmall", "updown")

corpus = typer.Typer(name="corpus", help="Make many stimuli at once.", no_args_is_help=True)
app.add_typer(corpus)

VariantName = Annotated[str, typer.Option(help="clips-2021 (notes for some seconds) or patch (16 notes).")]
Seconds = Annotated[
    float | None, typer.Option(metavar="S", help="Notes start before this, in s; 3 by default.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Cut sound and film at --seconds.")]
SoundName = Annotated[str, typer.Option(help="piano or sine.")]
SoundFont = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.sf2", help='Play the notes with a sound font (pip install "avfbel[soundfont]").'
    ),
]
Loudness = Annotated[
    float | None,
    typer.Option(metavar="LUFS", help="Bring the sound to this loudness, such as -23 (ITU-R BS.1770)."),
]
OnlyName = Annotated[str | None, typer.Option("--only", help="sound or film: leave the other one out.")]
Size = Annotated[str, typer.Option(metavar="WxH", help="Size of the film in pixels.")]
Before = Annotated[float, typer.Option(metavar="S", help="Silence and stillness before the clip, in s.")]
After = Annotated[float, typer.Option(metavar="S", help="Silence and stillness after it, in s.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same clips.")]


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
    film_of: Annotated[
        str | None, typer.Option(metavar="NAME", help="Show the ball of another of the 38 stimuli.")
    ] = None,
    variant: VariantName = "clips-2021",
    seconds: Seconds = None,
    strict: Strict = False,
    only: OnlyName = None,
    sound: SoundName = "piano",
    soundfont: SoundFont = None,
    loudness: Loudness = None,
    size: Size = "500x600",
    before: Before = 0.0,
    after: After = 0.0,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write to.")] = Path(),
) -> None:
    """Make one clip: .mid, .wav, .mp4 and .json, whose paths are printed.

    Example: avfbel stimulus --from happy --to sad --mix 0.25 --seed 7 --out clips
    """
    from avfbel.files import remove_abandoned_parts
    from avfbel.runtime.plan import check_writable
    from avfbel.stimulus import named, write_stimulus

    sliders = dict(zip(SLIDERS, (bpm, jitter, consonance, bigsmall, updown), strict=True))
    called, parameters = _requested(name, (start, to, mix), sliders)
    rendition = _rendition(only, sound, soundfont, loudness, size, before, after)
    composer = _composer(variant, seconds, strict)
    music, film = composer(parameters, seed), None
    if film_of is not None:
        if only == "sound":
            raise UsageError("--film-of asks for a film and --only sound for none: leave one of the two out")
        if only == "film":
            raise UsageError(
                f"a film of {film_of} alone is --name {film_of} --only film: leave --film-of out"
            )
        called, film = f"{called}_x_{film_of}", composer(named(film_of), seed)
    check_writable(out)
    remove_abandoned_parts(out)
    with writing_to(out):
        paths = write_stimulus(music, out, f"{called}_{seed:04d}", film=film, rendition=rendition)
    for path in paths:
        typer.echo(path)


@corpus.command()
@guarded
def build(
    exemplars: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Clips of each stimulus, point or pair; 20 by default, 1 of points and pairs."
        ),
    ] = None,
    stimuli: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Only these of the 38, as in happy,sad.")
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(metavar="GRID", help="Vary a parameter: bpm=60,120,240 or updown=0:90:4; repeatable."),
    ] = None,
    around: Annotated[
        str | None, typer.Option(metavar="NAME", help="Stimulus with the other parameters of a sweep; happy.")
    ] = None,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Every melody with every film of --stimuli (the five prototypes).")
    ] = False,
    random: Annotated[
        int | None,
        typer.Option(
            "--random", metavar="N", help="N clips of random parameters, none near any of the 38.", min=1
        ),
    ] = None,
    variant: VariantName = "clips-2021",
    seconds: Seconds = None,
    strict: Strict = False,
    only: OnlyName = None,
    sound: SoundName = "piano",
    soundfont: SoundFont = None,
    loudness: Loudness = None,
    size: Size = "500x600",
    before: Before = 0.0,
    after: After = 0.0,
    seed: Seed = 0,
    jobs: Annotated[int | None, typer.Option(metavar="N", help="Processes; one a core by default.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Make only what is missing or would be made otherwise.")
    ] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write to.")] = Path("corpus"),
) -> None:
    """Make exemplars of the 38 stimuli, of a sweep, pairs or random points, and print where manifest.csv is.

    Beside it stands conditions.csv, which PsychoPy reads.

    Example: avfbel corpus build --exemplars 2 --out corpus

    Example: avfbel corpus build --sweep bpm=60:240:4 --sweep consonance=0,37 --around sad --out sweep

    Example: avfbel corpus build --pairs --stimuli happy,sad,angry --exemplars 5 --out congruence

    Example: avfbel corpus build --random 1200 --seed 1 --out world
    """
    from avfbel.runtime.plan import check_writable
    from avfbel.stimulus import build_clips
    from avfbel.stimulus.random_plans import plan_random

    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs must be at least 1, got {jobs}")
    rendition = _rendition(only, sound, soundfont, loudness, size, before, after)
    composer = _composer(variant, seconds, strict)
    if random is None:
        clips = _planned(
            stimuli, sweep, around, pairs=pairs, exemplars=exemplars, seed=seed, composer=composer
        )
    elif sweep or pairs or stimuli is not None or around is not None or exemplars is not None:
        raise UsageError("--random makes a corpus of its own: leave the options of the other kinds out")
    else:
        clips = plan_random(random, seed=seed, composer=composer)
    if pairs and only is not None:
        raise UsageError(f"pairs are of sound and film: leave --pairs or --only {only} out")
    check_writable(out)
    with writing_to(out), progress_bar("making clips", len(clips)) as advance:
        manifest = build_clips(clips, out, jobs=jobs, rendition=rendition, resume=resume, progress=advance)
    typer.echo(manifest)


def _composer(variant: str, seconds: float | None, strict: bool) -> Composer:
    """Make phrases as the options say."""
    from avfbel.stimulus import compose

    def composer(parameters: StimulusParameters, seed: int) -> Score:
        return compose(
            parameters, seed=seed, variant=cast("Variant", variant), seconds=seconds, strict=strict
        )

    return composer


def _rendition(
    only: str | None,
    sound: str,
    soundfont: Path | None,
    loudness: float | None,
    size: str,
    before: float,
    after: float,
) -> Rendition:
    from avfbel.stimulus import Rendition
    from avfbel.stimulus.rendition import parse_size

    return Rendition(
        only=cast("Only | None", only),
        sound=cast("Sound", sound),
        soundfont=soundfont,
        loudness=loudness,
        size=parse_size(size),
        before_s=before,
        after_s=after,
    )


def _planned(
    stimuli: str | None,
    sweep: list[str] | None,
    around: str | None,
    *,
    pairs: bool,
    exemplars: int | None,
    seed: int,
    composer: Composer,
) -> list[Clip]:
    """List the clips of the one corpus that was asked for."""
    from avfbel.stimulus import plan_corpus, plan_pairs, plan_sweep
    from avfbel.stimulus.plans import parse_sweep

    names = None if stimuli is None else [name.strip() for name in stimuli.split(",") if name.strip()]
    if sweep and (pairs or stimuli is not None):
        raise UsageError("a sweep goes --around one stimulus: leave --sweep, or --pairs and --stimuli, out")
    if around is not None and not sweep:
        raise UsageError("--around is for a sweep: add --sweep, such as --sweep bpm=60:240:4")
    if sweep:
        grid = parse_sweep(sweep)
        n = 1 if exemplars is None else exemplars
        return plan_sweep(grid, around=around or "happy", exemplars=n, seed=seed, composer=composer)
    if pairs:
        n = 1 if exemplars is None else exemplars
        return plan_pairs(names, exemplars=n, seed=seed, composer=composer)
    n = 20 if exemplars is None else exemplars
    return plan_corpus(exemplars=n, seed=seed, stimuli=names, composer=composer)


def _requested(
    name: str | None, mixed: tuple[str | None, str | None, float | None], sliders: dict[str, float | None]
) -> tuple[str, StimulusParameters]:
    """Give name and parameters of the one stimulus that was asked for."""
    from avfbel.stimulus import StimulusParameters, blend, named
    from avfbel.stimulus.plans import point_name

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
    point = {k: v for k, v in sliders.items() if v is not None}
    return point_name(point), StimulusParameters(**point)
