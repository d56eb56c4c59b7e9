"""Auditory cortex: the population code, its coverage, silence, and what it learns."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avfbel.brain import AuditoryCortex
from avfbel.brain.auditory_cortex import POPULATION_SIZE, feature_range, population_tuning
from avfbel.brain.regions import ACOUSTIC

PARTS = {"PYR": slice(0, 400), "PV": slice(400, 600), "SOM": slice(600, 800)}
ONE = torch.ones(1)


def sounds(n: int = 38, seed: int = 0) -> np.ndarray:
    """Acoustic features of made-up sounds, in plausible units."""
    rng = np.random.default_rng(seed)
    low = np.array([110.0, 0.05, 0.01, 40.0, 0.1, 0.0, -1.0])
    high = np.array([880.0, 0.30, 0.20, 300.0, 1.5, 1.0, 1.0])
    return low + (high - low) * rng.random((n, 7))


@pytest.fixture(scope="module")
def cortex() -> AuditoryCortex:
    column = AuditoryCortex().eval()
    column.fit(sounds())
    return column


def respond(column: AuditoryCortex, features: np.ndarray, evidence: float = 1.0) -> np.ndarray:
    with torch.no_grad():
        x = torch.from_numpy(np.atleast_2d(features))
        return 100 * column(x, torch.full((len(x),), evidence)).x_auditory.numpy()


@pytest.mark.parametrize(("n", "shares"), [(5, (80, 40, 40)), (7, (57, 28, 28)), (1, (400, 200, 200))])
def test_features_share_the_neurons_evenly(n: int, shares: tuple[int, ...]) -> None:
    tuning = population_tuning(n)
    for share, part in zip(shares, PARTS.values(), strict=True):
        counts = np.bincount(tuning.feature[part], minlength=n)
        assert counts.min() == share
        assert counts.max() - counts.min() <= 1
        assert counts.sum() == part.stop - part.start


@pytest.mark.parametrize("n", [0, 201])
def test_more_features_than_neurons_are_refused(n: int) -> None:
    with pytest.raises(ValueError, match="codes 1 to 200 features"):
        population_tuning(n)


def test_currents_are_the_population_code_written_out() -> None:
    values = np.random.default_rng(3).uniform(0.5, 3.0, (50, 5))
    names = ("pitch", "tonnetz", "rms", "tempo", "duration")
    column = AuditoryCortex(features=names).eval()
    column.fit(values)
    sound, g = values[0], 0.7
    coded = [np.log(v) if name != "tonnetz" else v for name, v in zip(names, values.T, strict=True)]
    want = []
    for width, reach, n in ((0.5, 2.0, 80), (1.0, 2.0, 40), (0.5, 1.6, 40)):
        for column_values in coded:
            q5, q95 = np.quantile(column_values, [0.05, 0.95])
            z = np.clip(3.2 * (column_values[0] - q5) / (q95 - q5) - 1.6, -2, 2)
            for i, c in enumerate(np.linspace(-reach, reach, n)):
                bell = np.exp(-((z - c) ** 2) / (2 * width**2))
                sign = 1 if i % 2 == 0 else -1
                r = 1 / (1 + np.exp(-sign * (z - c) / 0.5)) if reach == 1.6 else bell
                want.append(0.45 + 0.55 * g * r)
    got = column.current(torch.from_numpy(sound[None]), torch.tensor([g], dtype=torch.float64))
    # centres, widths and gains are float32 parameters
    np.testing.assert_allclose(got.detach().numpy()[0], want, rtol=0, atol=2e-6)


def test_the_code_covers_the_sounds_it_was_fitted_on(cortex: AuditoryCortex) -> None:
    counts = respond(cortex, sounds())
    for part in PARTS.values():
        silent = (counts[:, part] == 0).mean(axis=1)
        assert 0.1 <= silent.mean() <= 0.9
    ceiling = respond(cortex, sounds(5000, seed=1)).max()
    assert counts.max() <= ceiling < 150  # Hz; the grid would allow 10 000
    assert (np.ptp(counts, axis=0) == 0).mean() < 0.05
    assert ((counts == counts.max()).mean(axis=0) < 0.9).all()  # nobody fires flat out for every sound


@pytest.mark.parametrize("feature", range(7))
def test_every_feature_changes_the_spikes(cortex: AuditoryCortex, feature: int) -> None:
    sound = np.median(sounds(), axis=0)
    other = sound.copy()
    other[feature] += 0.2 * np.ptp(sounds()[:, feature])
    changed = (respond(cortex, sound) != respond(cortex, other))[0]
    assert changed.any()
    assert set(np.unique(cortex.feature.numpy()[changed])) == {feature}


def test_without_evidence_nobody_fires(cortex: AuditoryCortex) -> None:
    assert not respond(cortex, sounds(), evidence=0.0).any()


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_evidence_never_means_fewer_spikes(first: float, second: float) -> None:
    column = AuditoryCortex().eval()
    column.fit(sounds())
    low, high = (respond(column, sounds(5), evidence=g) for g in sorted((first, second)))
    assert (low <= high).all()


def test_a_missing_feature_excites_nobody(cortex: AuditoryCortex) -> None:
    sound = sounds()[0]
    sound[ACOUSTIC.index("tempo")] = np.nan
    counts = respond(cortex, sound)[0]
    concerned = cortex.feature.numpy() == ACOUSTIC.index("tempo")
    assert not counts[concerned].any()
    assert counts[~concerned].any()
    assert not respond(cortex, np.full(7, np.nan)).any()


@pytest.mark.parametrize("feature", ["pitch", "rms", "tempo", "duration"])
def test_nothing_to_take_the_logarithm_of_is_missing(cortex: AuditoryCortex, feature: str) -> None:
    sound, missing = sounds()[0], sounds()[0]
    sound[ACOUSTIC.index(feature)], missing[ACOUSTIC.index(feature)] = 0.0, np.nan
    np.testing.assert_array_equal(respond(cortex, sound), respond(cortex, missing))


def test_ratios_matter_for_pitch_and_differences_for_tonnetz() -> None:
    column = AuditoryCortex()
    column.fit(np.exp(np.random.default_rng(0).uniform(-1, 1, (100, 7))))
    z = column.standardize(torch.tensor([[1.0] * 7, [1.1] * 7, [1.21] * 7])).diff(dim=0)
    assert z[0, 0].item() == pytest.approx(z[1, 0].item())
    assert z[1, 1].item() == pytest.approx(1.1 * z[0, 1].item())


def test_a_constant_feature_sits_in_the_middle_of_its_code() -> None:
    values = sounds()
    values[:, 5] = 0.25
    column = AuditoryCortex()
    column.fit(values)
    z = column.standardize(torch.from_numpy(values))
    assert z[:, 5].abs().max() < 1e-9
    assert feature_range(np.array([0.25])) == pytest.approx((0.245, 0.255))


def test_a_feature_never_measured_in_training_stays_without_influence() -> None:
    values = sounds()
    values[:, 6] = np.nan
    column = AuditoryCortex().eval()
    column.fit(values)
    counts = respond(column, sounds())
    assert not counts[:, column.feature.numpy() == 6].any()
    assert counts[:, column.feature.numpy() == 0].any()


def test_rates_are_means_of_the_populations_and_gains_scale_them(cortex: AuditoryCortex) -> None:
    x = torch.from_numpy(sounds(3))
    counts = respond(cortex, sounds(3))
    rates = cortex(x, torch.ones(3), torch.tensor([1.0, 0.5, 0.0])).rates.detach().numpy()
    for i, (part, gain) in enumerate(zip(PARTS.values(), (1.0, 0.5, 0.0), strict=True)):
        np.testing.assert_allclose(rates[:, i], gain * counts[:, part].mean(axis=1), rtol=1e-6)
    assert list(PARTS) == list(POPULATION_SIZE)


def test_tuning_learns_in_training_and_counts_stay_whole() -> None:
    column = AuditoryCortex().train()
    column.fit(sounds())
    x, _ = column(torch.from_numpy(sounds(4)).float(), torch.ones(4))
    torch.testing.assert_close(x * 100, (x * 100).round())
    x.sum().backward()
    for parameter in column.parameters():
        assert torch.isfinite(parameter.grad).all()
        assert (parameter.grad != 0).float().mean() > 0.9


def test_missing_features_leave_gradients_finite() -> None:
    column = AuditoryCortex().train()
    values = sounds(4)
    column.fit(values)
    values[0, 2], values[1] = np.nan, np.nan
    column(torch.from_numpy(values).float(), torch.ones(4)).x_auditory.sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in column.parameters())
