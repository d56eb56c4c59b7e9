"""`avfbel train` and `avfbel evaluate`: from clips on disk to a bundle that analyses them, and refusals."""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

import avfbel.cli.learning  # noqa: F401  (enters its commands)
from avfbel import Bundle, analyze, load_dataset
from avfbel.cli.app import app
from avfbel.data import KINDS
from avfbel.learn import Settings
from avfbel.learn.candidates import Circuit, circuit
from avfbel.learn.card import make_card
from avfbel.learn.cortex import cortex_digest, read_cortex
from avfbel.learn.training import write_bundle
from avfbel.stimulus import compose, named, write_stimulus

EPP = {"happy": 0.9, "peaceful": 0.7, "angry": 0.3, "sad": 0.2}
FILES = ["card.json", "model.onnx", "weights.safetensors"]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four short stimuli: films with sound (.mp4), and their sound alone (.wav)."""
    folder = tmp_path_factory.mktemp("films")
    for stimulus in EPP:
        write_stimulus(compose(named(stimulus), seed=1, seconds=1.5, strict=True), folder, stimulus)
    return folder


def manifest(folder: Path, name: str, rows: list[dict[str, object]]) -> Path:
    path = folder / name
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def clips(films: Path) -> Path:
    """A manifest without a column for stimuli, and with a column to hold out by."""
    rows = [
        {"media": f"{name}.mp4", "epp": epp, "mood": "up" if epp > 0.5 else "down"}
        for name, epp in EPP.items()
    ]
    return manifest(films, "clips.csv", rows)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def avfbel_(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_train_writes_a_bundle_that_analyses_what_it_learned(
    films: Path, clips: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mine"
    done = avfbel_("train", clips, "--model", "m-bel", "--epochs", 2, "--out", out, "--jobs", 1)
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "m-bel, leave-stimulus-out"
    assert lines[1].split() == ["r", "95", "%", "R2", "nEV", "CCC", "RMSE", "n"]
    assert lines[2].split()[:2] == ["audio", "epp"]
    assert lines[2].split()[-1] == "4"
    assert lines[-1] == str(out)
    bundle = Bundle.open(out)
    assert bundle.card["metrics"]["leave-stimulus-out"]["audio"]["epp"]["n"] == 4
    assert (bundle.card["data"], bundle.card["parameters"]["bel_epochs"]) == ("clips", 2)
    assert bundle.card["cortex"]["sha256"] == cortex_digest("default")
    said = analyze(films / "happy.mp4", model=bundle, modality="audio")
    assert 0 < said.epp < 1
    assert said.epp != 0.5
    assert all(window.in_range for window in said.windows)
    assert said.model["name"] == "m-bel"


def test_an_analysis_gives_the_numbers_that_were_evaluated(films: Path, tmp_path: Path) -> None:
    """Measured, learned and judged in torch, against the file through the stream and the exported network."""
    rows = [{"media": f"{name}.mp4", "epp": epp} for name, epp in EPP.items()]
    # Windows of half a second: several a clip, so that their weights matter.
    data = load_dataset(manifest(films, "fine.csv", rows), window=0.5, hop=0.25, jobs=1)
    fitted = circuit("avf-bel", Settings(epochs=5))
    judge = Circuit(fitted).fit(data)
    write_bundle(fitted, tmp_path / "b", make_card(fitted, data, {}))
    bundle = Bundle.open(tmp_path / "b")
    for kind in KINDS:
        # A data set keeps maps in half precision, 5e-4 of their values; what is heard it keeps in full.
        tolerance = 1e-6 if kind == "audio" else 1e-3
        expected = judge.predict(data, kind)
        for clip, name in enumerate(EPP):
            said = analyze(
                films / f"{name}.mp4",
                model=bundle,
                window=0.5,
                hop=0.25,
                modality="both" if kind == "fused" else kind,  # type: ignore[arg-type]
            )
            assert len(said.windows) == (data.clip == clip).sum() > 3
            np.testing.assert_allclose([said.epp, said.valence], expected[clip], atol=tolerance, rtol=0)


@pytest.mark.parametrize(
    ("suffix", "name", "sense"), [("wav", "m-bel", "audio"), ("silent", "a-bel", "video")]
)
def test_manifests_of_sounds_and_of_silent_films(
    films: Path, tmp_path: Path, write_media: object, suffix: str, name: str, sense: str
) -> None:
    rows: list[dict[str, object]] = []
    for stimulus, epp in EPP.items():
        media = films / f"{stimulus}.{suffix}"
        if suffix == "silent":
            media = _without_sound(films / f"{stimulus}.mp4", tmp_path / f"{stimulus}.mp4", write_media)
        rows.append({"media": str(media), "epp": epp})
    listed = manifest(tmp_path, "one_sense.csv", rows)
    done = avfbel_("train", listed, "--epochs", 1, "--out", tmp_path / "b", "--jobs", 1)
    assert done.exit_code == 0, done.output
    assert done.stderr.startswith("note: no rated clip has ")
    assert f"trained is {name}" in done.stderr
    card = Bundle.open(tmp_path / "b").card
    assert (card["name"], card["kinds"]) == (name, [sense])
    assert list(card["metrics"]["leave-stimulus-out"]) == [sense]
    analysis = analyze(str(rows[0]["media"]), model=tmp_path / "b")
    assert analysis.evidence
    assert analysis.epp != 0.5


def _without_sound(film: Path, path: Path, write_media: object) -> Path:
    from avfbel.senses import Frame, open_media

    with open_media(film) as media:
        frames = [event.rgb for event in media if isinstance(event, Frame)]
    even = [frame[: len(frame) // 2 * 2, : frame.shape[1] // 2 * 2] for frame in frames]
    return write_media(path, frames=even)  # type: ignore[operator]


def test_evaluate_prints_and_writes_figures(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "held_out.json"
    arguments = ("--model", "ridge", "--model", "mean", "--protocol", "leave-group-out:mood", "--out", out)
    done = avfbel_("evaluate", clips, *arguments, "--target", "epp", "--jobs", 1)
    assert (done.exit_code, done.stderr) == (0, "")
    titles = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert titles[:2] == ["ridge, leave-group-out:mood", "mean, leave-group-out:mood"]
    assert titles[2:] == ["paired differences in r, with 95 % intervals over stimuli"]
    assert "valence" not in done.stdout

    def no_nan(constant: str) -> None:
        raise AssertionError(constant)

    written = json.loads(out.read_text(), parse_constant=no_nan)
    assert [result["model"] for result in written["results"]] == ["ridge", "mean"]
    for result in written["results"]:
        assert list(result["metrics"]["fused"]["epp"]) == [
            *("r", "r_low", "r_high", "r2", "nev", "ccc", "rmse", "n")
        ]
        assert len(result["rows"]) == 3 * 4
    assert names_in(out.parent) == ["held_out.json"]


def test_an_evaluation_that_was_interrupted_goes_on_where_it_was(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avfbel.learn import crossvalidation

    hold_out, done = crossvalidation.hold_out, []

    def until_the_sixth(*task: object) -> object:
        done.append(task[0])
        if len(done) == 6:
            raise KeyboardInterrupt
        return hold_out(*task)  # type: ignore[arg-type]

    arguments = ("evaluate", clips, "--model", "ridge", "--model", "mean", "--jobs", 1, "--out")
    assert avfbel_(*arguments, tmp_path / "straight.json").exit_code == 0
    monkeypatch.setattr(crossvalidation, "hold_out", until_the_sixth)
    stopped = avfbel_(*arguments, tmp_path / "a.json")
    assert stopped.exit_code == 130
    assert "a.json.parts: the same command with --resume goes on there" in stopped.stderr
    assert len(names_in(tmp_path / "a.json.parts")) == 5
    again = avfbel_(*arguments, tmp_path / "a.json", "--resume", "--plot", tmp_path / "a.png")
    assert again.exit_code == 0, again.output
    assert done[6:] == ["mean"] * 3
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "straight.json").read_bytes()
    assert names_in(tmp_path) == ["a.json", "a.png", "straight.json"]
    lonely = avfbel_("evaluate", clips, "--model", "mean", "--resume")
    assert (lonely.exit_code, "name it with --out" in lonely.stderr) == (2, True)


def test_few_stimuli_have_no_figures_and_that_is_said(films: Path, tmp_path: Path) -> None:
    rows = [{"media": f"{name}.wav", "epp": EPP[name], "stimulus": name} for name in ("happy", "sad")]
    done = avfbel_(
        *("train", manifest(films, "two.csv", rows), "--model", "m-bel", "--epochs", 1),
        *("--out", tmp_path / "b"),
    )
    assert done.exit_code == 0, done.output
    assert "fewer than three stimuli: nothing could be held out" in done.stdout
    assert Bundle.open(tmp_path / "b").card["metrics"] == {}


def forbid_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*_: object, **__: object) -> None:
        raise AssertionError("work was begun")

    monkeypatch.setattr("avfbel.data.measuring.measure_clips", work)
    monkeypatch.setattr("avfbel.data.corpora.clips_2021", work)


@pytest.mark.parametrize("command", [("train", "--out", "bundle"), ("evaluate", "--model", "ridge")])
def test_all_faults_of_a_manifest_are_said_before_any_work(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    forbid_work(monkeypatch)
    monkeypatch.chdir(tmp_path)
    rows = [
        {"media": "happy.mp4", "epp": 0.9},
        {"media": "lost.mp4", "epp": 0.5},
        {"media": "sad.mp4", "epp": 1.5},
        {"media": "angry.mp4", "epp": "low"},
    ]
    done = avfbel_(command[0], manifest(films, "faulty.csv", rows), *command[1:])
    assert done.exit_code == 2
    (sentence,) = done.stderr.splitlines()
    for fault in (
        "line 3: no media file lost.mp4",
        "line 4: epp is 1.5, not a number from 0 to 1",
        "line 5: epp is 'low', not a number",
    ):
        assert fault in sentence
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["train", "sievers2021", "--model", "ridge"],
            "'ridge' cannot be written as a bundle: choose one of",
        ),
        (["train", "sievers2021", "--out", "file"], "is a file: name a folder for the bundle"),
        (["train", "sievers2021", "--out", "album"], "holds something else than a bundle, photo.jpg"),
        (["train", "sievers2021", "--epochs", "0"], "--epochs"),
        (["train", "sievers2021", "--exemplars", "0"], "--exemplars"),
        (["train", "sievers2021", "--corpus", "nowhere"], "no corpus at nowhere: make one with"),
        (["train", "nothing.csv"], "no manifest at nothing.csv"),
        (["evaluate", "sievers2021"], "--model"),
        (["evaluate", "sievers2021", "--model", "best"], "no model 'best': choose one of avf-bel, m-bel"),
        (
            ["evaluate", "sievers2021", "--model", "gp", "--protocol", "loso"],
            "no protocol 'loso': choose one",
        ),
        (["evaluate", "sievers2021", "--model", "gp", "--protocol", "leave-group-out:"], "no column ''"),
        (
            ["evaluate", "sievers2021", "--model", "gp", "--target", "joy"],
            "no target 'joy': choose one of epp",
        ),
        (
            ["evaluate", "sievers2021", "--model", "gp", "--out", "album"],
            "album is a folder: name a JSON file",
        ),
        (["evaluate", "sievers2021", "--model", "gp", "--out", "file/f.json"], "cannot be written into file"),
    ],
)
def test_wrong_usage_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    forbid_work(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "photo.jpg").touch()
    (tmp_path / "file").touch()
    done = avfbel_(*arguments)
    assert done.exit_code == 2, done.output
    assert sentence in done.stderr
    assert names_in(tmp_path) == ["album", "file"]


def test_an_unknown_column_is_refused_with_those_that_there_are(
    clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_work(monkeypatch)
    done = avfbel_("evaluate", clips, "--model", "ridge", "--protocol", "leave-group-out:speaker")
    assert done.exit_code == 2
    assert "no column 'speaker' to hold groups out by: there are mood, stimulus" in done.stderr


def test_without_torch_the_remedy_is_said_before_any_work(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_work(monkeypatch)
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it now fails
    monkeypatch.delitem(sys.modules, "avfbel.brain.model", raising=False)
    done = avfbel_("train", clips, "--out", tmp_path / "b")
    assert done.exit_code == 1
    assert done.stderr == 'avfbel: AVFBEL needs torch: pip install "avfbel[train]"\n'


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")  # as writing to an open file says it

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(Path, "write_text", full)
    done = avfbel_("train", clips, "--model", "m-bel", "--epochs", 1, "--out", tmp_path / "b", "--jobs", 1)
    assert (done.exit_code, done.stdout) == (1, "")
    sentence = f"avfbel: {tmp_path / 'b'}: no space left on device: free some space, or write to another"
    assert sentence in done.stderr
    assert names_in(tmp_path) == []


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="watches child processes in /proc")
def test_ctrl_c_ends_it_in_one_sentence_and_leaves_nothing(clips: Path, tmp_path: Path) -> None:
    load_dataset(clips, jobs=1)  # measured before: the interruption meets the folds
    command = [sys.executable, "-m", "avfbel", "train", str(clips), "--model", "m-bel", "--epochs", "100000"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "b"), "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    patience = time.monotonic() + 60
    while len(children.read_text().split()) < 4 and time.monotonic() < patience:  # two help, two learn
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == "avfbel: interrupted; what was finished is whole and stays\n"
    assert names_in(tmp_path) == []


@pytest.fixture(scope="module")
def cortex(films: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A cortex that learned one pass over parts of the films, and what was printed."""
    rows = [
        {"media": f"{name}.mp4", "start_s": start, "end_s": start + 0.4}
        for start in (0.0, 0.5, 1.0)
        for name in EPP
    ]
    out = tmp_path_factory.mktemp("cortices") / "own.safetensors"
    done = avfbel_(
        *("pretrain", manifest(films, "unrated.csv", rows), "--epochs", 1, "--seed", 3),
        *("--out", out, "--jobs", 1),
    )
    assert (done.exit_code, done.stderr) == (0, "")
    return out, done.stdout


