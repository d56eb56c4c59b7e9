"""What the circuit does and why: traces, lesions, saliency, experiments, representations, weights.

Names are resolved on first use, so that no experiment loads what only another one needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avfbel.interpret.experiment_alterations import asynchrony as asynchrony
    from avfbel.interpret.experiment_alterations import degradation as degradation
    from avfbel.interpret.experiment_pairs import congruence as congruence

_HOME = {
    "asynchrony": "experiment_alterations",
    "congruence": "experiment_pairs",
    "degradation": "experiment_alterations",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"avfbel.interpret.{_HOME[name]}"), name)
    raise AttributeError(f"module 'avfbel.interpret' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
