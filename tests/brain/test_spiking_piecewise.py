"""Currents that change from hop to hop: against stepping through time, and against constant currents."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avfbel.brain import (
    lif_firing_rate,
    lif_spike_count,
    lif_spike_count_piecewise,
    lif_spike_times,
    lif_spike_times_piecewise,
)
from avfbel.brain.spiking_piecewise import lif_hop, spike_count_with_surrogate_piecewise

DT, TAU, THRESHOLD, HOP_STEPS = 1e-4, 0.01, 0.5, 500
# Within 1e-3 V of the threshold a membrane creeps up so slowly that, after some hops, rounding decides when.
volts = st.floats(-1, 5).filter(lambda i: abs(i - THRESHOLD) > 1e-3)


def stepped(currents: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Advance membranes (n_hops, n) step by step; return counts, the membranes after each hop, and spikes."""
    decay, v = math.exp(-DT / TAU), np.zeros(currents.shape[1])
    counts, membranes, spikes = np.zeros(currents.shape, dtype=int), np.zeros(currents.shape), []
    for hop, current in enumerate(currents):
        for step in range(HOP_STEPS):
            v = current + (v - current) * decay
            fired = v > THRESHOLD
            v[fired] = 0.0
            counts[hop] += fired
            spikes.extend((hop * HOP_STEPS + step + 1, int(neuron)) for neuron in np.flatnonzero(fired))
        membranes[hop] = v
    return counts, membranes, np.array(spikes)


@pytest.fixture(scope="module")
def changing() -> np.ndarray:
    """20 hops of 4000 neurons, on both sides of the threshold, some of them never near it."""
    rng = np.random.default_rng(0)
    return rng.uniform(-0.2, 1.2, (20, 4000)) * rng.uniform(0.5, 1.5, 4000)


