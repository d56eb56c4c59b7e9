import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from avfbel.published.transformer import PRINTED_LAYERS, SelfAttention, Transformer, position_code


def test_the_default_is_of_the_printed_depth_and_has_millions_of_parameters() -> None:
    with torch.device("meta"):
        model = Transformer()
    width, inner = 768, 3072
    norms, attention, feed = 4 * width, 4 * (width**2 + width), 2 * width * inner + inner + width
    ends = (7 + 1 + 5 + 1) * width + 2 * width + 5 * (width + 1)
    assert len(model.layers) == PRINTED_LAYERS == 12
    assert sum(p.numel() for p in model.parameters()) == 12 * (norms + attention + feed) + ends


@settings(deadline=None, max_examples=10)
@given(length=st.integers(1, 12), seed=st.integers(0, 99))
def test_attention_is_that_of_torch_whether_tiled_or_not(length: int, seed: int) -> None:
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
    expected = theirs(tokens, tokens, tokens, need_weights=False)[0]
    torch.testing.assert_close(ours(tokens), expected, atol=1e-5, rtol=1e-5)  # float32
    ours.tiled = True
    torch.testing.assert_close(ours(tokens), expected, atol=1e-5, rtol=1e-5)


def test_attention_does_not_know_the_order_of_tokens_and_the_transformer_does() -> None:
    torch.manual_seed(0)
    attention, tokens = SelfAttention(8, 2), torch.randn(1, 5, 8)
    torch.testing.assert_close(attention(tokens.flip(1)), attention(tokens).flip(1))
    model = Transformer(n_layers=1, width=16, heads=2).eval()
    acoustic, visual = torch.randn(1, 5, 7), torch.randn(1, 5, 5)
    assert not torch.allclose(model(acoustic, visual), model(acoustic.flip(1), visual.flip(1)))


def test_both_senses_matter_and_learning_reaches_every_weight() -> None:
    torch.manual_seed(0)
    model = Transformer(n_layers=2, width=16, heads=2)
    acoustic, visual = torch.randn(4, 3, 7), torch.randn(4, 3, 5)
    F.mse_loss(model(acoustic, visual), torch.rand(4, 5)).backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in model.parameters())
    assert not torch.allclose(model(acoustic, visual), model(acoustic, torch.zeros_like(visual)))


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
        (lambda: Transformer(n_layers=0), "n_layers must be at least 1, got 0"),
        (
            lambda: Transformer(n_layers=1, width=4, heads=1)(torch.zeros(1, 2, 7), torch.zeros(1, 3, 5)),
            r"both senses need the same windows, got \(1, 2, 7\) and \(1, 3, 5\)",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
