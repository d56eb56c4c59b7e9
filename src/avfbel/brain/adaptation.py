r"""Labelled lines that adapt: each centres on what has been met, and speaks in its standard deviations.

A line that was taught in a wide world says "fast" of all clips of a fast one. Neurons do not go on saying
what is always so: they adapt to the mean and the spread of what they meet [1]_. With a line's two units, on
and off, and g the evidence of the sense that the line belongs to:

.. code-block:: text

    s = (on - off - g mean) / sd        on' = max(0, s)        off' = max(0, -s)

A line whose sense has no evidence is silent, s = 0: of what is not heard or not seen, the gyrus has no more
to say than what leaks over from the other sense.

References
----------
.. [1] Wark, B., Lundstrom, B. N., & Fairhall, A. (2007), Sensory adaptation, *Current Opinion in
   Neurobiology* 17(4), 423-429.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avfbel.brain.regions import ACOUSTIC, MAPS
from avfbel.brain.relay import RELAY_LIMIT, on_off

N_LINES = 2 * (len(ACOUSTIC) + len(MAPS)) + 1
"""On and off of each feature, and the unit that speaks whenever there is something to hear or see."""


class LineAdaptation(nn.Module):
    """Adaptation of the lines of `avfbel.brain.lines`; before `fit`, it takes off from on and nothing else.

    Examples
    --------
    >>> adaptation = LineAdaptation()
    >>> lines = torch.zeros(1, 25)
    >>> lines[0, 0], lines[0, -1] = 2.0, 1.0
    >>> adaptation.mean[0], adaptation.sd[0] = 3.0, 0.5
    >>> adapted = adaptation(lines, torch.tensor([[1.0, 0.0]]))
    >>> adapted[0, 0].item(), adapted[0, 7].item(), adapted[0, -1].item()
    (0.0, 2.0, 1.0)
    """

    mean: Tensor
    sd: Tensor

    def __init__(self) -> None:
        super().__init__()
        n = len(ACOUSTIC) + len(MAPS)
        self.register_buffer("mean", torch.zeros(n))
        self.register_buffer("sd", torch.ones(n))

    def forward(self, lines: Tensor, evidence: Tensor) -> Tensor:
        """Return the adapted lines (n, 25) of lines (n, 25), with the evidence of both senses (n, 2)."""
        code = self.signed(lines)
        sensed = self._by_line(evidence.to(code.dtype))
        centred = (code - sensed * self.mean.to(code.dtype)) / self.sd.to(code.dtype)
        adapted = centred * (sensed > 0).to(code.dtype)
        heard, seen = torch.split(adapted.clamp(-RELAY_LIMIT, RELAY_LIMIT), [len(ACOUSTIC), len(MAPS)], dim=1)
        return torch.cat([on_off(heard), on_off(seen), lines[:, -1:]], dim=1)

    @torch.no_grad()
    def fit(self, lines: Tensor, evidence: Tensor) -> None:
        """Take mean and sd of each line over the samples (n, 25) in which its sense has evidence (n, 2).

        Lines of a sense that fewer than two samples open keep the mean and sd that they had.
        """
        code = self.signed(lines).double()
        for i, sensed in enumerate(self._by_line(evidence).T):
            met = code[sensed > 0, i] / sensed[sensed > 0]
            if len(met) > 1:
                sd = float(met.std(correction=0))
                self.mean[i] = met.mean()
                self.sd[i] = sd if sd > 1e-3 else 1.0  # what never varied is not blown up

    @staticmethod
    def signed(lines: Tensor) -> Tensor:
        """Return on minus off of each line, (n, 12): the seven of sound, then the five of the picture."""
        n, m = len(ACOUSTIC), len(MAPS)
        heard_on, heard_off, seen_on, seen_off, _ = torch.split(lines, [n, n, m, m, 1], dim=1)
        return torch.cat([heard_on - heard_off, seen_on - seen_off], dim=1)

    @staticmethod
    def _by_line(evidence: Tensor) -> Tensor:
        audio, video = evidence[:, :1], evidence[:, 1:]
        return torch.cat([audio.expand(-1, len(ACOUSTIC)), video.expand(-1, len(MAPS))], dim=1)
