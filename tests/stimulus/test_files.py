import json
from dataclasses import asdict

import pytest

from avfbel.errors import UsageError
from avfbel.stimulus import ball_motion, compose, files, named, write_stimulus

SCORE = compose(named("angry_happy_25"), seed=3, seconds=0.4, strict=True)
NAMES = ["x.json", "x.mid", "x.mp4", "x.wav"]


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_four_files_with_one_stem_in_a_new_folder(tmp_path):
    paths = write_stimulus(SCORE, tmp_path / "new" / "folder", "x")
    assert names(tmp_path / "new" / "folder") == NAMES
    assert [p.suffix for p in paths] == [".mid", ".wav", ".mp4", ".json"]
    assert all(p.stat().st_size for p in paths)


def test_the_truth_about_a_clip(tmp_path):
    truth = json.loads(write_stimulus(SCORE, tmp_path, "x")[-1].read_text())
    assert truth["parameters"] == asdict(named("angry_happy_25"))
    assert (truth["seed"], truth["variant"]) == (3, "clips-2021")
    assert [
        set(n) >= {"onset_s", "duration_s", "pitch", "velocity", "height", "spike", "lean_deg"}
        for n in truth["notes"]
    ]
    assert [tuple(n.values()) for n in truth["notes"]] == [tuple(n) for n in SCORE.notes]
    motion = ball_motion(SCORE)
    assert len(truth["frames"]) == 24
    assert list(truth["frames"][0]) == ["time_s", "x", "y", "spikiness"]
    for key, column in (
        ("time_s", motion.time_s),
        ("x", motion.x),
        ("y", motion.y),
        ("spikiness", motion.spikiness),
    ):
        assert [f[key] for f in truth["frames"]] == pytest.approx(column.tolist(), abs=1e-3)


def test_the_same_seed_gives_the_same_files(tmp_path):
    for folder in "ab":
        write_stimulus(SCORE, tmp_path / folder, "x")
    for name in NAMES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


@pytest.mark.parametrize("step", ["write_midi", "write_wav", "write_film", "ground_truth"])
def test_a_failure_leaves_nothing_new_and_spares_what_was_there(step, tmp_path, monkeypatch):
    (tmp_path / "x.mid").write_bytes(b"older")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, step, full)
    with pytest.raises(OSError, match="No space left"):
        write_stimulus(SCORE, tmp_path, "x")
    assert names(tmp_path) == ["x.mid"]
    assert (tmp_path / "x.mid").read_bytes() == b"older"


def test_an_interruption_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "write_film", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_stimulus(SCORE, tmp_path, "x")
    assert names(tmp_path) == []


def test_a_folder_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_stimulus(SCORE, tmp_path / "file", "x")
    with pytest.raises(OSError, match="file"):
        write_stimulus(SCORE, tmp_path / "file" / "below", "x")


def test_an_unknown_sound_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UsageError, match="sound must be piano or sine"):
        write_stimulus(SCORE, tmp_path / "never", "x", sound="organ")
    assert not (tmp_path / "never").exists()
