"""Linear algebra on top of the factorizations: inverses, determinants, least squares, norms."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow.core import derivatives as functional
from eagerflow.core.custom_gradient import stop_gradient
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.axes import listed
from eagerflow.ops.arrays.diagonals import tril, triu
from eagerflow.ops.arrays.join import concatenate
from eagerflow.ops.arrays.shape import moveaxis, reshape, swapaxes
from eagerflow.ops.elementwise.arithmetic import absolute, multiply, power, square
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.comparison import equal, greater, not_equal
from eagerflow.ops.elementwise.complex_numbers import conj
from eagerflow.ops.elementwise.exponential import exp, sqrt
from eagerflow.ops.elementwise.logic import any
from eagerflow.ops.elementwise.selection import where
from eagerflow.ops.matrices.factorizations import lower_cholesky, pinv, slogdet, solve, thin_qr, truncated_svd
from eagerflow.ops.matrices.products import matmul
from eagerflow.ops.reduce.reductions import count_nonzero, max, min, sum

__all__ = [
    "cholesky", "cholesky_inverse", "det", "inv", "jvp", "logdet", "lstsq", "matrix_rank", "norm", "qr",
    "solve_triangular", "svd",
]  # fmt: skip


def _matrices(x: Any, name: str) -> Tensor:
    """`x` as a tensor of matrices of floats."""
    x = convert_to_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"{name}: expected matrices in the last two axes; got shape {x.shape}.")
    return cast(x, None) if x.dtype.kind in "iub" else x


def _square(x: Any, name: str) -> Tensor:
    x = _matrices(x, name)
    if x.shape[-1] != x.shape[-2]:
        raise ValueError(f"{name}: expected square matrices in the last two axes; got shape {x.shape}.")
    return x


def _turned(x: Tensor) -> Tensor:
    return conj(swapaxes(x, -1, -2))


@composite
def cholesky(x: Any, upper: bool = False) -> Tensor:
    """The triangular factor `L` of positive definite matrices, `x = L @ L.T`.

    Args:
        x: symmetric (Hermitian) matrices, of shape `(..., n, n)`; their lower triangle is read.
        upper: give `L.T` instead.

    Raises:
        LinAlgError: when a matrix isn't positive definite (on a GPU the result is NaN instead).

    >>> ef.ops.linalg.cholesky([[4.0]]).tolist()
    [[2.0]]
    """
    lower = lower_cholesky(_square(x, "cholesky"))
    return _turned(lower) if upper else lower


@composite
def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """The inverse of a matrix whose Cholesky factor is known.

    Args:
        x: the factors, of shape `(..., n, n)`.
        upper: whether they are upper triangular.

    >>> ef.ops.linalg.cholesky_inverse([[2.0]]).tolist()
    [[0.25]]
    """
    x = _square(x, "cholesky_inverse")
    inverse = inv(triu(x) if upper else tril(x))
    return matmul(inverse, _turned(inverse)) if upper else matmul(_turned(inverse), inverse)


@composite
def inv(x: Any) -> Tensor:
    """The inverse of square matrices.

    Args:
        x: matrices, of shape `(..., n, n)`.

    Raises:
        LinAlgError: for singular matrices (on a GPU the result is not finite instead).

    >>> ef.ops.linalg.inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    x = _square(x, "inv")
    unit = numpy.broadcast_to(numpy.eye(x.shape[-1], dtype=x.dtype), x.shape)
    return solve(x, Tensor(unit, device=x.device))


@composite
def det(x: Any) -> Tensor:
    """The determinant of square matrices.

    Args:
        x: matrices, of shape `(..., n, n)`. The gradient needs regular ones.

    >>> ef.ops.linalg.det([[2.0, 0.0], [0.0, 4.0]]).item()
    8.0
    """
    sign, logarithm = slogdet(_square(x, "det"))
    return multiply(sign, exp(logarithm))


@composite
def logdet(x: Any) -> Tensor:
    """The logarithm of the determinant of positive definite matrices (of its absolute value, of others).

    Args:
        x: matrices, of shape `(..., n, n)`.

    >>> float(ef.ops.logdet([[1.0, 0.0], [0.0, 1.0]]))
    0.0
    """
    return slogdet(_square(x, "logdet"))[1]


@composite
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """The solution `x` of `a @ x = b`, of which only one triangle of `a` is read.

    Args:
        a: matrices, of shape `(..., n, n)`.
        b: right-hand sides, of shape `(..., n, m)`; with one axis less than `a`, one vector per matrix.
        lower: read the lower triangle; default the upper one.

    Raises:
        LinAlgError: where an element on the diagonal is 0.

    >>> ef.ops.linalg.solve_triangular([[2.0, 9.0], [0.0, 4.0]], [[2.0], [0.0]]).tolist()
    [[1.0], [0.0]]
    """
    a = _square(a, "solve_triangular")
    b = convert_to_tensor(b)
    triangle = tril(a) if lower else triu(a)
    if b.ndim == a.ndim - 1:
        return reshape(solve(triangle, reshape(b, (*b.shape, 1))), b.shape)
    return solve(triangle, b)


