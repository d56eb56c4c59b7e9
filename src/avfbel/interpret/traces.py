"""Time courses of a clip: positivity, emotions, every region and population, gates and features."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import EMOTIONS
from avfbel.errors import InputError
from avfbel.interpret.preview import Preview, PreviewRecorder, Watched
from avfbel.interpret.trace_columns import REGION, trace_columns
from avfbel.runtime.engine import Predictor
from avfbel.runtime.fold import notes_on, provenance, settings_of, shown
from avfbel.runtime.stream import Stream
from avfbel.senses.sensorium import Modality, fold, open_for

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.figure import Figure

    from avfbel.runtime.bundle import Bundle
    from avfbel.runtime.stream import WindowResult

GRID_SLACK_S = 1e-6
"""A window that starts this much off the grid, in s, does not belong to it."""


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Traces:
    """Time courses of one clip on an even grid. Made by `trace`.

    A sample is what the model makes of the window around it, and stands at the middle of that window.

    Attributes
    ----------
    media : str
        The file, as it was named.
    duration_s : float
        Its length, in s.
    has_audio, has_video : bool
        Which tracks it has.
    complete : bool
        Whether it decoded up to its end.
    window_s, hop_s : float
        Length of a window (of the clip, if that is shorter) and distance of samples, in s.
    time_s : ndarray, shape (n,)
        Middles of the windows, in s from the start of the clip, `hop_s` apart.
    columns : tuple of str
        Names of the m time courses; see `avfbel.interpret.trace_columns.meaning`.
    values : ndarray, shape (n, m)
        The time courses; NaN for what could not be measured.
    in_range : ndarray of bool, shape (n,)
        Whether the window resembles what the model was trained on.
    preview : Preview
        A few pictures and the outline of the sound, for the figure.
    model : Mapping
        Name and version of the model.
    provenance : Mapping
        What the traces were computed from and with.
    notes : tuple of str
        Sentences that a reader should know, such as a missing track.
    """

    media: str
    duration_s: float
    has_audio: bool
    has_video: bool
    complete: bool
    window_s: float
    hop_s: float
    time_s: NDArray[np.float64]
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    in_range: NDArray[np.bool_]
    preview: Preview
    model: Mapping[str, str]
    provenance: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    def __getitem__(self, column: str) -> NDArray[np.float64]:
        """Return one time course by name, shape (n,); `amygdala` is short for `region_amygdala`."""
        name = column if column in self.columns else REGION + column
        if name not in self.columns:
            raise KeyError(f"{column}: the traces are {', '.join(self.columns)}")
        course: NDArray[np.float64] = self.values[:, self.columns.index(name)]
        return course

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions and populations, in the order of the model."""
        return tuple(name.removeprefix(REGION) for name in self.columns if name.startswith(REGION))

    @property
    def edges_s(self) -> NDArray[np.float64]:
        """Borders between samples, in s, shape (n + 1,): halfway between them, and the ends of the clip."""
        between = (self.time_s[1:] + self.time_s[:-1]) / 2
        return np.concatenate([[0.0], between, [self.duration_s]])

    def to_frame(self) -> pd.DataFrame:
        """Return a table with a row a sample: `time_s`, the time courses, `in_range`."""
        import pandas as pd

        frame = pd.DataFrame(self.values, columns=list(self.columns))
        frame.insert(0, "time_s", self.time_s)
        return frame.assign(in_range=self.in_range)

    def plot(self, path: str | PathLike[str] | None = None) -> Figure:
        """Draw film strip, waveform, positivity, emotions and every region over the time of the clip.

        Parameters
        ----------
        path : path, optional
            Where to save the picture; its ending chooses the format (png, svg, pdf).

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        from avfbel.interpret.traces_figure import draw_traces
        from avfbel.runtime.figure import save_figure

        figure = draw_traces(self)
        if path is not None:
            save_figure(figure, path)
        return figure

    def save(self, path: str | PathLike[str]) -> tuple[Path, ...]:
        """Write the traces to a file, whole or not at all.

        Parameters
        ----------
        path : path
            The file; its ending chooses the format: ``.csv``, ``.parquet``, ``_stim.tsv.gz`` (BIDS) or
            ``.elan.tsv`` (a time series for ELAN).

        Returns
        -------
        tuple of Path
            What was written: the file, and for BIDS its sidecar.

        Raises
        ------
        UsageError
            If the ending is none of these.
        ImportError
            If Parquet is asked for and pyarrow is not installed.
        """
        from avfbel.interpret.traces_export import save

        return save(self, path)


def trace(
    path: str | PathLike[str],
    *,
    model: str | PathLike[str] | Bundle | Predictor = "default",
    window: float = 4.0,
    hop: float = 0.25,
    modality: Modality = "both",
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Traces:
    """Follow a film or sound file through every region of the model, on an even grid.

    The file is decoded once and pushed through a `Stream`; the numbers are those of `avfbel.analyze` with the
    same window and hop. What is kept is one row of numbers a sample.

    Parameters
    ----------
    path : path
        A film or sound file. A missing track is no error: its pathway is silent.
    model : str, path, Bundle or Predictor
        The trained model; see `Bundle.open`.
    window, hop : float
        Length of a window and distance of samples, in s. A shorter clip gives one sample. The remainder of a
        clip that is no whole hop gives none, as samples are evenly spaced.
    modality : {"both", "audio", "video"}
        The senses in use; the other track is not decoded.
    threads : int, optional
        Decoding threads; by default as many as there are cores.
    progress : callable, optional
        Called at each window with the time in s up to which the clip is traced.

    Returns
    -------
    Traces
        The time courses.

    Raises
    ------
    InputError
        If the file or the bundle cannot be used.
    UsageError
        If a length is not positive or the modality is unknown.

    Examples
    --------
    >>> from avfbel.interpret import trace
    >>> traces = trace("film.mp4", hop=0.5)  # doctest: +SKIP
    >>> traces["amygdala"].max()  # doctest: +SKIP
    0.53
    """
    predictor = model if isinstance(model, Predictor) else Predictor(model)
    stream = Stream(predictor, window=window, hop=hop, modality=modality)
    recorder = PreviewRecorder()
    columns = trace_columns(predictor.bundle.regions)
    numbers, times = array("d"), array("d")
    in_range: list[bool] = []
    with open_for(path, modality, threads=threads) as media:
        for result in fold(media, Watched(stream, recorder)):
            if progress is not None:
                progress(result.end_s)
            if abs(result.start_s - len(times) * hop) < GRID_SLACK_S:
                numbers.extend(_numbers(result))
                times.append((result.start_s + result.end_s) / 2)
                in_range.append(result.in_range)
        if not times:
            raise InputError(f"{path} has no length: export it again")
        return Traces(
            media=shown(path),
            duration_s=media.duration_s,
            has_audio=media.has_audio,
            has_video=media.has_video,
            complete=media.complete,
            window_s=min(float(window), media.duration_s),
            hop_s=float(hop),
            time_s=np.array(times),
            columns=columns,
            values=np.array(numbers).reshape(len(times), len(columns)),
            in_range=np.array(in_range),
            preview=recorder.preview(),
            model={"name": predictor.bundle.name, "version": predictor.bundle.version},
            provenance=provenance(path, predictor.bundle, settings_of(window, hop, modality)),
            notes=(*notes_on(path, media, modality), *_too_short(path, media.duration_s, window, len(times))),
        )


def _numbers(result: WindowResult) -> list[float]:
    """Return the row of a window, in the order of `trace_columns`."""
    values: list[float | None] = [
        *(result.epp, result.epp_low, result.epp_high, result.valence, result.intensity),
        *(getattr(result.emotion, name) for name in EMOTIONS),
        *result.features.values(),
        *result.regions.values(),
        *(result.gate_audio, result.gate_video, result.g_audio, result.g_video),
    ]
    return [np.nan if value is None else value for value in values]


def _too_short(
    path: str | PathLike[str], duration_s: float, window: float, n_samples: int
) -> tuple[str, ...]:
    if n_samples > 1:
        return ()
    return (
        f"{shown(path)} lasts {duration_s:.3g} s, which gives a single sample at a window of "
        f"{window:g} s: a shorter window gives more, of stretches shorter than the model was trained on",
    )
