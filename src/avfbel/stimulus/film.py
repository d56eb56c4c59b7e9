"""The film file: H.264 pictures and, unless it is silent, AAC sound in an MP4, both starting at time zero."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from avfbel.stimulus.camera import HEIGHT, WIDTH, check_size
from avfbel.stimulus.render import Planes, render_planes
from avfbel.stimulus.score import FRAMES_PER_SECOND, Score
from avfbel.stimulus.sound import RATE

_SMPTE_170M = 6  # the matrix by which RGB is turned into YCbCr; players guess another one above 576 lines
# Times are kept in whole samples of both rates, not in the milliseconds that would cut the last ones off.
_MP4 = {"movflags": "+faststart", "movie_timescale": "88200"}
# This preset takes two fifths of the time of "veryfast" and 2.4 times the bytes; at this rate its pictures
# are nearer to the drawn ones than those of "veryfast" at 18 (48 against 44 dB around the ball). Blocks of
# 8 x 8 pixels that move on their own save bytes and no time.
_X264 = {"preset": "ultrafast", "crf": "23", "x264-params": "partitions=p8x8"}
# Coding left and right as they are takes half the time, 15 % more bytes and stays 50 dB above the error.
_AAC = {"aac_coder": "fast", "aac_ms": "0"}
_AAC_BITS = 192_000
_AAC_FRAME = 1024  # samples


def write_film(
    score: Score,
    samples: NDArray[np.float64] | None,
    path: str | Path,
    *,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    fps: int = FRAMES_PER_SECOND,
    rate: int = RATE,
) -> None:
    """Draw the film of a score and write it with sound as an MP4 file.

    Parameters
    ----------
    score : Score
    samples : ndarray, shape (n_samples, 2), or None
        Left and right, within [-1, 1], as `synthesize` gives them, of this score or another; None writes a
        file without sound.
    path : str or Path
        An existing file is overwritten.
    size : tuple of int
        Width and height of the picture in pixels, even.
    fps : int
        Frames a second.
    rate : int
        Samples a second.

    Raises
    ------
    UsageError
        If the size is not one of a film, see `check_size`.
    """
    check_size(size)
    with av.open(str(path), "w", format="mp4", options=_MP4) as file:
        video = file.add_stream("libx264", rate=fps, options=_X264)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1  # other counts write other bytes
        video.codec_context.colorspace = _SMPTE_170M
        sound = iter(()) if samples is None else _sound_track(file, samples, rate)
        picture = av.VideoFrame(*size, "yuv420p")
        for index, planes in enumerate(render_planes(score, fps, size=size)):
            _fill(picture, planes)
            picture.pts = index
            file.mux(video.encode(picture))
            deque(islice(sound, math.ceil(rate / fps / _AAC_FRAME)), maxlen=0)
        file.mux(video.encode(None))
        deque(sound, maxlen=0)


def _fill(picture: av.VideoFrame, planes: Planes) -> None:
    """Copy planes into a frame, whose rows may be longer than the picture is wide."""
    picture.make_writable()
    for target, source in zip(picture.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(target), np.uint8).reshape(-1, target.line_size)
        rows[: source.shape[0], : source.shape[1]] = source


def _sound_track(
    file: av.container.OutputContainer, samples: NDArray[np.float64], rate: int
) -> Iterator[None]:
    """Give the file a track of sound and return what writes a short piece of it at every step."""
    track = file.add_stream("aac", rate=rate, layout="stereo", options=_AAC)
    track.bit_rate = _AAC_BITS
    planar = samples.T.astype(np.float32)

    def steps() -> Iterator[None]:
        for start in range(0, planar.shape[1], _AAC_FRAME):
            piece = np.ascontiguousarray(planar[:, start : start + _AAC_FRAME])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = rate, start
            file.mux(track.encode(frame))
            yield
        file.mux(track.encode(None))

    return steps()
