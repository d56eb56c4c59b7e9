"""Follow docs/tutorial.md from top to bottom, and write what comes out into the page.

Usage: python scripts/write_tutorial.py

Every box of shell or Python is run in order in a new folder; a box of text below one shows what it printed.
The pictures that the page shows are those that its commands have drawn.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "tutorial.md"
IMAGES = PAGE.parent / "images"
PICTURES = {
    "tutorial_analysis.png": "results/happy_0001.mp4.png",
    "tutorial_saliency.png": "saliency/happy_0001.mp4.saliency.png",
    "tutorial_lesions.png": "lesions/lesion_matrix.png",
    "tutorial_congruence.png": "congruence/congruence.png",
    "tutorial_traces.png": "traces/happy_0001.mp4.traces.png",
}
_BOX = re.compile(r"^```(sh|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?|\bNaN\b|(?<=\s)-(?=\s)")
_JUDGEMENT = re.compile(
    r"\b(?:True|False)\b|[\w-]+ (?:beats|is beaten by) [\w-]+|[\w-]+ and [\w-]+: no difference shown"
)


@dataclass(frozen=True, kw_only=True)
class Walk:
    """What came of following the page: what each box of text should show, and the names of its Python."""

    shown: tuple[str, ...]
    names: dict[str, Any]


def main() -> None:
    """Follow the page, write what was printed into it, and copy its pictures."""
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        walk = follow(page, folder)
        PAGE.write_text(renew(page, walk.shown), encoding="utf-8")
        for picture, drawn in PICTURES.items():
            print(shutil.copyfile(folder / drawn, IMAGES / picture))
    print(PAGE)


def texts(page: str) -> list[str]:
    """Return what the boxes of text show, in order."""
    return [box[2] for box in _BOX.finditer(page) if box[1] == "text"]


def follow(page: str, folder: Path) -> Walk:
    """Run all boxes of shell and Python of a page in a folder.

    Raises
    ------
    RuntimeError
        If a shell box fails, with what it printed.
    """
    names: dict[str, Any] = {}
    shown, printed = [], ""
    with chdir(folder):
        for box in _BOX.finditer(page):
            if box[1] == "text":
                shown.append(printed)
            elif box[1] == "sh":
                printed = _shell(box[2])
            else:
                printed = _python(box[2], names)
    return Walk(shown=tuple(shown), names=names)


def renew(page: str, shown: tuple[str, ...]) -> str:
    """Return the page with its boxes of text replaced, in order."""
    left = iter(shown)
    return _BOX.sub(lambda box: f"```text\n{next(left)}```" if box[1] == "text" else box[0], page)


def shape(text: str) -> list[str]:
    """Return the lines without what may change with the model: numbers, judgements, widths of columns."""
    lines = (_NUMBER.sub("#", _JUDGEMENT.sub("?", line)) for line in text.splitlines())
    return [" ".join(line.split()) for line in lines]


def _shell(text: str) -> str:
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-ec", text], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{text}ended with {done.returncode}: {done.stderr}")
    return done.stdout


def _python(text: str, names: dict[str, Any]) -> str:
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(text, PAGE.name, "exec"), names)
    return printed.getvalue()


if __name__ == "__main__":
    main()
