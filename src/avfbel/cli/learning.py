"""`avfbel train` and `avfbel evaluate`: learn from clips and ratings, and find out what was learned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from avfbel.cli.app import app
from avfbel.cli.support import guarded, progress_stages, warnings_as_notes, writing_to

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
    settings = Settings(epochs=epochs, seed=seed)
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
        typer.Option(help="avf-bel, m-bel, a-bel, bel, bel-m, bel-a, mean, ridge, gp or svr; repeatable."),
    ],
    protocol: Annotated[
        str, typer.Option(help="leave-stimulus-out, leave-prototype-out, k-fold or leave-group-out:COLUMN.")
    ] = "leave-stimulus-out",
    target: Annotated[str | None, typer.Option(help="Print only epp or valence.")] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for figures and predictions.")] = None,
    exemplars: Exemplars = 20,
    corpus: Corpus = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    jobs: Jobs = None,
) -> None:
    """Predict clips whose stimulus (or group) the model has not met, and compare with what people felt.

    Example: avfbel evaluate clips.csv --model m-bel --model ridge --protocol leave-group-out:speaker
    """
    from avfbel.data import load_dataset
    from avfbel.errors import UsageError
    from avfbel.files import write_whole
    from avfbel.learn import Settings, cross_validate
    from avfbel.learn.candidates import CIRCUITS, check_candidate, circuit
    from avfbel.learn.crossvalidation import check_protocol
    from avfbel.learn.evaluation import TARGETS
    from avfbel.runtime.files import encode_json
    from avfbel.runtime.plan import check_writable

    if target is not None and target not in TARGETS:
        raise UsageError(f"no target {target!r}: choose one of {', '.join(TARGETS)}")
    settings = Settings(epochs=epochs, seed=seed)
    for name in model:
        check_candidate(name)
        if name in CIRCUITS:
            circuit(name, settings)  # says now, not after an hour of measuring, if torch is not installed
    if out is not None and out.is_dir():
        raise UsageError(f"{out} is a folder: name a JSON file")
    check_protocol(protocol, data)
    if out is not None:
        check_writable(out.parent)
    results = []
    with warnings_as_notes(), progress_stages() as tell:
        clips = load_dataset(data, corpus=corpus, exemplars=exemplars, jobs=jobs, progress=tell)
        for name in model:
            result = cross_validate(name, clips, protocol, settings=settings, jobs=jobs, progress=tell)
            _print_metrics(f"{name}, {protocol}", result.metrics(), target)
            results.append(result.to_dict())
    if out is not None:
        write_whole(out, encode_json({"data": data, "seed": seed, "epochs": epochs, "results": results}))


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
