"""The estimator: scikit-learn's conventions around the limbic rules."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GroupKFold, cross_val_score

from avfbel.brain import BrainEmotionalLearning, LimbicParameters, limbic_step
from avfbel.brain.bel import last_windows, on_off_channels
from avfbel.brain.limbic import RULES, initial_state

SIGNATURE = {
    "rule": "moren",
    "alpha": 0.1,
    "beta": 0.2,
    "kappa": 0.25,
    "gamma": 0.0,
    "context": 0.0,
    "depth": 1,
    "epochs": 30,
    "random_state": None,
}


def data(n: int = 40, d: int = 3, q: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d))
    return x, np.abs(x @ rng.normal(size=(d, q)))


def test_parameters_and_their_defaults() -> None:
    assert BrainEmotionalLearning().get_params() == SIGNATURE
    with pytest.raises(TypeError):
        BrainEmotionalLearning("moren")  # type: ignore[misc]


def test_parameters_can_be_set_cloned_and_shown() -> None:
    bel = BrainEmotionalLearning().set_params(alpha=0.3, depth=2)
    assert clone(bel).get_params() == bel.get_params()
    assert repr(bel) == "BrainEmotionalLearning(alpha=0.3, depth=2)"
    with pytest.raises(ValueError, match="Invalid parameter 'eta'"):
        bel.set_params(eta=1)


@pytest.mark.parametrize("shape", [(40,), (40, 1), (40, 2)])
def test_predictions_mirror_the_shape_of_the_targets(shape: tuple[int, ...]) -> None:
    x, y = data()
    y = y[:, : shape[1]] if len(shape) == 2 else y[:, 0]
    assert BrainEmotionalLearning().fit(x, y).predict(x).shape == shape


def test_partial_fit_is_the_rule_row_by_row() -> None:
    x, y = data()
    bel = BrainEmotionalLearning(gamma=0.01).partial_fit(x[:20], y[:20]).partial_fit(x[20:], y[20:])
    state, p = initial_state(6, 2), LimbicParameters(gamma=0.01)
    for cue, reward in zip(np.hstack([x.clip(0), (-x).clip(0)]), y, strict=True):
        state, _ = limbic_step(state, cue, reward, p)
    for learned, expected in zip(bel.state_, state, strict=True):
        np.testing.assert_allclose(learned, expected, rtol=1e-9, atol=1e-12)


def test_fit_starts_again_and_depends_on_the_seed_only() -> None:
    x, y = data()
    bel = BrainEmotionalLearning(random_state=1).fit(x, y)
    first = bel.predict(x)
    np.testing.assert_array_equal(bel.fit(x, y).predict(x), first)
    assert not np.array_equal(BrainEmotionalLearning(random_state=2).fit(x, y).predict(x), first)


def test_it_learns_a_linear_relation_of_signed_features() -> None:
    x, _ = data(200)
    y = 1.0 + 0.3 * x[:, 0] - 0.2 * x[:, 2]
    bel = BrainEmotionalLearning(context=1.0, epochs=100, random_state=0).fit(x, y)
    assert np.corrcoef(bel.predict(x), y)[0, 1] > 0.99


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_can_be_asked_for(rule: str) -> None:
    x, y = data(5)
    bel = BrainEmotionalLearning(rule=rule, alpha=0.001, beta=0.001, epochs=2).fit(x, y)
    assert np.isfinite(bel.predict(x)).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5), st.floats(0, 10))
def test_channels_are_non_negative_and_lose_nothing(values: list[float], context: float) -> None:
    features = np.array([values])
    channels = on_off_channels(features, context=context)
    d = len(values)
    assert (channels >= 0).all()
    np.testing.assert_array_equal(channels[:, :d] - channels[:, d : 2 * d], features)
    assert channels.shape[1] == 2 * d + (context > 0)


def test_windows_never_cross_clips() -> None:
    features = np.arange(1.0, 7.0)[:, None]
    windows = last_windows(features, np.array(["b", "a", "b", "a", "b", "c"]), 3)
    assert windows.tolist() == [[1, 0, 0], [2, 0, 0], [3, 1, 0], [4, 2, 0], [5, 3, 1], [6, 0, 0]]


def test_depth_uses_what_came_before_in_the_clip() -> None:
    rng = np.random.default_rng(0)
    x, clips = rng.random((300, 1)), np.repeat(np.arange(10), 30)
    y = np.where(np.arange(300) % 30 == 0, 0.0, np.roll(x[:, 0], 1))  # the feature one window ago
    shallow, deep = (
        BrainEmotionalLearning(depth=d, epochs=60, kappa=0, random_state=0).fit(x, y, clips=clips)
        for d in (1, 2)
    )
    assert np.corrcoef(shallow.predict(x), y)[0, 1] < 0.5
    assert np.corrcoef(deep.predict(x, clips=clips), y)[0, 1] > 0.97


def test_clips_find_their_way_through_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    x, clips = rng.random((120, 1)), np.repeat(np.arange(12), 10)
    y = np.where(np.arange(120) % 10 == 0, 0.0, np.roll(x[:, 0], 1))
    bel = BrainEmotionalLearning(depth=2, kappa=0, epochs=60, random_state=0)
    with config_context(enable_metadata_routing=True):
        bel.set_fit_request(clips=True).set_predict_request(clips=True).set_score_request(clips=True)
        routed = {"clips": clips, "groups": clips}
        scores = cross_val_score(bel, x, y, cv=GroupKFold(3), params=routed)
    assert (scores > 0.9).all()


def test_data_frames_keep_the_names_of_their_columns() -> None:
    x, y = data()
    table = pd.DataFrame(x, columns=["tempo", "rms", "pitch"])
    bel = BrainEmotionalLearning().partial_fit(table, y)
    assert bel.feature_names_in_.tolist() == ["tempo", "rms", "pitch"]
    with pytest.raises(ValueError, match="feature names should match"):
        bel.predict(table[["rms", "tempo", "pitch"]])


def test_a_fit_that_fails_leaves_nothing_behind() -> None:
    x, y = data()
    bel = BrainEmotionalLearning().fit(x, y)
    with pytest.raises(ValueError, match="epochs must be at least 1"):
        bel.set_params(epochs=0).fit(x, y)
    with pytest.raises(NotFittedError, match="call fit first"):
        bel.predict(x)


def test_weights_without_bound_are_told() -> None:
    with pytest.warns(ConvergenceWarning, match="'published' diverges for every beta above 0"):
        BrainEmotionalLearning(rule="published").fit(10 * data()[0], data()[1])


def test_asking_before_learning_is_refused() -> None:
    with pytest.raises(NotFittedError, match="call fit first"):
        BrainEmotionalLearning().predict([[1.0]])


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        ([1.0, 2.0], [1.0, 2.0], "Expected 2D array, got 1D array"),
        ([[np.nan]], [1.0], "Input X contains NaN"),
        ([[1.0]], [np.nan], "Input y contains NaN"),
        ([[1.0], [2.0]], [1.0], r"inconsistent numbers of samples: \[2, 1\]"),
    ],
)
def test_data_that_cannot_be_learned_are_named(x: list, y: list, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        BrainEmotionalLearning().fit(x, y)


def test_shapes_stay_what_they_were() -> None:
    x, y = data()
    bel = BrainEmotionalLearning().fit(x, y)
    with pytest.raises(ValueError, match="X has 2 features, but BrainEmotionalLearning is expecting 3"):
        bel.predict(x[:, :2])
    with pytest.raises(ValueError, match="y has 1 outputs, but 2 were learned"):
        bel.partial_fit(x, y[:, 0])


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        ({"rule": "hebb"}, "rule must be one of"),
        ({"depth": 2}, "depth 2 needs clips"),
        ({"depth": 0}, "depth must be at least 1, got 0"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"context": -1.0}, "context must be at least 0"),
    ],
)
def test_parameters_that_cannot_be_used_are_named(parameter: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        BrainEmotionalLearning(**parameter).fit(*data())
