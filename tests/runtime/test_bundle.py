"""A bundle is read whole, unaltered and of the right format, or not at all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from avfbel.errors import InputError
from avfbel.runtime import Bundle, Predictor
from avfbel.senses.features import SensoryFeatures

Writer = Callable[..., Path]
INTERVALS = {
    "level": 0.9,
    "audio": {"half_width": 0.3, "coverage": 0.91, "stimuli": 12},
    "video": {"half_width": 0.2, "coverage": 0.9, "stimuli": 12},
    "fused": {"half_width": 0.1, "coverage": 0.89, "stimuli": 12},
}


def zipped(folder: Path, archive: Path, *, inside: str = "") -> Path:
    with zipfile.ZipFile(archive, "w") as target:
        for file in sorted(folder.iterdir()):
            target.write(file, f"{inside}{file.name}")
    return archive


def card_of(folder: Path) -> dict:
    return json.loads((folder / "card.json").read_text())


def test_a_folder_and_a_zip_of_it_are_the_same_bundle(bundle: Path, tmp_path: Path) -> None:
    folder = Bundle.open(bundle)
    for archive in (
        zipped(bundle, tmp_path / "flat.zip"),
        zipped(bundle, tmp_path / "nested.zip", inside="my model/"),
    ):
        packed = Bundle.open(str(archive))
        assert packed.sha256 == folder.sha256
        assert packed.network == folder.network
        assert all((packed.weights[name] == folder.weights[name]).all() for name in folder.weights)


def test_a_bundle_knows_its_card(bundle: Path) -> None:
    opened = Bundle.open(bundle)
    assert (opened.name, opened.version, opened.regions[0]) == ("stand-in", "0", "V1")
    assert opened.feature_ranges["speed"] == (20.0, 400.0)
    assert opened.may_be_missing == {"updown"}
    assert opened.sha256 == hashlib.sha256((bundle / "card.json").read_bytes()).hexdigest()
    assert Bundle.open(opened) is opened


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_an_interval_is_as_wide_as_calibrated_for_what_is_perceived(
    bundle: Path, epp: float, g_audio: float, g_video: float
) -> None:
    opened = Bundle.open(bundle)
    calibrated = replace(opened, card={**opened.card, "intervals": INTERVALS})
    low, high = calibrated.interval(epp, g_audio, g_video)
    assert opened.interval(epp, g_audio, g_video) == (None, None)
    if g_audio == 0 and g_video == 0:
        assert low is high is None
        return
    width = 0.3 if g_video == 0 else 0.2 if g_audio == 0 else 0.1
    assert low is not None
    assert high is not None
    assert 0 <= low <= epp <= high <= 1
    assert low == pytest.approx(max(0, epp - width))
    assert high == pytest.approx(min(1, epp + width))


def test_without_calibration_of_a_kind_it_has_no_interval(write_bundle: Writer, tmp_path: Path) -> None:
    ear = {"level": 0.9, "audio": INTERVALS["audio"]}
    opened = Bundle.open(write_bundle(tmp_path / "b", intervals=ear))
    assert opened.interval(0.5, 1.0, 0.0) == pytest.approx((0.2, 0.8))
    assert opened.interval(0.5, 0.0, 1.0) == opened.interval(0.5, 1.0, 1.0) == (None, None)
    never = Bundle.open(write_bundle(tmp_path / "c", intervals=None))
    assert never.interval(0.5, 1.0, 0.0) == (None, None)


@pytest.mark.parametrize("name", ["model.onnx", "weights.safetensors"])
def test_one_changed_bit_is_tampering(write_bundle: Writer, tmp_path: Path, name: str) -> None:
    folder = write_bundle(tmp_path / "b")
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(InputError, match=f"{name} of the bundle .* was tampered with or damaged"):
        Bundle.open(folder)
    with pytest.raises(InputError, match="tampered"):
        Bundle.open(zipped(folder, tmp_path / "b.zip"))


def test_a_file_without_digest_is_not_trusted(write_bundle: Writer, tmp_path: Path) -> None:
    digests = card_of(write_bundle(tmp_path / "b"))["sha256"]
    del digests["weights.safetensors"]
    with pytest.raises(InputError, match=r"weights.safetensors of the bundle .* was tampered with"):
        Bundle.open(write_bundle(tmp_path / "c", sha256=digests))


def test_further_files_that_the_card_lists_are_checked_too(write_bundle: Writer, tmp_path: Path) -> None:
    digests = card_of(write_bundle(tmp_path / "b"))["sha256"]
    folder = write_bundle(tmp_path / "c", sha256=digests | {"notes.txt": hashlib.sha256(b"x").hexdigest()})
    (folder / "notes.txt").write_bytes(b"y")
    with pytest.raises(InputError, match=r"notes.txt .* tampered"):
        Bundle.open(folder)


@pytest.mark.parametrize("name", ["card.json", "model.onnx", "weights.safetensors"])
def test_a_missing_file_is_named(write_bundle: Writer, tmp_path: Path, name: str) -> None:
    folder = write_bundle(tmp_path / "b")
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"the bundle .* lacks {name}: copy it again"):
        Bundle.open(folder)
    with pytest.raises(InputError, match=f"lacks {name}"):
        Bundle.open(zipped(folder, tmp_path / "b.zip"))


def test_another_format_is_refused_with_both_versions_and_a_remedy(
    write_bundle: Writer, tmp_path: Path
) -> None:
    folder = write_bundle(tmp_path / "b", format="avfbel-bundle/2", avfbel="9.1")
    with pytest.raises(
        InputError,
        match=r"'avfbel-bundle/2' and avfbel [\d.]+\S* reads 'avfbel-bundle/1'.*wrote it \(9.1\).*train",
    ):
        Bundle.open(folder)
    (folder / "card.json").write_text("[]")
    with pytest.raises(InputError, match="has the format 'none'"):
        Bundle.open(folder)


@pytest.mark.parametrize("key", ["name", "feature_ranges", "regions", "sha256", "may_be_missing"])
def test_a_card_without_an_entry_is_refused(write_bundle: Writer, tmp_path: Path, key: str) -> None:
    with pytest.raises(InputError, match=f"lacks '{key}': train the model again"):
        Bundle.open(write_bundle(tmp_path / "b", **{key: None}))


def test_a_card_with_a_faulty_range_is_refused(write_bundle: Writer, tmp_path: Path) -> None:
    for bounds in ([1.0], [0.0, "1"], None, [0.0, float("nan")]):
        with pytest.raises(InputError, match="gives no range of 'speed'"):
            Bundle.open(write_bundle(tmp_path / "b", feature_ranges={"speed": bounds}))


def test_a_card_that_is_no_json_is_refused(write_bundle: Writer, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "b")
    (folder / "card.json").write_text("{")
    with pytest.raises(InputError, match=r"card.json of the bundle .* is not JSON"):
        Bundle.open(folder)


def test_a_card_reaches_no_file_outside_the_bundle(write_bundle: Writer, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "b", sha256={"../secret": "0"})
    with pytest.raises(InputError, match="names a file outside it"):
        Bundle.open(folder)


def test_weights_that_cannot_be_read_or_lack_one_are_refused(write_bundle: Writer, tmp_path: Path) -> None:
    for data, message in (
        (b"no weights", "cannot be read"),
        (save({"V": np.zeros(1)}), "lacks U, W, T, gain"),
    ):
        digests = card_of(write_bundle(tmp_path / "b"))["sha256"]
        digests["weights.safetensors"] = hashlib.sha256(data).hexdigest()
        folder = write_bundle(tmp_path / "b", sha256=digests)
        (folder / "weights.safetensors").write_bytes(data)
        with pytest.raises(InputError, match=message):
            Bundle.open(folder)


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no bundle .*absent: name a folder or zip"):
        Bundle.open(tmp_path / "absent")
    (tmp_path / "text").write_text("text")
    with pytest.raises(InputError, match="neither a folder nor a zip"):
        Bundle.open(tmp_path / "text")


def test_an_installation_without_the_shipped_model_says_how_to_get_one(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avfbel.runtime.bundle.files", lambda _: tmp_path)
    with pytest.raises(InputError, match="holds no default model: train one with `avfbel train sievers2021"):
        Bundle.open("default")
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles/default").symlink_to(bundle)
    assert Bundle.open("default").name == "stand-in"


def test_a_damaged_zip_is_refused(bundle: Path, tmp_path: Path) -> None:
    archive = zipped(bundle, tmp_path / "b.zip")
    data = bytearray(archive.read_bytes())
    data[100:2000] = bytes(1900)  # the directory at the end stays, so that it is a zip still
    archive.write_bytes(data)
    with pytest.raises(InputError, match=r"the zip .* is damaged"):
        Bundle.open(archive)


def test_a_network_that_is_none_or_lacks_outputs_is_refused(
    write_bundle: Writer, bundle: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="cannot be loaded"):
        Predictor(write_bundle(tmp_path / "b", network=b"no network"))
    import onnx

    graph = onnx.load_from_string((bundle / "model.onnx").read_bytes())
    del graph.graph.output[-1]
    with pytest.raises(InputError, match="lacks x_fused"):
        Predictor(write_bundle(tmp_path / "c", network=graph.SerializeToString()))


def test_a_network_with_other_regions_than_the_card_is_refused(write_bundle: Writer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names 2 regions and its network gives 11"):
        Predictor(write_bundle(tmp_path / "b", regions=["V1", "V2"]))


def test_numbers_that_are_not_finite_are_refused(write_bundle: Writer, tmp_path: Path) -> None:
    from safetensors.numpy import load

    folder = write_bundle(tmp_path / "b")
    weights = load((folder / "weights.safetensors").read_bytes())
    weights["V"][0, 0] = np.nan
    (folder / "weights.safetensors").write_bytes(save(weights))
    card = card_of(folder)
    card["sha256"]["weights.safetensors"] = hashlib.sha256(
        (folder / "weights.safetensors").read_bytes()
    ).hexdigest()
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match="gives numbers that are not finite"):
        Predictor(folder).predict([SensoryFeatures.empty(0, 4)])
