"""What a model makes of staged clips: with both senses, with either alone, and with none.

**Superadditivity** is computed from all four: excess = both + none - sound - picture, clip by clip. For a
region it is in the unit of its activity; for EPP, deviations from 0.5 count as positive towards the side to
which the two senses alone point together, so that an excess above 0 always means *more than the sum*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import predicted_epp, predicted_intensity
from avfbel.errors import UsageError
from avfbel.interpret.experiment_staging import Windows
from avfbel.interpret.stimulus_intervals import mean_intervals
from avfbel.learn.intervals import Interval
from avfbel.runtime.bundle import Bundle
from avfbel.runtime.engine import Predictor
from avfbel.senses.features import SensoryFeatures

if TYPE_CHECKING:
    from avfbel.runtime.files import Cell

Array = NDArray[np.float64]

PERCEPTIONS = ("both", "sound", "picture", "none")
"""The senses that are open, the third axis of `Responses.values`."""

NOTHING = 1e-9
"""Responses below this are none, dimensionless or in Hz."""

ROUNDING = 1e-5
"""Excesses below this share of the largest response are rounding: the network answers in float32."""

_OPEN = {"both": (1.0, 1.0), "sound": (1.0, 0.0), "picture": (0.0, 1.0), "none": (0.0, 0.0)}
_BATCH = 64
_WITHOUT_EXCESS = ("no response", "additive exactly")


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Responses:
    """Responses of a model to clips under several conditions.

    Attributes
    ----------
    stimulus : tuple of str
        Stimulus of each clip; clips of one stimulus are no independent cases.
    quantities : tuple of str
        "epp" and "intensity" (0 to 1), then the regions of the bundle.
    values : ndarray, shape (n_conditions, n_clips, 4, n_quantities)
        By condition, clip, `PERCEPTIONS` and quantity: means over the windows of a clip, weighted by the
        larger evidence of its two senses, whichever of them are open.
    """

    stimulus: tuple[str, ...]
    quantities: tuple[str, ...]
    values: Array

    @property
    def n_stimuli(self) -> int:
        """Number of different stimuli."""
        return len(set(self.stimulus))

    def of(self, perception: str) -> Array:
        """Return the values of one perception, (n_conditions, n_clips, n_quantities)."""
        return self.values[:, :, PERCEPTIONS.index(perception)]


class Table(NamedTuple):
    """A table: names of its columns, and rows; a cell that is None is empty."""

    columns: tuple[str, ...]
    rows: list[list[Cell]]


class Additivity(NamedTuple):
    """One quantity with both senses beside the sum of either alone; means over clips, baseline taken off."""

    quantity: str
    both: float
    sound: float
    picture: float
    excess: Interval
    """both - sound - picture, with a 95 % interval over stimuli (NaN with fewer than two)."""

    @property
    def verdict(self) -> str:
        """What the interval says: superadditive, subadditive, not told from additive, or no response."""
        if max(abs(value) for value in (self.both, self.sound, self.picture)) < NOTHING:
            return "no response"
        if self.excess.low == self.excess.high == 0:
            return "additive exactly"
        if np.isnan(self.excess.low):
            return "one stimulus says nothing of others"
        if self.excess.low > 0:
            return "superadditive"
        return "subadditive" if self.excess.high < 0 else "not told from additive"


def open_model(model: object) -> Predictor:
    """Return a predictor of a bundle that both sees and hears.

    Raises
    ------
    InputError
        If the bundle cannot be used.
    UsageError
        If the model lacks a sense.
    """
    predictor = model if isinstance(model, Predictor) else Predictor(Bundle.open(model))  # type: ignore[arg-type]
    if len(predictor.bundle.senses) < 2:
        raise UsageError(
            f"the model {predictor.bundle.name} only has {predictor.bundle.senses[0]}: an audio-visual "
            "experiment needs one that sees and hears"
        )
    return predictor


def quantities_of(bundle: Bundle) -> tuple[str, ...]:
    """Return the names of what is measured of a model: EPP, intensity, and its regions."""
    return ("epp", "intensity", *bundle.regions)


def respond(predictor: Predictor, clips: Sequence[Windows], perceptions: Sequence[str]) -> Array:
    """Show clips to a model.

    Parameters
    ----------
    predictor : Predictor
        The model.
    clips : sequence of tuple of SensoryFeatures
        The windows of each clip.
    perceptions : sequence of str
        Out of `PERCEPTIONS`.

    Returns
    -------
    ndarray, shape (n_clips, n_perceptions, n_quantities)
        Means over windows, see `Responses`; over all windows alike where nothing sounds or moves in any.
    """
    windows = [window for clip in clips for window in clip]
    table = np.stack([_told(predictor, windows, _OPEN[name]) for name in perceptions], axis=1)
    bounds = np.cumsum([len(clip) for clip in clips])[:-1]
    weights = np.split(np.array([max(window.g_audio, window.g_video) for window in windows]), bounds)
    shares = [of / of.sum() if of.any() else np.full(len(of), 1 / len(of)) for of in weights]
    parts = np.split(table, bounds)
    return np.array([np.tensordot(share, part, axes=1) for share, part in zip(shares, parts, strict=True)])


def _told(predictor: Predictor, windows: Sequence[SensoryFeatures], opened: tuple[float, float]) -> Array:
    """Return the quantities of windows, (n, n_quantities), with the senses opened by 0 or 1."""
    rows = []
    for start in range(0, len(windows), _BATCH):
        said = predictor.predict(
            [
                replace(window, g_audio=opened[0] * window.g_audio, g_video=opened[1] * window.g_video)
                for window in windows[start : start + _BATCH]
            ]
        )
        felt = np.column_stack([predicted_epp(said.emotion), predicted_intensity(said.emotion)])
        rows.append(np.concatenate([felt, said.regions], axis=1))
    return np.concatenate(rows)


def additivity(responses: Responses, condition: int = 0) -> list[Additivity]:
    """Compare the response to both senses with the sum of the responses to either, quantity by quantity.

    Parameters
    ----------
    responses : Responses
        With all four perceptions.
    condition : int
        Which condition.

    Returns
    -------
    list of Additivity
        One a quantity.

    Raises
    ------
    ValueError
        If a perception is missing.
    """
    if responses.values.shape[2] != len(PERCEPTIONS):
        raise ValueError(f"superadditivity needs the responses to {', '.join(PERCEPTIONS)}")
    values = responses.values[condition]
    both, sound, picture = (values[:, k] - values[:, 3] for k in range(3))
    towards = np.ones_like(both)
    epp = responses.quantities.index("epp")
    towards[:, epp] = np.where(sound[:, epp] + picture[:, epp] < 0, -1.0, 1.0)
    both, sound, picture = (towards * part for part in (both, sound, picture))
    excess = both - sound - picture
    largest = np.abs(np.stack([both, sound, picture])).max(axis=(0, 1))
    excess = np.where(np.abs(excess) <= ROUNDING * largest, 0.0, excess)
    ends = mean_intervals(excess, responses.stimulus)
    means = [part.mean(axis=0).tolist() for part in (both, sound, picture)]
    return [Additivity(*of) for of in zip(responses.quantities, *means, ends, strict=True)]


def told(found: Interval, sign: str = "+") -> str:
    """Return a value and its interval as text, with the sign of positive values or without ("").

    Examples
    --------
    >>> told(Interval(0.1, -0.02, 0.2))
    '+0.100 [-0.020, +0.200]'
    """
    value, low, high = (f"{number:{sign}.3f}" for number in found)
    return f"{value} [{low}, {high}]"


def verdicts(found: Sequence[Additivity]) -> str:
    """Say in one sentence which quantities are super- or subadditive, and which add up.

    Examples
    --------
    >>> verdicts([Additivity("IT", 1.0, 0.0, 1.0, Interval(0.0, 0.0, 0.0))])
    'Additive exactly: IT.'
    """
    groups: dict[str, list[str]] = {}
    for of in found:
        excess = "" if of.verdict in _WITHOUT_EXCESS else f" {told(of.excess)}"
        groups.setdefault(of.verdict, []).append(of.quantity + excess)
    sentence = "; ".join(f"{verdict}: {', '.join(names)}" for verdict, names in groups.items())
    return f"{sentence[:1].upper()}{sentence[1:]}."


def additivity_table(of_condition: Mapping[str, Sequence[Additivity]]) -> Table:
    """Return superadditivity under several conditions, by their names, as a table."""
    rows: list[list[Cell]] = [
        [condition, of.quantity, of.both, of.sound, of.picture, *numbers(of.excess), of.verdict]
        for condition, found in of_condition.items()
        for of in found
    ]
    columns = ("quantity", "both", "sound", "picture", "excess", "low", "high", "verdict")
    return Table(("condition", *columns), rows)


def numbers(found: Interval) -> list[Cell]:
    """Return value and ends of an interval as cells; what is not defined is None."""
    return [None if np.isnan(value) else float(value) for value in found]
