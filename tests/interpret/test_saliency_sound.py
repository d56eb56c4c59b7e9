"""When in the sound: stretches that are silenced, and what the model then makes of the window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.emotion import predicted_epp
from avfbel.errors import InputError
from avfbel.interpret.saliency_sound import (
    LONGEST_S,
    SHORTEST_S,
    SoundMemory,
    silenced,
    sound_saliency,
    stretch_edges,
)
from avfbel.runtime import Predictor
from avfbel.senses.features import SensoryFeatures
from avfbel.senses.sensorium import Sensorium

RATE = 22_050


def melody(pitches: list[float], *, each_s: float = 0.5) -> np.ndarray:
    """Return decaying tones, one after the other."""
    time = np.arange(round(each_s * RATE)) / RATE
    return np.concatenate(
        [0.3 * np.exp(-5 * time) * np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * time) for p in pitches]
    ).astype(np.float32)


def heard(sound: np.ndarray) -> tuple[SensoryFeatures, SoundMemory]:
    """Measure a sound as one window, and remember it."""
    senses, memory = Sensorium(modality="audio"), SoundMemory()
    memory.push(sound, RATE, 0.0)
    windows = senses.push_audio(sound, RATE, 0.0)
    return (windows + senses.finish())[0], memory


def test_each_change_is_that_of_the_window_heard_without_the_stretch() -> None:
    # measured again from scratch, by the sensorium, with zeros in the place of the third note
    sound = melody([60, 64, 67, 72, 71, 67, 64, 60])
    predictor = Predictor()
    window, memory = heard(sound)
    told = sound_saliency(predictor, window, memory)
    assert len(told.change) == 8
    rest = silenced(sound, RATE, told.start_s[2], told.end_s[2])
    epp = predicted_epp(predictor.predict([window, heard(rest)[0]]).emotion)
    assert told.change[2] == pytest.approx(epp[0] - epp[1], abs=1e-6)
    assert np.abs(told.change).max() > 1e-4


def test_stretches_are_the_notes() -> None:
    told = sound_saliency(Predictor(), *heard(melody([60, 64, 67, 72])))
    np.testing.assert_allclose(told.start_s[1:], [0.48, 0.98, 1.48], atol=0.03)
    assert told.start_s[0] == 0.0
    assert told.end_s[-1] == pytest.approx(2.0, abs=1e-3)
    np.testing.assert_array_equal(told.start_s[1:], told.end_s[:-1])


def test_what_is_seen_does_not_change_when_a_sound_is_silenced() -> None:
    window, memory = heard(melody([60, 64, 67, 72]))
    seen = replace(window, maps=np.full((5, 64, 64), 0.2, np.float32), g_video=1.0)
    fed: list[SensoryFeatures] = []

    class Spy(Predictor):
        def predict(self, windows):  # type: ignore[no-untyped-def]
            fed.extend(windows)
            return super().predict(windows)

    sound_saliency(Spy(), seen, memory)
    assert len(fed) == 5
    assert all(one.maps is seen.maps and one.g_video == 1.0 for one in fed)


def test_without_evidence_of_sound_there_are_no_stretches() -> None:
    window, memory = heard(np.zeros(2 * RATE, np.float32))
    assert len(sound_saliency(Predictor(), window, memory).change) == 0


@given(
    st.lists(st.floats(0.0, 10.0), max_size=40),
    st.floats(0.0, 5.0),
    st.floats(0.05, 5.0),
)
def test_edges_run_from_end_to_end_and_no_stretch_is_too_short_or_long(
    onsets: list[float], start: float, length: float
) -> None:
    edges = stretch_edges(onsets, start, start + length)
    assert (edges[0], edges[-1]) == (start, start + length)
    assert np.diff(edges).min() >= min(length, SHORTEST_S) - 1e-9
    assert np.diff(edges).max() <= LONGEST_S + 1e-6


def test_silence_spares_what_lies_outside_and_does_not_click() -> None:
    sound = np.full(RATE, 0.5, np.float32)
    quiet = silenced(sound, RATE, 0.25, 0.75)
    np.testing.assert_array_equal(quiet[: RATE // 4], 0.5)
    np.testing.assert_array_equal(quiet[-RATE // 4 + 1 :], 0.5)
    assert (quiet[round(0.26 * RATE) : round(0.74 * RATE)] == 0).all()
    assert np.abs(np.diff(quiet)).max() < 0.5 / 100  # a cut without a fade is a step of 0.5
    assert (sound == 0.5).all()


def test_memory_gives_back_what_was_pushed_and_silence_for_the_rest() -> None:
    memory = SoundMemory()
    sound = np.random.default_rng(0).normal(size=(3000, 2)).astype(np.float32)
    memory.push(sound[:1000], 1000, 0.0)
    memory.push(sound[1000:1500], 1000, 1.0)
    memory.push(sound[2000:], 1000, 2.0)  # half a second is missing
    mono = sound.mean(axis=1)
    np.testing.assert_array_equal(memory.between(0.4, 1.5), mono[400:1500])
    assert (memory.between(1.5, 2.0) == 0).all()
    np.testing.assert_array_equal(memory.between(1.9, 3.1)[100:1100], mono[2000:])
    memory.forget(1.2)
    np.testing.assert_array_equal(memory.between(1.2, 1.5), mono[1200:1500])
    assert (memory.between(0.0, 1.0) == 0).all()


def test_a_change_of_rate_is_refused() -> None:
    memory = SoundMemory()
    memory.push(np.zeros(10, np.float32), 44_100, 0.0)
    with pytest.raises(InputError, match="from 44100 to 48000 samples a second"):
        memory.push(np.zeros(10, np.float32), 48_000, 0.1)
