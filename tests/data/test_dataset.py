from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import avfbel
from avfbel.data import KINDS, ManifestError, load_norms, load_reliability
from avfbel.data import measuring as measuring_module
from avfbel.data.cache import CACHE_FOLDER
from avfbel.data.dataset import load_unrated
from avfbel.emotion import rating_epp
from avfbel.errors import InputError, UsageError


def picture(k: int, n: int) -> np.ndarray:
    frame = np.full((60, 50, 3), 255, np.uint8)
    top = 5 + abs(k % 20 - 10) * 3 + n
    frame[top : top + 10, 20:30] = (200, 30, 30)
    return frame


def tone(seconds: float, hz: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * 8000)) / 8000)).astype(np.float32)


@pytest.fixture
def media(write_media, tmp_path: Path) -> Path:
    """A film with sound (6 s), one without, and a sound (2 s each)."""
    write_media(
        tmp_path / "both.mkv", frames=(picture(k, 0) for k in range(180)), samples=tone(5.8, 440), rate=8000
    )
    write_media(tmp_path / "film.mp4", frames=(picture(k, 1) for k in range(60)))
    write_media(tmp_path / "sound.wav", samples=tone(2, 330), rate=8000)
    return tmp_path


def manifest(folder: Path, text: str, name: str = "clips.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


ALL = "media,epp,speaker\nboth.mkv,0.8,a\nfilm.mp4,0.2,b\nsound.wav,0.4,b\n"


def test_clips_are_measured_and_joined_with_what_was_felt(media: Path) -> None:
    data = avfbel.load_dataset(manifest(media, ALL), jobs=1)
    assert data.name == "clips"
    assert data.clip_media.tolist() == ["both.mkv", "film.mp4", "sound.wav"]
    assert data.clip.tolist() == [0, 0, 0, 1, 2]
    assert data.start_s[:3] == pytest.approx([0, 1, 2])
    assert data.end_s == pytest.approx([4, 5, 6, 2, 2], abs=0.05)
    assert data.maps.shape == (5, 5, 64, 64)
    assert data.maps.dtype == np.float16
    assert (data.acoustic.shape, data.visual.shape, data.evidence.shape) == ((5, 7), (5, 5), (5, 2))
    assert data.evidence[3, 0] == 0 < data.evidence[3, 1]
    assert data.evidence[4, 1] == 0 < data.evidence[4, 0]
    assert data.groups["speaker"].tolist() == ["a", "b", "b"]
    assert data.complete.all()


def test_each_clip_has_targets_for_what_its_tracks_allow(media: Path) -> None:
    data = avfbel.load_dataset(manifest(media, ALL), jobs=1)
    nan = np.nan
    np.testing.assert_equal(data.targets["audio"].epp, [0.8, nan, 0.4])
    np.testing.assert_equal(data.targets["video"].epp, [0.8, 0.2, nan])
    np.testing.assert_equal(data.targets["fused"].epp, [0.8, nan, nan])
    assert {kind: data.available(kind).tolist() for kind in KINDS} == {
        "audio": [True, False, True],
        "video": [True, True, False],
        "fused": [True, False, False],
    }
    with pytest.raises(UsageError, match="no kind of perception 'smell': choose one of audio, video, fused"):
        data.available("smell")


def test_samples_open_the_senses_of_their_kind_and_clips_weigh_the_same(media: Path) -> None:
    samples = avfbel.load_dataset(manifest(media, ALL), jobs=1).samples()
    assert len(samples) == 3 + 1 + 3 + 1 + 3
    assert samples.rewards is not None
    assert samples.weight is not None
    by_kind = {
        kind: (samples.mask == mask).all(axis=1)
        for kind, mask in zip(KINDS, ([True, False], [False, True], [True, True]), strict=True)
    }
    assert samples.row[by_kind["audio"]].tolist() == [0, 1, 2, 4]
    assert samples.row[by_kind["video"]].tolist() == [0, 1, 2, 3]
    assert samples.row[by_kind["fused"]].tolist() == [0, 1, 2]
    for chosen in by_kind.values():
        np.testing.assert_allclose(samples.weight[chosen][:3], 1 / 3)
    assert rating_epp(samples.rewards[by_kind["video"]]) == pytest.approx([0.8, 0.8, 0.8, 0.2])


def test_samples_of_one_kind(media: Path) -> None:
    data = avfbel.load_dataset(manifest(media, ALL), jobs=1)
    assert data.samples(["fused"]).mask.all()
    assert len(data.take([2]).samples(["video"])) == 0


def test_some_clips_can_be_taken(media: Path) -> None:
    data = avfbel.load_dataset(manifest(media, ALL), jobs=1)
    part = data.take([2, 0])
    assert part.clip_media.tolist() == ["sound.wav", "both.mkv"]
    assert part.clip.tolist() == [0, 1, 1, 1]
    np.testing.assert_array_equal(part.maps[1:], data.maps[:3])
    np.testing.assert_array_equal(part.acoustic[0], data.acoustic[4])
    np.testing.assert_equal(part.targets["audio"].epp, [0.4, 0.8])


def test_what_was_measured_is_not_measured_again(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = manifest(media, ALL)
    first = avfbel.load_dataset(path, jobs=1)
    monkeypatch.setattr(measuring_module, "measure_excerpts", None)  # measuring now would fail
    again = avfbel.load_dataset(path, jobs=1)
    for name in ("maps", "visual", "acoustic", "evidence", "start_s", "end_s", "has_audio"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
    monkeypatch.undo()
    other = avfbel.load_dataset(path, window=2.0, jobs=1)
    assert other.n_windows > first.n_windows


def test_a_changed_or_renamed_file_is_told_by_its_content(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    avfbel.load_dataset(manifest(media, "media,epp\nsound.wav,0.5\n"), jobs=1)
    kept = set((media / CACHE_FOLDER).iterdir())
    (media / "sound.wav").rename(media / "renamed.wav")
    avfbel.load_dataset(manifest(media, "media,epp\nrenamed.wav,0.5\n"), jobs=1)
    assert set((media / CACHE_FOLDER).iterdir()) == kept
    (media / "renamed.wav").write_bytes((media / "renamed.wav").read_bytes()[:-4000])
    with pytest.warns(UserWarning, match=r"measured only as far as they decode: renamed\.wav"):
        data = avfbel.load_dataset(media / "clips.csv", jobs=1)
    assert len(set((media / CACHE_FOLDER).iterdir())) == len(kept) + 1
    assert not data.complete[0]


def test_a_damaged_measurement_is_made_again(media: Path) -> None:
    path = manifest(media, "media,epp\nsound.wav,0.5\n")
    first = avfbel.load_dataset(path, jobs=1)
    (kept,) = (media / CACHE_FOLDER).iterdir()
    for damage in (b"", kept.read_bytes()[:500], b"not an archive"):
        kept.write_bytes(damage)
        np.testing.assert_array_equal(avfbel.load_dataset(path, jobs=1).acoustic, first.acoustic)


def test_an_interrupted_run_keeps_what_is_finished(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, measure, calls = manifest(media, ALL), measuring_module.measure_excerpts, []

    def interrupted(media: Path, *args: object, **options: object) -> object:
        calls.append(Path(media).name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return measure(media, *args, **options)

    monkeypatch.setattr(measuring_module, "measure_excerpts", interrupted)
    with pytest.raises(KeyboardInterrupt):
        avfbel.load_dataset(path, jobs=1)
    assert len(list((media / CACHE_FOLDER).iterdir())) == 1
    avfbel.load_dataset(path, jobs=1)
    assert calls == ["both.mkv", "film.mp4", "film.mp4", "sound.wav"]


def test_processes_measure_the_same_and_a_script_needs_no_guard(media: Path) -> None:
    path = manifest(media, ALL)
    script = media / "script.py"
    script.write_text(
        "import avfbel\n"
        f"data = avfbel.load_dataset({str(path)!r}, jobs=2)\n"
        "print(data.n_windows, float(data.acoustic[4, 2]))\n"
    )
    run = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    n_windows, rms = run.stdout.split()
    for kept in (media / CACHE_FOLDER).iterdir():
        kept.unlink()
    data = avfbel.load_dataset(path, jobs=1)
    assert int(n_windows) == data.n_windows
    assert float(rms) == data.acoustic[4, 2]


def test_progress_counts_every_clip_once(media: Path) -> None:
    path = manifest(media, ALL)
    told: list[tuple[str, int, int]] = []
    for _ in ("first time", "from what is kept"):
        told.clear()
        avfbel.load_dataset(path, jobs=1, progress=lambda *step: told.append(step))
        assert told[-1] == ("measuring clips", 3, 3)
        assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_clips_that_cannot_be_measured_are_named_all_and_cost_no_other(media: Path) -> None:
    (media / "broken.mp4").write_bytes(b"no media at all")
    (media / "empty.wav").write_bytes(b"")
    path = manifest(media, "media,epp\nbroken.mp4,0.1\nempty.wav,0.2\nsound.wav,0.3\n")
    with pytest.raises(InputError, match=r"2 of 3 files cannot be measured: .*broken\.mp4.*; .*empty\.wav"):
        avfbel.load_dataset(path, jobs=1)
    assert len(list((media / CACHE_FOLDER).iterdir())) == 1


def test_ratings_of_several_people_are_averaged(media: Path) -> None:
    data = avfbel.load_dataset(
        manifest(
            media,
            "media,fear,happiness,participant,film\n"
            "sound.wav,0,1,eva,x\nfilm.mp4,0.5,0.5,eva,y\nsound.wav,1,0.5,tom,x\n",
        ),
        jobs=1,
    )
    assert data.n_clips == 2
    np.testing.assert_allclose(data.targets["audio"].emotions[0], [0.5, 0, 0, 0, 0.75])
    assert data.targets["audio"].epp[0] == pytest.approx(0.75 / 1.25)
    assert set(data.groups) == {"film"}  # the participant is none of the clip


def test_intensities_in_another_unit_are_brought_to_full_scale_one(media: Path) -> None:
    data = avfbel.load_dataset(
        manifest(media, "media,calm,anger\nsound.wav,127,0\nfilm.mp4,63.5,63.5\n"), jobs=1
    )
    assert data.intensity_unit == 127
    np.testing.assert_allclose(data.targets["audio"].emotions[0], [0, 0, 0, 1, 0])
    np.testing.assert_allclose(data.targets["video"].emotions[1], [0, 0, 0.5, 0.5, 0])


def test_parts_of_a_film_are_clips_of_one_stimulus(media: Path) -> None:
    data = avfbel.load_dataset(
        manifest(media, "media,epp,start_s,end_s\nboth.mkv,0.1,0,2.5\nboth.mkv,0.9,2.5,\n"), jobs=1
    )
    assert data.clip.tolist() == [0, 1]
    assert data.end_s == pytest.approx([2.5, 3.5], abs=0.05)
    assert len(set(data.stimulus)) == 1


def test_copies_of_a_file_are_one_stimulus_and_cannot_be_two(media: Path) -> None:
    (media / "copy.wav").write_bytes((media / "sound.wav").read_bytes())
    data = avfbel.load_dataset(manifest(media, "media,epp\nsound.wav,0.1\ncopy.wav,0.9\n"), jobs=1)
    assert data.stimulus.tolist() == ["sound.wav", "sound.wav"]
    path = manifest(media, "media,epp,stimulus\nsound.wav,0.1,x\ncopy.wav,0.9,y\n")
    with pytest.raises(ManifestError, match="line 3: a copy of the clip of line 2, but its stimulus is y"):
        avfbel.load_dataset(path, jobs=1)
    path = manifest(media, "media,epp,stimulus,participant\nsound.wav,0.1,x,eva\nsound.wav,0.9,y,tom\n")
    with pytest.raises(ManifestError, match="line 3: the clip of line 2 has another stimulus here: y"):
        avfbel.load_dataset(path, jobs=1)


def test_faults_of_a_manifest_come_before_any_work(media: Path) -> None:
    path = manifest(media, "media,epp\nsound.wav,0.5\nnowhere.mp4,0.5\n")
    with pytest.raises(ManifestError, match="line 3: no media file nowhere"):
        avfbel.load_dataset(path)
    assert not (media / CACHE_FOLDER).exists()


@pytest.mark.skipif(os.name == "nt", reason="folders are made read-only in another way")
def test_beside_a_manifest_that_cannot_be_written_to_the_user_cache_is_used(
    media: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = manifest(media, "media,epp\nsound.wav,0.5\n")
    (media / CACHE_FOLDER).write_text("a file where the folder should be")
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("AVFBEL_CACHE", str(cache))
    avfbel.load_dataset(path, jobs=1)
    assert len(list((cache / "measurements").iterdir())) == 1


def corpus(media: Path, rows: list[tuple[str, str]]) -> Path:
    with (media / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["media", "stimulus", "exemplar", "bpm"])
        writer.writerows([name, stimulus, k, 100] for k, (name, stimulus) in enumerate(rows))
    return media


def test_the_norms_are_the_targets_of_sievers2021(media: Path) -> None:
    folder = corpus(media, [("both.mkv", "happy"), ("film.mp4", "sad"), ("sound.wav", "sad")])
    data = avfbel.load_dataset("sievers2021", corpus=folder, jobs=1)
    norms = load_norms()
    happy, sad = norms.stimuli.index("happy"), norms.stimuli.index("sad")
    assert data.name == "sievers2021"
    assert data.stimulus.tolist() == ["happy", "sad", "sad"]
    for kind, modality in {"audio": "music", "video": "animation", "fused": "fused"}.items():
        np.testing.assert_array_equal(data.targets[kind].emotions[0], norms.emotions(modality)[happy])
        assert data.targets[kind].epp[0] == norms.epp(modality)[happy]
        assert data.reliability[kind] == load_reliability()[modality]
    assert data.targets["video"].epp[1] == norms.epp("animation")[sad]
    assert data.targets["audio"].valence[2] == norms.valence("music")[sad]
    assert "CC BY-NC 4.0" in data.source["licence"]
    assert len(avfbel.load_dataset("sievers2021", corpus=folder, exemplars=1, jobs=1).stimulus) == 2


def test_a_corpus_of_something_else_is_refused(media: Path) -> None:
    folder = corpus(media, [("both.mkv", "jolly")])
    with pytest.raises(UsageError, match="line 2: jolly is none of the 38 stimuli"):
        avfbel.load_dataset("sievers2021", corpus=folder)
    with pytest.raises(UsageError, match=r"no corpus at .*: make one with `avfbel corpus build"):
        avfbel.load_dataset("sievers2021", corpus=media / "nowhere")
    with pytest.raises(UsageError, match="exemplars must be at least 1, got 0"):
        avfbel.load_dataset("sievers2021", exemplars=0)
    with pytest.raises(UsageError, match="a corpus belongs to sievers2021"):
        avfbel.load_dataset(manifest(media, ALL), corpus=folder)


def test_clips_that_nobody_rated_are_measured_as_rated_ones_are(media: Path) -> None:
    rated = avfbel.load_dataset(manifest(media, ALL), jobs=1)
    told: list[tuple[str, int, int]] = []
    bare = manifest(media, "media\nboth.mkv\nfilm.mp4\nsound.wav\n", "bare.csv")
    data = load_unrated(bare, jobs=1, progress=lambda *step: told.append(step))
    assert data.name == "bare"
    assert told[-1] == ("measuring clips", 3, 3)
    for name in ("clip_media", "clip", "maps", "visual", "acoustic", "evidence", "start_s", "has_audio"):
        np.testing.assert_array_equal(getattr(data, name), getattr(rated, name))
    for targets in data.targets.values():
        assert np.isnan(targets.emotions).all()
        assert np.isnan(targets.epp).all()
        assert np.isnan(targets.valence).all()
    assert len(data.samples()) == 0, "there is nothing to learn feelings from"


def test_ratings_of_clips_are_not_read_and_a_clip_is_there_once(media: Path) -> None:
    path = manifest(media, "media,epp,participant\nsound.wav,0.1,eva\nfilm.mp4,0.2,eva\nsound.wav,0.9,tom\n")
    data = load_unrated(path, window=1.0, jobs=1)
    assert data.clip_media.tolist() == ["sound.wav", "film.mp4"]
    assert np.isnan(data.targets["audio"].epp).all()
    assert (data.window, data.end_s.tolist()[0]) == (1.0, 1.0)
    assert data.n_windows == 4


def test_a_corpus_of_any_stimuli_is_loaded_unrated_by_its_folder(media: Path) -> None:
    folder = corpus(media, [("both.mkv", "jolly"), ("sound.wav", "jolly")])
    by_folder, by_manifest = load_unrated(folder, jobs=1), load_unrated(folder / "manifest.csv", jobs=1)
    assert (by_folder.name, by_manifest.name) == (media.name, "manifest")
    assert by_folder.stimulus.tolist() == ["jolly", "jolly"]
    with pytest.raises(UsageError, match=r"no corpus at .*: make one with `avfbel corpus build"):
        load_unrated(media / "nowhere")


def test_an_unrated_clip_that_ends_early_is_told(media: Path) -> None:
    (media / "sound.wav").write_bytes((media / "sound.wav").read_bytes()[:-4000])
    path = manifest(media, "media\nsound.wav\n")
    with pytest.warns(UserWarning, match=r"measured only as far as they decode: sound\.wav") as warned:
        assert not load_unrated(path, jobs=1).complete[0]
    assert warned[0].filename == __file__, "it is told where the data were asked for"
