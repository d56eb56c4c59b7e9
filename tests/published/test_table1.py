import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.brain import AVFBEL
from avfbel.published import measured, table1
from avfbel.published.meter import measure
from avfbel.published.transformer import Transformer


@settings(deadline=None, max_examples=15)
@given(sizes=st.lists(st.integers(1, 9), min_size=2, max_size=6), rows=st.integers(1, 5))
def test_a_chain_of_layers_costs_what_one_can_count(sizes: list[int], rows: int) -> None:
    chain = torch.nn.Sequential(*(torch.nn.Linear(a, b) for a, b in pairwise(sizes)))
    cost = measure(chain, [torch.zeros(rows, sizes[0])], chain.parameters())
    assert cost.depth == len(sizes) - 1
    assert cost.operations == rows * sum(a * b for a, b in pairwise(sizes))
    # while a layer works, its input (if it was made during the pass) and its output are held
    held = [rows * 4 * (b + (a if i else 0)) for i, (a, b) in enumerate(pairwise(sizes))]
    assert cost.peak_bytes == max(held)


def test_layers_side_by_side_are_one_deep() -> None:
    a, b = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    cost = measure(lambda x: a(x) + b(x), [torch.zeros(1, 3)], [*a.parameters(), *b.parameters()])
    assert cost.depth == 1


def test_measured_operations_are_those_of_the_parameter_table() -> None:
    table = {part.module: part.operations for part in AVFBEL().parameter_table()}
    products = [n for name, n in table.items() if "scale" not in name and name != "auditory cortex"]
    limbic = sum(table[name] for name in ("thalamus", "amygdala", "orbitofrontal cortex"))  # elementwise
    idle = 32 * 32 * 5  # W of a prefrontal cortex that does not learn is multiplied all the same
    probe = measured.build("avf-bel")
    cost = measure(probe.run, probe.inputs(1), probe.weights)
    assert cost.operations == sum(products) - limbic + idle
    # V1, V2, V4, IT, decoder; three layers, attention, interaction, final layer of the gyrus; V or U
    assert cost.depth == 5 + 6 + 1


def test_parameters_are_those_of_the_built_models() -> None:
    assert measured.n_parameters("avf-bel") == sum(part.trained for part in AVFBEL().parameter_table())
    probe = measured.build("m-bel")
    assert measured.n_parameters("m-bel") == sum(weight.numel() for weight in probe.weights)


def test_committed_cells_are_those_of_this_code() -> None:
    stored = measured.load_measured()["models"]
    assert tuple(stored) == measured.MODELS
    for name in measured.CIRCUITS:
        probe = measured.build(name)
        cost = measure(probe.run, probe.inputs(1), probe.weights)
        cells = stored[name]
        assert (cells["depth"], cells["operations"]) == (cost.depth, cost.operations)
        assert cells["parameters"] == measured.n_parameters(name)
        assert cells["peak_bytes"] == pytest.approx(cost.peak_bytes, rel=0.2)  # temporaries differ by version
    with torch.device("meta"):
        peer = sum(weight.numel() for weight in Transformer().parameters())
    assert stored["transformer"]["parameters"] == peer


def test_bel_is_linear_and_attention_quadratic() -> None:
    def operations(name: str) -> list[int]:
        probe = measured.build(name)
        return [measure(probe.run, probe.inputs(n), probe.weights).operations for n in (64, 128, 256)]

    assert measured.exponent([64, 128, 256], operations("bel")) == pytest.approx(1, abs=1e-9)
    assert measured.exponent([64, 128, 256], operations("avf-bel")[:3]) == pytest.approx(1, abs=1e-9)
    attention = operations("self-attention")
    width = measured.ATTENTION_WIDTH
    assert attention == [4 * width**2 * 2 * n + 2 * (2 * n) ** 2 * width for n in (64, 128, 256)]


def test_committed_growth_is_as_the_text_says() -> None:
    curves = {name: measured.growth(curve) for name, curve in measured.load_measured()["growth"].items()}
    for name in ("bel", "avf-bel"):
        assert curves[name].operations == pytest.approx(1, abs=0.01)
        assert curves[name].time < 1.5
        assert curves[name].memory < 0.3
    assert curves["self-attention"].time > 1.6
    assert curves["self-attention"].memory > 1.8
    assert curves["self-attention, tiled"].memory == pytest.approx(1, abs=0.05)
    assert curves["transformer"].operations < 1.2


@given(p=st.floats(0, 3), c=st.floats(0.1, 10))
def test_the_exponent_of_a_power_is_found(p: float, c: float) -> None:
    n = np.array([4.0, 8, 16, 32, 64])
    assert measured.exponent(n, c * n**p) == pytest.approx(p, abs=1e-9)


def test_the_report_names_the_contradiction_and_is_written(tmp_path: Path) -> None:
    text = table1.run(tmp_path, tmp_path / "out", rerun=False)
    assert "small (tens of)" in text
    assert "1,564,928" in text
    assert "128,645" in text
    assert json.loads((tmp_path / "out" / "table1.json").read_text()) == measured.load_measured()
    assert (tmp_path / "out" / "growth.png").read_bytes().startswith(b"\x89PNG")
    assert text == table1.run(tmp_path, None, rerun=False)


def test_a_model_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no model 'lstm': choose one of"):
        measured.build("lstm")