@composite
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Tensor:
    """The `x` that makes `a @ x` come closest to `b`, of least length where there are several.

    Args:
        a: a matrix of shape `(m, n)`.
        b: a vector `(m,)` or a matrix `(m, k)`.
        rcond: singular values below this part of the largest count as 0; default: the type's precision times
            the longer side.

    Returns:
        A tensor of shape `(n,)` or `(n, k)`.

    >>> ef.ops.linalg.lstsq([[1.0], [1.0]], [1.0, 3.0]).numpy().round(4).tolist()
    [2.0]
    """
    a, b = _matrices(a, "lstsq"), convert_to_tensor(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or b.shape[0] != a.shape[0]:
        raise ValueError(
            f"lstsq: expected a matrix (m, n) and m right-hand sides; got shapes {a.shape} and {b.shape}."
        )
    return matmul(pinv(a, rcond), b)


@composite
def qr(x: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Orthogonal times upper triangular: `x = q @ r`.

    Args:
        x: matrices, of shape `(..., m, n)`.
        mode: `"reduced"` for `q` of shape `(..., m, min(m, n))`, `"complete"` for square `q` (without gradient
            where m > n).

    Raises:
        ValueError: for another mode.

    >>> q, r = ef.ops.linalg.qr([[3.0], [4.0]])
    >>> abs(r).numpy().round(4).tolist()
    [[5.0]]
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode={mode!r}; expected 'reduced' or 'complete'.")
    x = _matrices(x, "qr")
    height = x.shape[-2]
    if height >= x.shape[-1]:
        return thin_qr(x, mode == "complete")
    q, r = thin_qr(x[..., :height])  # the first columns make q, the others follow
    return q, concatenate([r, matmul(_turned(q), x[..., height:])], axis=-1)


@composite
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition: `x = u @ diag(s) @ vh`.

    Args:
        x: matrices, of shape `(..., m, n)`.
        full_matrices: give square `u` and `vh`; else only the vectors that belong to singular values.
        compute_uv: give all three; else `s` alone.

    Returns:
        `(u, s, vh)`, or `s`: of shape `(..., min(m, n))`, decreasing. Gradients through vectors need different
        singular values.

    >>> ef.ops.linalg.svd([[0.0, 2.0], [1.0, 0.0]], compute_uv=False).tolist()
    [2.0, 1.0]
    """
    x = _matrices(x, "svd")
    return truncated_svd(x, full_matrices) if compute_uv else truncated_svd(x, False)[1]


@composite
def matrix_rank(x: Any, tol: Any = None) -> Tensor:
    """How many singular values are above a tolerance. An integer, without gradient.

    Args:
        x: matrices, of shape `(..., m, n)`.
        tol: the tolerance(s); default: the largest one times the longer side times the type's precision.

    >>> int(ef.ops.linalg.matrix_rank([[1.0, 1.0], [1.0, 1.0]]))
    1
    """
    x = convert_to_tensor(x)
    if x.ndim < 2:
        return cast(any(not_equal(x, 0)), "int64")
    s = svd(stop_gradient(_matrices(x, "matrix_rank")), compute_uv=False)
    if tol is None:
        precision = float(numpy.max(x.shape[-2:])) * float(numpy.finfo(s.dtype).eps)
        tol = multiply(max(s, axis=-1, keepdims=True, initial=0.0), precision)
    else:
        tol = convert_to_tensor(tol)[..., None]
    return count_nonzero(greater(s, tol), axis=-1)


@composite
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The length of vectors, or the size of matrices.

    Args:
        x: a tensor.
        ord: of vectors any number (the p of the p-norm; 0 counts, inf and -inf are the extremes); of matrices
            `"fro"`, `"nuc"`, 1, -1, 2, -2, inf, -inf. Default: the root of the sum of squares.
        axis: one axis for vectors, two for matrices; default: all of `x`, flattened if `ord` is None.
        keepdims: keep the reduced axes with length one.

    Raises:
        ValueError: for another `ord`, or when vectors or matrices aren't what `x` holds.

    Where the norm is 0, the gradient of a root is 0.

    >>> float(ef.ops.linalg.norm([3.0, 4.0]))
    5.0
    """
    x = convert_to_tensor(x)
    x = cast(x, None) if x.dtype.kind in "iub" else x
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


def _root_of_squares(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
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


def jvp(
    fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """The value of a function, and its derivative along a direction.

    Args:
        fun: a function of tensors.
        primals: where to evaluate it, one per argument.
        tangents: the direction, in the shapes of `primals`.
        has_aux: whether `fun` returns a pair, of which only the first is differentiated.

    Returns:
        `(value, derivative)`, and the second part of the pair with `has_aux`.

    Raises:
        ValueError: when the tangents' shapes differ from the primals'.

    >>> value, slope = ef.ops.linalg.jvp(lambda x: x * x, [3.0], [1.0])
    >>> float(value), float(slope)
    (9.0, 6.0)
    """
    if not has_aux:
        return functional.jvp(fun, primals, tangents)
    beside: list[Any] = []

    def first(*args: Any) -> Any:
        value, aux = fun(*args)
        beside[:] = [aux]
        return value

    value, slope = functional.jvp(first, primals, tangents)
    return value, slope, beside[0]
