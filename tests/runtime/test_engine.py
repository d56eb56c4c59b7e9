"""The network at work: equal to the same sums in numpy, silent without evidence, moved by either sense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.runtime import Predictor
from avfbel.senses.features import SensoryFeatures


@pytest.fixture(scope="module")
def predictor(bundle: Path) -> Predictor:
    return Predictor(bundle)


def sensed(seed: int = 0, **changes: object) -> SensoryFeatures:
    rng = np.random.default_rng(seed)
    made = replace(
        SensoryFeatures.empty(0.0, 4.0),
        visual=rng.uniform(0, 1, 5),
        acoustic=np.array([300, 0.2, 0.1, 120, 0.4, 0.5, 0.1]) * rng.uniform(0.5, 1.5, 7),
        maps=rng.uniform(0, 0.1, (5, 64, 64)).astype(np.float32),
        g_audio=0.8,
        g_video=0.6,
    )
    return replace(made, **changes)


def test_it_computes_what_numpy_computes(predictor: Predictor) -> None:
    import onnx
    from onnx import numpy_helper

    window = sensed(acoustic=np.array([300, np.nan, 0.1, 120, 0.4, 0.5, np.nan]))
    graph = onnx.load_from_string(predictor.bundle.network).graph
    constant = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
    ear = np.tanh(np.nan_to_num(window.acoustic) @ constant["from_ear"]).clip(0) * window.g_audio
    eye = np.tanh(window.maps.mean(axis=(1, 2)) @ constant["from_eye"]).clip(0) * window.g_video
    x = np.concatenate([ear, eye])
    weights = predictor.bundle.weights
    emotion, regions, gates, x_fused = predictor.predict([window])
    assert x_fused[0] == pytest.approx(x, rel=1e-5, abs=1e-6)  # float32 sums over 4096 pixels
    assert emotion[0] == pytest.approx(x @ weights["V"] - x @ weights["U"], rel=1e-5, abs=1e-6)
    assert gates[0] == pytest.approx([0.9 * 0.8, 0.7 * 0.6], rel=1e-6)
    assert regions.shape == (1, 11)


def test_a_window_does_not_depend_on_its_company(predictor: Predictor) -> None:
    windows = [sensed(seed) for seed in range(5)]
    together = predictor.predict(windows)
    for i, window in enumerate(windows):
        for all_of_them, alone in zip(together, predictor.predict([window]), strict=True):
            assert all_of_them[i] == pytest.approx(alone[0], rel=1e-6)


def test_equal_windows_give_equal_bits(bundle: Path, predictor: Predictor) -> None:
    for values, again in zip(
        predictor.predict([sensed()]), Predictor(bundle).predict([sensed()]), strict=True
    ):
        assert values.tobytes() == again.tobytes()


def test_either_sense_moves_the_emotions(predictor: Predictor) -> None:
    reference = predictor.predict([sensed()]).emotion
    other_sound = sensed(acoustic=sensed(1).acoustic)
    other_picture = sensed(maps=sensed(1).maps)
    for changed in (other_sound, other_picture):
        assert np.abs(predictor.predict([changed]).emotion - reference).max() > 1e-3


def test_a_sense_without_evidence_does_not_count(predictor: Predictor) -> None:
    deaf = predictor.predict([sensed(g_audio=0.0)])
    deaf_to_other = predictor.predict([sensed(g_audio=0.0, acoustic=sensed(1).acoustic)])
    assert deaf.emotion.tobytes() == deaf_to_other.emotion.tobytes()


@given(st.floats(-1, 1, width=32))
def test_nothing_sensed_is_nothing_felt(
    write_bundle: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory, bias: float
) -> None:
    # A network with a bias (a cue of the context, say) still feels nothing where nothing is seen or heard.
    predictor = Predictor(write_bundle(tmp_path_factory.mktemp("biased"), emotion_bias=bias))
    nothing, something = predictor.predict([sensed(g_audio=0.0, g_video=0.0), sensed()]).emotion
    assert (nothing == 0).all()
    assert something.any()
