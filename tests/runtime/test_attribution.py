"""Attribution: contributions are the Owen values by definition, and add up to EPP whatever the input."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from math import factorial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.brain.regions import REGIONS
from avfbel.emotion import predicted_epp
from avfbel.errors import InputError, UsageError
from avfbel.runtime import Bundle, Predictor, Stream, analyze
from avfbel.runtime.attribution import (
    PATHWAYS,
    SOURCES,
    Attributor,
    average_maps,
    coalitions,
    names,
    reference_of,
    shapley_weights,
)
from avfbel.runtime.attribution_figure import SOURCE_COLOURS, contributions
from avfbel.senses.features import SensoryFeatures

REFERENCE = {
    "acoustic": {
        "pitch": 295.0,
        "tonnetz": 0.24,
        "rms": 0.1,
        "tempo": 130.0,
        "duration": 0.35,
        "direction": 0.5,
        "harmony": -0.03,
    },
    "maps": {
        "mean": {"speed": 215.0, "jitter": 0.11, "consonance": 0.02, "bigsmall": 0.21, "updown": 0.0004},
        "presence": 24.0,
    },
}
IN_UNITS = np.array([500, 0.4, 0.3, 300, 1.0, 1.0, 0.1])
MAPS_IN_UNITS = np.array([500, 0.6, 0.4, 0.8, 1.0]).reshape(5, 1, 1)


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    """The shipped model, whose card is sure to have a reference."""
    bundle = Bundle.open()
    return replace(bundle, card={**bundle.card, "reference": bundle.card.get("reference", REFERENCE)})


@pytest.fixture(scope="module")
def referred(shipped: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same on disk."""
    from safetensors.numpy import save

    folder = tmp_path_factory.mktemp("referred")
    files = {"model.onnx": shipped.network, "weights.safetensors": save(dict(shipped.weights))}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "card.json").write_text(json.dumps({**shipped.card, "sha256": digests}))
    return folder


def sensed(seed: int, *, g_audio: float = 1.0, g_video: float = 1.0) -> SensoryFeatures:
    rng = np.random.default_rng(seed)
    moved = rng.random((1, 64, 64)) < rng.random()
    maps = rng.random((5, 1, 1)) * MAPS_IN_UNITS * moved * rng.uniform(0.5, 1.5, (5, 64, 64))
    return replace(
        SensoryFeatures.empty(0.0, 4.0),
        acoustic=np.where(rng.random(7) < 0.15, np.nan, rng.random(7) * IN_UNITS),
        maps=maps.astype(np.float32),
        g_audio=g_audio,
        g_video=g_video,
    )


def trained_otherwise(bundle: Bundle, seed: int) -> Bundle:
    """Return a bundle with other limbic weights, and with regions turned up, down or off."""
    rng = np.random.default_rng(seed)
    weights = {
        "V": rng.uniform(0.0, 0.3, bundle.weights["V"].shape),
        "U": rng.uniform(-0.2, 0.4, bundle.weights["U"].shape),
        "W": rng.uniform(-0.1, 0.2, bundle.weights["W"].shape),
        "T": rng.uniform(0.0, 0.5, 5),
        "gain": rng.choice([0.0, 0.5, 1.0, 1.5], len(REGIONS), p=[0.05, 0.1, 0.75, 0.1]),
    }
    return replace(bundle, weights={name: value.astype(np.float32) for name, value in weights.items()})


gates = st.sampled_from([0.0, 0.3, 1.0])


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), g_audio=gates, g_video=gates, other=st.booleans())
def test_contributions_add_up_to_epp(
    shipped: Bundle, seed: int, g_audio: float, g_video: float, other: bool
) -> None:
    bundle = trained_otherwise(shipped, seed) if other else shipped
    window = sensed(seed, g_audio=g_audio, g_video=g_video)
    told = Attributor(bundle).attribute(window)
    assert told.epp == pytest.approx(predicted_epp(Predictor(bundle).predict([window]).emotion[0]), abs=1e-6)
    assert told.contributions.shape == (len(SOURCES), len(PATHWAYS))
    for sense, evidence in (("audio", g_audio), ("video", g_video)):
        own = told.contributions[[of == sense for of, _ in SOURCES]]
        assert evidence > 0 or not own.any()


