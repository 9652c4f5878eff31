"""Functions that NumPy has, and Keras has not: they answer NumPy's own calls with tensors, with gradients."""

from __future__ import annotations

import functools
from typing import Any

import numpy

from eagerflow.base.typing import Axes
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import listed
from eagerflow.ops.arrays.creation import eye
from eagerflow.ops.arrays.join import concatenate
from eagerflow.ops.arrays.shape import reshape
from eagerflow.ops.elementwise.arithmetic import add, divide, multiply, subtract
from eagerflow.ops.matrices.inverses import inv
from eagerflow.ops.matrices.products import matmul

__all__ = ["FUNCTIONS"]


def _at_least(x: Any, axes: int) -> Tensor:
    x = convert_to_tensor(x)
    if x.ndim >= axes:
        return x
    if axes == 3:  # a row of columns, as NumPy has it
        shape = {0: (1, 1, 1), 1: (1, *x.shape, 1), 2: (*x.shape, 1)}[x.ndim]
        return reshape(x, shape)
    return reshape(x, (1,) * (axes - x.ndim) + x.shape)


def _with_axes(axes: int) -> Any:
    def call(*arrays: Any) -> Any:
        found = tuple([_at_least(x, axes) for x in arrays])
        return found[0] if len(found) == 1 else found

    return call


def _column_stack(tup: Any) -> Tensor:
    columns = [convert_to_tensor(x) for x in tup]
    return concatenate([reshape(x, (-1, 1)) if x.ndim < 2 else x for x in columns], axis=1)


def _gradient(f: Any, *varargs: Any, axis: Axes = None, edge_order: int = 1) -> Any:
    """Differences between the neighbours on both sides, and to the one neighbour at the edges."""
    f = convert_to_tensor(f)
    axes = listed(axis, f.ndim)
    steps = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    if edge_order != 1 or len(steps) != len(axes) or any(numpy.ndim(step) for step in steps):
        raise TypeError(
            "numpy.gradient of a tensor: one distance, or one per axis, and edge_order=1. Else write "
            "numpy.gradient(tensor.numpy(), ...), without gradient."
        )
    found = tuple([_slopes(f, along, step) for along, step in zip(axes, steps)])
    return found[0] if len(found) == 1 else found


def _slopes(f: Tensor, axis: int, step: Any) -> Tensor:
    if f.shape[axis] < 2:
        raise ValueError(f"numpy.gradient: axis {axis} has the length {f.shape[axis]}; 2 are needed.")

    def part(*ends: int | None) -> Any:
        return f[(slice(None),) * axis + (slice(*ends),)]

    inner = divide(subtract(part(2, None), part(None, -2)), multiply(2.0, step))
    first = divide(subtract(part(1, 2), part(0, 1)), step)
    last = divide(subtract(part(-1, None), part(-2, -1)), step)
    return concatenate([first, inner, last], axis=axis)


def _polyval(p: Any, x: Any) -> Tensor:
    p, total = convert_to_tensor(p), multiply(convert_to_tensor(x), 0.0)
    for i in range(p.shape[0]):
        total = add(multiply(total, x), p[i])
    return total


def _matrix_power(a: Any, n: int) -> Tensor:
    base = inv(a) if n < 0 else convert_to_tensor(a)
    result: Any = None
    exponent = abs(int(n))
    while exponent:
        if exponent % 2:
            result = base if result is None else matmul(result, base)
        exponent //= 2
        base = matmul(base, base) if exponent else base
    return add(multiply(base, 0.0), eye(base.shape[-1], dtype=base.dtype)) if result is None else result


def _multi_dot(arrays: Any) -> Tensor:
    found: Tensor = functools.reduce(matmul, arrays)
    return found


FUNCTIONS: dict[Any, Any] = {
    numpy.atleast_1d: _with_axes(1),
    numpy.atleast_2d: _with_axes(2),
    numpy.atleast_3d: _with_axes(3),
    numpy.column_stack: _column_stack,
    numpy.gradient: _gradient,
    numpy.polyval: _polyval,
    numpy.linalg.matrix_power: _matrix_power,
    numpy.linalg.multi_dot: _multi_dot,
}
