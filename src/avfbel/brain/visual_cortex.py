"""Visual cortex: CORnet-Z over five feature maps, V1 -> V2 -> V4 -> IT -> linear decoder (Eq. 1-3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from avfbel.brain.regions import MAPS, VISUAL_AREAS

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "sigmoid": torch.sigmoid,
}
MAP_LIMIT = (
    4.0  # standard deviations: films beyond anything trained on push the areas this far and no further
)


class VisualActivity(NamedTuple):
    """What the visual cortex passes on, and how active its areas were."""

    x_visual: Tensor
    """(n, n_out) decoder output X_a, dimensionless."""
    areas: Tensor
    """(n, 4) mean activity of V1, V2, V4, IT, dimensionless."""


class VisualAreas(NamedTuple):
    """Full activation of each area, (n, planes, height, width), dimensionless, with its gain applied."""

    V1: Tensor
    V2: Tensor
    V4: Tensor
    IT: Tensor


class AreaCost(NamedTuple):
    """What an area costs."""

    area: str
    """V1, V2, V4, IT or decoder."""
    parameters: int
    """Weights and biases."""
    operations: int
    """Multiply-accumulates for one window; activations, pooling and standardisation are not counted."""


class MapScale(nn.Module):
    r"""Standardise feature maps over moving pixels, so that zero stays zero where nothing moved.

    A painted map fades to zero at the rim of what moved. Subtracting the training mean there would turn the
    faintest trace of motion into a large negative number beside exact zeros. So the mean is subtracted in
    proportion to a pixel's presence: p = min(1, speed map / reference), 0 where nothing moved, 1 well inside
    a moving thing (speed is the channel that is positive wherever something moved). Channel c becomes
    (map_c - p mean_c) / sd_c, limited to +-4 sd.

    Buffers `reference`, `mean`, `sd` come from `fit` on training maps only; until then the module changes
    nothing but the limit.
    """

    reference: Tensor
    mean: Tensor
    sd: Tensor

    def __init__(self, n_maps: int = len(MAPS)) -> None:
        super().__init__()
        self.register_buffer("reference", torch.tensor(1.0))
        self.register_buffer("mean", torch.zeros(n_maps, 1, 1))
        self.register_buffer("sd", torch.ones(n_maps, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Standardise maps (n, c, h, w) in the units of the features; the result is dimensionless."""
        presence = (maps[:, :1] / self.reference).clamp(0.0, 1.0)
        return ((maps - presence * self.mean) / self.sd).clamp(-MAP_LIMIT, MAP_LIMIT)

    def fit(self, maps: NDArray[np.floating[Any]], rows: NDArray[np.int64]) -> None:
        """Take reference, mean and sd from the maps (n, c, h, w) at the training `rows`.

        The reference is half the speed of slow clips (5th percentile over clips of the median over moving
        pixels); mean and sd are weighted by presence. Maps without any motion leave the buffers as they are.
        """
        speeds = [
            values[values > 0] for values in (np.asarray(maps[row, 0], dtype=np.float64) for row in rows)
        ]
        typical = [float(np.median(speed)) for speed in speeds if speed.size]
        if not typical:
            return
        reference = 0.5 * float(np.quantile(typical, 0.05))
        weight, first, second = 0.0, np.zeros(len(self.mean)), np.zeros(len(self.mean))
        for row in rows:
            picture = np.asarray(maps[row], dtype=np.float64)
            presence = np.clip(picture[0] / reference, 0.0, 1.0)
            weight += presence.sum()
            first += picture.sum(axis=(1, 2))
            second += (picture**2 / np.maximum(presence, 1e-9)).sum(axis=(1, 2), where=presence > 0)
        mean = first / weight
        sd = np.sqrt(np.maximum(second / weight - mean**2, 0.0))
        sd = np.where(sd > 1e-6 * np.maximum(1.0, abs(mean)), sd, 1.0)  # a constant channel carries nothing
        self.reference.fill_(reference)
        self.mean.copy_(torch.from_numpy(mean).reshape(-1, 1, 1))
        self.sd.copy_(torch.from_numpy(sd).reshape(-1, 1, 1))


