"""The note model a second time, many phrases at once, written from its description alone.

Sections are those of the description of the generator of Sievers et al. (2013): a clock with forward delays,
a warped step size, a random walk on an endless ladder of five degrees an octave, and what each note makes
the ball do. Nothing here is taken from the package: the step size is found by the inverse of its
distribution, heights in whole numbers, spikes by interval class.
"""

from __future__ import annotations

import numpy as np

INTERVAL_CLASSES = (1.428, -1.428, -0.582, 0.594, 0.386, 1.240, -0.453)  # Huron's dyads, ic 0 to 6

SETS = """
01234 01235 02346 01236 01246 01237 01245 02468 01268 01267 01248 01256 01346 01247 01356 02368 01367 01347
01357 01257 02347 02458 01457 01258 01369 01468 01568 03458 01348 01478 02358 02357 02469 01368 01458 01469
01358 02479
"""
ROWS = np.array([[int(digit) for digit in row] for row in SETS.split()])


def clock(bpm, jitter):
    """Period in ms and number of possible delays."""
    period = 60_000 / bpm
    return period, max(1, int(period * jitter / 100))


def onsets(u, bpm, jitter):
    """Onset and gap to the next tick, in ms, for uniform numbers of shape (..., notes)."""
    period, n_delays = clock(bpm, jitter)
    delay = np.floor(u * n_delays)
    return np.arange(u.shape[-1]) * period + delay, int(period) - delay


def step_distribution(bigsmall):
    """Probabilities of the steps 1 to 4, in closed form."""
    a, q = bigsmall / 100, np.array([0.25, 0.5, 0.75])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        below = np.where(q <= a, q * (1 - a) / a, 1 - (1 - q) * a / (1 - a))
    return np.diff(below, prepend=0, append=1)


def step_sizes(x, bigsmall):
    """Steps for uniform numbers: the warped number falls with x, so that the largest x give one degree."""
    longer = np.cumsum(step_distribution(bigsmall)[::-1])[::-1][1:]  # P(m > 1), P(m > 2), P(m > 3)
    return 1 + (x[..., None] < longer).sum(axis=-1)


def walk(x, y, transposition, parameters):
    """Pitches, shape (phrases, notes + 1): the unsounded root first."""
    row = ROWS[int(parameters.consonance)]
    steps = np.where(y <= parameters.updown / 100, -1, 1) * step_sizes(x, parameters.bigsmall)
    degree = np.full(len(x), 25)
    pitches = [np.full(len(x), 60 + transposition)]
    for step in steps.T:
        degree = degree + step
        octave = np.floor_divide(degree, 5)
        degree = degree + 5 * (octave == 0) - 5 * (octave == 10)
        octave, place = np.divmod(degree, 5)
        pitches.append(12 * octave + row[place] + transposition)
    return np.stack(pitches, axis=1)


def ball(pitches):
    """Heights, spike amplitudes and leans of phrases of pitches that begin with the unsounded root."""
    interval = np.abs(np.diff(pitches))
    measured = interval.copy()
    measured[:, 0] = np.abs(pitches[:, 1] - 60)
    height = (120 + 80 * (np.maximum(measured, 1) - 1)) // 6
    dyad = np.array(INTERVAL_CLASSES)[np.minimum(interval % 12, -interval % 12)]
    return height, np.maximum(0, 0.2 * (0.8 - dyad) / 2.228), 60 - pitches[:, 1:]


def phrases(parameters, n_phrases, n_notes, rng):
    """Phrases by this model alone, from random numbers of its own."""
    x, y = rng.random((2, n_phrases, n_notes))
    return walk(x, y, rng.integers(0, 12, n_phrases), parameters)
