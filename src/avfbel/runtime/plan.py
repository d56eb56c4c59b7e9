"""What a run over many inputs is to do, checked before any work starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import get_args

from avfbel.errors import UsageError
from avfbel.files import write_whole
from avfbel.runtime.files import Format, require_parquet
from avfbel.runtime.fold import shown
from avfbel.runtime.status import STATUS_NAME
from avfbel.senses.sensorium import Modality, check_modality
from avfbel.senses.windows import check_window

# fmt: off
MEDIA_ENDINGS = frozenset((
    ".3gp", ".aac", ".ac3", ".aif", ".aiff", ".amr", ".au", ".avi", ".caf", ".flac", ".flv", ".gif",
    ".m2ts", ".m4a", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpeg", ".mpg",
    ".mts", ".mxf", ".oga", ".ogg", ".ogv", ".opus", ".ts", ".vob", ".w64", ".wav", ".webm", ".wma",
    ".wmv",
))
# fmt: on
"""Endings of the files that are taken from a folder."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One input, and where its results go (None: they are only returned, or not wanted)."""

    media: str
    output: Path | None = None
    picture: Path | None = None
    attribution_picture: Path | None = None
    report: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that it gives."""
        given = (self.output, self.picture, self.attribution_picture, self.report)
        return tuple(path for path in given if path)


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """What a run is to do, checked before any work starts. Made by `plan_batch`.

    Attributes
    ----------
    tasks : tuple of Task
        The media files.
    faults : tuple of (str, str)
        Each input in which there is nothing to analyse, with a sentence about it.
    out : Path or None
        The output folder.
    file_format : {"csv", "parquet", "json"}
        Format of the results.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    modality : {"both", "audio", "video"}
        The senses in use.
    attribution : bool
        Whether to tell where the EPP of each window comes from.
    """

    tasks: tuple[Task, ...]
    faults: tuple[tuple[str, str], ...]
    out: Path | None
    file_format: Format
    window: float
    hop: float
    modality: Modality
    attribution: bool = False


def plan_batch(
    inputs: Sequence[str | PathLike[str]],
    *,
    out: str | PathLike[str] | None = None,
    file_format: Format = "csv",
    plot: bool = False,
    window: float = 4.0,
    hop: float = 1.0,
    modality: Modality = "both",
    attribution: bool = False,
    report: bool = False,
) -> BatchPlan:
    """Check a request and lay out its work: which files, and where the result of each goes.

    Parameters
    ----------
    inputs : sequence of path
        Media files, and folders whose media files (also those in folders within) are taken.
    out : path, optional
        Output folder, made if needed; without one, results are only returned.
    file_format : {"csv", "parquet", "json"}
        Format of the result files: ``film.mp4`` gives ``film.mp4.csv``.
    plot : bool
        Whether to draw a picture of each result too: ``film.mp4.png``.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    modality : {"both", "audio", "video"}
        The senses in use.
    attribution : bool
        Whether to tell where the EPP of each window comes from; drawn too with `plot`, as
        ``film.mp4.attribution.png``.
    report : bool
        Whether to write a report of each result too, a page to be opened in a browser: ``film.mp4.html``. It
        shows contributions, so that they are told as with `attribution`.

    Returns
    -------
    BatchPlan
        The plan, for `analyze_batch`.

    Raises
    ------
    UsageError
        If two inputs would give one result file, the output folder cannot be written into, or an option is
        wrong.
    ImportError
        If Parquet is asked for and pyarrow is not installed.
    """
    check_window(window, hop)
    check_modality(modality)
    if file_format not in get_args(Format):
        raise UsageError(f"no format {file_format!r}: choose one of {', '.join(get_args(Format))}")
    if file_format == "parquet":
        require_parquet()
    media, faults = expand(inputs)
    folder = None if out is None else Path(out)
    tasks = [
        Task(
            media=path,
            output=folder and folder / f"{Path(path).name}.{file_format}",
            picture=folder / f"{Path(path).name}.png" if folder and plot else None,
            attribution_picture=(
                folder / f"{Path(path).name}.attribution.png" if folder and plot and attribution else None
            ),
            report=folder / f"{Path(path).name}.html" if folder and report else None,
        )
        for path in media
    ]
    if folder is not None:
        _refuse_collisions(tasks)
        check_writable(folder)
    return BatchPlan(
        tasks=tuple(tasks),
        faults=tuple(faults),
        out=folder,
        file_format=file_format,
        window=float(window),
        hop=float(hop),
        modality=modality,
        attribution=attribution or report,
    )


def expand(inputs: Sequence[str | PathLike[str]]) -> tuple[list[str], list[tuple[str, str]]]:
    """Replace folders by the media files in them, in the order of their names.

    Returns
    -------
    media : list of str
        The files, those that are named directly whatever their ending.
    faults : list of (str, str)
        Each folder without media files, with a sentence about it.
    """
    media: list[str] = []
    faults = []
    for path in map(Path, inputs):
        if not path.is_dir():
            media.append(str(path))
            continue
        found = [
            file
            for file in sorted(path.rglob("*"))
            if file.suffix.lower() in MEDIA_ENDINGS and not file.name.startswith(".") and file.is_file()
        ]
        media += map(str, found)
        if not found:
            faults.append((str(path), f"the folder {shown(path)} holds no film or sound: name another"))
    return media, faults


def _refuse_collisions(tasks: list[Task]) -> None:
    taken: dict[str, str] = {STATUS_NAME: "the list of results"}
    for task in tasks:
        for path in task.files:
            if path.name in taken:
                raise UsageError(
                    f"{shown(task.media)} and {shown(taken[path.name])} would both be written to "
                    f"{shown(path.name)}: rename one, or analyse them into different folders"
                )
            taken[path.name] = task.media


def check_writable(folder: Path) -> None:
    """Make a folder if needed and try it; raise UsageError unless results can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = write_whole(folder / ".avfbel-probe", b"")
        probe.unlink()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"results cannot be written into {shown(folder)} ({reason}): choose another output folder"
        ) from error
