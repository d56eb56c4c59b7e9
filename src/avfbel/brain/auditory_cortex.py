"""Auditory cortex: a population code of acoustic features over PYR, PV and SOM neurons (Eq. 4-10).

The paper prints one fixed current a population, which makes every sound draw the same spikes
(``currents="published"``). Equations 7-9 ask for currents that depend on the sound; the population code below
gives each neuron a preferred value of one feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avfbel.brain.regions import ACOUSTIC, LOGARITHMIC, POPULATIONS
from avfbel.brain.spiking import lif_spike_count, spike_count_with_surrogate
from avfbel.brain.spiking_piecewise import lif_spike_count_piecewise, spike_count_with_surrogate_piecewise

Currents = Literal["population", "published"]
POPULATION_SIZE = {"PYR": 400, "PV": 200, "SOM": 200}
PUBLISHED_CURRENT_V = {"PYR": 0.6, "PV": 0.6, "SOM": 0.65}
DURATION_S = 1.0
HOP_S = 0.05  # of features that are followed through time
REST_CURRENT_V = 0.45  # below the threshold of 0.5 V: an unexcited neuron is silent
EVOKED_CURRENT_V = 0.55  # at full response and full evidence
Z_RANGE, Z_LIMIT = (
    1.6,
    2.0,
)  # training percentiles 5 and 95 lie at -1.6 and 1.6; beyond 2 nothing is told apart
SMALLEST_RANGE = 0.01  # in units of the (log) feature: what varies by less in training is taken as constant


class AuditoryActivity(NamedTuple):
    """What the auditory cortex passes on, and how active its populations were."""

    x_auditory: Tensor
    """(n, 800) spikes per 10 ms (of one second: counts / 100)."""
    rates: Tensor
    """(n, 3) mean firing rate of PYR, PV, SOM, in Hz."""


class Tuning(NamedTuple):
    """Initial tuning of all neurons, in the order PYR, PV, SOM and by feature within each."""

    feature: NDArray[np.int64]
    centre: NDArray[np.float64]
    width: NDArray[np.float64]
    slope: NDArray[np.float64]
    """0 for bell-shaped tuning, +1 or -1 for a sigmoid that rises or falls with the feature."""


def population_tuning(n_features: int) -> Tuning:
    """Spread the populations over features: how each of the 800 neurons is tuned before training.

    Neurons are shared out among features as evenly as whole numbers allow (five features: 80 PYR, 40 PV, 40
    SOM each). PYR and PV neurons are tuned to a value of the standardised feature z, with widths 0.5 and 1.0
    and centres even on +-2; SOM neurons respond to more or, alternately, less than a value, with centres even
    on +-1.6.

    Parameters
    ----------
    n_features : int
        Number of acoustic features, 1 to 200.

    Returns
    -------
    Tuning
        Four arrays of shape (800,); centres and widths are dimensionless (units of z).

    Raises
    ------
    ValueError
        If there is not at least one neuron of each population per feature.

    Examples
    --------
    >>> tuning = population_tuning(5)
    >>> [int((tuning.feature[part] == 0).sum()) for part in (slice(400), slice(400, 600), slice(600, 800))]
    [80, 40, 40]
    """
    if not 1 <= n_features <= min(POPULATION_SIZE.values()):
        raise ValueError(f"the column codes 1 to {min(POPULATION_SIZE.values())} features, got {n_features}")
    feature, centre, width, slope = [], [], [], []
    shapes = {"PYR": (0.5, Z_LIMIT), "PV": (1.0, Z_LIMIT), "SOM": (0.5, Z_RANGE)}
    for population, (spread, reach) in shapes.items():
        for f, share in enumerate(np.array_split(np.arange(POPULATION_SIZE[population]), n_features)):
            feature.append(np.full(len(share), f))
            centre.append(np.linspace(-reach, reach, len(share)))
            width.append(np.full(len(share), spread))
            alternating = np.where(np.arange(len(share)) % 2 == 0, 1.0, -1.0)
            slope.append(alternating if population == "SOM" else np.zeros(len(share)))
    return Tuning(
        np.concatenate(feature), np.concatenate(centre), np.concatenate(width), np.concatenate(slope)
    )


def feature_range(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 5th and 95th percentile of a (log) feature over training sounds, never closer than 0.01.

    A feature that hardly varies in training gets a range of 0.01 around its middle, so that its neurons sit
    at the middle of their code instead of amplifying rounding errors. One that was never measured has no
    range, (nan, nan), and draws no current.

    Examples
    --------
    >>> feature_range(np.array([3.0, 3.0, np.nan]))
    (2.995, 3.005)
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.05, 0.95])
    widen = max(0.0, SMALLEST_RANGE - (high - low)) / 2
    return float(low - widen), float(high + widen)


class AuditoryCortex(nn.Module):
    """Column of primary auditory cortex: acoustic features to the spike counts of 800 neurons in one second.

    Centres, widths and gains of the tuning are trainable; the gradient runs through the smoothed firing rate.
    In training the code is computed in float32, otherwise in float64, so that runtimes agree on every spike.

    Parameters
    ----------
    features : sequence of str
        Names of the acoustic features, in their order; pitch, rms, tempo and duration are coded by their
        logarithm, and are missing where they are not positive.
    currents : {"population", "published"}
        Currents of the population code, or 0.6, 0.6 and 0.65 V for every PYR, PV and SOM neuron, whatever the
        sound and its evidence. Published currents have nothing to train.
    time_resolved : bool
        Hear features that change every 50 ms, (n, n_hops, n_features), with membranes carried over from one
        hop to the next, instead of one set of features for one second.

    Raises
    ------
    ValueError
        If `currents` is another word, or there are more features than neurons.

    Examples
    --------
    >>> cortex = AuditoryCortex()
    >>> cortex.fit(np.random.default_rng(0).uniform(1, 2, (50, 7)))
    >>> x_auditory, rates = cortex(torch.full((1, 7), 1.5), torch.tensor([1.0]))
    >>> x_auditory.shape, rates.shape
    (torch.Size([1, 800]), torch.Size([1, 3]))
    >>> cortex(torch.full((1, 7), 1.5), torch.tensor([0.0])).rates.tolist()  # no evidence: silence
    [[0.0, 0.0, 0.0]]
    >>> published = AuditoryCortex(currents="published").eval()
    >>> published(torch.full((1, 7), 1.5), torch.tensor([1.0])).rates.tolist()
    [[55.0, 55.0, 68.0]]
    """

    low: Tensor
    high: Tensor
    feature: Tensor
    slope: Tensor
    logarithmic: Tensor
    published_current: Tensor

    def __init__(
        self,
        *,
        features: Sequence[str] = ACOUSTIC,
        currents: Currents = "population",
        time_resolved: bool = False,
    ) -> None:
        super().__init__()
        if currents not in get_args(Currents):
            raise ValueError(f"currents must be one of {', '.join(get_args(Currents))}, got {currents!r}")
        self.features = tuple(features)
        self.currents = currents
        self.time_resolved = time_resolved
        tuning = population_tuning(len(self.features))
        self.register_buffer("feature", torch.from_numpy(tuning.feature))
        self.register_buffer("slope", torch.from_numpy(tuning.slope).float())
        self.register_buffer("logarithmic", torch.tensor([name in LOGARITHMIC for name in self.features]))
        self.register_buffer("low", torch.full((len(self.features),), -Z_RANGE, dtype=torch.float64))
        self.register_buffer("high", torch.full((len(self.features),), Z_RANGE, dtype=torch.float64))
        if currents == "published":
            each = np.repeat(list(PUBLISHED_CURRENT_V.values()), list(POPULATION_SIZE.values()))
            self.register_buffer("published_current", torch.from_numpy(each), persistent=False)
            return
        self.centre = nn.Parameter(torch.from_numpy(tuning.centre).float())
        self.log_width = nn.Parameter(torch.from_numpy(np.log(tuning.width)).float())
        self.gain = nn.Parameter(torch.full((len(tuning.centre),), EVOKED_CURRENT_V))

    def fit(self, features: NDArray[np.floating[Any]]) -> None:
        """Take the percentiles of the code from training sounds, (n, n_features) or, with hops, as heard.

        NaN is missing. Features that change from hop to hop spread otherwise than those of whole windows:
        give each cortex what it will hear.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.asarray(features, dtype=np.float64).reshape(-1, len(self.features))
            logs = np.log(np.where(values > 0, values, np.nan))
            values = np.where(self.logarithmic.numpy(), logs, values)
        ranges = torch.tensor([feature_range(column) for column in values.T], dtype=torch.float64)
        self.low.copy_(ranges[:, 0])
        self.high.copy_(ranges[:, 1])

    def standardize(self, features: Tensor) -> Tensor:
        """Return z (n, n_features) on +-2, NaN where a feature is missing; see model.md's population code."""
        values = features.to(torch.float64)
        logs = torch.log(torch.where(values > 0, values, torch.nan))
        values = torch.where(self.logarithmic, logs, values)
        z = 2 * Z_RANGE * (values - self.low) / (self.high - self.low) - Z_RANGE
        return z.clamp(-Z_LIMIT, Z_LIMIT)

    def current(self, features: Tensor, evidence: Tensor) -> Tensor:
        """Return the input currents of all neurons.

        Parameters
        ----------
        features : Tensor, shape (n, n_features), or (n, n_hops, n_features) if `time_resolved`
            Acoustic features in their units; NaN is missing and excites nobody.
        evidence : Tensor, shape (n,), or (n, n_hops) if `time_resolved`
            Evidence of sound g_audio, 0 to 1; one value a sound holds for all its hops.

        Returns
        -------
        Tensor, shape (n, 800), or (n, n_hops, 800) if `time_resolved`
            0.45 + gain * evidence * response, or the published currents, in V; float32 in training, else
            float64.

        Raises
        ------
        ValueError
            If features or evidence have another number of axes.
        """
        self._check_axes(features, evidence)
        if not self.time_resolved:
            return self._current(features, evidence)
        n, n_hops = features.shape[:2]
        evidence = evidence.unsqueeze(1).expand(n, n_hops) if evidence.ndim == 1 else evidence
        current = self._current(features.flatten(0, 1), evidence.flatten())
        return current.reshape(n, n_hops, current.shape[1])

    def _current(self, features: Tensor, evidence: Tensor) -> Tensor:
        dtype = torch.float32 if self.training else torch.float64
        if self.currents == "published":
            return self.published_current.to(dtype).expand(len(features), -1)
        z = self.standardize(features)
        missing = torch.isnan(z)
        z = torch.where(missing, 0.0, z).to(dtype)[:, self.feature]
        distance = (z - self.centre.to(dtype)) * torch.exp(-self.log_width.to(dtype))
        bell = torch.exp(-0.5 * distance**2)
        response = torch.where(self.slope == 0, bell, torch.sigmoid(self.slope.to(dtype) * distance))
        response = torch.where(missing[:, self.feature], 0.0, response)
        return REST_CURRENT_V + self.gain.to(dtype) * evidence.to(dtype).unsqueeze(1) * response

    def _check_axes(self, features: Tensor, evidence: Tensor) -> None:
        """Refuse features without a time axis where one is needed, and with one where it is not."""
        wanted = "(n, n_hops, n_features)" if self.time_resolved else "(n, n_features)"
        if features.ndim != (3 if self.time_resolved else 2):
            raise ValueError(
                f"AuditoryCortex(time_resolved={self.time_resolved}) hears features of shape {wanted}, got "
                f"{tuple(features.shape)}"
            )
        if evidence.ndim not in ((1, 2) if self.time_resolved else (1,)):
            or_hops = " or (n, n_hops)" if self.time_resolved else ""
            raise ValueError(f"evidence must have shape (n,){or_hops}, got {tuple(evidence.shape)}")

    def forward(self, features: Tensor, evidence: Tensor, gain: Tensor | None = None) -> AuditoryActivity:
        """Listen.

        Parameters
        ----------
        features : Tensor, shape (n, n_features), or (n, n_hops, n_features) if `time_resolved`
            Acoustic features in their units; NaN is missing.
        evidence : Tensor, shape (n,), or (n, n_hops) if `time_resolved`
            Evidence of sound g_audio, 0 to 1.
        gain : Tensor, shape (3,), optional
            Factor on the spike counts of PYR, PV, SOM (0 is a lesion); 1 by default.

        Returns
        -------
        AuditoryActivity
            Spikes per 10 ms (n, 800) and mean firing rates (n, 3) in Hz, over one second or over all hops.

        Raises
        ------
        ValueError
            If features or evidence have another number of axes.
        """
        current = self.current(features, evidence)
        count, duration = self._count_through_hops(current) if self.time_resolved else self._count(current)
        populations = torch.split(count, [POPULATION_SIZE[name] for name in POPULATIONS], dim=1)
        if gain is not None:
            populations = tuple(spikes * gain[i] for i, spikes in enumerate(populations))
        rates = torch.stack([spikes.mean(dim=1) / duration for spikes in populations], dim=1)
        return AuditoryActivity(torch.cat(populations, dim=1) / (100 * duration), rates)

    def _count(self, current: Tensor) -> tuple[Tensor, float]:
        """Return the spikes (n, 800) of one second, and that second."""
        if self.training:
            return spike_count_with_surrogate(current, duration=DURATION_S), DURATION_S
        return lif_spike_count(current, duration=DURATION_S).float(), DURATION_S

    def _count_through_hops(self, current: Tensor) -> tuple[Tensor, float]:
        """Return the spikes (n, 800) of all hops (n, n_hops, 800), and how long they last, in s."""
        count = spike_count_with_surrogate_piecewise if self.training else lif_spike_count_piecewise
        return count(current, hop=HOP_S).sum(dim=1).float(), HOP_S * current.shape[1]
