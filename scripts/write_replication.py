"""Write docs/replication.md from the released data and the cells that were trained for the package.

    python scripts/write_replication.py [--data-dir FOLDER]

Takes seconds. The folder is the one that holds ratings.csv, or one above it; AVFBEL_DATA by default.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from avfbel.published.replication import replication_page

PAGE = Path(__file__).parents[1] / "docs" / "replication.md"


def main() -> None:
    """Write the page and print its name."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path)
    PAGE.write_text(replication_page(parser.parse_args().data_dir), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
