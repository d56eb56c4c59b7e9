"""The protocol `personalised`: a person is learned from a few ratings, and nothing about them leaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from avfbel.brain.limbic import LimbicParameters, LimbicState, limbic_output, limbic_step
from avfbel.cli.learning import app
from avfbel.data import KINDS, Dataset
from avfbel.emotion import predicted_epp, predicted_valence, rating_epp, rating_valence
from avfbel.errors import UsageError
from avfbel.learn import make_folds
from avfbel.learn.panel import Panel
from avfbel.learn.personalised import (
    Panels,
    choose,
    errors_of,
    join_people,
    panel_mean,
    personalise,
    take_for_person,
    unpersonalised,
)
from avfbel.learn.personalised_draws import Plan, draw_ratings
from avfbel.learn.personalised_learners import (
    OffsetAndSlope,
    Online,
    Ridge,
    Setting,
    Situation,
    grid,
    positivity_of,
    ridge_features,
    say,
    standard_learners,
)
from avfbel.learn.personalised_material import Material, check_online, make_material
from avfbel.learn.personalised_result import SOMEBODY_ELSE, Personalisation

Array = NDArray[np.float64]
PLAN = Plan(shown=(1, 4, 8), draws=6, inner_draws=3, passes=30)
FEW = {
    "bel": Online(settings=grid(alpha=(0.05, 0.2), beta=(0.1, 0.4))),
    "ridge": Ridge(settings=grid(spread=(0.0,), penalty=(0.5, 5.0))),
    "offset and slope": OffsetAndSlope(settings=grid(spread=(0.0, 1.0), penalty=(2.0, 20.0))),
}


def make_people(tilt: Array, *, n: int = 16, noise: float = 0.1, seed: int = 0) -> Material:
    """Raters of n stimuli, heard and seen; `tilt` is how much more calm and happiness each feels, and less
    of the others."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(2 * n, 4))
    codes = np.concatenate([np.maximum(z, 0), np.maximum(-z, 0), np.ones((2 * n, 1))], axis=1)
    true = np.clip(0.35 + 0.08 * z @ rng.normal(size=(4, 5)), 0.05, 1)
    sign = np.array([-1, -1, -1, 1, 1])
    felt = true + np.asarray(tilt)[:, None, None] * sign + rng.normal(0, noise, (len(tilt), 2 * n, 5))
    rewards = np.clip(felt, 0.01, 1)
    return Material(
        raters=tuple(f"r{k}" for k in range(len(tilt))),
        stimulus=np.tile([f"s{k:02d}" for k in range(n)], 2),
        kind=np.repeat(["audio", "video"], n),
        codes=codes,
        rewards=rewards,
        positivity=np.stack([rating_epp(rewards), rating_valence(rewards)], axis=-1),
        asked=np.ones(2 * n, dtype=bool),
        parameters=LimbicParameters(),
    )


@pytest.fixture(scope="module")
def tilted() -> Material:
    """Six raters who differ much in how positive everything feels to them."""
    return make_people(np.array([0.15, -0.15, 0.1, -0.1, 0.15, -0.15]))


@pytest.fixture(scope="module")
def learned(tilted: Material) -> Personalisation:
    return personalise(tilted, learners=FEW, plan=PLAN)


@pytest.mark.parametrize("target", ["epp", "valence"])
@pytest.mark.parametrize("way", list(FEW))
def test_raters_with_an_offset_are_learned_and_the_more_the_better(
    learned: Personalisation, way: str, target: str
) -> None:
    values = [row.value for row in learned.change(way, target)]
    assert values[0] == 0
    assert values[3] < values[2] < values[1] < 0
    assert values[3] < -0.3  # the offset is most of the error: its variance is about twice the noise's
    claim = learned.claim(target, way=way)
    assert claim["earned"]
    assert claim["raters_better"] == 6


def test_someone_else_s_ratings_teach_nothing_about_a_person(learned: Personalisation) -> None:
    assert all(row.value > 0 for row in learned.change(SOMEBODY_ELSE, "epp")[1:])


