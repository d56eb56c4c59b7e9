"""From a bundle back to torch: parity with the graph, and loud refusal of what does not fit."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from avfbel.brain import AVFBEL, Samples
from avfbel.errors import InputError, UsageError
from avfbel.interpret.saliency import network_inputs
from avfbel.interpret.saliency_fold import explain_saliency
from avfbel.interpret.trained_network import limbic_inputs, require_sight, trained_network
from avfbel.learn.export import add_named_regions, limbic_arrays, onnx_graph
from avfbel.runtime import Bundle, Predictor
from avfbel.senses.features import SensoryFeatures

TOLERANCE = 1e-5  # of an output's largest magnitude: convolutions are float32 sums in another order


def made_up(n: int, seed: int) -> list[SensoryFeatures]:
    """Return windows of rectangles and noise, with features missing and senses silent in some."""
    rng = np.random.default_rng(seed)
    windows = []
    for i in range(n):
        maps = np.zeros((5, 64, 64), np.float32)
        top, left = rng.integers(0, 40, 2)
        size = np.array([200.0, 0.3, 0.1, 0.3, -0.2])[:, None, None]
        maps[:, top : top + 20, left : left + 20] = size * rng.uniform(0.5, 1.5, (5, 20, 20))
        acoustic = np.array([300.0, 0.2, 0.1, 180.0, 0.3, 0.5, 0.1]) * rng.uniform(0.5, 1.5, 7)
        acoustic[rng.random(7) < 0.1] = np.nan
        visual = np.array([120.0, 0.3, -0.1, 0.3, -0.2]) * rng.uniform(0.5, 1.5, 5)
        sensed = SensoryFeatures.empty(0.0, 4.0)
        gates = {"g_audio": 0.0 if i % 5 == 1 else 0.9, "g_video": 0.0 if i % 5 == 2 else 0.8}
        windows.append(replace(sensed, maps=maps, acoustic=acoustic, visual=visual, **gates))
    return windows


def assert_parity(bundle: Bundle) -> None:
    network, windows = trained_network(bundle), made_up(12, 4)
    with torch.no_grad():
        output = network(**network_inputs(network, windows), **limbic_inputs(bundle))
    said = Predictor(bundle).predict(windows)
    for name in ("emotion", "regions", "gates", "x_fused"):
        expected = getattr(said, name)
        difference = np.abs(getattr(output, name).numpy() - expected).max()
        assert np.abs(expected).max() > 0
        assert difference <= TOLERANCE * np.abs(expected).max(), name


def test_the_shipped_network_gives_the_numbers_of_its_graph() -> None:
    assert_parity(Bundle.open("default"))


@pytest.mark.parametrize(
    "settings", [{"modality": "video"}, {"activation": "gelu", "width": 3, "gamma": 0.01}, {"fusion": None}]
)
def test_any_circuit_with_a_visual_cortex_comes_back(settings: dict[str, Any]) -> None:
    # one that is blind or deaf holds layers that never learned: their equal weights are stored once
    bundle = learned(**settings)
    assert_parity(bundle)
    require_sight(trained_network(bundle), bundle)


def test_a_model_that_only_hears_tells_when_in_the_sound(clips: Path) -> None:
    bundle = learned(modality="audio")
    bundle = replace(bundle, card={**bundle.card, "kinds": ["audio"]})
    told = explain_saliency(clips / "plain.mp4", model=bundle, hop=2.0)
    assert told.has_sound
    assert not told.has_picture
    with pytest.raises(UsageError, match="has no visual cortex"):
        require_sight(trained_network(bundle), bundle)


def learned(**settings: Any) -> Bundle:
    """Return a bundle, in memory, of a circuit that has learned a little."""
    windows = made_up(30, 1)
    samples = Samples.of_clips(
        maps=np.stack([window.maps for window in windows]),
        acoustic=np.stack([window.acoustic for window in windows]).astype(np.float32),
        evidence=np.array([(window.g_audio, window.g_video) for window in windows], np.float32),
        rewards=np.random.default_rng(1).random((30, 5)),
    )
    model = AVFBEL(epochs=2, bel_epochs=2, random_state=0, **settings).fit(samples)
    shipped = Bundle.open("default")
    card = {**shipped.card, "parameters": model.get_params(), "kinds": ["fused"]}
    graph = add_named_regions(onnx_graph(model))
    return replace(shipped, source="made here", card=card, network=graph, weights=limbic_arrays(model))


def altered(change: Any) -> Bundle:
    bundle = Bundle.open("default")
    graph = onnx.load_model_from_string(bundle.network)
    change(graph.graph.initializer)
    return replace(bundle, source="altered", network=graph.SerializeToString())


def rename(name: str, new: str) -> Any:
    def change(initializers: Any) -> None:
        next(entry for entry in initializers if entry.name == name).name = new

    return change


def test_what_is_missing_or_unknown_is_named() -> None:
    with pytest.raises(InputError, match=r"lacks visual_cortex\.decoder\.weight; it has the unknown new:"):
        trained_network(altered(rename("visual_cortex.decoder.weight", "new")))


def test_another_shape_is_named() -> None:
    bundle = Bundle.open("default")
    smaller = {**bundle.card, "parameters": {**bundle.card["parameters"], "n_visual": 63}}
    with pytest.raises(InputError, match=r"has another shape of visual_cortex\.decoder\.weight"):
        trained_network(replace(bundle, card=smaller))


def test_a_limbic_system_that_reads_another_code_is_an_input_error() -> None:
    bundle = learned()
    k = len(bundle.weights["V"])
    longer = {name: np.concatenate([bundle.weights[name]] * 3) for name in ("V", "U", "W")}
    with pytest.raises(InputError, match=rf"made here reads a code of {3 * k} units, .* one of {k}: train"):
        trained_network(replace(bundle, weights={**bundle.weights, **longer}))


def test_unknown_settings_are_an_input_error() -> None:
    bundle = Bundle.open("default")
    odd = {**bundle.card, "parameters": {**bundle.card["parameters"], "activation": "tanh"}}
    with pytest.raises(InputError, match="describes no network that this version builds"):
        trained_network(replace(bundle, card=odd))


@pytest.mark.parametrize("absent", ["torch", "onnx"])
def test_without_torch_or_onnx_the_remedy_is_named(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(ImportError, match=r"avfbel\[train\]"):
        trained_network()
