"""Positivity against hand-worked numbers, the definitions as plain sums, and laws for any intensities."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from avfbel.emotion import (
    EMOTIONS,
    EPP_WEIGHTS,
    PRIOR,
    RATING_COLUMNS,
    Emotion,
    from_scale,
    predicted_epp,
    predicted_intensity,
    predicted_valence,
    published_epp,
    rating_epp,
    rating_valence,
    to_scale,
)
from avfbel.errors import UsageError

SCALES = ("-1..1", "1..9", "0..127")
intensities = arrays(np.float64, 5, elements=st.floats(0, 1e6))
outputs = arrays(np.float64, 5, elements=st.floats(-1e3, 1e3))


def test_the_five_emotions_run_from_negative_to_positive() -> None:
    assert tuple(RATING_COLUMNS.values()) == EMOTIONS
    assert list(EPP_WEIGHTS) == sorted(EPP_WEIGHTS)


@pytest.mark.parametrize(
    ("ratings", "epp", "valence"),
    [
        ((127, 0, 0, 0, 0), 0.0, 0.0),
        ((0, 60, 0, 0, 0), 1 / 6, 0.0),
        ((0, 0, 3, 0, 0), 1 / 3, 0.0),
        ((0, 0, 0, 12, 0), 0.75, 1.0),
        ((0, 0, 0, 0, 1), 1.0, 1.0),
        ((10, 10, 10, 10, 10), 0.45, 0.4),  # (0 + 1/6 + 1/3 + 3/4 + 1) / 5
        ((0, 0, 3, 2, 0), 0.5, 0.4),  # 3 · (1/2 - 1/3) = 2 · (3/4 - 1/2): neutral
    ],
)
def test_ratings_average_as_worked_by_hand(ratings: tuple[int, ...], epp: float, valence: float) -> None:
    assert rating_epp(ratings) == pytest.approx(epp, abs=1e-15)
    assert rating_valence(ratings) == pytest.approx(valence, abs=1e-15)


def test_a_row_of_zeros_has_no_positivity() -> None:
    table = np.array([[0, 0, 0, 0, 0], [0, 0, 0, 0, 5], [np.nan, 0, 0, 0, 5]])
    assert np.isnan(rating_epp(table)).tolist() == [True, False, True]
    assert np.isnan(rating_valence(table)).tolist() == [True, False, True]


@given(outputs)
def test_predictions_equal_the_formula_in_exact_arithmetic(raw: np.ndarray) -> None:
    felt = [max(Fraction(0), Fraction(float(value))) for value in raw]
    weights = [Fraction(0), Fraction(1, 6), Fraction(1, 3), Fraction(3, 4), Fraction(1)]
    prior = Fraction(1, 20)
    total = sum(felt)
    epp = (prior / 2 + sum(w * e for w, e in zip(weights, felt, strict=True))) / (prior + total)
    valence = (prior / 2 + felt[3] + felt[4]) / (prior + total)
    assert predicted_epp(raw) == pytest.approx(float(epp), rel=1e-12)
    assert predicted_valence(raw) == pytest.approx(float(valence), rel=1e-12)
    assert predicted_intensity(raw) == pytest.approx(float(min(Fraction(1), total / 5)), rel=1e-12)


@given(outputs)
def test_predictions_stay_in_the_unit_interval(raw: np.ndarray) -> None:
    for measure in (predicted_epp, predicted_valence, predicted_intensity):
        assert 0 <= measure(raw) <= 1


@given(intensities)
def test_ratings_stay_in_the_unit_interval(ratings: np.ndarray) -> None:
    for measure in (rating_epp, rating_valence):
        value = measure(ratings)
        assert 0 <= value <= 1 or (np.isnan(value) and ratings.sum() == 0)


@given(intensities.filter(lambda e: e.sum() > 1e-3), st.floats(0.01, 100))
def test_ratings_do_not_depend_on_their_unit(ratings: np.ndarray, unit: float) -> None:
    assert rating_epp(ratings * unit) == pytest.approx(rating_epp(ratings), rel=1e-9, abs=1e-12)


@given(intensities)
def test_the_prior_pulls_towards_neutral_and_never_across(ratings: np.ndarray) -> None:
    raw, pulled = rating_epp(ratings), predicted_epp(ratings)
    if not np.isnan(raw):
        assert min(0.5, raw) - 1e-12 <= pulled <= max(0.5, raw) + 1e-12


def test_nothing_felt_is_exactly_neutral() -> None:
    for raw in (np.zeros(5), np.full(5, -0.3), -np.zeros(5)):
        assert predicted_epp(raw) == 0.5
        assert predicted_valence(raw) == 0.5
        assert predicted_intensity(raw) == 0


def test_rows_are_measured_one_by_one() -> None:
    raw = np.random.default_rng(0).normal(size=(4, 3, 5))
    assert predicted_epp(raw).shape == (4, 3)
    assert predicted_epp(raw)[2, 1] == predicted_epp(raw[2, 1])


def test_published_positivity_counts_fear_as_more_positive_than_a_little_happiness() -> None:
    ratings = np.array([[127, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 127], [0, 0, 0, 0, 0]])
    total = (ratings * [1, 2, 3, 4, 5]).sum(axis=1) / 15
    assert published_epp(ratings) == pytest.approx(total / total.max(), abs=1e-15)
    assert published_epp(ratings)[0] > published_epp(ratings)[1]
    assert rating_epp(ratings)[0] < rating_epp(ratings)[1]


def test_published_positivity_of_equal_rows_is_undefined() -> None:
    assert np.isnan(published_epp(np.ones((3, 5)))).all()


@pytest.mark.parametrize(
    ("scale", "ends"), [("-1..1", (-1, 0, 1)), ("1..9", (1, 5, 9)), ("0..127", (0, 63.5, 127))]
)
def test_a_scale_puts_neutral_in_its_middle(scale: str, ends: tuple[float, ...]) -> None:
    assert to_scale(np.array([0, 0.5, 1]), scale).tolist() == list(ends)


@given(st.floats(0, 1), st.sampled_from(SCALES))
def test_there_and_back(epp: float, scale: str) -> None:
    there = to_scale(epp, scale)
    assert isinstance(there, float)
    assert from_scale(there, scale) == pytest.approx(epp, abs=1e-15)


def test_a_missing_value_stays_missing_on_any_scale() -> None:
    assert np.isnan(to_scale(float("nan"), "1..9"))
    assert np.isnan(from_scale(np.array([np.nan, 5.0]), "1..9")).tolist() == [True, False]


@given(outputs)
def test_an_emotion_is_its_clipped_output(raw: np.ndarray) -> None:
    felt = Emotion.from_output(raw)
    assert felt.to_array() == pytest.approx(np.maximum(0, raw))
    assert not np.signbit(felt.to_array()).any()
    assert (felt.epp, felt.valence, felt.intensity) == (
        predicted_epp(raw),
        predicted_valence(raw),
        predicted_intensity(raw),
    )


def test_the_prior_is_one_faint_rating() -> None:
    assert PRIOR == 0.05


def test_wrong_requests_are_named() -> None:
    with pytest.raises(UsageError, match=r"five emotions fear, sadness.*shape \(3, 4\)"):
        rating_epp(np.zeros((3, 4)))
    with pytest.raises(UsageError, match="at least 0, got -2"):
        rating_epp([0, 0, -2, 0, 0])
    with pytest.raises(UsageError, match=r"whole data set of shape \(n, 5\)"):
        published_epp(np.zeros(5))
    with pytest.raises(UsageError, match=r"no scale '0..10'.*-1..1, 1..9, 0..127"):
        to_scale(0.5, "0..10")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="EPP lies between 0 and 1, got 5"):
        to_scale(5.0, "1..9")
    with pytest.raises(UsageError, match=r"scale 1..9 lies between 1 and 9, got 0"):
        from_scale(0.0, "1..9")
