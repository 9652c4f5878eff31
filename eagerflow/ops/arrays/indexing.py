"""Indexing: taking elements, and putting them into larger tensors. Positions are integers, without gradient."""

from __future__ import annotations

import builtins
from typing import Any

import numpy

from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.device import CPU, device_of, is_device_array, place
from eagerflow.core.observe import indices as announce_indices, state
from eagerflow.core.op import apply, composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import axis_of
from eagerflow.ops.arrays.collisions import added_at
from eagerflow.ops.arrays.shape import ravel

__all__ = ["get_item", "slice", "take", "take_along_axis"]

_ARRAYS = (Tensor, numpy.ndarray)  # parts of a user's index that are announced to observers


@op(lambda xp, g, x_shape, index: apply(scatter_index, xp, g, index, x_shape))  # type: ignore[has-type]
def take_index(xp: Numpy, x: Array, index: Any = None) -> Array:
    """`x[index]` for any index that NumPy knows; index arrays are raw arrays of x's device."""
    return x[index]


def _gather_rule(xp: Numpy, g: Array, x_shape: tuple[int, ...], indices: Array, axis: int) -> tuple[Any, None]:
    picked = indices.data if isinstance(indices, Tensor) else indices
    return apply(scatter_index, xp, g, (builtins.slice(None),) * axis + (picked,), x_shape), None


@op(_gather_rule, joint=True)
def gather(xp: Numpy, x: Array, indices: Array, axis: int = 0) -> Array:
    """The slices of `x` at `indices` (integers) along `axis`; the indices are an input, so that graphs show them."""
    return x[indices] if axis == 0 else x[(builtins.slice(None),) * axis + (indices,)]


@op(lambda g, index: g[index])
def scatter_index(xp: Numpy, x: Array, index: Any = None, shape: Any = None) -> Array:
    """Zeros of `shape` with `x` added at `index`: the adjoint of indexing."""
    if repeats(index):
        return added_at(xp, x, index, shape)
    out = xp.zeros(shape, x.dtype)
    out[index] = x
    return out


def repeats(index: Any) -> bool:
    """Whether an index may name an element twice: only arrays of integers can."""
    parts = index if isinstance(index, tuple) else (index,)
    return builtins.any(hasattr(part, "dtype") and part.dtype.kind in "iu" and part.ndim for part in parts)


@composite
def get_item(x: TensorLike, key: Any) -> Tensor:
    """Indexing as a function: `x[key]`.

    Args:
        x: a tensor.
        key: integers, slices, None, `...`, tensors or lists of integers or bools, or a tuple of these, with
            NumPy's meaning. On a GPU, integers from a tensor wrap around instead of raising, as in CuPy.

    Raises:
        IndexError: for a position outside.

    >>> x = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    >>> ef.ops.get_item(x, 1).tolist(), ef.ops.get_item(x, (1, 0)).tolist()
    ([4.0, 5.0, 6.0], 4.0)
    """
    if not isinstance(x, Tensor):
        x = convert_to_tensor(x)
    if key.__class__ is not int and key.__class__ is not builtins.slice:
        key = raw_index(x, key, ours=False)
    return take_index(x, key)


def raw_index(x: Tensor, key: Any, ours: bool = True) -> Any:
    """An index as NumPy or CuPy takes it: tensors and lists become arrays on x's device.

    The op that uses it has to come next: this announces the index's tensors to observers, and its arrays unless the
    index is `ours`.
    """
    parts = key if key.__class__ is tuple else (key,)
    raw = [_raw_part(x, part) for part in parts]
    if state.ops:
        named = [part for part in parts if isinstance(part, Tensor if ours else _ARRAYS)]
        if named:
            announce_indices(named)
    return tuple(raw) if key.__class__ is tuple else raw[0]


def _raw_part(x: Tensor, part: Any) -> Any:
    kind = part.__class__
    if kind is int or part is None or part is Ellipsis or kind is bool:
        return part
    if kind is builtins.slice:
        return builtins.slice(_end(part.start), _end(part.stop), _end(part.step))
    if isinstance(part, Tensor):
        return _checked(part.data)
    if isinstance(part, numpy.integer):
        return int(part)
    if is_device_array(part):
        return _checked(part)
    array = numpy.asarray(part)
    if not array.size and not isinstance(part, numpy.ndarray):
        array = array.astype("int64")
    where_to = device_of(x.data)
    return _checked(array) if where_to is CPU else place(_checked(array), where_to)


def _end(value: Any) -> Any:
    return int(value) if isinstance(value, Tensor) else value


