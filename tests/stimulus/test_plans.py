from dataclasses import asdict, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.errors import UsageError
from avfbel.stimulus import compose, named, plan_corpus, plan_pairs, plan_sweep
from avfbel.stimulus.plans import parse_sweep


def test_seeds_are_distinct_and_a_clip_keeps_its_own_in_any_corpus():
    clips = plan_corpus(exemplars=20)
    assert len({c.seed for c in clips}) == 760
    assert set(plan_corpus(exemplars=2, stimuli=["sad"])) < set(clips)
    assert not {c.seed for c in clips} & {c.seed for c in plan_corpus(exemplars=20, seed=1)}


def test_a_sweep_is_the_product_of_its_values_around_a_stimulus():
    clips = plan_sweep({"updown": [0, 100], "bpm": [60, 90, 120]}, around="sad", exemplars=2, seed=5)
    assert [(c.music.parameters.bpm, c.music.parameters.updown, c.exemplar) for c in clips] == [
        (bpm, updown, k) for bpm in (60, 90, 120) for updown in (0, 100) for k in (0, 1)
    ]
    assert len({c.stem for c in clips}) == 12
    for clip in clips:
        p = clip.music.parameters
        assert p == replace(named("sad"), bpm=p.bpm, updown=p.updown)
    assert len({(c.exemplar, c.seed) for c in clips}) == 2, "neighbours differ by the sweep alone"


def test_only_the_swept_parameter_changes_the_notes():
    slow, fast = plan_sweep({"bpm": [100, 200]}, around="peaceful")
    pitches = [[n.pitch for n in clip.music.notes] for clip in (slow, fast)]
    assert pitches[0] == pitches[1][: len(pitches[0])]


def test_pairs_are_all_melodies_with_all_films():
    clips = plan_pairs(["happy", "sad", "angry"], exemplars=2, seed=3)
    assert len(clips) == 18
    alone = {(c.stimulus, c.exemplar): c.music for c in plan_corpus(exemplars=2, seed=3)}
    for clip in clips:
        labels = dict(clip.labels)
        assert clip.music == alone[labels["music"], clip.exemplar]
        assert (clip.film or clip.music) == alone[labels["film"], clip.exemplar]
        assert (clip.film is None) == (labels["congruent"] == "1") == (labels["music"] == labels["film"])


def test_pairs_are_of_the_prototypes_unless_said_otherwise():
    assert len(plan_pairs()) == 25


def test_the_composer_makes_the_phrases():
    clips = plan_corpus(exemplars=1, composer=lambda p, seed: compose(p, seed=seed, variant="patch"))
    assert {len(c.music.notes) for c in clips} == {16}


@given(
    st.sampled_from(["bpm", "updown"]),
    st.integers(30, 100),
    st.integers(30, 100),
    st.integers(2, 30),
)
def test_a_range_is_evenly_spaced_from_end_to_end(name, low, high, count):
    values = parse_sweep([f"{name}={low}:{high}:{count}"])[name]
    assert (values[0], values[-1], len(values)) == (low, high, count)
    steps = {round(b - a, 9) for a, b in pairwise(values)}
    assert len(steps) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bpm", "a sweep is written bpm=60,120,240"),
        ("bpm=", "a sweep is written bpm=60,120,240"),
        ("bpm=fast", "a sweep is written bpm=60,120,240"),
        ("bpm=60:90", "got 'bpm=60:90'"),
        ("bpm=60:90:1", "got 'bpm=60:90:1'"),
        ("bpm=60:90:1.5", "got 'bpm=60:90:1.5'"),
    ],
)
def test_a_sweep_that_cannot_be_read_is_refused(text, message):
    with pytest.raises(UsageError, match=message):
        parse_sweep([text])


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (lambda: parse_sweep(["bpm=60", "bpm=90"]), "bpm is swept twice"),
        (lambda: plan_sweep({"tempo": [1]}), "no parameter is named 'tempo': sweep bpm, jitter"),
        (lambda: plan_sweep({}), "at least one parameter"),
        (lambda: plan_sweep({"bpm": []}), "the sweep of bpm has no value"),
        (lambda: plan_sweep({"bpm": [0]}), "bpm must be from 30 to 400, got 0"),
        (lambda: plan_sweep({"bpm": [float("nan")]}), "bpm must be from 30 to 400, got nan"),
        (lambda: plan_sweep({"bpm": [60]}, around="jolly"), "no stimulus is named 'jolly'"),
        (lambda: plan_sweep({"bpm": [60]}, exemplars=100_001), "are more than 100000"),
        (lambda: plan_pairs(["happy", "jolly"]), "no stimulus is named 'jolly'"),
        (lambda: plan_corpus(stimuli="happy"), r"a list of names: write \['happy'\]"),
        (lambda: plan_pairs([]), "at least one stimulus"),
        (lambda: plan_pairs(seed=-1), "seed must be a whole number from 0, got -1"),
        (lambda: plan_corpus(exemplars=0), "exemplars must be at least 1, got 0"),
    ],
)
def test_wrong_plans_are_refused(plan, message):
    with pytest.raises(UsageError, match=message):
        plan()


def test_the_default_composer_is_that_of_the_clips_of_2021():
    (clip,) = plan_corpus(exemplars=1, stimuli=["happy"])
    assert asdict(clip.music) == asdict(compose(named("happy"), seed=clip.seed))
