"""Lines by context: where they stand, what is shared, and what stays silent."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avfbel.brain.contexts import in_contexts, out_of_contexts, rehearsal

GATE = st.floats(0, 1).filter(lambda g: g == 0 or g > 1e-6)


@given(audio=GATE, video=GATE, seed=st.integers(0, 5))
def test_places_share_the_lines_out(audio: float, video: float, seed: int) -> None:
    """Against the formula; what is in the three places adds up to the lines wherever there is evidence."""
    lines = np.random.default_rng(seed).random((2, 4))
    code = in_contexts(torch.from_numpy(lines), torch.tensor([[audio, video]] * 2, dtype=torch.float64))
    both, heard, seen = code.numpy().reshape(2, 3, 4).transpose(1, 0, 2)
    share = min(audio, video) / max(audio, video) if max(audio, video) else 0.0
    np.testing.assert_allclose(both, share * lines)
    np.testing.assert_allclose(heard, (1 - share) * lines * (audio > video))
    np.testing.assert_allclose(seen, (1 - share) * lines * (video > audio))
    if audio or video:
        np.testing.assert_allclose(out_of_contexts(code.numpy()), lines)


@pytest.mark.parametrize(("evidence", "place"), [((0.5, 0.5), 0), ((0.2, 0.0), 1), ((0.0, 1.0), 2)])
def test_one_place_is_active_where_the_senses_are_clear(evidence: tuple[float, float], place: int) -> None:
    code = in_contexts(torch.ones(1, 5), torch.tensor([evidence])).numpy().reshape(3, 5)
    assert (code[place] == 1).all()
    assert not np.delete(code, place, axis=0).any()


def test_the_code_changes_little_where_the_evidence_does() -> None:
    gates = np.stack([np.linspace(0, 1, 1001), np.full(1001, 0.5)], axis=1)
    code = in_contexts(torch.ones(1001, 1, dtype=torch.float64), torch.from_numpy(gates)).numpy()
    assert np.abs(np.diff(code, axis=0)).max() < 0.003


def test_what_one_sense_alone_says_is_shown_as_if_it_were_both() -> None:
    lines = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [0.0, 0.0]], dtype=torch.float64)
    evidence = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.3], [0.0, 0.0]])
    code = in_contexts(lines, evidence).numpy()
    rows, shown = rehearsal(code)
    assert rows.tolist() == [1, 2]
    assert shown.tolist() == [[3, 4, 0, 0, 0, 0], [5, 6, 0, 0, 0, 0]]
    models_rows, of_models = rehearsal(np.stack([code, 2 * code]))
    assert models_rows.tolist() == [1, 2]
    np.testing.assert_array_equal(of_models, np.stack([shown, 2 * shown]))
