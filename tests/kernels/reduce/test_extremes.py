"""Extremes, their places and their gradients agree with NumPy's, for any cut of the work."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import eagerflow as ef
from eagerflow import ops
from eagerflow.kernels.machine import costs
from eagerflow.kernels.reduce import extremes


@pytest.fixture(autouse=True)
def _number_of_threads_as_before():
    before = ef.get_num_threads()
    yield
    ef.set_num_threads(before)


def normal(*shape, dtype="float32", seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def small(patch):
    """Let arrays of a test's size be large ones."""
    patch.setattr(costs.Threads, "LEAST", 0.0)
    patch.setattr(costs.Sums, "SMALL", 0)
    patch.setattr(costs.Sums, "PART", 100)
    patch.setattr(costs.Extremes, "LEAST", 0)
    patch.setattr(costs.Extremes, "SEARCHED", 500)


def shared(g, x, extreme):
    """The plain gradient over the middle axis."""
    hits = x == extreme[:, None]
    return (hits * (g / hits.sum(axis=1))[:, None]).astype(x.dtype)


@given(
    st.integers(1, 5),
    st.integers(64, 150),
    st.integers(2, 12),
    st.sampled_from(["float32", "float64"]),
    st.booleans(),
    st.integers(0, 40),
)
@settings(max_examples=60, deadline=None)
@example(3, 127, 5, "float32", True, 0)  # no groups of equal size
@example(1, 64, 2, "float64", False, 0)
def test_places(before, count, after, dtype, largest, repeated):
    x = normal(before, count, after, dtype=dtype)
    x.reshape(-1)[: repeated * 7 : 7] = 9.0 if largest else -9.0  # ties, also within a group
    expected = (x.max if largest else x.min)(axis=1)
    g = normal(before, after, dtype=dtype, seed=1)
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        patch.setattr(costs.Extremes, "TIES", 2)
        found, places = extremes.extreme_with_places(x, (1,), largest)
        np.testing.assert_array_equal(found, expected)
        at, of = places
        np.testing.assert_array_equal(np.sort(at), np.flatnonzero(x == expected[:, None]))
        np.testing.assert_array_equal(x.reshape(-1)[at], expected.reshape(-1)[of])
        dx = extremes.extreme_gradient(g, places, x.shape)
    assert dx.dtype == dtype
    np.testing.assert_allclose(dx, shared(g, x, expected), rtol=1e-6)


def gradient_of_max(x, g):
    x = ef.Tensor(x)
    with ef.GradientTape() as tape:
        tape.watch(x)
        out = ops.max(x, axis=(1, 2))
    return out.numpy(), tape.gradient(out, x, output_gradients=ef.Tensor(g)).numpy()


def test_same_bits_on_any_number_of_threads():
    x, g = normal(21, 9, 8, 40), normal(21, 40, seed=1)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        for threads in (1, 2, 5):
            ef.set_num_threads(threads)
            found.append([*gradient_of_max(x, g), ops.mean(ef.Tensor(x), axis=(1, 2)).numpy()])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_with_many_ties_there_are_no_places():
    x = np.minimum(normal(4, 16, 16, 16), 1)
    found, places = extremes.extreme_with_places(x, (1, 2), True)
    assert places is None
    np.testing.assert_array_equal(found, x.max(axis=(1, 2)))
    g = normal(4, 16)
    out, dx = gradient_of_max(x, g)
    np.testing.assert_array_equal(out, found)
    flat = x.reshape(4, 256, 16)
    np.testing.assert_allclose(dx.reshape(flat.shape), shared(g, flat, found), rtol=1e-6)


def test_gradient_with_nan_is_as_for_small_arrays():
    x, g = normal(3, 16, 16, 32), np.ones((3, 32), "float32")
    x[1, 2, 3, 4] = np.nan
    with np.errstate(invalid="ignore"):
        out, dx = gradient_of_max(x, g)
    assert np.flatnonzero(np.isnan(out)).tolist() == [1 * 32 + 4]
    assert np.isnan(dx[1, :, :, 4]).all()
    assert np.isnan(dx).sum() == 256
    assert np.nansum(dx) == 3 * 32 - 1


def test_second_gradients():
    x = normal(2, 16, 16, 16)
    found = []
    for cube in (lambda y: y * y * y, lambda y: y):
        t = ef.Tensor(x)
        with ef.GradientTape() as outer:
            outer.watch(t)
            with ef.GradientTape() as inner:
                inner.watch(t)
                y = ops.sum(cube(ops.max(t, axis=(1, 2))))
            first = inner.gradient(y, t)
            total = ops.sum(first * first)
        found.append(outer.gradient(total, t))
    peaks = x.max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(found[0].numpy(), (x == peaks) * 36 * peaks**3, rtol=1e-5)
    assert found[1] is None or not found[1].numpy().any()
