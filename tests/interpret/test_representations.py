"""Representations: distances, rank correlations, ceilings and draws against independent answers and laws."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr

from avfbel.data.dataset import Dataset
from avfbel.data.norms import load_norms
from avfbel.data.ratings import Ratings
from avfbel.errors import UsageError
from avfbel.interpret.experiment_staging import Gauge, Take, measure_takes, plan_clips, together
from avfbel.interpret.representations import (
    compare_with_raters,
    dissimilarity,
    noise_ceiling,
    people_rdms,
    rank_correlation,
    rater_rdms,
    square,
    told,
)
from avfbel.interpret.unit_activity import OPEN, stimulus_means, unit_activity, untrained_activity
from avfbel.runtime.engine import Predictor

pytest.importorskip("rsatoolbox")
ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("compare", ROOT / "scripts" / "compare_representations.py")
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)


def panel(noise: float, *, n_raters: int = 8, n: int = 14, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Codes of stimuli, and RDMs of raters who see them with noise."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, 5))
    seen = truth + noise * rng.normal(size=(n_raters, n, 5))
    return truth, np.stack([dissimilarity(of) for of in seen])


@pytest.mark.parametrize("shape", [(4, 1), (9, 3), (5, 200)])
def test_distances_are_those_of_scipy(shape: tuple[int, int]) -> None:
    codes = np.random.default_rng(1).normal(size=shape)
    np.testing.assert_allclose(dissimilarity(codes), pdist(codes), atol=1e-7)
    np.testing.assert_allclose(
        dissimilarity(codes, standardized=True), pdist(codes, "seuclidean", V=codes.var(axis=0)), atol=1e-7
    )
    np.testing.assert_allclose(square(dissimilarity(codes)), squareform(pdist(codes)), atol=1e-7)


def test_a_unit_that_does_not_change_has_no_spread_to_scale_to() -> None:
    codes = np.array([[0.0, 3.0], [1.0, 3.0], [4.0, 3.0]])
    np.testing.assert_allclose(
        dissimilarity(codes, standardized=True), dissimilarity(codes[:, :1], standardized=True)
    )


def test_without_ties_rank_correlation_is_spearmans() -> None:
    a, b = np.random.default_rng(2).normal(size=(2, 45))
    assert rank_correlation(a, b)[0, 0] == pytest.approx(spearmanr(a, b).statistic)


def test_the_ceiling_of_raters_who_agree_is_one_and_of_those_who_do_not_is_none() -> None:
    _, same = panel(0.0)
    assert noise_ceiling(same).low == pytest.approx(1)
    assert noise_ceiling(same).high == pytest.approx(1)
    rng = np.random.default_rng(3)
    strangers = noise_ceiling(np.stack([dissimilarity(rng.normal(size=(30, 5))) for _ in range(10)]))
    assert abs(strangers.low) < 0.1 < strangers.high  # each rater is part of the upper bound


def test_a_planted_region_reaches_the_ceiling_and_random_ones_do_not() -> None:
    truth, raters = panel(0.5)
    rng = np.random.default_rng(4)
    candidates = {"planted": dissimilarity(truth)}
    candidates |= {f"random {k}": dissimilarity(rng.normal(size=(14, 5))) for k in range(12)}
    against = {"planted": ["random 0"]}
    found = compare_with_raters(candidates, raters, n_draws=200, against=against)
    planted, *others = found.likenesses
    assert planted.verdict == "not told from the ceiling"
    assert found.ceiling.low <= planted.rho.value + 0.02
    assert planted.rho.value <= found.ceiling.high + 0.02  # the truth can only miss the raters' own average
    assert planted.beyond["random 0"].low > 0
    assert sum(of.verdict == "not told from chance" for of in others) >= 10
    # of 14 stimuli, a random rho has a standard deviation of about 0.15: three of those of a mean of twelve
    assert abs(np.mean([of.rho.value for of in others])) < 0.13
    json.dumps(told(found), allow_nan=False)


def test_a_draw_is_that_of_the_toolbox() -> None:
    from rsatoolbox.inference.noise_ceiling import boot_noise_ceiling
    from rsatoolbox.rdm import RDMs, compare

    truth, raters = panel(0.8)
    vector = dissimilarity(truth)
    found = compare_with_raters({"truth": vector}, raters, n_draws=1, seed=5)
    chosen = np.random.default_rng(5).integers(14, size=14)
    assert len(set(chosen)) < 14
    drawn = [RDMs(of).subsample_pattern("index", chosen) for of in (vector[None], raters)]
    rho = compare(*drawn, method="rho-a").mean()
    low, _ = boot_noise_ceiling(drawn[1], method="rho-a")
    (likeness,) = found.likenesses
    assert likeness.rho.low == pytest.approx(rho)
    assert likeness.to_ceiling.low == pytest.approx(low - rho)


def test_with_one_rater_there_is_no_ceiling() -> None:
    _, raters = panel(0.5)
    found = compare_with_raters({"same": raters[0]}, raters[:1], n_draws=50)
    assert found.ceiling is None
    assert found.likenesses[0].verdict == "alike"
    assert found.likenesses[0].rho.value == pytest.approx(1)


def test_raters_who_left_a_stimulus_out_are_left_out() -> None:
    values = np.random.default_rng(6).uniform(0, 127, (3, 5, 2, 5))
    values[1, 2, 0] = np.nan
    ratings = Ratings(participants=tuple("abc"), stimuli=tuple("vwxyz"), values=values)
    assert rater_rdms(ratings, "music").shape == (2, 10)
    np.testing.assert_allclose(rater_rdms(ratings, "animation"), [pdist(of) for of in values[:, :, 1]])


def test_without_single_ratings_people_are_their_norms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AVFBEL_DATA", raising=False)
    (vector,) = people_rdms("animation")
    np.testing.assert_allclose(vector, pdist(load_norms().emotions("animation")), atol=1e-7)
    with pytest.raises(FileNotFoundError, match="no ratings at"):
        people_rdms("animation", tmp_path)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    clips = plan_clips(["happy", "sad", "angry"], exemplars=1, seed=0, seconds=2)
    takes = [
        [Take(sense=s, score=of.music, length_s=of.music.length_s) for s in ("audio", "video")]
        for of in clips
    ]
    measured = measure_takes(takes, gauge=Gauge(), jobs=1)
    shown = [together(windows[of[0]], windows[of[1]]) for of, windows in zip(takes, measured, strict=True)]
    windows = [window for of in shown for window in of]
    there = np.ones(len(clips), np.bool_)
    return Dataset(
        name="made",
        manifest=Path("made.csv"),
        clip_media=np.array([clip.stem for clip in clips]),
        stimulus=np.array([clip.stimulus for clip in clips]),
        groups={},
        has_audio=there,
        has_video=there,
        complete=there,
        clip=np.repeat(np.arange(len(clips)), [len(of) for of in shown]),
        start_s=np.array([window.start_s for window in windows]),
        end_s=np.array([window.end_s for window in windows]),
        maps=np.stack([window.maps for window in windows]).astype(np.float16),
        visual=np.stack([window.visual for window in windows]),
        acoustic=np.stack([window.acoustic for window in windows]),
        evidence=np.array([(window.g_audio, window.g_video) for window in windows]),
        targets={},
        window=4.0,
        hop=1.0,
    )


@pytest.mark.parametrize("perceived", OPEN)
def test_units_average_to_what_the_network_tells_of_its_regions(dataset: Dataset, perceived: str) -> None:
    predictor = Predictor("default")
    evidence = dataset.evidence * np.array(OPEN[perceived])
    said = predictor.predict_arrays(dataset.maps, dataset.acoustic, evidence)
    regions = dict(zip(predictor.bundle.regions, stimulus_means(said.regions, dataset).T, strict=True))
    units = unit_activity("default", dataset, perceived)
    closed = {"heard": ("V1", "V2", "V4", "IT"), "seen": ("PYR", "PV", "SOM"), "both": ()}[perceived]
    assert set(units) == set(regions) - set(closed)
    for region, codes in units.items():
        unit = 100 if region in ("PYR", "PV", "SOM") else 1  # spikes per 10 ms; the network tells Hz
        np.testing.assert_allclose(
            unit * codes.mean(axis=1), regions[region], rtol=2e-3, atol=1e-5, err_msg=region
        )
    for region in closed:
        np.testing.assert_array_equal(regions[region], 0)


def test_untrained_cortices_have_as_many_units_and_other_codes(dataset: Dataset) -> None:
    trained, first, again, other = (
        unit_activity("default", dataset, "seen"),
        *(untrained_activity("default", dataset, "seen", seed=seed) for seed in (0, 0, 1)),
    )
    assert set(first) == {"V1", "V2", "V4", "IT"}
    for region in first:
        assert first[region].shape == trained[region].shape
        np.testing.assert_array_equal(first[region], again[region])
        assert not np.allclose(first[region], other[region])


def test_another_way_to_perceive_is_refused(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="not 'smelled'"):
        unit_activity("default", dataset, "smelled")


def test_the_page_is_what_the_figures_give_and_they_bear_it_out() -> None:
    found = json.loads(script.RESULTS.read_text(encoding="utf-8"))
    page = script.PAGE.read_text(encoding="utf-8")
    assert page == script.renew(page, found), "run python scripts/compare_representations.py --page"
    assert script.failed_claims(found) == []
    found["comparisons"]["seen"]["candidates"]["IT"]["rho"][0] += 0.5
    assert script.failed_claims(found) == ["from V1 to IT, hardly anything changes"]
