"""The ablations are configurations of one class: which senses, which cortex, which fusion, which device."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from avfbel.brain import AVFBEL, REGIONS, BrainEmotionalLearning, Network, Samples
from avfbel.brain.gradient import device_of, represent
from avfbel.brain.network import open_modality
from avfbel.brain.relay import RELAY_LIMIT, ThalamicRelay, join

SHORT = {"epochs": 2, "bel_epochs": 2, "batch_size": 8}
CONFIGURATIONS = [
    {},
    {"visual": None},
    {"auditory": None},
    {"fusion": None},
    {"visual": None, "fusion": None},
    {"auditory": None, "fusion": None},
    {"visual": None, "auditory": "features", "fusion": None},
    {"visual": "features", "auditory": None, "fusion": None},
    {"visual": "features", "auditory": "features", "fusion": None},
    {"visual": "features", "auditory": "features"},
    {"visual": "features", "learning": "gradient"},
    {"auditory": "features", "fusion": None, "learning": "gradient"},
]


@pytest.fixture(scope="module")
def clips(world: Samples) -> Samples:
    """The small world with its visual features, some of them missing."""
    visual = world.maps.max(axis=(2, 3)).astype(float)
    visual[3, 1] = np.nan
    return replace(world, visual=visual)


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
def test_each_learns_predicts_repeats_itself_and_is_silent_without_evidence(
    clips: Samples, configuration: dict
) -> None:
    model = AVFBEL(**SHORT, **configuration).fit(clips)
    said = model.activity(clips)
    assert all(np.isfinite(part).all() for part in said)
    np.testing.assert_array_equal(said.emotion, clone(model).fit(clips).predict(clips))
    assert (said.x_fused >= 0).all()
    silent = model.activity(replace(clips, evidence=np.zeros_like(clips.evidence)))
    assert not any(part.any() for part in silent)
    counted = sum(cost.trained for cost in model.parameter_table() if cost.module)
    assert counted <= sum(model.n_parameters_.values())


@pytest.mark.parametrize(("modality", "closed"), [("audio", "visual"), ("video", "auditory")])
def test_leaving_out_a_way_in_is_the_same_as_the_modality(clips: Samples, modality: str, closed: str) -> None:
    by_modality = AVFBEL(**SHORT, modality=modality).fit(clips)
    by_way = AVFBEL(**SHORT, **{closed: None}).fit(clips)
    assert by_way.perceives == by_modality.perceives == modality
    for one, other in zip(by_way.activity(clips), by_modality.activity(clips), strict=True):
        np.testing.assert_array_equal(one, other)


def test_only_the_regions_of_a_circuit_are_active(clips: Samples) -> None:
    model = AVFBEL(**SHORT, visual="features", auditory="col1", fusion=None).fit(clips)
    active = dict(zip(REGIONS, model.activity(clips).regions.any(axis=0), strict=True))
    assert {name for name, is_active in active.items() if not is_active} == {
        *("V1", "V2", "V4", "IT", "aSTG", "prefrontal")
    } | {name for name in ("orbitofrontal",) if not active[name]}
    gain = np.ones(len(REGIONS))
    gain[REGIONS.index("aSTG")] = 0.0  # there is none
    np.testing.assert_array_equal(model.activity(clips, gain=gain).emotion, model.predict(clips))


def test_bel_on_features_is_the_estimator_on_them(clips: Samples) -> None:
    """Standardised features, ON and OFF, a constant cue: what `BrainEmotionalLearning` makes of them."""
    full = replace(clips.select(clips.mask[:, 0]), evidence=np.ones_like(clips.evidence))
    model = AVFBEL(visual=None, auditory="features", fusion=None, bel_epochs=5).fit(full)
    x = model.activity(full).x_fused / model.network_.fused_scale.numpy()
    features = full.acoustic.copy()
    features[:, [0, 2, 3, 4]] = np.log(features[:, [0, 2, 3, 4]])
    features = np.where(np.isnan(features), np.nanmedian(features[np.unique(full.row)], axis=0), features)
    rows = features[np.unique(full.row)]
    z = ((features - rows.mean(axis=0)) / rows.std(axis=0))[full.row]
    want = np.concatenate([np.maximum(z, 0), np.maximum(-z, 0), np.ones((len(z), 1))], axis=1)
    np.testing.assert_allclose(x, want, atol=1e-5)  # float32 features
    bel = BrainEmotionalLearning(epochs=5, random_state=0)
    scaled = want * model.network_.fused_scale.numpy()
    np.testing.assert_allclose(bel.fit(scaled, full.rewards).predict(scaled), model.predict(full), atol=1e-4)


def test_visual_features_are_needed_where_they_are_read(world: Samples) -> None:
    with pytest.raises(ValueError, match=r"Samples\(visual=\.\.\.\) holds them"):
        AVFBEL(visual="features").fit(world)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"visual": "eyes"}, "visual must be cornet-z, features or None, got 'eyes'"),
        ({"auditory": "ears"}, "auditory must be col1, features or None, got 'ears'"),
        ({"fusion": "late"}, "fusion must be gyrus or None, got 'late'"),
        ({"modality": "smell"}, "modality must be both, audio or video, got 'smell'"),
        ({"modality": "video", "visual": None}, "no sense is left"),
        ({"auditory": None, "visual": None}, "no sense is left"),
        ({"device": "tpu3"}, "no device 'tpu3': choose auto, cpu or cuda"),
        ({"device": "meta"}, "no device 'meta': choose auto, cpu or cuda"),
    ],
)
def test_what_is_not_there_is_named(world: Samples, parameters: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        AVFBEL(**parameters).fit(world)


def test_parameters_can_be_got_set_and_cloned() -> None:
    model = AVFBEL(visual=None, learning="gradient", device="cpu")
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(visual="features", fusion=None).get_params()["visual"] == "features"
    assert repr(AVFBEL(fusion=None)) == "AVFBEL(fusion=None)"
    with pytest.raises(NotFittedError):
        model.predict(Samples.of_clips(np.zeros((1, 5, 8, 8)), np.ones((1, 7)), np.ones((1, 2))))


def test_the_processor_is_taken_where_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of("auto") == torch.device("cpu")
    with pytest.raises(ValueError, match="device='auto' takes the processor then"):
        device_of("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_of("auto") == torch.device("cuda")


@pytest.mark.parametrize("configuration", CONFIGURATIONS[:10], ids=str)
def test_all_tensors_of_a_pass_are_on_the_network_s_device(clips: Samples, configuration: dict) -> None:
    """On the meta device nothing is computed, but a tensor that stayed behind on the processor is noticed."""
    network = Network(**configuration).eval().to("meta")
    said = represent(network, clips, np.arange(len(clips)))
    assert {part.device.type for part in said} == {"meta"}
    assert said.x_fused.shape == (len(clips), len(network.fused_scale))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000))
def test_the_relay_standardises_what_it_was_fitted_on(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = np.exp(rng.normal(size=(50, 3)))
    features[rng.random((50, 3)) < 0.2] = np.nan
    relay = ThalamicRelay(["pitch", "tonnetz", "harmony"])
    relay.fit(features)
    said = relay.eval()(torch.from_numpy(features)).numpy()
    assert (said >= 0).all()
    assert (said <= RELAY_LIMIT).all()
    assert not (said[:, :3] * said[:, 3:]).any()  # ON or OFF, never both
    values = np.column_stack([np.log(features[:, 0]), features[:, 1:]])
    filled = np.where(np.isnan(values), np.nanmedian(values, axis=0), values)
    z = (filled - filled.mean(axis=0)) / filled.std(axis=0)
    np.testing.assert_allclose(said[:, :3] - said[:, 3:], np.clip(z, -4, 4), atol=1e-9)


def test_a_relayed_feature_that_was_never_measured_or_never_varied_says_nothing() -> None:
    relay = ThalamicRelay(["pitch", "tonnetz"])
    relay.fit(np.array([[np.nan, 0.3], [-1.0, 0.3]]))
    assert not relay(torch.tensor([[400.0, 9.0], [torch.nan, torch.inf]])).any()


def test_codes_are_joined_with_a_cue_that_is_silent_without_evidence() -> None:
    evidence = torch.tensor([[1.0, 0.5], [0.0, 0.0]])
    joined = join([torch.ones(2, 2), 2 * torch.ones(2, 1)], evidence)
    assert joined.tolist() == [[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]


def test_open_senses_are_those_with_a_way_in() -> None:
    assert open_modality("both", visual="features", auditory="col1") == "both"
    assert open_modality("both", visual="cornet-z", auditory=None) == "video"
    assert open_modality("audio", visual="cornet-z", auditory="features") == "audio"
