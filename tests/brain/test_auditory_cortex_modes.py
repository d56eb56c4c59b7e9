"""Auditory cortex on sounds it measures, hop by hop, and with the currents that the paper prints."""

import numpy as np
import pytest
import torch

from avfbel.brain import AuditoryCortex, lif_spike_count
from avfbel.brain.auditory_cortex import PUBLISHED_CURRENT_V
from avfbel.brain.regions import ACOUSTIC
from avfbel.senses import measure_acoustic
from avfbel.stimulus import compose, named_stimuli, synthesize

PARTS = {"PYR": slice(0, 400), "PV": slice(400, 600), "SOM": slice(600, 800)}
PUBLISHED_TOTAL = {"PYR": 22_000, "PV": 11_000, "SOM": 13_600}


@pytest.fixture(scope="module")
def heard() -> tuple[np.ndarray, np.ndarray]:
    """Features (38, 7) and evidence (38,) that the ear measures of all named stimuli."""
    sounds = [measure_acoustic(synthesize(compose(p, seed=7)), 44_100) for p in named_stimuli().values()]
    return np.stack([sound.features for sound in sounds]), np.array([sound.g_audio for sound in sounds])


def fitted(sounds: np.ndarray, /, **options: object) -> AuditoryCortex:
    cortex = AuditoryCortex(**options).eval()
    cortex.fit(sounds)
    return cortex


