"""Intervals that hold what they promise: calibrated on stimuli that the model had not met.

For each way to perceive a clip, the half width q of the interval EPP ± q is a conformal quantile [1]_ of the
errors of held-out predictions, with whole stimuli as the units that are exchangeable [2]_. With n stimuli,
and F_i the share of the windows of stimulus i whose error is at most q:

.. code-block:: text

    q = the least q with (F_1(q) + ... + F_n(q)) / (n + 1) >= level

If a new stimulus is one like these, and the model errs with it as models that lack one stimulus erred with
theirs, the mean rating of people lies within EPP ± q in at least that share of its windows, on average over
stimuli. How often that is so with stimuli that neither the model nor q has met is measured by holding out
two stimuli at a time.

References
----------
.. [1] Vovk, V., Gammerman, A., & Shafer, G. (2005), *Algorithmic Learning in a Random World*, Springer.
.. [2] Dunn, R., Wasserman, L., & Ramdas, A. (2022), Distribution-free prediction sets for two-layer
   hierarchical models, *Journal of the American Statistical Association* 118(544), 2491-2502.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.data.targets import KINDS
from avfbel.emotion import predicted_epp

if TYPE_CHECKING:
    from avfbel.brain.cortex import Cortex
    from avfbel.data import Dataset
    from avfbel.learn.jackknife import Choice

Array = NDArray[np.float64]

LEVEL = 0.9
"""Share of windows whose rating the interval is to contain."""

FEWEST = 10
"""With fewer stimuli, one of them held out, there is no quantile of this level."""

MOST_GROUPS = 40
"""Of more stimuli, this many groups are held out, one at a time and two at a time."""


def half_width(errors: Sequence[Array], level: float = LEVEL) -> float:
    """Return the conformal half width for errors of held-out windows.

    Parameters
    ----------
    errors : sequence of ndarray
        Absolute errors of the windows of each stimulus, in units of EPP.
    level : float
        Between 0 and 1.

    Returns
    -------
    float
        In units of EPP; infinite if there are too few stimuli for this level.

    Examples
    --------
    >>> half_width([np.array([0.1]), np.array([0.3]), np.array([0.2])], level=0.5)
    0.2
    >>> half_width([np.array([0.1])], level=0.9)
    inf
    """
    present = [of for of in errors if len(of)]
    values = np.concatenate([*present, np.empty(0)])
    share = np.concatenate([*(np.full(len(of), 1 / len(of)) for of in present), np.empty(0)])
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(share[order]) / (len(present) + 1) >= level - 1e-12
    return float(values[order][np.argmax(reached)]) if reached.any() else float("inf")


def calibrate(
    data: Dataset,
    cortex: Cortex,
    choice: Choice,
    *,
    kinds: Iterable[str] = KINDS,
    level: float = LEVEL,
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> dict[str, Any] | None:
    """Calibrate intervals of EPP by stimuli held out one at a time, and check them by two at a time.

    Of more than `MOST_GROUPS` stimuli, that many groups of them are held out instead.

    Parameters
    ----------
    data : Dataset
        Rated clips.
    cortex : Cortex
        Sensory regions that learned without ratings.
    choice : Choice
        How the limbic system learns.
    kinds : iterable of str
        Ways to perceive a clip that the model has.
    level : float
        Share of windows that intervals are to contain.
    seed : int
        Of the order of learning.
    progress : callable, optional
        Called with the number of models that have learned, and that of all.

    Returns
    -------
    dict or None
        ``level``; for each kind of perception ``half_width`` (of the windows' EPP), ``coverage`` (share of
        windows, averaged over stimuli that neither model nor width has met) and ``stimuli`` (their number);
        kinds of which too few stimuli have a rating are left out, and if all are, it is None.
    """
    from avfbel.learn.jackknife import hold_out, make_material

    material = make_material(data, cortex, kinds)
    met = np.unique(material.stimulus)
    if len(met) < FEWEST:
        return None
    deal = np.random.default_rng(seed).permutation(len(met)) % min(len(met), MOST_GROUPS)
    group = dict(zip(met.tolist(), deal.tolist(), strict=True))
    held_out = [tuple(met[deal == number].tolist()) for number in range(deal.max() + 1)]
    sets = [*held_out, *((*a, *b) for a, b in combinations(held_out, 2))]
    done = 0

    def advance(models: int) -> None:
        nonlocal done
        done += models
        if progress is not None:
            progress(done, len(sets))

    epp = np.array([data.targets[kind].epp for kind in KINDS])
    rated = epp[material.kind, material.clip]
    errors = {
        held.held: (held.rows, np.abs(predicted_epp(held.emotion) - rated[held.rows]))
        for held in hold_out(material, choice, sets, seed=seed, progress=advance)
    }

    def errors_of(stimulus: int, kind: int, *without: int) -> Array:
        """Return the errors of a stimulus by the model that has met neither its group nor some others."""
        groups = {group[stimulus], *without}
        rows, error = errors[frozenset(number for one in groups for number in held_out[one])]
        ours = (material.kind[rows] == kind) & (material.stimulus[rows] == stimulus)
        known: Array = error[ours & np.isfinite(error)]
        return known

    told: dict[str, Any] = {"level": level}
    for number, kind in enumerate(KINDS):
        stimuli = [i for i in group if len(errors_of(i, number))]
        widths = [  # as for a stimulus that neither models nor width have met
            half_width([errors_of(j, number, own) for j in stimuli if group[j] != own], level)
            for own in range(len(held_out))
        ]
        if not np.isfinite(widths).all():
            continue
        covered = [(errors_of(i, number) <= widths[group[i]]).mean() for i in stimuli]
        told[kind] = {
            "half_width": ceil(half_width([errors_of(i, number) for i in stimuli], level) * 1e4) / 1e4,
            "coverage": round(float(np.mean(covered)), 4),
            "stimuli": len(stimuli),
        }
    return told if len(told) > 1 else None
