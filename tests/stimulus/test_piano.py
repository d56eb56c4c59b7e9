"""The piano, measured on its samples."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.signal import hilbert

from avfbel.stimulus import compose, named, named_stimuli, synthesize
from avfbel.stimulus.loudness import integrated_loudness
from avfbel.stimulus.piano import DETUNING, SLOW_SHARE, SLOWER, inharmonicity, partials, piano_tone

RATE = 44100
KEYS = range(21, 109)  # of a piano
SCORE = compose(named("happy"), seed=7)


@cache
def one_note(pitch, *, duration=1.0, onset=0.5, length=3.0):
    note = SCORE.notes[0]._replace(onset_s=onset, duration_s=duration, pitch=pitch)
    return synthesize(replace(SCORE, notes=(note,), length_s=length))


def level_db(samples):
    return 10 * np.log10(np.mean(samples**2))


@pytest.mark.parametrize("pitch", range(21, 109, 3))
def test_partials_are_stretched_as_those_of_stiff_strings(pitch):
    """Each audible partial lies within 1 cent of n f0 sqrt(1 + B n^2), and the first one is in tune."""
    tone = piano_tone(pitch, 2 * RATE)
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone)), 2**20))
    b, step = inharmonicity(pitch), RATE / 2**20
    ideal = 440 * 2 ** ((pitch - 69) / 12) / np.sqrt(1 + b)
    found = 0
    for n in range(1, 41):
        expected = n * ideal * np.sqrt(1 + b * n * n)
        if expected > 0.44 * RATE:
            break
        low, high = (int((expected + side * 0.4 * ideal) / step) for side in (-1, 1))
        k = low + int(np.argmax(spectrum[low:high]))
        if spectrum[k] < 1e-3 * spectrum.max():
            continue  # 60 dB below the strongest: struck at a node, or too high for the felt
        left, top, right = np.log(spectrum[k - 1 : k + 2])
        heard = step * (k + 0.5 * (left - right) / (left - 2 * top + right))
        assert abs(1200 * np.log2(heard / expected)) < 1, (pitch, n)
        found += 1
    assert found >= (20 if pitch < 50 else 8 if pitch < 75 else 3)


def test_every_eighth_partial_is_silent_at_the_strike_point():
    frequency = partials(36, RATE).frequency_hz
    order = np.rint(
        frequency / frequency[0] / np.sqrt(1 + inharmonicity(36) * (frequency / frequency[0]) ** 2)
    )
    assert {7, 9, 15, 17} <= set(order)
    assert not set(order) & {8, 16, 24}


def test_the_tone_is_the_sum_of_its_partials():
    """The block-wise product of exponentials equals a plain sum of damped sines."""
    n, keys = 6000, partials(50, RATE)
    t = np.arange(n) / RATE
    plain = sum(
        a
        * (
            (1 - SLOW_SHARE) * np.sin(2 * np.pi * f * (t - 0.0025)) * np.exp(-t / d)
            + SLOW_SHARE * np.sin(2 * np.pi * f * (1 + DETUNING) * (t - 0.0025)) * np.exp(-t / (SLOWER * d))
        )
        for f, a, d in zip(*keys, strict=True)
    )
    rest = piano_tone(50, n)[4500:] - plain[4500:]  # the knock lasts 96 ms
    assert np.abs(rest).max() < 1e-5


def test_the_attack_is_short():
    """The envelope, the size of the analytic signal, rises from 10 to 90 % of its maximum in 15 ms."""
    for pitch in KEYS:
        faded = piano_tone(pitch, RATE // 2) * np.hanning(RATE)[RATE // 2 :]
        envelope = np.abs(hilbert(np.r_[np.zeros(RATE // 2), faded, np.zeros(RATE // 2)]))
        low, high = (int(np.argmax(envelope > part * envelope.max())) for part in (0.1, 0.9))
        assert (high - low) / RATE < 0.015, pitch


def test_the_decay_has_two_stages():
    """In dB a second, it is steep at first and gentle later."""
    for pitch in KEYS:
        decay = partials(pitch, RATE).decay_s[0]
        tone = piano_tone(pitch, int(8 * decay * RATE))
        parts = np.array_split(tone[RATE // 100 :], 32)
        level = np.array([level_db(part) for part in parts])
        early, late = (np.polyfit(np.arange(6), level[k : k + 6], 1)[0] for k in (0, 26))
        assert early < 2 * late < 0, pitch


def seconds_to_fall(pitch, by_db):
    tone = piano_tone(pitch, 8 * RATE)
    window = RATE // 20
    level = np.array([level_db(tone[k : k + window]) for k in range(0, len(tone) - window, window // 4)])
    return np.flatnonzero(level > level.max() - by_db)[-1] * (window // 4) / RATE


@pytest.mark.parametrize("by_db", [10, 20])
def test_low_notes_last_longer(by_db):
    for first in (24, 27, 32):
        lasting = [seconds_to_fall(pitch, by_db) for pitch in range(first, 109, 12)]
        assert (np.diff(lasting) < 0).all(), (first, lasting)


def test_the_damper_silences_any_key_soon():
    """150 ms after key up, no sample is above a hundredth of the loudest before: it fell by 40 dB."""
    for pitch in KEYS:
        samples = one_note(pitch)
        up, window = round(1.5 * RATE), round(0.04 * RATE)
        before, after = samples[up - window : up], samples[up + round(0.15 * RATE) :]
        assert np.abs(after).max() < 0.01 * np.abs(before).max(), pitch
        assert level_db(after[:window]) < level_db(before) - 40, pitch
        assert not after[round(0.101 * RATE) :].any(), pitch


@pytest.mark.parametrize("duration", [0.3, 0.5, 1.0, 2.0])
def test_all_keys_are_equally_loud(duration):
    loudness = [
        integrated_loudness(one_note(pitch, duration=duration, length=3.5), rate=RATE) for pitch in KEYS[::2]
    ]
    assert np.ptp(loudness) < 3


@pytest.mark.parametrize("pitch", [0, 12, 127])
def test_keys_beyond_a_piano_sound_too(pitch):
    tone = piano_tone(pitch, RATE)
    assert level_db(tone[:4410]) > -30
    assert tone[0] == 0


def test_low_keys_are_duller():
    """The centre of gravity of a spectrum rises with the key, and has fewer partials below it."""
    centre = []
    for pitch in range(24, 109, 12):
        frequency, amplitude, _ = partials(pitch, RATE)
        centre.append(np.sum(frequency * amplitude**2) / np.sum(amplitude**2))
    in_partials = centre / (440 * 2 ** ((np.arange(24, 109, 12) - 69) / 12))
    assert (np.diff(centre) > 0).all()
    assert (np.diff(in_partials) < 0).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_no_stimulus_goes_beyond_the_peak(seed):
    for name, parameters in named_stimuli().items():
        samples = synthesize(compose(parameters, seed=seed))
        assert np.abs(samples).max() <= 10 ** (-1 / 20), name
        assert np.abs(samples).max() > 0.3, name


def test_the_left_ear_hears_another_sound_than_the_right():
    samples = synthesize(SCORE)
    assert samples.shape[1] == 2
    assert np.abs(samples[:, 0] - samples[:, 1]).max() > 0.01


@pytest.mark.parametrize("rate", [22050, 48000, 96000])
def test_other_rates_sound_the_same(rate):
    """In tune, as loud, and as soon over."""
    mine, usual = piano_tone(60, rate, rate), piano_tone(60, RATE)
    spectrum = np.abs(np.fft.rfft(mine))
    assert abs(int(np.argmax(spectrum[200:320])) + 200 - 262) <= 1
    for part in (slice(0.02, 0.3), slice(0.5, 0.9)):
        here, there = (
            level_db(tone[int(part.start * r) : int(part.stop * r)])
            for tone, r in ((mine, rate), (usual, RATE))
        )
        assert here == pytest.approx(there, abs=0.5)