def counts(cortex: AuditoryCortex, features: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        heard = cortex(torch.from_numpy(features), torch.from_numpy(evidence))
        return (100 * heard.x_auditory).numpy().round(2)  # float32 holds whole counts to 1e-5


@pytest.mark.parametrize("names", [ACOUSTIC[:5], ACOUSTIC], ids=["the paper's five", "all seven"])
def test_the_code_covers_the_38_stimuli(names: tuple[str, ...], heard: tuple[np.ndarray, ...]) -> None:
    features = heard[0][:, : len(names)]
    cortex = fitted(features, features=names)
    got = counts(cortex, features, heard[1])
    assert got.shape == (38, 800)
    for part in PARTS.values():
        assert 0.1 <= (got[:, part] == 0).mean() <= 0.9
        assert (np.ptp(got[:, part], axis=0) == 0).mean() < 0.05
    # Saturated would be a neuron that fires as fast as its current lets it, whatever is played.
    most = lif_spike_count((0.45 + cortex.gain).double(), duration=1.0).numpy()
    assert got.max() == most.max() == 142
    assert ((got == most).mean(axis=0) < 0.9).all()


def test_no_two_of_the_38_stimuli_sound_alike(heard: tuple[np.ndarray, ...]) -> None:
    assert len(np.unique(counts(fitted(heard[0]), *heard), axis=0)) == 38


@pytest.mark.parametrize("evidence", [0.0, 1.0])
@pytest.mark.parametrize("training", [False, True])
def test_published_currents_draw_the_same_spikes_whatever_the_sound(
    evidence: float, training: bool, heard: tuple[np.ndarray, ...]
) -> None:
    cortex = fitted(heard[0], currents="published").train(training)
    features = np.concatenate([heard[0], np.full((1, 7), np.nan)])
    got = counts(cortex, features, np.full(39, evidence))
    for name, part in PARTS.items():
        assert np.unique(got[:, part].sum(axis=1)).tolist() == [PUBLISHED_TOTAL[name]]
        assert len(np.unique(got[:, part])) == 1
    assert list(PUBLISHED_CURRENT_V.values()) == [0.6, 0.6, 0.65]


def test_published_currents_have_nothing_to_train() -> None:
    assert not list(AuditoryCortex(currents="published").parameters())
    assert len(list(AuditoryCortex().parameters())) == 3


def test_published_currents_draw_as_many_spikes_hop_by_hop() -> None:
    cortex = AuditoryCortex(currents="published", time_resolved=True).eval()
    heard = cortex(torch.zeros(2, 20, 7), torch.zeros(2))
    for part, total in zip(PARTS.values(), PUBLISHED_TOTAL.values(), strict=True):
        assert (100 * heard.x_auditory[:, part].sum(dim=1)).round().tolist() == [total, total]


def test_features_that_stay_are_heard_as_one_window(heard: tuple[np.ndarray, ...]) -> None:
    steady = np.repeat(heard[0][:, None], 20, axis=1)
    np.testing.assert_array_equal(
        counts(fitted(heard[0], time_resolved=True), steady, heard[1]), counts(fitted(heard[0]), *heard)
    )


def stepped(currents: np.ndarray) -> np.ndarray:
    """Advance membranes (n_hops, n_neurons) by 0.1 ms at a time and count."""
    v, spikes = np.zeros(currents.shape[1]), np.zeros(currents.shape[1])
    for current in np.repeat(currents, 500, axis=0):
        v = current + (v - current) * np.exp(-0.01)
        spikes += v > 0.5
        v[v > 0.5] = 0.0
    return spikes


def test_features_that_change_draw_the_spikes_of_stepping(heard: tuple[np.ndarray, ...]) -> None:
    moving = heard[0][:36].reshape(3, 12, 7)  # twelve sounds in 0.6 s
    evidence = np.linspace(0.3, 1.0, 36).reshape(3, 12)
    cortex = fitted(moving, time_resolved=True)
    x, g = torch.from_numpy(moving), torch.from_numpy(evidence)
    with torch.no_grad():
        got = cortex(x, g)
        want = np.stack([stepped(each) for each in cortex.current(x, g).numpy()])
    np.testing.assert_allclose(got.x_auditory.numpy() * 60, want, rtol=1e-6)  # spikes per 10 ms, float32
    for i, part in enumerate(PARTS.values()):
        np.testing.assert_allclose(got.rates[:, i].numpy(), want[:, part].mean(axis=1) / 0.6, rtol=1e-5)


def test_one_evidence_holds_for_all_hops(heard: tuple[np.ndarray, ...]) -> None:
    moving, cortex = heard[0][:36].reshape(3, 12, 7), fitted(heard[0], time_resolved=True)
    g = np.array([0.2, 0.9, 0.0])
    once = counts(cortex, moving, g)
    np.testing.assert_array_equal(once, counts(cortex, moving, np.repeat(g[:, None], 12, axis=1)))
    assert not once[2].any()
    assert once[1].any()


@pytest.mark.parametrize("time_resolved", [False, True])
def test_every_part_of_the_tuning_is_led_by_a_gradient(
    time_resolved: bool, heard: tuple[np.ndarray, ...]
) -> None:
    cortex = fitted(heard[0], time_resolved=time_resolved).train()
    x = torch.from_numpy(heard[0][:36].reshape(3, 12, 7) if time_resolved else heard[0])
    cortex(x, torch.ones(len(x))).x_auditory.sum().backward()
    for name, parameter in cortex.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert (parameter.grad != 0).float().mean() > 0.9, name


def test_a_step_along_the_gradient_draws_more_spikes(heard: tuple[np.ndarray, ...]) -> None:
    cortex = fitted(heard[0])
    before = counts(cortex, *heard).sum()
    cortex.train()
    cortex(torch.from_numpy(heard[0]), torch.from_numpy(heard[1])).x_auditory.sum().backward()
    with torch.no_grad():
        for parameter in cortex.parameters():
            parameter += 0.01 * parameter.grad.sign()
    assert counts(cortex.eval(), *heard).sum() > 1.02 * before


def test_a_lesion_and_a_doubling_hold_hop_by_hop(heard: tuple[np.ndarray, ...]) -> None:
    cortex = fitted(heard[0], time_resolved=True)
    x = torch.from_numpy(heard[0][:36].reshape(3, 12, 7))
    with torch.no_grad():
        whole, changed = cortex(x, torch.ones(3)), cortex(x, torch.ones(3), torch.tensor([0.0, 1.0, 2.0]))
    torch.testing.assert_close(changed.rates, whole.rates * torch.tensor([0.0, 1.0, 2.0]))


def test_other_currents_are_refused() -> None:
    with pytest.raises(ValueError, match="one of population, published, got 'printed'"):
        AuditoryCortex(currents="printed")


@pytest.mark.parametrize(("time_resolved", "shape"), [(False, (2, 20, 7)), (True, (2, 7)), (True, (7,))])
def test_features_with_or_without_a_time_axis_are_not_mistaken(
    time_resolved: bool, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=rf"time_resolved={time_resolved}\) hears features of shape \(n, n_"):
        AuditoryCortex(time_resolved=time_resolved)(torch.ones(shape), torch.ones(2))


@pytest.mark.parametrize(("time_resolved", "shape"), [(False, (2, 20)), (True, (2, 20, 1))])
def test_evidence_has_no_feature_axis(time_resolved: bool, shape: tuple[int, ...]) -> None:
    features = torch.ones(2, 20, 7) if time_resolved else torch.ones(2, 7)
    with pytest.raises(ValueError, match=r"evidence must have shape \(n,\)"):
        AuditoryCortex(time_resolved=time_resolved)(features, torch.ones(shape))


def test_sound_without_a_hop_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        AuditoryCortex(time_resolved=True).eval()(torch.ones(2, 0, 7), torch.ones(2))
