"""Samples: views of clips, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from avfbel.brain import Samples
from avfbel.brain.samples import as_samples


def test_selection_shares_the_clips(world: Samples) -> None:
    few = world.select([3, 30])
    assert few.maps is world.maps
    assert few.row.tolist() == [3, 6]
    np.testing.assert_array_equal(few.rewards, world.rewards[[3, 30]])
    assert len(world.select(world.row == 0)) == 3


def test_evidence_of_a_sample_is_that_of_the_senses_it_opens(world: Samples) -> None:
    n = len(world.maps)
    np.testing.assert_array_equal(world.sample_evidence[:n, 0], world.evidence[:, 0])
    assert not world.sample_evidence[:n, 1].any()
    assert not world.with_senses(audio=False).sample_evidence[:, 0].any()


def test_weights_and_absent_rewards_follow_a_selection(world: Samples) -> None:
    weighted = replace(world, weight=np.arange(len(world), dtype=float), rewards=None).select([5])
    assert weighted.weight.tolist() == [5.0]
    assert weighted.rewards is None


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            {"maps": np.zeros((24, 3, 64, 64))},
            r"maps must have shape \(24, 5, \*, \*\), got \(24, 3, 64, 64\)",
        ),
        ({"acoustic": np.zeros((24, 5))}, r"acoustic must have shape \(24, 7\)"),
        ({"evidence": np.full((24, 2), np.nan)}, "evidence must be finite"),
        ({"rewards": np.full((72, 5), np.nan)}, "rewards must be finite; leave out the samples without it"),
        ({"mask": np.ones((72, 2))}, "mask must be of bool, got float64"),
        ({"row": np.full(72, 24)}, "row must name one of 24 clips, got 24 to 24"),
        ({"weight": np.ones(3)}, r"weight must have shape \(72\)"),
    ],
)
def test_arrays_that_do_not_fit_are_named(world: Samples, wrong: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(world, **wrong)


def test_a_data_set_may_say_what_there_is_to_learn(world: Samples) -> None:
    class DataSet:
        def samples(self) -> Samples:
            return world

    assert as_samples(DataSet()) is world
    with pytest.raises(TypeError, match="got ndarray"):
        as_samples(np.zeros(3))
