"""A cortex from clips that nobody rated: learned, written, read again, built upon; and the shipped one."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from avfbel.brain.cortex import Cortex
from avfbel.brain.lines import LineSettings
from avfbel.data import KINDS, Dataset, Targets
from avfbel.errors import InputError, UsageError
from avfbel.learn import Settings
from avfbel.learn.candidates import circuit
from avfbel.learn.cortex import NONE, cortex_digest, learn_cortex, line_settings, read_cortex, write_cortex
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES

Make = Callable[..., Dataset]
QUICK = LineSettings(width=4, n_visual=16, hidden=16, epochs=2)


def shuffled(world: Dataset, seed: int) -> Dataset:
    """Return the clips of a world in another order, so that those held out are of all kinds."""
    return world.take(np.random.default_rng(seed).permutation(world.n_clips))


def unrated(world: Dataset) -> Dataset:
    nothing = Targets.from_emotions(np.full((world.n_clips, 5), np.nan))
    return replace(world, targets=dict.fromkeys(KINDS, nothing))


@pytest.fixture(scope="module")
def cortex(make_world: Make) -> Cortex:
    return learn_cortex(shuffled(make_world(12), 1), QUICK)


def assert_same(one: Cortex, other: Cortex) -> None:
    assert one.settings == other.settings
    assert set(one.weights) == set(other.weights)
    for name, weight in one.weights.items():
        assert other.weights[name].dtype == weight.dtype, name
        np.testing.assert_array_equal(other.weights[name], weight, err_msg=name)


def test_it_tells_the_features_of_clips_that_were_held_out(make_world: Make) -> None:
    world = shuffled(make_world(60, clips_each=2), 0)
    told: list[tuple[int, float]] = []
    cortex = learn_cortex(world, LineSettings(epochs=40), progress=lambda *step: told.append(step))
    assert cortex.story["learned_from"] == "108 clips of made, without ratings"
    assert cortex.story["window_s"] == 4.0
    assert [round(loss, 5) for _, loss in told] == cortex.story["loss_curve"]
    assert [epoch for epoch, _ in told] == list(range(1, 41))
    fidelity = cortex.story["fidelity"]
    assert list(fidelity) == [*ALL_ACOUSTIC, *VISUAL_FEATURES]
    assert min(fidelity.values()) > 0.9, fidelity


def test_the_clips_held_out_teach_nothing(make_world: Make, cortex: Cortex) -> None:
    world = shuffled(make_world(12), 1)
    last = world.clip >= 22  # of 24
    world.acoustic[last] *= 3.0
    world.maps[last] *= np.float16(0.5)
    assert_same(learn_cortex(world, QUICK), cortex)
    world.acoustic[world.clip == 21] *= 3.0
    weight = "temporal_gyrus.final.weight"
    assert not np.array_equal(learn_cortex(world, QUICK).weights[weight], cortex.weights[weight])


def test_ratings_are_not_looked_at_and_equal_seeds_learn_the_same_bits(
    make_world: Make, cortex: Cortex
) -> None:
    world = shuffled(make_world(12), 1)
    assert_same(learn_cortex(unrated(world), QUICK), cortex)
    other = learn_cortex(world, replace(QUICK, seed=1))
    weight = "temporal_gyrus.final.weight"
    assert not np.array_equal(other.weights[weight], cortex.weights[weight])


def test_what_cannot_teach_is_refused(make_world: Make) -> None:
    with pytest.raises(UsageError, match=r"made\.csv: a cortex learns from hundreds .* are 8: make some"):
        learn_cortex(make_world(4), QUICK)
    for lacking, sentence in (("has_audio", "has sound"), ("has_video", "shows movement")):
        with pytest.raises(UsageError, match=f"no clip to learn from {sentence}, and a cortex needs both"):
            learn_cortex(make_world(6, **{lacking: False}), QUICK)
    only_held_out = np.arange(24) >= 22
    with pytest.raises(UsageError, match="no clip to learn from has sound"):
        learn_cortex(make_world(12, has_audio=only_held_out), QUICK)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_learning_that_diverges_says_so(make_world: Make) -> None:
    with pytest.raises(UsageError, match="learning diverged: learn with a lower learning_rate"):
        learn_cortex(make_world(6), replace(QUICK, learning_rate=1e30, epochs=5))


def test_settings_are_those_chosen_and_else_the_usual() -> None:
    assert line_settings() == LineSettings()
    assert line_settings(epochs=7, seed=3) == LineSettings(epochs=7, seed=3)


def test_without_torch_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "avfbel.brain.lines")
    with pytest.raises(ImportError, match=r'pretrain needs torch: pip install "avfbel\[train\]"'):
        line_settings()


def test_what_is_written_is_read_again(cortex: Cortex, tmp_path: Path) -> None:
    path = write_cortex(cortex, tmp_path / "new.safetensors")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    read = read_cortex(path)
    assert_same(read, cortex)
    assert dict(read.story) == {**cortex.story, "sha256": digest}
    assert cortex_digest(path) == digest
    again = write_cortex(read, tmp_path / "again.safetensors")
    assert again.read_bytes() == path.read_bytes()


def test_a_file_that_was_written_anew_is_read_anew(cortex: Cortex, tmp_path: Path) -> None:
    path = write_cortex(cortex, tmp_path / "c.safetensors")
    first = read_cortex(path).story["sha256"]
    write_cortex(replace(cortex, story={"learned_from": "others"}), path)
    assert read_cortex(path).story["learned_from"] == "others"
    assert cortex_digest(path) != first


def test_reading_leaves_random_numbers_alone(cortex: Cortex, tmp_path: Path) -> None:
    path = write_cortex(cortex, tmp_path / "c.safetensors")
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    read_cortex(path)
    assert torch.equal(torch.rand(1), expected)


def damaged(path: Path, how: str) -> None:
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    told = json.loads(whole[8:header])["__metadata__"]
    settings = json.loads(told["settings"])
    weights = load_file(path)
    if how == "empty":
        path.write_bytes(b"")
    elif how == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "cut in its head":
        path.write_bytes(whole[:200])
    elif how == "text":
        path.write_text("a cortex")
    elif how == "without a word":
        save_file(weights, path)
    elif how == "another format":
        save_file(weights, path, {**told, "format": "avfbel-cortex/99"})
    elif how == "no format":
        save_file(weights, path, {"settings": told["settings"], "story": told["story"]})
    elif how == "strange settings":
        save_file(weights, path, {**told, "settings": '{"depth": 3}'})
    elif how == "other settings":
        save_file(weights, path, {**told, "settings": json.dumps({**settings, "width": 8})})
    elif how == "settings no network has":
        save_file(weights, path, {**told, "settings": json.dumps({**settings, "width": "wide"})})
    elif how == "a weight lost":
        del weights["temporal_gyrus.final.weight"]
        save_file(weights, path, told)


@pytest.mark.parametrize(
    "how",
    [
        *("empty", "cut", "cut in its head", "text", "without a word", "another format", "no format"),
        *("strange settings", "other settings", "settings no network has", "a weight lost"),
    ],
)
def test_a_damaged_or_foreign_file_is_one_sentence(cortex: Cortex, tmp_path: Path, how: str) -> None:
    path = write_cortex(cortex, tmp_path / "c.safetensors")
    damaged(path, how)
    with pytest.raises(InputError) as refusal:
        read_cortex(path)
    said = str(refusal.value)
    assert said == f"{path} is no cortex that this version reads: write one with `avfbel pretrain`"


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    for read in (read_cortex, cortex_digest):
        for path in (tmp_path / "nowhere.safetensors", tmp_path):
            with pytest.raises(InputError, match=r"no cortex at .*: name a file that `avfbel pretrain`"):
                read(path)


def test_the_shipped_one_builds_a_network_and_says_how_it_learned() -> None:
    shipped = read_cortex()
    assert shipped.network(kappa=0.25).lines
    assert shipped.story["sha256"] == cortex_digest("default")
    assert cortex_digest(NONE) == NONE
    assert shipped.story["learned_from"].endswith("without ratings")
    assert set(shipped.story["fidelity"]) == {*ALL_ACOUSTIC, *VISUAL_FEATURES}
    assert min(shipped.story["fidelity"].values()) > 0.9
    assert len(shipped.story["loss_curve"]) == shipped.settings.epochs


def test_circuits_take_the_shipped_one_a_file_or_none(cortex: Cortex, tmp_path: Path) -> None:
    path = write_cortex(cortex, tmp_path / "c.safetensors")
    for name in ("avf-bel", "m-bel", "a-bel", "avf-bel-gradient"):
        shipped, own, none = (circuit(name, Settings(cortex=c)) for c in ("default", str(path), "none"))
        assert shipped.cortex is not None
        assert own.cortex is not None
        assert shipped.cortex.story["sha256"] == cortex_digest("default")
        assert own.cortex.story["sha256"] == cortex_digest(path)
        assert none.cortex is None
    for name in ("avf-bel-ratings", "bel", "bel-m", "bel-a"):
        assert circuit(name, Settings(cortex=str(path))).cortex is None


def test_a_cortex_of_ones_own_making_keeps_the_shipped_one_out(cortex: Cortex, tmp_path: Path) -> None:
    wide = circuit("avf-bel", Settings(parameters={"width": 16}))
    assert (wide.cortex, wide.width) == (None, 16)
    path = str(write_cortex(cortex, tmp_path / "c.safetensors"))
    with pytest.raises(UsageError, match=r"c\.safetensors is a cortex with its own width: leave one"):
        circuit("avf-bel", Settings(cortex=path, parameters={"width": 16}))


def test_epochs_are_passes_of_what_learns() -> None:
    on_top = circuit("avf-bel", Settings(epochs=7))
    from_ratings = circuit("avf-bel", Settings(epochs=7, cortex="none"))
    assert on_top.bel_epochs == 7 == from_ratings.epochs
    assert circuit("avf-bel-ratings", Settings(epochs=7)).epochs == 7
