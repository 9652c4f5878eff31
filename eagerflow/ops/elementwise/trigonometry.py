"""Trigonometric and hyperbolic functions, their inverses, and angles. Integers become `floatx()` first."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor
from eagerflow.ops.elementwise.arithmetic import absolute, divide, multiply, square
from eagerflow.ops.elementwise.comparison import less
from eagerflow.ops.elementwise.selection import where

__all__ = ["arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cos", "cosh", "deg2rad"]
__all__ += ["rad2deg", "sin", "sinc", "sinh", "tan", "tanh"]


@op(lambda xp, g, x: g * xp.cos(x), floating=True, holomorphic=True)
def sin(xp: Numpy, x: Array) -> Array:
    """Elementwise sine.

    Args:
        x: a tensor of angles in radians.

    >>> ef.ops.sin([0.0, np.pi / 6, np.pi / 2]).round(4)
    Tensor(3 float32, [0. , 0.5, 1. ])
    """
    return xp.sin(x)


@op(lambda xp, g, x: -g * xp.sin(x), floating=True, holomorphic=True)
def cos(xp: Numpy, x: Array) -> Array:
    """Elementwise cosine.

    Args:
        x: a tensor of angles in radians.

    >>> ef.ops.cos([0.0, np.pi / 3, np.pi]).round(4)
    Tensor(3 float32, [ 1. ,  0.5, -1. ])
    """
    return xp.cos(x)


@op(lambda g, out: g * (out * out + 1), floating=True, holomorphic=True)
def tan(xp: Numpy, x: Array) -> Array:
    """Elementwise tangent.

    Args:
        x: a tensor of angles in radians.

    >>> ef.ops.tan([0.0, np.pi / 4]).round(4)
    Tensor(2 float32, [0., 1.])
    """
    return xp.tan(x)


@op(lambda xp, g, x: g / xp.sqrt(1 - x * x), floating=True, holomorphic=True)
def arcsin(xp: Numpy, x: Array) -> Array:
    """Elementwise inverse sine, in [-π/2, π/2]; NaN outside [-1, 1].

    Args:
        x: a tensor.

    >>> ef.ops.arcsin([0.0, 0.5, 1.0]).round(4)
    Tensor(3 float32, [0.    , 0.5236, 1.5708])
    """
    return xp.arcsin(x)


@op(lambda xp, g, x: -g / xp.sqrt(1 - x * x), floating=True, holomorphic=True)
def arccos(xp: Numpy, x: Array) -> Array:
    """Elementwise inverse cosine, in [0, π]; NaN outside [-1, 1].

    Args:
        x: a tensor.

    >>> ef.ops.arccos([1.0, 0.0, -1.0]).round(4)
    Tensor(3 float32, [0.    , 1.5708, 3.1416])
    """
    return xp.arccos(x)


@op(lambda g, x: g / (x * x + 1), floating=True, holomorphic=True)
def arctan(xp: Numpy, x: Array) -> Array:
    """Elementwise inverse tangent, in [-π/2, π/2].

    Args:
        x: a tensor.

    >>> ef.ops.arctan([0.0, 1.0, np.inf]).round(4)
    Tensor(3 float32, [0.    , 0.7854, 1.5708])
    """
    return xp.arctan(x)


@op(
    lambda g, x1, x2: g * x2 / (x1 * x1 + x2 * x2),
    lambda g, x1, x2: -g * x1 / (x1 * x1 + x2 * x2),
    floating=True,
    weak=True,
    promotes=True,
)
def arctan2(xp: Numpy, x1: Array, x2: Array) -> Array:
    """The angle, in [-π, π], of the point with the coordinates `(x2, x1)`.

    Args:
        x1: the ordinates (y), a tensor or number.
        x2: the abscissae (x), a tensor or number.

    >>> ef.ops.arctan2([0.0, 1.0, 0.0], [1.0, 0.0, -1.0]).round(4)
    Tensor(3 float32, [0.    , 1.5708, 3.1416])
    """
    return xp.arctan2(x1, x2)


@op(lambda xp, g, x: g * xp.cosh(x), floating=True, holomorphic=True)
def sinh(xp: Numpy, x: Array) -> Array:
    """Elementwise hyperbolic sine.

    Args:
        x: a tensor.

    >>> ef.ops.sinh([0.0, 1.0]).round(4)
    Tensor(2 float32, [0.    , 1.1752])
    """
    return xp.sinh(x)


@op(lambda xp, g, x: g * xp.sinh(x), floating=True, holomorphic=True)
def cosh(xp: Numpy, x: Array) -> Array:
    """Elementwise hyperbolic cosine.

    Args:
        x: a tensor.

    >>> ef.ops.cosh([0.0, 1.0]).round(4)
    Tensor(2 float32, [1.    , 1.5431])
    """
    return xp.cosh(x)


@op(lambda g, out: g * (1 - out * out), floating=True, holomorphic=True)
def tanh(xp: Numpy, x: Array) -> Array:
    """Elementwise hyperbolic tangent.

    Args:
        x: a tensor.

    >>> ef.ops.tanh([0.0, 1.0, 100.0]).round(4)
    Tensor(3 float32, [0.    , 0.7616, 1.    ])
    """
    return xp.tanh(x)


@op(lambda xp, g, x: g / xp.sqrt(x * x + 1), floating=True, holomorphic=True)
def arcsinh(xp: Numpy, x: Array) -> Array:
    """Elementwise inverse hyperbolic sine.

    Args:
        x: a tensor.

    >>> ef.ops.arcsinh([0.0, 1.0]).round(4)
    Tensor(2 float32, [0.    , 0.8814])
    """
    return xp.arcsinh(x)


@op(lambda xp, g, x: g / (xp.sqrt(x - 1) * xp.sqrt(x + 1)), floating=True, holomorphic=True)
def arccosh(xp: Numpy, x: Array) -> Array:
    """Elementwise inverse hyperbolic cosine; NaN below 1.

    Args:
        x: a tensor.

    >>> ef.ops.arccosh([1.0, 2.0]).round(4)
    Tensor(2 float32, [0.   , 1.317])
    """
    return xp.arccosh(x)


@op(lambda g, x: g / (1 - x * x), floating=True, holomorphic=True)
def arctanh(xp: Numpy, x: Array) -> Array:
    """Elementwise inverse hyperbolic tangent; NaN outside [-1, 1].

    Args:
        x: a tensor.

    >>> ef.ops.arctanh([0.0, 0.5]).round(4)
    Tensor(2 float32, [0.    , 0.5493])
    """
    return xp.arctanh(x)


@composite
def sinc(x: TensorLike) -> Tensor:
    """Elementwise `sin(πx) / (πx)`, and 1 at 0.

    Args:
        x: a tensor.

    >>> ef.ops.sinc([0.0, 0.5]).round(4)
    Tensor(2 float32, [1.    , 0.6366])
    """
    scaled = multiply(multiply(x, 1.0), math.pi)
    near = less(absolute(scaled), 1)
    # The quotient has no derivative at 0, and loses digits of it nearby; the series is exact there.
    squared = square(where(near, scaled, 0))
    series: Any = 1.0
    for k in range(9, 0, -1):
        series = 1 - multiply(squared, series) / (2 * k * (2 * k + 1))
    far = where(near, 1, scaled)
    return where(near, series, divide(sin(far), far))


@composite
def deg2rad(x: TensorLike) -> Tensor:
    """Converts degrees to radians.

    Args:
        x: a tensor of angles in degrees.

    >>> ef.ops.deg2rad([0.0, 90.0, 180.0]).round(4)
    Tensor(3 float32, [0.    , 1.5708, 3.1416])
    """
    return multiply(x, math.pi / 180)


@composite
def rad2deg(x: TensorLike) -> Tensor:
    """Converts radians to degrees.

    Args:
        x: a tensor of angles in radians.

    >>> ef.ops.rad2deg([0.0, np.pi / 2]).round(4)
    Tensor(2 float32, [ 0., 90.])
    """
    return multiply(x, 180 / math.pi)
