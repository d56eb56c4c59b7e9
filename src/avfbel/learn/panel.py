"""Single ratings, clip by clip: who felt what, for protocols that hold out people.

A data set keeps means over raters. The single ratings behind them lie in the manifest (column participant),
or, for sievers2021, in ratings.csv, which is not part of the package (`AVFBEL_DATA`, `--data-dir`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.data.dataset import SIEVERS2021
from avfbel.data.manifest import read_manifest
from avfbel.data.norms import mix_modalities
from avfbel.data.ratings import FULL_SCALE, Ratings, find_ratings, load_ratings
from avfbel.data.targets import KINDS, NORM_OF_KIND, Targets
from avfbel.emotion import EMOTIONS, rating_epp, rating_valence
from avfbel.errors import UsageError
from avfbel.learn.ceiling import panel_reliability, shortened
from avfbel.learn.protocols import BY_RATER

if TYPE_CHECKING:
    from avfbel.data import Dataset

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Panel:
    """What each rater felt at each clip; NaN where a rater did not rate.

    Attributes
    ----------
    raters : tuple of str
        Who rated.
    emotions : mapping of str to ndarray, shape (n_raters, n_clips, 5)
        Intensities by kind of perception (`KINDS`), in the unit of the data set.
    given : ndarray, shape (n_raters, n_clips, 2)
        EPP and valence that were rated as such; NaN where they follow from emotions.
    """

    raters: tuple[str, ...]
    emotions: Mapping[str, Array]
    given: Array

    def targets(self, kind: str, raters: ArrayLike) -> Targets:
        """Return the mean over some raters, by their numbers, as targets of all clips.

        Positivity is that of the mean emotions, or the mean of what was rated as such.
        """
        chosen = np.asarray(raters, dtype=np.intp)
        emotions, given = _known_mean(self.emotions[kind][chosen]), _known_mean(self.given[chosen])
        epp, valence = rating_epp(emotions), rating_valence(emotions)
        return Targets(
            emotions=emotions,
            epp=np.where(np.isnan(given[:, 0]), epp, given[:, 0]),
            valence=np.where(np.isnan(given[:, 1]), valence, given[:, 1]),
        )

    def all_targets(self, raters: ArrayLike) -> dict[str, Targets]:
        """Return `targets` for each kind of perception."""
        return {kind: self.targets(kind, raters) for kind in KINDS}


def load_panel(data: Dataset, data_dir: str | Path | None = None) -> Panel:
    """Find the single ratings behind a data set.

    Parameters
    ----------
    data : Dataset
        Its clips, in the order of its manifest.
    data_dir : path, optional
        For sievers2021: the folder that holds ratings.csv; without it `AVFBEL_DATA`.

    Returns
    -------
    Panel
        Ratings of these clips.

    Raises
    ------
    UsageError
        If there are only means over people, with the remedy.
    InputError
        If ratings.csv has faults.
    """
    if data.name == SIEVERS2021 and data.source:
        return _panel_2021(data, data_dir)
    if not data.manifest.is_file():
        raise UsageError(f"{data.manifest} is not there (any more), and single ratings are read from it")
    return _panel_of_manifest(data)


def panel_if_any(data: Dataset, protocol: str, data_dir: str | Path | None = None) -> Panel | None:
    """Return the single ratings if there are any, or if the protocol cannot do without.

    Raises
    ------
    UsageError
        If the protocol holds out people, or a folder is named, and there are no single ratings.
    """
    if protocol in BY_RATER or (data_dir is not None and data.name == SIEVERS2021):
        return load_panel(data, data_dir)
    if data.name == SIEVERS2021 and data.source:
        try:
            find_ratings()
        except FileNotFoundError:
            return None
        return load_panel(data)
    return load_panel(data) if _names_raters(data) else None


def _names_raters(data: Dataset) -> bool:
    if not data.manifest.is_file():
        return False
    try:
        return any(row.participant for row in read_manifest(data.manifest).rows)
    except UsageError:
        return False  # a corpus of clips without ratings, given as a data set by hand


class Single(NamedTuple):
    """Single ratings of stimuli, by kind of perception.

    Attributes
    ----------
    raters : tuple of str
        Who rated.
    stimulus : ndarray of str, shape (n_stimuli,)
        Names, sorted.
    values, rest : dict of ndarray, shape (n_raters, n_stimuli, 2)
        EPP and valence that each rater felt, and that the others felt on average.
    """

    raters: tuple[str, ...]
    stimulus: NDArray[np.str_]
    values: dict[str, Array]
    rest: dict[str, Array]


def single_ratings(panel: Panel, stimulus: NDArray[np.str_]) -> Single:
    """Return the single ratings of stimuli, the clips of each averaged, beside those of the other raters."""
    everyone = np.arange(len(panel.raters))
    names = np.unique(stimulus)
    values, rest = {}, {}
    for kind in KINDS:
        values[kind] = np.stack([_by_stimulus(panel, kind, [rater], stimulus) for rater in everyone])
        rest[kind] = np.stack(
            [_by_stimulus(panel, kind, np.delete(everyone, rater), stimulus) for rater in everyone]
        )
    return Single(panel.raters, names, values, rest)


def reliability_of(data: Dataset, panel: Panel | None, protocol: str) -> Mapping[str, Mapping[str, float]]:
    """Return the reliability of what is scored under a protocol, by kind and target, where it is known.

    That of means over all raters is the data set's own, or else estimated by splitting the raters. A half of
    the raters is less reliable, by Spearman and Brown's formula. A single rating has `rater_versus_rest`
    instead.
    """
    if protocol == "leave-participant-out":
        return {}
    whole = data.reliability or (_estimated(data, panel) if panel is not None else {})
    if protocol != "cross-panel":
        return whole
    return {kind: {target: shortened(rho, 0.5) for target, rho in of.items()} for kind, of in whole.items()}


def _estimated(data: Dataset, panel: Panel) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for kind in KINDS:
        for column, target in enumerate(("epp", "valence")):

            def halves(raters: NDArray[np.intp], kind: str = kind, column: int = column) -> Array:
                return _by_stimulus(panel, kind, raters, data.stimulus)[:, column]

            rho = panel_reliability(halves, len(panel.raters))
            if np.isfinite(rho):
                found.setdefault(kind, {})[target] = rho
    return found


def _by_stimulus(panel: Panel, kind: str, raters: ArrayLike, stimulus: NDArray[np.str_]) -> Array:
    """Return EPP and valence (n_stimuli, 2) felt on average by some raters."""
    of = panel.targets(kind, raters)
    both = np.stack([of.epp, of.valence], axis=1)
    names, place = np.unique(stimulus, return_inverse=True)
    known = np.isfinite(both)
    sums, counts = np.zeros((2, len(names), 2))
    np.add.at(sums, place, np.where(known, both, 0.0))
    np.add.at(counts, place, known)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def check_panel(data: str | Path, data_dir: str | Path | None = None) -> list[str]:
    """Return the raters of "sievers2021" or of a manifest, before anything is measured.

    Raises
    ------
    UsageError
        If there are only means over people, with the remedy.
    InputError
        If ratings.csv has faults.
    """
    if str(data) == SIEVERS2021:
        return list(_ratings(data_dir).participants)
    manifest = read_manifest(data)
    return _raters([row.participant for row in manifest.rows], manifest.path)


def _ratings(data_dir: str | Path | None) -> Ratings:
    try:
        return load_ratings(data_dir)
    except FileNotFoundError as error:
        raise UsageError(
            f"this needs single ratings, and the package holds only means over 20 people (norms): {error}"
        ) from error


def _raters(participants: Sequence[str], path: Path) -> list[str]:
    raters = sorted({name for name in participants if name})
    if not raters:
        raise UsageError(
            f"{path.name} does not say who rated: this needs single ratings, a row a rater and clip, with "
            "their names in the column participant"
        )
    return raters


def _panel_2021(data: Dataset, data_dir: str | Path | None) -> Panel:
    ratings = _ratings(data_dir)
    unknown = sorted(set(data.stimulus.tolist()) - set(ratings.stimuli))
    if unknown:
        raise UsageError(f"ratings.csv holds no ratings of {', '.join(unknown)}: fetch it again")
    place = [ratings.stimuli.index(str(name)) for name in data.stimulus]
    emotions = {
        kind: np.where(
            data.available(kind)[:, None],
            mix_modalities(ratings.values, NORM_OF_KIND[kind])[:, place] / FULL_SCALE,
            np.nan,
        )
        for kind in KINDS
    }
    given = np.full((len(ratings.participants), data.n_clips, 2), np.nan)
    return Panel(raters=ratings.participants, emotions=emotions, given=given)


def _panel_of_manifest(data: Dataset) -> Panel:
    manifest = read_manifest(data.manifest)
    raters = _raters([row.participant for row in manifest.rows], manifest.path)
    clips = list(dict.fromkeys(row.clip for row in manifest.rows))
    if len(clips) != data.n_clips:
        raise UsageError(f"{manifest.path.name} has changed since its clips were measured: load it again")
    emotions = np.full((len(raters), len(clips), len(EMOTIONS)), np.nan)
    given = np.full((len(raters), len(clips), 2), np.nan)
    number = {clip: place for place, clip in enumerate(clips)}
    for row in manifest.rows:
        if row.participant:
            place = (raters.index(row.participant), number[row.clip])
            emotions[place] = row.emotions / data.intensity_unit
            given[place] = row.epp, row.valence
    there = {kind: data.available(kind)[:, None] for kind in KINDS}
    return Panel(
        raters=tuple(raters),
        emotions={kind: np.where(there[kind], emotions, np.nan) for kind in KINDS},
        given=given,
    )


def _known_mean(values: Array) -> Array:
    """Return the mean over the first axis of what is known; NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # of means of nothing, which are NaN as they should be
        return np.asarray(np.nanmean(values, axis=0))
