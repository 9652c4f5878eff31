"""TensorFlow's and NumPy's functions that are made of several ops: values, and derivatives of both orders."""

from __future__ import annotations

import math

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.compat import faces
from eagerflow.compat.tensorflow import arrays, linalg, nn, segments

A = np.array([[0.5, -1.25, 2.0], [1.5, 0.75, -0.5], [0.25, 2.5, 1.0]])
P = np.abs(A)
IDS = np.array([2, 0, 2])
PLACES = np.array([[2], [0]])

SMOOTH = {
    "segment_mean": (lambda x: segments.segment_mean(x, IDS), A),
    "segment_max": (lambda x: segments.segment_max(x, IDS), A),
    "segment_min": (lambda x: segments.segment_min(x, IDS), A),
    "segment_prod": (lambda x: segments.segment_prod(x, IDS), A),
    "unsorted_segment_min": (lambda x: segments.unsorted_segment_min(x, [0, 0, 1], 2), A),
    "unsorted_segment_prod": (lambda x: segments.unsorted_segment_prod(x, IDS, 4), A),
    "xlogy": (lambda x: segments.xlogy(x, x + 1.0), P),
    "xdivy": (lambda x: segments.xdivy(x, x * x + 1.0), A),
    "tensor_scatter_nd_update": (lambda x: arrays.tensor_scatter_nd_update(x, PLACES, x[1:] ** 2), A),
    "tensor_scatter_nd_add": (lambda x: arrays.tensor_scatter_nd_add(x, PLACES, x[1:] ** 2), A),
    "tensor_scatter_nd_sub": (lambda x: arrays.tensor_scatter_nd_sub(x, PLACES, x[1:] ** 2), A),
    "tensor_scatter_nd_max": (lambda x: arrays.tensor_scatter_nd_max(x, PLACES, x[1:] ** 2), A),
    "tensor_scatter_nd_min": (lambda x: arrays.tensor_scatter_nd_min(x, PLACES, x[1:] ** 2), A),
    "lrn": (lambda x: nn.lrn(x[None, None], 1, 2.0, 0.5, 0.75), A),
    "pinv": (lambda x: linalg.pinv(x[:, :2]), A),
    "lstsq": (lambda x: linalg.lstsq(x[:, :2], x[:, 2:]), A),
    "lstsq_ridge": (lambda x: linalg.lstsq(x[:, :2], x[:, 2:], 0.5), A),
    "np.atleast_3d": (lambda x: np.atleast_3d(x) ** 2, A),
}


def weighted(function, x):
    found = function(x)
    return ops.sum(found * np.cos(np.arange(found.size)).reshape(found.shape))


def slopes(function, x):
    v = ef.Variable(x, dtype="float64")
    with ef.GradientTape() as tape:
        total = weighted(function, v * 1.0)
    return tape.gradient(total, v).numpy()


def numeric(of, x, along, step=1e-5):
    return (of(x + step * along) - of(x - step * along)) / (2 * step)


@pytest.mark.parametrize("name", SMOOTH)
def test_first_and_second_derivatives(name):
    """Along two directions, against differences."""
    function, x = SMOOTH[name]
    one, other = (f(np.arange(1.0, x.size + 1)).reshape(x.shape) for f in (np.sin, np.cos))
    first = float((slopes(function, x) * one).sum())
    assert first == pytest.approx(
        numeric(lambda x: float(weighted(function, ops.array(x))), x, one), rel=1e-6, abs=1e-6
    )
    v = ef.Variable(x, dtype="float64")
    with ef.GradientTape() as outer:
        with ef.GradientTape() as tape:
            total = weighted(function, v * 1.0)
        along = ops.sum(tape.gradient(total, v) * one)
    second = float((outer.gradient(along, v, unconnected_gradients="zero").numpy() * other).sum())
    expected = numeric(lambda x: float((slopes(function, x) * one).sum()), x, other)
    assert second == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", ["xlogy", "xdivy"])
def test_nothing_times_whatever_is_nothing(name):
    x, y = ef.Variable([0.0, 2.0]), ef.Variable([0.0, 3.0])
    with ef.GradientTape() as tape:
        found = getattr(segments, name)(x, y)
        total = ops.sum(found)
    by_x, by_y = tape.gradient(total, [x, y])
    right = {"xlogy": 2 * math.log(3), "xdivy": 2 / 3}[name]
    assert found.tolist() == [0.0, pytest.approx(right)]
    assert (float(by_x[0]), float(by_y[0])) == (0.0, 0.0)
    assert np.isfinite([float(by_x[1]), float(by_y[1])]).all()


def test_values_of_segments():
    x = ops.array([1.0, 5.0, 3.0])
    assert segments.segment_mean(x, [0, 0, 2]).tolist() == [3.0, 0.0, 3.0]
    assert segments.segment_max(x, [0, 0, 2]).tolist() == [5.0, 0.0, 3.0]
    assert segments.segment_min(x, [0, 0, 2]).tolist() == [1.0, 0.0, 3.0]
    assert segments.segment_prod(x, [0, 0, 2]).tolist() == [5.0, 1.0, 3.0]


def test_values_of_places_and_sequences():
    assert arrays.tensor_scatter_nd_sub([5, 5, 5], [[1], [1]], [1, 2]).tolist() == [5, 2, 5]
    assert arrays.tensor_scatter_nd_max([5, 5], [[1], [1]], [9, 7]).tolist() == [5, 9]


def test_values_of_least_squares():
    assert np.allclose(linalg.lstsq(A[:, :2], A[:, 2:]).numpy(), np.linalg.lstsq(A[:, :2], A[:, 2:], rcond=None)[0])


def test_values_of_numpy():
    w = ops.array([1.0, 2.0, 4.0])
    for axes, function in enumerate((np.atleast_1d, np.atleast_2d, np.atleast_3d), 1):
        assert function(w).shape == function(np.zeros(3)).shape
        assert function(ops.array(2.0)).shape == (1,) * axes
    assert [x.shape for x in np.atleast_2d(w, w)] == [(1, 3)] * 2


def test_nothing_is_compiled():
    with pytest.raises(AttributeError, match="Nothing is compiled here"):
        _ = faces.face("tensorflow").compiler.mlir
