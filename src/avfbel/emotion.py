r"""Ratings and predictions of five emotions, and the emotional positivity (EPP) that follows from them.

The emotional positivity parameter orders fear, sadness, anger, calm and happiness from negative to
positive and takes a weighted average: 0 is wholly negative, 0.5 neutral, 1 wholly positive. Ratings and
norms have true averages, which do not exist where everything is zero (`rating_epp`, `rating_valence`).
Predictions are pulled towards neutral by `PRIOR`, about one faint rating, so that they are defined, bounded
and continuous for any model output (`predicted_epp`, `predicted_valence`, `predicted_intensity`).

What neutral means: :math:`\sum_k (w_k - \frac12) E_k = 0`. Equal amounts of all five emotions give 0.45,
not 0.5, since three of the five are negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.errors import UsageError

__all__ = [
    "EMOTIONS",
    "EPP_WEIGHTS",
    "PRIOR",
    "RATING_COLUMNS",
    "VALENCE_WEIGHTS",
    "Emotion",
    "Scale",
    "from_scale",
    "predicted_epp",
    "predicted_intensity",
    "predicted_valence",
    "published_epp",
    "rating_epp",
    "rating_valence",
    "to_scale",
]

EMOTIONS = ("fear", "sadness", "anger", "calm", "happiness")
"""The five emotions, from negative to positive; the last axis of every array of emotions."""

RATING_COLUMNS = {
    "scared": "fear",
    "sad": "sadness",
    "angry": "anger",
    "peaceful": "calm",
    "happy": "happiness",
}
"""Column of the published ratings (0 to 127) for each emotion, in the order of `EMOTIONS`."""

EPP_WEIGHTS = (0.0, 1 / 6, 1 / 3, 3 / 4, 1.0)
"""Positivity of each emotion, dimensionless: 0.5 lies between the negative and the positive ones."""

VALENCE_WEIGHTS = (0.0, 0.0, 0.0, 1.0, 1.0)
"""Weights of valence: calm and happiness count, the other three do not."""

PRIOR = 0.05
"""Weight of the neutral prior in predictions (lambda), in units of rating / 127."""

Scale = Literal["-1..1", "1..9", "0..127"]
"""Scales in use for positivity: signed, the nine points of self-assessment manikins, a MIDI slider."""

_BOUNDS: dict[str, tuple[float, float]] = {"-1..1": (-1.0, 1.0), "1..9": (1.0, 9.0), "0..127": (0.0, 127.0)}
_Number = TypeVar("_Number", float, NDArray[np.float64])


def rating_epp(ratings: ArrayLike) -> NDArray[np.float64]:
    r"""Return the emotional positivity of ratings or norms: :math:`\sum_k w_k E_k / \sum_k E_k`.

    Parameters
    ----------
    ratings : array_like, shape (..., 5)
        Intensities >= 0 in the order of `EMOTIONS`, in any one unit (0-127, 0-1).

    Returns
    -------
    ndarray, shape (...)
        EPP in [0, 1]; NaN where all five are zero (no positivity) or one is missing.

    Raises
    ------
    UsageError
        If the last axis is not five long or an intensity is negative.

    Examples
    --------
    >>> rating_epp([[0, 0, 0, 0, 90], [80, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    array([ 1.,  0., nan])
    """
    return _average(_five(ratings), EPP_WEIGHTS)


def rating_valence(ratings: ArrayLike) -> NDArray[np.float64]:
    """Return the positive share, (calm + happiness) / sum, of ratings or norms.

    Parameters
    ----------
    ratings : array_like, shape (..., 5)
        Intensities >= 0 in the order of `EMOTIONS`, in any one unit (0-127, 0-1).

    Returns
    -------
    ndarray, shape (...)
        Valence in [0, 1]; NaN where all five are zero or one of them is missing.

    Raises
    ------
    UsageError
        If the last axis is not five long or an intensity is negative.

    Examples
    --------
    >>> float(rating_valence([10, 0, 0, 10, 20]))
    0.75
    """
    return _average(_five(ratings), VALENCE_WEIGHTS)


def predicted_epp(emotion: ArrayLike) -> NDArray[np.float64]:
    r"""Return the emotional positivity of predictions, pulled towards neutral by the prior.

    It is :math:`(\lambda/2 + \sum_k w_k\hat E_k) / (\lambda + \sum_k\hat E_k)`, where
    :math:`\hat E = \max(0, E)` and :math:`\lambda` is `PRIOR`.

    Parameters
    ----------
    emotion : array_like, shape (..., 5)
        Emotional output in units of rating / 127, in the order of `EMOTIONS`; negative output counts as none.

    Returns
    -------
    ndarray, shape (...)
        EPP in [0, 1], continuous, and exactly 0.5 where nothing is felt.

    Raises
    ------
    UsageError
        If the last axis is not five long.

    Examples
    --------
    >>> float(predicted_epp([0, 0, 0, 0, 0])), float(predicted_epp([0, 0, 0, 0, 0.95]))
    (0.5, 0.975)
    """
    return _shrunk(emotion, EPP_WEIGHTS)


def predicted_valence(emotion: ArrayLike) -> NDArray[np.float64]:
    r"""Return the positive share of predictions, with the neutral prior of `predicted_epp`.

    Parameters
    ----------
    emotion : array_like, shape (..., 5)
        Emotional output in units of rating / 127, in the order of `EMOTIONS`; negative output counts as none.

    Returns
    -------
    ndarray, shape (...)
        Valence in [0, 1], exactly 0.5 where nothing is felt.

    Raises
    ------
    UsageError
        If the last axis is not five long.

    Examples
    --------
    >>> float(predicted_valence([0, 0, 0.95, 0, -3.0]))
    0.025
    """
    return _shrunk(emotion, VALENCE_WEIGHTS)


def predicted_intensity(emotion: ArrayLike) -> NDArray[np.float64]:
    """Return how much is felt at all: the mean of the five predicted intensities, at most 1.

    Raters agree little on it, so that it is reported and not made a target of training.

    Parameters
    ----------
    emotion : array_like, shape (..., 5)
        Emotional output in units of rating / 127, in the order of `EMOTIONS`; negative output counts as none.

    Returns
    -------
    ndarray, shape (...)
        Intensity in [0, 1].

    Raises
    ------
    UsageError
        If the last axis is not five long.

    Examples
    --------
    >>> float(predicted_intensity([0.5, -1, 0, 0.25, 0.5]))
    0.25
    """
    intensities = np.maximum(0.0, _five(emotion, signed=True))
    return np.asarray(np.minimum(1.0, intensities.sum(axis=-1) / len(EMOTIONS)))


def published_epp(ratings: ArrayLike) -> NDArray[np.float64]:
    r"""Return the positivity as the paper's released data define it: :math:`\sum_k k E_k / 15`, then min-max.

    All its weights are positive, so that "127 fear" counts as more positive than "1 happy": it measures
    how far a rater moves the sliders. It stands here to regenerate published numbers; use `rating_epp` for
    anything else.

    Parameters
    ----------
    ratings : array_like, shape (n, 5)
        Ratings of the whole data set, in the order of `EMOTIONS`, in any one unit.

    Returns
    -------
    ndarray, shape (n,)
        From 0 for the least to 1 for the greatest of the data set; NaN where all rows are equal.

    Raises
    ------
    UsageError
        If `ratings` is not a table of five columns with at least one row, or an intensity is negative.

    Examples
    --------
    >>> published_epp([[127, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]).round(3)
    array([1.   , 0.039, 0.   ])
    """
    table = _five(ratings)
    if table.ndim != 2 or not len(table):
        raise UsageError(f"published_epp needs a whole data set of shape (n, 5), got {table.shape}")
    total = table @ np.arange(1.0, 6.0) / 15.0
    with np.errstate(invalid="ignore"):
        return np.asarray((total - total.min()) / (total.max() - total.min()))


def to_scale(epp: _Number, scale: Scale) -> _Number:
    """Express positivity on another scale.

    Parameters
    ----------
    epp : float or ndarray
        EPP or valence in [0, 1]; NaN stays NaN.
    scale : {"-1..1", "1..9", "0..127"}
        Where 0 and 1 go to the two ends and everything between linearly.

    Returns
    -------
    float or ndarray
        The same positivity on `scale`.

    Raises
    ------
    UsageError
        If the scale is not one of the three or a value lies outside [0, 1].

    Examples
    --------
    >>> to_scale(0.75, "-1..1"), to_scale(0.75, "1..9"), to_scale(0.75, "0..127")
    (0.5, 7.0, 95.25)
    """
    low, high = _bounds(scale)
    _check_within(epp, 0.0, 1.0, "EPP")
    return low + (high - low) * epp


def from_scale(value: _Number, scale: Scale) -> _Number:
    """Bring positivity from another scale back to [0, 1]: the inverse of `to_scale`.

    Parameters
    ----------
    value : float or ndarray
        Positivity on `scale`; NaN stays NaN.
    scale : {"-1..1", "1..9", "0..127"}
        The scale it is on.

    Returns
    -------
    float or ndarray
        EPP in [0, 1].

    Raises
    ------
    UsageError
        If the scale is not one of the three or a value lies outside it.

    Examples
    --------
    >>> from_scale(7.0, "1..9")
    0.75
    """
    low, high = _bounds(scale)
    _check_within(value, low, high, f"a value on the scale {scale}")
    return (value - low) / (high - low)


@dataclass(frozen=True, kw_only=True)
class Emotion:
    """Intensities of the five emotions as predicted, each >= 0 in units of rating / 127.

    Examples
    --------
    >>> felt = Emotion.from_output([-0.2, 0, 0, 0.1, 0.35])
    >>> felt.fear, felt.happiness, round(felt.epp, 3), round(felt.valence, 3), round(felt.intensity, 3)
    (0.0, 0.35, 0.9, 0.95, 0.09)
    """

    fear: float
    sadness: float
    anger: float
    calm: float
    happiness: float

    @classmethod
    def from_output(cls, emotion: ArrayLike) -> Emotion:
        """Take a model's emotional output, shape (5,), as `EMOTIONS` has them; negative output is none."""
        values = np.maximum(0.0, _five(emotion, signed=True)) + 0.0  # + 0.0 makes a negative zero positive
        return cls(**{name: float(value) for name, value in zip(EMOTIONS, values, strict=True)})

    def to_array(self) -> NDArray[np.float64]:
        """Return the five intensities, shape (5,), in the order of `EMOTIONS`."""
        return np.array([getattr(self, name) for name in EMOTIONS], dtype=np.float64)

    @property
    def epp(self) -> float:
        """Emotional positivity: 0 negative, 0.5 neutral, 1 positive."""
        return float(predicted_epp(self.to_array()))

    @property
    def valence(self) -> float:
        """Share of calm and happiness, in [0, 1]."""
        return float(predicted_valence(self.to_array()))

    @property
    def intensity(self) -> float:
        """Mean of the five intensities, at most 1."""
        return float(predicted_intensity(self.to_array()))


def _five(values: ArrayLike, *, signed: bool = False) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != len(EMOTIONS):
        raise UsageError(
            f"the last axis holds the five emotions {', '.join(EMOTIONS)}, got shape {array.shape}"
        )
    if not signed and (array < 0).any():
        raise UsageError(f"an intensity is at least 0, got {float(np.nanmin(array)):g}")
    return array


def _average(intensities: NDArray[np.float64], weights: tuple[float, ...]) -> NDArray[np.float64]:
    # Both sums run in the same order, so that rounding cannot carry the quotient out of [0, 1].
    with np.errstate(invalid="ignore"):
        return np.asarray((intensities * weights).sum(axis=-1) / intensities.sum(axis=-1))


def _shrunk(emotion: ArrayLike, weights: tuple[float, ...]) -> NDArray[np.float64]:
    intensities = np.maximum(0.0, _five(emotion, signed=True))
    return np.asarray((PRIOR / 2 + (intensities * weights).sum(axis=-1)) / (PRIOR + intensities.sum(axis=-1)))


def _bounds(scale: str) -> tuple[float, float]:
    if scale not in _BOUNDS:
        raise UsageError(f"no scale {scale!r}: choose one of {', '.join(get_args(Scale))}")
    return _BOUNDS[scale]


def _check_within(value: float | NDArray[np.float64], low: float, high: float, what: str) -> None:
    array = np.asarray(value, dtype=np.float64)
    outside = array[(array < low) | (array > high)]
    if outside.size:
        raise UsageError(f"{what} lies between {low:g} and {high:g}, got {float(outside.flat[0]):g}")
