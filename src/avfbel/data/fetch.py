"""Fetch published data: spreadsheets come through pooch, plain tables go where `--data-dir` finds them.

A fetch leaves either all of its tables or nothing: downloads end in a temporary folder, are compared with
their checksums and converted there, and only whole tables get their names.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from avfbel.data.cache import user_cache
from avfbel.data.fetch_release import ACOUSTIC, PARAMETERS, ReleasedTable, read_released, stimulus_parameters
from avfbel.data.norms import compute_norms, load_norms
from avfbel.data.ratings import load_ratings
from avfbel.data.registry import RemoteFile, Source
from avfbel.emotion import RATING_COLUMNS
from avfbel.errors import InputError, UsageError
from avfbel.files import whole_files

TIMEOUT_S = 30.0
"""How long a server may stay silent."""

TABLES = ("ratings.csv", "stimuli.csv", "acoustic_features.csv", "source.json")
"""What a fetch writes."""

_NORM_DIGITS = 1e-6  # the shipped norms have six decimals


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What a fetch brought.

    Attributes
    ----------
    folder : Path
        Where the tables lie.
    sha256 : dict of str
        Checksum of each downloaded file, by name.
    pinned : dict of bool
        Whether that checksum was compared with a known one.
    differences : tuple of str
        Sentences on what differs from the norms and parameters this package ships; empty if nothing does.
    """

    folder: Path
    sha256: dict[str, str]
    pinned: dict[str, bool]
    differences: tuple[str, ...]


def default_folder(source: Source) -> Path:
    """Return the folder a data set is fetched to where none is named: in the user's cache."""
    return user_cache() / "data" / source.name


def fetch(
    source: Source,
    *,
    folder: Path | None = None,
    url: str | None = None,
    columns: Mapping[str, str] | None = None,
    progress: Callable[[str], object] | None = None,
) -> Fetched:
    """Download a data set, check and convert it.

    Parameters
    ----------
    source : Source
        What to fetch; see `find_source`.
    folder : path, optional
        Where its tables are to lie; in the user's cache by default.
    url : str, optional
        A mirror instead of the address of the source: an address, or a folder that holds the spreadsheets.
        Without it, `AVFBEL_DATA_URL`.
    columns : mapping, optional
        What the spreadsheets call a column, by the name it has here.
    progress : callable, optional
        Called with the name of each file before it is downloaded.

    Returns
    -------
    Fetched
        Where the tables are, and what could be checked.

    Raises
    ------
    InputError
        If a file cannot be had, has another checksum or is not the expected table; what was there before
        stays as it was.
    UsageError
        If `columns` names a column that is not among those of the source, or the address is none.
    ImportError
        If pooch or openpyxl are not installed.
    """
    base = str(url or os.environ.get("AVFBEL_DATA_URL") or source.base_url).rstrip("/")
    source = _renamed(source, columns or {})
    folder = (folder or default_folder(source)).expanduser().absolute()
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return _fetch_into(folder, source, base, progress)
    except BaseException:
        if new:
            with suppress(OSError):
                folder.rmdir()
        raise


def _fetch_into(folder: Path, source: Source, base: str, progress: Callable[[str], object] | None) -> Fetched:
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as staging:
        place = Path(staging)
        for file in source.files:
            if progress is not None:
                progress(file.name)
            _get(file, base, place)
        digests = {file.name: _sha256(place / file.name) for file in source.files}
        music, animation = (
            read_released(place / file.name, features, columns=source.columns, name=file.name)
            for file, features in ((source.music, ACOUSTIC), (source.animation, PARAMETERS))
        )
        parameters = stimulus_parameters(animation, file=source.animation.name)
        made = place / "tables"
        made.mkdir()
        _write_tables(made, music, animation, parameters)
        differences = tuple(_differences(made, parameters))
        origin = {
            "name": source.name,
            "citation": source.citation,
            "licence": source.licence,
            "url": base,
            "sha256": digests,
            "pinned": {file.name: file.sha256 is not None for file in source.files},
            "differences": differences,
        }
        (made / "source.json").write_text(json.dumps(origin, indent=1) + "\n", encoding="utf-8")
        with whole_files(*(folder / name for name in TABLES)) as parts:
            for name, part in zip(TABLES, parts, strict=True):
                shutil.copyfile(made / name, part)
    return Fetched(
        folder=folder,
        sha256=digests,
        pinned={file.name: file.sha256 is not None for file in source.files},
        differences=differences,
    )


