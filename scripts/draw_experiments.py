"""Run the audio-visual experiments on the shipped model, draw them, and write what was found into the page.

python scripts/draw_experiments.py           runs them on all 38 stimuli: two to four minutes
python scripts/draw_experiments.py --page    writes the page from the committed findings
python scripts/draw_experiments.py --check   tells whether the page is current
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "experiments.json"
PAGE = ROOT / "docs" / "experiments.md"
IMAGES = ROOT / "docs" / "images"
START, END = "<!-- {}: ", "<!-- end of {} -->"
PARTS = ("congruence", "delay", "degrade", "weights")


def main() -> None:
    """Run, write or check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if not (options.page or options.check):
        RESULTS.write_text(json.dumps(run(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text, found = PAGE.read_text(encoding="utf-8"), json.loads(RESULTS.read_text(encoding="utf-8"))
    renewed = renew(text, found)
    if not options.check:
        PAGE.write_text(renewed, encoding="utf-8")
    elif renewed != text:
        sys.exit("docs/experiments.md is not current: run python scripts/draw_experiments.py --page")


def run() -> dict[str, Any]:
    """Run the experiments, draw them, and return what was found."""
    from avfbel import Bundle
    from avfbel.interpret import asynchrony, congruence, degradation
    from avfbel.interpret.weights import limbic_maps
    from avfbel.interpret.weights_figure import draw_maps
    from avfbel.runtime.figure import encode_figure

    found: dict[str, Any] = {"bundle_sha256": Bundle.open("default").sha256}
    for name, experiment in (("congruence", congruence), ("delay", asynchrony), ("degrade", degradation)):
        done = experiment()
        done.plot(IMAGES / f"experiment_{name}.png")
        found[name] = done.sentences()
    maps = limbic_maps()
    (IMAGES / "weights.png").write_bytes(encode_figure(draw_maps(maps), "png"))
    found["weights"] = [
        f"{name}: {of.n} values; exact zeros {of.zeros:.0%}, below 1 % of the largest {of.near_zero:.0%}, "
        f"Hoyer index {of.hoyer:.2f}".replace("Hoyer index nan", "no Hoyer index, as all are 0")
        for name, of in maps.sparsity().items()
    ]
    return found


def renew(text: str, found: dict[str, Any]) -> str:
    """Return the page with its blocks written anew."""
    for part in PARTS:
        before, rest = text.split(START.format(part), 1)
        mark, rest = rest.split("\n", 1)
        after = rest.split(END.format(part), 1)[1]
        block = "\n".join(f"- {sentence}" for sentence in found[part])
        text = f"{before}{START.format(part)}{mark}\n{block}\n{END.format(part)}{after}"
    return text


if __name__ == "__main__":
    main()
