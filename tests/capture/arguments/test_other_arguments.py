"""A call with other arguments than the one before is noticed."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.capture.steps import many

X = ef.Tensor(np.float32([[1.0, -2.0], [3.0, 4.0]]))


def doubled():
    captured = ef.function(lambda x, *rest: x * 2.0)
    many(captured, X)
    return captured


@pytest.mark.parametrize(
    "other",
    [
        ef.Tensor(np.float64([[1.0, 2.0], [3.0, 4.0]])),
        ef.Tensor(np.int32([[1, 2], [3, 4]])),
        ef.Tensor(np.float32([[1.0, 2.0]])),
        ef.Tensor(np.float32(3.0)),
        np.float32([[1.0, 2.0], [3.0, 4.0]]),
        ef.Variable(np.float32([[1.0, 2.0], [3.0, 4.0]])),
        ef.Tensor(np.float32([[1.0, 3.0], [2.0, 4.0]]).T),
        2.5,
    ],
    ids=["float64", "int32", "shape", "number", "numpy", "variable", "strides", "python"],
)
@pytest.mark.filterwarnings("ignore:.*NumPy array")  # which the step multiplies itself
def test_arguments_of_other_kinds_are_noticed(other):
    captured = doubled()
    for _ in range(4):
        found, wanted = ef.convert_to_tensor(captured(other)), ef.convert_to_tensor(other * 2.0)
        assert found.dtype == wanted.dtype
        assert found.numpy().tobytes() == wanted.numpy().tobytes()
        assert captured(X).tolist() == [[2.0, -4.0], [6.0, 8.0]]


def test_more_arguments_and_named_ones_are_noticed():
    captured = ef.function(lambda x, y=None: x * 2.0 if y is None else x * y)
    many(captured, X)
    assert captured(X, X).tolist() == [[1.0, 4.0], [9.0, 16.0]]
    assert captured(X, y=X).tolist() == [[1.0, 4.0], [9.0, 16.0]]
    assert captured(X).tolist() == [[2.0, -4.0], [6.0, 8.0]]


def test_a_mask_on_an_argument_is_noticed():
    mean = layers.GlobalAveragePooling1D()
    captured = ef.function(lambda x: mean(x))
    plain = ef.Tensor(np.arange(12, dtype="float32").reshape(2, 3, 2))
    many(captured, plain)
    masked = ef.Tensor(plain.numpy())
    masked.mask = np.array([[True, False, False], [True, True, False]])
    for _ in range(5):
        assert captured(masked).tolist() == mean(masked).tolist() != mean(plain).tolist()
        assert captured(plain).tolist() == mean(plain).tolist()


def test_gradients_and_recordings_go_through_such_calls():
    captured = doubled()
    x = ef.Tensor(X.numpy())
    with ef.GradientTape() as tape:
        tape.watch(x)
        y = captured(x)
    assert tape.gradient(y, x).tolist() == [[2.0, 2.0], [2.0, 2.0]]
    with viz.trace() as t:
        captured(X)
    assert [op.name for op in t.ops] == ["multiply"]


def test_models_and_numbers_among_the_arguments_are_known_again_and_others_noticed():
    double, triple = (layers.Rescaling(by) for by in (2.0, 3.0))
    captured = ef.function(lambda layer, x, more=1.0: layer(x) * more)
    many(captured, double, X, 1.0)
    assert captured(double, X, 1.0).tolist() == [[2.0, -4.0], [6.0, 8.0]]
    assert captured(triple, X, 1.0).tolist() == [[3.0, -6.0], [9.0, 12.0]]
    assert captured(double, X, 2.0).tolist() == [[4.0, -8.0], [12.0, 16.0]]
    assert captured(double, X, more=3.0).tolist() == [[6.0, -12.0], [18.0, 24.0]]
    double.scale = 0.5
    assert captured(double, X, 1.0).tolist() == [[0.5, -1.0], [1.5, 2.0]]


def test_lists_among_the_arguments_are_looked_into_in_each_call():
    captured, weights = ef.function(lambda x, by: x * by[0]), [2.0]
    many(captured, X, weights)
    weights[0] = 3.0
    assert captured(X, weights).tolist() == [[3.0, -6.0], [9.0, 12.0]]
