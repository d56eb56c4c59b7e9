"""Random plans: away from the 38, the same whatever their number, even over the ranges."""

from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from avfbel.errors import UsageError
from avfbel.stimulus import StimulusParameters, compose, named_stimuli
from avfbel.stimulus.parameters import RANGES
from avfbel.stimulus.random_plans import CLEARANCE, place, plan_random

LOW, HIGH = np.array(list(RANGES.values()), dtype=float).T
BPM = list(RANGES).index("bpm")


FAST = StimulusParameters(bpm=400, jitter=0, consonance=37, bigsmall=50, updown=50)


def brief(parameters, seed):
    """Compose next to nothing and keep the parameters as drawn: phrases round the consonance."""
    return replace(compose(FAST, seed=seed, seconds=0.01), parameters=parameters)


def points(clips):
    """Return where the clips lie in the unit cube, without `place`."""
    values = np.array([astuple(clip.music.parameters) for clip in clips])
    share = (values - LOW) / (HIGH - LOW)
    share[:, BPM] = np.log(values[:, BPM] / LOW[BPM]) / np.log(HIGH[BPM] / LOW[BPM])
    return share


@pytest.fixture(scope="module")
def clips():
    return plan_random(600, seed=0, composer=brief)


def test_no_clip_is_near_any_of_the_38(clips):
    named = np.array([astuple(p) for p in named_stimuli().values()])
    avoided = (named - LOW) / (HIGH - LOW)
    avoided[:, BPM] = np.log(named[:, BPM] / LOW[BPM]) / np.log(HIGH[BPM] / LOW[BPM])
    assert len(avoided) == 38
    distance = np.abs(points(clips)[:, None] - avoided).max(axis=2)
    assert distance.min() >= CLEARANCE - 1e-12
    nearest = np.sort(distance.min(axis=1))
    assert nearest[0] < 0.2, "and the rest of the world is not avoided"


def test_a_point_that_would_be_near_is_drawn_again(monkeypatch):
    """With all but a corner avoided, every clip lies in that corner."""
    from avfbel.stimulus import random_plans

    monkeypatch.setattr(random_plans, "CLEARANCE", 0.6)
    for point in points(plan_random(5, composer=brief)):
        for parameters in named_stimuli().values():
            assert np.abs(place(parameters) - point).max() >= 0.6


@pytest.mark.parametrize("column", range(5))
def test_each_parameter_is_even_over_its_range_the_speed_by_its_logarithm(clips, column):
    """Evenness is that of all clips but for the small share of the cube around the 38."""
    assert stats.kstest(points(clips)[:, column], "uniform").pvalue > 0.01


def test_parameters_do_not_depend_on_each_other(clips):
    r = np.corrcoef(points(clips).T)[np.triu_indices(5, 1)]
    assert np.abs(r).max() < 4 / np.sqrt(len(clips))


def test_a_clip_is_the_same_whatever_the_number(clips):
    assert plan_random(7, composer=brief) == clips[:7]
    assert [clip.stem for clip in clips[:2]] == ["random00000_0000", "random00001_0000"]
    assert len({clip.stimulus for clip in clips}) == len({clip.seed for clip in clips}) == len(clips)


def test_other_seeds_make_other_clips(clips):
    other = plan_random(50, seed=1, composer=brief)
    assert not {clip.music.parameters for clip in other} & {clip.music.parameters for clip in clips}
    assert not {clip.seed for clip in other} & {clip.seed for clip in clips}


def test_phrases_are_those_of_their_parameters_and_seed():
    (clip,), (drawn,) = plan_random(1, seed=4), plan_random(1, seed=4, composer=brief)
    assert clip.seed == drawn.seed
    assert clip.music == compose(drawn.music.parameters, seed=clip.seed)
    assert clip.film is None


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_places_are_shares_of_the_ranges(u):
    share = np.array(u)
    values = LOW + share * (HIGH - LOW)
    values[BPM] = np.clip(LOW[BPM] * (HIGH[BPM] / LOW[BPM]) ** share[BPM], LOW[BPM], HIGH[BPM])
    np.testing.assert_allclose(place(StimulusParameters(*values.tolist())), share, atol=1e-12)


def test_doubling_the_speed_is_as_far_everywhere():
    slow = StimulusParameters(*((LOW + HIGH) / 2).tolist())
    a, b, c = (place(replace(slow, bpm=bpm))[BPM] for bpm in (50, 100, 200))
    assert b - a == pytest.approx(c - b)


@pytest.mark.parametrize(
    ("n", "seed", "message"),
    [
        (0, 0, "number of random clips must be from 1 to 100000, got 0"),
        (100_001, 0, "number of random clips must be from 1 to 100000, got 100001"),
        (1, -1, "seed must be a whole number from 0, got -1"),
    ],
)
def test_wrong_numbers_are_refused(n, seed, message):
    with pytest.raises(UsageError, match=message):
        plan_random(n, seed=seed)


def test_a_phrase_without_a_note_is_refused():
    with pytest.raises(UsageError, match="no note starts within"):
        plan_random(3, composer=lambda p, seed: compose(p, seed=seed, seconds=1e-9))
