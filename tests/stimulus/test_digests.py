"""The same seed gives the same bytes: five clips, against digests that are part of the repository.

Melody and sound must agree on any machine; frames where numpy and Pillow are those of constraints.txt. Once
in this process, and once in one whose numpy and BLAS use no wide instructions.
"""

import importlib.util
import json
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "stimulus_digests.py"
COMMITTED = json.loads((Path(__file__).parent / "digests.json").read_text())


@cache
def drawing_is_that_of_the_constraints():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    return all(version(name) == pinned[name] for name in ("numpy", "pillow"))


def expected():
    parts = {"mid", "wav", "frames"} if drawing_is_that_of_the_constraints() else {"mid", "wav"}
    return {name: {k: v for k, v in clip.items() if k in parts} for name, clip in COMMITTED.items()}


@cache
def here():
    spec = importlib.util.spec_from_file_location("stimulus_digests", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.digests(frames=drawing_is_that_of_the_constraints())


def narrow_environment():
    """Environment that switches off every instruction set which numpy chooses at run time on this machine."""
    wide = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(wide), "OPENBLAS_CORETYPE": "Prescott"}


def test_the_digests_are_complete():
    assert len(COMMITTED) == 5
    for clip in COMMITTED.values():
        assert set(clip) == {"mid", "wav", "frames"}
        assert all(len(digest) == 64 for digest in clip.values())


def test_five_clips_have_the_committed_bytes():
    assert here() == expected()


def test_no_wide_instruction_is_needed():
    wide = narrow_environment()["NPY_DISABLE_CPU_FEATURES"].split()
    code = "import numpy, json; print(json.dumps(numpy.show_config(mode='dicts')['SIMD Extensions']))"
    told = subprocess.run(
        [sys.executable, "-c", code], env=narrow_environment(), capture_output=True, text=True, check=True
    )
    assert not json.loads(told.stdout).get("found"), wide
    options = [] if drawing_is_that_of_the_constraints() else ["--no-frames"]
    run = subprocess.run(
        [sys.executable, str(SCRIPT), "--print", *options],
        env=narrow_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == expected()
