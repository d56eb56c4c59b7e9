"""Samples: views of clips, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_windows_of_a_clip_perceived_in_one_way_succeed_each_other() -> None:
    samples = Samples(
        maps=np.zeros((4, 5, 2, 2)),
        acoustic=np.ones((4, 7)),
        evidence=np.ones((4, 2)),
        row=np.array([2, 0, 1, 3, 0, 2, 0]),
        mask=np.array([[1, 1], [1, 1], [1, 1], [1, 1], [1, 0], [1, 0], [1, 1]], dtype=bool),
        sequence=np.array([5, 4, 5, 4]),
    )
    # clip 4 heard and seen: windows 1, 3; clip 5: 0, 2, and 0 once more (two people rated it); 5 heard: 0, 2
    found = sorted(tuple(map(int, numbers)) for numbers in samples.sequences())
    assert found == [(1, 0), (2, 3), (4, 5), (6,)]
    alone = replace(samples, sequence=None)
    assert sorted(map(len, alone.sequences())) == [1] * 7
    assert samples.select([]).sequences() == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 2)), max_size=30))
def test_sequences_hold_every_sample_once_in_order(drawn: list[tuple[int, bool, int]]) -> None:
    row = np.array([d[0] for d in drawn], dtype=np.int64)
    samples = Samples(
        maps=np.zeros((6, 5, 1, 1)),
        acoustic=np.ones((6, 7)),
        evidence=np.ones((6, 2)),
        row=row,
        mask=np.array([[True, d[1]] for d in drawn], dtype=bool).reshape(-1, 2),
        sequence=np.array([0, 1, 0, 1, 2, 2]),
    )
    sequences = samples.sequences()
    assert sorted(int(i) for numbers in sequences for i in numbers) == list(range(len(drawn)))
    for numbers in sequences:
        assert (np.diff(row[numbers]) > 0).all()
        assert len(np.unique(samples.sequence[row[numbers]])) == 1
        assert len(np.unique(samples.mask[numbers], axis=0)) == 1


@pytest.mark.parametrize(("name", "wrong"), [("visual", np.zeros((4, 3))), ("sequence", np.zeros(3, int))])
def test_optional_measurements_have_a_row_a_clip(name: str, wrong: np.ndarray) -> None:
    samples = Samples.of_clips(np.zeros((4, 5, 2, 2)), np.ones((4, 7)), np.ones((4, 2)))
    with pytest.raises(ValueError, match=f"{name} must have shape"):
        replace(samples, **{name: wrong})
