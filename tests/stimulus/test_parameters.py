import math
from dataclasses import astuple, replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.errors import UsageError
from avfbel.stimulus import StimulusParameters, blend, mix, named, named_stimuli
from avfbel.stimulus.parameters import PROTOTYPES, RANGES

HAPPY = named("happy")
settings_ = st.builds(StimulusParameters, **{k: st.floats(low, high) for k, (low, high) in RANGES.items()})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("happy", (288.5, 25, 37, 50.5, 38.5)),
        ("sad", (46, 7, 30, 12, 89.5)),
        ("angry", (347, 62.5, 3, 82.5, 81.5)),
        ("peaceful", (64.5, 1.5, 37, 17.5, 40)),
        ("scared", (331, 65, 5, 61.5, 51.5)),
        ("biggest_gap", (176.5, 43.75, 18, 34, 19.25)),
        ("search_one", (398, 99, 0, 97, 6)),
        ("search_four", (30, 97, 1, 97, 9)),
        ("angry_happy_25", (332.375, 53.125, 11, 74.5, 70.75)),
        ("angry_happy_75", (303.125, 34.375, 28, 58.5, 49.25)),
        ("happy_sad_50", (167.25, 16, 33, 31.25, 64)),
    ],
)
def test_named_stimuli_have_the_published_values(name, values):
    assert astuple(named(name)) == values


def test_there_are_38_and_each_mix_follows_the_rule():
    stimuli = named_stimuli()
    assert len(stimuli) == 38
    assert list(stimuli) == sorted(stimuli)
    mixes = [name for name in stimuli if name[-3:] in ("_25", "_50", "_75")]
    assert len(mixes) == 30
    for name in mixes:
        a, b, percent = name.split("_")
        w = Fraction(int(percent), 100)
        exact = [
            (1 - w) * Fraction(x) + w * Fraction(y)
            for x, y in zip(astuple(PROTOTYPES[a]), astuple(PROTOTYPES[b]), strict=True)
        ]
        exact[2] = math.floor(exact[2] + Fraction(1, 2))
        assert [Fraction(v) for v in astuple(stimuli[name])] == exact, name


def test_blending_gives_the_named_mixes():
    for a, b, percent in [("angry", "sad", 75), ("happy", "peaceful", 50)]:
        assert blend(a, b, percent / 100) == named(f"{a}_{b}_{percent}")


@given(settings_, settings_, st.floats(0, 1))
def test_a_mix_lies_between_its_ends_and_backward_is_the_other_share(a, b, weight):
    m, back = mix(a, b, weight), mix(b, a, 1 - weight)
    for x, y, z, other in zip(astuple(a), astuple(b), astuple(m), astuple(back), strict=True):
        assert min(x, y) - 1e-9 <= z <= max(x, y) + 1e-9
        assert z == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize("name", list(RANGES))
@pytest.mark.parametrize("end", [0, 1])
def test_a_value_beyond_its_range_is_refused_by_name(name, end):
    low, high = RANGES[name]
    replace(HAPPY, **{name: (low, high)[end]})
    for bad in (low - 0.01, math.nan, -math.inf) if end == 0 else (high + 0.01, math.inf):
        with pytest.raises(UsageError, match=f"{name} must be from {low} to {high}, got"):
            replace(HAPPY, **{name: bad})


def test_an_unknown_name_is_answered_with_near_ones():
    with pytest.raises(
        UsageError, match=r"no stimulus is named 'angry_hapy_25': did you mean angry_happy_25"
    ):
        named("angry_hapy_25")


@pytest.mark.parametrize("weight", [-0.1, 1.1, math.nan])
def test_a_share_beyond_0_to_1_is_refused(weight):
    with pytest.raises(UsageError, match="share of a mix must be from 0 to 1"):
        blend("happy", "sad", weight)
