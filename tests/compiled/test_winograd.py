"""Winograd's convolution by compiled loops compared with the one by small products."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.compiled import choice
from eagerflow.kernels.convolution.algorithms import choose
from eagerflow.kernels.convolution.shapes import Shapes
from eagerflow.kernels.convolution.winograd import images
from eagerflow.kernels.convolution.winograd.packs import Packs
from eagerflow.ops.windows.geometry import window_geometry
from tests.compiled.comparing import close, numbers, on_threads, without

pytestmark = pytest.mark.slow  # the kernels are compiled: some seconds


def plainly(function, *given):
    with without(("winograd", "convolve"), ("winograd", "transformed_kernel_gradient")):
        return function(*given)


def planned(lengths, padding):
    return window_geometry(lengths, (3, 3), (1, 1), padding, (1, 1))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("channels", [(16, 16), (64, 64), (24, 40), (32, 64), (128, 16), (80, 48)])
@pytest.mark.parametrize(
    ("count", "lengths"),
    [
        (3, (12, 12)),  # tiles of four fill it
        (2, (9, 6)),  # tiles of three do
        (9, (7, 10)),  # some reach over the edge
        (1, (70, 61)),  # in bands
        (2, (6, 6)),  # with padding four tiles, without a single one
        (40, (8, 8)),  # several images in a block
    ],
)
def test_outputs_and_gradients_are_those_of_small_products(count, lengths, channels, padding):
    geometry = planned(lengths, padding)
    x, kernel = numbers(count, *lengths, channels[0]), numbers(3, 3, *channels, seed=1)
    g = numbers(count, *geometry.outputs, channels[1], seed=2)
    close(images.forward(x, kernel, geometry), plainly(images.forward, x, kernel, geometry), "float32", 32)
    found = images.kernel_gradient(x, g, geometry)
    close(found, plainly(images.kernel_gradient, x, g, geometry), "float32", 64)


def test_they_are_exact_to_a_few_roundings():
    geometry = planned((28, 28), "same")
    x, kernel = numbers(4, 28, 28, 64), numbers(3, 3, 64, 64, seed=1)
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))).astype("float64")
    wanted = sum(wide[:, i : i + 28, j : j + 28] @ kernel[i, j].astype("float64") for i in range(3) for j in range(3))
    error = images.forward(x, kernel, geometry) - wanted
    assert np.sqrt((error**2).mean()) <= 9e-7 * np.sqrt((wanted**2).mean())
    g = numbers(4, 28, 28, 64, seed=2)
    slopes = [[np.tensordot(wide[:, i : i + 28, j : j + 28], g, ((0, 1, 2),) * 2) for j in range(3)] for i in range(3)]
    error = images.kernel_gradient(x, g, geometry) - np.array(slopes)
    assert np.sqrt((error**2).mean()) <= 1.2e-6 * np.sqrt(np.square(slopes).mean())


@pytest.mark.parametrize("lengths", [(30, 30), (9, 6)])
def test_any_number_of_threads_gives_the_same_bits(lengths):
    geometry = planned(lengths, "same")
    x, kernel = numbers(20, *lengths, 32), numbers(3, 3, 32, 48, seed=1)
    g = numbers(20, *lengths, 48, seed=2)
    on_threads(lambda: (images.forward(x, kernel, geometry), images.kernel_gradient(x, g, geometry)))


def test_an_image_with_a_number_far_larger_than_the_others_is_as_exact_as_by_a_plain_sum():
    x, kernel = numbers(6, 16, 16, 32), numbers(3, 3, 32, 32, seed=1)
    x[2, 5, 6, 7], x[4, 1, 1, 1] = 1e8, np.inf
    found = ef.ops.conv(x, kernel, padding="same").numpy()
    assert np.isinf(found).sum() == 9 * 32
    wide = np.pad(x[2], ((1, 1), (1, 1), (0, 0))).astype("float64")
    wanted = sum(wide[i : i + 16, j : j + 16] @ kernel[i, j].astype("float64") for i in range(3) for j in range(3))
    far = np.ones((16, 16), bool)
    far[4:7, 5:8] = False
    assert np.abs(found[2] - wanted)[far].max() < 1e-3


def test_bias_and_relu_follow_block_by_block():
    geometry = planned((13, 13), "same")
    x, kernel, bias = numbers(5, 13, 13, 16), numbers(3, 3, 16, 32, seed=1), numbers(32, seed=2)

    def finish(found, target=None):
        target = found if target is None else target
        np.maximum(found + bias, 0, out=target)

    wanted = np.maximum(images.forward(x, kernel, geometry) + bias, 0)
    assert np.array_equal(images.forward(x, kernel, geometry, finish), wanted)


@pytest.mark.parametrize("channels", [(12, 16), (16, 20), (512, 512)])
def test_other_channels_are_left_to_small_products(channels):
    assert choice.find("winograd", "is_fused")(Packs.of((3, 3, *channels), 1)) is None


def test_gradients_are_made_apart_where_each_is_fast():
    geometry = planned((14, 14), "valid")
    assert not images.shares_gradients((3, 3, 32, 32), geometry, 1)
    with without(("winograd", "is_fused")):
        assert images.shares_gradients((3, 3, 32, 32), geometry, 1)


@pytest.mark.parametrize("channels", [16, 32, 64])
def test_it_is_chosen_from_sixteen_channels_on(channels):
    geometry = planned((32, 32), "same")
    shapes = Shapes.of(numbers(8, 32, 32, channels), (3, 3, channels, channels), geometry)
    narrow = channels == 16 and not import_module("eagerflow.compiled.jit").WIDE  # else tiles are about as fast
    assert choose(shapes).name in (("winograd", "direct") if narrow else ("winograd",))
