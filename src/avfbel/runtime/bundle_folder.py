"""Writing the folder of a bundle: refused before the work starts, or replaced once the new one is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avfbel.errors import UsageError
from avfbel.runtime.bundle import CARD, MODEL, WEIGHTS


def check_destination(out: str | Path) -> None:
    """Refuse a destination that holds something else than a bundle, or cannot be written, before any work.

    Raises
    ------
    UsageError
        Naming the folder.
    """
    out = Path(out).resolve()
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: name a folder for the bundle")
    if out.is_dir():
        other = sorted(path.name for path in out.iterdir() if path.name not in (CARD, MODEL, WEIGHTS))
        if other:
            raise UsageError(f"{out} holds something else than a bundle, {other[0]}: name a new folder")
    if out == out.parent or out.is_mount():
        raise UsageError(f"{out} cannot be replaced as a whole: name a folder in it")
    beside = next(path for path in out.parents if path.exists())
    if not (beside.is_dir() and os.access(beside, os.W_OK | os.X_OK)):
        raise UsageError(f"nothing can be written into {beside}: name another folder for the bundle")


@contextmanager
def whole_folder(out: str | Path) -> Iterator[Path]:
    """Offer a new folder, and let it take the place of `out` once the block is left without error.

    Parameters
    ----------
    out : path
        Folder; what it held before is replaced.

    Yields
    ------
    Path
        An empty folder beside it, to be filled.

    Raises
    ------
    OSError
        If the disk is full or nothing can be written there; the folder is then as it was.
    """
    out = Path(out).resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as workplace:
        fresh, replaced = Path(workplace) / "bundle", Path(workplace) / "replaced"
        fresh.mkdir()
        yield fresh
        try:
            if out.exists():
                out.rename(replaced)
            fresh.rename(out)
        finally:  # interrupted in between: what was there comes back
            if replaced.exists() and not out.exists():
                replaced.rename(out)
