"""The film file: H.264 pictures and AAC sound in an MP4, both starting at time zero."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from avfbel.stimulus.camera import HEIGHT, WIDTH
from avfbel.stimulus.score import FRAMES_PER_SECOND
from avfbel.stimulus.sound import RATE

_SMPTE_170M = 6  # the matrix by which RGB is turned into YCbCr; players guess another one above 576 lines
_AAC_BITS = 192_000
_CHUNK = 1024  # samples of an AAC frame


def write_film(
    frames: Iterable[NDArray[np.uint8]],
    samples: NDArray[np.float64],
    path: str | Path,
    *,
    fps: int = FRAMES_PER_SECOND,
    rate: int = RATE,
) -> None:
    """Write frames and sound as an MP4 file.

    Parameters
    ----------
    frames : iterable of ndarray of uint8, shape (600, 500, 3)
        RGB.
    samples : ndarray, shape (n_samples, 2)
        Left and right, within [-1, 1].
    path : str or Path
        An existing file is overwritten.
    fps : int
        Frames a second.
    rate : int
        Samples a second.
    """
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as file:
        video = file.add_stream("libx264", rate=fps, options={"preset": "veryfast", "crf": "18"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.thread_count = 1  # other counts write other bytes
        video.codec_context.colorspace = _SMPTE_170M
        audio = file.add_stream("aac", rate=rate, layout="stereo")
        audio.bit_rate = _AAC_BITS
        sound = np.ascontiguousarray(samples.T, dtype=np.float32)
        sent = 0
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = index
            file.mux(video.encode(frame))
            until = (index + 1) * rate // fps
            while sent < until:
                sent = _send_sound(file, audio, sound, sent, rate)
        while sent < sound.shape[1]:
            sent = _send_sound(file, audio, sound, sent, rate)
        file.mux(video.encode())
        file.mux(audio.encode())


def _send_sound(
    file: av.container.OutputContainer,
    stream: av.AudioStream,
    sound: NDArray[np.float32],
    start: int,
    rate: int,
) -> int:
    """Encode one AAC frame of sound from a sample on, and give the sample after it."""
    piece = np.ascontiguousarray(sound[:, start : start + _CHUNK])
    if not piece.shape[1]:
        return start + _CHUNK
    frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = rate, start
    file.mux(stream.encode(frame))
    return start + _CHUNK
