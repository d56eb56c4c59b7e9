"""Train on some clips, predict the others, fold by fold, as many folds at a time as there are cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.data.targets import KINDS
from avfbel.learn.candidates import NAME_OF_MODALITY, Settings, make_candidate
from avfbel.learn.evaluation import Evaluation
from avfbel.learn.metrics import mean_by
from avfbel.learn.protocols import Fold, make_folds

if TYPE_CHECKING:
    from avfbel.brain.model import AVFBEL
    from avfbel.data import Dataset


class HeldOut(NamedTuple):
    """What one fold gives: one row a held-out stimulus and kind of perception."""

    fold: str
    stimulus: NDArray[np.str_]
    modality: NDArray[np.str_]
    observed: NDArray[np.float64]  # (n, 2) EPP, valence
    predicted: NDArray[np.float64]
    baseline: NDArray[np.float64]


def cross_validate(
    model: str,
    data: Dataset,
    protocol: str,
    *,
    settings: Settings | None = None,
    jobs: int | None = None,
    progress: Callable[[int], object] | None = None,
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
        Called with 1 after each fold.

    Returns
    -------
    Evaluation
        Held-out predictions.

    Raises
    ------
    UsageError
        If there is no such model or protocol, or the clips cannot be divided so.
    """
    settings = settings or Settings()
    make_candidate(model, settings)  # a wrong name is refused before any work
    folds = make_folds(protocol, stimulus=data.stimulus, groups=data.groups, seed=settings.seed)
    parts = []
    for part in _run(model, data, folds, settings, jobs or os.cpu_count() or 1):
        parts.append(part)
        if progress is not None:
            progress(1)
    order = {fold.name: place for place, fold in enumerate(folds)}
    parts.sort(key=lambda part: order[part.fold])
    return Evaluation(
        model=model,
        protocol=protocol,
        fold=np.concatenate([np.repeat(part.fold, len(part.stimulus)) for part in parts]),
        stimulus=np.concatenate([part.stimulus for part in parts]),
        modality=np.concatenate([part.modality for part in parts]),
        observed=np.concatenate([part.observed for part in parts]),
        predicted=np.concatenate([part.predicted for part in parts]),
        baseline=np.concatenate([part.baseline for part in parts]),
        reliability=data.reliability,
    )


def evaluate(
    model: str | AVFBEL,
    data: Dataset,
    *,
    protocol: str = "leave-stimulus-out",
    jobs: int | None = None,
    progress: Callable[[int], object] | None = None,
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
        Called with 1 after each fold.

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
    name = NAME_OF_MODALITY[parameters.pop("modality")]
    settings = Settings(seed=parameters.pop("random_state"), parameters=parameters)
    return cross_validate(name, data, protocol, settings=settings, jobs=jobs, progress=progress)


def hold_out(model: str, data: Dataset, fold: Fold, settings: Settings) -> HeldOut:
    """Train on one side of a fold and predict the other."""
    train, test = data.take(fold.train), data.take(fold.test)
    fitted = make_candidate(model, settings).fit(train)
    stimuli, modalities, observed, predicted, baselines = [], [], [], [], []
    for kind in KINDS:
        said = fitted.predict(test, kind)
        known = np.isfinite(said).all(axis=1)
        if not known.any():
            continue
        of_train, of_test = (
            np.stack([part.targets[kind].epp, part.targets[kind].valence], axis=1) for part in (train, test)
        )
        names, means = mean_by(test.stimulus[known], said[known])
        _, truth = mean_by(test.stimulus[known], of_test[known])
        stimuli.append(names)
        modalities.append(np.repeat(kind, len(names)))
        predicted.append(means)
        observed.append(truth)
        baselines.append(np.tile(_training_mean(train.stimulus, of_train), (len(names), 1)))
    return HeldOut(
        fold=fold.name,
        stimulus=np.concatenate([np.empty(0, np.str_), *stimuli]),
        modality=np.concatenate([np.empty(0, np.str_), *modalities]),
        observed=np.concatenate([np.empty((0, 2)), *observed]),
        predicted=np.concatenate([np.empty((0, 2)), *predicted]),
        baseline=np.concatenate([np.empty((0, 2)), *baselines]),
    )


def _training_mean(stimulus: NDArray[np.str_], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over stimuli of what was rated; NaN where nothing was."""
    result = np.full(targets.shape[1], np.nan)
    for column in range(targets.shape[1]):
        known = np.isfinite(targets[:, column])
        if known.any():
            result[column] = mean_by(stimulus[known], targets[known, column])[1].mean()
    return result


_shared: dict[str, Dataset] = {}  # of a worker: the data set, handed over once


def _run(
    model: str, data: Dataset, folds: Sequence[Fold], settings: Settings, jobs: int
) -> Iterator[HeldOut]:
    jobs = min(jobs, len(folds))
    if jobs == 1:
        for fold in folds:
            yield hold_out(model, data, fold, settings)
        return
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_receive, initargs=(data,)
    ) as pool:
        running = [pool.submit(_hold_out_here, model, fold, settings) for fold in folds]
        try:
            for future in as_completed(running):
                yield future.result()
        finally:
            for future in running:
                future.cancel()


def _receive(data: Dataset) -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)  # one fold a core: threads of small products only spin
    _shared["data"] = data


def _hold_out_here(model: str, fold: Fold, settings: Settings) -> HeldOut:
    return hold_out(model, _shared["data"], fold, settings)
