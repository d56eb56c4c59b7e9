"""Results of finished folds on disk, so that an evaluation that was interrupted goes on where it was.

Each fold is a JSON file written whole. Its name is a digest of all that the result depends on: data, model,
protocol, fold, seed, settings and version. What was computed under other circumstances is never taken.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avfbel._version import __version__
from avfbel.data.cache import code_digest
from avfbel.files import write_whole
from avfbel.learn.cortex import cortex_digest

if TYPE_CHECKING:
    from avfbel.data import Dataset
    from avfbel.learn.candidates import Settings
    from avfbel.learn.panel import Panel


@dataclass(frozen=True)
class Kept:
    """Finished folds in a folder, of one data set.

    Attributes
    ----------
    folder : Path
        Where they lie; made when the first is kept.
    digest : str
        Of the data, from `digest_data`.
    """

    folder: Path
    digest: str

    def path(self, model: str, protocol: str, fold: str, settings: Settings) -> Path:
        """Return the file of a fold."""
        circumstances = {
            "data": self.digest,
            "model": model,
            "protocol": protocol,
            "fold": fold,
            "epochs": settings.epochs,
            "seed": settings.seed,
            "cortex": cortex_digest(settings.cortex),
            "parameters": {name: repr(value) for name, value in sorted(settings.parameters.items())},
            "version": __version__,
            "code": _code(),
        }
        text = json.dumps(circumstances, sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"

    def load(self, path: Path) -> list[dict[str, Any]] | None:
        """Return what was kept in a file, or None if there is nothing whole."""
        try:
            parts = json.loads(path.read_text(encoding="utf-8"))["parts"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return parts if isinstance(parts, list) else None

    def keep(self, path: Path, parts: list[dict[str, Any]]) -> None:
        """Write what a fold gave, numbers in full."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({"parts": parts}).encode())

    def discard(self) -> None:
        """Remove the folder and all folds in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def _code() -> list[str]:
    return [code_digest(f"avfbel.{room}") for room in ("brain", "learn")]


def digest_data(data: Dataset, panel: Panel | None = None) -> str:
    """Return a digest of everything that a model can learn from, and is scored by.

    Parameters
    ----------
    data : Dataset
        Clips and targets.
    panel : Panel, optional
        Single ratings.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for field in dataclasses.fields(data):
        if field.name not in ("manifest", "source"):
            _add(digest, getattr(data, field.name))
    if panel is not None:
        _add(digest, dataclasses.asdict(panel))
    return digest.hexdigest()


def _add(digest: Any, value: object) -> None:
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        _add(digest, {field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    elif hasattr(value, "items"):
        for name, inner in sorted(value.items()):
            digest.update(str(name).encode())
            _add(digest, inner)
    else:
        digest.update(repr(value).encode())
