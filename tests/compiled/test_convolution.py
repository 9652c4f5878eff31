"""Convolution by compiled loops beside convolution by gathered windows."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.compiled.choice import find
from eagerflow.kernels.convolution import choice
from eagerflow.kernels.convolution.algorithms import COLUMNS, DIRECT, choose
from eagerflow.kernels.convolution.shapes import Shapes
from eagerflow.ops.neural.fused import conv_bias, conv_transpose_bias
from eagerflow.ops.windows.geometry import window_geometry
from tests.compiled.comparing import both, close, numbers, on_threads

pytestmark = pytest.mark.slow  # the kernels are compiled: some seconds

LENGTHS = {1: (29,), 2: (13, 15), 3: (8, 9, 11)}


def planned(kernel, strides, padding, dilation=1):
    rank = len(kernel)
    return window_geometry(LENGTHS[rank], kernel, (strides,) * rank, padding, dilation)


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
        ((3, 3, 3), 1, "same", 1),
        ((3, 2, 4), 1, "valid", 1),
        ((2, 3, 3), 2, "same", 1),
        ((1, 3, 5), 2, "valid", 1),
        ((3, 3, 1), 1, "same", (2, 1, 1)),
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
        assert find("convolution", "convolve_kernel_gradient")(*given) is None
    else:
        close(*both("convolution", "convolve_kernel_gradient", *given), "float32", 64)
        positive = np.maximum(numbers(*wanted.shape, seed=3), 0)
        for made, expected in zip(*both("convolution", "convolve_relu_gradients", x, g, positive, *given[2:])):
            close(made, expected, "float32", 64)


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
        given = x, g, np.maximum(numbers(*wanted.shape, seed=3), 0), k.shape, plan, groups
        for made, expected in zip(*both("convolution", "convolve_relu_gradients", *given)):
            close(made, expected, "float32", 64)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("kernel", "channels"),
    [((3, 3), (16, 24)), ((2, 2), (8, 16)), ((5, 4), (6, 8)), ((4,), (3, 16)), ((3, 2, 3), (8, 16))],
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
    assert find("convolution", "convolve_into")(x, k, inner, 1, out, places)
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
    names = "convolve", "convolve_kernel_gradient", "convolve_relu_gradients"
    forward, of_kernel, of_both = [find("convolution", name) for name in names]
    out = on_threads(lambda: forward(x, k, plan))
    on_threads(lambda: (choice.input_gradient(out, k, plan), of_kernel(x, out, k.shape, plan)))
    on_threads(lambda: of_both(x, out, np.maximum(out, 0), k.shape, plan))


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(("lengths", "filters"), [((20, 20), 16), ((20, 20), 24), ((9, 8, 7), 8), ((200,), 32)])
def test_bias_and_relu_follow_in_the_cache(lengths, filters, relu):
    sizes = (3,) * len(lengths)
    x, k, bias = numbers(9, *lengths, 8), numbers(*sizes, 8, filters, seed=1), numbers(filters, seed=2)
    x[1, 2], x[2, 3, ..., 1] = np.nan, np.inf
    plan = window_geometry(lengths, sizes, (1,) * len(lengths), "same")
    assert choose(Shapes.of(x, k.shape, plan)).name == "direct"
    found = choice.forward(x, k, plan, epilogue=(bias, relu))
    alone = find("convolution", "convolve")(x, k, plan) + bias
    assert np.array_equal(found, np.maximum(alone, 0) if relu else alone, equal_nan=True)  # the same bits


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("filters", [3, 8, 32])
def test_a_transposed_convolution_adds_its_bias_on_the_way(filters, relu, monkeypatch):
    monkeypatch.setattr(choice, "choose", lambda s: DIRECT if DIRECT.applies(s) else COLUMNS)
    x, k, bias = numbers(32, 15, 14, 16), numbers(3, 3, filters, 16, seed=1), numbers(filters, seed=2)
    x[1, 2, 3, 4], x[2, 3, 4, 5] = np.nan, np.inf
    found = conv_transpose_bias(x, k, bias, 2, "same", relu=relu).numpy()
    wanted = ef.ops.conv_transpose(x, k, 2, "same") + bias
    wanted = (ef.ops.relu(wanted) if relu else wanted).numpy()
    assert np.array_equal(found, wanted, equal_nan=True)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("odd", [None, np.inf, np.nan])
def test_a_first_layer_with_relu_masks_its_gradient_on_the_way(monkeypatch, odd, data_format):
    x, k, bias = ef.Tensor(numbers(4, 20, 20, 3)), ef.Variable(numbers(3, 3, 3, 16, seed=1)), ef.Variable(numbers(16))
    weigh = numbers(4, 18, 18, 16, seed=2)
    if odd is not None:
        weigh[1, 2, 3, 4] = odd
    if data_format == "channels_first":
        x, weigh = ef.ops.transpose(x, (0, 3, 1, 2)), weigh.transpose(0, 3, 1, 2)

    def gradients():
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(conv_bias(x, k, bias, data_format=data_format, relu=True) * weigh)
        return tape.gradient(loss, [k, bias])

    found, asked = gradients(), []
    plain = choice.gradients_of_first
    monkeypatch.setattr(choice, "gradients_of_first", lambda *given: asked.append(plain(*given)))
    wanted = gradients()  # one after the other
    assert (asked[0] is None) == (odd is not None)  # what isn't finite goes the usual way
    for made, expected in zip(found, wanted):
        close(made.numpy(), expected.numpy(), "float32", 64)


@pytest.mark.parametrize("needs_input", [False, True])
def test_a_captured_first_layer_masks_on_the_way_too(needs_input):
    x, k, bias = numbers(16, 40, 40, 3), ef.Variable(numbers(3, 3, 3, 16, seed=1)), ef.Variable(numbers(16))
    x = ef.Variable(x) if needs_input else ef.Tensor(x)
    asked = [k, bias, x] if needs_input else [k, bias]

    def step():
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(ef.ops.tanh(conv_bias(x, k, bias, relu=True)))
        return tape.gradient(loss, asked)

    captured, eager = ef.function(step), step()
    for _ in range(4):
        for one, other in zip(captured(), eager):
            assert np.array_equal(one.numpy(), other.numpy())
    assert captured.replays >= 2
    assert ("masked" in captured.programs[0]) == needs_input  # otherwise the rule gets relu's outputs, and masks


def test_what_the_loops_do_not_take_is_plain():
    plan = planned((3, 3), 1, "same")
    convolve = find("convolution", "convolve")
    assert convolve(numbers(0, *plan.lengths, 8), numbers(3, 3, 8, 8), plan) is None
    assert convolve(numbers(2, *plan.lengths, 8, dtype="float64"), numbers(3, 3, 8, 8, dtype="float64"), plan) is None
    for given, kernel, groups, dilation in [(4, 2, 2, 1), (4, 4, 1, 2)]:  # volumes in groups, or with gaps in a row
        plan = planned((3, 3, 3), 1, "same", dilation)
        x, k = numbers(2, *plan.lengths, given), numbers(3, 3, 3, kernel, 16)
        assert convolve(x, k, plan, groups) is None
        of_kernel = find("convolution", "convolve_kernel_gradient")
        assert of_kernel(x, numbers(2, *plan.outputs, 16), k.shape, plan, groups) is None
        assert choose(Shapes.of(x, k.shape, plan, groups)).name != "direct"
    pixels = planned((1, 1), 1, "same")
    assert choose(Shapes.of(numbers(2, *plan.lengths, 8), (1, 1, 8, 8), pixels)).name == "columns"
