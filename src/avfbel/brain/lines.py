r"""Learning without ratings: cortex and gyrus come to tell what eye and ear measure.

What a clip is like costs nothing to know; what people feel at it costs twenty people. So the sensory regions
learn from any number of clips that nobody rated, and only the limbic system, with a few hundred weights, has
to learn from the few that people did.

The fused code is taught to be a code of labelled lines [1]_: each measured feature has a unit that speaks
when it is above its average over the clips, and one that speaks when it is below, by how many standard
deviations (`avfbel.brain.relay.ThalamicRelay`); one more unit says that there is anything at all:

.. code-block:: text

    target = [g_audio heard, g_video seen, max(g_audio, g_video)]

with the evidence g of the senses that are open, and heard, seen the relayed features. The visual cortex has
only the maps to tell them from, the gyrus only the spikes of the auditory cortex: features reach neither. The
loss is the mean squared error of the code; what is hard to tell comes out as its expected value.

References
----------
.. [1] Barlow, H. B. (1972), Single units and sensation: a neuron doctrine for perceptual psychology?
   *Perception* 1(4), 371-394.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from avfbel.brain.gradient import (
    Progress,
    batches_of_clips,
    fit_scales,
    fuse,
    parameter_groups,
    represent,
    reproducible,
    settle,
)
from avfbel.brain.network import Network
from avfbel.brain.regions import ACOUSTIC, MAPS
from avfbel.brain.relay import ThalamicRelay, join
from avfbel.brain.samples import Samples

ANY = "any"
"""The unit that speaks whenever there is something to hear or see."""
SHORTEST_CYCLE = 10
"""Passes below which the rate does not go through a whole cycle: there is no room to go up and down."""


@dataclass(frozen=True, kw_only=True)
class LineSettings:
    """How sensory regions learn their lines: Adam, with one cycle of its rate, up and down.

    Parameters
    ----------
    width, n_visual, hidden : int
        As in `Network`.
    activation : str
        As in `Network`.
    dropout, weight_decay, learning_rate : float
        Regularisation, and the highest step size of the cycle.
    batch_size, epochs : int
        Windows a step, and passes.
    share : float
        Share of the windows that a pass shows: neighbouring windows of a clip are much alike.
    seed : int
        Of initial weights, shuffling and dropout.
    """

    width: int = 8
    activation: str = "relu"
    n_visual: int = 64
    hidden: int = 64
    dropout: float = 0.05
    weight_decay: float = 1e-4
    learning_rate: float = 3e-3
    batch_size: int = 32
    epochs: int = 100
    share: float = 0.5
    seed: int = 0


def unit_names() -> tuple[str, ...]:
    """Name the units of the fused code in their order: the feature, and + or - for its half.

    Examples
    --------
    >>> len(unit_names()), unit_names()[0], unit_names()[7], unit_names()[14], unit_names()[-1]
    (25, 'pitch+', 'pitch-', 'speed+', 'any')
    """
    halves = [f"{name}{sign}" for names in (ACOUSTIC, MAPS) for sign in "+-" for name in names]
    return (*halves, ANY)


class Lines:
    """What the fused code is to say: features relayed by their place among those of the clips.

    Parameters
    ----------
    samples : Samples
        What averages and standard deviations are taken from: windows with evidence of a sense.

    Raises
    ------
    ValueError
        If the samples hold no visual features.
    """

    def __init__(self, samples: Samples) -> None:
        if samples.visual is None:
            raise ValueError("lines are of measured features: Samples(visual=...) holds those of the picture")
        self.heard, self.seen = ThalamicRelay(ACOUSTIC).eval(), ThalamicRelay(MAPS).eval()
        for sense, (relay, table) in enumerate(((self.heard, samples.acoustic), (self.seen, samples.visual))):
            rows = np.unique(samples.row[samples.sample_evidence[:, sense] > 0])
            if len(rows):
                relay.fit(table[rows])

    def of(self, samples: Samples) -> NDArray[np.float32]:
        """Return the lines of samples, shape (m, 25): at least 0, dimensionless; units as in `unit_names`."""
        assert samples.visual is not None
        heard = self.heard(torch.from_numpy(samples.acoustic[samples.row]))
        seen = self.seen(torch.from_numpy(samples.visual[samples.row]))
        evidence = torch.from_numpy(np.asarray(samples.sample_evidence, dtype=np.float64))
        lines: NDArray[np.float32] = join([heard, seen], evidence).float().numpy()
        return lines


def learn_lines(
    samples: Samples, settings: LineSettings, *, progress: Progress | None = None
) -> tuple[Network, Lines, list[float]]:
    """Train sensory regions from nothing to tell the measured features of clips.

    Parameters
    ----------
    samples : Samples
        Windows, and the senses that each sample opens; rewards are not looked at.
    settings : LineSettings
        Architecture and optimisation.
    progress : callable, optional
        Called after each epoch with its number, from 1, and its loss.

    Returns
    -------
    network : Network
        With a fused code of labelled lines, in evaluation mode, on the processor.
    lines : Lines
        What the code stands for.
    losses : list of float
        Mean squared error of the code in each epoch, in squared standard deviations, while training (dropout
        on).

    Raises
    ------
    ValueError
        If there are no visual features, or no sample has evidence.
    """
    samples = samples.select((samples.sample_evidence > 0).any(axis=1))
    if not len(samples):
        raise ValueError("no sample has evidence: there is nothing to learn from")
    lines = Lines(samples)
    target = torch.from_numpy(lines.of(samples))
    with reproducible(settings.seed):
        network = Network(
            width=settings.width,
            activation=settings.activation,
            n_visual=settings.n_visual,
            hidden=settings.hidden,
            n_fused=target.shape[1],
            dropout=settings.dropout,
        )
        fit_scales(network, samples)
        losses = _train(network, samples, target, settings, progress)
        network.eval()
        settle(network, samples, settings.batch_size)
    return network, lines, losses


def fidelity(network: Network, lines: Lines, samples: Samples) -> dict[str, float]:
    """Return how well the fused code tells each feature: r between what it says and what was measured.

    Parameters
    ----------
    network, lines : Network, Lines
        As `learn_lines` returns them.
    samples : Samples
        Windows that were not learned from.

    Returns
    -------
    dict of float
        By feature, over the samples that open its sense with evidence and in which it varies; features of
        which there are fewer than three are left out.
    """
    said, target = fuse(network, samples), lines.of(samples)
    told, start = {}, 0
    for sense, names in enumerate((ACOUSTIC, MAPS)):
        rows = samples.sample_evidence[:, sense] > 0
        n = len(names)
        for i, name in enumerate(names, start):
            pairs = [code[rows, i] - code[rows, i + n] for code in (said, target)]
            if rows.sum() > 2 and all(np.ptp(pair) > 0 for pair in pairs):
                told[name] = float(np.corrcoef(*pairs)[0, 1])
        start += 2 * n
    return told


def _train(
    network: Network,
    samples: Samples,
    target: torch.Tensor,
    settings: LineSettings,
    progress: Progress | None,
) -> list[float]:
    groups = parameter_groups(network, nn.Identity(), settings.weight_decay)
    optimizer = torch.optim.Adam(groups, lr=settings.learning_rate)
    cycle = max(settings.epochs, SHORTEST_CYCLE)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=settings.learning_rate, total_steps=cycle, pct_start=0.2
    )
    rng = np.random.default_rng(settings.seed)
    clips = np.unique(samples.row)
    shown = max(1, round(settings.share * len(clips)))
    losses = []
    network.train()
    for epoch in range(1, settings.epochs + 1):
        total, count = 0.0, 0
        for batch in batches_of_clips(samples, rng.permutation(clips)[:shown], settings.batch_size):
            code = represent(network, samples, batch).x_fused
            loss = ((code - target[torch.from_numpy(batch)]) ** 2).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total, count = total + loss.item() * len(batch), count + len(batch)
        rate.step()
        losses.append(total / count)
        if progress is not None:
            progress(epoch, losses[-1])
    return losses
