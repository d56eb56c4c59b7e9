"""The protocol `personalised`: how fast brain emotional learning learns a person.

For each rater, a model learns the norms of all others, and then is shown 1, 2, 4, 8, 16 of this rater's own
ratings. Every way to learn has settings (rates, penalties). They are chosen by the other raters alone: each
of them in turn is taken for the person, by models that know neither of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.brain.limbic import LimbicState, initial_state
from avfbel.brain.limbic_learning import limbic_fit, shuffled_passes
from avfbel.errors import UsageError
from avfbel.learn.personalised_draws import TESTS, Draws, Plan, draw_ratings, stimulus_groups
from avfbel.learn.personalised_learners import (
    Learner,
    Setting,
    Situation,
    positivity_of,
    say,
    standard_learners,
)
from avfbel.learn.personalised_material import Material
from avfbel.learn.personalised_result import BEL, SOMEBODY_ELSE, Personalisation

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


class Panels:
    """Models that learned from the panel without some raters and stimuli, trained together.

    Parameters
    ----------
    material : Material
        What they learn from.
    without : sequence of frozenset of int
        The raters whose ratings each must not know.
    plan : Plan
        Passes, seed, and the groups of stimuli to hold out.
    """

    def __init__(self, material: Material, without: Sequence[frozenset[int]], plan: Plan) -> None:
        groups = stimulus_groups(material, plan)
        held_out = [-1] if plan.groups == 1 else list(range(plan.groups))
        keys = dict.fromkeys((left, group) for left in without for group in held_out)
        self._row = {key: row for row, key in enumerate(keys)}
        rewards = np.stack([panel_mean(material, left) for left, _ in self._row])
        known = np.asarray(np.isfinite(rewards).all(axis=2))
        lessons = [np.flatnonzero(known[row] & (groups != group)) for row, (_, group) in enumerate(self._row)]
        order = shuffled_passes(lessons, plan.passes, seeds=plan.seed)
        naive = initial_state(material.codes.shape[1], rewards.shape[2], models=(len(rewards),))
        self._state = limbic_fit(naive, material.codes, rewards, order, material.parameters)

    def state(self, without: frozenset[int], group: Indices) -> LimbicState:
        """Return the weights of models that do not know some raters, nor each a group of stimuli."""
        rows = [self._row[without, int(number)] for number in group]
        return LimbicState(*(weights[rows] for weights in self._state))


def panel_mean(material: Material, without: frozenset[int]) -> Array:
    """Return the mean rewards (n, 5) of all raters but some; NaN where none of them rated."""
    kept = np.delete(material.rewards, sorted(without), axis=0)
    known = np.isfinite(kept)
    nothing = np.full(kept.shape[1:], np.nan)
    total = np.where(known, kept, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, known.sum(axis=0), out=nothing, where=known.any(axis=0)))


class Person(NamedTuple):
    """One rater taken for the person: a model for each draw, and what its predictions are scored on."""

    situation: Situation
    tests: NDArray[np.bool_]


def take_for_person(
    material: Material, rater: int, without: frozenset[int], panels: Panels, draws: Draws
) -> Person:
    """Put a rater, as yet unknown, before models that do not know some raters, this one among them."""
    if rater not in without:
        raise ValueError(f"the models would know rater {rater} already")
    asked = np.flatnonzero(material.asked)
    place = np.full(len(material.asked), -1)
    place[asked] = np.arange(len(asked))
    m = len(draws.order)
    situation = Situation(
        codes=material.codes[asked],
        state=panels.state(without, draws.group),
        rewards=np.repeat(material.rewards[[rater]][:, asked], m, axis=0),
        positivity=np.repeat(material.positivity[[rater]][:, asked], m, axis=0),
        order=place[draws.order],
        parameters=material.parameters,
    )
    return Person(situation, draws.tests[:, asked])


def join_people(people: Sequence[Person]) -> Person:
    """Put people side by side, so that all learn at once."""
    situations = [person.situation for person in people]
    together = Situation(
        codes=situations[0].codes,
        state=LimbicState(*(np.concatenate(w) for w in zip(*(s.state for s in situations), strict=True))),
        rewards=np.concatenate([s.rewards for s in situations]),
        positivity=np.concatenate([s.positivity for s in situations]),
        order=np.concatenate([s.order for s in situations]),
        parameters=situations[0].parameters,
    )
    return Person(together, np.concatenate([person.tests for person in people]))


def errors_of(person: Person, said: Array) -> Array:
    """Return mean squared errors (m, steps, targets, tests) of predictions (m, steps, n, targets)."""
    squared = (said - np.nan_to_num(person.situation.positivity)[:, None]) ** 2
    share = person.tests / person.tests.sum(axis=1, keepdims=True)
    return np.asarray(squared.swapaxes(2, 3) @ share[:, None])


def choose(learner: Learner, others: Person, shown: Sequence[int]) -> Setting:
    """Return the setting with the least error on other raters.

    The error on ratings that were not shown, relative to that of the model that knows no rating, is averaged
    over both targets and all numbers of ratings.
    """
    settings = learner.settings
    if len(settings) == 1:
        return settings[0]
    before = unpersonalised(others).mean(axis=0)[..., 0]
    relative = [
        (
            errors_of(others, learner.learn(others.situation, shown, setting)).mean(axis=0)[..., 0] / before
        ).mean()
        for setting in settings
    ]
    return settings[int(np.argmin(relative))]


def unpersonalised(person: Person) -> Array:
    """Return the errors (m, 1, targets, tests) of the model as it was."""
    s = person.situation
    return errors_of(person, positivity_of(say(s.state, s.codes, s.parameters))[:, None])


def personalise(
    material: Material | Callable[[int], Material],
    *,
    learners: Mapping[str, Learner] | None = None,
    plan: Plan | None = None,
    progress: Callable[[str, int, int], object] | None = None,
) -> Personalisation:
    """Learn each rater from few ratings, in each way, with settings chosen by the others.

    Parameters
    ----------
    material : Material, or callable
        Codes and ratings; or what returns them for the number of a rater whose ratings the code must not know
        (a cortex that was trained on ratings).
    learners : mapping of str to Learner, optional
        Ways to learn; by default `standard_learners`. With one called "bel" there is also a control: what it
        makes of another rater's ratings of the same clips.
    plan : Plan, optional
        Numbers of ratings, draws and passes.
    progress : callable, optional
        Called after each rater with what is done, how many raters are, and how many there are.

    Returns
    -------
    Personalisation
        Errors by rater and number of ratings shown, and the chosen settings.

    Raises
    ------
    UsageError
        If there are fewer than four raters, or one gave too few ratings.
    """
    plan = plan or Plan()
    of_rater = material if callable(material) else lambda rater: material
    first = of_rater(0)
    count = len(first.raters)
    if count < 4:
        raise UsageError(f"personalised needs single ratings of four people or more, and there are {count}")
    ways = dict(learners or standard_learners(first.parameters))
    errors: dict[str, list[Array]] = {}
    chosen: dict[str, list[Setting]] = {name: [] for name in ways}
    for rater in range(count):
        own = first if rater == 0 else of_rater(rater)
        person, others = _divided(own, rater, plan)
        before = unpersonalised(person)
        for name, way in ways.items():
            setting = choose(way, others, plan.shown)
            chosen[name].append(setting)
            found = errors_of(person, way.learn(person.situation, plan.shown, setting))
            errors.setdefault(name, []).append(np.concatenate([before, found], axis=1).mean(axis=0))
        if BEL in ways:
            said = ways[BEL].learn(_misled(person, own, rater), plan.shown, chosen[BEL][-1])
            found = np.concatenate([before, errors_of(person, said)], axis=1).mean(axis=0)
            errors.setdefault(SOMEBODY_ELSE, []).append(found)
        if progress is not None:
            progress("personalised", rater + 1, count)
    return Personalisation(
        raters=first.raters,
        shown=(0, *plan.shown),
        tests=TESTS if plan.groups == 1 else ("new stimuli",),
        errors={name: np.stack(of)[..., : 2 if plan.groups == 1 else 1] for name, of in errors.items()},
        chosen=chosen,
    )


def _divided(material: Material, rater: int, plan: Plan) -> tuple[Person, Person]:
    """Return a rater as the person, and all others, each taken for the person without this rater."""
    others = [other for other in range(len(material.raters)) if other != rater]
    without = {other: frozenset({rater, other}) for other in others}
    panels = Panels(material, [frozenset({rater}), *without.values()], plan)
    person = take_for_person(material, rater, frozenset({rater}), panels, draw_ratings(material, rater, plan))
    inner = [
        take_for_person(
            material,
            other,
            without[other],
            panels,
            draw_ratings(material, other, replace(plan, draws=plan.inner_draws)),
        )
        for other in others
    ]
    return person, join_people(inner)


def _misled(person: Person, material: Material, rater: int) -> Situation:
    """Return a person's situation in which another rater's ratings are shown, a different one each draw.

    Where the other did not rate, the model is shown what it expects, from which it learns nothing.
    """
    others = np.delete(np.arange(len(material.raters)), rater)
    s = person.situation
    asked = np.flatnonzero(material.asked)
    shown = material.rewards[others[np.arange(len(s.order)) % len(others)]][:, asked]
    return s._replace(rewards=np.where(np.isnan(shown), say(s.state, s.codes, s.parameters), shown))
