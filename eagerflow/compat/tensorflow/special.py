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
__all__ += ["bessel_i1e", "digamma", "erfcinv"]
__all__ += ["lbeta", "lgamma", "ndtri", "nextafter", "polygamma", "reciprocal_no_nan", "rint"]
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
    Tensor(1 float32, [1.6449])
    """
    orders = numpy.array(ops.convert_to_numpy(a))
    x = ops.convert_to_tensor(x)
    return gamma.polygamma(ops.broadcast_to(x, numpy.broadcast_shapes(x.shape, orders.shape)), orders)


def lbeta(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the beta function of the numbers along the last axis.

    >>> lbeta([1.0, 2.0]).round(4)
    Tensor(float32, -0.6931)
    """
    x = ops.convert_to_tensor(x)
    return ops.sum(gamma.lgamma(x), axis=-1) - gamma.lgamma(ops.sum(x, axis=-1))


def ndtri(x: Any, name: str | None = None) -> Tensor:
    """The quantiles of the normal distribution.

    >>> ndtri([0.025, 0.975]).round(4)
    Tensor(2 float32, [-1.96,  1.96])
    """
    return inverse_of_erfc(ops.multiply(x, 2.0)) * -math.sqrt(2)


def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """`1 / x`, and 0 where `x` is 0.

    >>> reciprocal_no_nan([2.0, 0.0]).tolist()
    [0.5, 0.0]
    """
    return ops.divide_no_nan(ops.ones_like(x), x)
