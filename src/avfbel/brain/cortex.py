"""Sensory regions that have learned, to keep and to build on: settings, weights, how they learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from avfbel.brain.adaptation import N_LINES
from avfbel.brain.contexts import CONTEXTS
from avfbel.brain.lines import LineSettings, unit_names
from avfbel.brain.network import Network


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Cortex:
    """Visual cortex, auditory cortex and temporal gyrus that tell what ear and eye measure.

    Attributes
    ----------
    settings : LineSettings
        Architecture, and how they learned.
    weights : mapping of str to ndarray
        Every parameter and statistic of the network by name.
    story : mapping
        What they learned from and how well: texts, numbers and lists, for cards.
    """

    settings: LineSettings
    weights: Mapping[str, NDArray[Any]]
    story: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Network, settings: LineSettings, story: Mapping[str, Any] | None = None) -> Self:
        """Return the sensory regions of a network that `learn_lines` has trained."""
        weights = {name: value.detach().cpu().numpy().copy() for name, value in network.state_dict().items()}
        for name in _OF_ITS_USE:
            weights.pop(name, None)
        return cls(settings=settings, weights=weights, story=dict(story or {}))

    @property
    def unit_names(self) -> tuple[str, ...]:
        """Names of the units that the limbic system reads: context and line."""
        return tuple(f"{context} {line}" for context in CONTEXTS for line in unit_names())

    def network(self, *, kappa: float, modality: str = "both") -> Network:
        """Build a network around these regions.

        Parameters
        ----------
        kappa : float
            Gain of the thalamic path.
        modality : {"both", "audio", "video"}
            The senses that are open.

        Returns
        -------
        Network
            In evaluation mode.

        Raises
        ------
        ValueError
            If the weights do not belong to the settings, naming those that are missing, too many, or of
            another shape.
        """
        s = self.settings
        network = Network(
            width=s.width,
            activation=s.activation,
            n_visual=s.n_visual,
            hidden=s.hidden,
            n_fused=N_LINES,
            dropout=0.0,  # of regions that stay as they are, nothing is silenced
            kappa=kappa,
            modality=modality,
            lines=True,
        )
        own = network.state_dict()
        wanted = {(name, tuple(w.shape) or (1,)) for name, w in own.items() if name not in _OF_ITS_USE}
        given = {(name, w.shape or (1,)) for name, w in self.weights.items()}
        if wanted != given:
            wrong = ", ".join(sorted({name for name, _ in wanted ^ given}))
            raise ValueError(f"these weights are not those of a cortex of such settings: {wrong}")
        state = {name: torch.from_numpy(np.array(value)) for name, value in self.weights.items()}
        network.load_state_dict(own | state)
        return network.eval()

    def __repr__(self) -> str:
        return f"Cortex({asdict(self.settings)}, sha256={self.story.get('sha256')})"


_OF_ITS_USE = ("senses", "fused_scale", "adaptation.mean", "adaptation.sd")
"""What a network is told or learns after its cortex: which senses are open, and how its code adapts."""
