"""Nodes that move numbers: shapes, slices, joins, look-ups."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.limits import room
from eagerflow.onnx.nodes.values import Known, as_type, axes_in, counts, known, numbers

__all__ = ["NODES", "padded", "placed_slice"]


def _reshape(x: Any, shape: Any, *, allowzero: int = 0) -> Any:
    lengths = [x.shape[i] if n == 0 and not allowzero else n for i, n in enumerate(counts(shape))]
    return ops.reshape(x, tuple(lengths))


def _flatten(x: Any, *, axis: int = 1) -> Any:
    axis = axis + x.ndim if axis < 0 else axis
    if not 0 <= axis <= x.ndim:
        raise ValueError(f"axis={axis} of a tensor with {x.ndim} axes.")
    behind = math.prod(x.shape[axis:])
    return ops.reshape(x, (math.prod(x.shape[:axis]), behind) if axis == 0 or not behind else (-1, behind))


def _given_axes(inputs: Any, attribute: Any) -> list[int] | None:
    if inputs is not None:
        return counts(inputs)
    return None if attribute is None else [int(a) for a in attribute]


def _squeeze(x: Any, places: Any = None, *, axes: Any = None) -> Any:
    given = _given_axes(places, axes)
    gone = axes_in(given, x.ndim) if given is not None else [i for i, n in enumerate(x.shape) if n == 1]
    if any(x.shape[a] != 1 for a in gone):
        raise ValueError(f"axes {list(gone)} of the shape {list(x.shape)} are to be left out; not all are of length 1.")
    return ops.reshape(x, tuple([n for i, n in enumerate(x.shape) if i not in gone]))


def _unsqueeze(x: Any, places: Any = None, *, axes: Any = None) -> Any:
    given = _given_axes(places, axes)
    if given is None:
        raise ValueError("it needs its axes.")
    rank = x.ndim + len(given)
    added, rest = axes_in(given, rank), iter(x.shape)
    return ops.reshape(x, tuple([1 if i in added else next(rest) for i in range(rank)]))


def _transpose(x: Any, *, perm: Any = None) -> Any:
    return ops.transpose(x, None if perm is None else axes_in(perm, x.ndim))


def _concat(*xs: Any, axis: int = 1) -> Any:
    (place,) = axes_in([axis], xs[0].ndim)
    room((sum(math.prod(x.shape) for x in xs),), xs[0].dtype)
    return as_type(ops.concatenate(list(xs), axis=place), xs[0].dtype)


def _split(
    x: Any, sizes: Any = None, *, axis: int = 0, split: Any = None, num_outputs: int | None = None, outputs: int = 1
) -> Any:
    (place,) = axes_in([axis], x.ndim)
    given = counts(sizes) if sizes is not None else split
    if num_outputs not in (None, outputs):
        raise ValueError(f"num_outputs={num_outputs}, and {outputs} outputs.")
    if given is None:
        each = -(-x.shape[place] // outputs)
        given = [max(0, min(each, x.shape[place] - i * each)) for i in range(outputs)]
    if sum(given) != x.shape[place] or any(n < 0 for n in given) or len(given) != outputs:
        raise ValueError(f"parts {list(given)[:9]} of an axis of length {x.shape[place]}, for {outputs} outputs.")
    return ops.split(x, numpy.cumsum(given)[:-1].tolist(), axis=place)


def placed_slice(start: int, end: int, step: int, length: int) -> slice:
    """A slice by ONNX' rules, in which ends lie anywhere."""
    if not step:
        raise ValueError("a step of 0.")
    start, end = (n + length if n < 0 else n for n in (start, end))
    if step > 0:
        return slice(min(max(start, 0), length), min(max(end, 0), length), step)
    end = max(end, -1)
    return slice(min(max(start, -1), length - 1), None if end < 0 else end, step) if start >= 0 else slice(0, 0)


