"""Analysis of sound frame by frame on an absolute grid, so that overlapping windows share the work."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.senses.acoustic_pitch import FLOOR, RATE, YIN_FRAME, YIN_WINDOW, yin
from avfbel.senses.acoustic_tonality import CHROMA_FRAME, _hann, chroma

HOP = 245
"""Samples of one block of the grid: 90 blocks make a second."""

BLOCKS_PER_S = RATE / HOP

FLUX_FRAME = 1024
"""Samples of a frame of which the spectral flux is taken."""

PITCH_EVERY = 3
CHROMA_EVERY = 5
"""Pitch is estimated at the end of every third block, chroma at the end of every fifth."""

FLUX_LAG = 2
"""Blocks between the two spectra whose difference is the flux."""

LOOK_BACK = max(CHROMA_FRAME, YIN_FRAME, FLUX_FRAME + FLUX_LAG * HOP) - HOP
"""Samples before a block on which the analysis of that block can depend."""

_FLUX_UP_TO_HZ = 8000.0


class Frames(NamedTuple):
    """Analysis of `n` blocks of sound; each entry depends on the samples up to the end of its block."""

    first: int  # number of the first block on the absolute grid
    total: NDArray[np.float64]  # (n,) sum of the samples of a block
    energy: NDArray[np.float64]  # (n,) sum of their squares
    flux: NDArray[np.float64]  # (n,) spectral flux, dimensionless
    f0: NDArray[np.float64]  # (n,) Hz, NaN where no pitch was looked for or found
    aperiodicity: NDArray[np.float64]  # (n,) 0 periodic … 1 noise, NaN where no pitch was looked for
    chroma: NDArray[np.float64]  # (n, 12) shares, NaN where it was not looked for or nothing sounds

    def between(self, start: int, end: int) -> Frames:
        """Return the blocks `start` ≤ k < `end` of the grid that there are."""
        low, high = max(0, start - self.first), max(0, end - self.first)
        return Frames(self.first + low, *(column[low:high] for column in self[1:]))

    @property
    def end(self) -> int:
        """Number of the first block after these."""
        return self.first + len(self.total)

    @property
    def level(self) -> NDArray[np.float64]:
        """Root mean square of the sound in each block without its constant part, shape (n,), full scale 1."""
        return np.asarray(np.sqrt(np.maximum(self.energy / HOP - np.square(self.total / HOP), 0)))


def joined(parts: list[Frames]) -> Frames:
    """Return the blocks of parts that follow each other without a gap as one."""
    if not parts:
        none = np.empty(0)
        return Frames(0, none, none, none, none, none, np.empty((0, 12)))
    columns = zip(*(part[1:] for part in parts), strict=True)
    return Frames(parts[0].first, *(np.concatenate(column) for column in columns))


def analyse(samples: NDArray[np.float32], first: int) -> Frames:
    """Analyse whole blocks of sound.

    Parameters
    ----------
    samples : ndarray, shape (LOOK_BACK + n · HOP,)
        The `n` blocks at 22 050 Hz, full scale 1, and before them the samples on which they depend.
    first : int
        Number of the first block on the absolute grid.

    Returns
    -------
    Frames
        The analysis of the `n` blocks.
    """
    n = (len(samples) - LOOK_BACK) // HOP
    blocks = samples[LOOK_BACK:].reshape(n, HOP).astype(np.float64)
    total, energy = blocks.sum(axis=1), np.square(blocks).sum(axis=1)
    f0, aperiodicity = np.full(n, np.nan), np.full(n, np.nan)
    shares = np.full((n, 12), np.nan)
    pitched = np.arange((-1 - first) % PITCH_EVERY, n, PITCH_EVERY)
    found = yin(_frames_ending(samples, pitched, YIN_FRAME))
    f0[pitched], aperiodicity[pitched] = found
    coloured = np.arange((-1 - first) % CHROMA_EVERY, n, CHROMA_EVERY)
    shares[coloured] = chroma(_frames_ending(samples, coloured, CHROMA_FRAME))
    return Frames(first, total, energy, spectral_flux(samples, n), f0, aperiodicity, shares)


def spectral_flux(samples: NDArray[np.float32], n: int) -> NDArray[np.float64]:
    """Return how much louder the spectrum became at each of the last `n` blocks, (n,), dimensionless.

    Mean over frequency of the positive part of the change of log magnitude within `FLUX_LAG` blocks; a
    partial that moves by one bin is no change [1]_.

    References
    ----------
    .. [1] Böck & Widmer (2013), Maximum filter vibrato suppression for onset detection, DAFx.
    """
    from scipy import fft

    frames = _frames_ending(samples, np.arange(-FLUX_LAG, n), FLUX_FRAME)
    n_bins = round(_FLUX_UP_TO_HZ * FLUX_FRAME / RATE)
    magnitude = np.abs(fft.rfft(frames * _hann(FLUX_FRAME), axis=1)[:, 1:n_bins])
    loud = np.log1p(magnitude * (4 / FLUX_FRAME / FLOOR))  # 1: a partial of amplitude FLOOR
    widest = loud.copy()
    np.maximum(widest[:, 1:], loud[:, :-1], out=widest[:, 1:])
    np.maximum(widest[:, :-1], loud[:, 1:], out=widest[:, :-1])
    rise = np.maximum(loud[FLUX_LAG:] - widest[:-FLUX_LAG], 0)
    return np.asarray(rise.mean(axis=1), np.float64)


def pitch_time(frames: Frames) -> NDArray[np.float64]:
    """Return the middle of what each pitch estimate covers, in s from the start of the grid, shape (n,)."""
    end = (frames.first + 1 + np.arange(len(frames.f0))) * HOP
    with np.errstate(invalid="ignore"):
        period = np.nan_to_num(RATE / frames.f0)
    return (end - 0.5 * (YIN_WINDOW + period)) / RATE


def flux_time(frames: Frames) -> NDArray[np.float64]:
    """Return the middle of the later of the two spectra of each flux, (n,), in s from the grid's start."""
    end = (frames.first + 1 + np.arange(len(frames.flux))) * HOP
    return np.maximum(0.0, (end - 0.5 * FLUX_FRAME) / RATE)


def _frames_ending(
    samples: NDArray[np.float32], blocks: NDArray[np.intp], length: int
) -> NDArray[np.float32]:
    """Return the `length` samples up to the end of each of the given blocks, shape (len(blocks), length)."""
    every = np.lib.stride_tricks.sliding_window_view(samples, length)
    return every[LOOK_BACK + (blocks + 1) * HOP - length]
