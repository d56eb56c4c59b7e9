"""What was released with the paper: ratings as it used them, features, weights and the forward pass."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avfbel.data.ratings import RATED_MODALITIES, find_ratings, load_ratings
from avfbel.emotion import EMOTIONS
from avfbel.errors import InputError
from avfbel.published.similarity import min_max

Array = NDArray[np.float64]

WEIGHT_FILES = ("music", "animation", "fused", "music-rnn", "fused-transformer")
"""The released parameter files, `published/weights-NAME.json` beside ratings.csv."""

FUSED_SHARES = (0.25, 0.75)
"""Share of the music rating and of the animation rating in the target of the fused model."""

FILLED = (("peaceful_scared_50", 0, "animation", 14.0), ("sad", 0, "music", 0.0))
"""The two missing ratings of anger (stimulus, participant, modality), as the released EPP has them."""


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class ReleasedWeights:
    """Eight numbers: amygdala v (2,), orbitofrontal w (2,), prefrontal we (2, 2); and the learning rate."""

    name: str
    v: Array
    w: Array
    we: Array
    rate: float


@dataclass(frozen=True, kw_only=True, eq=False)
class ReleasedPairs:
    """One row for each stimulus and participant, in the order of the released acoustic table.

    Attributes
    ----------
    stimulus, participant : ndarray, shape (n,)
        Of each row.
    acoustic : ndarray, shape (n, 5)
        The released acoustic features; the released model uses the first two, pitch_mean and tonnetz_mean.
    parameters : ndarray, shape (n, 2)
        Clean generative bpm and jitter of the stimulus.
    music, animation : ndarray, shape (n,)
        EPP_0 = sum of k·E_k / 15 of the participant's rating of the sound and of the film.
    """

    stimulus: NDArray[np.str_]
    participant: NDArray[np.int64]
    acoustic: Array
    parameters: Array
    music: Array
    animation: Array

    @property
    def leaky(self) -> Array:
        """Released bpm' and jitter', shape (n, 2): each is the parameter + EPP_0 of the film / 10."""
        return self.parameters + self.animation[:, None] / 10

    @property
    def music_epp(self) -> Array:
        """Published EPP of the sounds, min-max normalised over the data set, shape (n,)."""
        return min_max(self.music)

    @property
    def animation_epp(self) -> Array:
        """Published EPP of the films, min-max normalised over the data set, shape (n,)."""
        return min_max(self.animation)

    @property
    def fused_epp(self) -> Array:
        """What the fused model was compared with, shape (n,): 0.25 · music + 0.75 · animation."""
        return FUSED_SHARES[0] * self.music_epp + FUSED_SHARES[1] * self.animation_epp


def generate(first: Array, second: Array, weights: ReleasedWeights) -> Array:
    r"""Return the output of the released forward pass, shape (n,), in the mixed raw units of its inputs.

    :math:`A_j = x_1 v_j,\; O_j = x_2 w_j,\; E = \sum A + \max(x_1, x_2) - \sum O - \sum_{ij} we_{ij} A_j`:
    the amygdala sees only the first input, the orbitofrontal cortex only the second.

    Parameters
    ----------
    first, second : ndarray, shape (n,)
        Two raw columns: pitch_mean and tonnetz_mean, or bpm and jitter.
    weights : ReleasedWeights
        One of the released parameter files.

    Returns
    -------
    ndarray, shape (n,)
        Emotional output E.

    Examples
    --------
    >>> ones = ReleasedWeights(name="", v=np.ones(2), w=np.ones(2), we=np.zeros((2, 2)), rate=0.0)
    >>> generate(np.array([3.0]), np.array([1.0]), ones)  # 6 + 3 - 2
    array([7.])
    """
    amygdala = first[:, None] * weights.v
    orbitofrontal = second[:, None] * weights.w
    prefrontal = amygdala @ weights.we.sum(axis=0)
    return np.asarray(
        amygdala.sum(axis=1) + np.maximum(first, second) - orbitofrontal.sum(axis=1) - prefrontal
    )


def generate_sound(pairs: ReleasedPairs, weights: ReleasedWeights) -> Array:
    """Return what released weights generate from the released acoustic features, shape (n,)."""
    return generate(pairs.acoustic[:, 0], pairs.acoustic[:, 1], weights)


def generate_film(pairs: ReleasedPairs, weights: ReleasedWeights, *, leak: bool = True) -> Array:
    """Return what released weights generate from the visual features, with the rating in them or without."""
    features = pairs.leaky if leak else pairs.parameters
    return generate(features[:, 0], features[:, 1], weights)


def generate_fused(pairs: ReleasedPairs, weights: ReleasedWeights, *, leak: bool = True) -> Array:
    """Return the mean of what fused weights generate from sound and from film, shape (n,)."""
    return (generate_sound(pairs, weights) + generate_film(pairs, weights, leak=leak)) / 2


def load_weights(data_dir: Path | str | None = None) -> dict[str, ReleasedWeights]:
    """Read the released parameter files.

    Parameters
    ----------
    data_dir : path, optional
        The folder that holds ratings.csv, or one above it; `AVFBEL_DATA` without it.

    Returns
    -------
    dict
        By the names of `WEIGHT_FILES`.

    Raises
    ------
    FileNotFoundError
        If there are no ratings, or no weights beside them.
    InputError
        If a file is not what was released.
    """
    folder = find_ratings(data_dir).parent / "published"
    return {name: _read_weights(folder / f"weights-{name}.json", name) for name in WEIGHT_FILES}


def load_pairs(data_dir: Path | str | None = None) -> ReleasedPairs:
    """Read ratings, parameters and acoustic features, and join them as the released code did.

    Parameters
    ----------
    data_dir : path, optional
        The folder that holds ratings.csv, or one above it; `AVFBEL_DATA` without it.

    Returns
    -------
    ReleasedPairs
        With the two missing ratings as the released EPP has them (`FILLED`).

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    InputError
        If a table lacks a column or a row, or has something else than numbers.
    """
    path = find_ratings(data_dir)
    features = ("pitch_mean", "tonnetz_mean", "rms_mean", "tempo_mean", "duration_mean")
    acoustic = _read_table(path.with_name("acoustic_features.csv"), ("stimulus", "participant", *features))
    stimuli = _read_table(path.with_name("stimuli.csv"), ("stimulus", "bpm", "jitter"))
    parameters = {row["stimulus"]: (_number(row, "bpm"), _number(row, "jitter")) for row in stimuli}
    emotions = _complete_ratings(path)
    keys = [(row["stimulus"], row["participant"]) for row in acoustic]
    for stimulus, participant in keys:
        if stimulus not in parameters:
            raise InputError(f"{path.with_name('stimuli.csv')} has no {stimulus!r}: fetch it again")
        if any((stimulus, participant) not in of for of in emotions.values()):
            raise InputError(
                f"{path} has no complete rating of {stimulus!r} by participant {participant}: fetch it again"
            )
    rank = np.arange(1.0, 6.0) / 15.0
    return ReleasedPairs(
        stimulus=np.array([stimulus for stimulus, _ in keys]),
        participant=np.array([int(participant) for _, participant in keys]),
        acoustic=np.array([[_number(row, name) for name in features] for row in acoustic]),
        parameters=np.array([parameters[stimulus] for stimulus, _ in keys]),
        music=np.array([emotions["music"][key] @ rank for key in keys]),
        animation=np.array([emotions["animation"][key] @ rank for key in keys]),
    )


def _complete_ratings(path: Path) -> dict[str, dict[tuple[str, str], Array]]:
    """Return five emotions by modality, stimulus and participant, where none is missing after filling."""
    ratings = load_ratings(path.parent)
    filled = {(stimulus, str(rater), modality): value for stimulus, rater, modality, value in FILLED}
    anger = EMOTIONS.index("anger")
    found: dict[str, dict[tuple[str, str], Array]] = {}
    for modality in RATED_MODALITIES:
        found[modality] = {}
        for p, participant in enumerate(ratings.participants):
            for s, stimulus in enumerate(ratings.stimuli):
                five = ratings.of(modality)[p, s].copy()
                if np.isnan(five[anger]):
                    five[anger] = filled.get((stimulus, participant, modality), np.nan)
                if np.isfinite(five).all():
                    found[modality][stimulus, participant] = five
    return found


def _read_weights(path: Path, name: str) -> ReleasedWeights:
    if not path.is_file():
        raise FileNotFoundError(
            f"no released weights at {path}: point --data-dir or AVFBEL_DATA at a folder that holds "
            "published/weights-*.json beside ratings.csv (they were released as pickles, which run code when "
            "they are opened, so that `avfbel data fetch` leaves them out)"
        )
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        v, w, we = (np.array(given[key], dtype=np.float64) for key in ("vi", "wi", "we"))
        rate = float(given["eta"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} does not read as released weights (vi, wi, we, eta)") from error
    finite = all(np.isfinite(of).all() for of in (v, w, we))
    if (v.shape, w.shape, we.shape) != ((1, 2), (1, 2), (2, 2)) or not finite:
        raise InputError(f"{path}: vi and wi must be 1 x 2 and we 2 x 2 finite numbers")
    return ReleasedWeights(name=name, v=v[0], w=w[0], we=we, rate=rate)


def _read_table(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    if not path.is_file():
        raise FileNotFoundError(
            f"no table at {path}: run `avfbel data fetch sievers2021`, or point --data-dir or AVFBEL_DATA "
            "at a folder that holds it beside ratings.csv"
        )
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        absent = [name for name in columns if name not in (reader.fieldnames or ())]
        if absent:
            raise InputError(f"{path}: no column {', '.join(absent)}: is it the released table?")
        rows = list(reader)
    if not rows:
        raise InputError(f"{path} holds no rows: fetch it again")
    return rows


def _number(row: Mapping[str, str | None], column: str) -> float:
    try:
        value = float(row[column] or "nothing")
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InputError(f"{column} of {row['stimulus']} is {row[column]!r}, not a number")
    return value
