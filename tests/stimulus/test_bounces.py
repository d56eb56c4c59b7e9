from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.stimulus import ball_bounces, compose, named
from avfbel.stimulus.motion import ball_states


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["happy", "angry", "scared", "search_one", "sad"]), st.integers(0, 10_000))
def test_the_lift_of_every_frame_is_that_of_its_bounce(name, seed):
    score = compose(named(name), seed=seed)
    lift = np.array([state.lift for state in ball_states(score)])
    expected = np.zeros(len(lift))
    for bounce in ball_bounces(score):
        i = np.arange(1, bounce.frames)  # the last frame of a bounce is on the ground
        frame = bounce.start_frame - 1 + i
        seen = frame < len(lift)
        expected[frame[seen]] = bounce.height * np.sin(np.pi * i[seen] / bounce.frames)
    np.testing.assert_allclose(lift, expected, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(["angry", "search_one"]), st.integers(0, 10_000))
def test_bounces_belong_to_notes_and_do_not_overlap(name, seed):
    score = compose(named(name), seed=seed)
    bounces = ball_bounces(score)
    for a, b in pairwise(bounces):
        assert a.end_frame < b.start_frame
    for bounce in bounces:
        onset = score.notes[bounce.note].onset_s
        assert 0 <= bounce.start_s - onset < 1 / 60 + 1e-9
        assert bounce.end_s == pytest.approx(bounce.end_frame / 60)
        assert bounce.height == score.notes[bounce.note].height


def test_every_bounce_that_is_listed_can_be_seen():
    for seed in range(20):
        score = compose(named("search_one"), seed=seed)
        lift = [state.lift for state in ball_states(score)]
        for bounce in ball_bounces(score):
            assert bounce.end_frame > bounce.start_frame
            assert bounce.start_frame >= len(lift) or lift[bounce.start_frame] > 0


def test_at_an_even_beat_every_note_bounces():
    score = compose(named("peaceful"), seed=3)
    assert [b.note for b in ball_bounces(score)] == list(range(len(score.notes)))
