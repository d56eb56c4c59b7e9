"""What a model is to predict about each clip: five intensities, EPP and valence, by what it perceives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.emotion import EMOTIONS, EPP_WEIGHTS, VALENCE_WEIGHTS, rating_epp, rating_valence
from avfbel.errors import UsageError

KINDS = ("audio", "video", "fused")
"""What a model perceives of a clip: its sound only, its picture only, or both."""

NORM_OF_KIND = {"audio": "music", "video": "animation", "fused": "fused"}
"""Which norm a kind of sample is trained on."""

DERIVED_TOTAL = 1.0
"""Sum of the intensities made up where only positivity is known; the norms have 1.03 on average."""

_POSITIVE = np.array(VALENCE_WEIGHTS, dtype=bool)
_WEIGHTS = np.array(EPP_WEIGHTS)
_STEEPEST = 1e4  # of the exponential tilt; beyond it one emotion has everything to the last bit


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Targets:
    """Targets of n clips for one kind of perception; NaN where nobody gave a rating.

    Attributes
    ----------
    emotions : ndarray, shape (n, 5)
        Intensities, 1 for full scale (rating / 127), in the order of `EMOTIONS`; NaN where only positivity
        was rated.
    epp, valence : ndarray, shape (n,)
        Positivity in [0, 1]: as rated, or a ratio of the intensities.
    """

    emotions: NDArray[np.float64]
    epp: NDArray[np.float64]
    valence: NDArray[np.float64]

    @classmethod
    def from_emotions(cls, emotions: ArrayLike) -> Targets:
        """Return the targets that follow from five intensities, shape (n, 5)."""
        five = np.asarray(emotions, dtype=np.float64).reshape(-1, len(EMOTIONS))
        return cls(emotions=five, epp=rating_epp(five), valence=rating_valence(five))

    @property
    def rewards(self) -> NDArray[np.float64]:
        """The five rewards of brain emotional learning, shape (n, 5): the intensities, or those made up.

        Where only positivity is rated, they come from `rewards_from`; where nothing is, they are NaN.
        """
        rewards = self.emotions.copy()
        for i in np.flatnonzero(
            np.isnan(rewards).any(axis=1) & ~(np.isnan(self.epp) & np.isnan(self.valence))
        ):
            rewards[i] = rewards_from(epp=_or_none(self.epp[i]), valence=_or_none(self.valence[i]))
        return rewards

    def take(self, clips: ArrayLike) -> Targets:
        """Return the targets of some clips, by their numbers."""
        rows = np.asarray(clips)
        return Targets(emotions=self.emotions[rows], epp=self.epp[rows], valence=self.valence[rows])


def join_targets(parts: Sequence[Targets]) -> Targets:
    """Return the targets of all parts, one after the other."""
    return Targets(
        emotions=np.concatenate([part.emotions for part in parts]),
        epp=np.concatenate([part.epp for part in parts]),
        valence=np.concatenate([part.valence for part in parts]),
    )


def rewards_from(*, epp: float | None = None, valence: float | None = None) -> NDArray[np.float64]:
    r"""Make up five intensities for a clip of which only its positivity is known.

    A number between 0 and 1 does not say which emotions were felt. Of all mixtures with that positivity this
    is the one that claims least: the one of greatest entropy. For a given EPP the shares are :math:`p_k
    \propto e^{b w_k}`, with the EPP weights :math:`w_k` and the tilt :math:`b` that gives it; for a given
    valence, calm and happiness share it equally and the negative three share the rest; for both, the shares
    are tilted within the two groups. Together they add up to `DERIVED_TOTAL`, about the sum of the norms.

    Parameters
    ----------
    epp, valence : float, optional
        Positivity in [0, 1]; at least one of them.

    Returns
    -------
    ndarray, shape (5,)
        Intensities >= 0 in the order of `EMOTIONS`, of which `rating_epp` and `rating_valence` are those
        given.

    Raises
    ------
    UsageError
        If none is given, one is not in [0, 1], or no emotions have both: EPP must lie between 0.75 times the
        valence and 1/3 + 2/3 of the valence.

    Examples
    --------
    >>> rewards_from(epp=0.9).round(3).tolist()
    [0.007, 0.016, 0.034, 0.228, 0.715]
    >>> rewards_from(valence=0.4).round(3).tolist()
    [0.2, 0.2, 0.2, 0.2, 0.2]
    """
    for name, value in (("EPP", epp), ("valence", valence)):
        if value is not None and not 0 <= value <= 1:
            raise UsageError(f"{name} lies between 0 and 1, got {value:g}")
    if epp is None and valence is None:
        raise UsageError("give the EPP or the valence of the clip")
    if valence is None:
        prior = np.full(len(EMOTIONS), 1 / len(EMOTIONS))
        groups = [np.ones(len(EMOTIONS), dtype=bool)]
    else:
        prior = np.where(_POSITIVE, valence / _POSITIVE.sum(), (1 - valence) / (~_POSITIVE).sum())
        groups = [_POSITIVE, ~_POSITIVE]
    if epp is None:
        return DERIVED_TOTAL * prior
    lowest, highest = _tilt(prior, groups, -np.inf) @ _WEIGHTS, _tilt(prior, groups, np.inf) @ _WEIGHTS
    if not lowest - 1e-9 <= epp <= highest + 1e-9:
        raise UsageError(
            f"no emotions have the valence {valence:g} and the EPP {epp:g}: with that valence EPP lies "
            f"between {lowest:.3g} and {highest:.3g}; give one of the two"
        )
    return DERIVED_TOTAL * _tilt(prior, groups, _steepness(prior, groups, epp))


def _tilt(
    shares: NDArray[np.float64], groups: list[NDArray[np.bool_]], steepness: float
) -> NDArray[np.float64]:
    """Move each group's shares towards its positive end, keeping their sum; infinite: all to one end."""
    tilted = np.zeros_like(shares)
    for group in groups:
        edge = _WEIGHTS[group].max() if steepness > 0 else _WEIGHTS[group].min()
        distance = np.abs(_WEIGHTS[group] - edge)
        odds = np.where(distance > 0, np.exp(-min(abs(steepness), _STEEPEST) * distance), 1.0)
        tilted[group] = shares[group].sum() * odds / odds.sum()
    return tilted


def _steepness(shares: NDArray[np.float64], groups: list[NDArray[np.bool_]], epp: float) -> float:
    """Find the tilt with which the shares have the EPP: it grows with the tilt, so that halving finds it."""
    low, high = -_STEEPEST, _STEEPEST
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return middle
        if _tilt(shares, groups, middle) @ _WEIGHTS < epp:
            low = middle
        else:
            high = middle


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
