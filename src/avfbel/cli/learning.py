"""`avfbel train` and `avfbel evaluate`: learn from clips and ratings, and find out what was learned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avfbel.cli.app import app
from avfbel.cli.support import guarded, progress_stages, say, warnings_as_notes, writing_to

if TYPE_CHECKING:
    from avfbel.learn import Settings
    from avfbel.learn.resume import Kept

Data = Annotated[
    str, typer.Argument(metavar="DATA", help="sievers2021, or the CSV manifest of your own clips.")
]
Exemplars = Annotated[int, typer.Option(help="For sievers2021: clips of each of the 38 stimuli.", min=1)]
Corpus = Annotated[
    Path | None,
    typer.Option(help="For sievers2021: a corpus made before, instead of the one in the user's cache."),
]
Epochs = Annotated[
    int | None, typer.Option(help="Passes of training; the model's own number by default.", min=1)
]
Seed = Annotated[int, typer.Option(help="The same seed trains the same model.", min=0)]
Jobs = Annotated[int | None, typer.Option(help="Processes; one a core by default.", min=1)]


Cortex = Annotated[
    str,
    typer.Option(
        help="Sensory regions: the shipped ones (default), a file of `avfbel pretrain`, or none, which lets "
        "them learn from the ratings."
    ),
]


@app.command()
@guarded
def pretrain(
    clips: Annotated[
        Path, typer.Argument(metavar="CLIPS", help="A corpus folder, or a manifest; ratings are not read.")
    ],
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("cortex.safetensors"),
    epochs: Epochs = None,
    seed: Seed = 0,
    jobs: Jobs = None,
) -> None:
    """Let visual cortex, auditory cortex and temporal gyrus learn from clips that nobody rated.

    They learn to tell what eye and ear measure. Models that are trained with --cortex FILE then learn
    feelings only, from few rated clips.

    Example: avfbel corpus build --random 1200 --out world && avfbel pretrain world --out cortex.safetensors
    """
    from avfbel.data.dataset import load_unrated
    from avfbel.errors import UsageError
    from avfbel.learn.cortex import learn_cortex, line_settings, write_cortex
    from avfbel.runtime.plan import check_writable

    settings = line_settings(epochs=epochs, seed=seed)
    if out.is_dir():
        raise UsageError(f"{out} is a folder: name a file for the cortex")
    check_writable(out.parent)
    with warnings_as_notes(), progress_stages() as tell:
        data = load_unrated(clips, jobs=jobs, progress=tell)
        cortex = learn_cortex(
            data, settings, progress=lambda epoch, _loss: tell("learning", epoch, settings.epochs)
        )
        with writing_to(out):
            write_cortex(cortex, out)
    typer.echo("r between what the code tells and what was measured, in clips held out")
    for name, r in cortex.story["fidelity"].items():
        typer.echo(f"  {name:<12} {r:.3f}")
    typer.echo(out)


@app.command()
@guarded
def train(
    data: Data,
    model: Annotated[
        str, typer.Option(help="avf-bel, or its halves m-bel (sound) and a-bel (picture).")
    ] = "avf-bel",
    out: Annotated[Path, typer.Option(help="Folder of the bundle.")] = Path("bundle"),
    exemplars: Exemplars = 20,
    corpus: Corpus = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    cortex: Cortex = "default",
    jobs: Jobs = None,
) -> None:
    """Train a model, find out by cross-validation what it is worth, and write it as a bundle with its card.

    Example: avfbel train clips.csv --model m-bel --out my-model
    """
    from avfbel.data import load_dataset
    from avfbel.learn import Settings
    from avfbel.learn.candidates import circuit
    from avfbel.learn.training import check_model, train_bundle
    from avfbel.runtime.bundle_folder import check_destination

    check_model(model)
    check_destination(out)
    settings = Settings(epochs=epochs, seed=seed, cortex=cortex)
    circuit(model, settings)  # says now, not after an hour of measuring, if torch is not installed
    with warnings_as_notes(), progress_stages() as tell:
        clips = load_dataset(data, corpus=corpus, exemplars=exemplars, jobs=jobs, progress=tell)
        with writing_to(out):
            card = train_bundle(model, clips, out, settings=settings, jobs=jobs, progress=tell)
    for protocol, metrics in card["metrics"].items():
        _print_metrics(f"{card['name']}, {protocol}", metrics)
    if not card["metrics"]:
        typer.echo("fewer than three stimuli: nothing could be held out, so that the card has no figures")
    typer.echo(out)


@app.command()
@guarded
def evaluate(
    data: Data,
    model: Annotated[
        list[str],
        typer.Option(
            help="avf-bel, m-bel, a-bel, avf-bel-ratings, avf-bel-gradient, bel, bel-m, bel-a, mean, ridge, "
            "gp, svr, mlp, transformer or late-fusion; repeatable."
        ),
    ],
    protocol: Annotated[
        str,
        typer.Option(
            help="leave-stimulus-out, leave-prototype-out, leave-participant-out, cross-panel, k-fold, "
            "leave-group-out:COLUMN or personalised."
        ),
    ] = "leave-stimulus-out",
    target: Annotated[str | None, typer.Option(help="Print only epp or valence.")] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for figures and predictions.")] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Take the folds that an interrupted run with this --out finished."),
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="For sievers2021: the folder that holds ratings.csv, single ratings.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="PNG, SVG or PDF: predicted against rated.")] = None,
    exemplars: Exemplars = 20,
    corpus: Corpus = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    cortex: Cortex = "default",
    jobs: Jobs = None,
) -> None:
    """Predict clips whose stimulus (or group) the model has not met, and compare with what people felt.

    Example: avfbel evaluate clips.csv --model m-bel --model ridge --protocol leave-group-out:speaker
    """
    from avfbel.data import load_dataset
    from avfbel.errors import UsageError
    from avfbel.files import write_whole
    from avfbel.learn import Settings, cross_validate, make_candidate
    from avfbel.learn.crossvalidation import check_request
    from avfbel.learn.evaluation import TARGETS
    from avfbel.learn.panel import panel_if_any
    from avfbel.learn.protocols import PERSONALISED
    from avfbel.learn.resume import Kept, digest_data
    from avfbel.runtime.files import encode_json
    from avfbel.runtime.plan import check_writable

    if target is not None and target not in TARGETS:
        raise UsageError(f"no target {target!r}: choose one of {', '.join(TARGETS)}")
    if resume and out is None:
        raise UsageError("--resume goes on with what an earlier run was to write: name it with --out")
    for path in (out, plot):
        if path is not None and path.is_dir():
            raise UsageError(f"{path} is a folder: name a {'JSON' if path is out else 'picture'} file")
    if plot is not None and plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"{plot}: a picture is written as .png, .svg or .pdf")
    model = list(dict.fromkeys(model))
    if protocol == PERSONALISED:
        if resume:
            raise UsageError("personalised keeps no folds to go on with: leave --resume out")
        settings = Settings(epochs=epochs, seed=seed, cortex=cortex)
        options = {"corpus": corpus, "exemplars": exemplars, "data_dir": data_dir, "jobs": jobs}
        _personalise(model, data, settings, options, target=target, out=out, plot=plot)
        return
    check_request(model, protocol, data, corpus=corpus, data_dir=data_dir)
    settings = Settings(epochs=epochs, seed=seed, cortex=cortex)
    for name in model:
        make_candidate(name, settings)  # says now, not after an hour of measuring, if torch is not installed
    for path in (out, plot):
        if path is not None:
            check_writable(path.parent)
    results = []
    with warnings_as_notes(), progress_stages() as tell:
        clips = load_dataset(data, corpus=corpus, exemplars=exemplars, jobs=jobs, progress=tell)
        panel = panel_if_any(clips, protocol, data_dir)
        kept = None
        if out is not None:
            kept = Kept(out.with_name(f"{out.name}.parts"), digest_data(clips, panel))
            if not resume:
                kept.discard()
        for name in model:
            with _resumable(kept):
                result = cross_validate(
                    name, clips, protocol, settings=settings, panel=panel, kept=kept, jobs=jobs, progress=tell
                )
            _print_metrics(f"{name}, {protocol}", result.metrics(), target)
            _print_report(result.report(), target)
            results.append(result)
    comparison = _comparison(results, target)
    if out is not None:
        content = {"data": data, "seed": seed, "epochs": epochs, "cortex": cortex, "comparison": comparison}
        content["results"] = [result.to_dict() for result in results]
        write_whole(out, encode_json(content))
    if plot is not None:
        _draw(results, plot, target or "epp")
    if kept is not None:
        kept.discard()


def _personalise(
    models: list[str],
    data: str,
    settings: Settings,
    options: dict[str, Any],
    *,
    target: str | None,
    out: Path | None,
    plot: Path | None,
) -> None:
    """Evaluate under the protocol `personalised`, which has no folds; print, and write what is asked."""
    from avfbel.files import whole_files, write_whole
    from avfbel.learn import make_candidate
    from avfbel.learn.personalised_run import check_personalised, run_personalised
    from avfbel.runtime.files import encode_json
    from avfbel.runtime.plan import check_writable

    check_personalised(models, data, data_dir=options["data_dir"], plot=plot is not None)
    for name in models:
        make_candidate(name, settings)  # says now, not after an hour of measuring, if a cortex cannot be read
    for path in (out, plot):
        if path is not None:
            check_writable(path.parent)
    with warnings_as_notes(), progress_stages() as tell:
        results = run_personalised(models, data, settings, progress=tell, **options)
    for name, result in results.items():
        typer.echo(f"{name}, personalised")
        for line in result.lines(target=target):
            typer.echo(line)
    if out is not None:
        content = {"data": data, "seed": settings.seed, "epochs": settings.epochs, "cortex": settings.cortex}
        whole = {**content, "results": {name: result.to_dict() for name, result in results.items()}}
        write_whole(out, encode_json(whole))
    if plot is not None:
        from matplotlib.figure import Figure

        figure = Figure(layout="constrained")
        results[models[0]].plot(figure.subplots(), target=target or "epp").legend(fontsize="small")
        with whole_files(plot) as (part,):
            figure.savefig(part, format=plot.suffix[1:].lower(), dpi=150)


@contextmanager
def _resumable(kept: Kept | None) -> Iterator[None]:
    """Say how to go on, if an interruption leaves finished folds behind."""
    try:
        yield
    except KeyboardInterrupt:
        if kept is not None and kept.folder.is_dir():
            say(f"note: finished folds are in {kept.folder}: the same command with --resume goes on there")
        raise


def _print_report(report: dict[str, Any], target: str | None = None) -> None:
    """Print what r alone does not say: the binary view, single ratings, and the lines to compare with."""
    names = {"mae": "MAE", "balanced_accuracy": "bal.acc", "mcc": "MCC", "precision": "prec", "recall": "rec"}
    heads = [*names.values(), "F1", "all+ F1", "r ceiling", "r rating", "r others"]
    typer.echo(f"  {'':<14} " + " ".join(f"{head:>9}" for head in heads))
    for modality, of in report.items():
        for name, part in of.items():
            if target not in (None, name):
                continue
            level = "means" if "means" in part else "ratings"
            figures = [part[level][metric][0] for metric in (*names, "f1")]
            figures.append(part["all_positive"][level]["f1"])
            figures.append(part.get("ceiling", {}).get("r"))
            figures.append(part["ratings"]["r"][0] if "ratings" in part else None)
            figures.append(part.get("rater_versus_rest"))
            typer.echo(f"  {modality + ' ' + name:<14} " + " ".join(f"{_number(x):>9}" for x in figures))


def _comparison(results: list[Any], target: str | None) -> list[dict[str, Any]]:
    """Print the paired differences in r of every two models, and return those of all metrics."""
    from avfbel.learn.compare import compare

    if len(results) < 2:
        return []
    table = compare(results)
    typer.echo("paired differences in r, with 95 % intervals over stimuli")
    for row in table[table["metric"] == "r"].to_dict(orient="records"):
        if target in (None, row["target"]):
            pair = f"{row['first']} {row['verdict']} {row['second']}"
            if row["verdict"] not in ("beats", "is beaten by"):
                pair = f"{row['first']} and {row['second']}: {row['verdict']}"
            typer.echo(
                f"  {row['modality'] + ' ' + row['target']:<14} {pair}: "
                f"{row['difference']:+.2f} [{_number(row['low'])}, {_number(row['high'])}]"
            )
    return [
        {str(name): None if value != value else value for name, value in row.items()}
        for row in table.to_dict(orient="records")
    ]


def _draw(results: list[Any], path: Path, target: str) -> None:
    """Draw every model in a panel of its own, of the richest perception that it has."""
    from matplotlib.figure import Figure

    from avfbel.files import whole_files

    shown = [result for result in results if len(result.stimulus)]
    figure = Figure(figsize=(4.2 * max(len(shown), 1), 4.6), layout="constrained")
    for result, ax in zip(shown, figure.subplots(1, max(len(shown), 1), squeeze=False)[0], strict=False):
        modality = next(kind for kind in ("fused", "video", "audio") if kind in result.modality)
        result.plot(ax, modality=modality, target=target)
    with whole_files(path) as (part,):
        figure.savefig(part, format=path.suffix[1:].lower(), dpi=150)


def _print_metrics(title: str, metrics: dict[str, Any], target: str | None = None) -> None:
    typer.echo(title)
    typer.echo(f"  {'':<14} {'r':>6} {'95 %':>16} {'R2':>7} {'nEV':>6} {'CCC':>6} {'RMSE':>6} {'n':>4}")
    for modality, of in metrics.items():
        for name, figures in of.items():
            if target in (None, name):
                low, high = (_number(figures[key]) for key in ("r_low", "r_high"))
                cells = [_number(figures[key]) for key in ("r2", "nev", "ccc", "rmse")]
                typer.echo(
                    f"  {modality + ' ' + name:<14} {_number(figures['r']):>6} {f'[{low}, {high}]':>16} "
                    f"{cells[0]:>7} {cells[1]:>6} {cells[2]:>6} {cells[3]:>6} {figures['n']:>4}"
                )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
