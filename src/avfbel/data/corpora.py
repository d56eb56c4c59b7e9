"""The corpora that this package makes for itself, kept where they need to be made only once."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from avfbel.data.cache import CACHE_FOLDER, code_digest, user_cache
from avfbel.errors import UsageError

_MADE_BY = "made_by.json"


def corpus_manifest(corpus: Path | str) -> Path:
    """Return the manifest of a corpus that is given as a folder or as the manifest itself.

    Raises
    ------
    UsageError
        If there is no manifest.
    """
    path = Path(corpus).expanduser()
    manifest = path / "manifest.csv" if path.is_dir() else path
    if not manifest.is_file():
        raise UsageError(f"no corpus at {corpus}: make one with `avfbel corpus build --out {corpus}`")
    return manifest.absolute()


def clips_2021(
    *, exemplars: int, jobs: int | None = None, progress: Callable[[int], object] | None = None
) -> Path:
    """Return the manifest of the 38 stimuli × exemplars, which is made if it is not there.

    The corpus is kept in the user's cache (`AVFBEL_CACHE`) and made anew when the code that makes stimuli has
    changed. It is made under another name and then moved, so that a corpus that is there is whole, and nobody
    who is reading it loses it half-way.

    Parameters
    ----------
    exemplars : int
        Clips of each stimulus.
    jobs : int, optional
        Processes to run; one a core by default.
    progress : callable, optional
        Called with 1 for each clip made.

    Returns
    -------
    Path
        Its manifest.csv.
    """
    from avfbel.stimulus import build_corpus

    folder = user_cache() / "corpora" / f"clips-2021-{exemplars}"
    manifest = folder / "manifest.csv"
    maker = {"stimulus": code_digest("avfbel.stimulus"), "exemplars": exemplars, "seed": 0}
    if manifest.is_file() and _made_by(folder) == maker:
        return manifest
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        build_corpus(building, exemplars=exemplars, seed=0, jobs=jobs, progress=progress)
        (building / _MADE_BY).write_text(json.dumps(maker), encoding="utf-8")
        _replace(folder, building)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return manifest


def _made_by(folder: Path) -> object:
    try:
        return json.loads((folder / _MADE_BY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _replace(folder: Path, new: Path) -> None:
    """Put `new` in the place of `folder`, which may exist; what was measured of equal clips is kept."""
    new.chmod(0o755)
    if folder.exists():
        old = new.with_name(f"{new.name}.{os.getpid()}.old")
        folder.rename(old)
        if (old / CACHE_FOLDER).is_dir():
            (old / CACHE_FOLDER).rename(new / CACHE_FOLDER)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        new.rename(folder)
