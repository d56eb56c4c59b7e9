"""What is measured once and kept: where it lies, and what it depends on."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
import zipfile
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avfbel.files import whole_files
from avfbel.senses.features import ALL_ACOUSTIC, MAP_SIZE, VISUAL_FEATURES
from avfbel.senses.measure import Excerpt, Measurement

CACHE_FOLDER = ".avfbel-cache"
"""Folder beside a manifest in which the measurements of its clips are kept."""


def user_cache() -> Path:
    """Return the folder for what avfbel keeps: `AVFBEL_CACHE`, or the place the platform has for it.

    Examples
    --------
    >>> user_cache().is_absolute()
    True
    """
    given = os.environ.get("AVFBEL_CACHE")
    if given:
        return Path(given).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base.absolute() / "avfbel"


def cache_folder(manifest: Path) -> Path:
    """Return the folder for the measurements of a manifest's clips, and make it.

    It lies beside the manifest, or, where nothing can be written there, in the user's cache.
    """
    for folder in (manifest.parent / CACHE_FOLDER, user_cache() / "measurements"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise OSError(
        f"neither {manifest.parent} nor {user_cache()} can be written to: point AVFBEL_CACHE at a folder "
        "that can"
    )


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def code_digest(package: str) -> str:
    """Return a digest of what a package's modules do: their code without comments and docstrings.

    Measurements made by other code are not taken for those of this code, without anybody having to count
    versions.

    Parameters
    ----------
    package : str
        Its name, such as "avfbel.senses".

    Returns
    -------
    str
        Sixteen hexadecimal digits.

    Examples
    --------
    >>> len(code_digest("avfbel.senses")), code_digest("avfbel.senses") == code_digest("avfbel.stimulus")
    (16, False)
    """
    modules = sorted(
        (entry for entry in files(package).iterdir() if entry.name.endswith(".py")), key=lambda e: e.name
    )
    digest = hashlib.sha256()
    for module in modules:
        digest.update(f"{module.name}\n{_without_docstrings(module.read_text(encoding='utf-8'))}\n".encode())
    return digest.hexdigest()[:16]


def _without_docstrings(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [
                statement
                for statement in node.body
                if not (
                    isinstance(statement, ast.Expr)
                    and isinstance(statement.value, ast.Constant)
                    and isinstance(statement.value.value, str)
                )
            ]
    return ast.dump(tree)


def measurement_name(digest: str, excerpt: Excerpt, *, window: float, hop: float) -> str:
    """Return the file name of a measurement, which tells file, excerpt, settings and senses apart."""
    settings = {
        "start_s": excerpt.start_s,
        "end_s": excerpt.end_s,
        "window": window,
        "hop": hop,
        "senses": code_digest("avfbel.senses"),
    }
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    return f"{digest[:32]}-{key}.npz"


class Measured(dict[str, NDArray[np.generic]]):
    """The arrays kept of one excerpt; see `pack`."""


_SHAPES = {
    "start_s": (),
    "end_s": (),
    "visual": (len(VISUAL_FEATURES),),
    "acoustic": (len(ALL_ACOUSTIC),),
    "evidence": (2,),
    "maps": (len(VISUAL_FEATURES), MAP_SIZE, MAP_SIZE),
}
_FLAGS = ("has_audio", "has_video", "complete")


def pack(measurement: Measurement) -> Measured:
    """Return a measurement as arrays: one row a window, maps in half precision, and three flags."""
    windows = measurement.windows
    rows = {
        "start_s": [w.start_s for w in windows],
        "end_s": [w.end_s for w in windows],
        "visual": [w.visual for w in windows],
        "acoustic": [w.acoustic for w in windows],
        "evidence": [(w.g_audio, w.g_video) for w in windows],
        "maps": [w.maps for w in windows],
    }
    arrays = {
        name: np.asarray(values, dtype=np.float16 if name == "maps" else np.float64).reshape(
            len(windows), *_SHAPES[name]
        )
        for name, values in rows.items()
    }
    return Measured(**arrays, **{name: np.asarray(getattr(measurement, name)) for name in _FLAGS})


def write_measured(measured: Measured, path: Path) -> None:
    """Write arrays whole or not at all."""
    with whole_files(path) as (part,), part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **measured)


def read_measured(path: Path) -> Measured | None:
    """Return the arrays that were kept, or None if there are none or the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            measured = Measured({name: archive[name] for name in (*_SHAPES, *_FLAGS)})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    n = len(measured["start_s"])
    whole = all(measured[name].shape == (n, *shape) for name, shape in _SHAPES.items())
    return measured if whole and n else None
