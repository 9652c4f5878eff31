"""`tf.math`'s special functions, and its rarer ones of tensors: `tf.math.lgamma`, `tf.math.zero_fraction`, ..."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.compat.arguments import renamed
from eagerflow.compat.tensorflow.math import add_n
from eagerflow.compat.tensorflow.nn import zero_fraction
from eagerflow.core.tensor import Tensor
from eagerflow.ops.elementwise import gamma
from eagerflow.ops.elementwise.bessel import bessel_i
from eagerflow.ops.elementwise.special import erfcinv as inverse_of_erfc

__all__ = ["accumulate_n", "angle", "bessel_i0", "bessel_i0e", "bessel_i1"]
__all__ += ["bessel_i1e", "cumulative_logsumexp", "digamma", "erfcinv", "invert_permutation", "is_non_decreasing"]
__all__ += ["is_strictly_increasing", "lbeta", "lgamma", "ndtri", "nextafter", "polygamma", "reciprocal_no_nan", "rint"]
__all__ += ["zero_fraction", "zeta"]

lgamma, digamma, zeta = renamed(gamma.lgamma, "x"), renamed(gamma.digamma, "x"), renamed(gamma.zeta, "x q")
bessel_i0, bessel_i0e = renamed(bessel_i, "x"), renamed(bessel_i, "x", scaled=True)
bessel_i1, bessel_i1e = renamed(bessel_i, "x", order=1), renamed(bessel_i, "x", order=1, scaled=True)
erfcinv, angle, rint = renamed(inverse_of_erfc, "x"), renamed(ops.angle, "input"), renamed(ops.round, "x")
nextafter = renamed(ops.nextafter, "x1 x2")
accumulate_n = renamed(add_n, "inputs shape: tensor_dtype:")


def polygamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The derivative of `digamma` of order `a`, a whole number for each of `x`. No gradient flows to `a`.

    >>> polygamma([1.0], [1.0]).round(4)
    Tensor([1.6449], shape=(1,), dtype=float32)
    """
    orders = numpy.array(ops.convert_to_numpy(a))
    x = ops.convert_to_tensor(x)
    return gamma.polygamma(ops.broadcast_to(x, numpy.broadcast_shapes(x.shape, orders.shape)), orders)


def lbeta(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the beta function of the numbers along the last axis.

    >>> lbeta([1.0, 2.0]).round(4)
    Tensor(-0.6931, shape=(), dtype=float32)
    """
    x = ops.convert_to_tensor(x)
    return ops.sum(gamma.lgamma(x), axis=-1) - gamma.lgamma(ops.sum(x, axis=-1))


def ndtri(x: Any, name: str | None = None) -> Tensor:
    """The quantiles of the normal distribution.

    >>> ndtri([0.025, 0.975]).round(4)
    Tensor([-1.96,  1.96], shape=(2,), dtype=float32)
    """
    return inverse_of_erfc(ops.multiply(x, 2.0)) * -math.sqrt(2)


def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """`1 / x`, and 0 where `x` is 0.

    >>> reciprocal_no_nan([2.0, 0.0]).tolist()
    [0.5, 0.0]
    """
    return ops.divide_no_nan(ops.ones_like(x), x)


def cumulative_logsumexp(
    x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """The logarithm of the sum of exponentials of all elements up to each (before each, with `exclusive`).

    >>> cumulative_logsumexp([0.0, 0.0, 0.0]).round(4)
    Tensor([0.    , 0.6931, 1.0986], shape=(3,), dtype=float32)
    """
    x = ops.convert_to_tensor(x)
    x = ops.flip(x, axis) if reverse else x
    first = ops.moveaxis(x, axis, 0)
    if exclusive and first.shape[0]:
        first = ops.concatenate([ops.full_like(first[:1], -math.inf), first[:-1]], axis=0)
    found = ops.associative_scan(ops.logaddexp, first) if first.shape[0] else first
    found = ops.moveaxis(found, 0, axis)
    return ops.flip(found, axis) if reverse else found


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """Where each of 0, 1, 2, ... stands in `x`.

    Raises:
        ValueError: when these aren't the elements of `x`.

    >>> invert_permutation([2, 0, 1]).tolist()
    [1, 2, 0]
    """
    x = ops.convert_to_tensor(x)
    places = ops.argsort(x)
    if x.ndim != 1 or not bool(ops.all(ops.equal(ops.take(x, places), ops.arange(len(x))))):
        raise ValueError(f"invert_permutation: expected a vector of the numbers from 0 on; got {x.tolist()}.")
    return ops.cast(places, x.dtype.name)


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Whether no element, of the flattened tensor, is less than the one before.

    >>> bool(is_non_decreasing([1, 1, 2])), bool(is_non_decreasing([2, 1]))
    (True, False)
    """
    x = ops.ravel(x)
    return ops.all(ops.less_equal(x[:-1], x[1:]))


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Whether each element, of the flattened tensor, is more than the one before.

    >>> bool(is_strictly_increasing([1, 2, 3])), bool(is_strictly_increasing([1, 1, 2]))
    (True, False)
    """
    x = ops.ravel(x)
    return ops.all(ops.less(x[:-1], x[1:]))
