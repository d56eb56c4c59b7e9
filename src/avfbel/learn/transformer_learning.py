"""The transformer as a baseline: it learns from the same measured features and folds as the others.

A clip, as it is heard, seen or both, is one sequence: each window is a token of each sense that is open and
has evidence. Features come in through the relays that brain emotional learning itself has. What is said of a
clip are its five emotions; EPP and valence follow by the formulas of the circuits.

Size and regularisation were set once, for few stimuli, and not searched: two layers of 32 units, and dropout,
rate and number of passes as the circuit has them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from avfbel.brain.gradient import reproducible
from avfbel.brain.relay import ThalamicRelay
from avfbel.emotion import predicted_epp, predicted_valence
from avfbel.errors import UsageError
from avfbel.learn.candidates import KINDS_OF_MODALITY, Array, all_samples, taught_modality
from avfbel.learn.transformer import MultimodalTransformer
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES

if TYPE_CHECKING:
    from avfbel.brain.samples import Samples
    from avfbel.data import Dataset

PASSES = 30
"""Passes over the clips, as many as the circuit makes."""

FEWEST_STEPS = 1000
"""Steps of learning that are made at least, however few the clips: else a small data set teaches nothing."""

CLIPS_AT_A_TIME = 128  # bounds the memory of a pass without learning


class TransformerBaseline:
    """A small multimodal transformer as a candidate.

    Parameters
    ----------
    n_layers, width, heads : int
        Encoder layers, units of a token, attention heads.
    dropout, weight_decay, learning_rate : float
        Regularisation, and the step size of AdamW [1]_, which falls to 0 linearly.
    batch_size : int
        Clips a step; one that is heard, seen and both counts three times.
    epochs : int, optional
        Passes over the clips; by default `PASSES`, or as many as make `FEWEST_STEPS` steps.
    seed : int
        Seed of initial weights, shuffling and dropout.

    Attributes
    ----------
    kinds : tuple of str
        Of perception, which it has learned.
    network_ : MultimodalTransformer
        The trained network, in evaluation mode.
    relays_ : tuple of ThalamicRelay
        Of sound and sight, fitted to the windows that were learned from.
    loss_curve_ : list of float
        Mean squared error of each epoch, while learning (dropout on), in squared units of the reward.

    References
    ----------
    .. [1] Loshchilov & Hutter (2019), *Decoupled weight decay regularization*, ICLR.
    """

    def __init__(
        self,
        *,
        n_layers: int = 2,
        width: int = 32,
        heads: int = 4,
        dropout: float = 0.2,
        weight_decay: float = 1e-2,
        learning_rate: float = 1e-3,
        batch_size: int = 64,
        epochs: int | None = None,
        seed: int = 0,
    ) -> None:
        self.n_layers = n_layers
        self.width = width
        self.heads = heads
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.seed = seed
        self.kinds: tuple[str, ...] = ()

    def fit(self, data: Dataset) -> Self:
        """Learn from all rated clips of a data set; a sense that they do not address is closed for good.

        Raises
        ------
        ValueError
            If the network cannot be of this size.
        UsageError
            If learning diverges.
        """
        self.kinds = ()
        data = _without_maps(data)
        modality = taught_modality("both", data)
        if modality is None:
            return self
        kinds = KINDS_OF_MODALITY[modality]
        samples = data.samples(kinds)
        self.relays_ = _fitted_relays(samples)
        clips = _sequences(samples, self.relays_)
        assert samples.rewards is not None
        rewards = torch.from_numpy(samples.rewards[clips.first]).float()
        with reproducible(self.seed):
            self.network_ = self._new_network()
            self.loss_curve_ = self._train(self.network_, clips, rewards)
        if not math.isfinite(self.loss_curve_[-1]):
            raise UsageError("learning diverged: train with a lower learning_rate")
        self.kinds = kinds
        return self

    def predict(self, data: Dataset, kind: str) -> Array:
        """Return EPP and valence of each clip; one without any evidence is neutral, 0.5."""
        result = np.full((data.n_clips, 2), np.nan)
        if kind not in self.kinds:
            return result
        samples = all_samples(_without_maps(data), kind)
        result[data.clip[samples.row]] = 0.5
        clips = _sequences(samples, self.relays_)
        if len(clips):
            emotions = self._judge(clips)
            judged = np.stack([predicted_epp(emotions), predicted_valence(emotions)], axis=1)
            result[data.clip[samples.row[clips.first]]] = judged
        return result

    @property
    def n_parameters_(self) -> int:
        """Trained numbers of the network."""
        return sum(weight.numel() for weight in self.network_.parameters())

    def _new_network(self) -> MultimodalTransformer:
        return MultimodalTransformer(
            n_layers=self.n_layers,
            width=self.width,
            heads=self.heads,
            n_acoustic=2 * len(ALL_ACOUSTIC),  # relays have ON and OFF channels
            n_visual=2 * len(VISUAL_FEATURES),
            dropout=self.dropout,
            tiled=True,
        )

    def _train(self, network: MultimodalTransformer, clips: _Sequences, rewards: Tensor) -> list[float]:
        """Let the network learn the rewards (n, 5) of the clips, and return the loss of each epoch."""
        with torch.no_grad():
            network.head.bias.copy_(rewards.mean(dim=0))  # to be learned is what tells the clips apart
        steps = -(-len(clips) // self.batch_size)
        epochs = max(PASSES, -(-FEWEST_STEPS // steps)) if self.epochs is None else self.epochs
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )
        falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=epochs * steps)
        rng = np.random.default_rng(self.seed)
        loss_curve = []
        network.train()
        for _ in range(epochs):
            total = 0.0
            for part in np.array_split(rng.permutation(len(clips)), steps):
                error = (network(*clips.batch(part)) - rewards[part]).square().mean()
                optimizer.zero_grad(set_to_none=True)
                error.backward()
                optimizer.step()
                falling.step()
                total += error.item() * len(part)
            loss_curve.append(total / len(clips))
        network.eval()
        return loss_curve

    @torch.no_grad()
    def _judge(self, clips: _Sequences) -> Array:
        """Return the five emotions of each sequence, (n, 5)."""
        parts = np.array_split(np.arange(len(clips)), -(-len(clips) // CLIPS_AT_A_TIME))
        with reproducible(self.seed):
            said = torch.cat([self.network_(*clips.batch(part)) for part in parts])
        emotions: Array = said.double().numpy()
        return emotions


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sequences:
    """Clips as they are perceived, each in one way: windows in their order, of which some are perceived."""

    acoustic: Tensor  # (n_windows, 14) relayed features of all windows
    visual: Tensor  # (n_windows, 10)
    row: Tensor  # (m,) window of each sample
    present: Tensor  # (m, 2) of bool: whether a sample is heard, and seen
    numbers: list[Tensor]  # samples of each sequence

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def first(self) -> NDArray[np.intp]:
        """The first sample of each sequence: all of them share the clip, the senses and the rewards."""
        return np.array([of[0] for of in self.numbers], dtype=np.intp)

    def batch(self, which: NDArray[np.intp]) -> tuple[Tensor, Tensor, Tensor]:
        """Return sound and sight of some sequences, as long as the longest, and what of them is present."""
        chosen = [self.numbers[i] for i in which]
        numbers = pad_sequence(chosen, batch_first=True)
        inside = pad_sequence([torch.ones_like(of, dtype=torch.bool) for of in chosen], batch_first=True)
        row = self.row[numbers]
        return self.acoustic[row], self.visual[row], self.present[numbers] & inside.unsqueeze(2)


def _sequences(samples: Samples, relays: tuple[ThalamicRelay, ThalamicRelay]) -> _Sequences:
    """Return the sequences in which there is anything to perceive."""
    assert samples.visual is not None
    present = samples.sample_evidence > 0
    acoustic, visual = (
        relay(torch.from_numpy(np.asarray(table, dtype=np.float64))).float()
        for relay, table in zip(relays, (samples.acoustic, samples.visual), strict=True)
    )
    return _Sequences(
        acoustic=acoustic,
        visual=visual,
        row=torch.from_numpy(samples.row),
        present=torch.from_numpy(present),
        numbers=[torch.from_numpy(of) for of in samples.sequences() if present[of].any()],
    )


def _without_maps(data: Dataset) -> Dataset:
    """Return the data set with maps of no extent: it looks at none, and evaluation leaves them out."""
    return replace(data, maps=np.zeros((data.n_windows, len(VISUAL_FEATURES), 0, 0), np.float16))


def _fitted_relays(samples: Samples) -> tuple[ThalamicRelay, ThalamicRelay]:
    """Return relays of sound and sight, each fitted to the windows in which samples perceive it."""
    assert samples.visual is not None
    relays = ThalamicRelay(ALL_ACOUSTIC), ThalamicRelay(VISUAL_FEATURES)
    for sense, table in enumerate((samples.acoustic, samples.visual)):
        relays[sense].fit(table[np.unique(samples.row[samples.sample_evidence[:, sense] > 0])])
    return relays[0].eval(), relays[1].eval()
