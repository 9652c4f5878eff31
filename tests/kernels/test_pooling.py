"""The CPU's pooling agrees with the plain one; the first of equal maxima, or the first NaN, gets the gradient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import eagerflow as ef
from eagerflow.kernels.machine import costs
from eagerflow.kernels.pooling import average as average_pooling, maximum as max_pooling
from eagerflow.ops.windows import pooling as plain_pooling
from eagerflow.ops.windows.geometry import window_geometry
from tests.windows import any_windows


@pytest.fixture(autouse=True)
def _number_of_threads_as_before():
    before = ef.get_num_threads()
    yield
    ef.set_num_threads(before)


def few_values(*shape, dtype="float32", seed=0):
    """Whole numbers, so that there are ties and sums are exact."""
    return np.random.default_rng([seed, *shape]).integers(-3, 4, shape).astype(dtype)


@given(any_windows(3), st.integers(0, 3), st.integers(1, 5), st.sampled_from(["float32", "float64"]), st.booleans())
@settings(max_examples=200)
@example(window_geometry((40, 19), (19, 17), (19, 1), "valid"), 2, 1, "float32", False)  # places beyond a byte
@example(window_geometry((600,), (300,), 300, "valid"), 2, 1, "float32", False)
def test_any_windows(geometry, batch, channels, dtype, channels_first):
    x = few_values(batch, *geometry.lengths, channels, dtype=dtype)
    if channels_first:  # in memory
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, -1, 1)), 1, -1)
    g = few_values(batch, *geometry.outputs, channels, dtype=dtype, seed=1)
    largest, which = max_pooling.maximum(x, geometry, True)
    expected, expected_which = plain_pooling.maximum(np, x, geometry, True)
    same = np.testing.assert_array_equal
    same(largest, expected)
    same(which, expected_which)
    same(max_pooling.maximum(x, geometry, False)[0], expected)
    same(max_pooling.maximum_gradient(g, which, geometry), plain_pooling.maximum_gradient(np, g, which, geometry))
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)  # noqa: E731
    close(average_pooling.average(x, geometry), plain_pooling.average(np, x, geometry))
    close(average_pooling.average_gradient(g, geometry), plain_pooling.average_gradient(np, g, geometry))
    assert {largest.dtype, average_pooling.average(x, geometry).dtype} == {np.dtype(dtype)}


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (3, 1), (2, 3)])
def test_gradient_goes_to_the_first_of_equal_maxima(size, stride):
    x = ef.Tensor(np.ones((1, 7, 7, 2), "float32"))
    with ef.GradientTape() as tape:
        tape.watch(x)
        y = ef.ops.max_pool(x, size, stride)
    found = tape.gradient(y, x).numpy()
    expected = np.zeros_like(found)
    expected[:, : 7 - size + 1 : stride, : 7 - size + 1 : stride] = 1
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2)])
def test_gradient_goes_to_the_first_nan(size, stride):
    x = np.zeros((1, 7, 7, 1), "float32")
    x[0, 1, 0] = x[0, 1, 1] = np.nan
    t = ef.Tensor(x)
    with ef.GradientTape() as tape:
        tape.watch(t)
        y = ef.ops.max_pool(t, size, stride)
    found = tape.gradient(y, t).numpy()
    assert np.isnan(y.numpy()[0, 0, 0, 0])
    assert found[0, 1, 0, 0] == 1
    assert found[0, :2, :2].sum() == 1
    assert found.sum() == y.numpy().size


def test_same_bits_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(costs.Threads, "LEAST", 0.0)
    geometry = window_geometry((61, 40), (3, 3), 2, "same")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((9, 61, 40, 16)).astype("float32")
    g = rng.standard_normal((9, *geometry.outputs, 16)).astype("float32")
    found = []
    for threads in (1, 2, 5):
        ef.set_num_threads(threads)
        largest, which = max_pooling.maximum(x, geometry, True)
        found.append(
            [
                largest,
                which,
                max_pooling.maximum_gradient(g, which, geometry),
                average_pooling.average(x, geometry),
                average_pooling.average_gradient(g, geometry),
            ]
        )
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
