"""The numbers of the coupled auditory column: its cells, synapses, thalamic input and conditions of light.

One consistent system of units: mV, ms, nS, pF and pA (1 nS × 1 mV = 1 pA; 1 pA / 1 pF = 1 mV/ms), so no
factor is needed anywhere but for currents given in nA (1 nA = 1000 pA). Each name ends in its unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

EXCITATORY_MV, INHIBITORY_MV = 0.0, -67.0

CONDITIONS: Mapping[str, Mapping[str, float]] = {
    "control": {},
    "PV off": {"PV": -0.2},
    "SOM off": {"SOM": -1.0},
}
"""Current of the light in nA per population: the three conditions of the experiment."""


class Population(NamedTuple):
    """One kind of cell; `thalamic_hold_ms` is how much longer than the tone fast depression lasts.

    ``thalamic_hold_ms=None`` means no thalamic input; `adaptation_jump_pA` is added to w at each spike.
    """

    name: str
    n_neurons: int
    capacitance_pF: float
    leak_nS: float
    slope_mV: float
    threshold_mV: float
    adaptation_nS: float
    adaptation_jump_pA: float
    tonic_nA: float
    start_mV: float
    thalamic_hold_ms: float | None


class Synapse(NamedTuple):
    """Random connections from one population to another; a spike adds `total_nS` / number of source cells."""

    target: str
    source: str
    total_nS: float
    probability: float
    decay_ms: float
    reversal_mV: float
    compartment: Literal["soma", "dendrite"] = "soma"

    @property
    def label(self) -> str:
        """Return the name used in messages and as a key: ``"PYR dendrite ← SOM"``."""
        return f"{self.target}{' dendrite' if self.compartment == 'dendrite' else ''} ← {self.source}"


class Dendrite(NamedTuple):
    """The second compartment of `population`: coupling, and the share of the cell that is soma."""

    population: str = "PYR"
    coupling_nS: float = 18.75
    soma_share: float = 0.3


class Thalamus(NamedTuple):
    """Depressing thalamic input: amplitude q, and the time constants of slow and fast depression and rise."""

    amplitude_nA: float = 0.4
    recovery_ms: float = 1000.0
    depletion_ms: float = 250.0
    fast_ms: float = 10.0
    rise_ms: float = 1.0


POPULATIONS = (
    Population("PYR", 800, 180.0, 6.25, 1.0, -40.0, 4.0, 8.0, 0.35, -50.0, 10.0),
    Population("PV", 200, 80.0, 5.0, 0.25, -40.0, 0.0, 0.0, 0.05, -60.0, 0.0),
    Population("SOM", 200, 80.0, 5.0, 1.0, -45.0, 4.0, 0.0, 0.1, -60.0, None),
)
SYNAPSES = (
    Synapse("PYR", "PYR", 20.0, 0.1, 1.0, EXCITATORY_MV),
    Synapse("PYR", "PV", 40.0, 0.6, 1.0, INHIBITORY_MV),
    Synapse("PYR", "SOM", 20.0, 0.6, 1.0, INHIBITORY_MV, "dendrite"),
    Synapse("PV", "PYR", 2.0, 0.6, 25.0, EXCITATORY_MV),
    Synapse("PV", "PV", 40.0, 0.6, 1.0, INHIBITORY_MV),
    Synapse("PV", "SOM", 40.0, 0.6, 1.0, INHIBITORY_MV),
    Synapse("SOM", "PYR", 120.0, 0.6, 15.0, EXCITATORY_MV),
)
DENDRITE, THALAMUS = Dendrite(), Thalamus()


@dataclass(frozen=True, kw_only=True)
class ColumnParameters:
    """All numbers of the column [1]_ [2]_; replace some with `dataclasses.replace`.

    Parameters
    ----------
    populations : tuple of Population
        The kinds of cells; only the one that `dendrite` names has two compartments.
    synapses : tuple of Synapse
        Who reaches whom; a cell may reach itself.
    dendrite : Dendrite
        Second compartment, with the capacitance and the leak of the soma.
    thalamus : Thalamus
        Depressing input to the populations whose `thalamic_hold_ms` is given.
    rest_mV, spike_mV, reset_mV : float
        Reversal of the leak, where a spike is counted, and where the membrane is put after it.
    refractory_ms : float
        Time for which the soma stays at the reset after a spike.
    adaptation_ms : float
        Time constant of the adaptation w.
    noise_mV : float
        Strength σ of the white noise, the current σ·√(1 nS · C)·ξ(t).

    Raises
    ------
    ValueError
        If a name is unknown or given twice, or a probability, time or size is out of its range.

    References
    ----------
    .. [1] Park & Geffen (2020), *PLoS Comput. Biol.* 16, e1008016.
    .. [2] Litwin-Kumar, Rosenbaum & Doiron (2016), *J. Neurophysiol.* 115, 1399–1409.

    Examples
    --------
    >>> [cells.name for cells in ColumnParameters().populations]
    ['PYR', 'PV', 'SOM']
    """

    populations: tuple[Population, ...] = POPULATIONS
    synapses: tuple[Synapse, ...] = SYNAPSES
    dendrite: Dendrite = DENDRITE
    thalamus: Thalamus = THALAMUS
    rest_mV: float = -60.0
    spike_mV: float = 20.0
    reset_mV: float = -60.0
    refractory_ms: float = 2.0
    adaptation_ms: float = 150.0
    noise_mV: float = 20.0

    def __post_init__(self) -> None:
        names = [cells.name for cells in self.populations]
        if len(set(names)) < len(names) or not names:
            raise ValueError(f"each population needs a name of its own, got {names}")
        for cells in self.populations:
            if cells.n_neurons < 1 or min(cells.capacitance_pF, cells.slope_mV) <= 0:
                raise ValueError(f"{cells.name} needs cells, and a capacitance and a slope above 0: {cells}")
        for synapse in self.synapses:
            self._check(synapse, names)
        if self.noise_mV < 0 or self.refractory_ms < 0 or min(self.adaptation_ms, *self.thalamus[1:]) <= 0:
            raise ValueError("noise and refractory time must not be negative, and time constants be above 0")
        if not 0 < self.dendrite.soma_share < 1:
            raise ValueError(f"soma_share must be between 0 and 1, got {self.dendrite.soma_share:g}")

    def _check(self, synapse: Synapse, names: list[str]) -> None:
        for name in (synapse.target, synapse.source):
            if name not in names:
                raise ValueError(f"synapse {synapse.label}: {name!r} is none of the populations {names}")
        if synapse.compartment == "dendrite" and synapse.target != self.dendrite.population:
            raise ValueError(f"synapse {synapse.label}: only {self.dendrite.population} has a dendrite")
        if not 0 <= synapse.probability <= 1 or synapse.total_nS < 0 or synapse.decay_ms <= 0:
            raise ValueError(
                f"synapse {synapse.label} needs a probability in [0, 1], a total of 0 nS or more and "
                f"a decay above 0 ms, got {synapse}"
            )

    @property
    def shortest_ms(self) -> float:
        """Shortest time constant of the column, in ms: a time step must be below it."""
        times = [synapse.decay_ms for synapse in self.synapses]
        return min(self.adaptation_ms, *self.thalamus[1:], *times)


PUBLISHED = ColumnParameters()
