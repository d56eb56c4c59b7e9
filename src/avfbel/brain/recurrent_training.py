"""Learning of the recurrent limbic system: by back-propagation through the windows of each clip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avfbel.brain.gradient import GradientSettings
from avfbel.brain.recurrent import RecurrentActivity, RecurrentLimbic, recurrent_loss

SEQUENCES_AT_A_TIME = 128  # bounds the memory of a pass without learning
LARGEST_STEP = 1.0  # norm to which the gradient of an online step is limited

Array = NDArray[np.float64]
Sequences = Sequence[NDArray[np.int64]]


def train_recurrent(
    limbic: RecurrentLimbic,
    x: Array,
    rewards: Array,
    sequences: Sequences,
    settings: GradientSettings,
    *,
    seed: int,
    weight: Array | None = None,
) -> list[float]:
    """Train on sequences by Adam, in shuffled batches, and return the loss of each epoch.

    Parameters
    ----------
    limbic : RecurrentLimbic
        Trained in place.
    x, rewards : ndarray, shapes (m, k) and (m, q)
        Fused codes and rewards of all samples.
    sequences : sequence of ndarray of int
        Which samples succeed each other, see `Samples.sequences`.
    settings : GradientSettings
        Optimisation; `batch_size` counts sequences.
    seed : int
        Seed of the shuffling (the caller seeds weights and thalamus).
    weight : ndarray, shape (m,), optional
        Weight of each sample; 1 by default.

    Returns
    -------
    list of float
        Weighted mean of `recurrent_loss` in each epoch, in squared units of the reward.
    """
    weight = np.ones(len(x)) if weight is None else weight
    optimizer = torch.optim.Adam(
        limbic.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    rng = np.random.default_rng(seed)
    # Sequences of like length side by side, so that little of a batch is padding.
    lengths = np.array([len(numbers) for numbers in sequences])
    loss_curve = []
    for _ in range(settings.epochs):
        shuffled = rng.permutation(len(sequences))
        shuffled = shuffled[np.argsort(lengths[shuffled], kind="stable")]
        batches = np.array_split(shuffled, -(-len(shuffled) // settings.batch_size))
        total = 0.0
        for number in rng.permutation(len(batches)):
            batch = [sequences[i] for i in batches[number]]
            loss = _loss(limbic, x, rewards, weight, batch)
            optimizer.zero_grad(set_to_none=True)
            mean = loss / sum(len(numbers) for numbers in batch)
            mean.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.item()
        loss_curve.append(total / float(weight.sum()))
    return loss_curve


def online_step(
    limbic: RecurrentLimbic, x: Array, rewards: Array, numbers: NDArray[np.int64], *, rate: float
) -> None:
    """Take one step of plain gradient descent on one sequence.

    Parameters
    ----------
    limbic : RecurrentLimbic
        Changed in place.
    x, rewards : ndarray, shapes (m, k) and (m, q)
        Fused codes and rewards.
    numbers : ndarray of int
        The samples of the sequence, in order.
    rate : float
        Factor on the gradient, whose norm is limited to 1.
    """
    limbic.zero_grad(set_to_none=True)
    outputs = rewards.shape[1]  # the sum over outputs, as in the local rule: none is slower beside others
    loss = outputs * _loss(limbic, x, rewards, np.ones(len(x)), [numbers]) / len(numbers)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(limbic.parameters(), LARGEST_STEP)
    with torch.no_grad():
        for parameter in limbic.parameters():
            if parameter.grad is not None:
                parameter.sub_(parameter.grad, alpha=rate)
    limbic.zero_grad(set_to_none=True)


@torch.no_grad()
def run_sequences(
    limbic: RecurrentLimbic, x: Tensor, sequences: Sequences, *, seed: int, gain: Tensor | None = None
) -> RecurrentActivity:
    """Return what the regions say about samples (m, k), as (1, m, ...) in the order of the samples.

    Parameters
    ----------
    limbic : RecurrentLimbic
        The network.
    x : Tensor, shape (m, k)
        Fused codes.
    sequences : sequence of ndarray of int
        Which samples succeed each other; a sample in none of them is silent.
    seed : int
        Seed of the published thalamus, which is the same for every sequence.
    gain : Tensor, shape (3,), optional
        Factors on the limbic regions.

    Returns
    -------
    RecurrentActivity
        Tensors (1, m, q), and the hidden layer (1, m, s).
    """
    x = x.float()
    by_length = sorted(sequences, key=len)
    s = limbic.context.in_features
    result = [x.new_zeros(1, len(x), size) for size in (*[limbic.n_outputs] * 4, s)]
    for start in range(0, len(by_length), SEQUENCES_AT_A_TIME):
        batch = by_length[start : start + SEQUENCES_AT_A_TIME]
        index, lengths = _padded(batch)
        generator = torch.Generator().manual_seed(seed)
        said = limbic(x[index], lengths, gain=gain, generator=generator)
        inside = torch.arange(index.shape[1]) < lengths.unsqueeze(1)
        for part, whole in zip(said, result, strict=True):
            whole[0, index[inside]] = part[inside]
    return RecurrentActivity(*result)


def _padded(batch: Sequences) -> tuple[Tensor, Tensor]:
    """Return the numbers of samples (n, T), filled up with the last of each, and the lengths (n,)."""
    lengths = [len(numbers) for numbers in batch]
    longest = max(lengths)
    filled = [np.pad(numbers, (0, longest - len(numbers)), mode="edge") for numbers in batch]
    return torch.from_numpy(np.stack(filled)), torch.tensor(lengths)


def _loss(limbic: RecurrentLimbic, x: Array, rewards: Array, weight: Array, batch: Sequences) -> Tensor:
    """Return the weighted sum of the loss over all windows of some sequences."""
    index, lengths = _padded(batch)
    numbers = index.numpy()
    device = limbic.input.weight.device
    said = limbic(_floats(x[numbers], device), lengths.to(device))
    inside = np.arange(numbers.shape[1]) < lengths.numpy()[:, None]
    return (
        recurrent_loss(said, _floats(rewards[numbers], device)) * _floats(weight[numbers] * inside, device)
    ).sum()


def _floats(values: Array, device: torch.device) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(device)
