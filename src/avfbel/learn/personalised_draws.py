"""Which ratings of a person are shown, and which are predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import UsageError
from avfbel.learn.personalised_material import Material

Indices = NDArray[np.int64]

SHOWN = (1, 2, 4, 8, 16)
"""How many ratings are shown."""

TESTS = ("other ratings", "other stimuli")
"""What is predicted: ratings that are not shown, and of these the ratings of stimuli that are not shown."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Numbers of the protocol.

    Attributes
    ----------
    shown : tuple of int
        How many ratings are shown, rising.
    draws, inner_draws : int
        Random subsets of ratings for each rater, and those of them by which settings are chosen.
    passes : int
        Shuffled passes in which a model learns from the panel.
    groups : int
        In how many groups stimuli are held out from everybody: a draw is tested on one of them, which its
        model has not met in the panel's ratings. 1: all stimuli are known from the panel.
    seed : int
        Seed of the subsets and of the order of the passes.
    """

    shown: tuple[int, ...] = SHOWN
    draws: int = 50
    inner_draws: int = 10
    passes: int = 100
    groups: int = 1
    seed: int = 0


class Draws(NamedTuple):
    """Random subsets of one person's ratings.

    Attributes
    ----------
    order : ndarray of int, shape (draws, most shown)
        Items in the order they are shown.
    tests : ndarray of bool, shape (draws, n, len(TESTS))
        Items to predict, the same however many are shown.
    group : ndarray of int, shape (draws,)
        Group of stimuli that is held out; -1 is none.
    """

    order: Indices
    tests: NDArray[np.bool_]
    group: Indices


def draw_ratings(material: Material, rater: int, plan: Plan) -> Draws:
    """Draw the ratings that are shown, and say which are predicted.

    Parameters
    ----------
    material : Material
        Ratings.
    rater : int
        Whose.
    plan : Plan
        How many, how often, and the seed.

    Returns
    -------
    Draws
        The same whatever other people rated.

    Raises
    ------
    UsageError
        If the rater gave too few ratings.
    """
    rng = np.random.default_rng([plan.seed, rater])
    rated, most = material.ratings_of(rater), max(plan.shown)
    groups = stimulus_groups(material, plan)
    order = np.empty((plan.draws, most), dtype=np.int64)
    tests = np.zeros((plan.draws, len(material.stimulus), len(TESTS)), dtype=bool)
    held_out = np.full(plan.draws, -1) if plan.groups == 1 else np.arange(plan.draws) % plan.groups
    for draw, group in enumerate(held_out):
        open_ = rated[groups[rated] != group]
        order[draw] = _first(rng.permutation(open_), most, material.raters[rater])
        others = np.setdiff1d(rated, order[draw]) if group < 0 else rated[groups[rated] == group]
        new = others[~np.isin(material.stimulus[others], material.stimulus[order[draw]])]
        for column, items in enumerate((others, new)):
            tests[draw, items, column] = True
    if not tests.any(axis=1).all():
        raise UsageError(f"{material.raters[rater]} rated too few stimuli: none is left to be predicted")
    return Draws(order, tests, held_out)


def _first(items: NDArray[np.intp], most: int, rater: str) -> NDArray[np.intp]:
    if len(items) < most:
        raise UsageError(
            f"{rater} gave {len(items)} ratings that could be shown, and {most} are needed beside those to "
            "predict: leave this rater out, or collect more"
        )
    return items[:most]


def stimulus_groups(material: Material, plan: Plan) -> Indices:
    """Deal the stimuli out at random; return the group of each item."""
    names, place = np.unique(material.stimulus, return_inverse=True)
    dealt = np.random.default_rng(plan.seed).permutation(len(names)) % plan.groups
    return np.asarray(dealt[place], dtype=np.int64)
