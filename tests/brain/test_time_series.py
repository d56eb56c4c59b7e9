"""The benchmark of time series: its systems, that nothing of the test is used to choose, and its page."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("time_series", ROOT / "benchmarks" / "time_series.py")
benchmark = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(benchmark)
RESULTS = json.loads((ROOT / "benchmarks" / "results" / "time_series.json").read_text())["results"]


def test_lorenz_is_the_system() -> None:
    # Oracle: scipy's adaptive solver. Errors grow e-fold each unit of time, so only the first are compared.
    def flow(_: float, s: np.ndarray) -> list[float]:
        return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    times = 0.01 + 0.05 * np.arange(60)
    expected = solve_ivp(flow, (0, 3), [1.0, 1.0, 1.0], t_eval=times, rtol=1e-11, atol=1e-11).y[0]
    np.testing.assert_allclose(benchmark.lorenz(transient=0)[:60], expected, atol=1e-3)


def test_mackey_glass_decays_until_its_delay_and_its_steps_are_small_enough() -> None:
    # While the delayed value is still the initial 1.2, the equation is linear.
    coarse = benchmark.mackey_glass(dt=0.1, every=10, transient=0)[:100]
    fine = benchmark.mackey_glass(dt=0.05, every=20, transient=1)[:100]
    time = 0.1 + np.arange(16)
    source = 0.2 * 1.2 / (1 + 1.2**10) / 0.1
    np.testing.assert_allclose(coarse[:16], source + (1.2 - source) * np.exp(-0.1 * time), rtol=1e-6)
    np.testing.assert_allclose(coarse, fine, rtol=1e-3)


def test_what_is_chosen_does_not_depend_on_the_test_part() -> None:
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(size=(benchmark.TRAIN + benchmark.TEST, 1)), axis=0) / 30
    y = np.roll(x[:, 0], -1)
    changed_x, changed_y = x.copy(), y.copy()
    changed_x[benchmark.TRAIN :], changed_y[benchmark.TRAIN :] = 0.0, 1.0
    assert benchmark.choose_ridge(x, y)[0] == benchmark.choose_ridge(changed_x, changed_y)[0]


@pytest.mark.parametrize(("name", "make"), [("lorenz", "lorenz"), ("mackey-glass", "mackey_glass")])
def test_the_committed_errors_come_out_again(name: str, make: str) -> None:
    # Of the model without search; a tenth leaves room for chaos, which other rounding leads elsewhere.
    series = getattr(benchmark, make)()
    past, following = series[:-1], series[1:]
    test = slice(benchmark.TRAIN, None)
    error = np.sqrt(((past[test] - following[test]) ** 2).mean()) / following[test].std()
    assert RESULTS[name]["persistence"]["nrmse"] == pytest.approx(error, rel=0.1)


def test_the_page_shows_the_committed_errors() -> None:
    page = (ROOT / "docs" / "conditioning.md").read_text(encoding="utf-8")
    for model in ("persistence", "ridge", "mlp", "bel"):
        cells = []
        for series in ("lorenz", "mackey-glass"):
            found = RESULTS[series][model]
            spread = f" ± {found['sd']:.1g}" if found["sd"] else ""
            cells.append(f"{found['nrmse']:.2g}{spread}")
        assert f"| {' | '.join(cells)} |" in page, model
