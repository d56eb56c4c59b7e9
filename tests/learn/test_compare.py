"""Models compared on the same folds, evaluations resumed, and one sense set against two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avfbel.data import Dataset
from avfbel.errors import UsageError
from avfbel.learn import Settings, cross_validate, crossvalidation, make_candidate
from avfbel.learn.compare import COLUMNS, compare
from avfbel.learn.crossvalidation import hold_out
from avfbel.learn.resume import Kept, digest_data
from avfbel.runtime.files import encode_json

Make = Callable[..., Dataset]


def test_who_is_better_is_said_only_where_the_interval_excludes_0(make_world: Make) -> None:
    data = make_world(12)
    ridge, mean, svr = (cross_validate(name, data, "k-fold", jobs=1) for name in ("ridge", "mean", "svr"))
    table = compare([ridge, mean, svr], n_draws=300)
    assert tuple(table.columns) == COLUMNS
    for row in table.itertuples():
        clear = row.low > 0 or row.high < 0
        assert (row.verdict == "no difference shown") == (not clear)
    mae = table.query("metric == 'mae' and modality == 'fused' and first == 'ridge' and second == 'mean'")
    assert mae.verdict.tolist() == ["beats", "beats"]
    assert (mae.difference < 0).all()
    back = compare([mean, ridge], n_draws=300).query("metric == 'mae' and modality == 'fused'")
    assert back.verdict.tolist() == ["is beaten by", "is beaten by"]
    np.testing.assert_allclose(back.difference.to_numpy(), -mae.difference.to_numpy())
    own = compare([ridge, replace(ridge, model="again")], n_draws=50)
    assert set(own.verdict) == {"no difference shown"}


def test_rows_are_paired_by_fold_and_stimulus_not_by_place(make_world: Make) -> None:
    data = make_world(8)
    first, second = (cross_validate(name, data, "k-fold", jobs=1) for name in ("ridge", "gp"))
    order = np.random.default_rng(0).permutation(len(second.stimulus))
    parts = ("fold", "stimulus", "modality", "observed", "predicted", "baseline")
    mixed = replace(second, **{name: getattr(second, name)[order] for name in parts})
    straight, shuffled = compare([first, second], n_draws=50), compare([first, mixed], n_draws=50)
    np.testing.assert_allclose(straight.difference.to_numpy(), shuffled.difference.to_numpy())


def test_what_cannot_be_compared_is_refused(make_world: Make) -> None:
    data = make_world(6)
    one = cross_validate("mean", data, "k-fold", jobs=1)
    with pytest.raises(UsageError, match=r"no metric 'luck'.*needs two results or more"):
        compare([one], metrics=["luck"])
    with pytest.raises(UsageError, match="several protocols cannot be compared: k-fold, leave-stimulus-out"):
        compare([one, cross_validate("mean", data, "leave-stimulus-out", jobs=1)])
    other = cross_validate("ridge", data, "k-fold", settings=Settings(seed=9), jobs=1)
    with pytest.raises(UsageError, match="did not predict the same cases"):
        compare([one, other])
    with pytest.raises(UsageError, match="were held against other ratings"):
        compare([one, replace(one, observed=one.observed * 0.9)])


def test_one_sense_alone_is_scored_on_what_both_felt(make_world: Make) -> None:
    found = cross_validate("ridge", make_world(6), "leave-stimulus-out", jobs=1)
    alone = found.alone("audio")
    assert alone.model == "ridge (audio alone)"
    assert set(alone.modality) == {"fused"}
    both, sound = found.select("fused", "epp"), found.select("audio", "epp")
    np.testing.assert_array_equal(alone.select("fused", "epp").observed, both.observed)
    np.testing.assert_array_equal(alone.select("fused", "epp").predicted, sound.predicted)
    assert len(compare([found, alone], n_draws=20))
    with pytest.raises(UsageError, match="no sense 'smell'"):
        found.alone("smell")
    silent = cross_validate("ridge", make_world(3, has_audio=False), "leave-stimulus-out", jobs=1)
    with pytest.raises(UsageError, match="did not predict from audio alone"):
        silent.alone("audio")


def test_late_fusion_is_the_mixture_of_two_that_know_one_sense(world: Dataset) -> None:
    fused = make_candidate("late-fusion").fit(world)
    alone = make_candidate("gp").fit(world)
    for kind in ("audio", "video"):
        np.testing.assert_array_equal(fused.predict(world, kind), alone.predict(world, kind))
    want = 0.25 * alone.predict(world, "audio") + 0.75 * alone.predict(world, "video")
    np.testing.assert_allclose(fused.predict(world, "fused"), want, atol=1e-15)


@pytest.mark.parametrize("stop_after", [0, 2, 5])
def test_interrupted_and_resumed_gives_identical_json(
    world: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    kept = Kept(tmp_path / "parts", digest_data(world))
    calls: list[str] = []

    def until_told(model: str, data: Dataset, fold: object, *rest: object) -> object:
        if len(calls) == stop_after:
            raise KeyboardInterrupt
        calls.append(fold.name)  # type: ignore[attr-defined]
        return hold_out(model, data, fold, *rest)  # type: ignore[arg-type]

    run = {"settings": Settings(seed=2), "jobs": 1}
    straight = encode_json(cross_validate("svr", world, "leave-stimulus-out", **run).to_dict())
    monkeypatch.setattr(crossvalidation, "hold_out", until_told)
    with pytest.raises(KeyboardInterrupt):
        cross_validate("svr", world, "leave-stimulus-out", kept=kept, **run)
    finished = list(calls)
    assert len(list(tmp_path.glob("parts/*"))) == stop_after
    monkeypatch.setattr(
        crossvalidation, "hold_out", lambda *task: calls.append(task[2].name) or hold_out(*task)
    )
    told: list[tuple[object, ...]] = []
    resumed = cross_validate(
        "svr", world, "leave-stimulus-out", kept=kept, progress=lambda *step: told.append(step), **run
    )
    assert encode_json(resumed.to_dict()) == straight
    assert sorted(calls) == sorted(set(calls)), "no fold is done twice"
    assert finished == calls[:stop_after]
    assert told[0] == ("svr, leave-stimulus-out", stop_after, 6)


def test_nothing_is_taken_from_other_circumstances(world: Dataset, make_world: Make, tmp_path: Path) -> None:
    kept = Kept(tmp_path, digest_data(world))
    path = kept.path("svr", "k-fold", "f", Settings())
    others = [
        kept.path("gp", "k-fold", "f", Settings()),
        kept.path("svr", "leave-stimulus-out", "f", Settings()),
        kept.path("svr", "k-fold", "g", Settings()),
        kept.path("svr", "k-fold", "f", Settings(seed=1)),
        kept.path("svr", "k-fold", "f", Settings(epochs=1)),
        kept.path("svr", "k-fold", "f", Settings(parameters={"width": 4})),
        Kept(tmp_path, digest_data(make_world(seed=1))).path("svr", "k-fold", "f", Settings()),
    ]
    assert path not in others
    assert len(set(others)) == len(others)
    assert digest_data(world) == digest_data(make_world())
    assert digest_data(world) != digest_data(replace(world, reliability={"fused": {"epp": 0.5}}))
    path.write_text('{"parts": [')  # torn, as no file of ours is
    assert kept.load(path) is None
