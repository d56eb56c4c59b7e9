"""The page that compares our stimuli with released data shows the committed figures, which bear it out."""

from __future__ import annotations

import importlib.util
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("compare_released", ROOT / "scripts" / "compare_released.py")
compare = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(compare)
RESULT = json.loads(compare.RESULTS.read_text(encoding="utf-8"))


def test_the_page_is_what_the_figures_give() -> None:
    page = compare.PAGE.read_text(encoding="utf-8")
    assert page == compare.page(RESULT), "run python scripts/compare_released.py --page"


def test_the_figures_bear_the_sentences_out() -> None:
    assert compare.failed_claims(RESULT) == []


def test_a_sentence_that_does_not_hold_is_named() -> None:
    changed = json.loads(json.dumps(RESULT))
    changed["facts"]["pitch_silence_r"] = 0.1
    assert compare.failed_claims(changed) == [
        "the released pitch of slow stimuli follows the share of silence"
    ]


def test_slow_stimuli_last_eight_beats() -> None:
    rows = RESULT["lengths"]
    assert len(rows) == 7
    assert all(a["bpm"] < b["bpm"] <= 106.625 for a, b in pairwise(rows))
    assert [row["released_s"] for row in rows] == pytest.approx([480 / row["bpm"] for row in rows], abs=1e-4)
    assert compare.released_samples(30) == 16 * 44_100
    assert compare.released_samples(107) == 196_608


def test_equal_partials_are_the_sum_of_their_cosines() -> None:
    notes = [{"pitch": 69, "onset_s": 0.01, "duration_s": 0.2}]
    time = (np.arange(8820) - 441) / 44_100
    plain = sum(np.cos(2 * np.pi * 440 * n * time) for n in range(1, 12)) * np.exp(-time / 0.8)
    sound = compare.equal_partials(notes, 8820)
    assert not sound[:441].any()
    held = slice(441, 6800)  # then it is released
    assert np.corrcoef(sound[held], plain[held])[0, 1] > 0.9999


def test_reliability_is_the_share_of_variance_between_stimuli() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2000, 1)) + 2 * rng.normal(size=(2000, 20))
    assert compare.reliability(values) == pytest.approx(1 / (1 + 4 / 20), abs=0.03)  # 4 sd of the estimate
    assert compare.reliability(rng.normal(size=(2000, 20))) < 0.1
