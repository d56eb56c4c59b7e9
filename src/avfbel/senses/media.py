"""Decoding in constant memory: a film or sound file becomes frames and samples with their true times."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from avfbel.errors import InputError
from avfbel.senses.container import choose_tracks, declared_length, frame_interval, open_container
from avfbel.senses.conversion import PictureConverter, samples_of, working_size
from avfbel.senses.truncation import ends_early, states_its_length
from avfbel.senses.windows import thinning_cell

__all__ = ["Frame", "Media", "Sound", "open_media", "working_size"]

PRIMING_S = 0.1
"""Samples up to this long before time zero are an encoder's priming, in s, and are never presented."""

PATIENCE_S = 1.0
"""How far one track may run ahead, in s, before the other is taken to start later."""

MAX_SHORTFALL_S = 0.25
"""A file that decodes to this much less than it declares, in s (or a fiftieth of it), has been cut off."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture: presentation time in s, index among all decoded, pixels (height, width, 3) uint8 RGB.

    `end_s` is when the next picture is due.
    """

    time_s: float
    index: int
    rgb: NDArray[np.uint8]
    end_s: float = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A stretch of sound: time of its first sample in s, samples (n, channels) float32, rate in Hz."""

    time_s: float
    samples: NDArray[np.float32]
    rate: int

    @property
    def end_s(self) -> float:
        """Time at which the last sample ends, in s."""
        return self.time_s + len(self.samples) / self.rate


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    """A decoded picture, `source` still as the decoder gave it or already converted to RGB."""

    time_s: float
    index: int
    source: Any
    end_s: float


def open_media(
    path: str | PathLike[str], *, video: bool = True, audio: bool = True, threads: int | None = None
) -> Media:
    """Open a film or sound file for one pass over its frames and samples.

    Parameters
    ----------
    path : path
        A file in any format that FFmpeg decodes.
    video, audio : bool
        Which tracks are wanted; the other is not decoded.
    threads : int, optional
        Decoding threads; by default as many as the machine has cores. With one file a process, use 1.

    Returns
    -------
    Media
        A context manager and iterator over `Frame` and `Sound`, about in the order of time. Time zero is the
        earliest presentation time of the wanted tracks. Frames are upright, reduced to `working_size` and
        thinned to the grid of `thinning_cell`.

    Raises
    ------
    InputError
        If the file is absent, a folder, empty, not media, or nothing in it decodes.
    """
    return Media(path, video=video, audio=audio, threads=threads)


class Media:
    """One pass over a media file; made by `open_media`.

    Attributes
    ----------
    path : Path
        The file.
    complete : bool
        After the pass: whether all of it decoded without error, up to the length that the file declares.
    n_frames : int
        Pictures decoded so far, thinned ones included.
    """

    def __init__(
        self, path: str | PathLike[str], *, video: bool = True, audio: bool = True, threads: int | None = None
    ) -> None:
        self.path = Path(path)
        self.complete = True
        self.n_frames = 0
        self._ends: dict[str, float] = {}  # end of each track in s
        self._container = open_container(self.path)
        try:
            self._tracks = choose_tracks(self._container, self.path)
            wanted = {"video": video, "audio": audio}
            self._wanted = [stream for kind, stream in self._tracks.items() if wanted[kind]]
            for stream in self._wanted:
                stream.thread_type = "AUTO"
                if threads is not None:
                    stream.codec_context.thread_count = threads
            self._declared_s = declared_length(self._container)
            self._to_rgb = PictureConverter()
            self._items = self._pass()
            self._first = next(self._items, None)
            if self._first is None and self._wanted:
                raise InputError(f"nothing in {self.path} can be decoded: export or download the file again")
        except BaseException:
            self._container.close()
            raise

    @property
    def has_video(self) -> bool:
        """Whether there is a film: a video track that is no cover picture and, if it was wanted, decodes."""
        return self._has("video")

    @property
    def has_audio(self) -> bool:
        """Whether there is a sound track that, if it was wanted, decodes."""
        return self._has("audio")

    @property
    def decodes(self) -> frozenset[str]:
        """The kinds of track, of ``"video"`` and ``"audio"``, that this pass decodes."""
        return frozenset(stream.type for stream in self._wanted)

    @property
    def duration_s(self) -> float:
        """Length in s: the latest end of a decoded track so far; the declared one if no track was wanted."""
        if self._wanted:
            return max(self._ends.values(), default=0.0)
        return self._declared_s or 0.0

    def __enter__(self) -> Media:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a pass that has not ended ends here."""
        self._items.close()
        self._container.close()

    def __iter__(self) -> Iterator[Frame | Sound]:
        first, self._first = self._first, None
        if first is not None:
            yield first
        yield from self._items

    def _has(self, kind: str) -> bool:
        return kind in self._tracks and (self._tracks[kind] not in self._wanted or kind in self._ends)

    def _pass(self) -> Generator[Frame | Sound]:
        cell = -1
        for item in self._from_zero(self._decoded()):
            kind = "video" if isinstance(item, _Picture) else "audio"
            self._ends[kind] = max(self._ends.get(kind, 0.0), item.end_s)
            if isinstance(item, Sound):
                yield item
            elif thinning_cell(item.time_s) > cell:
                cell = thinning_cell(item.time_s)
                yield Frame(item.time_s, item.index, self._converted(item).source, item.end_s)
        self._judge_completeness()

    def _converted(self, picture: _Picture) -> _Picture:
        if isinstance(picture.source, np.ndarray):
            return picture
        return replace(picture, source=self._to_rgb(picture.source))

    def _from_zero(self, items: Iterator[_Picture | Sound]) -> Iterator[_Picture | Sound]:
        """Count times from the earliest presentation, once every track has shown where it starts."""
        waiting: deque[_Picture | Sound] = deque()
        starts: dict[str, float] = {}
        origin: float | None = None
        for item in items:
            kind = "video" if isinstance(item, _Picture) else "audio"
            starts.setdefault(kind, item.time_s)
            waiting.append(item)
            if origin is None and (
                len(starts) == len(self._wanted) or item.time_s - starts[kind] >= PATIENCE_S
            ):
                origin = self._earliest(starts)
            if origin is None and isinstance(item, _Picture):
                waiting[-1] = self._converted(item)  # smaller, while it waits
            while origin is not None and waiting:
                yield from _counted_from(origin, waiting.popleft())
        for item in waiting:
            yield from _counted_from(self._earliest(starts), item)

    def _earliest(self, starts: dict[str, float]) -> float:
        times = list(starts.values())
        for stream in self._wanted:
            if stream.type not in starts and stream.start_time is not None:
                times.append(float(stream.start_time * stream.time_base))
        earliest = min(times)
        return 0.0 if -PRIMING_S <= earliest < 0 else earliest

    def _decoded(self) -> Iterator[_Picture | Sound]:
        """Decode the wanted tracks; what does not decode is left out, and noted in `complete`."""
        held: Sound | None = None  # one back: an encoder's padding is cut off the last one
        held_s = math.inf
        picture_end = interval = 0.0
        for kind, stream, frame in self._raw_frames():
            stated = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0.0
            if kind == "video":
                time_s = picture_end if frame.time is None else float(frame.time)
                interval = stated or interval or frame_interval(stream)
                picture_end = time_s + interval
                yield _Picture(time_s, self.n_frames, frame, picture_end)
                self.n_frames += 1
            elif frame.samples:
                sound_end = held.end_s if held else 0.0
                time_s = sound_end if frame.time is None else float(frame.time)
                if held:
                    yield held
                held, held_s = Sound(time_s, samples_of(frame), int(frame.sample_rate)), stated or math.inf
        if held:
            excess = len(held.samples) / held.rate - held_s
            n_kept = round(held_s * held.rate) if excess > 0.1 * held_s else len(held.samples)
            yield replace(held, samples=held.samples[:n_kept])

    def _raw_frames(self) -> Iterator[tuple[str, Any, Any]]:
        packets = self._container.demux(self._wanted) if self._wanted else iter(())
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError):
                self.complete = False
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except (av.FFmpegError, OSError, ValueError):
                self.complete = False
                continue
            for frame in frames:
                yield packet.stream.type, packet.stream, frame

    def _judge_completeness(self) -> None:
        declared = declared_length(self._container)
        if (
            any(stream.type not in self._ends for stream in self._wanted)
            or ends_early(self.path)
            or (
                declared is not None
                and len(self._wanted) == len(self._tracks)
                and states_its_length(self.path, self._container.format.name)
                and declared - self.duration_s > max(MAX_SHORTFALL_S, declared / 50)
            )
        ):
            self.complete = False


def _counted_from(origin: float, item: _Picture | Sound) -> Iterator[_Picture | Sound]:
    """Yield `item` with its times counted from `origin`, without what lies before it."""
    time_s = item.time_s - origin
    if isinstance(item, _Picture):
        if time_s > -1e-6:
            yield replace(item, time_s=max(0.0, time_s), end_s=item.end_s - origin)
    else:
        skip = max(0, round(-time_s * item.rate))
        if skip < len(item.samples):
            yield replace(item, time_s=max(0.0, time_s), samples=item.samples[skip:])
