"""The command line: parses, calls one library function, prints. Nothing is computed here."""

from __future__ import annotations

import sys
from importlib import import_module

# in the order of `avfbel --help`
_COMMAND_MODULES: tuple[str, ...] = (
    "demo",
    "analysis",
    "explaining",
    "verifying",
    "world",
    "composing",
    "learning",
    "auditing",
    "adapting",
    "lesioning",
    "experiments",
    "weights",
    "saliency",
    "datasets",
    "published",
)


def main() -> None:
    """Run the `avfbel` command."""
    try:
        from avfbel.cli.app import app

        for name in _COMMAND_MODULES:
            import_module(f"avfbel.cli.{name}")
    except KeyboardInterrupt:  # before any command has begun, and could say so itself
        sys.stderr.write("avfbel: interrupted before it began\n")
        raise SystemExit(130) from None
    app()
