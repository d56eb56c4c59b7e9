"""Exported files: the same numbers as torch for any batch, whole files, and limbic weights as inputs."""

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import safetensors.numpy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from avfbel.brain import AVFBEL, REGIONS, Samples
from avfbel.learn import export
from avfbel.learn.export import INPUTS, OUTPUTS, export_model, limbic_arrays, onnx_graph, parity


def clips(n: int, seed: int) -> dict[str, np.ndarray]:
    maps, acoustic, evidence = export._example(n, np.random.default_rng(seed))
    return {"maps": maps, "acoustic": acoustic, "evidence": evidence}


@pytest.fixture(scope="module")
def model() -> AVFBEL:
    rng = np.random.default_rng(0)
    samples = Samples.of_clips(**clips(40, 0), rewards=rng.random((40, 5)))
    return AVFBEL(epochs=20, gamma=0.01).fit(samples)


@pytest.fixture(scope="module")
def session(model: AVFBEL) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(onnx_graph(model), providers=["CPUExecutionProvider"])


def run(session: onnxruntime.InferenceSession, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return dict(zip(OUTPUTS, session.run(list(OUTPUTS), feed), strict=True))


def test_inputs_and_outputs_are_those_of_the_bundle(session: onnxruntime.InferenceSession) -> None:
    assert tuple(part.name for part in session.get_inputs()) == INPUTS
    assert tuple(part.name for part in session.get_outputs()) == OUTPUTS
    assert {part.type for part in (*session.get_inputs(), *session.get_outputs())} == {"tensor(float)"}


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 65), seed=st.integers(0, 10_000))
def test_any_batch_gives_the_numbers_of_torch(
    model: AVFBEL, session: onnxruntime.InferenceSession, n: int, seed: int
) -> None:
    feed = clips(n, seed) | limbic_arrays(model)
    with torch.no_grad():
        want = model.network_(*(torch.from_numpy(feed[name]) for name in INPUTS))
    got = run(session, feed)
    for name, tensor in zip(OUTPUTS, want, strict=True):
        expected = tensor.numpy()
        np.testing.assert_allclose(got[name], expected, rtol=0, atol=1e-5 * max(np.abs(expected).max(), 1e-9))
    spikes = [REGIONS.index(name) for name in ("PYR", "PV", "SOM")]
    # Counts are whole numbers found in float64: no spike may differ, only the mean's last bits.
    np.testing.assert_allclose(got["regions"][:, spikes], want.regions[:, spikes].numpy(), rtol=1e-6)


def test_without_evidence_the_graph_is_exactly_silent(
    model: AVFBEL, session: onnxruntime.InferenceSession
) -> None:
    silent = clips(3, 1) | {"evidence": np.zeros((3, 2), np.float32)} | limbic_arrays(model)
    assert not any(part.any() for part in run(session, silent).values())


def test_limbic_weights_and_gains_are_inputs(model: AVFBEL, session: onnxruntime.InferenceSession) -> None:
    feed = clips(4, 2) | limbic_arrays(model)
    naive = run(session, feed | {name: np.zeros_like(feed[name]) for name in "VUWT"})
    assert not naive["emotion"].any()
    assert naive["x_fused"].any()
    gain = feed["gain"].copy()
    gain[REGIONS.index("IT")] = 0
    assert not run(session, feed | {"gain": gain})["regions"][:, REGIONS.index("IT")].any()


def test_files_are_written_whole_with_their_hashes(model: AVFBEL, tmp_path: Path) -> None:
    hashes = export_model(model, tmp_path / "new" / "bundle")
    folder = tmp_path / "new" / "bundle"
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "weights.safetensors"]
    for name, sha256 in hashes.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256
    assert (folder / "model.onnx").stat().st_size < 1_000_000
    for name, weights in safetensors.numpy.load_file(folder / "weights.safetensors").items():
        np.testing.assert_array_equal(weights, limbic_arrays(model)[name])
    assert export_model(model, folder) == hashes


def test_a_graph_that_disagrees_is_not_written(
    model: AVFBEL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = AVFBEL(epochs=1, random_state=9).fit(Samples.of_clips(**clips(8, 0), rewards=np.ones((8, 5))))
    wrong = onnx_graph(other)
    assert parity(model, wrong)["x_fused"] > 0.1
    monkeypatch.setattr(export, "onnx_graph", lambda _: wrong)
    with pytest.raises(RuntimeError, match="does not agree with the model"):
        export_model(model, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_untrained_model_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match="call fit first"):
        export_model(AVFBEL(), tmp_path)
