"""Training and honest evaluation: protocols, metrics, the noise ceiling.

Names are resolved on first use, so that metrics and protocols work without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avfbel.learn.ceiling import reliability_table as reliability_table
    from avfbel.learn.ceiling import split_half_reliability as split_half_reliability
    from avfbel.learn.metrics import score as score
    from avfbel.learn.protocols import PROTOCOLS as PROTOCOLS
    from avfbel.learn.protocols import Fold as Fold
    from avfbel.learn.protocols import make_folds as make_folds

_HOME = {
    "Fold": "protocols",
    "PROTOCOLS": "protocols",
    "make_folds": "protocols",
    "reliability_table": "ceiling",
    "score": "metrics",
    "split_half_reliability": "ceiling",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"avfbel.learn.{_HOME[name]}"), name)
    raise AttributeError(f"module 'avfbel.learn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
