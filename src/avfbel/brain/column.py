"""A coupled column of auditory cortex: pyramidal (PYR), PV and SOM cells under depressing thalamic input.

An experiment beside the model, whose populations are uncoupled: two tones in a row show forward suppression,
and light on the interneurons changes it. Many simulations advance together, conditions × seeds, in numpy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.brain.column_dynamics import advance, at_start, noise, synaptic_current, transmit, wire
from avfbel.brain.column_parameters import CONDITIONS as CONDITIONS
from avfbel.brain.column_parameters import PUBLISHED, ColumnParameters, Population
from avfbel.brain.column_stimulus import FIRST_TONE, SECOND_TONE, thalamic_current
from avfbel.brain.column_stimulus import onset_envelope as onset_envelope
from avfbel.brain.column_stimulus import paired_tones as paired_tones

Floats = NDArray[np.float64]


class Spikes(NamedTuple):
    """Spikes of one population, in the order of time; all four arrays have shape (n_spikes,)."""

    step: NDArray[np.int32]
    condition: NDArray[np.int32]
    seed: NDArray[np.int32]
    """Position in the activity's `seeds`."""
    cell: NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class ColumnActivity:
    """What the column did: every spike, under every condition and seed.

    Parameters
    ----------
    stimulus : ndarray, shape (n_conditions, n_steps)
        Stimulus s(t) from 0 to 1, dimensionless.
    light_nA : tuple of mapping
        Current of the light per population, one mapping a condition, in nA.
    seeds : tuple of int
        Of connections and noise.
    dt : float
        Time step, in s.
    spikes : mapping of str to Spikes
        By population.
    """

    stimulus: Floats
    light_nA: tuple[Mapping[str, float], ...]
    seeds: tuple[int, ...]
    dt: float
    spikes: Mapping[str, Spikes]

    def counts(self, population: str) -> NDArray[np.int64]:
        """Return the spikes of a population in every step, shape (n_conditions, n_seeds, n_steps)."""
        shape = (len(self.light_nA), len(self.seeds), self.stimulus.shape[-1])
        found = self._spikes(population)
        place = np.ravel_multi_index((found.condition, found.seed, found.step), shape)
        return np.bincount(place, minlength=int(np.prod(shape))).reshape(shape)

    def spike_count(self, population: str, start: float, stop: float) -> NDArray[np.int64]:
        """Return the spikes of a population from `start` until `stop`, in s; shape (n_conditions, n_seeds).

        Raises
        ------
        ValueError
            If the stretch is empty or not within the simulation, or there is no such population.
        """
        first, last, n_steps = round(start / self.dt), round(stop / self.dt), self.stimulus.shape[-1]
        if not 0 <= first < last <= n_steps:
            raise ValueError(
                f"the simulation lasts {n_steps * self.dt:g} s: no steps from {start:g} to {stop:g} s in it"
            )
        counted: NDArray[np.int64] = self.counts(population)[..., first:last].sum(axis=-1)
        return counted

    def _spikes(self, population: str) -> Spikes:
        if population not in self.spikes:
            raise ValueError(f"no population {population!r}: there are {', '.join(self.spikes)}")
        return self.spikes[population]


def forward_suppression(
    activity: ColumnActivity,
    *,
    population: str = "PYR",
    first: tuple[float, float] = FIRST_TONE,
    second: tuple[float, float] = SECOND_TONE,
) -> Floats:
    """Divide the spikes during the second tone by those during the first: suppression when below 1.

    Parameters
    ----------
    activity : ColumnActivity
        Of a simulation of two tones.
    population : str
        Whose spikes.
    first, second : (float, float)
        Start and end of the tones, in s; those of `paired_tones` by default.

    Returns
    -------
    ndarray, shape (n_conditions, n_seeds)
        Dimensionless; NaN where the first tone draws no spike.

    Examples
    --------
    >>> two_ms = simulate_column(paired_tones()[1600:1640])
    >>> forward_suppression(two_ms, first=(0, 0.002), second=(0.002, 0.004))
    array([[nan]])
    """
    before = activity.spike_count(population, *first).astype(float)
    after = activity.spike_count(population, *second)
    ratio: Floats = np.divide(after, before, out=np.full_like(before, np.nan), where=before > 0)
    return ratio


