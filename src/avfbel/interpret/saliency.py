"""Where in the picture: what each place of the feature maps, and of every visual area, does for EPP.

One rule serves at every stage of the visual pathway, from what V1 is given to what IT passes on: the gradient
of EPP with respect to the activation at a place, times that activation, summed over planes. On the input it
is gradient x input; on the areas it is a class-activation map whose weights are taken place by place.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import EPP_WEIGHTS, PRIOR
from avfbel.errors import InputError
from avfbel.senses.features import SensoryFeatures

if TYPE_CHECKING:
    from torch import Tensor

    from avfbel.brain.network import Network

INPUT = "input"
"""The stage before V1: the five feature maps, standardised as V1 is given them."""


class PictureSaliency(NamedTuple):
    """What places did for the EPP of n windows, by stage; signed, in units of EPP."""

    stages: Mapping[str, NDArray[np.float64]]
    """(n, s, s) each: `INPUT` 64 x 64, V1 16, V2 8, V4 4, IT 2."""
    epp: NDArray[np.float64]
    """(n,) EPP, as torch computes it."""


def picture_saliency(
    network: Network,
    weights: Mapping[str, Tensor],
    windows: Sequence[SensoryFeatures],
    *,
    averaged: bool = False,
) -> PictureSaliency:
    r"""Tell what each place of the picture does for the EPP of measured windows.

    With the activations :math:`a_{kp}` of plane k at place p of a stage, the saliency of the place is
    :math:`\sum_k a_{kp}\, \partial \mathrm{EPP} / \partial a_{kp}`. The maps are taken as V1 is given them:
    standardised, zero where nothing moved. So zero is "nothing moved here", and a map below average is not
    taken for one that is absent.

    Parameters
    ----------
    network : Network
        A network with a visual cortex, in evaluation mode.
    weights : Mapping of str to Tensor
        V, U, W, T and gain.
    windows : sequence of SensoryFeatures
        One or more measured windows, as the model perceives them (`perceived_by`).
    averaged : bool
        Whether the weights of the areas' planes are averaged over places (Grad-CAM [1]_) instead of being
        taken place by place [2]_. The stage before V1 stays as it is.

    Returns
    -------
    PictureSaliency
        Positive where what moved makes a window more positive. Exactly 0 at places of the input where nothing
        moved, and everywhere without evidence of motion.

    Raises
    ------
    InputError
        If the network wants an input that windows do not hold.

    References
    ----------
    .. [1] Selvaraju et al. (2017), *Grad-CAM: visual explanations from deep networks via gradient-based
           localization*, ICCV.
    .. [2] Draelos & Carin (2020), *Use HiResCAM instead of Grad-CAM for faithful explanations of
           convolutional neural networks*, arXiv:2011.08891.
    """
    import torch

    feed = network_inputs(network, windows) | dict(weights)
    areas = list(network.visual_cortex.areas)
    with _listening(network) as heard:
        epp = positivity(network(**feed).emotion)
    gradients = dict(zip(heard, torch.autograd.grad(epp.sum(), list(heard.values())), strict=True))
    activations: dict[str, Tensor] = {name: signal.detach() for name, signal in heard.items()}
    with torch.no_grad():
        # the decoder reads means over places, so every place of the last area has the same share in them
        last = network.visual_cortex.activations(feed["maps"], feed["gain"][: len(areas)])[-1]
    activations[areas[-1]] = last
    gradients[areas[-1]] = (gradients[areas[-1]] / (last.shape[2] * last.shape[3]))[:, :, None, None]
    stages = {}
    for name, activation in activations.items():
        gradient = gradients[name]
        if averaged and name != INPUT:
            gradient = gradient.mean(dim=(2, 3), keepdim=True)
        stages[name] = (gradient * activation).sum(dim=1).double().numpy()
    return PictureSaliency(stages, epp.detach().numpy())


def network_inputs(network: Network, windows: Sequence[SensoryFeatures]) -> dict[str, Tensor]:
    """Return what a network's `forward` wants of measured windows, by name, as tensors; not the weights.

    Raises
    ------
    InputError
        If it wants something that windows do not hold.
    """
    import torch

    measured: dict[str, NDArray[np.floating]] = {
        "maps": np.stack([window.maps for window in windows]),
        "acoustic": np.stack([window.acoustic for window in windows]),
        "evidence": np.array([(window.g_audio, window.g_video) for window in windows]),
        "visual": np.stack([window.visual for window in windows]),
    }
    wanted = [name for name in inspect.signature(network.forward).parameters if name in measured]
    unknown = set(inspect.signature(network.forward).parameters) - {*measured, "V", "U", "W", "T", "gain"}
    if unknown:
        raise InputError(f"the network wants {', '.join(sorted(unknown))}, which no measured window holds")
    return {name: torch.from_numpy(measured[name].astype(np.float32)) for name in wanted}


def positivity(emotion: Tensor) -> Tensor:
    """Return the EPP (n,) of emotional outputs (n, 5): `avfbel.emotion.predicted_epp` with a gradient."""
    import torch

    felt = emotion.double().clamp(min=0.0)
    weight = torch.tensor(EPP_WEIGHTS, dtype=felt.dtype)
    epp: Tensor = (PRIOR / 2 + (felt * weight).sum(dim=1)) / (PRIOR + felt.sum(dim=1))
    return epp


@contextmanager
def _listening(network: Network) -> Iterator[dict[str, Tensor]]:
    """Note what V1 is given and what each area passes on, while a network runs; the gradient ends at V1."""
    cortex = network.visual_cortex
    heard: dict[str, Tensor] = {}

    def given(_module: Any, _inputs: Any, output: Tensor) -> Tensor:
        heard[INPUT] = output.detach().requires_grad_(True)
        return heard[INPUT]

    def passing_on(area: str) -> Any:
        def note(_module: Any, inputs: tuple[Tensor, ...]) -> None:
            heard[area] = inputs[0]

        return note

    readers = [*list(cortex.areas.values())[1:], cortex.decoder]  # who reads each area
    hooks = [cortex.scale.register_forward_hook(given)]
    for area, reader in zip(cortex.areas, readers, strict=True):
        hooks.append(reader.register_forward_pre_hook(passing_on(area)))
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()
