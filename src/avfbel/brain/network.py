"""The whole model as one graph: maps and features to the activity of every region and the emotion."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from avfbel.brain.adaptation import N_LINES, LineAdaptation
from avfbel.brain.auditory_cortex import POPULATION_SIZE, AuditoryActivity, AuditoryCortex
from avfbel.brain.contexts import CONTEXTS, in_contexts
from avfbel.brain.regions import ACOUSTIC, MAPS, POPULATIONS, REGIONS, SENSES, VISUAL_AREAS
from avfbel.brain.relay import ThalamicRelay, join, on_off
from avfbel.brain.temporal_gyrus import Fusion, TemporalGyrus
from avfbel.brain.visual_cortex import VisualActivity, VisualCortex

AUDITORY = ("col1", "features", None)
VISUAL = ("cornet-z", "features", None)
FUSION = ("gyrus", None)


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


def open_modality(modality: str, *, visual: str | None, auditory: str | None) -> str:
    """Return which senses are open: those of the modality that have a way in.

    Parameters
    ----------
    modality : {"both", "audio", "video"}
        Senses that are to be open.
    visual, auditory : str or None
        Ways in, see `Network`; None closes the sense.

    Returns
    -------
    str
        both, audio or video.

    Raises
    ------
    ValueError
        If a name is unknown, or no sense is left.

    Examples
    --------
    >>> open_modality("both", visual=None, auditory="col1")
    'audio'
    """
    _check_names(
        modality=(modality, ("both", *SENSES)), visual=(visual, VISUAL), auditory=(auditory, AUDITORY)
    )
    ways = zip(SENSES, (auditory, visual), strict=True)
    senses = [sense for sense, way in ways if way is not None and modality in ("both", sense)]
    if not senses:
        raise ValueError(f"no sense is left: modality {modality!r}, auditory {auditory!r}, visual {visual!r}")
    return "both" if len(senses) == 2 else senses[0]


def _check_names(**given: tuple[str | None, tuple[str | None, ...]]) -> None:
    for name, (value, known) in given.items():
        if value not in known:
            *most, last = (str(choice) for choice in known)
            raise ValueError(f"{name} must be {', '.join(most)} or {last}, got {value!r}")


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
    visual : {"cornet-z", "features", None}
        How sight comes in: through the visual cortex; as the five visual features themselves; or not.
    auditory : {"col1", "features", None}
        How sound comes in: through the auditory cortex; as the acoustic features themselves; or not.
    fusion : {"gyrus", None}
        Where the senses meet: in the temporal gyrus, or not before the limbic system, which then reads their
        codes side by side (signed ones as ON and OFF channels) with a constant cue; see `relay.join`.
    lines : bool
        Whether the gyrus' code is one of labelled lines (`avfbel.brain.lines`). The limbic system then reads
        them by context (`avfbel.brain.contexts`), and they adapt to what has
        been met (`avfbel.brain.adaptation`).

    Raises
    ------
    ValueError
        If a name is unknown, no sense is left, or the fused code cannot be one of lines.

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
    visual_cortex: VisualCortex
    auditory_cortex: AuditoryCortex
    temporal_gyrus: TemporalGyrus

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
        visual: str | None = "cornet-z",
        auditory: str | None = "col1",
        fusion: str | None = "gyrus",
        lines: bool = False,
    ) -> None:
        super().__init__()
        modality = open_modality(modality, visual=visual, auditory=auditory)
        _check_names(fusion=(fusion, FUSION))
        self.kappa = kappa
        self.modality = modality
        self.fusion = fusion
        is_open = [modality in ("both", sense) for sense in SENSES]
        # The gyrus has a branch for either sense. What a closed one is fed does not matter: it is silent.
        self.auditory = (auditory or "col1") if is_open[0] or fusion else None
        self.visual = (visual or "cornet-z") if is_open[1] or fusion else None
        if self.visual == "cornet-z":
            self.visual_cortex = VisualCortex(width=width, n_out=n_visual, activation=activation)
        elif self.visual == "features":
            self.visual_relay = ThalamicRelay(MAPS)
        if self.auditory == "col1":
            self.auditory_cortex = AuditoryCortex()
        elif self.auditory == "features":
            self.auditory_relay = ThalamicRelay(ACOUSTIC)
        n_auditory = {"col1": sum(POPULATION_SIZE.values()), "features": 2 * len(ACOUSTIC)}
        n_seen = {"cornet-z": n_visual, "features": 2 * len(MAPS)}
        if fusion == "gyrus":
            assert self.auditory is not None
            assert self.visual is not None
            self.temporal_gyrus = TemporalGyrus(
                n_auditory=n_auditory[self.auditory],
                n_visual=n_seen[self.visual],
                hidden=hidden,
                n_fused=n_fused,
                dropout=dropout,
            )
        else:
            heard = n_auditory[self.auditory] if self.auditory else 0
            seen = n_seen[self.visual] * (2 if self.visual == "cornet-z" else 1) if self.visual else 0
            n_fused = heard + seen + 1
        if lines:
            if fusion is None or n_fused != N_LINES:
                raise ValueError(
                    f"lines are {N_LINES} units of the gyrus: set n_fused={N_LINES} and fusion='gyrus'"
                )
            self.adaptation = LineAdaptation()
        self.lines = lines
        self.register_buffer("senses", torch.tensor([float(sense) for sense in is_open]))
        self.register_buffer("fused_scale", torch.ones(n_fused))

    @property
    def n_code(self) -> int:
        """Length of the code that the limbic system reads."""
        return len(self.fused_scale) * (len(CONTEXTS) if self.lines else 1)

    def naive_weights(self, n_outputs: int) -> LimbicWeights:
        """Return limbic weights of 0 and gains of 1."""
        k = self.n_code
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
        heard = self.hear(acoustic, evidence[:, 0], None if gain is None else gain[4:7])
        seen = self.see(maps, None if gain is None else gain[:4])
        fusion = self._fuse(heard.x_auditory, seen.x_visual, evidence, row, mask)
        x_fused = fusion.x_fused * self.fused_scale.to(fusion.x_fused.dtype)
        if self.lines:
            present = evidence if row is None or mask is None else evidence[row] * mask
            x_fused = in_contexts(self.adaptation(x_fused, present), present)
        if gain is not None and self.fusion is not None:
            x_fused = x_fused * gain[7].to(x_fused.dtype)
        areas, rates = seen.areas * evidence[:, 1:], heard.rates
        if row is not None and mask is not None:
            rates, areas = rates[row] * mask[:, :1], areas[row] * mask[:, 1:]
        fused = x_fused.mean(dim=1, keepdim=True).float()
        activity = torch.cat([areas, rates, fused if self.fusion else torch.zeros_like(fused)], dim=1)
        return Representation(x_fused, fusion.gates, activity)

    def hear(self, acoustic: Tensor, evidence: Tensor, gain: Tensor | None = None) -> AuditoryActivity:
        """Return what comes of sounds (n, 7) with evidence (n,); relayed features have no rates."""
        if self.auditory == "col1":
            heard: AuditoryActivity = self.auditory_cortex(acoustic, evidence, gain)
            return heard
        silent = acoustic.new_zeros(acoustic.shape[0], len(POPULATIONS), dtype=torch.float32)
        relayed = self.auditory_relay(acoustic) if self.auditory == "features" else silent[:, :0]
        return AuditoryActivity(relayed, silent)

    def see(self, maps: Tensor, gain: Tensor | None = None) -> VisualActivity:
        """Return what comes of maps (n, 5, h, w), or of visual features (n, 5) where they are relayed."""
        if self.visual == "cornet-z":
            seen: VisualActivity = self.visual_cortex(maps, gain)
            return seen
        silent = maps.new_zeros(maps.shape[0], len(VISUAL_AREAS), dtype=torch.float32)
        relayed = self.visual_relay(maps) if self.visual == "features" else silent[:, :0]
        return VisualActivity(relayed, silent)

    def _fuse(
        self, x_auditory: Tensor, x_visual: Tensor, evidence: Tensor, row: Tensor | None, mask: Tensor | None
    ) -> Fusion:
        if self.fusion is not None:
            fusion: Fusion = self.temporal_gyrus(x_auditory, x_visual, evidence, row, mask)
            return fusion
        dtype = torch.float32 if self.training else torch.float64
        gates = evidence.to(dtype)
        if row is not None and mask is not None:
            x_auditory, x_visual, gates = x_auditory[row], x_visual[row], gates[row] * mask.to(dtype)
        if self.visual == "cornet-z":
            x_visual = on_off(x_visual)
        return Fusion(join([x_auditory.to(dtype), x_visual.to(dtype)], gates), gates)

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
            Feature maps in the units of the features, zero where nothing moved; with ``visual="features"``
            the five visual features (n, 5) in their place, NaN where missing.
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
            of a, sum O and sum F; 0 for regions that the circuit lacks.
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
