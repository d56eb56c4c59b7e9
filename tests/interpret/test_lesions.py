"""Virtual lesions obey the laws of the circuit, in the shipped model and in one trained here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.brain.limbic import LESIONS, LimbicParameters, LimbicState, limbic_output
from avfbel.brain.regions import POPULATIONS, VISUAL_AREAS
from avfbel.emotion import predicted_epp
from avfbel.errors import UsageError
from avfbel.interpret.exposure import Exposure, ShownClip
from avfbel.interpret.lesion_study import lesion_study
from avfbel.interpret.lesions import Lesion, lesioned, plan_lesions, targets_of
from avfbel.runtime import Bundle, Predictor, analyze
from avfbel.runtime.engine import Prediction
from avfbel.senses.features import SensoryFeatures

EYE = np.array([150.0, 0.2, 0.1, 0.3, 0.4])
EAR = np.array([300.0, 0.2, 0.1, 150.0, 0.4, 0.5, 0.3])


def make_windows(
    n: int = 8, *, seed: int = 0, audio: bool = True, video: bool = True
) -> list[SensoryFeatures]:
    """Return windows of made-up balls and tones, or of one of them."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        visual, acoustic = EYE * rng.uniform(0.5, 1.5, 5), EAR * rng.uniform(0.5, 1.5, 7)
        maps = np.zeros((5, 64, 64), np.float32)
        top = rng.integers(4, 30)
        maps[:, top : top + 24, 20:44] = visual[:, None, None]
        made.append(
            replace(
                SensoryFeatures.empty(0.0, 4.0),
                visual=visual if video else np.full(5, np.nan),
                acoustic=acoustic if audio else np.full(7, np.nan),
                maps=maps if video else np.zeros_like(maps),
                g_audio=float(rng.uniform(0.5, 1)) if audio else 0.0,
                g_video=float(rng.uniform(0.5, 1)) if video else 0.0,
            )
        )
    return made


WINDOWS = make_windows()
HEARD, SEEN = make_windows(video=False), make_windows(audio=False)


@pytest.fixture(scope="module")
def trained_here() -> Bundle:
    """A small model that learned excitation and then, at the same clips, that nothing follows."""
    from avfbel.brain import AVFBEL, REGIONS, Samples
    from avfbel.learn.export import limbic_arrays, onnx_graph

    shown = make_windows(12, seed=5)
    clips = Samples.of_clips(
        maps=np.stack([window.maps for window in shown]),
        acoustic=np.stack([window.acoustic for window in shown]),
        evidence=np.array([(window.g_audio, window.g_video) for window in shown]),
        visual=np.stack([window.visual for window in shown]),
        rewards=np.random.default_rng(5).uniform(0.3, 0.9, (12, 5)),
    )
    model = AVFBEL(width=2, epochs=2, bel_epochs=60, gamma=0.01).fit(clips)
    for _ in range(60):
        model.partial_fit(replace(clips, rewards=np.zeros((12, 5))))
    card = {
        **{name: Bundle.open().card[name] for name in ("feature_ranges", "may_be_missing", "format")},
        **{"name": "trained here", "version": "0", "regions": list(REGIONS), "sha256": {}, "metrics": {}},
    }
    return Bundle(
        source="here", card=card, weights=limbic_arrays(model), network=onnx_graph(model), sha256="0" * 64
    )


@pytest.fixture(params=["shipped", "trained here"])
def model(request: pytest.FixtureRequest) -> Bundle:
    return Bundle.open() if request.param == "shipped" else request.getfixturevalue("trained_here")


def predict(bundle: Bundle, windows: Sequence[SensoryFeatures], **gains: float) -> Prediction:
    return Predictor(lesioned(bundle, gains)).predict(windows)


def same(first: Prediction, second: Prediction) -> bool:
    """Tell whether two predictions are equal to the last bit."""
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_a_gain_of_one_changes_nothing(model: Bundle) -> None:
    intact = predict(model, WINDOWS)
    assert lesioned(model, dict.fromkeys(targets_of(model), 1.0)) is model
    doubled = dict.fromkeys((*model.regions, "thalamus"), 2.0)
    there = lesioned(model, doubled)
    assert not np.array_equal(Predictor(there).predict(WINDOWS).emotion, intact.emotion)
    back = lesioned(there, dict.fromkeys(doubled, 0.5))
    assert same(Predictor(back).predict(WINDOWS), intact)
    exposure = Exposure(
        clips=(ShownClip(media="m", stimulus="s", sha256="", windows=tuple(WINDOWS)),), window=4, hop=1
    )
    study = lesion_study(exposure, plan_lesions(model, gains=[1.0]), model=model)
    assert not study.change.any()


@pytest.mark.parametrize("area", VISUAL_AREAS)
def test_a_silenced_visual_area_lets_no_picture_through(model: Bundle, area: str) -> None:
    others = [replace(w, maps=v.maps) for w, v in zip(WINDOWS, make_windows(seed=1), strict=True)]
    assert not np.array_equal(predict(model, WINDOWS).x_fused, predict(model, others).x_fused)
    blind, too = predict(model, WINDOWS, **{area: 0.0}), predict(model, others, **{area: 0.0})
    assert np.array_equal(blind.emotion, too.emotion)
    assert np.array_equal(blind.x_fused, too.x_fused)
    assert not blind.regions[:, model.regions.index(area)].any()


