"""Norms: what twenty people felt on average at each stimulus, heard and seen.

The table is computed from the published ratings by `scripts/make_norms.py` and shipped; where it comes from
and under which licence stands in `SOURCE` and beside it in `sievers2021_reliability.json`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avfbel.data.ratings import FULL_SCALE, RATED_MODALITIES, Ratings
from avfbel.emotion import EMOTIONS, rating_epp, rating_valence
from avfbel.errors import UsageError

NORM_MODALITIES = ("music", "animation", "fused")
"""What there are norms for; nobody rated sound and film together, so that fused is a convention."""

FUSED_MUSIC, FUSED_ANIMATION = 0.25, 0.75
"""Share of each norm in the fused one: the convention of the paper."""

SOURCE = {
    "name": "sievers2021",
    "citation": (
        "Sievers, B., Parkinson, C., Kohler, P. J., Hughes, J. M., Fogelson, S. V., & Wheatley, T. (2021). "
        "Visual and auditory brain areas share a representational structure that supports emotion "
        "perception. Current Biology, 31(23), 5192-5203."
    ),
    "licence": "derived from ratings released with OpenHUTB/emotion under CC BY-NC 4.0",
}
"""Citation and licence of the norms, which every model trained on them inherits."""

_STATISTICS = ("mean", "sd", "n")


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Norms:
    """Mean, standard deviation and number of ratings, by stimulus, rated modality and emotion.

    Attributes
    ----------
    stimuli : tuple of str
        Names, in alphabetical order.
    mean, sd : ndarray, shape (n_stimuli, 2, 5)
        Mean and sample standard deviation over raters, from 0 to 127; modalities as in `RATED_MODALITIES`.
    n : ndarray of int, shape (n_stimuli, 2, 5)
        Number of ratings.
    """

    stimuli: tuple[str, ...]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    n: NDArray[np.int64]

    def emotions(self, modality: str) -> NDArray[np.float64]:
        """Return the intensities (mean rating / 127) of all stimuli, shape (n_stimuli, 5).

        Parameters
        ----------
        modality : {"music", "animation", "fused"}
            Fused is 0.25 music + 0.75 animation.

        Raises
        ------
        UsageError
            If the modality is none of the three.
        """
        return mix_modalities(self.mean, modality) / FULL_SCALE

    def epp(self, modality: str) -> NDArray[np.float64]:
        """Return the emotional positivity of all stimuli, shape (n_stimuli,): a ratio of mean ratings."""
        return rating_epp(self.emotions(modality))

    def valence(self, modality: str) -> NDArray[np.float64]:
        """Return the valence of all stimuli, shape (n_stimuli,): a ratio of mean ratings."""
        return rating_valence(self.emotions(modality))


def mix_modalities(ratings: NDArray[np.float64], modality: str) -> NDArray[np.float64]:
    """Take one modality, or the fused mixture, out of ratings.

    Parameters
    ----------
    ratings : ndarray, shape (..., 2, 5)
        Ratings or norms of music and animation.
    modality : {"music", "animation", "fused"}
        What to take; fused is 0.25 music + 0.75 animation.

    Returns
    -------
    ndarray, shape (..., 5)
        In the unit of `ratings`.

    Raises
    ------
    UsageError
        If the modality is none of the three.

    Examples
    --------
    >>> mix_modalities(np.array([[100.0, 0, 0, 0, 0], [0, 0, 0, 0, 100.0]]), "fused").tolist()
    [25.0, 0.0, 0.0, 0.0, 75.0]
    """
    if modality == "fused":
        music, animation = (RATED_MODALITIES.index(name) for name in ("music", "animation"))
        return FUSED_MUSIC * ratings[..., music, :] + FUSED_ANIMATION * ratings[..., animation, :]
    if modality not in RATED_MODALITIES:
        raise UsageError(f"no norms for {modality!r}: choose one of {', '.join(NORM_MODALITIES)}")
    return ratings[..., RATED_MODALITIES.index(modality), :]


def compute_norms(ratings: Ratings) -> Norms:
    """Average ratings over people; a missing rating is left out, and counted as missing.

    Parameters
    ----------
    ratings : Ratings
        Single ratings.

    Returns
    -------
    Norms
        One row a stimulus.
    """
    return Norms(
        stimuli=ratings.stimuli,
        mean=np.nanmean(ratings.values, axis=0),
        sd=np.nanstd(ratings.values, axis=0, ddof=1),
        n=np.isfinite(ratings.values).sum(axis=0).astype(np.int64),
    )


def write_norms(norms: Norms, path: Path) -> None:
    """Write norms as a CSV table: stimulus, modality, and mean, sd and n of each emotion."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["stimulus", "modality", *(f"{e}_{s}" for e in EMOTIONS for s in _STATISTICS)])
        for i, stimulus in enumerate(norms.stimuli):
            for j, modality in enumerate(RATED_MODALITIES):
                cells = zip(norms.mean[i, j], norms.sd[i, j], norms.n[i, j], strict=True)
                writer.writerow(
                    [stimulus, modality, *(text for m, s, n in cells for text in (f"{m:.6f}", f"{s:.6f}", n))]
                )


