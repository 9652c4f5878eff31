"""Every compiled kernel beside the plain one that it stands in for, and what happens where it can't."""

from __future__ import annotations

import importlib
import itertools
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

import eagerflow as ef
import eagerflow.optimizers
from eagerflow.base import twins
from eagerflow.cli.statuses import MISUSED
from eagerflow.compiled import filling, kernel, objects, provider, store
from eagerflow.compiled.twins import recurrent as twins_of_recurrent
from eagerflow.kernels.elementwise.activations import relu
from eagerflow.kernels.machine.threads import get_num_threads, set_num_threads
from eagerflow.kernels.normalization import relu_behind
from eagerflow.kernels.normalization.batch_norm import Layout
from eagerflow.kernels.recurrent import gru, lstm
from eagerflow.kernels.recurrent.gru_gradient import gru_gradient
from eagerflow.kernels.recurrent.lstm_gradient import lstm_gradient
from eagerflow.ops.windows.geometry import window_geometry
from tests.compiled.beside import both, close, forget, numbers
from tests.sources import ROOT

pytestmark = pytest.mark.slow  # kernels are compiled: half a second each

SHAPES = [(1, 1), (3, 7), (64, 64), (1025, 33), (5000, 96)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_layer_normalization(shape, dtype):
    x, g = numbers(*shape, dtype=dtype), numbers(*shape, dtype=dtype, seed=1)
    gamma, beta = numbers(shape[1], dtype=dtype, seed=2), numbers(shape[1], dtype=dtype, seed=3)
    found, wanted = both("layer_norm", "layer_norm", x, gamma, beta, 1e-3)
    for one, other in zip(found, wanted):
        close(one, other, dtype, 32)
    given = (g, x, gamma, wanted[1], wanted[2], (True, True))
    for one, other in zip(*both("layer_norm", "layer_norm_gradient", *given)):
        close(one, other, dtype, 64, size=1.0)  # that of one column is 0, the difference of such numbers


def test_layer_normalization_without_parameters_and_of_odd_numbers():
    x = numbers(9, 16)
    x[1, 3], x[2, 5], x[3, 7], x[4] = np.nan, np.inf, 1e30, 7.0
    for one, other in zip(*both("layer_norm", "layer_norm", x, None, None, 1e-3)):
        close(one[[0, 1, 2, 3, 5, 6, 7, 8]], other[[0, 1, 2, 3, 5, 6, 7, 8]], "float32", 32)
        assert np.abs(one[4] - other[4]).max() < 1e-3  # a row of equal numbers: rounding, over the root of epsilon


def test_far_means_lose_no_digits():
    x = numbers(40, 64) + np.float32(1e4)
    found, _ = both("layer_norm", "layer_norm", x, None, None, 1e-5)
    exact = x.astype("float64")
    exact = (exact - exact.mean(1, keepdims=True)) / np.sqrt(exact.var(1, keepdims=True) + 1e-5)
    assert np.abs(found[0] - exact).max() < 2e-3  # the rounding of the means alone is half of that


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("size", [1, 5, 4097, 200_000])
def test_gelu(size, keep):
    x = numbers(size, scale=3.0)
    for one, other in zip(*both("gelu", "gelu", x, keep)):
        close(one, other, "float32")


def test_gelu_of_odd_numbers():
    x = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1e38, -1e38, 30.0, -30.0, 1e-30], "float32")
    (out, slope), (plain, plain_slope) = both("gelu", "gelu", x, True)
    close(out, plain, "float32")
    close(slope, plain_slope, "float32")


ODD = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e38, -1e38, 30.0, -30.0, 1e-30, 1e-40, 88.9, -88.9, -120.0]


@pytest.mark.parametrize("size", [1, 17, 4097, 300_001])
@pytest.mark.parametrize("name", ["sigmoid", "silu", "gelu_tanh"])
def test_activations_and_their_gradients(name, size):
    x, g = numbers(size, scale=3.0), numbers(size, seed=1)
    x[: len(ODD)] = ODD[:size]
    out, wanted = both("activations", name, x)
    close(out, wanted, "float32")
    slopes = both("activations", f"{name}_gradient", g, wanted if name == "sigmoid" else x)
    close(*slopes, "float32", 16)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1,), (33, 7), (300_001,)])
def test_gradients_that_compute_no_exponentials(shape, dtype):
    y, g = numbers(*shape, dtype=dtype), numbers(*shape, dtype=dtype, seed=1)
    g.reshape(-1)[: len(ODD)] = ODD[: g.size]
    y.reshape(-1)[-len(ODD) :] = ODD[: y.size]
    for name in ("relu_gradient", "tanh_gradient", "sigmoid_gradient"):
        close(*both("activations", name, g, y), dtype)
    found, wanted = both("activations", "relu_gradient", g, y)
    assert np.array_equal(found, wanted, equal_nan=True)
    found, wanted = both("activations", "masked", g, y > 0, 1.25)
    assert np.array_equal(found, wanted, equal_nan=True)


