r"""Where positivity comes from: EPP as an exact sum over senses, features and pathways.

**Pathways.** Freeze at the observed window the strongest unit of the fused code, which emotions are felt
(:math:`E_e > 0`), the control vector :math:`W O` of the prefrontal cortex, and the denominator of EPP. With
:math:`c_e = (w_e - \frac12) [E_e > 0] / (\lambda + \sum_e \hat E_e)` emotional positivity is linear in the
fused code x: :math:`EPP = \frac12 + \sum_i x_i L_i`, where :math:`L_i` is the sum of the amygdala's
:math:`V_i \cdot c`, the orbitofrontal cortex's :math:`-U_i \cdot c`, the prefrontal cortex's
:math:`-(V_i (W O)_i) \cdot c`, and, for the strongest unit, the thalamus' :math:`\kappa T \cdot c`.

**Features.** Let x(S) be the fused code when the features in S keep their value and the others have their
mean in training (the reference of the bundle's card). Both senses meet in every unit of it, so that a unit
belongs to no sense. What a feature f of sense m does to x is therefore its Owen value [1]_, the Shapley value
of a game whose players come in groups: the Shapley value [2]_ of f among the features of m,

.. math:: \phi_f(Q) = \sum_{S \subseteq m \setminus f} \frac{|S|!\,(n-|S|-1)!}{n!}
   \left[x(S \cup f \cup Q) - x(S \cup Q)\right],

averaged over the other sense as it is and at its reference, Q = all of its features or none. Two senses that
interact share the effect equally. What is left, x of no feature, is shared in the same way among the senses
themselves, present with the evidence that they have, or absent: the reference term of a sense is what it
contributes by being heard or seen at all.

**Why it adds up.** Shapley values add up to :math:`\sum_{f \in m} \phi_f(Q) = x(m \cup Q) - x(Q)`. With the
senses a and v, averaging over Q gives :math:`\frac12[x(a) - x(\emptyset) + x(a \cup v) - x(v)]` for the
features of a and the mirror image for those of v, together :math:`x(a \cup v) - x(\emptyset)`. The two
reference terms add up to :math:`x(\emptyset)` in the same way, because without evidence the fused code is 0.
So all effects add up to the observed x; multiplied by :math:`L_i` they add up to EPP - 0.5.

References
----------
.. [1] Owen, G. (1977), "Values of games with a priori unions", in *Mathematical Economics and Game Theory*.
.. [2] Shapley, L. S. (1953), "A value for n-person games", in *Contributions to the Theory of Games II*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import EPP_WEIGHTS, PRIOR, predicted_epp
from avfbel.errors import InputError
from avfbel.runtime.bundle import Bundle
from avfbel.runtime.engine import open_session, run_session
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES, SensoryFeatures

Array = NDArray[np.float64]

PATHWAYS = ("amygdala", "orbitofrontal", "prefrontal", "thalamus")
"""The ways on which the fused code becomes emotion."""

REFERENCE = "reference"
"""Name of what a sense contributes by being there at all, all its features being average."""

SOURCES = (
    *(("audio", name) for name in (*ALL_ACOUSTIC, REFERENCE)),
    *(("video", name) for name in (*VISUAL_FEATURES, REFERENCE)),
)
"""What contributes: (sense, feature or reference), the first axis of `Attribution.contributions`."""


_MOST_ROUNDING = 1e-4  # of EPP; what is farther off was computed with other weights or another thalamic gain


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Attribution:
    """Contributions to the EPP of one window.

    Attributes
    ----------
    contributions : ndarray, shape (14, 4)
        By `SOURCES` and `PATHWAYS`, dimensionless (the unit of EPP); with 0.5 they add up to EPP.
    """

    contributions: Array

    @property
    def epp(self) -> float:
        """EPP as the sum of all contributions and 0.5."""
        return 0.5 + float(self.contributions.sum())

    def to_dict(self) -> dict[str, float]:
        """Return the contributions by name, sense_feature_pathway, in the order of `names`."""
        return dict(zip(names(), self.contributions.ravel().tolist(), strict=True))


def names() -> tuple[str, ...]:
    """Return the names of all contributions: sense_feature_pathway.

    Examples
    --------
    >>> len(names()), names()[0], names()[-1]
    (56, 'audio_pitch_amygdala', 'video_reference_thalamus')
    """
    return tuple(f"{sense}_{feature}_{pathway}" for sense, feature in SOURCES for pathway in PATHWAYS)


class Attributor:
    """A bundle's network, ready to tell where its predictions come from.

    Parameters
    ----------
    bundle : str, path or Bundle
        The trained model; see `Bundle.open`.

    Raises
    ------
    InputError
        If the bundle cannot be used, or its card has no reference to compare with.
    """

    def __init__(self, bundle: str | PathLike[str] | Bundle = "default") -> None:
        self.bundle = Bundle.open(bundle)
        self._reference = reference_of(self.bundle)
        self._limbic = _limbic(self.bundle)
        # Buffers that are not reused may differ in length: one film then stands for the coalitions of sounds
        # and one sound for those of films, which spares two thirds of the work.
        self._session = open_session(self.bundle, reuse_buffers=False)

    def attribute(self, window: SensoryFeatures) -> Attribution:
        """Attribute the EPP of a window; a sense that the model lacks should have no evidence in it.

        Parameters
        ----------
        window : SensoryFeatures
            A measured window.

        Returns
        -------
        Attribution
            Contributions; all 0 without evidence, and those of a sense without evidence.

        Raises
        ------
        InputError
            If the network gives a value that is not finite.
        """
        evidence = np.array([window.g_audio, window.g_video], np.float32)
        seen, heard = window.maps.astype(np.float32)[None], window.acoustic.astype(np.float32)[None]
        usual_film = average_maps(seen[0], self._reference)[None]
        usual_sound = self._reference.acoustic.astype(np.float32)[None]
        films, sounds = [usual_film, seen], [usual_sound, heard]
        observed, epp = self._observe(seen, heard, evidence)
        effects = []
        for own, (usual, actual), others in ((0, sounds, films), (1, films, sounds)):
            n = actual.shape[1]
            if evidence[own] == 0:
                effects.append(np.zeros((n, len(observed))))
                continue
            mixed = coalitions(actual[0], usual[0])
            unlike = others if evidence[1 - own] > 0 else others[1:]  # what is not perceived does not matter
            pairs = [(other, mixed) if own == 0 else (mixed, other) for other in unlike]
            codes = [self._run(*pair, evidence)[0] for pair in pairs]
            effects.append(shapley_weights(n) @ np.mean(codes, axis=0))
        presence = np.array([(1, 1), (1, 0), (0, 1)], np.float32)
        both, only_heard, only_seen = self._run(usual_film, usual_sound, evidence * presence)[0]
        effects.insert(1, (both + only_heard - only_seen)[None] / 2)
        effects.append((both + only_seen - only_heard)[None] / 2)
        by_unit = pathway_weights(observed, self._limbic)
        told = Attribution(contributions=np.concatenate(effects) @ by_unit)
        if abs(told.epp - epp) > _MOST_ROUNDING:
            raise InputError(
                f"the network of the bundle {self.bundle.source} does not feel as its card says "
                f"(EPP {epp:.6f}, contributions {told.epp:.6f}): train the model again"
            )
        return told

    def _observe(
        self, maps: NDArray[Any], acoustic: NDArray[Any], evidence: NDArray[np.float32]
    ) -> tuple[Array, float]:
        """Return the fused code (k,) of one window and its EPP."""
        codes, emotions = self._run(maps, acoustic, evidence)
        return codes[0], float(predicted_epp(emotions[0])) if evidence.any() else 0.5

    def _run(
        self, maps: NDArray[Any], acoustic: NDArray[Any], evidence: NDArray[np.float32]
    ) -> tuple[Array, Array]:
        """Return fused codes (n, k) and emotions (n, 5) of n films or sounds with evidence (2,) or (n, 2)."""
        n = max(len(maps), len(acoustic), *evidence.shape[:-1], 1)
        feed = {
            "maps": np.ascontiguousarray(maps),
            "acoustic": np.ascontiguousarray(acoustic),
            "evidence": np.ascontiguousarray(np.broadcast_to(evidence, (n, 2))),
            **self.bundle.weights,
        }
        codes, emotions = run_session(self._session, ("x_fused", "emotion"), feed, self.bundle.source)
        return codes, emotions


def attribute(
    windows: Sequence[SensoryFeatures], *, model: str | PathLike[str] | Bundle | Attributor = "default"
) -> list[Attribution]:
    """Attribute the EPP of measured windows to senses, features and pathways.

    Parameters
    ----------
    windows : sequence of SensoryFeatures
        Measured windows.
    model : str, path, Bundle or Attributor
        The trained model; see `Bundle.open`.

    Returns
    -------
    list of Attribution
        One a window.

    Raises
    ------
    InputError
        If the bundle cannot be used, or its card has no reference to compare with.
    """
    attributor = model if isinstance(model, Attributor) else Attributor(model)
    return [attributor.attribute(window) for window in windows]


class Reference(NamedTuple):
    """The average input of training."""

    acoustic: Array
    """(7,) mean of each acoustic feature in its unit; NaN where none was ever measured."""
    maps: Array
    """(5,) mean of each feature map over what moved, in its unit."""
    presence: float
    """Value of the speed map from which on a pixel counts as wholly moving."""


def reference_of(bundle: Bundle) -> Reference:
    """Return the reference of a bundle.

    Raises
    ------
    InputError
        If its card has none.
    """
    card = bundle.card.get("reference")
    try:
        acoustic = [float(card["acoustic"].get(name, math.nan)) for name in ALL_ACOUSTIC]  # type: ignore[index]
        maps = [float(card["maps"]["mean"][name]) for name in VISUAL_FEATURES]  # type: ignore[index]
        presence = float(card["maps"]["presence"])  # type: ignore[index]
        usable = all(map(math.isfinite, [*maps, presence])) and presence > 0 and not np.isinf(acoustic).any()
    except (TypeError, KeyError, ValueError, AttributeError):
        usable = False
    if not usable:
        raise InputError(
            f"the card of the bundle {bundle.source} has no reference, the average input against which "
            "contributions are told: train the model again"
        )
    return Reference(np.array(acoustic), np.array(maps), presence)


def average_maps(maps: NDArray[np.floating[Any]], reference: Reference) -> NDArray[np.float32]:
    """Return what the maps of a window would be if all that moves in it had average features.

    Parameters
    ----------
    maps : ndarray, shape (5, h, w)
        Feature maps in the units of the features, zero where nothing moved.
    reference : Reference
        Mean maps and the value of the speed map that means full presence.

    Returns
    -------
    ndarray, shape (5, h, w)
        Each pixel's presence, clip(speed map / reference presence, 0, 1), times the mean of the map.

    Examples
    --------
    >>> usual = Reference(np.zeros(7), np.array([80.0, 0.1, 0.2, 0.3, 0.0]), presence=40.0)
    >>> [round(float(value), 3) for value in average_maps(np.full((5, 1, 1), 20.0), usual).flat]
    [40.0, 0.05, 0.1, 0.15, 0.0]
    """
    presence = np.clip(maps[0] / reference.presence, 0.0, 1.0)
    return np.asarray(presence * reference.maps[:, None, None], dtype=np.float32)


def coalitions(actual: NDArray[np.float32], usual: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return all mixtures of n actual and usual features.

    Parameters
    ----------
    actual, usual : ndarray, shape (n, ...)
        Features as they are, and as they are on average.

    Returns
    -------
    ndarray, shape (2**n, n, ...)
        In row s, feature f is actual if bit f of s is set: the first row is usual, the last one actual.

    Examples
    --------
    >>> coalitions(np.array([1, 2]), np.array([0, 0])).tolist()
    [[0, 0], [1, 0], [0, 2], [1, 2]]
    """
    kept = _members(len(actual))
    kept = kept.reshape(*kept.shape, *[1] * (actual.ndim - 1))
    mixed: NDArray[np.float32] = np.where(kept, actual, usual)
    return mixed