@cache
def load_norms() -> Norms:
    """Read the shipped norms of the 38 stimuli.

    Returns
    -------
    Norms
        Means, standard deviations and numbers of ratings. The arrays cannot be written to.

    Examples
    --------
    >>> norms = load_norms()
    >>> len(norms.stimuli), int(norms.n.min()), int(norms.n.max())
    (38, 19, 20)
    >>> float(norms.epp("fused")[norms.stimuli.index("happy")].round(2))
    0.6
    """
    with (files("avfbel.data") / "sievers2021_norms.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    stimuli = tuple(dict.fromkeys(row["stimulus"] for row in rows))
    shape = (len(stimuli), len(RATED_MODALITIES), len(EMOTIONS))
    mean, sd, n = (
        np.array([[float(row[f"{e}_{statistic}"]) for e in EMOTIONS] for row in rows]).reshape(shape)
        for statistic in _STATISTICS
    )
    counts = n.astype(np.int64)
    for array in (mean, sd, counts):
        array.flags.writeable = False
    return Norms(stimuli=stimuli, mean=mean, sd=sd, n=counts)


def norm_emotions(stimulus: str, modality: str) -> NDArray[np.float64]:
    """Return what people felt at one stimulus: the five intensities, mean rating / 127.

    Parameters
    ----------
    stimulus : str
        One of the 38 names, such as "happy" or "happy_sad_25".
    modality : {"music", "animation", "fused"}
        Heard, seen, or both (0.25 music + 0.75 animation).

    Returns
    -------
    ndarray, shape (5,)
        Intensities in [0, 1], in the order of `EMOTIONS`.

    Raises
    ------
    UsageError
        If there is no such stimulus or modality.

    Examples
    --------
    >>> norm_emotions("scared", "animation").round(2).tolist()
    [0.34, 0.03, 0.53, 0.02, 0.21]
    """
    norms = load_norms()
    if stimulus not in norms.stimuli:
        raise UsageError(f"no norms for the stimulus {stimulus!r}: there are {', '.join(norms.stimuli)}")
    emotions: NDArray[np.float64] = norms.emotions(modality)[norms.stimuli.index(stimulus)]
    return emotions


@cache
def load_reliability() -> Mapping[str, Mapping[str, float]]:
    """Read how reliable the norms are: the noise ceiling of R squared.

    Returns
    -------
    mapping
        Reliability by modality ("music", "animation", "fused") and target ("epp", "valence", "published"), as
        `avfbel.learn.ceiling` computed it. Its square root is the ceiling of r.

    Examples
    --------
    >>> sorted(load_reliability()), round(load_reliability()["fused"]["valence"], 2)
    (['animation', 'fused', 'music'], 0.94)
    """
    content = json.loads((files("avfbel.data") / "sievers2021_reliability.json").read_text(encoding="utf-8"))
    return {modality: dict(targets) for modality, targets in content["reliability"].items()}
