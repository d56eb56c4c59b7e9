"""A small world for the whole model: clips whose sound and motion, and rewards, follow hidden parameters."""

from __future__ import annotations

import numpy as np
import pytest

from avfbel.brain import AVFBEL, Samples

SEEN_ONLY, HEARD_ONLY, BOTH = [False, True], [True, False], [True, True]


def make_world(n: int = 24, seed: int = 0) -> Samples:
    """Return n clips, each as sound only, film only, and both."""
    rng = np.random.default_rng(seed)
    hidden = rng.uniform(-1, 1, (n, 3))
    maps = np.zeros((n, 5, 64, 64), dtype=np.float16)
    speed, size, lean = 120 * np.exp(0.5 * hidden[:, 0]), 0.5 + 0.3 * hidden[:, 1], 0.6 * hidden[:, 2]
    for i in range(n):
        top = int(50 - 40 * size[i])
        values = np.array([speed[i], 0.2, 0.1, size[i], lean[i]])
        maps[i, :, top:50, 25:40] = values[:, None, None]
    acoustic = np.column_stack(
        [
            220 * 2 ** (0.5 * hidden[:, 1]),
            rng.uniform(0.1, 0.2, n),
            rng.uniform(0.05, 0.1, n),
            speed,
            60 / speed,
            0.5 + 0.4 * hidden[:, 2],
            rng.uniform(-0.5, 0.5, n),
        ]
    )
    acoustic[0, 6] = np.nan
    felt = 0.3 + 0.25 * np.column_stack([hidden, -hidden[:, :2]])
    return Samples(
        maps=maps,
        acoustic=acoustic,
        evidence=rng.uniform(0.5, 1.0, (n, 2)),
        row=np.tile(np.arange(n), 3),
        mask=np.repeat([HEARD_ONLY, SEEN_ONLY, BOTH], n, axis=0),
        rewards=np.concatenate([0.8 * felt, felt, 0.95 * felt]),
    )


@pytest.fixture(scope="session")
def world() -> Samples:
    return make_world()


@pytest.fixture(scope="session")
def model(world: Samples) -> AVFBEL:
    return AVFBEL(epochs=60, bel_epochs=60, dropout=0.0, gamma=0.01, batch_size=8).fit(world)
