"""The transformer as a baseline: it learns what sums cannot tell, and knows nothing beforehand."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from avfbel.data import KINDS, Dataset, Targets
from avfbel.errors import UsageError
from avfbel.learn import Settings, cross_validate, make_candidate, transformer_learning
from avfbel.learn.hygiene import check_unfitted
from avfbel.learn.transformer_learning import TransformerBaseline

Make = Callable[..., Dataset]


@pytest.fixture(scope="module")
def agreement(make_world: Make) -> Dataset:
    """96 clips, felt as happy where what is heard and what is seen agree: neither sense alone tells."""
    data = make_world(48)
    rng = np.random.default_rng(0)
    heard, seen = rng.choice([-1, 1], (2, data.n_clips))
    acoustic, visual = np.ones_like(data.acoustic), np.ones_like(data.visual)
    acoustic[:, 1] = heard[data.clip] + rng.normal(0, 0.1, data.n_windows)
    visual[:, 2] = seen[data.clip] + rng.normal(0, 0.1, data.n_windows)
    agree = np.where(heard == seen, 0.8, 0.2)[:, None]
    felt = Targets.from_emotions((1 - agree) * [0.5, 0.4, 0.3, 0, 0] + agree * [0, 0, 0, 0.4, 0.6])
    nothing = Targets.from_emotions(np.full((data.n_clips, 5), np.nan))
    targets = {kind: felt if kind == "fused" else nothing for kind in KINDS}
    return replace(data, acoustic=acoustic, visual=visual, targets=targets)


def test_it_learns_what_depends_on_both_senses_at_once_and_ridge_does_not(agreement: Dataset) -> None:
    known, new = agreement.take(np.arange(64)), agreement.take(np.arange(64, 96))
    felt = new.targets["fused"].epp
    said = {
        name: make_candidate(name, Settings(epochs=300)).fit(known).predict(new, "fused")[:, 0]
        for name in ("transformer", "ridge")
    }
    assert np.corrcoef(said["transformer"], felt)[0, 1] > 0.95
    assert abs(said["transformer"] - felt).mean() < 0.05
    assert abs(said["ridge"] - felt).mean() > 0.2


def test_a_closed_sense_changes_nothing(world: Dataset) -> None:
    fitted = make_candidate("transformer", Settings(epochs=2)).fit(world)
    odd = {"audio": {"visual": 3 * world.visual}, "video": {"acoustic": 3 * world.acoustic}}
    for kind, change in odd.items():
        changed = replace(world, **change)
        np.testing.assert_array_equal(fitted.predict(changed, kind), fitted.predict(world, kind))
        assert not np.allclose(fitted.predict(changed, "fused"), fitted.predict(world, "fused"))


def test_windows_without_evidence_change_nothing(make_world: Make) -> None:
    data = make_world(4, windows_each=3)
    last = np.arange(data.n_windows) % 3 == 2
    silent = replace(data, evidence=np.where(last[:, None], 0.0, data.evidence))
    fitted = make_candidate("transformer", Settings(epochs=2)).fit(silent)
    changed = replace(silent, acoustic=np.where(last[:, None], np.nan, silent.acoustic))
    again = make_candidate("transformer", Settings(epochs=2)).fit(changed)
    for kind in KINDS:
        said = fitted.predict(silent, kind)
        np.testing.assert_array_equal(fitted.predict(changed, kind), said)
        np.testing.assert_array_equal(again.predict(changed, kind), said)
        assert not np.allclose(fitted.predict(data, kind), said)


def test_a_clip_without_evidence_is_neutral_exactly(world: Dataset) -> None:
    fitted = make_candidate("transformer", Settings(epochs=1)).fit(world)
    still = replace(world, evidence=np.where(world.clip[:, None] == 3, 0.0, world.evidence))
    for kind in KINDS:
        assert fitted.predict(still, kind)[3].tolist() == [0.5, 0.5]
        assert 0.5 not in fitted.predict(still, kind)[4]


@pytest.mark.parametrize(("missing", "kind"), [("has_audio", "video"), ("has_video", "audio")])
def test_a_sense_that_no_clip_addresses_is_closed(make_world: Make, missing: str, kind: str) -> None:
    fitted = make_candidate("transformer", Settings(epochs=1)).fit(make_world(3, **{missing: False}))
    whole = make_world(3)
    for other in KINDS:
        assert np.isfinite(fitted.predict(whole, other)).all() == (other == kind)


def test_equal_seeds_are_equal_and_others_are_not(world: Dataset) -> None:
    first, again, other = (
        make_candidate("transformer", Settings(epochs=3, seed=seed)).fit(world).predict(world, "fused")
        for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_learning_again_forgets_what_was_learned(make_world: Make, world: Dataset) -> None:
    fresh = make_candidate("transformer", Settings(epochs=2)).fit(world)
    used = make_candidate("transformer", Settings(epochs=2)).fit(make_world(4, seed=7)).fit(world)
    np.testing.assert_array_equal(used.predict(world, "fused"), fresh.predict(world, "fused"))
    mute = make_world(3, has_audio=False, has_video=False)
    assert np.isnan(used.fit(mute).predict(world, "fused")).all()


def test_it_begins_unfitted_and_one_that_has_learned_is_caught(world: Dataset) -> None:
    candidate = make_candidate("transformer", Settings(epochs=1))
    check_unfitted(candidate)
    with pytest.raises(UsageError, match="TransformerBaseline has been fitted already"):
        check_unfitted(candidate.fit(world))


def test_each_fold_learns_anew_from_its_training_side_alone(
    make_world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, met = make_world(5), []
    fit = TransformerBaseline.fit

    def watched(self: TransformerBaseline, known: Dataset) -> TransformerBaseline:
        check_unfitted(self)
        met.append(set(known.stimulus))
        return fit(self, known)

    monkeypatch.setattr(TransformerBaseline, "fit", watched)
    settings = Settings(epochs=2)
    result = cross_validate("transformer", data, "leave-stimulus-out", settings=settings, jobs=1)
    assert met == [set(data.stimulus) - {stimulus} for stimulus in np.unique(data.stimulus)]
    monkeypatch.undo()
    for k, stimulus in enumerate(np.unique(data.stimulus)):
        known, new = (
            data.take(np.flatnonzero(side)) for side in (data.stimulus != stimulus, data.stimulus == stimulus)
        )
        said = make_candidate("transformer", settings).fit(known).predict(new, "fused").mean(axis=0)
        np.testing.assert_allclose(result.predicted[result.modality == "fused"][k], said, atol=1e-6)


def test_relays_are_fitted_to_the_clips_that_are_learned_from(world: Dataset) -> None:
    known = world.take([0, 1, 2, 3])
    fitted = TransformerBaseline(epochs=1).fit(known)
    heard, seen = fitted.relays_
    np.testing.assert_allclose(heard.mean[1], known.acoustic[:, 1].mean(), rtol=1e-12)
    np.testing.assert_allclose(seen.mean[2], known.visual[:, 2].mean(), rtol=1e-12)


def test_settings_and_sizes_reach_the_network(world: Dataset) -> None:
    settings = Settings(epochs=3, parameters={"n_layers": 1, "width": 8, "heads": 2})
    fitted = make_candidate("transformer", settings).fit(world)
    assert isinstance(fitted, TransformerBaseline)
    assert len(fitted.loss_curve_) == 3
    layer = 3 * 8 * 8 + 3 * 8 + 8 * 8 + 8 + 2 * 4 * 8 * 8 + 4 * 8 + 8 + 2 * 2 * 8
    assert fitted.n_parameters_ == (14 + 1) * 8 + (10 + 1) * 8 + layer + 2 * 8 + 5 * (8 + 1)


def test_few_clips_are_shown_until_there_are_enough_steps(
    world: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformer_learning, "FEWEST_STEPS", 50)
    monkeypatch.setattr(transformer_learning, "PASSES", 3)
    tiny = {"n_layers": 1, "width": 4, "heads": 1}
    passes = {
        size: len(TransformerBaseline(**tiny, batch_size=size).fit(world).loss_curve_) for size in (36, 12, 1)
    }
    assert passes == {36: 50, 12: 17, 1: 3}, "12 clips, each heard, seen and both"


def test_learning_that_diverges_says_so(world: Dataset) -> None:
    with pytest.raises(UsageError, match="learning diverged: train with a lower learning_rate"):
        TransformerBaseline(epochs=3, learning_rate=1e30).fit(world)


def test_without_torch_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it now fails
    monkeypatch.delitem(sys.modules, "avfbel.learn.transformer_learning", raising=False)
    with pytest.raises(ImportError, match=r'transformer needs torch: pip install "avfbel\[train\]"'):
        make_candidate("transformer")
