"""The audit: every leak that is planted is found, and clean tables are left in peace."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.errors import UsageError
from avfbel.learn.audit import audit_table, metric_rewards_error
from avfbel.learn.binary import f1
from avfbel.learn.metrics import balanced_accuracy, ccc, mae, mcc, pearson_r, rmse

PARAMETERS = ["bpm", "jitter", "consonance", "bigsmall", "updown"]


def clean(n: int = 60, *, seed: int = 0, groups: int = 12) -> pd.DataFrame:
    """Numbers without any relation, with a key."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "stimulus": [f"s{k % groups}" for k in range(n)],
            "tempo": rng.normal(100, 20, n),
            "pitch": rng.lognormal(5, 1, n),
            "slider": rng.integers(0, 128, n),
            "felt": rng.random(n),
        }
    )


def kinds(table: pd.DataFrame, **options: str) -> list[tuple[str, str]]:
    return [(found.kind, found.column) for found in audit_table(table, "felt", **options)]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    seed=st.integers(0, 10**9),
    n=st.integers(3, 200),
    grouped=st.booleans(),
    coarse=st.sampled_from([2, 5, 128]),
)
def test_random_tables_are_clean(seed: int, n: int, grouped: bool, coarse: int) -> None:
    rng = np.random.default_rng(seed)
    table = clean(n, seed=seed, groups=3).assign(
        coarse=rng.integers(0, coarse, n), coarse_too=rng.integers(0, coarse, n)
    )
    table = table.loc[:, [name for name in table if table[name].nunique() > 1]]
    assert audit_table(table, "felt", group="stimulus" if grouped else None) == []


def test_false_alarms_are_rare_with_repeated_stimuli_and_coarse_labels() -> None:
    """80 tables of coarse labels and repeated stimuli: at odds of 1e-4 a table none is expected."""
    alarms = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        stimulus = rng.permutation(np.repeat(np.arange(10), 6))
        features = rng.normal(size=(10, 3))[stimulus]
        table = pd.DataFrame(features, columns=["a", "b", "c"]).assign(
            stimulus=[f"s{k}" for k in stimulus], felt=rng.integers(0, 8, 60) / 7.0
        )
        alarms += bool(audit_table(table, "felt", group="stimulus")) + bool(audit_table(table, "felt"))
    assert alarms == 0


@pytest.mark.parametrize(
    ("scale", "offset", "words"), [(1.0, 0.0, "the label itself"), (-3.0, 7.0, "-3 x label +7")]
)
def test_the_label_is_found_under_any_name_and_scale(scale: float, offset: float, words: str) -> None:
    table = clean()
    (found,) = audit_table(table.assign(score=scale * table.felt + offset), "felt")
    assert (found.kind, found.column) == ("label", "score")
    assert words in found.evidence


def test_a_mixture_with_another_column_is_found() -> None:
    table = clean()
    (found,) = audit_table(table.assign(fast=0.5 * table.tempo + 8 * table.felt - 3), "felt")
    assert (found.kind, found.column) == ("mix", "tempo with fast")
    assert "tempo = 2 x fast -16 x label + constant" in found.evidence


def test_a_mixture_with_a_constant_of_each_stimulus_is_found_without_that_constant() -> None:
    table = clean()
    known = table.stimulus.str[1:].astype(float) * 17
    assert kinds(table.assign(bpm=known + table.felt / 10)) == [("mix", "bpm")]
    (found,) = audit_table(table.assign(bpm=known + table.felt / 10), "felt", group="stimulus")
    assert found.evidence.startswith("within each stimulus it is 0.1 x label plus a constant")


def test_a_label_spread_over_three_columns_is_found() -> None:
    table = clean()
    spread = table.assign(rest=table.felt - 0.01 * table.tempo + 0.002 * table.slider)
    assert kinds(spread.drop(columns="pitch")) == [("mix", "tempo, slider, rest")]


@pytest.mark.parametrize(("step", "words"), [(1, "1 row earlier"), (-1, "1 row later"), (-2, "2 rows later")])
def test_the_label_of_a_neighbouring_row_is_found(step: int, words: str) -> None:
    table = clean()
    (found,) = audit_table(table.assign(last=2 * table.felt.shift(step)), "felt")
    assert (found.kind, found.column) == ("order", "last")
    assert words in found.evidence


def test_an_order_that_tells_the_label_is_found_and_groups_explain_it() -> None:
    rng = np.random.default_rng(3)
    n = 120
    blocks = np.repeat(rng.permutation(24) / 24, 5) + rng.normal(0, 0.02, n)
    table = clean(n).assign(felt=blocks, stimulus=np.repeat([f"s{k}" for k in range(24)], 5))
    assert kinds(table) == [("order", "felt")]
    assert kinds(table, group="stimulus") == []
    (first, *_) = audit_table(clean(n).assign(felt=np.linspace(0, 1, n) + rng.normal(0, 0.1, n)), "felt")
    assert "with the number of the row" in first.evidence


def test_copies_are_found_whatever_numbers_the_rows() -> None:
    table = pd.concat([clean()] * 10, ignore_index=True)
    counted = table.assign(row=np.arange(len(table)))
    for one in (table, counted):
        (found,) = [f for f in audit_table(one, "felt") if f.kind == "duplicates"]
        assert "600 of 600 rows are copies of others (60 are distinct, up to 10 of each)" in found.evidence
    (found,) = audit_table(
        pd.concat([clean(), clean().assign(stimulus="other")], ignore_index=True), "felt", group="stimulus"
    )
    assert "60 of them under several entries of stimulus" in found.evidence


