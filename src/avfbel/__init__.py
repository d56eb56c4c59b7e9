"""avfbel: an interpretable, lightweight model of how a brain turns sound and sight into emotion.

A media file goes in; emotional positivity (EPP, 0 negative ... 0.5 neutral ... 1 positive) over time comes
out, with the activity of every modelled brain region beside it. Names are resolved on first use, so that
importing the package is light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avfbel._version import __version__
from avfbel.lazy import on_first_use

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
    "AVFBEL": "brain",
    "Analysis": "runtime",
    "Bundle": "runtime",
    "Dataset": "data",
    "Emotion": "emotion",
    "Stream": "runtime",
    "analyze": "runtime",
    "evaluate": "learn",
    "load_dataset": "data",
    "read_cortex": "learn.cortex",
    "to_scale": "emotion",
}

__all__ = ["__version__", *_HOME]
__getattr__, __dir__ = on_first_use(__name__, {"__version__": "_version", **_HOME})
