"""A result is confirmed to the last bit, and whatever was changed in it or around it is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avfbel.errors import InputError
from avfbel.runtime import analyze, analyze_batch, plan_batch
from avfbel.runtime import verify as verify_module
from avfbel.runtime.analysis import ATTRIBUTION_COLUMNS
from avfbel.runtime.files import encode_json
from avfbel.runtime.recorded import read_results
from avfbel.runtime.verify import ABSENT, Difference, Verification, verify


@pytest.fixture(scope="module")
def results(clips: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a film, and its result in each format; 2 s windows, the sound alone."""
    folder = tmp_path_factory.mktemp("results")
    shutil.copy(clips / "plain.mp4", folder)
    for file_format in ("json", "csv", "parquet"):
        plan: Any = plan_batch(
            [folder / "plain.mp4"], out=folder, file_format=file_format, window=2, modality="audio"
        )
        assert all(outcome.ok for outcome in analyze_batch(plan, model=bundle, jobs=1))
    return folder


def changed(source: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    content = json.loads(source.read_text())
    change(content)
    target.write_bytes(encode_json(content))
    return target


def only(checks: Any) -> Verification:
    (check,) = checks
    assert isinstance(check, Verification)
    return check


@pytest.mark.parametrize("file_format", ["json", "parquet", "csv"])
def test_an_untouched_result_is_confirmed(results: Path, bundle: Path, file_format: str) -> None:
    check = only(verify(results / f"plain.mp4.{file_format}", model=bundle))
    assert check.ok
    assert check.differences == ()
    assert check.n_values > 5 * 30  # five windows of a column each at least
    assert check.exact == (file_format != "csv")  # status.csv does not tell the processor
    assert any("which kind of processor" in note for note in check.notes) == (file_format == "csv")


def test_the_smallest_change_of_any_number_is_found(results: Path, bundle: Path, tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["windows"][2]["regions"]["V1"] += 1e-12
        content["windows"][1]["in_range"] = not content["windows"][1]["in_range"]
        del content["windows"][0]["gates"]["audio"]
        content["epp"] += 0.25

    file = changed(results / "plain.mp4.json", tmp_path / "r.json", change)
    check = only(verify(file, model=bundle, media=[results / "plain.mp4"]))
    assert not check.ok
    found = {fault.place: fault for fault in check.faults}
    assert found.keys() == {"windows[2].regions.V1", "windows[1].in_range", "windows[0].gates.audio", "epp"}
    assert found["windows[2].regions.V1"].size == pytest.approx(1e-12, rel=1e-3)
    assert found["windows[0].gates.audio"].recorded == ABSENT
    assert check.largest == pytest.approx(0.25)
    assert check.faults[-1].place == "windows[2].regions.V1"


def test_on_another_processor_numbers_may_differ_a_little(
    results: Path, bundle: Path, tmp_path: Path
) -> None:
    def elsewhere(content: dict[str, Any]) -> None:
        content["provenance"]["processor"]["machine"] = "abacus"
        content["windows"][0]["features"]["pitch"] *= 1 + 5e-7  # hundreds of hertz
        content["epp"] += 5e-7

    file = changed(results / "plain.mp4.json", tmp_path / "r.json", elsewhere)
    check = only(verify(file, model=bundle, media=[results / "plain.mp4"]))
    assert (check.ok, check.exact, len(check.differences)) == (True, False, 2)
    assert check.notes == ("it was computed on another kind of processor",)
    more = changed(file, tmp_path / "more.json", lambda content: content.update(epp=content["epp"] + 2e-6))
    assert [d.place for d in only(verify(more, model=bundle, media=[results / "plain.mp4"])).faults] == [
        "epp"
    ]


@given(st.floats(-1e6, 1e6), st.floats(-1e-5, 1e-5))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_tolerance_is_a_share_of_large_numbers_and_as_such_for_small(value: float, by: float) -> None:
    found = Difference(place="x", recorded=value, recomputed=value + by)
    size = abs((value + by) - value)
    assert found.within(1e-6) == (size <= 1e-6 or size <= 1e-6 * abs(value))
    assert not Difference(place="x", recorded=value, recomputed=None).within(1e9)


def test_contributions_are_recomputed_too(clips: Path, tmp_path: Path) -> None:
    analysis = analyze(clips / "sound.wav", attribution=True)  # the shipped model has what they refer to
    file = analysis.save(tmp_path / "r.json")
    check = only(verify(file))
    assert check.ok
    told = sum(".attribution." in place for place in check.recorded.values)
    assert told == len(ATTRIBUTION_COLUMNS) * len(analysis.windows)


def test_a_file_with_several_analyses_is_verified_whole(
    results: Path, clips: Path, bundle: Path, tmp_path: Path
) -> None:
    both = [analyze(clips / name, model=bundle) for name in ("short.mp4", "sound.wav")]
    (tmp_path / "r.json").write_bytes(b"".join(encode_json(analysis.to_dict()) for analysis in both))
    checks = list(verify(tmp_path / "r.json"))  # the bundle is found where it was
    assert [(check.media.name, check.ok) for check in checks] == [("short.mp4", True), ("sound.wav", True)]


def test_the_media_are_found_where_they_were_or_beside_the_result(
    results: Path, bundle: Path, tmp_path: Path
) -> None:
    moved = changed(
        results / "plain.mp4.json",
        tmp_path / "r.json",
        lambda content: content.update(media="gone/plain.mp4"),
    )
    with pytest.raises(InputError, match=r"gone/plain.mp4 is not there, from which .*r.json .*--media"):
        next(verify(moved, model=bundle))
    shutil.copy(results / "plain.mp4", tmp_path)
    assert only(verify(moved, model=bundle)).media == tmp_path / "plain.mp4"
    with (tmp_path / "plain.mp4").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(InputError, match=r"plain.mp4 is not the file that .*changed\): name the one"):
        next(verify(moved, model=bundle))


def test_another_model_is_not_taken_for_the_one_it_was(
    results: Path, bundle: Path, write_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    other = write_bundle(tmp_path / "other", emotion_bias=0.1)
    with pytest.raises(InputError, match="was computed with another model than"):
        next(verify(results / "plain.mp4.json", model=other))

    def forget(content: dict[str, Any]) -> None:
        content["provenance"]["bundle"] = str(tmp_path / "gone")

    lost = changed(results / "plain.mp4.json", tmp_path / "r.json", forget)
    with pytest.raises(InputError, match=r"no longer at .*gone as it was .*--model"):
        next(verify(lost))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: p["settings"].update(hop=-1.0), "settings cannot be"),
        (lambda p: p["settings"].update(hop="often"), "its hop cannot be 'often'"),
        (lambda p: p["settings"].update(smell=1), "does not know, smell"),
        (lambda p: p.pop("input_sha256"), "lacks input_sha256 in its provenance"),
    ],
)
def test_an_altered_provenance_is_told(
    results: Path, bundle: Path, tmp_path: Path, change: Callable[[Any], Any], says: str
) -> None:
    file = changed(
        results / "plain.mp4.json", tmp_path / "r.json", lambda content: change(content["provenance"])
    )
    with pytest.raises(InputError, match=says):
        next(verify(file, model=bundle, media=[results / "plain.mp4"]))


def test_a_table_without_its_status_is_refused_with_the_remedy(results: Path, tmp_path: Path) -> None:
    shutil.copy(results / "plain.mp4.csv", tmp_path)
    with pytest.raises(InputError, match=r"no status.csv beside it does: .*--format json"):
        read_results(tmp_path / "plain.mp4.csv")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", "[1, 2]"),
        ("b.json", "{} {"),
        ("c.json", ""),
        ("d.csv", "a,b\n1,2\n"),
        ("e.csv", ""),
        ("f.parquet", "x"),
        ("g.json", '{"media": 3, "duration_s": 1}'),
    ],
)
def test_what_is_no_result_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=rf"{name} is no result of `avfbel analyze`"):
        read_results(tmp_path / name)


def test_other_versions_are_named(results: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_module, "__version__", "99")
    monkeypatch.setattr(verify_module, "versions", lambda: {"numpy": "0"})
    check = only(verify(results / "plain.mp4.json", model=bundle))
    assert check.ok
    assert "and now by 99" in check.notes[0]
    assert "it was computed with av " in check.notes[1]
