"""`avfbel audit`: whether a table holds its own answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avfbel.cli.app import app
from avfbel.cli.support import DONE, SOME_FAILED, guarded


@app.command()
@guarded
def audit(
    table: Annotated[Path, typer.Argument(metavar="TABLE.csv", help="One row a case, with a header.")],
    target: Annotated[str, typer.Option(help="Column of what is to be predicted.")],
    group: Annotated[
        str | None, typer.Option(help="Column whose entries must stay on one side, such as stimulus.")
    ] = None,
    fold: Annotated[
        str | None, typer.Option(help="Column of a division; without it a column named fold or split.")
    ] = None,
) -> None:
    """Look for leaks in a table: the label among its columns, copied rows, divided groups, a telling order.

    One finding a line. Exit code 0: nothing found; 1: something found; 2: the table cannot be audited.

    Example: avfbel audit features.csv --target valence --group stimulus
    """
    from avfbel.learn.audit import audit_table
    from avfbel.learn.audit_table import read_table

    found = audit_table(read_table(table), target, group=group, fold=fold)
    for one in found:
        typer.echo(str(one))
    if not found:
        typer.echo("nothing found")
    raise typer.Exit(SOME_FAILED if found else DONE)
