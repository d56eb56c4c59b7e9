"""Limbic rules: as functions, in batches, and against plain scalar arithmetic."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from avfbel.brain import LimbicParameters, LimbicState, limbic_output, limbic_step
from avfbel.brain.limbic import RULES, initial_state
from avfbel.brain.limbic_learning import limbic_fit

stimuli = hnp.arrays(np.float64, (6, 3), elements=st.floats(0, 1e3))
rewards = hnp.arrays(np.float64, (6, 2), elements=st.floats(0, 10))
rates = st.floats(0.01, 0.99)


def random_state(rng: np.random.Generator, k: int, q: int, *models: int) -> LimbicState:
    return LimbicState(*(rng.random(w.shape) for w in initial_state(k, q, models=models)))


def steps(state: LimbicState, x: np.ndarray, reward: np.ndarray, p: LimbicParameters) -> LimbicState:
    for cue, r in zip(x, reward, strict=True):
        state, _ = limbic_step(state, cue, r, p)
    return state


def test_a_step_is_the_equations_written_out_in_scalars() -> None:
    rng = np.random.default_rng(1)
    x, reward, before = rng.random(3), np.array([0.9, 0.1]), random_state(rng, 3, 2)
    p = LimbicParameters(alpha=0.15, beta=0.25, gamma=0.05, kappa=0.3)
    after, said = limbic_step(before, x, reward, p)

    v, t, u, w = (weights.tolist() for weights in before)
    h = max(x)
    n = max(1.0, sum(value**2 for value in x) + p.kappa**2 * h**2)
    dw = np.zeros((3, 3))
    for e in range(2):
        a_unit = [x[i] * v[i][e] for i in range(3)]
        o_unit = [x[i] * u[i][e] for i in range(3)]
        f_unit = [a_unit[i] * sum(w[i][j] * o_unit[j] for j in range(3)) for i in range(3)]
        a = sum(a_unit) + p.kappa * h * t[e]
        inhibition = sum(o_unit) + sum(f_unit)
        d, gate = max(0.0, reward[e] - a), max(0.0, a - reward[e]) - inhibition
        assert said.emotion[e] == pytest.approx(a - inhibition, rel=1e-12)
        assert after.T[e] == pytest.approx(t[e] + p.alpha * p.kappa * h * d / n, rel=1e-12)
        for i in range(3):
            assert after.V[i, e] == pytest.approx(v[i][e] + p.alpha * x[i] * d / n, rel=1e-12)
            assert after.U[i, e] == pytest.approx(u[i][e] + p.beta * x[i] * gate / n, rel=1e-12)
            for j in range(3):
                dw[i, j] += p.gamma * a_unit[i] * gate * o_unit[j] / n
    np.testing.assert_allclose(after.W, before.W + dw, rtol=1e-12)


def test_a_step_leaves_its_input_alone() -> None:
    before = random_state(np.random.default_rng(0), 3, 2)
    copies = [weights.copy() for weights in before]
    limbic_step(before, np.ones(3), np.ones(2), LimbicParameters(gamma=0.1))
    limbic_fit(before, np.ones((2, 3)), np.ones((2, 2)), np.arange(2), LimbicParameters())
    for weights, copy in zip(before, copies, strict=True):
        np.testing.assert_array_equal(weights, copy)


@given(stimuli, rewards, rates, rates, st.floats(0, 2), st.sampled_from([0.0, 0.05]))
def test_excitation_never_falls_and_never_overshoots(
    x: np.ndarray, reward: np.ndarray, alpha: float, beta: float, kappa: float, gamma: float
) -> None:
    # The law holds for any stimulus scale, because the step is normalised by it.
    p = LimbicParameters(alpha=alpha, beta=beta, kappa=kappa, gamma=gamma)
    state = initial_state(3, 2)
    for cue, r in zip(x, reward, strict=True):
        after, said = limbic_step(state, cue, r, p)
        assert (after.V >= state.V).all()
        assert (after.T >= state.T).all()
        excited = limbic_output(after, cue, p).amygdala
        assert (excited <= np.maximum(said.amygdala, r) * (1 + 1e-9) + 1e-9).all()
        state = after


@given(st.sampled_from(["moren", "belbic"]), stimuli, rewards, rates, rates, st.floats(0, 0.5))
def test_the_fast_loop_gives_the_weights_of_single_steps(
    rule: str, x: np.ndarray, reward: np.ndarray, alpha: float, beta: float, kappa: float
) -> None:
    p = LimbicParameters(rule=rule, alpha=alpha, beta=beta, kappa=kappa)
    fast = limbic_fit(initial_state(3, 2), x, reward, np.arange(6), p)
    for quick, slow in zip(fast, steps(initial_state(3, 2), x, reward, p), strict=True):
        np.testing.assert_allclose(quick, slow, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("gamma", [0.0, 0.02])
def test_a_batch_of_models_learns_what_single_models_learn(rule: str, gamma: float) -> None:
    rng = np.random.default_rng(3)
    p = LimbicParameters(rule=rule, gamma=gamma, alpha=0.01, beta=0.02)
    x, reward = rng.random((4, 20, 3)), rng.random((4, 20, 2))
    order = np.stack([rng.permutation(20) for _ in range(3)])
    together = limbic_fit(initial_state(3, 2, models=(4,)), x, reward, order, p)
    for model in range(4):
        alone = limbic_fit(initial_state(3, 2), x[model], reward[model], order, p)
        for batch, single in zip(together, alone, strict=True):
            np.testing.assert_allclose(batch[model], single, rtol=1e-9, atol=1e-12)


def test_rates_fall_from_pass_to_pass() -> None:
    x, reward, p = np.ones((1, 1)), np.ones((1, 1)), LimbicParameters(alpha=0.3, kappa=0.0)
    state = limbic_fit(initial_state(1, 1), x, reward, np.zeros((3, 1), dtype=int), p)
    missing = (1 - 0.3) * (1 - 0.3 / 1.1) * (1 - 0.3 / 1.2)
    assert state.V.item() == pytest.approx(1 - missing)


def test_it_converges_to_least_squares() -> None:
    # Oracle: numpy's lstsq on the same features, the thalamic cue included, of noisy rewards.
    rng = np.random.default_rng(5)
    x = rng.random((60, 3)) * 2
    reward = np.clip(x @ np.array([[0.3], [0.1], [0.25]]) + rng.normal(0, 0.05, (60, 1)), 0, None)
    order = np.stack([rng.permutation(60) for _ in range(600)])
    state = limbic_fit(initial_state(3, 1), x, reward, order, LimbicParameters(kappa=0.0))
    best = x @ np.linalg.lstsq(x, reward, rcond=None)[0]
    said = limbic_output(state, x, LimbicParameters(kappa=0.0)).emotion
    assert np.abs(said - best).max() < 0.02


@pytest.mark.parametrize("beta", [0.01, 0.2, 1.0])
def test_the_printed_rule_diverges(beta: float) -> None:
    p = LimbicParameters(rule="published", beta=beta)
    state, x, reward = initial_state(2, 1), np.array([1.0, 0.5]), np.ones(1)
    state = limbic_fit(state, x[None], reward[None], np.zeros(math.ceil(20 / beta), dtype=int), p)
    assert abs(limbic_output(state, x, p).emotion.item()) > 1e3


def test_the_released_rule_is_its_scalars() -> None:
    x, r, p = [0.7, 0.4], 0.3, LimbicParameters(rule="released", alpha=0.01, beta=0.02, gamma=0.03)
    before = random_state(np.random.default_rng(2), 2, 1)
    after, said = limbic_step(before, np.array(x), np.array([r]), p)
    v, u = before.V[:, 0], before.U[:, 0]
    a, o = [x[j] * v[j] for j in range(2)], [x[j] * u[j] for j in range(2)]
    error = r - (sum(a) + max(x) - sum(o))
    control = sum(before.W[i, j] * a[j] for i in range(2) for j in range(2))
    assert said.emotion.item() == pytest.approx(sum(a) + max(x) - sum(o) - control)
    for j in range(2):
        assert after.V[j, 0] == pytest.approx(v[j] + 0.01 * error * x[j] * max(0, 2 - sum(a)))
        assert after.U[j, 0] == pytest.approx(u[j] + 0.02 * error * x[j] * (sum(o) - 2 * 2))
        for i in range(2):
            assert after.W[i, j] == pytest.approx(before.W[i, j] + 0.03 * (a[i] - 0.5) * o[j])


@pytest.mark.parametrize(
    # The prefrontal weights learn from amygdala and orbitofrontal cortex: without either they rest too.
    ("region", "frozen"),
    [("amygdala", "VTW"), ("orbitofrontal", "UW"), ("prefrontal", "W")],
)
def test_a_lesioned_region_is_silent_and_stays_as_it_is(region: str, frozen: str) -> None:
    rng = np.random.default_rng(4)
    p = LimbicParameters(gamma=0.1, lesions=frozenset({region}))
    before, x = random_state(rng, 3, 2), rng.random(3)
    after, said = limbic_step(before, x, np.array([5.0, 0.0]), p)
    assert (getattr(said, region) == 0).all()
    for name in "VTUW":
        assert np.array_equal(getattr(after, name), getattr(before, name)) == (name in frozen), name


def test_without_lesion_all_weights_move() -> None:
    rng = np.random.default_rng(4)
    before = random_state(rng, 3, 2)
    after, _ = limbic_step(before, rng.random(3), np.array([5.0, 0.0]), LimbicParameters(gamma=0.1))
    assert all(not np.array_equal(a, b) for a, b in zip(after, before, strict=True))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"rule": "hebb"}, "rule must be one of moren, belbic, published, released, got 'hebb'"),
        ({"alpha": -0.1}, "alpha must be finite and at least 0, got -0.1"),
        ({"beta": math.nan}, "beta must be finite"),
        ({"kappa": math.inf}, "kappa must be finite"),
        ({"lesions": frozenset({"cerebellum"})}, "got cerebellum"),
    ],
)
def test_parameters_that_make_no_sense_are_named(wrong: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(LimbicParameters(), **wrong)
