"""The README promises nothing that is not so: its figures are the card's, its commands exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted({line.split("#")[0].strip() for line in re.findall(r"^avfbel .*$", README, re.MULTILINE)})


def test_the_figures_are_those_of_the_card() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "readme_figures.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_and_its_options_exist(command: str) -> None:
    words = shlex.split(command)[1:]
    name = words[:2] if words[0] in ("corpus", "data") else words[:1]
    done = subprocess.run(
        [sys.executable, "-m", "avfbel", *name, "--help"], capture_output=True, text=True, check=True
    )
    for option in (word for word in words if word.startswith("--")):
        assert option in done.stdout


def test_pictures_and_files_are_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r"`(src/[^`]+)`", README):
        assert (ROOT / target).exists(), target
