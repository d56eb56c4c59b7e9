r"""A multimodal transformer over the windows of a clip, of any size.

It is the kind of model that the paper's Table 1 sets AVF-BEL against: embeddings of both senses, encoder
layers, a linear head. A window is one token of each sense, an embedding of its measured features; the mean of
the last layer over tokens is read out linearly. One architecture serves two ends: `avfbel.published` builds
it as large as the paper prints it and measures what it costs, `avfbel.learn.transformer_learning` trains one
that is small enough for what there is to learn from.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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

    def forward(self, tokens: Tensor, present: Tensor | None = None) -> Tensor:
        """Attend: tokens (n, T, width) to tokens (n, T, width).

        What is not `present`, (n, T) of bool, is attended by none; of each sequence something must be.
        """
        n, length, width = tokens.shape
        parts = self.project(tokens).reshape(n, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mask = None if present is None else present[:, None, None, :]
        if self.tiled:
            attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        else:
            attended = torch.softmax(_scores(query, key, mask), dim=3) @ value
        said: Tensor = self.output(attended.transpose(1, 2).reshape(n, length, width))
        return said


def _scores(query: Tensor, key: Tensor, mask: Tensor | None) -> Tensor:
    """Return how well each token's query fits each key; nothing fits a key that is masked."""
    scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
    return scores if mask is None else scores.masked_fill(~mask, -torch.inf)


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward layer of four times the width, each normed first and added.

    While it learns, a share `dropout` of what each of the two adds is left out.
    """

    def __init__(self, width: int, heads: int, *, dropout: float = 0.0, tiled: bool = False) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attention = SelfAttention(width, heads, tiled=tiled)
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, present: Tensor | None = None) -> Tensor:
        """Pass tokens (n, T, width) on, of which those `present`, (n, T) of bool, are attended."""
        tokens = tokens + self.dropout(self.attention(self.norms[0](tokens), present))
        inner = F.gelu(self.expand(self.norms[1](tokens)))
        passed: Tensor = tokens + self.dropout(self.contract(inner))
        return passed


class MultimodalTransformer(nn.Module):
    """Embeddings of both senses, encoder layers, linear head.

    Parameters
    ----------
    n_layers, width, heads : int
        Encoder layers, units of a token, attention heads.
    n_acoustic, n_visual, n_outputs : int
        Features of a window by sense, and emotions.
    dropout : float
        Share of what each half of a layer adds that is left out while learning.
    tiled : bool
        See `SelfAttention`.

    Raises
    ------
    ValueError
        If there is no layer, the width is no multiple of the heads, or dropout is no share.

    Examples
    --------
    >>> model = MultimodalTransformer(n_layers=2, width=16, heads=2, n_acoustic=7, n_visual=5)
    >>> model(torch.zeros(3, 6, 7), torch.zeros(3, 6, 5)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self,
        *,
        n_layers: int,
        width: int,
        heads: int,
        n_acoustic: int,
        n_visual: int,
        n_outputs: int = 5,
        dropout: float = 0.0,
        tiled: bool = False,
    ) -> None:
        super().__init__()
        if n_layers < 1:
            raise ValueError(f"n_layers must be at least 1, got {n_layers}")
        self.hear = nn.Linear(n_acoustic, width)
        self.see = nn.Linear(n_visual, width)
        self.layers = nn.ModuleList(
            EncoderLayer(width, heads, dropout=dropout, tiled=tiled) for _ in range(n_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, acoustic: Tensor, visual: Tensor, present: Tensor | None = None) -> Tensor:
        """Judge sequences of windows.

        Parameters
        ----------
        acoustic, visual : Tensor, shapes (n, T, n_acoustic) and (n, T, n_visual)
            Standardised features of T windows, dimensionless, none missing.
        present : Tensor of bool, shape (n, T, 2), optional
            Which windows there are to hear and to see; by default all are. The others have no say, whatever
            their features are.

        Returns
        -------
        Tensor, shape (n, n_outputs)
            Emotions of each sequence, in units of the reward.

        Raises
        ------
        ValueError
            If the senses have different numbers of windows, or a sequence has nothing to perceive.
        """
        if acoustic.shape[:2] != visual.shape[:2]:
            raise ValueError(
                f"both senses need the same windows, got {tuple(acoustic.shape)} and {tuple(visual.shape)}"
            )
        there = None if present is None else present.transpose(1, 2).flatten(1)  # tokens: heard, then seen
        if there is not None and not bool(there.any(dim=1).all()):
            raise ValueError("a sequence in which nothing is present cannot be judged: leave it out")
        position = position_code(acoustic.shape[1], self.hear.out_features).to(acoustic)
        tokens = torch.cat([self.hear(acoustic) + position, self.see(visual) + position], dim=1)
        for layer in self.layers:
            tokens = layer(tokens, there)
        said: Tensor = self.head(_mean(self.norm(tokens), there))
        return said


def _mean(tokens: Tensor, present: Tensor | None) -> Tensor:
    """Return the mean (n, width) of the tokens that are present."""
    if present is None:
        return tokens.mean(dim=1)
    share = present / present.sum(dim=1, keepdim=True)
    return (tokens * share.unsqueeze(2)).sum(dim=1)
