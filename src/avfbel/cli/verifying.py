"""`avfbel verify`: a result computed anew and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avfbel.cli.app import app
from avfbel.cli.support import SOME_FAILED, guarded, progress_stages, say

if TYPE_CHECKING:
    from avfbel.runtime.verify import Verification

MOST_SHOWN = 20
"""So many differing values are listed."""


@app.command()
@guarded
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Result of analyze, best as JSON.")],
    media: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="The film or sound, if it has moved; may be repeated."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="BUNDLE", help="The trained model, if it has moved.")
    ] = None,
) -> None:
    """Recompute a result from its provenance and compare it, value by value.

    On the same kind of processor, with equal versions, all values must be equal to the last bit, elsewhere
    within 1e-6. Ends with 0 if they are, and with 1 if they are not or the result cannot be recomputed.

    Example: avfbel verify results/film.mp4.json
    """
    from avfbel.runtime.verify import verify as verify_file

    with progress_stages() as tell:
        checks = list(verify_file(file, media=media or (), model=model, progress=tell))
    for check in checks:
        _report(check)
    if not all(check.ok for check in checks):
        raise typer.Exit(SOME_FAILED)


def _report(check: Verification) -> None:
    from avfbel.runtime.verify import TOLERANCE

    about = f"{check.recorded.file}: {check.recorded.media} with {check.model}"
    if check.notes:
        say(f"avfbel: note: {'; '.join(check.notes)}: compared within {TOLERANCE:g}, not to the last bit")
    if check.ok and not check.differences:
        typer.echo(f"{about}: all {check.n_values} values are equal to the last bit")
    elif check.ok:
        typer.echo(
            f"{about}: all {check.n_values} values are equal within {TOLERANCE:g}; "
            f"{len(check.differences)} differ, by {check.largest:.1e} at most"
        )
    else:
        typer.echo(f"{about}: {len(check.faults)} of {check.n_values} values differ")
        for fault in check.faults[:MOST_SHOWN]:
            by = "" if fault.size is None else f" (by {fault.size:.3g})"
            typer.echo(f"  {fault.place}: {_told(fault.recorded)} here, {_told(fault.recomputed)} now{by}")
        if len(check.faults) > MOST_SHOWN:
            typer.echo(f"  and {len(check.faults) - MOST_SHOWN} more, by less")


def _told(value: object) -> str:
    return "null" if value is None else str(value)
