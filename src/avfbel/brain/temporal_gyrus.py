"""Anterior superior temporal gyrus: where sound and sight meet (Eq. 11-17 and Fig. 3 of the paper)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfbel.brain.regions import SENSES

NORM_EPSILON = 1e-3  # units that hardly vary are not blown up by more than thirty times


class Fusion(NamedTuple):
    """The fused code and how far each modality was let through."""

    x_fused: Tensor
    """(n, k), at least 0, exactly 0 without evidence."""
    gates: Tensor
    """(n, 2) mean attention of audio and video times their evidence; 0 for a silent modality."""


class Attention(NamedTuple):
    """Gates of every hidden unit, (n, hidden), at least 0, times the evidence of the sense."""

    audio: Tensor
    video: Tensor


class Branch(nn.Module):
    """One modality's way into the gyrus: three layers, then attention that gates each unit.

    H = three times FC, batch norm, ReLU, dropout; Attn = ReLU(W H + b) (Eq. 13-14); output Attn * H (Eq.
    15-16). The attention starts open (b = 1). Batch statistics are those of clips that have the modality.
    """

    def __init__(self, n_in: int, hidden: int, dropout: float) -> None:
        super().__init__()
        sizes = [n_in, hidden, hidden, hidden]
        self.layers = nn.ModuleList(nn.Linear(sizes[i], sizes[i + 1]) for i in range(3))
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden, eps=NORM_EPSILON) for _ in range(3))
        self.attention = nn.Linear(hidden, hidden)
        nn.init.ones_(self.attention.bias)
        self.dropout = dropout

    def forward(self, x: Tensor, evidence: Tensor) -> tuple[Tensor, Tensor]:
        """Return gated units and attention (n, hidden) of input x (n, n_in) with evidence (n,)."""
        if not self.training:
            return self._code(x)
        present = torch.nonzero(evidence > 0).squeeze(1)
        silent = x.new_zeros(len(x), self.attention.out_features)
        if not len(present):
            return silent, silent
        gated, attention = self._code(x[present])
        return silent.index_copy(0, present, gated), silent.index_copy(0, present, attention)

    @torch.no_grad()
    def settle(self, x: Tensor) -> None:
        """Take the norms' statistics from all inputs (n, n_in) at once, without dropout.

        Layer after layer, so that each sees what it will see from now on. For a branch in evaluation mode.
        """
        for layer, norm in zip(self.layers, self.norms, strict=True):
            assert isinstance(norm, nn.BatchNorm1d)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            x = _linear(layer, x)
            norm.running_mean.copy_(x.mean(dim=0))
            norm.running_var.copy_(x.var(dim=0, correction=0))
            x = F.relu(self._normalize(norm, x))

    def _code(self, x: Tensor) -> tuple[Tensor, Tensor]:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            normalized = self._normalize(norm, _linear(layer, x))
            x = F.dropout(F.relu(normalized), self.dropout, self.training)
        attention = F.relu(_linear(self.attention, x))
        return attention * x, attention

    def _normalize(self, norm: nn.Module, x: Tensor) -> Tensor:
        if self.training and len(x) > 1:
            normalized: Tensor = norm(x)
            return normalized
        assert isinstance(norm, nn.BatchNorm1d)
        assert norm.running_mean is not None  # one clip has no spread: what is known of the others serves
        assert norm.running_var is not None
        mean, var, weight, bias = (
            part.to(x.dtype) for part in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        return F.batch_norm(x, mean, var, weight, bias, eps=norm.eps)


def _linear(layer: nn.Module, x: Tensor) -> Tensor:
    """Apply a linear layer in the precision of its input."""
    assert isinstance(layer, nn.Linear)
    return F.linear(x, layer.weight.to(x.dtype), None if layer.bias is None else layer.bias.to(x.dtype))


class TemporalGyrus(nn.Module):
    """Fuse the codes of both senses into one non-negative code that is silent when the senses are.

    Each branch's gated units are multiplied by the evidence of its sense, and joined (Eq. 17) by a
    cross-modal interaction, the product of rectified projections of both: it speaks only when both senses do.
    A final layer without bias, rectified, makes the code that the limbic system reads.

    Parameters
    ----------
    n_auditory, n_visual : int
        Lengths of X_m and X_a.
    hidden : int
        Units of each layer of the branches.
    n_fused : int
        Length k of the fused code.
    dropout : float
        Share of hidden units silenced at random while training.

    Examples
    --------
    >>> gyrus = TemporalGyrus(n_auditory=800, n_visual=64).eval()
    >>> evidence = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    >>> x_fused, gates = gyrus(torch.rand(3, 800), torch.rand(3, 64), evidence)
    >>> x_fused.shape, bool((x_fused >= 0).all()), x_fused[2].sum().item(), gates[:, 1][1].item()
    (torch.Size([3, 32]), True, 0.0, 0.0)
    """

    def __init__(
        self, *, n_auditory: int, n_visual: int, hidden: int = 64, n_fused: int = 32, dropout: float = 0.2
    ) -> None:
        super().__init__()
        sizes = dict(zip(SENSES, (n_auditory, n_visual), strict=True))
        self.branches = nn.ModuleDict({sense: Branch(n, hidden, dropout) for sense, n in sizes.items()})
        self.interaction = nn.ModuleDict({sense: nn.Linear(hidden, hidden, bias=False) for sense in SENSES})
        self.final = nn.Linear(3 * hidden, n_fused, bias=False)

    def forward(
        self,
        x_auditory: Tensor,
        x_visual: Tensor,
        evidence: Tensor,
        row: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Fusion:
        """Fuse.

        Parameters
        ----------
        x_auditory, x_visual : Tensor, shapes (n, n_auditory) and (n, n_visual)
            Outputs of the two cortices.
        evidence : Tensor, shape (n, 2)
            Evidence of sound and of motion, 0 to 1.
        row, mask : Tensor, shapes (m,) and (m, 2), optional
            Samples that share clips: which clip each sample is, and which of its senses are open (0 or 1).
            Branches then run once a clip instead of once a sample, with the same result.

        Returns
        -------
        Fusion
            Fused code (n or m, n_fused) and mean gates (n or m, 2); float32 in training, else float64.
        """
        dtype = torch.float32 if self.training else torch.float64
        streams, gates = {}, []
        for i, (sense, x) in enumerate(zip(SENSES, (x_auditory, x_visual), strict=True)):
            present = evidence[:, i].to(dtype)
            gated, attention = self.branches[sense](x.to(dtype), present)
            gate = attention.mean(dim=1)
            if row is not None and mask is not None:
                gated, gate, present = gated[row], gate[row], present[row] * mask[:, i]
            streams[sense] = gated * present.unsqueeze(1)
            gates.append(gate * present)
        audio, video = streams["audio"], streams["video"]
        together = F.relu(_linear(self.interaction["audio"], audio))
        together = together * F.relu(_linear(self.interaction["video"], video))
        x_fused = F.relu(_linear(self.final, torch.cat([audio, video, together], dim=1)))
        return Fusion(x_fused, torch.stack(gates, dim=1))

    def attention(self, x_auditory: Tensor, x_visual: Tensor, evidence: Tensor) -> Attention:
        """Return the gates unit by unit, of which `forward` tells the means (Eq. 13-14).

        Parameters
        ----------
        x_auditory, x_visual, evidence : Tensor
            As in `forward`.

        Returns
        -------
        Attention
            Two tensors (n, hidden).

        Examples
        --------
        >>> gyrus = TemporalGyrus(n_auditory=800, n_visual=64).eval()
        >>> senses = torch.rand(3, 800), torch.rand(3, 64), torch.ones(3, 2)
        >>> torch.equal(gyrus.attention(*senses).audio.mean(dim=1), gyrus(*senses).gates[:, 0])
        True
        """
        dtype = torch.float32 if self.training else torch.float64
        gates = []
        for i, (sense, x) in enumerate(zip(SENSES, (x_auditory, x_visual), strict=True)):
            present = evidence[:, i].to(dtype)
            _, attention = self.branches[sense](x.to(dtype), present)
            gates.append(attention * present.unsqueeze(1))
        return Attention(*gates)