def test_a_contribution_is_the_mean_effect_over_all_orders(shipped: Bundle) -> None:
    # By its definition: features enter one after the other, those of a sense in a row, in every order; each
    # effect on x is taken, and x is read as the limbic system reads it at the observed window.
    predictor = Predictor(shipped)
    window = sensed(11, g_audio=0.8, g_video=0.6)
    usual = average_maps(window.maps, reference_of(shipped))
    usual_sound = reference_of(shipped).acoustic
    known: dict[tuple[frozenset[int], frozenset[int]], np.ndarray] = {}

    def code(heard: frozenset[int], seen: frozenset[int]) -> np.ndarray:
        if (heard, seen) not in known:
            acoustic = [window.acoustic[i] if i in heard else usual_sound[i] for i in range(7)]
            maps = np.stack([window.maps[i] if i in seen else usual[i] for i in range(5)])
            mixed = replace(window, acoustic=np.array(acoustic), maps=maps)
            known[heard, seen] = predictor.predict([mixed]).x_fused[0]
        return known[heard, seen]

    updown = 4
    effect = np.zeros(predictor.bundle.weights["V"].shape[0])
    for all_heard in (frozenset[int](), frozenset(range(7))):
        for order in permutations(range(5)):
            before = frozenset(order[: order.index(updown)])
            effect += code(all_heard, before | {updown}) - code(all_heard, before)
    effect /= 2 * factorial(5)
    weights = {name: value.astype(float) for name, value in shipped.weights.items()}
    x = code(frozenset(range(7)), frozenset(range(5)))
    emotion = predictor.predict([window]).emotion[0]
    c = (np.array([0, 1 / 6, 1 / 3, 3 / 4, 1]) - 0.5) * (emotion > 0) / (0.05 + emotion.clip(0).sum())
    kappa = shipped.card["parameters"]["kappa"]
    by_hand = [
        effect @ weights["V"] @ c,
        -effect @ weights["U"] @ c,
        -(effect[:, None] * weights["V"] * (weights["W"] @ (x[:, None] * weights["U"]))).sum(axis=0) @ c,
        kappa * effect[np.argmax(x)] * weights["T"] @ c,
    ]
    told = Attributor(shipped).attribute(window)
    assert told.contributions[SOURCES.index(("video", "updown"))] == pytest.approx(by_hand, abs=1e-7)


def test_an_average_feature_contributes_nothing(shipped: Bundle) -> None:
    average = np.array([True, False, True, False, True, False, True])
    acoustic = np.where(average, reference_of(shipped).acoustic, [0, 0.1, 0, 400.0, 0, 1.0, 0])
    told = Attributor(shipped).attribute(replace(sensed(2), acoustic=acoustic))
    assert (np.abs(told.contributions[:7]).max(axis=1) < 1e-9).tolist() == average.tolist()


@given(values=st.lists(st.floats(-10, 10), min_size=8, max_size=8))
def test_shapley_values_are_means_over_orders(values: list[float]) -> None:
    worth = np.array(values)  # of the coalitions of three players, by bits
    by_hand = np.zeros(3)
    for order in permutations(range(3)):
        coalition = 0
        for player in order:
            by_hand[player] += (worth[coalition | 1 << player] - worth[coalition]) / 6
            coalition |= 1 << player
    assert shapley_weights(3) @ worth == pytest.approx(by_hand, abs=1e-12)
    assert (shapley_weights(3) @ worth).sum() == pytest.approx(worth[7] - worth[0], abs=1e-12)


def test_coalitions_keep_what_their_members_bring() -> None:
    mixed = coalitions(np.arange(3.0)[:, None] + 1, np.zeros((3, 1)))
    assert mixed[:, :, 0].tolist()[5] == [1, 0, 3]
    assert [int(row.astype(bool).sum()) for row in mixed] == [0, 1, 1, 2, 1, 2, 2, 3]