def _slice(
    x: Any,
    begin: Any = None,
    stop: Any = None,
    places: Any = None,
    strides: Any = None,
    *,
    starts: Any = None,
    ends: Any = None,
    axes: Any = None,
) -> Any:
    first = counts(begin) if begin is not None else list(starts)
    last = counts(stop) if stop is not None else list(ends)
    along = axes_in(_given_axes(places, axes) or range(len(first)), x.ndim)
    steps = [1] * len(first) if strides is None else counts(strides)
    index = [slice(None)] * x.ndim
    for a, low, high, step in zip(along, first, last, steps, strict=True):
        index[a] = placed_slice(low, high, step, x.shape[a])
    return x[tuple(index)]


def _indices(places: Any, length: int) -> Any:
    """Places counted from the front; a negative one counts from the end."""
    if places.dtype.kind not in "iu":
        raise ValueError(f"indices are of type {places.dtype}.")
    found = numbers(places)
    if found.size and (found.min() < -length or found.max() >= length):
        raise ValueError(f"an index beyond the axis of length {length}: {found.min()} to {found.max()}.")
    if not (found < 0).any():
        return places
    return ops.where(ops.less(places, 0), as_type(ops.add(places, length), places.dtype), places)


def _gather(x: Any, places: Any, *, axis: int = 0) -> Any:
    (axis,) = axes_in([axis], x.ndim)
    room((*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]), x.dtype)
    return ops.take(x, _indices(places, x.shape[axis]), axis=axis)


def _gather_elements(x: Any, places: Any, *, axis: int = 0) -> Any:
    (axis,) = axes_in([axis], x.ndim)
    for a, (n, m) in enumerate(zip(x.shape, places.shape, strict=True)):
        if a != axis and m < n:  # indices may cover a part
            x = x[(slice(None),) * a + (slice(0, m),)]
    return ops.take_along_axis(x, _indices(places, x.shape[axis]), axis=axis)


def _gather_nd(x: Any, places: Any, *, batch_dims: int = 0) -> Any:
    depth = places.shape[-1]
    if places.dtype.kind not in "iu" or not 0 < depth <= x.ndim - batch_dims:
        raise ValueError(f"indices of {depth} numbers for a tensor with {x.ndim} axes.")
    lengths = x.shape[batch_dims : batch_dims + depth]
    front, flat = x.shape[:batch_dims], None
    for i, length in enumerate(lengths):
        part = as_type(_indices(places[..., i], length), "int64")
        flat = part if flat is None else ops.add(ops.multiply(flat, length), part)
    if front:
        count = math.prod(lengths)
        starts = numpy.arange(math.prod(front)).reshape(*front, *[1] * (places.ndim - 1 - len(front))) * count
        flat = ops.add(flat, starts)
    room((*places.shape[:-1], *x.shape[batch_dims + depth :]), x.dtype)
    return ops.take(ops.reshape(x, (-1, *x.shape[batch_dims + depth :])), flat, axis=0)


def _coordinates(x: Any, places: Any) -> Any:
    """Places counted from the front."""
    array = numbers(places)
    depth = array.shape[-1]
    if array.dtype.kind not in "iu" or depth > x.ndim:
        raise ValueError(f"indices of {depth} numbers for a tensor with {x.ndim} axes.")
    lengths = x.shape[:depth]
    if array.size and ((array < -numpy.array(lengths)).any() or (array >= numpy.array(lengths)).any()):
        raise ValueError("an index beyond the end of its axis.")
    return array % numpy.maximum(lengths, 1)


_REDUCTIONS: dict[str, Any] = {"none": None, "add": "add", "mul": "mul", "max": "max", "min": "min"}


def _scatter_nd(x: Any, places: Any, updates: Any, *, reduction: str = "none") -> Any:
    return ops.scatter_update(x, _coordinates(x, places), updates, _REDUCTIONS[reduction])


def _scatter_elements(x: Any, places: Any, updates: Any, *, axis: int = 0, reduction: str = "none") -> Any:
    (axis,) = axes_in([axis], x.ndim)
    along = numbers(_indices(places, x.shape[axis]))
    grids = numpy.indices(along.shape)
    grids[axis] = along
    return ops.scatter_update(x, numpy.moveaxis(grids, 0, -1), updates, _REDUCTIONS[reduction])


def _expand(x: Any, shape: Any) -> Any:
    whole = room(numpy.broadcast_shapes(x.shape, tuple(counts(shape))), x.dtype)
    return x if whole == x.shape else ops.broadcast_to(x, whole)


