import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.stimulus import StimulusParameters, compose, named, write_midi
from avfbel.stimulus.midi import midi_bytes
from avfbel.stimulus.parameters import RANGES


def read_midi(data):
    """Notes as (onset_s, end_s, pitch, velocity), the length in s, and the kinds of events of a file."""
    kind, size, form, tracks, division = struct.unpack(">4sIHHH", data[:14])
    assert (kind, size, form, tracks) == (b"MThd", 6, 0, 1)
    kind, size = struct.unpack(">4sI", data[14:22])
    assert kind == b"MTrk"
    assert len(data) == 22 + size
    at, ticks, tempo, sounding, notes, kinds = 22, 0, 500_000, {}, [], set()
    while at < len(data):
        delta = 0
        while True:
            byte, at = data[at], at + 1
            delta = delta << 7 | byte & 0x7F
            if byte < 0x80:
                break
        ticks += delta
        time = ticks * tempo / 1e6 / division
        status = data[at]
        kinds.add(status & 0xF0)
        if status == 0xFF:
            meta, length = data[at + 1], data[at + 2]
            if meta == 0x51:
                tempo = int.from_bytes(data[at + 3 : at + 6], "big")
            at += 3 + length
            if meta == 0x2F:
                break
            continue
        pitch, velocity = data[at + 1 : at + 3]
        at += 3
        if status == 0x90:
            assert not sounding, "the melody has one voice"
            sounding[pitch] = time, velocity
        else:
            start, loudness = sounding.pop(pitch)
            notes.append((start, time, pitch, loudness))
    assert at == len(data)
    assert not sounding
    return notes, time, kinds


@settings(max_examples=40, deadline=None)
@given(
    st.builds(StimulusParameters, **{k: st.floats(low, high) for k, (low, high) in RANGES.items()}),
    st.integers(0, 2**32),
)
def test_a_file_read_back_holds_the_notes_of_the_score(p, seed):
    score = compose(p, seed=seed, variant="patch")
    notes, length, kinds = read_midi(midi_bytes(score))
    tick = 60 / score.parameters.bpm / 9600
    assert length == pytest.approx(score.length_s, abs=tick)
    assert [n[2:] for n in notes] == [(n.pitch, 110) for n in score.notes]
    assert [n[0] for n in notes] == pytest.approx([n.onset_s for n in score.notes], abs=tick)
    assert [n[1] for n in notes] == pytest.approx([n.onset_s + n.duration_s for n in score.notes], abs=tick)
    assert kinds == {0xF0, 0x90, 0x80}  # no program change: the default instrument is the piano


def test_the_written_file_is_the_encoded_score(tmp_path):
    score = compose(named("sad"), seed=1)
    write_midi(score, tmp_path / "sad.mid")
    assert (tmp_path / "sad.mid").read_bytes() == midi_bytes(score)
