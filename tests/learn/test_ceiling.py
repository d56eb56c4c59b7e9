from __future__ import annotations

import os

import numpy as np
import pytest

from avfbel.data.norms import load_reliability
from avfbel.data.ratings import Ratings, load_ratings
from avfbel.errors import UsageError
from avfbel.learn.ceiling import reliability_table, spearman_brown, split_half_reliability

needs_ratings = pytest.mark.skipif(
    not os.environ.get("AVFBEL_DATA"), reason="AVFBEL_DATA names no folder of published ratings"
)


def panel(*, noise: float, n_raters: int = 20, n_stimuli: int = 3000, seed: int = 0) -> Ratings:
    """Fear of 60 and a happiness that varies over stimuli (sd 1) and raters (sd noise) around 60."""
    rng = np.random.default_rng(seed)
    values = np.zeros((n_raters, n_stimuli, 2, 5))
    values[..., 0] = 60
    values[..., 4] = (
        60 + rng.normal(size=(1, n_stimuli, 1)) + noise * rng.normal(size=(n_raters, n_stimuli, 2))
    )
    return Ratings(
        participants=tuple(map(str, range(n_raters))),
        stimuli=tuple(f"s{i:03}" for i in range(n_stimuli)),
        values=values,
    )


@pytest.mark.parametrize("noise", [1.0, 4.0])
def test_reliability_is_the_share_of_variance_that_is_signal(noise: float) -> None:
    # the mean of 20 raters has variance 1 + noise²/20, of which 1 is signal; EPP is all but linear here
    rho = split_half_reliability(panel(noise=noise), modality="music", target="epp", n_splits=10)
    assert rho == pytest.approx(1 / (1 + noise**2 / 20), abs=0.03)  # two standard errors at 3000 stimuli


def test_fused_reliability_mixes_the_two_means_of_each_half() -> None:
    # variance of the noise: (0.25² + 0.75²)·16/20
    rho = split_half_reliability(panel(noise=4.0), modality="fused", target="valence", n_splits=10)
    assert rho == pytest.approx(1 / (1 + (0.0625 + 0.5625) * 16 / 20), abs=0.03)


def test_spearman_brown_doubles_a_test() -> None:
    assert spearman_brown(0.0) == 0
    assert spearman_brown(1.0) == 1
    assert spearman_brown(0.6) == pytest.approx(0.75)


def test_a_seed_decides_the_splits() -> None:
    ratings = panel(noise=4.0, n_stimuli=30)
    first, again, other = (
        split_half_reliability(ratings, modality="music", target="epp", n_splits=5, seed=seed)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_errors() -> None:
    with pytest.raises(UsageError, match="no target 'arousal': choose one of epp, valence, published"):
        split_half_reliability(panel(noise=1.0, n_stimuli=5), modality="music", target="arousal")
    with pytest.raises(UsageError, match="no norms for 'film'"):
        split_half_reliability(panel(noise=1.0, n_stimuli=5), modality="film", target="epp")
    with pytest.raises(UsageError, match="two people or more"):
        split_half_reliability(panel(noise=1.0, n_raters=1, n_stimuli=5), modality="music", target="epp")


@needs_ratings
def test_reliability_of_the_published_ratings() -> None:
    # measured by others on the same ratings with other splits; 200 splits leave about 0.01
    table = reliability_table(load_ratings())
    expected = {
        "epp": {"music": 0.88, "animation": 0.87, "fused": 0.89},
        "valence": {"music": 0.90, "animation": 0.92, "fused": 0.94},
        "published": {"music": 0.83, "animation": 0.12, "fused": 0.51},
    }
    for target, of in expected.items():
        for modality, rho in of.items():
            assert table[modality][target] == pytest.approx(rho, abs=0.02), (modality, target)
            assert load_reliability()[modality][target] == pytest.approx(table[modality][target], abs=1e-4)
