"""A small copy of a film or sound that every browser plays: WebM, at most 320 pixels wide, for a report."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from avfbel.senses.media import Frame, Media, Sound, open_media

MOST_WIDTH = 320
"""Width of the pictures of a proxy, in pixels, at most."""

_RATE = 48_000  # of Opus, in Hz
_MS = Fraction(1, 1000)
_SOUND_BITS = (64_000, 24_000)  # a second: what is wanted, and what still can be listened to
_PICTURE_BITS = (300_000, 60_000)
_SPARE = 0.85  # share of the size that is planned for: encoders overshoot
_VP9 = {"deadline": "realtime", "cpu-used": "8", "row-mt": "1", "g": "60"}
_FRAME_S = 1 / 15.5  # pictures come at 15 a second: enough to follow, in half the time


class NoProxyError(Exception):
    """There is no proxy of the size that is wanted; the text says why, as the end of a sentence."""


def write_proxy(
    media: str | PathLike[str], path: Path, *, most_bytes: int, threads: int | None = None
) -> None:
    """Re-encode a film or sound as WebM with VP9 and Opus, with the clock that the analysis has.

    Parameters
    ----------
    media : path
        The film or sound file.
    path : Path
        The file to write.
    most_bytes : int
        Its largest size.
    threads : int, optional
        Threads that decode and encode; by default as many as there are cores.

    Raises
    ------
    NoProxyError
        If a copy would be larger, or cannot be encoded here.
    InputError
        If the file cannot be used.
    """
    with open_media(media, video=False, audio=False) as declared:
        length, has_film, has_sound = declared.duration_s, declared.has_video, declared.has_audio
    size = _picture_size(media) if has_film else None
    sound_bits, picture_bits = _budget(most_bytes, length, size is not None, has_sound)
    path.touch()  # the encoder makes it with its first packet only
    with open_media(media, threads=threads) as source:
        try:
            with av.open(str(path), "w", format="webm") as file:
                film = _Film(file, size, picture_bits, threads) if size else None
                voice = _Voice(file, sound_bits) if sound_bits else None
                for _ in _encoded(source, film, voice):
                    if path.stat().st_size > most_bytes:
                        raise NoProxyError(_TOO_LONG)
        except (av.FFmpegError, ValueError) as error:
            raise NoProxyError("a smaller copy could not be encoded here") from error
    if path.stat().st_size > most_bytes:
        raise NoProxyError(_TOO_LONG)


_TOO_LONG = "a smaller copy would still be too large"


def _budget(most_bytes: int, length_s: float, has_film: bool, has_sound: bool) -> tuple[int, int]:
    """Return bits a second of sound and picture (0: there is none) that keep a copy small enough."""
    bits = 8 * _SPARE * most_bytes / max(length_s, 1.0)
    least = _SOUND_BITS[1] * has_sound + _PICTURE_BITS[1] * has_film
    if bits < least:
        raise NoProxyError(_TOO_LONG)
    share = bits / (4 if has_film else 1)
    sound = int(min(_SOUND_BITS[0], max(_SOUND_BITS[1], share))) * has_sound
    return sound, int(min(_PICTURE_BITS[0], bits - sound)) * has_film


def _picture_size(media: str | PathLike[str]) -> tuple[int, int] | None:
    """Return width and height of the pictures of a proxy; None if no picture decodes."""
    with open_media(media, audio=False) as source:
        for item in source:
            if isinstance(item, Frame):
                height, width = item.rgb.shape[:2]
                scale = min(1.0, MOST_WIDTH / width)
                return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
    return None


def _encoded(source: Media, film: _Film | None, voice: _Voice | None) -> Iterator[None]:
    """Encode what a pass gives, item by item."""
    for item in source:
        if isinstance(item, Sound):
            if voice is not None:
                voice.take(item)
        elif film is not None:
            film.take(item)
        yield
    for track in (film, voice):
        if track is not None:
            track.finish()


class _Film:
    """The pictures of a proxy."""

    def __init__(self, file: Any, size: tuple[int, int], bits: int, threads: int | None) -> None:
        self._file, self._size, self._due_s = file, size, 0.0
        self._track = file.add_stream("libvpx-vp9", rate=30, options=_VP9)
        self._track.width, self._track.height = self._size
        self._track.pix_fmt = "yuv420p"
        self._track.bit_rate = bits
        self._track.codec_context.time_base = self._track.time_base = _MS
        if threads is not None:
            self._track.codec_context.thread_count = threads
        self._last_ms = -1

    def take(self, frame: Frame) -> None:
        """Encode a picture, unless one of the same fifteenth of a second was encoded before."""
        if frame.time_s < self._due_s:
            return
        self._due_s = frame.time_s + _FRAME_S
        width, height = self._size
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.rgb), format="rgb24")
        picture = picture.reformat(width=width, height=height, format="yuv420p")
        self._last_ms = max(self._last_ms + 1, round(frame.time_s * 1000))
        picture.pts, picture.time_base = self._last_ms, _MS
        self._file.mux(self._track.encode(picture))

    def finish(self) -> None:
        self._file.mux(self._track.encode(None))


class _Voice:
    """The sound of a proxy, in which gaps are silent and nothing overlaps."""

    def __init__(self, file: Any, bits: int) -> None:
        self._file = file
        self._track = file.add_stream("libopus", rate=_RATE, layout="stereo")
        self._track.bit_rate = bits
        self._rate = 0
        self._resampler: Any = None
        self._given_s = 0.0  # up to where there is sound

    def take(self, sound: Sound) -> None:
        """Encode a stretch of sound."""
        samples = sound.samples
        if sound.rate != self._rate:
            self._flush()
            self._rate = sound.rate
            self._resampler = av.AudioResampler(format="flt", layout="stereo", rate=_RATE, frame_size=960)
        late = round((sound.time_s - self._given_s) * sound.rate)
        if late < 0:
            samples = samples[-late:]
        for start in range(0, max(0, late), _RATE):
            self._give(np.zeros((min(_RATE, late - start), samples.shape[1]), np.float32))
        self._give(samples)

    def finish(self) -> None:
        self._flush()
        self._file.mux(self._track.encode(None))

    def _give(self, samples: NDArray[np.float32]) -> None:
        if not len(samples):
            return
        block = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(_in_stereo(samples)).reshape(1, -1), format="flt", layout="stereo"
        )
        block.sample_rate, block.time_base = self._rate, Fraction(1, self._rate)
        block.pts = round(self._given_s * self._rate)
        self._given_s += len(samples) / self._rate
        self._mux(self._resampler.resample(block))

    def _flush(self) -> None:
        if self._resampler is not None:
            self._mux(self._resampler.resample(None))

    def _mux(self, blocks: Iterator[Any]) -> None:
        for block in blocks:
            self._file.mux(self._track.encode(block))


def _in_stereo(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return left and right of any sound; other than two channels: their mean on both sides."""
    if samples.shape[1] == 2:
        return samples
    return np.repeat(samples.mean(axis=1, keepdims=True, dtype=np.float32), 2, axis=1)
