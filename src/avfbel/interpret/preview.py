"""What a clip looks and sounds like at a glance: a few small pictures and the outline of its waveform.

Both are kept in memory that does not grow with the length of the clip: whenever there are too many, the
grid becomes twice as coarse: one picture is left in each of its cells, and bins of the waveform become one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from avfbel.senses.sensorium import Windowing
from avfbel.senses.windows import GRID_SLACK

PICTURE_HEIGHT = 96
"""Height of a small picture, in pixels."""

MOST_PICTURES = 64
"""How many pictures are kept at most."""

MOST_BINS = 2400
"""How many bins the outline of the waveform has at most."""

_FIRST_PICTURES_S, _FIRST_BINS_S = 0.1, 0.001  # spacing at first, in s

W = TypeVar("W")


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Preview:
    """A few pictures of a clip, and the outline of its sound.

    Attributes
    ----------
    picture_s : ndarray, shape (n,)
        When each picture is presented, in s.
    pictures : ndarray, shape (n, height, width, 3), uint8
        The pictures, RGB; n is 0 without film.
    bin_s : float
        Width of a bin of the outline, in s; bin k starts at k times that.
    low, high : ndarray, shape (m,)
        Smallest and largest sample in each bin, full scale 1, mean of channels; NaN where there is no sound.
    """

    picture_s: NDArray[np.float64]
    pictures: NDArray[np.uint8]
    bin_s: float
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def nearest(self, time_s: float) -> NDArray[np.uint8]:
        """Return the picture that is presented nearest to a time in s, shape (height, width, 3)."""
        picture: NDArray[np.uint8] = self.pictures[np.abs(self.picture_s - time_s).argmin()]
        return picture


class PreviewRecorder:
    """Gathers a preview from pictures and stretches of sound as they come."""

    def __init__(self) -> None:
        self._pictures: list[tuple[float, NDArray[np.uint8]]] = []
        self._spacing_s, self._bin_s = _FIRST_PICTURES_S, _FIRST_BINS_S
        self._low = np.full(MOST_BINS, np.inf)
        self._high = np.full(MOST_BINS, -np.inf)
        self._n_bins = 0

    def see(self, rgb: NDArray[np.uint8], time_s: float) -> None:
        """Take note of a picture, shape (height, width, 3), presented at a time in s."""
        if self._pictures and self._cell(time_s) <= self._cell(self._pictures[-1][0]):
            return
        shape = self._pictures[0][1].shape if self._pictures else None
        self._pictures.append((time_s, _small(rgb, shape)))
        while len(self._pictures) > MOST_PICTURES:
            self._spacing_s *= 2
            by_cell = {self._cell(kept[0]): kept for kept in reversed(self._pictures)}  # the first of each
            self._pictures = list(reversed(by_cell.values()))

    def hear(self, samples: NDArray[np.floating[Any]], rate: float, time_s: float) -> None:
        """Take note of samples, shape (n,) or (n, channels), from a time in s on."""
        sound = np.asarray(samples, np.float64)
        sound = sound if sound.ndim == 1 else sound.mean(axis=1)
        if not len(sound):
            return
        times = time_s + np.arange(len(sound)) / rate
        while times[-1] >= MOST_BINS * self._bin_s:
            self._coarsen()
        bins = np.minimum((times / self._bin_s).astype(int), MOST_BINS - 1)
        starts = np.flatnonzero(np.diff(bins, prepend=-1))
        here = bins[starts]
        self._low[here] = np.minimum(self._low[here], np.minimum.reduceat(sound, starts))
        self._high[here] = np.maximum(self._high[here], np.maximum.reduceat(sound, starts))
        self._n_bins = max(self._n_bins, int(here[-1]) + 1)

    def preview(self) -> Preview:
        """Return what was gathered so far."""
        heard = np.isfinite(self._low[: self._n_bins])
        pictures = [picture for _, picture in self._pictures]
        return Preview(
            picture_s=np.array([time_s for time_s, _ in self._pictures], np.float64),
            pictures=np.stack(pictures) if pictures else np.zeros((0, PICTURE_HEIGHT, 1, 3), np.uint8),
            bin_s=self._bin_s,
            low=np.where(heard, self._low[: self._n_bins], np.nan),
            high=np.where(heard, self._high[: self._n_bins], np.nan),
        )

    def _cell(self, time_s: float) -> int:
        return math.floor(time_s / self._spacing_s + GRID_SLACK)

    def _coarsen(self) -> None:
        for values, reduced, empty in ((self._low, np.minimum, np.inf), (self._high, np.maximum, -np.inf)):
            values[: MOST_BINS // 2] = reduced(values[::2], values[1::2])
            values[MOST_BINS // 2 :] = empty
        self._bin_s *= 2
        self._n_bins = (self._n_bins + 1) // 2


class Watched(Generic[W]):
    """Hands frames and samples on to a stream or sensorium, and lets a recorder take note of them."""

    def __init__(self, into: Windowing[W], recorder: PreviewRecorder) -> None:
        self._into = into
        self._recorder = recorder

    def push_frame(self, rgb: NDArray[np.uint8], time_s: float, index: int | None = None) -> list[W]:
        """Take one picture."""
        self._recorder.see(rgb, time_s)
        return self._into.push_frame(rgb, time_s, index)

    def push_audio(self, samples: NDArray[np.floating[Any]], rate: float, time_s: float) -> list[W]:
        """Take a stretch of sound."""
        self._recorder.hear(samples, rate, time_s)
        return self._into.push_audio(samples, rate, time_s)

    def close_video(self) -> list[W]:
        """Take note that no more pictures come."""
        return self._into.close_video()

    def close_audio(self) -> list[W]:
        """Take note that no more sound comes."""
        return self._into.close_audio()

    def finish(self, duration_s: float | None = None) -> list[W]:
        """Give the windows that are left."""
        return self._into.finish(duration_s)


def _small(rgb: NDArray[np.uint8], shape: tuple[int, ...] | None) -> NDArray[np.uint8]:
    """Return a picture reduced to the height of a preview, or to the shape of the first one."""
    from PIL import Image

    height, width = rgb.shape[:2]
    new_height = min(PICTURE_HEIGHT, height)
    size = (max(1, round(width * new_height / height)), new_height) if shape is None else (shape[1], shape[0])
    reduced = Image.fromarray(np.ascontiguousarray(rgb)).resize(size, Image.Resampling.BOX)
    return np.asarray(reduced, np.uint8)
