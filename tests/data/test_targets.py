from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from avfbel.data.targets import DERIVED_TOTAL, Targets, join_targets, rewards_from
from avfbel.emotion import EPP_WEIGHTS, rating_epp, rating_valence
from avfbel.errors import UsageError

unit = st.floats(0, 1)


@given(unit)
def test_epp_comes_back_from_the_rewards_made_up_for_it(epp: float) -> None:
    rewards = rewards_from(epp=epp)
    assert (rewards >= 0).all()
    assert rewards.sum() == pytest.approx(DERIVED_TOTAL)
    assert rating_epp(rewards) == pytest.approx(epp, abs=1e-9)


@given(unit)
def test_valence_comes_back_from_the_rewards_made_up_for_it(valence: float) -> None:
    assert rating_valence(rewards_from(valence=valence)) == pytest.approx(valence, abs=1e-12)


@given(unit, unit)
def test_both_come_back_where_emotions_can_have_both(valence: float, share: float) -> None:
    low, high = 0.75 * valence, valence + (1 - valence) / 3
    epp = low + share * (high - low)
    rewards = rewards_from(epp=epp, valence=valence)
    assert rating_epp(rewards) == pytest.approx(epp, abs=1e-9)
    assert rating_valence(rewards) == pytest.approx(valence, abs=1e-9)


@given(st.tuples(unit, unit).map(sorted))
def test_more_positive_means_more_happiness_and_less_fear(epps: list[float]) -> None:
    less, more = (rewards_from(epp=epp) for epp in epps)
    assert more[4] >= less[4] - 1e-9
    assert more[0] <= less[0] + 1e-9


@pytest.mark.parametrize("epp", [0.2, 0.45, 0.7])
def test_no_other_mixture_with_that_epp_has_more_entropy(epp: float) -> None:
    found = scipy.optimize.minimize(
        lambda p: float((p * np.log(p)).sum()),
        np.full(5, 0.2),
        bounds=[(1e-9, 1)] * 5,
        constraints=[
            {"type": "eq", "fun": lambda p: p.sum() - 1},
            {"type": "eq", "fun": lambda p: p @ np.array(EPP_WEIGHTS) - epp},
        ],
        method="SLSQP",
        options={"ftol": 1e-12},
    )
    np.testing.assert_allclose(rewards_from(epp=epp), found.x, atol=1e-4)  # the solver's precision


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"no emotions have the valence 0.1 and the EPP 0.9: .* between 0.075 and 0.4"
    ):
        rewards_from(epp=0.9, valence=0.1)
    with pytest.raises(UsageError, match=r"EPP lies between 0 and 1, got 1.5"):
        rewards_from(epp=1.5)
    with pytest.raises(UsageError, match="valence lies between 0 and 1, got -1"):
        rewards_from(valence=-1)
    with pytest.raises(UsageError, match="give the EPP or the valence"):
        rewards_from()


def test_rewards_are_the_ratings_where_there_are_any() -> None:
    nan = math.nan
    targets = Targets(
        emotions=np.array([[0.1, 0.2, 0.3, 0.4, 0.5], [nan] * 5, [nan] * 5, [nan] * 5]),
        epp=np.array([0.9, 0.25, nan, nan]),
        valence=np.array([nan, nan, 0.5, nan]),
    )
    rewards = targets.rewards
    assert rewards[0].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert rating_epp(rewards[1]) == pytest.approx(0.25)
    assert rating_valence(rewards[2]) == pytest.approx(0.5)
    assert np.isnan(rewards[3]).all()
    assert np.isnan(targets.emotions[1]).all()  # what was rated stays apart from what was made up


def test_targets_follow_from_emotions_and_can_be_taken_and_joined() -> None:
    targets = Targets.from_emotions([[0, 0, 0, 0, 0.5], [0, 0, 0, 0, 0]])
    np.testing.assert_equal(targets.epp, [1, np.nan])
    np.testing.assert_equal(targets.valence, [1, np.nan])
    joined = join_targets([targets, targets.take([0])])
    np.testing.assert_equal(joined.epp, [1, np.nan, 1])
    assert joined.emotions.shape == (3, 5)
