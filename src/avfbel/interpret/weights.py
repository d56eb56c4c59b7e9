"""What brain emotional learning has stored, and what it does with stimuli: V, U, W; A, O, E; how sparse.

Three measures of sparsity: the share of exact zeros; the share below a hundredth of the largest; and Hoyer's
index [1]_, (sqrt(n) - l1/l2) / (sqrt(n) - 1), 0 if all n are equal in size and 1 if one is alone.

References
----------
.. [1] Hoyer (2004), Non-negative matrix factorization with sparseness constraints, *Journal of Machine
       Learning Research* 5, 1457-1469.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel._version import __version__
from avfbel.emotion import EMOTIONS
from avfbel.files import write_whole
from avfbel.interpret.experiment_staging import Gauge, Take, measure_takes, plan_clips, together
from avfbel.runtime.bundle import Bundle
from avfbel.runtime.engine import Predictor
from avfbel.runtime.figure import encode_figure
from avfbel.runtime.files import encode_csv, encode_json

if TYPE_CHECKING:
    from avfbel.runtime.files import Cell
    from avfbel.senses.features import SensoryFeatures

Array = NDArray[np.float64]

PROTOTYPES = ("scared", "sad", "angry", "peaceful", "happy")
"""The stimuli that A, O and E are told for, if none are named."""

NEAR = 0.01
"""Share of the largest below which a value counts as near zero."""

_COLUMNS = ("matrix", "stimulus", "row", "column", "value")


class Sparsity(NamedTuple):
    """How sparse a matrix is; all three are 0 to 1."""

    n: int
    zeros: float
    near_zero: float
    hoyer: float


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class LimbicMaps:
    """Weights of a bundle's limbic system, and its activity at some stimuli.

    Attributes
    ----------
    model : str
        Name of the model.
    units : tuple of str
        Names of the k units of the fused code: those of the card, or their numbers from 0.
    stimuli : tuple of str
        What A, O and E are told for.
    weights : dict of ndarray
        V (k, 5) amygdala, U (k, 5) orbitofrontal cortex, W (k, k) prefrontal cortex; dimensionless.
    amygdala, orbitofrontal : ndarray, shape (n_stimuli, k, 5)
        A = x V and O = x U, in rating / 127.
    emotion : ndarray, shape (n_stimuli, 5)
        E, in rating / 127; negative values are not yet cut.
    provenance : dict
        What the numbers were computed from.
    """

    model: str
    units: tuple[str, ...]
    stimuli: tuple[str, ...]
    weights: dict[str, Array]
    amygdala: Array
    orbitofrontal: Array
    emotion: Array
    provenance: dict[str, Any]

    def maps(self) -> dict[str, Array]:
        """Return the six of the paper's figure by name; A, O and E with their first axis over stimuli."""
        return {**self.weights, "A": self.amygdala, "O": self.orbitofrontal, "E": self.emotion}

    def sparsity(self) -> dict[str, Sparsity]:
        """Return how sparse each of them is."""
        return {name: sparsity(values) for name, values in self.maps().items()}

    def rows(self) -> Iterator[list[Cell]]:
        """Yield all values: matrix, stimulus (of A, O and E), row, column, value."""
        for name, of in self.weights.items():
            columns = self.units if name == "W" else EMOTIONS
            for (i, j), value in np.ndenumerate(of):
                yield [name, None, self.units[i], columns[j], float(value)]
        for name, of in (("A", self.amygdala), ("O", self.orbitofrontal)):
            for (n, i, j), value in np.ndenumerate(of):
                yield [name, self.stimuli[n], self.units[i], EMOTIONS[j], float(value)]
        for (n, j), value in np.ndenumerate(self.emotion):
            yield ["E", self.stimuli[n], None, EMOTIONS[j], float(value)]

    def to_dict(self) -> dict[str, Any]:
        """Return sparsity and origin as their JSON holds them; an undefined index is None."""
        told = {
            name: {part: None if math.isnan(value) else value for part, value in of._asdict().items()}
            for name, of in self.sparsity().items()
        }
        return {
            "model": self.model,
            "stimuli": list(self.stimuli),
            "near_zero_below": NEAR,
            "sparsity": told,
            "provenance": self.provenance,
        }


