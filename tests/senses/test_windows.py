"""The plan of windows against its definition, for any clip."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.errors import UsageError
from avfbel.senses.windows import plan_windows, thinning_cell

lengths = st.floats(0.1, 20)


@pytest.mark.parametrize(
    ("duration", "plan"),
    [
        (0, []),
        (1.5, [(0, 1.5)]),
        (4, [(0, 4)]),
        (5, [(0, 4), (1, 5)]),
        (5.25, [(0, 4), (1, 5), (1.25, 5.25)]),
        (4.458, [(0, 4), (pytest.approx(0.458), 4.458)]),
    ],
)
def test_plan_of_known_clips(duration, plan):
    assert plan_windows(duration) == plan


@given(st.floats(0.001, 60), lengths, lengths)
def test_windows_lie_in_the_clip_and_the_last_ends_with_it(duration, window, hop):
    plan = plan_windows(duration, window, hop)
    assert plan[-1][1] == duration
    for k, (start, end) in enumerate(plan):
        assert 0 <= start < end <= duration
        assert end - start == pytest.approx(min(window, duration), abs=2e-6)
        if k < len(plan) - 1:
            assert start == k * hop
    starts = [start for start, _ in plan]
    assert starts == sorted(starts)
    assert len(plan) <= max(1, math.ceil((duration - window) / hop) + 1)


@given(st.floats(0.01, 500), st.floats(0.1, 20))
def test_hops_within_a_window_leave_nothing_out(duration, window):
    plan = plan_windows(duration, window, window / 4)
    assert all(later[0] <= earlier[1] for earlier, later in itertools.pairwise(plan))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, 0, 1), "the window must be a positive number of seconds, got 0"),
        ((5, 4, -1), "the hop must be a positive number of seconds, got -1"),
        ((5, math.nan, 1), "the window must be a positive number of seconds, got nan"),
        ((5, 4, math.inf), "the hop must be a positive number of seconds, got inf"),
        ((-1, 4, 1), "a clip cannot last -1 s"),
        ((math.inf, 4, 1), "a clip cannot last inf s"),
    ],
)
def test_windows_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        plan_windows(*arguments)


@given(st.integers(0, 10_000), st.sampled_from([24, 25, 30]), st.floats(-5e-4, 5e-4))
def test_no_frame_of_a_slow_film_is_thinned_out_though_its_times_be_rounded(k, fps, error):
    assert thinning_cell((k + 1) / fps + error) > thinning_cell(k / fps + error)
