"""Parity of the exported graph with torch, on anything: counts equal, the rest within 1e-5 of the largest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from avfbel.brain import AVFBEL, REGIONS, Samples
from avfbel.brain.auditory_cortex import POPULATION_SIZE
from avfbel.learn.export import (
    INPUTS,
    OUTPUTS,
    TOLERANCE,
    add_named_regions,
    export_model,
    limbic_arrays,
    onnx_graph,
)

Feed = dict[str, np.ndarray]
Q = 5


def clips(n: int, rng: np.random.Generator, *, missing: float = 0.1, loud: float = 1.0) -> Feed:
    """Return maps of rectangles and noise, features of any size with gaps, and evidence from none to full."""
    size = np.array([300.0, 0.6, 0.4, 0.8, 1.0]).reshape(-1, 1, 1)
    moved = rng.random((n, 1, 64, 64)) < rng.uniform(0.05, 1.0, (n, 1, 1, 1))
    maps = loud * size * moved * rng.normal(1.0, 0.5, (n, 5, 64, 64))
    acoustic = np.exp(rng.normal(0.0, 2.0, (n, 7))) * np.array([200.0, 0.1, 0.05, 100.0, 0.3, 0.3, 0.3])
    acoustic[rng.random((n, 7)) < missing] = np.nan
    evidence = np.clip(rng.uniform(-0.5, 1.5, (n, 2)), 0.0, 1.0)
    feed = {"maps": maps, "acoustic": acoustic, "evidence": evidence}
    return {name: values.astype(np.float32) for name, values in feed.items()}


def learned(seed: int, **parameters: object) -> AVFBEL:
    rng = np.random.default_rng(seed)
    samples = Samples.of_clips(**clips(30, rng), rewards=rng.random((30, Q)))
    return AVFBEL(epochs=4, bel_epochs=4, gamma=0.01, random_state=seed, **parameters).fit(samples)


@pytest.fixture(scope="module")
def models() -> list[tuple[AVFBEL, onnxruntime.InferenceSession]]:
    """Circuits with either activation, one sense, raw sound, and no gyrus, and their graphs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    made = [
        learned(0),
        learned(1, activation="gelu", width=3),
        learned(2, modality="audio"),
        learned(3, auditory="features"),
        learned(4, fusion=None),
    ]
    return [
        (model, onnxruntime.InferenceSession(onnx_graph(model), options, providers=["CPUExecutionProvider"]))
        for model in made
    ]


@settings(max_examples=40, deadline=None)
@given(
    which=st.integers(0, 4),
    n=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
    missing=st.sampled_from([0.0, 0.1, 1.0]),
    loud=st.sampled_from([0.0, 1.0, 100.0]),
)
@example(which=0, n=1, seed=0, missing=1.0, loud=0.0)
def test_any_input_gives_the_numbers_of_torch(
    models: list[tuple[AVFBEL, onnxruntime.InferenceSession]],
    which: int,
    n: int,
    seed: int,
    missing: float,
    loud: float,
) -> None:
    model, session = models[which]
    rng = np.random.default_rng(seed)
    weights = {name: rng.permuted(values) for name, values in limbic_arrays(model).items()}
    gain = rng.uniform(0.0, 2.0, len(REGIONS)) * (rng.random(len(REGIONS)) > 0.1)
    feed = clips(n, rng, missing=missing, loud=loud) | weights | {"gain": gain.astype(np.float32)}
    names = [part.name for part in session.get_inputs()]  # one sense alone: the exporter drops the other's
    got = dict(zip(OUTPUTS, session.run(list(OUTPUTS), {name: feed[name] for name in names}), strict=True))
    with torch.no_grad():
        want = model.network_(*(torch.from_numpy(feed[name]) for name in INPUTS))
    for name, tensor in zip(OUTPUTS, want, strict=True):
        expected = tensor.numpy()
        assert np.isfinite(got[name]).all()
        largest = float(np.abs(expected).max())
        assert np.abs(got[name] - expected).max() <= TOLERANCE * largest, name
    for name, neurons in POPULATION_SIZE.items():
        column = REGIONS.index(name)
        if gain[column]:
            counts = [
                r[:, column] / feed["gain"][column] * neurons for r in (got["regions"], want.regions.numpy())
            ]
            assert np.array_equal(*np.rint(counts)), "a spike more or less"


def test_tuning_currents_and_counts_are_computed_in_float64() -> None:
    """Every operation between the features and the count of spikes has a float64 result in the graph."""
    graph = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(onnx_graph(learned(0)))).graph
    types = {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    heard = [node for node in graph.node if node.name.startswith("/auditory_cortex/")]
    arithmetic = {"Add", "Sub", "Mul", "Div", "Exp", "Log", "Pow", "Sigmoid", "Floor", "Neg"}
    computed = [node for node in heard if node.op_type in arithmetic]
    last_floor = max(i for i, node in enumerate(computed) if node.op_type == "Floor")
    assert last_floor > 10
    for node in computed[: last_floor + 1]:
        assert types[node.output[0]] == onnx.TensorProto.DOUBLE, (node.name, node.op_type)


def test_each_region_has_an_output_of_its_name() -> None:
    model, rng = learned(0), np.random.default_rng(3)
    plain = onnx_graph(model)
    named = add_named_regions(plain)
    session = onnxruntime.InferenceSession(named, providers=["CPUExecutionProvider"])
    assert [part.name for part in session.get_outputs()] == [*OUTPUTS, *REGIONS]
    feed = clips(7, rng) | limbic_arrays(model)
    said = dict(zip([*OUTPUTS, *REGIONS], session.run(None, feed), strict=True))
    before = onnxruntime.InferenceSession(plain, providers=["CPUExecutionProvider"]).run(None, feed)
    for name, values in zip(OUTPUTS, before, strict=True):
        np.testing.assert_array_equal(said[name], values)
    for column, region in enumerate(REGIONS):
        np.testing.assert_array_equal(said[region], said["regions"][:, column])


def test_a_written_graph_names_every_region(tmp_path: Path) -> None:
    export_model(learned(0), tmp_path)
    written = onnx.load(tmp_path / "model.onnx")
    assert [part.name for part in written.graph.output] == [*OUTPUTS, *REGIONS]


def test_what_a_graph_of_windows_cannot_hold_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples = Samples.of_clips(**clips(8, rng), rewards=rng.random((8, Q)), visual=rng.random((8, 5)))
    with pytest.raises(ValueError, match="visual='features' cannot be exported"):
        export_model(AVFBEL(visual="features", epochs=1, bel_epochs=1).fit(samples), tmp_path)
    with pytest.raises(ValueError, match="train with learning='local'"):
        export_model(AVFBEL(learning="gradient", epochs=1, bel_epochs=1).fit(samples), tmp_path)
    assert not list(tmp_path.iterdir())