def test_columns_of_the_table_add_up(clips: Path, referred: Path, shipped: Bundle) -> None:
    analysis = analyze(clips / "plain.mp4", model=referred, hop=1.0, attribution=True)
    plain = analyze(clips / "plain.mp4", model=referred, hop=1.0)
    frame = analysis.to_frame(attribution=True)
    columns = [name for name in frame if name.startswith("attribution_")]
    assert columns == [f"attribution_{name}" for name in names()]
    assert (0.5 + frame[columns].sum(axis=1)).to_numpy() == pytest.approx(frame["epp"].to_numpy(), abs=1e-6)
    assert analysis.to_frame().equals(plain.to_frame())
    assert plain.columns == analysis.columns[: -len(columns)]
    assert analysis.to_dict()["windows"][0]["attribution"] == analysis.windows[0].attribution
    assert "attribution" not in plain.to_dict()["windows"][0]
    assert analysis.provenance["settings"].pop("attribution") is True
    assert analysis.provenance["settings"] == plain.provenance["settings"]


def test_it_has_to_be_asked_for(clips: Path, referred: Path) -> None:
    plain = analyze(clips / "sound.wav", model=referred)
    with pytest.raises(UsageError, match="analyse it again with attribution=True"):
        plain.to_frame(attribution=True)
    with pytest.raises(UsageError, match="holds no contributions"):
        plain.plot_attribution()


def test_the_figure_stacks_all_contributions(clips: Path, referred: Path, tmp_path: Path) -> None:
    analysis = analyze(clips / "plain.mp4", model=referred, hop=1.0, attribution=True)
    figure = analysis.plot_attribution(tmp_path / "told.png")
    assert (tmp_path / "told.png").read_bytes().startswith(b"\x89PNG")
    for ax, parts in zip(figure.axes, (len(SOURCE_COLOURS), len(PATHWAYS)), strict=True):
        heights = np.array([bar.get_height() for bar in ax.patches]).reshape(parts, 2, -1)
        epp = [window.epp for window in analysis.windows]
        assert 0.5 + heights.sum(axis=(0, 1)) == pytest.approx(epp, abs=1e-6)
        assert ax.lines[-1].get_ydata()[1:-1].tolist() == epp
    assert contributions(analysis).shape == (len(analysis.windows), 14, 4)


def test_a_stream_tells_the_same(clips: Path, referred: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    stream = Stream(referred, window=1.0, hop=1.0, modality="audio", attribution=True)
    (window, *_) = stream.push_audio(noise, 8000, 0.0)
    assert window.attribution is not None
    assert 0.5 + sum(window.attribution.values()) == pytest.approx(window.epp, abs=1e-6)


@pytest.mark.parametrize(
    "reference",
    [None, {}, {"acoustic": {}, "maps": {"mean": {"speed": 1.0}, "presence": 1.0}}, [1], "average"],
)
def test_without_reference_it_says_what_to_do(shipped: Bundle, reference: object) -> None:
    with pytest.raises(InputError, match=r"no reference.*train the model again"):
        Attributor(replace(shipped, card={**shipped.card, "reference": reference}))


def test_features_never_measured_in_training_stay_unmeasured(shipped: Bundle) -> None:
    sounds = {"acoustic": {"pitch": 300.0}, "maps": REFERENCE["maps"]}
    acoustic = reference_of(replace(shipped, card={**shipped.card, "reference": sounds})).acoustic
    assert acoustic[0] == 300.0
    assert np.isnan(acoustic[1:]).all()


def test_another_network_than_the_card_describes_is_refused(
    write_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    card = {"reference": REFERENCE, "parameters": {"rule": "moren", "kappa": 0.25}}
    odd = write_bundle(tmp_path / "odd", emotion_bias=0.3, **card)
    with pytest.raises(InputError, match="does not feel as its card says"):
        Attributor(odd).attribute(sensed(1))
    with pytest.raises(InputError, match="lacks 'parameters'"):
        Attributor(write_bundle(tmp_path / "older", reference=REFERENCE))
