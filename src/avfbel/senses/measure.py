"""A clip, or several excerpts of one file, measured in one pass: what training learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import NamedTuple

from avfbel.errors import InputError, UsageError
from avfbel.senses.features import SensoryFeatures
from avfbel.senses.media import Frame, Media, Sound
from avfbel.senses.sensorium import PATIENCE_S, Sensorium, open_for
from avfbel.senses.windows import TOLERANCE_S


class Excerpt(NamedTuple):
    """A part of a file: from `start_s` to `end_s`, in s of the file; None is its end."""

    start_s: float = 0.0
    end_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What was measured in one excerpt.

    Attributes
    ----------
    windows : tuple of SensoryFeatures
        Its windows; times are counted from the start of the excerpt, frames from that of the file.
    has_audio, has_video : bool
        Which tracks the file has.
    complete : bool
        False if the file ends early or is damaged.
    """

    windows: tuple[SensoryFeatures, ...]
    has_audio: bool
    has_video: bool
    complete: bool


def measure_clip(
    path: str | PathLike[str],
    *,
    window: float = 4.0,
    hop: float = 1.0,
    start_s: float = 0.0,
    end_s: float | None = None,
) -> list[SensoryFeatures]:
    """Measure a media file, or a part of it, with both senses.

    Parameters
    ----------
    path : path
        A film or sound file in any format that FFmpeg decodes.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    start_s, end_s : float, optional
        The part that is meant, in s; by default all of it.

    Returns
    -------
    list of SensoryFeatures
        Its windows; times are counted from `start_s`.

    Raises
    ------
    InputError
        If the file does not decode, or ends before the part begins.
    UsageError
        If a length is not positive.

    Examples
    --------
    >>> [w.end_s for w in measure_clip("film.mp4", start_s=10.0, end_s=15.0)]  # doctest: +SKIP
    [4.0, 5.0]
    """
    (measurement,) = measure_excerpts(path, [Excerpt(start_s, end_s)], window=window, hop=hop)
    return list(measurement.windows)


def measure_excerpts(
    path: str | PathLike[str],
    excerpts: Sequence[Excerpt] = (Excerpt(),),
    *,
    window: float = 4.0,
    hop: float = 1.0,
    threads: int | None = None,
) -> list[Measurement]:
    """Measure excerpts of a media file, overlapping or not, while decoding it once.

    An excerpt is measured as if it were a file of its own.

    Parameters
    ----------
    path : path
        A film or sound file in any format that FFmpeg decodes.
    excerpts : sequence of Excerpt
        The parts that are meant; by default the one that is all of it.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    threads : int, optional
        Decoding threads; by default as many as there are cores.

    Returns
    -------
    list of Measurement
        One an excerpt, in their order.

    Raises
    ------
    InputError
        If the file does not decode, or ends before an excerpt begins.
    UsageError
        If a length is not positive, or an excerpt ends before it starts.
    """
    readers = [_Reader(excerpt, Sensorium(window=window, hop=hop)) for excerpt in excerpts]
    with open_for(path, threads=threads) as media:
        for item in media:
            waiting = [reader for reader in readers if not reader.passed(item.time_s)]
            if not waiting:
                break  # nobody wants the rest of the film
            for reader in waiting:
                reader.take(item)
        return [reader.end(media) for reader in readers]


class _Reader:
    """Pushes what belongs to one excerpt into a sensorium of its own, with times from the excerpt's start."""

    def __init__(self, excerpt: Excerpt, sensorium: Sensorium) -> None:
        self.start = excerpt.start_s
        self.stop = float("inf") if excerpt.end_s is None else excerpt.end_s
        if not 0 <= self.start < self.stop:
            raise UsageError(f"an excerpt cannot start at {self.start:g} s and end at {self.stop:g} s")
        self.sensorium = sensorium
        self.windows: list[SensoryFeatures] = []

    def passed(self, time_s: float) -> bool:
        """Tell whether nothing of the excerpt can follow what is presented at `time_s`."""
        return time_s >= self.stop + PATIENCE_S

    def take(self, item: Frame | Sound) -> None:
        if isinstance(item, Frame):
            if self.start - TOLERANCE_S <= item.time_s < self.stop - TOLERANCE_S:
                time_s = max(0.0, item.time_s - self.start)
                self.windows += self.sensorium.push_frame(item.rgb, time_s, item.index)
            return
        first = max(0, round((self.start - item.time_s) * item.rate))
        last = len(item.samples)
        if self.stop < item.time_s + last / item.rate:
            last = max(0, round((self.stop - item.time_s) * item.rate))
        if first < last:
            time_s = max(0.0, item.time_s + first / item.rate - self.start)
            self.windows += self.sensorium.push_audio(item.samples[first:last], item.rate, time_s)

    def end(self, media: Media) -> Measurement:
        duration = min(self.stop, media.duration_s) - self.start
        if duration <= TOLERANCE_S:
            raise InputError(
                f"{media.path} ends at {media.duration_s:.3g} s, before {self.start:g} s, where the clip is "
                "to start: mend start_s, or take the clip out"
            )
        self.windows += self.sensorium.finish(duration)
        return Measurement(
            windows=tuple(self.windows),
            has_audio=media.has_audio,
            has_video=media.has_video,
            complete=media.complete,
        )
