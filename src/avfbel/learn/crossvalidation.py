"""Train on some clips, predict the others, fold by fold, as many folds at a time as there are cores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.data.dataset import SIEVERS2021, Progress
from avfbel.data.manifest import read_manifest
from avfbel.data.norms import load_norms
from avfbel.data.targets import KINDS
from avfbel.data.workers import work_in_processes
from avfbel.errors import UsageError
from avfbel.learn.candidates import NAME_OF_MODALITY, Settings, check_candidate, check_lessons, make_candidate
from avfbel.learn.evaluation import TARGETS, Evaluation
from avfbel.learn.metrics import mean_by
from avfbel.learn.protocols import LEAVE_GROUP_OUT, Fold, check_folds, make_folds
from avfbel.parallel import cores

if TYPE_CHECKING:
    from avfbel.brain.model import AVFBEL
    from avfbel.data import Dataset

Array = NDArray[np.float64]


class HeldOut(NamedTuple):
    """What one fold gives for one kind of perception: one row a held-out stimulus."""

    fold: str
    kind: str
    stimulus: NDArray[np.str_]
    observed: Array  # (n, 2) EPP, valence
    predicted: Array
    baseline: Array


def cross_validate(
    model: str,
    data: Dataset,
    protocol: str,
    *,
    settings: Settings | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Predict every clip by a model that has not met its stimulus (or group), and score the predictions.

    Predictions of the clips of a stimulus are averaged before they are scored.

    Parameters
    ----------
    model : str
        One of `avfbel.learn.CANDIDATES`.
    data : Dataset
        Measured clips with targets.
    protocol : str
        One of `avfbel.learn.PROTOCOLS`.
    settings : Settings, optional
        Epochs, seed and parameters of the model.
    jobs : int, optional
        Processes to run; one a core by default, 1 stays in this one.
    progress : callable, optional
        Called after each fold with model and protocol, the number of folds that are done, and that of all.

    Returns
    -------
    Evaluation
        Held-out predictions.

    Raises
    ------
    UsageError
        If there is no such model or protocol, the clips cannot be divided so, or the model cannot learn from
        them.
    InputError
        If a process was ended from outside, as it is when memory runs out.
    """
    settings = settings or Settings()
    check_candidate(model)
    folds = make_folds(protocol, stimulus=data.stimulus, groups=data.groups, seed=settings.seed)
    check_lessons(model, data)
    tell = progress or (lambda stage, done, total: None)
    stage = f"{model}, {protocol}"
    tell(stage, 0, len(folds))
    of_fold: dict[str, list[HeldOut]] = {}
    for parts in _run(model, data, folds, settings, jobs):
        of_fold[parts[0].fold] = parts
        tell(stage, len(of_fold), len(folds))
    rows = [part for fold in folds for part in of_fold[fold.name]]
    return Evaluation(
        model=model,
        protocol=protocol,
        fold=np.concatenate([np.repeat(row.fold, len(row.stimulus)) for row in rows]),
        stimulus=np.concatenate([row.stimulus for row in rows]),
        modality=np.concatenate([np.repeat(row.kind, len(row.stimulus)) for row in rows]),
        observed=np.concatenate([row.observed for row in rows]),
        predicted=np.concatenate([row.predicted for row in rows]),
        baseline=np.concatenate([row.baseline for row in rows]),
        reliability=data.reliability,
    )


def check_protocol(protocol: str, data: str | Path) -> None:
    """Refuse a protocol by which clips cannot be divided, before they are measured.

    Parameters
    ----------
    protocol : str
        One of `avfbel.learn.PROTOCOLS`.
    data : str or path
        "sievers2021", or a manifest, as `load_dataset` takes it.

    Raises
    ------
    UsageError
        If there is no such protocol or column, the clips cannot be divided so, or the manifest has faults.
    """
    if str(data) != SIEVERS2021:
        manifest = read_manifest(data)
        groups = {name: [row.groups[name] for row in manifest.rows] for name in manifest.group_columns}
        make_folds(protocol, stimulus=[row.stimulus for row in manifest.rows], groups=groups)
    elif protocol.removeprefix(LEAVE_GROUP_OUT) in ("", protocol):  # its columns come with its clips
        make_folds(protocol, stimulus=load_norms().stimuli)


