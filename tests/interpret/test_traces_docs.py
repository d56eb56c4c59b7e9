"""The page on traces runs as it stands: its commands and its Python, from top to bottom."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from textwrap import dedent

import matplotlib as mpl
import numpy as np
import pytest
from typer.testing import CliRunner

import avfbel.cli.explaining  # noqa: F401  (enters its command)
from avfbel.cli.app import app
from avfbel.interpret.trace_columns import meaning, trace_columns

PAGE = (Path(__file__).parents[2] / "docs" / "traces.md").read_text(encoding="utf-8")
BLOCKS = [
    (kind, dedent(text)) for kind, text in re.findall(r"^ *```(sh|python)\n(.*?)^ *```", PAGE, re.M | re.S)
]
EVENTS = re.findall(r"^```\n(onset.*?)^```", PAGE, re.M | re.S)[0]


@pytest.fixture
def desk(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the page takes for granted: a film, clips, events and a measured run."""
    nibabel = pytest.importorskip("nibabel")
    (tmp_path / "clips").mkdir()
    for path in (tmp_path / "film.mp4", tmp_path / "clips" / "happy.mp4"):
        path.write_bytes((clips / "short.mp4").read_bytes())
    (tmp_path / "sub-01_task-viewing_run-01_events.tsv").write_text(EVENTS)
    bold = np.random.default_rng(0).normal(100, 1, (3, 3, 3, 40)).astype(np.float32)
    nibabel.Nifti1Image(bold, np.eye(4)).to_filename(tmp_path / "bold.nii.gz")
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    return tmp_path


@pytest.mark.filterwarnings("ignore")  # of nilearn, about noise without a brain
def test_the_page_runs(desk: Path) -> None:
    names: dict[str, object] = {}
    for kind, text in BLOCKS:
        if kind == "python":
            exec(text, names)
            continue
        done = CliRunner().invoke(app, shlex.split(text)[1:])
        assert done.exit_code == 0, (text, done.stderr)
    for name in (*("traces/film.mp4.traces.png", "traces/film.mp4.traces.parquet", "traces.pdf"),):
        assert (desk / name).is_file()
    assert (desk / "sub-01_task-film_stim.json").is_file()
    assert {kind for kind, _ in BLOCKS} == {"sh", "python"}


def test_the_table_of_columns_names_every_kind() -> None:
    told = {
        name for cells in re.findall(r"^\| (`.*?) \|", PAGE, re.M) for name in re.findall(r"`(\w+)`", cells)
    }
    columns = trace_columns(["V1", "prefrontal"])
    for name in told - {"time_s", "in_range"}:
        assert name in columns
        assert meaning(name).description
