"""Tensors made, joined, cut and rearranged, under TensorFlow's names and with its arguments."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy

from eagerflow import ops
from eagerflow.compat.arguments import renamed
from eagerflow.compat.shapes import Count, Lengths, counted
from eagerflow.compat.tensorflow.casts import numbered
from eagerflow.compat.tensorflow.text.text_ops import or_text
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import text_tensor

__all__ = ["argsort", "boolean_mask", "broadcast_to", "concat", "einsum", "expand_dims", "eye", "fill", "gather"]
__all__ += ["gather_nd", "linspace", "map_fn", "meshgrid", "norm", "one_hot", "ones", "ones_like", "pad", "range"]
__all__ += ["rank", "repeat", "reshape", "reverse", "roll", "scatter_nd", "searchsorted", "shape"]
__all__ += ["size", "slice", "sort", "split", "squeeze", "stack", "tensor_scatter_nd_add", "tensor_scatter_nd_max"]
__all__ += ["tensor_scatter_nd_min", "tensor_scatter_nd_sub", "tensor_scatter_nd_update", "tensordot", "tile"]
__all__ += ["transpose", "unique", "unstack", "where", "zeros", "zeros_like"]
__all__ += ["strided_slice"]

einsum, searchsorted = ops.einsum, ops.searchsorted
zeros_like, ones_like = renamed(ops.zeros_like, "input dtype"), renamed(ops.ones_like, "input dtype")
linspace = renamed(ops.linspace, "start stop num name: axis:axis")
broadcast_to, roll = renamed(ops.broadcast_to, "input shape"), renamed(ops.roll, "input shift axis")
scatter_nd, tensordot = renamed(ops.scatter, "indices updates shape"), renamed(ops.tensordot, "a b axes")
meshgrid = ops.meshgrid
range = renamed(ops.arange, "start limit delta dtype", step=1)

# Of text, too.
concat = or_text(lambda values, axis: numpy.concatenate([text_tensor(x) for x in values], axis))(
    renamed(ops.concatenate, "values axis")
)
stack = or_text(lambda values, axis=0: numpy.stack([text_tensor(x) for x in values], axis))(
    renamed(ops.stack, "values axis")
)
unstack = or_text(lambda x, num=None, axis=0: list(text_tensor(numpy.moveaxis(text_tensor(x), axis, 0))))(
    renamed(ops.unstack, "value num axis")
)
reshape = or_text(lambda x, shape: text_tensor(x).reshape(tuple(numpy.ravel(ops.convert_to_numpy(shape)).tolist())))(
    renamed(ops.reshape, "tensor shape")
)
tile = or_text(lambda x, multiples: numpy.tile(text_tensor(x), tuple(multiples)))(renamed(ops.tile, "input multiples"))
repeat = or_text(lambda x, repeats, axis=None: numpy.repeat(text_tensor(x), repeats, axis))(
    renamed(ops.repeat, "input repeats axis")
)
expand_dims = or_text(lambda x, axis: numpy.expand_dims(text_tensor(x), axis))(renamed(ops.expand_dims, "input axis"))


def _of_type(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def call(shape: Any, dtype: Any = "float32", name: str | None = None) -> Tensor:
        return op(shape, numbered(dtype))

    return call


zeros, ones = _of_type(ops.zeros), _of_type(ops.ones)


def map_fn(fn: Callable[[Any], Any], elems: Any, *args: Any, **kwargs: Any) -> Any:
    """The results of a function for every row, stacked; other arguments are accepted for TensorFlow's signature."""
    return ops.map(fn, elems)


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """One number everywhere.

    >>> fill((2, 2), 7).tolist()
    [[7, 7], [7, 7]]
    """
    return ops.broadcast_to(ops.convert_to_tensor(value), dims)


