"""The film file: H.264 pictures and AAC sound in an MP4, both starting at time zero."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from avfbel.stimulus.camera import HEIGHT, WIDTH
from avfbel.stimulus.render import Planes, render_planes
from avfbel.stimulus.score import FRAMES_PER_SECOND, Score
from avfbel.stimulus.sound import RATE

_SMPTE_170M = 6  # the matrix by which RGB is turned into YCbCr; players guess another one above 576 lines
_AAC_BITS = 192_000
_AAC_FRAME = 1024  # samples
# Without B-frames, pictures are stored as they are shown, in two thirds of the time and 7 % more bytes.
# Times are kept in whole samples of both rates, not in the milliseconds that would cut the last ones off.
_MP4 = {"movflags": "+faststart", "movie_timescale": "88200"}
_X264 = {"preset": "veryfast", "crf": "18", "bf": "0"}


def write_film(
    score: Score,
    samples: NDArray[np.float64],
    path: str | Path,
    *,
    fps: int = FRAMES_PER_SECOND,
    rate: int = RATE,
) -> None:
    """Draw the film of a score and write it with its sound as an MP4 file.

    Parameters
    ----------
    score : Score
    samples : ndarray, shape (n_samples, 2)
        Left and right, within [-1, 1], as `synthesize` gives them.
    path : str or Path
        An existing file is overwritten.
    fps : int
        Frames a second.
    rate : int
        Samples a second.
    """
    with av.open(str(path), "w", format="mp4", options=_MP4) as file:
        video = file.add_stream("libx264", rate=fps, options=_X264)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.thread_count = 1  # other counts write other bytes
        video.codec_context.colorspace = _SMPTE_170M
        audio = file.add_stream("aac", rate=rate, layout="stereo", options={"aac_coder": "fast"})
        audio.bit_rate = _AAC_BITS
        sound = _sound_frames(samples, rate)
        picture = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for index, planes in enumerate(render_planes(score, fps)):
            _fill(picture, planes)
            picture.pts = index
            file.mux(video.encode(picture))
            for piece in islice(sound, math.ceil(rate / fps / _AAC_FRAME)):
                file.mux(audio.encode(piece))
        for piece in sound:
            file.mux(audio.encode(piece))
        file.mux(video.encode(None))
        file.mux(audio.encode(None))


def _fill(picture: av.VideoFrame, planes: Planes) -> None:
    """Copy planes into a frame, whose rows may be longer than the picture is wide."""
    picture.make_writable()
    for target, source in zip(picture.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(target), np.uint8).reshape(-1, target.line_size)
        rows[: source.shape[0], : source.shape[1]] = source


def _sound_frames(samples: NDArray[np.float64], rate: int) -> Iterator[av.AudioFrame]:
    """Cut sound, shape (n_samples, 2), into frames as AAC wants them."""
    planar = samples.T.astype(np.float32)
    for start in range(0, planar.shape[1], _AAC_FRAME):
        piece = np.ascontiguousarray(planar[:, start : start + _AAC_FRAME])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = rate, start
        yield frame