class VisualCortex(nn.Module):
    """CORnet-Z over feature maps: four areas of convolution and max-pooling, then a linear decoder.

    Parameters
    ----------
    width : int
        Feature planes of V1; V2, V4 and IT have 2, 4 and 8 times as many. 64 is the published size.
    n_maps : int
        Number of input maps (Eq. 1: as many channels as features).
    n_out : int
        Length of the decoder's output X_a.
    activation : {"relu", "gelu", "sigmoid"}
        Non-linearity of the areas (the paper's ablation).

    Raises
    ------
    ValueError
        If the activation is unknown or the width is below 1.

    References
    ----------
    .. [1] Kubilius et al. (2018), *CORnet: modeling the neural mechanisms of core object
           recognition*, bioRxiv.

    Examples
    --------
    >>> cortex = VisualCortex(width=8)
    >>> x_visual, areas = cortex(torch.zeros(2, 5, 64, 64))
    >>> x_visual.shape, areas.shape
    (torch.Size([2, 64]), torch.Size([2, 4]))

    As released, on a one-pixel "image" of the five numbers:

    >>> VisualCortex(width=64, n_out=1000)(torch.ones(1, 5, 1, 1)).x_visual.shape
    torch.Size([1, 1000])
    """

    def __init__(
        self, *, width: int = 8, n_maps: int = len(MAPS), n_out: int = 64, activation: str = "relu"
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}")
        self.activation = activation
        planes = [n_maps, *(width * 2**depth for depth in range(len(VISUAL_AREAS)))]
        self.scale = MapScale(n_maps)
        self.areas = nn.ModuleDict()
        for i, name in enumerate(VISUAL_AREAS):
            kernel, stride = (7, 2) if name == "V1" else (3, 1)
            self.areas[name] = nn.Conv2d(planes[i], planes[i + 1], kernel, stride, padding=kernel // 2)
        self.decoder = nn.Linear(planes[-1], n_out)
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)

    def forward(self, maps: Tensor, gain: Tensor | None = None) -> VisualActivity:
        """Look at feature maps.

        Parameters
        ----------
        maps : Tensor, shape (n, n_maps, h, w)
            Feature maps in the units of the features, zero where nothing moved.
        gain : Tensor, shape (4,), optional
            Factor on the activations of V1, V2, V4, IT (0 is a lesion); 1 by default.

        Returns
        -------
        VisualActivity
            Decoder output (n, n_out) and mean activity of the areas (n, 4).
        """
        activity = []
        for signal in self._pathway(maps, gain):
            activity.append(signal.mean(dim=(1, 2, 3)))
        x_visual: Tensor = self.decoder(signal.mean(dim=(2, 3)))
        return VisualActivity(x_visual, torch.stack(activity, dim=1))

    def activations(self, maps: Tensor, gain: Tensor | None = None) -> VisualAreas:
        """Return the full activation maps of V1, V2, V4 and IT, of which `forward` tells the means.

        Parameters
        ----------
        maps, gain : Tensor
            As in `forward`.

        Returns
        -------
        VisualAreas
            Tensors (n, planes, height, width); 64 x 64 pixels become 16, 8, 4 and 2.

        Examples
        --------
        >>> seen = VisualCortex(width=8).activations(torch.zeros(1, 5, 64, 64))
        >>> {name: tuple(signal.shape[1:]) for name, signal in seen._asdict().items()}
        {'V1': (8, 16, 16), 'V2': (16, 8, 8), 'V4': (32, 4, 4), 'IT': (64, 2, 2)}
        """
        return VisualAreas(*self._pathway(maps, gain))

    def costs(self, *, size: int = 64) -> list[AreaCost]:
        """Return parameters and operations of each area and of the decoder.

        Parameters
        ----------
        size : int
            Height and width of the maps, in pixels.

        Returns
        -------
        list of AreaCost
            V1, V2, V4, IT, decoder.

        Examples
        --------
        The areas as printed have 1.56 million parameters:

        >>> sum(cost.parameters for cost in VisualCortex(width=64).costs()[:4])
        1564928
        """
        costs = []
        for name, area in self.areas.items():
            assert isinstance(area, nn.Conv2d)
            size = -(-size // area.stride[0])  # padding keeps all pixels but those that the stride leaves out
            costs.append(AreaCost(name, _count(area), area.weight.numel() * size**2))
            size = -(-size // 2)  # pooling
        return [*costs, AreaCost("decoder", _count(self.decoder), self.decoder.weight.numel())]

    def _pathway(self, maps: Tensor, gain: Tensor | None) -> Iterator[Tensor]:
        """Yield what leaves V1, V2, V4 and IT (Eq. 1-2)."""
        nonlinearity = ACTIVATIONS[self.activation]
        signal = self.scale(maps)
        for i, area in enumerate(self.areas.values()):
            signal = F.max_pool2d(nonlinearity(area(signal)), kernel_size=3, stride=2, padding=1)
            if gain is not None:
                signal = signal * gain[i]
            yield signal


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
