"""The senses, tried on encoded films of all 38 stimuli: what they measure follows notes and parameters.

Slow (some minutes): it makes 114 films. Bounds are those that the package promises.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from avfbel.data import Dataset, load_dataset
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES
from avfbel.stimulus import build_corpus

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("corpus")]  # one corpus for all of them


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_corpus(tmp_path_factory.mktemp("corpus"), exemplars=3)


@pytest.fixture(scope="module")
def measured(corpus: Path) -> Dataset:
    return load_dataset("sievers2021", corpus=corpus, exemplars=3)


def per_clip(data: Dataset, feature: str) -> NDArray[np.float64]:
    """Mean over the windows of each clip, NaN where the feature was measured in none."""
    table, names = (
        (data.visual, VISUAL_FEATURES) if feature in VISUAL_FEATURES else (data.acoustic, ALL_ACOUSTIC)
    )
    values = table[:, names.index(feature)]
    known = np.isfinite(values)
    total = np.bincount(data.clip[known], values[known], minlength=data.n_clips)
    count = np.bincount(data.clip[known], minlength=data.n_clips)
    return np.divide(total, count, out=np.full(data.n_clips, np.nan), where=count > 0)


def truth(corpus: Path, name: str) -> dict[str, float] | None:
    """What the notes of a clip come to, signed as the features; None with fewer than four."""
    notes = json.loads((corpus.parent / name).with_suffix(".json").read_text())["notes"]
    if len(notes) < 4:
        return None
    gaps = np.diff([note["onset_s"] for note in notes])
    return {
        "speed": 60 / gaps.mean(),
        "jitter": gaps.std() / gaps.mean(),
        "consonance": -np.mean([note["spike"] for note in notes[1:]]),
        "bigsmall": np.mean([note["height"] for note in notes[1:]]),
        "updown": -np.mean(np.diff([note["pitch"] for note in notes])),
    }


def rho(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    known = np.isfinite(a) & np.isfinite(b)
    assert known.sum() > 30
    return float(spearmanr(a[known], b[known]).statistic)


@pytest.mark.parametrize(
    ("feature", "least"),
    [("speed", 0.95), ("jitter", 0.8), ("consonance", 0.8), ("bigsmall", 0.9), ("updown", 0.8)],
)
def test_the_eye_follows_the_notes(corpus: Path, measured: Dataset, feature: str, least: float) -> None:
    notes = [truth(corpus, name) for name in measured.clip_media]
    wanted = np.array([np.nan if of is None else of[feature] for of in notes])
    assert rho(per_clip(measured, feature), wanted) >= least


@pytest.mark.parametrize(
    ("feature", "parameter", "least"),
    [
        ("speed", "bpm", 0.9),
        ("jitter", "jitter", 0.7),
        ("consonance", "consonance", 0.55),
        ("bigsmall", "bigsmall", 0.8),
        ("updown", "updown", 0.7),
        ("tempo", "bpm", 0.7),
    ],
)
def test_eye_and_ear_follow_the_parameters(
    corpus: Path, measured: Dataset, feature: str, parameter: str, least: float
) -> None:
    with corpus.open() as file:
        given = {row["stimulus"]: float(row[parameter]) for row in csv.DictReader(file)}
    clips = per_clip(measured, feature)
    known = np.isfinite(clips)
    means = {s: clips[known & (measured.stimulus == s)].mean() for s in set(measured.stimulus[known])}
    assert rho(np.array(list(means.values())), np.array([given[s] for s in means])) >= least
