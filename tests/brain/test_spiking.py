"""Integrate-and-fire neurons: against a stepped membrane, printed counts, and finite differences."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avfbel.brain import lif_firing_rate, lif_spike_count, lif_spike_times
from avfbel.brain.spiking import spike_count_with_surrogate

DT, TAU, THRESHOLD = 1e-4, 0.01, 0.5
currents = st.floats(0, 5)


def stepped_membrane(current: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Advance all membranes by the exact solution of each step; returns spikes as (step, neuron) pairs."""
    decay, v, steps_fired, neurons = math.exp(-DT / TAU), np.zeros(len(current)), [], []
    for step in range(1, steps + 1):
        v = current + (v - current) * decay
        fired = np.flatnonzero(v > THRESHOLD)
        v[fired] = 0.0
        steps_fired.extend([step] * len(fired))
        neurons.extend(fired)
    return np.array(steps_fired), np.array(neurons)


def test_counts_equal_those_of_a_stepped_membrane() -> None:
    # Currents just off the multiples of 0.001 V: on the edge between two counts, rounding decides either way.
    current = np.arange(0.0, 2.0, 0.001) + 1.7e-7
    _, neurons = stepped_membrane(current, 10_000)
    count = lif_spike_count(torch.from_numpy(current), duration=1.0)
    np.testing.assert_array_equal(count.numpy(), np.bincount(neurons, minlength=len(current)))


def test_published_currents_draw_the_published_number_of_spikes() -> None:
    current = torch.tensor([0.6] * 400 + [0.6] * 200 + [0.65] * 200)
    count = lif_spike_count(current, duration=1.0)
    assert [part.sum().item() for part in count.split([400, 200, 200])] == [22_000, 11_000, 13_600]


def test_spike_times_equal_those_of_a_stepped_membrane() -> None:
    current = np.array([0.3, 0.55, 0.6, 0.65, 1.3, 3.0])
    steps, neurons = stepped_membrane(current, 2_000)
    neuron, time_s = lif_spike_times(torch.from_numpy(current), duration=0.2)
    assert sorted(zip(neuron.tolist(), np.rint(time_s.numpy() / DT), strict=True)) == sorted(
        zip(neurons, steps, strict=True)
    )
    assert (time_s.diff() >= 0).all()


@given(st.lists(currents, min_size=1, max_size=20), st.floats(0.001, 2.0))
def test_a_raster_holds_as_many_spikes_as_are_counted(values: list[float], duration: float) -> None:
    current = torch.tensor(values, dtype=torch.float64)
    neuron, time_s = lif_spike_times(current, duration=duration)
    count = lif_spike_count(current, duration=duration)
    assert torch.bincount(neuron, minlength=len(values)).tolist() == count.tolist()
    assert len(time_s) == 0 or 0 < time_s.min() <= time_s.max() <= duration + DT


@given(st.lists(currents, min_size=2).map(sorted))
def test_more_current_never_means_fewer_spikes(values: list[float]) -> None:
    assert (lif_spike_count(torch.tensor([values]), duration=1.0).diff() >= 0).all()


@given(st.floats(-1, 0.5))
def test_a_current_that_stays_below_threshold_draws_no_spike(current: float) -> None:
    assert lif_spike_count(torch.tensor([current]), duration=10.0).item() == 0


def test_well_above_threshold_the_smooth_rate_is_the_analytic_rate() -> None:
    current = torch.linspace(0.7, 2.0, 50, dtype=torch.float64)
    analytic = 1 / (TAU * torch.log(current / (current - THRESHOLD)))
    # softplus exceeds its argument by s * ln(1 + exp(-10)), less than 1e-6 V, at 0.7 V
    torch.testing.assert_close(lif_firing_rate(current), analytic, rtol=1e-5, atol=0)


def test_counts_follow_the_smooth_rate_within_a_grid_step() -> None:
    current = torch.linspace(0.6, 1.0, 400, dtype=torch.float64)
    count, rate = lif_spike_count(current, duration=1.0), lif_firing_rate(current)
    # the grid delays every spike by up to dt, and the last interval is not finished
    assert ((rate - count) <= rate**2 * DT + 1 + 1e-2).all()
    assert ((count - rate) <= 1e-2).all()


def test_surrogate_gradient_is_the_slope_of_the_smoothed_rate() -> None:
    current = torch.linspace(0.42, 1.2, 300, dtype=torch.float64, requires_grad=True)
    spike_count_with_surrogate(current, duration=2.0).sum().backward()
    step = 1e-6
    with torch.no_grad():
        slope = (lif_firing_rate(current + step) - lif_firing_rate(current - step)) / (2 * step)
    torch.testing.assert_close(current.grad, 2.0 * slope, rtol=1e-6, atol=1e-6)


def test_the_smoothed_rate_passes_a_gradient_check() -> None:
    current = torch.linspace(-0.1, 2.0, 40, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lif_firing_rate, (current,), eps=1e-6, atol=1e-6, rtol=1e-6)


def test_surrogate_leaves_counts_whole() -> None:
    current = torch.rand(1000) + 0.4
    count = spike_count_with_surrogate(current, duration=1.0)
    assert torch.equal(count, lif_spike_count(current, duration=1.0))


def test_gradient_is_finite_even_far_below_threshold() -> None:
    current = torch.tensor([-5.0, 0.0, 0.5], requires_grad=True)
    spike_count_with_surrogate(current, duration=1.0).sum().backward()
    assert torch.isfinite(current.grad).all()


@pytest.mark.parametrize("dt", [0.0, 0.01, 0.1])
def test_a_grid_that_cannot_resolve_the_membrane_is_refused(dt: float) -> None:
    with pytest.raises(ValueError, match="is it in ms"):
        lif_spike_count(torch.tensor([0.6]), duration=1.0, dt=dt)


def test_a_threshold_at_rest_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold must be positive"):
        lif_spike_count(torch.tensor([0.6]), duration=1.0, threshold=0.0)


def test_a_raster_is_of_one_stimulus() -> None:
    with pytest.raises(ValueError, match="shape \\(n_neurons,\\)"):
        lif_spike_times(torch.ones(2, 3), duration=1.0)
