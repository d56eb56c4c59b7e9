"""Temporal gyrus: gates, evidence, interaction, and one pass a clip instead of one a sample."""

import copy

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from avfbel.brain import TemporalGyrus
from avfbel.brain.temporal_gyrus import Branch


def gyrus(seed: int = 0) -> TemporalGyrus:
    torch.manual_seed(seed)
    fusion = TemporalGyrus(n_auditory=20, n_visual=10, hidden=16, n_fused=12)
    for _ in range(5):  # give the norms statistics of their own
        fusion.train()(torch.randn(32, 20) * 3 + 1, torch.randn(32, 10), torch.rand(32, 2))
    return fusion.eval()


def inputs(n: int, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 20, generator=generator), torch.randn(n, 10, generator=generator)


def test_the_forward_pass_is_the_equations() -> None:
    fusion, (sound, sight) = gyrus(), inputs(4)
    evidence = torch.tensor([[1.0, 1.0], [0.5, 0.2], [1.0, 0.0], [0.0, 0.7]])
    expected = copy.deepcopy(fusion).double()
    streams, gates = [], []
    for i, (name, x) in enumerate((("audio", sound), ("video", sight))):
        branch, x = expected.branches[name], x.double()
        for layer, norm in zip(branch.layers, branch.norms, strict=True):
            x = layer(x)
            x = (x - norm.running_mean) / torch.sqrt(norm.running_var + norm.eps) * norm.weight + norm.bias
            x = x.clamp(min=0)
        attention = (x @ branch.attention.weight.T + branch.attention.bias).clamp(min=0)
        streams.append(attention * x * evidence[:, [i]])
        gates.append(attention.mean(dim=1) * evidence[:, i])
    product = F.relu(streams[0] @ expected.interaction["audio"].weight.T)
    product = product * F.relu(streams[1] @ expected.interaction["video"].weight.T)
    fused = F.relu(torch.cat([*streams, product], dim=1) @ expected.final.weight.T)
    said = fusion(sound, sight, evidence)
    torch.testing.assert_close(said.x_fused, fused)
    torch.testing.assert_close(said.gates, torch.stack(gates, dim=1))
    assert (fused > 0).any()


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1))
def test_the_code_is_non_negative_and_silent_without_evidence(seed: int, audio: float, video: float) -> None:
    fusion = gyrus(seed % 3)
    sound, sight = inputs(3, seed)
    assert (fusion(sound * 100, sight * 100, torch.tensor([[audio, video]]).expand(3, 2)).x_fused >= 0).all()
    silent = fusion(sound * 100, sight * 100, torch.zeros(3, 2))
    assert not silent.x_fused.any()
    assert not silent.gates.any()


def test_a_silent_sense_changes_nothing_and_has_no_gate() -> None:
    fusion, (sound, sight) = gyrus(), inputs(3)
    deaf = torch.tensor([[0.0, 1.0]]).expand(3, 2)
    first, second = fusion(sound, sight, deaf), fusion(sound * -7, sight, deaf)
    assert torch.equal(first.x_fused, second.x_fused)
    assert not first.gates[:, 0].any()
    assert (first.gates[:, 1] > 0).all()


def test_both_senses_matter() -> None:
    fusion, (sound, sight) = gyrus(), inputs(3)
    both = torch.ones(3, 2)
    reference = fusion(sound, sight, both).x_fused
    assert not torch.equal(reference, fusion(sound + 1, sight, both).x_fused)
    assert not torch.equal(reference, fusion(sound, sight + 1, both).x_fused)


def test_the_interaction_hears_what_neither_sense_says_alone() -> None:
    fusion, (sound, sight) = gyrus(), inputs(8)
    with torch.no_grad():
        fusion.final.weight[:, :32] = 0.0  # only the interaction is left
        fusion.final.weight[:, 32:] = 1.0
    assert fusion(sound, sight, torch.ones(8, 2)).x_fused.any()
    for alone in ([1.0, 0.0], [0.0, 1.0]):
        assert not fusion(sound, sight, torch.tensor([alone]).expand(8, 2)).x_fused.any()


def test_samples_that_share_clips_get_what_they_would_get_alone() -> None:
    fusion, (sound, sight) = gyrus(), inputs(4)
    evidence = torch.rand(4, 2, generator=torch.Generator().manual_seed(2))
    row = torch.tensor([0, 0, 0, 3, 2, 1])
    mask = torch.tensor([[1.0, 0], [0, 1], [1, 1], [1, 1], [0, 1], [0, 0]])
    shared = fusion(sound, sight, evidence, row, mask)
    alone = fusion(sound[row], sight[row], evidence[row] * mask)
    torch.testing.assert_close(shared, alone)


def test_clips_without_the_sense_do_not_blur_its_statistics() -> None:
    torch.manual_seed(0)
    mixed, pure = (Branch(10, 8, dropout=0.0).train() for _ in range(2))
    pure.load_state_dict(mixed.state_dict())
    x = torch.randn(16, 10)
    evidence = (torch.arange(16) % 2).float()
    gated, _ = mixed(x, evidence)
    expected, _ = pure(x[1::2], torch.ones(8))
    torch.testing.assert_close(gated[1::2], expected)
    assert not gated[::2].any()
    torch.testing.assert_close(mixed.state_dict(), pure.state_dict())


def test_training_goes_on_with_one_clip_or_none() -> None:
    branch = Branch(10, 8, dropout=0.5).train()
    for evidence in ([1.0, 0.0], [0.0, 0.0]):
        gated, attention = branch(torch.randn(2, 10), torch.tensor(evidence))
        assert torch.isfinite(gated).all()
        assert gated.shape == attention.shape == (2, 8)


def test_settled_norms_have_the_statistics_of_all_inputs() -> None:
    torch.manual_seed(0)
    branch, x = Branch(10, 8, dropout=0.5).eval(), torch.randn(200, 10) * 5 + 2
    branch.settle(x)
    signal = x
    for layer, norm in zip(branch.layers, branch.norms, strict=True):
        normalized = norm(layer(signal))
        torch.testing.assert_close(normalized.mean(dim=0), torch.zeros(8), atol=1e-5, rtol=0)
        spread = layer(signal).var(dim=0, correction=0)
        torch.testing.assert_close(normalized.var(dim=0, correction=0), spread / (spread + norm.eps))
        signal = F.relu(normalized)