def _tile(x: Any, repeats: Any) -> Any:
    times = counts(repeats)
    if len(times) != x.ndim or any(n < 0 for n in times):
        raise ValueError(f"repeats {times[:9]} of a tensor with {x.ndim} axes.")
    room([n * m for n, m in zip(x.shape, times)], x.dtype)
    return ops.tile(x, tuple(times))


def padded(x: Any, widths: Sequence[tuple[int, int]], mode: Any = "constant", value: Any = 0) -> Any:
    """A border around x; negative widths cut."""
    if any(n < 0 for n in itertools.chain(*widths)):
        ends = [(max(0, -b), max(0, n + min(e, 0))) for n, (b, e) in zip(x.shape, widths)]
        x = x[tuple([slice(b, e) for b, e in ends])]
        widths = [(max(0, b), max(0, e)) for b, e in widths]
    if not any(itertools.chain(*widths)):
        return x
    room([n + b + e for n, (b, e) in zip(x.shape, widths)], x.dtype)
    if mode == "constant":
        return ops.pad(x, tuple(widths), constant_values=value)
    return ops.pad(x, tuple(widths), mode=mode)


def _pad(
    x: Any,
    widths: Any = None,
    value: Any = None,
    places: Any = None,
    /,
    *,
    pads: Any = None,
    mode: str = "constant",
    **older: Any,
) -> Any:
    fill = older.pop("value", 0.0) if value is None or not value.size else numbers(value).item()
    if older:
        raise TypeError(f"unexpected attributes {sorted(older)}")
    given = counts(widths) if widths is not None else list(pads)
    axes = range(x.ndim) if places is None else axes_in(counts(places), x.ndim)
    if len(given) != 2 * len(axes):
        raise ValueError(f"{len(given)} widths for {len(axes)} axes.")
    each = [(0, 0)] * x.ndim
    for i, axis in enumerate(axes):
        each[axis] = (int(given[i]), int(given[len(axes) + i]))
    return as_type(padded(x, each, mode, bool(fill) if x.dtype == bool else fill), x.dtype)


def _shape(x: Any, *, start: int = 0, end: int | None = None) -> Any:
    low, high = (max(0, min(n + x.ndim if n < 0 else n, x.ndim)) for n in (start, x.ndim if end is None else end))
    return numpy.array(x.shape[low:high], numpy.int64)


def _size(x: Any) -> Any:
    return numpy.int64(x.size)


def _range(start: Any, end: Any, step: Any) -> Any:
    low, high, by = (numbers(x).item() for x in (start, end, step))
    if not by:
        raise ValueError("a step of 0.")
    room((max(0, math.ceil((high - low) / by)),), start.dtype)
    return (low + numpy.arange(max(0, math.ceil((high - low) / by))) * by).astype(start.dtype)


def _constant_of_shape(shape: Any, *, value: Any = None) -> Any:
    value = numpy.zeros(1, numpy.float32) if value is None else value
    return numpy.full(room(counts(shape), value.dtype), value.reshape(()))


def _constant(
    *,
    value: Any = None,
    value_float: Any = None,
    value_floats: Any = None,
    value_int: Any = None,
    value_ints: Any = None,
    value_string: Any = None,
    value_strings: Any = None,
) -> Any:
    floats = value_floats if value_float is None else value_float
    integers = value_ints if value_int is None else value_int
    if floats is not None or integers is not None:
        return numpy.asarray(floats, "float32") if integers is None else numpy.asarray(integers, "int64")
    if value is None:
        raise ValueError("constants of text aren't read here.")
    return value


def _one_hot(places: Any, depth: Any, values: Any, *, axis: int = -1) -> Any:
    count = int(numbers(depth).item())
    (axis,) = axes_in([axis], places.ndim + 1)
    room((*places.shape, count), values.dtype)
    off, on = (known(number) for number in numbers(values))
    every = numpy.arange(count).reshape([-1 if i == axis else 1 for i in range(places.ndim + 1)])
    wrapped = ops.expand_dims(ops.where(ops.less(places, 0), ops.add(places, count), places), axis)
    return as_type(ops.where(ops.equal(wrapped, every.astype(places.dtype)), on, off), values.dtype)


