"""Consonance of intervals, and the 38 five-note pitch-class sets that it orders.

The dyad values are those of Huron (1994) [1]_; the sets are all five-note set classes, one representative
each, from the chromatic cluster (index 0) to the anhemitonic pentatonic (index 37).

References
----------
.. [1] Huron (1994), Interval-class content in equally tempered pitch-class sets, *Music Perception* 11(3),
   289-305.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

DYAD_CONSONANCE: tuple[float, ...] = (
    1.428,
    -1.428,
    -0.582,
    0.594,
    0.386,
    1.240,
    -0.453,
    1.240,
    0.386,
    0.594,
    -0.582,
    -1.428,
)  # by interval in semitones, 0..11; dimensionless

PITCH_CLASS_SETS: tuple[tuple[int, int, int, int, int], ...] = (
    (0, 1, 2, 3, 4),
    (0, 1, 2, 3, 5),
    (0, 2, 3, 4, 6),
    (0, 1, 2, 3, 6),
    (0, 1, 2, 4, 6),
    (0, 1, 2, 3, 7),
    (0, 1, 2, 4, 5),
    (0, 2, 4, 6, 8),
    (0, 1, 2, 6, 8),
    (0, 1, 2, 6, 7),
    (0, 1, 2, 4, 8),
    (0, 1, 2, 5, 6),
    (0, 1, 3, 4, 6),
    (0, 1, 2, 4, 7),
    (0, 1, 3, 5, 6),
    (0, 2, 3, 6, 8),
    (0, 1, 3, 6, 7),
    (0, 1, 3, 4, 7),
    (0, 1, 3, 5, 7),
    (0, 1, 2, 5, 7),
    (0, 2, 3, 4, 7),
    (0, 2, 4, 5, 8),
    (0, 1, 4, 5, 7),
    (0, 1, 2, 5, 8),
    (0, 1, 3, 6, 9),
    (0, 1, 4, 6, 8),
    (0, 1, 5, 6, 8),
    (0, 3, 4, 5, 8),
    (0, 1, 3, 4, 8),
    (0, 1, 4, 7, 8),
    (0, 2, 3, 5, 8),
    (0, 2, 3, 5, 7),
    (0, 2, 4, 6, 9),
    (0, 1, 3, 6, 8),
    (0, 1, 4, 5, 8),
    (0, 1, 4, 6, 9),
    (0, 1, 3, 5, 8),
    (0, 2, 4, 7, 9),
)  # semitones above the root, most dissonant first


def aggregate_consonance(pitch_classes: Sequence[int]) -> float:
    """Sum the dyad consonance over all pairs of a pitch-class set.

    Parameters
    ----------
    pitch_classes : sequence of int
        Distinct pitch classes, in semitones.

    Returns
    -------
    float
        Dimensionless; it orders the sets, and nothing else hangs on it.

    Examples
    --------
    >>> round(aggregate_consonance((0, 2, 4, 7, 9)), 3)
    4.788
    """
    return sum(DYAD_CONSONANCE[abs(a - b) % 12] for a, b in combinations(pitch_classes, 2))
