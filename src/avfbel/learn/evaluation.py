"""Held-out predictions of one model under one protocol, and what they are worth."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.data.targets import KINDS
from avfbel.errors import UsageError
from avfbel.learn.binary import all_positive
from avfbel.learn.ceiling import rater_versus_rest
from avfbel.learn.intervals import Cases, score_all
from avfbel.learn.metrics import score
from avfbel.learn.protocols import BY_RATER

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from avfbel.learn.panel import Single

TARGETS = ("epp", "valence")
"""What is scored; a prediction has one column for each."""


class Selection(NamedTuple):
    """Held-out values of one modality and target, each of shape (n,)."""

    stimulus: NDArray[np.str_]
    observed: NDArray[np.float64]
    predicted: NDArray[np.float64]
    baseline: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Evaluation:
    """Held-out predictions, one row a stimulus, modality and fold; EPP and valence are in [0, 1].

    `baseline` is the mean of the training fold, against which R² is measured. `reliability` maps
    modality and target to ρ, the ceiling of R², where it is known. `single` holds single ratings, where they
    are there.
    """

    model: str
    protocol: str
    fold: NDArray[np.str_]  # (n,)
    stimulus: NDArray[np.str_]  # (n,)
    modality: NDArray[np.str_]  # (n,) audio, video or fused
    observed: NDArray[np.float64]  # (n, 2) epp, valence
    predicted: NDArray[np.float64]  # (n, 2)
    baseline: NDArray[np.float64]  # (n, 2)
    reliability: Mapping[str, Mapping[str, float]]
    single: Single | None = None

    def select(self, modality: str, target: str) -> Selection:
        """Return the rows of one modality whose target was observed."""
        column = TARGETS.index(target)
        rows = (self.modality == modality) & np.isfinite(self.observed[:, column])
        values = (table[rows, column] for table in (self.observed, self.predicted, self.baseline))
        return Selection(self.stimulus[rows], *values)

    def metrics(self) -> dict[str, dict[str, dict[str, float | int | None]]]:
        """Return ``{modality: {target: {r, r_low, r_high, r2, nev, ccc, rmse, n}}}``, None if undefined.

        Modalities and targets of which nothing was both predicted and observed are left out.
        """
        result: dict[str, dict[str, dict[str, float | int | None]]] = {}
        for modality in ("audio", "video", "fused"):
            for target in TARGETS:
                held_out = self.select(modality, target)
                if not len(held_out.observed):
                    continue
                figures = score(
                    held_out.observed,
                    held_out.predicted,
                    baseline=held_out.baseline,
                    reliability=self.reliability.get(modality, {}).get(target),
                    clusters=held_out.stimulus,
                )
                result.setdefault(modality, {})[target] = {
                    name: value if math.isfinite(value) else None for name, value in figures.items()
                }
        return result

    def report(self, *, n_draws: int = 2000) -> dict[str, dict[str, dict[str, Any]]]:
        """Return every metric with its 95 % bootstrap interval over stimuli, and what to compare it with.

        Parameters
        ----------
        n_draws : int
            Draws of the bootstrap.

        Returns
        -------
        dict
            By modality and target: `means` and `ratings`, the metrics on stimulus means and on single
            ratings, each ``[value, low, high]``; `all_positive`, precision, recall and F1 of calling
            everything positive; `ceiling`, of R² (ρ) and of r (√ρ), of the means; `rater_versus_rest`, the r
            of the mean of the other raters on single ratings. What is unknown is left out or None.
        """
        result: dict[str, dict[str, dict[str, Any]]] = {}
        for modality in KINDS:
            for target in TARGETS:
                held_out = self.select(modality, target)
                if not len(held_out.observed):
                    continue
                rho = self.reliability.get(modality, {}).get(target)
                part: dict[str, Any] = {}
                for level, find in (("means", self.cases), ("ratings", self.single_cases)):
                    cases = find(modality, target)
                    if cases is not None and len(cases.observed):
                        scored = score_all(
                            cases, reliability=rho if level == "means" else None, n_draws=n_draws
                        )
                        part[level] = {name: [_or_none(x) for x in figure] for name, figure in scored.items()}
                        part.setdefault("n", {})[level] = len(cases.observed)
                        part.setdefault("all_positive", {})[level] = {
                            name: _or_none(x) for name, x in all_positive(cases.observed).items()
                        }
                if rho is not None and rho > 0:
                    part["ceiling"] = {"r2": rho, "r": math.sqrt(rho)}
                if self.single is not None:
                    column = TARGETS.index(target)
                    part["rater_versus_rest"] = _or_none(
                        rater_versus_rest(
                            self.single.values[modality][..., column], self.single.rest[modality][..., column]
                        )
                    )
                result.setdefault(modality, {})[target] = part
        return result

    def cases(self, modality: str, target: str) -> Cases | None:
        """Return held-out stimulus means; None where what is held out are single ratings."""
        if self.protocol == "leave-participant-out":
            return None
        held_out = self.select(modality, target)
        return Cases(held_out.observed, held_out.predicted, held_out.baseline, held_out.stimulus)

    def single_cases(self, modality: str, target: str) -> Cases | None:
        """Return held-out single ratings, every rater of a held-out stimulus; None without such."""
        held_out = self.select(modality, target)
        if self.protocol == "leave-participant-out":
            return Cases(held_out.observed, held_out.predicted, held_out.baseline, held_out.stimulus)
        if self.single is None or self.protocol in BY_RATER:
            return None
        felt = self.single.values[modality][..., TARGETS.index(target)].T  # (n_stimuli, n_raters)
        felt = felt[np.searchsorted(self.single.stimulus, held_out.stimulus)]
        case, rater = np.nonzero(np.isfinite(felt))
        return Cases(
            felt[case, rater], held_out.predicted[case], held_out.baseline[case], held_out.stimulus[case]
        )

    def alone(self, kind: str) -> Evaluation:
        """Return what one sense alone predicts of the fused target: how far sound, or picture, gets.

        Parameters
        ----------
        kind : {"audio", "video"}
            The sense that is used.

        Returns
        -------
        Evaluation
            With the predictions from that sense, set against what was felt at both.

        Raises
        ------
        UsageError
            If the sense is neither, or was not predicted wherever both were.
        """
        if kind not in ("audio", "video"):
            raise UsageError(f"no sense {kind!r} to use alone: choose audio or video")
        both, one = (np.flatnonzero(self.modality == name) for name in ("fused", kind))
        place = {(self.fold[row], self.stimulus[row]): row for row in one}
        rows = [place.get((self.fold[row], self.stimulus[row])) for row in both]
        if not rows or None in rows:
            raise UsageError(f"{self.model} did not predict from {kind} alone what it predicted from both")
        return replace(
            self,
            model=f"{self.model} ({kind} alone)",
            fold=self.fold[both],
            stimulus=self.stimulus[both],
            modality=self.modality[both],
            observed=self.observed[both],
            predicted=self.predicted[np.array(rows, dtype=np.intp)],
            baseline=self.baseline[both],
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per held-out prediction, with the model and the protocol as columns."""
        import pandas as pd

        columns: dict[str, Any] = {"model": self.model, "protocol": self.protocol}
        for name in ("fold", "stimulus", "modality"):
            columns[name] = getattr(self, name)
        for column, target in enumerate(TARGETS):
            columns[f"observed_{target}"] = self.observed[:, column]
            columns[f"predicted_{target}"] = self.predicted[:, column]
            columns[f"baseline_{target}"] = self.baseline[:, column]
        return pd.DataFrame(columns)

    def to_dict(self) -> dict[str, Any]:
        """Return metrics and rows as plain lists and numbers, for JSON; what is undefined is None."""
        rows = self.to_frame().drop(columns=["model", "protocol"]).to_dict(orient="records")
        return {
            "model": self.model,
            "protocol": self.protocol,
            "metrics": self.metrics(),
            "report": self.report(),
            "rows": [
                {name: None if value != value else value for name, value in row.items()}  # only NaN differs
                for row in rows
            ],
        }

    def plot(self, ax: Axes | None = None, *, modality: str = "fused", target: str = "epp") -> Axes:
        """Draw predicted against observed values on `ax`, or on a new figure, and return the axes.

        Bars are 95 % intervals of what was felt, drawn over raters, where single ratings are there. The title
        has r with its interval over stimuli, and beside it the most that r can be, √ρ.
        """
        held_out = self.select(modality, target)
        if ax is None:
            from matplotlib.figure import Figure

            ax = Figure(figsize=(4.4, 4.4), layout="constrained").subplots()
        ax.plot([0, 1], [0, 1], color="0.8", linewidth=1, zorder=0)
        ax.errorbar(
            held_out.observed,
            held_out.predicted,
            xerr=self._spread(held_out, modality, target),
            fmt="o",
            color="#0072B2",
            ecolor="#9ecae1",
            elinewidth=1,
            markersize=4,
        )
        name = "EPP" if target == "epp" else target
        ax.set(
            xlabel=f"{name} rated by people", ylabel=f"{name} predicted, held out", xlim=(0, 1), ylim=(0, 1)
        )
        ax.set_aspect("equal")
        ax.set_title(f"{self.model}, {self.protocol}, {modality}\n{self._headline(modality, target)}", size=9)
        return ax

    def _spread(self, held_out: Selection, modality: str, target: str) -> NDArray[np.float64] | None:
        """Return how far the mean over raters may lie below and above, shape (2, n); None if not known."""
        if self.single is None or self.protocol in BY_RATER:
            return None
        felt = self.single.values[modality][..., TARGETS.index(target)]
        felt = felt[:, np.searchsorted(self.single.stimulus, held_out.stimulus)]
        drawn = np.random.default_rng(0).integers(len(felt), size=(500, len(felt)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of draws in which nobody rated a stimulus
            means = np.nanmean(felt[drawn], axis=1)
            low, high = np.nanquantile(means, [0.025, 0.975], axis=0) - np.nanmean(felt, axis=0)
        return np.asarray(np.nan_to_num(np.abs(np.stack([low, high]))))

    def _headline(self, modality: str, target: str) -> str:
        """Return r with its interval and its ceiling in words."""
        cases = self.cases(modality, target) or self.single_cases(modality, target)
        if cases is None or not len(cases.observed):
            return "nothing was predicted"
        found = score_all(cases)["r"]
        if not math.isfinite(found.value):
            return "r has no value: something is constant"
        text = f"r = {found.value:.2f}"
        if math.isfinite(found.low):
            text += f" [{found.low:.2f}, {found.high:.2f}]"
        rho = self.reliability.get(modality, {}).get(target)
        return text + (f", ceiling of r {math.sqrt(rho):.2f}" if rho is not None and rho > 0 else "")


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
