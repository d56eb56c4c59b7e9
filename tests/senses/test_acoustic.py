"""The ear: known melodies, stimuli whose notes are known, any sound at all, and the law of the track."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from avfbel.errors import UsageError
from avfbel.senses import ALL_ACOUSTIC, AcousticTrack, measure_acoustic
from avfbel.senses.acoustic import CONTEXT_S, audio_gate
from avfbel.senses.acoustic_tonality import mean_consonance

RATE = 22050
RANGES = {
    "pitch": (16, 6300),
    "tonnetz": (0, 1),
    "rms": (0, 1),
    "tempo": (0, 3000),
    "duration": (0, 60),
    "direction": (0, 1),
    "harmony": (-1.428, 1.24),
}


def melody(pitches, onsets, lengths, *, rate=RATE, seconds=None, level=0.3):
    """Plucked tones: six partials under an exponential decay, damped at the end."""
    seconds = seconds or onsets[-1] + lengths[-1] + 0.3
    out = np.zeros(round(seconds * rate))
    for pitch, onset, length in zip(pitches, onsets, lengths, strict=True):
        time_s = np.arange(round((length + 0.1) * rate)) / rate
        hz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * k * hz * time_s) / k for k in range(1, 7) if k * hz < 0.45 * rate)
        envelope = (
            np.exp(-time_s / 0.8)
            * np.minimum(1, time_s / 0.003)
            * np.exp(-np.maximum(0, time_s - length) / 0.02)
        )
        start = round(onset * rate)
        part = (level * tone * envelope)[: len(out) - start]
        out[start : start + len(part)] += part
    return out


def features(samples, rate=RATE, **options):
    return dict(zip(ALL_ACOUSTIC, measure_acoustic(samples, rate, **options).features.tolist(), strict=True))


def assert_same(a, b, **tolerance):
    np.testing.assert_allclose(a.features, b.features, **({"rtol": 1e-6, "atol": 1e-9} | tolerance))
    assert a.g_audio == pytest.approx(b.g_audio)
    assert len(a.notes) == len(b.notes)


PITCHES, ONSETS = (60, 64, 62, 67, 65, 60), (0.2, 0.6, 1.0, 1.5, 1.9, 2.4)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
def test_a_known_melody(rate):
    lengths = (0.3, 0.25, 0.4, 0.3, 0.35, 0.3)
    heard = measure_acoustic(melody(PITCHES, ONSETS, lengths, rate=rate), rate)
    assert [round(note.pitch) for note in heard.notes] == list(PITCHES)
    np.testing.assert_allclose([note.onset_s for note in heard.notes], ONSETS, atol=0.02)
    np.testing.assert_allclose([note.duration_s for note in heard.notes], lengths, atol=0.04)
    found = dict(zip(ALL_ACOUSTIC, heard.features.tolist(), strict=True))
    assert found["tempo"] == pytest.approx(60 * 5 / 2.2, rel=0.02)
    assert found["direction"] == pytest.approx(3 / 5)
    assert found["harmony"] == pytest.approx(mean_consonance(np.array(PITCHES) % 12))
    assert found["duration"] == pytest.approx(np.mean(lengths), abs=0.03)
    assert 260 < found["pitch"] < 400
    assert heard.g_audio == 1


def test_two_onsets_have_a_tempo_and_one_has_none():
    two = features(melody((60, 67), (0.1, 1.6), (1.0, 1.0)))
    assert two["tempo"] == pytest.approx(40, rel=0.02)
    assert two["direction"] == 0
    one = features(melody((60,), (0.1,), (1.0,)))
    assert math.isnan(one["tempo"])
    assert math.isnan(one["direction"])
    assert math.isnan(one["harmony"])
    assert one["duration"] == pytest.approx(1.0, abs=0.05)
    assert one["pitch"] == pytest.approx(261.6, rel=0.01)


@pytest.mark.parametrize("interval", [0.15, 0.2, 0.5])
def test_fast_notes_are_told_apart(interval):
    n = round(3 / interval)
    pitches = [60 + (k * 5) % 12 for k in range(n)]
    sound = melody(pitches, [0.1 + k * interval for k in range(n)], [interval - 0.01] * n)
    found = features(sound)
    assert found["tempo"] == pytest.approx(60 / interval, rel=0.02)
    assert found["duration"] == pytest.approx(interval, abs=0.03)


def test_legato_sines_are_told_apart_by_their_pitch():
    time_s = np.arange(2 * RATE) / RATE
    steps = 440 * 2 ** (np.array([0, -3, -7, -12]) / 12)
    phase = 2 * np.pi * np.cumsum(steps[(time_s * 2).astype(int)]) / RATE
    heard = measure_acoustic(0.3 * np.sin(phase))
    assert [round(note.pitch) for note in heard.notes] == [69, 66, 62, 57]
    assert heard.features[5] == 1


def test_an_octave_up_doubles_pitch_and_half_the_speed_halves_tempo():
    lengths = (0.3,) * 6
    low = features(melody(PITCHES, ONSETS, lengths))
    high = features(melody([p + 12 for p in PITCHES], ONSETS, lengths))
    slow = features(melody(PITCHES, [2 * t for t in ONSETS], [0.6] * 6))
    assert high["pitch"] == pytest.approx(2 * low["pitch"], rel=0.01)
    assert slow["tempo"] == pytest.approx(low["tempo"] / 2, rel=0.02)
    for name in ("direction", "harmony"):
        assert high[name] == slow[name] == low[name]


def test_rms_is_that_of_the_samples_without_their_constant_part():
    sound = np.random.default_rng(0).normal(0, 0.05, 2 * RATE)
    assert features(sound)["rms"] == pytest.approx(sound.std(), rel=0.01)
    assert features(sound + 0.4)["rms"] == pytest.approx(sound.std(), rel=0.01)
    stereo = np.stack([sound, sound], axis=1)
    assert features(stereo)["rms"] == pytest.approx(features(sound)["rms"])


@pytest.mark.parametrize(("decibel", "gate"), [(-80, 0), (-61, 0), (-50, 0.5), (-39, 1), (-6, 1)])
def test_the_gate_opens_between_minus_60_and_minus_40_decibel(decibel, gate):
    tone = math.sqrt(2) * 10 ** (decibel / 20) * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    assert measure_acoustic(tone).g_audio == pytest.approx(gate, abs=0.01)
    assert audio_gate(10 ** (decibel / 20)) == pytest.approx(gate)


@pytest.mark.parametrize(
    "sound", [np.zeros(RATE), np.full(RATE, 0.7), np.zeros(0), np.full(RATE, np.nan), np.ones(5)]
)
def test_what_is_silent_has_no_features(sound):
    heard = measure_acoustic(sound)
    assert heard.g_audio == 0
    assert heard.notes == ()
    assert np.isnan(np.delete(heard.features, 2)).all()


def test_noise_has_neither_pitch_nor_melody():
    found = features(np.random.default_rng(0).normal(0, 0.1, 4 * RATE))
    assert math.isnan(found["pitch"])
    assert math.isnan(found["direction"])
    assert math.isnan(found["harmony"])
    assert found["tonnetz"] < 0.05


def test_drums_have_a_tempo_though_no_pitch():
    rng = np.random.default_rng(0)
    sound = np.zeros(4 * RATE)
    for k in range(8):
        start = round((0.1 + 0.45 * k) * RATE)
        sound[start : start + 2000] += rng.normal(0, 0.3, 2000) * np.exp(-np.arange(2000) / 400)
    found = features(sound)
    assert found["tempo"] == pytest.approx(60 / 0.45, rel=0.02)
    assert math.isnan(found["harmony"])


KINDS = ("tone", "noise", "clicks", "sweep", "constant", "wild")


def some_sound(kinds, n, seed):
    rng = np.random.default_rng(seed)
    time_s, sound = np.arange(n) / RATE, np.zeros(n)
    for kind in kinds:
        if kind == "tone":
            part = np.sign(np.sin(2 * np.pi * rng.uniform(1, 11_000) * time_s)) * np.exp(
                -time_s * rng.uniform(0, 9)
            )
        elif kind == "noise":
            part = rng.normal(size=n) * (np.sin(2 * np.pi * rng.uniform(0, 20) * time_s) > 0)
        elif kind == "clicks":
            part = (rng.random(n) < 1e-3).astype(float)
        elif kind == "sweep":
            part = np.sin(2 * np.pi * rng.uniform(0, 3000) * time_s**2)
        elif kind == "constant":
            part = np.ones(n)
        else:
            part = rng.choice([0.0, np.nan, np.inf, -np.inf, 1e300, -1.0], n)
        with np.errstate(invalid="ignore", over="ignore"):
            sound = sound + 10 ** rng.uniform(-5, 1) * part
    return sound


@settings(max_examples=60)
@given(st.lists(st.sampled_from(KINDS), max_size=4), st.floats(0, 3), st.integers(0, 2**32 - 1))
def test_any_sound_is_measured_within_the_documented_ranges(kinds, seconds, seed):
    n = round(seconds * RATE)
    heard = measure_acoustic(some_sound(kinds, n, seed))
    for name, value in zip(ALL_ACOUSTIC, heard.features.tolist(), strict=True):
        low, high = RANGES[name]
        assert math.isnan(value) or low <= value <= high, name
    assert 0 <= heard.g_audio <= 1
    for note in heard.notes:
        assert 0 <= note.onset_s < note.onset_s + note.duration_s <= n / RATE + 1e-9


@pytest.fixture(scope="module")
def song():
    rng = np.random.default_rng(3)
    onsets = np.cumsum(rng.uniform(0.15, 0.5, 30))
    pitches = 60 + rng.integers(-12, 12, 30)
    return melody(pitches, onsets, rng.uniform(0.1, 0.4, 30), seconds=10.0).astype(np.float32)


@pytest.mark.parametrize("rate", [22050, 44100])
def test_how_the_sound_was_cut_does_not_matter(song, rate):
    song = np.repeat(song, rate // RATE)
    whole, pieces = AcousticTrack(), AcousticTrack()
    whole.push(song, rate, 0.0)
    rng = np.random.default_rng(0)
    at = 0
    measured = []
    while at < len(song):
        n = int(rng.integers(1, 5000))
        pieces.push(song[at : at + n], rate, at / rate)
        at += n
        while len(measured) <= at / rate - 4:
            measured.append(pieces.measure(float(len(measured)), len(measured) + 4.0))
            pieces.forget(float(len(measured)))
    assert len(measured) == 7
    for start, window in enumerate(measured):
        assert_same(window, whole.measure(float(start), start + 4.0))


def test_overlapping_windows_equal_measuring_each_alone(song):
    track = AcousticTrack()
    track.push(song, RATE, 0.0)
    for start in (0, 1, 2, 5, 6):
        before = min(start, 1)
        assert before == 0 or before >= CONTEXT_S
        alone = measure_acoustic(song[(start - before) * RATE : (start + 4) * RATE], before_s=float(before))
        together = track.measure(float(start), start + 4.0)
        assert_same(together, alone, rtol=1e-4)  # a constant is assumed before the first sample
        np.testing.assert_allclose(
            [note.onset_s for note in together.notes], [note.onset_s + start - before for note in alone.notes]
        )


def test_sound_that_starts_late_and_gaps_are_silence(song):
    second = song[2 * RATE : 3 * RATE]
    track, expected = AcousticTrack(), AcousticTrack()
    track.push(second, RATE, 0.5)
    track.push(second, RATE, 2.5)
    silence = np.zeros(RATE, np.float32)
    expected.push(np.concatenate([silence[: RATE // 2], second, silence, second]), RATE, 0.0)
    assert_same(track.measure(0.0, 3.5), expected.measure(0.0, 3.5))


def test_times_rounded_by_a_container_leave_no_gaps(song):
    rounded, exact = AcousticTrack(), AcousticTrack()
    for at in range(0, 4 * RATE, 1024):
        rounded.push(song[at : at + 1024], RATE, round(at / RATE, 2))
    exact.push(song[: at + 1024], RATE, 0.0)
    assert_same(rounded.measure(0.0, 4.0), exact.measure(0.0, 4.0))


def test_what_is_pushed_twice_is_heard_once(song):
    twice, once = AcousticTrack(), AcousticTrack()
    twice.push(song[: 3 * RATE], RATE, 0.0)
    twice.push(song[2 * RATE : 4 * RATE], RATE, 2.0)
    once.push(song[: 4 * RATE], RATE, 0.0)
    assert_same(twice.measure(0.0, 4.0), once.measure(0.0, 4.0))


def test_the_rate_may_change_on_the_way(song):
    track, expected = AcousticTrack(), AcousticTrack()
    track.push(song[: 2 * RATE], RATE, 0.0)
    track.push(np.repeat(song[2 * RATE : 4 * RATE], 2), 2 * RATE, 2.0)
    expected.push(song[: 4 * RATE], RATE, 0.0)
    a, b = track.measure(0.0, 4.0), expected.measure(0.0, 4.0)
    np.testing.assert_allclose(a.features, b.features, rtol=0.03)


def test_a_window_beyond_the_sound_is_silent(song):
    track = AcousticTrack()
    assert track.measure(0.0, 4.0).g_audio == 0
    track.push(song[:RATE], RATE, 0.0)
    assert track.measure(5.0, 9.0).g_audio == 0


def test_what_is_forgotten_takes_no_memory():
    track = AcousticTrack()
    for second in range(60):
        track.push(np.zeros(RATE, np.float32), RATE, float(second))
        track.forget(second - 4.0)
    assert sum(len(part.total) for part in track._done) < 8 * 90
    assert sum(map(len, track._waiting)) < RATE


@pytest.mark.parametrize(
    ("samples", "rate", "time_s", "message"),
    [
        (
            np.zeros((2, 2, 2)),
            RATE,
            0.0,
            r"samples must have the shape \(n,\) or \(n, channels\), got \(2, 2, 2\)",
        ),
        (np.zeros((4, 0)), RATE, 0.0, r"samples must have the shape"),
        (np.zeros(4), 0, 0.0, "a sound needs a rate above 0 Hz and a time, got 0 Hz"),
        (np.zeros(4), math.nan, 0.0, "a sound needs a rate above 0 Hz"),
        (np.zeros(4), RATE, math.nan, "at nan s"),
    ],
)
def test_what_cannot_be_sound_is_refused(samples, rate, time_s, message):
    with pytest.raises(UsageError, match=message):
        AcousticTrack().push(samples, rate, time_s)


@pytest.fixture(scope="module")
def stimuli():
    from avfbel.stimulus import compose, named_stimuli, synthesize

    clips = [(p, compose(p, seed=k)) for k, p in enumerate(named_stimuli().values())]
    return [(p, score.notes, measure_acoustic(synthesize(score), 44100)) for p, score in clips]


def rank(pairs):
    known = np.array([pair for pair in pairs if np.isfinite(pair).all()])
    return spearmanr(known[:, 0], known[:, 1])[0]


def test_stimuli_are_heard_as_their_notes_are(stimuli):
    pitched = [
        (np.array([n.pitch for n in notes]), notes, heard) for _, notes, heard in stimuli if len(notes) > 1
    ]
    column = {name: k for k, name in enumerate(ALL_ACOUSTIC)}

    def against(name, truth):
        return rank([(heard.features[column[name]], truth(p, notes)) for p, notes, heard in pitched])

    assert against("pitch", lambda p, _: np.median(p)) > 0.97
    assert against("tempo", lambda _, n: (len(n) - 1) / (n[-1].onset_s - n[0].onset_s)) > 0.97
    assert against("duration", lambda _, n: np.mean([note.duration_s for note in n])) > 0.95
    assert against("direction", lambda p, _: np.mean(np.diff(p) < 0)) > 0.9
    assert against("harmony", lambda p, _: mean_consonance(p % 12)) > 0.9


def test_features_follow_the_parameters_over_the_stimuli(stimuli):
    tempo, harmony = ALL_ACOUSTIC.index("tempo"), ALL_ACOUSTIC.index("harmony")
    assert rank([(heard.features[tempo], p.bpm) for p, _, heard in stimuli]) > 0.9
    assert rank([(heard.features[harmony], p.consonance) for p, _, heard in stimuli]) > 0.6


def test_onsets_and_pitches_of_the_stimuli(stimuli):
    true = found = in_tune = heard_in_all = 0
    for _, notes, heard in stimuli:
        heard_in_all += len(heard.notes)
        for note in notes:
            near = [h for h in heard.notes if abs(h.onset_s - note.onset_s) < 0.03]
            true, found = true + 1, found + bool(near)
            in_tune += any(abs(h.pitch - note.pitch) < 0.5 for h in near)
    assert found / true > 0.95
    assert found / heard_in_all > 0.95
    assert in_tune / true > 0.9