def sparsity(values: NDArray[np.floating[Any]]) -> Sparsity:
    """Measure how sparse an array is.

    Parameters
    ----------
    values : ndarray
        Of any shape, not empty.

    Returns
    -------
    Sparsity
        Hoyer's index is NaN where all values are 0, or there is only one.

    Examples
    --------
    >>> sparsity(np.array([0.0, 0.0, 0.0, 2.0]))
    Sparsity(n=4, zeros=0.75, near_zero=0.75, hoyer=1.0)
    """
    size = np.abs(np.ravel(values)).astype(np.float64)
    n, largest = len(size), float(size.max(initial=0.0))
    hoyer = math.nan
    if largest > 0 and n > 1:
        scaled = size / largest
        ratio = float(scaled.sum() / np.sqrt((scaled**2).sum()))
        hoyer = (math.sqrt(n) - ratio) / (math.sqrt(n) - 1)
    zero, near = size == 0, (size == 0) | (size < NEAR * largest)
    return Sparsity(n=n, zeros=float(zero.mean()), near_zero=float(near.mean()), hoyer=hoyer)


def limbic_maps(
    bundle: str | PathLike[str] | Bundle = "default",
    stimuli: Sequence[str] = PROTOTYPES,
    *,
    seed: int = 0,
    jobs: int | None = 1,
) -> LimbicMaps:
    """Read the weights of a bundle's limbic system, and measure its activity at stimuli.

    Parameters
    ----------
    bundle : str, path or Bundle
        The trained model; see `Bundle.open`.
    stimuli : sequence of str
        Out of the 38; one clip of each is made and measured, and means are taken over its windows.
    seed : int
        Of the clips.
    jobs : int, optional
        Processes to measure with.

    Returns
    -------
    LimbicMaps
        The six maps.

    Raises
    ------
    InputError
        If the bundle cannot be used.
    UsageError
        If a stimulus is unknown.
    """
    predictor = Predictor(bundle)
    opened = predictor.bundle
    clips = plan_clips(stimuli, exemplars=1, seed=seed)
    takes = [
        [Take(sense=sense, score=of.music, length_s=of.music.length_s) for sense in ("audio", "video")]
        for of in clips
    ]
    measured = measure_takes(takes, gauge=Gauge(), jobs=jobs)
    shown = [together(windows[of[0]], windows[of[1]]) for of, windows in zip(takes, measured, strict=True)]
    weights = {name: opened.weights[name].astype(np.float64) for name in ("V", "U", "W")}
    fused, emotion = zip(*(_mean_response(predictor, windows) for windows in shown), strict=True)
    x = np.array(fused)[:, :, None]
    return LimbicMaps(
        model=opened.name,
        units=unit_names(opened),
        stimuli=tuple(clip.stimulus for clip in clips),
        weights=weights,
        amygdala=x * weights["V"],
        orbitofrontal=x * weights["U"],
        emotion=np.array(emotion),
        provenance={"bundle_sha256": opened.sha256, "avfbel": __version__, "seed": seed},
    )


def unit_names(bundle: Bundle) -> tuple[str, ...]:
    """Return the names that a bundle's card gives to the units of the fused code, or their numbers from 0."""
    k = len(bundle.weights["V"])
    named = bundle.card.get("fused_units")
    if isinstance(named, list) and len(named) == k:
        return tuple(str(name) for name in named)
    return tuple(str(number) for number in range(k))


def _mean_response(predictor: Predictor, windows: Sequence[SensoryFeatures]) -> tuple[Array, Array]:
    said = predictor.predict(windows)
    return said.x_fused.mean(axis=0), said.emotion.mean(axis=0)


def write_maps(maps: LimbicMaps, out: Path) -> list[Path]:
    """Write weights.csv, weights.json and weights.png into a folder, and return their paths."""
    from avfbel.interpret.weights_figure import draw_maps

    out.mkdir(parents=True, exist_ok=True)
    contents = {
        "weights.csv": encode_csv(_COLUMNS, maps.rows()),
        "weights.json": encode_json(maps.to_dict()),
        "weights.png": encode_figure(draw_maps(maps), "png"),
    }
    return [write_whole(out / name, content) for name, content in contents.items()]
