"""Sound and bounce in the written file: both are found by looking at what a player would be given."""

import av
import numpy as np
import pytest
from scipy.signal import find_peaks

from avfbel.stimulus import compose, named, synthesize, write_film

FRAME_S = 1 / 60
READING_S = 0.004  # the beginning of a note is found to within 3 ms


def played(path):
    """Times of the frames as presented, and the sound with the time of its first sample."""
    with av.open(str(path)) as file:
        frames = [(frame.time, highest_red(frame)) for frame in file.decode(video=0)]
    with av.open(str(path)) as file:
        pieces = [(frame.time, frame.to_ndarray().mean(axis=0)) for frame in file.decode(audio=0)]
    times, tops = np.array(frames).T
    return times, tops, pieces[0][0], np.concatenate([samples for _, samples in pieces])


def highest_red(frame):
    """The row of the ball's top, in pixels from the top of the picture."""
    rgb = frame.to_ndarray(format="rgb24").astype(int)
    return np.flatnonzero((rgb[..., 0] - rgb[..., 1] > 60).any(axis=1)).min()


def heard(start, samples):
    """When notes begin, in s: where new partials sound, by the rise of the spectrum within 6 ms."""
    window, hop, back = 512, 44, 6
    padded = np.r_[np.zeros(window), samples, np.zeros(window)]
    cut = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop] * np.hanning(window)
    level = np.log10(np.abs(np.fft.rfft(cut)[:, :120]) + 0.01)
    rise = np.maximum(0, level[back:] - level[:-back]).sum(axis=1)
    peaks, _ = find_peaks(rise, height=0.2 * np.sort(rise)[-len(rise) // 200], distance=60)
    # at the peak, half of the rise is behind: the middle of both windows is where the note begins
    return start + (peaks * hop + back * hop / 2 - window / 2) / 44100


def seen(times, tops):
    """When the ball leaves the ground, in s: the first frame of a rise that goes on, after each low."""
    lows, _ = find_peaks(np.r_[0, tops, 0], prominence=5)  # rows count downward
    rising = (np.diff(tops)[:-1] < 0) & (np.diff(tops)[1:] < 0)
    return times[[low + np.flatnonzero(rising[low - 1 :])[0] for low in lows if rising[low - 1 :].any()]]


def lateness(path):
    """How much later than the nearest note each bounce begins, in s."""
    times, tops, start, samples = played(path)
    notes, bounces = heard(start, samples), seen(times, tops)
    return bounces - notes[np.abs(bounces[:, None] - notes - FRAME_S / 2).argmin(axis=1)]


CLIPS = [("happy", 7), ("angry", 3), ("sad", 1), ("biggest_gap", 4), ("peaceful", 2)]


@pytest.mark.parametrize(("name", "seed"), CLIPS)
def test_every_bounce_is_seen_in_the_first_frame_after_its_note_is_heard(name, seed, tmp_path):
    score = compose(named(name), seed=seed)
    write_film(score, synthesize(score), tmp_path / "x.mp4")
    late = lateness(tmp_path / "x.mp4")
    assert len(late) == len(score.notes)  # none of these clips has a note in mid-air
    assert late.min() > -READING_S
    assert late.max() < FRAME_S + READING_S


@pytest.mark.parametrize("frames", [-2, 2])
def test_sound_that_is_two_frames_off_is_found_out(frames, tmp_path):
    score = compose(named("biggest_gap"), seed=4)
    write_film(score, np.roll(synthesize(score), frames * 735, axis=0), tmp_path / "x.mp4")
    assert np.median(lateness(tmp_path / "x.mp4")) == pytest.approx((0.5 - frames) * FRAME_S, abs=FRAME_S / 2)
