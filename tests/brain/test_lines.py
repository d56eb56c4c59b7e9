"""Lines: the code that is taught, against plain numpy; and that cortex and gyrus do learn to tell it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from avfbel.brain import Samples
from avfbel.brain.gradient import fuse
from avfbel.brain.lines import SHORTEST_CYCLE, Lines, LineSettings, fidelity, learn_lines, unit_names
from avfbel.brain.network import Network
from avfbel.brain.regions import ACOUSTIC, MAPS

BY_RATIO = {"speed", "pitch", "rms", "tempo", "duration"}
MIDDLE = np.array([220.0, 0.15, 0.08, 120.0, 0.5, 0.5, 0.0]), np.array([120.0, 0.3, 0.2, 0.5, 0.0])
SPREAD = np.array([0.5, 0.05, 0.3, 0.5, 0.3, 0.2, 0.5]), np.array([0.5, 0.1, 0.1, 0.2, 0.5])
Learned = tuple[Network, Lines, list[float]]


def measured(names: tuple[str, ...], middle: np.ndarray, spread: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return features (n, d) whose standard scores, or those of whose logarithms, are even."""
    by_ratio = np.array([name in BY_RATIO for name in names])
    return np.where(by_ratio, middle * np.exp(spread * z), middle + spread * z)


def make_world(n: int, seed: int) -> Samples:
    """Return n windows, heard, seen and both, whose twelve features vary independently of each other."""
    rng = np.random.default_rng(seed)
    heard, seen = (
        measured(names, middle, spread, rng.uniform(-1.7, 1.7, (n, len(names))))
        for names, middle, spread in zip((ACOUSTIC, MAPS), MIDDLE, SPREAD, strict=True)
    )
    maps = np.zeros((n, 5, 32, 32), np.float16)
    maps[:, :, 8:24, 8:24] = seen[:, :, None, None]
    return Samples(
        maps=maps,
        acoustic=heard,
        evidence=rng.uniform(0.5, 1.0, (n, 2)),
        row=np.tile(np.arange(n), 3),
        mask=np.repeat([[True, False], [False, True], [True, True]], n, axis=0),
        visual=seen,
    )


@pytest.fixture(scope="module")
def learned() -> Learned:
    return learn_lines(make_world(300, 0), LineSettings(epochs=40, seed=1))


