"""The command line: parses, calls one library function, prints. Nothing is computed here."""

from __future__ import annotations

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
    from avfbel.cli.app import app

    for name in _COMMAND_MODULES:
        import_module(f"avfbel.cli.{name}")
    app()
