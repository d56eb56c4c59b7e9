"""The space of the five generator parameters: its bounds, points spread in it, and points far apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import UsageError
from avfbel.stimulus.parameters import RANGES, StimulusParameters

NAMES = tuple(RANGES)
AT_A_BOUND = 0.15
"""Share of the coordinates of random points that lie on a bound: extremes are often found there."""


@dataclass(frozen=True, kw_only=True)
class Space:
    """The part of the parameter space that is searched.

    Positions are shares of the full ranges, 0 to 1, that of the speed on its logarithm.

    Attributes
    ----------
    low, high : ndarray, shape (5,)
        Bounds, as positions.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def within(cls, ranges: Mapping[str, tuple[float, float]] | None = None) -> Space:
        """Return the space of the parameters, some of them narrowed to other ranges than `RANGES`.

        Raises
        ------
        UsageError
            If there is no such parameter, or a range is empty or reaches beyond what there is.

        Examples
        --------
        >>> Space.within({"bpm": (30, 30)}).high.tolist()
        [0.0, 1.0, 1.0, 1.0, 1.0]
        """
        bounds = dict(RANGES)
        for name, (low, high) in (ranges or {}).items():
            if name not in RANGES:
                raise UsageError(f"no parameter {name!r}: choose one of {', '.join(NAMES)}")
            full = RANGES[name]
            if not full[0] <= low <= high <= full[1]:
                raise UsageError(
                    f"the range of {name} must lie within {full[0]:g}:{full[1]:g}, from low to high, "
                    f"got {low:g}:{high:g}"
                )
            bounds[name] = (low, high)
        ends = np.array([[bound[end] for bound in bounds.values()] for end in (0, 1)], np.float64)
        low, high = position(ends)
        return cls(low=low, high=high)

    def spread(self, n: int, *, seed: int) -> NDArray[np.float64]:
        """Return positions that fill the space evenly, shape (n, 5); more of them begin with the same.

        They are the additive recurrence on powers of the root of x⁶ = x + 1, shifted at random.
        """
        root = 1.0
        for _ in range(60):
            root = (1 + root) ** (1 / (len(NAMES) + 1))
        steps = root ** -np.arange(1.0, len(NAMES) + 1)
        shift = np.random.default_rng([seed, 1]).random(len(NAMES))
        return self._placed((shift + np.arange(1, n + 1)[:, None] * steps) % 1)

    def random(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return random positions, shape (n, 5), of whose coordinates some lie on a bound."""
        shares = rng.random((n, len(NAMES)))
        on_bound = rng.random(shares.shape) < AT_A_BOUND
        return self._placed(np.where(on_bound, np.rint(shares), shares))

    def _placed(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        placed: NDArray[np.float64] = self.low + shares * (self.high - self.low)
        return placed


def position(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where parameters lie in their full ranges, shapes (n, 5)."""
    return (_bent(values) - _bent(_ENDS[0])) / (_bent(_ENDS[1]) - _bent(_ENDS[0]))


def parameters_at(positions: NDArray[np.float64]) -> list[StimulusParameters]:
    """Return the parameters at positions, shape (n, 5), rounded to four digits, consonance to its index.

    Examples
    --------
    >>> parameters_at(np.array([[0, 0.5, 1, 0.25, 0.12345678]]))
    [StimulusParameters(bpm=30.0, jitter=49.5, consonance=37, bigsmall=25.0, updown=12.35)]
    """
    low, high = _bent(_ENDS[0]), _bent(_ENDS[1])
    values = low + positions * (high - low)
    values[:, 0] = np.exp(values[:, 0])
    values = np.clip(values, _ENDS[0], _ENDS[1])
    rows = [dict(zip(NAMES, map(_four_digits, row), strict=True)) for row in values]
    return [StimulusParameters(**row).rounded() for row in rows]


def positions_of(parameters: Sequence[StimulusParameters]) -> NDArray[np.float64]:
    """Return the positions of parameters, shape (n, 5)."""
    return position(np.array([[getattr(p, name) for name in NAMES] for p in parameters], np.float64))


def diverse(positions: NDArray[np.float64], n: int, *, kept: NDArray[np.float64] | None = None) -> list[int]:
    """Return the indices of up to n positions that lie far apart: each as far as can be from those before.

    Parameters
    ----------
    positions : ndarray, shape (m, 5)
        The first is taken first, unless there are others to keep away from.
    n : int
        How many.
    kept : ndarray, shape (k, 5), optional
        Positions to keep away from, too.

    Examples
    --------
    >>> line = np.array([[0.0], [0.1], [0.9], [1.0]])
    >>> diverse(line, 2), diverse(line, 1, kept=line[3:])
    ([0, 3], [0])
    """
    if not len(positions):
        return []
    near = np.full(len(positions), np.inf)
    for other in kept if kept is not None else ():
        near = np.minimum(near, _distance(positions, other))
    chosen: list[int] = []
    while len(chosen) < min(n, len(positions)):
        far = int(np.argmax(near))
        chosen.append(far)
        near = np.minimum(near, _distance(positions, positions[far]))
        near[chosen] = -1.0
    return chosen


def _distance(positions: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(((positions - other) ** 2).sum(axis=1)))


def _bent(values: NDArray[np.float64]) -> NDArray[np.float64]:
    bent = np.array(values, np.float64)
    bent[..., 0] = np.log(bent[..., 0])
    return bent


def _four_digits(value: float) -> float:
    return float(f"{value:.4g}") if math.isfinite(value) else value


_ENDS = np.array(list(RANGES.values()), np.float64).T
