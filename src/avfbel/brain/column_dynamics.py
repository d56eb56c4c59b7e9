r"""One time step of the coupled column: conductances, membranes, spikes, noise.

Units are mV, ms, nS, pF and pA (1 nS · 1 mV = 1 pA, 1 pA / 1 pF = 1 mV/ms). Arrays have the shape
(n_conditions, n_seeds, n_neurons) and are written in place: a simulation is thousands of steps.

White noise ξ has the unit time^(-1/2): its integral over a step is :math:`\sqrt{dt}` times a standard normal
number. The noise current :math:`\sigma \sqrt{1\,\mathrm{nS} \cdot C}\,\xi`, divided by C, thus moves the
membrane by :math:`\sigma \sqrt{1\,\mathrm{nS} \cdot dt / C}` times a standard normal number in each step
(Euler–Maruyama), and nS · ms / pF is dimensionless: with dt = 0.1 ms and σ = 20 mV, 0.47 mV a step for PYR,
0.71 mV for PV and SOM.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from avfbel.brain.column_parameters import ColumnParameters, Population, Synapse

Floats = NDArray[np.float64]
_BLOCK = 100  # steps of noise drawn at a time: the numbers drawn do not depend on it


class Membranes(NamedTuple):
    """State of one population; the dendrite is there for one population only."""

    soma_mV: Floats
    adaptation_pA: Floats
    held_steps: NDArray[np.int32]
    """Steps for which the soma still stays at the reset."""
    dendrite_mV: Floats | None


class Wiring(NamedTuple):
    """One synapse of the table with its connections and its conductances."""

    synapse: Synapse
    step_nS: float
    """What a spike adds to each cell it reaches."""
    connected: NDArray[np.bool_]
    """Shape (n_seeds, n_source, n_target)."""
    conductance_nS: Floats
    """Shape (n_conditions, n_seeds, n_target)."""


def at_start(cells: Population, parameters: ColumnParameters, *, shape: tuple[int, int]) -> Membranes:
    """Put the membranes of a population where a simulation starts, over (n_conditions, n_seeds)."""
    full = (*shape, cells.n_neurons)
    two = cells.name == parameters.dendrite.population
    dendrite = np.full(full, cells.start_mV) if two else None
    return Membranes(np.full(full, cells.start_mV), np.zeros(full), np.zeros(full, dtype=np.int32), dendrite)


def wire(
    parameters: ColumnParameters, *, generators: Sequence[Generator], n_conditions: int
) -> tuple[Wiring, ...]:
    """Draw the connections of every synapse, one column per generator, with conductances of 0."""
    sizes = {cells.name: cells.n_neurons for cells in parameters.populations}
    wirings = []
    for synapse in parameters.synapses:
        n_source, n_target = sizes[synapse.source], sizes[synapse.target]
        connected = np.empty((len(generators), n_source, n_target), dtype=bool)
        for row, generator in zip(connected, generators, strict=True):
            np.less(generator.random(row.shape), synapse.probability, out=row)
        conductance = np.zeros((n_conditions, len(generators), n_target))
        wirings.append(Wiring(synapse, synapse.total_nS / n_source, connected, conductance))
    return tuple(wirings)


def transmit(wiring: Wiring, fired: NDArray[np.intp], *, ms: float) -> None:
    """Let conductances decay by one step, then add what the spikes of the step cause.

    `fired` has a row (condition, seed, cell) for each spike of the source.
    """
    wiring.conductance_nS[...] *= 1 - ms / wiring.synapse.decay_ms
    for condition, seed, cell in fired.tolist():
        reached = wiring.conductance_nS[condition, seed]
        np.add(reached, wiring.step_nS, out=reached, where=wiring.connected[seed, cell])


def synaptic_current(
    wirings: Sequence[Wiring], potential_mV: Floats | None, *, target: str, compartment: str
) -> Floats | float:
    """Sum the synaptic current into one compartment of a population, in pA; 0 if it has no synapse."""
    total: Floats | float = 0.0
    if potential_mV is None:
        return total
    for wiring in wirings:
        if wiring.synapse.target == target and wiring.synapse.compartment == compartment:
            total = total + wiring.conductance_nS * (wiring.synapse.reversal_mV - potential_mV)
    return total


def advance(
    membranes: Membranes,
    *,
    cells: Population,
    parameters: ColumnParameters,
    input_pA: Floats | float,
    dendrite_pA: Floats | float,
    noise_mV: Floats | float,
    ms: float,
) -> NDArray[np.intp]:
    """Advance one population by an Euler step, every derivative taken from the values before it.

    Parameters
    ----------
    membranes : Membranes
        State, replaced by that after the step.
    cells, parameters : Population, ColumnParameters
        Numbers of the population and of the column.
    input_pA, dendrite_pA : ndarray or float
        Synaptic and other input to the soma and to the dendrite, in pA.
    noise_mV : ndarray or float
        What noise adds to the soma in this step, in mV.
    ms : float
        Time step, in ms.

    Returns
    -------
    ndarray of int, shape (n_spikes, 3)
        Condition, seed and cell of each spike.
    """
    soma, w, held, dendrite = membranes
    above_rest = soma - parameters.rest_mV
    with np.errstate(over="ignore"):  # beyond the range of numbers a spike is a spike all the same
        rise = np.exp((soma - cells.threshold_mV) / cells.slope_mV)
    current = cells.leak_nS * (cells.slope_mV * rise - above_rest)
    current += input_pA
    current -= w
    if dendrite is not None:
        between = parameters.dendrite.coupling_nS * (dendrite - soma)
        current += between / parameters.dendrite.soma_share
        leak = cells.leak_nS * (dendrite - parameters.rest_mV)
        outflow = leak + between / (1 - parameters.dendrite.soma_share)
        dendrite += (ms / cells.capacitance_pF) * (dendrite_pA - outflow)
    if cells.adaptation_nS or cells.adaptation_jump_pA:
        w += (ms / parameters.adaptation_ms) * (cells.adaptation_nS * above_rest - w)
    current *= ms / cells.capacitance_pF
    current += noise_mV
    np.add(soma, current, out=soma, where=held == 0)
    np.maximum(held - 1, 0, out=held)
    fired = np.argwhere(soma > parameters.spike_mV)
    if len(fired):
        where = tuple(fired.T)
        soma[where] = parameters.reset_mV
        w[where] += cells.adaptation_jump_pA
        held[where] = max(round(parameters.refractory_ms / ms) - 1, 0)
    return fired


def noise(
    cells: Population, parameters: ColumnParameters, *, generators: Sequence[Generator], ms: float
) -> Iterator[Floats | float]:
    """Yield what white noise adds to the somata in each step, in mV, shape (n_seeds, n_neurons), for ever."""
    one_nS = 1.0
    scale = parameters.noise_mV * np.sqrt(one_nS * ms / cells.capacitance_pF)
    while scale == 0:
        yield 0.0
    while True:
        block = [generator.standard_normal((_BLOCK, cells.n_neurons)) for generator in generators]
        yield from np.stack(block, axis=1) * scale
