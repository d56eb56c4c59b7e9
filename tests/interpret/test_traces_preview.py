"""The preview keeps what it needs of a clip of any length, and no more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.interpret.preview import MOST_BINS, MOST_PICTURES, PreviewRecorder


def picture(value: int, height: int = 120, width: int = 100) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


@pytest.mark.parametrize("seconds", [0.5, 30, 2000])
def test_pictures_are_few_and_spread_evenly_over_the_film(seconds: float) -> None:
    recorder = PreviewRecorder()
    times = np.arange(0, seconds, max(1 / 30, seconds / 3000))
    for k, time_s in enumerate(times):
        recorder.see(picture(k % 256), time_s)
    preview = recorder.preview()
    assert preview.picture_s[0] == 0
    assert len(preview.pictures) <= MOST_PICTURES
    assert preview.pictures.shape[1:] == (96, 80, 3)
    gaps = np.diff(preview.picture_s)
    assert gaps.max() < 1.5 * gaps.min()
    assert len(gaps) >= min(4, MOST_PICTURES / 2 - 2)
    for time_s, kept in zip(preview.picture_s, preview.pictures, strict=True):
        assert (kept == round(float(np.abs(times - time_s).argmin())) % 256).all()


@given(st.integers(1, 30_000), st.integers(64, 5000), st.sampled_from([800, 8000]))
def test_the_outline_is_the_range_of_the_samples_in_each_bin(n: int, block: int, rate: int) -> None:
    sound = np.random.default_rng(n).normal(size=n)
    times = (np.arange(n) + 0.5) / rate  # never on the border of a bin, where rounding would decide
    recorder = PreviewRecorder()
    for start in range(0, n, block):
        recorder.hear(sound[start : start + block], rate, times[start])
    preview = recorder.preview()
    bins = np.floor(times / preview.bin_s).astype(int)
    low, high = np.full(bins[-1] + 1, np.nan), np.full(bins[-1] + 1, np.nan)
    np.fmin.at(low, bins, sound)
    np.fmax.at(high, bins, sound)
    np.testing.assert_array_equal(preview.low, low)
    np.testing.assert_array_equal(preview.high, high)
    assert len(preview.high) <= MOST_BINS


def test_channels_are_averaged_and_gaps_stay_empty() -> None:
    recorder = PreviewRecorder()
    recorder.hear(np.array([[0.5, 0.1], [0.5, 0.1]]), 1000, 0.0)
    recorder.hear(np.array([0.2]), 1000, 0.0055)
    preview = recorder.preview()
    assert preview.high[:2] == pytest.approx([0.3, 0.3])
    assert np.isnan(preview.high[2:5]).all()
    assert preview.low[5] == pytest.approx(0.2)


def test_nothing_seen_or_heard_is_an_empty_preview() -> None:
    preview = PreviewRecorder().preview()
    assert len(preview.pictures) == len(preview.picture_s) == len(preview.high) == 0
