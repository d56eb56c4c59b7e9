"""avfbel: an interpretable, lightweight model of how a brain turns sound and sight into emotion.

A media file goes in; emotional positivity (EPP, 0 negative ... 0.5 neutral ... 1 positive) over time comes
out, with the activity of every modelled brain region beside it. Names are resolved on first use, so that
importing the package is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from avfbel._version import __version__

if TYPE_CHECKING:
    from avfbel.brain import AVFBEL as AVFBEL
    from avfbel.data import Dataset as Dataset
    from avfbel.data import load_dataset as load_dataset
    from avfbel.emotion import Emotion as Emotion
    from avfbel.emotion import to_scale as to_scale
    from avfbel.learn import evaluate as evaluate
    from avfbel.learn.cortex import read_cortex as read_cortex
    from avfbel.runtime import Analysis as Analysis
    from avfbel.runtime import Bundle as Bundle
    from avfbel.runtime import Stream as Stream
    from avfbel.runtime import analyze as analyze

_HOME = {
    "AVFBEL": "avfbel.brain",
    "Analysis": "avfbel.runtime",
    "Bundle": "avfbel.runtime",
    "Dataset": "avfbel.data",
    "Emotion": "avfbel.emotion",
    "Stream": "avfbel.runtime",
    "analyze": "avfbel.runtime",
    "evaluate": "avfbel.learn",
    "load_dataset": "avfbel.data",
    "read_cortex": "avfbel.learn.cortex",
    "to_scale": "avfbel.emotion",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'avfbel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
