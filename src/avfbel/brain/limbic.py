r"""Brain emotional learning: amygdala, orbitofrontal and prefrontal cortex, as numpy functions.

The state goes in and comes out; nothing is hidden. With x >= 0 the stimulus (k features), R the rewards (q
outputs), sums over features and everything from the weights before the step:

.. code-block:: text

    h = max_i x_i                              n = max(1, |x|^2 + kappa^2 h^2)
    A = x * V,  A_th = kappa h T,  O = x * U,  F = A * (W O)
    a = sum A + A_th  (amygdala)               I = sum O + sum F  (orbitofrontal, prefrontal)    E = a - I
    d = max(0, R - a)                          t = max(0, a - R) - I
    V += alpha x d / n    T += alpha kappa h d / n    U += beta x t / n    W += gamma A diag(t) O' / n

That is the rule ``moren``, of Morén's thesis [1]_ without its weight clips. Beside it: ``belbic`` of the
engineering literature, t = E - R; ``published``, Eq. 18-20 of the paper as printed, t = sum O - k R and n =
1, without thalamus and prefrontal cortex, which diverges for every beta > 0; ``released``, the update of the
released code, where the signed error e = R - E multiplies both rules, against a constant reward of 2, and the
thalamus passes h on unweighted.

Every array may have leading axes: a batch of models (folds, seeds, configurations) steps at once.
Learning from many stimuli is `avfbel.brain.limbic_learning`.

References
----------
.. [1] Morén, J. (2002), *Emotion and Learning: A Computational Model of the Amygdala*, Lund University.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RULES = ("moren", "belbic", "published", "released")
LESIONS = ("amygdala", "orbitofrontal", "prefrontal")
RELEASED_REWARD, RELEASED_THRESHOLD = 2.0, 0.5  # constants of the released training script, dimensionless


class LimbicState(NamedTuple):
    """The plastic weights, all dimensionless; leading axes are models."""

    V: Array
    """(..., k, q) amygdala."""
    T: Array
    """(..., q) thalamus to amygdala."""
    U: Array
    """(..., k, q) orbitofrontal cortex."""
    W: Array
    """(..., k, k) prefrontal cortex."""


class LimbicOutput(NamedTuple):
    """What the regions say about a stimulus, in units of the reward."""

    emotion: Array
    """(..., q) emotional output E."""
    amygdala: Array
    """(..., q) excitation a, the thalamic path included."""
    orbitofrontal: Array
    """(..., q) inhibition sum O."""
    prefrontal: Array
    """(..., q) inhibition sum F."""


@dataclass(frozen=True, kw_only=True)
class LimbicParameters:
    """Rule, rates and lesions of a limbic system.

    Parameters
    ----------
    rule : {"moren", "belbic", "published", "released"}
        Learning rule, see the module.
    alpha, beta, gamma : float
        Learning rates of amygdala, orbitofrontal and prefrontal cortex, at least 0, dimensionless.
    kappa : float
        Gain of the thalamic path, at least 0; above 0.5 it breaks blocking.
    lesions : frozenset of {"amygdala", "orbitofrontal", "prefrontal"}
        Regions whose output is 0 and whose weights stay as they are.

    Raises
    ------
    ValueError
        If a name is unknown or a rate is negative or not finite.
    """

    rule: str = "moren"
    alpha: float = 0.1
    beta: float = 0.2
    kappa: float = 0.25
    gamma: float = 0.0
    lesions: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"rule must be one of {', '.join(RULES)}, got {self.rule!r}")
        for name in ("alpha", "beta", "kappa", "gamma"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be finite and at least 0, got {getattr(self, name)}")
        if unknown := set(self.lesions) - set(LESIONS):
            raise ValueError(f"lesions are those of {', '.join(LESIONS)}, got {', '.join(sorted(unknown))}")

    def intact(self, region: str) -> float:
        """Return 1.0, or 0.0 if `region` is lesioned."""
        return 0.0 if region in self.lesions else 1.0


def initial_state(n_features: int, n_outputs: int, *, models: tuple[int, ...] = ()) -> LimbicState:
    """Return the naive state, all weights 0, for a batch of `models` (leading axes).

    Examples
    --------
    >>> [weights.shape for weights in initial_state(3, 5, models=(38,))]
    [(38, 3, 5), (38, 5), (38, 3, 5), (38, 3, 3)]
    """
    k, q = n_features, n_outputs
    shapes = ((k, q), (q,), (k, q), (k, k))
    return LimbicState(*(np.zeros((*models, *shape)) for shape in shapes))


def limbic_output(state: LimbicState, x: Array, parameters: LimbicParameters) -> LimbicOutput:
    """Return what the regions say about stimuli, without learning.

    Parameters
    ----------
    state : LimbicState
        Weights; their leading axes broadcast against those of `x`.
    x : ndarray, shape (..., k)
        Stimuli, at least 0, dimensionless.
    parameters : LimbicParameters
        Rule, rates and lesions.

    Returns
    -------
    LimbicOutput
        Four arrays (..., q), in units of the reward.

    Examples
    --------
    >>> state = initial_state(2, 1)._replace(V=np.array([[0.5], [0.25]]))
    >>> limbic_output(state, np.array([1.0, 2.0]), LimbicParameters()).emotion
    array([1.])
    """
    p = parameters
    amygdala = p.intact("amygdala") * (_apply(x, state.V) + _thalamus(state, x, p))
    orbitofrontal = p.intact("orbitofrontal") * _apply(x, state.U)
    if p.rule == "published" or not state.W.any():
        prefrontal = np.zeros_like(orbitofrontal)
    elif p.rule == "released":  # as released: sum over i, j of W_ij A_j
        prefrontal = p.intact("prefrontal") * p.intact("amygdala") * _apply(x * state.W.sum(-2), state.V)
    else:
        control = state.W @ (x[..., :, None] * state.U * p.intact("orbitofrontal"))
        excitation = x[..., :, None] * state.V * p.intact("amygdala")
        prefrontal = p.intact("prefrontal") * (excitation * control).sum(axis=-2)
    return LimbicOutput(amygdala - orbitofrontal - prefrontal, amygdala, orbitofrontal, prefrontal)


def limbic_step(
    state: LimbicState, x: Array, reward: Array, parameters: LimbicParameters, *, rate: float = 1.0
) -> tuple[LimbicState, LimbicOutput]:
    """Learn from one stimulus and its reward.

    Parameters
    ----------
    state : LimbicState
        Weights before the step; not changed.
    x : ndarray, shape (..., k)
        Stimulus, at least 0, dimensionless.
    reward : ndarray, shape (..., q)
        Reward R, in units of the emotional output.
    parameters : LimbicParameters
        Rule, rates and lesions.
    rate : float
        Factor on all learning rates.

    Returns
    -------
    state : LimbicState
        Weights after the step.
    output : LimbicOutput
        What the regions said before it.

    Examples
    --------
    >>> state, said = limbic_step(initial_state(1, 1), np.ones(1), np.ones(1), LimbicParameters(kappa=0.0))
    >>> state.V, said.emotion
    (array([[0.1]]), array([0.]))
    """
    p = parameters
    output = limbic_output(state, x, p)
    excite, inhibit = _LEARNING_SIGNALS[p.rule](output, reward, x)
    strongest = x.max(axis=-1, keepdims=True)
    norm = np.ones_like(strongest)
    if p.rule in ("moren", "belbic"):
        norm = np.maximum(1.0, (x * x).sum(axis=-1, keepdims=True) + (p.kappa * strongest) ** 2)
    excite = p.intact("amygdala") * rate * p.alpha * excite / norm
    inhibit = inhibit / norm
    v = state.V + x[..., :, None] * excite[..., None, :]
    t = state.T if p.rule in ("published", "released") else state.T + p.kappa * strongest * excite
    u = state.U + p.intact("orbitofrontal") * rate * p.beta * x[..., :, None] * inhibit[..., None, :]
    return LimbicState(v, t, u, _prefrontal_step(state, x, inhibit, p, rate)), output


def _apply(x: Array, weights: Array) -> Array:
    """Return the sum over features of x * weights: (..., k) and (..., k, q) to (..., q)."""
    applied: Array = x @ weights if weights.ndim == 2 else (x[..., None, :] @ weights)[..., 0, :]
    return applied


def _thalamus(state: LimbicState, x: Array, p: LimbicParameters) -> Array:
    strongest: Array = x.max(axis=-1, keepdims=True)
    if p.rule == "published":
        return np.zeros_like(strongest)
    weight: Array = np.ones_like(state.T) if p.rule == "released" else p.kappa * state.T
    thalamus: Array = strongest * weight
    return thalamus


def _moren(said: LimbicOutput, reward: Array, x: Array) -> tuple[Array, Array]:
    inhibition = said.orbitofrontal + said.prefrontal
    return np.maximum(0.0, reward - said.amygdala), np.maximum(0.0, said.amygdala - reward) - inhibition


def _belbic(said: LimbicOutput, reward: Array, x: Array) -> tuple[Array, Array]:
    return np.maximum(0.0, reward - said.amygdala), said.emotion - reward


def _published(said: LimbicOutput, reward: Array, x: Array) -> tuple[Array, Array]:
    return np.maximum(0.0, reward - said.amygdala), said.orbitofrontal - x.shape[-1] * reward


def _released(said: LimbicOutput, reward: Array, x: Array) -> tuple[Array, Array]:
    strongest = x.max(axis=-1, keepdims=True)
    error = reward - (said.amygdala - said.orbitofrontal)
    excite = np.maximum(0.0, RELEASED_REWARD - (said.amygdala - strongest))
    return error * excite, error * (said.orbitofrontal - x.shape[-1] * RELEASED_REWARD)


_LEARNING_SIGNALS: dict[str, Callable[[LimbicOutput, Array, Array], tuple[Array, Array]]] = {
    "moren": _moren,
    "belbic": _belbic,
    "published": _published,
    "released": _released,
}


def _prefrontal_step(state: LimbicState, x: Array, inhibit: Array, p: LimbicParameters, rate: float) -> Array:
    """Return W after a step; `inhibit` is t / n."""
    if p.gamma == 0 or p.rule == "published" or "prefrontal" in p.lesions:
        return state.W
    a = x[..., :, None] * state.V * p.intact("amygdala")
    o = x[..., :, None] * state.U * p.intact("orbitofrontal")
    if p.rule == "released":
        return state.W + rate * p.gamma * (a - RELEASED_THRESHOLD) @ np.swapaxes(o, -1, -2)
    return state.W + rate * p.gamma * (a * inhibit[..., None, :]) @ np.swapaxes(o, -1, -2)
