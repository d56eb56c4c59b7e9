"""The result of analysing one file: a table of windows, and what the whole clip comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from avfbel.emotion import EMOTIONS
from avfbel.errors import UsageError
from avfbel.files import write_whole
from avfbel.runtime.attribution import names as contribution_names
from avfbel.runtime.files import Cell, Format, encode
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from avfbel.runtime.stream import WindowResult

_JUDGEMENTS = ("epp", "epp_low", "epp_high", "valence", "intensity", "evidence", "in_range")
_PLACE = ("start_s", "end_s", "start_frame", "end_frame")
_FEATURES = VISUAL_FEATURES + ALL_ACOUSTIC
ATTRIBUTION_COLUMNS = tuple(f"attribution_{name}" for name in contribution_names())
"""Columns of the contributions to EPP, if an analysis was asked for them."""


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """Emotional positivity of one film or sound file over time, with the activity of every region.

    Attributes
    ----------
    media : str
        The file, as it was named.
    duration_s : float
        Its length, in s.
    has_audio, has_video : bool
        Which tracks it has.
    complete : bool
        Whether it decoded up to its end; if not, the windows reach as far as it did.
    windows : tuple of WindowResult
        The windows in order, at least one.
    model : Mapping
        Name and version of the model.
    provenance : Mapping
        What the result was computed from and with.
    notes : tuple of str
        Sentences that a reader of the result should know, such as a missing track.
    """

    media: str
    duration_s: float
    has_audio: bool
    has_video: bool
    complete: bool
    windows: tuple[WindowResult, ...]
    model: Mapping[str, str]
    provenance: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def epp(self) -> float:
        """Emotional positivity of the clip: the mean over windows, weighted by their evidence."""
        return self._mean("epp", otherwise=0.5)

    @property
    def valence(self) -> float:
        """Valence of the clip: the mean over windows, weighted by their evidence."""
        return self._mean("valence", otherwise=0.5)

    @property
    def intensity(self) -> float:
        """Intensity of the clip: the mean over windows, weighted by their evidence."""
        return self._mean("intensity", otherwise=0.0)

    @property
    def emotions(self) -> dict[str, float]:
        """The five emotions of the clip, unit rating / 127: means over windows, weighted by evidence."""
        names = dict.fromkeys(EMOTIONS, 0.0)
        total = sum(window.weight for window in self.windows)
        if total > 0:
            for name in names:
                names[name] = sum(w.weight * getattr(w.emotion, name) for w in self.windows) / total
        return names

    @property
    def evidence(self) -> bool:
        """Whether anything was seen or heard in any window."""
        return any(window.evidence for window in self.windows)

    def _mean(self, name: str, *, otherwise: float) -> float:
        total = sum(window.weight for window in self.windows)
        if total == 0:
            return otherwise
        mean = sum(window.weight * getattr(window, name) for window in self.windows) / total
        return float(min(1.0, max(0.0, mean)))  # rounding alone can leave [0, 1]

    @property
    def has_attribution(self) -> bool:
        """Whether it holds where the EPP of each window comes from."""
        return bool(self.windows) and all(window.attribution is not None for window in self.windows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the table; those of contributions come last, if there are such."""
        regions = tuple(f"region_{name}" for name in self.windows[0].regions) if self.windows else ()
        gates = ("gate_audio", "gate_video")
        told = ATTRIBUTION_COLUMNS if self.has_attribution else ()
        return ("media", "window", *_PLACE, *_JUDGEMENTS, *EMOTIONS, *_FEATURES, *regions, *gates, *told)

    def rows(self) -> list[list[Cell]]:
        """Return the table row by row, one row a window, None for what could not be measured."""
        return [
            [
                self.media,
                window.index,
                *(getattr(window, name) for name in _PLACE + _JUDGEMENTS),
                *(getattr(window.emotion, name) for name in EMOTIONS),
                *(window.features[name] for name in _FEATURES),
                *window.regions.values(),
                window.gate_audio,
                window.gate_video,
                *(window.attribution or {}).values(),
            ]
            for window in self.windows
        ]

    def to_frame(self, *, attribution: bool = False) -> pd.DataFrame:
        """Return the table as a data frame, one row a window; what could not be measured is missing.

        Parameters
        ----------
        attribution : bool
            Whether to add a column for each contribution to EPP, ``attribution_SENSE_FEATURE_PATHWAY``. With
            0.5 they add up to EPP; ``reference`` in the place of a feature is what a sense contributes while
            its features are average. See `avfbel.runtime.attribution` for the definition.

        Raises
        ------
        UsageError
            If contributions are wanted and were not asked for in the analysis.
        """
        import pandas as pd

        if attribution:
            self.require_attribution()
        frame = pd.DataFrame(self.rows(), columns=list(self.columns))
        if not attribution:
            frame = frame.drop(columns=list(ATTRIBUTION_COLUMNS), errors="ignore")
        numbers = [name for name in self.columns if name in ("epp_low", "epp_high", *_FEATURES)]
        frame[numbers] = frame[numbers].astype("float64")
        return frame.astype({"start_frame": "Int64", "end_frame": "Int64"})

    def to_dict(self) -> dict[str, Any]:
        """Return everything, as the JSON file holds it, with None for what could not be measured."""
        return {
            "media": self.media,
            "duration_s": self.duration_s,
            "has_audio": self.has_audio,
            "has_video": self.has_video,
            "complete": self.complete,
            "epp": self.epp,
            "valence": self.valence,
            "intensity": self.intensity,
            "evidence": self.evidence,
            "windows": [window.to_dict() for window in self.windows],
            "model": dict(self.model),
            "provenance": dict(self.provenance),
        }

    def plot(self, path: str | PathLike[str] | None = None) -> Figure:
        """Draw EPP, emotions, regions and gates over time.

        Parameters
        ----------
        path : path, optional
            Where to save the picture; its ending chooses the format (png, svg, pdf).

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        from avfbel.runtime.figure import draw, save_figure

        figure = draw(self)
        if path is not None:
            save_figure(figure, path)
        return figure

    def plot_attribution(self, path: str | PathLike[str] | None = None) -> Figure:
        """Draw over time what the features of either sense contribute to EPP, and on which pathways.

        Parameters
        ----------
        path : path, optional
            Where to save the picture; its ending chooses the format (png, svg, pdf).

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        UsageError
            If contributions were not asked for in the analysis.
        """
        from avfbel.runtime.attribution_figure import draw_attribution
        from avfbel.runtime.figure import save_figure

        self.require_attribution()
        figure = draw_attribution(self)
        if path is not None:
            save_figure(figure, path)
        return figure

    def report(
        self,
        path: str | PathLike[str],
        *,
        media: str | PathLike[str] | None = None,
        threads: int | None = None,
    ) -> Path:
        """Write one HTML file that plays the clip and shows the circuit at work, whole or not at all.

        It needs neither server nor network. Contributions to EPP are shown if they were asked for in the
        analysis.

        Parameters
        ----------
        path : path
            The file, ``.html``.
        media : path, optional
            The film or sound file, by default where it was when it was analysed.
        threads : int, optional
            Threads that re-encode media that browsers do not play; by default as many as there are cores.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        InputError
            If the film or sound file cannot be read any more.
        OSError
            If the file cannot be written; nothing is left behind then.
        """
        from avfbel.runtime.report import write_report

        return write_report(self, path, media=media, threads=threads)

    def require_attribution(self) -> None:
        """Raise UsageError unless the analysis holds where the EPP of each window comes from."""
        if not self.has_attribution:
            raise UsageError(
                f"the analysis of {self.media} holds no contributions: analyse it again with attribution=True"
            )

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the result to a file, whole or not at all.

        Parameters
        ----------
        path : path
            The file; its ending chooses the format: ``.csv``, ``.parquet`` or ``.json``.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        UsageError
            If the ending is none of the three.
        """
        ending = Path(path).suffix.lstrip(".").lower()
        for file_format in get_args(Format):
            if ending == file_format:
                return write_whole(path, encode(self, file_format))
        raise UsageError(f"{path} ends in no known format: choose .csv, .parquet or .json")
