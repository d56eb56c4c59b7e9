"""A smooth picture of the parameter space, learned from clips that were tried: it tells what to try next."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avfbel.compose.space import Space, diverse

if TYPE_CHECKING:
    from avfbel.compose.wish import Wish

N_CANDIDATES = 4096
SHORTLIST = 8
"""So many times as many candidates as are wanted are looked at for diversity."""
NEIGHBOURS = 5
"""A setting is taken to be in range if more than half of so many tried ones near it are."""


class Surrogate:
    """A Gaussian process [1]_: the mean value of each setting, and how sure that is.

    Its kernel is a Matérn one of order 5/2 with a length for each parameter; the scatter of clips of one
    setting is white noise, whose size is learned too.

    Parameters
    ----------
    positions : ndarray, shape (n, 5)
        Where clips were tried.
    values : ndarray, shape (n,)
        What the model said of them.

    References
    ----------
    .. [1] Rasmussen & Williams (2006), *Gaussian Processes for Machine Learning*, chapter 2.
    """

    def __init__(self, positions: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        self._middle = float(values.mean())
        self._scale = float(values.std()) or 1.0
        smooth = ConstantKernel(1.0, (0.05, 20.0)) * Matern(
            np.full(positions.shape[1], 0.7), length_scale_bounds=(0.1, 10.0), nu=2.5
        )
        self._process = GaussianProcessRegressor(smooth + WhiteKernel(0.2, (1e-4, 2.0)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a length on its bound: no effect of it
            self._process.fit(positions, (values - self._middle) / self._scale)

    @property
    def noise(self) -> float:
        """Standard deviation of clips of one setting, in the unit of the values."""
        return float(np.sqrt(self._process.kernel_.k2.noise_level)) * self._scale

    def predict(self, positions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean of each setting and the standard deviation of that mean, shapes (n,)."""
        mean, spread = self._process.predict(positions, return_std=True)
        variance = np.maximum(0.0, spread**2 - self._process.kernel_.k2.noise_level)
        return self._middle + self._scale * mean, self._scale * np.sqrt(variance)


def propose(
    surrogate: Surrogate,
    wish: Wish,
    space: Space,
    n: int,
    *,
    tried: NDArray[np.float64],
    in_range: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return positions to try next: those that may have what is wished for, far from each other.

    Parameters
    ----------
    surrogate : Surrogate
        What is known.
    wish : Wish
        What is wanted.
    space : Space
        Where to search.
    n : int
        How many.
    tried : ndarray, shape (m, 5)
        Where clips were tried.
    in_range : ndarray, shape (m,)
        Which of them were in range; settings near these are preferred.
    rng : Generator
        Source of the candidates.

    Returns
    -------
    ndarray, shape (n, 5)
    """
    candidates = space.random(N_CANDIDATES, rng)
    mean, sd = surrogate.predict(candidates)
    away = np.abs(mean - wish.target)
    hopeful = np.maximum(0.0, away - sd) + 0.1 * away  # what may be near comes before what surely is not
    hopeful += 1.0 * (likely_in_range(candidates, tried, in_range) <= 0.5)
    best = np.argsort(hopeful, kind="stable")[: SHORTLIST * n]
    return candidates[best[diverse(candidates[best], n)]]


def likely_in_range(
    positions: NDArray[np.float64], tried: NDArray[np.float64], in_range: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the share of the nearest tried settings that are in range, shape (n,)."""
    from scipy.spatial import cKDTree

    k = min(NEIGHBOURS, len(tried))
    _, nearest = cKDTree(tried).query(positions, k=list(range(1, k + 1)))
    return np.asarray(in_range[nearest].mean(axis=1))
