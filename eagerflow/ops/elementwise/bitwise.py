"""Arithmetic of integers: bits, shifts, divisors. Integers have no gradient."""

from __future__ import annotations

from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.elementwise.arithmetic import multiply
from eagerflow.ops.elementwise.comparison import less

__all__ = ["bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift"]
__all__ += ["bitwise_xor", "gcd", "lcm", "left_shift", "nextafter", "right_shift", "signbit"]


@op(weak=True)
def bitwise(xp: Numpy, x1: Array, x2: Array, function: str = "") -> Array:
    """One of the array module's functions on numbers as machines hold them."""
    return getattr(xp, function)(x1, x2)


@composite
def bitwise_and(x: TensorLike, y: TensorLike) -> Tensor:
    """Elementwise `x & y`: the bits that both have.

    Args:
        x: a tensor of integers or bools.
        y: a tensor of integers or bools.

    Raises:
        TypeError: for floats.

    >>> [bin(n) for n in ef.ops.bitwise_and([0b0110], [0b0011]).tolist()]
    ['0b10']
    """
    return bitwise(x, y, "bitwise_and")


@composite
def bitwise_or(x: TensorLike, y: TensorLike) -> Tensor:
    """Elementwise `x | y`: the bits that either has.

    Args:
        x: a tensor of integers or bools.
        y: a tensor of integers or bools.

    Raises:
        TypeError: for floats.

    >>> [bin(n) for n in ef.ops.bitwise_or([0b0110], [0b0011]).tolist()]
    ['0b111']
    """
    return bitwise(x, y, "bitwise_or")


@composite
def bitwise_xor(x: TensorLike, y: TensorLike) -> Tensor:
    """Elementwise `x ^ y`: the bits that only one has.

    Args:
        x: a tensor of integers or bools.
        y: a tensor of integers or bools.

    Raises:
        TypeError: for floats.

    >>> [bin(n) for n in ef.ops.bitwise_xor([0b0110], [0b0011]).tolist()]
    ['0b101']
    """
    return bitwise(x, y, "bitwise_xor")


@composite
def bitwise_invert(x: TensorLike) -> Tensor:
    """Elementwise `~x`: every bit flipped; "not" for bools.

    Args:
        x: a tensor of integers or bools.

    Raises:
        TypeError: for floats.

    >>> ef.ops.bitwise_invert([0, 5]).tolist(), ef.ops.bitwise_invert([True, False]).tolist()
    ([-1, -6], [False, True])
    """
    x = convert_to_tensor(x)
    ones = {"b": True, "u": 2 ** (8 * x.dtype.itemsize) - 1}.get(x.dtype.kind, -1)
    return bitwise(x, ones, "bitwise_xor")


bitwise_not = bitwise_invert


@composite
def left_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """Elementwise `x << y`: the bits shifted to the left by `y` places.

    Args:
        x: a tensor of integers.
        y: a tensor of integers.

    Raises:
        TypeError: for floats.

    >>> ef.ops.left_shift([1, 3], [4, 1]).tolist()
    [16, 6]
    """
    return bitwise(x, y, "left_shift")


@composite
def right_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """Elementwise `x >> y`: the bits shifted to the right by `y` places; the sign is kept.

    Args:
        x: a tensor of integers.
        y: a tensor of integers.

    Raises:
        TypeError: for floats.

    >>> ef.ops.right_shift([16, -8], [2, 1]).tolist()
    [4, -4]
    """
    return bitwise(x, y, "right_shift")


bitwise_left_shift = left_shift
bitwise_right_shift = right_shift


@composite
def gcd(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Elementwise greatest common divisor.

    Args:
        x1: a tensor of integers.
        x2: a tensor of integers.

    Raises:
        TypeError: for floats.

    >>> ef.ops.gcd([12, 7], [18, 21]).tolist()
    [6, 7]
    """
    return bitwise(x1, x2, "gcd")


@composite
def lcm(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Elementwise least common multiple.

    Args:
        x1: a tensor of integers.
        x2: a tensor of integers.

    Raises:
        TypeError: for floats.

    >>> ef.ops.lcm([4, 3], [6, 5]).tolist()
    [12, 15]
    """
    return bitwise(x1, x2, "lcm")


@composite
def nextafter(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The next representable number after `x1` in the direction of `x2`, elementwise.

    Args:
        x1: a tensor of floats.
        x2: a tensor of floats.

    >>> bool(ef.ops.nextafter(1.0, 2.0) > 1.0)
    True
    """
    return bitwise(multiply(x1, 1.0), multiply(x2, 1.0), "nextafter")


@composite
def signbit(x: TensorLike) -> Tensor:
    """Whether the sign bit of each element is set: for negative numbers and -0.

    Args:
        x: a tensor of real numbers.

    >>> ef.ops.signbit([-1.0, -0.0, 0.0]).tolist()
    [True, True, False]
    """
    return less(bitwise(1.0, multiply(x, 1.0), "copysign"), 0)
