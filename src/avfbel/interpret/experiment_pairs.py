"""Congruent against mismatched pairs: the music of one stimulus with the film of another, all with all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import UsageError
from avfbel.interpret.experiment_responses import (
    PERCEPTIONS,
    Additivity,
    Responses,
    Table,
    additivity,
    additivity_table,
    numbers,
    open_model,
    quantities_of,
    respond,
    told,
    verdicts,
)
from avfbel.interpret.experiment_staging import (
    Gauge,
    Progress,
    Take,
    Windows,
    measure_takes,
    plan_clips,
    together,
)
from avfbel.interpret.experiments import Experiment, provenance
from avfbel.interpret.stimulus_intervals import intervals, stimulus_draws
from avfbel.learn.intervals import Interval
from avfbel.runtime.bundle import Bundle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from avfbel.runtime.engine import Predictor
    from avfbel.runtime.files import Cell
    from avfbel.stimulus.plans import Clip

Array = NDArray[np.float64]

SHARES = ("music", "film", "combination")
_COLUMNS = ("music", "film", "congruent", "quantity", "value")
_CONTRASTS = ("quantity", "congruent", "mismatched", "difference", "low", "high")


class Contrast(NamedTuple):
    """Means over congruent and mismatched pairs, and their difference with a 95 % interval over stimuli."""

    quantity: str
    congruent: float
    mismatched: float
    difference: Interval


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Congruence(Experiment):
    """Responses to all pairs of music and film.

    Attributes
    ----------
    stimuli : tuple of str
        Names.
    pairs : ndarray, shape (n_stimuli, n_stimuli, n_quantities)
        Responses by music and film, means over exemplars.
    congruent : Responses
        The congruent pairs, clip by clip, with both senses, either and none.
    """

    stimuli: tuple[str, ...]
    pairs: Array
    congruent: Responses

    def contrasts(self) -> list[Contrast]:
        """Compare congruent with mismatched pairs.

        Of EPP, its distance from neutral (0.5) is compared: the mean of EPP itself hardly depends on who is
        paired with whom.

        Returns
        -------
        list of Contrast
            "epp_from_neutral", then intensity and regions. Draws of stimuli draw music and film together.
        """
        values = self.pairs.copy()
        epp = self.congruent.quantities.index("epp")
        values[:, :, epp] = np.abs(values[:, :, epp] - 0.5)
        same, other = _split_means(values, np.ones((1, len(self.stimuli))))
        drawn = np.subtract(*_split_means(values, stimulus_draws(self.stimuli)))
        names = ["epp_from_neutral" if name == "epp" else name for name in self.congruent.quantities]
        ends = intervals((same - other)[0], drawn)
        return [Contrast(*of) for of in zip(names, same[0].tolist(), other[0].tolist(), ends, strict=True)]

    def shares(self) -> dict[str, Interval]:
        """Part the variance of EPP over all pairs: due to the music, to the film, and to their combination.

        Returns
        -------
        dict of Interval
            Shares by `SHARES`, which add up to 1; NaN if EPP does not vary.
        """
        table = self.pairs[:, :, self.congruent.quantities.index("epp")]
        whole = _variance_shares(table, np.ones((1, len(table))))[0]
        found = intervals(whole, _variance_shares(table, stimulus_draws(self.stimuli)))
        return dict(zip(SHARES, found, strict=True))

    def additivity(self) -> list[Additivity]:
        """Compare the response to congruent pairs with the sum of the responses to music and film alone."""
        return additivity(self.congruent)

    def sentences(self) -> list[str]:
        """Say in words what was found, whichever way it fell."""
        shares, contrast = self.shares(), self.contrasts()[0]
        low, high = contrast.difference.low, contrast.difference.high
        way = "as far from neutral as"
        if not low <= 0 <= high:
            way = f"{'further' if low > 0 else 'less far'} from neutral than"
        return [
            f"Of the variance of EPP over {len(self.stimuli)} x {len(self.stimuli)} pairs, the film makes "
            f"{shares['film'].value:.0%}, the music {shares['music'].value:.0%}, their combination "
            f"{shares['combination'].value:.0%}.",
            f"EPP of congruent pairs is {way} that of mismatched ones: {contrast.congruent:.3f} against "
            f"{contrast.mismatched:.3f}, difference {told(contrast.difference)}.",
            f"Congruent pairs beside the sum of music alone and film alone: {verdicts(self.additivity())}",
        ]

    def tables(self) -> dict[str, Table]:
        """Return the tables of pairs, contrasts and additivity by the names of their files."""
        contrasts: list[list[Cell]] = [
            [of.quantity, of.congruent, of.mismatched, *numbers(of.difference)] for of in self.contrasts()
        ]
        return {
            "congruence": Table(_COLUMNS, list(self._rows())),
            "congruence_contrasts": Table(_CONTRASTS, contrasts),
            "congruence_additivity": additivity_table({"": self.additivity()}),
        }

    def draw(self) -> Figure:
        """Draw EPP of all pairs, and either sense beside both; see `draw_congruence`."""
        from avfbel.interpret.experiments_figure import draw_congruence

        return draw_congruence(self)

    def _rows(self) -> Iterator[list[Cell]]:
        for i, music in enumerate(self.stimuli):
            for j, film in enumerate(self.stimuli):
                for k, quantity in enumerate(self.congruent.quantities):
                    yield [music, film, int(i == j), quantity, float(self.pairs[i, j, k])]


def congruence(
    stimuli: Sequence[str] | None = None,
    *,
    model: str | PathLike[str] | Bundle = "default",
    exemplars: int = 1,
    seed: int = 0,
    window: float = 4.0,
    hop: float = 1.0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Congruence:
    """Show a model the music of every stimulus with the film of every stimulus.

    Music and film are measured once each, at the length of the pair: where one is over before the other,
    silence or stillness follows. Clips are those of `plan_corpus` with this seed.

    Parameters
    ----------
    stimuli : sequence of str, optional
        At least two of the 38; all of them by default.
    model : str, path or Bundle
        The trained model, with both senses.
    exemplars : int
        Clips of each stimulus: music k is paired with film k, and responses are means over k.
    seed : int
        Of the clips.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    jobs : int, optional
        Processes to measure with; by default one a core.
    progress : callable, optional
        Called with what is being done, how many steps of it are done, and how many there are.

    Returns
    -------
    Congruence
        Responses to all pairs.

    Raises
    ------
    InputError
        If the bundle cannot be used.
    UsageError
        If there are fewer than two stimuli, one is unknown, or the model lacks a sense.

    Examples
    --------
    >>> found = congruence(["happy", "sad"], jobs=1)
    >>> sorted(found.shares()), found.pairs.shape[:2]
    (['combination', 'film', 'music'], (2, 2))
    """
    predictor = open_model(model)
    clips = plan_clips(stimuli, exemplars=exemplars, seed=seed)
    names = tuple(dict.fromkeys(clip.stimulus for clip in clips))
    if len(names) < 2:
        raise UsageError("congruence is of two stimuli or more: name another one")
    gauge = Gauge(window=window, hop=hop)
    measured = measure_takes(
        [_takes(clip, [of for of in clips if of.exemplar == clip.exemplar]) for clip in clips],
        gauge=gauge,
        jobs=jobs,
        progress=progress,
    )
    parts = [_of(number, clips, measured) for number in range(exemplars)]
    tables = []
    for number, part in enumerate(parts, start=1):
        tables.append(_paired(predictor, part))
        if progress is not None:
            progress("pairing music and film", number, len(parts))
    same = [_pair(of, of) for part in parts for of in part]
    congruent = Responses(
        stimulus=tuple(clip.stimulus for part in parts for clip, _ in part),
        quantities=quantities_of(predictor.bundle),
        values=respond(predictor, same, PERCEPTIONS)[None],
    )
    return Congruence(
        model=predictor.bundle.name,
        provenance=provenance(predictor.bundle, gauge, clips, seed),
        stimuli=names,
        pairs=np.mean(tables, axis=0),
        congruent=congruent,
    )


Measured = tuple["Clip", dict[Take, Windows]]


def _of(exemplar: int, clips: Sequence[Clip], measured: Sequence[dict[Take, Windows]]) -> list[Measured]:
    return [
        (clip, windows) for clip, windows in zip(clips, measured, strict=True) if clip.exemplar == exemplar
    ]


def _takes(clip: Clip, others: Sequence[Clip]) -> list[Take]:
    """Return the takes of a clip at each length that one of its pairs has."""
    lengths = {max(clip.music.length_s, other.music.length_s) for other in others}
    return [
        Take(sense=sense, score=clip.music, length_s=length)
        for length in sorted(lengths)
        for sense in ("audio", "video")
    ]


def _pair(heard: Measured, seen: Measured) -> Windows:
    (music, sounds), (film, pictures) = heard, seen
    length = max(music.music.length_s, film.music.length_s)
    return together(
        sounds[Take(sense="audio", score=music.music, length_s=length)],
        pictures[Take(sense="video", score=film.music, length_s=length)],
    )


def _paired(predictor: Predictor, part: Sequence[Measured]) -> Array:
    """Return the responses to all pairs of one exemplar, (n_stimuli, n_stimuli, n_quantities)."""
    rows = [respond(predictor, [_pair(heard, seen) for seen in part], ("both",))[:, 0] for heard in part]
    return np.array(rows)


def _split_means(values: Array, weights: Array) -> tuple[Array, Array]:
    """Return means over the diagonal and beside it, (n_draws, m), of (n, n, m) under weights (n_draws, n)."""
    diagonal = np.einsum("iim->im", values)
    same = np.einsum("di,im->dm", weights, diagonal) / weights.sum(axis=1, keepdims=True)
    squares = (weights**2).sum(axis=1, keepdims=True)
    all_pairs = np.einsum("di,dj,ijm->dm", weights, weights, values, optimize=True)
    n_other = weights.sum(axis=1, keepdims=True) ** 2 - squares
    beside = all_pairs - np.einsum("di,im->dm", weights**2, diagonal)
    return same, np.divide(beside, n_other, out=np.full_like(beside, np.nan), where=n_other > 0)


def _variance_shares(table: Array, weights: Array) -> Array:
    """Return the shares of rows, columns and rest in the variance of (n, n) under weights, (n_draws, 3)."""
    p = weights / weights.sum(axis=1, keepdims=True)
    mean = np.einsum("di,dj,ij->d", p, p, table, optimize=True)[:, None]
    rows, columns = p @ table.T - mean, p @ table - mean
    whole = np.einsum("di,dj,ij->d", p, p, table**2, optimize=True) - mean[:, 0] ** 2
    parts = np.stack([(p * rows**2).sum(axis=1), (p * columns**2).sum(axis=1)], axis=1)
    parts = np.column_stack([parts, whole - parts.sum(axis=1)])
    flat = whole <= 1e-15
    return np.where(flat[:, None], np.nan, parts / np.where(flat, 1.0, whole)[:, None])