def _checked(array: Any) -> Any:
    if array.dtype.kind not in "iub":
        raise IndexError(f"tensors are indexed by integers or bools; got {array.dtype}{list(array.shape)}")
    return array


@composite
def take(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """The slices of `x` at `indices` along `axis`.

    Args:
        x: a tensor.
        indices: a tensor of integers of any shape; negative ones count from the end.
        axis: the axis that the indices are about, in whose place the axes of `indices` come; default: the flattened
            tensor.

    Raises:
        IndexError: for a position outside (on a GPU it wraps around).

    >>> ef.ops.take([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [2, 0], axis=1).tolist()
    [[3.0, 1.0], [6.0, 4.0]]
    """
    x = convert_to_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = axis_of(axis, x.ndim)
    if isinstance(indices, Tensor) and indices.dtype.kind in "iu":
        return gather(x, indices, axis)
    try:
        picked = raw_index(x, indices)
    except IndexError as error:
        raise IndexError(f"take(indices=...): {error}. Fix: ops.cast(indices, 'int32').") from None
    if hasattr(picked, "dtype") and picked.dtype.kind == "b":
        picked = picked.astype("int64")
    return take_index(x, (builtins.slice(None),) * axis + (picked,))


@composite
def take_along_axis(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """Takes elements of `x` at `indices` along `axis`: `out[i, j] = x[indices[i, j], j]` for axis 0.

    Args:
        x: a tensor.
        indices: a tensor of integers with as many axes as `x`; axes other than `axis` are broadcast.
        axis: the axis that the indices are about; default: both are flattened first.

    Raises:
        ValueError: when the numbers of axes differ.
        IndexError: for a position outside (on a GPU it wraps around).

    >>> ef.ops.take_along_axis([[3.0, 1.0], [4.0, 2.0]], [[1], [0]], axis=1).tolist()
    [[1.0], [4.0]]
    """
    x, indices = convert_to_tensor(x), convert_to_tensor(indices)
    if axis is None:
        x, indices, axis = ravel(x), ravel(indices), 0
    axis = axis_of(axis, x.ndim)
    if indices.ndim != x.ndim:
        raise ValueError(f"take_along_axis: indices need as many axes as x; got shapes {indices.shape} and {x.shape}.")
    return take_index(x, raw_index(x, _open_grid(x.shape, indices, axis)))


def _open_grid(shape: tuple[int, ...], indices: Tensor, axis: int) -> tuple[Any, ...]:
    """An index with `indices` along one axis and every position along the others."""
    parts: list[Any] = []
    for i, length in enumerate(shape):
        if i == axis:
            parts.append(indices)
            continue
        count = length if indices.shape[i] == 1 else indices.shape[i]
        if length not in (1, count):
            raise ValueError(f"take_along_axis: shapes {shape} and {indices.shape} don't fit at axis {i}.")
        positions = numpy.arange(count) if length != 1 else numpy.zeros(count, "int64")
        parts.append(positions.reshape((-1,) + (1,) * (len(shape) - 1 - i)))
    return tuple(parts)


@composite
def slice(inputs: TensorLike, start_indices: Any, shape: Any) -> Tensor:
    """The block of `inputs` that begins at `start_indices` and has the given shape.

    Args:
        inputs: a tensor.
        start_indices: the first index of the block along each axis.
        shape: the shape of the block; -1 for a length up to the end of the axis.

    Raises:
        ValueError: when the block doesn't lie inside.

    >>> ef.ops.slice([1.0, 2.0, 3.0, 4.0], [1], [2]).tolist()
    [2.0, 3.0]
    """
    inputs = convert_to_tensor(inputs)
    return take_index(inputs, block("slice", inputs.shape, start_indices, shape))


def block(name: str, whole: tuple[int, ...], start: Any, shape: Any) -> tuple[Any, ...]:
    starts, lengths = [int(s) for s in start], [int(n) for n in shape]
    if not len(starts) == len(lengths) == len(whole):
        raise ValueError(
            f"{name}: needs one start and one length per axis of shape {whole}; got starts {starts}, shape {lengths}."
        )
    ends = [n if length == -1 else s + length for s, length, n in zip(starts, lengths, whole, strict=True)]
    if builtins.any(not 0 <= s <= e <= n for s, e, n in zip(starts, ends, whole, strict=True)):
        raise ValueError(f"{name}: the block from {starts} to {ends} doesn't lie inside a tensor of shape {whole}.")
    return tuple([builtins.slice(s, e) for s, e in zip(starts, ends, strict=True)])
