"""Heat maps of the limbic system: sparsity against closed forms, and what the six maps hold."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.brain.limbic import LimbicParameters, LimbicState, limbic_output
from avfbel.emotion import EMOTIONS
from avfbel.interpret.weights import LimbicMaps, limbic_maps, sparsity, unit_names, write_maps
from avfbel.runtime import Bundle
from avfbel.runtime.engine import Predictor


@pytest.fixture(scope="module")
def maps() -> LimbicMaps:
    return limbic_maps(stimuli=("happy", "sad"))


def test_sparsity_of_plain_cases() -> None:
    assert sparsity(np.full((3, 3), -2.0)) == pytest.approx((9, 0, 0, 0))
    assert sparsity(np.eye(1, 16)) == pytest.approx((16, 15 / 16, 15 / 16, 1))
    assert sparsity(np.array([1.0, 0.0099, 0.0101, 0.0]))[:3] == (4, 0.25, 0.5)
    silent = sparsity(np.zeros(5))
    assert silent[:3] == (5, 1, 1)
    assert math.isnan(silent.hoyer)


@given(st.lists(st.floats(0.001, 10), min_size=2, max_size=20), st.floats(0.1, 100))
def test_sparsity_does_not_depend_on_scale_or_sign(values: list[float], scale: float) -> None:
    first, other = sparsity(np.array(values)), sparsity(-scale * np.array(values))
    assert -1e-9 <= first.hoyer <= 1 + 1e-9
    assert other.hoyer == pytest.approx(first.hoyer, abs=1e-6)
    k = len(values)
    assert sparsity(np.array([*values, *[0.0] * k])).hoyer >= first.hoyer - 1e-9  # silence makes sparse


def test_a_o_and_e_are_those_of_the_equations(maps: LimbicMaps) -> None:
    bundle = Bundle.open("default")
    state = LimbicState(*(bundle.weights[name].astype(np.float64) for name in ("V", "T", "U", "W")))
    kappa = bundle.card["parameters"]["kappa"]
    for n in range(len(maps.stimuli)):
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.nanmax(maps.amygdala[n] / state.V, axis=1)
        np.testing.assert_allclose(maps.orbitofrontal[n], np.nan_to_num(x)[:, None] * state.U, atol=1e-6)
        said = limbic_output(state, np.nan_to_num(x), LimbicParameters(kappa=kappa))
        # E is a mean over windows, the sum from a mean x: the thalamic maximum makes the only difference
        np.testing.assert_allclose(maps.emotion[n], said.emotion, atol=0.02)


def test_the_tables_hold_every_value(maps: LimbicMaps, tmp_path: Path) -> None:
    k, q = maps.weights["V"].shape
    rows = list(maps.rows())
    assert len(rows) == 2 * k * q + k * k + 2 * 2 * k * q + 2 * q
    assert rows[0][:4] == ["V", None, unit_names(Bundle.open())[0], EMOTIONS[0]]
    assert rows[-1] == ["E", "sad", None, EMOTIONS[-1], float(maps.emotion[-1, -1])]
    paths = write_maps(maps, tmp_path / "new")
    assert [path.name for path in paths] == ["weights.csv", "weights.json", "weights.png"]
    told = json.loads(paths[1].read_text())
    assert set(told["sparsity"]) == set("VUWAOE")
    assert told["provenance"]["bundle_sha256"] == Bundle.open("default").sha256


def test_units_have_the_names_of_the_card(write_bundle, tmp_path: Path) -> None:
    k = 8
    names = [f"unit {chr(97 + n)}" for n in range(k)]
    assert unit_names(Bundle.open(write_bundle(tmp_path / "named", fused_units=names))) == tuple(names)
    numbers = tuple(str(n) for n in range(k))
    assert unit_names(Bundle.open(write_bundle(tmp_path / "short", fused_units=names[:3]))) == numbers


def test_what_is_drawn_for_a_stimulus_is_what_the_model_feels(maps: LimbicMaps) -> None:
    again = limbic_maps(Predictor("default").bundle, ("sad",))
    np.testing.assert_allclose(again.emotion[0], maps.emotion[1], rtol=1e-5)
