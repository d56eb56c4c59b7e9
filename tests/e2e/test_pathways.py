"""From sound and picture in files to feeling, with a trained circuit: each sense is used, silence is neutral.

The circuit learns from four short stimuli, is exported, and judges films whose sound or picture is another's.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avfbel import Analysis, analyze, load_dataset
from avfbel.brain import REGIONS
from avfbel.learn import Settings
from avfbel.learn.candidates import Circuit, circuit
from avfbel.learn.card import make_card
from avfbel.learn.training import write_bundle
from avfbel.runtime import Predictor
from avfbel.senses.media import Frame, open_media
from avfbel.senses.sensorium import Modality, Sensorium, fold, open_for
from avfbel.stimulus import compose, named, write_stimulus

EPP = {"happy": 0.9, "peaceful": 0.7, "angry": 0.3, "sad": 0.2}
EYE, EAR = ("V1", "V2", "V4", "IT"), ("PYR", "PV", "SOM")
BEHIND = ("aSTG", "amygdala", "orbitofrontal")


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    folder = tmp_path_factory.mktemp("learned")
    for stimulus in EPP:
        write_stimulus(compose(named(stimulus), seed=1, seconds=1.5, strict=True), folder, stimulus)
    with (folder / "clips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("media", "epp"), *((f"{name}.mp4", epp) for name, epp in EPP.items())])
    fitted = circuit("avf-bel", Settings(epochs=20))
    data = load_dataset(folder / "clips.csv", jobs=1)
    Circuit(fitted).fit(data)
    write_bundle(fitted, folder / "b", make_card(fitted, data, {}))
    return Predictor(folder / "b")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory, write_media: Callable[..., Path]) -> dict[str, Path]:
    """Films by their picture and sound: those of two stimuli, and black or silent ones."""
    folder = tmp_path_factory.mktemp("films")
    pictures, sounds = {}, {}
    for name in ("happy", "sad"):
        paths = write_stimulus(compose(named(name), seed=5, seconds=2.0, strict=True), folder, name)
        with open_media(next(path for path in paths if path.suffix == ".mp4")) as media:
            frames, pieces = [], []
            for event in media:
                if isinstance(event, Frame):
                    frames.append(event.rgb)
                else:
                    pieces.append(event.samples)
        pictures[name], sounds[name] = frames[:55], np.concatenate(pieces)[: 44_100 * 11 // 6]
    pictures["black"] = [np.zeros_like(frame) for frame in pictures["sad"]]
    sounds["silence"] = np.zeros_like(sounds["sad"])
    pairs = ("happy happy", "happy sad", "sad happy", "black silence", "black happy", "happy silence")
    return {
        pair: write_media(
            folder / f"{pair}.mp4", frames=pictures[pair.split()[0]], samples=sounds[pair.split()[1]]
        )
        for pair in pairs
    }


@pytest.fixture(scope="module")
def felt(films: dict[str, Path], predictor: Predictor) -> dict[str, Analysis]:
    return {pair: analyze(path, model=predictor) for pair, path in films.items()}


def fused(path: Path, predictor: Predictor) -> np.ndarray:
    with open_for(path) as media:
        return predictor.predict(list(fold(media, Sensorium()))).x_fused


def of(analysis: Analysis, regions: tuple[str, ...]) -> np.ndarray:
    return np.array([[window.regions[name] for name in regions] for window in analysis.windows])


def test_another_sound_changes_spikes_fused_vector_and_epp(
    films: dict[str, Path], felt: dict[str, Analysis], predictor: Predictor
) -> None:
    before, after = felt["happy happy"], felt["happy sad"]
    assert (of(before, EAR) != of(after, EAR)).all()
    np.testing.assert_array_equal(of(before, EYE), of(after, EYE))
    x_before, x_after = (fused(films[pair], predictor) for pair in ("happy happy", "happy sad"))
    assert np.abs(x_before - x_after).max() > 0.01 * np.abs(x_before).max()
    assert (of(before, BEHIND) != of(after, BEHIND)).all()
    assert before.epp - after.epp > 0.01


def test_another_picture_changes_areas_fused_vector_and_epp(
    films: dict[str, Path], felt: dict[str, Analysis], predictor: Predictor
) -> None:
    before, after = felt["happy happy"], felt["sad happy"]
    assert (of(before, EYE) != of(after, EYE)).all()
    np.testing.assert_array_equal(of(before, EAR), of(after, EAR))
    x_before, x_after = (fused(films[pair], predictor) for pair in ("happy happy", "sad happy"))
    assert np.abs(x_before - x_after).max() > 0.01 * np.abs(x_before).max()
    assert (of(before, BEHIND) != of(after, BEHIND)).all()
    assert before.epp - after.epp > 0.01


def test_silence_before_black_is_exactly_neutral(felt: dict[str, Analysis]) -> None:
    nothing = felt["black silence"]
    assert (nothing.epp, nothing.valence, nothing.intensity, nothing.evidence) == (0.5, 0.5, 0.0, False)
    for window in nothing.windows:
        assert (window.epp, window.valence, window.intensity, window.evidence) == (0.5, 0.5, 0.0, False)
        assert (window.gate_audio, window.gate_video) == (0.0, 0.0)
    assert not of(nothing, REGIONS).any()


@pytest.mark.parametrize(
    ("pair", "sense", "deaf"), [("black happy", "audio", EYE), ("happy silence", "video", EAR)]
)
def test_an_empty_track_says_as_much_as_none(
    pair: str,
    sense: Modality,
    deaf: tuple[str, ...],
    films: dict[str, Path],
    felt: dict[str, Analysis],
    predictor: Predictor,
) -> None:
    assert felt[pair].evidence
    assert not of(felt[pair], deaf).any()
    alone = analyze(films["happy happy"], model=predictor, modality=sense)
    assert alone.epp == pytest.approx(felt[pair].epp, abs=1e-6)
    assert 0.5 != alone.epp != felt["happy happy"].epp
