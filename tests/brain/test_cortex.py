"""A cortex that has learned: networks are built around it, and a model on top leaves it as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.base import clone

from avfbel.brain import AVFBEL, Network, Samples
from avfbel.brain.adaptation import N_LINES
from avfbel.brain.contexts import out_of_contexts
from avfbel.brain.cortex import Cortex
from avfbel.brain.gradient import fuse
from avfbel.brain.lines import LineSettings, learn_lines, unit_names

SMALL = LineSettings(width=4, n_visual=16, hidden=16, epochs=40, share=1.0)
OF_THE_USE = {"senses", "fused_scale", "adaptation.mean", "adaptation.sd"}


def make_clips(n: int = 48, *, seed: int = 0) -> Samples:
    """Return clips, heard, seen and both, whose speed and pitch tell what is felt."""
    rng = np.random.default_rng(seed)
    speed, pitch = rng.uniform(-1, 1, (2, n))
    maps = np.zeros((n, 5, 32, 32), np.float16)
    maps[:, 0, 8:24, 8:24] = (120 * np.exp(0.5 * speed))[:, None, None]
    acoustic = np.tile([220.0, 0.1, 0.1, 120.0, 0.5, 0.5, 0.0], (n, 1))
    acoustic[:, 0] *= np.exp(0.5 * pitch)
    felt = 0.5 + 0.2 * np.stack([speed, -speed, pitch, -pitch, speed], axis=1)
    return Samples(
        maps=maps,
        acoustic=acoustic,
        evidence=rng.uniform(0.5, 1.0, (n, 2)),
        row=np.tile(np.arange(n), 3),
        mask=np.repeat([[True, False], [False, True], [True, True]], n, axis=0),
        visual=maps[:, :, 16, 16].astype(np.float64),
        rewards=np.tile(felt, (3, 1)),
    )


@pytest.fixture(scope="module")
def clips() -> Samples:
    return make_clips()


@pytest.fixture(scope="module")
def taught(clips: Samples) -> tuple[Network, Cortex]:
    network, _, losses = learn_lines(clips, SMALL)
    return network, Cortex.of(network, SMALL, {"losses": losses})


@pytest.fixture(scope="module")
def cortex(taught: tuple[Network, Cortex]) -> Cortex:
    return taught[1]


def test_it_holds_all_that_was_learned_and_nothing_of_its_use(taught: tuple[Network, Cortex]) -> None:
    network, cortex = taught
    assert set(cortex.weights) == set(network.state_dict()) - OF_THE_USE
    assert cortex.unit_names[:25] == tuple(f"both {name}" for name in unit_names())
    assert cortex.unit_names[25:] == tuple(f"{p} {name}" for p in ("audio", "video") for name in unit_names())
    assert len(cortex.story["losses"]) == SMALL.epochs
    weight = cortex.weights["temporal_gyrus.final.weight"]
    before = network.temporal_gyrus.final.weight.detach().clone()
    weight[:] = 0  # a copy: the network keeps its own
    assert torch.equal(network.temporal_gyrus.final.weight, before)
    weight[:] = before.numpy()


def test_a_network_around_it_says_the_same_before_it_adapts(
    taught: tuple[Network, Cortex], clips: Samples
) -> None:
    network, cortex = taught
    built = cortex.network(kappa=0.3)
    assert (built.kappa, built.lines, built.training) == (0.3, True, False)
    built.lines = False
    np.testing.assert_array_equal(fuse(built, clips), fuse(network, clips))
    deaf = cortex.network(kappa=0.3, modality="video")
    assert not fuse(deaf, clips.with_senses(video=False)).any()


def test_networks_do_not_share_weights(cortex: Cortex) -> None:
    one, other = cortex.network(kappa=0.0), cortex.network(kappa=0.0)
    with torch.no_grad():
        one.temporal_gyrus.final.weight.zero_()
    assert other.temporal_gyrus.final.weight.any()
    assert cortex.weights["temporal_gyrus.final.weight"].any()


@pytest.mark.parametrize("damage", ["missing", "more", "shape", "settings"])
def test_weights_of_another_architecture_are_named(cortex: Cortex, damage: str) -> None:
    weights = dict(cortex.weights)
    name = "temporal_gyrus.final.weight"
    if damage == "missing":
        del weights[name]
    elif damage == "more":
        name = "hippocampus.weight"
        weights[name] = np.zeros(3)
    elif damage == "shape":
        weights[name] = weights[name][:, :-1]
    settings = replace(SMALL, hidden=8) if damage == "settings" else SMALL
    wrong = Cortex(settings=settings, weights=weights)
    with pytest.raises(ValueError, match=rf"not those of a cortex of such settings: .*{name}"):
        wrong.network(kappa=0.0)


@pytest.mark.parametrize("learning", ["local", "gradient"])
def test_fit_teaches_the_limbic_system_and_leaves_the_cortex(
    cortex: Cortex, clips: Samples, learning: str
) -> None:
    before = {name: weight.copy() for name, weight in cortex.weights.items()}
    told: list[int] = []
    clear = replace(clips, evidence=np.ones_like(clips.evidence))
    model = AVFBEL(cortex=cortex, learning=learning, bel_epochs=20)
    model.fit(clear, progress=lambda epoch, _: told.append(epoch))
    assert (told, model.loss_curve_) == ([], []), "there is no stage before that of the limbic system"
    learned = model.network_.state_dict()
    assert set(learned) == set(before) | OF_THE_USE
    for name, weight in before.items():
        np.testing.assert_array_equal(cortex.weights[name], weight)
        np.testing.assert_array_equal(learned[name].numpy(), weight)
    assert model.network_.adaptation.mean.any()
    assert len(model.network_.fused_scale) == N_LINES
    both = clear.select(clear.mask.all(axis=1))
    assert both.rewards is not None
    for said, felt in zip(model.predict(both).T, both.rewards.T, strict=True):
        assert np.corrcoef(said, felt)[0, 1] > 0.5


def test_lines_adapt_to_what_the_model_learned_from(cortex: Cortex, clips: Samples) -> None:
    """Each line, over the samples with its sense: mean 0, and sd 1 wherever it varied."""
    even = replace(clips, evidence=np.ones_like(clips.evidence))
    model = AVFBEL(cortex=cortex, bel_epochs=1).fit(even)
    code = out_of_contexts(model.activity(even).x_fused)
    for column, opened in ((unit_names().index("pitch+"), 0), (unit_names().index("speed+"), 1)):
        half = 7 if opened == 0 else 5
        signed = (code[:, column] - code[:, column + half])[even.mask[:, opened]]
        assert np.abs(signed).max() < 4
        assert signed.mean() == pytest.approx(0, abs=1e-5)
        assert signed.std() == pytest.approx(1, abs=1e-5)


def test_equal_seeds_learn_the_same(cortex: Cortex, clips: Samples) -> None:
    models = [AVFBEL(cortex=cortex, bel_epochs=3, random_state=seed).fit(clips) for seed in (1, 1, 2)]
    one, again, other = (model.predict(clips) for model in models)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other), "the seed orders the samples"


@pytest.mark.parametrize(
    ("given", "deaf_or_blind"),
    [({"modality": "audio"}, 1), ({"visual": None}, 1), ({"modality": "video"}, 0), ({"auditory": None}, 0)],
)
def test_its_halves_hear_or_see(
    cortex: Cortex, clips: Samples, given: dict[str, object], deaf_or_blind: int
) -> None:
    model = AVFBEL(cortex=cortex, bel_epochs=5, **given).fit(clips)  # type: ignore[arg-type]
    said = model.activity(clips)
    closed = clips.mask[:, 1 - deaf_or_blind] == 0
    assert not said.emotion[closed].any()
    assert not said.gates[:, deaf_or_blind].any()
    lines = range(14, 24) if deaf_or_blind else range(14)
    assert not said.x_fused[:, list(lines)].any()
    assert said.x_fused[~closed].any()


def test_it_costs_what_is_learned_on_top(cortex: Cortex) -> None:
    costs = {cost.module: cost for cost in AVFBEL(cortex=cortex).parameter_table()}
    assert costs["adaptation of the lines"][1:] == (0, 24, 24)
    assert costs["contexts of the lines"][1:] == (0, 0, 3 * N_LINES)
    assert costs["amygdala"].trained == 5 * 3 * N_LINES


def test_scikit_learn_copies_the_model(cortex: Cortex, clips: Samples) -> None:
    model = AVFBEL(cortex=cortex, bel_epochs=2).fit(clips)
    copy = clone(model)
    assert not hasattr(copy, "network_")
    np.testing.assert_array_equal(copy.fit(clips).predict(clips), model.predict(clips))


@pytest.mark.parametrize("given", [{"fusion": None}, {"visual": "features"}, {"auditory": "features"}])
def test_other_ways_in_are_refused(cortex: Cortex, clips: Samples, given: dict[str, object]) -> None:
    model = AVFBEL(cortex=cortex, **given)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a cortex has its ways in and its gyrus: leave visual, auditory"):
        model.fit(clips)


def test_it_is_shown_by_its_settings(cortex: Cortex) -> None:
    assert repr(cortex).startswith("Cortex({'width': 4, ")
    assert "weights" not in repr(AVFBEL(cortex=cortex))
