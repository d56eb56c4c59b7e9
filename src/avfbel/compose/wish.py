"""What is wished for of a clip: a positivity, a valence, or as much as possible of one emotion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from avfbel.emotion import EMOTIONS
from avfbel.errors import UsageError

if TYPE_CHECKING:
    from avfbel.compose.clips import Sketch

WITHIN, WITHIN_BEST = 0.02, 0.05
"""How far a clip may be from a value wished for, and from the best one found, by default."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A quantity of a clip, and the value that it is to have.

    Parameters
    ----------
    quantity : str
        ``"epp"``, ``"valence"``, or one of the five emotions, of which the share in all five is meant.
    target : float
        The value wished for, 0 to 1; of an emotion 1, hence as much as possible.

    Raises
    ------
    UsageError
        If there is no such quantity, or the target is not from 0 to 1.

    Examples
    --------
    >>> Wish(quantity="epp", target=0.9).label, Wish(quantity="calm").label
    ('epp090', 'calm')
    """

    quantity: str
    target: float = 1.0

    def __post_init__(self) -> None:
        if self.quantity not in ("epp", "valence", *EMOTIONS):
            raise UsageError(
                f"no emotion {self.quantity!r}: choose one of {', '.join(EMOTIONS)}, or a positivity"
            )
        if not (math.isfinite(self.target) and 0 <= self.target <= 1):
            raise UsageError(f"{self.quantity} is from 0 to 1, got {self.target:g}")

    @property
    def of_emotion(self) -> bool:
        """Whether as much as possible of an emotion is wished for."""
        return self.quantity in EMOTIONS

    @property
    def within(self) -> float:
        """How far clips may be off by default, in the unit of the quantity."""
        return WITHIN_BEST if self.of_emotion else WITHIN

    @property
    def title(self) -> str:
        """The quantity as a reader knows it, such as "share of calm"."""
        return f"share of {self.quantity}" if self.of_emotion else self.quantity.replace("epp", "EPP")

    @property
    def label(self) -> str:
        """Beginning of the names of files."""
        return self.quantity if self.of_emotion else f"{self.quantity}{round(100 * self.target):03d}"

    def value(self, sketch: Sketch) -> float:
        """Return the quantity of a clip."""
        if not self.of_emotion:
            return float(getattr(sketch, self.quantity))
        total = sum(sketch.emotions.values())
        return sketch.emotions[self.quantity] / total if total > 0 else 0.0

    def loss(self, value: float) -> float:
        """Return how far a value is from the wish."""
        return abs(value - self.target)
