from __future__ import annotations

import numpy as np
import pytest

from avfbel.errors import InputError, UsageError
from avfbel.senses.measure import Excerpt, measure_clip, measure_excerpts
from avfbel.senses.sensorium import Sensorium


def bouncing(seconds, fps=30, period=0.5):
    """A dark square that bounces on a white ground."""
    for k in range(int(seconds * fps)):
        picture = np.full((120, 100, 3), 255, np.uint8)
        phase = (k / fps) % period / period
        top = round(80 - 200 * phase * (1 - phase))
        picture[top : top + 20, 40:60] = (200, 30, 30)
        yield picture


def tune(seconds, rate=22_050, step=0.5):
    t = np.arange(int(seconds * rate)) / rate
    hz = 330.0 * 2 ** (np.floor(t / step) / 6)
    return (0.3 * np.sin(2 * np.pi * np.cumsum(hz) / rate) * np.exp(-3 * (t % step))).astype(np.float32)


@pytest.fixture
def film(write_media, tmp_path):
    return write_media(tmp_path / "film.mkv", frames=bouncing(9), samples=tune(9), rate=22_050)


def equal(one, other):
    np.testing.assert_allclose(one.visual, other.visual, rtol=1e-6)
    np.testing.assert_allclose(one.acoustic, other.acoustic, rtol=1e-6)
    np.testing.assert_allclose(one.maps, other.maps, rtol=1e-5, atol=1e-6)
    assert (one.g_audio, one.g_video) == pytest.approx((other.g_audio, other.g_video))
    return True


def test_excerpts_measured_in_one_pass_equal_each_measured_alone(film):
    excerpts = [Excerpt(), Excerpt(1.0, 6.5), Excerpt(6.0), Excerpt(2.0, 4.0)]
    together = measure_excerpts(film, excerpts)
    for excerpt, measurement in zip(excerpts, together, strict=True):
        alone = measure_clip(film, start_s=excerpt.start_s, end_s=excerpt.end_s)
        assert len(alone) == len(measurement.windows) > 0
        assert all(map(equal, alone, measurement.windows))


def test_an_excerpt_is_counted_from_its_start_and_planned_like_a_clip(film):
    windows = measure_clip(film, start_s=1.0, end_s=6.5)
    assert [w.start_s for w in windows] == pytest.approx([0.0, 1.0, 1.5])
    assert [w.end_s for w in windows] == pytest.approx([4.0, 5.0, 5.5])
    assert windows[0].start_frame == 30  # frames are those of the film
    assert [w.end_s for w in measure_clip(film, start_s=2.0, end_s=4.0)] == pytest.approx([2.0])


def test_an_excerpt_hears_and_sees_what_its_part_of_the_film_holds(film):
    # the window from 2 to 6 s of the whole film, met in two ways
    whole = measure_clip(film)[2]
    part = measure_clip(film, start_s=2.0, end_s=6.0)[0]
    # not equal: eye and ear take in a little of what lies before a window
    np.testing.assert_allclose(part.visual, whole.visual, rtol=0.05, atol=1e-3)
    np.testing.assert_allclose(part.acoustic, whole.acoustic, rtol=0.05)
    assert (part.start_frame, part.end_frame) == (whole.start_frame, whole.end_frame)


def test_the_whole_film_is_what_a_sensorium_makes_of_its_frames_and_sounds(film):
    from avfbel.senses import Frame, open_media

    sensorium, windows = Sensorium(), []
    with open_media(film) as media:
        for item in media:
            if isinstance(item, Frame):
                windows += sensorium.push_frame(item.rgb, item.time_s, item.index)
            else:
                windows += sensorium.push_audio(item.samples, item.rate, item.time_s)
        windows += sensorium.finish(media.duration_s)
    assert all(map(equal, windows, measure_clip(film)))


def test_a_sound_file_has_no_picture(write_media, tmp_path):
    path = write_media(tmp_path / "tune.wav", samples=tune(2), rate=22_050)
    (measurement,) = measure_excerpts(path)
    assert (measurement.has_audio, measurement.has_video, measurement.complete) == (True, False, True)
    (window,) = measurement.windows
    assert window.g_video == 0
    assert np.isnan(window.visual).all()
    assert np.isfinite(window.acoustic[:4]).all()


def test_a_silent_film_has_no_sound(write_media, tmp_path):
    path = write_media(tmp_path / "film.mp4", frames=bouncing(2))
    (measurement,) = measure_excerpts(path)
    assert (measurement.has_audio, measurement.has_video) == (False, True)
    assert measurement.windows[0].g_audio == 0
    assert measurement.windows[0].g_video > 0


def test_an_excerpt_that_is_not_in_the_file_is_refused(film):
    with pytest.raises(InputError, match=r"film\.mkv ends at 9.* s, before 12 s, where the clip is to start"):
        measure_clip(film, start_s=12.0)
    with pytest.raises(UsageError, match="an excerpt cannot start at 3 s and end at 2 s"):
        measure_clip(film, start_s=3.0, end_s=2.0)
    with pytest.raises(UsageError, match="the window must be a positive number"):
        measure_clip(film, window=0.0)


def test_an_excerpt_that_ends_after_the_file_ends_with_it(film):
    (window,) = measure_clip(film, start_s=7.0, end_s=30.0)
    assert window.end_s == pytest.approx(2.0, abs=0.05)