def test_a_silenced_auditory_cortex_lets_no_sound_through(model: Bundle) -> None:
    others = [replace(w, acoustic=v.acoustic) for w, v in zip(WINDOWS, make_windows(seed=1), strict=True)]
    assert not np.array_equal(predict(model, WINDOWS).x_fused, predict(model, others).x_fused)
    deaf = dict.fromkeys(POPULATIONS, 0.0)
    assert same(predict(model, WINDOWS, **deaf), predict(model, others, **deaf))
    one = predict(model, WINDOWS, PV=0.0)
    silent = [name for name, rate in zip(model.regions, one.regions.T, strict=True) if not rate.any()]
    assert "PV" in silent
    assert "PYR" not in silent


def test_without_the_temporal_gyrus_nothing_is_felt(model: Bundle) -> None:
    assert predict(model, WINDOWS).emotion.any()
    without = predict(model, WINDOWS, aSTG=0.0)
    assert not without.emotion.any()
    assert not without.x_fused.any()


@pytest.mark.parametrize("gain", [0.0, 0.5, 2.0])
def test_lesions_of_one_sense_leave_clips_of_the_other_alone(model: Bundle, gain: float) -> None:
    assert same(predict(model, HEARD), predict(model, HEARD, **dict.fromkeys(VISUAL_AREAS, gain)))
    assert same(predict(model, SEEN), predict(model, SEEN, **dict.fromkeys(POPULATIONS, gain)))
    both = predict(model, WINDOWS)
    assert not same(both, predict(model, WINDOWS, **dict.fromkeys(VISUAL_AREAS, gain)))
    assert not same(both, predict(model, WINDOWS, **dict.fromkeys(POPULATIONS, gain)))


@pytest.mark.parametrize("region", LESIONS)
def test_limbic_lesions_are_those_of_the_learning_rule(model: Bundle, region: str) -> None:
    """The network with a gain of 0 says what the equations in numpy say of a lesioned limbic system."""
    parameters = model.card.get("parameters", {"kappa": 0.25})
    state = LimbicState(*(model.weights[name].astype(np.float64) for name in LimbicState._fields))
    said = predict(model, WINDOWS, **{region: 0.0})
    equations = LimbicParameters(kappa=parameters["kappa"], lesions=frozenset({region}))
    expected = limbic_output(state, said.x_fused, equations).emotion
    assert said.emotion == pytest.approx(expected, abs=1e-5)  # the network computes it in single precision


def test_without_the_amygdala_nothing_excites(model: Bundle) -> None:
    without = predict(model, WINDOWS, amygdala=0.0)
    assert not without.regions[:, model.regions.index("amygdala")].any()
    assert not without.regions[:, model.regions.index("prefrontal")].any()  # it controls the amygdala
    inhibition = without.x_fused @ model.weights["U"].astype(np.float64)
    assert without.emotion == pytest.approx(-inhibition, abs=1e-5)
    neither = predict(model, WINDOWS, amygdala=0.0, orbitofrontal=0.0)
    assert not neither.emotion.any()
    assert predicted_epp(neither.emotion).tolist() == [0.5] * len(WINDOWS)


def test_an_orbitofrontal_lesion_brings_back_what_was_unlearned(trained_here: Bundle) -> None:
    learned = make_windows(12, seed=5)
    intact, freed = predict(trained_here, learned), predict(trained_here, learned, orbitofrontal=0.0)
    assert np.abs(intact.emotion).mean() < 0.1
    assert (freed.emotion > intact.emotion).all()
    assert freed.emotion.mean() > 0.3  # what was felt before it was unlearned: 0.6 on the average
    assert (predict(trained_here, learned, orbitofrontal=0.5).emotion < freed.emotion).all()


def test_an_orbitofrontal_lesion_raises_what_is_inhibited(model: Bundle) -> None:
    intact, freed = predict(model, WINDOWS).emotion, predict(model, WINDOWS, orbitofrontal=0.0).emotion
    inhibition = predict(model, WINDOWS).x_fused @ model.weights["U"].astype(np.float64)
    inhibited = inhibition > 1e-3
    assert inhibited.any()
    assert (freed[inhibited] > intact[inhibited]).all()


@settings(max_examples=15)
@given(data=st.data())
def test_the_order_of_lesions_does_not_matter(data: st.DataObject) -> None:
    bundle = Bundle.open()
    names = data.draw(st.lists(st.sampled_from(targets_of(bundle)), min_size=2, unique=True))
    others = data.draw(st.permutations(names))
    one = two = bundle
    for name, other in zip(names, others, strict=True):
        one, two = lesioned(one, {name: 0.0}), lesioned(two, {other: 0.0})
    together = lesioned(bundle, dict.fromkeys(names, 0.0))
    for weight, values in together.weights.items():
        assert values.tolist() == one.weights[weight].tolist() == two.weights[weight].tolist()
    assert together.card == one.card == two.card
    assert together.sha256 == one.sha256 == two.sha256
    (first,), (second,) = plan_lesions(bundle, names), plan_lesions(bundle, others)
    assert first.targets == second.targets