def eye(
    num_rows: int,
    num_columns: int | None = None,
    batch_shape: Any = None,
    dtype: Any = "float32",
    name: str | None = None,
) -> Tensor:
    """The identity matrix, or many of them.

    >>> eye(2).tolist(), eye(2, batch_shape=[3]).shape
    ([[1.0, 0.0], [0.0, 1.0]], (3, 2, 2))
    """
    matrix = ops.eye(num_rows, num_columns, dtype=dtype)
    if batch_shape is None:
        return matrix
    return ops.broadcast_to(matrix, (*[int(n) for n in batch_shape], *matrix.shape))


def one_hot(
    indices: Any,
    depth: int,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """A new axis with `on_value` (1) at the place that each index names, `off_value` (0) elsewhere.

    >>> one_hot([1, 0], 3).tolist(), one_hot([1, 0], 2, on_value=5.0, off_value=-1.0).tolist()
    ([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], [[-1.0, 5.0], [5.0, -1.0]])
    """
    hot = ops.one_hot(indices, depth, axis=-1 if axis is None else axis, dtype=dtype or "float32")
    if on_value is None and off_value is None:
        return hot
    on, off = (1 if on_value is None else on_value), (0 if off_value is None else off_value)
    return hot * (on - off) + off


@or_text(lambda x, *_, **__: Lengths(text_tensor(x).shape))
def shape(input: Any, out_type: Any = None, name: str | None = None) -> Lengths:
    """The shape: a tuple of numbers, None where a symbolic tensor doesn't know; it counts as a vector.

    >>> shape([[1, 2, 3], [4, 5, 6]])
    (2, 3)
    """
    return Lengths(ops.convert_to_tensor(input).shape)


@or_text(lambda x, *_, **__: counted(text_tensor(x).size))
def size(input: Any, out_type: Any = None, name: str | None = None) -> int:
    """The number of elements.

    >>> int(size([[1, 2, 3], [4, 5, 6]]))
    6
    """
    return cast(int, counted(ops.size(input)))


def rank(input: Any, name: str | None = None) -> int:
    """The number of axes.

    >>> int(rank([[1, 2, 3], [4, 5, 6]]))
    2
    """
    return Count(len(shape(input)))


def split(value: Any, num_or_size_splits: Any, axis: int = 0, num: Any = None, name: str | None = None) -> list[Tensor]:
    """Parts along an axis: a number of equal ones, or ones of these lengths.

    >>> [part.tolist() for part in split([1, 2, 3, 4], 2)], [part.tolist() for part in split([1, 2, 3, 4], [1, 3])]
    ([[1, 2], [3, 4]], [[1], [2, 3, 4]])
    """
    if isinstance(num_or_size_splits, int):
        return ops.split(value, num_or_size_splits, axis)
    sizes = list(num_or_size_splits)
    if -1 in sizes:
        sizes[sizes.index(-1)] = shape(value)[axis] - sum(sizes) - 1
    return ops.split(value, list(itertools.accumulate(sizes))[:-1], axis)


@or_text(lambda x, axis=None: numpy.squeeze(text_tensor(x), tuple(axis) if isinstance(axis, Sequence) else axis))
def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Without axes of length one.

    >>> squeeze([[1, 2]]).tolist()
    [1, 2]
    """
    return ops.squeeze(input, tuple(axis) if isinstance(axis, Sequence) else axis)


@or_text(lambda x, perm=None, **_: numpy.transpose(text_tensor(x), perm))
def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str | None = None) -> Tensor:
    """The axes in another order.

    >>> transpose([[1, 2, 3], [4, 5, 6]]).tolist()
    [[1, 4], [2, 5], [3, 6]]
    """
    return ops.transpose(ops.conj(a) if conjugate else a, perm)


@or_text(lambda x, axis: numpy.flip(text_tensor(x), axis if isinstance(axis, int) else tuple(axis)))
def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """Backwards along some axes.

    >>> reverse([[1, 2, 3], [4, 5, 6]], [1]).tolist()
    [[3, 2, 1], [6, 5, 4]]
    """
    return ops.flip(tensor, axis if isinstance(axis, int) else tuple(axis))


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None
) -> Tensor:
    """Numbers around a tensor: constant, or mirrored (`"REFLECT"`, `"SYMMETRIC"`).

    >>> pad([1, 2, 3], [[1, 2]]).tolist(), pad([1, 2, 3], [[2, 2]], mode="REFLECT").tolist()
    ([0, 1, 2, 3, 0, 0], [3, 2, 1, 2, 3, 2, 1])
    """
    widths = [tuple(int(n) for n in pair) for pair in paddings]
    if mode.upper() == "CONSTANT":
        return ops.pad(tensor, widths, "constant", constant_values)
    how: Any = mode.lower()
    return ops.pad(tensor, widths, how)


def slice(input_: Any, begin: Sequence[int], size: Sequence[int], name: str | None = None) -> Tensor:
    """`size` elements from `begin` on, for every axis; a size of -1 means all that follow.

    >>> slice([[1, 2, 3], [4, 5, 6]], [0, 1], [2, -1]).tolist()
    [[2, 3], [5, 6]]
    """
    rest = ops.convert_to_tensor(input_)
    for axis, (first, length) in enumerate(zip(begin, size, strict=True)):
        rest = ops.take(rest, ops.arange(first, rest.shape[axis] if length == -1 else first + length), axis=axis)
    return rest


def strided_slice(input_: Any, begin: Any, end: Any, strides: Any = None, **masks: Any) -> Tensor:
    """`input_[begin:end:strides]` along each axis. For the masks, write Python's own indices.

    >>> strided_slice([[1, 2, 3], [4, 5, 6]], [0, 1], [2, 3]).tolist()
    [[2, 3], [5, 6]]
    """
    if any(value for name, value in masks.items() if name.endswith("_mask")):
        raise ValueError(f"strided_slice({', '.join(masks)}): masks aren't possible. Fix: write x[1:3, ..., None].")
    ends = zip(begin, end, [1] * len(begin) if strides is None else strides, strict=True)
    return ops.convert_to_tensor(input_)[tuple([builtins.slice(*map(int, three)) for three in ends])]


@or_text(lambda x, indices, *_, axis=None, **__: numpy.take(text_tensor(x), ops.convert_to_numpy(indices), axis or 0))
def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: int | None = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Tensor:
    """The rows with these numbers; with `batch_dims` 1, of each example its own.

    >>> gather([[1, 2], [3, 4], [5, 6]], [2, 0]).tolist(), gather([[1, 2], [3, 4]], [1, 0], batch_dims=1).tolist()
    ([[5, 6], [1, 2]], [2, 3])
    """
    if batch_dims == 0:
        return ops.take(params, indices, axis=axis or 0)
    params, indices = ops.convert_to_tensor(params), ops.convert_to_tensor(indices)
    if batch_dims != 1 or axis not in (None, 1):
        raise ValueError(f"gather(axis={axis}, batch_dims={batch_dims}): use ops.take_along_axis.")
    rows = ops.reshape(ops.arange(params.shape[0]), (-1, *[1] * (len(indices.shape) - 1)))
    return params[rows, indices]


def gather_nd(params: Any, indices: Any, batch_dims: int = 0, name: str | None = None) -> Tensor:
    """The elements at places that the last axis of `indices` spells out.

    >>> gather_nd([[1, 2], [3, 4]], [[0, 1], [1, 0]]).tolist()
    [2, 3]
    """
    if batch_dims:
        raise ValueError("gather_nd(batch_dims=...): put the number of the example into the indices.")
    return ops.convert_to_tensor(params)[tuple(ops.unstack(ops.convert_to_tensor(indices), axis=-1))]


@or_text(
    lambda x, mask, axis=None: numpy.asarray(text_tensor(x))[
        (builtins.slice(None),) * (axis or 0) + (ops.convert_to_numpy(mask),)
    ]
)
def boolean_mask(tensor: Any, mask: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """The elements (or rows) where the mask is true.

    >>> boolean_mask([1, 2, 3], [True, False, True]).tolist()
    [1, 3]
    """
    places = ops.nonzero(ops.cast(ops.convert_to_tensor(mask), "bool"))
    return ops.convert_to_tensor(tensor)[(builtins.slice(None),) * (axis or 0) + tuple(places)]


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """`x` where the condition is true, `y` elsewhere; without these, the places where it is true, one per row.

    >>> where([True, False], [1, 2], [10, 20]).tolist(), where([False, True, True]).tolist()
    ([1, 20], [[1], [2]])
    """
    if x is not None:
        return ops.where(condition, x, y)
    return ops.cast(ops.stack(list(ops.nonzero(condition)), axis=-1), "int64")


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """The numbers in order.

    >>> sort([3, 1, 2]).tolist(), sort([3, 1, 2], direction="DESCENDING").tolist()
    ([1, 2, 3], [3, 2, 1])
    """
    in_order = ops.sort(values, axis)
    return ops.flip(in_order, axis) if direction == "DESCENDING" else in_order


def argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Tensor:
    """The places of the numbers in order; equal ones stay in theirs.

    >>> argsort([3, 1, 2]).tolist(), argsort([3, 1, 2], direction="DESCENDING").tolist()
    ([1, 2, 0], [0, 2, 1])
    """
    return ops.argsort(ops.negative(values) if direction == "DESCENDING" else values, axis)


class Unique(NamedTuple):
    """What `unique` gives.

    Attributes:
        y: the different values.
        idx: for each element the place of its value.
    """

    y: Any
    idx: Tensor


def _unique_words(words: Any, out_idx: Any) -> Unique:
    """The different words in their order, and for each the place of its like."""
    places: dict[Any, int] = {}
    found = [places.setdefault(word, len(places)) for word in words.reshape(-1).tolist()]
    return Unique(text_tensor(list(places)), ops.convert_to_tensor(numpy.array(found, out_idx)))


@or_text(lambda x, out_idx="int32": _unique_words(text_tensor(x), out_idx))
def unique(x: Any, out_idx: Any = "int32", name: str | None = None) -> Unique:
    """The different numbers in the order in which they first occur, and for each element the place of its number.

    >>> values, places = unique([7, 5, 7])
    >>> values.tolist(), places.tolist()
    ([7, 5], [0, 1, 0])
    """
    found, first, inverse = ops.unique(x, return_index=True, return_inverse=True)
    order = ops.argsort(first)
    places = ops.argsort(order)
    return Unique(ops.take(found, order), ops.cast(ops.take(places, ops.reshape(inverse, (-1,))), out_idx))


def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The length of vectors (or of the whole tensor), or another norm.

    >>> float(norm([3.0, 4.0])), norm([[3.0, 4.0], [6.0, 8.0]], axis=1).tolist()
    (5.0, [5.0, 10.0])
    """
    axes = tuple(axis) if isinstance(axis, Sequence) else axis
    if ord == "euclidean":
        return ops.sqrt(ops.sum(ops.square(ops.abs(tensor)), axes, keepdims))
    return ops.norm(ops.reshape(tensor, (-1,)) if axes is None else tensor, ord, axes, keepdims)


def _scattering(reduction: Any, sign: int = 1) -> Any:
    def call(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        changes = ops.negative(updates) if sign < 0 else updates
        return ops.scatter_update(tensor, indices, changes, reduction)

    return call


tensor_scatter_nd_update, tensor_scatter_nd_add = _scattering(None), _scattering("add")
tensor_scatter_nd_sub = _scattering("add", -1)
tensor_scatter_nd_max, tensor_scatter_nd_min = _scattering("max"), _scattering("min")
