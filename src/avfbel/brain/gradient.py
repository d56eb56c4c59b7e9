"""First stage of learning: cortex and gyrus by back-propagation, against a temporary read-out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avfbel.brain.network import Network, Representation
from avfbel.brain.regions import SENSES
from avfbel.brain.samples import Samples
from avfbel.brain.temporal_gyrus import Branch

CLIPS_AT_A_TIME = 128  # bounds the memory of a pass without learning


@dataclass(frozen=True, kw_only=True)
class GradientSettings:
    """How cortex and gyrus are trained: Adam on the mean squared error, as in the paper.

    `batch_size` counts clips: a clip's samples (its sound, its film, both) are learned in the same step, so
    that its maps run through the visual cortex once. L2 acts on the weights of layers, not on biases, norms
    and tuning.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    batch_size: int = 32
    epochs: int = 100


Progress = Callable[[int, float], None]
"""Called after each epoch with its number, from 1, and its loss."""


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Run torch on one thread from a seed; the caller's generator and number of threads come back unchanged.

    One thread, because folds run in processes, and threads of small products spin as soon as anything else
    runs.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def fit_scales(network: Network, samples: Samples) -> None:
    """Take the percentiles of the population code and the scale of the maps from training clips."""
    for sense, fit in enumerate((_fit_sound, _fit_sight)):
        rows = np.unique(samples.row[samples.sample_evidence[:, sense] > 0])
        if len(rows):
            fit(network, samples, rows)


def _fit_sound(network: Network, samples: Samples, rows: NDArray[np.int64]) -> None:
    if network.auditory == "col1":
        network.auditory_cortex.fit(samples.acoustic[rows])
    elif network.auditory == "features":
        network.auditory_relay.fit(samples.acoustic[rows])


def _fit_sight(network: Network, samples: Samples, rows: NDArray[np.int64]) -> None:
    if network.visual == "cornet-z":
        network.visual_cortex.scale.fit(samples.maps, rows)
    elif network.visual == "features":
        network.visual_relay.fit(_looked_at(network, samples)[rows])


def _looked_at(network: Network, samples: Samples) -> NDArray[np.floating[Any]]:
    """Return what the network looks at: maps (n, 5, h, w), or visual features (n, 5)."""
    if network.visual != "features":
        return samples.maps
    if samples.visual is None:
        raise ValueError("visual='features' looks at measured features: Samples(visual=...) holds them")
    return samples.visual


