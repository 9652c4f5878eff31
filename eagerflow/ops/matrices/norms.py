"""Norms of vectors and matrices, and the trace."""

from __future__ import annotations

import math
from typing import Any, Literal

from eagerflow.base.typing import Axes, TensorLike
from eagerflow.core.dtypes import is_half
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import listed
from eagerflow.ops.arrays.diagonals import diagonal
from eagerflow.ops.arrays.shape import moveaxis, reshape
from eagerflow.ops.elementwise.arithmetic import absolute, power, square
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.comparison import equal, not_equal
from eagerflow.ops.elementwise.exponential import sqrt
from eagerflow.ops.elementwise.selection import where
from eagerflow.ops.matrices.factorizations import svd
from eagerflow.ops.reduce.reductions import max, min, sum

__all__ = ["norm", "trace"]


@composite
def norm(
    x: TensorLike, ord: float | Literal["fro", "nuc"] | str | None = None, axis: Axes = None, keepdims: bool = False
) -> Tensor:
    """Norm of vectors or matrices.

    Args:
        x: a tensor.
        ord: the order of the norm. For vectors, any number p for the p-norm; 0 counts the elements that aren't 0, inf
            and -inf take the largest and smallest absolute value. For matrices, `"fro"`, `"nuc"`, 1, -1, 2, -2, inf or
            -inf, as in NumPy. Default: the square root of the sum of squares.
        axis: one axis for vectors, two for matrices; default: all of `x`, flattened if `ord` is None.
        keepdims: whether to keep the reduced axes, with length 1.

    Raises:
        ValueError: for another `ord`, or when `x` has the wrong number of axes.

    Where the norm is 0, its gradient is 0.

    >>> x = [[3.0, 4.0], [6.0, 8.0]]
    >>> ef.ops.linalg.norm(x, axis=1).tolist()
    [5.0, 10.0]
    >>> ef.ops.linalg.norm(x, ord=1, axis=1).tolist()
    [7.0, 14.0]
    """
    x = convert_to_tensor(x)
    x = cast(x, None) if x.dtype.kind in "iub" else x
    if is_half(x.dtype):  # float16 holds no square above 65504
        return cast(norm(cast(x, "float32"), ord, axis, keepdims), x.dtype)
    if axis is None and ord is None:
        return _root_of_squares(x, None, keepdims)
    axes = listed(axis, x.ndim)
    if len(axes) == 1:
        return _vector_norm(x, 2 if ord is None else ord, axes[0], keepdims)
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ValueError(
            f"norm: ord={ord!r} needs one axis (vectors) or two (matrices); got axis={axis} and shape {x.shape}."
        )
    return _matrix_norm(x, "fro" if ord is None else ord, axes, keepdims)


def _root_of_squares(x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
    squares = square(absolute(x)) if x.dtype.kind == "c" else square(x)
    return _root(sum(squares, axis=axis, keepdims=keepdims), 0.5)


def _root(total: Tensor, exponent: float) -> Tensor:
    """The root of something not negative, with gradient 0 at 0."""
    empty = equal(total, 0)
    safe = where(empty, 1, total)
    return where(empty, 0, sqrt(safe) if exponent == 0.5 else power(safe, exponent))


def _vector_norm(x: Tensor, ord: Any, axis: int, keepdims: bool) -> Tensor:
    if isinstance(ord, str):
        raise ValueError(f"norm: ord={ord!r} is for matrices; vectors take a number.")
    if ord == 2:
        return _root_of_squares(x, axis, keepdims)
    sizes = absolute(x)
    if math.isinf(ord):
        return (max if ord > 0 else min)(sizes, axis=axis, keepdims=keepdims)
    if ord == 0:
        return sum(cast(not_equal(x, 0), sizes.dtype), axis=axis, keepdims=keepdims)
    if ord == 1:
        return sum(sizes, axis=axis, keepdims=keepdims)
    empty = equal(sizes, 0)
    powers = power(where(empty, 1, sizes), ord)
    total = sum(where(empty, 0.0 if ord > 0 else math.inf, powers), axis=axis, keepdims=keepdims)
    return _root(total, 1 / ord)


_MATRIX_NORMS = ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)


def _matrix_norm(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if ord not in _MATRIX_NORMS:
        raise ValueError(f"norm: ord={ord!r}; for matrices expected one of {_MATRIX_NORMS}.")
    if ord == "fro":
        return _root_of_squares(x, axes, keepdims)
    matrices = moveaxis(x, axes, (-2, -1))
    if ord in ("nuc", 2, -2):
        values = svd(matrices, compute_uv=False)
        result = sum(values, axis=-1) if ord == "nuc" else (max if ord > 0 else min)(values, axis=-1)
    else:
        lines = sum(absolute(matrices), axis=-1 if math.isinf(ord) else -2)
        result = (max if ord > 0 else min)(lines, axis=-1)
    if not keepdims:
        return result
    return reshape(result, tuple([1 if i in axes else n for i, n in enumerate(x.shape)]))


@composite
def trace(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of the elements on a diagonal.

    Args:
        x: a tensor of at least two axes.
        offset: which diagonal: 0 for the main one, positive above it, negative below it.
        axis1: the axis of rows.
        axis2: the axis of columns.

    >>> float(ef.ops.trace([[1.0, 2.0], [3.0, 4.0]]))
    5.0
    """
    return sum(diagonal(x, offset, axis1, axis2), axis=-1)