@pytest.fixture(scope="module")
def simulated(changing: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return stepped(changing)


def test_counts_equal_those_of_stepping(changing: np.ndarray, simulated: tuple[np.ndarray, ...]) -> None:
    got = lif_spike_count_piecewise(torch.from_numpy(changing))
    np.testing.assert_array_equal(got.numpy(), simulated[0])
    assert simulated[0].sum() > 100_000  # there was something to count


def test_spike_times_equal_those_of_stepping(changing: np.ndarray, simulated: tuple[np.ndarray, ...]) -> None:
    neuron, time_s = lif_spike_times_piecewise(torch.from_numpy(changing))
    steps = np.rint(time_s.numpy() / DT).astype(int)
    assert (np.diff(steps) >= 0).all()
    np.testing.assert_array_equal(np.column_stack([steps, neuron.numpy()]), simulated[2])


def test_membranes_between_hops_equal_those_of_stepping(
    changing: np.ndarray, simulated: tuple[np.ndarray, ...]
) -> None:
    v = torch.zeros(changing.shape[1], dtype=torch.float64)
    for current, want in zip(torch.from_numpy(changing), simulated[1], strict=True):
        v = lif_hop(current, v, steps=HOP_STEPS).membrane
        # 500 roundings of a step, against one exponential
        np.testing.assert_allclose(v.numpy(), want, rtol=0, atol=1e-13)


def test_sounds_are_counted_apart(changing: np.ndarray) -> None:
    currents = torch.from_numpy(changing).reshape(20, 5, 800).transpose(0, 1)
    counts = lif_spike_count_piecewise(currents)
    assert counts.shape == (5, 20, 800)
    assert torch.equal(counts[3], lif_spike_count_piecewise(currents[3]))


@given(st.lists(volts, min_size=1, max_size=20), st.integers(1, 12))
def test_a_current_that_stays_is_a_constant_current(values: list[float], n_hops: int) -> None:
    current = torch.tensor(values, dtype=torch.float64)
    hops = current.expand(n_hops, -1)
    whole = lif_spike_count(current, duration=0.05 * n_hops)
    assert torch.equal(lif_spike_count_piecewise(hops).sum(dim=0), whole)
    for got, want in zip(
        lif_spike_times_piecewise(hops), lif_spike_times(current, duration=0.05 * n_hops), strict=True
    ):
        assert len(got) == len(want)
        assert sorted(np.rint(got.numpy() * 1e4)) == sorted(np.rint(want.numpy() * 1e4))


@given(st.lists(st.lists(volts, min_size=3, max_size=3), min_size=1, max_size=6))
def test_a_raster_holds_as_many_spikes_as_are_counted(values: list[list[float]]) -> None:
    currents = torch.tensor(values, dtype=torch.float64)
    neuron, time_s = lif_spike_times_piecewise(currents)
    counts = lif_spike_count_piecewise(currents)
    hop = torch.div((time_s / DT).round() - 1, HOP_STEPS, rounding_mode="floor").long()
    got = torch.zeros_like(counts).index_put((hop, neuron), torch.tensor(1.0).double(), accumulate=True)
    assert torch.equal(got, counts)


@given(st.lists(st.tuples(volts, volts), min_size=1, max_size=6))
def test_more_current_in_every_hop_never_means_fewer_spikes(values: list[tuple[float, float]]) -> None:
    pair = torch.tensor([sorted(each) for each in values], dtype=torch.float64)
    less, more = lif_spike_count_piecewise(pair).sum(dim=0)
    assert less <= more


def test_what_a_hop_leaves_behind_makes_the_next_fire_earlier() -> None:
    from_rest = lif_spike_times(torch.tensor([0.6]), duration=0.05)[1]
    neuron, carried = lif_spike_times_piecewise(torch.tensor([[0.45], [0.6]]))
    assert neuron.tolist() == [0] * len(carried)
    # from 0.45 (1 - exp(-5)): tau ln((0.6 - v) / 0.1) = 4.25 ms instead of 17.9 ms
    assert carried[0].item() - 0.05 == pytest.approx(0.0043, abs=5e-5)
    assert from_rest[0].item() == pytest.approx(0.018, abs=5e-5)


def test_surrogate_gradient_is_the_slope_of_the_smoothed_rate() -> None:
    currents = torch.linspace(0.42, 1.2, 120, dtype=torch.float64).reshape(2, 20, 3).requires_grad_()
    spike_count_with_surrogate_piecewise(currents).sum().backward()
    step = 1e-6
    with torch.no_grad():
        slope = (lif_firing_rate(currents + step) - lif_firing_rate(currents - step)) / (2 * step)
    torch.testing.assert_close(currents.grad, 0.05 * slope, rtol=1e-6, atol=1e-6)


def test_what_is_not_a_number_is_not_counted_as_silence() -> None:
    counts = lif_spike_count_piecewise(torch.tensor([[math.nan], [0.6]]))
    assert counts.isnan().all()


@pytest.mark.parametrize("shape", [(3,), (1, 2, 3, 4)])
def test_counting_needs_a_time_axis(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(n, n_hops, n_neurons\).*lif_spike_count"):
        lif_spike_count_piecewise(torch.ones(shape))


def test_a_raster_is_of_one_stimulus() -> None:
    with pytest.raises(ValueError, match=r"shape \(n_hops, n_neurons\), got \(1, 2, 3\)"):
        lif_spike_times_piecewise(torch.ones(1, 2, 3))


def test_a_raster_needs_finite_currents() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        lif_spike_times_piecewise(torch.tensor([[math.nan]]))


def test_no_hop_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        lif_spike_count_piecewise(torch.ones(0, 3))


@pytest.mark.parametrize("hop", [0.0, -0.05, 0.00005, 0.05003])
def test_a_hop_off_the_grid_is_refused(hop: float) -> None:
    with pytest.raises(ValueError, match="whole number of steps"):
        lif_spike_count_piecewise(torch.ones(2, 3), hop=hop)


@pytest.mark.parametrize("dt", [0.0, -1e-4])
def test_a_grid_without_width_is_refused(dt: float) -> None:
    with pytest.raises(ValueError, match="dt must be positive"):
        lif_spike_count_piecewise(torch.ones(2, 3), dt=dt)