def evaluate(
    model: str | AVFBEL,
    data: Dataset,
    *,
    protocol: str = "leave-stimulus-out",
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Predict every clip by a model that has not met its stimulus (or group), and score the predictions.

    Parameters
    ----------
    model : str or AVFBEL
        A name from `avfbel.learn.CANDIDATES`, or a model whose parameters are taken; it is not changed.
    data : Dataset
        Measured clips with targets, from `avfbel.load_dataset`.
    protocol : str
        One of `avfbel.learn.PROTOCOLS`.
    jobs : int, optional
        Processes to run; one a core by default.
    progress : callable, optional
        Called after each fold with model and protocol, the number of folds that are done, and that of all.

    Returns
    -------
    Evaluation
        Held-out predictions, with `.metrics()`, `.to_frame()` and `.plot()`.

    Raises
    ------
    UsageError
        If there is no such model or protocol, or the clips cannot be divided so.

    Examples
    --------
    >>> data = avfbel.load_dataset("clips.csv")  # doctest: +SKIP
    >>> avfbel.evaluate("ridge", data, protocol="k-fold").metrics()["fused"]["epp"]["r"]  # doctest: +SKIP
    0.61
    """
    if isinstance(model, str):
        return cross_validate(model, data, protocol, jobs=jobs, progress=progress)
    parameters = dict(model.get_params())
    modality, seed = parameters.pop("modality"), parameters.pop("random_state")
    if modality not in NAME_OF_MODALITY:
        raise UsageError(f"no modality {modality!r}: choose one of {', '.join(NAME_OF_MODALITY)}")
    settings = Settings(seed=seed, parameters=parameters)
    return cross_validate(
        NAME_OF_MODALITY[modality], data, protocol, settings=settings, jobs=jobs, progress=progress
    )


def hold_out(model: str, data: Dataset, fold: Fold, settings: Settings) -> list[HeldOut]:
    """Train on one side of a fold and predict the other, on one thread; return one part a kind of perception.

    Raises
    ------
    UsageError
        If a stimulus is on both sides.
    """
    from threadpoolctl import threadpool_limits

    check_folds([fold], stimulus=data.stimulus)
    train, test = data.take(fold.train), data.take(fold.test)
    with threadpool_limits(1):  # threads of small products only spin, and sums depend on their number
        fitted = make_candidate(model, settings).fit(train)
        return [_compare(fold.name, kind, fitted.predict(test, kind), train, test) for kind in KINDS]


def _compare(fold: str, kind: str, said: Array, train: Dataset, test: Dataset) -> HeldOut:
    """Set predictions beside what was felt, as means of stimuli; what is not predicted is left out."""
    known = np.isfinite(said).all(axis=1)
    stimulus, predicted = mean_by(test.stimulus[known], said[known])
    felt = rated_means(test.stimulus[known], _positivity(test, kind)[known])
    guess = _column_means(rated_means(train.stimulus, _positivity(train, kind)))
    return HeldOut(fold, kind, stimulus, felt, predicted, np.tile(guess, (len(stimulus), 1)))


def _positivity(data: Dataset, kind: str) -> Array:
    """Return what people felt, shape (n_clips, 2): EPP and valence."""
    return np.stack([getattr(data.targets[kind], target) for target in TARGETS], axis=1)


def rated_means(stimulus: NDArray[np.str_], targets: Array) -> Array:
    """Return the mean target of each stimulus, in the order of their names, over the clips that were rated.

    Examples
    --------
    >>> rated_means(np.array(["b", "a", "b"]), np.array([[0.2], [np.nan], [0.4]])).round(3).tolist()
    [[nan], [0.3]]
    """
    names, place = np.unique(stimulus, return_inverse=True)
    return np.array([_column_means(targets[place == number]) for number in range(len(names))]).reshape(
        len(names), targets.shape[1]
    )


def _column_means(table: Array) -> Array:
    """Return the mean of each column over what is known; NaN where nothing is."""
    known = np.isfinite(table)
    sums = np.where(known, table, 0.0).sum(axis=0)
    nothing = np.full(len(sums), np.nan)
    return np.asarray(np.divide(sums, known.sum(axis=0), out=nothing, where=known.any(axis=0)))


def _run(
    model: str, data: Dataset, folds: Sequence[Fold], settings: Settings, jobs: int | None
) -> Iterator[list[HeldOut]]:
    """Return what each fold gives, as soon as it is done."""
    tasks = [(model, data, fold, settings) for fold in folds]
    jobs = min(jobs or cores(), len(folds))
    if jobs == 1:
        return (hold_out(*task) for task in tasks)
    return work_in_processes(hold_out, tasks, jobs=jobs, in_order=False)