def simulate_column(
    stimulus: ArrayLike,
    *,
    seeds: Sequence[int] = (0,),
    light_nA: Iterable[Mapping[str, float]] = ({},),
    dt: float = 1e-4,
    parameters: ColumnParameters = PUBLISHED,
) -> ColumnActivity:
    r"""Simulate the coupled column under a stimulus, for all conditions and seeds at once.

    Exponential integrate-and-fire cells with adaptation, synapses, and a dendrite on PYR [1]_ [2]_:

    .. math::
        C \dot v = -w - g_L (v - E_L) + g_L \Delta_T e^{(v - v_T)/\Delta_T} + I_{syn} + I_{in}
                   + \sigma \sqrt{1\,\mathrm{nS} \cdot C}\,\xi(t), \quad \tau_w \dot w = a (v - E_L) - w

    by Euler steps; white noise moves v by :math:`\sigma \sqrt{1\,\mathrm{nS} \cdot dt / C}` times a standard
    normal number in each (see `avfbel.brain.column_dynamics` for why).

    Every derivative of a step is taken from the values before it, so membranes see whole the conductance that
    the spikes of the step before have added; then conductances decay and spikes add to them. (If conductances
    decayed before membranes see them, those of 1 ms would act a tenth weaker, and PYR fire a tenth more.)
    While refractory the soma is held at the reset; adaptation and dendrite go on.

    A seed fixes connections and noise: conditions share both, and the result does not depend on what else is
    in the batch.

    Parameters
    ----------
    stimulus : array_like, shape (n_steps,) or (n_conditions, n_steps)
        Stimulus s(t) from 0 to 1, dimensionless: tones or the `onset_envelope` of a clip.
    seeds : sequence of int, length n_seeds
        Of connections and noise.
    light_nA : iterable of mapping, length n_conditions or 1
        Constant current per population, in nA, for each condition; see `CONDITIONS`.
    dt : float
        Time step, in s.
    parameters : ColumnParameters
        All numbers of the column.

    Returns
    -------
    ColumnActivity
        Every spike, by population, condition and seed.

    Raises
    ------
    ValueError
        If the stimulus leaves [0, 1] or does not fit `light_nA`, `light_nA` names no population, no seed is
        given, or `dt` is not positive and below the shortest time constant.

    References
    ----------
    .. [1] Park & Geffen (2020), *PLoS Comput. Biol.* 16, e1008016.
    .. [2] Litwin-Kumar, Rosenbaum & Doiron (2016), *J. Neurophysiol.* 115, 1399–1409.

    Examples
    --------
    >>> activity = simulate_column(paired_tones()[:300], seeds=(1, 2))  # the first 30 ms
    >>> activity.counts("PYR").shape
    (1, 2, 300)
    """
    s, light = _conditions(stimulus, light_nA, parameters)
    if not 0 < dt < parameters.shortest_ms / 1000:
        raise ValueError(
            f"dt must be positive and below the shortest time constant, {parameters.shortest_ms / 1000:g} s, "
            f"got {dt:g}: is it in ms?"
        )
    if len(seeds) == 0:
        raise ValueError("no seed was given: a simulation needs at least one")
    fired: dict[str, list[NDArray[np.intp]]] = {cells.name: [] for cells in parameters.populations}
    for step, name, where in _steps(s, light, seeds, dt * 1000, parameters):
        fired[name].append(np.column_stack([np.full(len(where), step), where]))
    spikes = {name: _together(rows) for name, rows in fired.items()}
    return ColumnActivity(stimulus=s, light_nA=light, seeds=tuple(seeds), dt=dt, spikes=spikes)


