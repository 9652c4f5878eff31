"""Data types: changing them, and asking for them."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.typing import Array, DType, Numpy, TensorLike
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor, is_tensor
from eagerflow.ops.elementwise.complex_numbers import real_part
from eagerflow.ops.elementwise.selection import clip

__all__ = ["cast", "convert_to_numpy", "convert_to_tensor", "copy", "dtype", "is_tensor", "ndim", "saturate_cast"]
__all__ += ["shape", "size", "view"]


def _cast_rule(g: Array, kind: Any, dtype: DType) -> Array:
    if kind.kind != "c" or as_dtype(dtype).kind != "c":  # only between complex types imaginary parts pass
        g = real_part(g)
    return g if g.dtype == kind else g.astype(kind)


@op(_cast_rule, arrays=("x",), saves=("kind",), may_round=True)
def cast(xp: Numpy, x: Array, dtype: DType) -> Any:
    """Casts `x` to another data type. Gradients flow between floating-point types, and are cast back.

    Args:
        x: a tensor. Floats are truncated to integers; complex numbers lose their imaginary part.
        dtype: a type name.

    Raises:
        ValueError: for an unknown type.

    >>> ef.ops.cast([1.7, -2.2], "float64").dtype.name
    'float64'
    >>> ef.ops.cast([1.7, -2.2], "int32").tolist(), ef.ops.cast([True, False], "float32").tolist()
    ([1, -2], [1.0, 0.0])
    """
    kind = as_dtype(dtype)
    if x.dtype.kind == "c" and kind.kind not in "cb":
        return x.real.astype(kind), x.dtype
    return x.astype(kind, copy=False), x.dtype


@composite
def saturate_cast(x: TensorLike, dtype: DType) -> Tensor:
    """Casts `x` to another data type; values outside of its range become its smallest or largest value.

    Args:
        x: a tensor of real numbers.
        dtype: a type name.

    >>> ef.ops.saturate_cast([300.0, -5.0], "uint8").tolist()
    [255, 0]
    """
    x, kind = convert_to_tensor(x), as_dtype(dtype)
    if kind.kind == "b" or x.dtype.kind in "bc" or x.dtype == kind:
        return cast(x, kind)
    low, high = _limits(kind)
    own_low, own_high = _limits(x.dtype)
    low, high = max(low, own_low), min(high, own_high)
    return cast(clip(x, _inside(low, x.dtype), _inside(high, x.dtype)), kind)


def _limits(kind: numpy.dtype) -> tuple[Any, Any]:
    if kind.kind in "iu":
        return int(numpy.iinfo(kind).min), int(numpy.iinfo(kind).max)
    if kind.name == "bfloat16":
        return -3.3895313892515355e38, 3.3895313892515355e38
    return float(numpy.finfo(kind).min), float(numpy.finfo(kind).max)


def _inside(bound: Any, kind: numpy.dtype) -> Any:
    """The number of a type nearest to `bound` that doesn't lie beyond it."""
    if kind.kind in "iu":
        return int(bound)
    nearest = kind.type(bound)
    beyond = abs(float(nearest)) > abs(bound)
    return float(numpy.nextafter(nearest, kind.type(0)) if beyond else nearest)


@op(lambda g: g)
def copy(xp: Numpy, x: Array) -> Array:
    """A copy of `x` in new memory.

    Args:
        x: a tensor.

    >>> x = ef.Tensor([1.0, 2.0])
    >>> ef.ops.copy(x) is x, ef.ops.copy(x).tolist()
    (False, [1.0, 2.0])
    """
    return x.copy()


def convert_to_numpy(x: TensorLike) -> numpy.ndarray:
    """Copies the values of `x` to a NumPy array, from any device.

    Args:
        x: a tensor, or anything that a tensor can be made of.

    >>> ef.ops.convert_to_numpy([1.0, 2.0]).tolist()
    [1.0, 2.0]
    >>> ef.ops.convert_to_numpy(ef.Variable([1.0, 2.0]) * 3).tolist()
    [3.0, 6.0]
    """
    return convert_to_tensor(x).numpy()


@composite
def shape(x: TensorLike) -> tuple[int, ...]:
    """The lengths of the axes, as a tuple.

    Args:
        x: a tensor, or anything that one can be made of.

    >>> ef.ops.shape([[1, 2]])
    (1, 2)
    >>> x = ef.Variable([[1.0, 2.0]])
    >>> ef.ops.reshape(x, ef.ops.shape(x)[::-1]).tolist()
    [[1.0], [2.0]]
    """
    return convert_to_tensor(x).shape


@composite
def ndim(x: TensorLike) -> int:
    """The number of axes.

    Args:
        x: a tensor, or anything that one can be made of.

    >>> ef.ops.ndim([[1, 2]])
    2
    >>> x = ef.Variable([[1.0, 2.0], [3.0, 4.0]])
    >>> ef.ops.sum(x, axis=tuple(range(1, ef.ops.ndim(x)))).tolist()  # over all axes but the first
    [3.0, 7.0]
    """
    return convert_to_tensor(x).ndim


@composite
def size(x: TensorLike) -> int:
    """The number of elements.

    Args:
        x: a tensor, or anything that one can be made of.

    >>> ef.ops.size([[1, 2]])
    2
    >>> x = ef.Variable([[1.0, 2.0], [3.0, 6.0]])
    >>> (ef.ops.sum(x) / ef.ops.size(x)).tolist()  # the mean
    3.0
    """
    return convert_to_tensor(x).size


def dtype(x: TensorLike) -> str:
    """The name of the data type.

    Args:
        x: a tensor, or anything that one can be made of.

    >>> ef.ops.dtype([1.0])
    'float32'
    >>> x = ef.Variable([0.5, 1.5])
    >>> (ef.ops.cast([1, 2], ef.ops.dtype(x)) * x).tolist()
    [0.5, 3.0]
    """
    return convert_to_tensor(x).dtype.name


@op(arrays=("x",), gradient="raises", may_round=True, why="it reads the same bits as another type of number")
def reinterpret(xp: Numpy, x: Array, dtype: DType) -> Array:
    """The same bits, read as another type."""
    return x.view(as_dtype(dtype))


@composite
def view(x: TensorLike, dtype: DType = None) -> Tensor:
    """Reinterprets the bytes of `x` as another data type. No gradient flows.

    Args:
        x: a tensor. The length of its last axis changes with the size of the type.
        dtype: a type name; default: `x` is returned unchanged.

    Raises:
        ValueError: when the last axis can't be divided so.

    >>> ef.ops.view(np.array([1.0], "float32"), "int32").tolist()
    [1065353216]
    """
    x = convert_to_tensor(x)
    return x if dtype is None else reinterpret(x, dtype)
