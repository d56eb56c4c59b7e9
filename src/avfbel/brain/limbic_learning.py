r"""Learning from many stimuli: the limbic rules over passes through a table, for one model or many at once.

A step is small, so a loop over steps costs mostly the calls, not the arithmetic. Where a step is plain (rules
``moren`` and ``belbic`` without prefrontal learning and lesions: two small products, with the thalamus as one
more feature), models that do not meet (folds, seeds, configurations) take each step together, whatever their
order of samples and their rates. Within a block of steps the weights are not touched: a region says what it
would have said before the block, plus for each earlier step of it the signal learned then times the inner
product of the two stimuli. The weights follow at the end of the block as matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from avfbel.brain.limbic import Array, LimbicParameters, LimbicState, limbic_step

Indices = NDArray[np.int64]
PAUSE = -1
"""In an order of samples: nothing is shown and nothing is learned."""
_BLOCK, _BLOCKS = 6, 8  # steps between updates of the weights, and blocks prepared together


def limbic_fit(
    state: LimbicState,
    x: Array,
    reward: Array,
    order: Indices,
    parameters: LimbicParameters | Sequence[LimbicParameters],
) -> LimbicState:
    """Learn from many stimuli in a given order: the same weights as that many `limbic_step`, faster.

    Parameters
    ----------
    state : LimbicState
        Weights before; not changed. Their leading axes are the models.
    x, reward : ndarray, shapes (..., n, k) and (..., n, q)
        Stimuli and rewards, each either with the leading axes of the state or without, for all models.
    order : ndarray of int, shape (passes, n_steps) or (n_steps,), or (..., passes, n_steps)
        Rows in the order of learning, the same for all models or, with the leading axes of the state, each
        model's own; -1 is a pause, which makes orders of unlike length equally long. In pass j (from 0) of
        several, rates are divided by 1 + j / 10.
    parameters : LimbicParameters or sequence of LimbicParameters
        Rule, rates and lesions, of all models or of each (leading axes in C order). Rules without prefrontal
        learning and lesions train at once whatever their rates; of the others, those with equal parameters.

    Returns
    -------
    LimbicState
        Weights after.

    Raises
    ------
    ValueError
        If shapes do not belong together or a row does not exist.

    Examples
    --------
    >>> from avfbel.brain.limbic import initial_state, limbic_output
    >>> x, reward = np.ones((1, 1)), np.ones((1, 1))
    >>> after = limbic_fit(initial_state(1, 1), x, reward, np.zeros(200, dtype=int), LimbicParameters())
    >>> limbic_output(after, x[0], LimbicParameters()).emotion.round(3)
    array([1.])

    Two models, of which the second rests in the first step and learns twice as fast:

    >>> order = np.array([[[0, 0]], [[-1, 0]]])
    >>> rates = [LimbicParameters(alpha=0.1, kappa=0), LimbicParameters(alpha=0.2, kappa=0)]
    >>> limbic_fit(initial_state(1, 1, models=(2,)), x, reward, order, rates).V.ravel().round(3).tolist()
    [0.19, 0.2]
    """
    models = state.V.shape[:-2]
    x, reward, passes = _checked(state, x, reward, order)
    if not models:
        if not isinstance(parameters, LimbicParameters):
            raise ValueError(
                "several parameters need a state of as many models: see initial_state(models=...)"
            )
        return _fit_one(state, x, reward, passes, parameters)
    flat = LimbicState(*(w.reshape(-1, *w.shape[len(models) :]) for w in state))
    x, reward = (t if t.ndim == 2 else t.reshape(-1, *t.shape[-2:]) for t in (x, reward))
    passes = np.broadcast_to(passes, (*models, *passes.shape[-2:])).reshape(-1, *passes.shape[-2:])
    count = len(passes)
    given = [parameters] * count if isinstance(parameters, LimbicParameters) else list(parameters)
    if len(given) != count:
        raise ValueError(f"there are {count} models and {len(given)} parameters: give one, or one a model")
    learned = [np.empty_like(weights) for weights in flat]
    for rows in _groups(flat, given):
        some = LimbicState(*(weights[rows] for weights in flat))
        own_x, own_reward = (t if t.ndim == 2 else t[rows] for t in (x, reward))
        fit = _fit_together if _is_plain(some, given[rows[0]]) else _fit_stepwise
        new_state = fit(some, own_x, own_reward, passes[rows], [given[i] for i in rows])
        for weights, new in zip(learned, new_state, strict=True):
            weights[rows] = new
    return LimbicState(*(new.reshape(old.shape) for new, old in zip(learned, state, strict=True)))


def shuffled_passes(
    rows: Sequence[Sequence[int] | Indices], passes: int, *, seeds: int | Sequence[int] = 0
) -> Indices:
    """Return for each model its rows in random order, anew in each pass: an order for `limbic_fit`.

    Parameters
    ----------
    rows : sequence of sequences of int
        The rows each model learns from, for instance the training rows of a fold.
    passes : int
        How often each model goes through its rows.
    seeds : int or sequence of int
        Seed of all models, or of each; with the seed and rows of `BrainEmotionalLearning.fit`, its order.

    Returns
    -------
    ndarray of int, shape (models, passes, most rows)
        Shorter orders end in pauses, -1.

    Examples
    --------
    >>> shuffled_passes([[0, 1, 2], [5]], 2, seeds=1).tolist()
    [[[0, 1, 2], [2, 0, 1]], [[5, -1, -1], [5, -1, -1]]]
    """
    each = repeat(seeds, len(rows)) if isinstance(seeds, int) else seeds
    order = np.full((len(rows), passes, max(map(len, rows))), PAUSE)
    for model, (own, seed) in enumerate(zip(rows, each, strict=True)):
        rng = np.random.default_rng(seed)
        for j in range(passes):
            order[model, j, : len(own)] = np.asarray(own)[rng.permutation(len(own))]
    return order


def _checked(state: LimbicState, x: Array, reward: Array, order: Indices) -> tuple[Array, Array, Indices]:
    """Return tables that have no leading axes or all of them, and the order with an axis of passes."""
    models, passes = state.V.shape[:-2], np.atleast_2d(order)
    n = x.shape[-2]
    if reward.shape[-2] != n:
        raise ValueError(f"x has {n} rows and the reward {reward.shape[-2]}")
    leading = {"x": x.shape[:-2], "reward": reward.shape[:-2], "order": passes.shape[:-2]}
    for name, axes in leading.items():
        if axes not in ((), models):
            raise ValueError(
                f"the models of the state are {models}, but the leading axes of {name} are {axes}"
            )
    if passes.size and not (passes.min() >= PAUSE and passes.max() < n):
        raise ValueError(f"an order holds rows from 0 to {n - 1}, and -1 for a pause")
    return x, reward, passes


def _is_plain(state: LimbicState, p: LimbicParameters) -> bool:
    """Whether a step is linear in V, T and U."""
    return p.rule in ("moren", "belbic") and p.gamma == 0 and not p.lesions and not state.W.any()


def _groups(state: LimbicState, parameters: list[LimbicParameters]) -> list[list[int]]:
    """Return the models that can be trained together."""
    groups: dict[object, list[int]] = {}
    for i, p in enumerate(parameters):
        plain = _is_plain(LimbicState(*(weights[i] for weights in state)), p)
        groups.setdefault(p.rule if plain else p, []).append(i)
    return list(groups.values())


def _rates(passes: int) -> list[float]:
    return [1.0 / (1.0 + j / 10) for j in range(passes)]


def _fit_one(
    state: LimbicState, x: Array, reward: Array, passes: Indices, p: LimbicParameters
) -> LimbicState:
    if not _is_plain(state, p):
        for rows, rate in zip(passes, _rates(len(passes)), strict=True):
            for i in rows[rows != PAUSE]:
                state, _ = limbic_step(state, x[i], reward[i], p, rate=rate)
        return state
    k = x.shape[-1]
    cue = np.concatenate([x, p.kappa * x.max(axis=-1, keepdims=True)], axis=-1)  # the last is the thalamus
    step = (cue / np.maximum(1.0, (cue * cue).sum(axis=-1, keepdims=True)))[..., None]
    step_inhibit = step.copy()
    step_inhibit[:, -1] = 0.0  # no thalamic path to the orbitofrontal cortex
    cue = cue[:, None, :]
    excite = np.concatenate([state.V, state.T[None]])
    inhibit = np.concatenate([state.U, np.zeros_like(state.T)[None]])
    moren = p.rule == "moren"
    for rows, rate in zip(passes, _rates(len(passes)), strict=True):
        alpha, beta = rate * p.alpha, rate * p.beta
        for i in rows[rows != PAUSE]:
            a, o = cue[i] @ excite, cue[i] @ inhibit
            surplus = a - reward[i]
            excite += step[i] * (alpha * np.maximum(0.0, -surplus))
            inhibit += step_inhibit[i] * (beta * ((np.maximum(0.0, surplus) if moren else surplus) - o))
    return LimbicState(excite[:k], excite[k], inhibit[:k], state.W)


def _fit_stepwise(
    state: LimbicState, x: Array, reward: Array, passes: Indices, ps: list[LimbicParameters]
) -> LimbicState:
    """Take the steps of models (the first axis) with equal parameters."""
    model = np.arange(len(passes))
    for j, rate in enumerate(_rates(passes.shape[1])):
        for rows in passes[:, j].T:
            cue, r = (t[rows] if t.ndim == 2 else t[model, rows] for t in (x, reward))
            after, _ = limbic_step(state, cue, r, ps[0], rate=rate)
            awake = rows != PAUSE
            state = LimbicState(
                *(
                    np.where(awake.reshape(-1, *[1] * (new.ndim - 1)), new, old)
                    for new, old in zip(after, state, strict=True)
                )
            )
    return state


def _fit_together(
    state: LimbicState, x: Array, reward: Array, passes: Indices, ps: list[LimbicParameters]
) -> LimbicState:
    """Take the plain steps of models (the first axis) with one rule, block by block."""
    m, k, q = state.V.shape
    kappa = np.array([[p.kappa] for p in ps])
    rate = np.array([[[p.alpha, p.beta]] for p in ps])  # (m, 1, 2)
    slower = np.repeat(_rates(passes.shape[1]), passes.shape[2])
    missing = -slower.size % _BLOCK
    order = np.pad(passes.reshape(m, -1), ((0, 0), (0, missing)), constant_values=PAUSE)
    slower = np.pad(slower, (0, missing))
    cues = _Lookup(np.concatenate([x, x.max(axis=-1, keepdims=True)], axis=-1))
    rewards = _Lookup(reward)
    buffers = _Buffers(m, q, moren=ps[0].rule == "moren")
    weights = np.zeros((m, k + 1, 2, q))  # features and thalamus; amygdala and orbitofrontal cortex
    weights[:, :k, 0], weights[:, k, 0], weights[:, :k, 1] = state.V, state.T, state.U
    matrix = weights.reshape(m, k + 1, 2 * q)
    for start in range(0, order.shape[1], _BLOCKS * _BLOCK):
        steps = slice(start, start + _BLOCKS * _BLOCK)
        cue = cues(order[:, steps])  # (m, steps, k + 1)
        cue[..., -1] *= kappa
        norm = np.maximum(1.0, np.einsum("msk,msk->ms", cue, cue))
        gain = slower[steps, None] * rate / norm[..., None]
        cue, gain = (t.reshape(m, -1, _BLOCK, t.shape[-1]) for t in (cue, gain))
        coupling = buffers.couple(cue, gain)
        r = rewards(order[:, steps]).reshape(m, -1, _BLOCK, q).transpose(1, 2, 3, 0)
        for b in range(cue.shape[1]):
            signals = buffers.signals(cue[:, b] @ matrix, r[b], coupling[b])
            learned = (signals * gain[:, b, :, :, None]).reshape(m, _BLOCK, 2 * q)
            matrix += cue[:, b].swapaxes(-1, -2) @ learned
            weights[:, k, 1] = 0.0  # no thalamic path to the orbitofrontal cortex
    return LimbicState(weights[:, :k, 0].copy(), weights[:, k, 0].copy(), weights[:, :k, 1].copy(), state.W)


class _Buffers:
    """Room for the blocks, the models last so that they are contiguous: (..., steps, 2 regions, q, m)."""

    def __init__(self, models: int, outputs: int, *, moren: bool) -> None:
        self._moren = moren
        self._said = np.empty((_BLOCK, 2, outputs, models))
        self._signals = np.empty_like(self._said)
        self._added = np.empty_like(self._said)
        self._excess, self._nothing = np.empty((outputs, models)), np.zeros((outputs, models))
        self._products = np.empty((models, _BLOCKS, _BLOCK, _BLOCK))
        self._coupling = np.empty((_BLOCKS, _BLOCK, _BLOCK, 2, 1, models))

    def couple(self, cue: Array, gain: Array) -> Array:
        """Return how much the signal of a step adds to what the regions say later in its block.

        Parameters
        ----------
        cue : ndarray, shape (m, blocks, steps, k + 1)
            Stimuli with the thalamic cue.
        gain : ndarray, shape (m, blocks, steps, 2)
            Rates of amygdala and orbitofrontal cortex over the norm.

        Returns
        -------
        ndarray, shape (blocks, steps, later steps, 2, 1, m)
            Inner product of the two stimuli times the gain of the earlier; valid until the next call.
        """
        blocks = cue.shape[1]
        for region, stimuli in enumerate((cue, cue[..., :-1])):  # the thalamus speaks to the amygdala only
            products = self._products[:, :blocks]
            np.matmul(stimuli, stimuli.swapaxes(-1, -2), out=products)
            np.multiply(
                products.transpose(1, 2, 3, 0),
                gain[..., region].transpose(1, 2, 0)[:, :, None],
                out=self._coupling[:blocks, :, :, region, 0],
            )
        return self._coupling

    def signals(self, said: Array, reward: Array, coupling: Array) -> Array:
        """Return the signals max(0, R - a) and t of all steps, shape (m, steps, 2, q).

        Parameters
        ----------
        said : ndarray, shape (m, steps, 2 q)
            What the regions would say with the weights from before the block.
        reward : ndarray, shape (steps, q, m)
            Rewards.
        coupling : ndarray, shape (steps, later steps, 2, 1, m)
            See `couple`.
        """
        m, steps, _ = said.shape
        self._said[:] = said.reshape(m, steps, 2, -1).transpose(1, 2, 3, 0)
        self._said[:, 0] -= reward
        for i in range(steps):
            now, signal = self._said[i], self._signals[i]
            np.maximum(now[0], self._nothing, out=self._excess)
            np.subtract(self._excess, now, out=signal)  # max(0, R - a) and max(0, a - R) - I
            if not self._moren:
                np.subtract(now[0], now[1], out=signal[1])  # E - R
            later, added = self._said[i + 1 :], self._added[i + 1 :]
            np.multiply(coupling[i, i + 1 :], signal, out=added)
            np.add(later, added, out=later)
        return self._signals.transpose(3, 0, 1, 2)


class _Lookup:
    """Rows of a table (n, w) for all models, or of (m, n, w); a pause, row -1, is zeros."""

    def __init__(self, table: Array) -> None:
        self._rows = np.concatenate([table, np.zeros_like(table[..., :1, :])], axis=-2)

    def __call__(self, rows: Indices) -> Array:
        """Return an array (m, steps, w) for rows (m, steps)."""
        if self._rows.ndim == 3:
            own: Array = self._rows[np.arange(len(rows))[:, None], rows]
            return own
        shared: Array = np.take(self._rows, rows, axis=0)
        return shared
