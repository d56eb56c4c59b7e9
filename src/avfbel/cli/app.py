"""The `avfbel` command: the table that the command modules of this folder enter themselves into."""

from __future__ import annotations

from typing import Annotated

import typer

from avfbel._version import __version__

app = typer.Typer(
    name="avfbel",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"avfbel {__version__}")
        raise typer.Exit


@app.callback()
def avfbel(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="AVFBEL_DEBUG", help="Show the traceback of an error.")
    ] = False,
) -> None:
    """From sound and sight to emotional positivity, through a small model of the brain.

    Example: avfbel analyze film.mp4 --out results --plot
    """
    import os

    if debug:
        os.environ["AVFBEL_DEBUG"] = "1"
