"""`status.csv`: which inputs are done, which failed and why, so that a run can be taken up where it ended."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from avfbel.errors import UsageError
from avfbel.files import write_whole
from avfbel.runtime.files import encode_csv

STATUS_NAME = "status.csv"


@dataclass(frozen=True, kw_only=True)
class Status:
    """One row of `status.csv`: an input, what became of it, and what its result was computed from.

    Attributes
    ----------
    media : str
        The input, as it was named.
    status : {"ok", "failed"}
        ``failed`` too if the file ended early, although there is a result as far as it went.
    sentence : str
        What is wrong and what to do about it; empty if nothing is.
    output : str
        Name of the result file.
    input_sha256, bundle_sha256, avfbel, settings : str
        What the result depends on; empty without a result.
    """

    media: str
    status: Literal["ok", "failed"]
    sentence: str = ""
    output: str = ""
    input_sha256: str = ""
    bundle_sha256: str = ""
    avfbel: str = ""
    settings: str = ""

    def depends_on(self, provenance: dict[str, Any]) -> bool:
        """Tell whether the result was computed from the same input, bundle, version and settings."""
        return all(getattr(self, name) == value for name, value in origin(provenance).items())


def origin(provenance: dict[str, Any]) -> dict[str, str]:
    """Return what a result depends on, from its provenance, as columns of `status.csv`."""
    return {
        "input_sha256": provenance["input_sha256"],
        "bundle_sha256": provenance["bundle_sha256"],
        "avfbel": provenance["avfbel"],
        "settings": json.dumps(provenance["settings"], sort_keys=True),
    }


def read_status(folder: Path) -> dict[str, Status]:
    """Read the status of earlier runs into a folder, by the name of the result file, or else of the input.

    Raises
    ------
    UsageError
        If there is a `status.csv` that is something else: it is not to be overwritten.
    """
    path = folder / STATUS_NAME
    columns = [column.name for column in fields(Status)]
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != columns:
                raise ValueError
            rows: list[Any] = [row for row in reader if None not in row.values()]
    except FileNotFoundError:
        return {}
    except (ValueError, csv.Error) as error:
        raise UsageError(
            f"{path} was not written by this version of avfbel: move it away, or choose another output folder"
        ) from error
    return {row["output"] or row["media"]: Status(**row) for row in rows}


def write_status(folder: Path, rows: dict[str, Status]) -> None:
    """Write `status.csv` into a folder, whole or not at all."""
    columns = [column.name for column in fields(Status)]
    write_whole(
        folder / STATUS_NAME, encode_csv(columns, [list(asdict(row).values()) for row in rows.values()])
    )
