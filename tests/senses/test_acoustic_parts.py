"""Pitch, tonal space, consonance and notes against independent answers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.senses.acoustic_notes import downward_share, harmony, onset_rate
from avfbel.senses.acoustic_pitch import MAX_LAG, RATE, YIN_FRAME, YIN_WINDOW, yin
from avfbel.senses.acoustic_tonality import (
    CHROMA_FRAME,
    HURON_CONSONANCE,
    chroma,
    mean_consonance,
    tonal_centroid,
    tonal_deviation,
)

SCALES = st.lists(st.integers(0, 11), min_size=1, max_size=12)


def hertz(midi):
    return 440 * 2 ** ((np.asarray(midi, float) - 69) / 12)


def harmonic_tone(hz, n, *, partials=6, rate=RATE, phase=0.0):
    time_s = np.arange(n) / rate
    partial_hz = [k * hz for k in range(1, partials + 1) if k * hz < 0.45 * rate]
    tone = sum(np.sin(2 * np.pi * f * time_s + phase * k) / k for k, f in enumerate(partial_hz, 1))
    return (0.3 * tone).astype(np.float32)


def difference_by_definition(frame):
    """YIN's d′ of one frame by its sums, lag by lag."""
    last = frame[-YIN_WINDOW:].astype(float)
    d = [0.0]
    for lag in range(1, MAX_LAG + 1):
        d.append(np.sum((last - frame[-YIN_WINDOW - lag : -lag]) ** 2))
    d = np.array(d)
    lags = np.arange(1, MAX_LAG + 1)
    return np.concatenate([[1.0], d[1:] * lags / np.cumsum(d[1:])])


@given(st.floats(12, 110), st.integers(1, 8), st.floats(0, 6))
def test_yin_finds_the_fundamental_of_any_harmonic_tone(midi, partials, phase):
    tone = harmonic_tone(hertz(midi), YIN_FRAME, partials=partials, phase=phase)
    found = yin(tone[None])
    assert abs(12 * np.log2(found.f0[0] / hertz(midi))) < 0.2  # semitones
    assert found.aperiodicity[0] < 0.2


def test_yin_chooses_the_first_deep_dip_of_the_difference_function():
    rng = np.random.default_rng(1)
    frames = np.stack(
        [harmonic_tone(hz, YIN_FRAME) + rng.normal(0, 0.01, YIN_FRAME) for hz in (41.2, 110, 196, 440)]
    ).astype(np.float32)
    found = yin(frames)
    for frame, f0, aperiodicity in zip(frames, *found, strict=True):
        d = difference_by_definition(frame)
        dips = np.flatnonzero((d[1:-1] <= d[:-2]) & (d[1:-1] < d[2:])) + 1
        first = next(
            lag
            for lag in dips
            if lag >= 4 and d[lag] < max(0.1, d[dips].min() + 0.1 * (d[dips].min() >= 0.1))
        )
        assert f0 == pytest.approx(RATE / first, rel=1.0 / first)
        assert aperiodicity == pytest.approx(d[first], abs=2e-3)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.03])
def test_yin_bears_noise(noise):
    rng = np.random.default_rng(0)
    notes = np.arange(36, 97)
    tones = np.stack([harmonic_tone(hz, YIN_FRAME) for hz in hertz(notes)])
    found = yin((tones + rng.normal(0, noise, tones.shape)).astype(np.float32))
    right = np.abs(12 * np.log2(found.f0 / hertz(notes))) < 0.5
    assert right.mean() > 0.97


@pytest.mark.slow
def test_pitch_and_tonal_space_agree_with_librosa():
    librosa = pytest.importorskip("librosa")
    notes = np.arange(40, 90, 3)
    tones = np.stack([harmonic_tone(hz, YIN_FRAME) for hz in hertz(notes)])
    theirs = [np.median(librosa.yin(tone, fmin=60, fmax=2000, sr=RATE)) for tone in tones]
    np.testing.assert_allclose(yin(tones).f0, theirs, rtol=0.01)
    shares = np.random.default_rng(0).dirichlet(np.ones(12), 20)
    theirs = librosa.feature.tonnetz(chroma=shares.T, sr=RATE).T
    np.testing.assert_allclose(tonal_centroid(shares), theirs, atol=1e-6)


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(0).normal(0, 0.1, (20, YIN_FRAME)).astype(np.float32)
    assert yin(noise).aperiodicity.min() > 0.5
    silent = yin(np.full((2, YIN_FRAME), 0.3, np.float32))
    assert np.isnan(silent.f0).all()
    assert (silent.aperiodicity == 1).all()
    assert len(yin(np.empty((0, YIN_FRAME), np.float32)).f0) == 0


