"""Functions that NumPy has, and Keras has not: they answer NumPy's own calls with tensors, with gradients."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.shape import reshape

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


FUNCTIONS: dict[Any, Any] = {
    numpy.atleast_1d: _with_axes(1),
    numpy.atleast_2d: _with_axes(2),
    numpy.atleast_3d: _with_axes(3),
}
