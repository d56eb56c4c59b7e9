"""What reaches the limbic system without a cortex, or without a gyrus: relayed features, joined codes.

The paper's ablations (Table 2) leave regions out: BEL(m) and BEL(a) hear and see the measured features
themselves, M-BEL and A-BEL have one cortex and no fusion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avfbel.brain.regions import LOGARITHMIC

RATIOS = LOGARITHMIC | {"speed"}
"""Features that act by their ratios: they are relayed as logarithms."""

RELAY_LIMIT = 4.0
"""In standard deviations: what is beyond anything trained on is relayed as this far and no further."""


class ThalamicRelay(nn.Module):
    """Measured features as they are: standardised over training, split into ON and OFF channels.

    A missing feature takes its median. What was never measured, or never varied, is relayed as 0.

    Parameters
    ----------
    features : sequence of str
        Names of the features, in their order.

    Examples
    --------
    >>> relay = ThalamicRelay(["tonnetz", "harmony"])
    >>> relay.fit(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> relay(torch.tensor([[4.0, 5.0], [0.0, 5.0]])).tolist()
    [[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]]
    """

    logarithmic: Tensor
    median: Tensor
    mean: Tensor
    sd: Tensor

    def __init__(self, features: Sequence[str]) -> None:
        super().__init__()
        n = len(features)
        self.register_buffer("logarithmic", torch.tensor([name in RATIOS for name in features]))
        self.register_buffer("median", torch.zeros(n, dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(n, dtype=torch.float64))
        self.register_buffer("sd", torch.ones(n, dtype=torch.float64))

    def fit(self, features: NDArray[np.floating[Any]]) -> None:
        """Take median, mean and sd of the features (n, n_features) at training; NaN is missing."""
        values = self._coded(torch.from_numpy(np.asarray(features, dtype=np.float64))).numpy()
        for i, column in enumerate(values.T):
            known = column[np.isfinite(column)]
            if known.size:
                median = np.median(known)
                filled = np.where(np.isfinite(column), column, median)
                sd = filled.std()
                self.median[i], self.mean[i] = median, filled.mean()
                self.sd[i] = sd if sd > 1e-9 * max(1.0, abs(filled.mean())) else torch.inf
            else:
                self.sd[i] = torch.inf

    def forward(self, features: Tensor) -> Tensor:
        """Relay features (n, d) in their units as (n, 2 d), at least 0; float32 in training, else float64."""
        values = self._coded(features.to(torch.float64))
        values = torch.where(torch.isfinite(values), values, self.median)
        z = ((values - self.mean) / self.sd).clamp(-RELAY_LIMIT, RELAY_LIMIT)
        return on_off(z.float() if self.training else z)

    def _coded(self, values: Tensor) -> Tensor:
        logs = torch.log(torch.where(values > 0, values, torch.nan))
        return torch.where(self.logarithmic, logs, values)


def on_off(signal: Tensor) -> Tensor:
    """Split a signed code (n, d) into what is above and what is below zero, (n, 2 d).

    Examples
    --------
    >>> on_off(torch.tensor([[2.0, -3.0]])).tolist()
    [[2.0, 0.0, 0.0, 3.0]]
    """
    return torch.cat([signal.clamp(min=0.0), signal.clamp(max=0.0).abs()], dim=1)


def join(codes: Sequence[Tensor], evidence: Tensor) -> Tensor:
    """Put the codes of the senses side by side, with a cue that is there whenever any sense is.

    Parameters
    ----------
    codes : sequence of Tensor, shapes (n, d_i)
        Non-negative codes of the open senses.
    evidence : Tensor, shape (n, len(codes))
        Evidence of each, 0 to 1.

    Returns
    -------
    Tensor, shape (n, sum of d_i + 1)
        Each code times its evidence, and the largest evidence as the last unit (the constant context of
        `avfbel.brain.bel.on_off_channels`, silent without evidence).

    Examples
    --------
    >>> join([torch.ones(1, 2), torch.ones(1, 1)], torch.tensor([[0.5, 0.0]])).tolist()
    [[0.5, 0.5, 0.0, 0.5]]
    """
    parts = [code * evidence[:, [i]] for i, code in enumerate(codes)]
    return torch.cat([*parts, evidence.amax(dim=1, keepdim=True)], dim=1)
