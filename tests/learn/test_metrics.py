from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from avfbel.learn import metrics as m

unit = st.floats(0, 1)
pairs = st.lists(st.tuples(unit, unit), min_size=0, max_size=30).map(
    lambda rows: np.array(rows, dtype=float).reshape(-1, 2).T
)


def sample(seed: int, n: int = 38) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    observed = rng.uniform(size=n)
    return observed, np.clip(observed + rng.normal(0, 0.2, n), 0, 1)


@pytest.mark.parametrize("seed", range(5))
def test_metrics_equal_those_of_scipy_and_scikit_learn(seed: int) -> None:
    o, p = sample(seed)
    assert m.pearson_r(o, p) == pytest.approx(scipy.stats.pearsonr(o, p).statistic, abs=1e-12)
    assert m.r_squared(o, p, baseline=o.mean()) == pytest.approx(sklearn.metrics.r2_score(o, p), abs=1e-12)
    assert m.mae(o, p) == pytest.approx(sklearn.metrics.mean_absolute_error(o, p), abs=1e-12)
    assert m.rmse(o, p) == pytest.approx(sklearn.metrics.root_mean_squared_error(o, p), abs=1e-12)
    classes = o > 0.5, p > 0.5
    assert m.balanced_accuracy(o, p) == pytest.approx(sklearn.metrics.balanced_accuracy_score(*classes))
    assert m.mcc(o, p) == pytest.approx(sklearn.metrics.matthews_corrcoef(*classes))


@pytest.mark.parametrize("seed", range(3))
def test_concordance_equals_its_textbook_form(seed: int) -> None:
    o, p = sample(seed)
    s = np.cov(o, p, ddof=0)
    assert m.ccc(o, p) == pytest.approx(
        2 * s[0, 1] / (s[0, 0] + s[1, 1] + (o.mean() - p.mean()) ** 2), abs=1e-12
    )


def test_concordance_punishes_scale_and_shift_where_r_does_not() -> None:
    o, _ = sample(0)
    assert m.pearson_r(o, 0.5 * o + 0.3) == pytest.approx(1.0)
    # var and mean in closed form: 2·0.5·v / (v + 0.25·v + (0.5·mean - 0.3)²)
    v = o.var()
    assert m.ccc(o, 0.5 * o + 0.3) == pytest.approx(v / (1.25 * v + (0.5 * o.mean() - 0.3) ** 2))


def test_explained_variance_is_measured_against_the_mean_of_each_training_fold() -> None:
    # leave-one-out means as predictions are exactly as good as the baseline, and worse than the mean of all
    o, _ = sample(1)
    left_out = (o.sum() - o) / (len(o) - 1)
    assert m.r_squared(o, left_out, baseline=left_out) == 0
    assert m.r_squared(o, left_out, baseline=o.mean()) < 0


def test_noise_normalised_variance_is_one_at_the_ceiling() -> None:
    assert m.nev(0.89, 0.89) == 1
    assert math.isnan(m.nev(0.5, 0.0))
    assert math.isnan(m.nev(math.nan, 0.9))


@given(pairs)
def test_no_input_raises_and_none_gives_infinity(rows: np.ndarray) -> None:
    o, p = rows
    figures = m.score(o, p, baseline=0.5, reliability=0.9, n_draws=20)
    assert not any(math.isinf(value) for value in figures.values())
    for value in (m.mae(o, p), m.balanced_accuracy(o, p), m.mcc(o, p)):
        assert not math.isinf(value)
    assert math.isnan(figures["r"]) or -1 <= figures["r"] <= 1
    assert math.isnan(figures["ccc"]) or abs(figures["ccc"]) <= abs(figures["r"]) + 1e-9


@pytest.mark.parametrize("constant", [0.0, 0.1, 0.3, 1.0])
def test_a_constant_prediction_has_no_correlation(constant: float) -> None:
    o, _ = sample(2)
    # 0.1 ten times averages to something that is not quite 0.1: still constant
    p = np.array([np.mean([constant] * (3 + i % 7)) for i in range(len(o))])
    assert math.isnan(m.pearson_r(o, p))
    assert math.isnan(m.ccc(o, p))
    assert math.isnan(m.mcc(o, p))
    assert m.balanced_accuracy(o, p) == 0.5
    figures = m.score(o, p, baseline=0.5, reliability=0.9, n_draws=50)
    assert all(math.isnan(figures[name]) for name in ("r", "r_low", "r_high", "ccc"))
    assert math.isfinite(figures["r2"])


