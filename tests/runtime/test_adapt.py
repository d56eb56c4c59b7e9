"""Adapting: the limbic system learns on by its own rule towards what was rated, and the card says so."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from avfbel.brain.limbic import LimbicParameters, LimbicState, limbic_step
from avfbel.data import Dataset, load_dataset, rewards_from
from avfbel.emotion import EMOTIONS
from avfbel.errors import InputError, UsageError
from avfbel.runtime import Bundle, Predictor, analyze
from avfbel.runtime.adapt import Adaptation, adapt, learning_parameters

Rate = Callable[..., Path]


@pytest.fixture(scope="module")
def rate(clips: Path) -> Rate:
    """A function that writes ratings of clips, beside them, and returns the file."""

    def write(*rows: dict[str, object], name: str = "ratings.csv") -> Path:
        path = clips / name
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def adapted(path: Path, **options: object) -> Adaptation:
    return adapt(path, jobs=1, **options)


@settings(max_examples=8)
@given(epp=st.floats(0, 1), loud=st.floats(0, 1))
def test_predictions_move_towards_the_ratings(rate: Rate, epp: float, loud: float) -> None:
    done = adapted(rate({"media": "plain.mp4", "epp": epp}, {"media": "sound.wav", "epp": loud}))
    assert done.rated.tolist() == [epp, loud]
    before, after = (np.abs(said - done.rated) for said in (done.before, done.after))
    assert after.mean() <= max(before.mean(), 0.05)
    assert ((done.after >= 0) & (done.after <= 1)).all()


def test_repeated_it_learns_them(rate: Rate) -> None:
    path, bundle = rate({"media": "plain.mp4", "epp": 0.1}), Bundle.open()
    distances = []
    for _ in range(24):
        done = adapted(path, model=bundle)
        distances.append(abs(done.after[0] - 0.1))
        bundle = done.bundle
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.05
    assert len(bundle.card["adaptations"]) == 24
    assert bundle.card["metrics_before_adaptation"] == Bundle.open().card["metrics"]


def test_it_takes_the_steps_of_the_rule(rate: Rate) -> None:
    path = rate(
        {"media": "plain.mp4", **dict.fromkeys(EMOTIONS, 0.1), "calm": 0.7},
        {"media": "noaudio.mp4", **dict.fromkeys(EMOTIONS, 0.0), "anger": 1.0},
    )
    bundle, data = Bundle.open(), load_dataset(path, jobs=1)
    state = LimbicState(*(bundle.weights[name].astype(float) for name in LimbicState._fields))
    card = bundle.card["parameters"]
    predictor = Predictor(bundle)
    assert (np.bincount(data.clip) > 1).all()
    weight = data.evidence.max(axis=1)
    for row, clip in enumerate(data.clip):
        share = weight[row] / weight[data.clip == clip].sum()
        rates = {name: share * 0.5 * card[name] for name in ("alpha", "beta", "gamma")}
        reward = np.array([[0.1, 0.1, 0.1, 0.7, 0.1], [0, 0, 1.0, 0, 0]][clip])
        seen = (data.maps[[row]], data.acoustic[[row]], data.evidence[[row]])
        x = predictor.predict_arrays(*seen).x_fused[0]
        state, _ = limbic_step(state, x, reward, LimbicParameters(kappa=card["kappa"], **rates))
    done = adapted(path, rate=0.5).bundle.weights
    for name, expected in state._asdict().items():
        assert done[name] == pytest.approx(expected, abs=1e-6)
    assert done["gain"].tolist() == bundle.weights["gain"].tolist()


def moved(done: Adaptation, bundle: Bundle) -> dict[str, NDArray[np.floating]]:
    return {name: done.bundle.weights[name] - bundle.weights[name] for name in ("V", "T", "U")}


def test_a_rating_counts_once_into_however_many_windows_its_clip_is_cut(
    rate: Rate, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, bundle = rate({"media": "plain.mp4", "epp": 0.95}), Bundle.open()
    whole = windows_of(load_dataset(path, jobs=1), [0])
    steps = {}
    for n in (1, 2, 8, 32):
        monkeypatch.setattr(
            "avfbel.runtime.adapt.load_dataset", lambda *_, n=n, **__: windows_of(whole, [0] * n)
        )
        steps[n] = moved(adapted(path), bundle)
    for n in (2, 8, 32):
        for name, once in steps[1].items():
            # n shares of a step leave (1 - alpha / n)^n of an error, and not 1 - alpha
            assert np.linalg.norm(steps[n][name] - once) <= 0.15 * np.linalg.norm(once)
    assert np.linalg.norm(steps[1]["U"]) > 0


def test_a_window_learns_by_its_share_of_what_the_clip_perceives(
    rate: Rate, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, bundle = rate({"media": "plain.mp4", "epp": 0.95}), Bundle.open()
    data = load_dataset(path, jobs=1)
    alone, faint = windows_of(data, [0]), windows_of(data, [0, 1])
    evidence = np.array([data.evidence[0], [1e-6, 1e-6]])
    found = []
    for told in (alone, replace(faint, evidence=evidence)):
        monkeypatch.setattr("avfbel.runtime.adapt.load_dataset", lambda *_, told=told, **__: told)
        found.append(moved(adapted(path), bundle))
    for name, once in found[0].items():
        assert found[1][name] == pytest.approx(once, abs=1e-5)


def windows_of(data: Dataset, rows: list[int]) -> Dataset:
    """Return the data with some of its windows, in another order or several times."""
    names = ("clip", "start_s", "end_s", "maps", "visual", "acoustic", "evidence")
    return replace(data, **{name: getattr(data, name)[rows] for name in names})


def test_calibrated_intervals_are_not_handed_on(rate: Rate) -> None:
    bundle = Bundle.open()
    calibrated = replace(bundle, card={**bundle.card, "intervals": {"epp": 0.2}})
    card = adapted(rate({"media": "plain.mp4", "epp": 0.9}), model=calibrated).bundle.card
    assert "intervals" not in card
    assert card["parameters"] == bundle.card["parameters"]


@pytest.mark.parametrize(("column", "value"), [("epp", 0.8), ("valence", 0.3)])
def test_positivity_alone_becomes_the_rewards_of_training(rate: Rate, column: str, value: float) -> None:
    alone = adapted(rate({"media": "plain.mp4", column: value}))
    five = dict(zip(EMOTIONS, rewards_from(**{column: value}).tolist(), strict=True))
    told = adapted(rate({"media": "plain.mp4", **five}))
    for name, array in alone.bundle.weights.items():
        assert array == pytest.approx(told.bundle.weights[name], abs=1e-6)
    assert np.isnan(alone.rated[0]) == (column == "valence")


def test_a_saved_bundle_analyses_and_says_what_it_is(rate: Rate, clips: Path, tmp_path: Path) -> None:
    path = rate({"media": "plain.mp4", "epp": 0.95}, {"media": "silent.mp4", "epp": 0.05})
    done = adapted(path)
    assert done.save(tmp_path / "mine") == tmp_path / "mine"
    adapted(path).save(tmp_path / "again")
    for name in ("card.json", "model.onnx", "weights.safetensors"):
        assert (tmp_path / "mine" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    mine, original = Bundle.open(tmp_path / "mine"), Bundle.open()
    assert mine.sha256 == done.bundle.sha256
    assert mine.network == original.network
    assert mine.card["adapted_from"] == original.sha256
    (step,) = mine.card["adaptations"]
    assert (step["ratings"], step["clips"], step["rate"]) == (2, 2, 1.0)
    assert (mine.card["metrics"], mine.card["training_mse"]) == ({}, None)
    assert mine.card["metrics_before_adaptation"] == original.card["metrics"]
    said = analyze(clips / "plain.mp4", model=tmp_path / "mine")
    assert said.epp == pytest.approx(done.after[0], abs=0.01)  # maps are kept in half precision to learn
    assert said.epp > analyze(clips / "plain.mp4").epp
    assert analyze(clips / "black.mp4", model=tmp_path / "mine").epp == 0.5
    with pytest.raises(UsageError, match=r"holds something else than a bundle"):
        done.save(clips)


def test_clips_without_evidence_teach_nothing(rate: Rate) -> None:
    some = adapted(rate({"media": "black.mp4", "epp": 0.9}, {"media": "plain.mp4", "epp": 0.9}))
    assert some.media.tolist() == ["plain.mp4"]
    alone = adapted(rate({"media": "plain.mp4", "epp": 0.9}))
    for name, array in some.bundle.weights.items():
        assert array.tolist() == alone.bundle.weights[name].tolist()
    with pytest.raises(UsageError, match="rates no clip in which avf-bel perceives sound or movement"):
        adapted(rate({"media": "black.mp4", "epp": 0.9}))


def test_a_lesioned_region_does_not_learn(rate: Rate) -> None:
    bundle = Bundle.open()
    gain = bundle.weights["gain"].copy()
    gain[bundle.regions.index("amygdala")] = 0.0
    lesioned = replace(bundle, weights={**bundle.weights, "gain": gain})
    done = adapted(rate({"media": "plain.mp4", "epp": 0.9}), model=lesioned)
    assert done.bundle.weights["V"].tolist() == bundle.weights["V"].tolist()
    assert done.bundle.weights["U"].tolist() != bundle.weights["U"].tolist()
    gain[bundle.regions.index("amygdala")] = 0.5
    with pytest.raises(InputError, match="neither 0 nor 1: adapt the model first"):
        learning_parameters(replace(bundle, weights={**bundle.weights, "gain": gain}))


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), 1e3])
def test_rates_that_cannot_be_are_refused(factor: float) -> None:
    with pytest.raises(UsageError, match=r"the rate is a factor above 0 and below 5 for avf-bel, got"):
        learning_parameters(Bundle.open(), factor)


def test_what_cannot_be_adapted_to_is_refused(rate: Rate, clips: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no ratings at nowhere.csv: give a CSV file"):
        adapted(Path("nowhere.csv"))
    (clips / "none.csv").write_text("media,epp\n")
    with pytest.raises(UsageError, match="there are no rows below the header"):
        adapted(clips / "none.csv")
    with pytest.raises(InputError, match=r"not_media.mp4"):
        adapted(rate({"media": "not_media.mp4", "epp": 0.5}))


def test_a_card_without_rule_is_refused(bundle: Path) -> None:
    with pytest.raises(InputError, match="lacks 'parameters': train the model again"):
        learning_parameters(Bundle.open(bundle))