def test_masks_that_are_not_bools_are_plain():
    x = numbers(5000)
    assert provider.find("activations", "masked")(x, x, 2.0) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(5000, 8), (70_001, 33), (9, 600)])
def test_channels_that_are_scaled(shape, dtype):
    x, factor, shift = [numbers(*each, dtype=dtype) for each in (shape, shape[1:], shape[1:])]
    x[0, 0], x[1, 1], x[-1, -1] = np.nan, np.inf, -np.inf
    close(*both("batch_norm", "scale_channels", x, factor, shift, Layout(*shape, 1)), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 8), (5000, 8), (70_001, 33), (9, 600), (501, 24)])
def test_batch_normalization(shape, dtype):
    x, g = numbers(*shape, dtype=dtype) + 3, numbers(*shape, dtype=dtype, seed=1)
    scale, offset = numbers(shape[1], dtype=dtype, seed=2), numbers(shape[1], dtype=dtype, seed=3)
    plan, zeros = Layout(*x.shape, 1), np.zeros(shape[1], dtype)
    for given in ((scale, offset), (None, None)):
        found, wanted = both("batch_norm", "batch_norm", x, *given, 1e-3, plan)
        for one, other in zip(found, wanted):
            close(one, other, dtype, 256)  # means are not far enough from zero for the plain one to subtract them first
    _, mean, _, inverse = wanted
    for g_mean, g_variance in ((zeros, zeros), (scale, offset)):
        given = g, g_mean, g_variance, x, scale, mean, inverse, plan, True
        for one, other in zip(*both("batch_norm", "batch_norm_gradient", *given)):
            close(one, other, dtype, 256, size=1.0)


def test_batch_normalization_of_far_means_loses_no_digits():
    x = numbers(50_000, 8) + np.float32(3000)
    found, _ = both("batch_norm", "batch_norm", x, None, None, 1e-3, Layout(*x.shape, 1))
    exact = x.astype("float64")
    exact = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-3)
    assert np.abs(found[0] - exact).max() < 2e-6 * np.abs(exact).max()


@pytest.mark.parametrize("odd", [np.nan, np.inf, 1e30])
def test_batch_normalization_of_odd_numbers(odd):
    x = numbers(3000, 16)
    x[7, 3] = odd
    found, wanted = both("batch_norm", "batch_norm", x, None, None, 1e-3, Layout(*x.shape, 1))
    others = [i for i in range(16) if i != 3]
    close(found[0][:, others], wanted[0][:, others], "float32", 64)
    assert not np.isfinite(found[0][:, 3]).any()
    assert not np.isfinite(wanted[0][:, 3]).any()
    for one, other in zip(found[1:], wanted[1:]):
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))


@pytest.mark.parametrize("shape", [(1, 1), (300, 7), (6400, 200), (5, 3000)])
def test_softmax(shape):
    x, g = numbers(*shape, scale=3.0), numbers(*shape, seed=1)
    x[0] += 1000.0
    x[-1] -= 1000.0
    found, wanted = both("softmax", "softmax", x)
    close(found, wanted, "float32", 16)
    close(*both("softmax", "softmax_gradient", g, wanted), "float32", 16, size=1.0)
    double = wanted.astype("float64")
    close(*both("softmax", "softmax_gradient", g.astype("float64"), double), "float64", 16, size=1.0)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("shape", [(1, 1), (300, 7), (6400, 200), (5, 3000)])
def test_logarithms_of_softmax_and_crossentropy(shape, dtype):
    x, g = numbers(*shape, scale=3.0), numbers(*shape, seed=1)
    x[0] += 1000.0
    x[-1] -= 1000.0
    found, wanted = both("softmax", "log_softmax", x)
    close(found, wanted, "float32", 16, size=1.0)
    close(*both("softmax", "log_softmax_gradient", g, wanted), "float32", 64, size=1.0)
    labels = np.random.default_rng(0).integers(0, min(shape[1], 255), shape[0]).astype(dtype)
    found, wanted = both("softmax", "crossentropy_of_labels", labels, x)
    close(found[0], wanted[0], "float32", 16, size=1.0)
    close(found[1], wanted[1], "float32", 16)
    for kind in ("float32", "float64"):
        given = g[:, 0].astype(kind), labels, wanted[1].astype(kind)
        close(*both("softmax", "crossentropy_of_labels_gradient", *given), kind, 16, size=1.0)


