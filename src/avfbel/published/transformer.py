r"""The peer of the paper's Table 1: a multimodal transformer over the windows of a clip.

The paper prints of it: 12 to 24 layers, self-attention, millions to billions of parameters, O(n²). It names
no width and no heads. The reading taken here is the smallest that fits: 12 layers, and otherwise what a
12-layer encoder commonly has [1]_: 768 units, 12 heads, a feed-forward layer of 3072. The architecture is
that of `avfbel.learn.transformer`; a small one is among the baselines.

References
----------
.. [1] Devlin et al. (2019), *BERT: pre-training of deep bidirectional transformers*, NAACL.
"""

from __future__ import annotations

from avfbel.brain.regions import ACOUSTIC, MAPS
from avfbel.learn.transformer import MultimodalTransformer
from avfbel.learn.transformer import SelfAttention as SelfAttention

PRINTED_LAYERS = 12
"""The smaller of the depths that Table 1 prints."""


class Transformer(MultimodalTransformer):
    """The transformer of Table 1, of the printed size unless another is asked for.

    Parameters
    ----------
    n_layers, width, heads : int
        Encoder layers, units of a token, attention heads.
    tiled : bool
        See `SelfAttention`.

    Raises
    ------
    ValueError
        If there is no layer, or the width is no multiple of the heads.

    Examples
    --------
    >>> import torch
    >>> model = Transformer(n_layers=2, width=16, heads=2)
    >>> model(torch.zeros(3, 6, 7), torch.zeros(3, 6, 5)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self, *, n_layers: int = PRINTED_LAYERS, width: int = 768, heads: int = 12, tiled: bool = False
    ) -> None:
        super().__init__(
            n_layers=n_layers,
            width=width,
            heads=heads,
            n_acoustic=len(ACOUSTIC),
            n_visual=len(MAPS),
            tiled=tiled,
        )
