import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import avfbel.cli.world  # enters its commands into the table
from avfbel.cli.app import app

SLIDERS = {"--bpm": 120, "--jitter": 0, "--consonance": 37, "--bigsmall": 50, "--updown": 50}
SHORT = ("--seconds", 0.4, "--strict", "--seed", 3)


def avfbel(*args, timeout=120):
    command = [sys.executable, "-m", "avfbel", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def in_this_process(*args):
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def sliders(**changed):
    values = SLIDERS | {f"--{k}": v for k, v in changed.items()}
    return [x for pair in values.items() if pair[1] is not None for x in pair]


@pytest.mark.parametrize(
    ("request_", "stem"),
    [
        (["--name", "happy"], "happy_0003"),
        (["--from", "happy", "--to", "sad", "--mix", 0.25], "happy_sad_25_0003"),
        (sliders(), "bpm120_jitter0_consonance37_bigsmall50_updown50_0003"),
    ],
)
def test_stimulus_writes_four_files_and_prints_their_paths(request_, stem, tmp_path):
    done = avfbel("stimulus", *request_, *SHORT, "--out", tmp_path / "clips")
    assert (done.returncode, done.stderr) == (0, "")
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert [p.name for p in paths] == [f"{stem}{suffix}" for suffix in (".mid", ".wav", ".mp4", ".json")]
    assert sorted(paths) == sorted((tmp_path / "clips").iterdir())


def test_the_process_ends_with_the_code_and_without_a_traceback(tmp_path):
    done = avfbel("stimulus", "--name", "jolly", "--out", tmp_path)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_a_mix_named_by_its_ends_is_the_named_mix(tmp_path):
    avfbel("stimulus", "--from", "happy", "--to", "sad", "--mix", 0.5, *SHORT, "--out", tmp_path / "a")
    avfbel("stimulus", "--name", "happy_sad_50", *SHORT, "--out", tmp_path / "b")
    for suffix in (".mid", ".wav", ".mp4", ".json"):
        name = f"happy_sad_50_0003{suffix}"
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_patch_plays_sixteen_notes(tmp_path):
    done = avfbel("stimulus", *sliders(bpm=399.7), "--variant", "patch", "--sound", "sine", "--out", tmp_path)
    assert done.returncode == 0
    truth = json.loads((tmp_path / "bpm399.7_jitter0_consonance37_bigsmall50_updown50_0000.json").read_text())
    assert len(truth["notes"]) == 16
    assert truth["parameters"]["bpm"] == 399


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (["--name", "jolly"], "no stimulus is named 'jolly'"),
        (sliders(bpm=0), "bpm must be from 30 to 400, got 0"),
        (sliders(consonance=99), "consonance must be from 0 to 37, got 99"),
        (sliders(jitter="nan"), "jitter must be from 0 to 99, got nan"),
        (sliders(updown=None, bpm=None), "all five sliders are needed: add --bpm, --updown"),
        ([], "say which stimulus"),
        (["--name", "sad", *sliders()], "say which stimulus"),
        (["--from", "happy", "--to", "sad"], "a mix needs --from, --to and --mix"),
        (["--from", "happy", "--to", "sad", "--mix", 25], "share of a mix must be from 0 to 1, got 25"),
        (["--name", "sad", "--seed", -1], "seed must be a whole number from 0, got -1"),
        (["--name", "sad", "--sound", "organ"], "sound must be piano or sine, got 'organ'"),
        (["--name", "sad", "--variant", "2013"], "variant must be clips-2021 or patch, got '2013'"),
        (["--name", "sad", "--variant", "patch", "--strict"], "always plays 16 notes"),
        (["--name", "sad", "--only", "picture"], "sound only or film only, got 'picture'"),
        (["--name", "sad", "--only", "sound", "--film-of", "happy"], "--film-of asks for a film"),
        (["--name", "sad", "--only", "film", "--loudness", -23], "film only has no loudness"),
        (["--name", "sad", "--only", "film", "--film-of", "happy"], "--name happy --only film"),
        (["--name", "sad", "--film-of", "jolly"], "no stimulus is named 'jolly'"),
        (["--name", "sad", "--size", "big"], "the size must be WIDTHxHEIGHT"),
        (["--name", "sad", "--before", -1], "the silence before must be from 0 to 600 s, got -1"),
        (["--name", "sad", "--loudness", "inf"], "loudness"),
    ],
)
def test_wrong_usage_ends_in_one_sentence(request_, sentence, tmp_path):
    done = in_this_process("stimulus", *request_, "--out", tmp_path / "never")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("command", [["stimulus", "--name", "sad"], ["corpus", "build", "--exemplars", 1]])
