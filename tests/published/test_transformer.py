import torch
from torch.nn import functional as F

from avfbel.published.transformer import PRINTED_LAYERS, Transformer


def test_the_default_is_of_the_printed_depth_and_has_millions_of_parameters() -> None:
    with torch.device("meta"):
        model = Transformer()
    width, inner = 768, 3072
    norms, attention, feed = 4 * width, 4 * (width**2 + width), 2 * width * inner + inner + width
    ends = (7 + 1 + 5 + 1) * width + 2 * width + 5 * (width + 1)
    assert len(model.layers) == PRINTED_LAYERS == 12
    assert sum(p.numel() for p in model.parameters()) == 12 * (norms + attention + feed) + ends


def test_both_senses_matter_and_learning_reaches_every_weight() -> None:
    torch.manual_seed(0)
    model = Transformer(n_layers=2, width=16, heads=2)
    acoustic, visual = torch.randn(4, 3, 7), torch.randn(4, 3, 5)
    F.mse_loss(model(acoustic, visual), torch.rand(4, 5)).backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in model.parameters())
    assert not torch.allclose(model(acoustic, visual), model(acoustic, torch.zeros_like(visual)))