def test_crossentropy_of_odd_numbers():
    x, labels = numbers(6, 40), np.array([1, 3, 5, 7, -1, 2])
    x[1, 3], x[2, 5], x[3, 7], x[4], x[5, 2] = np.nan, np.inf, -np.inf, -np.inf, 1e38
    found, wanted = both("softmax", "crossentropy_of_labels", labels, x)
    close(found[0], wanted[0], "float32")
    close(found[1], wanted[1], "float32")
    close(*both("softmax", "log_softmax", x), "float32", 16)
    with pytest.raises(IndexError, match="labels go from 0 to 40, and there are 40 classes"):
        provider.find("softmax", "crossentropy_of_labels")(np.arange(6) * 8, x)


def test_softmax_of_odd_numbers():
    x = numbers(6, 40)
    x[1, 3], x[2, 5], x[3, 7], x[4], x[5, 2] = np.nan, np.inf, -np.inf, -np.inf, 1e38
    close(*both("softmax", "softmax", x), "float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kernel", [(3, 3), (1, 6), (2, 4), (5, 5)])
@pytest.mark.parametrize(
    ("strides", "padding", "dilation"), [(1, "same", 1), (2, "same", 1), (1, "valid", 2), ((2, 1), "valid", 1)]
)
def test_depthwise_convolution(kernel, strides, padding, dilation, dtype):
    x, k = numbers(3, 17, 12, 6, dtype=dtype), numbers(*kernel, 6, 1, dtype=dtype, seed=1)
    pair = strides if isinstance(strides, tuple) else (strides, strides)
    plan = window_geometry((17, 12), kernel, pair, padding, (dilation, dilation))
    found, wanted = both("depthwise", "forward", x, k, plan)
    close(found, wanted, dtype, 32)
    g = numbers(*wanted.shape, dtype=dtype, seed=2)
    close(*both("depthwise", "input_gradient", g, k, plan), dtype, 32)
    close(*both("depthwise", "kernel_gradient", x, g, k.shape, plan), dtype, 64)


@pytest.mark.parametrize("channels", [4, 16, 21, 64, 100])
@pytest.mark.parametrize(
    ("kernel", "stride", "size"), [((3, 3), 1, 9), ((3, 3), 2, 9), ((5, 5), 1, 8), ((5, 5), 2, 9), ((7, 7), 2, 7)]
)
def test_depthwise_convolution_of_many_channels(kernel, stride, size, channels):
    x, k = numbers(2, size, size + 1, channels), numbers(*kernel, channels, 1, seed=1)
    x[0, 0, 0, 0], x[0, 3, 4, 1], x[1, size - 1, size, 2] = np.nan, np.inf, -np.inf
    plan = window_geometry((size, size + 1), kernel, (stride, stride), "same", (1, 1))
    found, wanted = both("depthwise", "forward", x, k, plan)
    close(found, wanted, "float32", 32)
    g = numbers(*wanted.shape, seed=2)
    g[0, 1, 1, 3], g[1, -1, -1, 0] = np.nan, np.inf
    close(*both("depthwise", "input_gradient", g, k, plan), "float32", 32)
    g, x = numbers(*wanted.shape, seed=2), numbers(*x.shape)
    x[1, 2, 3, 1] = np.nan
    close(*both("depthwise", "kernel_gradient", x, g, k.shape, plan), "float32", 64)