def test_pretrain_writes_a_cortex_and_prints_what_it_tells(cortex: tuple[Path, str]) -> None:
    path, printed = cortex
    first, *figures, last = printed.splitlines()
    assert first == "r between what the code tells and what was measured, in clips held out"
    assert last == str(path)
    read = read_cortex(path)
    assert (read.settings.epochs, read.settings.seed) == (1, 3)
    assert read.story["learned_from"] == "11 clips of unrated, without ratings"
    assert len(read.story["loss_curve"]) == 1
    told = {line.split()[0]: float(line.split()[1]) for line in figures}
    assert told == pytest.approx(read.story["fidelity"], abs=5e-4)
    assert names_in(path.parent) == [path.name]


def test_a_model_is_trained_on_a_cortex_of_ones_own_or_on_none(
    clips: Path, tmp_path: Path, cortex: tuple[Path, str]
) -> None:
    cards = {}
    for name, source in (("own", cortex[0]), ("none", "none")):
        done = avfbel_(
            *("train", clips, "--model", "m-bel", "--epochs", 1, "--cortex", source),
            *("--out", tmp_path / name, "--jobs", 1),
        )
        assert done.exit_code == 0, done.output
        cards[name] = Bundle.open(tmp_path / name).card
    assert cards["own"]["cortex"]["sha256"] == cortex_digest(cortex[0])
    assert cards["own"]["loss_curve"] == []
    assert cards["none"]["cortex"] is None
    assert len(cards["none"]["loss_curve"]) == 1


