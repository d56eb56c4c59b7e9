"""Names are resolved on first use, and say what to install when torch is absent."""

import subprocess
import sys
import textwrap

import pytest

import avfbel.brain


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_limbic_rules_need_numpy_only() -> None:
    assert (
        run("""
        import sys
        import numpy as np
        from avfbel.brain import LimbicParameters, REGIONS, Samples, limbic_step
        from avfbel.brain.limbic import initial_state
        limbic_step(initial_state(1, 1), np.ones(1), np.ones(1), LimbicParameters())
        print({"torch", "sklearn", "scipy", "pandas"} & set(sys.modules))
    """)
        == "set()"
    )


def test_their_estimator_needs_no_torch() -> None:
    assert (
        run("""
        import sys
        from avfbel.brain import BrainEmotionalLearning
        BrainEmotionalLearning().fit([[1.0], [0.5]], [1.0, 0.5]).predict([[1.0]])
        print({"torch"} & set(sys.modules))
    """)
        == "set()"
    )


@pytest.mark.parametrize("name", sorted(avfbel.brain._TORCH))
def test_without_torch_the_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for module in [m for m in sys.modules if m.startswith("avfbel.brain.")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(ImportError, match=r'pip install "avfbel\[train\]"'):
        getattr(avfbel.brain, name)


def test_every_public_name_exists() -> None:
    for name in dir(avfbel.brain):
        assert getattr(avfbel.brain, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Cerebellum'"):
        _ = avfbel.brain.Cerebellum  # type: ignore[attr-defined]


def test_names_are_those_of_the_senses() -> None:
    from avfbel.brain.regions import ACOUSTIC, MAPS
    from avfbel.senses.features import ACOUSTIC_FEATURES, MELODIC_FEATURES, VISUAL_FEATURES

    assert ACOUSTIC == ACOUSTIC_FEATURES + MELODIC_FEATURES
    assert MAPS == VISUAL_FEATURES
