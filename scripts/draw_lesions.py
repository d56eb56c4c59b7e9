"""Draw what lesions change in the shipped model over a corpus, and write the numbers beside the picture.

Usage: python scripts/draw_lesions.py CORPUS [--exemplars 2] [--out docs/images/lesion_matrix.png]

CORPUS is a folder of `avfbel corpus build`. The study goes into a JSON file of the picture's name.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from avfbel import Bundle, load_dataset
from avfbel.files import write_whole
from avfbel.interpret.exposure import exposure_of
from avfbel.interpret.lesion_figure import draw_matrix
from avfbel.interpret.lesion_files import encode_study
from avfbel.interpret.lesion_study import lesion_study
from avfbel.interpret.lesions import plan_lesions
from avfbel.runtime.figure import encode_figure


def main() -> None:
    """Silence all that can be silenced, one after the other, and draw what changes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--exemplars", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("docs/images/lesion_matrix.png"))
    options = parser.parse_args()
    bundle = Bundle.open()
    clips = load_dataset("sievers2021", corpus=options.corpus, exemplars=options.exemplars)
    study = lesion_study(exposure_of(clips), plan_lesions(bundle), model=bundle)
    print(write_whole(options.out, encode_figure(draw_matrix(study), "png")))
    print(write_whole(options.out.with_suffix(".json"), encode_study(study, "json")))


if __name__ == "__main__":
    main()
