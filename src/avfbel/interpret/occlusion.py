"""The check on saliency: leave a place out and look again. It runs on the shipped graph, without torch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import predicted_epp
from avfbel.senses.features import MAP_SIZE

if TYPE_CHECKING:
    from avfbel.runtime.engine import Predictor
    from avfbel.senses.features import SensoryFeatures

CELLS = 8
"""Rows and columns of the grid whose cells are occluded one by one."""


def picture_occlusion(predictor: Predictor, window: SensoryFeatures) -> NDArray[np.float64]:
    """Tell what each of 8 x 8 cells of the picture does for EPP, by looking without it.

    Parameters
    ----------
    predictor : Predictor
        The trained model.
    window : SensoryFeatures
        A measured window, as the model perceives it (`perceived_by`).

    Returns
    -------
    ndarray, shape (8, 8)
        EPP of the window minus its EPP with the maps of a cell set to 0, as if nothing had moved there. The
        evidence of motion and all other measurements stay. Exactly 0 where nothing moved.
    """
    step = MAP_SIZE // CELLS
    change = np.zeros((CELLS, CELLS))
    cells = np.argwhere(cells_that_moved(window))
    if window.g_video <= 0 or not len(cells):
        return change
    occluded = [window]
    for row, column in cells:
        maps = window.maps.copy()
        maps[:, row * step : (row + 1) * step, column * step : (column + 1) * step] = 0.0
        occluded.append(replace(window, maps=maps))
    epp = predicted_epp(predictor.predict(occluded).emotion)
    change[tuple(cells.T)] = epp[0] - epp[1:]
    return change


def cell_sums(saliency: NDArray[np.floating]) -> NDArray[np.float64]:
    """Sum a map (..., s, s) over the cells of the grid, (..., 8, 8); a coarser map is shared out evenly.

    Examples
    --------
    >>> cell_sums(np.ones((64, 64)))[0, 0], cell_sums(np.ones((2, 2)))[0, 0]
    (np.float64(64.0), np.float64(0.0625))
    """
    values: NDArray[np.float64] = np.asarray(saliency, dtype=np.float64)
    size = values.shape[-1]
    if size < CELLS:
        spread = CELLS // size
        values = values.repeat(spread, axis=-1).repeat(spread, axis=-2) / spread**2
        size = CELLS
    step = size // CELLS
    cells = values.reshape(*values.shape[:-2], CELLS, step, CELLS, step)
    return np.asarray(cells.sum(axis=(-3, -1)))


def cells_that_moved(window: SensoryFeatures) -> NDArray[np.bool_]:
    """Tell in which cells of the grid (8, 8) anything moved."""
    return cell_sums((window.maps != 0).any(axis=0)) > 0


def agreement(
    saliency: NDArray[np.floating], occlusion: NDArray[np.floating], moved: NDArray[np.bool_]
) -> float:
    """Return how far saliency and occlusion rank the cells alike.

    Parameters
    ----------
    saliency : ndarray, shape (s, s)
        A saliency map; it is summed over cells.
    occlusion : ndarray, shape (8, 8)
        Changes of EPP, as `picture_occlusion` gives them.
    moved : ndarray of bool, shape (8, 8)
        Cells in which anything moved. The others are 0 in both by construction and do not count.

    Returns
    -------
    float
        Spearman's rank correlation of the signed values over the cells that count; NaN if they are fewer than
        three, or all alike.
    """
    from scipy.stats import spearmanr

    told, found = cell_sums(saliency)[moved], np.asarray(occlusion, dtype=np.float64)[moved]
    if len(told) < 3 or np.ptp(told) == 0 or np.ptp(found) == 0:
        return float("nan")
    return float(spearmanr(told, found).statistic)
