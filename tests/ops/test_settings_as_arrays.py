"""Shapes, axes and counts that are arrays and numbers of NumPy are like tuples and numbers of Python."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

import eagerflow as ef
from eagerflow import ops

X = numpy.arange(6.0).reshape(2, 3)
IMAGES = numpy.arange(16.0).reshape(1, 4, 4, 1)
CALLS: dict[str, Any] = {
    "tile": (lambda n: ops.tile(X, n), (1, 2)),
    "rot90": (lambda n: ops.rot90(X, axes=n), (1, 0)),
    "resize": (lambda n: ops.image.resize(IMAGES, n), (2, 3)),
    "flip": (lambda n: ops.flip(X, n), (0, 1)),
    "squeeze": (lambda n: ops.squeeze(IMAGES, n), (0, 3)),
    "moveaxis": (lambda n: ops.moveaxis(X, n, (0, 1)), (1, 0)),
    "tensordot": (lambda n: ops.tensordot(X, X, n), ((0, 1), (0, 1))),
    "sum": (lambda n: ops.sum(X, axis=n), (0, 1)),
    "max": (lambda n: ops.max(X, axis=n), (1,)),
    "mean": (lambda n: ops.mean(X, axis=n), (0, 1)),
    "var": (lambda n: ops.var(X, axis=n), (0, 1)),
    "all": (lambda n: ops.all(X > 0, axis=n), (0, 1)),
    "count_nonzero": (lambda n: ops.count_nonzero(X, axis=n), (0, 1)),
    "average": (lambda n: ops.average(X, axis=n), (0, 1)),
    "logsumexp": (lambda n: ops.logsumexp(X, axis=n), (0, 1)),
    "norm": (lambda n: ops.norm(X, axis=n), (0, 1)),
    "median": (lambda n: ops.median(X, axis=n), (0, 1)),
    "quantile": (lambda n: ops.quantile(X, 0.25, axis=n), (0, 1)),
    "normal": (lambda n: ef.random.normal(n, seed=1), (2, 3)),
    "uniform": (lambda n: ef.random.uniform(n, seed=1), (2,)),
    "randint": (lambda n: ef.random.randint(n, 0, 9, seed=1), (2, 3)),
}


@pytest.mark.parametrize(("call", "plain"), CALLS.values(), ids=list(CALLS))
def test_arrays_of_integers_are_like_tuples(call, plain):
    assert call(numpy.array(plain)).tolist() == call(plain).tolist()


def test_integers_of_numpy_are_like_those_of_python():
    one = numpy.int64(1)
    assert ops.tensordot(X, X.T, one).tolist() == (X @ X.T).tolist()
    assert ops.tile(X, numpy.array(2)).tolist() == numpy.tile(X, 2).tolist()
    assert ef.random.normal(numpy.int32(3)).shape == ef.random.normal(numpy.array(3)).shape == (3,)


def test_gradients_pass_where_axes_are_arrays():
    x = ef.Variable(X)
    with ef.GradientTape() as tape:
        y = ops.sum(x * x, axis=numpy.array([0, 1]))
    assert tape.gradient(y, x).tolist() == (2 * X).tolist()


def test_numbers_with_fractions_are_no_shape():
    with pytest.raises(ValueError, match="tuple of integers"):
        ef.random.normal(numpy.array([2.0, 3.0]))
