"""Protocols that hold out people, and what is said of single ratings."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avfbel.data import KINDS, Dataset, Targets
from avfbel.errors import UsageError
from avfbel.learn import Settings, cross_validate, evaluate, make_folds
from avfbel.learn.ceiling import panel_reliability, shortened, spearman_brown
from avfbel.learn.crossvalidation import check_request
from avfbel.learn.panel import Panel, check_panel, load_panel, panel_if_any, single_ratings

Make = Callable[..., Dataset]


def panel_of(data: Dataset, n_raters: int = 6, *, seed: int = 0) -> Panel:
    """Raters whose mean is near the data set's own targets; each with a style."""
    rng = np.random.default_rng(seed)
    true = data.targets["fused"].emotions
    felt = np.clip(
        true * rng.uniform(0.6, 1.4, (n_raters, 1, 1)) + rng.normal(0, 0.1, (n_raters, *true.shape)), 0, 1
    )
    given = np.full((n_raters, data.n_clips, 2), np.nan)
    return Panel(
        raters=tuple(f"r{k}" for k in range(n_raters)), emotions=dict.fromkeys(KINDS, felt), given=given
    )


@pytest.mark.parametrize(("protocol", "sizes"), [("leave-participant-out", [1] * 6), ("cross-panel", [3, 3])])
def test_each_rater_is_held_out_once_and_trains_otherwise(protocol: str, sizes: list[int]) -> None:
    folds = make_folds(protocol, stimulus=["a", "b", "a"], raters=[f"r{k}" for k in range(6)], seed=3)
    assert [len(fold.test_raters) for fold in folds] == sizes
    assert sorted(np.concatenate([fold.test_raters for fold in folds])) == list(range(6))
    for fold in folds:
        assert sorted([*fold.train_raters, *fold.test_raters]) == list(range(6))
        assert fold.train.tolist() == fold.test.tolist() == [0, 1, 2]


class Recorder:
    """Predicts the training means, and remembers the targets it was given."""

    def __init__(self) -> None:
        self.taught: list[Targets] = []

    def fit(self, data: Dataset) -> Recorder:
        self.taught.append(data.targets["fused"])
        return self

    def predict(self, data: Dataset, kind: str) -> np.ndarray:
        now = self.taught[-1]
        return np.stack([now.epp, now.valence], axis=1)


def test_what_is_taught_and_what_is_asked_come_from_other_people(
    world: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, spy = panel_of(world), Recorder()
    monkeypatch.setattr("avfbel.learn.crossvalidation.make_candidate", lambda name, settings: spy)
    found = cross_validate("mean", world, "leave-participant-out", panel=panel, jobs=1)
    for rater, taught in enumerate(spy.taught):
        others = np.delete(np.arange(6), rater)
        want = panel.emotions["fused"][others].mean(axis=0)
        np.testing.assert_allclose(taught.emotions, want)
        own = found.observed[(found.fold == f"r{rater}") & (found.modality == "fused"), 0]
        clips = panel.targets("fused", [rater]).epp.reshape(6, 2).mean(axis=1)
        np.testing.assert_allclose(own, clips)


def test_who_predicts_a_rater_by_the_others_is_as_good_as_the_line_says(
    make_world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_world(8, clips_each=1)
    panel = panel_of(data)
    monkeypatch.setattr("avfbel.learn.crossvalidation.make_candidate", lambda name, settings: Recorder())
    report = cross_validate("mean", data, "leave-participant-out", panel=panel, jobs=1).report(n_draws=20)
    part = report["fused"]["epp"]
    assert "means" not in part
    assert "ceiling" not in part
    assert part["n"] == {"ratings": 48}
    assert part["ratings"]["r"][0] == pytest.approx(part["rater_versus_rest"])


def test_held_out_stimuli_are_scored_on_means_and_on_single_ratings(make_world: Make) -> None:
    data = replace(make_world(8), reliability={"fused": {"epp": 0.81}})
    panel = panel_of(data)
    found = cross_validate("ridge", data, "leave-stimulus-out", panel=panel, jobs=1)
    part = found.report(n_draws=50)["fused"]["epp"]
    assert part["n"] == {"means": 8, "ratings": 48}
    assert part["ceiling"] == {"r2": 0.81, "r": pytest.approx(0.9)}
    assert part["means"]["r"][0] == pytest.approx(found.metrics()["fused"]["epp"]["r"], abs=1e-12)
    assert part["ratings"]["nev"][0] is None
    names, single = single_ratings(panel, data.stimulus)[1:3]
    held_out = found.select("fused", "epp")
    said = held_out.predicted[np.searchsorted(held_out.stimulus, names)]
    want = np.corrcoef(single["fused"][..., 0].ravel(), np.tile(said, 6))[0, 1]
    assert part["ratings"]["r"][0] == pytest.approx(want)


def test_half_a_panel_has_a_lower_ceiling(world: Dataset) -> None:
    data = replace(world, reliability={"fused": {"epp": 0.8}})
    found = cross_validate("mean", data, "cross-panel", panel=panel_of(data), jobs=1)
    assert found.report(n_draws=5)["fused"]["epp"]["ceiling"]["r2"] == pytest.approx(2 / 3)
    for rho in (0.2, 0.5, 0.9):
        assert spearman_brown(shortened(rho, 0.5)) == pytest.approx(rho)


def test_reliability_of_one_s_own_ratings_is_what_the_noise_makes_it() -> None:
    """Signal of variance 1, noise of variance 4, 16 raters: ρ = 1 / (1 + 4/16) = 0.8."""
    rng = np.random.default_rng(5)
    ratings = rng.normal(size=3000) + rng.normal(0, 2, (16, 3000))
    rho = panel_reliability(lambda raters: ratings[raters].mean(axis=0), 16, n_splits=20)
    assert rho == pytest.approx(0.8, abs=0.02)
    assert np.isnan(panel_reliability(lambda raters: ratings[raters].mean(axis=0), 3))


def test_ratings_of_a_manifest_make_a_panel(tmp_path: Path, make_world: Make) -> None:
    path = tmp_path / "rated.csv"
    rows = [("a.wav", "bo", 0.2), ("a.wav", "ann", 0.4), ("b.wav", "ann", 0.9), ("c.wav", "bo", 0.5)]
    for name in "abc":
        (tmp_path / f"{name}.wav").touch()
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("media", "participant", "epp"), *rows])
    data = replace(make_world(3, clips_each=1), manifest=path)
    panel = load_panel(data)
    assert panel.raters == ("ann", "bo")
    nan = np.nan
    np.testing.assert_allclose(panel.given[..., 0], [[0.4, 0.9, nan], [0.2, nan, 0.5]])
    np.testing.assert_allclose(panel.targets("audio", [0, 1]).epp, [0.3, 0.9, 0.5])
    assert check_panel(path) == ["ann", "bo"]
    assert panel_if_any(data, "k-fold") is not None
    assert panel_if_any(replace(data, manifest=tmp_path / "gone.csv"), "k-fold") is None


