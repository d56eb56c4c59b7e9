"""Find out how fast brain emotional learning learns a person, beside ridge regression and a fitted line.

    python benchmarks/personalised.py [--corpus FOLDER] [--data-dir FOLDER] [--out FILE] [--figure FILE]

Needs the single ratings (`avfbel data fetch sievers2021`; --data-dir or AVFBEL_DATA). In three parts: stimuli
that the panel's ratings told the model about; stimuli held out from these too; and fixed rates and
other variants of the online rule, which nobody chose and which therefore only describe. One core.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from matplotlib.figure import Figure

from avfbel.data import load_dataset
from avfbel.learn.panel import load_panel
from avfbel.learn.personalised import personalise
from avfbel.learn.personalised_draws import Plan
from avfbel.learn.personalised_learners import Learner, Online
from avfbel.learn.personalised_material import Material, make_material
from avfbel.learn.personalised_result import Personalisation

MODEL = "bel"
FACTORS = (0.125, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0)
"""Of the rates of training, 0.1 and 0.2."""
REPEATS = (2, 4, 8)
"""How often a rating is shown in a row, as a clip of so many windows does."""


def main() -> None:
    """Run, print, draw and save."""
    root = Path(__file__).parent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=root / "results" / "personalised.json")
    parser.add_argument("--figure", type=Path, default=root.parent / "docs" / "images" / "personalised.png")
    options = parser.parse_args()
    data = load_dataset("sievers2021", corpus=options.corpus, progress=tell)
    panel = load_panel(data, options.data_dir)
    start = time.process_time()
    material = make_material(MODEL, data, panel)
    known = personalise(material, progress=tell)
    new = personalise(material, plan=Plan(groups=5), progress=tell)
    variants = personalise(material, learners=variants_of(material), progress=tell)
    seconds = time.process_time() - start
    for result, tests in ((known, (0, 1)), (new, (0,)), (variants, (0,))):
        for test in tests:
            print("\n".join(result.lines(test=test)))
    for way, settings in known.chosen.items():
        print(way, dict(Counter(json.dumps(setting) for setting in settings).most_common()))
    print(f"{seconds:.0f} s of processor time")
    report = {"command": "python benchmarks/personalised.py", "model": MODEL, "seconds": seconds}
    report["known_stimuli"], report["new_stimuli"] = known.to_dict(), new.to_dict()
    report["variants"] = variants.to_dict()
    for part in ("known_stimuli", "new_stimuli", "variants"):
        del report[part]["errors"]  # of every person: the intervals stand for them
    options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    draw(known, variants, options.figure)


def variants_of(material: Material) -> dict[str, Learner]:
    """Return online rules that are not chosen from: each has one setting."""
    alpha, beta = material.parameters.alpha, material.parameters.beta
    usual = {"alpha": alpha, "beta": beta}
    settings = {name_of(f): {"alpha": f * alpha, "beta": f * beta} for f in FACTORS}
    settings |= {f"each rating {n} times": {**usual, "repeats": n} for n in REPEATS}
    settings |= {
        f"{n} times, rates / {n}": {"alpha": alpha / n, "beta": beta / n, "repeats": n} for n in REPEATS
    }
    settings |= {
        "amygdala only": {**usual, "beta": 0.0},
        "orbitofrontal only": {**usual, "alpha": 0.0},
        "scaled to the panel": {**usual, "scaled": True},
        "added constant cue of 2": {**usual, "context": 2.0},
        "added constant cue of 4": {**usual, "context": 4.0},
    }
    return {name: Online(settings=[setting]) for name, setting in settings.items()}


def name_of(factor: float) -> str:
    """Return the name of the variant with so many times the rates of training."""
    return f"rates x {factor:g}"


def tell(stage: str, done: int, total: int) -> None:
    """Show how far it has come."""
    print(f"{stage}: {done} of {total}", end="\r", file=sys.stderr)


def draw(known: Personalisation, variants: Personalisation, path: Path) -> None:
    """Draw the error against the number of ratings, and against the rates."""
    figure = Figure(figsize=(12.6, 4.4), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 0.8))
    for ax, target in ((left, "epp"), (middle, "valence")):
        known.plot(ax, target=target)
    left.legend(fontsize=7.5, loc="lower left", frameon=False)
    low, high = (f(ax.get_ylim()[i] for ax in (left, middle)) for i, f in ((0, min), (1, max)))
    for ax in (left, middle):
        ax.set_ylim(low, high)
    for color, k in (("#08306b", 16), ("#4292c6", 8), ("#9ecae1", 4)):
        rows = [variants.change(name_of(f), "epp")[known.shown.index(k)] for f in FACTORS]
        right.plot(FACTORS, [100 * row.value for row in rows], "o-", color=color, ms=4, label=f"{k} ratings")
        right.fill_between(
            FACTORS, [100 * r.low for r in rows], [100 * r.high for r in rows], color=color, alpha=0.15, lw=0
        )
    right.axhline(0, color="0.3", lw=0.8)
    right.set_xscale("log", base=2)
    right.set_xticks(FACTORS, [f"{f:g}" for f in FACTORS], fontsize=8)
    right.minorticks_off()
    right.set(xlabel="rates, in those of training (0.1, 0.2)", ylabel="change in squared error of EPP (%)")
    right.legend(fontsize=7.5, frameon=False)
    for ax, letter in ((left, "a"), (middle, "b"), (right, "c")):
        ax.set_title(letter, loc="left", fontweight="bold", fontsize=10)
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
