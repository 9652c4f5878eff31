"""Products of vectors, matrices and tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import listed
from eagerflow.ops.arrays.join import stack
from eagerflow.ops.arrays.shape import moveaxis, ravel, reshape, transpose
from eagerflow.ops.elementwise.arithmetic import multiply, subtract
from eagerflow.ops.elementwise.complex_numbers import conj

__all__ = ["cross", "dot", "inner", "kron", "matmul", "outer", "tensordot", "vdot"]


def adjoint(x: Any) -> Any:
    """The transpose of matrices, conjugated when they are complex."""
    turned = x.swapaxes(-1, -2)
    return turned if turned.dtype.kind != "c" else turned.conjugate()


def _left_rule(g: Array, x1_shape: tuple[int, ...], x2: Array) -> Array:
    if len(x1_shape) > 1 and x2.ndim > 1:
        return _product(g, adjoint(x2))
    columns = x2.reshape((-1, 1)) if x2.ndim == 1 else x2
    g = g.reshape(g.shape + (1,) * (x2.ndim == 1))  # the axis that the product dropped
    g = g.reshape((*g.shape[:-1], 1, g.shape[-1])) if len(x1_shape) == 1 else g
    product = g @ adjoint(columns)
    return product.reshape((*product.shape[:-2], product.shape[-1])) if len(x1_shape) == 1 else product


def _right_rule(g: Array, x1: Array, x2_shape: tuple[int, ...]) -> Array:
    if x1.ndim > 1 and len(x2_shape) > 1:
        if len(x2_shape) == 2 and x1.ndim > 2 and x1.size and g.size:  # one product of all rows, not a sum of many
            x1, g = x1.reshape((-1, x1.shape[-1])), g.reshape((-1, g.shape[-1]))
        return _product(adjoint(x1), g)
    rows = x1.reshape((1, -1)) if x1.ndim == 1 else x1
    g = g.reshape(g.shape + (1,) * (len(x2_shape) == 1))
    g = g.reshape((*g.shape[:-1], 1, g.shape[-1])) if x1.ndim == 1 else g
    product = adjoint(rows) @ g
    return product.reshape(product.shape[:-1]) if len(x2_shape) == 1 else product


def _unfit(left: tuple[int, ...], right: tuple[int, ...]) -> ValueError:
    """What keeps two shapes from being multiplied, in words."""
    if not left or not right:
        return ValueError("a number can't be multiplied as a matrix; use multiply")
    inner = right[-2] if len(right) > 1 else right[0]
    if left[-1] != inner:
        has = f"{left[-1]} element{'s' * (left[-1] != 1)}"
        return ValueError(
            f"the last axis of x1 has {has}, the axis of x2 that meets it has {inner}{_turned(left, right)}"
        )
    return ValueError(f"the axes before the matrices, {left[:-2]} and {right[:-2]}, can't be broadcast together")


def _turned(left: tuple[int, ...], right: tuple[int, ...]) -> str:
    """Which of two matrices to transpose so that they can be multiplied, if that helps."""
    if len(left) != 2 or len(right) != 2:
        return ""
    second = f"x1 @ x2.T is {(left[0], right[0])}" if left[1] == right[1] else ""
    first = f"x1.T @ x2 is {(left[1], right[1])}" if left[0] == right[0] else ""
    both = " and ".join([each for each in (second, first) if each])
    return f"; transposed they fit: {both}" if both else ""


def _product(x1: Any, x2: Any) -> Any:
    """`x1 @ x2`; a stack of matrices with one matrix as one product of all rows, which is much faster."""
    if x2.ndim == 2 and x1.ndim > 2 and x1.size:
        return _product(x1.reshape((-1, x1.shape[-1])), x2).reshape((*x1.shape[:-1], x2.shape[-1]))
    return x1 @ x2


@op(_left_rule, _right_rule, promotes=True)
def matmul(xp: Numpy, x1: Array, x2: Array) -> Array:
    """Matrix product of the last two axes, broadcast over the others. Vectors count as rows and columns.

    Args:
        x1: a tensor of shape `(..., n, k)` or `(k,)`.
        x2: a tensor of shape `(..., k, m)` or `(k,)`.

    Returns:
        A tensor of shape `(..., n, m)`; a vector's axis is dropped.

    Raises:
        ValueError: when the inner lengths differ, or for a number.

    >>> ef.ops.matmul([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).tolist()
    [[4.0, 5.0], [10.0, 11.0]]
    >>> ef.ops.matmul(ef.ops.ones((8, 2, 3)), ef.ops.ones((3, 5))).shape
    (8, 2, 5)
    """
    try:
        if x1.ndim == 2 and x2.ndim == 2:
            return x1.dot(x2)  # the same product, cheaper to call
        return _product(x1, x2)
    except ValueError:
        raise _unfit(x1.shape, x2.shape) from None


@composite
def tensordot(x1: TensorLike, x2: TensorLike, axes: int | Sequence[Any] = 2) -> Tensor:
    """Sums products over pairs of axes of two tensors (tensor contraction).

    Args:
        x1: a tensor.
        x2: a tensor.
        axes: a number n, for the last n axes of `x1` and the first n of `x2`; or two lists of axes.

    Returns:
        A tensor with the other axes of `x1`, then those of `x2`.

    Raises:
        ValueError: when the axes' lengths differ.

    >>> ef.ops.tensordot(ef.ops.ones((2, 3)), ef.ops.ones((3, 4)), axes=1).tolist()
    [[3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0]]
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    first, second = _paired(axes, x1, x2)
    free1 = [i for i in range(x1.ndim) if i not in first]
    free2 = [i for i in range(x2.ndim) if i not in second]
    shape1, shape2 = [x1.shape[i] for i in free1], [x2.shape[i] for i in free2]
    inner_size = math.prod([x1.shape[i] for i in first])
    left = reshape(transpose(x1, (*free1, *first)), (math.prod(shape1), inner_size))
    right = reshape(transpose(x2, (*second, *free2)), (inner_size, math.prod(shape2)))
    return reshape(matmul(left, right), (*shape1, *shape2))


def _paired(axes: Any, x1: Tensor, x2: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(axes, (int, numpy.integer)):
        axes = (tuple(range(x1.ndim - axes, x1.ndim)), tuple(range(axes)))
    first, second = listed(axes[0], x1.ndim), listed(axes[1], x2.ndim)
    lengths = [x1.shape[i] for i in first], [x2.shape[i] for i in second]
    if lengths[0] != lengths[1]:
        raise ValueError(
            f"tensordot: axes={axes!r} pairs lengths {lengths[0]} of shape {x1.shape} with {lengths[1]} of {x2.shape}."
        )
    return first, second


@composite
def dot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Dot product: sums products over the last axis of `x1` and the second to last of `x2` (a vector's only axis).

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    Raises:
        ValueError: when these lengths differ.

    >>> float(ef.ops.dot([1.0, 2.0], [3.0, 4.0])), ef.ops.dot([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0]).tolist()
    (11.0, [12.0, 34.0])
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    if not x1.ndim or not x2.ndim:
        return multiply(x1, x2)
    if x2.ndim <= 2 and x1.ndim <= 2:
        return matmul(x1, x2)
    return tensordot(x1, x2, [[-1], [max(x2.ndim - 2, 0)]])


@composite
def inner(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Inner product: sums products over the last axes of both tensors.

    Args:
        x1: a tensor or number.
        x2: a tensor or number.

    Raises:
        ValueError: when the last axes' lengths differ.

    >>> ef.ops.inner([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0]).tolist()
    [12.0, 34.0]
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    if not x1.ndim or not x2.ndim:
        return multiply(x1, x2)
    return tensordot(x1, x2, [[-1], [-1]])


@composite
def outer(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Outer product: the products of every element of `x1` with every element of `x2`.

    Args:
        x1: a tensor, flattened.
        x2: a tensor, flattened.

    >>> ef.ops.outer([1.0, 2.0], [3.0, 4.0, 5.0]).tolist()
    [[3.0, 4.0, 5.0], [6.0, 8.0, 10.0]]
    """
    return multiply(reshape(x1, (-1, 1)), reshape(x2, (1, -1)))


@composite
def vdot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Dot product of two flattened tensors, of which the first is conjugated.

    Args:
        x1: a tensor, flattened.
        x2: a tensor of as many elements, flattened.

    >>> float(ef.ops.vdot([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    return matmul(conj(ravel(x1)), ravel(x2))


@composite
def kron(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Kronecker product: a copy of `x2` for each element of `x1`, times that element.

    Args:
        x1: a tensor.
        x2: a tensor.

    >>> ef.ops.kron([1.0, 10.0], [1.0, 2.0]).tolist()
    [1.0, 2.0, 10.0, 20.0]
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    ndim = max(x1.ndim, x2.ndim)
    shape1 = (1,) * (ndim - x1.ndim) + x1.shape
    shape2 = (1,) * (ndim - x2.ndim) + x2.shape
    spaced1 = reshape(x1, tuple([part for n in shape1 for part in (n, 1)]))
    spaced2 = reshape(x2, tuple([part for n in shape2 for part in (1, n)]))
    return reshape(multiply(spaced1, spaced2), tuple([a * b for a, b in zip(shape1, shape2, strict=True)]))


@composite
def cross(
    x1: TensorLike, x2: TensorLike, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The cross product of vectors of two or three elements.

    Args:
        x1: a tensor of vectors.
        x2: a tensor of vectors; the other axes are broadcast.
        axisa: the axis of `x1` along which the vectors lie.
        axisb: that axis of `x2`.
        axisc: that axis of the result. Two vectors of two elements give a number, without such an axis.
        axis: if given, the axis of all three.

    Raises:
        ValueError: for vectors of another length.

    >>> ef.ops.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).tolist()
    [0.0, 0.0, 1.0]
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise ValueError(f"cross: vectors must have 2 or 3 elements; got shapes {a.shape} and {b.shape}.")
    height = subtract(multiply(a[..., 0], b[..., 1]), multiply(a[..., 1], b[..., 0]))
    if a.shape[-1] == b.shape[-1] == 2:
        return height
    a2 = a[..., 2] if a.shape[-1] == 3 else multiply(a[..., 0], 0)
    b2 = b[..., 2] if b.shape[-1] == 3 else multiply(b[..., 0], 0)
    x = subtract(multiply(a[..., 1], b2), multiply(a2, b[..., 1]))
    y = subtract(multiply(a2, b[..., 0]), multiply(a[..., 0], b2))
    return moveaxis(stack([x, y, height], axis=-1), -1, axisc)
