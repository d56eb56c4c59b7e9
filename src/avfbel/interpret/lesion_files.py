"""From a request for lesions to its files: which argument is the model, which gains, which tables."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np

from avfbel.errors import UsageError
from avfbel.files import write_whole
from avfbel.interpret.lesion_figure import draw_matrix, draw_sweep
from avfbel.interpret.lesion_study import COLUMNS, LesionStudy
from avfbel.runtime.bundle import CARD
from avfbel.runtime.figure import encode_figure
from avfbel.runtime.files import encode_csv, encode_json

TableFormat = Literal["csv", "json"]

_MOST_GAINS = 1000


def names_bundle(argument: str) -> bool:
    """Tell whether an argument names a bundle and not media.

    A bundle is ``default``, a folder that holds ``card.json``, or a zip that does. A folder of media that is
    called default is ``./default``.

    Examples
    --------
    >>> names_bundle("default"), names_bundle("film.mp4")
    (True, False)
    """
    path = Path(argument)
    if argument == "default" or (path / CARD).is_file():
        return True
    if path.suffix.lower() != ".zip" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(Path(member).name == CARD for member in archive.namelist())


def split_bundle(arguments: Sequence[str], model: str | None = None) -> tuple[str, list[str]]:
    """Tell the model from the media in the arguments of a command.

    Parameters
    ----------
    arguments : sequence of str
        Media, before which a bundle may stand.
    model : str, optional
        The bundle, where it is named by an option.

    Returns
    -------
    model : str
        The bundle; ``"default"`` if none is named.
    media : list of str
        The rest.

    Raises
    ------
    UsageError
        If a bundle is named twice, or nothing but a bundle is.
    """
    first, *rest = arguments
    if not names_bundle(first):
        return model or "default", [first, *rest]
    if model is not None:
        raise UsageError(f"{first} and {model} are both named as the model: leave one of them out")
    if not rest:
        raise UsageError(f"{first} is a model: name films or sounds after it")
    return first, rest


def parse_sweep(text: str) -> tuple[float, ...]:
    """Return the gains of a sweep that is written FROM:TO:N, both ends among them.

    Raises
    ------
    UsageError
        If it is not written so, or N is not between 2 and 1000.

    Examples
    --------
    >>> parse_sweep("0:2:5")
    (0.0, 0.5, 1.0, 1.5, 2.0)
    """
    try:
        first, last, number = text.split(":")
        start, stop, n = float(first), float(last), int(number)
    except ValueError:
        start, stop, n = math.nan, math.nan, 0
    if not (2 <= n <= _MOST_GAINS and start != stop and math.isfinite(start) and math.isfinite(stop)):
        raise UsageError(f"a sweep is FROM:TO:N with N from 2 to {_MOST_GAINS}, such as 0:2:9, got {text!r}")
    return tuple(np.linspace(start, stop, n).tolist())


def encode_study(study: LesionStudy, file_format: TableFormat) -> bytes:
    """Return the table of a study as CSV, or the study with its provenance as JSON."""
    return encode_csv(COLUMNS, study.rows()) if file_format == "csv" else encode_json(study.to_dict())


def write_study(
    study: LesionStudy, folder: str | PathLike[str], *, file_format: TableFormat = "csv", plot: bool = False
) -> list[Path]:
    """Write the table of a study into a folder and, if wanted, its figure; return the files.

    Parameters
    ----------
    study : LesionStudy
        The study.
    folder : path
        The folder, which is there.
    file_format : {"csv", "json"}
        The table is ``lesions.csv`` or ``lesions.json``.
    plot : bool
        Whether to draw ``lesion_sweep.png`` for several gains, ``lesion_matrix.png`` for one.
    """
    folder = Path(folder)
    written = [write_whole(folder / f"lesions.{file_format}", encode_study(study, file_format))]
    if plot:
        several = len({lesion.gain for lesion in study.lesions}) > 1
        name, draw = ("lesion_sweep.png", draw_sweep) if several else ("lesion_matrix.png", draw_matrix)
        written.append(write_whole(folder / name, encode_figure(draw(study), "png")))
    return written
