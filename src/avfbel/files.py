"""Files that are written whole or not at all, whatever goes wrong meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path


@contextmanager
def whole_files(*paths: Path) -> Iterator[list[Path]]:
    """Offer temporary names beside the names of files, and rename them once the block is left without error.

    Parameters
    ----------
    *paths : Path
        The files to write; those that were there before stay until all new ones are written.

    Yields
    ------
    list of Path
        Where to write them meanwhile: empty files in the same folders.

    Raises
    ------
    OSError
        If a folder cannot be written into, before the block is entered; nothing is left behind, as after an
        error in the block.
    """
    parts = [_part(path, os.getpid()) for path in paths]
    try:
        for part in parts:
            part.touch()  # an unwritable folder is noticed before the work starts
        yield parts
        for part, path in zip(parts, paths, strict=True):
            try:
                part.replace(path)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from error  # the name that was wanted
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def write_whole(path: str | PathLike[str], content: bytes) -> Path:
    """Write a file under a temporary name beside its own, then rename it: it is there whole or not at all.

    Parameters
    ----------
    path : path
        The file to write; what was there before is replaced at once.
    content : bytes
        All of its content.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written into; nothing is left behind then.
    """
    path = Path(path)
    try:
        with whole_files(path) as (part,), part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error  # names the file that was wanted
    return path


def remove_parts(paths: Iterable[Path], process_ids: Iterable[int]) -> None:
    """Remove what processes that were ended in the middle of writing files have left of them."""
    pids = list(process_ids)
    for path in paths:
        for pid in pids:
            _part(path, pid).unlink(missing_ok=True)


def remove_abandoned_parts(folder: Path) -> None:
    """Remove what processes that were killed in the middle of writing files have left in a folder."""
    for part in folder.glob(".*.part"):
        process_id = part.suffixes[-2][1:] if len(part.suffixes) > 1 else ""
        if process_id.isdecimal() and not _runs(int(process_id)):
            part.unlink(missing_ok=True)


def _runs(process_id: int) -> bool:
    """Tell whether a process of this system is alive, or may be."""
    if os.name == "nt":
        return True  # to ask would end it there
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _part(path: Path, process_id: int) -> Path:
    return path.with_name(f".{path.name}.{process_id}.part")
