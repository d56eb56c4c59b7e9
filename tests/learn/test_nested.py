"""Nested choosing: by inner folds alone, which never meet what the outer fold holds out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from avfbel.brain.limbic import LimbicParameters
from avfbel.data import KINDS
from avfbel.emotion import predicted_epp, predicted_valence, rating_epp, rating_valence
from avfbel.learn import nested
from avfbel.learn.jackknife import Choice, HeldOutSamples, Material, hold_out
from avfbel.learn.nested import (
    CHOICES,
    Tried,
    attempt,
    best_overall,
    choose,
    inner_sets,
    nested_predictions,
    outer_folds,
    predictions,
)
from avfbel.learn.protocols import ingredients
from avfbel.stimulus import named_stimuli

MakeUp = Callable[..., Material]
LEAVE_STIMULUS_OUT = "leave-stimulus-out"
QUICK = Choice(bel_epochs=2)


def truth_of(material: Material) -> np.ndarray:
    """Return EPP and valence (n, 3, 2) of each stimulus, the same however it is perceived."""
    first = [np.flatnonzero(material.stimulus == number)[0] for number in range(len(material.stimuli))]
    felt = material.rewards[first]
    return np.repeat(np.stack([rating_epp(felt), rating_valence(felt)], axis=1)[:, None], 3, axis=1)


def tried(inner: Sequence[float], said: Sequence[float]) -> Tried:
    """Return a choice that predicts `said` in folds of one stimulus each."""
    return Tried(
        choice=QUICK,
        fold=tuple((number,) for number in range(len(inner))),
        inner=np.array(inner),
        predicted=tuple(np.full((1, 3, 2), value) for value in said),
    )


def test_folds_are_those_of_the_protocols() -> None:
    assert outer_folds(("a", "b", "c"), LEAVE_STIMULUS_OUT) == ((0,), (1,), (2,))
    names = tuple(sorted(named_stimuli()))
    folds = outer_folds(names, "leave-prototype-out")
    assert [len(fold) for fold in folds] == [13] * 5
    for fold in folds:
        common = frozenset.intersection(*(ingredients(names[number]) for number in fold))
        (prototype,) = common
        assert not any(prototype in ingredients(name) for k, name in enumerate(names) if k not in fold)


@pytest.mark.parametrize("folds", [[(0,), (1,), (2,), (3,)], [(0, 1), (1, 2, 3)], [(0, 3)]])
def test_inner_folds_hold_out_the_outer_one_and_one_more(folds: list[tuple[int, ...]]) -> None:
    sets = inner_sets(folds, 5)
    assert len(sets) == len(set(sets))
    assert set(sets) == {frozenset(fold) | {extra} for fold in folds for extra in set(range(5)) - set(fold)}


@pytest.mark.parametrize("folds", [None, ((0, 1), (2, 4), (3,))])
def test_what_a_fold_holds_out_has_no_say_in_its_choice(
    make_up_material: MakeUp, monkeypatch: pytest.MonkeyPatch, folds: tuple[tuple[int, ...], ...] | None
) -> None:
    """Other ratings of a fold, wherever they stand, change neither its inner error nor its predictions."""
    if folds:
        monkeypatch.setattr(nested, "outer_folds", lambda *_: folds)
    material = make_up_material(5)
    truth = truth_of(material)
    before = attempt(material, truth, QUICK, LEAVE_STIMULUS_OUT)
    rng = np.random.default_rng(0)
    for number, fold in enumerate(before.fold):
        rewards, other = material.rewards.copy(), truth.copy()
        rewards[np.isin(material.stimulus, fold)] = rng.random(5)
        other[list(fold)] = rng.random((3, 2))
        after = attempt(replace(material, rewards=rewards), other, QUICK, LEAVE_STIMULUS_OUT)
        assert after.inner[number] == before.inner[number]
        np.testing.assert_array_equal(after.predicted[number], before.predicted[number])
        others = np.arange(len(before.fold)) != number
        assert (after.inner != before.inner)[others].all(), "for the others they are lessons"


def test_no_model_behind_an_inner_error_has_met_the_fold(
    make_up_material: MakeUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[frozenset[int], int]] = []

    def listen(held: HeldOutSamples, stimuli: Sequence[int], material: Material) -> np.ndarray:
        asked.extend((held.held, number) for number in stimuli)
        return predictions(held, stimuli, material)

    monkeypatch.setattr(nested, "predictions", listen)
    material = make_up_material(4)
    attempt(material, truth_of(material), QUICK, LEAVE_STIMULUS_OUT)
    inner, outer = asked[:12], asked[12:]
    assert inner == [
        (frozenset({fold, extra}), extra) for fold in range(4) for extra in range(4) if extra != fold
    ]
    assert outer == [(frozenset({fold}), fold) for fold in range(4)]


def test_errors_and_predictions_are_what_one_by_one_gives(make_up_material: MakeUp) -> None:
    """All by hand: one model a set, means over windows and clips, errors in units of the variance."""
    material = make_up_material(4)
    truth = truth_of(material)

    def said(held: tuple[int, ...], stimulus: int, kind: int) -> list[float]:
        (one,) = hold_out(material, QUICK, [held])
        means = []
        for felt in (predicted_epp(one.emotion), predicted_valence(one.emotion)):
            clips = []
            for clip in (2 * stimulus, 2 * stimulus + 1):
                own = (material.clip[one.rows] == clip) & (material.kind[one.rows] == kind)
                clips.append(np.average(felt[own], weights=material.evidence[one.rows][own].max(axis=1)))
            means.append(float(np.mean(clips)))
        return means

    found = attempt(material, truth, QUICK, LEAVE_STIMULUS_OUT)
    for fold in range(4):
        others = [number for number in range(4) if number != fold]
        error = np.array([said((fold, number), number, 2) - truth[number, 2] for number in others])
        want = ((error**2).mean(axis=0) / truth[others, 2].var(axis=0)).mean()
        assert found.inner[fold] == pytest.approx(want, rel=1e-9)
        for kind in range(len(KINDS)):
            np.testing.assert_allclose(found.predicted[fold][0, kind], said((fold,), fold, kind), atol=1e-12)


def test_the_choice_is_the_best_inside_whatever_it_says_outside() -> None:
    """The second is perfect on what is held out (0.5) and bad inside: it is not taken."""
    good_inside, perfect_outside = tried([0.2, 0.3, 0.9], [0.9] * 3), tried([0.8, 0.7, 0.4], [0.5] * 3)
    assert choose([good_inside, perfect_outside]) == [0, 0, 1]
    chosen, said = nested_predictions([good_inside, perfect_outside])
    assert chosen == [0, 0, 1]
    assert [part[0, 0, 0] for part in said] == [0.9, 0.9, 0.5]
    assert best_overall([good_inside, perfect_outside]) is good_inside
    assert best_overall([tried([0.9, 0.0], [0, 0]), tried([0.4, 0.4], [0, 0])]).inner.tolist() == [0.4, 0.4]


def test_the_choice_that_learns_is_found(make_up_material: MakeUp) -> None:
    material = make_up_material(20, noise=0.02)
    truth = truth_of(material)
    choices = [Choice(bel_epochs=1, alpha=1e-4, beta=2e-4), Choice(bel_epochs=5, alpha=0.1, beta=0.2)]
    every = [attempt(material, truth, choice, LEAVE_STIMULUS_OUT) for choice in choices]
    chosen, said = nested_predictions(every)
    assert chosen == [1] * 20
    assert np.corrcoef(np.concatenate(said)[:, 2, 0], truth[:, 2, 0])[0, 1] > 0.5
    assert best_overall(every).choice == choices[1]


def test_stimuli_without_rating_do_not_judge(make_up_material: MakeUp) -> None:
    material = make_up_material(5)
    truth = truth_of(material)
    known = attempt(material, truth, QUICK, LEAVE_STIMULUS_OUT)
    unrated = truth.copy()
    unrated[3] = np.nan
    found = attempt(material, unrated, QUICK, LEAVE_STIMULUS_OUT)
    assert np.isfinite(found.inner).all()
    assert found.inner[3] == known.inner[3], "there it was held out anyway"
    assert (np.delete(found.inner, 3) != np.delete(known.inner, 3)).all()


def test_what_was_tried_survives_json(make_up_material: MakeUp) -> None:
    material = make_up_material(4)
    one = attempt(material, truth_of(material), replace(QUICK, adapt=False), LEAVE_STIMULUS_OUT)
    again = Tried.from_dict(json.loads(json.dumps(one.to_dict())))
    assert (again.choice, again.fold) == (one.choice, one.fold)
    np.testing.assert_array_equal(again.inner, one.inner)
    for a, b in zip(again.predicted, one.predicted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_choices_are_lawful_and_differ() -> None:
    """Orbitofrontal cortex at least 1.5 times as fast as the amygdala, kappa at most 0.5: the laws hold."""
    assert len(set(CHOICES)) == len(CHOICES) > 1
    for choice in CHOICES:
        LimbicParameters(alpha=choice.alpha, beta=choice.beta, kappa=choice.kappa)
        assert choice.beta >= 1.5 * choice.alpha
        assert choice.kappa <= 0.5
        assert choice.bel_epochs >= 1
