"""A study of lesions: clips measured once, their changes, intervals over stimuli, tables and figures."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from avfbel.emotion import EMOTIONS
from avfbel.errors import InputError, UsageError
from avfbel.interpret.exposure import expose, exposure_of
from avfbel.interpret.lesion_figure import draw_matrix, draw_sweep
from avfbel.interpret.lesion_files import encode_study, parse_sweep, split_bundle, write_study
from avfbel.interpret.lesion_study import COLUMNS, QUANTITIES, LesionStudy, lesion, lesion_study
from avfbel.interpret.lesions import Lesion, lesioned, plan_lesions, targets_of
from avfbel.learn.metrics import cluster_bootstrap
from avfbel.runtime import Analysis, Bundle, analyze

FILES = ("plain.mp4", "noaudio.mp4", "sound.wav")


def numbers(analysis: Analysis) -> list[float]:
    return [analysis.epp, analysis.valence, *analysis.emotions.values()]


@pytest.fixture(scope="module")
def study(clips: Path) -> LesionStudy:
    """The shipped model, each of its parts silenced, over three clips."""
    return lesion([clips / name for name in FILES], jobs=1)


def made(change: np.ndarray, stimulus: list[str], *, gains: tuple[float, ...] = (0.0,)) -> LesionStudy:
    """Return a study of the amygdala with these changes (n_gains, n_clips, 7)."""
    intact = np.full(change.shape[1:], 0.5)
    return LesionStudy(
        lesions=tuple(Lesion(name="amygdala", targets=("amygdala",), gain=gain) for gain in gains),
        media=tuple(f"{k}.mp4" for k in range(len(stimulus))),
        stimulus=tuple(stimulus),
        intact=intact,
        lesioned=intact + change,
        model={"name": "made", "version": "0"},
        provenance={"settings": {"window": 4.0, "hop": 1.0}},
    )


def test_it_compares_what_analyze_says(study: LesionStudy, clips: Path) -> None:
    bundle = Bundle.open()
    assert tuple(done.name for done in study.lesions) == targets_of(bundle)
    lame = {region: lesioned(bundle, {region: 0.0}) for region in ("IT", "orbitofrontal", "sight")}
    for k, name in enumerate(FILES):
        # Windows run in one batch here and one by one there: sums of single precision in another order.
        assert study.intact[k] == pytest.approx(numbers(analyze(clips / name)), abs=1e-5)
        for region, other in lame.items():
            after = study.lesioned[targets_of(bundle).index(region), k]
            assert after == pytest.approx(numbers(analyze(clips / name, model=other)), abs=1e-5)


def test_a_clip_without_what_is_lesioned_does_not_change(study: LesionStudy) -> None:
    change = dict(zip((done.name for done in study.lesions), study.change, strict=True))
    film, sound = FILES.index("noaudio.mp4"), FILES.index("sound.wav")
    for pathway in ("sight", "V1", "V2", "V4", "IT"):
        assert not change[pathway][sound].any()
        assert change[pathway][film].any()
    for pathway in ("sound", "PYR"):
        assert not change[pathway][film].any()
        assert change[pathway][sound].any()


def test_without_both_senses_nothing_is_felt(clips: Path) -> None:
    done = lesion([clips / "plain.mp4"], ["sound", "sight"], jobs=1)
    assert done.lesioned[0, 0].tolist() == [0.5, 0.5, 0, 0, 0, 0, 0]


def test_evidence_can_be_scaled_too(clips: Path) -> None:
    done = lesion([clips / "plain.mp4"], ["sight"], gains=[0.0, 0.5, 1.0], jobs=1)
    gone, half, all_of_it = np.abs(done.change[:, 0]).max(axis=1)
    assert gone > 0
    assert half > 0
    assert all_of_it == 0


def test_changes_are_means_over_clips_with_intervals_over_stimuli() -> None:
    rng = np.random.default_rng(0)
    stimulus = ["a", "a", "b", "c", "c", "c", "d", "e"]
    change = rng.normal(size=(1, 8, len(QUANTITIES)))
    (told,) = made(change, stimulus).changes()
    for number, name in enumerate(QUANTITIES):
        values = change[0, :, number]
        low, high = cluster_bootstrap(lambda rows, values=values: float(values[rows].mean()), stimulus)
        expected = (0.5, 0.5 + values.mean(), values.mean(), low, high, np.abs(values).mean())
        assert told[name] == pytest.approx(expected)


def test_one_stimulus_has_no_interval() -> None:
    one = made(np.ones((1, 2, 7)), ["a", "a"])
    assert all(np.isnan(change.low) for change in one.changes()[0].values())
    assert [row[7:9] for row in one.rows()] == [[None, None]] * 7
    assert json.loads(encode_study(one, "json"))["lesions"][0]["changes"]["epp"]["low"] is None


def test_table_and_json_hold_the_same(study: LesionStudy) -> None:
    rows = list(csv.DictReader(io.StringIO(encode_study(study, "csv").decode())))
    told = json.loads(encode_study(study, "json"))
    assert list(rows[0]) == list(COLUMNS)
    assert len(rows) == 7 * len(study.lesions)
    assert (told["n_clips"], told["n_stimuli"]) == (3, 3)
    assert sorted(told["provenance"]["inputs_sha256"]) == sorted(study.media)
    assert told["provenance"]["bundle_sha256"] == Bundle.open().sha256
    for row in rows:
        (of,) = [part for part in told["lesions"] if part["name"] == row["lesion"]]
        change = of["changes"][row["quantity"]]
        assert told["units"][row["quantity"]] == row["unit"]
        assert {name: float(row[name]) for name in change} == change
        assert change["change"] == pytest.approx(change["lesioned"] - change["intact"], abs=1e-12)
        assert change["low"] <= change["change"] <= change["high"]
        assert abs(change["change"]) <= change["size"] + 1e-12
    frame = study.to_frame()
    assert frame.change.tolist() == [float(row["change"]) for row in rows]


def test_bad_and_empty_clips_do_not_lose_the_others(clips: Path) -> None:
    names = ("not_media.mp4", "black.mp4", "cut.avi", "sound.wav")
    done = lesion([clips / name for name in names], ["aSTG"], jobs=1)
    assert [Path(name).name for name in done.media] == ["cut.avi", "sound.wav"]
    assert len(done.faults) == 2
    assert "not_media.mp4" in done.faults[0]
    assert "cut.avi ends early or is damaged" in done.faults[1]
    (note,) = done.notes
    assert "black.mp4 is left out: avf-bel perceives nothing that moves or sounds in it" in note
    with pytest.raises(InputError, match=r"not_media.mp4"):
        lesion([clips / "not_media.mp4"], jobs=1)
    with pytest.raises(InputError, match="perceives nothing that moves or sounds in the clips"):
        lesion([clips / "black.mp4"], jobs=1)


def test_processes_make_no_difference(clips: Path) -> None:
    paths = [clips / name for name in ("sound.wav", "short.mp4")]
    one, two = (lesion(paths, ["aSTG"], jobs=jobs) for jobs in (1, 2))
    assert one.media == two.media
    assert np.array_equal(one.lesioned, two.lesioned)
    assert np.array_equal(one.intact, two.intact)


def test_a_manifest_says_what_belongs_together(clips: Path, tmp_path: Path) -> None:
    for name in FILES:
        shutil.copy(clips / name, tmp_path)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("media,stimulus\nplain.mp4,ball\nnoaudio.mp4,ball\nsound.wav,tones\n")
    for named in (manifest, tmp_path):
        shown = expose([named], jobs=1)
        assert [(clip.media, clip.stimulus) for clip in shown.clips] == [
            ("plain.mp4", "ball"),
            ("noaudio.mp4", "ball"),
            ("sound.wav", "tones"),
        ]
    plain = lesion([clips / name for name in FILES], ["IT"], jobs=1)
    listed = lesion_study(shown, plan_lesions(Bundle.open(), ["IT"]))
    assert listed.n_stimuli == 2
    assert listed.lesioned == pytest.approx(plain.lesioned, abs=0.01)  # maps are kept in half precision
    manifest.write_text("media,epp\nplain.mp4,0.5\nnoaudio.mp4,0.4\n")
    from avfbel.data import load_dataset

    data = exposure_of(load_dataset(manifest, jobs=1))
    again = lesion_study(data, plan_lesions(Bundle.open(), ["IT"]))
    assert np.array_equal(again.lesioned, listed.lesioned[:, :2])


def test_the_matrix_prints_its_values() -> None:
    change = np.zeros((1, 4, 7))
    change[0, :, 0] = 0.1234  # EPP: the same at all clips
    change[0, :, 2] = -0.2, 0.2, -0.2, 0.1  # fear
    change[0, :, 3] = 1e-5
    figure = draw_matrix(made(change, list("abcd")))
    shown, sizes, felt = (list(ax.texts) for ax in figure.axes)
    assert [text.get_text() for text in shown] == ["+0.123", "0"]
    assert [text.get_text() for text in sizes] == ["0.123"]
    assert [text.get_text() for text in felt] == ["−0.025", "0.000", "0", "0", "0"]
    assert [text.get_fontweight() for text in (*shown, felt[0])] == ["bold", "normal", "normal"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["amygdala"]


def test_the_matrix_is_readable_in_grey(study: LesionStudy) -> None:
    """Darker is a larger change, whatever its sign, and numbers stand out from their cells."""
    figure = draw_matrix(study)
    for ax in (figure.axes[0], figure.axes[2]):
        (image,) = ax.images
        values = np.asarray(image.get_array())
        grey = image.to_rgba(values)[..., :3] @ (0.2126, 0.7152, 0.0722)
        order = np.argsort(np.abs(values), axis=None)
        for sign in (values.ravel()[order] >= 0, values.ravel()[order] <= 0):
            assert (np.diff(grey.ravel()[order][sign]) < 1e-6).all()
        for text, of in zip(ax.texts, grey.ravel(), strict=True):
            assert abs((1.0 if text.get_color() == "white" else 0.13) - of) > 0.28


def test_a_sweep_is_drawn_by_gain() -> None:
    change = np.random.default_rng(0).normal(size=(3, 4, 7))
    done = made(change, list("abcd"), gains=(2.0, 0.0, 1.0))
    (ax,) = draw_sweep(done).axes
    lines = {line.get_label(): line for line in ax.lines}
    means = change.mean(axis=1)[[1, 2, 0]]
    for number, name in enumerate(QUANTITIES):
        if name != "valence":
            line = lines["EPP" if name == "epp" else name]
            assert line.get_xdata() == pytest.approx([0, 1, 2])
            assert line.get_ydata() == pytest.approx(means[:, number])
    assert len({str(lines[name].get_linestyle()) + str(lines[name]._dash_pattern) for name in EMOTIONS}) == 5
    with pytest.raises(UsageError, match=r"a curve needs several gains: sweep them, for instance --sweep"):
        draw_sweep(made(change[:1], list("abcd")))


def test_files_are_named_after_what_they_hold(tmp_path: Path) -> None:
    change = np.ones((2, 2, 7))
    one, two = made(change[:1], ["a", "b"]), made(change, ["a", "b"], gains=(0.0, 2.0))
    assert [path.name for path in write_study(one, tmp_path)] == ["lesions.csv"]
    written = write_study(one, tmp_path, file_format="json", plot=True)
    assert [path.name for path in written] == ["lesions.json", "lesion_matrix.png"]
    assert [path.name for path in write_study(two, tmp_path, plot=True)] == [
        "lesions.csv",
        "lesion_sweep.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.glob("*.png"))


def test_a_model_is_told_from_media(bundle: Path, clips: Path, tmp_path: Path) -> None:
    zipped = shutil.make_archive(str(tmp_path / "model"), "zip", bundle)
    other = shutil.make_archive(str(tmp_path / "films"), "zip", clips)
    for model in (str(bundle), zipped, "default"):
        assert split_bundle([model, "film.mp4"]) == (model, ["film.mp4"])
        with pytest.raises(UsageError, match="is a model: name films or sounds after it"):
            split_bundle([model])
        with pytest.raises(UsageError, match="are both named as the model: leave one of them out"):
            split_bundle([model, "film.mp4"], "mine")
    for media in ("film.mp4", str(clips), other, "./default", "nowhere"):
        assert split_bundle([media, "default"]) == ("default", [media, "default"])
        assert split_bundle([media], "mine") == ("mine", [media])


@pytest.mark.parametrize("text", ["", "0:2", "0:2:1", "0:2:x", "a:2:3", "0:0:3", "0:inf:3", "0:2:1001"])
def test_a_sweep_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="a sweep is FROM:TO:N with N from 2 to 1000, such as 0:2:9, got"):
        parse_sweep(text)
