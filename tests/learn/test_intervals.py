"""All metrics at once, against the functions they come from; and the scores that answers deserve."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.learn import binary, metrics
from avfbel.learn.intervals import METRICS, Cases, draw_weights, score_all, score_difference, weighted_scores
from avfbel.learn.metrics import cluster_bootstrap


def one_by_one(cases: Cases) -> dict[str, float]:
    o, p = cases.observed, cases.predicted
    return {
        "r": metrics.pearson_r(o, p),
        "r2": metrics.r_squared(o, p, baseline=cases.baseline),
        "nev": metrics.nev(metrics.r_squared(o, p, baseline=cases.baseline), 0.8),
        "ccc": metrics.ccc(o, p),
        "mae": metrics.mae(o, p),
        "rmse": metrics.rmse(o, p),
        "balanced_accuracy": metrics.balanced_accuracy(o, p),
        "mcc": metrics.mcc(o, p),
        "precision": binary.precision(o, p),
        "recall": binary.recall(o, p),
        "f1": binary.f1(o, p),
    }


def made(n: int, seed: int, *, clusters: int | None = None) -> Cases:
    rng = np.random.default_rng(seed)
    o = rng.random(n)
    names = np.array([f"s{k % (clusters or n)}" for k in range(n)])
    return Cases(o, np.clip(o + rng.normal(0, 0.2, n), 0, 1), rng.uniform(0.4, 0.6, n), names)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(0, 10**6))
def test_every_metric_is_that_of_its_own_function(n: int, seed: int) -> None:
    cases = made(n, seed)
    found = score_all(cases, reliability=0.8, n_draws=5)
    for name, want in one_by_one(cases).items():
        assert found[name].value == pytest.approx(want, abs=1e-9, nan_ok=True), name


@settings(deadline=None, max_examples=20)
@given(st.integers(4, 30), st.integers(0, 10**6))
def test_weights_are_repetitions(n: int, seed: int) -> None:
    cases = made(n, seed)
    weights = draw_weights(cases.clusters, n_draws=3, seed=seed)
    together = weighted_scores(cases, weights, reliability=0.8)
    for draw, weight in enumerate(weights):
        rows = np.repeat(np.arange(n), weight.astype(int))
        for name, want in one_by_one(Cases(*(values[rows] for values in cases))).items():
            assert together[name][draw] == pytest.approx(want, abs=1e-7, nan_ok=True), name


def test_intervals_are_those_of_the_plain_bootstrap() -> None:
    cases = made(60, 1, clusters=20)
    found = score_all(cases, n_draws=300, seed=4)
    for name, metric in (("r", metrics.pearson_r), ("mae", metrics.mae), ("mcc", metrics.mcc)):
        want = cluster_bootstrap(
            lambda rows, metric=metric: metric(cases.observed[rows], cases.predicted[rows]),
            cases.clusters,
            n_draws=300,
            seed=4,
        )
        assert found[name][1:] == pytest.approx(want, abs=1e-9)


def test_perfect_constant_and_reversed_answers_get_what_they_deserve() -> None:
    rng = np.random.default_rng(2)
    o = rng.random(40)
    b, names = np.full(40, o.mean()), np.arange(40).astype(str)
    perfect = score_all(Cases(o, o, b, names), reliability=0.8)
    assert [perfect[name].value for name in METRICS] == pytest.approx([1, 1, 1.25, 1, 0, 0, 1, 1, 1, 1, 1])
    assert perfect["r"] == pytest.approx((1, 1, 1))
    for level in (0.2, 0.9, o.mean()):
        constant = score_all(Cases(o, np.full(40, level), b, names), reliability=0.8)
        assert math.isnan(constant["r"].value)
        assert math.isnan(constant["ccc"].value)
        assert math.isnan(constant["mcc"].value)
        assert constant["r2"].value <= 1e-12
        assert constant["nev"].value <= 1e-12
        assert constant["balanced_accuracy"].value == 0.5
        assert constant["mae"].value > 0.1
        assert constant["rmse"].value > 0.1
    everything = score_all(Cases(o, np.full(40, 0.9), b, names))
    for name, want in binary.all_positive(o).items():
        assert everything[name].value == pytest.approx(want)
    backwards = score_all(Cases(o, 1 - o, b, names), reliability=0.8)
    assert backwards["r"].value == pytest.approx(-1)
    assert backwards["mcc"].value == pytest.approx(-1)
    assert backwards["ccc"].value < -0.9
    assert backwards["r2"].value < -2
    assert backwards["nev"].value < -2
    assert [backwards[name].value for name in ("balanced_accuracy", "precision", "recall", "f1")] == [0] * 4
    for name in ("mae", "rmse"):
        assert backwards[name].value > everything[name].value or backwards[name].value > 0.4


def test_a_paired_difference_is_the_difference_and_knows_more_than_either() -> None:
    first = made(40, 3)
    second = first._replace(predicted=np.clip(first.predicted * 0.9 + 0.02, 0, 1))
    found = score_difference(first, second)
    a, b = score_all(first), score_all(second)
    for name in METRICS:
        if name != "nev":
            assert found[name].value == pytest.approx(a[name].value - b[name].value, nan_ok=True)
    assert found["mae"].high - found["mae"].low < a["mae"].high - a["mae"].low
    same = score_difference(first, first)
    assert same["r"] == (0, 0, 0)
    with pytest.raises(ValueError, match="needs the same cases in the same order"):
        score_difference(first, Cases(*(values[::-1] for values in second)))


def test_what_cannot_be_scored_is_refused() -> None:
    cases = made(5, 0)
    with pytest.raises(ValueError, match="must be finite"):
        score_all(cases._replace(predicted=np.full(5, np.nan)))
    with pytest.raises(ValueError, match=r"must all be \(n,\)"):
        score_all(cases._replace(baseline=np.zeros(4)))
    one = score_all(Cases(*(values[:1] for values in cases)))
    assert math.isnan(one["mae"].low)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(deadline=None, max_examples=40)
def test_all_positive_is_the_score_of_that_answer(observed: list[float]) -> None:
    want = binary.all_positive(observed)
    said = np.ones(len(observed))
    for name in ("precision", "recall", "f1"):
        metric = getattr(binary, name)
        if any(value > 0.5 for value in observed):
            assert metric(observed, said) == pytest.approx(want[name])
        else:
            assert math.isnan(want[name])
