"""Exponentials, logarithms, roots. Integers become `floatx()` first."""

from __future__ import annotations

import math

from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.custom_gradient import stop_gradient
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor
from eagerflow.ops.elementwise.arithmetic import absolute, add, divide, multiply, power, square
from eagerflow.ops.elementwise.comparison import greater, isfinite
from eagerflow.ops.elementwise.logic import logical_and
from eagerflow.ops.elementwise.selection import maximum, paired, where

__all__ = ["cbrt", "exp", "exp2", "expm1", "hypot", "ldexp", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2"]
__all__ += ["rsqrt", "sqrt"]

_LN2 = math.log(2.0)
_LN10 = math.log(10.0)


@op(lambda g, out: g * out, floating=True, holomorphic=True)
def exp(xp: Numpy, x: Array) -> Array:
    """Elementwise exponential: e to the power of `x`.

    Args:
        x: a tensor.

    >>> ef.ops.exp([0.0, 1.0, -np.inf]).round(4)
    Tensor(3 float32, [1.    , 2.7183, 0.    ])
    """
    return xp.exp(x)


@op(lambda g, out: g * (out + 1), floating=True, holomorphic=True)
def expm1(xp: Numpy, x: Array) -> Array:
    """Elementwise `exp(x) - 1`, exact also for tiny `x`.

    Args:
        x: a tensor.

    >>> ef.ops.expm1([0.0, 1.0]).round(4)
    Tensor(2 float32, [0.    , 1.7183])
    >>> float(ef.ops.expm1(1e-10)) > 0, float(ef.ops.exp(1e-10) - 1) > 0
    (True, False)
    """
    return xp.expm1(x)


@op(lambda g, x: g / x, floating=True, holomorphic=True)
def log(xp: Numpy, x: Array) -> Array:
    """Elementwise natural logarithm; NaN for negative numbers, -inf for 0.

    Args:
        x: a tensor.

    >>> ef.ops.log([1.0, np.e, 10.0]).round(4)
    Tensor(3 float32, [0.    , 1.    , 2.3026])
    """
    return xp.log(x)


@op(lambda g, x: g / (x + 1), floating=True, holomorphic=True)
def log1p(xp: Numpy, x: Array) -> Array:
    """Elementwise `log(1 + x)`, exact also for tiny `x`.

    Args:
        x: a tensor.

    >>> ef.ops.log1p([0.0, 1.0]).round(4)
    Tensor(2 float32, [0.    , 0.6931])
    >>> float(ef.ops.log1p(1e-10)) > 0, float(ef.ops.log(1 + ef.Tensor(1e-10))) > 0
    (True, False)
    """
    return xp.log1p(x)


@op(lambda g, x: g / (x * _LN2), floating=True, holomorphic=True)
def log2(xp: Numpy, x: Array) -> Array:
    """Elementwise logarithm to the base 2.

    Args:
        x: a tensor.

    >>> ef.ops.log2([1.0, 2.0, 8.0]).tolist()
    [0.0, 1.0, 3.0]
    """
    return xp.log2(x)


@op(lambda g, x: g / (x * _LN10), floating=True, holomorphic=True)
def log10(xp: Numpy, x: Array) -> Array:
    """Elementwise logarithm to the base 10.

    Args:
        x: a tensor.

    >>> ef.ops.log10([1.0, 10.0, 1000.0]).round(4)
    Tensor(3 float32, [0., 1., 3.])
    """
    return xp.log10(x)


@op(lambda g, out: g * 0.5 / out, floating=True, holomorphic=True)
def sqrt(xp: Numpy, x: Array) -> Array:
    """Elementwise square root; NaN for negative real numbers.

    Args:
        x: a tensor.

    >>> ef.ops.sqrt([4.0, 9.0, 2.25]).tolist()
    [2.0, 3.0, 1.5]
    """
    return xp.sqrt(x)


@op(lambda g, out: g / (out * out * 3), floating=True)
def cbrt(xp: Numpy, x: Array) -> Array:
    """Elementwise real cube root, also of negative numbers.

    Args:
        x: a tensor of real numbers.

    >>> ef.ops.cbrt([-27.0, 8.0]).round(4).tolist()
    [-3.0, 2.0]
    """
    return xp.cbrt(x)


@composite
def rsqrt(x: TensorLike) -> Tensor:
    """Elementwise `1 / sqrt(x)`.

    Args:
        x: a tensor.

    >>> ef.ops.rsqrt([4.0, 16.0]).tolist()
    [0.5, 0.25]
    """
    return divide(1, sqrt(x))


@composite
def exp2(x: TensorLike) -> Tensor:
    """Elementwise 2 to the power of `x`.

    Args:
        x: a tensor.

    >>> ef.ops.exp2([0.0, 3.0, -1.0]).tolist()
    [1.0, 8.0, 0.5]
    """
    return power(2.0, x)


@op(
    lambda xp, g, x1, out: g * xp.exp(x1 - out),
    lambda xp, g, x2, out: g * xp.exp(x2 - out),
    floating=True,
    weak=True,
    promotes=True,
)
def logaddexp(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise `log(exp(x1) + exp(x2))` without overflow.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.logaddexp([0.0, 100.0], [0.0, 100.0]).round(2)
    Tensor(2 float32, [  0.69, 100.69])
    """
    return xp.logaddexp(x1, x2)


@composite
def logaddexp2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Elementwise `log2(2 ** x1 + 2 ** x2)` without overflow.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.logaddexp2([3.0, 5.0], [3.0, -np.inf]).tolist()
    [4.0, 5.0]
    """
    return divide(logaddexp(multiply(x1, _LN2), multiply(x2, _LN2)), _LN2)


@composite
def hypot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Elementwise `sqrt(x1² + x2²)`, whose squares can't overflow. The gradient at (0, 0) is 0.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.hypot([3.0, 5.0], [4.0, 12.0]).tolist()
    [5.0, 13.0]
    """
    x1, x2 = paired(x1, x2)
    scale = stop_gradient(maximum(absolute(x1), absolute(x2)))
    usable = logical_and(greater(scale, 0), isfinite(scale))
    scale = where(usable, scale, 1)
    a, b = divide(x1, scale), divide(x2, scale)
    squares = add(square(a), square(b))
    return multiply(scale, where(usable, sqrt(where(usable, squares, 1)), squares))


@composite
def ldexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Elementwise `x1 * 2 ** x2`.

    Args:
        x1: a tensor or number.
        x2: integer exponents.

    >>> ef.ops.ldexp([1.0, 3.0], [2, -1]).tolist()
    [4.0, 1.5]
    """
    return multiply(x1, exp2(x2))