def test_without_ratings_the_model_is_exactly_the_unpersonalised_one(
    tilted: Material, learned: Personalisation
) -> None:
    for rater in range(6):
        panels = Panels(tilted, [frozenset({rater})], PLAN)
        draws = draw_ratings(tilted, rater, PLAN)
        state = panels.state(frozenset({rater}), draws.group)
        alone = LimbicState(*(weights[0] for weights in state))
        said = limbic_output(alone, tilted.codes, tilted.parameters).emotion
        squared = (predicted_epp(said) - tilted.positivity[rater, :, 0]) ** 2
        want = np.mean([squared[test].mean() for test in draws.tests[:, :, 0]])
        for way in learned.errors:
            assert learned.errors[way][rater, 0, 0, 0] == pytest.approx(want, rel=1e-12)
    first = learned.errors["bel"][:, 0]
    assert all(np.array_equal(first, errors[:, 0]) for errors in learned.errors.values())
    person = take_for_person(tilted, 5, frozenset({5}), panels, draws)
    frozen = Online(settings=[{"alpha": 0.0, "beta": 0.0}])
    after = errors_of(person, frozen.learn(person.situation, (1, 4), frozen.settings[0]))
    np.testing.assert_array_equal(after, np.repeat(unpersonalised(person), 2, axis=1))


@pytest.mark.parametrize("groups", [1, 4])
def test_nothing_that_is_predicted_was_shown(tilted: Material, groups: int) -> None:
    rated = np.ones(len(tilted.stimulus), dtype=bool)
    rated[[3, 7]] = False
    positivity = tilted.positivity.copy()
    positivity[:, ~rated] = np.nan
    material = replace(tilted, positivity=positivity)
    plan = replace(PLAN, groups=groups, draws=9)
    for rater in range(6):
        order, tests, group = draw_ratings(material, rater, plan)
        for shown, test in zip(order, tests, strict=True):
            assert len(set(shown)) == 8
            assert rated[shown].all()
            assert rated[test[:, 0]].all()
            assert not test[shown].any()
            assert not np.isin(material.stimulus[test[:, 1]], material.stimulus[shown]).any()
            assert (test[:, 1] <= test[:, 0]).all()
        assert (group == (-1 if groups == 1 else np.arange(9) % 4)).all()


def test_stimuli_that_are_held_out_are_in_no_one_s_lessons(tilted: Material) -> None:
    """What anybody feels at the stimuli a draw is tested on makes no difference to its model."""
    plan = replace(PLAN, groups=4, draws=4)
    draws = draw_ratings(tilted, 0, plan)
    for draw in range(4):
        tested = draws.tests[draw, :, 0]
        other = replace(tilted, rewards=np.where(tested[:, None], 1.0, tilted.rewards))
        states = [
            Panels(of, [frozenset({0})], plan).state(frozenset({0}), draws.group[[draw]])
            for of in (tilted, other)
        ]
        np.testing.assert_array_equal(states[0].V, states[1].V)
        np.testing.assert_array_equal(states[0].U, states[1].U)


class Spy:
    """Learns nothing, and remembers what it was asked to choose from and to predict."""

    settings = ({"rate": 0.0}, {"rate": 1.0})

    def __init__(self) -> None:
        self.met: list[Situation] = []

    def learn(self, situation: Situation, shown: Sequence[int], setting: Setting) -> Array:
        self.met.append(situation)
        said = positivity_of(say(situation.state, situation.codes, situation.parameters))
        return np.repeat(said[:, None], len(shown), axis=1)