def test_without_single_ratings_the_remedy_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_world: Make
) -> None:
    monkeypatch.delenv("AVFBEL_DATA", raising=False)
    monkeypatch.setenv("AVFBEL_CACHE", str(tmp_path / "cache"))  # where a fetch would have left them
    for protocol in ("leave-participant-out", "cross-panel"):
        with pytest.raises(UsageError, match=r"only means over 20 people.*avfbel data fetch sievers2021"):
            check_request(["ridge"], protocol, "sievers2021")
    (tmp_path / "a.wav").touch()
    (tmp_path / "m.csv").write_text("media,epp,stimulus\na.wav,0.5,one\n")
    with pytest.raises(UsageError, match=r"m\.csv does not say who rated: .*column participant"):
        check_request(["ridge"], "cross-panel", tmp_path / "m.csv")
    with pytest.raises(UsageError, match="needs single ratings of two people or more, and there are 0"):
        cross_validate("ridge", make_world(3), "cross-panel")


def test_all_that_is_wrong_with_a_request_is_said_at_once(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.wav").touch()
    path = tmp_path / "m.csv"
    path.write_text("media,epp,film\na.wav,0.5,one\nb.wav,0.5,one\n")
    with pytest.raises(UsageError) as error:
        check_request(["best", "ridge", "worst"], "leave-group-out:film", path)
    for words in (
        "no model 'best'",
        "no model 'worst'",
        "2 stimuli are too few to be evaluated: rate clips of 3 or more",
        "all ratings are the same",
        "one film cannot be held out when there is only 1",
    ):
        assert words in str(error.value)
    path.write_text("media,epp\na.wav,nan\nb.wav,1.2\n")
    with pytest.raises(
        UsageError, match=r"epp is nan, not a number.*line 3: epp is 1\.2, not a number from 0"
    ):
        check_request(["ridge"], "k-fold", path)
    path.write_text("media,stimulus\na.wav,bored\nb.wav,joyful\n")
    with pytest.raises(UsageError, match=r"bored, joyful: none of the 38 stimuli"):
        check_request(["ridge"], "k-fold", "sievers2021", corpus=path)


@pytest.mark.skipif(not os.environ.get("AVFBEL_DATA"), reason="AVFBEL_DATA names no folder of ratings")
def test_the_line_of_the_published_ratings(make_world: Make) -> None:
    """The mean of the other 19 raters reaches r 0.41 / 0.38 (epp), 0.46 / 0.50 (valence)."""
    from avfbel.data.norms import SOURCE, load_norms

    stimuli = load_norms().stimuli
    data = make_world(38, clips_each=1, windows_each=1)
    data = replace(data, name="sievers2021", source=SOURCE, stimulus=np.array(stimuli))
    found = evaluate("mean", data, protocol="leave-stimulus-out", jobs=1).report(n_draws=5)
    assert found["audio"]["epp"]["rater_versus_rest"] == pytest.approx(0.41, abs=0.006)
    assert found["video"]["epp"]["rater_versus_rest"] == pytest.approx(0.38, abs=0.006)
    assert found["audio"]["valence"]["rater_versus_rest"] == pytest.approx(0.46, abs=0.006)
    assert found["video"]["valence"]["rater_versus_rest"] == pytest.approx(0.50, abs=0.006)
    assert found["fused"]["epp"]["n"]["ratings"] > 740


def test_one_rater_more_or_less_changes_no_process(world: Dataset) -> None:
    panel = panel_of(world, 3)
    options = {"settings": Settings(seed=1), "panel": panel}
    alone = cross_validate("ridge", world, "leave-participant-out", jobs=1, **options)
    both = cross_validate("ridge", world, "leave-participant-out", jobs=2, **options)
    np.testing.assert_array_equal(alone.predicted, both.predicted)
