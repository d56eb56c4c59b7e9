import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.errors import UsageError
from avfbel.stimulus import StimulusParameters, compose, named_stimuli
from avfbel.stimulus.parameters import RANGES
from avfbel.stimulus.score import bounce_height, draw_pitches, spike_amplitude

UP = StimulusParameters(bpm=200, jitter=0, consonance=37, bigsmall=0, updown=0)
parameters = st.builds(StimulusParameters, **{k: st.floats(low, high) for k, (low, high) in RANGES.items()})
seeds = st.integers(0, 2**32)


def pitches(p, n, *, transposition=0, seed=0):
    return list(
        itertools.islice(draw_pitches(p, np.random.default_rng(seed), transposition=transposition), n)
    )


def untransposed(p):
    """A seed whose phrase starts on C, so that printed pitches can be met by `compose` itself."""
    for seed in range(1000):
        score = compose(p, seed=seed, variant="patch")
        if (score.notes[0].pitch - pitches(p, 1)[0][0]) % 12 == 0:
            return score
    raise AssertionError("no seed starts on C")


def test_rising_phrase_of_the_pentatonic_set():
    score = untransposed(UP)
    assert [n.pitch for n in score.notes] == [62, 64, 67, 69, 72, 74, 76, 79, 81, 84, 86, 88, 91, 93, 96, 98]
    assert [n.onset_s for n in score.notes] == pytest.approx([0.3 * k for k in range(16)])
    assert {n.duration_s for n in score.notes} == {0.29}
    assert [n.height for n in score.notes][:6] == [33, 33, 46, 33, 46, 33]
    assert [round(n.spike, 4) for n in score.notes][:4] == [0.1241, 0.1241, 0.0185, 0.1241]
    assert [n.lean_deg for n in score.notes][:5] == [-2, -4, -7, -9, -12]


def test_falling_phrase_of_the_pentatonic_set():
    found = [p for p, _ in pitches(replace(UP, updown=100), 16)]
    assert found == [57, 55, 52, 50, 48, 45, 43, 40, 38, 36, 33, 31, 28, 26, 24, 21]


def test_wide_phrase_of_the_chromatic_cluster():
    found = pitches(StimulusParameters(200, 0, 0, 100, 0), 4)
    assert [p for p, _ in found] == [64, 75, 86, 97]
    intervals = [a - b for a, b in found]
    assert intervals == [4, 11, 11, 11]
    assert [bounce_height(i) for i in intervals] == [60, 153, 153, 153]
    assert [round(spike_amplitude(i), 4) for i in intervals] == [0.0372, 0.2, 0.2, 0.2]


def test_heights_and_spikes_by_interval():
    assert [bounce_height(i) for i in range(1, 12)] == [20, 33, 46, 60, 73, 86, 100, 113, 126, 140, 153]
    assert [bounce_height(i) for i in range(12, 21)] == [166, 180, 193, 206, 220, 233, 246, 260, 273]
    printed = [0.2, 0.1241, 0.0185, 0.0372, 0, 0.1125, 0, 0.0372, 0.0185, 0.1241, 0.2]
    assert [spike_amplitude(i) for i in range(1, 12)] == pytest.approx(printed, abs=5e-5)


@settings(max_examples=60, deadline=None)
@given(parameters, seeds)
def test_laws_of_any_melody(p, seed):
    score = compose(p, seed=seed, variant="patch")
    period = 60 / score.parameters.bpm
    assert len(score.notes) == 16
    for k, note in enumerate(score.notes):
        assert k * period - 1e-9 <= note.onset_s < (k + 1) * period
        assert note.duration_s >= 0.001 - 1e-12
        assert note.onset_s + note.duration_s <= (k + 1) * period + 0.001
        assert 12 <= note.pitch <= 127
        assert note.velocity == 110
        assert 0 <= note.spike <= 0.2
    steps = np.abs(np.diff([n.pitch for n in score.notes if n.pitch < 127]))
    assert ((steps >= 1) & (steps <= 11)).all()
    assert [n.height for n in score.notes[1:]] == [
        bounce_height(b.pitch - a.pitch) for a, b in itertools.pairwise(score.notes)
    ] or max(n.pitch for n in score.notes) == 127
    assert score == compose(p, seed=seed, variant="patch")


@settings(max_examples=60, deadline=None)
@given(parameters, seeds, st.booleans())
def test_laws_of_the_length_of_clips(p, seed, strict):
    score = compose(p, seed=seed, strict=strict)
    frames = score.length_s * 60
    assert frames == pytest.approx(round(frames), abs=1e-9)
    assert all(n.onset_s < 3 for n in score.notes)
    last = score.notes[-1]
    period = 60 / score.parameters.bpm
    assert last.onset_s + 2 * period >= 3  # the next beat's note, with the largest delay, is late
    if strict:
        assert score.length_s == 3
        assert last.onset_s + last.duration_s <= 3 + 1e-9
    else:
        assert score.length_s >= 4.458
        assert last.onset_s + last.duration_s + 0.2 <= score.length_s


def test_all_named_clips_last_as_long_as_most_published_ones():
    assert {round(compose(p, seed=0).length_s, 3) for p in named_stimuli().values()} == {4.467}


def test_a_slow_last_note_rings_out():
    score = compose(StimulusParameters(bpm=40.2, jitter=0, consonance=37, bigsmall=50, updown=50), seed=0)
    assert score.notes[-1].onset_s + score.notes[-1].duration_s > 4.4
    assert score.length_s == pytest.approx(4.733, abs=0.001)


def test_seconds_set_where_notes_end():
    score = compose(UP, seed=0, seconds=7.5)
    assert score.notes[-1].onset_s == pytest.approx(7.2)
    assert score.length_s == pytest.approx(8.958, abs=1 / 60)


def test_variants_treat_fractions_as_their_originals_did():
    p = StimulusParameters(288.5, 25.9, 36.5, 50.5, 38.5)
    assert compose(p, seed=0, variant="patch").parameters == StimulusParameters(288, 25, 36, 50, 38)
    assert compose(p, seed=0).parameters == replace(p, consonance=37)


def test_seeds_differ():
    p = replace(UP, jitter=50, bigsmall=50, updown=50)
    assert len({compose(p, seed=s).notes for s in range(50)}) == 50
    assert {compose(p, seed=s).notes[0].pitch % 12 for s in range(200)} == set(range(12))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"seed": -1}, "seed must be a whole number from 0, got -1"),
        ({"seed": 1.5}, "seed must be a whole number from 0, got 1.5"),
        ({"variant": "clips"}, "variant must be clips-2021 or patch, got 'clips'"),
        ({"variant": "patch", "seconds": 3.0}, "always plays 16 notes"),
        ({"variant": "patch", "strict": True}, "always plays 16 notes"),
        ({"seconds": 0.0}, "seconds must be above 0"),
        ({"seconds": math.nan}, "seconds must be above 0"),
        ({"seconds": 1e6}, "at most 600"),
    ],
)
def test_wrong_requests_are_refused(request_, message):
    with pytest.raises(UsageError, match=message):
        compose(UP, **{"seed": 0, **request_})


def test_a_clip_without_a_note_is_refused():
    late = StimulusParameters(bpm=30, jitter=99, consonance=0, bigsmall=0, updown=0)
    with pytest.raises(UsageError, match=r"no note starts within 0\.001 s at 30 bpm with seed 1"):
        compose(late, seed=1, seconds=0.001)
