"""The whole model as one graph: maps and features to the activity of every region and the emotion."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from avfbel.brain.auditory_cortex import POPULATION_SIZE, AuditoryCortex
from avfbel.brain.regions import REGIONS, SENSES
from avfbel.brain.temporal_gyrus import TemporalGyrus
from avfbel.brain.visual_cortex import VisualCortex


class LimbicWeights(NamedTuple):
    """Limbic weights V (k, q), U (k, q), W (k, k), T (q,) and the gains of all regions (11,)."""

    V: Tensor
    U: Tensor
    W: Tensor
    T: Tensor
    gain: Tensor


class Representation(NamedTuple):
    """What the sensory regions make of samples, before the limbic system."""

    x_fused: Tensor
    """(m, k) fused code, at least 0."""
    gates: Tensor
    """(m, 2) mean attention gates of audio and video."""
    activity: Tensor
    """(m, 8) activity of V1, V2, V4, IT (dimensionless), PYR, PV, SOM (Hz), aSTG (dimensionless)."""


class NetworkOutput(NamedTuple):
    """What the whole model says; see `Network.forward`."""

    emotion: Tensor
    regions: Tensor
    gates: Tensor
    x_fused: Tensor


class LimbicActivity(NamedTuple):
    """Emotional output and the three limbic regions, each (n, q), in units of the reward."""

    emotion: Tensor
    amygdala: Tensor
    orbitofrontal: Tensor
    prefrontal: Tensor


def limbic_activity(x: Tensor, weights: LimbicWeights, *, kappa: float) -> LimbicActivity:
    """Return what the limbic regions say: `limbic.limbic_output` on tensors, with gains.

    Parameters
    ----------
    x : Tensor, shape (n, k)
        Stimuli, at least 0.
    weights : LimbicWeights
        Weights, and gains of which the last three multiply A, O and F where they arise (0 is a lesion).
    kappa : float
        Gain of the thalamic path.

    Returns
    -------
    LimbicActivity
        Four tensors (n, q).
    """
    gain = {region: weights.gain[i].to(x.dtype) for i, region in enumerate(REGIONS)}
    v, u, w, t = (part.to(x.dtype) for part in (weights.V, weights.U, weights.W, weights.T))
    excitation = gain["amygdala"] * x.unsqueeze(2) * v
    inhibition = gain["orbitofrontal"] * x.unsqueeze(2) * u
    thalamus = gain["amygdala"] * kappa * x.amax(dim=1, keepdim=True) * t
    amygdala = excitation.sum(dim=1) + thalamus
    orbitofrontal = inhibition.sum(dim=1)
    prefrontal = gain["prefrontal"] * (excitation * torch.matmul(w, inhibition)).sum(dim=1)
    return LimbicActivity(amygdala - orbitofrontal - prefrontal, amygdala, orbitofrontal, prefrontal)


class Network(nn.Module):
    """Visual cortex, auditory cortex, temporal gyrus and limbic system, wired.

    The limbic weights and one gain a region are inputs, not parameters: they are learned by local rules,
    adapted and lesioned from outside.

    Parameters
    ----------
    width : int
        Feature planes of V1; 64 as published.
    activation : {"relu", "gelu", "sigmoid"}
        Non-linearity of the visual areas.
    n_visual, n_fused, hidden : int
        Lengths of X_a and of the fused code, and units of the gyrus' layers.
    dropout : float
        Share of hidden units silenced while training.
    kappa : float
        Gain of the thalamic path.
    modality : {"both", "audio", "video"}
        Senses the model has; the evidence of the other is taken as 0.

    Raises
    ------
    ValueError
        If the modality is unknown.

    Examples
    --------
    >>> network = Network().eval()
    >>> weights = network.naive_weights(n_outputs=5)
    >>> said = network(torch.zeros(3, 5, 64, 64), torch.ones(3, 7), torch.zeros(3, 2), *weights)
    >>> said.emotion.shape, said.regions.shape, said.gates.shape, said.x_fused.abs().max().item()
    (torch.Size([3, 5]), torch.Size([3, 11]), torch.Size([3, 2]), 0.0)
    """

    senses: Tensor
    fused_scale: Tensor

    def __init__(
        self,
        *,
        width: int = 8,
        activation: str = "relu",
        n_visual: int = 64,
        n_fused: int = 32,
        hidden: int = 64,
        dropout: float = 0.2,
        kappa: float = 0.25,
        modality: str = "both",
    ) -> None:
        super().__init__()
        if modality not in ("both", *SENSES):
            raise ValueError(f"modality must be both, audio or video, got {modality!r}")
        self.kappa = kappa
        self.modality = modality
        self.visual_cortex = VisualCortex(width=width, n_out=n_visual, activation=activation)
        self.auditory_cortex = AuditoryCortex()
        self.temporal_gyrus = TemporalGyrus(
            n_auditory=sum(POPULATION_SIZE.values()),
            n_visual=n_visual,
            hidden=hidden,
            n_fused=n_fused,
            dropout=dropout,
        )
        self.register_buffer("senses", torch.tensor([float(modality in ("both", sense)) for sense in SENSES]))
        self.register_buffer("fused_scale", torch.ones(n_fused))

    def naive_weights(self, n_outputs: int) -> LimbicWeights:
        """Return limbic weights of 0 and gains of 1."""
        k = len(self.fused_scale)
        zeros = torch.zeros
        return LimbicWeights(
            zeros(k, n_outputs), zeros(k, n_outputs), zeros(k, k), zeros(n_outputs), torch.ones(len(REGIONS))
        )

    def represent(
        self,
        maps: Tensor,
        acoustic: Tensor,
        evidence: Tensor,
        gain: Tensor | None = None,
        *,
        row: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Representation:
        """Return what the sensory regions make of clips, or of samples of them.

        Parameters
        ----------
        maps, acoustic, evidence : Tensor, shapes (n, 5, h, w), (n, 7), (n, 2)
            Clips as in `forward`.
        gain : Tensor, shape (11,), optional
            One factor a region; 1 by default.
        row, mask : Tensor, shapes (m,) and (m, 2), optional
            Which clip each of m samples is, and which senses it opens (0 or 1).

        Returns
        -------
        Representation
            For the m samples, or the n clips.
        """
        evidence = evidence * self.senses
        heard = self.auditory_cortex(acoustic, evidence[:, 0], None if gain is None else gain[4:7])
        seen = self.visual_cortex(maps, None if gain is None else gain[:4])
        fusion = self.temporal_gyrus(heard.x_auditory, seen.x_visual, evidence, row, mask)
        x_fused = fusion.x_fused * self.fused_scale.to(fusion.x_fused.dtype)
        if gain is not None:
            x_fused = x_fused * gain[7].to(x_fused.dtype)
        areas, rates = seen.areas * evidence[:, 1:], heard.rates
        if row is not None and mask is not None:
            rates, areas = rates[row] * mask[:, :1], areas[row] * mask[:, 1:]
        activity = torch.cat([areas, rates, x_fused.mean(dim=1, keepdim=True).float()], dim=1)
        return Representation(x_fused, fusion.gates, activity)

    def forward(
        self,
        maps: Tensor,
        acoustic: Tensor,
        evidence: Tensor,
        V: Tensor,
        U: Tensor,
        W: Tensor,
        T: Tensor,
        gain: Tensor,
    ) -> NetworkOutput:
        """Run the whole pathway.

        Parameters
        ----------
        maps : Tensor, shape (n, 5, h, w)
            Feature maps in the units of the features, zero where nothing moved.
        acoustic : Tensor, shape (n, 7)
            Acoustic features in their units; NaN is missing.
        evidence : Tensor, shape (n, 2)
            Evidence of sound and of motion, 0 to 1. Without either, the emotion is exactly 0.
        V, U, W, T : Tensor, shapes (k, q), (k, q), (k, k), (q,)
            Limbic weights, dimensionless.
        gain : Tensor, shape (11,)
            Factor on the output of each of `REGIONS`; 1 is normal, 0 a lesion.

        Returns
        -------
        emotion : Tensor, shape (n, q)
            Raw emotional output E, in units of the reward; may be below 0.
        regions : Tensor, shape (n, 11)
            Activity of `REGIONS`: mean activation of the visual areas times the evidence of motion, mean
            firing rate of the auditory populations in Hz, mean of the fused code, and the means over emotions
            of a, sum O and sum F.
        gates : Tensor, shape (n, 2)
            Mean attention of audio and video times their evidence.
        x_fused : Tensor, shape (n, k)
            Fused code, at least 0. (All outputs are float32.)
        """
        representation = self.represent(maps, acoustic, evidence, gain)
        return self.feel(representation, LimbicWeights(V, U, W, T, gain))

    def feel(self, representation: Representation, weights: LimbicWeights) -> NetworkOutput:
        """Return what `forward` does, from what the sensory regions made of samples (`represent`)."""
        limbic = limbic_activity(representation.x_fused, weights, kappa=self.kappa)
        means = [part.mean(dim=1, keepdim=True).float() for part in limbic[1:]]
        regions = torch.cat([representation.activity, *means], dim=1)
        gates, x_fused = representation.gates.float(), representation.x_fused.float()
        return NetworkOutput(limbic.emotion.float(), regions, gates, x_fused)
