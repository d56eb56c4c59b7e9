"""The `avfbel` command: a table of commands, each imported only when it is called."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="avfbel",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From sound and sight to emotional positivity, through a small model of the brain.",
)


def run() -> None:
    """Run the command line and exit."""
    app()