def test_evaluate_takes_the_cortex_and_writes_which(
    clips: Path, tmp_path: Path, cortex: tuple[Path, str]
) -> None:
    written = {}
    for source in ("default", "none", str(cortex[0])):
        out = tmp_path / "held_out.json"
        done = avfbel_(
            *("evaluate", clips, "--model", "m-bel", "--protocol", "leave-group-out:mood", "--epochs", 1),
            *("--cortex", source, "--out", out, "--jobs", 1),
        )
        assert done.exit_code == 0, done.output
        written[source] = json.loads(out.read_text())
        assert written[source]["cortex"] == source
    said = {str(of["results"][0]["rows"]) for of in written.values()}
    assert len(said) == 3, "each cortex gives other predictions"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["train", "sievers2021", "--cortex", "nowhere"], 1, "no cortex at nowhere: name a file that"),
        (["train", "sievers2021", "--cortex", "album"], 1, "no cortex at album: name a file that"),
        (
            ["evaluate", "sievers2021", "--model", "m-bel", "--cortex", "text"],
            1,
            "text is no cortex that this",
        ),
        (["pretrain", "nowhere"], 2, "no corpus at nowhere: make one with"),
        (["pretrain", "film.csv", "--out", "album"], 2, "album is a folder: name a file for the cortex"),
        (["pretrain", "film.csv", "--out", "text/c"], 2, "results cannot be written into text"),
        (["pretrain", "film.csv", "--epochs", "0"], 2, "--epochs"),
        (["pretrain", "film.csv"], 2, "a cortex learns from hundreds of clips, and there are 1: make some"),
    ],
)
def test_a_cortex_that_cannot_be_is_one_sentence(
    films: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "album").mkdir()
    (tmp_path / "text").write_text("a cortex")
    manifest(tmp_path, "film.csv", [{"media": str(films / "happy.mp4")}])
    if arguments[-1] != "film.csv":
        forbid_work(monkeypatch)
    done = avfbel_(*arguments)
    assert done.exit_code == code, done.output
    assert sentence in done.stderr
    assert set(names_in(tmp_path)) - {".avfbel-cache"} == {"album", "film.csv", "text"}
    assert names_in(tmp_path / "album") == []


def test_pretrain_shows_an_example() -> None:
    done = avfbel_("pretrain", "--help")
    assert "Example: avfbel corpus build --random 1200" in done.stdout
