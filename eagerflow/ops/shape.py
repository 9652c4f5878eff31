"""Shapes: reshape, transpose, join and repeat."""

from __future__ import annotations

from typing import Any

from eagerflow.core.op import op

__all__ = ["broadcast_to", "moveaxis", "reshape", "stack", "swapaxes", "transpose"]


@op(lambda g, x_shape: g.reshape(x_shape))
def reshape(xp: Any, x: Any, newshape: Any = (-1,)) -> Any:
    """The same elements in another shape; one length may be -1."""
    return x.reshape(newshape)


@op(lambda g: g)
def broadcast_to(xp: Any, x: Any, shape: Any = None) -> Any:
    """`x` repeated to `shape` after NumPy's broadcasting rules."""
    out = xp.empty(shape, x.dtype)  # a writable copy, and faster than a view by numpy.broadcast_to
    out[...] = x
    return out


@op(lambda g, axis1, axis2: g.swapaxes(axis1, axis2))
def swapaxes(xp: Any, x: Any, axis1: int = -1, axis2: int = -2) -> Any:
    """Two axes interchanged."""
    return x.swapaxes(axis1, axis2)


def _transpose_rule(g: Any, axes: Any) -> Any:
    if axes is None:
        return g.transpose()
    order = [a % len(axes) for a in axes]
    return g.transpose(tuple([order.index(i) for i in range(len(order))]))


@op(_transpose_rule)
def transpose(xp: Any, x: Any, axes: Any = None) -> Any:
    """The axes in the order `axes` (reversed when None)."""
    return x.transpose(axes)


@op(lambda xp, g, source, destination: xp.moveaxis(g, destination, source))
def moveaxis(xp: Any, x: Any, source: Any = 0, destination: Any = 0) -> Any:
    """Axes moved from `source` to `destination`, the others in order."""
    return xp.moveaxis(x, source, destination)


def _stack_rule(xp: Any, g: Any, axis: int) -> Any:
    first = xp.moveaxis(g, axis, 0)
    return [first[i] for i in range(first.shape[0])]


@op(_stack_rule, sequence=True)
def stack(xp: Any, x: Any, axis: int = 0) -> Any:
    """Tensors of one shape joined along a new axis."""
    return xp.stack(x, axis=axis)
