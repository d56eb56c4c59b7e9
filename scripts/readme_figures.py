"""Write the measured figures into README.md, or with --check tell whether they are current.

python scripts/readme_figures.py [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README, OTHERS = ROOT / "README.md", ROOT / "benchmarks" / "results" / "accuracy.json"
START, END = "<!-- figures: ", "<!-- end of figures -->"
PERCEIVED = {"fused": "both", "audio": "sound alone", "video": "picture alone"}
RIVALS = ("ridge", "gp", "bel")
HELD_OUT = {"leave-stimulus-out": "one stimulus", "leave-prototype-out": "an emotion and its mixes"}


def main() -> None:
    """Renew README.md or check it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = README.read_text(encoding="utf-8")
    card = json.loads((files("avfbel") / "bundles/default/card.json").read_text("utf-8"))
    renewed = renew(text, card["metrics"], json.loads(OTHERS.read_text("utf-8"))["metrics"])
    if not check:
        README.write_text(renewed, encoding="utf-8")
    elif renewed != text:
        sys.exit("README.md does not show the figures of the card: run python scripts/readme_figures.py")


def renew(text: str, metrics: dict[str, Any], others: dict[str, Any]) -> str:
    """Return the text with the table of figures between the two marks."""
    before, rest = text.split(START, 1)
    mark, rest = rest.split("\n", 1)
    after = rest.split(END, 1)[1]
    return f"{before}{START}{mark}\n{table(metrics, others)}\n{END}{after}"


def table(metrics: dict[str, Any], others: dict[str, Any]) -> str:
    """Return the held-out figures of the model and three others as a Markdown table."""
    rows = [
        "| held out | perceived | target | avf-bel: r [95 %] | R² | nEV | ridge: r | GP: r | `bel`: r |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for protocol, held_out in HELD_OUT.items():
        for modality, perceived in PERCEIVED.items():
            for target in ("epp", "valence"):
                f = metrics[protocol][modality][target]
                name = "EPP" if target == "epp" else target
                r = f"{f['r']:.2f} [{f['r_low']:.2f}, {f['r_high']:.2f}]"
                rivals = (others[model][protocol][modality][target]["r"] for model in RIVALS)
                cells = [held_out, perceived, name, r, f"{f['r2']:.2f}", f"{f['nev']:.2f}"]
                rows.append(f"| {' | '.join([*cells, *(f'{rival:.2f}' for rival in rivals)])} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
