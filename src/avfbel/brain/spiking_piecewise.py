"""Leaky integrate-and-fire neurons under currents that change from hop to hop: the closed form, carried over.

Within a hop the current is constant, so the closed form of `avfbel.brain.spiking` holds; what a hop leaves in
the membrane is where the next one starts. Counts and times equal those of stepping through every `dt`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from avfbel.brain.spiking import lif_firing_rate, lif_interval


class Hop(NamedTuple):
    """What a stretch of constant current does to neurons; all of the shape of the current, in float64."""

    spikes: Tensor
    """How many, whole numbers."""
    first: Tensor
    """Steps from the start of the hop to the first spike; infinite where the current never draws one."""
    interval: Tensor
    """Steps from one spike to the next; infinite likewise."""
    membrane: Tensor
    """Membrane at the end of the hop, in V above rest."""


def lif_hop(
    current: Tensor,
    membrane: Tensor,
    *,
    steps: int,
    dt: float = 1e-4,
    tau: float = 0.01,
    threshold: float = 0.5,
) -> Hop:
    r"""Lead membranes through one stretch of constant current.

    From membrane :math:`v \le \theta` the first spike comes after
    :math:`n_1 = \lfloor \tau/dt \cdot \ln((I - v)/(I - \theta)) \rfloor + 1` steps and every further one
    after N, the interval from reset. With m steps and :math:`a = e^{-dt/\tau}`, the membrane ends at
    :math:`I + (v - I) a^m` without a spike, else at :math:`I (1 - a^{(m - n_1) \bmod N})`.

    Parameters
    ----------
    current : Tensor, any shape
        Input current times membrane resistance, in V.
    membrane : Tensor, shape of `current`
        Membrane at the start, in V above rest, at most `threshold`.
    steps : int
        Length of the stretch, in steps of `dt`.
    dt, tau, threshold : float
        As in `lif_spike_count`.

    Returns
    -------
    Hop
        Spikes and where they leave the membrane; without gradient.

    Raises
    ------
    ValueError
        If `dt` is not positive and below `tau`, or `threshold` is not positive.

    Examples
    --------
    >>> hop = lif_hop(torch.tensor([0.4, 0.6]), torch.tensor([0.3, 0.3]), steps=500)
    >>> hop.spikes.tolist(), hop.first.tolist()
    ([0.0, 3.0], [inf, 110.0])
    """
    current, membrane = current.detach().double(), membrane.detach().double()
    interval = lif_interval(current, dt=dt, tau=tau, threshold=threshold)
    below = current <= threshold
    safe = torch.where(
        below, 2 * threshold, current
    )  # any current above threshold: not used where it is below
    # The logarithm in the form of `lif_interval`, so that from rest both have the same bits.
    time_to_threshold = -tau * torch.log1p(-(threshold - membrane) / (safe - membrane))
    first = torch.where(below, torch.inf, torch.floor(time_to_threshold / dt) + 1)
    silent = first > steps
    left = torch.where(silent, 0.0, steps - first)
    count = torch.where(silent, 0.0, 1 + torch.floor(left / interval))
    since_spike = left - torch.where(silent, 0.0, (count - 1) * interval)
    from_rest = -current * torch.expm1(-since_spike * dt / tau)
    unfired = current + (membrane - current) * math.exp(-steps * dt / tau)
    return Hop(count, first, interval, torch.where(silent, unfired, from_rest))


def lif_spike_count_piecewise(
    currents: Tensor, *, hop: float = 0.05, dt: float = 1e-4, tau: float = 0.01, threshold: float = 0.5
) -> Tensor:
    """Count the spikes that currents draw which change from hop to hop, from neurons at rest.

    Parameters
    ----------
    currents : Tensor, shape (n, n_hops, n_neurons) or (n_hops, n_neurons)
        Input current times membrane resistance, in V, constant within a hop.
    hop : float
        Length of a hop, in s: a whole number of steps of `dt`.
    dt, tau, threshold : float
        As in `lif_spike_count`.

    Returns
    -------
    Tensor, shape of `currents`
        Spikes per hop and neuron: whole numbers in the dtype of `currents`, computed in float64; summed over
        hops, those of the whole stretch. Stepwise, so no gradient.

    Raises
    ------
    ValueError
        If `currents` has another number of axes or no hop, `hop` is not a whole number of steps, or as in
        `lif_spike_count`.

    See Also
    --------
    lif_spike_count : for one current a stretch.
    lif_hop : the closed form of one hop.

    Examples
    --------
    Two hops of 50 ms: 0.55 V leaves the membrane part of the way to its next spike, so 0.6 V fires earlier.

    >>> lif_spike_count_piecewise(torch.tensor([[[0.55, 0.6], [0.6, 0.6]]]))
    tensor([[[2., 2.],
             [2., 3.]]])
    """
    if currents.ndim not in (2, 3):
        raise ValueError(
            f"currents must have shape (n, n_hops, n_neurons) or (n_hops, n_neurons), got "
            f"{tuple(currents.shape)}: for one current a stretch there is lif_spike_count"
        )
    hops = _walk(currents, hop=hop, dt=dt, tau=tau, threshold=threshold)
    return torch.stack([each.spikes for each in hops], dim=-2).to(currents.dtype)


def lif_spike_times_piecewise(
    currents: Tensor, *, hop: float = 0.05, dt: float = 1e-4, tau: float = 0.01, threshold: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Return who fires when under currents that change from hop to hop, for raster plots.

    Parameters
    ----------
    currents : Tensor, shape (n_hops, n_neurons)
        Input current times membrane resistance, in V, constant within a hop.
    hop, dt, tau, threshold : float
        As in `lif_spike_count_piecewise`.

    Returns
    -------
    neuron : Tensor of int64, shape (n_spikes,)
        Index of the neuron that fires.
    time_s : Tensor, shape (n_spikes,)
        The grid point on which its membrane is first above threshold, in s, ascending.

    Raises
    ------
    ValueError
        If `currents` is not two-dimensional or not finite, or as in `lif_spike_count_piecewise`.

    Examples
    --------
    >>> neuron, time_s = lif_spike_times_piecewise(torch.tensor([[0.4], [0.6]]))
    >>> neuron.tolist(), [round(t, 4) for t in time_s.tolist()]
    ([0, 0, 0], [0.0571, 0.0751, 0.0931])
    """
    if currents.ndim != 2:
        raise ValueError(f"currents must have shape (n_hops, n_neurons), got {tuple(currents.shape)}")
    if not bool(torch.isfinite(currents).all()):
        raise ValueError("currents must be finite numbers of volts: some are infinite or not a number")
    neurons, steps = [], []
    for k, each in enumerate(_walk(currents, hop=hop, dt=dt, tau=tau, threshold=threshold)):
        count = each.spikes.long()
        neuron = torch.repeat_interleave(torch.arange(len(count), device=count.device), count)
        before = torch.repeat_interleave(count.cumsum(0) - count, count)
        nth = torch.arange(len(neuron), device=count.device) - before
        spaced = torch.where(nth > 0, nth * each.interval[neuron], 0.0)
        neurons.append(neuron)
        steps.append(k * _steps(hop, dt) + each.first[neuron] + spaced)
    step, neuron = torch.cat(steps), torch.cat(neurons)
    ascending = torch.argsort(step, stable=True)
    return neuron[ascending], (step[ascending] * dt).to(currents.dtype)


