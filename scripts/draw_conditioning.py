"""Draw docs/images/conditioning.png: the limbic system in the experiments of classical conditioning."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from avfbel.brain import LimbicParameters, LimbicState, limbic_output, limbic_step
from avfbel.brain.limbic import initial_state

Cue = NDArray[np.float64]
Lesson = tuple[Cue, float]
A, B, X, NOVEL = (np.eye(4)[i] for i in range(4))
FOOD, NOTHING = 1.0, 0.0
BLUE, ORANGE, GREY, RED = "#1f6fb4", "#d9730d", "#8a8a8a", "#b3261e"


@dataclass(frozen=True)
class Animal:
    """An animal that is trained trial by trial; training returns another animal."""

    parameters: LimbicParameters = LimbicParameters()  # noqa: RUF009 - it is frozen
    state: LimbicState = initial_state(4, 1)  # noqa: RUF009 - never changed

    def says(self, cue: Cue) -> float:
        """Return the emotional output for a cue, before any reward."""
        return limbic_output(self.state, cue, self.parameters).emotion.item()

    def after(self, *lessons: Lesson, trials: int) -> Animal:
        """Go through the lessons in turn, `trials` times."""
        state = self.state
        for _ in range(trials):
            for cue, reward in lessons:
                state, _ = limbic_step(state, cue, np.array([reward]), self.parameters)
        return replace(self, state=state)

    def course(self, *lessons: Lesson, trials: int) -> tuple[list[list[float]], Animal]:
        """Return what it says to the cue of each lesson, trial by trial, and the animal after them."""
        said, animal = [], self
        for _ in range(trials):
            said.append([animal.says(cue) for cue, _ in lessons])
            animal = animal.after(*lessons, trials=1)
        return [list(column) for column in zip(*said, strict=True)], animal

    def lesioned(self) -> Animal:
        """Return it without its orbitofrontal cortex."""
        lesions = frozenset({"orbitofrontal"})
        return replace(self, parameters=replace(self.parameters, lesions=lesions))


def phases(ax: Axes, names: list[str], length: int) -> None:
    """Name successive phases of equal length and draw the lines between them."""
    ax.set_xlim(0, len(names) * length)
    for k, name in enumerate(names):
        if k:
            ax.axvline(k * length, color="#cccccc", lw=0.8, zorder=0)
        ax.text((k + 0.5) * length, 1.13, name, ha="center", va="center", fontsize=8, color="#555555")
    ax.set(ylim=(-0.12, 1.22), xlabel="trial")


def bars(ax: Axes, values: dict[str, float], colors: list[str]) -> None:
    """Draw and print values."""
    ax.bar(list(values), list(values.values()), color=colors, width=0.6)
    for k, value in enumerate(values.values()):
        ax.text(k, max(value, 0) + 0.03, f"{value:.2f}", ha="center", fontsize=8)
    ax.set_ylim(-0.12, 1.22)
    ax.tick_params(axis="x", labelsize=8)


def course_of_extinction(ax: Axes) -> None:
    """Acquisition, extinction and acquisition again, with the two regions behind them."""
    animal, emotion, amygdala, inhibition = Animal(), [], [], []
    for reward in np.repeat([FOOD, NOTHING, FOOD], 50):
        animal_says = limbic_output(animal.state, A, animal.parameters)
        emotion.append(animal_says.emotion.item())
        amygdala.append(animal_says.amygdala.item())
        inhibition.append(animal_says.orbitofrontal.item())
        animal = animal.after((A, reward), trials=1)
    ax.plot(amygdala, color=ORANGE, ls="--", lw=1.2)
    ax.plot(inhibition, color=GREY, ls=":", lw=1.5)
    ax.plot(emotion, color=BLUE)
    ax.text(52, 1.03, "amygdala", color=ORANGE, fontsize=8)
    ax.text(98, 0.76, "orbitofrontal", color=GREY, fontsize=8, ha="right")
    ax.text(98, 0.2, "emotion =\ndifference", color=BLUE, fontsize=8, ha="right")
    phases(ax, ["A → food", "A → nothing", "A → food"], 50)
    ax.set_title("acquisition and extinction")


def first_and_again(ax: Axes, rule: str, title: str) -> None:
    """Lay the second acquisition over the first."""
    naive = Animal(LimbicParameters(rule=rule))
    (first,), trained = naive.course((A, FOOD), trials=200)
    (again,), _ = trained.after((A, NOTHING), trials=200).course((A, FOOD), trials=41)
    for course, color, name in ((first[:41], BLUE, "first"), (again, ORANGE, "again")):
        reached = next(i for i, said in enumerate(course) if said >= 0.9)
        ax.plot(course, color=color, label=f"{name}: 0.9 after {reached} trials")
        ax.plot(reached, course[reached], "o", color=color, ms=4)
    ax.axhline(1, color="#cccccc", lw=0.8, zorder=0)
    ax.set(title=title, xlabel="trial", ylim=(-0.12, 1.22), xlim=(0, 40))
    ax.legend(loc="lower right")


def blocking(ax: Axes) -> None:
    """B is learned with A, which already predicts the food, or with A from the start."""
    blocked = Animal().after((A, FOOD), trials=80).after((A + B, FOOD), trials=80)
    control = Animal().after((A + B, FOOD), trials=80)
    values = {
        "B, AB → food\nonly": control.says(B),
        "B, A → food\nbefore": blocked.says(B),
        "a novel\ncue": blocked.says(NOVEL),
    }
    bars(ax, values, [GREY, BLUE, ORANGE])
    ax.set_title("blocking")


def overshadowing(ax: Axes) -> None:
    """A is learned alone, or together with a cue as salient, or with a fainter one."""
    alone = Animal().after((A, FOOD), trials=80)
    both = Animal().after((A + B, FOOD), trials=80)
    unequal = Animal().after((A + 0.5 * B, FOOD), trials=80)
    values = {
        "A, learned\nalone": alone.says(A),
        "A, learned\nwith B": both.says(A),
        "A, with\nfaint B": unequal.says(A),
        "faint B,\nwith A": unequal.says(0.5 * B),
    }
    bars(ax, values, [GREY, BLUE, ORANGE, ORANGE])
    ax.set_title("overshadowing")


def with_inhibitor() -> Animal:
    """A is food, A with X is not; B is food."""
    trained = Animal().after((A, FOOD), trials=80)
    return trained.after((A, FOOD), (A + X, NOTHING), (B, FOOD), trials=400)


def summation(ax: Axes) -> None:
    """X takes away from a cue it was never shown with."""
    animal = with_inhibitor()
    values = {"B": animal.says(B), "B + novel": animal.says(B + NOVEL), "B + X": animal.says(B + X)}
    bars(ax, values, [GREY, ORANGE, BLUE])
    ax.set_title("inhibitor X: summation")


def retardation(ax: Axes) -> None:
    """X learns later than a novel cue."""
    animal = with_inhibitor()
    for cue, color, name in ((NOVEL, ORANGE, "novel cue → food"), (X, BLUE, "X → food")):
        (course,), _ = animal.course((cue, FOOD), trials=11)
        ax.plot(course, "o-", ms=3, color=color, label=name)
    ax.axhline(0, color="#cccccc", lw=0.8, zorder=0)
    ax.set(title="inhibitor X: retardation", xlabel="trial", xlim=(0, 10))
    ax.legend(loc="lower right")


def discrimination(ax: Axes) -> None:
    """Two compounds with a common cue are told apart, and learned the other way round."""
    learned, trained = Animal().course((A + X, FOOD), (B + X, NOTHING), trials=120)
    reversed_, _ = trained.course((A + X, NOTHING), (B + X, FOOD), trials=120)
    for k, (name, color) in enumerate((("A + X", BLUE), ("B + X", ORANGE))):
        ax.plot(learned[k] + reversed_[k], color=color, label=name)
    phases(ax, ["AX → food, BX → –", "AX → –, BX → food"], 120)
    ax.set_title("discrimination and reversal")
    ax.legend(loc="center right")


def lesion_and_extinction(ax: Axes) -> None:
    """Without orbitofrontal cortex nothing is extinguished; if it goes later, the emotion returns."""
    (up,), trained = Animal().course((A, FOOD), trials=50)
    courses = {
        "intact": (trained, lambda animal: animal, GREY),
        "lesion before extinction": (trained.lesioned(), lambda animal: animal, ORANGE),
        "lesion after it": (trained, Animal.lesioned, BLUE),
    }
    for name, (animal, then, color) in courses.items():
        (down,), extinct = animal.course((A, NOTHING), trials=50)
        (tested,), _ = then(extinct).course((A, NOTHING), trials=50)
        style = {"intact": "-", "lesion after it": "--"}.get(name, "-")
        ax.plot(up + down + tested, style, color=color, lw=1.2 if name == "intact" else 1.6)
    phases(ax, ["A → food", "A → nothing", "A → nothing"], 50)
    ax.set_title("orbitofrontal lesion: extinction")
    ax.text(97, 0.74, "lesioned\nbefore\nextinction", color=ORANGE, fontsize=8, ha="right")
    ax.text(103, 0.5, "lesioned after\nextinction", color=BLUE, fontsize=8, va="center")
    ax.text(125, 0.04, "intact", color=GREY, fontsize=8, ha="center")


def lesion_and_reversal(ax: Axes) -> None:
    """Without orbitofrontal cortex the cue that is not rewarded any more keeps its emotion."""
    learned, trained = Animal().course((A, FOOD), (B, NOTHING), trials=80)
    for animal, style in ((trained, ":"), (trained.lesioned(), "-")):
        reversed_, _ = animal.course((A, NOTHING), (B, FOOD), trials=80)
        for k, (name, color) in enumerate((("A", BLUE), ("B", ORANGE))):
            label = f"{name}, {'intact' if style == ':' else 'lesioned'}"
            ax.plot(range(80, 160), reversed_[k], style, color=color, label=label)
            ax.plot(learned[k], color=color, lw=1.6)
    phases(ax, ["A → food, B → –", "A → –, B → food"], 80)
    ax.set_title("orbitofrontal lesion: reversal")
    ax.legend(loc="center right", bbox_to_anchor=(1.0, 0.5), fontsize=7)


def printed_rule(ax: Axes) -> None:
    """The printed rule grows without bound, however small its rate."""
    for beta, color in ((0.05, GREY), (0.1, ORANGE), (0.2, RED)):
        animal = Animal(LimbicParameters(rule="published", beta=beta))
        (course,), _ = animal.course((A, FOOD), trials=61)
        ax.plot(course, color=color, label=f"β = {beta:g}")
    ax.axhline(1, color=BLUE, lw=1, ls="--", label="reward")
    ax.set_yscale("symlog", linthresh=2)
    ax.set_yticks([0, 1, 10, 100, 1e3, 1e4, 1e5], ["0", "1", "10", "100", "1000", "10⁴", "10⁵"])
    ax.set(
        title="printed rule: divergence",
        xlabel="trial",
        xlim=(0, 60),
        ylim=(0, 3e5),
        ylabel="emotion E (food = 1)",
    )
    ax.legend(loc="upper left")


def overshoot(ax: Axes) -> None:
    """The engineering rule passes the reward."""
    for rule, color in (("moren", BLUE), ("belbic", RED)):
        (course,), _ = Animal(LimbicParameters(rule=rule)).course((A, FOOD), trials=61)
        ax.plot(course, color=color, label=f"{rule}: at most {max(course):.2f}")
    ax.axhline(1, color="#cccccc", lw=0.8, zorder=0)
    ax.set(title="rule belbic: overshoot", xlabel="trial", xlim=(0, 60), ylim=(-0.12, 1.22))
    ax.legend(loc="lower right")


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    docs = Path(__file__).parents[1] / "docs" / "images"
    parser.add_argument("--out", type=Path, default=docs / "conditioning.png")
    out = parser.parse_args().out
    plt.rcParams.update({"font.size": 9, "axes.titlesize": 10, "legend.fontsize": 7.5})
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": True})
    plt.rcParams.update({"legend.edgecolor": "none", "legend.borderpad": 0.2})
    figure, axes = plt.subplots(3, 4, figsize=(14, 9.2), layout="constrained")
    panels = (
        course_of_extinction,
        lambda ax: first_and_again(ax, "moren", "savings"),
        blocking,
        overshadowing,
        summation,
        retardation,
        discrimination,
        lesion_and_extinction,
        lesion_and_reversal,
        printed_rule,
        overshoot,
        lambda ax: first_and_again(ax, "belbic", "rule belbic: no savings"),
    )
    for letter, ax, draw in zip("abcdefghijkl", axes.flat, panels, strict=True):
        draw(ax)
        ax.set_title(f"{letter}  {ax.get_title()}", loc="left", fontweight="bold")
        ax.set_title("")
        if not ax.get_ylabel():
            ax.set_ylabel("emotion E (food = 1)")
    figure.savefig(out, dpi=100)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
