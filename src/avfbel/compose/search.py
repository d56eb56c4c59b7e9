"""The search: clips spread over the parameter space, more where the wish may be had, the best in files."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avfbel.compose.choice import acceptable, ranks
from avfbel.compose.clips import Setting, Sketch, Tell, World, Written
from avfbel.compose.space import Space, diverse, parameters_at, positions_of
from avfbel.compose.surrogate import Surrogate, propose
from avfbel.compose.wish import Wish
from avfbel.errors import UsageError

if TYPE_CHECKING:
    from avfbel.stimulus.parameters import StimulusParameters

MIN_BUDGET, MAX_COUNT = 12, 50
SURVEY = 0.6
"""Share of the budget that is spread evenly over the space before it is spent where it promises most."""
ROUNDS = 2
EXEMPLARS = 4
"""Further clips of each chosen setting, which tell how much clips of one setting differ."""
TRIES = 3
"""How often clips are written in place of those whose file is not what its sketch promised."""


@dataclass(frozen=True, kw_only=True)
class Composed:
    """A clip that was found.

    Attributes
    ----------
    written : Written
        Its files, and what `avfbel analyze` says of them.
    predicted : float
        The quantity wished for.
    low, high : float or None
        Interval of EPP; None for another quantity, or if the model has none.
    setting_mean, setting_sd : float
        Mean and standard deviation of the quantity over clips of these parameters.
    """

    written: Written
    predicted: float
    low: float | None
    high: float | None
    setting_mean: float
    setting_sd: float

    @property
    def parameters(self) -> StimulusParameters:
        """The five parameters."""
        return self.written.setting.parameters


@dataclass(frozen=True, kw_only=True, eq=False)
class Composition:
    """What a search came to.

    Attributes
    ----------
    wish : Wish
        What was asked for.
    within : float
        How far from it clips were allowed to be.
    clips : tuple of Composed
        The clips, at least one, far from each other in the parameter space.
    reached : bool
        Whether they are as near to the wish as was asked for.
    n_tried : int
        Number of clips that were tried.
    positions, values : ndarray, shapes (n_tried, 5) and (n_tried,)
        Where they lie, and what the model said of them.
    surrogate : Surrogate
        What the model would say elsewhere.
    """

    wish: Wish
    within: float
    clips: tuple[Composed, ...]
    reached: bool
    positions: NDArray[np.float64]
    values: NDArray[np.float64]
    surrogate: Surrogate

    @property
    def n_tried(self) -> int:
        """Number of clips that were tried."""
        return len(self.values)


def compose_clips(
    world: World,
    wish: Wish,
    out: str | Path,
    *,
    count: int = 4,
    within: float | None = None,
    budget: int = 160,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    seed: int = 0,
    tell: Tell = lambda title, done, total: None,
) -> Composition:
    """Search for clips of which the model says what is wished for, and write diverse ones.

    Parameters
    ----------
    world : World
        Where clips are made and judged; see `ModelWorld`.
    wish : Wish
        What is asked for.
    out : path
        Folder for the clips; made if needed.
    count : int
        How many clips.
    within : float, optional
        How far from the wish they may be; by default, what the wish has for it.
    budget : int
        How many clips to try before.
    ranges : Mapping of str to (float, float), optional
        Ranges of parameters that are narrower than `RANGES`.
    seed : int
        The same seed gives the same clips.
    tell : callable
        Called with a stage, steps done, and all.

    Returns
    -------
    Composition
        With fewer clips than `count` if no more were found; with the nearest ones if none has what was asked.

    Raises
    ------
    UsageError
        If a number is out of range.
    """
    within = wish.within if within is None else within
    _check(count, within, budget, seed)
    space = Space.within(ranges)
    tried = _Tried(world, wish, seed, tell)
    n_survey = math.ceil(SURVEY * budget)
    tried.add(space.spread(n_survey, seed=seed), "surveying the parameter space")
    rng = np.random.default_rng([seed, 2])
    for part in np.array_split(np.arange(budget - n_survey), ROUNDS):
        fitted = Surrogate(tried.positions, tried.values)
        found = propose(
            fitted, wish, space, len(part), tried=tried.positions, in_range=tried.in_range, rng=rng
        )
        tried.add(found, "trying what promises most")
    written = _write_best(world, tried, Path(out), count=count, within=within, tell=tell)
    values = [wish.value(clip.told) for clip in written]
    nearest = min(map(wish.loss, values))
    return Composition(
        wish=wish,
        within=within,
        clips=tuple(_composed(clip, wish) for clip in written),
        reached=nearest <= within,
        positions=tried.positions,
        values=tried.values,
        surrogate=Surrogate(tried.positions, tried.values),
    )


class _Tried:
    """The clips that were tried so far."""

    def __init__(self, world: World, wish: Wish, seed: int, tell: Tell) -> None:
        self._world, self.wish, self._seed, self._tell = world, wish, seed, tell
        self.settings: list[Setting] = []
        self.sketches: list[Sketch] = []

    def add(self, positions: NDArray[np.float64], title: str) -> None:
        """Try clips at these positions, one each, every one of a seed of its own."""
        first = len(self.settings)
        new = [
            Setting(parameters, _clip_seed(self._seed, first + k))
            for k, parameters in enumerate(parameters_at(positions))
        ]
        self.sketches += self._world.sketch(new, self._tell, title)
        self.settings += new

    @property
    def positions(self) -> NDArray[np.float64]:
        return positions_of([setting.parameters for setting in self.settings])

    @property
    def values(self) -> NDArray[np.float64]:
        return np.array([self.wish.value(sketch) for sketch in self.sketches])

    @property
    def in_range(self) -> NDArray[np.bool_]:
        return np.array([sketch.in_range for sketch in self.sketches])


def _write_best(
    world: World, tried: _Tried, out: Path, *, count: int, within: float, tell: Tell
) -> list[Written]:
    """Write clips until enough of them are what was wished for; return the chosen ones under their names."""
    wish = tried.wish
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".composing-", dir=out) as folder:
        written: list[Written] = []
        taken: list[int] = []
        chosen: list[Written] = []
        for _ in range(TRIES):
            missing = count - _enough(chosen, tried, taken, within)
            batch = _next(tried, taken, chosen, missing + math.ceil(missing / 2), within)
            if missing <= 0 or not batch:
                break
            wanted = [(tried.settings[k], f"clip{k}") for k in batch]
            written += world.write(wanted, Path(folder), EXEMPLARS, tell)
            taken += batch
            chosen = _best(written, wish, count, within)
        return [_named(clip, out, f"{wish.label}_{k:02d}") for k, clip in enumerate(chosen, 1)]


def _next(tried: _Tried, taken: Sequence[int], chosen: Sequence[Written], n: int, within: float) -> list[int]:
    """Return which tried clips to write next: good by their sketches, and far from each other."""
    losses = np.abs(tried.values - tried.wish.target)
    means, _ = Surrogate(tried.positions, tried.values).predict(tried.positions)
    new: list[int] = []
    for group in acceptable(losses, ranks(tried.values, means, tried.in_range, within), within):
        left = np.array([k for k in group if k not in taken], np.intp)
        kept = np.concatenate([_positions(chosen), tried.positions[new]])
        new += [int(left[k]) for k in diverse(tried.positions[left], n - len(new), kept=kept)]
    return new


def _enough(chosen: Sequence[Written], tried: _Tried, taken: Sequence[int], within: float) -> int:
    """Return how many written clips will do: any, unless sketches still promise what was wished for."""
    left = np.delete(np.abs(tried.values - tried.wish.target), list(taken))
    if not (left <= within).any():
        return len(chosen)
    return sum(tried.wish.loss(tried.wish.value(clip.told)) <= within for clip in chosen)


def _best(written: Sequence[Written], wish: Wish, count: int, within: float) -> list[Written]:
    """Return written clips that are good and far from each other, the nearest to the wish first."""
    found = [_composed(clip, wish) for clip in written]
    values, means = np.array([(clip.predicted, clip.setting_mean) for clip in found]).T
    in_range = np.array([clip.told.in_range for clip in written])
    rank = ranks(values, means, in_range, within)
    chosen: list[Written] = []
    for group in acceptable(np.abs(values - wish.target), rank, within):
        pool = [written[k] for k in group]
        chosen += [pool[k] for k in diverse(_positions(pool), count - len(chosen), kept=_positions(chosen))]
    return sorted(chosen, key=lambda clip: wish.loss(wish.value(clip.told)))


def _named(clip: Written, out: Path, stem: str) -> Written:
    """Give the files of a clip their final place and name."""
    files = tuple(path.replace(out / f"{stem}{path.suffix}") for path in clip.files)
    media = next(path for path in files if path.suffix == clip.media.suffix)
    return replace(clip, files=files, media=media)


def _composed(clip: Written, wish: Wish) -> Composed:
    told = clip.told
    values = [wish.value(sketch) for sketch in (told, *clip.exemplars)]
    is_epp = wish.quantity == "epp"
    return Composed(
        written=clip,
        predicted=values[0],
        low=told.epp_low if is_epp else None,
        high=told.epp_high if is_epp else None,
        setting_mean=float(np.mean(values)),
        setting_sd=float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
    )


def _positions(clips: Sequence[Written]) -> NDArray[np.float64]:
    return positions_of([clip.setting.parameters for clip in clips]) if clips else np.zeros((0, 5))


def _clip_seed(seed: int, index: int) -> int:
    return int(np.random.SeedSequence([seed, 3, index]).generate_state(1)[0])


def _check(count: int, within: float, budget: int, seed: int) -> None:
    if not 1 <= count <= MAX_COUNT:
        raise UsageError(f"the number of clips must be from 1 to {MAX_COUNT}, got {count}")
    if not 0 < within <= 1:
        raise UsageError(f"clips may be off by more than 0 and at most 1, got {within:g}")
    if budget < MIN_BUDGET:
        raise UsageError(f"at least {MIN_BUDGET} clips must be tried, got a budget of {budget}")
    if seed < 0:
        raise UsageError(f"the seed must be a whole number from 0, got {seed}")
