"""Joining tensors, splitting them, and padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.base.typing import Array, Border, Numpy, TensorLike
from eagerflow.core.dtypes import common_dtype
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import axis_of
from eagerflow.ops.arrays.shape import ravel, reshape
from eagerflow.ops.elementwise.selection import choose

__all__ = ["append", "array_split", "concatenate", "dsplit", "dstack", "hsplit", "hstack", "pad", "split", "stack"]
__all__ += ["unstack", "vsplit", "vstack"]


def _concatenate_rule(g: Array, xs_shape: Any, axis: int) -> list[Any]:
    lead = (slice(None),) * (axis % g.ndim)
    parts, start = [], 0
    for shape in xs_shape:
        stop = start + shape[axis]
        parts.append(g[(*lead, slice(start, stop))])
        start = stop
    return parts


@op(_concatenate_rule, sequence=True)
def concatenate(xp: Numpy, xs: Sequence[Array], axis: int = 0) -> Array:
    """Joins tensors along an existing axis.

    Args:
        xs: a list of tensors; all other axes must have the same lengths.
        axis: the axis to join along.

    Raises:
        ValueError: when there are none, or their shapes don't fit.

    >>> ef.ops.concatenate([[[1.0, 2.0]], [[3.0, 4.0]]], axis=0).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    >>> ef.ops.concatenate([ef.ops.ones((2, 3)), ef.ops.zeros((2, 5))], axis=-1).shape
    (2, 8)
    """
    return xp.concatenate(alike(xp, xs), axis=axis)


def _stack_rule(g: Array, axis: int) -> list[Any]:
    lead = (slice(None),) * (axis % g.ndim)
    return [g[(*lead, i)] for i in range(g.shape[axis])]


@op(_stack_rule, sequence=True)
def stack(xp: Numpy, x: Sequence[Array], axis: int = 0) -> Array:
    """Joins tensors of the same shape along a new axis.

    Args:
        x: a list of tensors.
        axis: the position of the new axis in the result.

    Raises:
        ValueError: when there are none, or their shapes differ.

    >>> ef.ops.stack([[1.0, 2.0], [3.0, 4.0]]).tolist(), ef.ops.stack([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
    ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 3.0], [2.0, 4.0]])
    """
    return xp.stack(alike(xp, x), axis=axis)


def alike(xp: Numpy, arrays: Sequence[Array]) -> Sequence[Array]:
    """The arrays in their common type, in which float64 appears only where one of them is float64."""
    kinds = {array.dtype for array in arrays}
    if len(kinds) == 1:
        return arrays
    common = common_dtype(*kinds)
    if common == "float64" and common not in kinds:
        floats = [kind for kind in kinds if kind.kind == "f"]
        common = max(floats, key=lambda kind: kind.itemsize)
    return [array.astype(common) for array in arrays]


@composite
def hstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joins tensors horizontally: along axis 1, or axis 0 of vectors.

    Args:
        xs: a list of tensors.

    >>> ef.ops.hstack([[[1.0], [2.0]], [[3.0], [4.0]]]).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    tensors = [_at_least(x, 1) for x in xs]
    return concatenate(tensors, axis=0 if tensors and tensors[0].ndim == 1 else 1)


@composite
def vstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joins tensors vertically: along axis 0; vectors count as rows.

    Args:
        xs: a list of tensors.

    >>> ef.ops.vstack([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    return concatenate([_at_least(x, 2) for x in xs], axis=0)


@composite
def dstack(xs: Sequence[TensorLike]) -> Tensor:
    """Joins tensors along axis 2 (depth).

    Args:
        xs: a list of tensors; vectors count as `(1, n, 1)`, matrices as `(m, n, 1)`.

    >>> ef.ops.dstack([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[[1.0, 3.0], [2.0, 4.0]]]
    """
    return concatenate([_at_least(x, 3) for x in xs], axis=2)


def _at_least(x: Any, ndim: int) -> Tensor:
    x = convert_to_tensor(x)
    if x.ndim >= ndim:
        return x
    if ndim == 3:
        shape = (*x.shape, 1) if x.ndim == 2 else (1, x.size, 1)
        return reshape(x, shape)
    return reshape(x, (1,) * (ndim - x.ndim) + x.shape)


@composite
def append(x1: TensorLike, x2: TensorLike, axis: int | None = None) -> Tensor:
    """`x2` joined to the end of `x1`.

    Args:
        x1: a tensor.
        x2: a tensor.
        axis: the axis to join along; default: both are flattened first.

    >>> ef.ops.append([[1.0, 2.0]], [[3.0, 4.0]], axis=0).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    if axis is None:
        return concatenate([ravel(x1), ravel(x2)])
    return concatenate([x1, x2], axis=axis)


def _split_rule(xp: Numpy, g: Sequence[Array], axis: int) -> Array:
    return xp.concatenate(list(g), axis=axis)


@op(_split_rule, outputs="many", arrays=("x",), name="split")
def cut(xp: Numpy, x: Array, places: Any = (), axis: int = 0) -> list[Array]:
    """Cut along `axis` at the given places."""
    ends = [0, *places, x.shape[axis]]
    lead = (slice(None),) * axis
    return [x[(*lead, slice(ends[i], max(ends[i], ends[i + 1])))] for i in range(len(ends) - 1)]


@composite
def split(x: TensorLike, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Splits `x` into parts along `axis`.

    Args:
        x: a tensor.
        indices_or_sections: the number of equal parts, or a list of the indices at which to cut.
        axis: the axis to split along.

    Returns:
        A list of tensors.

    Raises:
        ValueError: when that many equal parts are impossible.

    >>> [part.tolist() for part in ef.ops.split([1.0, 2.0, 3.0, 4.0], 2)]
    [[1.0, 2.0], [3.0, 4.0]]
    >>> [part.shape for part in ef.ops.split(ef.ops.ones((2, 6)), [1, 3], axis=1)]
    [(2, 1), (2, 2), (2, 3)]
    """
    x = convert_to_tensor(x)
    axis = axis_of(axis, x.ndim)
    length, parts = x.shape[axis], indices_or_sections
    if isinstance(parts, (int, numpy.integer)) and (parts < 1 or length % parts):
        raise ValueError(
            f"split: axis {axis} of length {length} can't be cut into {parts} equal parts (shape {x.shape}). "
            "array_split allows unequal parts."
        )
    return array_split(x, parts, axis)


@composite
def array_split(x: TensorLike, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Splits `x` into parts along `axis`, whose lengths may differ by one.

    Args:
        x: a tensor.
        indices_or_sections: the number of parts, or a list of the indices at which parts begin after the first.
        axis: the axis to split along.

    Returns:
        A list of tensors.

    Raises:
        ValueError: for less than one part.

    >>> [part.tolist() for part in ef.ops.array_split([1.0, 2.0, 3.0], 2)]
    [[1.0, 2.0], [3.0]]
    """
    x = convert_to_tensor(x)
    axis = axis_of(axis, x.ndim)
    return list(cut(x, _places(indices_or_sections, x.shape[axis]), axis))


def _places(given: Any, length: int) -> tuple[int, ...]:
    """Where to cut, counted from the front."""
    if not isinstance(given, (int, numpy.integer)):
        places = [int(p) for p in given]
        return tuple([min(p if p >= 0 else max(p + length, 0), length) for p in places])
    if given < 1:
        raise ValueError(f"split: the number of parts must be at least 1; got {given}.")
    size, longer = divmod(length, given)
    return tuple([i * size + min(i, longer) for i in range(1, given)])


@composite
def hsplit(x: TensorLike, indices_or_sections: Any) -> list[Tensor]:
    """Splits `x` horizontally: along axis 1, or axis 0 of a vector.

    Args:
        x: a tensor.
        indices_or_sections: the number of equal parts, or a list of the indices at which to cut.

    >>> left, right = ef.ops.hsplit([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [1])
    >>> left.tolist(), right.tolist()
    ([[1.0], [4.0]], [[2.0, 3.0], [5.0, 6.0]])
    """
    x = convert_to_tensor(x)
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


@composite
def vsplit(x: TensorLike, indices_or_sections: Any) -> list[Tensor]:
    """Splits `x` vertically: along axis 0.

    Args:
        x: a tensor of at least two axes.
        indices_or_sections: the number of equal parts, or a list of the indices at which to cut.

    >>> top, bottom = ef.ops.vsplit([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], 2)
    >>> top.tolist(), bottom.tolist()
    ([[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]])
    """
    return split(_with_axes(x, 2, "vsplit"), indices_or_sections, 0)


@composite
def dsplit(x: TensorLike, indices_or_sections: Any) -> list[Tensor]:
    """Splits `x` along axis 2.

    Args:
        x: a tensor of at least three axes.
        indices_or_sections: the number of equal parts, or a list of the indices at which to cut.

    >>> first, second = ef.ops.dsplit(ef.ops.ones((2, 3, 4)), 2)
    >>> first.shape, second.shape
    ((2, 3, 2), (2, 3, 2))
    """
    return split(_with_axes(x, 3, "dsplit"), indices_or_sections, 2)


def _with_axes(x: Any, ndim: int, name: str) -> Tensor:
    x = convert_to_tensor(x)
    if x.ndim < ndim:
        raise ValueError(f"{name}: expected a tensor of at least {ndim} axes; got shape {x.shape}.")
    return x


@composite
def unstack(x: TensorLike, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """Splits `x` into its slices along `axis`, which don't have that axis any more.

    Args:
        x: a tensor.
        num: the expected length of the axis; default: any.
        axis: the axis to split along.

    Returns:
        A list of tensors.

    Raises:
        ValueError: when `num` isn't the length of the axis.

    >>> [row.tolist() for row in ef.ops.unstack([[1.0, 2.0], [3.0, 4.0]])]
    [[1.0, 2.0], [3.0, 4.0]]
    """
    x = convert_to_tensor(x)
    axis = axis_of(axis, x.ndim)
    if num is not None and num != x.shape[axis]:
        raise ValueError(f"unstack: num={num}, but axis {axis} of shape {x.shape} has length {x.shape[axis]}.")
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    return [reshape(part, shape) for part in cut(x, tuple(range(1, x.shape[axis])), axis)] if x.shape[axis] else []


def _pad_rule(g: Array, pad_width: Any) -> Array:
    return g[tuple([slice(before, n - after) for (before, after), n in zip(pad_width, g.shape, strict=True)])]


@op(_pad_rule, arrays=("x",), name="pad")
def pad_constant(xp: Numpy, x: Array, pad_width: Any = (), constant_values: Any = 0) -> Array:
    """`x` in the middle of a larger array of one number."""
    shape = tuple([n + before + after for n, (before, after) in zip(x.shape, pad_width, strict=True)])
    out = xp.full(shape, constant_values, x.dtype)
    out[tuple([slice(before, before + n) for n, (before, _) in zip(x.shape, pad_width, strict=True)])] = x
    return out


@composite
def pad(x: TensorLike, pad_width: Any, mode: Border = "constant", constant_values: Any = None) -> Tensor:
    """Pads `x` at both ends of its axes.

    Args:
        x: a tensor.
        pad_width: the numbers of elements to add: a pair `(before, after)` for each axis, one pair for all axes, or one
            number.
        mode: what is added: `"constant"` (one number), `"reflect"` (mirrored, without the edge element),
            `"symmetric"` (mirrored, with the edge element), `"edge"` (the edge element), `"wrap"` (from the other end).
        constant_values: the number for `"constant"`; default: 0.

    Raises:
        ValueError: for another mode, a negative width, or widths that don't fit the axes.

    >>> ef.ops.pad([[1.0, 2.0]], ((0, 1), (1, 0))).tolist()
    [[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]
    >>> ef.ops.pad([1, 2, 3], 2, mode="reflect").tolist()
    [3, 2, 1, 2, 3, 2, 1]
    """
    x = convert_to_tensor(x)
    widths = _widths(pad_width, x.shape)
    if mode == "constant":
        if isinstance(constant_values, Tensor):
            inside = numpy.pad(numpy.ones(x.shape, bool), widths)
            return choose(Tensor(inside, device=x.device), pad_constant(x, widths), constant_values)
        return pad_constant(x, widths, 0 if constant_values is None else constant_values)
    if constant_values is not None:
        raise ValueError(f"pad: constant_values goes with mode='constant' only; got mode={mode!r}.")
    if mode not in _BORDERS:
        raise ValueError(f"pad: mode={mode!r}; expected 'constant' or one of {sorted(_BORDERS)}.")
    for axis, (before, after) in enumerate(widths):
        if before or after:
            if not x.shape[axis]:
                raise ValueError(f"pad: mode={mode!r} can't extend axis {axis}, which is empty (shape {x.shape}).")
            places = numpy.pad(numpy.arange(x.shape[axis]), (before, after), mode=_BORDERS[mode])
            x = x[(slice(None),) * axis + (places,)]
    return x


_BORDERS: dict[str, Any] = {mode: mode for mode in ("edge", "reflect", "symmetric", "wrap")}


def _widths(given: Any, shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """One pair of integers per axis."""
    pairs = numpy.asarray(given)
    if pairs.dtype.kind not in "iu" and pairs.size:
        raise ValueError(f"pad: pad_width must be integers; got {given!r}.")
    if pairs.size and pairs.min() < 0:
        raise ValueError(f"pad: widths can't be negative; got pad_width={given!r}.")
    if pairs.ndim > 2 or (pairs.ndim == 2 and pairs.shape not in ((len(shape), 2), (1, 2), (len(shape), 1))):
        raise ValueError(
            f"pad: pad_width={given!r} doesn't fit the {len(shape)} axes of shape {shape}: give ((before, after), ...)."
        )
    full = numpy.broadcast_to(pairs, (len(shape), 2)) if shape else numpy.zeros((0, 2), int)
    return tuple([(int(before), int(after)) for before, after in full])
