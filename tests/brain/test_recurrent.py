"""The recurrent limbic system: its equations in numpy, what it remembers, and that it learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from avfbel.brain import AVFBEL, REGIONS, Samples
from avfbel.brain.gradient import GradientSettings, reproducible
from avfbel.brain.recurrent import RecurrentActivity, RecurrentLimbic, recurrent_loss
from avfbel.brain.recurrent_training import run_sequences, train_recurrent


def limbic(seed: int = 0, **kwargs: object) -> RecurrentLimbic:
    torch.manual_seed(seed)
    return RecurrentLimbic(6, 8, 3, nodes=4, **kwargs)


def stimuli(n: int = 4, length: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, length, 6, generator=torch.Generator().manual_seed(seed))


def in_numpy(net: RecurrentLimbic, x: np.ndarray, theta: np.ndarray) -> dict[str, np.ndarray]:
    """Follow one sequence window by window, node by node, by the equations of the module's page."""
    w = {name: tensor.detach().numpy().astype(float) for name, tensor in net.weights()._asdict().items()}
    h, rows = np.zeros(8), []
    for x_t, theta_t in zip(x, theta, strict=True):
        h = np.tanh(w["W_x"] @ x_t + w["W_h"] @ h)
        a, o, f = np.zeros(3), np.zeros(3), np.zeros(3)
        for node in range(4):
            for output in range(3):
                i = node * 3 + output
                inhibition = max(0.0, w["W_O"][i] @ h)
                a[output] += max(0.0, w["W_A"][i, :8] @ h + w["W_A"][i, 8] * theta_t)
                o[output] += inhibition
                f[output] += inhibition * np.tanh(w["W_C"][i] @ h)
        rows.append((a - o - f, a, o, f, h))
    return dict(zip(RecurrentActivity._fields, map(np.array, zip(*rows, strict=True)), strict=True))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 7), st.sampled_from([0.0, 0.25, 1.0]))