@cache
def shapley_weights(n: int) -> Array:
    """Return the matrix that takes the values of all coalitions of n players to the Shapley values.

    Parameters
    ----------
    n : int
        Number of players, at least 1.

    Returns
    -------
    ndarray, shape (n, 2**n)
        Coalitions as `coalitions` orders them.

    Examples
    --------
    Two players who get 1 alone and 4 together share equally:

    >>> shapley_weights(2) @ np.array([0.0, 1.0, 1.0, 4.0])
    array([2., 2.])
    """
    members = _members(n)
    size = members.sum(axis=1)
    joining = np.array([math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n) for s in range(n)])
    after, before = joining[np.maximum(size - 1, 0)], -joining[np.minimum(size, n - 1)]
    weights = np.where(members, after[:, None], before[:, None]).T
    weights.flags.writeable = False
    return weights


def _members(n: int) -> NDArray[np.bool_]:
    """Return which of n players are in each of 2**n coalitions, (2**n, n)."""
    members: NDArray[np.bool_] = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.bool_)
    return members


class Limbic(NamedTuple):
    """Limbic weights with the gains of their regions applied, float64."""

    V: Array
    U: Array
    W: Array
    T: Array  # times the thalamic gain kappa


def _limbic(bundle: Bundle) -> Limbic:
    """Read the limbic weights of a bundle."""
    weights = {name: value.astype(np.float64) for name, value in bundle.weights.items()}
    gain = dict(zip(bundle.regions, weights["gain"], strict=True))
    return Limbic(
        V=gain["amygdala"] * weights["V"],
        U=gain["orbitofrontal"] * weights["U"],
        W=gain["prefrontal"] * weights["W"],
        T=gain["amygdala"] * thalamic_gain(bundle) * weights["T"],
    )


