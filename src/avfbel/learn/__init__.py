"""Training, protocols, metrics and noise ceilings: how the model learns, and how far it can be trusted.

Names are resolved on first use, so that metrics can be used where torch is not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avfbel.lazy import on_first_use

if TYPE_CHECKING:
    from avfbel.learn.candidates import CANDIDATES as CANDIDATES
    from avfbel.learn.candidates import Settings as Settings
    from avfbel.learn.candidates import make_candidate as make_candidate
    from avfbel.learn.crossvalidation import cross_validate as cross_validate
    from avfbel.learn.crossvalidation import evaluate as evaluate
    from avfbel.learn.evaluation import Evaluation as Evaluation
    from avfbel.learn.metrics import score as score
    from avfbel.learn.protocols import PROTOCOLS as PROTOCOLS
    from avfbel.learn.protocols import Fold as Fold
    from avfbel.learn.protocols import make_folds as make_folds
    from avfbel.learn.training import train_bundle as train_bundle

_HOME = {
    "CANDIDATES": "candidates",
    "Evaluation": "evaluation",
    "Fold": "protocols",
    "PROTOCOLS": "protocols",
    "Settings": "candidates",
    "cross_validate": "crossvalidation",
    "evaluate": "crossvalidation",
    "make_candidate": "candidates",
    "make_folds": "protocols",
    "score": "metrics",
    "train_bundle": "training",
}

__all__ = list(_HOME)
__getattr__, __dir__ = on_first_use(__name__, _HOME)
