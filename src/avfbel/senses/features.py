"""What the senses measure: the names of the features, their units, and the record of one window."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VISUAL_FEATURES = ("speed", "jitter", "consonance", "bigsmall", "updown")
"""The five visual features: the parameters of a bouncing body, seen from outside."""

ACOUSTIC_FEATURES = ("pitch", "tonnetz", "rms", "tempo", "duration")
"""The five acoustic features of the paper."""

MELODIC_FEATURES = ("direction", "harmony")
"""Two more of the ear, which the paper's five do not hold: where the melody goes, how its tones agree."""

ALL_ACOUSTIC = ACOUSTIC_FEATURES + MELODIC_FEATURES
"""The seven entries of an acoustic feature vector, in order."""

FEATURE_UNITS = {
    "speed": "bounces/min",
    "jitter": "dimensionless",
    "consonance": "dimensionless",
    "bigsmall": "frame heights",
    "updown": "rad/bounce",
    "pitch": "Hz",
    "tonnetz": "dimensionless",
    "rms": "full scale 1",
    "tempo": "bpm",
    "duration": "s",
    "direction": "share of steps",
    "harmony": "dimensionless",
}
"""The unit of each of the twelve features."""

MAP_SIZE = 64
"""Height and width of a feature map."""


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class SensoryFeatures:
    """What eye and ear measured in one window. A feature that could not be measured is NaN.

    Examples
    --------
    >>> silence = SensoryFeatures.empty(0.0, 4.0)
    >>> silence.g_audio, silence.maps.shape, silence.to_dict()["tempo"]
    (0.0, (5, 64, 64), None)
    """

    start_s: float
    end_s: float
    start_frame: int | None
    end_frame: int | None
    visual: NDArray[np.float64]  # (5,) VISUAL_FEATURES
    acoustic: NDArray[np.float64]  # (7,) ACOUSTIC_FEATURES, MELODIC_FEATURES
    maps: NDArray[np.float32]  # (5, 64, 64), zero where nothing moved
    g_audio: float  # evidence gates, 0 to 1
    g_video: float

    @classmethod
    def empty(cls, start_s: float, end_s: float) -> SensoryFeatures:
        """Return a window, from `start_s` to `end_s` in s, in which nothing was seen or heard."""
        return cls(
            start_s=start_s,
            end_s=end_s,
            start_frame=None,
            end_frame=None,
            visual=np.full(len(VISUAL_FEATURES), np.nan),
            acoustic=np.full(len(ALL_ACOUSTIC), np.nan),
            maps=np.zeros((len(VISUAL_FEATURES), MAP_SIZE, MAP_SIZE), np.float32),
            g_audio=0.0,
            g_video=0.0,
        )

    def to_dict(self) -> dict[str, float | None]:
        """Return the twelve features by name, with None for what could not be measured."""
        names = VISUAL_FEATURES + ALL_ACOUSTIC
        values = [*self.visual.tolist(), *self.acoustic.tolist()]
        return {name: None if math.isnan(value) else value for name, value in zip(names, values, strict=True)}
