"""Evaluate the baselines on the folds and measurements that the shipped model's card was made from.

    python benchmarks/baselines.py [--corpus FOLDER] [--out benchmarks/results/baselines.json]

Prints and saves ``{model: {protocol: {modality: {target: figures}}}}``. Takes some minutes once the corpus is
measured; without --corpus it is made and measured first.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from avfbel.data import load_dataset
from avfbel.learn import cross_validate

MODELS = ("ridge", "gp", "svr", "bel")
PROTOCOLS = ("leave-stimulus-out", "leave-prototype-out")


def main() -> None:
    """Evaluate, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "baselines.json")
    options = parser.parse_args()

    def tell(stage: str, done: int, total: int) -> None:
        print(f"{stage}: {done} of {total}", end="\r", file=sys.stderr)

    data = load_dataset("sievers2021", corpus=options.corpus, progress=tell)
    figures = {
        model: {
            protocol: cross_validate(model, data, protocol, progress=tell).metrics() for protocol in PROTOCOLS
        }
        for model in MODELS
    }
    for model, by_protocol in figures.items():
        for protocol, metrics in by_protocol.items():
            r = {f"{kind} {name}": of["r"] for kind, m in metrics.items() for name, of in m.items()}
            print(model, protocol, " ".join(f"{what} {value:.2f}" for what, value in r.items()))
    options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