def test_a_planted_rater_has_no_say_in_their_own_settings() -> None:
    """Rater 0 has an extreme taste, for whom a high rate would pay; the others have none at all.

    The others choose a low one. And whatever rater 0 felt, what the choice is made from is the same to the
    last bit: models, ratings and subsets.
    """
    rates = [{"alpha": 0.001, "beta": 0.001}, {"alpha": 0.5, "beta": 0.5}]
    planted = make_people(np.array([0.3, 0.0, 0.0, 0.0, 0.0, 0.0]))
    found = personalise(planted, learners={"bel": Online(settings=rates)}, plan=PLAN)
    assert found.chosen["bel"][0] == rates[0]
    rewards = planted.rewards.copy()
    rewards[0] = np.random.default_rng(1).uniform(0.01, 1, rewards[0].shape)
    positivity = np.stack([rating_epp(rewards), rating_valence(rewards)], axis=-1)
    spies = [Spy(), Spy()]
    for of, spy in zip(
        (planted, replace(planted, rewards=rewards, positivity=positivity)), spies, strict=True
    ):
        personalise(of, learners={"spy": spy}, plan=PLAN)
        assert len(spy.met) == 6 * 3  # for each rater: two settings on the others, and then the person
    (before, _, own), (after, _, own_after) = (spy.met[:3] for spy in spies)
    for one, two in zip((*before[2:5], *before.state), (*after[2:5], *after.state), strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(own.rewards, own_after.rewards)
    np.testing.assert_array_equal(own.state.V, own_after.state.V)


def test_a_model_that_knows_the_person_is_refused(tilted: Material) -> None:
    panels = Panels(tilted, [frozenset({1})], PLAN)
    with pytest.raises(ValueError, match="know rater 0 already"):
        take_for_person(tilted, 0, frozenset({1}), panels, draw_ratings(tilted, 0, PLAN))


def test_the_panel_is_the_mean_of_the_others() -> None:
    material = make_people(np.zeros(4), n=8)
    rewards = material.rewards.copy()
    rewards[1, 0], rewards[:, 2] = np.nan, np.nan
    got = panel_mean(replace(material, rewards=rewards), frozenset({0, 3}))
    np.testing.assert_allclose(got[0], rewards[2, 0])
    np.testing.assert_allclose(got[1], (rewards[1, 1] + rewards[2, 1]) / 2)
    assert np.isnan(got[2]).all()


def situation(material: Material, rater: int = 0, *, draws: int = 2) -> Situation:
    plan = replace(PLAN, draws=draws)
    panels = Panels(material, [frozenset({rater})], plan)
    return take_for_person(
        material, rater, frozenset({rater}), panels, draw_ratings(material, rater, plan)
    ).situation


@pytest.mark.parametrize("repeats", [1, 3])
def test_online_is_a_step_of_the_local_rule_a_rating(tilted: Material, repeats: int) -> None:
    s = situation(tilted)
    setting = {"alpha": 0.07, "beta": 0.3, "repeats": repeats}
    said = Online(settings=[setting]).learn(s, (1, 4), setting)
    parameters = LimbicParameters(alpha=0.07, beta=0.3)
    for model in range(2):
        state = LimbicState(*(weights[model] for weights in s.state))
        for number, item in enumerate(s.order[model, :4]):
            for _ in range(repeats):
                state, _ = limbic_step(state, s.codes[item], s.rewards[model, item], parameters)
            if number in (0, 3):
                emotion = limbic_output(state, s.codes, parameters).emotion
                want = np.stack([predicted_epp(emotion), predicted_valence(emotion)], axis=-1)
                np.testing.assert_allclose(said[model, 0 if number == 0 else 1], want, atol=1e-12)


def test_an_added_cue_says_nothing_before_it_is_learned(tilted: Material) -> None:
    s = situation(tilted)
    before = positivity_of(say(s.state, s.codes, s.parameters))
    for learns in (False, True):
        setting = {"alpha": 0.1 * learns, "beta": 0.1 * learns, "context": 0.9}
        said = Online(settings=[setting]).learn(s, (1,), setting)[:, 0]
        assert np.allclose(said, before) is not learns


def test_who_moves_the_sliders_half_as_far_is_brought_to_the_panel_s_scale() -> None:
    """The same person at half the scale: with many ratings the factor makes up for it."""
    material = make_people(np.zeros(5), noise=0.0)
    rewards = material.rewards.copy()
    rewards[0] /= 2
    s = situation(replace(material, rewards=rewards))
    setting = {"alpha": 0.2, "beta": 0.4}
    ways = [Online(settings=[setting]).learn(s, (8,), {**setting, "scaled": scaled}) for scaled in (0, 1)]
    before = positivity_of(say(s.state, s.codes, s.parameters))[:, None]
    plain, scaled = (np.abs(said - before).mean() for said in ways)
    assert scaled < plain


def test_ridge_is_the_regression_of_the_residuals(tilted: Material) -> None:
    from sklearn.linear_model import Ridge as Reference

    s = situation(tilted)
    before = say(s.state, s.codes, s.parameters)
    for spread in (0.0, 2.0):
        setting = {"penalty": 3.0, "spread": spread}
        said = Ridge(settings=[setting]).learn(s, (2, 8), setting)
        features = ridge_features(s.codes, spread)
        for model in range(2):
            shown = s.order[model, :8]
            reference = Reference(alpha=3.0, fit_intercept=False)
            reference.fit(features[shown], s.rewards[model, shown] - before[model, shown])
            want = positivity_of(before[model] + reference.predict(features))
            np.testing.assert_allclose(said[model, 1], want, atol=1e-9)


def test_offset_alone_is_a_shrunken_mean_of_what_is_left(tilted: Material) -> None:
    s = situation(tilted)
    before = positivity_of(say(s.state, s.codes, s.parameters))
    setting = {"penalty": 5.0, "spread": 0.0}
    said = OffsetAndSlope(settings=[setting]).learn(s, (4,), setting)[:, 0]
    for model in range(2):
        shown = s.order[model, :4]
        offset = (s.positivity[model, shown] - before[model, shown]).sum(axis=0) / (4 + 5.0)
        np.testing.assert_allclose(said[model], np.clip(before[model] + offset, 0, 1), atol=1e-12)


def test_the_setting_with_the_least_error_on_others_is_chosen(tilted: Material) -> None:
    plan = replace(PLAN, draws=4)
    without = [frozenset({0, other}) for other in (1, 2)]
    panels = Panels(tilted, without, plan)
    people = [
        take_for_person(tilted, other, left, panels, draw_ratings(tilted, other, plan))
        for other, left in zip((1, 2), without, strict=True)
    ]
    together = join_people(people)
    learner = Online(settings=grid(alpha=(0.0, 0.1), beta=(0.0, 0.2, 0.9)))
    score = [
        np.mean([errors_of(p, learner.learn(p.situation, (1, 4), of))[..., 0] for p in people], axis=(0, 1))
        / np.mean([unpersonalised(p)[..., 0] for p in people], axis=(0, 1))
        for of in learner.settings
    ]
    best = int(np.argmin([part.mean() for part in score]))
    assert choose(learner, together, (1, 4)) == learner.settings[best]


def test_too_few_people_or_ratings_are_refused(tilted: Material) -> None:
    with pytest.raises(UsageError, match="four people or more, and there are 3"):
        personalise(make_people(np.zeros(3)), learners=FEW, plan=PLAN)
    with pytest.raises(UsageError, match="r0 gave 32 ratings that could be shown, and 40"):
        personalise(tilted, learners=FEW, plan=replace(PLAN, shown=(40,)))
    with pytest.raises(UsageError, match="r0 rated too few stimuli"):
        personalise(tilted, learners=FEW, plan=replace(PLAN, shown=(31,)))


def test_intervals_are_over_raters_and_paired() -> None:
    """Two ways with the same gain beside much variation between raters: their difference has no width."""
    rng = np.random.default_rng(0)
    before = rng.uniform(0.05, 0.2, (30, 1, 2, 1))
    gain = rng.normal(-0.01, 0.02, (30, 1, 2, 1))
    errors = np.concatenate([before, before + gain], axis=1)
    result = Personalisation(
        raters=tuple(f"r{k}" for k in range(30)),
        shown=(0, 8),
        tests=("other ratings",),
        errors={"bel": errors, "same": errors.copy()},
        chosen={},
    )
    assert result.change("bel", "epp", beside="same")[1] == (0.0, 0.0, 0.0)
    row = result.change("bel", "epp")[1]
    assert row.value == pytest.approx(gain[..., 0, 0].mean() / before[..., 0, 0].mean())
    width = 2 * 1.96 * gain[..., 0, 0].std() / np.sqrt(30) / before[..., 0, 0].mean()
    assert row.high - row.low == pytest.approx(width, rel=0.15)  # normal theory; 30 raters, 4000 draws


def test_a_claim_is_earned_only_if_no_number_of_ratings_is_worse() -> None:
    def result(*changes: float) -> Personalisation:
        errors = np.tile(1 + np.array([0.0, *changes])[:, None, None], (5, 1, 2, 1))
        errors += 1e-6 * np.arange(5)[:, None, None, None]
        return Personalisation(
            raters=tuple("abcde"), shown=(0, 4, 8, 16), tests=("t",), errors={"bel": errors}, chosen={}
        )

    assert result(-0.01, -0.02, -0.03).claim("epp")["earned"]
    worse = result(0.01, -0.02, -0.03).claim("epp")
    assert (worse["earned"], worse["never_worse"], worse["surely_worse_at"]) == (False, False, [4])
    late = result(-0.01, 0.0, -0.03).claim("epp")
    assert (late["earned"], late["never_worse"]) == (False, True)
    assert "worse on average somewhere" in "\n".join(result(0.01, -0.02, -0.03).lines(target="epp"))


def test_a_result_prints_draws_and_becomes_plain_values(learned: Personalisation) -> None:
    lines = "\n".join(learned.lines(target="valence"))
    assert "valence, ridge" in lines
    assert "valence, bel - ridge" in lines
    assert "epp" not in lines
    plain = learned.to_dict()
    assert plain["tests"]["other stimuli"]["epp"]["claim"]["bel"]["earned"] is True
    assert len(plain["chosen"]["ridge"]) == 6
    ax = learned.plot(target="epp", test=1)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1", "4", "8"]
    assert ax.get_legend_handles_labels()[1] == [*FEW, SOMEBODY_ELSE]


def test_codes_and_ratings_of_clips_become_those_of_stimuli(make_world: Callable[..., Dataset]) -> None:
    data = make_world(6)
    rng = np.random.default_rng(0)
    felt = np.clip(data.targets["fused"].emotions + rng.normal(0, 0.05, (5, data.n_clips, 5)), 0.01, 1)
    given = np.full((5, data.n_clips, 2), np.nan)
    panel = Panel(raters=tuple("abcde"), emotions=dict.fromkeys(KINDS, felt), given=given)
    material = make_material("bel", data, panel)
    assert material.codes.shape[0] == 18
    assert (material.codes >= 0).all()
    assert (material.asked == (material.kind == "fused")).all()  # people rated these clips as they are
    own = felt[2, data.stimulus == "s03"].mean(axis=0)
    row = np.flatnonzero((material.stimulus == "s03") & (material.kind == "audio"))[0]
    np.testing.assert_allclose(material.rewards[2, row], own)

    shifted = Panel(raters=panel.raters, emotions=dict.fromkeys(KINDS, felt[:, ::-1]), given=given)
    again = make_material("bel", data, shifted)
    np.testing.assert_array_equal(again.codes, material.codes)  # a code without cortex knows no ratings


@pytest.mark.parametrize("name", ["ridge", "avf-bel-gradient"])
def test_what_does_not_learn_online_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} does not learn online"):
        check_online(name)


