"""Integers of four bits, two in a byte, and numbers from them."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import ops
from eagerflow.base.errors import WrongTypeError, expect_one_of
from eagerflow.base.typing import TensorLike
from eagerflow.core.tensor import Tensor, convert_to_tensor

__all__ = ["pack_int4", "unpack_int4"]


def pack_int4(arr: TensorLike, axis: int = 0, dtype: str = "int8") -> tuple[Tensor, tuple[int, ...], int]:
    """Packs pairs of 4-bit integers along an axis into one byte each, the first into the lower four bits.

    Args:
        arr: integers from -8 to 7.
        axis: the axis along which they are paired; an odd length is padded with 0.
        dtype: the type of the integers and of the bytes: `"int8"` or `"uint8"`.

    Returns:
        The bytes, their shape, and the original length of the axis.

    Raises:
        ValueError: for another `dtype`.
        TypeError: for integers of another type.

    >>> packed, shape, length = ef.quantizers.pack_int4(np.array([[-3, 7], [2, -8], [1, 0]], "int8"))
    >>> packed.tolist(), shape, length
    ([[45, -121], [1, 0]], (2, 2), 3)
    """
    expect_one_of("pack_int4", "dtype", dtype, ("int8", "uint8"))
    given = convert_to_tensor(arr)
    if given.dtype != dtype:
        raise WrongTypeError(f"pack_int4: expected {dtype}; got {given.dtype.name}.")
    values = numpy.moveaxis(numpy.asarray(given), axis, 0)
    length = values.shape[0]
    if length % 2:
        values = numpy.concatenate([values, numpy.zeros((1, *values.shape[1:]), dtype)])
    low, high = (values[start::2].view("uint8") & 15 for start in (0, 1))
    packed = numpy.ascontiguousarray(numpy.moveaxis((low | high << 4).view(dtype), 0, axis))
    return Tensor(packed), packed.shape, length


def unpack_int4(packed: TensorLike, orig_len: int, axis: int = 0, dtype: str = "int8") -> Tensor:
    """Unpacks the 4-bit integers that `pack_int4` packed.

    Args:
        packed: the bytes.
        orig_len: the original length of the axis.
        axis: the axis along which they were paired.
        dtype: `"int8"` for integers from -8 to 7, `"uint8"` for 0 to 15.

    Raises:
        ValueError: for another `dtype`.
        TypeError: when `packed` isn't int8 or uint8.

    >>> ef.quantizers.unpack_int4(np.array([[45, -121], [1, 0]], "int8"), 3).tolist()
    [[-3, 7], [2, -8], [1, 0]]
    """
    expect_one_of("unpack_int4", "dtype", dtype, ("int8", "uint8"))
    given = convert_to_tensor(packed)
    if given.dtype.name not in ("int8", "uint8"):
        raise WrongTypeError(f"unpack_int4: expected int8 or uint8; got {given.dtype.name}.")
    place = axis % given.ndim
    low, high = ops.bitwise_and(given, 15), ops.bitwise_and(ops.right_shift(given, 4), 15)
    both = ops.cast(ops.stack([low, high], axis=place + 1), dtype)
    if dtype == "int8":
        both = ops.cast(ops.bitwise_xor(both, 8) - 8, dtype)
    shape = (*given.shape[:place], 2 * given.shape[place], *given.shape[place + 1 :])
    whole = (*(slice(None) for _ in range(place)), slice(orig_len))
    return ops.reshape(both, shape)[whole]


def dequantized(values: Any, scale: Any, zero: Any, groups: Any, axis: int, dtype: Any) -> Tensor:
    """The numbers that integers with a zero point stand for.

    Args:
        values: the integers.
        scale: a scale for each group.
        zero: the integers of zero, likewise.
        groups: the group of each index of `axis`.
        axis: of `scale`, along which groups lie; the values of a group lie along the same one.
        dtype: the type of the numbers.
    """
    groups = ops.cast(groups, "int32")
    of_each, zeros = ops.take(scale, groups, axis=axis), ops.take(zero, groups, axis=axis)
    return ops.cast((ops.cast(values, dtype) - ops.cast(zeros, dtype)) * of_each, dtype)
