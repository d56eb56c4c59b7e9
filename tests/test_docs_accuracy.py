"""The page on accuracy shows the committed results, and what is shipped is what they speak for."""

from __future__ import annotations

import importlib.util
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from avfbel.learn.candidates import CHOSEN
from avfbel.learn.cortex import cortex_digest

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("write_accuracy", ROOT / "scripts" / "write_accuracy.py")
page = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(page)
RESULTS = page.load()
CARD = json.loads((files("avfbel") / "bundles/default/card.json").read_text("utf-8"))


def test_the_page_is_what_the_results_give() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.renew(text, RESULTS), "run python scripts/write_accuracy.py"


def test_what_is_shipped_learned_with_the_choice_of_least_inner_error() -> None:
    nested = RESULTS["nested"]
    best = nested["choices"][int(np.argmin(nested["leave-stimulus-out"]["inner"]))]
    assert nested["chosen"] == best
    assert best["adapt"]
    assert {name: value for name, value in CHOSEN.items() if name in best} == {
        name: value for name, value in best.items() if name in CHOSEN
    }
    assert {name: CARD["parameters"][name] for name in CHOSEN} == dict(CHOSEN)


def test_search_and_card_speak_of_the_shipped_cortex() -> None:
    assert RESULTS["nested"]["cortex"] == CARD["cortex"]["sha256"] == cortex_digest("default")


def test_the_card_has_the_figures_of_the_comparison() -> None:
    for protocol, modalities in RESULTS["accuracy"]["metrics"]["avf-bel"].items():
        for modality, targets in modalities.items():
            for target, figures in targets.items():
                told = CARD["metrics"][protocol][modality][target]
                assert told["r"] == pytest.approx(figures["r"], abs=1e-6)
                assert told["nev"] == pytest.approx(figures["nev"], abs=1e-6)


@pytest.mark.parametrize("target", ["epp", "valence"])
def test_a_new_stimulus_is_predicted_nearly_as_well_as_people_agree(target: str) -> None:
    assert CARD["metrics"]["leave-stimulus-out"]["fused"][target]["nev"] >= 0.9
    assert RESULTS["nested"]["leave-stimulus-out"]["nested"]["fused"][target]["r"] >= 0.9


@pytest.mark.parametrize("kind", ["audio", "video", "fused"])
def test_intervals_hold_for_stimuli_that_were_not_met(kind: str) -> None:
    told = CARD["intervals"][kind]
    # nine in ten of 38 stimuli: two standard errors of a share are 0.1
    assert abs(told["coverage"] - CARD["intervals"]["level"]) < 0.1


def test_the_readme_counts_what_was_fitted_to_ratings() -> None:
    fitted = RESULTS["accuracy"]["costs"]["avf-bel"]["fitted_to_ratings"]
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"Only {fitted} numbers were fitted to ratings" in readme
