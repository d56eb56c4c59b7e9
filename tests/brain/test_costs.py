"""What each module costs: counted by hand for the default model, and against torch for any other."""

from __future__ import annotations

import pytest

from avfbel.brain import AVFBEL, Samples
from avfbel.brain.costs import ModuleCost


def table(**parameters: object) -> dict[str, ModuleCost]:
    return {cost.module: cost for cost in AVFBEL(**parameters).parameter_table()}


def test_the_default_model_is_counted_by_hand() -> None:
    costs = table()
    assert costs["V1"][1:] == (5 * 8 * 49 + 8, 0, 32 * 32 * 5 * 8 * 49)
    assert costs["IT"][1:] == (32 * 64 * 9 + 64, 0, 4 * 4 * 32 * 64 * 9)
    assert costs["visual decoder"][1:] == (64 * 64 + 64, 0, 64 * 64)
    assert costs["scale of the maps"][1:] == (0, 11, 2 * 5 * 64 * 64)
    assert costs["auditory cortex"][1:] == (2400, 14, 7 + 1600)
    # three layers, three norms with scale and shift, attention; mean and variance of 3 x 64 units
    sound = (800 * 64 + 64) + 3 * (64 * 64 + 64) + 3 * 128
    assert costs["audio branch"][1:] == (sound, 3 * 128, 800 * 64 + 3 * 64 * 64)
    assert costs["interaction"][1:] == (2 * 64 * 64, 0, 2 * 64 * 64)
    assert costs["final layer"][1:] == (192 * 32, 0, 192 * 32)
    assert costs["amygdala"][1:] == (160, 0, 160)
    assert costs["orbitofrontal cortex"][1:] == (160, 0, 160)
    assert costs["prefrontal cortex"][1:] == (0, 0, 0)
    assert sum(cost.trained for cost in costs.values()) == 30_432 + 2400 + 95_488 + 325


@pytest.mark.parametrize("parameters", [{}, {"gamma": 0.01}, {"learning": "gradient"}, {"width": 2}])
def test_an_open_circuit_costs_what_it_has(world: Samples, parameters: dict) -> None:
    model = AVFBEL(epochs=1, bel_epochs=1, **parameters)
    before = model.parameter_table()
    model.fit(world)
    assert model.parameter_table() == before
    assert sum(cost.trained for cost in before) == sum(model.n_parameters_.values())


def test_what_is_closed_is_not_counted() -> None:
    heard = table(visual=None)
    assert not {"V1", "video branch", "interaction", "scale of the maps"} & set(heard)
    assert {"auditory cortex", "audio branch", "final layer", "amygdala"} <= set(heard)
    raw = table(visual="features", auditory="features", fusion=None)
    assert raw["acoustic features"][1:] == (0, 21, 7)
    assert raw["visual features"][1:] == (0, 15, 5)
    assert raw["amygdala"].trained == 25 * 5
    assert table(visual=None, fusion=None)["amygdala"].trained == (1600 // 2 + 1) * 5
