"""`avfbel data`: data sets to fetch, folders and traces to turn into manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avfbel.cli.app import app
from avfbel.cli.support import guarded, say, writing_to

data = typer.Typer(
    name="data",
    no_args_is_help=True,
    help="Fetch published data, and turn the folders people have into manifests.",
    rich_markup_mode="markdown",
)
app.add_typer(data)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A data set of `avfbel data list`.")]


@data.command("list")
@guarded
def list_() -> None:
    """List the data sets that can be fetched, and the layouts that manifests can be made of.

    Example: avfbel data list
    """
    from avfbel.data.layouts import LAYOUTS
    from avfbel.data.registry import SOURCES

    typer.echo("to fetch:")
    for source in SOURCES.values():
        typer.echo(f"  {source.name}: {source.title} ({source.licence})")
    typer.echo("layouts of `avfbel data manifest`:")
    for name, layout in LAYOUTS.items():
        typer.echo(f"  {name}: {layout}")


@data.command()
@guarded
def show(name: Name) -> None:
    """Show what a data set is, whom to cite, its licence, address and checksums.

    Example: avfbel data show sievers2021
    """
    from avfbel.data.fetch import default_folder
    from avfbel.data.registry import find_source

    source = find_source(name)
    typer.echo(f"{source.name}: {source.title}")
    typer.echo(f"  cite: {source.citation}")
    typer.echo(f"  licence: {source.licence}")
    typer.echo(f"  home: {source.home}")
    for file in source.files:
        typer.echo(f"  file: {source.base_url}/{file.name}, sha256 {file.sha256 or 'not pinned'}")
    typer.echo(f"  fetched to: {default_folder(source)}")
    for caveat in source.caveats:
        typer.echo(f"  note: {caveat}")


@data.command()
@guarded
def fetch(
    name: Name,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the tables; in the user's cache by default.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="A mirror: an address, or a folder with the spreadsheets; or set AVFBEL_DATA_URL."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=NAME", help="What the spreadsheets call a column, as stimulus=clip; repeatable."
        ),
    ] = None,
) -> None:
    """Download a data set, check it, and write it as plain tables.

    Example: avfbel data fetch sievers2021 --out sievers2021
    """
    from avfbel.data.fetch import default_folder
    from avfbel.data.fetch import fetch as download
    from avfbel.data.registry import find_source
    from avfbel.errors import UsageError

    source = find_source(name)
    pairs = [pair.partition("=") for pair in column or []]
    if wrong := [key for key, equals, value in pairs if not (key and equals and value)]:
        raise UsageError(f"--column {wrong[0]} does not say COLUMN=NAME")
    folder = out or default_folder(source)
    with writing_to(folder):
        fetched = download(
            source,
            folder=folder,
            url=url,
            columns={key: value for key, _, value in pairs},
            progress=lambda file: say(f"fetching {file}"),
        )
    for file, digest in fetched.sha256.items():
        typer.echo(f"{file}: sha256 {digest} ({'as pinned' if fetched.pinned[file] else 'not pinned'})")
    for difference in fetched.differences:
        say(f"note: {difference}")
    if not fetched.differences:
        typer.echo("ratings and parameters are those this package's norms and stimuli were made from")
    typer.echo(f"cite: {source.citation}")
    typer.echo(f"licence: {source.licence}")
    say(f"use it with --data-dir {fetched.folder}, or set AVFBEL_DATA to that folder")
    typer.echo(fetched.folder)


@data.command()
@guarded
def manifest(
    layout: Annotated[str, typer.Argument(metavar="LAYOUT", help="A layout of `avfbel data list`.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the data set.")],
    out: Annotated[Path, typer.Option(metavar="FILE.csv", help="The manifest to write.")] = Path("clips.csv"),
) -> None:
    """Turn a data set, as it lies in its folder, into a manifest to train and evaluate on.

    Example: avfbel data manifest ravdess RAVDESS --out clips.csv
    """
    from avfbel.data.layouts import read_layout, write_manifest

    found = read_layout(layout, folder)
    write_manifest(found, out)
    for reason, count in found.left_out.items():
        say(f"note: {count} left out: {reason}")
    for note in found.notes:
        say(f"note: {note}")
    typer.echo(f"{out}: {len(found.clips)} clips")


@data.command()
@guarded
def windows(
    clips: Annotated[Path, typer.Argument(metavar="CLIPS.csv", help="Manifest with a column trace.")],
    out: Annotated[Path, typer.Option(metavar="FILE.csv", help="The manifest of windows to write.")],
    lag: Annotated[float, typer.Option(metavar="S", help="Reaction time of the raters, in s.", min=0)] = 0.0,
    window: Annotated[float, typer.Option(metavar="S", help="Length of a window, in s.")] = 4.0,
    hop: Annotated[float, typer.Option(metavar="S", help="Distance of their starts, in s.")] = 4.0,
) -> None:
    """Cut clips with continuous ratings into windows, each rated by the mean of its trace.

    Example: avfbel data windows clips.csv --lag 2 --out windows.csv
    """
    from avfbel.data.traces_manifest import write_windows

    written = write_windows(clips, out, window=window, hop=hop, lag_s=lag)
    if written.uncovered:
        say(f"note: {written.uncovered} windows left out: their trace covers less than half of them")
    typer.echo(f"{out}: {written.windows} windows of {written.clips} clips")
