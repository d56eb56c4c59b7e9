import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.errors import InputError, UsageError
from avfbel.stimulus import Rendition, compose, named, with_silence
from avfbel.stimulus.rendition import parse_size

HAPPY, SAD = compose(named("happy"), seed=1), compose(named("sad"), seed=1, seconds=6)


@given(st.floats(0, 5), st.floats(0, 5))
def test_silence_shifts_the_notes_and_lengthens_the_clip_by_whole_frames(before, after):
    quiet = with_silence(HAPPY, before, after)
    shift = quiet.notes[0].onset_s - HAPPY.notes[0].onset_s
    assert shift == pytest.approx(before, abs=0.5 / 60 + 1e-9)
    assert (shift * 60) == pytest.approx(round(shift * 60), abs=1e-6)
    assert (quiet.length_s * 60) == pytest.approx(round(quiet.length_s * 60), abs=1e-6)
    assert quiet.length_s - HAPPY.length_s == pytest.approx(before + after, abs=1 / 60 + 1e-9)
    for old, new in zip(HAPPY.notes, quiet.notes, strict=True):
        assert new.onset_s - old.onset_s == pytest.approx(shift)
        assert new._replace(onset_s=0.0) == old._replace(onset_s=0.0)


@pytest.mark.parametrize("silence", [-0.1, float("nan"), float("inf"), 601])
def test_a_silence_out_of_range_is_refused(silence):
    for options in ({"before_s": silence}, {"after_s": silence}):
        with pytest.raises(UsageError, match="must be from 0 to 600 s, got"):
            Rendition(**options)


def test_the_scores_of_a_pair_are_made_equally_long():
    for pair in ((HAPPY, SAD), (SAD, HAPPY)):
        music, film = Rendition(after_s=0.5).prepared(*pair)
        assert music.length_s == film.length_s == pytest.approx(SAD.length_s + 0.5, abs=1e-9)
        assert (music.notes, film.notes) == (pair[0].notes, pair[1].notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": "picture"}, "sound only or film only, got 'picture'"),
        ({"only": "film", "loudness": -23}, "film only has no loudness"),
        ({"only": "film", "sound": "sine"}, "film only has no sine"),
        ({"only": "sound", "size": (250, 300)}, "sound only has no size"),
        ({"sound": "organ"}, "sound must be piano or sine, got 'organ'"),
        ({"size": (251, 300)}, "even"),
        ({"loudness": 3}, "loudness"),
        ({"loudness": float("nan")}, "loudness"),
    ],
)
def test_contradictions_and_values_out_of_range_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Rendition(**options)


def test_a_sound_font_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"there is no sound font .*grand\.sf2"):
        Rendition(soundfont=tmp_path / "grand.sf2")


def test_a_sound_font_plays_instead_of_the_sines(tmp_path):
    (tmp_path / "a.sf2").write_bytes(b"")
    with pytest.raises(UsageError, match="plays instead of the sine"):
        Rendition(soundfont=tmp_path / "a.sf2", sound="sine")


def test_a_rendition_tells_what_was_asked_for(tmp_path):
    assert Rendition(only="sound").told() == {
        "only": "sound",
        "sound": "piano",
        "loudness": None,
        "before_s": 0.0,
        "after_s": 0.0,
    }
    (tmp_path / "a.sf2").write_bytes(b"abc")
    told = Rendition(soundfont=tmp_path / "a.sf2").told()
    assert told["sound"] == "soundfont"
    assert told["soundfont"] == {
        "name": "a.sf2",
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }
    assert Rendition(only="film").told() == {"only": "film", "size": [500, 600], "before_s": 0, "after_s": 0}


@pytest.mark.parametrize("text", ["500", "500x", "x600", "500*600", "-2x600", "500.5x600", ""])
def test_a_size_that_cannot_be_read_is_refused(text):
    with pytest.raises(UsageError, match="WIDTHxHEIGHT"):
        parse_size(text)