def test_a_missing_observation_is_left_out_but_a_missing_prediction_is_a_failure() -> None:
    o, p = sample(3)
    full = m.score(o[1:], p[1:], baseline=0.5, reliability=None, n_draws=50)
    missing = m.score(np.r_[np.nan, o[1:]], p, baseline=0.5, reliability=None, n_draws=50)
    np.testing.assert_equal(missing, full)
    assert full["n"] == len(o) - 1
    failed = m.score(o, np.r_[np.nan, p[1:]], baseline=0.5, reliability=0.9, n_draws=50)
    assert all(math.isnan(value) for name, value in failed.items() if name != "n")
    assert math.isnan(m.balanced_accuracy(o, np.r_[np.nan, p[1:]]))


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match=r"observed has shape \(2,\), predicted \(3,\)"):
        m.pearson_r([0, 1], [0, 1, 2])
    with pytest.raises(ValueError, match="one cluster a case"):
        m.score([0, 1], [0, 1], baseline=0.5, reliability=None, clusters=["a"])


def test_interval_of_a_mean_is_that_of_theory() -> None:
    x = np.random.default_rng(0).normal(size=400)
    low, high = m.cluster_bootstrap(lambda rows: float(x[rows].mean()), np.arange(400), n_draws=4000)
    half = 1.96 * x.std() / 20
    assert low == pytest.approx(x.mean() - half, abs=0.015)  # Monte Carlo error of a 2.5 % quantile is 0.003
    assert high == pytest.approx(x.mean() + half, abs=0.015)


def test_copies_of_a_stimulus_do_not_narrow_the_interval() -> None:
    o, p = sample(4)
    alone = m.score(o, p, baseline=0.5, reliability=None)
    clips = m.score(
        np.repeat(o, 20),
        np.repeat(p, 20),
        baseline=0.5,
        reliability=None,
        clusters=np.repeat(np.arange(38), 20),
    )
    assert (clips["r_low"], clips["r_high"]) == pytest.approx((alone["r_low"], alone["r_high"]))
    as_if_apart = m.score(np.repeat(o, 20), np.repeat(p, 20), baseline=0.5, reliability=None)
    assert as_if_apart["r_high"] - as_if_apart["r_low"] < 0.5 * (alone["r_high"] - alone["r_low"])


def test_interval_is_reproducible_and_spans_the_estimate() -> None:
    o, p = sample(5)
    first, second = (m.score(o, p, baseline=0.5, reliability=None, seed=3) for _ in range(2))
    assert first == second or math.isnan(first["nev"])
    assert first["r_low"] < first["r"] < first["r_high"]


def test_a_paired_difference_is_surer_than_two_separate_ones() -> None:
    o, p = sample(6)
    q = p + np.random.default_rng(1).normal(0, 0.02, len(p))
    low, high = m.cluster_bootstrap(
        lambda rows: m.pearson_r(o[rows], p[rows]) - m.pearson_r(o[rows], q[rows]), np.arange(len(o))
    )
    alone = m.score(o, p, baseline=0.5, reliability=None)
    assert high - low < 0.3 * (alone["r_high"] - alone["r_low"])


def test_one_cluster_has_no_interval() -> None:
    assert all(map(math.isnan, m.cluster_bootstrap(lambda rows: 1.0, ["a", "a"])))


@given(st.lists(st.tuples(st.sampled_from("abc"), unit), min_size=1))
def test_means_by_label_equal_those_taken_one_by_one(rows: list[tuple[str, float]]) -> None:
    names, means = m.mean_by(*zip(*rows, strict=True))
    assert names.tolist() == sorted({name for name, _ in rows})
    for name, mean in zip(names, means, strict=True):
        assert mean == pytest.approx(np.mean([value for label, value in rows if label == name]))


def test_means_by_label_of_a_table() -> None:
    _, means = m.mean_by(["b", "a", "b"], [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(means, [[2, 3], [2, 3]])