def spike_count_with_surrogate_piecewise(currents: Tensor, *, hop: float = 0.05) -> Tensor:
    """Count spikes of changing currents exactly, with the gradient of the smoothed rate.

    What a hop leaves in the membrane is counted, but not differentiated: the gradient of a hop's count is
    that of `lif_firing_rate` at its own current, times `hop`.

    Parameters
    ----------
    currents : Tensor, shape (n, n_hops, n_neurons) or (n_hops, n_neurons)
        Input current times membrane resistance, in V.
    hop : float
        Length of a hop, in s.

    Returns
    -------
    Tensor, shape of `currents`
        Values of `lif_spike_count_piecewise`.

    Examples
    --------
    >>> currents = torch.tensor([[[0.4], [0.6]]], requires_grad=True)
    >>> count = spike_count_with_surrogate_piecewise(currents)
    >>> count.sum().backward()
    >>> count.flatten().tolist(), bool((currents.grad > 0).all())
    ([0.0, 3.0], True)
    """
    smooth = hop * lif_firing_rate(currents)
    return lif_spike_count_piecewise(currents, hop=hop) + (smooth - smooth.detach())


def _walk(currents: Tensor, *, hop: float, dt: float, tau: float, threshold: float) -> list[Hop]:
    """Lead neurons at rest through all hops, (..., n_hops, n_neurons)."""
    if not currents.shape[-2]:
        raise ValueError("currents have no hop: there must be at least one")
    steps = _steps(hop, dt)
    membrane = torch.zeros_like(currents[..., 0, :], dtype=torch.float64)
    hops = []
    for current in currents.unbind(dim=-2):
        hops.append(lif_hop(current, membrane, steps=steps, dt=dt, tau=tau, threshold=threshold))
        membrane = hops[-1].membrane
    return hops


def _steps(hop: float, dt: float) -> int:
    """Return the steps of a hop."""
    if not dt > 0:
        raise ValueError(f"dt must be positive, got {dt:g} s")
    steps = round(hop / dt)
    if steps < 1 or abs(steps * dt - hop) > 1e-6 * dt:
        raise ValueError(f"hop must be a whole number of steps of dt = {dt:g} s, got {hop:g} s: is it in ms?")
    return steps
