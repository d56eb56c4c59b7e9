"""The binary view of positivity: how well predictions tell positive from negative.

Precision, recall and F1 say nothing about negatives: whoever calls everything positive has recall 1, and an
F1 that grows with the share of positives. They are always set beside `all_positive`; balanced accuracy and
Matthews' correlation (`avfbel.learn.metrics`) cannot be had that way.

Arguments are those of `avfbel.learn.metrics.confusion`: positivity that was observed and predicted, shape
(n,), and the cut above which it is positive.
"""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from avfbel.learn.metrics import confusion


def precision(observed: ArrayLike, predicted: ArrayLike, *, cut: float = 0.5) -> float:
    """Return the share of cases called positive that are, in [0, 1]; NaN if nothing is called positive.

    Examples
    --------
    >>> precision([0.9, 0.8, 0.1], [0.9, 0.4, 0.7])
    0.5
    """
    tp, fp, _, _ = confusion(observed, predicted, cut=cut)
    return tp / (tp + fp) if tp + fp else math.nan


def recall(observed: ArrayLike, predicted: ArrayLike, *, cut: float = 0.5) -> float:
    """Return the share of positive cases that are called so, in [0, 1]; NaN if nothing positive was observed.

    Examples
    --------
    >>> recall([0.9, 0.8, 0.1], [0.9, 0.4, 0.7])
    0.5
    """
    tp, _, fn, _ = confusion(observed, predicted, cut=cut)
    return tp / (tp + fn) if tp + fn else math.nan


def f1(observed: ArrayLike, predicted: ArrayLike, *, cut: float = 0.5) -> float:
    """Return the harmonic mean of precision and recall, in [0, 1].

    NaN if nothing positive was observed or predicted.

    Examples
    --------
    >>> round(f1([0.9, 0.8, 0.1, 0.2], [0.9, 0.4, 0.2, 0.1]), 3)
    0.667
    """
    tp, fp, fn, _ = confusion(observed, predicted, cut=cut)
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else math.nan


def all_positive(observed: ArrayLike, *, cut: float = 0.5) -> dict[str, float]:
    """Return precision, recall and F1 of calling every case positive: what they must be compared with.

    Parameters
    ----------
    observed : array_like, shape (n,)
        Positivity; above `cut` is positive.
    cut : float
        Where positive begins.

    Returns
    -------
    dict
        `precision` (the share of positives), `recall` (1) and `f1`; NaN if nothing positive was observed.

    Examples
    --------
    >>> all_positive([0.9, 0.8, 0.7, 0.1])["precision"]
    0.75
    """
    tp, fp, fn, tn = confusion(observed, observed, cut=cut)
    positives, cases = tp + fn, tp + fp + fn + tn
    if not positives:
        return dict.fromkeys(("precision", "recall", "f1"), math.nan)
    return {"precision": positives / cases, "recall": 1.0, "f1": 2 * positives / (positives + cases)}
