"""Leaky integrate-and-fire neurons in closed form: spike counts, spike times, a smooth rate to learn through.

dv/dt = (I - v) / tau, a spike when v exceeds the threshold, then back to rest (Eq. 4-6 of the paper).
Currents are input current times membrane resistance, in V.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

SMOOTHING_V = 0.02  # width of the threshold in the surrogate rate: about what membrane noise would smear


def lif_interval(current: Tensor, *, dt: float = 1e-4, tau: float = 0.01, threshold: float = 0.5) -> Tensor:
    r"""Return the number of time steps from reset to spike.

    From rest :math:`v(t) = I (1 - e^{-t/\tau})`, which is above the threshold from the grid point
    :math:`\lfloor -\tau/dt \cdot \ln(1 - \theta/I) \rfloor + 1` on [1]_.

    Parameters
    ----------
    current : Tensor, any shape
        Constant input current, in V.
    dt, tau : float
        Time grid and membrane time constant, in s.
    threshold : float
        Firing threshold, in V above rest.

    Returns
    -------
    Tensor, shape of `current`
        Whole numbers of steps; infinite where the current does not exceed the threshold.

    Raises
    ------
    ValueError
        If `dt` is not positive and below `tau`, or `threshold` is not positive.

    References
    ----------
    .. [1] Gerstner et al. (2014), *Neuronal Dynamics*, section 1.3.

    Examples
    --------
    >>> lif_interval(torch.tensor([0.5, 0.6, 0.65]))
    tensor([ inf, 180., 147.])
    """
    if not 0 < dt < tau:
        raise ValueError(f"dt must be positive and below tau = {tau:g} s, got {dt:g}: is it in ms?")
    if not threshold > 0:
        raise ValueError(f"threshold must be positive, got {threshold:g} V")
    time_to_threshold = -tau * torch.log1p(-threshold / current.clamp(min=threshold))
    return torch.floor(time_to_threshold / dt) + 1


def lif_spike_count(
    current: Tensor, *, duration: float, dt: float = 1e-4, tau: float = 0.01, threshold: float = 0.5
) -> Tensor:
    """Count the spikes a constant current draws from leaky integrate-and-fire neurons at rest.

    Parameters
    ----------
    current : Tensor, shape (n, n_neurons)
        Input current times membrane resistance, in V.
    duration, dt : float
        Stimulus length and time grid, in s; a neuron fires on the first grid point above threshold.
    tau, threshold : float
        Membrane time constant, in s, and threshold, in V above rest; a spike resets to rest.

    Returns
    -------
    Tensor, shape (n, n_neurons)
        Spikes per neuron: whole numbers in the dtype of `current`; stepwise, so no gradient.

    Raises
    ------
    ValueError
        If `dt` is not positive and below `tau`, or `threshold` is not positive.

    See Also
    --------
    lif_interval : the closed form behind it.
    lif_firing_rate : the smooth rate, for gradients.

    Examples
    --------
    The currents that the paper prints for its three populations, 0.6, 0.6 and 0.65 V:

    >>> lif_spike_count(torch.tensor([[0.5, 0.6, 0.65]]), duration=1.0)
    tensor([[ 0., 55., 68.]])
    """
    interval = lif_interval(current.detach(), dt=dt, tau=tau, threshold=threshold)
    return torch.floor(round(duration / dt) / interval)


def lif_spike_times(
    current: Tensor, *, duration: float, dt: float = 1e-4, tau: float = 0.01, threshold: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Return who fires when under constant currents, for raster plots.

    Parameters
    ----------
    current : Tensor, shape (n_neurons,)
        Input current times membrane resistance, in V.
    duration, dt, tau, threshold : float
        As in `lif_spike_count`.

    Returns
    -------
    neuron : Tensor of int64, shape (n_spikes,)
        Index of the neuron that fires.
    time_s : Tensor, shape (n_spikes,)
        The grid point on which its membrane is first above threshold, in s, ascending. (A simulator that
        names a step by its start reports one `dt` less.)

    Raises
    ------
    ValueError
        If `current` is not one-dimensional, or as in `lif_spike_count`.

    Examples
    --------
    >>> neuron, time_s = lif_spike_times(torch.tensor([0.6, 0.65]), duration=0.04)
    >>> neuron.tolist(), [round(t, 4) for t in time_s.tolist()]
    ([1, 0, 1, 0], [0.0147, 0.018, 0.0294, 0.036])
    """
    if current.ndim != 1:
        raise ValueError(f"current must have shape (n_neurons,), got {tuple(current.shape)}")
    interval = lif_interval(current.detach(), dt=dt, tau=tau, threshold=threshold)
    count = torch.floor(round(duration / dt) / interval).long()
    neuron = torch.repeat_interleave(torch.arange(len(current)), count)
    first = torch.repeat_interleave(count.cumsum(0) - count, count)
    order_of_spike = torch.arange(len(neuron)) - first + 1
    time_s = order_of_spike.to(current.dtype) * interval[neuron] * dt
    ascending = torch.argsort(time_s, stable=True)
    return neuron[ascending], time_s[ascending]


def lif_firing_rate(
    current: Tensor, *, tau: float = 0.01, threshold: float = 0.5, smoothing: float = SMOOTHING_V
) -> Tensor:
    r"""Return the smoothed firing rate, through which tuning is learned.

    The rate :math:`1 / (\tau \ln(I / (I - \theta)))` has an infinite slope at the threshold and none below
    it. Here the excess :math:`I - \theta` is replaced by :math:`s \ln(1 + e^{(I - \theta)/s})`, so that a
    neuron just below the threshold still feels which way to go; far above, both rates agree.

    Parameters
    ----------
    current : Tensor, any shape
        Input current times membrane resistance, in V.
    tau, threshold : float
        Membrane time constant, in s, and threshold, in V above rest.
    smoothing : float
        Width s of the softened threshold, in V.

    Returns
    -------
    Tensor, shape of `current`
        Spikes per second, differentiable.

    Examples
    --------
    >>> lif_firing_rate(torch.tensor([0.45, 0.6, 1.0])).round()
    tensor([ 17.,  56., 144.])
    """
    excess = smoothing * softplus((current - threshold) / smoothing, threshold=50.0)
    return 1 / (tau * torch.log1p(threshold / excess.clamp(min=1e-12)))


def spike_count_with_surrogate(current: Tensor, *, duration: float) -> Tensor:
    """Count spikes exactly, with the gradient of the smoothed rate.

    Parameters
    ----------
    current : Tensor, shape (n, n_neurons)
        Input current times membrane resistance, in V.
    duration : float
        Stimulus length, in s.

    Returns
    -------
    Tensor, shape (n, n_neurons)
        Values of `lif_spike_count`, gradient of `lif_firing_rate` times `duration`.

    Examples
    --------
    >>> current = torch.tensor([[0.6]], requires_grad=True)
    >>> count = spike_count_with_surrogate(current, duration=1.0)
    >>> count.backward()
    >>> count.item(), current.grad.item() > 0
    (55.0, True)
    """
    smooth = duration * lif_firing_rate(current)
    return lif_spike_count(current, duration=duration) + (smooth - smooth.detach())
