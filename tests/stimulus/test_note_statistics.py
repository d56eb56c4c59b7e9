"""The note model is the specified one: distributions against closed forms, notes against a second model.

Everything is seeded, so that a test always gives the same answer. Tolerances are four standard errors of
the quantity under the specified model, or a chi-square with p > 1e-4: a right model would fail a comparison
for at most one seed in 10 000, and some of all (about 110) comparisons for one in 100.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from avfbel.stimulus import StimulusParameters, compose, named, named_stimuli
from avfbel.stimulus.parameters import RANGES
from avfbel.stimulus.score import draw_onsets, draw_pitches, random_streams, step_size

_spec = importlib.util.spec_from_file_location(
    "note_model", Path(__file__).parents[1] / "oracles" / "note_model.py"
)
model = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(model)

P_MIN = 1e-4
PLAIN = StimulusParameters(bpm=200, jitter=0, consonance=37, bigsmall=50, updown=50)
anything = st.builds(StimulusParameters, **{k: st.floats(low, high) for k, (low, high) in RANGES.items()})
seeds = st.integers(0, 2**32)


def binomial_tolerance(share, n):
    return 4 * math.sqrt(share * (1 - share) / n) + 1e-12


# The clock: onset k * P + d, d uniform on the whole milliseconds below N = trunc(P * jitter / 100).

CLOCK = [  # stimulus, P in ms, N and expected notes in 3 s, as printed
    ("happy", 207.972, 51, 14.4),
    ("sad", 1304.348, 91, 2.3),
    ("angry", 172.911, 108, 17.4),
    ("peaceful", 930.233, 13, 3.2),
    ("scared", 181.269, 117, 16.6),
    ("search_one", 150.754, 149, 19.9),
    ("search_four", 2000.000, 1940, 1.5),
    ("biggest_gap", 339.943, 148, 8.8),
]


def delays_and_gaps(p, n, seed=0):
    drawn = np.array(list(itertools.islice(draw_onsets(p.bpm, p.jitter, np.random.default_rng(seed)), n)))
    delays = drawn[:, 0] - np.arange(n) * (60_000 / p.bpm)
    assert np.abs(delays - np.rint(delays)).max() < 1e-5  # whole ms; 40 000 periods add some rounding
    return np.rint(delays).astype(int), drawn[:, 1].astype(int)


@pytest.mark.parametrize(("name", "period", "n_delays", "in_3_s"), CLOCK)
def test_delays_from_the_grid_are_uniform_on_whole_milliseconds(name, period, n_delays, in_3_s):
    p = named(name)
    delays, gaps = delays_and_gaps(p, 40_000)
    assert 60_000 / p.bpm == pytest.approx(period, abs=5e-4)
    assert 3000 / period == pytest.approx(in_3_s, abs=0.051)
    assert set(delays) == set(range(n_delays))  # one of 1940 is missing by chance in 2 of a million runs
    assert chisquare(np.bincount(delays)).pvalue > P_MIN
    assert (gaps == math.trunc(60_000 / p.bpm) - delays).all()
    assert np.corrcoef(delays[1:], delays[:-1])[0, 1] == pytest.approx(0, abs=4 / math.sqrt(len(delays)))


@pytest.mark.parametrize("name", ["happy", "scared", "search_four"])
def test_intervals_are_triangular_and_make_up_for_each_other(name):
    p, n = named(name), 40_000
    period, n_delays = model.clock(p.bpm, p.jitter)
    delays, _ = delays_and_gaps(p, n)
    intervals = np.diff(delays)
    # For d uniform of variance v: g = d' - d has E g^4 = 9.6 v^2, so g^2 has variance 5.6 v^2, and 0.8 v^2 in
    # common with its neighbours: a relative error of sqrt(7.2) / 2 / sqrt(n) in the variance, half in the sd.
    sd = math.sqrt((n_delays**2 - 1) / 6)
    assert intervals.std() == pytest.approx(sd, rel=4 * math.sqrt(7.2) / 4 / math.sqrt(n))
    # Bartlett: the lag-1 correlation r of a moving average of order one has variance (1 - 3 r^2 + 4 r^4) / n.
    tolerance = 4 * math.sqrt((1 - 3 / 4 + 4 / 16) / n)
    assert np.corrcoef(intervals[1:], intervals[:-1])[0, 1] == pytest.approx(-0.5, abs=tolerance)
    cells = np.linspace(-n_delays, n_delays, 12)
    triangle = np.convolve(np.ones(n_delays), np.ones(n_delays)) / n_delays**2  # -(N-1) .. N-1
    weight = np.histogram(np.arange(1 - n_delays, n_delays), cells, weights=triangle)[0]
    every_other = intervals[::2]  # these share no delay, so that the chi-square holds
    found = np.histogram(every_other, cells)[0]
    assert chisquare(found, weight * len(every_other)).pvalue > P_MIN
    assert np.abs(intervals).max() < n_delays <= period


@pytest.mark.parametrize("name", list(named_stimuli()))
def test_a_clip_has_as_many_notes_as_the_clock_makes_expect(name):
    p = named(name)
    period, n_delays = model.clock(p.bpm, p.jitter)
    grid = np.arange(30)[:, None] * period
    within = (grid + np.arange(n_delays) < 3000).mean(axis=1)  # P(note k starts within 3 s)
    found = [len(compose(p, seed=seed).notes) for seed in range(100)]
    se = math.sqrt((within * (1 - within)).sum() / len(found))
    assert np.mean(found) == pytest.approx(within.sum(), abs=4 * se + 1e-9)
    assert within.sum() == pytest.approx(3000 / period + 0.5 - (n_delays - 1) / (2 * period), abs=0.51)


# The steps of the melody.

STEPS = [  # bigsmall, P(1) .. P(4) and mean step, as printed
    (0, (1, 0, 0, 0), 1),
    (12, (0.8977, 0.0341, 0.0341, 0.0341), 1.205),
    (17.5, (0.8409, 0.0530, 0.0530, 0.0530), 1.318),
    (25, (0.75, 0.0833, 0.0833, 0.0833), 1.5),
    (34, (0.4853, 0.2571, 0.1288, 0.1288), 1.901),
    (50, (0.25, 0.25, 0.25, 0.25), 2.5),
    (61.5, (0.1565, 0.1565, 0.2876, 0.3994), 2.930),
    (82.5, (0.0530, 0.0530, 0.0530, 0.8409), 3.682),
    (97, (0.0077, 0.0077, 0.0077, 0.9768), 3.954),
    (100, (0, 0, 0, 1), 4),
]


def degrees(p, n, *, seed=0, transposition=0):
    """Scale degrees of one long phrase, the start included, read back from its pitches."""
    rng = np.random.default_rng(seed)
    found = np.array(list(itertools.islice(draw_pitches(p, rng, transposition=transposition), n)))
    assert (found[1:, 1] == found[:-1, 0]).all()
    octave, place = np.divmod(np.append(found[0, 1], found[:, 0]) - transposition, 12)
    assert set(place) <= set(model.ROWS[int(p.consonance)])
    return 5 * octave + np.searchsorted(model.ROWS[int(p.consonance)], place)


def free_steps(p, n, *, seed=0):
    """Steps that start where the octave guard cannot turn them round: a choice by the start alone."""
    s = degrees(p, n, seed=seed)
    return np.diff(s)[(s[:-1] >= 9) & (s[:-1] <= 45)]


@pytest.mark.parametrize(("bigsmall", "printed", "mean"), STEPS)
def test_step_sizes_come_as_often_as_the_closed_form_says(bigsmall, printed, mean):
    law = model.step_distribution(bigsmall)
    assert law == pytest.approx(printed, abs=6e-5)
    assert law @ [1, 2, 3, 4] == pytest.approx(mean, abs=6e-4)
    x = (np.arange(100_000) + 0.5) / 100_000  # a fine grid stands for the uniform numbers: no sampling error
    exact = np.bincount([step_size(v, bigsmall) for v in x], minlength=5)[1:] / len(x)
    assert exact == pytest.approx(law, abs=1e-5)
    steps = np.abs(free_steps(replace(PLAIN, bigsmall=bigsmall), 20_000))
    found, possible = np.bincount(steps, minlength=5)[1:], law > 0
    assert len(steps) > 10_000
    assert found[~possible].sum() == 0
    assert possible.sum() == 1 or chisquare(found[possible], law[possible] * len(steps)).pvalue > P_MIN


@settings(max_examples=200)
@given(st.floats(0, 1, exclude_max=True), st.floats(0, 100))
def test_a_step_is_the_inverse_of_its_distribution(x, bigsmall):
    beyond = 1 - np.cumsum(model.step_distribution(bigsmall))[:3]
    if bigsmall in (0, 100) or np.abs(x - beyond).min() > 1e-9:  # on an edge, rounding decides
        assert step_size(x, bigsmall) == model.step_sizes(np.array(x), bigsmall)


@pytest.mark.parametrize("updown", [0, 6, 19.25, 38.5, 50, 81.5, 89.5, 100])
def test_steps_go_down_as_often_as_updown_says(updown):
    p = replace(PLAIN, updown=updown)
    first = [d for seed in range(800) for d in np.diff(degrees(p, 5, seed=seed))]  # none meets the guard
    assert np.mean(np.array(first) < 0) == pytest.approx(
        updown / 100, abs=binomial_tolerance(updown / 100, 4000)
    )
    long = free_steps(p, 20_000)
    n_down = int((long < 0).sum())
    assert n_down / len(long) == pytest.approx(updown / 100, abs=binomial_tolerance(updown / 100, len(long)))


def test_size_and_direction_of_a_step_and_of_its_neighbour_are_independent():
    steps = free_steps(replace(PLAIN, updown=40, bigsmall=61.5), 20_000, seed=5)
    pairs = np.zeros((2, 4))
    np.add.at(pairs, ((steps > 0).astype(int), np.abs(steps) - 1), 1)
    assert chi2_contingency(pairs).pvalue > P_MIN
    neighbours = np.zeros((8, 8))
    code = np.abs(steps) - 1 + 4 * (steps > 0)
    even = len(code) // 2 * 2
    np.add.at(neighbours, (code[:even:2], code[1:even:2]), 1)
    assert chi2_contingency(neighbours).pvalue > P_MIN


@pytest.mark.parametrize(("updown", "turned"), [(0, {45, 46, 47, 48}), (100, {6, 7, 8, 9})])
def test_the_octave_guard_turns_the_walk_back_by_five_degrees(updown, turned):
    s = degrees(replace(PLAIN, updown=updown), 5000)
    steps = np.diff(s)
    outward = 1 if updown == 0 else -1
    assert s.min() >= 5
    assert s.max() <= 49
    beyond = steps * outward < 0
    assert set(s[1:][beyond]) == turned  # degrees 50 .. 53 less 5, or 1 .. 4 more 5
    assert set(steps[beyond] * outward) == {-1, -2, -3, -4}  # 4 .. 1 outward less 5: never a repeated note
    assert (s[:-1][beyond] >= 46).all() if updown == 0 else (s[:-1][beyond] <= 8).all()


# Pitch.


@pytest.mark.parametrize("row", range(38))
def test_a_phrase_sounds_its_set_and_nothing_else(row):
    p = replace(PLAIN, consonance=row)
    for transposition in (0, 7, 11):
        rng = np.random.default_rng(row)
        found = list(itertools.islice(draw_pitches(p, rng, transposition=transposition), 400))
        relative = {(pitch - transposition) % 12 for pitch, _ in found}
        assert relative == set(model.ROWS[row].tolist())
        steps = [abs(pitch - before) for pitch, before in found]
        assert 1 <= min(steps) <= max(steps) <= 11


def test_transpositions_are_uniform_on_twelve_and_last_for_a_phrase():
    p = replace(PLAIN, bigsmall=0, updown=0)  # the rising phrase: its pitches less 62 tell the transposition
    rising = np.array([62, 64, 67, 69, 72, 74, 76, 79, 81, 84, 86, 88, 91, 93, 96, 98])
    shifts = []
    for seed in range(3000):
        shift = np.array([note.pitch for note in compose(p, seed=seed, variant="patch").notes]) - rising
        assert (shift == shift[0]).all()
        shifts.append(shift[0])
    assert set(shifts) == set(range(12))
    assert chisquare(np.bincount(shifts, minlength=12)).pvalue > P_MIN


def test_extreme_phrases_stay_within_midi_12_to_127():
    extremes = [
        compose(replace(PLAIN, bigsmall=100, updown=updown, consonance=c), seed=seed, seconds=30)
        for updown, c, seed in itertools.product((0, 100), (30, 32, 37), range(40))
    ]
    notes = [note for score in extremes for note in score.notes]
    assert len(notes) > 20_000
    assert {min(n.pitch for n in notes), max(n.pitch for n in notes)} == {12, 127}
    clamped = [n for n in notes if n.lean_deg == 60 - 128]
    assert clamped  # the model's own 128, from the degree 49 of a set that holds 9, on B
    assert {n.pitch for n in clamped} == {127}
    assert all(n.lean_deg == 60 - n.pitch for n in notes if n.lean_deg > 60 - 128)
    for score in extremes:
        assert all(a.pitch != b.pitch for a, b in itertools.pairwise(score.notes))


# Whole scores: each note once more by the second model, from the same random numbers in the specified order.


def recomputed(score, n):
    """Onsets and gaps in ms, pitches with the root, heights, spikes, leans of the first n notes."""
    streams = random_streams(score.seed)
    onset, gap = model.onsets(streams.timing.random(n), score.parameters.bpm, score.parameters.jitter)
    transposition = int(12 * streams.pitch.random())
    x, y = streams.pitch.random((n, 2)).T[:, None, :]
    pitches = model.walk(x, y, transposition, score.parameters)
    return onset, gap, pitches[0], *(of[0] for of in model.ball(pitches))


def check_against_the_second_model(score, n_notes=None):
    onset, gap, pitches, height, spike, lean = recomputed(score, 64)
    n = n_notes or int(np.argmax(onset >= 1000 * score.seconds))  # all before the first that is too late
    assert len(score.notes) == n
    found = np.array([tuple(note) for note in score.notes]).T
    assert found[0] == pytest.approx(onset[:n] / 1000, abs=1e-9)
    assert found[1] == pytest.approx(np.maximum(gap[:n] - 10, 1) / 1000, abs=1e-12)
    assert found[2].tolist() == np.minimum(pitches[1 : n + 1], 127).tolist()
    assert set(found[3]) == {110}
    assert found[4].tolist() == height[:n].tolist()
    assert found[5] == pytest.approx(spike[:n], abs=1e-12)
    assert found[6].tolist() == lean[:n].tolist()
    assert found[7] == pytest.approx(gap[:n] / 1000, abs=1e-12)


@pytest.mark.parametrize("name", list(named_stimuli()))
def test_every_note_of_a_named_clip_is_that_of_the_second_model(name):
    for seed in range(20):
        check_against_the_second_model(compose(named(name), seed=seed))


@settings(max_examples=100)
@given(anything, seeds)
def test_every_note_of_any_phrase_is_that_of_the_second_model(p, seed):
    patch = compose(p, seed=seed, variant="patch")
    assert patch.parameters == StimulusParameters(*(math.trunc(v) for v in vars(p).values()))
    check_against_the_second_model(patch, n_notes=16)
    clip = compose(p, seed=seed, seconds=5.0)
    assert clip.parameters == replace(p, consonance=math.floor(p.consonance + 0.5))
    check_against_the_second_model(clip)


@pytest.mark.parametrize("name", ["happy", "sad", "angry", "search_one", "biggest_gap"])
def test_pitches_are_distributed_as_those_of_the_second_model(name):
    p = named(name)
    mine = np.array([[n.pitch for n in compose(p, seed=s, variant="patch").notes] for s in range(400)])
    q = p.truncated()  # the patch's sliders
    theirs = np.minimum(model.phrases(q, 4000, 16, np.random.default_rng(1))[:, 1:], 127)
    for what in (lambda x: x[:, -1], lambda x: x[:, 3], lambda x: x.max(axis=1) - x.min(axis=1)):
        cuts = np.unique(np.quantile(what(theirs), np.linspace(0, 1, 9)[1:-1]))
        table = [np.bincount(np.digitize(what(x), cuts), minlength=len(cuts) + 1) for x in (mine, theirs)]
        assert chi2_contingency(table).pvalue > P_MIN


@pytest.mark.parametrize("bpm", [64.5, 106.625, 288.5, 332.375])
def test_clips_keep_the_fraction_of_a_tempo_and_the_patch_drops_it(bpm):
    p = replace(PLAIN, bpm=bpm)
    for score, played in (
        (compose(p, seed=0, seconds=30), bpm),
        (compose(p, seed=0, variant="patch"), int(bpm)),
    ):
        onsets = np.array([note.onset_s for note in score.notes])
        assert onsets == pytest.approx(60 / played * np.arange(len(onsets)), abs=1e-9)
        assert {round(note.duration_s * 1000) for note in score.notes} == {int(60_000 / played) - 10}


def test_a_note_lasts_until_10_ms_before_the_next_beat_and_at_least_one():
    p = StimulusParameters(398, 99, 0, 97, 6)
    notes = [note for seed in range(300) for note in compose(p, seed=seed).notes]
    assert len(notes) > 5000
    lasts = np.rint([1000 * note.duration_s for note in notes]).astype(int)
    gaps = np.rint([1000 * note.bounce_s for note in notes]).astype(int)
    assert (lasts == np.maximum(1, gaps - 10)).all()
    assert (set(lasts), set(gaps)) == (set(range(1, 141)), set(range(2, 151)))  # L = 150 - d, d = 0 .. 148
    assert {note.velocity for note in notes} == {110}


def test_timing_pitch_and_their_settings_are_streams_of_their_own():
    base = replace(PLAIN, jitter=50)
    for seed in range(200):
        score = compose(base, seed=seed, variant="patch")
        timing, pitch = ([n[:2] for n in score.notes], [n.pitch for n in score.notes])
        other_time = compose(replace(base, jitter=80, bpm=120), seed=seed, variant="patch")
        other_tune = compose(replace(base, updown=20, bigsmall=80, consonance=3), seed=seed, variant="patch")
        assert [n.pitch for n in other_time.notes] == pitch
        assert [n[:2] for n in other_tune.notes] == timing
        next_seed = compose(base, seed=seed + 1, variant="patch")
        assert [n.pitch for n in next_seed.notes] != pitch
        assert [n[:2] for n in next_seed.notes] != timing


def test_delay_and_pitch_of_a_note_are_independent():
    p = replace(PLAIN, jitter=80)
    scores = [compose(p, seed=seed, variant="patch") for seed in range(500)]
    delay = [1000 * n.onset_s % 300 for score in scores for n in score.notes[1:]]
    step = [b.pitch - a.pitch for score in scores for a, b in itertools.pairwise(score.notes)]
    assert len(step) == 7500
    assert np.corrcoef(delay, step)[0, 1] == pytest.approx(0, abs=4 / math.sqrt(7500))
