"""Which clips will do: what is near enough to the wish, and what to take where nothing is."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

FOLLOWING = 3
"""Where the wish cannot be had, clips may be so many times `within` further off than the nearest one."""


class Rank(IntEnum):
    """How far a clip can be relied on, best first."""

    TYPICAL = 0  # in range, and other clips of its setting are like it
    IN_RANGE = 1
    BEYOND = 2  # it does not resemble what the model was trained on


def ranks(
    values: NDArray[np.float64], means: NDArray[np.float64], in_range: NDArray[np.bool_], within: float
) -> NDArray[np.int_]:
    """Return the rank of each clip, shape (n,), from its value, the mean of its setting, and its range."""
    typical = np.abs(values - means) <= within
    return np.where(in_range, np.where(typical, Rank.TYPICAL, Rank.IN_RANGE), Rank.BEYOND)


def acceptable(losses: NDArray[np.float64], rank: NDArray[np.int_], within: float) -> list[NDArray[np.intp]]:
    """Return which clips will do, the better group first, each group ordered by its losses.

    Those that are near enough to the wish, rank by rank. If there are none, those of the best rank that are
    about as near as the nearest one of it, then others of it that follow.

    Parameters
    ----------
    losses : ndarray, shape (n,)
        How far from the wish they are.
    rank : ndarray, shape (n,)
        How far they can be relied on, see `Rank`.
    within : float
        How far they may be off.

    Examples
    --------
    >>> losses, rank = np.array([0.3, 0.01, 0.31, 0.02]), np.array([0, 2, 0, 1])
    >>> [group.tolist() for group in acceptable(losses, rank, 0.02)]
    [[], [3], [1]]
    >>> [group.tolist() for group in acceptable(losses[[0, 2]], rank[[0, 2]], 0.02)]
    [[0, 1], []]
    """
    order = np.argsort(losses, kind="stable")
    losses, rank = losses[order], rank[order]
    near = losses <= within
    if near.any():
        return [order[near & (rank == each)] for each in Rank]
    best = rank == rank.min(initial=Rank.BEYOND)
    behind = losses - losses[best].min(initial=np.inf)
    as_near = best & (behind <= within)
    return [order[as_near], order[best & ~as_near & (behind <= FOLLOWING * within)]]
