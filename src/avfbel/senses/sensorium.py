"""Where eye and ear meet: frames and samples go in as they come, measured windows come out once complete."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import InputError, UsageError
from avfbel.senses.features import SensoryFeatures
from avfbel.senses.windows import GRID_HZ, TOLERANCE_S, check_window, plan_windows

if TYPE_CHECKING:
    from avfbel.senses.media import Media

Modality = Literal["both", "audio", "video"]
"""Which senses are used; what belongs to the other one is ignored."""

PATIENCE_S = 5.0
"""How long, in s of media, a window that one sense has completed waits for the other sense."""

FORGET_EVERY_S = 0.25
"""What is no longer needed is dropped in steps of this many s, to spare the tracks the trouble each frame."""

W = TypeVar("W")


def check_modality(modality: str) -> None:
    """Raise UsageError unless `modality` is one that there is."""
    if modality not in get_args(Modality):
        raise UsageError(f"no modality {modality!r}: choose one of {', '.join(get_args(Modality))}")


class Windowing(Protocol[W]):
    """What takes frames and samples and gives windows: a `Sensorium`, or a stream that predicts from one."""

    def push_frame(self, rgb: NDArray[np.uint8], time_s: float, index: int | None = None) -> list[W]:
        """Take one picture."""

    def push_audio(self, samples: NDArray[np.floating[Any]], rate: float, time_s: float) -> list[W]:
        """Take a stretch of sound."""

    def close_video(self) -> list[W]:
        """Take note that no more pictures come."""

    def close_audio(self) -> list[W]:
        """Take note that no more sound comes."""

    def finish(self, duration_s: float | None = None) -> list[W]:
        """Give the windows that are left."""


class Sensorium:
    """Measures windows from frames and samples as they come, in memory that does not grow with their number.

    A window is complete when each sense that is still open has delivered up to its end. A sense that falls
    more than `PATIENCE_S` behind the other is not waited for. What is older than any window still to come is
    forgotten.

    Parameters
    ----------
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    modality : {"both", "audio", "video"}
        The senses in use; what is pushed for the other one is ignored.

    Raises
    ------
    UsageError
        If a length is not positive or the modality is unknown.

    Examples
    --------
    >>> ear = Sensorium(modality="audio")
    >>> second = np.zeros(8000, np.float32)
    >>> [len(ear.push_audio(second, 8000, t)) for t in range(6)]
    [0, 0, 0, 1, 1, 1]
    >>> [(w.start_s, w.end_s) for w in ear.finish()]
    []
    """

    def __init__(self, *, window: float = 4.0, hop: float = 1.0, modality: Modality = "both") -> None:
        from avfbel.senses.acoustic import AcousticTrack
        from avfbel.senses.visual import VisualTrack

        check_window(window, hop)
        check_modality(modality)
        self.window, self.hop = float(window), float(hop)
        self._eye = VisualTrack() if modality != "audio" else None
        self._ear = AcousticTrack() if modality != "video" else None
        self._open = {"video": self._eye is not None, "audio": self._ear is not None}
        self._clock = {"video": 0.0, "audio": 0.0}  # each sense has delivered all that lies before, in s
        self._frame_interval = 1 / GRID_HZ
        self._has_frames = self._has_sound = self._finished = False
        self._n_given = 0
        self._forgotten_s = 0.0

    def push_frame(
        self, rgb: NDArray[np.uint8], time_s: float, index: int | None = None
    ) -> list[SensoryFeatures]:
        """Take one picture and return the windows that it completes.

        Parameters
        ----------
        rgb : ndarray, shape (height, width, 3), uint8
            The picture, upright.
        time_s : float
            When it is presented, in s from the start of the clip; not before the picture pushed last.
        index : int, optional
            Its number among all frames of the film; by default, the pictures pushed are counted.

        Raises
        ------
        UsageError
            If the film was closed before, or the picture cannot be one.
        """
        self._refuse_if_over("video")
        if self._eye is None:
            return []
        self._eye.push(rgb, time_s, index)
        if self._has_frames and time_s > self._clock["video"]:
            self._frame_interval = time_s - self._clock["video"]
        self._has_frames = True
        return self._advance("video", time_s)

    def push_audio(
        self, samples: NDArray[np.floating[Any]], rate: float, time_s: float
    ) -> list[SensoryFeatures]:
        """Take a stretch of sound and return the windows that it completes.

        Parameters
        ----------
        samples : ndarray, shape (n,) or (n, channels)
            Samples, full scale 1.
        rate : float
            Samples per s.
        time_s : float
            When the first of them is presented, in s from the start of the clip.

        Raises
        ------
        UsageError
            If the sound was closed before, or the samples cannot be sound.
        """
        self._refuse_if_over("audio")
        if self._ear is None:
            return []
        self._ear.push(samples, rate, time_s)
        self._has_sound = True
        return self._advance("audio", time_s + len(samples) / rate)

    def close_video(self) -> list[SensoryFeatures]:
        """Take note that no more pictures come, and return the windows that waited for them."""
        return self._close("video")

    def close_audio(self) -> list[SensoryFeatures]:
        """Take note that no more sound comes, and return the windows that waited for it."""
        return self._close("audio")

    def finish(self, duration_s: float | None = None) -> list[SensoryFeatures]:
        """End the clip and return the windows that are left, the last of which ends with the clip.

        Parameters
        ----------
        duration_s : float, optional
            Length of the clip, in s; by default up to the last sample or the end of the last picture.
        """
        if self._finished:
            return []
        self._finished = True
        self._open = dict.fromkeys(self._open, False)
        plan = plan_windows(self._elapsed() if duration_s is None else duration_s, self.window, self.hop)
        return [self._measure(start, end) for start, end in plan[self._n_given :]]

    def _elapsed(self) -> float:
        picture_end = self._clock["video"] + self._frame_interval if self._has_frames else 0.0
        return max(picture_end, self._clock["audio"])

    def _refuse_if_over(self, sense: str) -> None:
        if self._finished:
            raise UsageError("this stream is finished: start another one for the next clip")
        if not self._open[sense] and (self._eye if sense == "video" else self._ear) is not None:
            raise UsageError(f"the {sense} of this stream was closed: start another one for the next clip")

    def _advance(self, sense: str, time_s: float) -> list[SensoryFeatures]:
        self._clock[sense] = max(self._clock[sense], time_s)
        return self._complete()

    def _close(self, sense: str) -> list[SensoryFeatures]:
        self._open[sense] = False
        return [] if self._finished else self._complete()

    def _complete(self) -> list[SensoryFeatures]:
        """Measure every regular window whose end has been reached; `finish` gives what is left."""
        clocks = [self._clock[sense] for sense, is_open in self._open.items() if is_open]
        if not clocks:
            return []
        reached = max(min(clocks), max(clocks) - PATIENCE_S) + TOLERANCE_S
        given = []
        while (start := self._n_given * self.hop) + self.window <= reached:
            given.append(self._measure(start, start + self.window))
            self._n_given += 1
        # The windows to come are the next regular one and, should the clip end before that is complete, one
        # that ends with the clip, hence not before what has been seen or heard already.
        still_needed = min(self._n_given * self.hop, max(self._clock.values()) - self.window)
        if still_needed >= self._forgotten_s + FORGET_EVERY_S:
            self._forgotten_s = still_needed
            if self._eye is not None:
                self._eye.forget(still_needed)
            if self._ear is not None:
                self._ear.forget(still_needed)
        return given

    def _measure(self, start: float, end: float) -> SensoryFeatures:
        nothing = SensoryFeatures.empty(start, end)
        seen = self._eye.measure(start, end) if self._eye is not None and self._has_frames else None
        heard = self._ear.measure(start, end) if self._ear is not None and self._has_sound else None
        return SensoryFeatures(
            start_s=start,
            end_s=end,
            start_frame=seen.start_frame if seen else None,
            end_frame=seen.end_frame if seen else None,
            visual=seen.features if seen else nothing.visual,
            acoustic=heard.features if heard else nothing.acoustic,
            maps=seen.maps if seen else nothing.maps,
            g_audio=heard.g_audio if heard else 0.0,
            g_video=seen.g_video if seen else 0.0,
        )


def fold(media: Media, into: Windowing[W]) -> Iterator[W]:
    """Push a decoded file through `into` and yield each window as it is complete.

    Parameters
    ----------
    media : Media
        The opened file, of which nothing has been read yet.
    into : Sensorium or Stream
        What takes the frames and samples.

    Yields
    ------
    object
        The windows that `into` gives, in order.
    """
    from avfbel.senses.media import Frame

    if "video" not in media.decodes:
        yield from into.close_video()
    if "audio" not in media.decodes:
        yield from into.close_audio()
    for item in media:
        if isinstance(item, Frame):
            yield from into.push_frame(item.rgb, item.time_s, item.index)
        else:
            yield from into.push_audio(item.samples, item.rate, item.time_s)
    yield from into.finish(media.duration_s)


def open_for(path: str | PathLike[str], modality: Modality = "both", *, threads: int | None = None) -> Media:
    """Open a media file for the senses in use.

    Parameters
    ----------
    path : path
        A film or sound file.
    modality : {"both", "audio", "video"}
        The senses in use; the other track is not decoded.
    threads : int, optional
        Decoding threads; by default as many as there are cores.

    Returns
    -------
    Media
        The opened file, a context manager.

    Raises
    ------
    InputError
        If the file does not decode, or has no track for the one sense that is in use.
    """
    from avfbel.senses.media import open_media

    media = open_media(path, video=modality != "audio", audio=modality != "video", threads=threads)
    missing = {"audio": "sound", "video": "film"}.get(modality) if modality not in media.decodes else None
    if missing:
        media.close()
        raise InputError(f"{path} has no {missing}: leave out the modality {modality!r} to use what it has")
    return media
