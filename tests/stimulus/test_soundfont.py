"""Sound fonts: a tiny one is written here, with one looped sine, and played."""

import importlib.util
import struct
import subprocess
import sys
from ctypes.util import find_library
from dataclasses import replace

import numpy as np
import pytest

from avfbel.errors import InputError, UsageError
from avfbel.stimulus import compose, named, synthesize
from avfbel.stimulus.piano import key_frequency

RATE = 44100
SCORE = compose(named("happy"), seed=7)
PERIOD, ROOT_KEY = 100, 69
SAMPLE_RATE = 44000  # times 1 / PERIOD is A4

needs_fluidsynth = pytest.mark.skipif(
    importlib.util.find_spec("fluidsynth") is None or find_library("fluidsynth") is None,
    reason="FluidSynth is not installed",
)


def chunk(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def soundfont_bytes(*, bank=0):
    """A sound font of one preset: a sine of 440 Hz, looped for as long as a key is down."""
    sine = np.rint(12000 * np.sin(2 * np.pi * np.arange(PERIOD * 20 + 48) / PERIOD)).astype("<i2")
    sine[-48:] = 0
    end = PERIOD * 20
    sample = 0, end, PERIOD, 11 * PERIOD, SAMPLE_RATE, ROOT_KEY
    info = (
        chunk(b"ifil", struct.pack("<HH", 2, 1)) + chunk(b"isng", b"EMU8000\0") + chunk(b"INAM", b"sine\0\0")
    )

    def generators(*pairs):
        return b"".join(struct.pack("<HH", oper, amount & 0xFFFF) for oper, amount in pairs)

    hydra = [
        (b"phdr", struct.pack("<20sHHHIII", b"sine", 0, bank, 0, 0, 0, 0)
         + struct.pack("<20sHHHIII", b"EOP", 0, 0, 1, 0, 0, 0)),
        (b"pbag", struct.pack("<HHHH", 0, 0, 1, 0)),
        (b"pmod", bytes(10)),
        (b"pgen", generators((41, 0), (0, 0))),  # instrument 0
        (b"inst", struct.pack("<20sH", b"sine", 0) + struct.pack("<20sH", b"EOI", 1)),
        (b"ibag", struct.pack("<HHHH", 0, 0, 3, 0)),
        (b"imod", bytes(10)),
        (b"igen", generators((54, 1), (58, ROOT_KEY), (53, 0), (0, 0))),  # looped, root key, sample 0
        (b"shdr", struct.pack("<20sIIIIIBbHH", b"sine", *sample, 0, 0, 1)
         + struct.pack("<20sIIIIIBbHH", b"EOS", *[0] * 9)),
    ]  # fmt: skip
    body = b"".join(
        chunk(b"LIST", kind + data)
        for kind, data in (
            (b"INFO", info),
            (b"sdta", chunk(b"smpl", sine.tobytes())),
            (b"pdta", b"".join(chunk(name, data) for name, data in hydra)),
        )
    )
    return chunk(b"RIFF", b"sfbk" + body)


@pytest.fixture
def font(tmp_path):
    path = tmp_path / "sine.sf2"
    path.write_bytes(soundfont_bytes())
    return path


def notes(*given, length=3.0):
    """A score of notes given as (onset, duration, pitch)."""
    template = SCORE.notes[0]
    return replace(
        SCORE,
        notes=tuple(template._replace(onset_s=on, duration_s=held, pitch=p) for on, held, p in given),
        length_s=length,
    )


@needs_fluidsynth
@pytest.mark.parametrize("pitch", [45, 60, 69, 81, 93])
def test_notes_have_the_pitch_of_their_keys(font, pitch):
    samples = synthesize(notes((0.0, 3.0, pitch)), soundfont=font)[RATE // 4 :, 0]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 2**20))
    k = int(np.argmax(spectrum))
    a, b, c = np.log(spectrum[k - 1 : k + 2])
    heard = (k + 0.5 * (a - c) / (a - 2 * b + c)) * RATE / 2**20
    assert abs(1200 * np.log2(heard / key_frequency(pitch))) < 2


@needs_fluidsynth
@pytest.mark.parametrize("rate", [44100, 48000])
def test_notes_sound_when_the_score_says(font, rate):
    score = notes((0.5, 0.3, 69), (1.23456, 0.5, 76))
    samples = synthesize(score, soundfont=font, rate=rate)
    assert samples.shape == (3 * rate, 2)
    heard = np.flatnonzero(np.abs(samples).max(axis=1) > 1e-4)
    assert 0 <= heard[0] / rate - 0.5 < 0.002
    assert 0 <= heard[heard > rate][0] / rate - 1.23456 < 0.002
    assert heard[heard < rate][-1] / rate == pytest.approx(0.8, abs=0.02)
    assert heard[-1] / rate == pytest.approx(1.73456, abs=0.02)


@needs_fluidsynth
def test_a_note_sounds_the_same_wherever_it_starts(font):
    """Starts are on the sample, not on the blocks of 64 samples that FluidSynth works in."""
    at = [synthesize(notes((k / RATE, 0.2, 69)), soundfont=font) for k in (0, 1, 77)]
    for k, samples in zip((1, 77), at[1:], strict=True):
        assert not samples[:k].any()
        np.testing.assert_array_equal(samples[k : RATE + k], at[0][:RATE])


@needs_fluidsynth
def test_a_note_does_not_depend_on_the_notes_before(font):
    two, one = ((0.0, 0.2, 40), (1.0, 0.2, 69)), ((1.0, 0.2, 69),)
    both, alone = (synthesize(notes(*given), soundfont=font)[RATE:] for given in (two, one))
    np.testing.assert_array_equal(both, alone)


@needs_fluidsynth
def test_the_same_score_sounds_the_same(font):
    first, again = (synthesize(SCORE, soundfont=font) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first).max() <= 10 ** (-1 / 20)
    assert np.sqrt(np.mean(first**2)) > 0.03


@needs_fluidsynth
def test_it_can_be_brought_to_a_loudness(font):
    pyloudnorm = pytest.importorskip("pyloudnorm")
    samples = synthesize(SCORE, soundfont=font, loudness=-26)
    assert pyloudnorm.Meter(RATE).integrated_loudness(samples) == pytest.approx(-26, abs=0.02)


@needs_fluidsynth
def test_a_font_without_the_piano_is_refused(tmp_path):
    path = tmp_path / "organ.sf2"
    path.write_bytes(soundfont_bytes(bank=5))
    with pytest.raises(InputError, match=r"organ\.sf2 has no program 0 in bank 0"):
        synthesize(SCORE, soundfont=path)


@needs_fluidsynth
@pytest.mark.parametrize("part", [b"smpl", b"phdr", b"shdr"])
def test_a_broken_font_is_refused(tmp_path, part):
    path = tmp_path / "broken.sf2"
    path.write_bytes(soundfont_bytes().replace(part, b"junk"))
    with pytest.raises(InputError, match=r"broken\.sf2 cannot be played: it is no complete sound font"):
        synthesize(SCORE, soundfont=path)


@pytest.mark.parametrize("size", [20, 400, 4200])
def test_a_font_that_is_cut_short_is_refused(tmp_path, size):
    path = tmp_path / "short.sf2"
    path.write_bytes(soundfont_bytes()[:size])
    with pytest.raises(InputError, match=r"short\.sf2 is cut short: copy or download the sound font again"):
        synthesize(SCORE, soundfont=path)


def test_what_is_no_sound_font_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"there is no sound font .*none\.sf2: give the path of a \.sf2 file"
    ):
        synthesize(SCORE, soundfont=tmp_path / "none.sf2")
    path = tmp_path / "text.sf2"
    path.write_text("RIFF, but no sound font at all")
    with pytest.raises(InputError, match=r"text\.sf2 is no sound font: give the path of a \.sf2 file"):
        synthesize(SCORE, soundfont=path)
    with pytest.raises(InputError, match="cannot be read as a sound font"):
        synthesize(SCORE, soundfont=tmp_path)


def test_sines_and_a_sound_font_contradict_each_other(font):
    with pytest.raises(UsageError, match="a sound font plays instead of the sine: leave one of the two out"):
        synthesize(SCORE, sound="sine", soundfont=font)


def test_a_rate_that_fluidsynth_cannot_play_is_refused(font):
    with pytest.raises(UsageError, match="at 8000 to 96000 samples a second, got 192000"):
        synthesize(SCORE, soundfont=font, rate=192000)


def test_without_fluidsynth_the_remedy_is_told(font, monkeypatch):
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    with pytest.raises(UsageError, match=r'pip install "avfbel\[soundfont\]".*libfluidsynth3'):
        synthesize(SCORE, soundfont=font)


def test_the_package_is_only_imported_where_it_is_used():
    code = (
        "import sys, avfbel.stimulus.sound; print('fluidsynth' in sys.modules, 'pyloudnorm' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False"]
