"""Visual cortex: CORnet-Z's sizes, its areas against plain torch, and the scale of the maps."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from avfbel.brain import VisualCortex
from avfbel.brain.visual_cortex import MapScale


def films(n: int = 6, seed: int = 0) -> np.ndarray:
    """Painted maps of made-up films: a moving rectangle with the features of its bounces."""
    rng = np.random.default_rng(seed)
    maps = np.zeros((n, 5, 64, 64), dtype=np.float32)
    values = rng.uniform([60, 0.0, 0.0, 0.1, -1.0], [240, 0.6, 0.4, 0.9, 1.0], (n, 5))
    for film, value in zip(maps, values, strict=True):
        film[:, 10:50, 25:40] = value[:, None, None]
    return maps


def test_the_published_size_has_the_published_number_of_weights() -> None:
    cortex = VisualCortex(width=64, n_out=1000)
    areas = [sum(p.numel() for p in area.parameters()) for area in cortex.areas.values()]
    # weights in x out x kernel area, plus one bias an output plane: 1.56 million in all
    assert areas == [5 * 64 * 49 + 64, 64 * 128 * 9 + 128, 128 * 256 * 9 + 256, 256 * 512 * 9 + 512]
    assert sum(areas) == 1_564_928


@pytest.mark.parametrize("width", [1, 8])
def test_weights_start_xavier_uniform_and_biases_zero(width: int) -> None:
    torch.manual_seed(0)
    cortex = VisualCortex(width=width)
    for name, parameter in cortex.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any()
        else:
            fan_in = parameter[0].numel()
            fan_out = parameter.numel() // parameter.shape[1]
            bound = (6 / (fan_in + fan_out)) ** 0.5
            assert 0.8 * bound < parameter.abs().max() <= bound


@pytest.mark.parametrize(
    ("activation", "module"), [("relu", nn.ReLU()), ("gelu", nn.GELU()), ("sigmoid", nn.Sigmoid())]
)
def test_areas_are_those_of_a_plain_sequence(activation: str, module: nn.Module) -> None:
    torch.manual_seed(0)
    cortex, maps = VisualCortex(width=4, activation=activation), torch.randn(3, 5, 64, 64)
    seen = cortex(maps)
    signal, activity = cortex.scale(maps), []
    for area, kernel, stride in zip(cortex.areas.values(), (7, 3, 3, 3), (2, 1, 1, 1), strict=True):
        signal = F.conv2d(signal, area.weight, area.bias, stride=stride, padding=kernel // 2)
        signal = nn.MaxPool2d(3, 2, 1)(module(signal))
        activity.append(signal.mean(dim=(1, 2, 3)))
    assert [signal.shape[2], signal.shape[1]] == [2, 32]
    x = F.linear(nn.AdaptiveAvgPool2d(1)(signal).flatten(1), cortex.decoder.weight, cortex.decoder.bias)
    torch.testing.assert_close(seen.x_visual, x)
    torch.testing.assert_close(seen.areas, torch.stack(activity, dim=1))


def test_the_released_one_pixel_image_can_be_fed() -> None:
    assert VisualCortex(width=64, n_out=1000)(torch.ones(2, 5, 1, 1)).x_visual.shape == (2, 1000)


def test_a_lesion_silences_an_area_and_what_it_feeds() -> None:
    torch.manual_seed(0)
    cortex, maps = VisualCortex(), torch.from_numpy(films())
    intact, lesioned = cortex(maps), cortex(maps, torch.tensor([1.0, 0.0, 1.0, 1.0]))
    torch.testing.assert_close(intact.areas[:, 0], lesioned.areas[:, 0])
    assert (intact.areas > 0).all()
    assert not lesioned.areas[:, 1:].any()  # biases are still 0, so V4 and IT hear nothing


def test_standardised_maps_have_mean_0_and_sd_1_over_moving_pixels() -> None:
    scale, maps = MapScale(), films(40)
    scale.fit(maps, np.arange(40))
    moving = scale(torch.from_numpy(maps)).numpy()[:, :, 10:50, 25:40]
    np.testing.assert_allclose(moving.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(moving.std(axis=(0, 2, 3)), 1, atol=1e-5)


def test_where_nothing_moved_zero_stays_zero_without_a_jump() -> None:
    scale, maps = MapScale(), films(40)
    scale.fit(maps, np.arange(40))
    still = scale(torch.zeros(1, 5, 64, 64))
    assert not still.any()
    faint = scale(torch.from_numpy(films(1)) * 1e-4)
    assert faint.abs().max() < 1e-2


def test_films_beyond_training_are_limited() -> None:
    scale, maps = MapScale(), films(40)
    scale.fit(maps, np.arange(40))
    assert scale(torch.from_numpy(maps) * 1000).abs().max() <= 4


def test_the_scale_is_taken_from_the_rows_given_only() -> None:
    maps = films(10)
    maps[5:] *= 100
    some, few = MapScale(), MapScale()
    some.fit(maps, np.arange(5))
    few.fit(maps[:5], np.arange(5))
    for name, buffer in some.named_buffers():
        assert torch.equal(buffer, dict(few.named_buffers())[name])


def test_a_constant_channel_and_still_films_leave_the_scale_finite() -> None:
    maps = films(10)
    maps[:, 1] = 0.0
    scale = MapScale()
    scale.fit(maps, np.arange(10))
    assert torch.isfinite(scale(torch.from_numpy(maps))).all()
    still = MapScale()
    still.fit(np.zeros((3, 5, 64, 64)), np.arange(3))
    assert still.sd.unique().tolist() == [1.0]


def test_half_precision_maps_give_the_same_scale() -> None:
    maps = films(10)
    full, half = MapScale(), MapScale()
    full.fit(maps, np.arange(10))
    half.fit(maps.astype(np.float16), np.arange(10))
    torch.testing.assert_close(full.mean, half.mean, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"activation": "tanh"}, "activation must be one of relu, gelu, sigmoid, got 'tanh'"),
        ({"width": 0}, "width"),
    ],
)
def test_what_cannot_be_built_is_named(wrong: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        VisualCortex(**wrong)


def test_costs_of_the_printed_cortex_are_those_found_by_hand() -> None:
    *areas, decoder = VisualCortex(width=64, n_out=1000).costs(size=64)
    # 64 x 64 pixels: V1's stride leaves 32 x 32, then each pooling halves what the next area sees
    assert [tuple(area) for area in areas] == [
        ("V1", 15_744, 32 * 32 * 64 * 5 * 49),
        ("V2", 73_856, 16 * 16 * 128 * 64 * 9),
        ("V4", 295_168, 8 * 8 * 256 * 128 * 9),
        ("IT", 1_180_160, 4 * 4 * 512 * 256 * 9),
    ]
    assert sum(area.parameters for area in areas) == 1_564_928
    assert decoder == ("decoder", 513_000, 512_000)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3), st.integers(1, 70))
def test_operations_are_counted_at_the_size_that_each_area_sees(width: int, size: int) -> None:
    cortex, seen = VisualCortex(width=width), []
    for area in cortex.areas.values():
        area.register_forward_hook(lambda _, __, out: seen.append(out[0, 0].numel()))
    cortex(torch.zeros(1, 5, size, size))
    costs = cortex.costs(size=size)[:4]
    wanted = [area.weight.numel() * pixels for area, pixels in zip(cortex.areas.values(), seen, strict=True)]
    assert [cost.operations for cost in costs] == wanted


@pytest.mark.parametrize("gain", [None, torch.tensor([1.0, 0.5, 0.0, 2.0])])
@pytest.mark.parametrize("activation", ["relu", "gelu", "sigmoid"])
def test_activations_on_request_are_those_that_forward_averages(
    activation: str, gain: torch.Tensor | None
) -> None:
    torch.manual_seed(0)
    cortex, maps = VisualCortex(activation=activation), torch.from_numpy(films())
    said, seen = cortex(maps, gain), cortex.activations(maps, gain)
    assert torch.equal(said.areas, torch.stack([area.mean(dim=(1, 2, 3)) for area in seen], dim=1))
    torch.testing.assert_close(said.x_visual, cortex.decoder(seen.IT.mean(dim=(2, 3))))
    assert (seen.V1 != 0).any()


def test_activations_are_open_to_gradients_from_user_code() -> None:
    maps = torch.from_numpy(films(1)).requires_grad_()
    VisualCortex().activations(maps).V4.sum().backward()
    assert maps.grad.any()
