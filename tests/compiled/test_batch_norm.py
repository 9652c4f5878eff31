"""Compiled batch normalization compared with the plain one."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.compiled import choice
from eagerflow.kernels.elementwise.activations import relu
from eagerflow.kernels.normalization import relu_behind
from eagerflow.kernels.normalization.batch_norm import Layout
from tests.compiled.comparing import both, close, numbers, on_threads

pytestmark = pytest.mark.slow  # kernels are compiled: some seconds each, once


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
    for args in ((scale, offset), (None, None)):
        found, wanted = both("batch_norm", "batch_norm", x, *args, 1e-3, plan)
        for one, other in zip(found, wanted):
            close(one, other, dtype, 256)  # means are not far enough from zero for the plain one to subtract them first
    _, mean, _, inverse = wanted
    for g_mean, g_variance in ((zeros, zeros), (scale, offset)):
        args = g, g_mean, g_variance, x, scale, mean, inverse, plan, True
        for one, other in zip(*both("batch_norm", "batch_norm_gradient", *args)):
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_relu_in_the_same_pass_gives_the_bits_of_relu(dtype, monkeypatch):
    x = numbers(1 << 15, 20, dtype=dtype)
    x.flat[::7], x.flat[1::7], x.flat[2::7], x.flat[3::7] = -0.0, np.nan, np.inf, -np.inf
    args = x, np.ones(20, dtype), np.full(20, -0.0, dtype), Layout(len(x), 20, 1)
    scaled = choice.find("batch_norm", "scale_channels")
    wanted = relu(scaled(*args))

    def not_again(x, out=None):
        raise AssertionError("relu was computed a second time")

    assert relu_behind._zeros_keep_signs()
    monkeypatch.setattr(relu_behind, "clipped", not_again)
    found = relu_behind.relu_behind(scaled)(*args)
    assert found.tobytes() == wanted.tobytes()
    assert np.signbit(found[found == 0]).any()


def test_results_do_not_depend_on_the_number_of_threads():
    x, g, row = numbers(40_000, 24), numbers(40_000, 24, seed=1), numbers(24, seed=2)
    plan = Layout(*x.shape, 1)
    on_threads(lambda: choice.find("batch_norm", "batch_norm")(x, row, row, 1e-3, plan))
    on_threads(lambda: choice.find("batch_norm", "batch_norm_gradient")(g, row, row, x, row, row, row, plan, True))