@pytest.mark.parametrize("kernel", [(3, 3), (5, 5)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_depthwise_convolution_of_narrow_and_low_images(kernel, stride, padding):
    for high, wide in [(5, 5), (6, 13), (13, 6), (7, 8), (1, 9), (9, 1), (2, 2), (3, 4)]:
        if padding == "valid" and min(high, wide) < kernel[0]:
            continue
        x, k = numbers(3, high, wide, 40), numbers(*kernel, 40, 1, seed=1)
        x[0, 0, 0, 0], x[1, -1, -1, 39], x[2, high // 2, wide // 2, 20] = np.nan, np.inf, -np.inf
        plan = window_geometry((high, wide), kernel, (stride, stride), padding, (1, 1))
        found, wanted = both("depthwise", "forward", x, k, plan)
        close(found, wanted, "float32", 32)
        g = numbers(*wanted.shape, seed=2)
        close(*both("depthwise", "input_gradient", g, k, plan), "float32", 32)


@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_convolution_gives_the_same_bits_for_any_number_of_threads(stride):
    x, k = numbers(16, 40, 40, 36), numbers(3, 3, 36, 1, seed=1)
    plan = window_geometry((40, 40), (3, 3), (stride, stride), "same", (1, 1))
    forward, back, of_kernel = [
        provider.find("depthwise", name) for name in ("forward", "input_gradient", "kernel_gradient")
    ]
    before, found = ef.get_num_threads(), []
    try:
        for threads in (1, 3):
            ef.set_num_threads(threads)
            out = forward(x, k, plan)
            found.append((out, back(out, k, plan), of_kernel(x, out, k.shape, plan)))
    finally:
        ef.set_num_threads(before)
    assert all(np.array_equal(one, other) for one, other in zip(*found))


def test_depthwise_convolution_of_nothing_is_plain():
    plan = window_geometry((8, 8), (3, 3), (1, 1), "same", (1, 1))
    assert provider.find("depthwise", "forward")(numbers(0, 8, 8, 16), numbers(3, 3, 16, 1), plan) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("rows", [2, 3, 100, 256])
@pytest.mark.parametrize("columns", [16, 33, 256])
def test_extremes_and_their_places(rows, columns, largest, dtype):
    x = numbers(50_000 // (rows * columns) + 3, rows, columns, dtype=dtype)
    x[0, rows // 2, 0], x[1, 0, 1], x[2, -1, 2] = np.inf, -np.inf, 1e-40
    out, (at, of) = provider.find("extremes", "extreme_with_places")(x, (1,), largest)
    assert np.array_equal(out, x.max(1) if largest else x.min(1))
    assert np.array_equal(of, np.arange(out.size))
    assert np.array_equal(x.reshape(-1)[at], out.reshape(-1))


@pytest.mark.parametrize("odd", [np.nan, 7.0])
@pytest.mark.parametrize("places", [(0,), (3,), (20,), (5, 6), (5, 9), (0, 20), (0, 1), (19, 20)])
def test_extremes_in_several_places_or_of_nan_are_plain(places, odd):
    x = numbers(3, 21, 300)
    for place in places:
        x[0, place, 4] = odd
    found = provider.find("extremes", "extreme_with_places")(x, (1,), True)
    assert (found is None) == (len(places) > 1 or np.isnan(odd))


def test_exponentials():
    x = np.concatenate([numbers(5000, scale=30.0), [0, -0.0, np.nan, np.inf, -np.inf, 88.7, 89.5, -87.5, -103.5, -110]])
    x = x.astype("float32")
    found, wanted = provider.find("exponential", "exponentiate")(x.copy()), np.exp(x.astype("float64"))
    with np.errstate(over="ignore"):
        wanted = wanted.astype("float32")
    usual = np.isfinite(wanted) & (wanted > 1e-37)
    assert np.abs(found[usual] / wanted[usual] - 1).max() < 2e-7
    assert np.array_equal(np.isnan(found), np.isnan(wanted))
    assert np.array_equal(found == np.inf, wanted == np.inf)
    assert np.abs(found[~usual & np.isfinite(wanted)] - wanted[~usual & np.isfinite(wanted)]).max() < 1e-43


def test_layers_train_alike_with_both():
    """A step of a network with all of them: the same losses and weights but for rounding."""
    found = []
    for choice_of in ("compiled", "plain"):
        os.environ["EAGERFLOW_KERNELS"] = choice_of
        forget()
        ef.utils.set_random_seed(3)
        layers = ef.layers
        model = ef.Sequential(
            [
                layers.Input((16, 16, 8)),
                layers.DepthwiseConv2D(3, padding="same"),
                layers.BatchNormalization(),
                layers.Reshape((16, 128)),
                layers.LayerNormalization(),
                layers.Dense(64, activation="gelu"),
                layers.GlobalAveragePooling1D(),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        history = model.fit(numbers(96, 16, 16, 8), np.arange(96) % 10, epochs=3, batch_size=32, verbose=0)
        found.append((history.history["loss"], [w.copy() for w in model.get_weights()]))
    (losses, weights), (plain_losses, plain_weights) = found
    assert any(not np.array_equal(one, other) for one, other in zip(weights, plain_weights))  # so both were used
    assert np.allclose(losses, plain_losses, rtol=1e-5)
    for one, other in zip(weights, plain_weights):
        assert np.allclose(one, other, atol=3e-3)  # Adam magnifies rounding where gradients are nearly zero


@pytest.fixture
def one_thread():
    """Traces without strips (`test_strips.py` has those)."""
    before = get_num_threads()
    set_num_threads(1)
    yield
    set_num_threads(before)


def recurrent_layers(count, batch, steps, features, units, masked):
    made = []
    for seed in range(count):
        x, h, c = (
            numbers(batch, steps, features, seed=seed),
            numbers(batch, units, seed=1),
            numbers(batch, units, seed=2),
        )
        kernel, recurrent = numbers(features, 4 * units, seed=3), numbers(units, 4 * units, seed=4, scale=0.3)
        mask = np.random.default_rng(seed).random((batch, steps)) > 0.3 if masked else None
        made.append(lstm.Layer(x, h, c, kernel, recurrent, numbers(4 * units, seed=5), mask))
    return made


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("shape", [(32, 20, 7, 32), (3, 5, 1, 3), (1, 4, 9, 8), (40, 6, 20, 70)])
def test_long_short_term_memory(shape, count, masked, monkeypatch, one_thread):
    layers = recurrent_layers(count, *shape, masked)
    batch, steps, _, units = shape
    g_states = [numbers(batch, steps, units, seed=6 + i) for i in range(count)]
    g_h, g_c = [numbers(batch, units, seed=8)] * count, [numbers(batch, units, seed=9)] * count
    found = []
    for used in ("compiled", "plain"):
        monkeypatch.setenv("EAGERFLOW_KERNELS", used)
        forget()
        trace = lstm.lstm(layers)
        last = lstm.lstm(layers, keep=False).inputs[1:, :units]
        whole = lstm_gradient(g_states, g_h, g_c, layers, trace)
        short = lstm_gradient([None] * count, g_h, g_c, layers, trace)
        gradients = [part for each in whole + short for part in each]
        found.append([trace.inputs[1:, :units], trace.gates[:-1], trace.squashed, last, *gradients])
    for one, other in zip(*found):
        close(np.ascontiguousarray(one), np.ascontiguousarray(other), "float32", 100)
    assert any(not np.array_equal(one, other) for one, other in zip(*found))  # so both were used


def gated_layers(count, batch, steps, features, units, masked):
    made = []
    for seed in range(count):
        x, h = numbers(batch, steps, features, seed=seed), numbers(batch, units, seed=1)
        kernel, recurrent = numbers(features, 3 * units, seed=3), numbers(units, 3 * units, seed=4, scale=0.3)
        mask = np.random.default_rng(seed).random((batch, steps)) > 0.3 if masked else None
        biases = numbers(3 * units, seed=5), numbers(3 * units, seed=6)
        made.append(gru.Layer(x, h, kernel, recurrent, *biases, mask))
    return made


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("shape", [(32, 20, 7, 32), (3, 5, 1, 3), (1, 4, 9, 8), (40, 6, 20, 70)])
def test_gated_recurrent_units(shape, count, masked, monkeypatch, one_thread):
    layers = gated_layers(count, *shape, masked)
    batch, steps, _, units = shape
    g_states = [numbers(batch, steps, units, seed=6 + i) for i in range(count)]
    g_h = [numbers(batch, units, seed=8)] * count
    found = []
    for used in ("compiled", "plain"):
        monkeypatch.setenv("EAGERFLOW_KERNELS", used)
        forget()
        trace = gru.gru(layers)
        whole = gru_gradient(g_states, g_h, layers, trace)
        short = gru_gradient([None] * count, g_h, layers, trace)
        gradients = [part for each in whole + short for part in each]
        found.append([trace.states, trace.gates, *gradients])
    for one, other in zip(*found):
        close(np.ascontiguousarray(one), np.ascontiguousarray(other), "float32", 100)
    assert any(not np.array_equal(one, other) for one, other in zip(*found))  # so both were used


@pytest.mark.parametrize("strips", [1, 2])
@pytest.mark.parametrize(("batch", "features"), [(16, 8), (48, 24), (32, 64), (5, 40)])
def test_gradients_of_the_inputs_of_some_steps(batch, features, strips):
    d_gates = [numbers(6, 50, 3 * batch, seed=seed) for seed in range(strips)]
    rows, cut, block = slice(10, 50), slice(batch, 2 * batch), slice(4, 10)
    weights, found = numbers(40, features, seed=5), []
    for used in ("compiled", "plain"):
        sequence = np.full((strips * batch, 12, features), 7, "float32")
        given = d_gates, rows, cut, weights, sequence, block
        kernel = provider.find if used == "compiled" else lambda *place: twins.PLAIN[place]
        assert kernel("recurrent", "inputs_gradient")(*given) is (True if used == "compiled" else None)
        found.append(sequence)
    close(*found, "float32", 100)
    assert (found[0][:, :4] == 7).all()
    assert (found[0][:, 10:] == 7).all()


@pytest.mark.parametrize(("batch", "features", "gates"), [(16, 1, 3), (32, 7, 96), (48, 20, 15)])
def test_the_inputs_share_of_the_gates_of_some_steps(batch, features, gates, monkeypatch):
    monkeypatch.setattr(twins_of_recurrent, "_blas_keeps_bits", lambda rows, inner: False)
    x, weights = numbers(batch, 12, features), np.asfortranarray(numbers(gates, features, seed=1))
    found = []
    for used in ("compiled", "plain"):
        share = np.full((5, gates, 2 * batch), 7, "float32")
        kernel = provider.find if used == "compiled" else lambda *place: twins.PLAIN[place]
        kernel("recurrent", "inputs_share")(weights, x[:, 3:8], share, slice(batch, 2 * batch))
        found.append(share)
    close(*found, "float32", 100)
    assert (found[0][:, :, :batch] == 7).all()


def test_what_fits_no_tiles_is_left_to_the_plain_kernels():
    gradient, share = (provider.find("recurrent", name) for name in ("inputs_gradient", "inputs_share"))
    sequence = np.zeros((16, 5, 9), "float32")
    given = [numbers(5, 12, 16)], slice(0, 12), slice(0, 16), numbers(12, 9), sequence, slice(0, 5)
    assert gradient(*given) is None
    assert share(numbers(12, 9), numbers(10, 5, 9), np.zeros((5, 12, 10), "float32"), slice(0, 10)) is None


def test_without_the_product_of_numpys_wheels_the_steps_are_plain(monkeypatch):
    monkeypatch.setattr(objects, "routine_address", lambda name: None)
    objects.gives_products.cache_clear()
    forget()
    with pytest.warns(RuntimeWarning, match="lstm_steps isn't used .*BLAS"):
        lstm.lstm(recurrent_layers(1, 4, 3, 2, 5, False))
    objects.gives_products.cache_clear()


RULES = {"_adam": (2, (1e-2, 0.1, 0.001, 1e-7)), "_adadelta": (2, (0.5, 0.95, 0.05, 1e-6))}
RULES["_rmsprop"] = 1, (1e-2, 0.9, 0.1, 0.0, 1e-7, False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RULES)
def test_rules_of_optimizers(name, dtype):
    count, settings = RULES[name]
    found = []
    for rule in (provider.find("optimizers", name), twins.PLAIN["optimizers", name]):
        w, slots = numbers(5001, dtype=dtype), [np.zeros(5001, dtype) for _ in range(count)]
        for step in range(5):
            room = [np.empty(5001, dtype) for _ in range(1 if name == "_adam" else 2)]
            made = rule(np, w, numbers(5001, dtype=dtype, seed=step), slots, settings, room)
        found.append([w, *slots])
        assert made is (True if len(found) == 1 else None)
    for one, other in zip(*found):
        close(one, other, dtype, 16)


@pytest.mark.parametrize("name", RULES)
def test_rules_give_the_same_bits_however_arrays_are_cut(name):
    count, settings = RULES[name]
    rule, found = provider.find("optimizers", name), []
    for cuts in ([0, 20_000], [0, 5001, 10_018, 15_000, 20_000]):
        w, g = numbers(20_000), numbers(20_000, seed=1)
        slots = [np.abs(numbers(20_000, seed=2 + i)) for i in range(count)]
        for start, stop in itertools.pairwise(cuts):
            assert rule(np, w[start:stop], g[start:stop], [slot[start:stop] for slot in slots], settings, ())
        found.append([w, *slots])
    assert all(np.array_equal(one, other) for one, other in zip(*found))


@pytest.mark.parametrize("name", ["Adam", "RMSprop", "Adadelta"])
def test_packed_variables_have_the_bits_of_single_ones_also_when_the_rate_changes(name):
    """What is bound to packed arrays follows settings, gradients and arrays that somebody else looks at."""
    shapes = [(7, 5), (5,), (40, 41)]
    together, apart = [[ef.Variable(numbers(*shape, seed=i)) for i, shape in enumerate(shapes)] for _ in range(2)]
    make = getattr(eagerflow.optimizers, name)
    packing, single = make(0.1), [make(0.1) for _ in shapes]
    seen = []
    for step in range(12):
        if step == 6:
            for each in (packing, *single):
                each.learning_rate = 0.03
        if step > 7:
            seen.append([v.numpy() for v in together])  # views that others keep: values move to new arrays
        gradients = [numbers(*shape, seed=10 * step + i) for i, shape in enumerate(shapes)]
        packing.apply(gradients, together)
        for optimizer, gradient, variable in zip(single, gradients, apart):
            optimizer.apply([gradient], [variable])
        assert [v.numpy().tobytes() for v in together] == [v.numpy().tobytes() for v in apart], step
    assert packing._passes._last.packs[0][0].bound


def test_rules_with_more_to_do_are_plain():
    w = numbers(5000)
    assert provider.find("optimizers", "_rmsprop")(np, w, w, [w, w], (1e-2, 0.9, 0.1, 0.5, 1e-7, False), ()) is None
    assert provider.find("optimizers", "_adam")(np, w, w, [w, w, w], (1e-2, 0.1, 0.001, 1e-7), ()) is None


def test_every_twin_has_a_plain_kernel():
    for file in provider.FILES:
        module = importlib.import_module(f"eagerflow.compiled.twins.{file}")
        assert {(file, name) for name in module.__all__} <= twins.PLAIN.keys()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_gives_the_same_bits(threads):
    x = numbers(5000, 96)
    once = provider.find("layer_norm", "layer_norm_gradient")
    given = (numbers(5000, 96, seed=1), x, numbers(96, seed=2), x.mean(1, keepdims=True), x.std(1, keepdims=True))
    before = ef.get_num_threads()
    try:
        ef.set_num_threads(1)
        alone = once(*given, (True, True))
        ef.set_num_threads(threads)
        shared = once(*given, (True, True))
    finally:
        ef.set_num_threads(before)
    assert all(np.array_equal(one, other) for one, other in zip(alone, shared))


def test_arrays_that_loops_do_not_take_go_to_the_plain_kernel():
    find = provider.find("layer_norm", "layer_norm")
    wide = numbers(8, 32)
    assert find(wide[:, ::2], None, None, 1e-3) is None
    assert find(wide, numbers(31), None, 1e-3) is None
    assert find(wide, numbers(32, dtype="float64"), None, 1e-3) is None
    layer = ef.layers.LayerNormalization()
    assert np.allclose(layer(wide[:, ::2]).numpy().mean(1), 0, atol=1e-5)


def test_a_kernel_that_cannot_be_compiled_falls_back_alone_and_is_named_once(monkeypatch):
    broken = kernel.KERNELS["gelu"]
    monkeypatch.setattr(broken, "function", _unknown)
    monkeypatch.setattr(broken, "file", lambda dtype: f"broken-{dtype}.o")
    broken.forget()
    x = numbers(5000)
    with pytest.warns(RuntimeWarning, match="compiled kernel gelu isn't used .*the plain one computes"):
        assert np.allclose(ef.ops.gelu(x, approximate=False).numpy()[:3], twins.PLAIN["gelu", "gelu"](x, False)[0][:3])
    ef.ops.gelu(x, approximate=False)  # warnings are errors here
    assert provider.find("layer_norm", "layer_norm")(numbers(4, 4), None, None, 1e-3) is not None


def _unknown(x, out, start, stop):
    return x.no_such_thing


def test_files_are_read_back_and_damaged_ones_made_again(home):
    x = numbers(64, 8)
    find = provider.find("layer_norm", "layer_norm")
    wanted = find(x, None, None, 1e-3)[0]
    path = store.folder() / kernel.KERNELS["layer_norm"].file("float32")
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    assert store.read(path.name) is None
    forget()
    assert np.array_equal(find(x, None, None, 1e-3)[0], wanted)
    assert store.read(path.name) is not None


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows closes users' folders")
def test_what_others_may_write_to_is_not_run(home):
    provider.find("layer_norm", "layer_norm")(numbers(4, 4), None, None, 1e-3)
    name = kernel.KERNELS["layer_norm"].file("float32")
    path = store.folder() / name
    path.chmod(0o666)
    assert store.read(name) is None
    path.chmod(0o600)
    assert store.read(name) is not None
    store.folder().chmod(0o777)
    assert store.read(name) is None
    assert not store.write("x", b"")
    store.folder().chmod(0o700)
    home.chmod(0o777)
    assert store.read(name) is None  # others could put another folder into its place
    home.chmod(0o700)


def run(code, home, **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EAGERFLOW_")}
    env = kept | {"EAGERFLOW_HOME": str(home), "PYTHONPATH": str(ROOT)} | variables
    return subprocess.run([sys.executable, *code], env=env, capture_output=True, text=True, timeout=300, check=False)


TOLD = """
import sys, numpy, eagerflow as ef
ef.layers.LayerNormalization()(numpy.ones((4, 8), "float32"))
print("numba" in sys.modules, "llvmlite" in sys.modules)
"""


def test_the_command_fills_the_folder_and_switches_compiled_kernels_on_and_off(tmp_path):
    plain = run(["-c", TOLD], tmp_path)
    assert (plain.stdout, plain.stderr) == ("False False\n", "")
    done = run(["-m", "eagerflow", "compile"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "layer_norm for float64" in done.stdout
    assert "Programs use compiled kernels from now on" in done.stdout
    used = run(["-c", TOLD], tmp_path)
    assert (used.stdout, used.stderr) == ("False True\n", "")  # Numba isn't needed to run what it made
    assert run(["-c", TOLD], tmp_path, EAGERFLOW_KERNELS="plain").stdout == "False False\n"
    again = run(["-m", "eagerflow", "compile"], tmp_path)
    assert "layer_norm for" not in again.stdout
    assert run(["-m", "eagerflow", "compile", "--off"], tmp_path).returncode == 0
    assert run(["-c", TOLD], tmp_path).stdout == "False False\n"


def test_without_machine_code_a_program_does_not_wait_for_it(tmp_path):
    (tmp_path / "compiled").mkdir(mode=0o700)
    (tmp_path / "compiled" / "used").touch(mode=0o600)
    (tmp_path / "compiled" / "filling").touch()  # as if another process made it now
    for asks in ({}, {"EAGERFLOW_KERNELS": "compiled"}):
        told = run(["-c", TOLD], tmp_path, **asks)
        assert told.stdout == "False True\n"


@pytest.fixture
def started(monkeypatch):
    """The processes that would compile in the background."""
    found = []
    monkeypatch.setattr(
        filling.subprocess, "Popen", lambda *args, **kwargs: found.append(args) or SimpleNamespace(wait=int)
    )
    filling.fill_in_background.cache_clear()
    yield found
    filling.fill_in_background.cache_clear()


def test_nothing_is_compiled_for_a_folder_that_keeps_nothing(tmp_path, monkeypatch, started, capsys):
    monkeypatch.setenv("EAGERFLOW_HOME", str(tmp_path / "home"))
    (tmp_path / "home").write_text("a file stands here")
    filling.fill_in_background()
    assert not started
    assert "can't be kept, so this program uses plain ones" in capsys.readouterr().err
    assert filling.fill(True) == MISUSED
    assert "can't be written to" in capsys.readouterr().err


def test_the_lock_of_a_process_that_was_killed_holds_nobody_up_for_long(tmp_path, monkeypatch, started):
    monkeypatch.setenv("EAGERFLOW_HOME", str(tmp_path))
    store.folder().mkdir(mode=0o700)
    lock = store.folder() / "filling"
    lock.touch()
    filling.fill_in_background()
    assert not started
    filling.fill_in_background.cache_clear()
    os.utime(lock, (0, 0))
    filling.fill_in_background()
    assert len(started) == 1


def test_the_command_waits_for_another_process_that_compiles(monkeypatch):
    said, looks = [], iter([True, True, False, False])
    monkeypatch.setattr(filling, "_is_held", lambda: next(looks))
    monkeypatch.setattr(filling, "_PAUSE", 0)
    monkeypatch.setattr(filling, "_fill", lambda say: said.append("filled") or [])
    assert filling.complete(said.append) == []
    assert said == ["Another process is compiling kernels: waiting for it.", "filled"]


def test_what_is_missing_is_made_in_the_background_and_switches_nothing_on(tmp_path):
    told = run(["-X", "dev", "-W", "error", "-c", TOLD], tmp_path, EAGERFLOW_KERNELS="compiled")
    assert told.stdout == "False True\n"
    assert "ResourceWarning" not in told.stderr
    assert "plain ones instead. To wait for them: python -m eagerflow compile" in told.stderr
    folder = tmp_path / "compiled"
    until = time.monotonic() + 60
    while not (folder / "filling").exists() and time.monotonic() < until:
        time.sleep(0.05)
    while (folder / "filling").exists() and not list(folder.glob("*.o")) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(folder.glob("*.o"))
    assert not (folder / "used").exists()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_relu_behind_a_normalization_is_done_by_its_kernel(dtype, monkeypatch):
    x = numbers(1 << 15, 20, dtype=dtype)
    x.flat[::7], x.flat[1::7], x.flat[2::7], x.flat[3::7] = -0.0, np.nan, np.inf, -np.inf
    given = x, np.ones(20, dtype), np.full(20, -0.0, dtype), Layout(len(x), 20, 1)
    scaled = provider.find("batch_norm", "scale_channels")
    wanted = relu(scaled(*given))

    def not_again(x, out=None):
        raise AssertionError("relu was done a second time")

    assert relu_behind._zeros_keep_signs()
    monkeypatch.setattr(relu_behind, "clipped", not_again)
    found = relu_behind.relu_behind(scaled)(*given)
    assert found.tobytes() == wanted.tobytes()
    assert np.signbit(found[found == 0]).any()


def test_machine_code_is_kept_under_the_features_that_numba_uses(monkeypatch):
    from llvmlite import binding

    own = binding.get_host_cpu_features().flatten()
    own += ",-prefer-256-bit" * ("+avx512f" in own)
    for name, given, wanted in (("haswell", None, own), ("generic", None, ""), ("haswell", "+avx2", "+avx2")):
        monkeypatch.setenv("NUMBA_CPU_NAME", name)
        monkeypatch.delenv("NUMBA_CPU_FEATURES", raising=False)
        if given is not None:
            monkeypatch.setenv("NUMBA_CPU_FEATURES", given)
        _forget_the_processor()
        assert objects.processor().endswith(f" {name} {wanted}")
    monkeypatch.undo()
    _forget_the_processor()


def _forget_the_processor():
    objects.processor.cache_clear()
    objects.features.cache_clear()


def test_machine_code_uses_the_whole_width_of_vectors_where_llvm_would_take_half(tmp_path):
    if not objects.has_wide_vectors():
        pytest.skip("a processor without AVX-512")
    code = (
        "from eagerflow.compiled import building, filling, kernel\n"
        "filling.wanted()\n"
        "gelu = kernel.KERNELS['gelu']\n"
        "text, _ = building._translated(gelu.function, gelu.signature, 'float32', kernel.HELPERS, False)\n"
        "print('<16 x float>' in text, '<8 x float>' in text)\n"
    )
    told = run(["-c", code], tmp_path, NUMBA_CPU_NAME="rocketlake")
    assert told.stdout == "True False\n", told.stderr


def test_an_unknown_choice_is_refused(tmp_path):
    told = run(["-c", TOLD], tmp_path, EAGERFLOW_KERNELS="fastest")
    assert told.returncode == 1
    assert "EAGERFLOW_KERNELS" in told.stderr
    assert "'compiled'" in told.stderr