def _steps(
    s: Floats,
    light: tuple[Mapping[str, float], ...],
    seeds: Sequence[int],
    ms: float,
    parameters: ColumnParameters,
) -> Iterator[tuple[int, str, NDArray[np.intp]]]:
    """Run all steps; yield step, population and rows (condition, seed, cell) wherever there are spikes."""
    populations = parameters.populations
    streams = [np.random.SeedSequence(seed).spawn(1 + len(populations)) for seed in seeds]
    first, *others = (
        [np.random.default_rng(stream) for stream in kind] for kind in zip(*streams, strict=True)
    )
    wirings = wire(parameters, generators=first, n_conditions=len(light))
    column = [
        (
            cells,
            at_start(cells, parameters, shape=(len(light), len(seeds))),
            noise(cells, parameters, generators=generators, ms=ms),
            _input_pA(cells, s, light, ms, parameters),
        )
        for cells, generators in zip(populations, others, strict=True)
    ]
    for step in range(s.shape[-1]):
        spiking = {}
        for cells, membranes, noises, given in column:
            soma, dendrite = (
                synaptic_current(wirings, potential, target=cells.name, compartment=compartment)
                for compartment, potential in (
                    ("soma", membranes.soma_mV),
                    ("dendrite", membranes.dendrite_mV),
                )
            )
            spiking[cells.name] = advance(
                membranes,
                cells=cells,
                parameters=parameters,
                input_pA=soma + given[:, step, None, None],
                dendrite_pA=dendrite,
                noise_mV=next(noises),
                ms=ms,
            )
        for wiring in wirings:
            transmit(wiring, spiking[wiring.synapse.source], ms=ms)
        yield from ((step, name, where) for name, where in spiking.items() if len(where))


def _input_pA(
    cells: Population,
    s: Floats,
    light: tuple[Mapping[str, float], ...],
    ms: float,
    parameters: ColumnParameters,
) -> Floats:
    """Sum tonic input, light and thalamic input to a population, shape (n_conditions, n_steps)."""
    constant = np.array([cells.tonic_nA + lit.get(cells.name, 0.0) for lit in light])
    current = np.broadcast_to(constant[:, None], s.shape)
    if cells.thalamic_hold_ms is not None:
        current = current + thalamic_current(
            s, hold_ms=cells.thalamic_hold_ms, dt=ms / 1000, parameters=parameters
        )
    return current * 1000.0


def _together(rows: list[NDArray[np.intp]]) -> Spikes:
    table = np.concatenate(rows) if rows else np.empty((0, 4))
    return Spikes(*(column.astype(np.int32) for column in table.T))


def _conditions(
    stimulus: ArrayLike, light_nA: Iterable[Mapping[str, float]], parameters: ColumnParameters
) -> tuple[Floats, tuple[Mapping[str, float], ...]]:
    """Check stimulus and light, and give each condition one of both."""
    s, light = np.atleast_2d(np.asarray(stimulus, dtype=float)), tuple(light_nA)
    if s.ndim != 2 or s.size == 0 or not ((s >= 0) & (s <= 1)).all():
        raise ValueError(
            "the stimulus must be numbers from 0 to 1, one a step (n_steps,) or also one row a condition "
            f"(n_conditions, n_steps); got shape {np.shape(stimulus)}"
        )
    names = [cells.name for cells in parameters.populations]
    for lit in light:
        if unknown := set(lit) - set(names):
            raise ValueError(f"light on {sorted(unknown)}: the populations are {', '.join(names)}")
        if not np.isfinite(list(lit.values())).all():
            raise ValueError(f"light must be a finite current in nA, got {dict(lit)}")
    n = max(len(s), len(light))
    if not light or {len(s), len(light)} - {1, n}:
        raise ValueError(
            f"{len(s)} stimuli and {len(light)} conditions of light: give one of either, or as many of both"
        )
    return np.broadcast_to(s, (n, s.shape[-1])), light if len(light) == n else light * n
