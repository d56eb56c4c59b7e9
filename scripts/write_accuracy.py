"""Write the tables of docs/accuracy.md from committed results, or with --check tell whether they are current.

python scripts/write_accuracy.py [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "accuracy.md"
RESULTS = ROOT / "benchmarks" / "results"
PROTOCOLS = {"leave-stimulus-out": "a stimulus", "leave-prototype-out": "an emotion and its mixes"}
PERCEIVED = {"fused": "both", "audio": "sound alone", "video": "picture alone"}
TARGETS = {"epp": "EPP", "valence": "valence"}
Results = dict[str, Any]


def main() -> None:
    """Renew the page or check it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = PAGE.read_text(encoding="utf-8")
    renewed = renew(text, load())
    if not check:
        PAGE.write_text(renewed, encoding="utf-8")
    elif renewed != text:
        sys.exit("docs/accuracy.md does not show the committed results: run python scripts/write_accuracy.py")


def load() -> Results:
    """Return the results that the tables are made from, by name."""
    read = {
        name: json.loads((RESULTS / f"{name}.json").read_text("utf-8")) for name in ("accuracy", "nested")
    }
    card = json.loads((files("avfbel") / "bundles/default/card.json").read_text("utf-8"))
    return {**read, "card": card}


def renew(text: str, results: Results) -> str:
    """Return the text with every block between its marks written anew."""
    for name, block in BLOCKS.items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, rest = text.split(start, 1)
        after = rest.split(end, 1)[1]
        text = f"{before}{start}\n{block(results)}\n{end}{after}"
    return text


def nested_table(results: Results) -> str:
    """Return what choosing inside the training folds comes to."""
    rows = ["| held out | perceived | target | r | R² |", "|---|---|---|---:|---:|"]
    for protocol, held_out in PROTOCOLS.items():
        for kind, perceived in PERCEIVED.items():
            for target, name in TARGETS.items():
                f = results["nested"][protocol]["nested"][kind][target]
                rows.append(f"| {held_out} | {perceived} | {name} | {f['r']:.3f} | {f['r2']:.3f} |")
    return "\n".join(rows)


