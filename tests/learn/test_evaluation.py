"""Held-out predictions: figures against numpy, tables, JSON and pictures of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from avfbel.learn import Evaluation

FIGURES = ["r", "r_low", "r_high", "r2", "nev", "ccc", "rmse", "n"]


def evaluation(**parts: object) -> Evaluation:
    """Eight stimuli heard, of which one was not rated; one stimulus seen."""
    rng = np.random.default_rng(1)
    observed = rng.random((9, 2))
    observed[3] = np.nan
    given = {
        "model": "m-bel",
        "protocol": "leave-stimulus-out",
        "fold": np.array([f"s{k}" for k in range(9)]),
        "stimulus": np.array([f"s{k}" for k in range(9)]),
        "modality": np.array(["audio"] * 8 + ["video"]),
        "observed": observed,
        "predicted": np.clip(np.nan_to_num(observed) + rng.normal(0, 0.1, (9, 2)), 0, 1),
        "baseline": np.full((9, 2), 0.5),
        "reliability": {"audio": {"epp": 0.9}},
    }
    return Evaluation(**{**given, **parts})


def test_figures_have_the_names_of_the_card_and_the_numbers_of_numpy() -> None:
    found = evaluation()
    metrics = found.metrics()
    assert [(modality, list(of)) for modality, of in metrics.items()] == [
        ("audio", ["epp", "valence"]),
        ("video", ["epp", "valence"]),
    ]
    assert all(list(figures) == FIGURES for of in metrics.values() for figures in of.values())
    rows = [0, 1, 2, 4, 5, 6, 7]
    o, p = found.observed[rows, 0], found.predicted[rows, 0]
    figures = metrics["audio"]["epp"]
    assert figures["n"] == 7
    assert figures["r"] == pytest.approx(np.corrcoef(o, p)[0, 1])
    assert figures["r2"] == pytest.approx(1 - ((o - p) ** 2).sum() / ((o - 0.5) ** 2).sum())
    assert figures["nev"] == pytest.approx(figures["r2"] / 0.9)
    assert figures["rmse"] == pytest.approx(np.sqrt(((o - p) ** 2).mean()))
    assert figures["r_low"] < figures["r"] < figures["r_high"]


def test_what_is_undefined_is_none_and_json_has_no_nan() -> None:
    found = evaluation()
    one = found.metrics()["video"]["epp"]
    assert one["n"] == 1
    assert [name for name, value in one.items() if value is None] == ["r", "r_low", "r_high", "nev", "ccc"]
    text = json.dumps(found.to_dict(), allow_nan=False)
    back = json.loads(text)
    assert back["metrics"] == found.metrics()
    assert len(back["rows"]) == 9
    assert back["rows"][3]["observed_epp"] is None
    assert back["rows"][0] == {
        "fold": "s0",
        "stimulus": "s0",
        "modality": "audio",
        **{
            f"{part}_{target}": getattr(found, part)[0, column]
            for column, target in enumerate(("epp", "valence"))
            for part in ("observed", "predicted", "baseline")
        },
    }


def test_a_target_that_nobody_rated_has_no_figures() -> None:
    observed = evaluation().observed.copy()
    observed[:, 1] = np.nan
    assert {m: list(of) for m, of in evaluation(observed=observed).metrics().items()} == {
        "audio": ["epp"],
        "video": ["epp"],
    }
    assert evaluation(observed=np.full((9, 2), np.nan)).metrics() == {}


def test_the_interval_draws_stimuli_not_predictions() -> None:
    """A stimulus that is predicted in two folds counts once: all rows twice leave the interval as it is."""
    single = evaluation().metrics()["audio"]["epp"]
    found = evaluation()
    names = ("fold", "stimulus", "modality", "observed", "predicted", "baseline")
    doubled = evaluation(**{name: np.concatenate([getattr(found, name)] * 2) for name in names})
    double = doubled.metrics()["audio"]["epp"]
    assert double["n"] == 14
    assert (double["r_low"], double["r_high"]) == pytest.approx((single["r_low"], single["r_high"]))


def test_the_table_has_a_row_a_prediction() -> None:
    frame = evaluation().to_frame()
    assert frame.columns.tolist() == [
        *("model", "protocol", "fold", "stimulus", "modality"),
        *("observed_epp", "predicted_epp", "baseline_epp"),
        *("observed_valence", "predicted_valence", "baseline_valence"),
    ]
    assert len(frame) == 9
    assert set(frame["model"]) == {"m-bel"}


def test_the_picture_shows_every_rated_stimulus() -> None:
    from matplotlib.figure import Figure

    found = evaluation()
    axes = Figure().subplots()
    assert found.plot(axes, modality="audio", target="valence") is axes
    points = axes.lines[-1]
    held_out = found.select("audio", "valence")
    np.testing.assert_array_equal(points.get_xdata(), held_out.observed)
    np.testing.assert_array_equal(points.get_ydata(), held_out.predicted)
    r = np.corrcoef(held_out.observed, held_out.predicted)[0, 1]
    where, figures = axes.get_title().splitlines()
    assert where == "m-bel, leave-stimulus-out, audio"
    assert figures.startswith(f"r = {r:.2f} [")
    assert found.plot(modality="video").get_title().endswith("r has no value: something is constant")
