"""How findings about the paper are written: Markdown tables, and one report as .md, .json and .csv."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avfbel.errors import UsageError
from avfbel.files import write_whole


def number(value: float | None, digits: int = 2, *, unit: str = "") -> str:
    """Return a number as it is printed in a report, with a dash where there is none.

    Examples
    --------
    >>> number(77.693), number(36.787, unit=" %"), number(None), number(float("nan"))
    ('77.69', '36.79 %', '–', 'NaN')
    """
    if value is None:
        return "–"
    return "NaN" if math.isnan(value) else f"{value:.{digits}f}{unit}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is text, the others are numbers.

    Examples
    --------
    >>> print(table(("model", "r"), [("bel-m", "0.8")]))
    | model | r |
    |:---|---:|
    | bel-m | 0.8 |
    """
    lines = [head, [":---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(
        "|" + "|".join(cell if i == 1 else f" {cell} " for cell in line) + "|" for i, line in enumerate(lines)
    )


def write_report(
    out: Path | None, name: str, text: str, *, data: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> list[Path]:
    """Write a report as NAME.md (for people), NAME.json (all of it) and NAME.csv (rows) into a folder.

    Parameters
    ----------
    out : path or None
        The folder, made if need be; None writes nothing.
    name : str
        Name of the files, without suffix.
    text : str
        Markdown.
    data : mapping
        Everything that was found; NaN becomes null.
    rows : sequence of mapping
        The same as flat rows; columns are those of the first row.

    Returns
    -------
    list of Path
        The three files.

    Raises
    ------
    UsageError
        If `out` is a file.
    """
    if out is None:
        return []
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: name a folder")
    out.mkdir(parents=True, exist_ok=True)
    lines = io.StringIO()
    writer = csv.DictWriter(lines, list(rows[0]) if rows else ["name"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    contents = {".md": text.rstrip("\n") + "\n", ".json": to_json(data), ".csv": lines.getvalue()}
    return [write_whole(out / f"{name}{suffix}", of.encode("utf-8")) for suffix, of in contents.items()]


def to_json(data: Any) -> str:
    """Return plain values as indented JSON in which what is not finite is null."""
    return json.dumps(_finite(data), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def deeper(text: str) -> str:
    r"""Return Markdown with every heading one level lower, to stand within another page.

    Examples
    --------
    >>> deeper("# One\ntext\n## Two")
    '## One\ntext\n### Two'
    """
    return "\n".join(f"#{line}" if line.startswith("#") else line for line in text.split("\n"))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(of) for of in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
