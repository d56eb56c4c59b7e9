"""What the protocol `personalised` found: errors against the number of ratings shown, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.learn.evaluation import TARGETS
from avfbel.learn.intervals import Interval, draw_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from avfbel.learn.personalised_learners import Setting

Array = NDArray[np.float64]

BEL, AS_TRAINED, RIDGE = "bel", "bel, as trained", "ridge"
"""Online learning at chosen rates and at those of training, and what both are compared with."""
SOMEBODY_ELSE = "bel, another's ratings"
"""A control: a person is predicted after another rater's ratings of the same clips were shown."""


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Personalisation:
    """Errors of models that were shown some ratings of a person.

    Attributes
    ----------
    raters : tuple of str
        Who was learned.
    shown : tuple of int
        How many ratings were shown; the first is 0.
    tests : tuple of str
        What was predicted: "other ratings", "other stimuli" (none of whose ratings were shown), "new stimuli"
        (which the model did not meet in the panel's ratings either).
    errors : mapping of str to ndarray, shape (n_raters, len(shown), 2, len(tests))
        Mean squared errors of EPP and of valence by way of learning, averaged over draws.
    chosen : mapping of str to list of mapping
        The setting that the other raters chose for each rater.
    """

    raters: tuple[str, ...]
    shown: tuple[int, ...]
    tests: tuple[str, ...]
    errors: Mapping[str, Array]
    chosen: Mapping[str, Sequence[Setting]]

    def change(
        self, way: str, target: str, *, test: int = 0, beside: str | None = None, n_draws: int = 4000
    ) -> list[Interval]:
        """Return the change in squared error after each number of ratings, as a share of that before any.

        Parameters
        ----------
        way : str
            A name of `errors`.
        target : {"epp", "valence"}
            What is predicted.
        test : int
            Number of the test, see `tests`.
        beside : str, optional
            Another way, from whose error after as many ratings the change is counted; by default that of the
            model without any.
        n_draws : int
            Draws of the bootstrap over raters.

        Returns
        -------
        list of Interval
            Mean over raters and its 95 % interval, below 0 where the error fell; one for each of `shown`.
        """
        column = TARGETS.index(target)
        after = self.errors[way][:, :, column, test]
        before = after[:, :1]
        reference = before if beside is None else self.errors[beside][:, :, column, test]
        weights = draw_weights(np.array(self.raters), n_draws=n_draws)
        drawn = (weights @ (after - reference)) / (weights @ before)
        value = (after - reference).mean(axis=0) / before.mean()
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        return [Interval(*map(float, row)) for row in zip(value, low, high, strict=True)]

    def claim(self, target: str, *, test: int = 0, way: str = BEL, enough: int = 8) -> dict[str, Any]:
        """Say whether a way of learning is never worse on average, and better from `enough` ratings on.

        Returns
        -------
        dict
            ``never_worse``: the mean error is nowhere above that before any rating; ``surely_worse_at`` and
            ``surely_better_at``: the numbers of ratings at which the interval lies above, and below, 0;
            ``earned``: never worse, and surely better at all numbers from `enough` on; ``raters_better``: for
            how many raters the error fell after the most ratings.
        """
        rows = list(zip(self.shown, self.change(way, target, test=test), strict=True))[1:]
        never_worse = all(row.value <= 0 for _, row in rows)
        better = [k for k, row in rows if row.high < 0]
        own = self.errors[way][:, :, TARGETS.index(target), test]
        return {
            "never_worse": never_worse,
            "surely_worse_at": [k for k, row in rows if row.low > 0],
            "surely_better_at": better,
            "earned": never_worse and all(k in better for k, _ in rows if k >= enough),
            "raters_better": int((own[:, -1] < own[:, 0]).sum()),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "protocol": "personalised",
            "raters": list(self.raters),
            "shown": list(self.shown),
            "tests": {
                test: {target: self._figures(target, number) for target in TARGETS}
                for number, test in enumerate(self.tests)
            },
            "chosen": {way: [dict(setting) for setting in of] for way, of in self.chosen.items()},
            "errors": {way: of.tolist() for way, of in self.errors.items()},
        }

    def _figures(self, target: str, test: int) -> dict[str, Any]:
        column = TARGETS.index(target)
        figures: dict[str, Any] = {
            "mse_unpersonalised": float(next(iter(self.errors.values()))[:, 0, column, test].mean()),
            "change": {way: _plain(self.change(way, target, test=test)) for way in self.errors},
            "claim": {way: self.claim(target, test=test, way=way) for way in self.errors},
        }
        if RIDGE in self.errors:
            figures["minus_ridge"] = {
                way: _plain(self.change(way, target, test=test, beside=RIDGE))
                for way in self.errors
                if way != RIDGE
            }
        return figures

    def lines(self, *, target: str | None = None, test: int = 0) -> list[str]:
        """Return a table to print: the change in squared error, in per cent, with intervals over raters."""
        told = [f"change in squared error, %, {self.tests[test]}, after so many ratings of the person"]
        told.append(f"  {'':<32}" + "".join(f"{k:>20}" for k in self.shown[1:]))
        for name in TARGETS:
            if target in (None, name):
                for way in self.errors:
                    told.append(_row(f"{name}, {way}", self.change(way, name, test=test)))
                for way in (BEL, AS_TRAINED):
                    if {way, RIDGE} <= set(self.errors):
                        difference = self.change(way, name, test=test, beside=RIDGE)
                        told.append(_row(f"{name}, {way} - {RIDGE}", difference))
                for way in (BEL, AS_TRAINED):
                    if way in self.errors:
                        told.append(f"  {name}, {way}: {self._verdict(way, name, test)}")
        return told

    def _verdict(self, way: str, target: str, test: int) -> str:
        claim = self.claim(target, test=test, way=way)
        worse = "never worse on average" if claim["never_worse"] else "worse on average somewhere"
        sure = ", ".join(map(str, claim["surely_better_at"])) or "no number"
        return f"{worse}; better, by the interval, at {sure} of ratings; " + (
            f"better for {claim['raters_better']} of {len(self.raters)} raters after {self.shown[-1]}"
        )

    def plot(self, ax: Axes | None = None, *, target: str = "epp", test: int = 0) -> Axes:
        """Draw the change in squared error against the number of ratings, with intervals over raters.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; by default on a new figure.
        target : {"epp", "valence"}
            What is predicted.
        test : int
            Number of the test, see `tests`.

        Returns
        -------
        Axes
            What was drawn on.
        """
        from matplotlib.figure import Figure

        ax = ax or Figure(layout="constrained").subplots()
        place = np.arange(len(self.shown))
        ways = list(self.errors)
        for number, way in enumerate(ways):
            value, low, high = 100 * np.array(self.change(way, target, test=test)).T
            shift = 0.07 * (number - (len(ways) - 1) / 2)
            control = way == SOMEBODY_ELSE
            ax.errorbar(
                place + shift,
                value,
                [value - low, high - value],
                label=way,
                color="0.6" if control else f"C{number}",
                linestyle=":" if control else "-",
                linewidth=2.2 if way == BEL else 1.2,
                elinewidth=0.9,
                marker="o",
                markersize=4,
            )
        ax.axhline(0, color="0.3", lw=0.8)
        ax.set_xticks(place, [str(k) for k in self.shown])
        names = {"epp": "EPP", "valence": "valence"}
        ax.set(xlabel="ratings shown", ylabel=f"change in squared error of {names[target]} (%)")
        return ax


def _plain(rows: Sequence[Interval]) -> list[dict[str, float]]:
    return [row._asdict() for row in rows]


def _row(title: str, rows: Sequence[Interval]) -> str:
    """Return a line of per cents, 0 ratings left out."""
    cells = [f"{100 * row.value:+.1f} [{100 * row.low:+.1f}, {100 * row.high:+.1f}]" for row in rows[1:]]
    return f"  {title:<32}" + "".join(f"{cell:>20}" for cell in cells)
