"""Training: from a data set to a bundle that the runtime opens, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from avfbel.brain import REGIONS
from avfbel.data import KINDS, Dataset
from avfbel.emotion import predicted_epp, predicted_valence
from avfbel.errors import UsageError
from avfbel.learn import Settings, cross_validate, export, train_bundle, training
from avfbel.learn.calibration import calibrate
from avfbel.learn.candidates import Circuit, circuit
from avfbel.learn.card import feature_ranges, make_card, reference
from avfbel.learn.cortex import read_cortex
from avfbel.learn.jackknife import Choice
from avfbel.learn.training import protocols_for, write_bundle
from avfbel.runtime import Bundle
from avfbel.runtime.bundle_folder import check_destination
from avfbel.runtime.engine import Predictor
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES, SensoryFeatures
from avfbel.stimulus import named_stimuli

Make = Callable[..., Dataset]
FILES = ["card.json", "model.onnx", "weights.safetensors"]
SMALL = {"width": 2, "n_visual": 8, "hidden": 8}
ONE_EPOCH = Settings(epochs=1, parameters=SMALL)


@pytest.fixture(autouse=True)
def one_batch_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports are compared with torch on one batch: test_export tries many."""
    monkeypatch.setattr(export, "TRIED_BATCHES", (2,))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_bundle_is_evaluated_trained_and_opens(make_world: Make, tmp_path: Path) -> None:
    world = make_world(3)
    told: list[tuple[str, int, int]] = []
    out = tmp_path / "new" / "bundle"
    settings = Settings(epochs=2, seed=4)
    card = train_bundle(
        "avf-bel", world, out, settings=settings, jobs=1, progress=lambda *step: told.append(step)
    )
    assert names_in(out) == FILES
    assert names_in(out.parent) == ["bundle"]
    bundle = Bundle.open(out)
    assert bundle.card == json.loads(json.dumps(card)) == json.loads((out / "card.json").read_text())
    assert (bundle.name, bundle.regions) == ("avf-bel", REGIONS)
    held_out = cross_validate("avf-bel", world, "leave-stimulus-out", settings=settings, jobs=1)
    assert card["metrics"] == {"leave-stimulus-out": held_out.metrics()}
    assert list(card["metrics"]["leave-stimulus-out"]) == list(KINDS)
    assert told == [("avf-bel, leave-stimulus-out", done, 3) for done in range(4)]
    assert card["intervals"] is None, "three stimuli are too few"