def _depth_to_space(x: Any, *, blocksize: int, mode: str = "DCR") -> Any:
    b, c, h, w = x.shape
    n = blocksize
    if mode == "DCR":
        parts, order = (b, n, n, c // n**2, h, w), (0, 3, 4, 1, 5, 2)
    else:
        parts, order = (b, c // n**2, n, n, h, w), (0, 1, 4, 2, 5, 3)
    return ops.reshape(ops.transpose(ops.reshape(x, parts), order), (b, c // n**2, h * n, w * n))


def _space_to_depth(x: Any, *, blocksize: int, mode: str = "DCR") -> Any:
    b, c, h, w = x.shape
    n = blocksize
    parts = ops.reshape(x, (b, c, h // n, n, w // n, n))
    order = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    return ops.reshape(ops.transpose(parts, order), (b, c * n**2, h // n, w // n))


def _trilu(x: Any, k: Any = None, *, upper: int = 1) -> Any:
    rows, columns = x.shape[-2:]
    places = numpy.tri(rows, columns, int(0 if k is None else numbers(k)) - (1 if upper else 0), dtype=bool)
    return ops.where(~places if upper else places, x, ops.zeros_like(x))


def _non_zero(x: Any) -> Any:
    return numpy.stack(numpy.nonzero(numpy.atleast_1d(numbers(x)))).astype(numpy.int64)


def _reverse_sequence(x: Any, lengths: Any, *, batch_axis: int = 1, time_axis: int = 0) -> Any:
    if lengths.__class__ is Known and (numbers(lengths) == x.shape[time_axis]).all():
        return ops.flip(x, time_axis)
    each, steps = numbers(lengths).reshape(-1, 1), numpy.arange(x.shape[time_axis])
    places = numpy.where(steps < each, each - 1 - steps, steps)  # (batch, time)
    places = places if batch_axis == 0 else places.T
    places = places.reshape(*places.shape, *[1] * (x.ndim - 2))
    return ops.take_along_axis(x, numpy.broadcast_to(places, x.shape), axis=time_axis)


def _top(x: Any, k: Any = None, /, *, axis: int = -1, largest: int = 1, sorted: int = 1, **older: Any) -> Any:
    count = int(older.pop("k")) if k is None else int(numbers(k).reshape(-1)[0])
    (axis,) = axes_in([axis], x.ndim)
    if not 0 <= count <= x.shape[axis] or older:
        raise ValueError(f"{count} of {x.shape[axis]} elements.")
    array = numbers(x)
    if largest:  # equal ones in the order of their places
        order = x.shape[axis] - 1 - numpy.flip(numpy.argsort(numpy.flip(array, axis), axis=axis, kind="stable"), axis)
    else:
        order = numpy.argsort(array, axis=axis, kind="stable")
    order = order[(slice(None),) * axis + (slice(0, count),)]
    if x.__class__ is Known:
        return [numpy.take_along_axis(array, order, axis), order.astype(numpy.int64)]
    if not largest:
        places = ops.argsort(x, axis=axis)[(slice(None),) * axis + (slice(0, count),)]
    else:
        places = ops.moveaxis(ops.top_k(ops.moveaxis(x, axis, -1), count)[1], -1, axis)
        if not numpy.array_equal(places.data, order):  # ties, which it leaves in another order
            places = order
    return [ops.take_along_axis(x, places, axis=axis), as_type(ops.convert_to_tensor(places), "int64")]


NODES: dict[str, Callable[..., Any]] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "ScatterND": _scatter_nd,
    "ScatterElements": _scatter_elements,
    "Expand": _expand,
    "Tile": _tile,
    "Pad": _pad,
    "Shape": _shape,
    "Size": _size,
    "Range": _range,
    "ConstantOfShape": _constant_of_shape,
    "Constant": _constant,
    "OneHot": _one_hot,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
    "Trilu": _trilu,
    "NonZero": _non_zero,
    "ReverseSequence": _reverse_sequence,
    "TopK": _top,
}
