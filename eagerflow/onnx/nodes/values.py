"""What nodes compute with: tensors, known ones among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.core.tensor import Tensor
from eagerflow.onnx.messages import TYPES

__all__ = ["Known", "as_type", "axes_in", "counts", "is_real", "known", "numbers", "type_numbered"]

_NAMES = {number: name for name, number in TYPES.items()}


class Known(Tensor):
    """A tensor that doesn't depend on the values of the inputs: a constant, a shape, what follows from shapes.

    Nodes on such alone aren't recorded, so what a graph computes to find a shape is seen nowhere.
    """

    __slots__ = ()


def known(x: Any) -> Known:
    """An array as a known tensor, without a copy."""
    return Known(numpy.asarray(x), None, None)


def numbers(x: Any) -> Any:
    """The values, as an array."""
    return numpy.asarray(x.data)


def counts(x: Any) -> list[int]:
    """A tensor of integers (a shape, axes) as a list.

    Raises:
        ValueError: for anything but integers along one axis.
    """
    array = numbers(x)
    if array.dtype.kind not in "iu" or array.ndim > 1 or array.size > 10_000:
        raise ValueError(f"expected a short row of integers; got {array.dtype}{list(array.shape)}.")
    found: list[int] = array.reshape(-1).tolist()
    return found


def as_type(x: Any, dtype: Any) -> Any:
    """A tensor as another type, where it has another."""
    return x if x.dtype == dtype else ops.cast(x, str(numpy.dtype(dtype)))


def is_real(dtype: Any) -> bool:
    """Whether a type is one of floating-point numbers, bfloat16 among them."""
    return bool(dtype.kind == "f" or dtype.name == "bfloat16")


def axes_in(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front.

    Raises:
        ValueError: for axes that a tensor of this rank doesn't have, or one twice.
    """
    found = tuple([int(a) + rank if a < 0 else int(a) for a in axes])
    if any(not 0 <= a < rank for a in found) or len(set(found)) < len(found):
        raise ValueError(f"axes {list(axes)[:9]} of a tensor with {rank} axes.")
    return found


def type_numbered(number: Any) -> numpy.dtype:
    """The type of a number of ONNX' `TensorProto.DataType`.

    Raises:
        ValueError: for types that tensors don't have here.
    """
    if isinstance(number, numpy.dtype):
        return number
    name = _NAMES.get(number)
    if name is None:
        raise ValueError(f"the type number {number!r:.20} (of text, complex, 8-bit or 4-bit floats?) isn't known here.")
    if name != "bfloat16":
        return numpy.dtype(name)
    return numpy.dtype(ops.cast(numpy.float32(0), name).dtype)
