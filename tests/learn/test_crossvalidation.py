"""Cross-validation: nothing of what is held out is known in training, and processes change no number."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

import avfbel
from avfbel.data import KINDS, Dataset, Targets
from avfbel.errors import InputError, UsageError
from avfbel.learn import Settings, cross_validate, crossvalidation, make_folds
from avfbel.learn.crossvalidation import hold_out, rated_means
from avfbel.learn.metrics import r_squared
from avfbel.learn.protocols import Fold, k_fold, leave_group_out

Make = Callable[..., Dataset]


class Spy:
    """A candidate that predicts 0.5 and remembers which stimuli it has met, and which it was asked for."""

    met: list[set[str]]
    asked: list[set[str]]

    def fit(self, data: Dataset) -> Self:
        self.met.append(set(data.stimulus))
        return self

    def predict(self, data: Dataset, kind: str) -> np.ndarray:
        self.asked.append(set(data.stimulus))
        return np.full((data.n_clips, 2), 0.5)


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> type[Spy]:
    Spy.met, Spy.asked = [], []
    monkeypatch.setattr(crossvalidation, "make_candidate", lambda name, settings: Spy())
    return Spy


@pytest.mark.parametrize(
    ("protocol", "n_folds"), [("leave-stimulus-out", 6), ("k-fold", 5), ("leave-group-out:half", 2)]
)
def test_each_stimulus_is_predicted_once_by_who_has_not_met_it(
    world: Dataset, spy: type[Spy], protocol: str, n_folds: int
) -> None:
    held_out = cross_validate("ridge", world, protocol, jobs=1)
    assert len(spy.met) == n_folds
    for fold, met in enumerate(spy.met):
        for asked in spy.asked[3 * fold : 3 * fold + 3]:
            assert not met & asked
            assert met | asked == set(world.stimulus)
    for kind in KINDS:
        rows = held_out.modality == kind
        assert sorted(held_out.stimulus[rows]) == sorted(set(world.stimulus))
        truth = dict(zip(world.stimulus, world.targets[kind].epp, strict=True))
        np.testing.assert_allclose(
            held_out.observed[rows, 0], [truth[name] for name in held_out.stimulus[rows]]
        )


def test_a_planted_leak_is_refused_whoever_made_the_folds(
    world: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaky = leave_group_out(np.arange(world.n_clips).astype(str))  # by clip: its twin stays in training
    monkeypatch.setattr(crossvalidation, "make_folds", lambda *_, **__: leaky)
    with pytest.raises(UsageError, match="the stimulus 's00' would be learned from and predicted at once"):
        cross_validate("ridge", world, "leave-stimulus-out", jobs=1)


@pytest.mark.parametrize("name", ["avf-bel", "bel", "mean", "ridge", "gp", "svr"])
def test_ratings_and_clips_that_are_held_out_change_no_prediction(world: Dataset, name: str) -> None:
    fold = make_folds("leave-stimulus-out", stimulus=world.stimulus)[2]
    settings = Settings(epochs=1)
    fair = hold_out(name, world, fold, settings)
    other = world.stimulus == "s02"
    lies = {
        kind: Targets.from_emotions(np.where(other[:, None], [9.0, 0.0, 0.0, 0.0, 0.0], of.emotions))
        for kind, of in world.targets.items()
    }
    for said, again in zip(fair, hold_out(name, replace(world, targets=lies), fold, settings), strict=True):
        np.testing.assert_array_equal(said.predicted, again.predicted)
        np.testing.assert_array_equal(said.baseline, again.baseline)
        assert (again.observed == 0).all()
    # One of the two clips that are held out becomes an outlier: scalers that saw it would move the other.
    first, second = fold.test
    odd = world.clip == first
    strange = replace(
        world,
        acoustic=np.where(odd[:, None], 1e4, world.acoustic),
        visual=np.where(odd[:, None], 1e4, world.visual),
        stimulus=np.where(np.arange(world.n_clips) == first, "odd", world.stimulus),
    )
    apart = Fold(name="apart", train=fold.train, test=fold.test)
    plain = replace(world, stimulus=strange.stimulus)
    for said, again in zip(
        hold_out(name, plain, apart, settings), hold_out(name, strange, apart, settings), strict=True
    ):
        assert said.stimulus.tolist() == ["odd", world.stimulus[second]]
        np.testing.assert_array_equal(said.predicted[1], again.predicted[1])


def test_what_only_tells_stimuli_apart_does_not_help(make_world: Make) -> None:
    """Features that name the stimulus but say nothing about it: a division by clips would score them high."""
    data, rng = make_world(12, clips_each=3), np.random.default_rng(4)
    place = np.unique(data.stimulus, return_inverse=True)[1][data.clip]
    label = rng.uniform(1.0, 2.0, (12, 7))[rng.permutation(12)]
    data = replace(data, acoustic=label[place] * rng.uniform(0.999, 1.001, (data.n_windows, 7)))
    leaky = replace(data, stimulus=np.array([f"clip {k}" for k in range(data.n_clips)]))
    naive = cross_validate("gp", leaky, "k-fold", jobs=1).metrics()["audio"]["epp"]["r2"]
    honest = cross_validate("gp", data, "k-fold", jobs=1).metrics()["audio"]["epp"]["r2"]
    assert naive > 0.9
    assert honest < 0.2


@pytest.mark.parametrize("name", ["m-bel", "ridge"])
def test_processes_change_no_number_and_progress_is_told_with_its_total(make_world: Make, name: str) -> None:
    data, told = make_world(4), []
    settings = Settings(epochs=2, seed=5)
    alone = cross_validate(name, data, "leave-stimulus-out", settings=settings, jobs=1)
    both = cross_validate(
        name, data, "leave-stimulus-out", settings=settings, jobs=2, progress=lambda *step: told.append(step)
    )
    for part in ("fold", "stimulus", "modality", "observed", "predicted", "baseline"):
        np.testing.assert_array_equal(getattr(both, part), getattr(alone, part))
    assert told == [(f"{name}, leave-stimulus-out", done, 4) for done in range(5)]


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import importlib.util\n"
        f"path = {str(Path(__file__).parent / 'conftest.py')!r}\n"
        "spec = importlib.util.spec_from_file_location('made', path)\n"
        "made = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(made)\n"
        "import avfbel\n"
        "found = avfbel.evaluate('ridge', made.make_world(4), protocol='leave-stimulus-out', jobs=2)\n"
        "print(found.metrics()['fused']['epp']['n'])\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=120)
    assert (done.stdout, done.stderr) == ("4\n", "")


def test_a_process_that_is_ended_is_one_sentence(world: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        os._exit(9)

    monkeypatch.setattr(crossvalidation, "hold_out", die)
    with pytest.raises(InputError, match=r"a process was ended from outside .* fewer processes than 2"):
        cross_validate("ridge", world, "k-fold", jobs=2)
    monkeypatch.undo()
    assert cross_validate("ridge", world, "k-fold", jobs=2).metrics()["fused"]["epp"]["n"] == 6


def test_r_squared_is_against_the_mean_of_the_other_stimuli_and_nev_against_reliability(
    make_world: Make,
) -> None:
    data = make_world(5, clips_each=2).take([0, 1, 2, 4, 5, 6, 8])  # stimuli of one clip count as much
    data = replace(data, reliability={"audio": {"epp": 0.8}})
    found = cross_validate("mean", data, "leave-stimulus-out", jobs=1)
    truth = {name: data.targets["audio"].epp[data.stimulus == name].mean() for name in set(data.stimulus)}
    audio = found.select("audio", "epp")
    for name, baseline in zip(audio.stimulus, audio.baseline, strict=True):
        assert baseline == pytest.approx(np.mean([truth[other] for other in truth if other != name]))
    figures = found.metrics()["audio"]["epp"]
    want = r_squared(audio.observed, audio.predicted, baseline=audio.baseline)
    assert figures["r2"] == pytest.approx(want)
    assert figures["nev"] == pytest.approx(want / 0.8)
    assert found.metrics()["video"]["epp"]["nev"] is None


def test_clips_of_a_stimulus_are_averaged_over_those_that_were_rated() -> None:
    nan = np.nan
    means = rated_means(
        np.array(["b", "a", "b", "a"]), np.array([[0.2, 1], [0.5, nan], [0.4, nan], [nan, nan]])
    )
    np.testing.assert_allclose(means, [[0.5, nan], [0.3, 1.0]])
    assert rated_means(np.empty(0, np.str_), np.empty((0, 2))).shape == (0, 2)


def test_ratings_of_epp_only_are_scored_as_such(
    world: Dataset, only_epp: Callable[[Dataset], Dataset]
) -> None:
    metrics = cross_validate("ridge", only_epp(world), "k-fold", jobs=1).metrics()
    assert {modality: list(of) for modality, of in metrics.items()} == {kind: ["epp"] for kind in KINDS}


@pytest.mark.parametrize(("track", "kind"), [("has_video", "audio"), ("has_audio", "video")])
@pytest.mark.parametrize("name", ["avf-bel", "bel", "ridge"])
def test_data_of_one_track_have_figures_of_one_kind(
    make_world: Make, name: str, track: str, kind: str
) -> None:
    data = make_world(3, **{track: False})
    assert list(
        cross_validate(name, data, "leave-stimulus-out", settings=Settings(epochs=1), jobs=1).metrics()
    ) == [kind]


def test_a_fold_that_leaves_nothing_to_learn_from_predicts_nothing(make_world: Make) -> None:
    data = make_world(3, clips_each=1, has_audio=[True, False, False])
    found = cross_validate("bel-m", data, "leave-stimulus-out", jobs=1)
    assert len(found.stimulus) == 0
    assert found.metrics() == {}


def test_an_estimator_gives_its_parameters_and_is_not_changed(world: Dataset) -> None:
    model = avfbel.AVFBEL(epochs=1, modality="audio", random_state=2)
    found = avfbel.evaluate(model, world, protocol="k-fold", jobs=1)
    assert not hasattr(model, "state_")
    settings = Settings(epochs=1, seed=2, cortex="none")
    by_name = cross_validate("m-bel", world, "k-fold", settings=settings, jobs=1)
    np.testing.assert_array_equal(found.predicted, by_name.predicted)
    model.fit(world)
    before: dict[str, Any] = copy.deepcopy(vars(model))
    avfbel.evaluate(model, world, protocol="leave-group-out:half", jobs=1)
    assert model.get_params() == {name: before[name] for name in model.get_params()}
    for now, then in zip(model.state_, before["state_"], strict=True):
        np.testing.assert_array_equal(now, then)
    for name, weight in before["network_"].state_dict().items():
        np.testing.assert_array_equal(model.network_.state_dict()[name].numpy(), weight.numpy())


def test_what_cannot_be_is_refused_before_anything_is_learned(world: Dataset, spy: type[Spy]) -> None:
    with pytest.raises(UsageError, match="no model 'best'"):
        cross_validate("best", world, "k-fold")
    with pytest.raises(UsageError, match="no protocol 'loso'"):
        cross_validate("ridge", world, "loso")
    with pytest.raises(UsageError, match="no column 'film' to hold groups out by: there are half, stimulus"):
        cross_validate("ridge", world, "leave-group-out:film")
    with pytest.raises(UsageError, match="no rated clip has sound, so that m-bel cannot learn"):
        cross_validate("m-bel", replace(world, evidence=world.evidence * [0, 1]), "k-fold")
    with pytest.raises(UsageError, match="no modality 'smell': choose one of both, audio, video"):
        avfbel.evaluate(avfbel.AVFBEL(modality="smell"), world)
    assert spy.met == []


def test_the_seed_deals_the_folds(world: Dataset) -> None:
    def folds(seed: int) -> list[str]:
        return cross_validate("mean", world, "k-fold", settings=Settings(seed=seed), jobs=1).fold.tolist()

    dealt = [fold.test.tolist() for fold in k_fold(world.stimulus, seed=3)]
    assert dealt != [fold.test.tolist() for fold in k_fold(world.stimulus, seed=4)]
    assert folds(3) == folds(3)
