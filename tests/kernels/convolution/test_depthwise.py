"""The CPU's depthwise convolution agrees with the plain one in any shape, on any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import eagerflow as ef
from eagerflow.kernels.convolution.depthwise import choice as depthwise, filtering
from eagerflow.kernels.machine import costs
from eagerflow.ops.windows import depthwise as plain_depthwise
from eagerflow.ops.windows.geometry import window_geometry


@pytest.fixture(autouse=True)
def _number_of_threads_as_before():
    before = ef.get_num_threads()
    yield
    ef.set_num_threads(before)


def normal(*shape, dtype="float32", seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def results(module, x, kernel, g, geometry):
    xp = (np,) if module is plain_depthwise else ()
    return (
        module.forward(*xp, x, kernel, geometry),
        module.input_gradient(*xp, g, kernel, geometry),
        module.kernel_gradient(*xp, x, g, kernel.shape, geometry),
    )


def compare(geometry, batch, channels, multiplier, dtype, channels_first=False):
    x = normal(batch, *geometry.lengths, channels, dtype=dtype)
    if channels_first:  # in memory
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, -1, 1)), 1, -1)
    kernel = normal(*geometry.sizes, channels, multiplier, dtype=dtype, seed=1)
    g = normal(batch, *geometry.outputs, channels * multiplier, dtype=dtype, seed=2)
    exact = [a.astype("float64") for a in (x, kernel, g)]
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    expected = results(plain_depthwise, *exact, geometry)
    for ours, plain in zip(results(depthwise, x, kernel, g, geometry), expected, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, plain, rtol=0, atol=tolerance * (np.abs(plain).max(initial=0) + 1))


@st.composite
def any_windows(draw):
    rank = draw(st.integers(1, 3))
    per_axis = lambda low, high: tuple([draw(st.integers(low, high)) for _ in range(rank)])  # noqa: E731
    sizes, strides, dilation = per_axis(1, 4), per_axis(1, 3), per_axis(1, 2)
    lengths = tuple([(k - 1) * d + 1 + draw(st.integers(0, 8)) for k, d in zip(sizes, dilation)])
    padding = draw(st.sampled_from(["valid", "same", "causal"] if rank == 1 else ["valid", "same"]))
    return window_geometry(lengths, sizes, strides, padding, dilation)


@given(
    any_windows(),
    st.integers(0, 3),
    st.integers(1, 5),
    st.integers(1, 2),
    st.sampled_from(["float32", "float64"]),
    st.booleans(),
)
@settings(max_examples=200)
@example(window_geometry((3, 3000), (3, 3), 1, "same"), 1, 40, 1, "float32", False)  # several runs per row
@example(window_geometry((300, 60), (3, 3), 2, "same"), 2, 16, 1, "float32", False)  # bands of an image
def test_any_windows(geometry, batch, channels, multiplier, dtype, channels_first):
    compare(geometry, batch, channels, multiplier, dtype, channels_first)


@given(
    st.integers(1, 3),
    st.integers(1, 40),
    st.integers(1, 20),
    st.integers(5, 7),
    st.integers(1, 7),
    st.integers(1, 9),
    st.integers(1, 2),
    st.sampled_from(["valid", "same"]),
)
@settings(max_examples=150)
@example(40, 9, 9, 5, 5, 64, 1, "same")  # blocks of several images
@example(2, 500, 20, 5, 3, 32, 1, "valid")  # bands of a large image
@example(1, 20, 900, 7, 7, 24, 1, "same")  # several runs per row
@example(1, 1, 1, 7, 7, 3, 1, "same")  # more padding than image
def test_any_windows_by_filtering(batch, height, width, rows, columns, channels, dilation, padding):
    if padding == "valid":
        height, width = max(rows, height), max((columns - 1) * dilation + 1, width)
    geometry = window_geometry((height, width), (rows, columns), 1, padding, (1, dilation))
    x, kernel = normal(batch, height, width, channels), normal(rows, columns, channels, 1, seed=1)
    found = filtering.forward(x, kernel[..., 0], geometry)
    assert found.dtype == "float32"
    expected = plain_depthwise.forward(np, x.astype("float64"), kernel.astype("float64"), geometry)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * (np.abs(expected).max() + 1))


@pytest.mark.parametrize("size", [(5, 5), (7, 7)])
def test_large_windows_go_by_filtering(size):
    geometry = window_geometry((28, 20), size, 1, "same")
    assert filtering.suits(normal(2, 28, 20, 6), geometry)
    assert not filtering.suits(normal(2, 28, 20, 6, dtype="float64"), geometry)
    for dtype in ("float32", "float64"):
        for channels_first in (False, True):
            compare(geometry, 2, 6, 2, dtype, channels_first)


@pytest.mark.parametrize(("size", "stride"), [((3, 5), 1), ((3, 5), 2), ((5, 5), 1)])
def test_same_bits_on_any_number_of_threads(size, stride, monkeypatch):
    monkeypatch.setattr(costs.Threads, "LEAST", 0.0)
    geometry = window_geometry((60, 66), size, stride, "same")
    x, kernel = normal(8, 60, 66, 32), normal(*size, 32, 1, seed=1)
    g = normal(8, *geometry.outputs, 32, seed=2)
    found = []
    for threads in (1, 2, 5):
        ef.set_num_threads(threads)
        found.append(results(depthwise, x, kernel, g, geometry))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
