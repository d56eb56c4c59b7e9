"""The multimodal transformer: attention is that of torch, and what is not present has no say."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from avfbel.learn.transformer import EncoderLayer, MultimodalTransformer, SelfAttention, position_code


def small(**options: object) -> MultimodalTransformer:
    """Return a transformer of two layers with random weights."""
    torch.manual_seed(0)
    sizes = {"n_layers": 2, "width": 16, "heads": 2, "n_acoustic": 7, "n_visual": 5}
    return MultimodalTransformer(**{**sizes, **options}).eval()


def noise(n: int, length: int) -> tuple[Tensor, Tensor]:
    return torch.randn(n, length, 7), torch.randn(n, length, 5)


@settings(max_examples=10)
@given(length=st.integers(1, 12), seed=st.integers(0, 99), masked=st.booleans())
def test_attention_is_that_of_torch_whether_tiled_or_not(length: int, seed: int, masked: bool) -> None:
    torch.manual_seed(seed)
    ours, tokens = SelfAttention(8, 2), torch.randn(2, length, 8)
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.project.weight,
            "in_proj_bias": ours.project.bias,
            "out_proj.weight": ours.output.weight,
            "out_proj.bias": ours.output.bias,
        }
    )
    present = torch.rand(2, length) < 0.5 if masked else None
    absent = None
    if present is not None:
        present[:, 0] = True
        absent = ~present
    expected = theirs(tokens, tokens, tokens, need_weights=False, key_padding_mask=absent)[0]
    torch.testing.assert_close(ours(tokens, present), expected, atol=1e-5, rtol=1e-5)  # float32
    ours.tiled = True
    torch.testing.assert_close(ours(tokens, present), expected, atol=1e-5, rtol=1e-5)


def test_a_layer_is_that_of_torch() -> None:
    torch.manual_seed(0)
    ours = EncoderLayer(8, 2).eval()
    theirs = torch.nn.TransformerEncoderLayer(
        8, 2, dim_feedforward=32, activation="gelu", batch_first=True, norm_first=True
    ).eval()
    pairs = [
        (theirs.self_attn.out_proj, ours.attention.output),
        (theirs.linear1, ours.expand),
        (theirs.linear2, ours.contract),
        (theirs.norm1, ours.norms[0]),
        (theirs.norm2, ours.norms[1]),
    ]
    theirs.self_attn.in_proj_weight.data = ours.attention.project.weight.data
    theirs.self_attn.in_proj_bias.data = ours.attention.project.bias.data
    for there, here in pairs:
        there.load_state_dict(here.state_dict())
    tokens, present = torch.randn(3, 5, 8), torch.tensor([[True] * 4 + [False]]).expand(3, 5)
    want = theirs(tokens, src_key_padding_mask=~present)
    torch.testing.assert_close(ours(tokens, present)[:, :4], want[:, :4], atol=1e-5, rtol=1e-5)


def test_attention_does_not_know_the_order_of_tokens_and_the_transformer_does() -> None:
    torch.manual_seed(0)
    attention, tokens = SelfAttention(8, 2), torch.randn(1, 5, 8)
    torch.testing.assert_close(attention(tokens.flip(1)), attention(tokens).flip(1))
    model, (acoustic, visual) = small(), noise(1, 5)
    assert not torch.allclose(model(acoustic, visual), model(acoustic.flip(1), visual.flip(1)))


@pytest.mark.parametrize("tiled", [False, True])
def test_a_sense_that_is_not_present_has_no_say_and_no_gradient(tiled: bool) -> None:
    model, (acoustic, visual) = small(tiled=tiled), noise(3, 4)
    heard = torch.tensor([True, False]).expand(3, 4, 2)
    said = model(acoustic, visual, heard)
    torch.testing.assert_close(model(acoustic, 100 * torch.randn(3, 4, 5), heard), said, atol=0, rtol=0)
    assert not torch.allclose(model(acoustic, visual), said)
    said.sum().backward()
    assert model.see.weight.grad is not None
    assert not model.see.weight.grad.any()
    assert bool(model.hear.weight.grad.any())


@pytest.mark.parametrize("tiled", [False, True])
def test_windows_beyond_the_end_change_nothing(tiled: bool) -> None:
    model, (acoustic, visual) = small(tiled=tiled), noise(2, 6)
    present = torch.ones(2, 6, 2, dtype=torch.bool)
    present[:, 4:] = False
    torch.testing.assert_close(
        model(acoustic, visual, present), model(acoustic[:, :4], visual[:, :4]), atol=1e-5, rtol=1e-5
    )


def test_with_everything_present_the_mask_changes_nothing() -> None:
    model, (acoustic, visual) = small(), noise(2, 3)
    present = torch.ones(2, 3, 2, dtype=torch.bool)
    torch.testing.assert_close(
        model(acoustic, visual, present), model(acoustic, visual), atol=1e-6, rtol=1e-6
    )


def test_dropout_acts_while_learning_only() -> None:
    model, senses = small(dropout=0.5), noise(2, 3)
    assert torch.equal(model(*senses), model(*senses))
    model.train()
    assert not torch.equal(model(*senses), model(*senses))


@given(length=st.integers(1, 50), width=st.integers(1, 33))
def test_position_code_has_its_shape_and_never_repeats(length: int, width: int) -> None:
    code = position_code(length, width)
    assert code.shape == (length, width)
    assert bool((code.abs() <= 1).all())
    assert len(torch.unique(code, dim=0)) == length


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SelfAttention(10, 3), "width must be a multiple of heads, got 10 and 3"),
        (lambda: small(n_layers=0), "n_layers must be at least 1, got 0"),
        (
            lambda: small()(torch.zeros(1, 2, 7), torch.zeros(1, 3, 5)),
            r"both senses need the same windows, got \(1, 2, 7\) and \(1, 3, 5\)",
        ),
        (
            lambda: small()(*noise(2, 3), torch.tensor([True, False])[:, None, None].expand(2, 3, 2)),
            "a sequence in which nothing is present cannot be judged: leave it out",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
