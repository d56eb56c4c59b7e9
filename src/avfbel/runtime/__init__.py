"""A trained bundle becomes predictions: streaming or from files, without torch.

Names are resolved on first use, so that importing the package is light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avfbel.lazy import on_first_use

if TYPE_CHECKING:
    from avfbel.runtime.analysis import Analysis as Analysis
    from avfbel.runtime.batch import Outcome as Outcome
    from avfbel.runtime.batch import analyze_batch as analyze_batch
    from avfbel.runtime.bundle import BUNDLE_FORMAT as BUNDLE_FORMAT
    from avfbel.runtime.bundle import Bundle as Bundle
    from avfbel.runtime.engine import Prediction as Prediction
    from avfbel.runtime.engine import Predictor as Predictor
    from avfbel.runtime.fold import analyze as analyze
    from avfbel.runtime.plan import BatchPlan as BatchPlan
    from avfbel.runtime.plan import plan_batch as plan_batch
    from avfbel.runtime.stream import Stream as Stream
    from avfbel.runtime.stream import WindowResult as WindowResult

_HOME = {
    "Analysis": "analysis",
    "BUNDLE_FORMAT": "bundle",
    "BatchPlan": "plan",
    "Bundle": "bundle",
    "Outcome": "batch",
    "Prediction": "engine",
    "Predictor": "engine",
    "Stream": "stream",
    "WindowResult": "stream",
    "analyze": "fold",  # a module of the function's own name would hide the function
    "analyze_batch": "batch",
    "plan_batch": "plan",
}

__all__ = list(_HOME)
__getattr__, __dir__ = on_first_use(__name__, _HOME)
