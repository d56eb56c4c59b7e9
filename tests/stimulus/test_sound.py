import wave
from dataclasses import replace

import numpy as np
import pytest

from avfbel.errors import UsageError
from avfbel.stimulus import compose, named, synthesize, write_wav
from avfbel.stimulus.piano import key_frequency, piano_tone
from avfbel.stimulus.sound import to_pcm

RATE = 44100
SCORE = compose(named("happy"), seed=7)


def one_note(pitch, *, duration=1.0, onset=0.5):
    note = SCORE.notes[0]._replace(onset_s=onset, duration_s=duration, pitch=pitch)
    return replace(SCORE, notes=(note,), length_s=3.0)


def strongest_near(sound, frequency):
    """Frequency of the spectral peak within 3 % of a frequency, by a zero-padded transform and a parabola."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**20))
    grid = np.fft.rfftfreq(2**20, 1 / RATE)
    near = np.flatnonzero(np.abs(grid / frequency - 1) < 0.03)
    k = near[np.argmax(spectrum[near])]
    a, b, c = np.log(spectrum[k - 1 : k + 2])
    return grid[1] * (k + 0.5 * (a - c) / (a - 2 * b + c))


@pytest.mark.parametrize("sound", ["piano", "sine"])
def test_notes_sound_when_the_score_says(sound):
    samples = synthesize(one_note(60), sound=sound)
    assert samples.shape == (3 * RATE, 2)
    envelope = np.abs(samples).max(axis=1)
    heard = np.flatnonzero(envelope > 0.01)
    assert 0.5 <= heard[0] / RATE < 0.503
    assert 1.495 < heard[-1] / RATE < 1.75
    assert not samples[: RATE // 2].any()


def test_a_sine_has_the_pitch_of_its_key():
    samples = synthesize(one_note(69, duration=2.0), sound="sine")[RATE // 2 :, 0]
    assert strongest_near(samples[: 2 * RATE], 440) == pytest.approx(440, abs=0.02)
    assert key_frequency(69) == 440


def test_low_keys_are_heard_left_and_high_keys_right():
    low, high = ((synthesize(one_note(p)) ** 2).sum(axis=0) for p in (36, 96))
    assert low[0] > low[1]
    assert high[0] < high[1]


def test_melodies_leave_room_below_full_scale():
    for name in ("angry", "sad", "search_one"):
        assert 0.3 < np.abs(synthesize(compose(named(name), seed=1))).max() < 0.95


def test_what_would_go_beyond_full_scale_is_turned_down_as_a_whole():
    note = SCORE.notes[0]._replace(onset_s=0.5, duration_s=1.0, pitch=30)
    loud = synthesize(replace(SCORE, notes=(note,) * 5, length_s=3.0))
    assert np.abs(loud).max() == pytest.approx(10 ** (-1 / 20), rel=1e-3)
    soft = synthesize(one_note(30))
    assert loud / loud.max() == pytest.approx(soft / soft.max(), abs=1e-9)


def test_sound_ends_in_silence_even_when_cut():
    for strict in (False, True):
        assert not synthesize(compose(named("angry"), seed=1, strict=strict))[-1].any()


def test_the_same_score_makes_the_same_file(tmp_path):
    for name in "ab":
        piano_tone.cache_clear()
        write_wav(synthesize(SCORE), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_wav_file_holds_the_samples(tmp_path):
    samples = synthesize(SCORE)
    write_wav(samples, tmp_path / "x.wav")
    with wave.open(str(tmp_path / "x.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, RATE, 2)
        read = np.frombuffer(file.readframes(-1), "<i2").reshape(-1, 2)
    assert np.abs(read / 32767 - samples).max() <= 0.5 / 32767 + 1e-12


def test_samples_out_of_range_are_refused():
    with pytest.raises(ValueError, match="lower the level"):
        to_pcm(np.array([1.01]))
    with pytest.raises(ValueError, match="lower the level"):
        to_pcm(np.array([np.nan]))


def test_an_unknown_sound_is_refused():
    with pytest.raises(UsageError, match="sound must be piano or sine, got 'organ'"):
        synthesize(SCORE, sound="organ")
