from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from avfbel.errors import UsageError
from avfbel.stimulus import Note, compose, named, render_frames, synthesize, write_film
from avfbel.stimulus.render import render_planes

ONSETS = (0.25, 0.71, 1.004, 1.53, 2.0, 2.345)


@pytest.fixture(scope="module")
def score():
    notes = tuple(Note(t, 0.1, 60 + k, 110, 100, 0.1, -k, 0.3) for k, t in enumerate(ONSETS))
    return replace(compose(named("happy"), seed=7), notes=notes, length_s=3.0)


@pytest.fixture(scope="module")
def film(score, tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "x.mp4"
    write_film(score, synthesize(score, sound="sine"), path)
    return path


def read(path):
    """Times and pictures, and samples with the time of the first, as they are to be presented."""
    with av.open(str(path)) as file:
        times, frames = zip(
            *((f.time, f.to_ndarray(format="rgb24")) for f in file.decode(video=0)), strict=True
        )
    with av.open(str(path)) as file:
        sound = list(file.decode(audio=0))
    return np.array(times), frames, sound[0].time, np.concatenate([f.to_ndarray() for f in sound], axis=1)


def test_form_of_the_file(film, score):
    with av.open(str(film)) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        assert (video.width, video.height, video.average_rate) == (500, 600, 60)
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (audio.codec_context.name, audio.rate, audio.channels) == ("aac", 44100, 2)
        assert video.duration * video.time_base == audio.duration * audio.time_base == Fraction(3)
        assert file.duration == 3_000_000
    times, frames, start, _ = read(film)
    assert times == pytest.approx(np.arange(180) / 60, abs=1e-6)
    assert start == 0
    assert frames[0].shape == (600, 500, 3)


def test_bounces_and_notes_come_together(film):
    times, frames, start, samples = read(film)
    tops = np.array(
        [np.flatnonzero((f[..., 0] > 1.0 * f[..., 1] + 60).any(axis=1)).min() for f in frames], float
    )
    leaps = times[1:][(np.diff(tops) < -4) & (np.r_[0, np.diff(tops)[:-1]] > -4)]
    loud = np.abs(samples).max(axis=0) > 0.05
    quiet_before = np.convolve(loud, np.ones(4000), mode="full")[: len(loud)] - loud == 0
    heard = start + np.flatnonzero(loud & quiet_before) / 44100
    assert heard == pytest.approx(ONSETS, abs=0.005)  # the sine rises in 5 ms
    assert len(leaps) == len(ONSETS)
    offsets = leaps - heard
    assert (np.abs(offsets) < 1 / 60).all(), offsets


def test_the_sound_of_the_film_is_that_of_the_score_sample_by_sample(film, score):
    _, _, _, samples = read(film)
    mine = synthesize(score, sound="sine").T
    decoded = samples[:, : mine.shape[1]]
    shifts = range(-30, 31)
    likeness = [np.sum(np.roll(mine, k, axis=1) * decoded) for k in shifts]
    assert shifts[int(np.argmax(likeness))] == 0
    assert np.abs(decoded - mine).max() < 0.02


def test_the_picture_of_the_film_is_the_one_that_was_drawn(film, score):
    _, frames, _, _ = read(film)
    for k, drawn in enumerate(render_frames(score)):
        if k % 30 == 0:
            assert np.abs(frames[k].astype(int) - drawn).mean() < 1


@pytest.mark.parametrize(("name", "seed"), [("angry", 3), ("scared", 9), ("peaceful", 1)])
def test_encoding_stays_38_db_above_its_error_where_the_ball_is(name, seed, tmp_path):
    score = compose(named(name), seed=seed, seconds=1.5, strict=True)
    write_film(score, None, tmp_path / "x.mp4")
    with av.open(str(tmp_path / "x.mp4")) as file:
        decoded = [f.to_ndarray()[:600].astype(float) for f in file.decode(video=0)]  # luma
    for k, drawn in enumerate(render_planes(score)):
        error = (decoded[k] - drawn.y)[np.ptp(drawn.y, axis=1) > 60]  # the rows with ball or floor
        assert 10 * np.log10(255**2 / np.mean(error**2)) > 38, k


def test_a_film_without_sound_has_the_same_pictures_and_no_other_track(film, score, tmp_path):
    write_film(score, None, tmp_path / "silent.mp4")
    coded = []
    for path in (film, tmp_path / "silent.mp4"):
        with av.open(str(path)) as file:
            coded.append([(p.pts, bytes(p)) for p in file.demux(video=0)])
    assert coded[0] == coded[1]
    with av.open(str(tmp_path / "silent.mp4")) as file:
        assert [s.type for s in file.streams] == ["video"]
        assert file.duration == 3_000_000


def test_a_film_may_be_as_large_as_wanted(tmp_path):
    score = compose(named("happy"), seed=7, seconds=0.2, strict=True)
    write_film(score, synthesize(score), tmp_path / "x.mp4", size=(320, 180), fps=30)
    times, frames, _, _ = read(tmp_path / "x.mp4")
    assert len(times) == 6
    for frame, drawn in zip(frames, render_frames(score, 30, size=(320, 180)), strict=True):
        assert frame.shape == drawn.shape == (180, 320, 3)
        assert np.abs(frame.astype(int) - drawn).mean() < 1


def test_a_wrong_size_leaves_no_file(tmp_path):
    score = compose(named("happy"), seed=7, seconds=0.2, strict=True)
    with pytest.raises(UsageError, match="two even numbers from 64 to 2160"):
        write_film(score, None, tmp_path / "x.mp4", size=(320, 181))
    assert not any(tmp_path.iterdir())


def test_writing_twice_gives_the_same_bytes(tmp_path):
    short = compose(named("scared"), seed=5, seconds=0.5, strict=True)
    for name in ("a.mp4", "b.mp4"):
        write_film(short, synthesize(short), tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
