"""Train on some clips, predict the others, fold by fold, as many folds at a time as there are cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.data.corpora import corpus_manifest
from avfbel.data.dataset import SIEVERS2021, Progress
from avfbel.data.manifest import Manifest, read_manifest
from avfbel.data.norms import load_norms
from avfbel.data.targets import KINDS, Targets
from avfbel.data.workers import work_in_processes
from avfbel.errors import UsageError
from avfbel.learn.candidates import (
    BASELINES,
    NAME_OF_MODALITY,
    Settings,
    check_candidate,
    check_lessons,
    clip_features,
    make_candidate,
)
from avfbel.learn.evaluation import TARGETS, Evaluation
from avfbel.learn.hygiene import check_features, check_unfitted
from avfbel.learn.metrics import mean_by
from avfbel.learn.panel import Panel, check_panel, panel_if_any, reliability_of, single_ratings
from avfbel.learn.protocols import BY_RATER, LEAVE_GROUP_OUT, Fold, check_folds, make_folds
from avfbel.learn.resume import Kept
from avfbel.parallel import cores
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES

if TYPE_CHECKING:
    from avfbel.brain.model import AVFBEL
    from avfbel.data import Dataset

Array = NDArray[np.float64]

FEWEST_STIMULI = 3
"""With fewer stimuli no correlation of held-out predictions means anything."""


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
    panel: Panel | None = None,
    kept: Kept | None = None,
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
    panel : Panel, optional
        Single ratings, from `load_panel`: needed where people are held out; otherwise predictions are scored
        on them too.
    kept : Kept, optional
        Where finished folds are kept, and taken from.
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
    raters = panel.raters if panel is not None else ()
    folds = make_folds(
        protocol, stimulus=data.stimulus, groups=data.groups, raters=raters, seed=settings.seed
    )
    check_lessons(model, data)
    check_measured(data)
    if model in BASELINES:
        data = replace(data, maps=data.maps[:, :0])  # regressions see no maps, and copying them takes longest
    tell = progress or (lambda stage, done, total: None)
    stage = f"{model}, {protocol}"
    of_fold = _finished(kept, model, protocol, folds, settings)
    tell(stage, len(of_fold), len(folds))
    for parts in _run(
        model, data, [fold for fold in folds if fold.name not in of_fold], settings, panel, jobs
    ):
        of_fold[parts[0].fold] = parts
        if kept is not None:
            kept.keep(
                kept.path(model, protocol, parts[0].fold, settings), [_to_plain(part) for part in parts]
            )
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
        reliability=reliability_of(data, panel, protocol),
        single=None if panel is None else single_ratings(panel, data.stimulus),
    )


def _finished(
    kept: Kept | None, model: str, protocol: str, folds: Sequence[Fold], settings: Settings
) -> dict[str, list[HeldOut]]:
    """Return the folds that were finished before."""
    found: dict[str, list[HeldOut]] = {}
    for fold in folds if kept is not None else ():
        assert kept is not None
        parts = kept.load(kept.path(model, protocol, fold.name, settings))
        if parts is not None:
            found[fold.name] = [_from_plain(part) for part in parts]
    return found


def _to_plain(part: HeldOut) -> dict[str, Any]:
    plain = part._asdict()
    return {name: value if isinstance(value, str) else value.tolist() for name, value in plain.items()}


def _from_plain(plain: dict[str, Any]) -> HeldOut:
    tables = {name: np.array(plain[name], dtype=np.float64).reshape(-1, 2) for name in HeldOut._fields[3:]}
    stimulus = np.array(plain["stimulus"], dtype=np.str_)
    return HeldOut(fold=plain["fold"], kind=plain["kind"], stimulus=stimulus, **tables)


def check_request(
    models: Sequence[str],
    protocol: str,
    data: str | Path,
    *,
    corpus: str | Path | None = None,
    data_dir: str | Path | None = None,
) -> None:
    """Refuse what cannot be evaluated before any clip is measured, with all that is wrong with it at once.

    Parameters
    ----------
    models : sequence of str
        Names from `avfbel.learn.CANDIDATES`.
    protocol : str
        One of `avfbel.learn.PROTOCOLS`.
    data : str or path
        "sievers2021", or a manifest, as `load_dataset` takes it.
    corpus : path, optional
        For sievers2021: a corpus made before.
    data_dir : path, optional
        For sievers2021: the folder that holds ratings.csv.

    Raises
    ------
    UsageError
        With everything that is wrong: unknown models, protocol, column or stimuli, faults of the manifest,
        too few stimuli, groups or raters, targets that do not vary, single ratings that are not there.
    InputError
        If ratings.csv has faults.
    """
    problems: list[str] = []

    def collect(check: Callable[..., object], *args: object, **options: Any) -> Any:
        try:
            return check(*args, **options)
        except UsageError as error:
            problems.append(str(error))
            return None

    for name in models:
        collect(check_candidate, name)
    raters = collect(check_panel, data, data_dir) if protocol in BY_RATER else None
    if str(data) == SIEVERS2021:
        if protocol not in BY_RATER and protocol.removeprefix(LEAVE_GROUP_OUT) in ("", protocol):
            collect(make_folds, protocol, stimulus=load_norms().stimuli)  # other columns come with its clips
        if corpus is not None:
            collect(_check_corpus, corpus)
    else:
        manifest = collect(read_manifest, data)
        if manifest is not None:
            collect(_check_targets, manifest)
            if protocol not in BY_RATER or raters is not None:
                collect(
                    make_folds,
                    protocol,
                    stimulus=[row.stimulus for row in manifest.rows],
                    groups={
                        name: [row.groups[name] for row in manifest.rows] for name in manifest.group_columns
                    },
                    raters=raters or (),
                )
    if problems:
        raise UsageError("; ".join(dict.fromkeys(problems)))


def _check_corpus(corpus: str | Path) -> None:
    known = load_norms().stimuli
    manifest = read_manifest(corpus_manifest(corpus), targets=False)
    unknown = dict.fromkeys(row.stimulus for row in manifest.rows if row.stimulus not in known)
    if unknown:
        raise UsageError(
            f"{manifest.path}: {', '.join(unknown)}: none of the 38 stimuli of sievers2021; leave such "
            "clips out, or rate them and give the manifest as DATA"
        )


def _check_targets(manifest: Manifest) -> None:
    """Refuse fewer than three stimuli, and ratings that are all the same: such cannot be scored."""
    problems = []
    stimuli = {row.stimulus for row in manifest.rows}
    if len(stimuli) < FEWEST_STIMULI:
        problems.append(
            f"{len(stimuli)} stimuli are too few to be evaluated: rate clips of {FEWEST_STIMULI} or more"
        )
    ratings = np.array([[*row.emotions, row.epp, row.valence] for row in manifest.rows])
    if len(np.unique(np.nan_to_num(ratings, nan=-1.0), axis=0)) == 1 and len(manifest.rows) > 1:
        problems.append("all ratings are the same, so that there is nothing to predict: rate what differs")
    if problems:
        raise UsageError(f"{manifest.path.name} cannot be evaluated: {'; '.join(problems)}")


def evaluate(
    model: str | AVFBEL,
    data: Dataset,
    *,
    protocol: str = "leave-stimulus-out",
    data_dir: str | Path | None = None,
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
    data_dir : path, optional
        For sievers2021: the folder that holds ratings.csv, with single ratings; without it `AVFBEL_DATA`.
    jobs : int, optional
        Processes to run; one a core by default.
    progress : callable, optional
        Called after each fold with model and protocol, the number of folds that are done, and that of all.

    Returns
    -------
    Evaluation
        Held-out predictions, with `.report()`, `.metrics()`, `.to_frame()` and `.plot()`.

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
    panel = panel_if_any(data, protocol, data_dir)
    if isinstance(model, str):
        return cross_validate(model, data, protocol, panel=panel, jobs=jobs, progress=progress)
    parameters = dict(model.get_params())
    modality, seed = parameters.pop("modality"), parameters.pop("random_state")
    if modality not in NAME_OF_MODALITY:
        raise UsageError(f"no modality {modality!r}: choose one of {', '.join(NAME_OF_MODALITY)}")
    settings = Settings(seed=seed, parameters=parameters)
    name = NAME_OF_MODALITY[modality]
    return cross_validate(name, data, protocol, settings=settings, panel=panel, jobs=jobs, progress=progress)


def hold_out(
    model: str, data: Dataset, fold: Fold, settings: Settings, panel: Panel | None = None
) -> list[HeldOut]:
    """Train on one side of a fold and predict the other, on one thread; return one part a kind of perception.

    Raises
    ------
    UsageError
        If a stimulus, or a rater, is on both sides, or the model is fitted already.
    """
    from threadpoolctl import threadpool_limits

    check_folds([fold], stimulus=data.stimulus)
    train, test = data.take(fold.train), data.take(fold.test)
    if fold.train_raters is not None and fold.test_raters is not None:
        if panel is None:
            raise UsageError(f"{fold.name}: people are held out, and there are no single ratings")
        train = replace(train, targets=_of(panel, fold.train_raters, fold.train))
        test = replace(test, targets=_of(panel, fold.test_raters, fold.test))
    with threadpool_limits(1):  # threads of small products only spin, and sums depend on their number
        candidate = make_candidate(model, settings)
        check_unfitted(candidate)
        fitted = candidate.fit(train)
        return [_compare(fold.name, kind, fitted.predict(test, kind), train, test) for kind in KINDS]


def _of(panel: Panel, raters: NDArray[np.intp], clips: NDArray[np.intp]) -> dict[str, Targets]:
    return {kind: targets.take(clips) for kind, targets in panel.all_targets(raters).items()}


def check_measured(data: Dataset) -> None:
    """Refuse data whose measured features hold what is to be predicted.

    Raises
    ------
    UsageError
        Naming the features.
    """
    for kind, names in (("audio", ALL_ACOUSTIC), ("video", VISUAL_FEATURES)):
        features = clip_features(data, kind)
        for column in _positivity(data, kind).T:
            check_features(features, column, names=names)


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
    model: str,
    data: Dataset,
    folds: Sequence[Fold],
    settings: Settings,
    panel: Panel | None,
    jobs: int | None,
) -> Iterator[list[HeldOut]]:
    """Return what each fold gives, as soon as it is done."""
    tasks = [(model, data, fold, settings, panel) for fold in folds]
    jobs = min(jobs or cores(), len(folds))
    if jobs <= 1:
        return (hold_out(*task) for task in tasks)
    return work_in_processes(hold_out, tasks, jobs=jobs, in_order=False)