def test_it_is_its_equations(seed: int, length: int, kappa: float) -> None:
    net, x = limbic(seed % 5, kappa=kappa), stimuli(2, length, seed) * 4
    said = net(x)
    for row in range(2):
        sequence = x[row].double().numpy()
        wanted = in_numpy(net, sequence, kappa * sequence.max(axis=1))
        for name, want in wanted.items():
            # float32 sums of some ten terms
            np.testing.assert_allclose(getattr(said, name)[row].detach(), want, rtol=1e-4, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_pathways_keep_their_signs_and_add_up(seed: int) -> None:
    said = limbic(seed % 5)(stimuli(seed=seed) * 10)
    assert (said.amygdala >= 0).all()
    assert (said.orbitofrontal >= 0).all()
    assert (said.prefrontal.abs() <= said.orbitofrontal).all()
    torch.testing.assert_close(said.emotion, said.amygdala - said.orbitofrontal - said.prefrontal)


def test_order_matters_within_a_sequence_and_nothing_comes_from_the_future() -> None:
    net, x = limbic(), stimuli()
    said = net(x).emotion
    turned = net(x.flip(1)).emotion
    assert (said.flip(1) - turned).abs().max() > 1e-3
    torch.testing.assert_close(net(x[:, :2]).emotion, said[:, :2])
    changed = x.clone()
    changed[:, 2] = 0.0
    assert torch.equal(net(changed).emotion[:, :2], said[:, :2])
    assert (net(changed).emotion[:, 3:] - said[:, 3:]).abs().max() > 1e-4


def test_a_sequence_does_not_depend_on_its_company_or_its_padding() -> None:
    net, x, lengths = limbic(), stimuli(), torch.tensor([5, 3, 1, 2])
    together = net(x, lengths)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(net(x[row : row + 1, :length]).emotion[0], together.emotion[row, :length])
        assert not together.emotion[row, length:].any()
    beyond = x.clone()
    beyond[1, 3:] = 1e3
    assert torch.equal(net(beyond, lengths).emotion, together.emotion)


def test_without_stimuli_everything_is_exactly_silent_but_for_a_random_thalamus() -> None:
    still = torch.zeros(2, 3, 6)
    assert not any(part.any() for part in limbic()(still))
    noisy = limbic(published=True)(still)
    assert noisy.amygdala.any()
    assert not noisy.orbitofrontal.any()


def test_the_published_thalamus_is_noise_that_a_seed_repeats_for_any_length() -> None:
    net, x = limbic(published=True), stimuli(2, 40)

    def say(length: int, seed: int) -> torch.Tensor:
        return net(x[:, :length], generator=torch.Generator().manual_seed(seed)).amygdala

    assert torch.equal(say(40, 1), say(40, 1))
    torch.testing.assert_close(say(40, 1)[:, :7], say(7, 1))
    assert not torch.equal(say(40, 1), say(40, 2))
    assert not torch.equal(net(x).amygdala, net(x).amygdala)


def test_gradient_reaches_every_layer() -> None:
    net = limbic()
    recurrent_loss(net(stimuli()), torch.rand(4, 5, 3)).mean().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 1e-6, name


def test_the_amygdala_learns_by_equation_18() -> None:
    """With E = R the second term is left: minus half its gradient is x max(0, R - sum A) for each node."""
    net, x = limbic(), stimuli(1, 1)
    said, rewards = net(x), torch.tensor([[[0.9, 0.0, 2.0]]])
    met = said._replace(emotion=rewards)  # nothing to correct at the output
    recurrent_loss(met, rewards).sum().backward()
    shortfall = (rewards - said.amygdala).clamp(min=0)[0, 0].detach()
    pre = torch.cat([said.hidden[0, 0], 0.25 * x.max().reshape(1)]).detach()
    excited = (net.fc_a.weight @ pre > 0).float().reshape(4, 3)
    want = (excited * shortfall).reshape(-1, 1) * pre / 3  # the loss is the mean over three outputs
    torch.testing.assert_close(-0.5 * net.fc_a.weight.grad, want.detach())


@pytest.mark.parametrize(("region", "at"), [("amygdala", 0), ("orbitofrontal", 1), ("prefrontal", 2)])
def test_a_gain_of_0_is_a_lesion(region: str, at: int) -> None:
    net, x = limbic(), stimuli()
    gain = torch.ones(3)
    gain[at] = 0.0
    said, intact = net(x, gain=gain), net(x)
    assert getattr(intact, region).any()
    assert not getattr(said, region).any()
    assert not said.prefrontal.any() or region == "amygdala"
    torch.testing.assert_close(said.hidden, intact.hidden)


def test_it_learns_what_only_memory_can_tell() -> None:
    """The reward is the stimulus of the window before: of the first window of a clip, nothing."""
    rng = np.random.default_rng(0)
    x = np.zeros((240, 6))
    cue = rng.integers(0, 3, 240)
    x[np.arange(240), cue] = 1.0
    sequences = list(np.arange(240).reshape(60, 4))
    rewards = np.zeros((240, 3))
    for numbers in sequences:
        rewards[numbers[1:], cue[numbers[:-1]]] = 0.8
    with reproducible(0):
        net = RecurrentLimbic(6, 16, 3)
        settings = GradientSettings(learning_rate=1e-2, weight_decay=0.0, epochs=80, batch_size=16)
        curve = train_recurrent(net, x, rewards, sequences, settings, seed=0)
    said = run_sequences(net, torch.from_numpy(x), sequences, seed=0).emotion[0].numpy()
    assert ((said - rewards) ** 2).mean() < 0.05 * rewards.var(axis=0).mean()
    assert curve[-1] < 0.1 * curve[0]
    alone = [np.array([i]) for i in range(240)]
    unaware = run_sequences(net, torch.from_numpy(x), alone, seed=0).emotion[0].numpy()
    assert ((unaware - rewards) ** 2).mean() > 0.5 * rewards.var(axis=0).mean()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [((0, 4, 2), "n_in must be at least 1, got 0"), ((4, 4, 0), "n_outputs must be at least 1")],
)
def test_what_cannot_be_built_is_named(arguments: tuple[int, int, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        RecurrentLimbic(*arguments)


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"x must have shape \(n, T, 6\), got \(4, 5, 3\)"):
        limbic()(torch.zeros(4, 5, 3))
    with pytest.raises(ValueError, match=r"lengths must have shape \(4,\), got \(2,\)"):
        limbic()(stimuli(), torch.tensor([1, 2]))


# The whole model with learning="gradient".


@pytest.fixture(scope="module")
def clips(world: Samples) -> Samples:
    """Eight clips of three windows each."""
    return replace(world, sequence=np.repeat(np.arange(8), 3))


def gradient(**kwargs: object) -> AVFBEL:
    return AVFBEL(**{"learning": "gradient", "epochs": 30, "bel_epochs": 60, "batch_size": 8, **kwargs})


@pytest.fixture(scope="module")
def felt(clips: Samples) -> AVFBEL:
    return gradient(dropout=0.0).fit(clips)


def test_the_whole_model_learns_by_gradient(felt: AVFBEL, clips: Samples) -> None:
    error = ((felt.predict(clips) - clips.rewards) ** 2).mean()
    assert felt.bel_mse_ == pytest.approx(error, rel=1e-3)
    assert error < 0.2 * clips.rewards.var(axis=0).mean()
    assert len(felt.limbic_loss_curve_) == 60
    assert felt.limbic_loss_curve_[-1] < 0.1 * felt.limbic_loss_curve_[0]
    assert felt.n_parameters_["limbic_system"] == sum(p.numel() for p in felt.limbic_.parameters())


def test_windows_of_one_clip_are_remembered_and_those_of_others_are_not(felt: AVFBEL, clips: Samples) -> None:
    together = felt.predict(clips)
    clip = clips.sequence[clips.row]
    one = clips.select(clip == 3)
    np.testing.assert_allclose(felt.predict(one), together[clip == 3], atol=1e-5)
    shuffled = np.random.default_rng(0).permutation(len(clips))
    np.testing.assert_allclose(felt.predict(clips.select(shuffled)), together[shuffled], atol=1e-5)
    apart = felt.predict(replace(clips, sequence=None))
    first = clips.row % 3 == 0
    np.testing.assert_allclose(apart[first], together[first], atol=1e-5)
    assert np.abs(apart[~first] - together[~first]).max() > 1e-3


def test_windows_without_evidence_are_silent_and_leave_no_trace(felt: AVFBEL, clips: Samples) -> None:
    evidence = clips.evidence.copy()
    evidence[4] = 0.0  # the middle window of the second clip
    gap = replace(clips, evidence=evidence)
    said = felt.activity(gap)
    silent = clips.row == 4
    assert not said.emotion[silent].any()
    assert not said.regions[silent].any()
    np.testing.assert_allclose(
        said.emotion[~silent], felt.predict(gap.select(np.flatnonzero(~silent))), atol=1e-5
    )


@pytest.mark.parametrize("name", REGIONS)
def test_lesions_silence_their_region(felt: AVFBEL, clips: Samples, name: str) -> None:
    gain = np.ones(len(REGIONS))
    gain[REGIONS.index(name)] = 0.0
    before, after = felt.activity(clips), felt.activity(clips, gain=gain)
    assert before.regions[:, REGIONS.index(name)].any()
    assert not after.regions[:, REGIONS.index(name)].any()
    assert (before.emotion != after.emotion).any()
    if name == "aSTG":
        assert not after.emotion.any()


@pytest.mark.parametrize("rule", ["moren", "published"])
def test_the_same_seed_gives_the_same_weights_and_feelings(clips: Samples, rule: str) -> None:
    first, second, other = (
        gradient(epochs=2, bel_epochs=3, random_state=seed, rule=rule).fit(clips) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.predict(clips), second.predict(clips))
    np.testing.assert_array_equal(first.predict(clips), first.predict(clips))
    assert not np.array_equal(first.predict(clips), other.predict(clips))
    for a, b in zip(first.limbic_.parameters(), second.limbic_.parameters(), strict=True):
        assert torch.equal(a, b)


def test_both_ways_of_learning_share_the_sensory_regions(clips: Samples) -> None:
    local, recurrent = (
        gradient(epochs=2, bel_epochs=2, learning=how).fit(clips) for how in ("local", "gradient")
    )
    for name, weight in local.network_.state_dict().items():
        assert torch.equal(weight, recurrent.network_.state_dict()[name]), name


@pytest.mark.parametrize("rule", ["moren", "published"])
def test_online_learning_comes_nearer_to_a_person(clips: Samples, rule: str) -> None:
    model = gradient(rule=rule).fit(clips)
    cortex = {name: tensor.clone() for name, tensor in model.network_.state_dict().items()}
    one = clips.select(clips.sequence[clips.row] == 2)
    person = replace(one, rewards=np.tile([0.9, 0.0, 0.3, 0.0, 0.9], (len(one), 1)))
    error = [np.abs(model.predict(one) - person.rewards).mean()]
    for _ in range(60):
        error.append(np.abs(model.partial_fit(person).predict(one) - person.rewards).mean())
    assert error[-1] < 0.25 * error[0]
    for name, tensor in model.network_.state_dict().items():
        assert torch.equal(tensor, cortex[name])


def test_changing_the_way_of_learning_leaves_nothing_behind(clips: Samples) -> None:
    model = gradient(epochs=1, bel_epochs=1).fit(clips)
    model.set_params(learning="local").fit(clips)
    assert not hasattr(model, "limbic_")
    assert model.limbic_weights().V.shape == (32, 5)
    assert not hasattr(model.set_params(learning="gradient").fit(clips), "state_")


def test_what_gradient_learning_cannot_do_is_named(felt: AVFBEL, clips: Samples) -> None:
    with pytest.raises(ValueError, match="train with learning='local'"):
        felt.limbic_weights()
    with pytest.raises(ValueError, match="learning must be local or gradient, got 'dream'"):
        AVFBEL(learning="dream").fit(clips)
    with pytest.raises(NotFittedError, match="call fit first"):
        AVFBEL(learning="gradient").partial_fit(clips)
