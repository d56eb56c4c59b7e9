import csv
import json
import subprocess
import sys
from dataclasses import asdict

import pytest

from avfbel.errors import UsageError
from avfbel.files import _part
from avfbel.stimulus import (
    Rendition,
    build_clips,
    build_corpus,
    compose,
    corpus,
    named,
    named_stimuli,
    plan_corpus,
    plan_sweep,
    synthesize,
    write_wav,
)
from avfbel.stimulus.parameters import RANGES
from avfbel.stimulus.plans import clip_seed

SHORT = Rendition(only="sound")
PHRASES = plan_sweep(
    {"bpm": [100, 200], "consonance": [0, 37]},
    composer=lambda p, seed: compose(p, seed=seed, seconds=0.5, strict=True),
)


@pytest.fixture
def no_clips(monkeypatch):
    """Clips that are one empty file: what is tested is the corpus, not its clips."""
    monkeypatch.setattr(
        corpus,
        "write_stimulus",
        lambda score, folder, stem, **_: (folder / f"{stem}.mp4").write_text(stem),
    )


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def rows(manifest):
    with manifest.open() as file:
        return list(csv.DictReader(file))


def test_the_manifest_lists_every_clip(tmp_path, no_clips):
    done = []
    manifest = build_corpus(tmp_path / "c", exemplars=2, jobs=1, seed=4, progress=done.append)
    table = rows(manifest)
    assert done == [1] * 76
    assert list(table[0]) == [
        "media",
        "stimulus",
        "exemplar",
        "seed",
        "bpm",
        "jitter",
        "consonance",
        "bigsmall",
        "updown",
    ]
    assert [r["stimulus"] for r in table] == [name for name in named_stimuli() for _ in range(2)]
    for r in table:
        assert r["media"] == f"{r['stimulus']}_{int(r['exemplar']):04d}.mp4"
        assert (tmp_path / "c" / r["media"]).exists()
        assert int(r["seed"]) == clip_seed(4, r["stimulus"], int(r["exemplar"]))
        assert {k: float(r[k]) for k in RANGES} == asdict(named(r["stimulus"]))


@pytest.mark.slow
def test_clips_do_not_depend_on_the_number_of_processes(tmp_path):
    one = build_corpus(tmp_path / "one", exemplars=1, jobs=1, stimuli=["sad", "happy"])
    two = build_corpus(tmp_path / "two", exemplars=1, jobs=2, stimuli=["sad", "happy"])
    assert one.read_bytes() == two.read_bytes()
    files = sorted(p.name for p in (tmp_path / "one").iterdir())
    assert len(files) == 10
    assert {"manifest.csv", "conditions.csv"} < set(files)
    assert files == sorted(p.name for p in (tmp_path / "two").iterdir())
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    happy = rows(one)[1]
    write_wav(synthesize(compose(named("happy"), seed=int(happy["seed"]))), tmp_path / "again.wav")
    assert (tmp_path / "again.wav").read_bytes() == (tmp_path / "one" / "happy_0000.wav").read_bytes()


