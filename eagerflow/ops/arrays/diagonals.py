"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.typing import TensorLike
from eagerflow.core import observe
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import listed
from eagerflow.ops.arrays.indexing import raw_index, scatter_index, take_index
from eagerflow.ops.arrays.shape import moveaxis, ravel
from eagerflow.ops.elementwise.selection import where

__all__ = ["diag", "diagflat", "diagonal", "tril", "triu"]


def _positions(rows: int, columns: int, k: int) -> tuple[Any, Any]:
    """Where the k-th diagonal of a matrix lies."""
    count = max(0, min(rows - max(-k, 0), columns - max(k, 0)))
    along = numpy.arange(count)
    return along + max(-k, 0), along + max(k, 0)


@composite
def diagonal(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonals of matrices whose rows and columns lie along two axes; they become the last axis of the result.

    Args:
        x: a tensor of at least two axes.
        offset: which diagonal: 0 for the main one, positive above it, negative below it.
        axis1: the axis of rows.
        axis2: the axis of columns.

    Raises:
        ValueError: for one axis twice.

    >>> ef.ops.diagonal([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [1.0, 4.0]
    """
    x = convert_to_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"diagonal: expected a tensor of at least two axes; got shape {x.shape}.")
    first, second = listed((axis1, axis2), x.ndim)
    if first == second:
        raise ValueError(f"diagonal: axis1 and axis2 must differ; both are {axis1}.")
    x = moveaxis(x, (first, second), (-2, -1))
    rows, columns = _positions(x.shape[-2], x.shape[-1], offset)
    return take_index(x, raw_index(x, (Ellipsis, rows, columns)))


@composite
def diag(x: TensorLike, k: int = 0) -> Tensor:
    """A matrix with `x` on a diagonal, or the diagonal of a matrix.

    Args:
        x: a vector or a matrix.
        k: which diagonal: 0 for the main one, positive above it, negative below it.

    Raises:
        ValueError: for more or fewer axes.

    >>> ef.ops.diag([1.0, 2.0]).tolist(), ef.ops.diag([[1.0, 2.0], [3.0, 4.0]]).tolist()
    ([[1.0, 0.0], [0.0, 2.0]], [1.0, 4.0])
    """
    x = convert_to_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"diag: expected a vector or a matrix; got shape {x.shape}.")
    side = x.size + abs(k)
    index = raw_index(x, _positions(side, side, k))
    return scatter_index(x, index, (side, side))


@composite
def diagflat(x: TensorLike, k: int = 0) -> Tensor:
    """A matrix with all elements of `x` on a diagonal.

    Args:
        x: a tensor, flattened.
        k: which diagonal: 0 for the main one, positive above it, negative below it.

    >>> ef.ops.diagflat([[1.0], [2.0]]).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    return diag(ravel(x), k)


def _band(x: Any, k: int, name: str, upper: bool) -> Tensor:
    x = convert_to_tensor(x)
    if x.ndim < 1:
        raise ValueError(f"{name}: expected a tensor of at least one axis; got a number.")
    rows, columns = x.shape[-2] if x.ndim > 1 else x.shape[0], x.shape[-1]
    kept = Tensor(numpy.tri(rows, columns, k - upper, bool) != upper, device=x.device)
    observe.fill(kept.data, name, *([k] if k else []))
    return where(kept, x, False if x.dtype == "bool" else 0)


@composite
def tril(x: TensorLike, k: int = 0) -> Tensor:
    """The lower triangles of matrices: sets elements above the k-th diagonal to 0.

    Args:
        x: a tensor of shape (..., rows, columns).
        k: which diagonal: 0 for the main one, positive above it, negative below it.

    >>> ef.ops.tril([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]).tolist()
    [[1.0, 0.0, 0.0], [4.0, 5.0, 0.0], [7.0, 8.0, 9.0]]
    """
    return _band(x, k, "tril", upper=False)


@composite
def triu(x: TensorLike, k: int = 0) -> Tensor:
    """The upper triangles of matrices: sets elements below the k-th diagonal to 0.

    Args:
        x: a tensor of shape (..., rows, columns).
        k: which diagonal: 0 for the main one, positive above it, negative below it.

    >>> ef.ops.triu([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]).tolist()
    [[1.0, 2.0, 3.0], [0.0, 5.0, 6.0], [0.0, 0.0, 9.0]]
    """
    return _band(x, k, "triu", upper=True)
