"""The protocol `personalised` from names and files: load clips and single ratings, perceive, learn people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from avfbel.data import load_dataset
from avfbel.errors import UsageError
from avfbel.learn.candidates import Settings, circuit
from avfbel.learn.crossvalidation import check_measured
from avfbel.learn.panel import check_panel, load_panel
from avfbel.learn.personalised import personalise
from avfbel.learn.personalised_draws import Plan
from avfbel.learn.personalised_material import Material, check_online, knows_nobody, make_material
from avfbel.learn.personalised_result import Personalisation


def check_personalised(
    models: Sequence[str], data: str | Path, *, data_dir: str | Path | None = None, plot: bool = False
) -> None:
    """Refuse what cannot be run before any clip is measured.

    Parameters
    ----------
    models : sequence of str
        Names of models that learn online.
    data : str or path
        "sievers2021", or a manifest.
    data_dir : path, optional
        For sievers2021: the folder that holds ratings.csv.
    plot : bool
        Whether a picture is asked for, which shows one model.

    Raises
    ------
    UsageError
        If a model does not learn online, there are no single ratings, or a picture of several is asked for.
    InputError
        If ratings.csv has faults.
    ImportError
        If torch is not installed, naming the remedy.
    """
    for name in models:
        check_online(name)
        circuit(name, Settings())
    if plot and len(models) > 1:
        raise UsageError("a picture shows one model that learns people: give one --model with --plot")
    check_panel(data, data_dir)


def run_personalised(
    models: Sequence[str],
    data: str | Path,
    settings: Settings,
    *,
    corpus: str | Path | None = None,
    exemplars: int = 20,
    data_dir: str | Path | None = None,
    jobs: int | None = None,
    progress: Callable[[str, int, int], object] | None = None,
) -> dict[str, Personalisation]:
    """Learn the raters of a data set from few ratings, by each model.

    A model with a cortex is trained anew for each rater, on the means of the others.

    Parameters
    ----------
    models : sequence of str
        Names of models that learn online.
    data : str or path
        "sievers2021", or a manifest.
    settings : Settings
        Epochs and seed of the models.
    corpus, exemplars, jobs
        As for `avfbel.load_dataset`.
    data_dir : path, optional
        For sievers2021: the folder that holds ratings.csv.
    progress : callable, optional
        Called with what is being done, how many steps of it are done, and how many there are.

    Returns
    -------
    dict of Personalisation
        By name of the model.

    Raises
    ------
    UsageError
        If there are too few raters or ratings, or a model cannot learn from the clips.
    """
    clips = load_dataset(data, corpus=corpus, exemplars=exemplars, jobs=jobs, progress=progress)
    check_measured(clips)
    panel = load_panel(clips, data_dir)
    results = {}
    for name in models:

        def of_rater(rater: int, name: str = name) -> Material:
            return make_material(name, clips, panel, rater=rater, settings=settings)

        material = make_material(name, clips, panel, settings=settings) if knows_nobody(name) else of_rater
        results[name] = personalise(material, plan=Plan(seed=settings.seed), progress=progress)
    return results
