"""The whole graph: torch against numpy, silence, lesions, and that each sense is used."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.brain import AVFBEL, REGIONS, LimbicParameters, LimbicState, Network, Samples, limbic_output
from avfbel.brain.network import LimbicWeights, limbic_activity


@pytest.mark.parametrize("lesions", [(), ("amygdala",), ("orbitofrontal",), ("prefrontal",)])
@pytest.mark.parametrize("gamma", [0.0, 0.1])
def test_limbic_system_in_torch_equals_numpy(lesions: tuple[str, ...], gamma: float) -> None:
    rng = np.random.default_rng(0)
    x, k, q = rng.random((20, 6)), 6, 5
    state = LimbicState(
        V=rng.random((k, q)), T=rng.random(q), U=rng.random((k, q)), W=gamma * rng.normal(size=(k, k))
    )
    gain = torch.tensor([float(region not in lesions) for region in REGIONS], dtype=torch.float64)
    tensors = {name: torch.from_numpy(weights) for name, weights in state._asdict().items()}
    got = limbic_activity(torch.from_numpy(x), LimbicWeights(**tensors, gain=gain), kappa=0.3)
    want = limbic_output(state, x, LimbicParameters(kappa=0.3, lesions=frozenset(lesions)))
    for name in want._fields:
        np.testing.assert_allclose(getattr(got, name).numpy(), getattr(want, name), rtol=1e-12, atol=1e-12)


def forward(model: AVFBEL, world: Samples, **changes: np.ndarray) -> dict[str, np.ndarray]:
    """Run the network on all clips, with some of its inputs changed."""
    inputs = {"maps": world.maps, "acoustic": world.acoustic, "evidence": world.evidence}
    weights = {name: tensor.numpy() for name, tensor in model.limbic_weights()._asdict().items()}
    tensors = {
        name: torch.from_numpy(np.float32(value)) for name, value in (inputs | weights | changes).items()
    }
    with torch.no_grad():
        return {name: part.numpy() for name, part in model.network_(**tensors)._asdict().items()}


def region(said: dict[str, np.ndarray], *names: str) -> np.ndarray:
    return said["regions"][:, [REGIONS.index(name) for name in names]]


def test_a_change_of_the_sound_changes_spikes_fused_code_and_emotion(model: AVFBEL, world: Samples) -> None:
    higher = world.acoustic * np.array([1.5, 1, 1, 1, 1, 1, 1])
    before, after = forward(model, world), forward(model, world, acoustic=higher)
    assert (region(before, "PYR", "PV", "SOM") != region(after, "PYR", "PV", "SOM")).all(axis=0).any()
    np.testing.assert_array_equal(region(before, "V1", "IT"), region(after, "V1", "IT"))
    assert (before["x_fused"] != after["x_fused"]).any(axis=1).all()
    assert (np.abs(before["emotion"] - after["emotion"]).max(axis=1) > 1e-4).all()


def test_a_change_of_the_picture_changes_areas_fused_code_and_emotion(model: AVFBEL, world: Samples) -> None:
    faster = world.maps * np.array([1.5, 1, 1, 1, 1]).reshape(-1, 1, 1)
    before, after = forward(model, world), forward(model, world, maps=faster)
    assert (region(before, "V1", "V2", "V4", "IT") != region(after, "V1", "V2", "V4", "IT")).all()
    np.testing.assert_array_equal(region(before, "PYR", "SOM"), region(after, "PYR", "SOM"))
    assert (before["x_fused"] != after["x_fused"]).any(axis=1).all()
    assert (np.abs(before["emotion"] - after["emotion"]).max(axis=1) > 1e-4).all()


def test_without_evidence_everything_is_exactly_silent(model: AVFBEL, world: Samples) -> None:
    said = forward(model, world, evidence=np.zeros_like(world.evidence))
    for name, part in said.items():
        assert not part.any(), name


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_a_sense_without_evidence_has_no_say(model: AVFBEL, world: Samples, seed: int) -> None:
    rng = np.random.default_rng(seed)
    deaf = world.evidence * np.array([0, 1])
    before = forward(model, world, evidence=deaf)
    after = forward(model, world, evidence=deaf, acoustic=rng.uniform(0, 1000, world.acoustic.shape))
    np.testing.assert_array_equal(before["emotion"], after["emotion"])
    assert not region(before, "PYR", "PV", "SOM").any()
    assert not before["gates"][:, 0].any()
    assert (before["gates"][:, 1] > 0).all()


@pytest.mark.parametrize("name", REGIONS)
def test_a_lesion_silences_its_region_and_those_behind_it(model: AVFBEL, world: Samples, name: str) -> None:
    gain = np.ones(len(REGIONS))
    gain[REGIONS.index(name)] = 0.0
    before, after = forward(model, world), forward(model, world, gain=gain)
    assert not region(after, name).any()
    if name == "aSTG":
        assert not after["emotion"].any()
    if name == "orbitofrontal":
        limbic = region(before, "amygdala")
        np.testing.assert_allclose(after["emotion"].mean(axis=1), limbic[:, 0], rtol=1e-4)
    if region(before, name).any():
        assert not np.array_equal(before["emotion"], after["emotion"])


def test_emotion_is_amygdala_less_inhibition(model: AVFBEL, world: Samples) -> None:
    said = forward(model, world)
    amygdala, orbitofrontal, prefrontal = region(said, "amygdala", "orbitofrontal", "prefrontal").T
    assert (prefrontal != 0).any()
    np.testing.assert_allclose(said["emotion"].mean(axis=1), amygdala - orbitofrontal - prefrontal, atol=1e-5)


@pytest.mark.parametrize(("modality", "deaf_to"), [("audio", "maps"), ("video", "acoustic")])
def test_a_model_of_one_sense_ignores_the_other(modality: str, deaf_to: str) -> None:
    torch.manual_seed(0)
    network = Network(modality=modality).eval()
    weights = [torch.rand_like(weight) for weight in network.naive_weights(5)]
    inputs = {"maps": torch.rand(3, 5, 64, 64), "acoustic": torch.rand(3, 7), "evidence": torch.ones(3, 2)}
    before = network(*inputs.values(), *weights)
    after = network(*(inputs | {deaf_to: inputs[deaf_to] * 2}).values(), *weights)
    assert torch.equal(before.emotion, after.emotion)
    assert before.emotion.any()
    assert (before.gates[:, ["audio", "video"].index(modality)] > 0).all()
    assert not before.gates[:, 1 - ["audio", "video"].index(modality)].any()


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(ValueError, match="modality must be both, audio or video, got 'smell'"):
        Network(modality="smell")
