"""The model: visual cortex, auditory cortex, temporal gyrus, amygdala, orbitofrontal and prefrontal cortex.

A region is a pure function plus a small module around it; `Network` wires them, `AVFBEL` trains them. The
limbic rules and their estimator are numpy; everything else needs torch, which the extra ``avfbel[train]``
brings. Names are resolved on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from avfbel.lazy import on_first_use

if TYPE_CHECKING:
    from avfbel.brain.auditory_cortex import AuditoryCortex as AuditoryCortex
    from avfbel.brain.bel import BrainEmotionalLearning as BrainEmotionalLearning
    from avfbel.brain.column import ColumnActivity as ColumnActivity
    from avfbel.brain.column import forward_suppression as forward_suppression
    from avfbel.brain.column import onset_envelope as onset_envelope
    from avfbel.brain.column import paired_tones as paired_tones
    from avfbel.brain.column import simulate_column as simulate_column
    from avfbel.brain.column_parameters import ColumnParameters as ColumnParameters
    from avfbel.brain.limbic import LimbicParameters as LimbicParameters
    from avfbel.brain.limbic import LimbicState as LimbicState
    from avfbel.brain.limbic import initial_state as initial_state
    from avfbel.brain.limbic import limbic_output as limbic_output
    from avfbel.brain.limbic import limbic_step as limbic_step
    from avfbel.brain.limbic_learning import limbic_fit as limbic_fit
    from avfbel.brain.limbic_learning import shuffled_passes as shuffled_passes
    from avfbel.brain.model import AVFBEL as AVFBEL
    from avfbel.brain.network import Network as Network
    from avfbel.brain.recurrent import RecurrentLimbic as RecurrentLimbic
    from avfbel.brain.regions import REGIONS as REGIONS
    from avfbel.brain.samples import Samples as Samples
    from avfbel.brain.spiking import lif_firing_rate as lif_firing_rate
    from avfbel.brain.spiking import lif_spike_count as lif_spike_count
    from avfbel.brain.spiking import lif_spike_times as lif_spike_times
    from avfbel.brain.spiking_piecewise import lif_spike_count_piecewise as lif_spike_count_piecewise
    from avfbel.brain.spiking_piecewise import lif_spike_times_piecewise as lif_spike_times_piecewise
    from avfbel.brain.temporal_gyrus import TemporalGyrus as TemporalGyrus
    from avfbel.brain.visual_cortex import VisualCortex as VisualCortex

_NUMPY = {
    "BrainEmotionalLearning": "bel",
    "ColumnActivity": "column",
    "ColumnParameters": "column_parameters",
    "LimbicParameters": "limbic",
    "LimbicState": "limbic",
    "REGIONS": "regions",
    "Samples": "samples",
    "forward_suppression": "column",
    "initial_state": "limbic",
    "limbic_fit": "limbic_learning",
    "limbic_output": "limbic",
    "limbic_step": "limbic",
    "onset_envelope": "column",
    "paired_tones": "column",
    "shuffled_passes": "limbic_learning",
    "simulate_column": "column",
}
_TORCH = {
    "AVFBEL": "model",
    "AuditoryCortex": "auditory_cortex",
    "Network": "network",
    "RecurrentLimbic": "recurrent",
    "TemporalGyrus": "temporal_gyrus",
    "VisualCortex": "visual_cortex",
    "lif_firing_rate": "spiking",
    "lif_spike_count": "spiking",
    "lif_spike_count_piecewise": "spiking_piecewise",
    "lif_spike_times": "spiking",
    "lif_spike_times_piecewise": "spiking_piecewise",
}
__all__ = sorted({**_NUMPY, **_TORCH})
_resolve, __dir__ = on_first_use(__name__, {**_NUMPY, **_TORCH})


def __getattr__(name: str) -> Any:
    try:
        return _resolve(name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError(f'{name} needs torch: pip install "avfbel[train]"', name="torch") from error
