"""`tf.math`'s special functions, and its rarer ones of tensors: `tf.math.lgamma`, `tf.math.zero_fraction`, ..."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.compat.tensorflow.math import add_n
from eagerflow.core.tensor import Tensor
from eagerflow.ops.elementwise import gamma
from eagerflow.ops.elementwise.bessel import bessel_i
from eagerflow.ops.elementwise.special import erfcinv as inverse_of_erfc

__all__ = ["accumulate_n", "angle", "approx_max_k", "approx_min_k", "bessel_i0", "bessel_i0e", "bessel_i1"]
__all__ += ["bessel_i1e", "cumulative_logsumexp", "digamma", "erfcinv", "invert_permutation", "is_non_decreasing"]
__all__ += ["is_strictly_increasing", "lbeta", "lgamma", "ndtri", "nextafter", "polygamma", "reciprocal_no_nan", "rint"]
__all__ += ["zero_fraction", "zeta"]


def lgamma(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the size of the gamma function.

    >>> lgamma([1.0, 5.0]).round(4)
    Tensor([0.    , 3.1781], shape=(2,), dtype=float32)
    """
    return gamma.lgamma(x)


def digamma(x: Any, name: str | None = None) -> Tensor:
    """The derivative of `lgamma`.

    >>> digamma([1.0, 2.0]).round(4)
    Tensor([-0.5772,  0.4228], shape=(2,), dtype=float32)
    """
    return gamma.digamma(x)


def polygamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The derivative of `digamma` of order `a`, a whole number for each of `x`. No gradient flows to `a`.

    >>> polygamma([1.0], [1.0]).round(4)
    Tensor([1.6449], shape=(1,), dtype=float32)
    """
    orders = numpy.array(ops.convert_to_numpy(a))
    x = ops.convert_to_tensor(x)
    return gamma.polygamma(ops.broadcast_to(x, numpy.broadcast_shapes(x.shape, orders.shape)), orders)


def zeta(x: Any, q: Any, name: str | None = None) -> Tensor:
    """Hurwitz's zeta function: the sum of (q + k)**-x over k = 0, 1, 2, ...; its gradient for `x` is not known.

    >>> zeta([2.0], [1.0]).round(4)
    Tensor([1.6449], shape=(1,), dtype=float32)
    """
    return gamma.zeta(x, q)


def lbeta(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the beta function of the numbers along the last axis.

    >>> lbeta([1.0, 2.0]).round(4)
    Tensor(-0.6931, shape=(), dtype=float32)
    """
    x = ops.convert_to_tensor(x)
    return ops.sum(gamma.lgamma(x), axis=-1) - gamma.lgamma(ops.sum(x, axis=-1))


def bessel_i0(x: Any, name: str | None = None) -> Tensor:
    """Bessel's modified function of the first kind and order 0.

    >>> bessel_i0([0.0, 1.0]).round(4)
    Tensor([1.    , 1.2661], shape=(2,), dtype=float32)
    """
    return bessel_i(x, 0)


def bessel_i0e(x: Any, name: str | None = None) -> Tensor:
    """`bessel_i0(x) * exp(-|x|)`.

    >>> bessel_i0e([0.0, 1.0]).round(4)
    Tensor([1.    , 0.4658], shape=(2,), dtype=float32)
    """
    return bessel_i(x, 0, True)


def bessel_i1(x: Any, name: str | None = None) -> Tensor:
    """Bessel's modified function of the first kind and order 1.

    >>> bessel_i1([0.0, 1.0]).round(4)
    Tensor([0.    , 0.5652], shape=(2,), dtype=float32)
    """
    return bessel_i(x, 1)


def bessel_i1e(x: Any, name: str | None = None) -> Tensor:
    """`bessel_i1(x) * exp(-|x|)`.

    >>> bessel_i1e([0.0, 1.0]).round(4)
    Tensor([0.    , 0.2079], shape=(2,), dtype=float32)
    """
    return bessel_i(x, 1, True)


def erfcinv(x: Any, name: str | None = None) -> Tensor:
    """The inverse of `erfc`.

    >>> erfcinv([1.0, 0.5]).round(4)
    Tensor([0.    , 0.4769], shape=(2,), dtype=float32)
    """
    return inverse_of_erfc(x)


def ndtri(x: Any, name: str | None = None) -> Tensor:
    """The quantiles of the normal distribution.

    >>> ndtri([0.025, 0.975]).round(4)
    Tensor([-1.96,  1.96], shape=(2,), dtype=float32)
    """
    return inverse_of_erfc(ops.multiply(x, 2.0)) * -math.sqrt(2)


def angle(input: Any, name: str | None = None) -> Tensor:
    """The angles of complex numbers.

    >>> angle([1j, -1.0 + 0j]).round(4)
    Tensor([1.5708, 3.1416], shape=(2,), dtype=float32)
    """
    return ops.angle(input)


def nextafter(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The next number after `x1` in the direction of `x2`.

    >>> bool(nextafter(1.0, 2.0) > 1.0)
    True
    """
    return ops.nextafter(x1, x2)


def rint(x: Any, name: str | None = None) -> Tensor:
    """The nearest whole numbers, of two the even one.

    >>> rint([0.5, 1.5, 2.6]).tolist()
    [0.0, 2.0, 3.0]
    """
    return ops.round(x)


def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """`1 / x`, and 0 where `x` is 0.

    >>> reciprocal_no_nan([2.0, 0.0]).tolist()
    [0.5, 0.0]
    """
    return ops.divide_no_nan(ops.ones_like(x), x)


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The part of elements that are 0; NaN of nothing."""
    return ops.mean(ops.cast(ops.equal(value, 0), "float32"))


def accumulate_n(inputs: Sequence[Any], shape: Any = None, tensor_dtype: Any = None, name: Any = None) -> Any:
    """The sum of several tensors.

    >>> accumulate_n([[1.0, 2.0], [10.0, 20.0]]).tolist()
    [11.0, 22.0]
    """
    return add_n(inputs)


def _largest(operand: Any, k: int, axis: int, sign: float) -> tuple[Tensor, Tensor]:
    last = ops.moveaxis(ops.multiply(operand, sign), axis, -1)
    values, places = ops.top_k(last, k)
    return ops.moveaxis(values, -1, axis) * sign, ops.moveaxis(places, -1, axis)


def approx_max_k(operand: Any, k: int, reduction_dimension: int = -1, **_: Any) -> tuple[Tensor, Tensor]:
    """The `k` largest elements along an axis and their places: exactly, whatever recall is asked for.

    >>> values, places = approx_max_k([1.0, 3.0, 2.0], 2)
    >>> values.tolist(), places.tolist()
    ([3.0, 2.0], [1, 2])
    """
    return _largest(operand, k, reduction_dimension, 1)


def approx_min_k(operand: Any, k: int, reduction_dimension: int = -1, **_: Any) -> tuple[Tensor, Tensor]:
    """The `k` smallest elements along an axis and their places: exactly, whatever recall is asked for.

    >>> values, places = approx_min_k([1.0, 3.0, 2.0], 2)
    >>> values.tolist(), places.tolist()
    ([1.0, 2.0], [0, 2])
    """
    return _largest(operand, k, reduction_dimension, -1)


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