def test_a_folder_that_cannot_be_written_to_is_named(command, tmp_path):
    (tmp_path / "file").write_text("")
    done = in_this_process(*command, "--out", tmp_path / "file" / "below")
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert str(tmp_path / "file") in done.stderr
    assert "choose another output folder" in done.stderr


@pytest.mark.parametrize(
    ("option", "sentence"), [("--exemplars", "exemplars must be"), ("--jobs", "jobs must be")]
)
def test_a_corpus_of_nothing_is_refused(option, sentence, tmp_path):
    done = in_this_process("corpus", "build", option, 0, "--out", tmp_path / "never")
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert not (tmp_path / "never").exists()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="lists processes by /proc")
def test_workers_end_when_the_command_is_killed(tmp_path):
    command = [sys.executable, "-m", "avfbel", "corpus", "build", "--jobs", "2", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        while run.poll() is None and not list(tmp_path.glob("[!.]*.json")):
            time.sleep(0.05)
        workers = [int(p) for p in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]
        run.kill()
    assert len(workers) >= 2
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(is_running(pid) for pid in workers):
        time.sleep(0.1)
    assert not [pid for pid in workers if is_running(pid)]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_pair_a_sweep_and_all_options_of_a_clip(tmp_path):
    done = in_this_process(
        *(
            "stimulus",
            "--name",
            "happy",
            "--film-of",
            "sad",
            "--before",
            0.1,
            "--after",
            0.1,
            "--loudness",
            -26,
        ),
        *("--size", "250x300", "--sound", "sine", *SHORT, "--out", tmp_path / "clip"),
    )
    assert done.exit_code == 0
    truth = json.loads((tmp_path / "clip" / "happy_x_sad_0003.json").read_text())
    assert truth["rendition"] == {
        "only": None,
        "sound": "sine",
        "loudness": -26.0,
        "size": [250, 300],
        "before_s": 0.1,
        "after_s": 0.1,
    }
    assert truth["film"]["parameters"]["bpm"] == 46
    swept = ("corpus", "build", "--sweep", "bpm=60:240:2", "--around", "sad", "--only", "sound", *SHORT)
    done = in_this_process(*swept, "--out", tmp_path / "sweep")
    assert done.exit_code == 0
    assert Path(done.stdout.strip()).read_text().splitlines()[1].startswith("bpm60_0000.wav,bpm60,0,")
    first = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "sweep").glob("*.wav")}
    assert in_this_process(*swept, "--resume", "--out", tmp_path / "sweep").exit_code == 0
    assert first == {path.name: path.stat().st_mtime_ns for path in (tmp_path / "sweep").glob("*.wav")}


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (["--sweep", "bpm=60,90", "--pairs"], "a sweep goes --around one stimulus"),
        (["--sweep", "bpm=60,90", "--stimuli", "happy"], "a sweep goes --around one stimulus"),
        (["--around", "sad"], "--around is for a sweep"),
        (["--pairs", "--only", "sound"], "pairs are of sound and film"),
        (["--stimuli", "happy,jolly"], "no stimulus is named 'jolly'"),
        (["--stimuli", ","], "at least one stimulus"),
        (["--sweep", "bpm=0,90"], "bpm must be from 30 to 400, got 0"),
        (["--sweep", "bpm=fast"], "a sweep is written bpm=60,120,240"),
        (["--sweep", "consonance=0.2,0.4"], "consonance0.2 and consonance0.4 are the same clip"),
        (["--sweep", "bpm=60.00000000001,60"], "bpm60 and bpm60 are the same clip"),
        (["--sweep", "bpm=60:inf:3"], "a sweep is written bpm=60,120,240"),
        (["--seconds", 0.001], "no note starts within"),
        (["--variant", "patch", "--seconds", 3], "always plays 16 notes"),
        (["--size", "7x7"], "size"),
        (["--random", 3, "--exemplars", 2], "--random makes a corpus of its own: leave the options"),
        (["--random", 3, "--stimuli", "happy"], "--random makes a corpus of its own"),
        (["--random", 3, "--sweep", "bpm=60,90"], "--random makes a corpus of its own"),
        (["--random", 3, "--around", "sad"], "--random makes a corpus of its own"),
        (["--random", 3, "--pairs"], "--random makes a corpus of its own"),
        (["--random", 100_001], "number of random clips must be from 1 to 100000, got 100001"),
        (["--random", 3, "--seed", -1], "seed must be a whole number from 0, got -1"),
    ],
)
def test_wrong_corpora_are_refused_before_anything_is_made(request_, sentence, tmp_path):
    done = in_this_process("corpus", "build", *request_, "--out", tmp_path / "never")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "never").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends the signal of Ctrl-C to a process group")
