"""The temporal gyrus, equation by equation (11-17 and Fig. 3), against numpy written from the paper."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.brain import Network, TemporalGyrus
from avfbel.brain.gradient import GradientSettings, parameter_groups

Array = np.ndarray


def gyrus(seed: int = 0, dropout: float = 0.3) -> TemporalGyrus:
    torch.manual_seed(seed)
    fusion = TemporalGyrus(n_auditory=9, n_visual=6, hidden=7, n_fused=5, dropout=dropout)
    for _ in range(4):  # statistics and affine parts of the norms that differ from 0 and 1
        fusion.train()(torch.randn(32, 9) + 1, torch.randn(32, 6) * 2, torch.ones(32, 2))
    for branch in fusion.branches.values():
        for norm in branch.norms:
            torch.nn.init.normal_(norm.weight, 1.0, 0.3)
            torch.nn.init.normal_(norm.bias, 0.0, 0.3)
    return fusion.eval()


def weights(fusion: TemporalGyrus) -> dict[str, Array]:
    return {name: value.numpy().astype(np.float64) for name, value in fusion.state_dict().items()}


def relu(x: Array) -> Array:
    return np.maximum(x, 0.0)


def hidden_vector(w: dict[str, Array], sense: str, x: Array) -> Array:
    """Eq. 11 (music) and 12 (video), three times, with batch norm as the text says."""
    for i in range(3):
        layer, norm = f"branches.{sense}.layers.{i}", f"branches.{sense}.norms.{i}"
        x = x @ w[f"{layer}.weight"].T + w[f"{layer}.bias"]
        x = (x - w[f"{norm}.running_mean"]) / np.sqrt(w[f"{norm}.running_var"] + 1e-3)
        x = relu(x * w[f"{norm}.weight"] + w[f"{norm}.bias"])
    return x


def attention(w: dict[str, Array], sense: str, h: Array) -> Array:
    """Eq. 13 and 14."""
    return relu(h @ w[f"branches.{sense}.attention.weight"].T + w[f"branches.{sense}.attention.bias"])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5))
def test_each_equation_on_any_input(seed: int, evidence: list[tuple[float, float]]) -> None:
    fusion, rng = gyrus(seed % 3), np.random.default_rng(seed)
    w, g, n = weights(fusion), np.array(evidence), len(evidence)
    x_m, x_a = rng.normal(size=(n, 9)) * 3, rng.normal(size=(n, 6)) * 3
    h_m, h_v = hidden_vector(w, "audio", x_m), hidden_vector(w, "video", x_a)  # Eq. 11-12
    attn_m, attn_v = attention(w, "audio", h_m), attention(w, "video", h_v)  # Eq. 13-14
    x_m1, x_a1 = attn_m * h_m * g[:, [0]], attn_v * h_v * g[:, [1]]  # Eq. 15-16, times evidence
    together = relu(x_m1 @ w["interaction.audio.weight"].T) * relu(x_a1 @ w["interaction.video.weight"].T)
    x_am = np.concatenate([x_m1, x_a1, together], axis=1)  # Eq. 17, and the cross-modal interaction
    fused = relu(x_am @ w["final.weight"].T)  # Fig. 3: the final layer before BEL
    inputs = (torch.from_numpy(x_m), torch.from_numpy(x_a), torch.from_numpy(g))
    said, gates = fusion(*inputs), fusion.attention(*inputs)
    np.testing.assert_allclose(gates.audio.detach().numpy(), attn_m * g[:, [0]], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gates.video.detach().numpy(), attn_v * g[:, [1]], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(said.x_fused.detach().numpy(), fused, rtol=1e-9, atol=1e-12)
    means = np.stack([attn_m.mean(axis=1), attn_v.mean(axis=1)], axis=1) * g
    np.testing.assert_allclose(said.gates.detach().numpy(), means, rtol=1e-9, atol=1e-12)


def test_dropout_silences_its_share_while_training_only() -> None:
    sound = torch.rand(4000, 9)
    fusion = gyrus(dropout=0.3)
    branch = fusion.branches["audio"]
    torch.nn.init.zeros_(branch.attention.weight)  # attention 1 for every unit
    torch.nn.init.ones_(branch.attention.bias)
    torch.nn.init.constant_(branch.norms[2].bias, 100.0)  # so that only dropout makes a unit 0
    branch.train()
    gated, _ = branch(sound, torch.ones(4000))
    assert (gated == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)  # 28 000 units, 4 sd
    branch.eval()
    torch.testing.assert_close(*(branch(sound, torch.ones(4000))[0] for _ in range(2)))
    assert (branch(sound, torch.ones(4000))[0] > 0).all()


def test_l2_acts_on_weights_of_layers_alone() -> None:
    network, head = Network(), torch.nn.Linear(32, 5, bias=False)
    decayed, free = parameter_groups(network, head, GradientSettings().weight_decay)
    assert (decayed["weight_decay"], free["weight_decay"]) == (1e-3, 0.0)
    names = {id(p): name for name, p in network.named_parameters()}
    assert all(names.get(id(p), "head.weight").endswith("weight") for p in decayed["params"])
    spared = {names[id(p)].rsplit(".", 1)[-1] for p in free["params"]}
    assert spared == {"bias", "weight", "centre", "log_width", "gain"}  # weight: of the norms
    assert not any("norms" in names.get(id(p), "") for p in decayed["params"])
    assert len(decayed["params"]) + len(free["params"]) == len(list(network.parameters())) + 1
