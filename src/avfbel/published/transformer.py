r"""The peer of the paper's Table 1: a multimodal transformer over the windows of a clip.

The paper prints of it: 12 to 24 layers, self-attention, millions to billions of parameters, O(n²). It names
no width and no heads. The reading taken here is the smallest that fits: 12 layers, and otherwise what a
12-layer encoder commonly has [1]_: 768 units, 12 heads, a feed-forward layer of 3072. A window is one token
of each sense, an embedding of its measured features; the mean of the last layer over tokens is read out
linearly.

References
----------
.. [1] Devlin et al. (2019), *BERT: pre-training of deep bidirectional transformers*, NAACL.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfbel.brain.regions import ACOUSTIC, MAPS

PRINTED_LAYERS = 12
"""The smaller of the depths that Table 1 prints."""

LONGEST_PERIOD = 10_000.0  # windows; slowest of the sinusoids that code position


def position_code(length: int, width: int) -> Tensor:
    r"""Return sines and cosines of position, (length, width), so that order can be told [1]_.

    Column 2i is :math:`\sin(t / 10000^{2i/width})`, column 2i + 1 the cosine of the same.

    Parameters
    ----------
    length, width : int
        Number of windows and of units.

    References
    ----------
    .. [1] Vaswani et al. (2017), *Attention is all you need*, NeurIPS.

    Examples
    --------
    >>> position_code(2, 4)[0]
    tensor([0., 1., 0., 1.])
    """
    rate = torch.exp(-math.log(LONGEST_PERIOD) * torch.arange(0, width, 2) / width)
    angle = torch.arange(length).unsqueeze(1) * rate
    return torch.stack([angle.sin(), angle.cos()], dim=2).reshape(length, -1)[:, :width]


class SelfAttention(nn.Module):
    """Self-attention over all tokens, the n × n matrix of weights held in memory as in the equation.

    softmax(Q Kᵀ / √d) V for each head; Q, K and V are linear in the tokens, and so is the output.

    Parameters
    ----------
    width, heads : int
        Units, and heads they are divided into.
    tiled : bool
        Whether to let torch work through the matrix tile by tile, which takes the same operations and does
        not hold the matrix.

    Raises
    ------
    ValueError
        If the width is no multiple of the heads.

    Examples
    --------
    >>> SelfAttention(8, 2)(torch.zeros(1, 3, 8)).shape
    torch.Size([1, 3, 8])
    """

    def __init__(self, width: int, heads: int, *, tiled: bool = False) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f"width must be a multiple of heads, got {width} and {heads}")
        self.heads = heads
        self.tiled = tiled
        self.project = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Attend: tokens (n, T, width) to tokens (n, T, width)."""
        n, length, width = tokens.shape
        parts = self.project(tokens).reshape(n, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        if self.tiled:
            attended = F.scaled_dot_product_attention(query, key, value)
        else:
            weights = torch.softmax(query @ key.transpose(2, 3) / math.sqrt(width // self.heads), dim=3)
            attended = weights @ value
        said: Tensor = self.output(attended.transpose(1, 2).reshape(n, length, width))
        return said


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward layer of four times the width, each normed first and added."""

    def __init__(self, width: int, heads: int, *, tiled: bool = False) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attention = SelfAttention(width, heads, tiled=tiled)
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Pass tokens (n, T, width) on."""
        tokens = tokens + self.attention(self.norms[0](tokens))
        passed: Tensor = tokens + self.contract(F.gelu(self.expand(self.norms[1](tokens))))
        return passed


class Transformer(nn.Module):
    """Multimodal transformer: embeddings of both senses, encoder layers, linear head.

    Parameters
    ----------
    n_layers, width, heads : int
        Encoder layers, units of a token, attention heads.
    n_acoustic, n_visual, n_outputs : int
        Features of a window by sense, and emotions.
    tiled : bool
        See `SelfAttention`.

    Raises
    ------
    ValueError
        If there is no layer, or the width is no multiple of the heads.

    Examples
    --------
    >>> model = Transformer(n_layers=2, width=16, heads=2)
    >>> model(torch.zeros(3, 6, 7), torch.zeros(3, 6, 5)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self,
        *,
        n_layers: int = PRINTED_LAYERS,
        width: int = 768,
        heads: int = 12,
        n_acoustic: int = len(ACOUSTIC),
        n_visual: int = len(MAPS),
        n_outputs: int = 5,
        tiled: bool = False,
    ) -> None:
        super().__init__()
        if n_layers < 1:
            raise ValueError(f"n_layers must be at least 1, got {n_layers}")
        self.hear = nn.Linear(n_acoustic, width)
        self.see = nn.Linear(n_visual, width)
        self.layers = nn.ModuleList(EncoderLayer(width, heads, tiled=tiled) for _ in range(n_layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, acoustic: Tensor, visual: Tensor) -> Tensor:
        """Judge sequences of windows.

        Parameters
        ----------
        acoustic, visual : Tensor, shapes (n, T, n_acoustic) and (n, T, n_visual)
            Standardised features of T windows, dimensionless, none missing.

        Returns
        -------
        Tensor, shape (n, n_outputs)
            Emotions of each sequence, in units of the reward.

        Raises
        ------
        ValueError
            If the senses have different numbers of windows.
        """
        if acoustic.shape[:2] != visual.shape[:2]:
            raise ValueError(
                f"both senses need the same windows, got {tuple(acoustic.shape)} and {tuple(visual.shape)}"
            )
        position = position_code(acoustic.shape[1], self.hear.out_features).to(acoustic)
        tokens = torch.cat([self.hear(acoustic) + position, self.see(visual) + position], dim=1)
        for layer in self.layers:
            tokens = layer(tokens)
        said: Tensor = self.head(self.norm(tokens).mean(dim=1))
        return said
