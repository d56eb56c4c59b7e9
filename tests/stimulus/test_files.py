import json
import wave
from dataclasses import asdict

import av
import pytest

from avfbel.errors import UsageError
from avfbel.stimulus import Rendition, ball_bounces, ball_motion, compose, files, named, write_stimulus

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


def test_the_truth_tells_the_bounces(tmp_path):
    truth = json.loads(write_stimulus(SCORE, tmp_path, "x")[-1].read_text())
    assert [tuple(b.values()) for b in truth["bounces"]] == [tuple(b) for b in ball_bounces(SCORE)]
    rest = max(f["y"] for f in truth["frames"])
    for bounce in truth["bounces"]:
        flight = truth["frames"][bounce["start_frame"] : bounce["end_frame"]]
        assert all(f["y"] < rest for f in flight)


@pytest.mark.parametrize(
    ("only", "suffixes", "streams"),
    [("sound", [".mid", ".wav", ".json"], None), ("film", [".mp4", ".json"], ["video"])],
)
def test_one_sense_only(only, suffixes, streams, tmp_path):
    both = json.loads(write_stimulus(SCORE, tmp_path / "both", "x")[-1].read_text())
    paths = write_stimulus(SCORE, tmp_path / "one", "x", rendition=Rendition(only=only))
    assert [p.suffix for p in paths] == suffixes
    assert sorted(paths) == sorted((tmp_path / "one").iterdir())
    truth = json.loads(paths[-1].read_text())
    assert truth["notes"] == both["notes"]
    assert ("frames" in truth) == (only == "film")
    for path in paths[:-1]:
        if path.suffix == ".mp4":
            with av.open(str(path)) as film:
                assert [s.type for s in film.streams] == streams
        else:
            assert path.read_bytes() == (tmp_path / "both" / path.name).read_bytes()


def test_a_mismatched_pair_has_the_sound_of_one_and_the_picture_of_the_other(tmp_path):
    other = compose(named("sad"), seed=9, seconds=0.4, strict=True)
    write_stimulus(SCORE, tmp_path / "a", "x")
    write_stimulus(other, tmp_path / "b", "x")
    write_stimulus(SCORE, tmp_path / "pair", "x", film=other)
    for name in ("x.mid", "x.wav"):
        assert (tmp_path / "pair" / name).read_bytes() == (tmp_path / "a" / name).read_bytes()
    heard, shown, pair = (json.loads((tmp_path / f / "x.json").read_text()) for f in ("a", "b", "pair"))
    assert pair["notes"] == heard["notes"]
    assert pair["film"]["notes"] == shown["notes"]
    assert (pair["film"]["seed"], pair["frames"]) == (9, shown["frames"])

    def pictures(folder):
        with av.open(str(tmp_path / folder / "x.mp4")) as film:
            return [frame.to_ndarray().tobytes() for frame in film.decode(video=0)]

    assert pictures("pair") == pictures("b") != pictures("a")


def test_silence_before_a_clip_shifts_sound_picture_and_truth(tmp_path):
    write_stimulus(SCORE, tmp_path / "a", "x")
    write_stimulus(SCORE, tmp_path / "b", "x", rendition=Rendition(before_s=0.5, after_s=0.25))
    plain, later = (json.loads((tmp_path / f / "x.json").read_text()) for f in "ab")
    assert len(later["frames"]) == len(plain["frames"]) + 45
    assert [f["y"] for f in later["frames"][30:54]] == [f["y"] for f in plain["frames"]]
    assert later["notes"][0]["onset_s"] == pytest.approx(plain["notes"][0]["onset_s"] + 0.5)
    with wave.open(str(tmp_path / "b" / "x.wav")) as file:
        assert file.getnframes() == round((0.4 + 0.75) * 44100)
        assert not any(file.readframes(22050))
        assert any(file.readframes(8820))


def test_the_size_of_film_and_truth(tmp_path):
    paths = write_stimulus(SCORE, tmp_path, "x", rendition=Rendition(size=(250, 300)))
    truth, motion = json.loads(paths[-1].read_text()), ball_motion(SCORE)
    assert [f["y"] for f in truth["frames"]] == pytest.approx((motion.y / 2).tolist(), abs=1e-3)
    with av.open(str(paths[2])) as film:
        assert (film.streams.video[0].width, film.streams.video[0].height) == (250, 300)


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
        write_stimulus(SCORE, tmp_path / "never", "x", rendition=Rendition(sound="organ"))
    assert not (tmp_path / "never").exists()