def test_epochs_of_a_cortex_that_learns_are_told(make_world: Make, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    card = train_bundle(
        "avf-bel", make_world(2), tmp_path / "b", settings=ONE_EPOCH, progress=lambda *step: told.append(step)
    )
    assert told == [("training on all clips", 1, 1)]
    assert len(card["loss_curve"]) == card["parameters"]["epochs"] == 1
    assert card["cortex"] is card["fused_units"] is None


def test_the_card_says_what_architecture_asks_for(make_world: Make, tmp_path: Path) -> None:
    world = make_world(2)
    card = train_bundle("m-bel", world, tmp_path / "b", settings=Settings(epochs=2, seed=7), jobs=1)
    assert card["format"] == "avfbel-bundle/1"
    assert (card["name"], card["data"], card["seed"]) == ("m-bel", "made", 7)
    assert card["trained_on"] == "2 stimuli, 4 clips, 8 windows of up to 4 s"
    assert (card["window_s"], card["hop_s"], card["kinds"]) == (4.0, 1.0, ["audio"])
    assert "lambda = 0.05" in card["epp_definition"]
    assert set(card["created_with"]) == {"python", "av", "numpy", "scipy", "torch"}
    assert set(card["feature_ranges"]) == set(ALL_ACOUSTIC), "what it does not read has no range"
    assert card["parameters"]["bel_epochs"] == 2
    cortex = read_cortex()
    assert card["cortex"] == cortex.story
    assert card["fused_units"] == list(cortex.unit_names)
    assert (card["parameters"]["width"], card["loss_curve"]) == (cortex.settings.width, [])
    for name in FILES[1:]:
        assert card["sha256"][name] == hashlib.sha256((tmp_path / "b" / name).read_bytes()).hexdigest()
    sourced = replace(world, source={"citation": "A book.", "licence": "CC0"})
    fitted = circuit("avf-bel", ONE_EPOCH)
    Circuit(fitted).fit(sourced)
    again = make_card(fitted, sourced, {})
    assert (again["citation"], again["licence"], again["metrics"]) == ("A book.", "CC0", {})


def test_the_bundle_judges_clips_as_the_model_that_was_evaluated(make_world: Make, tmp_path: Path) -> None:
    """Clip means of the circuit, in torch, against the exported network run window by window."""
    data = make_world(3, windows_each=3)
    fitted = circuit("avf-bel", Settings(epochs=5))
    judge = Circuit(fitted).fit(data)
    write_bundle(fitted, tmp_path / "b", make_card(fitted, data, {}))
    predictor = Predictor(tmp_path / "b")
    for kind in KINDS:
        opened = np.array([kind != "video", kind != "audio"])
        for clip, said in enumerate(judge.predict(data, kind)):
            of = np.flatnonzero(data.clip == clip)
            windows = [
                SensoryFeatures(
                    start_s=data.start_s[row],
                    end_s=data.end_s[row],
                    start_frame=None,
                    end_frame=None,
                    visual=data.visual[row],
                    acoustic=data.acoustic[row],
                    maps=data.maps[row].astype(np.float32),
                    g_audio=float(data.evidence[row, 0] * opened[0]),
                    g_video=float(data.evidence[row, 1] * opened[1]),
                )
                for row in of
            ]
            emotion = predictor.predict(windows).emotion
            weight = (data.evidence[of] * opened).max(axis=1)
            want = [(weight * f(emotion)).sum() / weight.sum() for f in (predicted_epp, predicted_valence)]
            np.testing.assert_allclose(said, want, atol=1e-4, rtol=0)


def test_the_same_seed_gives_the_same_files_and_another_seed_others(make_world: Make, tmp_path: Path) -> None:
    data = make_world(2)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train_bundle(
            "avf-bel", data, tmp_path / name, settings=Settings(epochs=2, seed=seed, parameters=SMALL)
        )
    for name in FILES:
        a, b, c = ((tmp_path / folder / name).read_bytes() for folder in "abc")
        assert a == b != c


@pytest.mark.parametrize(
    ("model", "kinds"), [("avf-bel", KINDS), ("m-bel", ("audio",)), ("a-bel", ("video",))]
)
def test_intervals_are_calibrated_as_the_model_learned(
    make_world: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, kinds: tuple[str, ...]
) -> None:
    monkeypatch.setattr(training, "protocols_for", lambda *_: ())
    data = make_world(10, clips_each=1, windows_each=1)
    told: list[tuple[str, int, int]] = []
    rates = {"alpha": 0.05, "beta": 0.15, "kappa": 0.4}
    card = train_bundle(
        model,
        data,
        tmp_path / "b",
        settings=Settings(epochs=2, seed=3, parameters=rates),
        progress=lambda *step: told.append(step),
    )
    choice = Choice(bel_epochs=2, **rates)
    assert card["intervals"] == calibrate(data, read_cortex(), choice, kinds=kinds, seed=3)
    assert list(card["intervals"]) == ["level", *kinds]
    assert told[-1] == ("calibrating intervals", 55, 55)
    gates = {"audio": (1.0, 0.0), "video": (0.0, 1.0), "fused": (1.0, 1.0)}
    opened = Bundle.open(tmp_path / "b")
    for kind, gate in gates.items():
        low, high = opened.interval(0.5, *gate)
        if kind not in kinds:
            assert low is high is None
        else:
            assert high == pytest.approx(min(1.0, 0.5 + card["intervals"][kind]["half_width"]))


@pytest.mark.parametrize(
    "settings",
    [
        Settings(epochs=1, cortex="none", parameters=SMALL),
        Settings(epochs=1, parameters={"rule": "belbic"}),
        Settings(epochs=1, parameters={"gamma": 0.01}),
    ],
)
def test_other_ways_to_learn_have_no_calibrated_intervals(
    make_world: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(training, "protocols_for", lambda *_: ())
    data = make_world(10, clips_each=1, windows_each=1)
    assert train_bundle("avf-bel", data, tmp_path / "b", settings=settings)["intervals"] is None
    assert Bundle.open(tmp_path / "b").interval(0.5, 1.0, 1.0) == (None, None)


def test_an_older_bundle_is_replaced(make_world: Make, tmp_path: Path) -> None:
    data = make_world(2)
    for seed in (1, 2):
        train_bundle("m-bel", data, tmp_path / "b", settings=Settings(epochs=1, seed=seed, parameters=SMALL))
    assert Bundle.open(tmp_path / "b").card["seed"] == 2
    assert (names_in(tmp_path), names_in(tmp_path / "b")) == (["b"], FILES)


def test_through_a_link_the_folder_behind_it_is_replaced(make_world: Make, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    train_bundle("m-bel", make_world(2), tmp_path / "link", settings=ONE_EPOCH)
    assert (tmp_path / "link").is_symlink()
    assert names_in(tmp_path / "real") == FILES


@pytest.mark.parametrize("where", ["training", "export", "card", "first rename", "second rename"])
@pytest.mark.parametrize("fault", [KeyboardInterrupt, OSError])
def test_whatever_stops_it_the_older_bundle_stays_and_no_litter(
    make_world: Make,
    write_bundle: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    fault: type[BaseException],
) -> None:
    write_bundle(tmp_path / "b")
    before = {name: (tmp_path / "b" / name).read_bytes() for name in FILES}
    rename, text, renamed = Path.rename, Path.write_text, []

    def stop(*_: object, **__: object) -> None:
        raise fault("stopped")

    def rename_until(path: Path, target: Path) -> Path:
        renamed.append(path)
        if len(renamed) == {"first rename": 1, "second rename": 2}.get(where):
            stop()
        return rename(path, target)

    def half_a_card(path: Path, content: str, **options: str) -> int:
        text(path, content[:100], **options)
        raise fault("stopped")

    monkeypatch.setattr(Path, "rename", rename_until)
    if where == "training":
        monkeypatch.setattr(Circuit, "fit", stop)
    if where == "export":
        monkeypatch.setattr(export, "parity", stop)
    if where == "card":
        monkeypatch.setattr(Path, "write_text", half_a_card)
    with pytest.raises(fault):
        train_bundle("m-bel", make_world(2), tmp_path / "b", settings=ONE_EPOCH)
    monkeypatch.undo()
    assert names_in(tmp_path) == ["b"]
    assert {name: (tmp_path / "b" / name).read_bytes() for name in names_in(tmp_path / "b")} == before


def test_where_nothing_was_an_interruption_leaves_nothing(
    make_world: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "parity", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_bundle("m-bel", make_world(2), tmp_path / "b", settings=ONE_EPOCH)
    assert names_in(tmp_path) == []


def test_destinations_that_cannot_be_are_refused_before_any_work(
    world: Dataset, write_bundle: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Circuit, "fit", None)  # work would fail
    (tmp_path / "file").write_text("")
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "holiday.jpg").write_bytes(b"")
    (write_bundle(tmp_path / "b") / "thesis.tex").write_text("")
    for out, sentence in {
        "file": "file is a file: name a folder for the bundle",
        "album": "album holds something else than a bundle, holiday.jpg: name a new folder",
        "b": "b holds something else than a bundle, thesis.tex",
        "file/b": "nothing can be written into .*file: name another folder",
    }.items():
        with pytest.raises(UsageError, match=sentence):
            train_bundle("avf-bel", world, tmp_path / out)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_mount", lambda path: path.name == "disk")
        (tmp_path / "disk").mkdir()
        with pytest.raises(UsageError, match="disk cannot be replaced as a whole: name a folder in it"):
            check_destination(tmp_path / "disk")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(UsageError, match="nothing can be written into"):
        check_destination(tmp_path / "new")
    monkeypatch.undo()
    (tmp_path / "empty").mkdir()
    for fine in ("empty", "new/deeper"):
        check_destination(tmp_path / fine)
    assert not (tmp_path / "new").exists()


def test_what_cannot_be_written_as_a_bundle_is_refused(make_world: Make, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'ridge' cannot be written as a bundle: choose one of avf-bel, m-"):
        train_bundle("ridge", make_world(2), tmp_path / "b")
    with pytest.raises(UsageError, match="no rated clip has a moving picture, so that a-bel cannot learn"):
        train_bundle("a-bel", make_world(2, has_video=False), tmp_path / "b")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("track", "name", "sentence"),
    [
        ("has_video", "m-bel", "has a moving picture: trained is m-bel, the hearing half of avf-bel"),
        ("has_audio", "a-bel", "has sound: trained is a-bel, the seeing half of avf-bel"),
    ],
)
def test_data_of_one_track_train_the_half_that_perceives_it(
    make_world: Make, tmp_path: Path, track: str, name: str, sentence: str
) -> None:
    data = make_world(3, clips_each=1, **{track: False})
    with pytest.warns(UserWarning, match=sentence):
        card = train_bundle("avf-bel", data, tmp_path / "b", settings=ONE_EPOCH, jobs=1)
    assert card["name"] == Bundle.open(tmp_path / "b").name == name
    assert (
        list(card["metrics"]["leave-stimulus-out"])
        == card["kinds"]
        == ["audio" if name == "m-bel" else "video"]
    )


def test_clips_of_which_only_epp_is_known_make_a_bundle(
    make_world: Make, only_epp: Callable[[Dataset], Dataset], tmp_path: Path
) -> None:
    card = train_bundle(
        "avf-bel", only_epp(make_world(3, clips_each=1)), tmp_path / "b", settings=ONE_EPOCH, jobs=1
    )
    assert [list(of) for of in card["metrics"]["leave-stimulus-out"].values()] == [["epp"]] * 3


def test_protocols_fit_the_data(make_world: Make) -> None:
    assert protocols_for(make_world(2)) == ()
    assert protocols_for(make_world(3)) == ("leave-stimulus-out",)
    assert protocols_for(make_world(41, clips_each=1, windows_each=1)) == ("k-fold",)
    few_films = make_world(3, clips_each=1, has_video=[True, True, False])
    assert protocols_for(few_films, ["video"]) == ()
    assert protocols_for(few_films, ["audio"]) == ("leave-stimulus-out",)
    ours = replace(
        make_world(38, clips_each=1, windows_each=1),
        name="sievers2021",
        stimulus=np.array([*named_stimuli()]),
    )
    assert protocols_for(ours) == ("leave-stimulus-out", "leave-prototype-out")
    assert protocols_for(ours.take(np.arange(5))) == ("leave-stimulus-out",)


def test_the_reference_is_the_average_input_as_the_cortices_code_it(make_world: Make) -> None:
    data = make_world(2)
    data.acoustic[0] = 1e9
    data.evidence[0, 0] = 0.0
    data.acoustic[1, ALL_ACOUSTIC.index("tempo")] = np.nan
    fitted = circuit("avf-bel", ONE_EPOCH)
    Circuit(fitted).fit(data)
    told = reference(fitted, data)
    heard = data.acoustic[1:]
    assert told["acoustic"]["pitch"] == pytest.approx(scipy.stats.gmean(heard[:, 0]))
    assert told["acoustic"]["tonnetz"] == pytest.approx(heard[:, 1].mean())
    assert told["acoustic"]["tempo"] == pytest.approx(scipy.stats.gmean(heard[1:, 3]))
    scale = fitted.network_.visual_cortex.scale
    assert list(told["maps"]["mean"].values()) == scale.mean.flatten().tolist()
    assert told["maps"]["presence"] == float(scale.reference)


def test_ranges_are_those_of_windows_with_evidence(make_world: Make) -> None:
    data = make_world(2)
    data.acoustic[0] = 1e9
    data.evidence[0, 0] = 0.0
    data.visual[1, VISUAL_FEATURES.index("updown")] = np.nan
    ranges, missing = feature_ranges(data)
    assert list(ranges) == [*ALL_ACOUSTIC, *VISUAL_FEATURES]
    assert missing == ["updown"]
    heard = data.acoustic[1:]
    assert ranges["pitch"] == [heard[:, 0].min(), heard[:, 0].max()]
    assert list(feature_ranges(data, "video")[0]) == list(VISUAL_FEATURES)