def test_a_lesioned_bundle_is_used_like_any_other(clips: Path) -> None:
    bundle = Bundle.open()
    lame = lesioned(bundle, {"visual cortex": 0.0, "thalamus": 0.5, "amygdala": 0.8})
    said = analyze(clips / "plain.mp4", model=lame, attribution=True)
    for window in said.windows:
        assert window.attribution is not None
        assert 0.5 + sum(window.attribution.values()) == pytest.approx(window.epp, abs=1e-6)
        assert not any(window.regions[area] for area in VISUAL_AREAS)
    assert said.provenance["bundle_sha256"] == lame.sha256 != bundle.sha256
    assert lame.card["lesions"] == {**dict.fromkeys(VISUAL_AREAS, 0.0), "amygdala": 0.8, "thalamus": 0.5}
    assert lame.card["lesioned_from"] == bundle.sha256
    assert (lame.card["metrics"], lame.name, lame.senses) == ({}, bundle.name, bundle.senses)
    again = lesioned(lame, {"thalamus": 0.5})
    assert again.card["lesions"]["thalamus"] == 0.25
    assert again.card["lesioned_from"] == bundle.sha256


def test_a_model_without_a_sense_does_not_perceive(clips: Path) -> None:
    blind, deaf = (lesioned(Bundle.open(), {pathway: 0.0}) for pathway in ("sight", "sound"))
    assert (blind.senses, deaf.senses) == (("audio",), ("video",))
    assert lesioned(blind, {"sound": 0.0}).senses == ()
    assert analyze(clips / "noaudio.mp4", model=blind).epp == 0.5
    assert analyze(clips / "sound.wav", model=deaf).epp == 0.5
    assert analyze(clips / "sound.wav", model=blind).epp == analyze(clips / "sound.wav").epp
    assert analyze(clips / "plain.mp4", model=deaf).epp == analyze(clips / "silent.mp4").epp


def test_names_are_found_however_they_are_written() -> None:
    bundle = Bundle.open()
    for name in ("visual cortex", "Visual-Cortex", " visual_cortex"):
        assert plan_lesions(bundle, [name]) == (Lesion(name="visual cortex", targets=VISUAL_AREAS),)
    (both,) = plan_lesions(bundle, ["IT", "Visual Cortex", "sound", "it"], gains=[2])
    assert (both.name, both.gain) == ("IT + visual cortex + sound", 2.0)
    assert both.gains == dict.fromkeys(("sound", *VISUAL_AREAS), 2.0)
    apart = plan_lesions(bundle, ["amygdala", "IT"], gains=[0, 0.5], each=True)
    assert [(lesion.name, lesion.gain) for lesion in apart] == [
        ("amygdala", 0),
        ("amygdala", 0.5),
        ("IT", 0),
        ("IT", 0.5),
    ]
    assert tuple(lesion.name for lesion in plan_lesions(bundle)) == targets_of(bundle)
    assert set(bundle.regions) | {"sound", "sight", "thalamus"} == set(targets_of(bundle))


def test_a_thalamus_among_the_regions_is_scaled_as_a_region() -> None:
    bundle = Bundle.open()
    regions = ["thalamus", *(name for name in bundle.regions if name != "thalamus")]
    weights = {**bundle.weights, "gain": np.ones(len(regions), np.float32)}
    other = replace(bundle, card={**bundle.card, "regions": regions}, weights=weights)
    assert targets_of(other).count("thalamus") == 1
    scaled = lesioned(other, {"thalamus": 0.5})
    assert scaled.weights["gain"].tolist() == [0.5] + [1.0] * (len(regions) - 1)
    assert scaled.weights["T"].tolist() == bundle.weights["T"].tolist()


def test_what_cannot_be_lesioned_is_refused() -> None:
    bundle = Bundle.open()
    with pytest.raises(UsageError, match=r"no region 'hippocampus': choose from sound, sight, .*amygdala"):
        lesioned(bundle, {"hippocampus": 0.0})
    for gain in (-0.1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="a gain is a factor of at least 0"):
            lesioned(bundle, {"IT": gain})
        with pytest.raises(UsageError, match="a gain is a factor of at least 0"):
            plan_lesions(bundle, ["IT"], gains=[gain])
    with pytest.raises(UsageError, match=r"sight can be silenced in a bundle, not scaled by 0.5"):
        lesioned(bundle, {"sight": 0.5})
    with pytest.raises(UsageError, match="'all' stands for every region one after the other: name it alone"):
        plan_lesions(bundle, ["all", "IT"])
    with pytest.raises(UsageError, match="name at least one of each"):
        plan_lesions(bundle, ["IT"], gains=[])


def test_a_name_that_is_nearly_right_gets_the_right_one() -> None:
    with pytest.raises(UsageError, match=r"no region 'Amigdala': did you mean amygdala\? Otherwise, choose"):
        lesioned(Bundle.open(), {"Amigdala": 0})
