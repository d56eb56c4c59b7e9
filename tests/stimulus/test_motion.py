from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.errors import UsageError
from avfbel.stimulus import Note, StimulusParameters, ball_motion, compose, named
from avfbel.stimulus.bounces import bounce_frames
from avfbel.stimulus.motion import ball_states
from avfbel.stimulus.parameters import RANGES

SCORE = compose(named("happy"), seed=7)


def note(onset_s, *, height=60, spike=0.0, lean_deg=0, bounce_s=0.3):
    return Note(onset_s, 0.2, 60, 110, height, spike, lean_deg, bounce_s)


def motion_of(*notes, length_s=2.0):
    return ball_motion(replace(SCORE, notes=notes, length_s=length_s))


def test_bounces_last_as_many_frames_as_printed():
    assert [bounce_frames(g / 1000) for g in (300, 207, 930, 1304, 2000, 150)] == [17, 12, 52, 73, 112, 8]


def test_a_bounce_is_one_arch_of_a_sine_that_starts_with_its_note():
    motion = motion_of(note(0.5, height=73))
    expected = np.zeros(120)
    expected[30:47] = 73 * np.sin(np.pi * np.arange(1, 18) / 17)
    assert motion.lift == pytest.approx(expected, abs=1e-9)
    assert motion.lift[46] == 0


def test_a_note_between_two_frames_takes_effect_in_the_later_one():
    for onset, first in [(30.0 / 60, 30), (30.01 / 60, 31), (30.99 / 60, 31)]:
        assert np.flatnonzero(motion_of(note(onset)).lift)[0] == first


def test_lean_and_skin_move_in_a_straight_line_and_stay():
    motion = motion_of(note(0.0, lean_deg=-17, spike=0.2), note(1.0, lean_deg=17, spike=0.0))
    assert motion.lean_deg[:17] == pytest.approx(-np.arange(1, 18))
    assert (motion.lean_deg[17:60] == -17).all()
    assert motion.lean_deg[60:77] == pytest.approx(-17 + 2 * np.arange(1, 18))
    assert motion.spikiness[:17] == pytest.approx(motion.spikiness[16] * np.arange(1, 18) / 17)
    assert motion.spikiness[30] == pytest.approx(0.2, rel=0.05)  # 1875 offsets: a standard error of 1 %
    assert (motion.spikiness[77:] == 0).all()


def test_offsets_stay_within_their_amplitude_and_differ_from_vertex_to_vertex():
    offsets = list(ball_states(replace(SCORE, notes=(note(0.0, spike=0.1),), length_s=1.0)))[-1].offsets
    assert offsets.shape == (625, 3)
    assert np.abs(offsets).max() <= 0.1
    assert len(np.unique(offsets)) == offsets.size


def test_a_note_in_mid_air_bends_lean_and_skin_but_starts_no_bounce():
    alone, crowded = (
        motion_of(note(0.0)),
        motion_of(note(0.0), note(0.1, height=150, lean_deg=17, bounce_s=0.8)),
    )
    assert (alone.lift == crowded.lift).all()
    assert crowded.lean_deg[6:23] == pytest.approx(np.arange(1, 18))  # at the pace of the bounce that goes on


def test_the_next_bounce_may_start_with_the_frame_after_the_last_one_landed():
    motion = motion_of(note(0.0), note(17 / 60, height=100))
    assert motion.lift[17] == pytest.approx(100 * np.sin(np.pi / 17))


def test_a_gap_of_no_frame_makes_the_ball_jump_to_its_new_shape_without_a_bounce():
    motion = motion_of(note(0.5, lean_deg=12, bounce_s=0.005))
    assert not motion.lift.any()
    assert motion.lean_deg[29:31].tolist() == [0, 12]


def test_where_the_centre_is_seen():
    motion = motion_of(note(0.0))
    assert (motion.x[-1], motion.y[-1]) == pytest.approx((250.0, 412.6), abs=0.05)
    assert motion.time_s[:3] == pytest.approx([0, 1 / 60, 2 / 60])
    assert motion.y[np.argmax(motion.lift)] == pytest.approx(motion.y.min())


@settings(max_examples=25)
@given(
    st.builds(StimulusParameters, **{k: st.floats(low, high) for k, (low, high) in RANGES.items()}),
    st.integers(0, 2**32),
)
def test_laws_of_any_motion(p, seed):
    score = compose(p, seed=seed)
    motion = ball_motion(score)
    assert len(motion.time_s) == round(score.length_s * 60)
    assert motion.lift.min() >= 0
    assert motion.lift.max() <= max(n.height for n in score.notes)
    leans = [0, *(n.lean_deg for n in score.notes)]
    assert min(leans) - 1e-9 <= motion.lean_deg.min()
    assert motion.lean_deg.max() <= max(leans) + 1e-9
    assert np.isfinite(motion.spikiness).all()
    assert motion.spikiness.max() <= 0.22
    assert (motion.y <= 412.7).all()


def test_slower_films_show_the_same_bounce():
    fast, slow = ball_motion(SCORE), ball_motion(SCORE, 30)
    assert len(slow.time_s) == len(fast.time_s) / 2
    assert slow.lift.max() == pytest.approx(fast.lift.max(), rel=0.1)


@pytest.mark.parametrize("size", [(250, 300), (1066, 600)])
def test_pictures_of_another_size_show_the_same_motion(size):
    usual, other = ball_motion(SCORE), ball_motion(SCORE, size=size)
    assert other.y / size[1] == pytest.approx(usual.y / 600)
    assert other.x - size[0] / 2 == pytest.approx((usual.x - 250) * size[1] / 600, abs=1e-9)
    assert (other.lift == usual.lift).all()


def test_motion_in_a_picture_that_cannot_be_is_refused():
    with pytest.raises(UsageError, match="two even numbers from 64 to 2160"):
        ball_motion(SCORE, size=(250, 301))
