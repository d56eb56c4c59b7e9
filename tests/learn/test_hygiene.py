"""Leaks that are planted, and caught by what evaluation itself calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from avfbel.data import Dataset
from avfbel.errors import UsageError
from avfbel.learn import cross_validate, crossvalidation, make_candidate, make_folds
from avfbel.learn.candidates import BASELINES, CONFIGURATIONS, Regression
from avfbel.learn.hygiene import assert_no_leak, check_features, check_unfitted
from avfbel.learn.protocols import Fold

Make = Callable[..., Dataset]
X = np.random.default_rng(0).normal(size=(30, 3))
Y = np.random.default_rng(1).random(30)
STIMULI = [f"s{k // 3}" for k in range(30)]
FOLDS = make_folds("leave-stimulus-out", stimulus=STIMULI)
SCALER = StandardScaler().fit(X)
SELECTOR = SelectKBest(lambda x, y: np.abs(x.T @ y), k=2).fit(X, Y)


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (make_pipeline(SCALER, Ridge()), "StandardScaler"),
        (make_pipeline(StandardScaler(), SELECTOR, Ridge()), "SelectKBest"),
        (make_pipeline(FunctionTransformer(SCALER.transform), Ridge()), "StandardScaler"),
        (make_pipeline(FunctionTransformer(lambda x: SCALER_IN_CLOSURE(x)), Ridge()), None),
        (Ridge().fit(X, Y), "Ridge"),
    ],
)
def test_what_was_fitted_outside_is_caught(estimator: object, name: str | None) -> None:
    if name is None:  # a global name is out of sight: it cannot be told from any other function
        check_unfitted(estimator)
        return
    with pytest.raises(UsageError, match=f"{name} has been fitted already"):
        assert_no_leak(estimator, folds=FOLDS, groups=STIMULI)


SCALER_IN_CLOSURE = SCALER.transform


def test_a_function_that_encloses_something_fitted_is_caught() -> None:
    fitted = StandardScaler().fit(X)
    with pytest.raises(UsageError, match="StandardScaler has been fitted already"):
        check_unfitted(make_pipeline(FunctionTransformer(lambda x: fitted.transform(x)), Ridge()))


def test_a_label_among_the_features_is_caught() -> None:
    honest = make_pipeline(StandardScaler(), Ridge())
    assert_no_leak(honest, folds=FOLDS, groups=STIMULI, features=X, target=Y)
    leaky = np.column_stack([X, 3 - 2 * Y])
    with pytest.raises(UsageError, match="the label is among the features, up to offset and scale: said"):
        assert_no_leak(
            honest, folds=FOLDS, groups=STIMULI, features=leaky, target=Y, names=["a", "b", "c", "said"]
        )
    with pytest.raises(UsageError, match="number 4; leave it out, and look at the table with `avfbel audit`"):
        check_features(leaky, Y)


def test_a_group_on_both_sides_is_caught() -> None:
    mixed = [Fold(name="mixed", train=np.arange(29), test=np.array([29]))]
    with pytest.raises(
        UsageError, match="mixed: the stimulus 's9' would be learned from and predicted at once"
    ):
        assert_no_leak(Ridge(), folds=mixed, groups=STIMULI)
    everything, people = np.arange(30), np.arange(4)
    both = [Fold(name="p", train=everything, test=everything, train_raters=people, test_raters=people[:1])]
    with pytest.raises(UsageError, match="p: rater 1 would be learned from and predicted at once"):
        assert_no_leak(Ridge(), folds=both, groups=STIMULI)


def test_evaluation_catches_a_scaler_that_was_fitted_outside(
    make_world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_world(6)
    scaler = StandardScaler().fit(np.zeros((3, 7)))
    leaky = Regression(lambda: make_pipeline(scaler, Ridge()), kinds=("audio",))
    monkeypatch.setattr(crossvalidation, "make_candidate", lambda name, settings: leaky)
    with pytest.raises(UsageError, match="StandardScaler has been fitted already"):
        cross_validate("ridge", data, "k-fold", jobs=1)


def test_evaluation_catches_a_label_among_the_measured_features(make_world: Make) -> None:
    data = make_world(12)
    acoustic = data.acoustic.copy()
    acoustic[:, 1] = 5 * data.targets["audio"].valence[data.clip] - 1
    with pytest.raises(UsageError, match=r"the label is among the features.*: tonnetz"):
        cross_validate("ridge", replace(data, acoustic=acoustic), "k-fold", jobs=1)


@pytest.mark.parametrize("name", [*BASELINES, *CONFIGURATIONS])
def test_every_candidate_begins_unfitted(name: str) -> None:
    check_unfitted(make_candidate(name))