def test_no_manifest_if_a_clip_fails(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    (tmp_path / "manifest.csv").write_text("of an older corpus")
    monkeypatch.setattr(corpus, "write_stimulus", full)
    with pytest.raises(OSError, match="No space left"):
        build_corpus(tmp_path, exemplars=1, jobs=1)
    assert list(tmp_path.iterdir()) == []


class Spy:
    """Counts the clips that are made, and is broken off before one of them."""

    def __init__(self, monkeypatch, stop_before=None):
        self.made, self.stop_before, self.write = [], stop_before, corpus.write_stimulus
        monkeypatch.setattr(corpus, "write_stimulus", self)

    def __call__(self, score, folder, stem, **options):
        if len(self.made) == self.stop_before:
            raise KeyboardInterrupt
        self.made.append(stem)
        return self.write(score, folder, stem, **options)


def build(folder, clips=PHRASES, **options):
    return build_clips(clips, folder, jobs=1, rendition=SHORT, **options)


def test_a_resumed_build_makes_what_is_missing_and_ends_in_the_same_bytes(tmp_path, monkeypatch):
    build(tmp_path / "at once")
    with monkeypatch.context() as patch:
        Spy(patch, stop_before=2)
        with pytest.raises(KeyboardInterrupt):
            build(tmp_path / "twice")
    assert not (tmp_path / "twice" / "manifest.csv").exists()
    done, spy = [], Spy(monkeypatch)
    build(tmp_path / "twice", resume=True, progress=done.append)
    assert spy.made == [clip.stem for clip in PHRASES[2:]]
    assert done == [1] * 4
    assert contents(tmp_path / "twice") == contents(tmp_path / "at once")


def test_without_resume_all_is_made_anew(tmp_path, monkeypatch):
    build(tmp_path)
    spy = Spy(monkeypatch)
    build(tmp_path)
    assert len(spy.made) == 4


@pytest.mark.parametrize("suffix", [".mid", ".wav", ".json"])
@pytest.mark.parametrize("damage", [b"", b"cut short", None])
def test_a_clip_that_lacks_a_file_is_made_again(suffix, damage, tmp_path, monkeypatch):
    build(tmp_path)
    whole = contents(tmp_path)
    victim = tmp_path / f"{PHRASES[1].stem}{suffix}"
    victim.unlink() if damage is None else victim.write_bytes(damage)
    spy = Spy(monkeypatch)
    build(tmp_path, resume=True)
    assert spy.made == [PHRASES[1].stem]
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("text", ["", "{", "[]", '"half"', '{"seed": 1}'])
def test_a_truth_that_does_not_tell_of_the_clip_is_not_believed(text, tmp_path, monkeypatch):
    build(tmp_path)
    (tmp_path / f"{PHRASES[0].stem}.json").write_text(text)
    spy = Spy(monkeypatch)
    build(tmp_path, resume=True)
    assert spy.made == [PHRASES[0].stem]


@pytest.mark.parametrize(
    "changed",
    [
        {"rendition": Rendition(only="sound", sound="sine")},
        {"rendition": Rendition(only="sound", before_s=0.1)},
        {"clips": plan_sweep({"bpm": [100, 200], "consonance": [0, 37]}, seed=1)},
    ],
)
def test_clips_of_other_settings_are_not_taken_for_done(changed, tmp_path, monkeypatch):
    build(tmp_path)
    spy = Spy(monkeypatch)
    options = {"clips": PHRASES, "rendition": SHORT} | changed
    build_clips(options["clips"], tmp_path, jobs=1, rendition=options["rendition"], resume=True)
    assert len(spy.made) == 4


def test_a_clip_that_cannot_be_as_loud_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"^bpm100_consonance0_0000: at -6 LUFS the sound would go beyond"):
        build_clips(PHRASES, tmp_path, jobs=1, rendition=Rendition(only="sound", loudness=-6))


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left, other = _part(tmp_path / "happy_0000.mp4", dead.pid), tmp_path / ".mine.part"
    left.write_bytes(b"half a film")
    other.write_text("")
    alive = _part(tmp_path / "sad_0000.mp4", 1)
    alive.write_text("")
    build(tmp_path)
    assert not left.exists()
    assert other.exists()
    assert alive.exists(), "its process may still be writing it"


def test_the_conditions_can_be_read_by_psychopy(tmp_path):
    """Columns become variables there; a clip is played by its file and known by its times."""
    clips = plan_corpus(exemplars=2, stimuli=["sad", "angry"])
    build_clips(clips, tmp_path, jobs=2, rendition=Rendition(before_s=0.5, size=(100, 120)))
    with (tmp_path / "conditions.csv").open() as file:
        table = list(csv.DictReader(file))
    assert all(name.isidentifier() and name.islower() for name in table[0])
    for clip, row in zip(clips, table, strict=True):
        assert (tmp_path / row["movie_file"]).is_file()
        assert (tmp_path / row["sound_file"]).is_file()
        truth = json.loads((tmp_path / f"{clip.stem}.json").read_text())
        assert float(row["first_onset_s"]) == pytest.approx(truth["notes"][0]["onset_s"], abs=1e-6)
        assert float(row["clip_seconds"]) == pytest.approx(truth["length_s"], abs=1e-6)
        assert int(row["clip_frames"]) == len(truth["frames"])
        assert int(row["n_notes"]) == len(truth["notes"])
        assert int(row["n_bounces"]) == len(truth["bounces"])
        assert float(row["first_bounce_s"]) == pytest.approx(truth["bounces"][0]["start_s"], abs=1e-6)
        assert row["clip_stimulus"] == clip.stimulus


def test_the_manifest_of_sounds_names_sounds(tmp_path):
    table = rows(build(tmp_path))
    assert [row["media"] for row in table] == [f"{clip.stem}.wav" for clip in PHRASES]
    assert [row["around"] for row in table] == ["happy"] * 4
    with (tmp_path / "conditions.csv").open() as file:
        assert {row["movie_file"] for row in csv.DictReader(file)} == {""}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"exemplars": 0}, "exemplars must be at least 1, got 0"),
        ({"jobs": 0}, "jobs must be at least 1, got 0"),
        ({"seed": -1}, "seed must be a whole number from 0, got -1"),
        ({"stimuli": ["jolly"]}, "no stimulus is named 'jolly'"),
        ({"stimuli": []}, "at least one stimulus"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_made(request_, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        build_corpus(tmp_path / "never", **request_)
    assert not (tmp_path / "never").exists()
