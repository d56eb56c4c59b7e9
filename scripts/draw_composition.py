"""Compose clips with the shipped model, and draw its positivity over the parameter space for the docs.

Usage: python scripts/draw_composition.py [--epp 0.6] [--out docs/images/composition.png]

Prints the table of the clips. Takes about two minutes on two cores; clips that were tried are kept in the
user's cache.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from avfbel.compose.clips import ModelWorld
from avfbel.compose.picture import draw_space
from avfbel.compose.search import compose_clips
from avfbel.compose.table import encode_table
from avfbel.compose.wish import Wish
from avfbel.files import write_whole
from avfbel.runtime import Bundle
from avfbel.runtime.figure import encode_figure


def main() -> None:
    """Compose, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epp", type=float, default=0.6)
    parser.add_argument("--out", type=Path, default=Path("docs/images/composition.png"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = compose_clips(
            ModelWorld(Bundle.open("default")),
            Wish(quantity="epp", target=options.epp),
            folder,
        )
        write_whole(options.out, encode_figure(draw_space(found), "png"))
        print(encode_table(found).decode(), end="")
    print(options.out)


if __name__ == "__main__":
    main()
