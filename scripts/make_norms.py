"""Compute the norms and their reliability that the package ships, from the published ratings.

Usage: python scripts/make_norms.py [FOLDER WITH ratings.csv]   (without it, AVFBEL_DATA)
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path

from avfbel.data.norms import SOURCE, compute_norms, write_norms
from avfbel.data.ratings import load_ratings
from avfbel.learn.ceiling import reliability_table

N_SPLITS, SEED = 200, 0


def main() -> None:
    """Write sievers2021_norms.csv and sievers2021_reliability.json into the package."""
    ratings = load_ratings(sys.argv[1] if len(sys.argv) > 1 else None)
    folder = Path(str(files("avfbel.data")))
    write_norms(compute_norms(ratings), folder / "sievers2021_norms.csv")
    table = reliability_table(ratings, n_splits=N_SPLITS, seed=SEED)
    content = {
        **SOURCE,
        "norms": "sievers2021_norms.csv: mean, sample standard deviation and number of ratings (0-127) by "
        "stimulus and modality; fused is 0.25 music + 0.75 animation",
        "method": f"split-half over participants, {N_SPLITS} splits, seed {SEED}, Spearman-Brown corrected",
        "reliability": {m: {t: round(rho, 4) for t, rho in targets.items()} for m, targets in table.items()},
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    (folder / "sievers2021_reliability.json").write_text(text, encoding="utf-8")
    for modality, targets in table.items():
        print(modality, {name: round(rho, 3) for name, rho in targets.items()})


if __name__ == "__main__":
    main()