def thalamic_gain(bundle: Bundle) -> float:
    """Return the gain kappa of the thalamic path; the rule as published has no such path.

    Raises
    ------
    InputError
        If the card does not say.
    """
    parameters = bundle.card.get("parameters")
    if not isinstance(parameters, dict) or not {"rule", "kappa"} <= set(parameters):
        raise InputError(f"the card of the bundle {bundle.source} lacks 'parameters': train the model again")
    return 0.0 if parameters["rule"] == "published" else float(parameters["kappa"])


def pathway_weights(x: Array, limbic: Limbic) -> Array:
    """Return what each unit of the fused code does for EPP on each pathway, with the rest frozen at `x`.

    Parameters
    ----------
    x : ndarray, shape (k,)
        Fused code of the observed window, at least 0.
    limbic : Limbic
        Weights.

    Returns
    -------
    ndarray, shape (k, 4)
        By `PATHWAYS`; ``0.5 + (x @ result).sum()`` is EPP.
    """
    control = limbic.W @ (x[:, None] * limbic.U)
    strongest = np.arange(len(x)) == np.argmax(x)
    emotion = x @ (limbic.V - limbic.U - limbic.V * control) + x.max() * limbic.T
    felt = np.maximum(emotion, 0.0)
    c = (np.array(EPP_WEIGHTS) - 0.5) * (emotion > 0) / (PRIOR + felt.sum())
    return np.stack(
        [limbic.V @ c, -limbic.U @ c, -(limbic.V * control) @ c, strongest * (limbic.T @ c)], axis=1
    )
