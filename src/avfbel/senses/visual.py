"""The eye: frames go in one by one; features, maps and the weight of the evidence come out by the window.

What a frame shows is worked out once and kept: its colour codes and its change from the frame before when it
arrives, the outline of the body then too if the window before told what to look for, or else when the first
window that holds it is measured. Windows overlap, and so do the estimates of background and body that the
outline depends on: they are coarse enough to be equal in most of them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import UsageError
from avfbel.senses.bounces import Bounce, bounces_of
from avfbel.senses.feature_maps import area_average, event_values, paint
from avfbel.senses.features import MAP_SIZE, VISUAL_FEATURES
from avfbel.senses.silhouette import Silhouette, outline
from avfbel.senses.visual_features import visual_features
from avfbel.senses.visual_steadiness import CELL, Cells, camera_moves, cells_of, is_cut
from avfbel.senses.visual_track import (
    Area,
    Body,
    active_area,
    background_colour,
    body_table,
    change,
    colour_codes,
    find_body,
    planes,
)
from avfbel.senses.windows import GRID_HZ, TOLERANCE_S, thinning_cell

NO_MOVEMENT, FULL_MOVEMENT = 0.002, 0.05
"""Mean change of all pixels, in full scale per s, up to which there is no evidence and from which it is full.

What key frames change in a still film is less than the former, and much less than what a body changes that
one would follow: one of 3 % of the picture's width and height that crosses it within a second.
"""

SAMPLED_FRAMES = 12
"""Frames of a window from which bars, background and body are estimated."""

MIN_FRAMES = 6
"""A shot shorter than this many frames is not looked at."""


class VisualMeasurement(NamedTuple):
    """What the eye saw in one window.

    Attributes
    ----------
    features : ndarray, shape (5,)
        `VISUAL_FEATURES`; NaN where it could not be measured.
    maps : ndarray, shape (5, 64, 64), float32
        The painted events; zero where nothing moved, all zero without bounces.
    g_video : float
        Weight of the evidence, 0 (nothing moves) to 1.
    bounces : tuple of Bounce
        The bounces from which the features were taken.
    start_frame, end_frame : int or None
        First and last frame of the window; None if it holds none.
    """

    features: NDArray[np.float64]
    maps: NDArray[np.float32]
    g_video: float
    bounces: tuple[Bounce, ...]
    start_frame: int | None
    end_frame: int | None


@dataclass(eq=False, slots=True)
class _Kept:
    """A frame as remembered: colour codes, change since the frame before, and what follows from them."""

    time_s: float
    index: int
    codes: NDArray[np.uint16]
    change: NDArray[np.uint8] | None
    interval_s: float
    cells: Cells
    starts: bool  # the film, or after a cut a shot
    outlines: dict[tuple[Area, Body], Silhouette | None] = field(default_factory=dict)
    changes: dict[Area, tuple[NDArray[np.float32], float]] = field(default_factory=dict)


class VisualTrack:
    """The picture of a film, frame by frame.

    Examples
    --------
    >>> track = VisualTrack()
    >>> for k in range(30):
    ...     track.push(np.full((60, 50, 3), 128, np.uint8), k / 30)
    >>> measurement = track.measure(0.0, 1.0)
    >>> measurement.g_video, bool(np.isnan(measurement.features).all()), measurement.end_frame
    (0.0, True, 29)
    """

    def __init__(self) -> None:
        self._frames: deque[_Kept] = deque()
        self._colours: NDArray[np.uint8] | None = None
        self._cell = -1
        self._count = 0
        self._expected: tuple[Area, Body, NDArray[np.bool_]] | None = None

    def push(self, rgb: NDArray[np.uint8], time_s: float, index: int | None = None) -> None:
        """Take the next frame.

        Parameters
        ----------
        rgb : ndarray, shape (h, w, 3), uint8
            The picture; larger ones are reduced to working size.
        time_s : float
            When it is shown, in s, later than the one before. Of the frames in one thirtieth of a second the
            first is kept.
        index : int, optional
            Its number in the film; by default frames are counted.

        Raises
        ------
        UsageError
            If `rgb` is not an RGB picture of bytes.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
            raise UsageError(f"a frame must be (height, width, 3) uint8, got {rgb.shape} {rgb.dtype}")
        index = self._count if index is None else index
        self._count = index + 1
        cell = thinning_cell(time_s)
        if cell <= self._cell:
            return
        self._cell = cell
        colours = planes(_at_working_size(rgb))
        previous, self._colours = self._colours, colours
        changed, interval = None, 1 / GRID_HZ
        if previous is not None and previous.shape == colours.shape and self._frames:
            changed = change(colours, previous)
            interval = time_s - self._frames[-1].time_s
        starts = changed is None or is_cut(changed)
        cells = cells_of(colours, changed)
        frame = _Kept(time_s, index, colour_codes(colours), changed, interval, cells, starts)
        self._frames.append(frame)
        if self._expected is not None:  # most likely, the next window asks for the same again
            _outline(frame, *self._expected)
            _movement(frame, self._expected[0])

    def forget(self, before_s: float) -> None:
        """Drop the frames before a time, in s: no window that is still to be measured starts earlier."""
        while self._frames and self._frames[0].time_s < before_s - TOLERANCE_S:
            self._frames.popleft()

    def measure(self, start_s: float, end_s: float) -> VisualMeasurement:
        """Measure the window from `start_s` to `end_s`, in s, end excluded.

        Returns
        -------
        VisualMeasurement
            A function of the frames in the window alone, in whatever order windows are measured.
        """
        window = [f for f in self._frames if start_s - TOLERANCE_S <= f.time_s < end_s - TOLERANCE_S]
        if not window:
            return _nothing(None, None)
        sample = _sample(window)
        area = active_area(sample)
        movement = [_movement(frame, area) for frame in window[1:]]
        mean = float(np.mean([m for _, m in movement])) if movement else 0.0
        g_video = min(1.0, max(0.0, (mean - NO_MOVEMENT) / (FULL_MOVEMENT - NO_MOVEMENT)))
        if g_video == 0:
            return _nothing(window[0].index, window[-1].index)
        shots = []
        for shot in _shots(window):
            seen = sample if len(shot) == len(window) else _sample(shot)
            body = _body(seen, area) if len(shot) >= MIN_FRAMES else None
            self._expected = (area, body, body_table(body)) if body is not None else None
            shots.append(_bounces(shot, *self._expected) if self._expected is not None else [])
        bounces = tuple(b for shot in shots for b in shot)
        weights = _weights(bounces, window[1:], [m for m, _ in movement])
        return VisualMeasurement(
            features=visual_features(shots),
            maps=paint(weights, event_values(shots)),
            g_video=g_video,
            bounces=bounces,
            start_frame=window[0].index,
            end_frame=window[-1].index,
        )


