"""Audio-visual experiments: what is staged is what was asked for, and what is computed obeys its laws."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avfbel.errors import UsageError
from avfbel.interpret import asynchrony, congruence, degradation
from avfbel.interpret.experiment_pairs import Congruence
from avfbel.interpret.experiment_responses import PERCEPTIONS, Responses, additivity
from avfbel.interpret.experiment_staging import Fault, Gauge, Take, measure_takes, together
from avfbel.interpret.experiments import write_experiment
from avfbel.runtime import Bundle
from avfbel.senses.sensorium import Sensorium
from avfbel.stimulus import compose, named, render_frames, synthesize

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("draw_experiments", ROOT / "scripts" / "draw_experiments.py")
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)
GAUGE = Gauge()
SCORE = compose(named("happy"), seed=7, seconds=2)
SOUND = Take(sense="audio", score=SCORE, length_s=SCORE.length_s)
PICTURE = Take(sense="video", score=SCORE, length_s=SCORE.length_s)
FAULTS = {
    name: replace(PICTURE if name in ("contrast", "frames") else SOUND, fault=Fault(kind=name, level=level))
    for name, level in (("contrast", 0.0), ("frames", 1.0), ("attenuation", 20.0), ("noise", 0.0))
}
UNTOUCHED = [
    replace(PICTURE, fault=Fault(kind=kind, level=x)) for kind, x in (("contrast", 1), ("frames", 0))
]


@pytest.fixture(scope="module")
def measured() -> dict[Take, tuple]:
    return measure_takes([[SOUND, PICTURE, *FAULTS.values(), *UNTOUCHED]], gauge=GAUGE, jobs=1)[0]


@pytest.fixture(scope="module")
def pairs() -> Congruence:
    return congruence(["happy", "sad"], jobs=1)


def test_senses_measured_apart_are_those_measured_together(measured: dict[Take, tuple]) -> None:
    both = Sensorium()
    windows = both.push_audio(synthesize(SCORE), 44_100, 0.0)
    for k, picture in enumerate(render_frames(SCORE, 30, size=(250, 300))):
        windows += both.push_frame(picture, k / 30)
    windows += both.finish(SCORE.length_s)
    joined = together(measured[SOUND], measured[PICTURE])
    assert len(joined) == len(windows) > 0
    for ours, theirs in zip(joined, windows, strict=True):
        assert (ours.g_audio, ours.g_video, ours.start_s) == (theirs.g_audio, theirs.g_video, theirs.start_s)
        for part in ("acoustic", "visual", "maps"):
            np.testing.assert_array_equal(getattr(ours, part), getattr(theirs, part))


def test_what_is_not_degraded_is_left_alone(measured: dict[Take, tuple]) -> None:
    for take in UNTOUCHED:
        np.testing.assert_array_equal(measured[take][0].maps, measured[PICTURE][0].maps)


def test_without_contrast_or_new_pictures_nothing_moves(measured: dict[Take, tuple]) -> None:
    assert measured[PICTURE][0].g_video > 0
    assert [measured[FAULTS[name]][0].g_video for name in ("contrast", "frames")] == [0, 0]


def test_twenty_decibels_are_a_tenth_and_noise_is_no_louder(measured: dict[Take, tuple]) -> None:
    rms, tonnetz = 2, 1
    clean, faint, noisy = (
        measured[take][0].acoustic for take in (SOUND, FAULTS["attenuation"], FAULTS["noise"])
    )
    assert faint[rms] == pytest.approx(clean[rms] / 10, rel=1e-3)
    # the ear hears half the bandwidth, so that some of the white noise is lost to it
    assert clean[rms] * 0.7 < noisy[rms] < clean[rms] * 1.01
    assert noisy[tonnetz] != clean[tonnetz]


def planted(excess: float, *, sign: float = 1.0) -> Responses:
    """Responses of six stimuli to which both senses add `excess`; EPP first, then a region."""
    rng = np.random.default_rng(0)
    sound, picture = sign * rng.uniform(0.05, 0.1, (2, 6, 2))
    none = np.array([0.5, 3.0])
    both = sound + picture + sign * excess
    values = np.stack([none + both, none + sound, none + picture, np.broadcast_to(none, (6, 2))], axis=1)
    return Responses(stimulus=tuple("abcdef"), quantities=("epp", "V1"), values=values[None])


@pytest.mark.parametrize(
    ("excess", "verdict"), [(0.02, "superadditive"), (-0.02, "subadditive"), (0.0, "additive exactly")]
)
def test_a_planted_excess_is_found(excess: float, verdict: str) -> None:
    for row in additivity(planted(excess)):
        assert row.verdict == verdict
        assert row.excess.value == pytest.approx(excess)


def test_more_of_a_negative_feeling_is_superadditive_too() -> None:
    epp, region = additivity(planted(0.02, sign=-1.0))
    assert epp.excess.value == pytest.approx(0.02)
    assert region.excess.value == pytest.approx(-0.02)  # of a region less is less


def test_senses_that_do_not_meet_add_up(pairs: Congruence) -> None:
    rows = {row.quantity: row for row in pairs.additivity()}
    for region in ("V1", "V2", "V4", "IT"):
        assert rows[region].verdict == "additive exactly"
        assert rows[region].sound == 0 < rows[region].picture
    for population in ("PYR", "PV", "SOM"):
        assert rows[population].verdict == "additive exactly"
        assert rows[population].picture == 0 < rows[population].sound


def test_congruent_pairs_are_the_diagonal(pairs: Congruence) -> None:
    np.testing.assert_allclose(
        np.einsum("iik->ik", pairs.pairs), pairs.congruent.of("both")[0], rtol=1e-5, atol=1e-7
    )


def test_more_exemplars_are_averaged(pairs: Congruence) -> None:
    two = congruence(["happy", "sad"], exemplars=2, jobs=1)
    assert two.congruent.stimulus == ("happy", "sad", "happy", "sad")
    np.testing.assert_allclose(two.congruent.values[0, :2], pairs.congruent.values[0], rtol=1e-5, atol=1e-7)
    of_both = two.congruent.of("both")[0].reshape(2, 2, -1).mean(axis=0)
    np.testing.assert_allclose(np.einsum("iik->ik", two.pairs), of_both, rtol=1e-5, atol=1e-7)


def with_epp(pairs: Congruence, table: np.ndarray) -> Congruence:
    n = len(table)
    values = np.zeros((n, n, len(pairs.congruent.quantities)))
    values[:, :, pairs.congruent.quantities.index("epp")] = table
    return replace(pairs, stimuli=tuple(str(k) for k in range(n)), pairs=values)


def test_variance_is_parted_as_it_was_planted(pairs: Congruence) -> None:
    music, film = np.array([0.1, 0.2, 0.6]), np.array([0.3, 0.0, 0.1])
    shares = with_epp(pairs, music[:, None] + film[None]).shares()
    expected = np.var(music) / (np.var(music) + np.var(film))
    assert shares["music"].value == pytest.approx(expected)
    assert shares["film"].value == pytest.approx(1 - expected)
    assert shares["combination"].value == pytest.approx(0, abs=1e-12)
    assert with_epp(pairs, np.array([[1.0, 0.0], [0.0, 1.0]])).shares()["combination"].value == pytest.approx(
        1
    )
    assert sum(of.value for of in pairs.shares().values()) == pytest.approx(1)


def test_congruent_pairs_that_are_stronger_are_found_to_be(pairs: Congruence) -> None:
    table = np.full((6, 6), 0.6)
    np.fill_diagonal(table, 0.9)
    contrast = with_epp(pairs, table).contrasts()[0]
    assert (contrast.congruent, contrast.mismatched) == pytest.approx((0.4, 0.1))
    assert contrast.difference == pytest.approx((0.3, 0.3, 0.3))


def test_within_one_window_a_delay_is_not_seen() -> None:
    course = asynchrony(["happy"], delays=[0.5], seconds=2, window=60, jobs=1).courses[0]
    in_step, later = course.responses.of("both")[:, 0]
    # the same notes half a second later; blocks of 11 ms cut them a little differently
    np.testing.assert_allclose(later[:2], in_step[:2], atol=0.02)
    sight = [course.responses.quantities.index(area) for area in ("V1", "V2", "V4", "IT")]
    np.testing.assert_array_equal(later[sight], in_step[sight])


def test_curves_begin_at_one_and_without_senses_nothing_is_kept(tmp_path: Path) -> None:
    found = degradation(["happy", "sad"], levels={"attenuation": [200.0]}, jobs=1)
    (course,) = found.courses
    assert course.levels == (None, 200.0)
    assert course.point("both", 0).kept == pytest.approx((1, 1, 1))
    assert course.point("none", 0).kept == (0, 0, 0)
    assert course.point("sound", 1).kept.value == 0  # 200 dB down is silence,
    assert course.point("both", 1).mean == pytest.approx(course.point("picture", 1).mean, abs=1e-6)
    paths = write_experiment(found, tmp_path)
    assert [path.name for path in paths] == [
        *("degrade.csv", "degrade_additivity.csv", "degrade.json", "degrade.png")
    ]
    told = json.loads(paths[2].read_text())
    assert told["found"] == found.sentences()
    assert told["provenance"]["clips"]["stimuli"] == ["happy", "sad"]
    frame = found.to_frame()
    assert len(frame) == 2 * 3 * len(course.responses.quantities)
    assert list(PERCEPTIONS[:3]) == list(dict.fromkeys(frame["senses"]))


def test_what_cannot_be_done_is_said_before_any_work(write_bundle, tmp_path: Path) -> None:
    deaf = Bundle.open(write_bundle(tmp_path / "deaf", kinds=["video"]))
    for call, message in (
        (lambda: congruence(["happy"]), "two stimuli or more"),
        (lambda: congruence(["happy", "sad"], model=deaf), "only has video"),
        (lambda: asynchrony(delays=[float("nan")]), "from -60 to 60"),
        (lambda: degradation(levels={"fog": [1.0]}), "no way to degrade is called 'fog'"),
        (lambda: degradation(levels={"contrast": [2.0]}), "from 0 to 1"),
        (lambda: degradation(levels={}), "nothing to degrade"),
    ):
        with pytest.raises(UsageError, match=message):
            call()


def test_the_page_tells_what_was_found() -> None:
    page = script.PAGE.read_text(encoding="utf-8")
    found = json.loads(script.RESULTS.read_text(encoding="utf-8"))
    assert page == script.renew(page, found), "run python scripts/draw_experiments.py --page"
