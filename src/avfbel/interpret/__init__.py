"""What the circuit does and why: traces, lesions, saliency, experiments, representations, weights.

Names are resolved on first use, so that no experiment loads what only another one needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avfbel.lazy import on_first_use

if TYPE_CHECKING:
    from avfbel.interpret.design_files import plan_design as plan_design
    from avfbel.interpret.design_files import save_design as save_design
    from avfbel.interpret.experiment_alterations import asynchrony as asynchrony
    from avfbel.interpret.experiment_alterations import degradation as degradation
    from avfbel.interpret.experiment_pairs import congruence as congruence
    from avfbel.interpret.regressors import design_matrix as design_matrix
    from avfbel.interpret.traces import Traces as Traces
    from avfbel.interpret.traces import trace as trace
    from avfbel.interpret.traces_export import save_bids as save_bids
    from avfbel.interpret.trial_clips import find_clips as find_clips
    from avfbel.interpret.trial_clips import trace_clips as trace_clips

_HOME = {
    "Traces": "traces",
    "asynchrony": "experiment_alterations",
    "congruence": "experiment_pairs",
    "degradation": "experiment_alterations",
    "design_matrix": "regressors",
    "find_clips": "trial_clips",
    "plan_design": "design_files",
    "save_bids": "traces_export",
    "save_design": "design_files",
    "trace": "traces",
    "trace_clips": "trial_clips",
}

__all__ = list(_HOME)
__getattr__, __dir__ = on_first_use(__name__, _HOME)
