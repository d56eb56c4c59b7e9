"""Intervals: the width as defined, coverage on stimuli never met, and nothing that is not known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.data import KINDS, Dataset, Targets
from avfbel.emotion import predicted_epp
from avfbel.learn import calibration, jackknife
from avfbel.learn.calibration import calibrate, half_width
from avfbel.learn.cortex import read_cortex
from avfbel.learn.jackknife import Choice, HeldOutSamples, Material, hold_out

Make = Callable[..., Dataset]
MakeUp = Callable[..., Material]
QUICK = Choice(bel_epochs=2)
NO_CORTEX = None
"""Where the material is made up, no cortex is asked."""

ERRORS = st.lists(st.lists(st.floats(0, 1), max_size=6), max_size=15)


@pytest.fixture
def made_up(
    make_world: Make, make_up_material: MakeUp, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Dataset, Material]]:
    """Let `calibrate` find made-up material, and return the data set whose ratings belong to it."""

    def make(n_stimuli: int, **options: float) -> tuple[Dataset, Material]:
        material = make_up_material(n_stimuli, windows_each=1, **options)
        data = make_world(n_stimuli, windows_each=1)
        first = [np.flatnonzero(material.clip == number)[0] for number in range(data.n_clips)]
        targets = Targets.from_emotions(material.rewards[first])
        monkeypatch.setattr(jackknife, "make_material", lambda *_: material)
        return replace(data, targets=dict.fromkeys(KINDS, targets)), material

    return make


@given(ERRORS, st.floats(0.05, 0.95))
def test_the_width_is_the_least_that_reaches_the_level(errors: list[list[float]], level: float) -> None:
    """Against the definition, tried at every error there is."""
    present = [of for of in errors if of]

    def reached(width: float) -> float:
        return sum(np.mean(np.array(of) <= width) for of in present) / (len(present) + 1)

    candidates = sorted(error for of in present for error in of)
    want = next((width for width in candidates if reached(width) >= level - 1e-12), np.inf)
    assert half_width([np.array(of) for of in errors], level) == want


@given(ERRORS, st.floats(0.1, 0.9))
def test_whole_stimuli_count_not_windows(errors: list[list[float]], level: float) -> None:
    arrays = [np.array(of) for of in errors]
    twice = [np.repeat(of, 2) for of in arrays]
    assert half_width(twice, level) == half_width(arrays, level)
    assert half_width(arrays[::-1], level) == half_width(arrays, level)
    assert half_width([of / 2 for of in arrays], level) == pytest.approx(half_width(arrays, level) / 2)
    assert half_width(arrays, level) <= half_width(arrays, level + 0.05)


def test_too_few_stimuli_have_no_width() -> None:
    for n in range(12):
        width = half_width([np.array([0.1, 0.2])] * n, 0.9)
        assert np.isfinite(width) == (n >= 9)


@pytest.mark.parametrize(("n", "level"), [(10, 0.9), (37, 0.9), (37, 0.5)])
def test_a_new_stimulus_is_covered_as_promised(n: int, level: float) -> None:
    """Windows of a stimulus err together; stimuli have from 1 to 20 windows; 2000 worlds."""
    rng = np.random.default_rng(n)
    covered = []
    for _ in range(2000):
        stimuli = [
            np.abs(rng.normal(0, 0.1) + rng.normal(0, 0.05, rng.integers(1, 21))) * rng.uniform(0.5, 1.5)
            for _ in range(n + 1)
        ]
        covered.append((stimuli[-1] <= half_width(stimuli[:-1], level)).mean())
    # At least the level, and no more than the share 1 / (n + 1) that is reserved for the new one.
    assert level - 0.02 <= np.mean(covered) <= level + 1 / (n + 1) + 0.02


@pytest.mark.parametrize("level", [0.4, 0.6, 0.9])
def test_calibration_is_what_models_trained_one_by_one_give(
    made_up: Callable[..., tuple[Dataset, Material]], level: float
) -> None:
    data, material = made_up(11, noise=0.4)

    @cache
    def model_without(held: frozenset[int]) -> HeldOutSamples:
        (one,) = hold_out(material, QUICK, [held], seed=5)
        return one

    def errors(held: tuple[int, ...], stimulus: int, kind: int) -> np.ndarray:
        one = model_without(frozenset(held))
        own = (material.stimulus[one.rows] == stimulus) & (material.kind[one.rows] == kind)
        rated = data.targets["fused"].epp[2 * stimulus]
        return np.abs(predicted_epp(one.emotion[own]) - rated)

    found = calibrate(data, NO_CORTEX, QUICK, seed=5, level=level)
    assert found is not None
    assert list(found) == ["level", *KINDS]
    for kind, name in enumerate(KINDS):
        width = half_width([errors((i,), i, kind) for i in range(11)], level)
        covered = [
            np.mean(
                errors((i,), i, kind)
                <= half_width([errors((i, j), j, kind) for j in range(11) if j != i], level)
            )
            for i in range(11)
        ]
        assert width <= found[name]["half_width"] < width + 1.001e-4, "rounded up, never down"
        assert found[name]["coverage"] == pytest.approx(np.mean(covered), abs=1e-4)
        assert found[name]["stimuli"] == 11


def test_stimuli_of_the_same_world_are_covered_as_told(
    made_up: Callable[..., tuple[Dataset, Material]],
) -> None:
    """Four made-up worlds of 25 stimuli to calibrate with, and 75 more that nothing has met."""
    told, true = [], []
    for seed in range(4):
        data, material = made_up(100, noise=0.5, seed=seed)
        new = np.arange(25, 100)
        (held,) = hold_out(material, QUICK, [new])
        error = np.abs(predicted_epp(held.emotion) - data.targets["fused"].epp[material.clip[held.rows]])
        known = material.stimulus < 25
        parts = ("lines", "evidence", "rewards", "stimulus", "kind", "clip")
        few = replace(
            material,
            stimuli=material.stimuli[:25],
            **{name: getattr(material, name)[known] for name in parts},
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(jackknife, "make_material", lambda *_, few=few: few)
            found = calibrate(data.take(np.arange(50)), NO_CORTEX, QUICK)
        assert found is not None
        for kind, name in enumerate(KINDS):
            own = material.kind[held.rows] == kind
            told.append(found[name]["coverage"])
            true.append((error[own] <= found[name]["half_width"]).mean())
    assert 0.87 <= np.mean(true) <= 0.97
    # Four worlds of 25: the standard error of each of the two is sqrt(0.1 * 0.9 / 100) = 0.03.
    assert np.mean(told) == pytest.approx(np.mean(true), abs=0.06)
    assert all(0.75 <= share <= 1 for share in told)


def test_no_width_is_checked_with_a_stimulus_that_it_has_met(
    made_up: Callable[..., tuple[Dataset, Material]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more than 40 stimuli, 40 groups are held out, one at a time and two at a time."""
    asked: list[frozenset[int]] = []

    def listen(material: Material, choice: Choice, sets: list[tuple[int, ...]], **options: object) -> object:
        asked.extend(map(frozenset, sets))
        return hold_out(material, replace(choice, bel_epochs=1), sets, **options)

    data, _ = made_up(44)
    monkeypatch.setattr(jackknife, "hold_out", listen)
    told: list[tuple[int, int]] = []
    found = calibrate(data, NO_CORTEX, QUICK, progress=lambda *step: told.append(step))
    assert found is not None
    alone, pairs = asked[:40], asked[40:]
    assert sorted(number for group in alone for number in group) == list(range(44))
    assert sorted(map(len, alone)) == [1] * 36 + [2] * 4
    assert set(pairs) == {a | b for a in alone for b in alone if a != b}
    assert len(pairs) == 40 * 39 / 2
    assert told[-1] == (820, 820)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert [found[kind]["stimuli"] for kind in KINDS] == [44] * 3
    assert all(0.8 <= found[kind]["coverage"] <= 1 for kind in KINDS)


