"""AVFBEL as an estimator: it learns, repeats itself, and says what it cannot use."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from avfbel.brain import AVFBEL, REGIONS, Network, Samples
from avfbel.brain.gradient import batches_of_clips, represent, reproducible
from avfbel.brain.model import unit_scale


def heard(world: Samples) -> np.ndarray:
    return world.mask[:, 0] & ~world.mask[:, 1]


def test_it_learns_from_sound_from_film_and_from_both(model: AVFBEL, world: Samples) -> None:
    said = model.predict(world)
    for kind in ([True, False], [False, True], [True, True]):
        of_kind = (world.mask == kind).all(axis=1)
        error = ((said[of_kind] - world.rewards[of_kind]) ** 2).mean()
        assert error < 0.2 * world.rewards[of_kind].var(axis=0).mean()


def test_the_local_rule_comes_close_to_least_squares(model: AVFBEL, world: Samples) -> None:
    x = model.activity(world).x_fused
    best = x @ np.linalg.lstsq(x, world.rewards, rcond=None)[0]
    assert model.head_mse_ == pytest.approx(((best - world.rewards) ** 2).mean(), rel=1e-3)
    assert model.bel_mse_ == pytest.approx(((model.predict(world) - world.rewards) ** 2).mean(), rel=1e-3)
    assert model.head_mse_ <= model.bel_mse_ < 0.1 * world.rewards.var(axis=0).mean()


def test_the_loss_is_recorded_and_reported(world: Samples) -> None:
    heard_of: list[tuple[int, float]] = []
    model = AVFBEL(epochs=8).fit(world, progress=lambda epoch, loss: heard_of.append((epoch, loss)))
    assert [loss for _, loss in heard_of] == model.loss_curve_
    assert [epoch for epoch, _ in heard_of] == list(range(1, 9))
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_training_repeats_to_the_last_bit_and_leaves_torch_as_it_was(world: Samples) -> None:
    torch.manual_seed(5)
    threads, expected = torch.get_num_threads(), torch.rand(1, generator=torch.Generator().manual_seed(5))
    first, second, other = (
        AVFBEL(epochs=2, random_state=seed).fit(world).predict(world) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.rand(1), expected)


def test_samples_are_predicted_in_their_order_and_one_by_one(model: AVFBEL, world: Samples) -> None:
    together = model.predict(world)
    shuffled = np.random.default_rng(0).permutation(len(world))
    np.testing.assert_allclose(model.predict(world.select(shuffled)), together[shuffled], atol=1e-5)
    np.testing.assert_allclose(model.predict(world.select([40])), together[[40]], atol=1e-5)


def test_activity_is_that_of_the_graph(model: AVFBEL, world: Samples) -> None:
    acted = model.activity(world)
    with torch.no_grad():
        said = model.network_(
            torch.from_numpy(world.maps[world.row].astype(np.float32)),
            torch.from_numpy(world.acoustic[world.row].astype(np.float32)),
            torch.from_numpy(world.sample_evidence.astype(np.float32)),
            *model.limbic_weights(),
        )
    for name in acted._fields:
        want = getattr(said, name).numpy()
        np.testing.assert_allclose(getattr(acted, name), want, atol=1e-5 * np.abs(want).max(), rtol=1e-5)


def test_a_gain_of_0_is_a_lesion(model: AVFBEL, world: Samples) -> None:
    gain = np.ones(len(REGIONS))
    gain[REGIONS.index("aSTG")] = 0
    assert not model.activity(world, gain=gain).emotion.any()


@pytest.mark.parametrize(("modality", "useless"), [("audio", [False, True]), ("video", [True, False])])
def test_a_model_of_one_sense_learns_from_it_alone(
    world: Samples, modality: str, useless: list[bool]
) -> None:
    useful = world.select((world.mask != useless).any(axis=1))
    model = AVFBEL(epochs=2, modality=modality).fit(world)
    np.testing.assert_array_equal(
        model.predict(world), AVFBEL(epochs=2, modality=modality).fit(useful).predict(world)
    )
    assert not model.predict(world.select((world.mask == useless).all(axis=1))).any()


def test_online_learning_moves_the_limbic_system_only(world: Samples) -> None:
    model = AVFBEL(epochs=2).fit(world)
    before = {name: tensor.clone() for name, tensor in model.network_.state_dict().items()}
    one = world.select([0])
    person = replace(one, rewards=np.array([[0.9, 0.0, 0.0, 0.0, 0.9]]))
    error = [np.abs(model.predict(one) - person.rewards).max()]
    for _ in range(50):
        error.append(np.abs(model.partial_fit(person).predict(one) - person.rewards).max())
    assert error[-1] < 0.05 < error[0]
    for name, tensor in model.network_.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_weights_of_samples_count(world: Samples) -> None:
    silenced = replace(world, weight=np.where(heard(world), 0.0, 1.0))
    weighted = AVFBEL(epochs=15, bel_epochs=1).fit(silenced)
    flipped = replace(silenced, rewards=np.where(heard(world)[:, None], 1 - world.rewards, world.rewards))
    assert weighted.loss_curve_ == pytest.approx(AVFBEL(epochs=15).fit(flipped).loss_curve_, rel=1e-6)


def test_batches_hold_every_sample_once_and_clips_together(world: Samples) -> None:
    clips = np.random.default_rng(0).permutation(24)
    batches = list(batches_of_clips(world, clips, 7))
    assert sorted(np.concatenate(batches)) == list(range(len(world)))
    assert [len(batch) for batch in batches] == [18, 18, 18, 18]
    for batch in batches:
        assert len(np.unique(world.row[batch])) == 6


def test_a_sense_that_no_sample_opens_is_not_learned_from(world: Samples) -> None:
    with reproducible(0):
        network = Network().train()
    norm = network.temporal_gyrus.branches["video"].norms[0]
    represent(network, world, np.flatnonzero(heard(world)))
    assert norm.num_batches_tracked == 0
    assert network.temporal_gyrus.branches["audio"].norms[0].num_batches_tracked == 1


def test_norms_are_settled_on_all_training_clips_of_their_sense(world: Samples) -> None:
    model = AVFBEL(epochs=2, batch_size=5).fit(world)
    layer, norm = (
        getattr(model.network_.temporal_gyrus.branches["video"], part)[0] for part in ("layers", "norms")
    )
    with torch.no_grad():
        unit = layer(model.network_.visual_cortex(torch.from_numpy(world.maps).float()).x_visual)
    torch.testing.assert_close(norm.running_mean, unit.mean(dim=0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(norm.running_var, unit.var(dim=0, correction=0), rtol=1e-4, atol=1e-6)


def test_units_are_scaled_to_one_size_but_whispers_are_not_blown_up() -> None:
    x = np.abs(np.random.default_rng(0).normal(size=(100, 4))) * np.array([5.0, 0.9, 1e-9, 0.0])
    scaled = x * unit_scale(x)
    np.testing.assert_allclose(np.sqrt((scaled**2).mean(axis=0))[:2], 1, rtol=1e-5)
    assert (scaled[:, 2:] < 1e-6).all()
    assert np.isfinite(unit_scale(np.zeros((3, 2)))).all()


def test_parameters_follow_the_conventions(model: AVFBEL) -> None:
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "state_")
    assert repr(AVFBEL(width=16)) == "AVFBEL(width=16)"


def test_parameters_are_counted_by_module(model: AVFBEL) -> None:
    counted = model.n_parameters_
    assert counted["auditory_cortex"] == 3 * 800
    # V and U (32, 5), T (5,), W (32, 32), because this model learns its prefrontal weights
    assert counted["limbic_system"] == 2 * 32 * 5 + 5 + 32 * 32
    trained = sum(p.numel() for p in model.network_.parameters())
    assert sum(counted.values()) - counted["limbic_system"] == trained


def test_what_cannot_be_learned_is_named(world: Samples) -> None:
    with pytest.raises(ValueError, match="there are no rewards to learn from"):
        AVFBEL().fit(replace(world, rewards=None))
    with pytest.raises(ValueError, match="no sample has evidence for a model of modality 'audio'"):
        AVFBEL(modality="audio").fit(world.select(~world.mask[:, 0]))
    with pytest.raises(ValueError, match="use BrainEmotionalLearning"):
        AVFBEL(rule="released", epochs=1).fit(world)
    with pytest.raises(ValueError, match="bel_epochs must be at least 1, got 0"):
        AVFBEL(bel_epochs=0).fit(world)
    with pytest.raises(NotFittedError, match="call fit first"):
        AVFBEL().predict(world)


def test_nothing_to_predict_is_an_error(model: AVFBEL, world: Samples) -> None:
    with pytest.raises(ValueError, match="there are no samples to predict"):
        model.predict(world.select([]))
