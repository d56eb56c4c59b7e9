"""Held-out predictions of one model under one protocol, and what they are worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.learn.metrics import pearson_r, score

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

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
    modality and target to ρ, the ceiling of R², where it is known.
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
            "rows": [
                {name: None if value != value else value for name, value in row.items()}  # only NaN differs
                for row in rows
            ],
        }

    def plot(self, ax: Axes | None = None, *, modality: str = "fused", target: str = "epp") -> Axes:
        """Draw predicted against observed values on `ax`, or on a new figure, and return the axes."""
        held_out = self.select(modality, target)
        if ax is None:
            from matplotlib.figure import Figure

            ax = Figure(figsize=(4, 4), layout="constrained").subplots()
        ax.plot([0, 1], [0, 1], color="0.8", linewidth=1, zorder=0)
        ax.plot(held_out.observed, held_out.predicted, "o", color="#0072B2", markersize=5)
        r = pearson_r(held_out.observed, held_out.predicted)
        name = "EPP" if target == "epp" else target
        ax.set(
            xlabel=f"{name} rated by people", ylabel=f"{name} predicted, held out", xlim=(0, 1), ylim=(0, 1)
        )
        ax.set_title(f"{self.protocol}, {modality}" + (f": r = {r:.2f}" if math.isfinite(r) else ""))
        return ax
