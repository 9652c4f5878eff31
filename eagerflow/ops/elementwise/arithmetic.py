"""The operations of arithmetic. The tape sums a gradient over broadcast axes, so rules need not."""

from __future__ import annotations

import cmath
import math
from typing import Any

from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.dtypes import is_differentiable
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor
from eagerflow.ops.elementwise.complex_numbers import real_part
from eagerflow.ops.elementwise.rounding import sign_of

__all__ = ["abs", "absolute", "add", "divide", "fabs", "floor_divide", "fmod", "mod", "multiply", "negative", "power"]
__all__ += ["reciprocal", "square", "subtract", "true_divide"]


@op(lambda g: g, lambda g: g, weak=True, promotes=True)
def add(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise `x1 + x2`, broadcast.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.add([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [10.0, 20.0, 30.0]).tolist()
    [[11.0, 22.0, 33.0], [14.0, 25.0, 36.0]]
    >>> ef.ops.add([1, 2], 1).tolist()
    [2, 3]
    """
    return x1 + x2


@op(lambda g: g, lambda g: -g, weak=True, promotes=True)
def subtract(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise `x1 - x2`, broadcast.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.subtract([[5.0, 6.0], [7.0, 8.0]], [1.0, 2.0]).tolist()
    [[4.0, 4.0], [6.0, 6.0]]
    """
    return x1 - x2


@op(lambda g, x2: g * x2, lambda g, x1: g * x1, weak=True, promotes=True, holomorphic=True)
def multiply(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise `x1 * x2`, broadcast.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.multiply([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [10.0, 0.5, -1.0]).tolist()
    [[10.0, 1.0, -3.0], [40.0, 2.5, -6.0]]
    """
    return x1 * x2


@op(lambda g, x2: g / x2, lambda g, x2, out: -g * out / x2, weak=True, promotes=True, holomorphic=True)
def divide(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise `x1 / x2`, broadcast; integers become floats.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.divide([[2.0, 4.0], [6.0, 8.0]], [2.0, 4.0]).tolist()
    [[1.0, 1.0], [3.0, 2.0]]
    >>> ef.ops.divide([1, 2], 4).tolist()
    [0.25, 0.5]
    """
    return x1 / x2


true_divide = divide


@op(lambda g: -g)
def negative(xp: Numpy, x: Array) -> Array:
    """Elementwise `-x`.

    Args:
        x: a tensor of numbers (not of bools).

    >>> ef.ops.negative([1.0, -2.0]).tolist()
    [-1.0, 2.0]
    """
    return -x


@op(lambda g, x: g * (x + x), holomorphic=True)
def square(xp: Numpy, x: Array) -> Array:
    """Elementwise `x * x`.

    Args:
        x: a tensor.

    >>> ef.ops.square([1.0, -3.0]).tolist()
    [1.0, 9.0]
    >>> ef.grad(lambda x: ef.ops.square(x).sum())([1.0, -3.0]).tolist()
    [2.0, -6.0]
    """
    return x * x


def _absolute_rule(xp: Numpy, g: Array, x: Array) -> Array:
    if x.dtype.kind != "c":
        return g * xp.sign(x)
    size = xp.absolute(x)  # z / |z| is the direction in which |z| grows fastest
    return real_part(g) * x / xp.where(xp.equal(size, 0), 1, size)


@op(_absolute_rule)
def absolute(xp: Numpy, x: Array) -> Array:
    """Elementwise absolute value; of complex numbers, the modulus, which is real. The gradient at 0 is 0.

    Args:
        x: a tensor.

    >>> ef.ops.absolute([-2.0, 0.0, 3.0]).tolist(), ef.ops.absolute([3 + 4j]).tolist()
    ([2.0, 0.0, 3.0], [5.0])
    >>> ef.grad(lambda x: ef.ops.absolute(x).sum())([-2.0, 0.0, 3.0]).tolist()
    [-1.0, 0.0, 1.0]
    """
    return xp.absolute(x)


abs = absolute


@composite
def fabs(x: TensorLike) -> Tensor:
    """Elementwise `|x|` as a float: integers give `floatx()`.

    Args:
        x: a tensor of real numbers.

    >>> ef.ops.fabs([-2.5, 3.0]).tolist()
    [2.5, 3.0]
    >>> ef.ops.fabs([-2, 3])
    Tensor(2 float32, [2., 3.])
    """
    return absolute(add(x, 0.0))


def _base_rule(xp: Numpy, g: Array, x1: Array, x2: Array) -> Array:
    if hasattr(x2, "dtype"):
        # 0 ** -1 would be infinite where the factor x2 is 0: there the derivative is 0.
        slope = x2 * x1 ** xp.where(xp.equal(x2, 0), 1, x2 - 1)
    else:
        slope = x2 * x1 ** (x2 - 1) if x2 != 0 else xp.zeros_like(x1)
    return g * slope


def _exponent_rule(xp: Numpy, g: Array, x1: Array, out: Array) -> Array:
    if not hasattr(x1, "dtype"):
        return g * (out * _logarithm(x1))
    if out.dtype.kind == "c":
        base = x1.astype(out.dtype)
        return g * (out * xp.log(xp.where(xp.equal(base, 0), 1, base)))
    # The logarithm of a negative base is not real, and that of 0 is multiplied by 0 ** x2 == 0: taken as 0.
    base = x1.astype(g.dtype)
    return g * out * xp.log(xp.where(xp.greater(base, 0), base, 1))


def _logarithm(number: Any) -> Any:
    if isinstance(number, complex):
        return cmath.log(number)
    return math.log(number) if number > 0 else 0.0


@op(_base_rule, _exponent_rule, weak=True, promotes=True, holomorphic=True)
def power(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Elementwise `x1 ** x2`, broadcast.

    Args:
        x1: the bases, a tensor or number.
        x2: the exponents, a tensor or number. Their gradient is 0 where the base isn't positive.

    Raises:
        ValueError: for integers to negative integer powers.

    >>> ef.ops.power([1.0, 2.0, 3.0], 2).tolist()
    [1.0, 4.0, 9.0]
    >>> ef.ops.power(2.0, [0.0, 1.0, 10.0]).tolist()
    [1.0, 2.0, 1024.0]
    """
    if xp.__name__ != "numpy":
        _refuse_fractions(x1, x2)
    return x1**x2


def _refuse_fractions(x1: Any, x2: Any) -> None:
    """NumPy's error, where CuPy gives 0. Which exponents an array has, the GPU has to tell."""
    kinds = [getattr(getattr(x, "dtype", None), "kind", "i" if isinstance(x, int) else "f") for x in (x1, x2)]
    if kinds[0] not in "iub" or kinds[1] != "i":
        return
    negative = x2 < 0
    if negative if isinstance(negative, bool) else negative.any():
        raise ValueError("Integers to negative integer powers are not allowed.")


@composite
def reciprocal(x: TensorLike) -> Tensor:
    """Elementwise `1 / x`.

    Args:
        x: a tensor.

    >>> ef.ops.reciprocal([2.0, -4.0]).tolist()
    [0.5, -0.25]
    """
    return divide(1, x)


def _are_floats(xp: Numpy, x1: Any, x2: Any) -> bool:
    """Whether CuPy would divide these floats, round, and have another remainder (`1.0 % 0.1`, `5.0 % inf`)."""
    if xp.__name__ == "numpy":
        return False
    return any(is_differentiable(x.dtype) if hasattr(x, "dtype") else isinstance(x, float) for x in (x1, x2))


def _parts(xp: Numpy, x1: Any, x2: Any) -> tuple[Any, Any]:
    """The exact remainder with the sign of `x1`, and where that isn't the sign of `x2`."""
    rest = xp.fmod(x1, x2)
    return rest, xp.logical_and(rest != 0, (rest < 0) != (x2 < 0))


def _whole_quotient(xp: Numpy, g: Array, x1: Array, x2: Array) -> Array:
    if isinstance(x2, Tensor):
        return -g * floor_divide(x1, x2)
    return -g * floor_divide.op.forward(xp, x1, x2)  # type: ignore[attr-defined]


@op(lambda g: g, _whole_quotient, weak=True, promotes=True)
def mod(xp: Numpy, x1: Array, x2: Array) -> Array:
    """The remainder of `x1 / x2` with the sign of `x2`, as Python's `%`.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.mod([5.0, -5.0], 3).tolist()
    [2.0, 1.0]
    """
    if _are_floats(xp, x1, x2):
        rest, turns = _parts(xp, x1, x2)
        return xp.where(turns, rest + x2, rest)
    return x1 % x2


@op(weak=True, promotes=True)
def floor_divide(xp: Numpy, x1: Array, x2: Array) -> Array:
    """The largest whole number ≤ `x1 / x2`, as Python's `//`. Its gradient is zero.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.floor_divide([7, -7], 2).tolist()
    [3, -4]
    """
    if _are_floats(xp, x1, x2):
        rest, turns = _parts(xp, x1, x2)
        quotient = (x1 - rest) / x2 - turns
        whole = xp.floor(quotient)
        return xp.where(xp.equal(x2, 0), x1 / x2, whole + (quotient - whole > 0.5))  # the quotient was rounded
    return x1 // x2


@composite
def fmod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The remainder of `x1 / x2` with the sign of `x1`, as C's `fmod`.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    >>> ef.ops.fmod([5.0, -5.0], 3).tolist()
    [2.0, -2.0]
    """
    return multiply(sign_of(x1), mod(absolute(x1), absolute(x2)))
