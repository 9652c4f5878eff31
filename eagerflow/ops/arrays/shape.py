"""Shapes: the same elements in other places, repeated or turned round."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.typing import Array, Axes, NewShape, Numpy, TensorLike
from eagerflow.core.op import composite, identity, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import axis_of, listed

__all__ = ["broadcast_to", "expand_dims", "flip", "fliplr", "flipud", "moveaxis", "ravel", "repeat", "reshape", "roll"]
__all__ += ["rot90", "squeeze", "swapaxes", "tile", "transpose"]


@op(lambda g, x_shape: g.reshape(x_shape), arrays=("x",))
def reshape(xp: Numpy, x: Array, newshape: NewShape) -> Array:
    """Gives `x` another shape, with its elements in the same order.

    Args:
        x: a tensor.
        newshape: the new shape; one length may be -1 and follows from the others.

    Raises:
        ValueError: when the numbers of elements differ, or for another negative length.

    >>> ef.ops.reshape([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (2, -1)).tolist()
    [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    """
    out = x.reshape(newshape)
    if newshape.__class__ in (tuple, list) and newshape and min(newshape) < -1:
        raise ValueError("a length is negative; only -1 is allowed, for one that follows from the others")
    return out


# The rule names `x_shape`, so that it is kept and the tape sums over the broadcast axes.
@op(lambda g, x_shape: g, arrays=("x",))
def broadcast_to(xp: Numpy, x: Array, shape: NewShape) -> Array:
    """Broadcasts `x` to a shape.

    Args:
        x: a tensor.
        shape: the shape of the result.

    Raises:
        ValueError: when `x` doesn't fit.

    >>> ef.ops.broadcast_to([1.0, 2.0, 3.0], (2, 3)).tolist()
    [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    """
    out = xp.empty(shape, x.dtype)  # a writable copy, and faster than a view by numpy.broadcast_to
    if out.ndim < x.ndim:
        raise ValueError(f"cannot broadcast shape {x.shape} to {out.shape}")
    out[...] = x
    return out


def _transpose_rule(g: Array, axes: Axes) -> Array:
    if axes is None:
        return g.transpose()
    order = listed(axes, g.ndim)
    return g.transpose(tuple([order.index(i) for i in range(len(order))]))


@op(_transpose_rule)
def transpose(xp: Numpy, x: Array, axes: Axes = None) -> Array:
    """Permutes the axes of `x`.

    Args:
        x: a tensor.
        axes: for each axis of the result, the axis of `x`; default: the axes in reverse order.

    Raises:
        ValueError: when `axes` doesn't name each axis once.

    >>> ef.ops.transpose([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).tolist()
    [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]
    >>> ef.ops.transpose(ef.ops.ones((2, 3, 4)), (0, 2, 1)).shape
    (2, 4, 3)
    """
    return x.transpose(axes)


@composite
def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Tensor:
    """Interchanges two axes.

    Args:
        x: a tensor.
        axis1: one of the axes.
        axis2: the other one.

    Raises:
        AxisError: when there is no such axis.

    >>> ef.ops.swapaxes(ef.ops.ones((2, 3, 4)), 0, 1).shape
    (3, 2, 4)
    """
    x = convert_to_tensor(x)
    order = list(range(x.ndim))
    first, second = axis_of(axis1, x.ndim, "axis1"), axis_of(axis2, x.ndim, "axis2")
    order[first], order[second] = second, first
    return transpose(x, tuple(order))


@composite
def moveaxis(x: TensorLike, source: Any, destination: Any) -> Tensor:
    """Moves axes to other positions; the other axes keep their order.

    Args:
        x: a tensor.
        source: the axis or axes to move.
        destination: the new position of each of them.

    Raises:
        ValueError: when the two differ in length, or name an axis twice.

    >>> ef.ops.moveaxis(ef.ops.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = convert_to_tensor(x)
    sources, destinations = listed(source, x.ndim), listed(destination, x.ndim)
    if len(sources) != len(destinations) or len(set(sources)) < len(sources) or len(set(destinations)) < len(sources):
        raise ValueError(
            f"moveaxis: source and destination must name equally many, different axes; got {source} and {destination}."
        )
    order = [i for i in range(x.ndim) if i not in sources]
    for place, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(place, axis)
    return transpose(x, tuple(order))


@composite
def expand_dims(x: TensorLike, axis: Axes) -> Tensor:
    """Adds axes of length 1 to `x`.

    Args:
        x: a tensor.
        axis: the position of the new axis, or of several, in the result.

    Raises:
        AxisError: when the result has no such axis.

    >>> ef.ops.expand_dims([1.0, 2.0], 0).tolist(), ef.ops.expand_dims([1.0, 2.0], -1).tolist()
    ([[1.0, 2.0]], [[1.0], [2.0]])
    """
    x = convert_to_tensor(x)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    new = listed(axis, x.ndim + count)
    if len(set(new)) < count:
        raise ValueError(f"expand_dims: axis={axis} names an axis twice.")
    old = iter(x.shape)
    return reshape(x, tuple([1 if i in new else next(old) for i in range(x.ndim + count)]))


@composite
def squeeze(x: TensorLike, axis: Axes = None) -> Tensor:
    """Removes axes of length 1 from `x`.

    Args:
        x: a tensor.
        axis: the axis or axes to remove; default: all of length 1.

    Raises:
        ValueError: when a named axis is longer.

    >>> ef.ops.squeeze(ef.ops.ones((1, 3, 1))).shape, ef.ops.squeeze(ef.ops.ones((1, 3, 1)), axis=0).shape
    ((3,), (3, 1))
    """
    x = convert_to_tensor(x)
    dropped = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else listed(axis, x.ndim)
    if any(x.shape[i] != 1 for i in dropped):
        raise ValueError(f"squeeze: axis={axis} must have length 1; got shape {x.shape}.")
    return reshape(x, tuple([n for i, n in enumerate(x.shape) if i not in dropped]))


@composite
def ravel(x: TensorLike) -> Tensor:
    """Flattens `x` to one axis, in row-major order.

    Args:
        x: a tensor.

    >>> ef.ops.ravel([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    """
    return reshape(x, (-1,))


@composite
def tile(x: TensorLike, repeats: Any) -> Tensor:
    """Repeats the whole of `x` along each axis.

    Args:
        x: a tensor.
        repeats: how often, one number per axis, of which the last is for the last axis; further numbers add axes in
            front.

    >>> ef.ops.tile([[1.0, 2.0]], (2, 2)).tolist()
    [[1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0]]
    """
    x = convert_to_tensor(x)
    several = isinstance(repeats, (tuple, list)) or (isinstance(repeats, (Tensor, numpy.ndarray)) and repeats.ndim)
    times = tuple(int(r) for r in repeats) if several else (int(repeats),)
    times = (1,) * (x.ndim - len(times)) + times
    shape = (1,) * (len(times) - x.ndim) + x.shape
    spaced = reshape(x, tuple([part for n in shape for part in (1, n)]))
    wide = broadcast_to(spaced, tuple([part for r, n in zip(times, shape, strict=True) for part in (r, n)]))
    return reshape(wide, tuple([r * n for r, n in zip(times, shape, strict=True)]))


@composite
def repeat(x: TensorLike, repeats: Any, axis: int | None = None) -> Tensor:
    """Repeats each element of `x`, or each slice along `axis`, next to itself.

    Args:
        x: a tensor.
        repeats: how often each comes in the result: one number for all, or one for each.
        axis: the axis along which to repeat; default: the flattened tensor.

    >>> ef.ops.repeat([[1.0, 2.0], [3.0, 4.0]], 2, axis=0).tolist()
    [[1.0, 2.0], [1.0, 2.0], [3.0, 4.0], [3.0, 4.0]]
    """
    x = convert_to_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = axis_of(axis, x.ndim)
    counts = numpy.asarray(repeats)
    if counts.size != 1:
        rows = numpy.repeat(numpy.arange(x.shape[axis]), counts)
        return x[(slice(None),) * axis + (rows,)]
    count = int(counts.reshape(()))
    if count < 0:
        raise ValueError(f"repeat(repeats={count}): expected a number of at least 0.")
    spaced = expand_dims(x, axis + 1)
    wide = broadcast_to(spaced, (*spaced.shape[: axis + 1], count, *spaced.shape[axis + 2 :]))
    return reshape(wide, (*x.shape[:axis], x.shape[axis] * count, *x.shape[axis + 1 :]))


@composite
def flip(x: TensorLike, axis: Axes = None) -> Tensor:
    """Reverses the order of the elements along axes.

    Args:
        x: a tensor.
        axis: the axis or axes to reverse; default: all.

    >>> ef.ops.flip([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], axis=1).tolist()
    [[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]]
    """
    x = convert_to_tensor(x)
    turned = listed(axis, x.ndim)
    return x[tuple([slice(None, None, -1 if i in turned else None) for i in range(x.ndim)])]


@composite
def fliplr(x: TensorLike) -> Tensor:
    """Reverses the order of the columns (axis 1).

    Args:
        x: a tensor of at least two axes.

    >>> ef.ops.fliplr([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).tolist()
    [[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]]
    """
    return flip(x, 1)


@composite
def flipud(x: TensorLike) -> Tensor:
    """Reverses the order of the rows (axis 0).

    Args:
        x: a tensor of at least one axis.

    >>> ef.ops.flipud([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).tolist()
    [[4.0, 5.0, 6.0], [1.0, 2.0, 3.0]]
    """
    return flip(x, 0)


@composite
def rot90(array: TensorLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """Rotates a tensor by 90 degrees in the plane of two axes, from the first towards the second.

    Args:
        array: a tensor of at least two axes.
        k: how often to rotate by 90 degrees; negative numbers rotate in the other direction.
        axes: the two axes of the plane.

    Raises:
        ValueError: when `axes` aren't two different axes.

    >>> ef.ops.rot90([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).tolist()
    [[3.0, 6.0], [2.0, 5.0], [1.0, 4.0]]
    """
    x = convert_to_tensor(array)
    first, second = listed(axes, x.ndim) if len(axes) == 2 else (0, 0)
    if first == second:
        raise ValueError(f"rot90: axes={axes!r} must be two different axes of a tensor of shape {x.shape}.")
    turns = k % 4
    if turns == 2:
        return flip(x, (first, second))
    if turns == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second) if turns else identity(x)


@op(lambda xp, g, shift, axis: xp.roll(g, _opposite(shift), axis), arrays=("x",))
def roll(xp: Numpy, x: Array, shift: Any, axis: Axes = None) -> Array:
    """Shifts the elements by `shift` places; those that leave at the end come in at the start.

    Args:
        x: a tensor.
        shift: the number of places, one for all axes or one per axis; negative ones shift back.
        axis: the axis or axes along which to shift; default: the flattened tensor.

    >>> ef.ops.roll([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], 1, axis=1).tolist()
    [[3.0, 1.0, 2.0], [6.0, 4.0, 5.0]]
    """
    return xp.roll(x, shift, axis)


def _opposite(shift: Any) -> Any:
    return tuple([-s for s in shift]) if isinstance(shift, (tuple, list)) else -shift
