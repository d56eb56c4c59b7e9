"""The command line: parses, calls one library function, prints. Nothing is computed here."""

from __future__ import annotations


def main() -> None:
    """Run the `avfbel` command."""
    from avfbel.cli.app import run

    run()
