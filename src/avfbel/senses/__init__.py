"""Eye and ear: media or live input becomes windows of measured features and maps.

Everything is measured from pixels and samples; nothing here knows how a stimulus was made. Names are resolved
on first use, so that the ear can be used without the eye and neither costs anything until it is.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avfbel.senses.acoustic import AcousticMeasurement as AcousticMeasurement
    from avfbel.senses.acoustic import AcousticTrack as AcousticTrack
    from avfbel.senses.acoustic import measure_acoustic as measure_acoustic
    from avfbel.senses.features import ACOUSTIC_FEATURES as ACOUSTIC_FEATURES
    from avfbel.senses.features import ALL_ACOUSTIC as ALL_ACOUSTIC
    from avfbel.senses.features import FEATURE_UNITS as FEATURE_UNITS
    from avfbel.senses.features import MELODIC_FEATURES as MELODIC_FEATURES
    from avfbel.senses.features import VISUAL_FEATURES as VISUAL_FEATURES
    from avfbel.senses.features import SensoryFeatures as SensoryFeatures
    from avfbel.senses.media import Frame as Frame
    from avfbel.senses.media import Media as Media
    from avfbel.senses.media import Sound as Sound
    from avfbel.senses.media import open_media as open_media
    from avfbel.senses.media import working_size as working_size
    from avfbel.senses.visual import VisualMeasurement as VisualMeasurement
    from avfbel.senses.visual import VisualTrack as VisualTrack
    from avfbel.senses.windows import plan_windows as plan_windows

_HOME = {
    "ACOUSTIC_FEATURES": "features",
    "ALL_ACOUSTIC": "features",
    "AcousticMeasurement": "acoustic",
    "AcousticTrack": "acoustic",
    "FEATURE_UNITS": "features",
    "Frame": "media",
    "MELODIC_FEATURES": "features",
    "Media": "media",
    "SensoryFeatures": "features",
    "Sound": "media",
    "VISUAL_FEATURES": "features",
    "VisualMeasurement": "visual",
    "VisualTrack": "visual",
    "measure_acoustic": "acoustic",
    "open_media": "media",
    "plan_windows": "windows",
    "working_size": "media",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"avfbel.senses.{_HOME[name]}"), name)
    raise AttributeError(f"module 'avfbel.senses' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
