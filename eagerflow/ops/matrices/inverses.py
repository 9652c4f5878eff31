"""What follows from factorizations: inverses, determinants, least squares, ranks."""

from __future__ import annotations

import numpy

from eagerflow.base.typing import TensorLike
from eagerflow.core.custom_gradient import stop_gradient
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.diagonals import tril, triu
from eagerflow.ops.arrays.shape import reshape
from eagerflow.ops.elementwise.arithmetic import multiply
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.comparison import greater, not_equal
from eagerflow.ops.elementwise.exponential import exp
from eagerflow.ops.matrices.factorizations import as_matrices, as_square, pinv, slogdet, solve, svd, turned
from eagerflow.ops.matrices.products import matmul
from eagerflow.ops.reduce.reductions import count_nonzero, max
from eagerflow.ops.reduce.truth import any

__all__ = ["cholesky_inverse", "det", "inv", "logdet", "lstsq", "matrix_rank", "solve_triangular"]


@composite
def inv(x: TensorLike) -> Tensor:
    """The inverse of square matrices.

    Args:
        x: matrices, of shape `(..., n, n)`.

    Raises:
        LinAlgError: for singular matrices (on a GPU the result is not finite instead).

    >>> ef.ops.linalg.inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    x = as_square(x, "inv")
    unit = numpy.broadcast_to(numpy.eye(x.shape[-1], dtype=x.dtype), x.shape)
    return solve(x, Tensor(unit, device=x.device))


@composite
def det(x: TensorLike) -> Tensor:
    """The determinant of square matrices.

    Args:
        x: matrices, of shape `(..., n, n)`. The gradient needs invertible ones.

    >>> float(ef.ops.linalg.det([[2.0, 1.0], [1.0, 4.0]]).round(4))
    7.0
    """
    sign, logarithm = slogdet(as_square(x, "det"))
    return multiply(sign, exp(logarithm))


@composite
def logdet(x: TensorLike) -> Tensor:
    """The logarithm of the absolute value of the determinant of square matrices.

    Args:
        x: matrices, of shape `(..., n, n)`.

    >>> ef.ops.logdet([[2.0, 0.0], [0.0, 4.0]]).round(4)
    Tensor(float32, 2.0794)
    """
    return slogdet(as_square(x, "logdet"))[1]


@composite
def solve_triangular(a: TensorLike, b: TensorLike, lower: bool = False) -> Tensor:
    """The solution `x` of `a @ x = b` for triangular `a`; only one triangle of `a` is read.

    Args:
        a: matrices, of shape `(..., n, n)`.
        b: right-hand sides, of shape `(..., n, m)`; with one axis less than `a`, one vector per matrix.
        lower: whether to read the lower triangle; by default, the upper one is read.

    Raises:
        LinAlgError: where an element on the diagonal is 0 (on a GPU the result is not finite instead).

    >>> ef.ops.linalg.solve_triangular([[2.0, 9.0], [0.0, 4.0]], [[2.0], [0.0]]).tolist()
    [[1.0], [0.0]]
    """
    a = as_square(a, "solve_triangular")
    b = convert_to_tensor(b)
    triangle = tril(a) if lower else triu(a)
    if b.ndim == a.ndim - 1:
        return reshape(solve(triangle, reshape(b, (*b.shape, 1))), b.shape)
    return solve(triangle, b)


@composite
def lstsq(a: TensorLike, b: TensorLike, rcond: float | None = None) -> Tensor:
    """Least squares: the `x` for which `a @ x` is closest to `b`; of several, the one with the smallest norm.

    Args:
        a: a matrix of shape `(m, n)`.
        b: a vector `(m,)` or a matrix `(m, k)`.
        rcond: singular values below this fraction of the largest one count as 0; default: the type's precision times
            the longer side.

    Returns:
        A tensor of shape `(n,)` or `(n, k)`.

    >>> ef.ops.linalg.lstsq([[1.0], [1.0]], [1.0, 3.0]).numpy().round(4).tolist()
    [2.0]
    """
    a, b = as_matrices(a, "lstsq"), convert_to_tensor(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or b.shape[0] != a.shape[0]:
        raise ValueError(f"lstsq: expected a matrix (m, n) and m right-hand sides; got shapes {a.shape} and {b.shape}.")
    return matmul(pinv(a, rcond), b)


@composite
def matrix_rank(x: TensorLike, tol: TensorLike = None) -> Tensor:
    """The rank of matrices: the number of singular values above a tolerance. Integers, without gradient.

    Args:
        x: matrices, of shape `(..., m, n)`.
        tol: the tolerance; default: the largest singular value times the longer side times the type's precision.

    >>> int(ef.ops.linalg.matrix_rank([[1.0, 1.0], [1.0, 1.0]]))
    1
    """
    x = convert_to_tensor(x)
    if x.ndim < 2:
        return cast(any(not_equal(x, 0)), "int64")
    s = svd(stop_gradient(as_matrices(x, "matrix_rank")), compute_uv=False)
    if tol is None:
        precision = float(numpy.max(x.shape[-2:])) * float(numpy.finfo(s.dtype).eps)
        tol = multiply(max(s, axis=-1, keepdims=True, initial=0.0), precision)
    else:
        tol = convert_to_tensor(tol)[..., None]
    return count_nonzero(greater(s, tol), axis=-1)


@composite
def cholesky_inverse(x: TensorLike, upper: bool = False) -> Tensor:
    """The inverse of a matrix whose Cholesky factor is known.

    Args:
        x: the factors, of shape `(..., n, n)`.
        upper: whether they are upper triangular.

    >>> ef.ops.linalg.cholesky_inverse([[2.0]]).tolist()
    [[0.25]]
    """
    x = as_square(x, "cholesky_inverse")
    inverse = inv(triu(x) if upper else tril(x))
    return matmul(inverse, turned(inverse)) if upper else matmul(turned(inverse), inverse)
