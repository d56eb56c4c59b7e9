"""Opening a media file: the tracks worth decoding, or one sentence on why there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av

from avfbel.errors import InputError

# Text that FFmpeg would draw as a film, and lists that name other files or addresses.
_NOT_MEDIA = {"tty", "adf", "bin", "idf", "xbin", "concat", "dash", "hls", "sdp", "imf"}


def open_container(path: Path) -> Any:
    """Open `path` with PyAV, or raise InputError saying what is wrong with it.

    Only the file protocol is allowed, so that no address hidden in a file is ever followed.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder: name the media files in it")
    if not path.is_file():
        raise InputError(f"there is no file {path}: check the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes): export or download it again")
    try:
        container = av.open(f"file:{path}", metadata_errors="ignore", options={"protocol_whitelist": "file"})
    except PermissionError as error:
        raise InputError(f"{path} may not be read: ask for permission to read it") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(
            f"{path} is no film or sound file that can be decoded: export it again, or convert it to mp4"
        ) from error
    if set(container.format.name.split(",")) & _NOT_MEDIA:
        container.close()
        raise InputError(f"{path} holds neither film nor sound: name a media file")
    return container


def choose_tracks(container: Any, path: Path) -> dict[str, Any]:
    """Return FFmpeg's best stream of each kind, "video" and "audio"; a cover picture is not a film."""
    tracks = {}
    for kind in ("video", "audio"):
        streams = [
            s for s in getattr(container.streams, kind) if s.codec_context is not None and not _is_cover(s)
        ]
        if streams:
            best = container.streams.best(kind)
            tracks[kind] = best if best in streams else streams[0]
    if not tracks:
        raise InputError(f"{path} holds neither film nor sound: name a media file")
    return tracks


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def declared_length(container: Any) -> float | None:
    """Return the length that a container states, in s, if it does."""
    return container.duration / av.time_base if container.duration else None


def frame_interval(stream: Any) -> float:
    """Return the time between two frames of a video stream, in s, where the frames do not say."""
    rate = stream.average_rate or stream.guessed_rate
    return float(1 / rate) if rate else 1 / 25