def _renamed(source: Source, columns: Mapping[str, str]) -> Source:
    unknown = [name for name in columns if name not in source.columns]
    if unknown:
        raise UsageError(
            f"{source.name} has no column {unknown[0]!r} to rename: choose of {', '.join(source.columns)}"
        )
    return replace(source, columns={**source.columns, **{key: (name,) for key, name in columns.items()}})


def _get(file: RemoteFile, base: str, place: Path) -> None:
    """Bring one file into a folder, and compare its checksum if one is known."""
    if not base.startswith(("http://", "https://")):
        _copy(file, base, place)
        return
    try:
        import pooch
        import requests
    except ImportError as error:
        raise ImportError('fetching data needs pooch: pip install "avfbel[data]"') from error
    address = f"{base}/{file.name}"
    mirror = "try again later, or name a mirror with --url or AVFBEL_DATA_URL"
    try:
        with _quiet(pooch.get_logger()):
            pooch.retrieve(
                address,
                known_hash=None,  # compared below, where the error can say which file it is
                fname=file.name,
                path=place,
                downloader=pooch.HTTPDownloader(progressbar=False, timeout=TIMEOUT_S),
            )
    except requests.exceptions.HTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        raise InputError(f"{address}: the server answers {status}: {mirror}") from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise InputError(f"{file.name} ended before it was complete: {mirror}") from error
    except requests.exceptions.Timeout as error:
        raise InputError(f"{address}: the server does not answer: {mirror}") from error
    except requests.exceptions.ConnectionError as error:
        raise InputError(f"{address} cannot be reached: is this machine online? {mirror}") from error
    except requests.exceptions.RequestException as error:
        raise InputError(f"{address} cannot be fetched ({type(error).__name__}): {mirror}") from error
    _compare(file, place)


def _copy(file: RemoteFile, base: str, place: Path) -> None:
    if "://" in base:
        raise UsageError(f"{base} is neither an address with http or https nor a folder")
    original = Path(base).expanduser() / file.name
    if not original.is_file():
        raise InputError(f"no {file.name} in {base}: name the folder that holds the released spreadsheets")
    shutil.copyfile(original, place / file.name)
    _compare(file, place)


def _compare(file: RemoteFile, place: Path) -> None:
    found = _sha256(place / file.name)
    if file.sha256 is not None and found != file.sha256.lower():
        raise InputError(
            f"{file.name} has the wrong checksum: sha256 is {found}, not {file.sha256}: it was changed or "
            "damaged on its way"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep a logger from speaking below warnings for a while."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _write_tables(
    folder: Path, music: ReleasedTable, animation: ReleasedTable, parameters: Mapping[str, Iterable[float]]
) -> None:
    ratings = [
        [participant, stimulus, modality, *("" if np.isnan(one) else f"{one:.10g}" for one in five)]
        for modality, table in (("animation", animation), ("music", music))
        for participant, stimulus, five in zip(table.participant, table.stimulus, table.ratings, strict=True)
    ]
    _write_csv(
        folder / "ratings.csv",
        ["participant", "stimulus", "modality", *RATING_COLUMNS],
        sorted(ratings, key=lambda row: (row[2], row[1], len(row[0]), row[0])),
    )
    _write_csv(
        folder / "stimuli.csv",
        ["stimulus", *PARAMETERS],
        [
            [name, *(f"{round(value, 9):.12g}" for value in parameters[name])]  # what subtracting left behind
            for name in sorted(parameters)
        ],
    )
    _write_csv(
        folder / "acoustic_features.csv",
        ["stimulus", "participant", *ACOUSTIC],
        [
            [stimulus, participant, *map(repr, map(float, five))]
            for participant, stimulus, five in zip(
                music.participant, music.stimulus, music.features, strict=True
            )
        ],
    )


def _write_csv(path: Path, header: list[str], rows: Iterable[list[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def _differences(folder: Path, parameters: Mapping[str, Iterable[float]]) -> Iterator[str]:
    """Compare what was fetched with the norms and the parameters that this package ships."""
    from avfbel.stimulus import named_stimuli

    found, shipped = compute_norms(load_ratings(folder)), load_norms()
    if found.stimuli != shipped.stimuli:
        yield f"it has {len(found.stimuli)} stimuli, not the {len(shipped.stimuli)} known ones"
    elif not (
        np.array_equal(found.n, shipped.n)
        and np.allclose(found.mean, shipped.mean, rtol=0, atol=_NORM_DIGITS)
    ):
        yield "its mean ratings are not the norms of this package"
    known = named_stimuli()
    for name in sorted(set(known) & set(parameters)):
        values = (getattr(known[name], one) for one in PARAMETERS)
        if any(abs(a - b) > 1e-6 for a, b in zip(parameters[name], values, strict=True)):
            yield f"the parameters of {name} are not those of this package"
