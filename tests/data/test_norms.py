from __future__ import annotations

import importlib.util
import json
import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from avfbel.data import load_norms, load_reliability, norm_emotions
from avfbel.data.norms import NORM_MODALITIES, compute_norms, write_norms
from avfbel.data.ratings import Ratings, load_ratings
from avfbel.emotion import EMOTIONS, rating_epp
from avfbel.errors import UsageError

needs_ratings = pytest.mark.skipif(
    not os.environ.get("AVFBEL_DATA"), reason="AVFBEL_DATA names no folder of published ratings"
)
SHIPPED = files("avfbel.data")


@pytest.mark.filterwarnings("ignore:Degrees of freedom")
def test_a_missing_rating_is_left_out_and_counted() -> None:
    values = np.arange(2 * 1 * 2 * 5, dtype=float).reshape(2, 1, 2, 5)
    values[0, 0, 1, 2] = np.nan
    norms = compute_norms(Ratings(participants=("0", "1"), stimuli=("sad",), values=values))
    assert norms.mean[0, 0].tolist() == [5, 6, 7, 8, 9]
    assert norms.mean[0, 1, 2] == 17
    assert norms.n[0].tolist() == [[2] * 5, [2, 2, 1, 2, 2]]
    assert norms.sd[0, 0] == pytest.approx(10 / np.sqrt(2))
    assert np.isnan(norms.sd[0, 1, 2])


def test_fused_is_a_quarter_music_and_three_quarters_animation() -> None:
    for stimulus in load_norms().stimuli:
        music, animation, fused = (norm_emotions(stimulus, modality) for modality in NORM_MODALITIES)
        np.testing.assert_allclose(fused, 0.25 * music + 0.75 * animation, rtol=1e-12)


def test_norms_are_intensities_and_their_epp_a_ratio_of_means() -> None:
    norms = load_norms()
    for modality in NORM_MODALITIES:
        emotions = norms.emotions(modality)
        assert emotions.shape == (38, 5)
        assert ((emotions >= 0) & (emotions <= 1)).all()
        np.testing.assert_array_equal(norms.epp(modality), rating_epp(emotions))
        assert ((norms.valence(modality) > 0) & (norms.valence(modality) < 1)).all()


def test_people_heard_anger_and_happiness_where_they_were_meant() -> None:
    for stimulus, emotion in {"angry": "anger", "happy": "happiness"}.items():
        assert EMOTIONS[norm_emotions(stimulus, "music").argmax()] == emotion


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="no norms for the stimulus 'jolly': there are angry, "):
        norm_emotions("jolly", "music")
    with pytest.raises(UsageError, match="no norms for 'film': choose one of music, animation, fused"):
        norm_emotions("happy", "film")


def test_shipped_norms_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        load_norms().mean[0] = 0


def test_norms_say_where_they_come_from() -> None:
    content = json.loads((SHIPPED / "sievers2021_reliability.json").read_text())
    assert "Sievers" in content["citation"]
    assert "Current Biology" in content["citation"]
    assert "CC BY-NC 4.0" in content["licence"]


def test_reliability_is_a_share_for_every_modality_and_target() -> None:
    table = load_reliability()
    assert set(table) == set(NORM_MODALITIES)
    for targets in table.values():
        assert set(targets) == {"epp", "valence", "published"}
        assert all(0 < rho < 1 for rho in targets.values())


@needs_ratings
def test_shipped_norms_are_those_of_the_ratings(tmp_path: Path) -> None:
    write_norms(compute_norms(load_ratings()), tmp_path / "norms.csv")
    assert (tmp_path / "norms.csv").read_text() == (SHIPPED / "sievers2021_norms.csv").read_text()


@needs_ratings
def test_norms_equal_those_of_pandas() -> None:
    import pandas as pd

    table = pd.read_csv(Path(os.environ["AVFBEL_DATA"]) / "sievers2021" / "ratings.csv")
    happy = table[(table.stimulus == "happy") & (table.modality == "music")]
    expected = happy[["scared", "sad", "angry", "peaceful", "happy"]].mean().to_numpy() / 127
    np.testing.assert_allclose(norm_emotions("happy", "music"), expected, atol=1e-8)


def test_the_script_that_makes_the_norms_is_at_hand() -> None:
    path = Path(__file__).parents[2] / "scripts" / "make_norms.py"
    spec = importlib.util.spec_from_file_location("make_norms", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert callable(module.main)
