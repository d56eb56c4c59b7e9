import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import freqz, lfilter

from avfbel.errors import UsageError
from avfbel.stimulus import compose, named, synthesize
from avfbel.stimulus.loudness import check_loudness, integrated_loudness, k_weighting, normalize
from avfbel.stimulus.sound import to_pcm

RATE = 48000
SCORE = compose(named("happy"), seed=7)
# the two filters of ITU-R BS.1770 at 48 kHz, as the recommendation prints them
SHELF = (
    [1.53512485958697, -2.69169618940638, 1.19839281085285],
    [1.0, -1.69065929318241, 0.73248077421585],
)
HIGH_PASS = ([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621])


def recommended_loudness(samples):
    """BS.1770 loudness at 48 kHz, written out from the recommendation."""
    weighted = lfilter(*HIGH_PASS, lfilter(*SHELF, samples, axis=0), axis=0)
    starts = range(0, len(samples) - 19200 + 1, 4800)
    power = np.array([(weighted[k : k + 19200] ** 2).mean(axis=0).sum() for k in starts])
    heard = power[-0.691 + 10 * np.log10(np.maximum(power, 1e-12)) > -70]
    return -0.691 + 10 * np.log10(heard[heard > 0.1 * heard.mean()].mean())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(-40, -3), st.integers(5, 30))
def test_loudness_is_that_of_the_recommendation(seed, level_db, tenths):
    rng = np.random.default_rng(seed)
    noise = lfilter([1], [1, -rng.uniform(0, 0.99)], rng.standard_normal((tenths * RATE // 10, 2)), axis=0)
    noise *= np.repeat(rng.uniform(0, 1, 10), -(-len(noise) // 10))[: len(noise), None]
    noise *= 10 ** (level_db / 20) / np.abs(noise).max()
    # whole tenths of a second, because pyloudnorm counts a last part of a block, which is dropped here;
    # the standard allows 0.1: pyloudnorm designs the filters for the rate, 0.045 dB from the printed ones
    assert integrated_loudness(noise, rate=RATE) == pytest.approx(recommended_loudness(noise), abs=0.1)


def test_silence_has_no_loudness():
    assert integrated_loudness(np.zeros((RATE, 2)), rate=RATE) == -np.inf


def test_frequencies_count_as_the_recommended_filters_let_them_through():
    frequency = np.geomspace(20, 15000, 50)
    gain = np.prod([np.abs(freqz(*f, frequency, fs=RATE)[1]) ** 2 for f in (SHELF, HIGH_PASS)], axis=0)
    assert 10 * np.log10(k_weighting(frequency)) == pytest.approx(10 * np.log10(gain), abs=0.06)


@settings(max_examples=10, deadline=None)
@given(st.floats(-60, -20))
@pytest.mark.parametrize("sound", ["piano", "sine"])
def test_a_clip_is_as_loud_as_asked_for(sound, wanted):
    samples = synthesize(SCORE, sound=sound, loudness=wanted)
    assert integrated_loudness(samples, rate=44100) == pytest.approx(wanted, abs=0.011)


def test_a_clip_of_another_rate_is_as_loud_as_asked_for():
    samples = synthesize(SCORE, rate=48000, loudness=-23)
    assert recommended_loudness(samples) == pytest.approx(-23, abs=0.1)


def test_only_the_level_changes():
    plain, soft = synthesize(SCORE), synthesize(SCORE, loudness=-30)
    gain = np.abs(soft).max() / np.abs(plain).max()
    np.testing.assert_allclose(soft, plain * gain, rtol=1e-12)
    assert 20 * np.log10(gain) == pytest.approx(round(20 * np.log10(gain), 2), abs=1e-9)


def test_the_last_bits_of_the_meter_do_not_reach_the_file(monkeypatch):
    import pyloudnorm

    samples = synthesize(SCORE)
    pcm = to_pcm(normalize(samples, -23, rate=44100))
    measure = pyloudnorm.Meter.integrated_loudness
    for slip in (1e-12, -1e-12):
        monkeypatch.setattr(pyloudnorm.Meter, "integrated_loudness", lambda *a, slip=slip: measure(*a) + slip)
        np.testing.assert_array_equal(to_pcm(normalize(samples, -23, rate=44100)), pcm)


def test_what_would_be_too_loud_is_refused_with_what_is_possible():
    with pytest.raises(UsageError, match=r"at -6 LUFS .* would go beyond .* at most -\d+\.\d\d LUFS") as told:
        synthesize(SCORE, loudness=-6)
    loudest = float(str(told.value).split()[-2])
    samples = synthesize(SCORE, loudness=loudest)
    assert 10 ** (-1.03 / 20) < np.abs(samples).max() <= 10 ** (-1 / 20)
    assert np.abs(to_pcm(samples)).max() / 32768 <= 10 ** (-1 / 20)
    with pytest.raises(UsageError, match="would go beyond"):
        synthesize(SCORE, loudness=loudest + 0.05)


@pytest.mark.parametrize("loudness", [-60.5, -4.9, 23, np.nan, np.inf])
def test_a_loudness_out_of_range_is_refused(loudness):
    with pytest.raises(UsageError, match=r"the loudness must be from -60 to -5 LUFS, got"):
        check_loudness(loudness)
    with pytest.raises(UsageError, match="the loudness must be from"):
        synthesize(SCORE, loudness=loudness)


def test_a_clip_that_is_too_short_is_refused():
    short = compose(named("happy"), seed=7, seconds=0.3, strict=True)
    with pytest.raises(UsageError, match=r"at least 0\.4 s, and the sound lasts 0\.3 s: ask"):
        synthesize(short, loudness=-23)
    assert len(synthesize(short)) == 13230


def test_what_cannot_be_heard_is_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the meter's own about the logarithm of zero
        with pytest.raises(UsageError, match="too soft to have that loudness"):
            normalize(np.zeros((RATE, 2)), -23, rate=RATE)
        with pytest.raises(UsageError, match="too soft to have that loudness"):
            normalize(np.full((RATE, 2), 1e-9), -23, rate=RATE)


def test_silence_around_a_clip_does_not_count():
    notes = tuple(n._replace(onset_s=n.onset_s + 5) for n in SCORE.notes)
    later = replace(SCORE, notes=notes, length_s=SCORE.length_s + 10)
    alone, among = (integrated_loudness(synthesize(score), rate=44100) for score in (SCORE, later))
    assert among == pytest.approx(alone, abs=0.5)
