"""The demonstration: four new clips, what people felt and what a model says, in numbers and in a picture."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import avfbel.cli.demo  # noqa: F401  (enters its command)
from avfbel import Bundle
from avfbel.cli.app import app
from avfbel.data import norm_emotions
from avfbel.demo import STIMULI, Demonstration, contact_sheet, demonstrate, held_out
from avfbel.errors import InputError, UsageError
from avfbel.runtime import analyze

SEEDS = (1, 2, 3, 4)
ENDINGS = (".json", ".mid", ".mp4", ".mp4.html", ".mp4.json", ".wav")
FIGURES = {"r": 0.81, "r_low": 0.7, "r_high": 0.9, "r2": 0.6, "nev": 0.7, "ccc": 0.8, "rmse": 0.1, "n": 38}
CARD = {"metrics": {"leave-stimulus-out": {"fused": {"epp": FIGURES}}}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def shown(folder: Path) -> list[Demonstration]:
    return demonstrate(folder, seeds=SEEDS)


def test_four_clips_are_made_and_analysed(shown: list[Demonstration], folder: Path) -> None:
    assert [clip.stimulus for clip in shown] == list(STIMULI)
    stems = [f"{name}_{seed:04d}" for name, seed in zip(STIMULI, SEEDS, strict=True)]
    expected = [f"{stem}{end}" for stem in stems for end in ENDINGS]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*expected, "demo.png"])
    for clip in shown:
        again = analyze(clip.media, attribution=True)
        assert clip.analysis.to_dict() == again.to_dict()
        assert json.loads((folder / f"{clip.media.name}.json").read_text()) == again.to_dict()


def test_each_clip_has_a_report_that_plays_it(shown: list[Demonstration], folder: Path) -> None:
    for clip in shown:
        page = (folder / f"{clip.media.name}.html").read_text(encoding="utf-8")
        assert f"<h1>{clip.media.name}</h1>" in page
        assert base64.b64encode(clip.media.read_bytes()).decode() in page


def test_people_are_the_norms_of_these_stimuli(shown: list[Demonstration]) -> None:
    for clip in shown:
        np.testing.assert_array_equal(clip.norm, norm_emotions(clip.stimulus, "fused"))
    by_name = {clip.stimulus: clip.human_epp for clip in shown}
    assert min(by_name["happy"], by_name["peaceful"]) > 0.5 > max(by_name["sad"], by_name["angry"])


def test_the_picture_sets_the_model_beside_the_people(shown: list[Demonstration], folder: Path) -> None:
    from PIL import Image

    with Image.open(folder / "demo.png") as picture:
        assert picture.size[0] >= 1500
    figure = contact_sheet(shown)
    rows = np.array(figure.axes).reshape(4, 4)
    for clip, (frames, sound, emotions, epp) in zip(shown, rows, strict=True):
        assert frames.get_ylabel() == clip.stimulus
        assert np.ptp(frames.images[0].get_array()) > 100
        assert sound.collections
        heights = [bar.get_width() for bar in emotions.patches]
        np.testing.assert_allclose(heights, [*clip.norm, *clip.analysis.emotions.values()])
        assert [line.get_xdata()[0] for line in epp.lines[1:]] == [clip.human_epp, clip.analysis.epp]


def test_figures_are_read_from_the_card_if_it_has_them() -> None:
    assert held_out(CARD) == FIGURES
    assert held_out({}) is None
    assert held_out({"metrics": {"leave-stimulus-out": {"audio": {}}}}) is None
    undefined = {"metrics": {"leave-stimulus-out": {"fused": {"epp": {**FIGURES, "r": None}}}}}
    assert held_out(undefined) is None


def test_nothing_is_made_for_a_model_or_folder_that_cannot_be_used(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no bundle"):
        demonstrate(tmp_path / "new", model=tmp_path / "none")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="results cannot be written into"):
        demonstrate(tmp_path / "file", model=bundle)


def test_the_command_prints_people_beside_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = Bundle.open()
    ours = replace(shipped, card={**shipped.card, **CARD})
    monkeypatch.setattr(Bundle, "open", lambda bundle="default": ours)
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "o"), "--seed", "5"])
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    for line, (name, seed) in zip(lines[1:5], zip(STIMULI, range(5, 9), strict=True), strict=True):
        file, people, model, _emotion = line.split()
        assert file == f"{name}_{seed:04d}.mp4"
        assert 0 <= float(people) <= 1
        said = json.loads((tmp_path / "o" / f"{file}.json").read_text())
        assert float(model) == pytest.approx(said["epp"], abs=0.005)
    assert "trained on these four kinds of clip" in done.stdout
    assert "On kinds it had never met (leave-stimulus-out, 38 stimuli): r = 0.81 [0.70, 0.90]." in lines
    assert lines[-5:-1] == [f"  {tmp_path / 'o' / line.split()[0]}.html" for line in lines[1:5]]
    assert lines[-1] == f"Picture: {tmp_path / 'o' / 'demo.png'}"


def test_clips_are_new_each_time(monkeypatch: pytest.MonkeyPatch, bundle: Path, tmp_path: Path) -> None:
    seeds: list[int] = []

    def stop_at_the_seed(parameters: object, *, seed: int) -> None:
        seeds.append(seed)
        raise KeyboardInterrupt

    monkeypatch.setattr("avfbel.demo.compose", stop_at_the_seed)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            demonstrate(tmp_path, model=bundle)
    assert len(set(seeds)) > 1