def test_groups_are_held_out_whole(
    made_up: Callable[..., tuple[Dataset, Material]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """12 stimuli in 4 groups, against models trained without the whole group, one by one."""
    monkeypatch.setattr(calibration, "MOST_GROUPS", 4)
    data, material = made_up(12, noise=0.4)
    group = np.random.default_rng(3).permutation(12) % 4
    found = calibrate(data, NO_CORTEX, QUICK, seed=3, level=0.6)
    assert found is not None
    errors = []
    for stimulus in range(12):
        (one,) = hold_out(material, QUICK, [np.flatnonzero(group == group[stimulus])], seed=3)
        own = (material.stimulus[one.rows] == stimulus) & (material.kind[one.rows] == 0)
        errors.append(np.abs(predicted_epp(one.emotion[own]) - data.targets["audio"].epp[2 * stimulus]))
    assert found["audio"]["half_width"] == pytest.approx(half_width(errors, 0.6), abs=1.001e-4)


def test_what_nobody_rated_is_not_calibrated(make_world: Make) -> None:
    """12 stimuli: all are rated as heard, 10 as seen, 9 as both; the real cortex perceives them."""
    data = make_world(12, clips_each=1, windows_each=1)
    targets = {}
    for kind, rated in {"audio": 12, "video": 10, "fused": 9}.items():
        felt = data.targets[kind].emotions.copy()
        felt[rated:] = np.nan
        targets[kind] = Targets.from_emotions(felt)
    found = calibrate(replace(data, targets=targets), read_cortex(), QUICK)
    assert found is not None
    assert {name: of["stimuli"] for name, of in found.items() if name != "level"} == {
        "audio": 12,
        "video": 10,
    }
    assert all(0 < found[kind]["half_width"] < 1 for kind in ("audio", "video"))


def test_a_clip_of_which_only_valence_is_rated_teaches_and_does_not_calibrate(make_world: Make) -> None:
    data = make_world(12, clips_each=1, windows_each=1)
    of = data.targets["audio"]
    only = np.arange(12) < 2
    targets = Targets(
        emotions=np.where(only[:, None], np.nan, of.emotions),
        epp=np.where(only, np.nan, of.epp),
        valence=of.valence,
    )
    found = calibrate(
        replace(data, targets={**data.targets, "audio": targets}), read_cortex(), QUICK, kinds=["audio"]
    )
    assert found is not None
    assert found["audio"]["stimuli"] == 10


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_a_half_of_the_circuit_has_the_intervals_of_its_sense(make_world: Make, kind: str) -> None:
    found = calibrate(make_world(10, clips_each=1, windows_each=1), read_cortex(), QUICK, kinds=(kind,))
    assert found is not None
    assert list(found) == ["level", kind]


def test_too_few_stimuli_are_not_calibrated(make_world: Make) -> None:
    assert calibrate(make_world(9, clips_each=3, windows_each=1), read_cortex(), QUICK) is None
    few_rated = make_world(14, clips_each=1, windows_each=1)
    felt = few_rated.targets["audio"].emotions.copy()
    felt[9:] = np.nan
    few_rated = replace(few_rated, targets=dict.fromkeys(KINDS, Targets.from_emotions(felt)))
    assert calibrate(few_rated, read_cortex(), QUICK) is None


def test_enough_stimuli_but_too_few_of_each_kind_are_not_calibrated(make_world: Make) -> None:
    data = make_world(14, clips_each=1, windows_each=1)
    felt = data.targets["audio"].emotions
    first, last = np.arange(14)[:, None] < 8, np.arange(14)[:, None] >= 6
    rated = {"audio": first, "video": last, "fused": np.zeros((14, 1), bool)}
    targets = {kind: Targets.from_emotions(np.where(of, felt, np.nan)) for kind, of in rated.items()}
    assert calibrate(replace(data, targets=targets), read_cortex(), QUICK) is None


def test_more_ratings_of_a_stimulus_are_one_stimulus(make_world: Make) -> None:
    """Ten clips of each of three stimuli are three stimuli: too few."""
    assert calibrate(make_world(3, clips_each=10, windows_each=1), read_cortex(), QUICK) is None
