"""What is held out while a model learns: folds in which no stimulus, or no rater, is on both sides.

A protocol turns the stimuli (and groups, and raters) of clips into folds. Whatever is fitted, scalers
included, is fitted on the training side of a fold. `check_folds` refuses folds that would let a model meet in
training what it is to predict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.errors import UsageError

PROTOTYPES = ("angry", "happy", "peaceful", "sad", "scared")
"""The five prototypes; the name of a mix such as "happy_sad_25" begins with the two it is mixed of."""

LEAVE_GROUP_OUT = "leave-group-out:"

PROTOCOLS = {
    "leave-stimulus-out": "all clips of one stimulus: does it predict what it has never met?",
    "leave-prototype-out": "an emotion's prototype and all its mixes: does it extrapolate? (sievers2021)",
    "leave-participant-out": "all ratings of one rater: does it predict a new person? (single ratings)",
    "cross-panel": "one random half of the raters, then the other: a new panel (single ratings)",
    "k-fold": "one of k random groups of stimuli",
    "leave-group-out:COLUMN": "all clips that share an entry of a manifest column, such as speaker or film",
    "personalised": "one rater, but for up to 16 ratings: how fast is a person learned? (single ratings)",
}
"""Each protocol by name, and what it holds out."""

PERSONALISED = "personalised"
"""The protocol that is no division into folds: see `avfbel.learn.personalised`."""

BY_RATER = frozenset({"leave-participant-out", "cross-panel"})
"""Protocols that hold out people: all clips are on both sides, their ratings are not."""


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Fold:
    """One division of clips; what is held out is predicted once.

    Attributes
    ----------
    name : str
        What is held out.
    train, test : ndarray of int, shapes (n_train,) and (n_test,)
        Numbers of the clips that may be learned from, and of those to predict.
    train_raters, test_raters : ndarray of int, optional
        Where people are held out: numbers of the raters whose ratings are learned from, and predicted.
    """

    name: str
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    train_raters: NDArray[np.intp] | None = None
    test_raters: NDArray[np.intp] | None = None


def make_folds(
    protocol: str,
    *,
    stimulus: ArrayLike,
    groups: Mapping[str, ArrayLike] | None = None,
    raters: Sequence[str] | None = None,
    k: int = 5,
    seed: int = 0,
) -> list[Fold]:
    """Divide clips as a protocol asks.

    Parameters
    ----------
    protocol : str
        A name from `PROTOCOLS`; `leave-group-out:` is followed by the name of a column of `groups`.
    stimulus : array_like of str, shape (n_clips,)
        Stimulus of each clip.
    groups : mapping of str to array_like of str, shape (n_clips,), optional
        Columns that can be held out by.
    raters : sequence of str, optional
        People whose single ratings there are, for the protocols of `BY_RATER`.
    k, seed : int
        Number of folds of `k-fold`, and the seed that deals stimuli or raters out.

    Returns
    -------
    list of Fold
        None of them has a stimulus on both sides, nor an empty side.

    Raises
    ------
    UsageError
        If the protocol or column is unknown, or these clips cannot be divided so.

    Examples
    --------
    >>> for fold in make_folds("leave-stimulus-out", stimulus=["sad", "happy", "sad"]):
    ...     print(fold.name, fold.train, fold.test)
    happy [0 2] [1]
    sad [1] [0 2]
    """
    names = np.asarray(stimulus, dtype=np.str_)
    if protocol == "leave-stimulus-out":
        folds = leave_group_out(names, what="stimulus")
    elif protocol == "leave-prototype-out":
        folds = leave_prototype_out(names)
    elif protocol in BY_RATER:
        folds = hold_out_raters(protocol, raters=raters or (), n_clips=len(names), seed=seed)
    elif protocol == "k-fold":
        folds = k_fold(names, k=k, seed=seed)
    elif protocol.startswith(LEAVE_GROUP_OUT):
        folds = leave_group_out(
            *_column(protocol.removeprefix(LEAVE_GROUP_OUT), {**(groups or {}), "stimulus": names})
        )
    elif protocol == PERSONALISED:
        raise UsageError(
            "personalised has no folds: call avfbel.learn.personalised.personalise, or `avfbel evaluate`"
        )
    else:
        raise UsageError(f"no protocol {protocol!r}: choose one of {', '.join(PROTOCOLS)}")
    check_folds(folds, stimulus=names)
    return folds


def leave_group_out(group: ArrayLike, what: str = "group") -> list[Fold]:
    """Hold out each group of clips in turn.

    Parameters
    ----------
    group : array_like of str, shape (n_clips,)
        Group of each clip.
    what : str
        What a group is called in errors.

    Returns
    -------
    list of Fold
        One a group, by name.

    Raises
    ------
    UsageError
        If there are fewer than two groups, or a clip belongs to none.
    """
    labels = np.asarray(group, dtype=np.str_)
    if (labels == "").any():
        clip = int(np.flatnonzero(labels == "")[0])
        raise UsageError(f"clip {clip + 1} has no {what}: fill the column in, or leave the clip out")
    names = np.unique(labels)
    if len(names) < 2:
        raise UsageError(
            f"one {what} cannot be held out when there is only {len(names)}: rate clips of two or more"
        )
    return [_fold(str(name), labels == name) for name in names]


def leave_prototype_out(stimulus: ArrayLike) -> list[Fold]:
    """Hold out each prototype with all its mixes: 13 of the 38 stimuli a fold, 65 predictions in all.

    All stimuli without that emotion train, and those that no emotion was mixed into (the search points and
    the biggest gap) train always.

    Parameters
    ----------
    stimulus : array_like of str, shape (n_clips,)
        Names of stimuli.

    Returns
    -------
    list of Fold
        One a prototype, in the order of `PROTOTYPES`.

    Raises
    ------
    UsageError
        If a prototype has no clip, as in data other than the 38 stimuli.
    """
    names = np.asarray(stimulus, dtype=np.str_)
    folds = []
    for prototype in PROTOTYPES:
        held_out = np.array([prototype in ingredients(str(name)) for name in names], dtype=bool)
        if not held_out.any():
            raise UsageError(
                f"no clip holds the prototype {prototype!r}: leave-prototype-out is for the 38 stimuli of "
                "sievers2021; use leave-stimulus-out, k-fold or leave-group-out:COLUMN"
            )
        folds.append(_fold(prototype, held_out))
    return folds


def ingredients(stimulus: str) -> frozenset[str]:
    """Return the prototypes that a stimulus is, or is mixed of, going by its name.

    Examples
    --------
    >>> sorted(ingredients("happy_sad_25")), sorted(ingredients("angry")), sorted(ingredients("search_four"))
    (['happy', 'sad'], ['angry'], [])
    """
    return frozenset(stimulus.split("_")[:2]) & frozenset(PROTOTYPES)


def k_fold(stimulus: ArrayLike, *, k: int = 5, seed: int = 0) -> list[Fold]:
    """Deal the stimuli out at random to k folds, as evenly as can be.

    Parameters
    ----------
    stimulus : array_like of str, shape (n_clips,)
        Stimulus of each clip; its clips stay together.
    k, seed : int
        Number of folds, at least 2, and seed of the deal.

    Returns
    -------
    list of Fold
        Each stimulus is held out once.

    Raises
    ------
    UsageError
        If `k` is below 2 or above the number of stimuli.
    """
    labels = np.asarray(stimulus, dtype=np.str_)
    names, place = np.unique(labels, return_inverse=True)
    if not 2 <= k <= len(names):
        raise UsageError(f"{len(names)} stimuli cannot be divided into {k} folds: choose 2 to {len(names)}")
    hand = np.random.default_rng(seed).permutation(len(names)) % k
    return [_fold(f"fold {i + 1} of {k}", hand[place] == i) for i in range(k)]


def hold_out_raters(protocol: str, *, raters: Sequence[str], n_clips: int, seed: int = 0) -> list[Fold]:
    """Hold out the ratings of each rater in turn, or of each half of them.

    Parameters
    ----------
    protocol : {"leave-participant-out", "cross-panel"}
        One rater, or one random half of them.
    raters : sequence of str
        Who rated.
    n_clips : int
        Number of clips; all of them are on both sides.
    seed : int
        Seed of the halves.

    Returns
    -------
    list of Fold
        Each rater is held out once.

    Raises
    ------
    UsageError
        If there are fewer than two raters.

    Examples
    --------
    >>> [fold.name for fold in hold_out_raters("leave-participant-out", raters=["ann", "bo"], n_clips=3)]
    ['ann', 'bo']
    """
    number = len(raters)
    if number < 2:
        raise UsageError(f"{protocol} needs single ratings of two people or more, and there are {number}")
    everything, everyone = np.arange(n_clips), np.arange(number)
    if protocol == "leave-participant-out":
        held_out = {name: np.array([rater]) for rater, name in enumerate(raters)}
    else:
        order = np.random.default_rng(seed).permutation(number)
        held_out = {
            "panel 1 of 2": np.sort(order[: number // 2]),
            "panel 2 of 2": np.sort(order[number // 2 :]),
        }
    return [
        Fold(
            name=name,
            train=everything,
            test=everything,
            train_raters=np.setdiff1d(everyone, out),
            test_raters=out,
        )
        for name, out in held_out.items()
    ]


def check_folds(folds: Iterable[Fold], *, stimulus: ArrayLike) -> None:
    """Refuse folds in which a stimulus or rater is learned from and predicted at once, or a side is empty.

    Parameters
    ----------
    folds : iterable of Fold
        Any division of clips.
    stimulus : array_like of str, shape (n_clips,)
        Stimulus of each clip.

    Raises
    ------
    UsageError
        Naming the fold and the stimulus.
    """
    names = np.asarray(stimulus, dtype=np.str_)
    for fold in folds:
        if not (len(fold.train) and len(fold.test)):
            side = "learn from" if len(fold.test) else "predict"
            raise UsageError(f"{fold.name}: no clips are left to {side}; give more clips or another protocol")
        if fold.train_raters is not None and fold.test_raters is not None:
            _check_raters(fold.name, fold.train_raters, fold.test_raters)
            continue
        split = np.intersect1d(names[fold.train], names[fold.test])
        if len(split):
            raise UsageError(
                f"{fold.name}: the stimulus {str(split[0])!r} would be learned from and predicted at once "
                f"({len(split)} such); hold out by a column that keeps a stimulus together"
            )


def _check_raters(name: str, train: NDArray[np.intp], test: NDArray[np.intp]) -> None:
    if not (len(train) and len(test)):
        raise UsageError(f"{name}: no raters are left on one side; give ratings of more people")
    both = np.intersect1d(train, test)
    if len(both):
        raise UsageError(
            f"{name}: rater {int(both[0]) + 1} would be learned from and predicted at once ({len(both)} such)"
        )


def training_mean(folds: Sequence[Fold], values: ArrayLike) -> list[float]:
    """Return the mean of the training clips of each fold, the baseline of R²; NaN values are left out.

    Parameters
    ----------
    folds : sequence of Fold
        Divisions of the clips.
    values : array_like, shape (n_clips,)
        Target of each clip.

    Returns
    -------
    list of float
        One a fold; NaN if none of its training clips has a value.

    Examples
    --------
    >>> training_mean(make_folds("leave-stimulus-out", stimulus=["a", "b", "c"]), [0.0, 0.5, 1.0])
    [0.75, 0.5, 0.25]
    """
    targets = np.asarray(values, dtype=np.float64)
    chosen = [targets[fold.train][~np.isnan(targets[fold.train])] for fold in folds]
    return [float(known.mean()) if len(known) else float("nan") for known in chosen]


def _column(name: str, groups: Mapping[str, ArrayLike]) -> tuple[ArrayLike, str]:
    if name not in groups:
        raise UsageError(
            f"no column {name!r} to hold groups out by: there are {', '.join(groups)}; a column must "
            "say the same in all ratings of a clip"
        )
    return groups[name], name


def _fold(name: str, held_out: NDArray[np.bool_]) -> Fold:
    return Fold(name=name, train=np.flatnonzero(~held_out), test=np.flatnonzero(held_out))