def test_an_interrupted_corpus_leaves_whole_clips_and_no_traceback(tmp_path):
    command = [sys.executable, "-m", "avfbel", "corpus", "build", "--exemplars", "2", "--out", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        while run.poll() is None and not list(tmp_path.glob("[!.]*.json")):
            time.sleep(0.05)
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert (out, len(err.splitlines())) == ("", 1), err
    assert "interrupted" in err
    stems = {p.stem for p in tmp_path.iterdir()}
    assert 0 < len(stems) < 76
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        f"{stem}{suffix}" for stem in stems for suffix in (".mid", ".wav", ".mp4", ".json")
    )


@pytest.mark.parametrize("command", [["stimulus"], ["corpus", "build"]])
def test_help_shows_an_example(command):
    done = in_this_process(*command, "--help")
    assert done.exit_code == 0
    assert f"Example: avfbel {' '.join(command)}" in done.stdout


def test_a_random_corpus_is_what_was_planned_and_grows_at_its_end(tmp_path):
    from avfbel.stimulus.random_plans import plan_random

    options = ("--seed", 5, "--only", "sound", "--sound", "sine", "--jobs", 1)
    done = in_this_process("corpus", "build", "--random", 2, *options, "--out", tmp_path / "two")
    assert (done.exit_code, done.stderr) == (0, "")
    rows = Path(done.stdout.strip()).read_text().splitlines()
    assert [row.split(",")[:3] for row in rows[1:]] == [
        [f"random0000{k}_0000.wav", f"random0000{k}", "0"] for k in (0, 1)
    ]
    for clip in plan_random(2, seed=5):
        truth = json.loads((tmp_path / "two" / f"{clip.stem}.json").read_text())
        assert truth["seed"] == clip.seed
        assert truth["parameters"]["bpm"] == clip.music.parameters.bpm
    in_this_process("corpus", "build", "--random", 3, *options, "--out", tmp_path / "three")
    for made in (tmp_path / "two").glob("random*"):
        assert (tmp_path / "three" / made.name).read_bytes() == made.read_bytes()


def test_none_but_whole_numbers_of_random_clips(tmp_path):
    done = in_this_process("corpus", "build", "--random", 0, "--out", tmp_path / "never")
    assert done.exit_code == 2
    assert "--random" in done.stderr
    assert not (tmp_path / "never").exists()
