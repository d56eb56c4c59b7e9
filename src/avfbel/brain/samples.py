"""What the model learns from and looks at: measured clips, and samples that show one or both senses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.brain.regions import ACOUSTIC, MAPS, SENSES


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Samples of measured clips: sound only, film only, or both.

    Clips are stored once, samples point at them: maps are large, and one clip can be heard, seen, and both.

    Parameters
    ----------
    maps : ndarray of float, shape (n, 5, h, w)
        Feature maps of n clips (windows), in the units of the features, zero where nothing moved.
    acoustic : ndarray of float, shape (n, 7)
        Acoustic features in their units; NaN is missing.
    evidence : ndarray of float, shape (n, 2)
        Evidence of sound and of motion in the clip, 0 to 1.
    row : ndarray of int, shape (m,)
        The clip of each sample.
    mask : ndarray of bool, shape (m, 2)
        Which senses the sample opens: sound, sight.
    rewards : ndarray of float, shape (m, q), optional
        Intensities of the five emotions, 0 to 1 (rating / 127); needed to learn.
    weight : ndarray of float, shape (m,), optional
        Weight of each sample in the gradient-trained stage; 1 by default.
    visual : ndarray of float, shape (n, 5), optional
        The five visual features in their units, NaN where missing; needed by a circuit without visual cortex.
    sequence : ndarray of int, shape (n,), optional
        What each of the n clips (windows) was cut from: those of one number succeed each other in the order
        of their rows. By default each stands alone. Only recurrent learning looks at it.

    Raises
    ------
    ValueError
        If shapes disagree, a row does not exist, or a map, evidence, reward or weight is not finite.

    Examples
    --------
    >>> samples = Samples.of_clips(np.zeros((2, 5, 64, 64)), np.ones((2, 7)), np.ones((2, 2)))
    >>> len(samples), len(samples.select([1]))
    (2, 1)
    """

    maps: NDArray[np.floating[Any]]
    acoustic: NDArray[np.floating[Any]]
    evidence: NDArray[np.floating[Any]]
    row: NDArray[np.int64]
    mask: NDArray[np.bool_]
    rewards: NDArray[np.float64] | None = None
    weight: NDArray[np.float64] | None = None
    visual: NDArray[np.floating[Any]] | None = None
    sequence: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n, m = len(self.maps), len(self.row)
        wanted: dict[str, tuple[int | None, ...]] = {
            "maps": (n, len(MAPS), None, None),
            "acoustic": (n, len(ACOUSTIC)),
            "evidence": (n, len(SENSES)),
            "row": (m,),
            "mask": (m, len(SENSES)),
            "rewards": (m, None),
            "weight": (m,),
            "visual": (n, len(MAPS)),
            "sequence": (n,),
        }
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array is not None and not _has_shape(array, shape):
                want = ", ".join("*" if size is None else str(size) for size in shape)
                raise ValueError(f"{name} must have shape ({want}), got {array.shape}")
        if self.mask.dtype != np.bool_:
            raise ValueError(f"mask must be of bool, got {self.mask.dtype}")
        if m and (self.row.min() < 0 or self.row.max() >= n):
            raise ValueError(f"row must name one of {n} clips, got {self.row.min()} to {self.row.max()}")
        for name in ("evidence", "rewards", "weight"):
            array = getattr(self, name)
            if array is not None and not np.isfinite(array).all():
                raise ValueError(f"{name} must be finite; leave out the samples without it")

    @classmethod
    def of_clips(
        cls,
        maps: ArrayLike,
        acoustic: ArrayLike,
        evidence: ArrayLike,
        rewards: ArrayLike | None = None,
        *,
        visual: ArrayLike | None = None,
        sequence: ArrayLike | None = None,
    ) -> Samples:
        """Return one sample a clip, with both senses open."""
        maps = np.asarray(maps)
        return cls(
            maps=maps,
            acoustic=np.asarray(acoustic, dtype=np.float64),
            evidence=np.asarray(evidence, dtype=np.float64),
            row=np.arange(len(maps)),
            mask=np.ones((len(maps), len(SENSES)), dtype=np.bool_),
            rewards=None if rewards is None else np.asarray(rewards, dtype=np.float64),
            visual=None if visual is None else np.asarray(visual, dtype=np.float64),
            sequence=None if sequence is None else np.asarray(sequence, dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.row)

    @property
    def sample_evidence(self) -> NDArray[np.floating[Any]]:
        """Evidence of the senses that each sample opens, shape (m, 2)."""
        evidence: NDArray[np.floating[Any]] = self.evidence[self.row] * self.mask
        return evidence

    def select(self, which: ArrayLike) -> Samples:
        """Return the samples of an index or mask; clips are shared, not copied."""
        index = np.asarray(which)
        index = index if index.size else np.zeros(0, dtype=np.int64)
        return replace(
            self,
            row=self.row[index],
            mask=self.mask[index],
            rewards=None if self.rewards is None else self.rewards[index],
            weight=None if self.weight is None else self.weight[index],
        )

    def sequences(self) -> list[NDArray[np.int64]]:
        """Return which samples succeed each other, in their order: windows of one clip perceived in one way.

        Returns
        -------
        list of ndarray of int
            Numbers of samples; each sample is in one sequence. A window that is there twice, as when two
            people rated it, is in two sequences.

        Examples
        --------
        >>> samples = Samples.of_clips(np.zeros((3, 5, 8, 8)), np.ones((3, 7)), np.ones((3, 2)))
        >>> samples = replace(samples, sequence=np.array([7, 9, 7]))
        >>> [list(map(int, numbers)) for numbers in samples.sequences()]
        [[0, 2], [1]]
        """
        if not len(self):
            return []
        whole = self.row if self.sequence is None else self.sequence[self.row]
        kind = self.mask @ np.array([1, 2])
        order = np.lexsort((self.row, kind, whole))
        key = np.stack([whole, kind, self.row], axis=1)[order]
        first = np.concatenate([[True], (key[1:] != key[:-1]).any(axis=1)])
        place = np.arange(len(order))
        copy = np.empty(len(order), dtype=np.int64)
        copy[order] = place - np.maximum.accumulate(np.where(first, place, 0))
        order = np.lexsort((self.row, copy, kind, whole))
        key = np.stack([whole, kind, copy], axis=1)[order]
        return np.split(order, np.flatnonzero((key[1:] != key[:-1]).any(axis=1)) + 1)

    def with_senses(self, audio: bool = True, video: bool = True) -> Samples:
        """Return the same samples with a sense closed for all of them."""
        return replace(self, mask=self.mask & np.array([audio, video]))


@runtime_checkable
class HasSamples(Protocol):
    """Anything that can say what there is to learn from it, such as a data set."""

    def samples(self) -> Samples:
        """Return its samples."""
        ...


def as_samples(data: Samples | HasSamples) -> Samples:
    """Return `data` itself if it is `Samples`, or what its method `samples` gives.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if isinstance(data, Samples):
        return data
    if isinstance(data, HasSamples):
        return data.samples()
    raise TypeError(f"expected Samples, or a data set with a method samples(), got {type(data).__name__}")


def _has_shape(array: NDArray[Any], shape: tuple[int | None, ...]) -> bool:
    return array.ndim == len(shape) and all(
        want is None or size == want for size, want in zip(array.shape, shape, strict=True)
    )
