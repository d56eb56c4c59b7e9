"""Clips as a trained model judges them: files say what `analyze` says, sketches say nearly the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avfbel.compose import clips as clips_module
from avfbel.compose.clips import ModelWorld, Setting, Sketch
from avfbel.compose.search import compose_clips
from avfbel.compose.wish import Wish
from avfbel.emotion import EMOTIONS
from avfbel.errors import UsageError
from avfbel.runtime import Bundle, analyze
from avfbel.senses.sensorium import Modality
from avfbel.stimulus import named


def told(stage: str, done: int, total: int) -> None:
    """Take no note of progress."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVFBEL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("modality", "endings"),
    [
        ("both", {".mid", ".wav", ".mp4", ".json"}),
        ("audio", {".mid", ".wav", ".json"}),
        ("video", {".mp4", ".json"}),
    ],
)
def test_files_say_what_analyze_says_and_sketches_nearly_the_same(
    bundle: Path, tmp_path: Path, modality: Modality, endings: set[str]
) -> None:
    world = ModelWorld(Bundle.open(bundle), modality=modality, jobs=1)
    setting = Setting(named("happy"), 5)
    (written,) = world.write([(setting, "a")], tmp_path / "out", 1, told)
    assert {path.suffix for path in written.files} == endings
    analysis = analyze(written.media, model=bundle)
    assert written.told == Sketch.of(analysis)
    assert (written.told.epp, written.told.valence) == (analysis.epp, analysis.valence)
    (sketch,) = world.sketch([setting], told, "")
    assert sketch.epp == pytest.approx(analysis.epp, abs=0.01)
    assert [sketch.emotions[name] for name in EMOTIONS] == pytest.approx(
        [analysis.emotions[name] for name in EMOTIONS], abs=0.01
    )
    assert written.exemplars == tuple(world.sketch([Setting(named("happy"), 6)], told, ""))


def test_the_clips_that_are_returned_are_those_that_analyze_finds(bundle: Path, tmp_path: Path) -> None:
    world = ModelWorld(Bundle.open(bundle), modality="audio", jobs=1)
    wish = Wish(quantity="epp", target=0.6)
    found = compose_clips(world, wish, tmp_path / "out", count=2, budget=14, within=0.05)
    assert found.clips
    for clip in found.clips:
        analysis = analyze(clip.written.media, model=bundle)
        assert clip.predicted == analysis.epp
        assert clip.written.told.in_range == all(window.in_range for window in analysis.windows)
        assert (abs(analysis.epp - 0.6) <= 0.05) or not found.reached
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {path.name for clip in found.clips for path in clip.written.files}  # and nothing else


def test_sketches_are_kept_and_not_taken_for_those_of_another_model(
    bundle: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, settings = Bundle.open(bundle), [Setting(named("sad"), 1), Setting(named("sad"), 2)]
    first = ModelWorld(opened, modality="audio", jobs=1).sketch(settings, told, "")
    (kept,) = (cache / "sketches").iterdir()

    def never(*_: object) -> Sketch:
        raise AssertionError("was sketched again")

    monkeypatch.setattr(clips_module, "_sketch", never)
    assert ModelWorld(opened, modality="audio", jobs=1).sketch(settings, told, "") == first
    for other in (
        ModelWorld(opened, jobs=1),
        ModelWorld(replace(opened, sha256="0"), modality="audio", jobs=1),
    ):
        with pytest.raises(AssertionError, match="sketched again"):
            other.sketch(settings, told, "")
    monkeypatch.undo()
    kept.write_text("{broken")
    monkeypatch.setenv("AVFBEL_CACHE", str(cache))
    assert ModelWorld(opened, modality="audio", jobs=1).sketch(settings, told, "") == first


def test_what_was_sketched_before_an_interruption_is_kept(bundle: Path) -> None:
    opened, settings = Bundle.open(bundle), [Setting(named("sad"), seed) for seed in (1, 2, 3)]

    def impatient(stage: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ModelWorld(opened, modality="audio", jobs=1).sketch(settings, impatient, "")
    seen: list[tuple[int, int]] = []
    world = ModelWorld(opened, modality="audio", jobs=1)
    world.sketch(settings, lambda stage, done, total: seen.append((done, total)), "")
    assert seen == [(2, 3), (3, 3)]


def test_a_model_without_that_sense_is_refused(bundle: Path) -> None:
    opened = Bundle.open(bundle)
    deaf = replace(opened, card={**opened.card, "kinds": ["video"]})
    with pytest.raises(UsageError, match="has no sense for audio"):
        ModelWorld(deaf, modality="audio")