def test_it_is_no_division_into_folds() -> None:
    with pytest.raises(UsageError, match="personalised has no folds"):
        make_folds("personalised", stimulus=["a", "b"])


def test_standard_ways_have_the_rates_of_training_among_them() -> None:
    ways = standard_learners(LimbicParameters(alpha=0.03, beta=0.07))
    assert list(ways) == ["bel", "bel, as trained", "ridge", "offset and slope"]
    assert ways["bel, as trained"].settings == [{"alpha": 0.03, "beta": 0.07}]


def test_the_command_prints_writes_and_draws(
    make_world: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = make_world(20, clips_each=1)
    rng = np.random.default_rng(0)
    felt = np.clip(data.targets["fused"].emotions + rng.normal(0, 0.1, (4, 20, 5)), 0.01, 1)
    given = np.full((4, 20, 2), np.nan)
    panel = Panel(raters=tuple("abcd"), emotions=dict.fromkeys(KINDS, felt), given=given)
    run = "avfbel.learn.personalised_run"
    monkeypatch.setattr(f"{run}.load_dataset", lambda *args, **options: data)
    monkeypatch.setattr(f"{run}.load_panel", lambda *args: panel)
    monkeypatch.setattr(f"{run}.check_panel", lambda *args: list("abcd"))
    quick = Plan(draws=2, inner_draws=1, passes=3)
    monkeypatch.setattr(f"{run}.Plan", lambda *, seed: replace(quick, seed=seed))
    out, plot = tmp_path / "result.json", tmp_path / "result.png"
    asked = ["evaluate", "made.csv", "--model", "bel", "--protocol", "personalised", "--target", "epp"]
    done = CliRunner().invoke(app, [*asked, "--out", str(out), "--plot", str(plot)])
    assert done.exit_code == 0, done.output
    assert "epp, bel, as trained" in done.output
    assert "valence" not in done.output
    found = json.loads(out.read_text())["results"]["bel"]
    assert (found["raters"], found["shown"]) == (list("abcd"), [0, 1, 2, 4, 8, 16])
    assert plot.stat().st_size > 10_000
    assert CliRunner().invoke(app, [*asked, "--out", str(out), "--resume"]).exit_code == 2
    assert CliRunner().invoke(app, [*asked, "--model", "bel-m", "--plot", str(plot)]).exit_code == 2
