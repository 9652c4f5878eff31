"""Values and gradients close to where a formula loses digits, overflows or has nothing to do."""

from __future__ import annotations

import math

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops


def _slope(function, x, dtype):
    x = ef.Tensor(np.asarray(x, dtype), dtype)
    with ef.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x).numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_slope_of_sinc_is_exact_near_zero(dtype):
    x = np.array([0.0, 1e-6, -1e-4, 1e-3, 0.03, 0.2, 0.3, 0.34, 0.5, 1.0, 2.5])
    u = x.astype(dtype).astype("float64") * math.pi
    small = np.abs(u) < 0.1
    v = np.where(small, 1, u)
    series = -u / 3 + u**3 / 30 - u**5 / 840 + u**7 / 45360
    expected = math.pi * np.where(small, series, np.cos(v) / v - np.sin(v) / v**2)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(_slope(ops.sinc, x, dtype), expected, rtol=40 * eps, atol=0)
    np.testing.assert_allclose(ops.sinc(x.astype(dtype)).numpy(), np.sinc(x.astype(dtype)), rtol=8 * eps, atol=2 * eps)


def test_celu_is_x_where_positive_and_never_overflows():
    x = np.array([3e37, 1.1, 0.3, 0.0, -0.004, -3e37], "float32")
    found = ops.celu(x, 0.01).numpy()
    np.testing.assert_array_equal(found[:4], x[:4])
    np.testing.assert_allclose(found[4:], [0.01 * math.expm1(-0.4), -0.01], rtol=1e-6)
    np.testing.assert_allclose(
        _slope(lambda x: ops.celu(x, 0.01), x, "float32"), [1, 1, 1, 1, math.exp(-0.4), 0], rtol=1e-6
    )


@pytest.mark.parametrize("rows", [2, 2048])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_a_row_of_minus_infinity_has_no_distribution(name, rows):
    x = np.zeros((rows, 4), "float32")
    x[1] = -np.inf
    with np.errstate(invalid="ignore"):
        found = getattr(ops, name)(x).numpy()
    assert np.isnan(found[1]).all()
    assert np.isfinite(np.delete(found, 1, axis=0)).all()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.cumprod(x, axis=1),
        lambda x: ops.diff(x, n=0),
        lambda x: ops.rot90(x, 4),
        lambda x: ops.cumsum(x, axis=1),
    ],
    ids=["cumprod", "diff", "rot90", "cumsum"],
)
def test_an_op_with_nothing_to_do_gives_a_tensor_of_its_own(function):
    x = ef.Variable([[2.0], [3.0]])
    with ef.GradientTape() as tape:
        y = function(x)
        loss = (y * 2.0 + x * 3.0).sum()
    to_y, to_x = tape.gradient(loss, [y, x])
    np.testing.assert_array_equal(to_y.numpy(), [[2.0], [2.0]])
    np.testing.assert_array_equal(to_x.numpy(), [[5.0], [5.0]])


def test_quantiles_among_infinities():
    inf = math.inf
    rows = np.array([[1.0, inf, inf], [-inf, 1.0, 2.0], [-inf, -inf, 3.0], [inf, inf, inf], [-inf, 0.0, inf]])
    np.testing.assert_array_equal(ops.median(rows, axis=1).numpy(), np.median(rows, axis=1))
    assert ops.median([-inf, 1.0]).numpy() == -inf
    assert np.isnan(ops.median([-inf, inf]).numpy())
    assert ops.quantile([1.0, inf, inf], 0.25).numpy() == inf
    assert ops.quantile([-inf, -inf, 1.0, 2.0], 1 / 3).numpy() == -inf
    np.testing.assert_array_equal(_slope(lambda x: ops.median(x, axis=1)[0], rows, "float64")[0], [0, 1, 0])


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0,), (2, 0, 3)])
def test_gradients_of_nothing_have_its_shape(shape):
    x = ef.Variable(np.zeros(shape))
    for axis in range(len(shape)):
        for function in (ops.prod, ops.sum, ops.cumprod):
            with ef.GradientTape() as tape:
                y = function(x, axis=axis)
            assert tape.gradient(y, x).shape == shape
        if shape[axis]:
            with ef.GradientTape() as tape:
                y = ops.take(x, np.array([1, -1]), axis)
            assert tape.gradient(y, x).shape == shape


@pytest.mark.parametrize("rows", [8, 4096])
@pytest.mark.parametrize("name", ["BatchNormalization", "LayerNormalization", "RMSNormalization", "GroupNormalization"])
def test_squares_too_large_for_the_type_are_not_a_silent_zero(name, rows):
    x = np.random.default_rng(0).normal(size=(rows, 4, 4, 16)).astype("float32") * np.float32(1e20)
    layer = getattr(ef.layers, name)(**({"groups": 4} if name[0] == "G" else {}))
    with np.errstate(all="ignore"):
        assert np.isnan(layer(x, training=True).numpy()).all()
        fine = layer(x / np.float32(1e20), training=True).numpy()
    assert np.isfinite(fine).all()