def _nothing(start_frame: int | None, end_frame: int | None) -> VisualMeasurement:
    n = len(VISUAL_FEATURES)
    maps = np.zeros((n, MAP_SIZE, MAP_SIZE), np.float32)
    return VisualMeasurement(np.full(n, np.nan), maps, 0.0, (), start_frame, end_frame)


def _at_working_size(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from avfbel.senses.media import working_size

    height, width = rgb.shape[:2]
    small = working_size(width, height)
    if small == (width, height):
        return rgb
    from PIL import Image

    return np.asarray(Image.fromarray(rgb).resize(small, Image.Resampling.BOX))


def _shots(window: list[_Kept]) -> list[list[_Kept]]:
    """Split a window at its cuts."""
    shots: list[list[_Kept]] = [[window[0]]]
    for frame in window[1:]:
        if frame.starts:
            shots.append([frame])
        else:
            shots[-1].append(frame)
    return shots


def _sample(frames: list[_Kept]) -> NDArray[np.uint16]:
    shape = frames[-1].codes.shape
    alike = [frame for frame in frames if frame.codes.shape == shape]
    chosen = np.unique(np.linspace(0, len(alike) - 1, SAMPLED_FRAMES).round().astype(int))
    return np.stack([alike[i].codes for i in chosen])


def _body(sample: NDArray[np.uint16], area: Area) -> Body | None:
    codes = sample[:, area.top : area.bottom, area.left : area.right]
    return find_body(codes, background_colour(codes))


def _bounces(shot: list[_Kept], area: Area, body: Body, table: NDArray[np.bool_]) -> list[Bounce]:
    """Find the bounces of a shot, in the stretches during which the camera holds still."""
    outlines = [_outline(frame, area, body, table) for frame in shot]
    around = _cells_around([s for s in outlines if s is not None], area, shot[-1].cells.edge.shape)
    result: list[Bounce] = []
    stretch: list[tuple[float, Silhouette]] = []
    from_start = shot[0].starts
    for k, (frame, silhouette) in enumerate(zip(shot, outlines, strict=True)):
        if k and camera_moves(frame.cells, around):
            result += _bounces_of_stretch(stretch, from_start=from_start)
            stretch, from_start = [], True
        if silhouette is not None:
            stretch.append((frame.time_s, silhouette))
    return result + _bounces_of_stretch(stretch, from_start=from_start)


def _bounces_of_stretch(stretch: list[tuple[float, Silhouette]], *, from_start: bool) -> list[Bounce]:
    if len(stretch) < MIN_FRAMES:
        return []
    return bounces_of(np.array([t for t, _ in stretch]), [s for _, s in stretch], from_start=from_start)


def _outline(frame: _Kept, area: Area, body: Body, table: NDArray[np.bool_]) -> Silhouette | None:
    key = (area, body)
    if key not in frame.outlines:
        codes = frame.codes[area.top : area.bottom, area.left : area.right]
        frame.outlines[key] = outline(codes, table)
    return frame.outlines[key]


def _cells_around(silhouettes: list[Silhouette], area: Area, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the cells that the body reaches at any time, with a margin of one."""
    around = np.zeros(shape, dtype=bool)
    if silhouettes:
        boxes = np.array([s.box for s in silhouettes])
        top, left = area.top + boxes[:, 0].min(), area.left + boxes[:, 2].min()
        bottom, right = area.top + boxes[:, 1].max(), area.left + boxes[:, 3].max()
        rows = slice(max(0, top // CELL - 1), bottom // CELL + 2)
        around[rows, max(0, left // CELL - 1) : right // CELL + 2] = True
    return around


def _movement(frame: _Kept, area: Area) -> tuple[NDArray[np.float32], float]:
    """Return the change per second of a frame, of full scale, as a 64 × 64 map and as its mean."""
    if frame.change is None:
        return np.zeros((MAP_SIZE, MAP_SIZE), np.float32), 0.0
    if area not in frame.changes:
        rate = area_average(frame.change[area.top : area.bottom, area.left : area.right])
        rate *= np.float32(1 / (255 * frame.interval_s))
        frame.changes[area] = (rate, float(rate.mean()))
    return frame.changes[area]


def _weights(
    bounces: tuple[Bounce, ...], frames: list[_Kept], movement: list[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Sum the movement of the frames of each bounce, (n_bounces, 64, 64)."""
    weights = np.zeros((len(bounces), MAP_SIZE, MAP_SIZE), np.float32)
    times = np.array([frame.time_s for frame in frames])
    for weight, bounce in zip(weights, bounces, strict=True):
        for i in np.flatnonzero((times > bounce.start_s) & (times <= bounce.end_s + 1 / GRID_HZ)):
            weight += movement[i]
    return weights
