"""`avfbel published`: the paper's tables and figures, regenerated, and an audit of its results."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from avfbel.cli.app import app
from avfbel.cli.support import guarded, progress_stages, warnings_as_notes, writing_to


class Part(StrEnum):
    """What of the paper is wanted."""

    TABLE1 = "table1"
    TABLE2 = "table2"
    FIGURES = "figures"
    AUDIT = "audit"


@app.command()
@guarded
def published(
    part: Annotated[Part, typer.Argument(metavar="table1|table2|figures|audit", help="Part of the paper.")],
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder that holds ratings.csv, or one above it; AVFBEL_DATA by default."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report as .md, .json and .csv.")] = None,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Train and measure anew what is otherwise shown as committed.")
    ] = False,
    corpus: Annotated[
        Path | None,
        typer.Option(
            help="For table2 --rerun: a corpus made before, instead of the one in the user's cache."
        ),
    ] = None,
) -> None:
    """Regenerate Table 1, Table 2 or the figures of the paper, or audit its results.

    Example: avfbel published audit --data-dir data/sievers2021 --out audit
    """
    from importlib import import_module

    from avfbel.errors import UsageError
    from avfbel.runtime.plan import check_writable

    if corpus is not None and not (part is Part.TABLE2 and rerun):
        raise UsageError("--corpus belongs to `table2 --rerun`: leave it out")
    if out is not None:
        if out.exists() and not out.is_dir():
            raise UsageError(f"{out} is a file: name a folder")
        check_writable(out)
    with warnings_as_notes(), progress_stages() as tell, writing_to(out or Path()):
        module = import_module(f"avfbel.published.{part.value}")
        more = {"corpus": corpus, "progress": tell} if part is Part.TABLE2 else {}
        report = module.run(data_dir, out, rerun=rerun, **more)
    typer.echo(report)