def scores(table: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Return standard scores by plain numpy; a missing feature has that of the median."""
    result = np.empty_like(table)
    for i, name in enumerate(names):
        column = np.log(table[:, i]) if name in BY_RATIO else table[:, i]
        column = np.where(np.isnan(column), np.nanmedian(column), column)
        result[:, i] = np.clip((column - column.mean()) / column.std(), -4, 4)
    return result


def test_the_lines_are_standard_scores_split_in_halves_times_the_evidence() -> None:
    world = make_world(50, 3)
    world.acoustic[4, 0] = world.visual[7, 3] = np.nan  # type: ignore[index]
    world.acoustic[9, 1] = 50.0  # beyond four standard deviations
    assert world.visual is not None
    z = np.concatenate([scores(world.acoustic, ACOUSTIC), scores(world.visual, MAPS)], axis=1)
    code = Lines(world).of(world)
    assert code.shape == (150, len(unit_names()))
    for sample in range(len(world)):
        g = world.evidence[world.row[sample]] * world.mask[sample]
        said = dict(zip(unit_names(), code[sample], strict=True))
        assert said.pop("any") == pytest.approx(g.max(), abs=1e-6)
        for i, name in enumerate((*ACOUSTIC, *MAPS)):
            signal = z[world.row[sample], i] * g[0 if name in ACOUSTIC else 1]
            assert said.pop(f"{name}+") == pytest.approx(max(0.0, signal), abs=1e-5)
            assert said.pop(f"{name}-") == pytest.approx(max(0.0, -signal), abs=1e-5)
        assert not said


def test_averages_are_those_of_windows_with_evidence() -> None:
    world = make_world(30, 4)
    silent = world.evidence.copy()
    silent[:10, 0] = 0.0
    part = replace(world, evidence=silent)
    changed = world.acoustic.copy()
    changed[:10] *= 7.0
    np.testing.assert_array_equal(
        Lines(part).of(part), Lines(replace(part, acoustic=changed)).of(replace(part, acoustic=changed))
    )
    assert not np.array_equal(Lines(world).of(world), Lines(replace(world, acoustic=changed)).of(world))


def test_cortex_and_gyrus_come_to_tell_every_feature_of_new_windows(learned: Learned) -> None:
    network, lines, losses = learned
    assert len(losses) == 40
    assert losses[-1] < 0.2 * losses[0]
    told = fidelity(network, lines, make_world(60, 9))
    assert list(told) == [*ACOUSTIC, *MAPS]
    assert min(told.values()) > 0.9, told


def test_fidelity_is_the_correlation_of_what_is_said_with_what_was_measured(learned: Learned) -> None:
    network, lines, _ = learned
    new = make_world(40, 5)
    said, told = fuse(network, new), fidelity(network, lines, new)
    speed = np.log(new.visual[new.row, 0])  # type: ignore[index]
    rows = new.mask[:, 1]
    g = new.evidence[new.row[rows], 1]
    unit = {name: i for i, name in enumerate(unit_names())}
    on_minus_off = said[rows][:, unit["speed+"]] - said[rows][:, unit["speed-"]]
    mean, sd = (float(part[0]) for part in (lines.seen.mean, lines.seen.sd))
    assert told["speed"] == pytest.approx(np.corrcoef(on_minus_off, g * (speed[rows] - mean) / sd)[0, 1])


def test_fidelity_leaves_out_what_does_not_vary_or_is_closed(learned: Learned) -> None:
    network, lines, _ = learned
    new = make_world(20, 6)
    acoustic = new.acoustic.copy()
    acoustic[:, 3] = acoustic[0, 3]
    same = replace(new, acoustic=acoustic, evidence=np.ones((20, 2)))
    assert set(fidelity(network, lines, same)) == {*ACOUSTIC, *MAPS} - {"tempo"}
    assert set(fidelity(network, lines, new.with_senses(audio=False))) == set(MAPS)
    assert fidelity(network, lines, new.select([0, 1])) == {}


def test_without_evidence_the_code_is_silent(learned: Learned) -> None:
    network, lines, _ = learned
    new = make_world(5, 7)
    silent = replace(new, evidence=np.zeros((5, 2)))
    assert not fuse(network, silent).any()
    assert not lines.of(silent).any()


def test_equal_seeds_learn_the_same_and_rewards_are_not_looked_at() -> None:
    world = make_world(24, 0)
    rated = replace(world, rewards=np.random.default_rng(0).random((len(world), 5)))
    once, again, other = (
        learn_lines(samples, LineSettings(epochs=2, seed=seed))[0].state_dict()
        for samples, seed in ((world, 3), (rated, 3), (world, 4))
    )
    assert all(torch.equal(once[name], again[name]) for name in once)
    weight = "temporal_gyrus.final.weight"
    assert not torch.equal(once[weight], other[weight])


def test_the_callers_random_numbers_stay() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    learn_lines(make_world(10, 0), LineSettings(epochs=1))
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("epochs", [1, 2, 4, 5, SHORTEST_CYCLE, SHORTEST_CYCLE + 1])
def test_any_number_of_passes_learns_and_is_told(epochs: int) -> None:
    told: list[tuple[int, float]] = []
    _, _, losses = learn_lines(
        make_world(20, 1), LineSettings(epochs=epochs), progress=lambda *step: told.append(step)
    )
    assert told == list(zip(range(1, epochs + 1), losses, strict=True))
    assert np.isfinite(losses).all()


def test_a_pass_shows_the_share_of_windows_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from avfbel.brain import lines

    shown: list[int] = []
    represent = lines.represent

    def counted(network: Network, samples: Samples, batch: np.ndarray) -> object:
        shown.append(len(np.unique(samples.row[batch])))
        return represent(network, samples, batch)

    monkeypatch.setattr(lines, "represent", counted)
    learn_lines(make_world(40, 1), LineSettings(epochs=3, share=0.25, batch_size=5))
    assert shown == [5, 5] * 3


def test_nothing_to_learn_from_is_refused() -> None:
    world = make_world(4, 0)
    with pytest.raises(ValueError, match=r"Samples\(visual=\.\.\.\) holds those of the picture"):
        Lines(replace(world, visual=None))
    with pytest.raises(ValueError, match="no sample has evidence: there is nothing to learn from"):
        learn_lines(replace(world, evidence=np.zeros((4, 2))), LineSettings(epochs=1))