def test_a_divided_group_is_found() -> None:
    table = clean()
    folds = table.assign(fold=np.arange(60) % 5)
    (found,) = audit_table(folds, "felt", group="stimulus")
    assert (found.kind, found.column) == ("group", "fold")
    assert "12 of 12 entries of stimulus are on several sides: s0, s1, s10 and 9 more" in found.evidence
    kept = table.assign(fold=table.stimulus.str[1:].astype(int) % 5)
    assert audit_table(kept, "felt", group="stimulus") == []
    spelled = table.assign(stimulus=["S0 " if k == 12 else name for k, name in enumerate(table.stimulus)])
    (found,) = audit_table(spelled, "felt", group="stimulus")
    assert (
        "one group in several spellings: 's0' = 'S0 '" in found.evidence or "'S0 ' = 's0'" in found.evidence
    )


def test_constants_are_found() -> None:
    assert kinds(clean().assign(said=0.5)) == [("constant", "said")]
    assert ("constant", "felt") in kinds(clean().assign(felt=0.5))
    assert kinds(clean().assign(nothing=np.nan)) == [("constant", "nothing")]


def test_all_that_is_wrong_with_a_table_is_said_at_once() -> None:
    table = clean().assign(stimulus="one")
    table.loc[[4, 9], "felt"] = [np.nan, np.inf]
    with pytest.raises(UsageError) as error:
        audit_table(table, "felt", group="stimulus", fold="side")
    for words in (
        "no column 'side' for the fold: there are stimulus, tempo",
        "'felt' is missing or infinite in 2 rows, the first is row 5",
        "holds one group only",
    ):
        assert words in str(error.value)
    with pytest.raises(UsageError, match=r"2 rows are too few.*'stimulus' holds something else than numbers"):
        audit_table(clean(2), "stimulus")
    with pytest.raises(UsageError, match="1 rows have no stimulus, the first is row 1"):
        audit_table(clean().assign(stimulus=[None, *clean().stimulus[1:]]), "felt", group="stimulus")
    with pytest.raises(UsageError, match="columns of one name: felt"):
        audit_table(pd.concat([clean(), clean()[["felt"]]], axis=1), "felt")


def published_similarity(observed: np.ndarray, predicted: np.ndarray) -> float:
    """The released formula, 100 exp(-mean(1 - |E - t| / range of E))."""
    return float(100 * np.exp(-np.mean(1 - np.abs(predicted - observed) / np.ptp(predicted))))


def test_a_metric_that_rewards_error_is_named_and_honest_ones_are_not() -> None:
    found = metric_rewards_error(published_similarity)
    assert found is not None
    assert (found.kind, found.column) == ("metric", "published_similarity")
    assert "the perfect prediction 36.79" in found.evidence
    for metric in (pearson_r, ccc, balanced_accuracy, mcc, f1):
        assert metric_rewards_error(metric) is None
    for error in (mae, rmse):
        assert metric_rewards_error(error, lower_is_better=True) is None
        assert metric_rewards_error(error) is not None


def test_the_published_similarity_is_one_of_them() -> None:
    similarity = pytest.importorskip("avfbel.published.similarity").published_similarity
    found = metric_rewards_error(lambda observed, predicted: similarity(predicted, observed))
    assert found is not None
    assert "the perfect prediction 36.79" in found.evidence


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    """Single ratings of animations, with the published positivity and the clean parameters of the stimuli."""
    folder = Path(os.environ.get("AVFBEL_DATA") or "")
    found = [path for path in (folder, folder / "sievers2021") if (path / "stimuli.csv").is_file()]
    if not os.environ.get("AVFBEL_DATA") or not found:
        pytest.skip("AVFBEL_DATA names no folder of published ratings")
    rated = pd.read_csv(found[0] / "ratings.csv").query("modality == 'animation'").dropna()
    rated["felt"] = (
        rated.scared + 2 * rated.sad + 3 * rated.angry + 4 * rated.peaceful + 5 * rated.happy
    ) / 15
    table = rated.merge(pd.read_csv(found[0] / "stimuli.csv"), on="stimulus")
    return table[["participant", "stimulus", *PARAMETERS, "felt"]]


def test_the_released_tables_are_found_out(trials: pd.DataFrame) -> None:
    leaked = trials.assign(**{name: trials[name] + trials.felt / 10 for name in PARAMETERS})
    leaked["felt"] = (leaked.felt - leaked.felt.min()) / (leaked.felt.max() - leaked.felt.min())
    assert kinds(leaked, group="stimulus") == [("mix", name) for name in PARAMETERS]
    expanded = pd.concat([leaked] * 10, ignore_index=True)
    found = kinds(expanded, group="stimulus")
    assert found[:6] == [*(("mix", name) for name in PARAMETERS), ("duplicates", "rows")]


def test_the_clean_tables_are_silent(trials: pd.DataFrame) -> None:
    assert kinds(trials, group="stimulus") == []
    means = trials.drop(columns="participant").groupby("stimulus", as_index=False).mean()
    assert kinds(means, group="stimulus") == []