def choices_table(results: Results) -> str:
    """Return the inner error of everything that was tried."""
    nested = results["nested"]
    stimulus, prototype = (nested[protocol] for protocol in PROTOCOLS)
    rows = [
        "| passes | α (β = 2α) | lines adapt | inner error | chosen by | inner error, emotion held out |",
        "|---:|---:|---|---:|---:|---:|",
    ]
    for number, choice in enumerate(nested["choices"]):
        cells = [
            str(choice["bel_epochs"]),
            f"{choice['alpha']:g}",
            "yes" if choice["adapt"] else "no",
            f"{stimulus['inner'][number]:.3f}",
            f"{stimulus['chosen'].count(number)} of {len(stimulus['chosen'])}",
            f"{prototype['inner'][number]:.3f}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def comparison_table(results: Results) -> str:
    """Return every model on the same folds, perceiving what it can."""
    metrics = results["accuracy"]["metrics"]
    rows = [
        "| model | stimulus: EPP r [95 %] | nEV | valence r [95 %] | nEV | emotion: EPP r | valence r | s |",
        "|---|---|---:|---|---:|---:|---:|---:|",
    ]
    for model, by_protocol in metrics.items():
        first, second = (by_protocol[protocol] for protocol in PROTOCOLS)
        kind = "fused" if "fused" in first else next(iter(first))
        name = f"`{model}`" + ("" if kind == "fused" else f" ({PERCEIVED[kind]})")
        cells = [name]
        for target in TARGETS:
            f = first[kind][target]
            cells += [_with_interval(f), _number(f["nev"])]
        cells += [_number(second[kind][target]["r"]) for target in TARGETS]
        cells.append(f"{results['accuracy']['seconds'][model]:.0f}")
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def differences_table(results: Results) -> str:
    """Return the paired differences of avf-bel and each other model with both senses."""
    rows = [
        "| avf-bel minus | stimulus: EPP | valence | emotion: EPP | valence |",
        "|---|---|---|---|---|",
    ]
    differences = results["accuracy"]["differences"]
    others = list(dict.fromkeys(row["second"] for row in differences[next(iter(PROTOCOLS))]))
    for other in others:
        cells = []
        for protocol in PROTOCOLS:
            for target in TARGETS:
                found = [
                    row
                    for row in differences[protocol]
                    if (row["second"], row["modality"], row["target"], row["metric"])
                    == (other, "fused", target, "r")
                ]
                cells.append(_difference(found[0]) if found else "")
        if any(cells):
            rows.append(f"| `{other}` | {' | '.join(cells)} |")
    return "\n".join(rows)


def fusion_table(results: Results) -> str:
    """Return by how much both senses do better than one."""
    rows = [
        "| held out | both senses against | target | each on its own ratings | both on the fused ratings |",
        "|---|---|---|---|---|",
    ]
    for protocol, held_out in PROTOCOLS.items():
        for alone, of in results["accuracy"]["fusion"][protocol].items():
            for target, name in TARGETS.items():
                cells = [
                    "{:+.2f} [{:+.2f}, {:+.2f}]".format(*of[target][way])
                    for way in ("each_on_its_own_ratings", "both_on_the_fused_ratings")
                ]
                rows.append(f"| {held_out} | {PERCEIVED[alone]} | {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def costs_table(results: Results) -> str:
    """Return what each circuit fits to ratings, what else it holds, and operations a window."""
    rows = [
        "| circuit | fitted to ratings | other parameters | operations a window |",
        "|---|---:|---:|---:|",
    ]
    for name, cost in results["accuracy"]["costs"].items():
        numbers = (cost[key] for key in ("fitted_to_ratings", "other_parameters", "operations_a_window"))
        rows.append(f"| `{name}` | {' | '.join(f'{number:,}' for number in numbers)} |")
    return "\n".join(rows)


def search_table(results: Results) -> str:
    """Return the main figures with and without the points that a search found."""
    rows = [
        "| perceived | target | all 38: r | without the two search points: r [95 %] |",
        "|---|---|---:|---|",
    ]
    whole = results["accuracy"]["metrics"]["avf-bel"]["leave-stimulus-out"]
    without = results["accuracy"]["without_search_points"]["avf-bel"]
    for kind, perceived in PERCEIVED.items():
        for target, name in TARGETS.items():
            r, low, high = without[kind][target]["r"]
            rows.append(
                f"| {perceived} | {name} | {whole[kind][target]['r']:.2f} | {r:.2f} [{low:.2f}, {high:.2f}] |"
            )
    return "\n".join(rows)


def intervals_table(results: Results) -> str:
    """Return the calibrated intervals and how often they held."""
    intervals = results["card"]["intervals"]
    rows = ["| perceived | EPP ± | held in |", "|---|---:|---:|"]
    for kind, perceived in PERCEIVED.items():
        of = intervals[kind]
        rows.append(f"| {perceived} | {of['half_width']:.3f} | {100 * of['coverage']:.0f} % |")
    return "\n".join(rows)


def fidelity_table(results: Results) -> str:
    """Return how well the shipped cortex tells each feature in clips that it did not learn from."""
    told = results["card"]["cortex"]["fidelity"]
    rows = ["| feature | r |", "|---|---:|"]
    return "\n".join([*rows, *(f"| {name} | {r:.3f} |" for name, r in told.items())])


BLOCKS: dict[str, Callable[[Results], str]] = {
    "nested": nested_table,
    "choices": choices_table,
    "comparison": comparison_table,
    "differences": differences_table,
    "fusion": fusion_table,
    "costs": costs_table,
    "search": search_table,
    "intervals": intervals_table,
    "fidelity": fidelity_table,
}


def _with_interval(f: dict[str, Any]) -> str:
    return "–" if f["r"] is None else f"{f['r']:.2f} [{f['r_low']:.2f}, {f['r_high']:.2f}]"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 2) + 0.0:.2f}"  # no minus before zero


def _difference(row: dict[str, Any]) -> str:
    return f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"


if __name__ == "__main__":
    main()
