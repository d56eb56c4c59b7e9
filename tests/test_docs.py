"""README and docs promise nothing that is not so: figures are those that were measured, commands exist."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from avfbel.stimulus import compose, named_stimuli

ROOT = Path(__file__).parents[1]
PAGES = {
    path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
}
README = PAGES[ROOT / "README.md"]
COMMANDS = sorted(
    {
        line.split("#")[0].strip()
        for text in PAGES.values()
        for line in re.findall(r"^avfbel .*$", text, re.MULTILINE)
    }
)


def test_the_figures_are_those_of_the_card() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "readme_figures.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_and_its_options_exist(command: str) -> None:
    words = shlex.split(command)[1:]
    name = words[:2] if words[0] in ("corpus", "data", "experiment") else words[:1]
    done = subprocess.run(
        [sys.executable, "-m", "avfbel", *name, "--help"], capture_output=True, text=True, check=True
    )
    for option in (word for word in words if word.startswith("--")):
        assert option in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pictures_and_files_are_there(page: Path) -> None:
    text = PAGES[page]
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target
    for target in re.findall(r"`((?:src|scripts|benchmarks)/[^`*]+)`", text):
        assert (ROOT / target).exists(), target
    for script in re.findall(r"python ((?:scripts|benchmarks)/\w+\.py)", text):
        assert (ROOT / script).is_file(), script


def test_the_gallery_shows_all_stimuli_as_they_are() -> None:
    page = PAGES[ROOT / "docs" / "gallery.md"]
    for name, p in named_stimuli().items():
        values = " | ".join(f"{v:g}" for v in (p.bpm, p.jitter, p.consonance, p.bigsmall, p.updown))
        assert f"| {name} | {values} |" in page
        pitches = [note.pitch for note in compose(p, seed=7).notes]
        assert f"{name}: {len(pitches)} notes in 3 s, MIDI pitches {min(pitches)} to {max(pitches)}]" in page


def test_the_speed_of_making_films_is_the_measured_one() -> None:
    builds = json.loads((ROOT / "benchmarks" / "results" / "corpus.json").read_text())["builds"]
    largest = max(builds, key=lambda build: build["clips"])
    assert "about eleven times as fast" in " ".join(README.split())
    assert round(largest["ratio"]) == 11
