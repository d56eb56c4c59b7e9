"""What the model costs, module by module: parameters, statistics of training data, operations per window."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import nn

from avfbel.brain.auditory_cortex import POPULATION_SIZE
from avfbel.brain.regions import SENSES
from avfbel.brain.temporal_gyrus import Branch

if TYPE_CHECKING:
    from avfbel.brain.network import Network
    from avfbel.brain.recurrent import RecurrentLimbic


class ModuleCost(NamedTuple):
    """What a module costs."""

    module: str
    trained: int
    """Parameters learned by gradient or by the local rule."""
    measured: int
    """Numbers taken from training data otherwise: percentiles, means, standard deviations, scales."""
    operations: int
    """Multiply-accumulates for one window; exponentials, comparisons, pooling and batch norm not counted."""


def network_costs(
    network: Network, *, n_outputs: int, limbic: RecurrentLimbic | None, prefrontal: bool
) -> list[ModuleCost]:
    """Return what each module of a circuit costs, in the order of the pathway.

    Parameters
    ----------
    network : Network
        The sensory regions; senses that are closed cost nothing and are left out.
    n_outputs : int
        Number q of emotions.
    limbic : RecurrentLimbic or None
        The recurrent limbic system, if it learns by gradient.
    prefrontal : bool
        Whether the prefrontal cortex learns, by the local rule.

    Returns
    -------
    list of ModuleCost
        One a module.
    """
    open_senses = [sense for sense in SENSES if network.modality in ("both", sense)]
    costs = []
    if "video" in open_senses:
        costs += _sight(network)
    if "audio" in open_senses:
        costs.append(_hearing(network))
    if network.fusion is not None:
        costs += _gyrus(network, open_senses)
    if network.lines:
        n = len(network.adaptation.mean)
        costs.append(ModuleCost("adaptation of the lines", 0, 2 * n, 2 * n))
        costs.append(ModuleCost("contexts of the lines", 0, 0, network.n_code))
    costs.append(ModuleCost("scale of the fused code", 0, len(network.fused_scale), len(network.fused_scale)))
    if limbic is None:
        return costs + _local_limbic(network.n_code, n_outputs, prefrontal)
    return costs + _recurrent_limbic(limbic)


def _sight(network: Network) -> list[ModuleCost]:
    if network.visual == "features":
        n = len(network.visual_relay.mean)
        return [ModuleCost("visual features", 0, 3 * n, n)]
    scale = network.visual_cortex.scale
    measured = scale.reference.numel() + scale.mean.numel() + scale.sd.numel()
    areas = [ModuleCost(area, n, 0, macs) for area, n, macs in network.visual_cortex.costs()]
    *_, decoder = areas
    return [
        ModuleCost("scale of the maps", 0, measured, 2 * 64 * 64 * scale.mean.numel()),
        *areas[:-1],
        decoder._replace(module="visual decoder"),
    ]


def _hearing(network: Network) -> ModuleCost:
    if network.auditory == "features":
        n = len(network.auditory_relay.mean)
        return ModuleCost("acoustic features", 0, 3 * n, n)
    cortex = network.auditory_cortex
    neurons = sum(POPULATION_SIZE.values())
    # of each feature its z; of each neuron its distance from z in widths, and its current
    operations = len(cortex.features) + 2 * neurons
    return ModuleCost(
        "auditory cortex", _trained(cortex), cortex.low.numel() + cortex.high.numel(), operations
    )


def _gyrus(network: Network, open_senses: list[str]) -> list[ModuleCost]:
    costs = []
    for sense in open_senses:
        branch = network.temporal_gyrus.branches[sense]
        assert isinstance(branch, Branch)
        norms = sum(2 * (norm.weight.numel()) for norm in branch.norms if isinstance(norm, nn.BatchNorm1d))
        costs.append(ModuleCost(f"{sense} branch", _trained(branch), norms, _products(branch)))
    if len(open_senses) == len(SENSES):
        interaction = network.temporal_gyrus.interaction
        costs.append(ModuleCost("interaction", _trained(interaction), 0, _products(interaction)))
    final = network.temporal_gyrus.final
    return [*costs, ModuleCost("final layer", _trained(final), 0, _products(final))]


def _local_limbic(k: int, q: int, prefrontal: bool) -> list[ModuleCost]:
    control = k * k if prefrontal else 0
    return [
        ModuleCost("thalamus", q, 0, q),
        ModuleCost("amygdala", k * q, 0, k * q),
        ModuleCost("orbitofrontal cortex", k * q, 0, k * q),
        ModuleCost("prefrontal cortex", control, 0, control * q + k * q if prefrontal else 0),
    ]


def _recurrent_limbic(limbic: RecurrentLimbic) -> list[ModuleCost]:
    layers = {
        "hidden layer": (limbic.input, limbic.context),
        "amygdala (FC_A)": (limbic.fc_a,),
        "orbitofrontal cortex (FC_O)": (limbic.fc_o,),
        "prefrontal cortex (control)": (limbic.control,),
    }
    return [
        ModuleCost(name, sum(map(_trained, parts)), 0, sum(map(_products, parts)))
        for name, parts in layers.items()
    ]


def _trained(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _products(module: nn.Module) -> int:
    """Return the multiply-accumulates of all linear layers in a module, for one sample."""
    return sum(part.weight.numel() for part in module.modules() if isinstance(part, nn.Linear))
