"""Saliency of a whole film or sound: what is known of each window, and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.interpret.occlusion import CELLS, cell_sums

if TYPE_CHECKING:
    from avfbel.interpret.saliency_sound import SoundSaliency
    from avfbel.runtime.files import Cell

PEAKS_PER_S = 40
"""Of the loudness that is kept for drawing the sound."""

PICTURE_COLUMNS = ("media", "window", "start_s", "end_s", "row", "column", "top", "bottom", "left", "right")
SOUND_COLUMNS = ("media", "window", "start_s", "end_s", "from_s", "to_s", "change")


class Place(NamedTuple):
    """Part of a picture between black bars, in shares of its height and width."""

    top: float
    bottom: float
    left: float
    right: float


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class WindowSaliency:
    """Where in the picture and when in the sound the EPP of one window comes from; all in units of EPP."""

    start_s: float
    end_s: float
    epp: float
    weight: float
    """What the window counts for in the clip: the larger of its two evidence gates."""
    place: Place
    """Which part of the picture the maps cover."""
    stages: Mapping[str, NDArray[np.float32]]
    """(s, s) saliency of the input of V1 and of each area; empty if the model or the file has no picture."""
    occlusion: NDArray[np.float64]
    """(8, 8) change of EPP by each cell; zero without a picture."""
    sound: SoundSaliency
    """Change of EPP by each stretch of sound; empty without sound."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClipSaliency:
    """Saliency of all windows of a file; made by `avfbel.interpret.saliency_fold.explain_saliency`."""

    media: str
    duration_s: float
    model: str
    windows: tuple[WindowSaliency, ...]
    loudness: NDArray[np.float32]
    """(n,) largest magnitude of the sound in each fortieth of a second, full scale 1."""
    complete: bool = True
    """Whether the whole file could be decoded."""

    @property
    def has_picture(self) -> bool:
        """Whether it tells where in the picture."""
        return bool(self.windows[0].stages)

    @property
    def has_sound(self) -> bool:
        """Whether it tells when in the sound."""
        return any(len(window.sound.change) for window in self.windows)

    def picture_columns(self) -> tuple[str, ...]:
        """Names of the columns of `picture_rows`."""
        return (*PICTURE_COLUMNS, *(f"saliency_{stage}" for stage in self.windows[0].stages), "occlusion")

    def picture_rows(self) -> list[list[Cell]]:
        """Return the table of the picture: a row a window and cell, with sums of saliency over the cell."""
        rows: list[list[Cell]] = []
        for index, window in enumerate(self.windows):
            sums = [cell_sums(values) for values in window.stages.values()]
            for row, column in np.ndindex(CELLS, CELLS) if sums else ():
                where = _cell_bounds(window.place, row, column)
                told = [float(values[row, column]) for values in (*sums, window.occlusion)]
                rows.append([self.media, index, window.start_s, window.end_s, row, column, *where, *told])
        return rows

    def sound_rows(self) -> list[list[Cell]]:
        """Return the table of the sound: a row a window and stretch."""
        return [
            [self.media, index, window.start_s, window.end_s, *map(float, stretch)]
            for index, window in enumerate(self.windows)
            for stretch in zip(*window.sound, strict=True)
        ]

    def sound_course(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return when in the sound over the whole clip.

        Returns
        -------
        edges : ndarray, shape (n + 1,)
            Borders of the stretches, in s.
        change : ndarray, shape (n,)
            Mean change of EPP over the windows that hold a stretch, weighted by their evidence.
        """
        starts = [window.sound.start_s for window in self.windows]
        ends = [window.sound.end_s for window in self.windows]
        edges = np.unique(np.concatenate([*starts, *ends]).round(6))
        total, weight = np.zeros((2, max(0, len(edges) - 1)))
        for window in self.windows:
            heard = zip(*(part.round(6) for part in window.sound[:2]), window.sound.change, strict=True)
            for start, end, change in heard:
                within = slice(*np.searchsorted(edges, (start, end)))
                total[within] += window.weight * change
                weight[within] += window.weight
        return edges, np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)


def _cell_bounds(place: Place, row: int, column: int) -> tuple[float, float, float, float]:
    """Return top, bottom, left and right of a cell, in shares of the picture's height and width."""
    height, width = (place.bottom - place.top) / CELLS, (place.right - place.left) / CELLS
    top, left = place.top + row * height, place.left + column * width
    return top, top + height, left, left + width