@given(st.integers(45, 95))
def test_the_chroma_of_a_tone_is_its_pitch_class(midi):
    tone = harmonic_tone(hertz(midi), CHROMA_FRAME, partials=1)
    shares = chroma(tone[None])
    assert shares.sum() == pytest.approx(1)
    assert shares[0, midi % 12] > 0.95


def test_silence_has_no_chroma_and_no_deviation():
    shares = chroma(np.zeros((3, CHROMA_FRAME), np.float32))
    assert np.isnan(shares).all()
    assert np.isnan(tonal_deviation(shares))
    assert np.isnan(tonal_deviation(np.empty((0, 12))))


@given(st.integers(0, 11))
def test_the_circle_of_fifths_is_a_circle(transposition):
    around = tonal_centroid(np.eye(12)[(7 * np.arange(12) + transposition) % 12])
    np.testing.assert_allclose(np.hypot(around[:, 0], around[:, 1]), 1)
    steps = np.linalg.norm(np.diff(around[:, :2], axis=0), axis=1)
    np.testing.assert_allclose(steps, 2 * np.sin(np.pi / 12))
    np.testing.assert_allclose(np.linalg.norm(around[:, 4:], axis=1), 0.5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_tonal_deviation_lies_between_0_and_1(seed, n):
    shares = np.random.default_rng(seed).dirichlet(np.full(12, 0.1), n)
    deviation = tonal_deviation(shares)
    assert 0 <= deviation <= 1
    assert tonal_deviation(np.repeat(shares[:1], n, axis=0)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("scale", "aggregate"),  # published sums over the ten pairs of five pitch classes
    [
        ((0, 1, 2, 3, 4), -5.884),
        ((0, 2, 4, 6, 8), -1.690),
        ((0, 1, 3, 6, 9), 1.086),
        ((0, 1, 3, 5, 8), 3.088),
        ((0, 2, 4, 7, 9), 4.788),
    ],
)
def test_consonance_of_known_pitch_class_sets(scale, aggregate):
    assert mean_consonance(np.array(scale)) == pytest.approx(aggregate / 10, abs=1e-9)


@given(SCALES, st.integers(0, 11))
def test_consonance_does_not_change_by_transposition_order_or_repetition(scale, by):
    classes = np.array(scale)
    consonance = mean_consonance(classes)
    again = (
        mean_consonance(np.concatenate([classes[::-1], classes]) + by)
        if by == 0
        else mean_consonance((classes + by) % 12)
    )
    np.testing.assert_allclose(again, consonance)
    assert np.isnan(consonance) == (len(set(scale)) < 2)
    if len(set(scale)) > 1:
        assert min(HURON_CONSONANCE) <= consonance <= max(HURON_CONSONANCE[1:])


@given(st.lists(st.integers(30, 90), min_size=2, max_size=8), st.floats(-0.3, 0.3))
def test_harmony_is_that_of_the_notes_however_they_are_tuned(notes, mistuning):
    pitches = np.array(notes, float)
    expected = mean_consonance(np.array(notes) % 12)
    np.testing.assert_allclose(harmony(pitches + mistuning), expected)


@given(st.lists(st.integers(40, 80), min_size=2, max_size=12))
def test_direction_counts_downward_steps_and_turns_with_the_melody(notes):
    steps = [b - a for a, b in itertools.pairwise(notes) if a != b]
    share = downward_share(np.array(notes, float))
    if not steps:
        assert np.isnan(share)
    else:
        assert share == pytest.approx(sum(step < 0 for step in steps) / len(steps))
        assert downward_share(-np.array(notes, float)) == pytest.approx(1 - share)


@given(st.floats(20, 400), st.integers(2, 30), st.floats(0, 100))
def test_tempo_of_an_even_pulse_is_its_rate(bpm, n, start):
    assert onset_rate(start + np.arange(n) * 60 / bpm) == pytest.approx(bpm)


def test_no_tempo_of_fewer_than_two_onsets():
    assert np.isnan(onset_rate(np.array([])))
    assert np.isnan(onset_rate(np.array([1.0])))
