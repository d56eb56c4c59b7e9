"""Many models at once learn what each would learn alone, step by step, whatever their order and rates."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.brain import BrainEmotionalLearning, LimbicParameters, LimbicState, limbic_step
from avfbel.brain.bel import on_off_channels
from avfbel.brain.limbic import RULES, initial_state
from avfbel.brain.limbic_learning import PAUSE, limbic_fit, shuffled_passes

_path = Path(__file__).parents[2] / "benchmarks" / "bel.py"
_spec = importlib.util.spec_from_file_location("benchmark_bel", _path)
benchmark = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(benchmark)


def alone(x: np.ndarray, reward: np.ndarray, passes: np.ndarray, p: LimbicParameters) -> LimbicState:
    """Oracle: one model, one `limbic_step` after the other."""
    state = initial_state(x.shape[1], reward.shape[1])
    for j, rows in enumerate(passes):
        for i in rows[rows != PAUSE]:
            state, _ = limbic_step(state, x[i], reward[i], p, rate=1 / (1 + j / 10))
    return state


def assert_same(batch: LimbicState, model: int, single: LimbicState) -> None:
    for together, one in zip(batch, single, strict=True):
        np.testing.assert_allclose(together[model], one, rtol=1e-9, atol=1e-9)


rates = st.floats(0.0, 0.99)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["moren", "belbic"]), rates, rates, st.floats(0, 2)), min_size=1, max_size=4
    ),
    st.integers(1, 40),
    st.integers(1, 3),
    st.floats(1e-3, 1e3),
    st.integers(0, 2**32 - 1),
)
def test_each_model_has_its_own_rates_order_and_pauses(
    configurations: list[tuple[str, float, float, float]], steps: int, passes: int, scale: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, reward = scale * rng.random((12, 3)), rng.normal(0.5, 1.0, (12, 2))
    ps = [LimbicParameters(rule=r, alpha=a, beta=b, kappa=k) for r, a, b, k in configurations]
    order = rng.integers(PAUSE, 12, (len(ps), passes, steps))
    together = limbic_fit(initial_state(3, 2, models=(len(ps),)), x, reward, order, ps)
    for model, p in enumerate(ps):
        assert_same(together, model, alone(x, reward, order[model], p))


def test_all_rules_lesions_and_prefrontal_rates_may_meet_in_a_batch() -> None:
    rng = np.random.default_rng(1)
    ps = [LimbicParameters(rule=rule, alpha=0.02, beta=0.03, gamma=g) for rule in RULES for g in (0.0, 0.02)]
    ps += [LimbicParameters(lesions=frozenset({"orbitofrontal"})), LimbicParameters(), ps[1]]
    x, reward = rng.random((len(ps), 10, 3)), rng.random((len(ps), 10, 2))
    order = rng.integers(PAUSE, 10, (len(ps), 2, 15))
    together = limbic_fit(initial_state(3, 2, models=(len(ps),)), x, reward, order, ps)
    for model, p in enumerate(ps):
        assert_same(together, model, alone(x[model], reward[model], order[model], p))


def test_leading_axes_may_be_several_and_learning_goes_on() -> None:
    # Three folds by two seeds; the stimuli are common, the rewards are not.
    rng = np.random.default_rng(2)
    p, x, reward = LimbicParameters(), rng.random((9, 4)), rng.random((3, 2, 9, 1))
    order = rng.integers(0, 9, (3, 2, 1, 20))
    first = limbic_fit(initial_state(4, 1, models=(3, 2)), x, reward, order, p)
    both = limbic_fit(first, x, reward, order[..., ::-1], p)
    for i, j in np.ndindex(3, 2):
        rows = np.concatenate([order[i, j, 0], order[i, j, 0, ::-1]])
        expected = alone(x, reward[i, j], rows[None], p)
        for together, one in zip(both, expected, strict=True):
            np.testing.assert_allclose(together[i, j], one, rtol=1e-9, atol=1e-12)


def test_folds_at_once_are_estimators_fitted_one_by_one() -> None:
    rng = np.random.default_rng(3)
    features, reward = rng.normal(size=(40, 3)), rng.random((40, 2))
    rows = [np.setdiff1d(np.arange(40), held_out) for held_out in np.array_split(np.arange(40), 7)]
    order = shuffled_passes(rows, 30, seeds=range(7))
    x, naive = on_off_channels(features, context=1.0), initial_state(7, 2, models=(7,))
    together = limbic_fit(naive, x, reward, order, LimbicParameters())
    for fold, own in enumerate(rows):
        bel = BrainEmotionalLearning(context=1.0, random_state=fold).fit(features[own], reward[own])
        assert_same(together, fold, bel.state_)


def test_the_loop_over_lists_of_the_benchmark_is_the_rule() -> None:
    x, reward, order = benchmark.folds(2, 2)
    together = limbic_fit(initial_state(11, 5, models=(2,)), x, reward, order, LimbicParameters())
    for model in range(2):
        assert_same(together, model, benchmark.list_loop(x, reward, order[model]))


@pytest.mark.slow
def test_38_folds_at_once_are_20_times_as_fast_as_loops() -> None:
    report = benchmark.measure(38, 4, 1)
    assert report["loops"]["numpy, a step a sample"]["ratio"] > 20
    assert max(loop["difference"] for loop in report["loops"].values()) < 1e-9


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(1, 3))
def test_every_pass_shows_every_row_once(lengths: list[int], passes: int) -> None:
    rows = [np.arange(n) + 10 for n in lengths]
    order = shuffled_passes(rows, passes, seeds=5)
    assert order.shape == (len(rows), passes, max(lengths))
    for own, shown in zip(rows, order, strict=True):
        for one in shown:
            assert sorted(one[one != PAUSE]) == own.tolist()


def test_a_pause_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    before = LimbicState(*(rng.random(w.shape) for w in initial_state(3, 2, models=(2,))))
    before = before._replace(W=np.zeros_like(before.W))
    pause = np.full((1, 30), PAUSE)
    after = limbic_fit(before, np.full((1, 3), math.e), np.ones((1, 2)), pause, LimbicParameters())
    for new, old in zip(after, before, strict=True):
        np.testing.assert_array_equal(new, old)


X, R = np.ones((4, 3)), np.ones((4, 2))


@pytest.mark.parametrize(
    ("models", "x", "reward", "order", "parameters", "sentence"),
    [
        ((), X, R[:3], np.arange(3), LimbicParameters(), "x has 4 rows and the reward 3"),
        ((), X, R, [4], LimbicParameters(), "an order holds rows from 0 to 3, and -1 for a pause"),
        ((), X, R, [-2], LimbicParameters(), "an order holds rows from 0 to 3"),
        ((), X, R, [0], [LimbicParameters()], "several parameters need a state of as many models"),
        ((2,), X, R, [0], [LimbicParameters()], "there are 2 models and 1 parameters"),
        ((2,), X[None], R, [0], LimbicParameters(), r"are \(2,\), but the leading axes of x are \(1,\)"),
        ((), X, R, [[[0]]], LimbicParameters(), r"are \(\), but the leading axes of order are \(1,\)"),
    ],
)
def test_what_does_not_belong_together_is_named(
    models: tuple, x: np.ndarray, reward: np.ndarray, order: list, parameters: object, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        limbic_fit(initial_state(3, 2, models=models), x, reward, np.asarray(order), parameters)


def test_the_committed_benchmark_is_that_of_the_page() -> None:
    root = Path(__file__).parents[2]
    report = json.loads((root / "benchmarks" / "results" / "bel.json").read_text(encoding="utf-8"))
    page = (root / "docs" / "conditioning.md").read_text(encoding="utf-8")
    assert (report["models"], report["passes"], report["samples"]) == (38, 100, 570)
    for loop in report["loops"].values():
        assert loop["difference"] < 1e-9
        assert loop["ratio"] >= 20
        assert f"| {loop['seconds']:.0f} s | {loop['ratio']:.0f} × |" in page
