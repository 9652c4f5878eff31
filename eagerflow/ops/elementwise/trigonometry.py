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
    """
    return xp.sin(x)


@op(lambda xp, g, x: -g * xp.sin(x), floating=True, holomorphic=True)
def cos(xp: Numpy, x: Array) -> Array:
    """Elementwise cosine.

    Args:
        x: a tensor of angles in radians.

    >>> ef.ops.cos([0.0]).tolist()
    [1.0]
    """
    return xp.cos(x)


@op(lambda g, out: g * (out * out + 1), floating=True, holomorphic=True)
def tan(xp: Numpy, x: Array) -> Array:
    """Elementwise tangent.

    Args:
        x: a tensor of angles in radians.
    """
    return xp.tan(x)


@op(lambda xp, g, x: g / xp.sqrt(1 - x * x), floating=True, holomorphic=True)
def arcsin(xp: Numpy, x: Array) -> Array:
    """Elementwise inverse sine, in [-π/2, π/2]; NaN outside [-1, 1].

    Args:
        x: a tensor.
    """
    return xp.arcsin(x)


@op(lambda xp, g, x: -g / xp.sqrt(1 - x * x), floating=True, holomorphic=True)
def arccos(xp: Numpy, x: Array) -> Array:
    """Elementwise inverse cosine, in [0, π]; NaN outside [-1, 1].

    Args:
        x: a tensor.
    """
    return xp.arccos(x)


@op(lambda g, x: g / (x * x + 1), floating=True, holomorphic=True)
def arctan(xp: Numpy, x: Array) -> Array:
    """Elementwise inverse tangent, in [-π/2, π/2].

    Args:
        x: a tensor.
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

    >>> round(float(ef.ops.arctan2(1.0, 0.0)), 4)
    1.5708
    """
    return xp.arctan2(x1, x2)


@op(lambda xp, g, x: g * xp.cosh(x), floating=True, holomorphic=True)
def sinh(xp: Numpy, x: Array) -> Array:
    """Elementwise hyperbolic sine.

    Args:
        x: a tensor.
    """
    return xp.sinh(x)


@op(lambda xp, g, x: g * xp.sinh(x), floating=True, holomorphic=True)
def cosh(xp: Numpy, x: Array) -> Array:
    """Elementwise hyperbolic cosine.

    Args:
        x: a tensor.
    """
    return xp.cosh(x)


@op(lambda g, out: g * (1 - out * out), floating=True, holomorphic=True)
def tanh(xp: Numpy, x: Array) -> Array:
    """Elementwise hyperbolic tangent.

    Args:
        x: a tensor.

    >>> ef.ops.tanh([0.0]).tolist()
    [0.0]
    """
    return xp.tanh(x)


@op(lambda xp, g, x: g / xp.sqrt(x * x + 1), floating=True, holomorphic=True)
def arcsinh(xp: Numpy, x: Array) -> Array:
    """Elementwise inverse hyperbolic sine.

    Args:
        x: a tensor.
    """
    return xp.arcsinh(x)


@op(lambda xp, g, x: g / (xp.sqrt(x - 1) * xp.sqrt(x + 1)), floating=True, holomorphic=True)
def arccosh(xp: Numpy, x: Array) -> Array:
    """Elementwise inverse hyperbolic cosine; NaN below 1.

    Args:
        x: a tensor.
    """
    return xp.arccosh(x)


@op(lambda g, x: g / (1 - x * x), floating=True, holomorphic=True)
def arctanh(xp: Numpy, x: Array) -> Array:
    """Elementwise inverse hyperbolic tangent; NaN outside [-1, 1].

    Args:
        x: a tensor.
    """
    return xp.arctanh(x)


@composite
def sinc(x: TensorLike) -> Tensor:
    """Elementwise `sin(πx) / (πx)`, and 1 at 0.

    Args:
        x: a tensor.

    >>> ef.ops.sinc([0.0]).tolist()
    [1.0]
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
    """Degrees as radians.

    Args:
        x: a tensor of angles in degrees.

    >>> round(float(ef.ops.deg2rad(180.0)), 4)
    3.1416
    """
    return multiply(x, math.pi / 180)


@composite
def rad2deg(x: TensorLike) -> Tensor:
    """Radians as degrees.

    Args:
        x: a tensor of angles in radians.
    """
    return multiply(x, 180 / math.pi)
