r"""What is felt at a sound need not be what is felt at a sound with its film: lines speak by context.

The limbic system reads every line in three places, of which one is active at a time: where both senses have
evidence, where sound has, and where sight has. With g the evidence of the two senses:

.. code-block:: text

    both = min(g_audio, g_video) / max(g_audio, g_video)      (0 without any evidence)
    alone = 1 - both, for the sense of more evidence
    code = [both lines, alone_audio lines, alone_video lines]

So what is felt at one sense alone is learned apart from what is felt at both. But both share: while the
limbic system learns, a sample of one sense alone is shown a second time as if it were in the place of both
(`rehearsal`), where it tells what that sense contributes.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CONTEXTS = ("both", "audio", "video")
"""The places of a line in the code that the limbic system reads, in their order."""

Array = NDArray[np.float64]


def in_contexts(lines: Tensor, evidence: Tensor) -> Tensor:
    """Return the code (n, 3 k) of lines (n, k), with the evidence of both senses (n, 2).

    Examples
    --------
    >>> lines, evidence = torch.ones(2, 1), torch.tensor([[1.0, 1.0], [0.0, 0.5]])
    >>> in_contexts(lines, evidence).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    audio, video = (evidence[:, [i]].to(lines.dtype) for i in range(2))
    most = torch.maximum(audio, video)
    both = torch.minimum(audio, video) / torch.where(most > 0, most, torch.ones_like(most))
    heard = (1 - both) * (audio > video).to(lines.dtype)
    seen = (1 - both) * (video > audio).to(lines.dtype)
    return torch.cat([both * lines, heard * lines, seen * lines], dim=1)


def out_of_contexts(code: Array) -> Array:
    """Return the lines (n, k) of a code (n, 3 k), wherever they stand.

    Examples
    --------
    >>> out_of_contexts(np.array([[1.0, 0.0, 0.0], [0.5, 0.0, 1.5]])).tolist()
    [[1.0], [2.0]]
    """
    lines: Array = code.reshape(len(code), len(CONTEXTS), -1).sum(axis=1)
    return lines


def rehearsal(code: Array) -> tuple[NDArray[np.intp], Array]:
    """Return the samples of one sense alone, and their code in the place of both.

    Parameters
    ----------
    code : ndarray, shape (..., n, 3 k)
        As `in_contexts` gives it; leading axes are models.

    Returns
    -------
    rows : ndarray of int, shape (r,)
        Samples of which nothing is in the place of both.
    shown : ndarray, shape (..., r, 3 k)
        Their lines in that place.

    Examples
    --------
    >>> rows, shown = rehearsal(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]))
    >>> rows.tolist(), shown.tolist()
    ([1], [[2.0, 0.0, 0.0]])
    """
    k = code.shape[-1] // len(CONTEXTS)
    of_model = code.reshape(-1, *code.shape[-2:])[0]
    rows = np.flatnonzero(~of_model[:, :k].any(axis=1) & of_model.any(axis=1))
    shown = np.zeros((*code.shape[:-2], len(rows), code.shape[-1]))
    shown[..., :k] = code[..., rows, k : 2 * k] + code[..., rows, 2 * k :]
    return rows, shown
