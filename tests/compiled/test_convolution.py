"""Convolution by compiled loops beside convolution by gathered windows."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.base import twins
from eagerflow.compiled import provider
from eagerflow.compiled.loops.tiles import tile
from eagerflow.kernels.convolution import choice
from eagerflow.kernels.convolution.algorithms import choose
from eagerflow.kernels.convolution.shapes import Shapes
from eagerflow.ops.windows.geometry import window_geometry
from tests.compiled.beside import both, close, numbers

pytestmark = pytest.mark.slow  # the kernels are compiled: some seconds

LENGTHS = {1: (29,), 2: (13, 15)}


def planned(kernel, strides, padding, dilation=1):
    rank = len(kernel)
    return window_geometry(LENGTHS[rank], kernel, (strides,) * rank, padding, (dilation,) * rank)


@pytest.mark.parametrize("channels", [(1, 32), (3, 16), (6, 16), (16, 6), (8, 8), (5, 12), (24, 40), (2, 1), (7, 64)])
@pytest.mark.parametrize(
    ("kernel", "strides", "padding", "dilation"),
    [
        ((3, 3), 1, "same", 1),
        ((5, 5), 1, "valid", 1),
        ((7, 7), 2, "same", 1),
        ((2, 4), 3, "valid", 1),
        ((3, 2), 1, "same", 2),
        ((3,), 1, "same", 1),
        ((5,), 2, "valid", 1),
    ],
)
def test_convolution_of_few_channels(kernel, strides, padding, dilation, channels):
    plan = planned(kernel, strides, padding, dilation)
    x, k = numbers(3, *plan.lengths, channels[0]), numbers(*kernel, *channels, seed=1)
    found, wanted = both("convolution", "convolve", x, k, plan)
    close(found, wanted, "float32", 32)
    g = numbers(*wanted.shape, seed=2)
    given = x, g, k.shape, plan
    if channels[1] % 8:  # what is missing of the last columns would be read behind the array's end
        assert provider.find("convolution", "convolve_kernel_gradient")(*given) is None
    else:
        close(*both("convolution", "convolve_kernel_gradient", *given), "float32", 64)


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize(("groups", "width", "filters"), [(4, 8, 32), (2, 3, 40), (3, 5, 6)])
def test_convolution_in_groups(groups, width, filters, dilation):
    plan = planned((3, 3), 1, "same", dilation)
    x, k = numbers(2, *plan.lengths, groups * width), numbers(3, 3, width, filters, seed=1)
    found, wanted = both("convolution", "convolve", x, k, plan, groups)
    close(found, wanted, "float32", 32)
    if filters // groups % 8 == 0:
        g = numbers(*wanted.shape, seed=2)
        close(*both("convolution", "convolve_kernel_gradient", x, g, k.shape, plan, groups), "float32", 64)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("kernel", "channels"), [((3, 3), (16, 24)), ((2, 2), (8, 16)), ((5, 4), (6, 8)), ((4,), (3, 16))]
)
def test_gradients_of_strided_inputs(kernel, channels, padding):
    """Each remainder's pixels are written to their places."""
    plan = planned(kernel, 2, padding)
    k = numbers(*kernel, *channels, seed=1)
    g = numbers(40, *plan.outputs, channels[1], seed=2)
    found = choice.input_gradient(g, k, plan)
    wanted = choice.columns.input_gradient(g, k, plan)
    close(found, wanted, "float32", 64)
    out = np.full((40, *plan.lengths, channels[0]), 7, "float32")
    inner = planned((3,) * len(kernel), 1, "same")
    places = tuple([slice(1, 8, 3)] * len(kernel))
    inner = inner._replace(lengths=(3,) * len(kernel), outputs=(3,) * len(kernel))
    x, k = numbers(40, *inner.lengths, 5), numbers(*inner.sizes, 5, channels[0])
    assert provider.find("convolution", "convolve_into")(x, k, inner, 1, out, places)
    target = (slice(None), *places)
    close(out[target], choice.columns.forward(x, k, inner), "float32", 32)
    out[target] = 7
    assert (out == 7).all()  # nothing else was written to


@pytest.mark.parametrize("filters", [16, 12])
def test_odd_numbers_reach_the_outputs_that_see_them(filters):
    plan = planned((3, 3), 1, "same")
    x, k = numbers(2, *plan.lengths, 8), numbers(3, 3, 8, filters, seed=1)
    x[0, 0, 0, 0], x[0, 6, 7, 1], x[1, 12, 14, 2], x[1, 0, 14, 3] = np.nan, np.inf, -np.inf, 1e30
    close(*both("convolution", "convolve", x, k, plan), "float32", 32)
    x, g = numbers(2, *plan.lengths, 8), numbers(2, *plan.outputs, 16, seed=1)
    x[1, 3, 4, 5], g[0, 1, 1, 3] = np.inf, np.nan
    close(*both("convolution", "convolve_kernel_gradient", x, g, (3, 3, 8, 16), plan), "float32", 64)


def test_convolution_gives_the_same_bits_for_any_number_of_threads():
    plan = window_geometry((60, 60), (3, 3), (2, 2), "same")
    x, k = numbers(8, 60, 60, 12), numbers(3, 3, 12, 32, seed=1)
    forward, of_kernel = [provider.find("convolution", name) for name in ("convolve", "convolve_kernel_gradient")]
    before, found = ef.get_num_threads(), []
    try:
        for threads in (1, 3):
            ef.set_num_threads(threads)
            out = forward(x, k, plan)
            found.append((out, choice.input_gradient(out, k, plan), of_kernel(x, out, k.shape, plan)))
    finally:
        ef.set_num_threads(before)
    assert all(np.array_equal(one, other) for one, other in zip(*found))


def test_bias_and_relu_follow_in_the_cache():
    x, k, bias = numbers(9, 20, 20, 8), numbers(3, 3, 8, 16, seed=1), numbers(16, seed=2)
    plan = window_geometry((20, 20), (3, 3), (1, 1), "same")
    assert choose(Shapes.of(x, k.shape, plan)).name == "direct"
    found = choice.forward(x, k, plan, epilogue=(bias, True))
    wanted = np.maximum(twins.PLAIN["convolution", "convolve"](x, k, plan) + bias, 0)
    close(found, wanted, "float32", 32)


def test_what_the_loops_do_not_take_is_plain():
    plan = planned((3, 3), 1, "same")
    find = provider.find("convolution", "convolve")
    assert find(numbers(0, *plan.lengths, 8), numbers(3, 3, 8, 8), plan) is None
    assert find(numbers(2, *plan.lengths, 8, dtype="float64"), numbers(3, 3, 8, 8, dtype="float64"), plan) is None
    pixels = planned((1, 1), 1, "same")
    assert choose(Shapes.of(numbers(2, *plan.lengths, 8), (1, 1, 8, 8), pixels)).name == "columns"


def test_a_tile_in_python_is_the_sum_that_it_says():
    x, weights, out = numbers(400), numbers(6 * 8, seed=1), np.ones(40, "float32")
    tile(3, 8, out, 2, 10, x, 5, weights, 0, (1, 7, 2, 50, 1, 0, 3, 2, 8))
    wanted = np.ones(40, "float32")
    for row in range(3):
        looked = [5 + row * 7 + line * 50 + number * 2 for line in range(2) for number in range(3)]
        wanted[2 + 10 * row : 10 + 10 * row] += x[looked] @ weights.reshape(6, 8)
    assert np.allclose(out, wanted, atol=1e-5)
