import csv
from dataclasses import asdict

import pytest

from avfbel.errors import UsageError
from avfbel.stimulus import build_corpus, compose, corpus, named, named_stimuli, synthesize, write_wav
from avfbel.stimulus.corpus import clip_seed, plan_corpus
from avfbel.stimulus.parameters import RANGES


@pytest.fixture
def short_clips(monkeypatch):
    """Clips of a tenth of a second, in this process: what is tested is the corpus, not its clips."""
    monkeypatch.setattr(corpus, "compose", lambda p, seed: compose(p, seed=seed, seconds=2.1, strict=True))
    monkeypatch.setattr(
        corpus, "write_stimulus", lambda score, folder, stem: (folder / f"{stem}.mp4").write_text(stem)
    )


def rows(manifest):
    with manifest.open() as file:
        return list(csv.DictReader(file))


def test_the_manifest_lists_every_clip(tmp_path, short_clips):
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
    assert len(files) == 9
    assert files == sorted(p.name for p in (tmp_path / "two").iterdir())
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    happy = rows(one)[1]
    write_wav(synthesize(compose(named("happy"), seed=int(happy["seed"]))), tmp_path / "again.wav")
    assert (tmp_path / "again.wav").read_bytes() == (tmp_path / "one" / "happy_0000.wav").read_bytes()


def test_seeds_are_distinct_and_a_clip_keeps_its_own_in_any_corpus():
    clips = plan_corpus(exemplars=20)
    assert len({c.seed for c in clips}) == 760
    assert set(plan_corpus(exemplars=2, stimuli=["sad"])) < set(clips)
    assert not {c.seed for c in clips} & {c.seed for c in plan_corpus(exemplars=20, seed=1)}


def test_no_manifest_if_a_clip_fails(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corpus, "write_stimulus", full)
    with pytest.raises(OSError, match="No space left"):
        build_corpus(tmp_path, exemplars=1, jobs=1)
    assert list(tmp_path.iterdir()) == []


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
