import os
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from avfbel.brain import AVFBEL
from avfbel.brain.visual_cortex import ACTIVATIONS
from avfbel.data.norms import load_norms
from avfbel.published import figures, pictures
from avfbel.published.ablation import EPOCHS, FOLDS, SEEDS, load_ablation
from avfbel.published.architecture import (
    draw_framework,
    draw_layers,
    draw_pathway,
    linear_layers,
    traced_layers,
)
from avfbel.runtime.bundle import Bundle


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for ax in figure.axes for text in ax.texts)


def test_diagrams_tell_the_numbers_of_the_model_they_are_given() -> None:
    small, wide = AVFBEL(), AVFBEL(width=16, n_fused=24)
    for model in (small, wide):
        cost = {part.module: part for part in model.parameter_table()}
        pathway = texts(draw_pathway(model))
        assert f"{cost['V4'].trained:,} weights" in pathway
        assert f"{model.width * 8} planes" in pathway
        assert f"{model.n_fused * 5:,} weights" in pathway
        limbic = sum(cost[name].trained for name in ("amygdala", "orbitofrontal cortex", "thalamus"))
        assert f"{limbic:,} parameters" in texts(draw_framework(model))
        layers = texts(draw_layers(model))
        assert f"Conv 5 → {model.width}, 7×7 / 2" in layers
        assert f"{model.n_fused} × 5" in layers


def test_traced_layers_are_all_layers_in_order_with_their_shapes() -> None:
    network = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3, stride=2, padding=1), torch.nn.Flatten(), torch.nn.Linear(48, 4)
    )
    conv, linear = traced_layers(network, torch.zeros(1, 2, 8, 8))
    assert (conv.kind, conv.shape, conv.parameters) == ("Conv 2 → 3, 3×3 / 2", (3, 4, 4), 57)
    assert (linear.kind, linear.shape, linear.parameters) == ("Linear 48 → 4", (4,), 196)
    assert linear_layers(network) == [linear]
    assert not network[0]._forward_hooks


def test_the_raster_holds_the_printed_numbers_of_spikes() -> None:
    figure = pictures.draw_raster(Bundle.open())
    written = [text.get_text().split("\n")[1] for text in figure.axes[0].texts]
    assert written == ["22,000", "11,000", "13,600"]


def test_the_activity_of_the_limbic_system_adds_up_to_the_emotion() -> None:
    bundle = Bundle.open()
    said = pictures.average_limbic(bundle)
    thalamus = bundle.card["parameters"]["kappa"] * said.x.max() * bundle.weights["T"]
    expected = said.amygdala.sum(axis=0) + thalamus - said.orbitofrontal.sum(axis=0)
    np.testing.assert_allclose(said.emotion, expected, atol=1e-5)  # float32


def test_norms_and_training_are_drawn() -> None:
    drawn = pictures.draw_norms(load_norms())
    assert len(drawn.axes[0].get_xticklabels()) == 38
    ablation = load_ablation()
    assert len(pictures.draw_training([3.0, 2.0, 1.0], ablation).axes) == 3


def test_the_committed_ablation_is_complete() -> None:
    ablation = load_ablation()
    assert tuple(ablation["activations"]) == tuple(ACTIVATIONS)
    assert (ablation["folds"], ablation["epochs"], ablation["seeds"]) == (FOLDS, EPOCHS, list(SEEDS))
    for found in ablation["activations"].values():
        assert len(found["loss"]) == EPOCHS
        assert len(found["r"]) == len(found["rmse"]) == len(SEEDS)
        assert found["loss"][-1] < found["loss"][0]


def test_without_data_the_remedy_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no ratings at"):
        figures.run(tmp_path, tmp_path / "out", rerun=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif("AVFBEL_DATA" not in os.environ, reason="AVFBEL_DATA names no data")
def test_all_figures_are_written_with_their_captions(tmp_path: Path) -> None:
    data = Path(os.environ["AVFBEL_DATA"])
    text = figures.run(data, tmp_path, rerun=False)
    for name in (*(f"fig{i}" for i in range(1, 10)), "norms", "training"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert f"({name}.png)" in text
    assert text.count("*Not regenerated:*") == 11
    assert "77.69 %, correlation r = −0.07" in text
    assert "comes out to the digit" in text
