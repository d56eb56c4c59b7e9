"""The overlay film: a film with its saliency laid over it, its sound, and a strip of when in the sound."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from os import PathLike
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from numpy.typing import NDArray

from avfbel.errors import UsageError
from avfbel.interpret.saliency_overlay import COOL, WARM, at_time, blend, on_picture, strongest
from avfbel.senses.media import Frame, Sound, open_media

if TYPE_CHECKING:
    from avfbel.interpret.saliency_clip import ClipSaliency

STRIP = 36
"""Height of the strip of sound below the picture, in pixels."""

_TICK = Fraction(1, 90_000)
_RATE = 44_100
_PAPER, _INK = 245, 30
_X264 = {"preset": "veryfast", "crf": "21"}


def write_saliency_film(
    told: ClipSaliency,
    path: str | PathLike[str],
    out: str | PathLike[str],
    *,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write an MP4 of a film, pale, with its saliency over it; decoded and encoded frame by frame.

    The map is that of the window around the frame, interpolated between windows; the strip below shows what
    each stretch of sound changes, with a line at the time of the frame. Memory does not grow with the length.

    Parameters
    ----------
    told : ClipSaliency
        The saliency of the film.
    path, out : path
        The film, and the file to write.
    progress : callable, optional
        Called with the time of each frame, in s.

    Raises
    ------
    UsageError
        If there is no picture to lay anything over.
    """
    if not told.has_picture:
        raise UsageError(
            f"{told.media} has no picture that the model looks at, so there is no overlay to film"
        )
    scale = strongest([window.stages["input"] for window in told.windows])
    with open_media(path) as media, av.open(str(out), "w", format="mp4") as file:
        writer: _Writer | None = None
        waiting: list[Sound] = []  # sound that is decoded before the first frame, whose size is not yet known
        for item in media:
            if isinstance(item, Sound):
                if writer is None:
                    waiting.append(item)
                else:
                    writer.sound(item)
                continue
            if writer is None:
                writer = _Writer(file, item, told, has_sound="audio" in media.decodes)
                for sound in waiting:
                    writer.sound(sound)
                waiting.clear()
            saliency, window = at_time(told, item.time_s)
            over = on_picture(saliency, window.place, item.rgb.shape[:2])
            writer.picture(blend(item.rgb, over, scale), item.time_s)
            if progress is not None:
                progress(item.time_s)
        if writer is not None:
            writer.close()


class _Writer:
    """Encodes pictures and sound into a file as they come."""

    def __init__(self, file: Any, first: Frame, told: ClipSaliency, *, has_sound: bool) -> None:
        height, width = first.rgb.shape[:2]
        self._file, self._told = file, told
        self._size = height - height % 2, width - width % 2  # the encoder halves the colours
        self._strip = draw_strip(told, self._size[1]) if told.has_sound else None
        self._video = file.add_stream("libx264", rate=30, options=_X264)
        self._video.width, self._video.height = (
            self._size[1],
            self._size[0] + (STRIP if told.has_sound else 0),
        )
        self._video.pix_fmt = "yuv420p"
        self._video.codec_context.time_base = self._video.time_base = _TICK
        self._audio = file.add_stream("aac", rate=_RATE, layout="stereo") if has_sound else None
        self._resampler: Any = None

    def picture(self, rgb: NDArray[np.uint8], time_s: float) -> None:
        rgb = rgb[: self._size[0], : self._size[1]]
        if rgb.shape[:2] != self._size:
            from PIL import Image

            rgb = np.asarray(Image.fromarray(rgb).resize(self._size[::-1]))
        if self._strip is not None:
            strip = self._strip.copy()
            head = min(round(time_s / self._told.duration_s * self._size[1]), self._size[1] - 2)
            strip[:, head : head + 2] = _INK
            rgb = np.concatenate([rgb, strip])
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        frame.time_base, frame.pts = _TICK, round(time_s / _TICK)
        self._file.mux(self._video.encode(frame))

    def sound(self, sound: Sound) -> None:
        if self._audio is None:
            return
        mono = np.clip(sound.samples.mean(axis=1, dtype=np.float32), -1.0, 1.0)
        stereo = np.ascontiguousarray(np.stack([mono, mono]))
        frame = av.AudioFrame.from_ndarray(stereo, format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base = sound.rate, Fraction(1, sound.rate)
        frame.pts = round(sound.time_s * sound.rate)
        if self._resampler is None:
            size = self._audio.codec_context.frame_size or 1024
            self._resampler = av.AudioResampler(format="fltp", layout="stereo", rate=_RATE, frame_size=size)
        for part in self._resampler.resample(frame):
            self._file.mux(self._audio.encode(part))

    def close(self) -> None:
        self._file.mux(self._video.encode(None))
        if self._audio is not None:
            for part in self._resampler.resample(None) if self._resampler else ():
                self._file.mux(self._audio.encode(part))
            self._file.mux(self._audio.encode(None))


def draw_strip(told: ClipSaliency, width: int) -> NDArray[np.uint8]:
    """Draw when in the sound: bars up, warm, where a stretch makes EPP higher, bars down, cool, where lower.

    Returns
    -------
    ndarray, shape (36, width, 3), uint8
        The whole length of the clip on the width of the picture.
    """
    strip = np.full((STRIP, width, 3), _PAPER, np.uint8)
    edges, change = told.sound_course()
    largest = strongest([change], spared=0.95) or 1.0
    middle = STRIP // 2
    columns = np.round(edges / told.duration_s * width).astype(int)
    for left, right, value in zip(columns[:-1], columns[1:], change, strict=True):
        reach = round(min(1.0, abs(value) / largest) * (middle - 2))
        rows = slice(middle - reach, middle) if value > 0 else slice(middle, middle + reach)
        strip[rows, left : max(left + 1, right - 1)] = WARM if value > 0 else COOL
    strip[middle] = 200
    return strip
