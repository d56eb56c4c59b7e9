"""Write a trained model as files that run without torch: model.onnx and weights.safetensors.

The graph holds every region; limbic weights and gains are its inputs, so that adapting and lesions need no
export.
"""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avfbel.brain.regions import ACOUSTIC, MAPS, REGIONS, SENSES
from avfbel.files import write_whole

if TYPE_CHECKING:
    from avfbel.brain.model import AVFBEL

INPUTS = ("maps", "acoustic", "evidence", "V", "U", "W", "T", "gain")
OUTPUTS = ("emotion", "regions", "gates", "x_fused")
OPSET = 17
MAP_SIZE = 64
TOLERANCE = 1e-5  # of an output's largest magnitude: convolutions are float32 sums in another order
TRIED_BATCHES = (1, 2, 7, 33)


def export_model(model: AVFBEL, folder: str | Path) -> dict[str, str]:
    """Write `model.onnx` and `weights.safetensors` into a folder, whole or not at all.

    The graph is run by onnxruntime on batches of several sizes, with features missing and senses silent, and
    has to agree with torch before anything takes its place in the folder.

    Parameters
    ----------
    model : AVFBEL
        A fitted model.
    folder : path
        Created if needed.

    Returns
    -------
    dict of str
        sha256 of each file, by name, as hexadecimal.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the model has not been trained.
    RuntimeError
        If the exported graph does not agree with the model.
    ValueError
        If the circuit reads visual features or learned by gradient: a graph of single windows holds neither.

    Notes
    -----
    Inputs of the graph: maps (n, 5, 64, 64), acoustic (n, 7), evidence (n, 2), V, U (k, q), W (k, k), T (q,),
    gain (11,); outputs: emotion (n, q), regions (n, 11), gates (n, 2), x_fused (n, k), and each region by its
    name (n,); all float32. They are those of `avfbel.brain.network.Network.forward`.
    """
    from safetensors.numpy import save

    weights = limbic_arrays(model)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    graph = add_named_regions(onnx_graph(model))
    difference = parity(model, graph)
    too_far = {name: value for name, value in difference.items() if value > TOLERANCE}
    if too_far:
        raise RuntimeError(f"the exported graph does not agree with the model: {too_far}")
    contents = {"model.onnx": graph, "weights.safetensors": save(weights)}
    for name, content in contents.items():
        write_whole(folder / name, content)
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def limbic_arrays(model: AVFBEL) -> dict[str, NDArray[np.float32]]:
    """Return V, U, W, T and the gains (all 1) of a fitted model as float32 arrays, by input name."""
    return {name: tensor.numpy().copy() for name, tensor in model.limbic_weights()._asdict().items()}


def onnx_graph(model: AVFBEL) -> bytes:
    """Return the ONNX graph of a fitted model, for any batch size.

    The exporter that traces is used (`dynamo=False`, opset 17): the other one freezes lengths silently.
    """
    import io

    import torch

    if model.visual == "features":
        raise ValueError("a graph reads feature maps: a model with visual='features' cannot be exported")
    inputs = (*_example(2), *model.limbic_weights())
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch announces the end of this exporter
        torch.onnx.export(
            model.network_.eval(),
            tuple(torch.as_tensor(value) for value in inputs),
            buffer,  # type: ignore[arg-type]  # this exporter writes to buffers too
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "n"} for name in (*INPUTS[:3], *OUTPUTS)},
            opset_version=OPSET,
            do_constant_folding=False,  # would store the float64 copies of all weights
            dynamo=False,
        )
    return buffer.getvalue()


def add_named_regions(graph: bytes) -> bytes:
    """Return a graph with one more output (n,) for each of `REGIONS`, by name; the others stay as they are.

    Parameters
    ----------
    graph : bytes
        A graph of `onnx_graph`.

    Returns
    -------
    bytes
        The graph with the columns of its output `regions` as outputs V1, V2, ... prefrontal, float32.
    """
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load_model_from_string(graph)
    for column, region in enumerate(REGIONS):
        number = f"column_of_{region}"
        model.graph.initializer.append(helper.make_tensor(number, TensorProto.INT64, [], [column]))
        model.graph.node.append(helper.make_node("Gather", ["regions", number], [region], axis=1))
        model.graph.output.append(helper.make_tensor_value_info(region, TensorProto.FLOAT, ["n"]))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def parity(model: AVFBEL, graph: bytes, *, seed: int = 0) -> dict[str, float]:
    """Return by how much the graph differs from the model, by output, over batches of several sizes.

    Parameters
    ----------
    model : AVFBEL
        A fitted model.
    graph : bytes
        Its ONNX graph.
    seed : int
        Seed of the stimuli and gains that are tried.

    Returns
    -------
    dict of float
        Largest absolute difference of each output, divided by its largest magnitude.
    """
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    weights = limbic_arrays(model)
    rng = np.random.default_rng(seed)
    worst = dict.fromkeys(OUTPUTS, 0.0)
    for n in TRIED_BATCHES:
        gain = rng.uniform(0.5, 1.5, weights["gain"].shape).astype(np.float32)
        feed = dict(zip(INPUTS, (*_example(n, rng), *weights.values()), strict=True)) | {"gain": gain}
        with torch.no_grad():
            expected = model.network_(*(torch.from_numpy(feed[name]) for name in INPUTS))
        for name, got, want in zip(OUTPUTS, session.run(list(OUTPUTS), feed), expected, strict=True):
            reference = want.numpy()
            largest = max(float(np.abs(reference).max()), 1e-30)
            worst[name] = max(worst[name], float(np.abs(got - reference).max()) / largest)
    return worst


def _example(
    n: int, rng: np.random.Generator | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return maps, acoustic features (some missing) and evidence (some silent) of n made-up clips."""
    rng = rng or np.random.default_rng(0)
    values = rng.random((n, len(MAPS), 1, 1)) * np.array([300.0, 0.6, 0.4, 0.8, 1.0]).reshape(-1, 1, 1)
    moved = np.arange(MAP_SIZE) < rng.integers(8, MAP_SIZE, (n, 1, 1, 1))
    maps = values * moved * rng.uniform(0.8, 1.2, (n, len(MAPS), MAP_SIZE, MAP_SIZE))
    acoustic = rng.random((n, len(ACOUSTIC))) * np.array([400.0, 0.3, 0.2, 200.0, 1.0, 1.0, 1.0])
    acoustic[rng.random(acoustic.shape) < 0.1] = np.nan
    evidence = np.clip(rng.uniform(-0.5, 1.5, (n, len(SENSES))), 0.0, 1.0)
    return maps.astype(np.float32), acoustic.astype(np.float32), evidence.astype(np.float32)
