"""The page of the model shows what the code counts, and what was measured."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def script(folder: str, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_its_tables_are_current() -> None:
    tables = script("scripts", "model_tables")
    text = tables.PAGE.read_text(encoding="utf-8")
    assert tables.renew(text) == text, "run python scripts/model_tables.py"


def test_a_changed_number_is_noticed() -> None:
    tables = script("scripts", "model_tables")
    text = tables.PAGE.read_text(encoding="utf-8")
    assert "| orbitofrontal cortex | 375 | 0 | 375 |" in text
    assert tables.renew(text.replace("| 375 | 0 | 375 |", "| 376 | 0 | 375 |")) == text


def test_a_window_passes_in_less_than_5_ms() -> None:
    committed = json.loads((ROOT / "benchmarks" / "results" / "forward.json").read_text(encoding="utf-8"))
    assert committed["passes"] >= 200
    for figures in committed["results"].values():
        assert figures["median_ms"] < 5
        assert figures["times_within_limit"] == pytest.approx(5 / figures["median_ms"], rel=0.01)


def test_a_few_passes_now_are_not_far_from_it() -> None:
    measured = script("benchmarks", "forward").measure(passes=30)
    assert set(measured) == {"torch", "onnxruntime"}
    assert min(figures["median_ms"] for figures in measured.values()) < 5
