"""Draw what contributes to the emotional positivity of one stimulus, as a picture for the docs.

Usage: python scripts/draw_attribution.py [--stimulus happy] [--out docs/images/attribution.png]

The model is the shipped one; windows of 4 s, every half second.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from avfbel import analyze
from avfbel.stimulus import compose, named, write_stimulus

SEED, SECONDS = 3, 18.0


def main() -> None:
    """Make the clip, analyse it and draw its contributions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stimulus", default="happy")
    parser.add_argument("--out", type=Path, default=Path("docs/images/attribution.png"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = write_stimulus(
            compose(named(options.stimulus), seed=SEED, seconds=SECONDS), Path(folder), options.stimulus
        )
        film = next(path for path in files if path.suffix == ".mp4")
        analyze(film, hop=0.5, attribution=True).plot_attribution(options.out)
    print(options.out)


if __name__ == "__main__":
    main()
