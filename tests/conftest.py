"""Media that tests need, written with PyAV: the fixture `write_media` returns the function of that name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

settings.register_profile("avfbel", deadline=None, derandomize=True)  # seeded; a busy machine is no failure
settings.load_profile("avfbel")

TICK = Fraction(1, 90_000)
VIDEO_CODECS = {".mp4": "libx264", ".mkv": "libx264", ".ts": "libx264", ".webm": "libvpx", ".avi": "mpeg4"}
AUDIO_CODECS = {
    ".mp4": "aac",
    ".mkv": "aac",
    ".ts": "aac",
    ".m4a": "aac",
    ".webm": "libopus",
    ".ogg": "libopus",
    ".avi": "libmp3lame",
    ".mp3": "libmp3lame",
    ".wav": "pcm_s16le",
    ".flac": "flac",
}


def write_media(
    path: Path,
    *,
    frames: Iterable[NDArray[np.uint8]] | None = None,
    times: Iterable[float] | None = None,
    fps: int = 30,
    samples: NDArray[np.floating] | None = None,
    rate: int = 44_100,
    layout: str | None = None,
    audio_start_s: float = 0.0,
    video_codec: str | None = None,
    audio_codec: str | None = None,
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a media file whose format and codecs follow from the suffix of `path`, and return the path.

    `frames` are (h, w, 3) uint8 RGB pictures shown at `times` (s; by default every 1/`fps` s), `samples`
    float of shape (n,) or (n, channels), full scale 1, from `audio_start_s` on. `options` go to the video
    encoder, `container_options` to the muxer (``{"movflags": "faststart"}``).
    """
    suffix = path.suffix
    with av.open(str(path), "w", options=container_options or {}) as container:
        video = sound = None
        pictures = list(frames) if frames is not None else []
        if pictures:
            height, width = pictures[0].shape[:2]
            video = container.add_stream(video_codec or VIDEO_CODECS[suffix], rate=fps, options=options or {})
            video.width, video.height, video.pix_fmt = width, height, pix_fmt
            if times is not None:
                video.codec_context.time_base = video.time_base = TICK
        if samples is not None:
            samples = np.atleast_2d(np.asarray(samples, np.float32).T)
            layout = layout or {1: "mono", 2: "stereo", 6: "5.1"}[len(samples)]
            sound = container.add_stream(audio_codec or AUDIO_CODECS[suffix], rate=rate, layout=layout)
        if video is not None:
            shown = list(times) if times is not None else None
            for k, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame.time_base = TICK if shown else Fraction(1, fps)
                frame.pts = round(shown[k] / TICK) if shown else k
                container.mux(video.encode(frame))
            container.mux(video.encode())
        if sound is not None and samples is not None:
            block = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
            block.rate, block.time_base = rate, Fraction(1, rate)
            block.pts = round(audio_start_s * rate)
            context = sound.codec_context
            resampler = av.AudioResampler(
                format=context.format,
                layout=context.layout,
                rate=context.rate,
                frame_size=context.frame_size or 0,
            )
            for part in [*resampler.resample(block), *resampler.resample(None)]:
                container.mux(sound.encode(part))
            container.mux(sound.encode())
    return path


@pytest.fixture(name="write_media", scope="session")
def _write_media() -> Callable[..., Path]:
    return write_media
