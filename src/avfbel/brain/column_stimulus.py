"""What the column hears: a stimulus s(t) from 0 to 1, and the depressing thalamic input it causes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter1d

from avfbel.brain.column_parameters import PUBLISHED, ColumnParameters

FIRST_TONE, SECOND_TONE, PAIRED_TONES_LENGTH = (0.16, 0.21), (0.23, 0.28), 0.35  # s


def paired_tones(*, dt: float = 1e-4) -> NDArray[np.float64]:
    """Return the two tones of 50 ms, 20 ms apart, that measure forward suppression.

    Parameters
    ----------
    dt : float
        Time step, in s.

    Returns
    -------
    ndarray, shape (n_steps,)
        1 from 160 to 210 ms and from 230 to 280 ms, else 0, for 350 ms.

    Examples
    --------
    >>> tones = paired_tones()
    >>> tones.shape, round(tones.sum())
    ((3500,), 1000)
    """
    onsets, ends = np.array([FIRST_TONE, SECOND_TONE]).T
    return onset_envelope(onsets, ends - onsets, length=PAIRED_TONES_LENGTH, dt=dt, decay=np.inf)


def onset_envelope(
    onsets: ArrayLike, durations: ArrayLike, *, length: float, dt: float = 1e-4, decay: float = 0.05
) -> NDArray[np.float64]:
    """Turn the notes of a clip into a stimulus that is 1 at each onset and fades while the note sounds.

    Parameters
    ----------
    onsets, durations : array_like, shape (n_notes,)
        Start and length of each note, in s; of notes that sound together the loudest counts.
    length, dt : float
        Length of the stimulus and its time step, in s; later notes are left out.
    decay : float
        Time constant of the fading, in s; with ``inf`` a note is a rectangular tone.

    Returns
    -------
    ndarray, shape (n_steps,)
        Stimulus from 0 to 1, dimensionless.

    Raises
    ------
    ValueError
        If a note does not fit the above, or `length`, `dt` or `decay` is not positive.

    Examples
    --------
    >>> onset_envelope([0.0, 0.2], [0.1, 0.1], length=0.4, dt=0.1, decay=float("inf"))
    array([1., 0., 1., 0.])
    """
    starts, lasting = np.asarray(onsets, dtype=float), np.asarray(durations, dtype=float)
    if not (dt > 0 and decay > 0 and length >= dt and np.isfinite(length)):
        raise ValueError(f"length, dt and decay must be positive, in s, got {length:g}, {dt:g} and {decay:g}")
    if starts.ndim != 1 or starts.shape != lasting.shape:
        raise ValueError(f"one duration per onset is needed, got shapes {starts.shape} and {lasting.shape}")
    if not (np.isfinite(starts) & (starts >= 0) & np.isfinite(lasting) & (lasting > 0)).all():
        raise ValueError("onsets must be 0 s or later and durations above 0 s")
    envelope = np.zeros(round(length / dt))
    for start, end in zip(np.rint(starts / dt), np.rint((starts + lasting) / dt), strict=True):
        note = envelope[int(start) : int(end)]
        np.maximum(note, np.exp(-np.arange(note.size) * dt / decay), out=note)
    return envelope


def thalamic_current(
    stimulus: ArrayLike, *, hold_ms: float = 0.0, dt: float = 1e-4, parameters: ColumnParameters = PUBLISHED
) -> NDArray[np.float64]:
    r"""Return the depressing thalamic input q·F·D_slow·D_fast that a stimulus causes.

    With times in ms, Euler steps of

    .. math::
        \dot F = (s - F) / 1, \quad \dot D_{slow} = (1 - D_{slow}) / 1000 - D_{slow} s / 250, \quad
        \dot D_{fast} = (1 - D_{fast} - s^+) / 10,

    where :math:`s^+` is the largest s of the last `hold_ms`: a tone that lasts so much longer.

    Parameters
    ----------
    stimulus : array_like, shape (..., n_steps)
        Stimulus s(t) from 0 to 1, dimensionless.
    hold_ms : float
        How long fast depression outlasts the stimulus, in ms: 10 for PYR, 0 for PV.
    dt : float
        Time step, in s.
    parameters : ColumnParameters
        Its `thalamus` has the amplitude q and the time constants.

    Returns
    -------
    ndarray, shape (..., n_steps)
        Current before each step, in nA: 0 in the first.

    Examples
    --------
    >>> tone = thalamic_current(np.ones(500))  # rises within 1 ms, is depressed within 10
    >>> tone[[0, 10, 50, 499]].round(3)
    array([0.   , 0.235, 0.236, 0.002])
    """
    s = np.asarray(stimulus, dtype=float)
    held, ms = _running_maximum(s, round(hold_ms / (dt * 1000))), dt * 1000
    q, recovery, depletion, fast, rise = parameters.thalamus
    slow, quick, drive = np.ones(s.shape[:-1]), np.ones(s.shape[:-1]), np.zeros(s.shape[:-1])
    current = np.empty_like(s)
    for step in range(s.shape[-1]):
        current[..., step] = q * drive * slow * quick
        slow = slow + ms * ((1 - slow) / recovery - slow * s[..., step] / depletion)
        quick = quick + ms * (1 - quick - held[..., step]) / fast
        drive = drive + ms * (s[..., step] - drive) / rise
    return current


def _running_maximum(s: NDArray[np.float64], n_before: int) -> NDArray[np.float64]:
    """Largest value of each step and the `n_before` steps before it."""
    window, before = n_before + 1, np.zeros((*s.shape[:-1], n_before))
    padded = np.concatenate([before, s], axis=-1)
    return maximum_filter1d(padded, window, axis=-1, origin=(window - 1) // 2, mode="nearest")[..., n_before:]
