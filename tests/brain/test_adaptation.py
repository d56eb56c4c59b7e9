"""Adaptation of lines: against plain numpy, its laws, and the same numbers as a graph."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avfbel.brain import AVFBEL, Network, Samples
from avfbel.brain.adaptation import N_LINES, LineAdaptation
from avfbel.brain.cortex import Cortex
from avfbel.brain.lines import LineSettings, unit_names
from avfbel.brain.regions import ACOUSTIC, MAPS
from avfbel.learn import export
from avfbel.learn.export import onnx_graph, parity

FEATURES = (*ACOUSTIC, *MAPS)
UNIT = {name: i for i, name in enumerate(unit_names())}
HEARD = [UNIT[f"{name}{sign}"] for name in ACOUSTIC for sign in "+-"]
SEEN = [UNIT[f"{name}{sign}"] for name in MAPS for sign in "+-"]


def code(z: np.ndarray, evidence: np.ndarray) -> torch.Tensor:
    """Return lines (n, 25) of standard scores z (n, 12), as they are taught."""
    said = np.zeros((len(z), N_LINES))
    for i, name in enumerate(FEATURES):
        signal = z[:, i] * evidence[:, 0 if name in ACOUSTIC else 1]
        said[:, UNIT[f"{name}+"]] = np.maximum(0, signal)
        said[:, UNIT[f"{name}-"]] = np.maximum(0, -signal)
    said[:, UNIT["any"]] = evidence.max(axis=1)
    return torch.from_numpy(said)


def signed(lines: torch.Tensor) -> np.ndarray:
    said = lines.numpy()
    return np.stack([said[:, UNIT[f"{name}+"]] - said[:, UNIT[f"{name}-"]] for name in FEATURES], axis=1)


def some(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    evidence = rng.uniform(0.2, 1.0, (n, 2)) * (rng.random((n, 2)) > 0.25)
    return rng.normal(rng.uniform(-1, 1, 12), rng.uniform(0.2, 0.8, 12), (n, 12)), evidence


def fitted(z: np.ndarray, evidence: np.ndarray) -> LineAdaptation:
    adaptation = LineAdaptation()
    adaptation.fit(code(z, evidence), torch.from_numpy(evidence))
    return adaptation


def test_there_is_a_line_for_each_unit() -> None:
    assert len(unit_names()) == N_LINES == len(set(unit_names()))


def test_it_is_what_numpy_makes_of_it() -> None:
    z, evidence = some(80, 0)
    adaptation = fitted(z, evidence)
    said = adaptation(code(z, evidence), torch.from_numpy(evidence)).numpy()
    for i, name in enumerate(FEATURES):
        g = evidence[:, 0 if name in ACOUSTIC else 1]
        met = z[g > 0, i]
        signal = np.where(g > 0, g * (z[:, i] - met.mean()) / met.std(), 0.0)
        np.testing.assert_allclose(said[:, UNIT[f"{name}+"]], np.clip(signal, 0, 4), atol=1e-5)
        np.testing.assert_allclose(said[:, UNIT[f"{name}-"]], np.clip(-signal, 0, 4), atol=1e-5)
    np.testing.assert_array_equal(said[:, UNIT["any"]], evidence.max(axis=1))


@given(seed=st.integers(0, 10_000))
def test_what_was_met_comes_out_with_mean_0_and_sd_1(seed: int) -> None:
    z = np.random.default_rng(seed).normal(0.7, 0.3, (30, 12)).clip(0.1, 1.3)  # so that nothing goes beyond 4
    ones = np.ones((30, 2))
    out = signed(fitted(z, ones)(code(z, ones), torch.from_numpy(ones)))
    assert np.abs(out).max() < 4
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(axis=0), 1, atol=1e-5)


@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 1.0))
def test_lines_scale_with_the_evidence(seed: int, share: float) -> None:
    z, _ = some(10, seed)
    ones = np.ones((10, 2))
    adaptation = LineAdaptation()
    adaptation.mean += 0.3
    adaptation.sd *= 2.0
    whole = adaptation(code(z, ones), torch.from_numpy(ones))
    less = adaptation(code(z, share * ones), torch.from_numpy(share * ones))
    assert whole.max() < 4
    np.testing.assert_allclose(less.numpy(), share * whole.numpy(), rtol=1e-6, atol=1e-9)


def test_lines_of_a_closed_sense_stay_0_whatever_leaks_over() -> None:
    z, _ = some(20, 2)
    adaptation = fitted(z, np.ones((20, 2)))
    leaking = code(z, np.ones((20, 2)))
    for evidence, closed, opened in (([1.0, 0.0], SEEN, HEARD), ([0.0, 1.0], HEARD, SEEN)):
        said = adaptation(leaking, torch.tensor([evidence] * 20)).numpy()
        assert not said[:, closed].any()
        assert said[:, opened].any(axis=0).all()
    nothing = torch.zeros(20, 2)
    assert not adaptation(torch.zeros(20, N_LINES, dtype=torch.float64), nothing).any()


def test_at_first_on_minus_off_stays_and_nothing_exceeds_four() -> None:
    lines = torch.rand(6, N_LINES) * 3
    lines[0, UNIT["pitch+"]] = 9.0
    lines[0, UNIT["pitch-"]] = 0.0
    said = LineAdaptation()(lines, torch.ones(6, 2))
    np.testing.assert_allclose(signed(said), np.clip(signed(lines), -4, 4), atol=1e-6)
    assert (said >= 0).all()
    for name in FEATURES:
        assert not (said[:, UNIT[f"{name}+"]] * said[:, UNIT[f"{name}-"]]).any(), "a line speaks one way"


def test_what_never_varied_is_centred_but_not_blown_up_and_what_was_never_met_stays() -> None:
    z = np.full((5, 12), 0.5)
    evidence = np.tile([1.0, 0.0], (5, 1))
    adaptation = fitted(z, evidence)
    np.testing.assert_allclose(adaptation.mean, [0.5] * 7 + [0.0] * 5)
    np.testing.assert_array_equal(adaptation.sd, np.ones(12))
    assert not signed(adaptation(code(z, evidence), torch.from_numpy(evidence))).any()


def test_lines_are_of_the_gyrus_and_twenty_five() -> None:
    for wrong in ({"n_fused": 32}, {"n_fused": N_LINES, "fusion": None}):
        with pytest.raises(ValueError, match="lines are 25 units of the gyrus: set n_fused=25"):
            Network(lines=True, **wrong)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model() -> AVFBEL:
    """A model on a random cortex, whose lines have adapted to made-up clips."""
    torch.manual_seed(0)
    settings = LineSettings(width=4, hidden=16, n_visual=16)
    network = Network(width=4, hidden=16, n_visual=16, n_fused=N_LINES)
    maps, acoustic, evidence = export._example(30, np.random.default_rng(1))
    network.auditory_cortex.fit(acoustic)
    network.visual_cortex.scale.fit(maps, np.arange(30))
    clips = Samples.of_clips(maps, acoustic, evidence, rewards=np.random.default_rng(2).random((30, 5)))
    return AVFBEL(cortex=Cortex.of(network, settings), bel_epochs=3).fit(clips)


def test_a_graph_with_lines_says_the_same_with_features_missing_and_senses_silent(model: AVFBEL) -> None:
    """`parity` tries batches in which features are missing and senses silent."""
    _, acoustic, evidence = export._example(33, np.random.default_rng(0))
    assert np.isnan(acoustic).any()
    assert (evidence == 0).any()
    assert not np.array_equal(model.network_.adaptation.sd, np.ones(12))
    assert max(parity(model, onnx_graph(model)).values()) < 1e-5


def test_a_graph_with_lines_is_silent_where_a_sense_is(model: AVFBEL) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx_graph(model), providers=["CPUExecutionProvider"])
    maps, acoustic, _ = export._example(4, np.random.default_rng(3))
    for evidence, silent in (([0, 0], range(N_LINES)), ([1, 0], SEEN), ([0, 1], HEARD)):
        feed = {"maps": maps, "acoustic": acoustic, "evidence": np.tile(np.float32(evidence), (4, 1))}
        (x_fused,) = session.run(["x_fused"], feed | export.limbic_arrays(model))
        assert not x_fused[:, list(silent)].any()
        assert x_fused.any() == any(evidence)
