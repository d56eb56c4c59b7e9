"""Hold out many sets of stimuli at once: sensory regions that never met a rating need not learn again.

With a cortex that learned without ratings, a fold differs from another only in how its lines adapt and in
what its limbic system learns. So hundreds of folds (every stimulus, every pair, every prototype) learn as one
batch of models, in the time that a few would take one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avfbel.brain.contexts import rehearsal
from avfbel.brain.limbic import LimbicParameters, initial_state, limbic_output
from avfbel.brain.limbic_learning import PAUSE, limbic_fit
from avfbel.data.targets import KINDS

if TYPE_CHECKING:
    from avfbel.brain.cortex import Cortex
    from avfbel.data import Dataset

Array = NDArray[np.float64]

MODELS_AT_A_TIME = 96
NUMBERS_AT_A_TIME = 2**26  # bounds memory: each model has its own adapted code and order of all samples


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is to be chosen about learning; see `AVFBEL`.

    Parameters
    ----------
    bel_epochs : int
        Passes over all samples.
    alpha, beta, kappa : float
        Rates of amygdala and orbitofrontal cortex, gain of the thalamic path.
    adapt : bool
        Whether the lines adapt to the training clips.
    """

    bel_epochs: int = 30
    alpha: float = 0.1
    beta: float = 0.2
    kappa: float = 0.25
    adapt: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Material:
    """Every rated window heard, seen and both, as the fused code tells it.

    Attributes
    ----------
    lines : ndarray, shape (m, 25)
        The code before it adapts.
    evidence : ndarray, shape (m, 2)
        Evidence of the senses that are open.
    rewards : ndarray, shape (m, 5)
        What people felt.
    stimulus, kind, clip : ndarray of int, shape (m,)
        Number of the stimulus in `stimuli`, of the kind of perception in `KINDS`, and of the clip.
    stimuli : tuple of str
        Names.
    """

    lines: Array
    evidence: Array
    rewards: Array
    stimulus: NDArray[np.intp]
    kind: NDArray[np.intp]
    clip: NDArray[np.intp]
    stimuli: tuple[str, ...]


def make_material(data: Dataset, cortex: Cortex, kinds: Iterable[str] = KINDS) -> Material:
    """Let a cortex hear and see all rated windows of a data set; those without evidence are left out.

    Parameters
    ----------
    data : Dataset
        Rated clips.
    cortex : Cortex
        Sensory regions that learned without ratings.
    kinds : iterable of str
        Ways to perceive a clip, out of `KINDS`.
    """
    from avfbel.brain.gradient import fuse, reproducible

    samples = data.samples(kind for kind in kinds if data.available(kind).any())
    samples = samples.select((samples.sample_evidence > 0).any(axis=1))
    network = cortex.network(kappa=0.0)
    network.lines = False
    with reproducible(0):
        lines = fuse(network, samples)
    assert samples.rewards is not None
    names, numbers = np.unique(data.stimulus, return_inverse=True)
    kind = {(True, False): 0, (False, True): 1, (True, True): 2}
    return Material(
        lines=lines,
        evidence=np.asarray(samples.sample_evidence, dtype=np.float64),
        rewards=samples.rewards,
        stimulus=numbers[data.clip[samples.row]],
        kind=np.array([kind[bool(a), bool(v)] for a, v in samples.mask]),
        clip=data.clip[samples.row],
        stimuli=tuple(str(name) for name in names),
    )


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class HeldOutSamples:
    """What a model that has not met some stimuli says about their samples.

    Attributes
    ----------
    held : frozenset of int
        The stimuli.
    rows : ndarray of int, shape (n,)
        The samples of `Material` that show them.
    emotion : ndarray, shape (n, 5)
        Emotional output, in units of the reward.
    """

    held: frozenset[int]
    rows: NDArray[np.intp]
    emotion: Array


def hold_out(
    material: Material,
    choice: Choice,
    sets: Iterable[Iterable[int]],
    *,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> Iterator[HeldOutSamples]:
    """Teach a limbic system for each set of stimuli with all others, and let it judge those of the set.

    Parameters
    ----------
    material : Material
        Lines and rewards.
    choice : Choice
        How they adapt and learn. All models meet the samples in the same order, but for their pauses.
    sets : iterable of iterables of int
        Numbers of the stimuli that each model is not to meet.
    seed : int
        Of the order of the samples.
    progress : callable, optional
        Called with the number of models that have just learned.

    Yields
    ------
    HeldOutSamples
        One for each set, in order.
    """
    held = [frozenset(int(number) for number in one) for one in sets]
    rng = np.random.default_rng(seed)
    alone, _ = rehearsal(adapted(material, np.ones(len(material.lines), np.bool_)))
    lesson = np.concatenate([np.arange(len(material.lines)), alone])  # the sample of each lesson
    rewards = material.rewards[lesson]
    order = np.stack([rng.permutation(len(lesson)) for _ in range(choice.bel_epochs)])
    parameters = LimbicParameters(alpha=choice.alpha, beta=choice.beta, kappa=choice.kappa)
    numbers = 3 * len(lesson) * material.lines.shape[1] + order.size
    at_a_time = min(MODELS_AT_A_TIME, max(1, NUMBERS_AT_A_TIME // max(1, numbers)))
    for start in range(0, len(held), at_a_time):
        part = held[start : start + at_a_time]
        away = np.array([np.isin(material.stimulus, list(one)) for one in part])
        code = np.stack([adapted(material, ~out, adapt=choice.adapt) for out in away])
        own_order = np.where(away[:, lesson][:, order], PAUSE, order)
        naive = initial_state(code.shape[-1], rewards.shape[1], models=(len(part),))
        shown = np.concatenate([code, rehearsal(code)[1]], axis=1)
        state = limbic_fit(naive, shown, rewards, own_order, parameters)
        for i, one in enumerate(part):
            rows = np.flatnonzero(away[i])
            own = type(state)(*(weights[i] for weights in state))
            yield HeldOutSamples(
                held=one, rows=rows, emotion=limbic_output(own, code[i][rows], parameters).emotion
            )
        if progress is not None:
            progress(len(part))


def adapted(material: Material, met: NDArray[np.bool_], *, adapt: bool = True) -> Array:
    """Return the code (m, 75) of all samples, adapted to those that have been met (mask of m)."""
    import torch

    from avfbel.brain.adaptation import LineAdaptation
    from avfbel.brain.contexts import in_contexts

    lines, evidence = torch.from_numpy(material.lines), torch.from_numpy(material.evidence)
    adaptation = LineAdaptation()
    if adapt:
        adaptation.fit(lines[met], evidence[met])
    code: Array = in_contexts(adaptation(lines, evidence), evidence).numpy()
    return code


def stimulus_means(
    values: Array, rows: NDArray[np.intp], material: Material, held: Sequence[int], kind: int
) -> Array:
    """Return what values (n,) of some samples come to for each held stimulus, perceived in one way.

    As in `avfbel.evaluate`: the mean over its clips of their means over windows, weighted by evidence; NaN
    for a stimulus of which there is no such sample.
    """
    of_kind = material.kind[rows] == kind
    values, rows = values[of_kind], rows[of_kind]
    weight = material.evidence[rows].max(axis=1)
    clips, first, clip = np.unique(material.clip[rows], return_index=True, return_inverse=True)
    of_clip = np.bincount(clip, weight * values, len(clips)) / np.bincount(clip, weight, len(clips))
    stimulus = material.stimulus[rows[first]]
    means = [of_clip[stimulus == number] for number in held]
    return np.array([of.mean() if len(of) else np.nan for of in means])
