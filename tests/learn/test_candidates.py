"""Candidates: each learns what there is to learn, predicts clips, and nothing that it has not learned."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import avfbel
from avfbel.data import KINDS, Dataset
from avfbel.emotion import predicted_epp, predicted_valence
from avfbel.errors import UsageError
from avfbel.learn import CANDIDATES, Settings, make_candidate
from avfbel.learn.candidates import (
    CIRCUITS,
    CONFIGURATIONS,
    KINDS_OF_MODALITY,
    MODALITY,
    Circuit,
    check_lessons,
    circuit,
    clip_features,
    taught_modality,
)
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES

Make = Callable[..., Dataset]


@pytest.mark.parametrize("name", CANDIDATES)
def test_each_predicts_what_its_senses_allow_within_bounds(world: Dataset, name: str) -> None:
    fitted = make_candidate(name, Settings(epochs=2)).fit(world)
    for kind in KINDS:
        said = fitted.predict(world, kind)
        assert said.shape == (world.n_clips, 2)
        if kind in KINDS_OF_MODALITY[MODALITY[name]]:
            assert ((said >= 0) & (said <= 1)).all()
        else:
            assert np.isnan(said).all()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("avf-bel", "fused"),
        ("avf-bel-gradient", "fused"),
        ("m-bel", "audio"),
        ("a-bel", "video"),
        ("bel-m", "audio"),
        ("bel-a", "video"),
    ],
)
def test_a_circuit_learns_what_the_clips_carry(world: Dataset, name: str, kind: str) -> None:
    fitted = make_candidate(name, Settings(epochs=30)).fit(world)
    for column, target in enumerate(("epp", "valence")):
        felt = getattr(world.targets[kind], target)
        assert np.corrcoef(fitted.predict(world, kind)[:, column], felt)[0, 1] > 0.9


@pytest.mark.parametrize("name", ["bel", "ridge", "gp", "svr"])
def test_regressions_learn_too_and_the_mean_does_not(world: Dataset, name: str) -> None:
    felt = world.targets["fused"].epp
    assert np.corrcoef(make_candidate(name).fit(world).predict(world, "fused")[:, 0], felt)[0, 1] > 0.9
    np.testing.assert_allclose(
        make_candidate("mean").fit(world).predict(world, "audio")[:, 0], felt.mean(), atol=1e-12
    )


@pytest.mark.parametrize("name", ["avf-bel", "bel", "ridge", "gp", "svr", "transformer"])
def test_the_prediction_of_a_clip_does_not_depend_on_its_company(world: Dataset, name: str) -> None:
    fitted = make_candidate(name, Settings(epochs=2)).fit(world)
    together = fitted.predict(world, "fused")
    for clip in (0, 7):
        # Convolutions of other batches are float32 sums in another order.
        np.testing.assert_allclose(
            fitted.predict(world.take([clip]), "fused")[0], together[clip], atol=1e-5, rtol=0
        )


def test_a_clip_is_the_mean_of_its_windows_weighted_by_evidence(make_world: Make) -> None:
    data = make_world(3, windows_each=3)
    fitted = Circuit(circuit("avf-bel", Settings(epochs=2))).fit(data)
    emotions = fitted.model.predict(data.samples(["fused"]))
    for clip in range(data.n_clips):
        of = data.clip == clip
        weight = data.evidence[of].max(axis=1)
        for column, formula in enumerate((predicted_epp, predicted_valence)):
            want = (weight * formula(emotions[of])).sum() / weight.sum()
            assert fitted.predict(data, "fused")[clip, column] == pytest.approx(want, abs=1e-6)


def test_a_clip_without_evidence_is_neutral_exactly(world: Dataset) -> None:
    fitted = make_candidate("avf-bel", Settings(epochs=1)).fit(world)
    still = replace(world, evidence=np.where(world.clip[:, None] == 3, 0.0, world.evidence))
    for kind in KINDS:
        assert fitted.predict(still, kind)[3].tolist() == [0.5, 0.5]
        assert 0.5 not in fitted.predict(still, kind)[4]


@pytest.mark.parametrize(
    ("tracks", "modality"),
    [({"has_video": False}, "audio"), ({"has_audio": False}, "video"), ({}, "both")],
)
def test_a_sense_that_no_clip_addresses_is_closed(make_world: Make, tracks: dict, modality: str) -> None:
    data = make_world(3, **tracks)
    assert taught_modality("both", data) == modality
    fitted = Circuit(circuit("avf-bel", Settings(epochs=1))).fit(data)
    assert fitted.model.modality == modality
    whole = make_world(3)
    for kind in KINDS:
        assert np.isfinite(fitted.predict(whole, kind)).all() == (kind in KINDS_OF_MODALITY[modality])


def test_a_track_in_which_nothing_is_to_be_perceived_teaches_nothing(world: Dataset) -> None:
    black = replace(world, evidence=world.evidence * [1.0, 0.0])
    assert taught_modality("both", black) == "audio"
    assert taught_modality("video", black) is None
    check_lessons("avf-bel", black)
    with pytest.raises(UsageError, match=r"made\.csv: no rated clip has a moving picture, so that a-bel"):
        check_lessons("a-bel", black)


@pytest.mark.parametrize("name", CANDIDATES)
def test_without_lessons_nothing_is_predicted_and_it_can_be_told(make_world: Make, name: str) -> None:
    mute = make_world(3, has_audio=False, has_video=False)
    assert np.isnan(make_candidate(name).fit(mute).predict(make_world(3), "fused")).all()
    with pytest.raises(UsageError, match=f"no rated clip has .*, so that {name} cannot learn from it"):
        check_lessons(name, mute)


@pytest.mark.parametrize("name", CANDIDATES)
def test_clips_of_which_only_epp_is_known_can_be_learned(
    world: Dataset, only_epp: Callable[[Dataset], Dataset], name: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = make_candidate(name, Settings(epochs=1)).fit(only_epp(world))
    kind = KINDS_OF_MODALITY[MODALITY[name]][0]
    assert np.isfinite(fitted.predict(world, kind)).all()


@pytest.mark.parametrize("name", ["avf-bel", "bel", "ridge", "transformer"])
def test_a_mixed_bag_of_tracks_gives_each_clip_its_kinds(make_world: Make, name: str) -> None:
    data = make_world(
        3, has_audio=[True, True, True, True, False, False], has_video=[True, True, False, False, True, True]
    )
    fitted = make_candidate(name, Settings(epochs=1)).fit(data)
    for kind in KINDS:
        there = np.isfinite(fitted.predict(data, kind)).all(axis=1)
        assert there.tolist() == data.available(kind).tolist()


def test_features_of_a_clip_are_means_over_what_was_measured(make_world: Make) -> None:
    data = make_world(2, windows_each=3)
    data.acoustic[0, 1] = np.nan
    data.visual[data.clip == 1, 2] = np.nan
    both = clip_features(data, "fused")
    names = (*ALL_ACOUSTIC, *VISUAL_FEATURES)
    table = np.concatenate([data.acoustic, data.visual], axis=1)
    for clip in range(data.n_clips):
        for column, name in enumerate(names):
            values = [v for v in table[data.clip == clip, column] if not np.isnan(v)]
            if name in ("pitch", "rms", "tempo", "duration", "speed"):
                values = [np.log(v) for v in values]
            want = sum(values) / len(values) if values else np.nan
            np.testing.assert_allclose(both[clip, column], want, rtol=1e-12)
    np.testing.assert_array_equal(clip_features(data, "audio"), both[:, :7])
    np.testing.assert_array_equal(clip_features(data, "video"), both[:, 7:])
    assert np.isnan(data.acoustic[0, 1]), "the data set is left as it was"


def test_a_feature_that_no_clip_has_costs_nothing_else(world: Dataset) -> None:
    acoustic = world.acoustic.copy()
    acoustic[:, 3] = np.nan
    for name in ("ridge", "gp", "svr", "transformer", "bel", "avf-bel"):
        fitted = make_candidate(name, Settings(epochs=1)).fit(replace(world, acoustic=acoustic))
        assert np.isfinite(fitted.predict(world, "audio")).all()


def test_ablations_are_configurations_of_one_class() -> None:
    made = {name: circuit(name, Settings(epochs=7)) for name in CONFIGURATIONS}
    assert {type(model) for model in made.values()} == {avfbel.AVFBEL}
    assert {name: model.perceives for name, model in made.items()} == {
        name: MODALITY[name] for name in CONFIGURATIONS
    }
    assert made["avf-bel-ratings"].epochs == 7
    assert all(made[name].bel_epochs == 7 for name in set(made) - {"avf-bel-ratings"})
    assert made["avf-bel-ratings"].get_params() == avfbel.AVFBEL(epochs=7).get_params()
    with_cortex = {name for name, model in made.items() if model.cortex is not None}
    assert with_cortex == {"avf-bel", "m-bel", "a-bel", "avf-bel-gradient"}
    table = {name: {cost.module for cost in model.parameter_table()} for name, model in made.items()}
    for name in ("bel", "bel-m", "bel-a"):
        assert not {"V1", "auditory cortex", "final layer"} & table[name]
    assert "acoustic features" in table["bel-m"]
    assert "acoustic features" not in table["bel-a"]


def test_settings_reach_the_model() -> None:
    model = circuit("m-bel", Settings(epochs=7, seed=3, parameters={"width": 4}))
    assert (model.modality, model.epochs, model.random_state, model.width) == ("audio", 7, 3, 4)
    assert circuit("avf-bel", Settings()).epochs == avfbel.AVFBEL().epochs
    assert {circuit(name, Settings()).modality for name in CIRCUITS} == {"both", "audio", "video"}


def test_an_unknown_name_is_refused_with_all_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"no model 'oracle': choose one of avf-bel, m-bel, .*, svr"):
        make_candidate("oracle")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_learning_that_diverges_says_so(world: Dataset) -> None:
    wild = circuit("m-bel", Settings(epochs=1, parameters={"alpha": 1e200, "beta": 1e200}))
    with pytest.raises(UsageError, match="learning diverged: train with a lower learning_rate"):
        Circuit(wild).fit(world)


def test_the_estimator_itself_takes_a_data_set(world: Dataset) -> None:
    said = avfbel.AVFBEL(epochs=1).fit(world).predict(world)
    samples = world.samples()
    assert said.shape == (len(samples), 5)
    assert len(samples) == 3 * world.n_windows, "each window as sound, as picture and as both"