def device_of(name: str) -> torch.device:
    """Return the device of a name; "auto" is a CUDA device if there is one, else the processor.

    Raises
    ------
    ValueError
        If there is no such device.

    Examples
    --------
    >>> device_of("cpu")
    device(type='cpu')
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"no device {name!r}: choose auto, cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"no device {name!r}: choose auto, cpu or cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {name!r} is not there: device='auto' takes the processor then")
    return device


def train(
    network: Network,
    samples: Samples,
    settings: GradientSettings,
    *,
    seed: int,
    progress: Progress | None = None,
) -> list[float]:
    """Train the sensory regions to let a linear read-out tell the rewards, and return the loss of each epoch.

    Parameters
    ----------
    network : Network
        Trained in place; left in evaluation mode.
    samples : Samples
        With rewards.
    settings : GradientSettings
        Optimisation.
    seed : int
        Seed of shuffling and dropout (the caller seeds the initial weights, see `reproducible`).
    progress : callable, optional
        Called after each epoch with its number and loss.

    Returns
    -------
    list of float
        Weighted mean squared error of each epoch, measured while training, in squared units of the reward.
    """
    assert samples.rewards is not None
    if not any(True for _ in network.parameters()):
        network.eval()  # relays have nothing that a gradient could teach
        return []
    device = network.fused_scale.device
    head = nn.Linear(len(network.fused_scale), samples.rewards.shape[1], bias=False).to(device)
    optimizer = torch.optim.Adam(
        parameter_groups(network, head, settings.weight_decay), lr=settings.learning_rate
    )
    rewards = torch.from_numpy(samples.rewards.astype(np.float32)).to(device)
    weight = np.ones(len(samples)) if samples.weight is None else samples.weight
    weights = torch.from_numpy((weight / weight.mean()).astype(np.float32)).to(device)
    rng = np.random.default_rng(seed)
    clips = np.unique(samples.row)
    loss_curve = []
    network.train()
    for epoch in range(1, settings.epochs + 1):
        total = torch.zeros((), device=device)
        for batch in batches_of_clips(samples, rng.permutation(clips), settings.batch_size):
            index = torch.from_numpy(batch).to(device)
            representation = represent(network, samples, batch)
            error = ((head(representation.x_fused) - rewards[index]) ** 2).mean(dim=1) * weights[index]
            optimizer.zero_grad(set_to_none=True)
            error.mean().backward()
            optimizer.step()
            total += error.detach().sum()
        loss_curve.append(total.item() / len(samples))
        if progress is not None:
            progress(epoch, loss_curve[-1])
    network.eval()
    settle(network, samples, settings.batch_size)
    return loss_curve


@torch.no_grad()
def settle(network: Network, samples: Samples, batch_size: int) -> None:
    """Replace the running statistics of the gyrus' norms by those of all training clips, without dropout.

    Running averages over a few noisy batches, taken with dropout on, describe the trained network badly:
    units with little variance come out several times too large or small.
    """
    if network.fusion is None:
        return
    device = network.fused_scale.device
    for sense, branch in enumerate(network.temporal_gyrus.branches.values()):
        clips = np.unique(samples.row[samples.sample_evidence[:, sense] > 0])
        if network.senses[sense] == 0 or len(clips) < 2:
            continue
        assert isinstance(branch, Branch)
        codes: list[Tensor] = []
        for part in np.array_split(clips, -(-len(clips) // batch_size)):
            if SENSES[sense] == "audio":
                acoustic = torch.from_numpy(samples.acoustic[part]).float().to(device)
                evidence = torch.from_numpy(samples.evidence[part, sense]).float().to(device)
                codes.append(network.hear(acoustic, evidence).x_auditory)
            else:
                maps = torch.from_numpy(_looked_at(network, samples)[part]).float().to(device)
                codes.append(network.see(maps).x_visual)
        branch.settle(torch.cat(codes).double())


def batches_of_clips(
    samples: Samples, clips: NDArray[np.int64], batch_size: int
) -> Iterator[NDArray[np.int64]]:
    """Yield the samples of about `batch_size` clips at a time, in the order of `clips`."""
    by_clip = np.argsort(samples.row, kind="stable")
    first = np.searchsorted(samples.row[by_clip], clips, side="left")
    last = np.searchsorted(samples.row[by_clip], clips, side="right")
    for part in np.array_split(np.arange(len(clips)), -(-len(clips) // batch_size)):
        yield np.concatenate([by_clip[first[i] : last[i]] for i in part])


def represent(
    network: Network, samples: Samples, which: NDArray[np.int64], *, gain: Tensor | None = None
) -> Representation:
    """Run the sensory regions on some samples, each clip once."""
    device = network.fused_scale.device
    clips, row = np.unique(samples.row[which], return_inverse=True)
    opened = np.zeros((len(clips), samples.mask.shape[1]), dtype=np.bool_)
    np.logical_or.at(opened, row, samples.mask[which])  # a sense that no sample opens is not looked at
    return network.represent(
        torch.from_numpy(_looked_at(network, samples)[clips]).float().to(device),  # torch widens float16 fast
        torch.from_numpy(samples.acoustic[clips].astype(np.float32)).to(device),
        torch.from_numpy((samples.evidence[clips] * opened).astype(np.float32)).to(device),
        gain,
        row=torch.from_numpy(row).to(device),
        mask=torch.from_numpy(samples.mask[which].astype(np.float32)).to(device),
    )


@torch.no_grad()
def represent_all(network: Network, samples: Samples, *, gain: Tensor | None = None) -> Representation:
    """Run the sensory regions on all samples, some clips at a time; rows are those of `samples`."""
    batches = list(batches_of_clips(samples, np.unique(samples.row), CLIPS_AT_A_TIME))
    parts = [represent(network, samples, batch, gain=gain) for batch in batches]
    order = torch.from_numpy(np.argsort(np.concatenate(batches))).to(network.fused_scale.device)
    return Representation(*(torch.cat(column)[order] for column in zip(*parts, strict=True)))


def fuse(network: Network, samples: Samples) -> NDArray[np.float64]:
    """Return the fused code (m, k) of all samples."""
    fused: NDArray[np.float64] = represent_all(network, samples).x_fused.double().cpu().numpy()
    return fused


def parameter_groups(network: Network, head: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Return parameters of regions and read-out for an optimiser: L2 acts on the weights of layers only."""
    decayed: list[Tensor] = []
    free: list[Tensor] = []
    # The tuning of auditory neurons is one number a neuron, and free too.
    names = ("auditory_cortex", "visual_cortex", "temporal_gyrus")
    regions = [getattr(network, name) for name in names if hasattr(network, name)]
    for module in (*regions, head):
        for parameter in module.parameters():
            (decayed if parameter.ndim > 1 else free).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]
