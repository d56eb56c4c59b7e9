"""Holding out many sets at once: each model is the one that learned alone, and knows nothing of its set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from avfbel.brain import AVFBEL
from avfbel.brain.contexts import out_of_contexts
from avfbel.brain.limbic import LimbicParameters, initial_state, limbic_output, limbic_step
from avfbel.brain.relay import RELAY_LIMIT
from avfbel.data import KINDS, Dataset
from avfbel.emotion import predicted_epp, predicted_valence
from avfbel.learn import jackknife
from avfbel.learn.candidates import Circuit
from avfbel.learn.cortex import read_cortex
from avfbel.learn.jackknife import Choice, HeldOutSamples, Material, adapted, hold_out, stimulus_means
from avfbel.learn.metrics import mean_by

Make = Callable[..., Dataset]
MakeUp = Callable[..., Material]
SETS = [(0,), (1, 4), (2,), (), (5, 3, 0)]


def said_of(held: HeldOutSamples, material: Material, stimulus: int) -> np.ndarray:
    return held.emotion[material.stimulus[held.rows] == stimulus]


@pytest.mark.parametrize(("senses", "kinds"), [("both", KINDS), ("audio", ("audio",)), ("video", ("video",))])
def test_material_is_the_fused_code_of_the_circuit(
    make_world: Make, senses: str, kinds: tuple[str, ...]
) -> None:
    """What all models share, adapted to everything, is what the estimator itself perceives."""
    world, cortex = make_world(3), read_cortex()
    world.evidence[0, 0] = 0.0  # a moment of silence: nothing to learn from by ear alone
    material = jackknife.make_material(world, cortex, kinds)
    fitted = AVFBEL(cortex=cortex, modality=senses, bel_epochs=1).fit(world.samples(kinds))
    samples = world.samples(kinds)
    samples = samples.select((samples.sample_evidence > 0).any(axis=1))
    code = adapted(material, np.ones(len(material.lines), bool))
    np.testing.assert_allclose(code, fitted.activity(samples).x_fused, atol=1e-5)  # the network has float32
    assert len(code) == 12 * len(kinds) - ("audio" in kinds)
    np.testing.assert_array_equal(material.rewards, samples.rewards)
    for row in range(len(code)):
        kind = KINDS[material.kind[row]]
        number = material.clip[row]
        assert kind in kinds
        assert material.stimuli[material.stimulus[row]] == world.stimulus[number]
        np.testing.assert_array_equal(material.rewards[row], world.targets[kind].emotions[number])
    np.testing.assert_array_equal(material.evidence, samples.sample_evidence)
    opened = np.array([[True, False], [False, True], [True, True]])[material.kind]
    np.testing.assert_array_equal(samples.mask, opened)


def test_clips_that_nobody_rated_are_no_material(make_world: Make) -> None:
    world = make_world(3)
    world.targets["fused"].emotions[1] = np.nan
    world.targets["fused"].epp[1] = world.targets["fused"].valence[1] = np.nan
    material = jackknife.make_material(world, read_cortex())
    assert not ((material.clip == 1) & (material.kind == KINDS.index("fused"))).any()
    assert np.isfinite(material.rewards).all()
    assert len(material.lines) == 3 * 12 - 2


@pytest.mark.parametrize("adapt", [True, False])
@pytest.mark.parametrize("limits", [{}, {"MODELS_AT_A_TIME": 2}, {"NUMBERS_AT_A_TIME": 1}])
def test_each_model_is_the_one_that_learned_alone(
    make_up_material: MakeUp, monkeypatch: pytest.MonkeyPatch, adapt: bool, limits: dict[str, int]
) -> None:
    """Against a loop over single steps that passes over what is held out."""
    for name, value in limits.items():
        monkeypatch.setattr(jackknife, name, value)
    material = make_up_material(6)
    choice = Choice(bel_epochs=3, alpha=0.08, beta=0.2, kappa=0.3, adapt=adapt)
    parameters = LimbicParameters(alpha=0.08, beta=0.2, kappa=0.3)
    told: list[int] = []
    found = list(hold_out(material, choice, SETS, seed=4, progress=told.append))
    assert [one.held for one in found] == [frozenset(one) for one in SETS]
    assert sum(told) == len(SETS)
    for one, held in zip(found, SETS, strict=True):
        away = np.isin(material.stimulus, held)
        np.testing.assert_array_equal(one.rows, np.flatnonzero(away))
        code = adapted(material, ~away, adapt=adapt)
        alone = np.flatnonzero(material.kind != KINDS.index("fused"))
        again = np.zeros((len(alone), 75))  # what is perceived by one sense is shown as if it were both
        again[:, :25] = code[alone, 25:50] + code[alone, 50:]
        shown, lesson = np.concatenate([code, again]), np.append(np.arange(len(code)), alone)
        state = initial_state(75, 5)
        rng = np.random.default_rng(4)
        for j in range(3):
            for i in rng.permutation(len(shown)):
                if not away[lesson[i]]:
                    reward = material.rewards[lesson[i]]
                    state, _ = limbic_step(state, shown[i], reward, parameters, rate=1 / (1 + j / 10))
        np.testing.assert_allclose(
            one.emotion, limbic_output(state, code[away], parameters).emotion, rtol=0, atol=1e-9
        )


def test_lines_centre_on_what_was_met(make_up_material: MakeUp) -> None:
    """Against mean and standard deviation over the windows met in which the sense of a line has evidence."""
    material = make_up_material(6)
    met = material.stimulus != 2
    lines, evidence = material.lines, np.repeat(material.evidence, (7, 5), axis=1)
    signed = np.concatenate([lines[:, :7] - lines[:, 7:14], lines[:, 14:19] - lines[:, 19:24]], axis=1)
    want = np.zeros_like(signed)
    for i in range(12):
        known = met & (evidence[:, i] > 0)
        level = signed[known, i] / evidence[known, i]
        want[:, i] = (signed[:, i] - evidence[:, i] * level.mean()) / level.std()
    code = out_of_contexts(adapted(material, met))
    on, off = (
        np.concatenate([code[:, a:b], code[:, c:d]], axis=1)
        for a, b, c, d in ((0, 7, 14, 19), (7, 14, 19, 24))
    )
    assert code.min() >= 0
    np.testing.assert_allclose(
        on - off, np.clip(want, -RELAY_LIMIT, RELAY_LIMIT), atol=1e-5
    )  # statistics are float32
    np.testing.assert_allclose(code[:, -1], lines[:, -1], rtol=1e-12)
    plain = out_of_contexts(adapted(material, met, adapt=False))
    np.testing.assert_allclose(plain, lines, atol=1e-12)


def test_ratings_of_what_is_held_out_do_not_reach_the_model(make_up_material: MakeUp) -> None:
    material, sets = make_up_material(6), [(0, 1), (2,)]
    rewards = material.rewards.copy()
    rewards[np.isin(material.stimulus, (0, 1))] = np.random.default_rng(1).random(5)
    before, after = (
        list(hold_out(of, Choice(bel_epochs=2), sets))
        for of in (material, replace(material, rewards=rewards))
    )
    np.testing.assert_array_equal(before[0].emotion, after[0].emotion)
    assert np.abs(before[1].emotion - after[1].emotion).max() > 1e-3, "who has met them learns otherwise"


def test_what_is_held_out_does_not_reach_the_adaptation(make_up_material: MakeUp) -> None:
    """Strange windows of stimulus 0 change nothing about 1, where both are held out."""
    material, sets = make_up_material(6), [(0, 1), (1,)]
    lines = material.lines.copy()
    lines[material.stimulus == 0] *= 7.0
    strange = replace(material, lines=lines)
    before, after = (list(hold_out(of, Choice(bel_epochs=2), sets)) for of in (material, strange))
    np.testing.assert_array_equal(said_of(before[0], material, 1), said_of(after[0], strange, 1))
    assert np.abs(said_of(before[1], material, 1) - said_of(after[1], strange, 1)).max() > 1e-3


def test_the_seed_orders_and_the_company_does_not_matter(make_up_material: MakeUp) -> None:
    material, choice = make_up_material(5), Choice(bel_epochs=2)
    (alone,) = hold_out(material, choice, [(3,)], seed=1)
    *_, in_company = hold_out(material, choice, [(0,), (1, 2), (3,)], seed=1)
    np.testing.assert_allclose(alone.emotion, in_company.emotion, rtol=0, atol=1e-12)
    (other,) = hold_out(material, choice, [(3,)], seed=2)
    assert np.abs(alone.emotion - other.emotion).max() > 1e-6


def test_means_of_stimuli_are_those_of_evaluate(make_world: Make) -> None:
    """Windows to clips to stimuli, against the circuit's own predictions of clips."""
    world, cortex = make_world(4, clips_each=3), read_cortex()
    material = jackknife.make_material(world, cortex)
    judge = Circuit(AVFBEL(cortex=cortex, bel_epochs=2)).fit(world)
    emotion = judge.model.predict(world)
    rows, held = np.flatnonzero(material.stimulus > 0), [3, 1]
    for number, kind in enumerate(KINDS):
        clips = judge.predict(world, kind)
        for column, of in enumerate((predicted_epp, predicted_valence)):
            _, want = mean_by(world.stimulus, clips[:, column])
            found = stimulus_means(of(emotion)[rows], rows, material, held, number)
            np.testing.assert_allclose(found, want[held], atol=1e-9)


def test_a_stimulus_that_is_never_perceived_so_has_no_mean(make_up_material: MakeUp) -> None:
    material = make_up_material(3)
    rows = np.flatnonzero((material.stimulus != 1) | (material.kind != 0))
    found = stimulus_means(np.ones(len(rows)), rows, material, [0, 1, 2], 0)
    np.testing.assert_array_equal(found, [1.0, np.nan, 1.0])
