"""Factorizations of matrices, and the solution of linear equations, with their gradients.

Rules follow M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), with adjoints instead of transposes for complex matrices. Eigenvectors and singular vectors
are determined up to a factor only; their gradients hold for functions that don't depend on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, overload

from eagerflow.base.typing import Array, Needs, Numpy, TensorLike
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.join import concatenate
from eagerflow.ops.arrays.shape import swapaxes
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.complex_numbers import conj, real_part
from eagerflow.ops.matrices.products import adjoint, matmul

__all__ = ["cholesky", "eig", "eigh", "lu_factor", "pinv", "qr", "slogdet", "solve", "svd"]


def columns(x: Any) -> Any:
    """Vectors as matrices of one row each, to scale columns."""
    return x.reshape((*x.shape[:-1], 1, x.shape[-1]))


def rows(x: Any) -> Any:
    """Vectors as matrices of one column each, to scale rows."""
    return x.reshape((*x.shape, 1))


def identity_like(xp: Numpy, x: Array, size: int) -> Any:
    """The identity matrix in the type of `x`."""
    return xp.eye(size).astype(x.dtype)


def _solved(xp: Numpy, a: Array, b: Array) -> Any:
    """`b` is one vector for each matrix, or a matrix."""
    if 1 < b.ndim < a.ndim and b.shape == a.shape[:-1]:  # NumPy takes these for one matrix
        return xp.linalg.solve(a, rows(b))[..., 0]
    if xp.__name__ != "numpy" and b.ndim > 1 and a.shape[:-2] != b.shape[:-2]:  # CuPy broadcasts no matrices
        heads = (a[..., 0, 0] + b[..., 0, 0]).shape
        a, b = (xp.broadcast_to(each, heads + each.shape[-2:]) for each in (a, b))
    return xp.linalg.solve(a, b)


def _solve_rule(xp: Numpy, g: Array, a: Array, out: Array, needs: Needs) -> tuple[Any, Any]:
    gb = _solved(xp, adjoint(a), g)
    if not needs[0]:
        return None, gb
    if out.ndim < a.ndim:
        return -rows(gb) * columns(out if out.dtype.kind != "c" else out.conjugate()), gb
    return -gb @ adjoint(out), gb


@op(_solve_rule, joint=True, floating=True)
def solve(xp: Numpy, a: Array, b: Array) -> Array:
    """The solution `x` of the linear equations `a @ x = b`.

    Args:
        a: square matrices, of shape `(..., n, n)`.
        b: right-hand sides, of shape `(n,)`, `(..., n)` (one vector for each matrix) or `(..., n, m)`.

    Raises:
        LinAlgError: for singular matrices (on a GPU the result is not finite instead).
        ValueError: when the shapes don't fit.

    >>> x = ef.ops.linalg.solve([[2.0, 1.0], [0.0, 4.0]], [4.0, 8.0])
    >>> x.tolist(), ef.ops.matmul([[2.0, 1.0], [0.0, 4.0]], x).tolist()
    ([1.0, 2.0], [4.0, 8.0])
    """
    return _solved(xp, a, b)


def _cholesky_rule(xp: Numpy, g: Array, out: Array) -> Array:
    inner = xp.tril(adjoint(out) @ g)
    inner = inner - identity_like(xp, inner, inner.shape[-1]) * inner * 0.5
    right = adjoint(xp.linalg.solve(adjoint(out), adjoint(inner)))  # inner @ inv(out)
    found = xp.linalg.solve(adjoint(out), right)
    return (found + adjoint(found)) * 0.5


@op(_cholesky_rule, floating=True, name="cholesky")
def lower_cholesky(xp: Numpy, x: Array) -> Array:
    """The lower triangular factor of positive definite matrices."""
    if xp.__name__ == "numpy":
        return xp.linalg.cholesky(x)
    import cupyx

    try:
        with cupyx.errstate(linalg="raise"):  # it waits for the GPU then: of other matrices it gives some numbers
            return xp.linalg.cholesky(x)
    except ValueError as error:  # NumPy's LinAlgError is one
        raise type(error)("Matrix is not positive definite") from None


def _slogdet_rule(xp: Numpy, g: Sequence[Array], x: Array, out: Any) -> Array:
    g_sign, g_log = g
    inverse = adjoint(xp.linalg.inv(x))
    if x.dtype.kind != "c":
        return rows(rows(g_log)) * inverse
    turn = (g_sign.conjugate() * out[0]).imag * -1j
    return rows(rows(real_part(g_log) + turn)) * inverse


@op(_slogdet_rule, outputs=2, floating=True)
def slogdet(xp: Numpy, x: Array) -> tuple[Array, ...]:
    """The sign of the determinant, and the logarithm of its absolute value.

    Args:
        x: square matrices, of shape `(..., n, n)`.

    Returns:
        `(sign, logarithm)`; 0 and -inf for singular matrices.

    Raises:
        LinAlgError: when the matrices aren't square.

    >>> sign, logarithm = ef.ops.slogdet([[0.0, 1.0], [1.0, 0.0]])
    >>> float(sign), float(logarithm)
    (-1.0, 0.0)
    """
    sign, logarithm = xp.linalg.slogdet(x)
    return sign, logarithm


def _gaps(xp: Numpy, values: Any) -> Any:
    """1 / (v_j - v_i), and 0 where the two are equal."""
    distance = columns(values) - rows(values)
    same = xp.equal(distance, 0)
    return xp.where(same, 0, 1 / xp.where(same, 1, distance))


def _eigh_rule(xp: Numpy, g: Sequence[Array], out: Any) -> Array:
    (g_values, g_vectors), (values, vectors) = g, out
    turned = adjoint(vectors)
    inner = (turned @ g_vectors) * _gaps(xp, values)
    inner = inner + identity_like(xp, inner, inner.shape[-1]) * columns(real_part(g_values))
    found = vectors @ inner @ turned
    return (found + adjoint(found)) * 0.5


@op(_eigh_rule, outputs=2, floating=True)
def eigh(xp: Numpy, x: Array) -> tuple[Array, ...]:
    """Eigenvalues and eigenvectors of symmetric (Hermitian) matrices, whose lower triangle is read.

    Args:
        x: matrices, of shape `(..., n, n)`.

    Returns:
        `(values, vectors)`: the values increase; each column is a vector. Where values coincide, gradients hold for
        functions of the whole eigenspace.

    Raises:
        LinAlgError: when the matrices aren't square.

    >>> values, vectors = ef.ops.linalg.eigh([[2.0, 1.0], [1.0, 2.0]])
    >>> values.round(4)
    Tensor(2 float32, [1., 3.])
    >>> abs(vectors).round(4)
    Tensor(2×2 float32, [[0.7071, 0.7071],
                         [0.7071, 0.7071]])
    """
    values, vectors = xp.linalg.eigh(x)
    return values, vectors


def _eig_rule(xp: Numpy, g: Sequence[Array], out: Any) -> Array:
    (g_values, g_vectors), (values, vectors) = g, out
    turned = adjoint(vectors)
    inner = turned @ g_vectors
    eye = identity_like(xp, inner, inner.shape[-1])
    lengths = (inner * eye).sum(axis=-2).real  # vectors keep length 1
    inner = (inner - (turned @ vectors) * columns(lengths)) * _gaps(xp, values).conjugate()
    inner = inner * (1 - eye) + eye * columns(g_values)
    return xp.linalg.solve(turned, inner @ turned)


@op(_eig_rule, outputs=2, floating=True)
def eig(xp: Numpy, x: Array) -> tuple[Array, ...]:
    """Eigenvalues and eigenvectors of square matrices, complex.

    Args:
        x: matrices, of shape `(..., n, n)`.

    Returns:
        `(values, vectors)`, both complex; each column is a vector of length 1. Gradients need different values, and
        hold for functions that don't depend on the phase of a vector.

    Raises:
        LinAlgError: when the matrices aren't square.

    >>> sorted(ef.ops.linalg.eig([[0.0, 1.0], [-1.0, 0.0]])[0].tolist(), key=lambda z: z.imag)
    [-1j, 1j]
    """
    values, vectors = xp.linalg.eig(x)
    kind = xp.result_type(x.dtype, "complex64")
    return values.astype(kind), vectors.astype(kind)


def _qr_rule(xp: Numpy, g: Sequence[Array], out: Any, complete: bool) -> Array:
    (g_q, g_r), (q, r) = g, out
    if complete and q.shape[-1] > r.shape[-1]:
        raise NotImplementedError(
            "qr has no gradient with mode='complete' for tall matrices: the added columns are arbitrary. "
            "Use mode='reduced'."
        )
    inner = r @ adjoint(g_r) - adjoint(g_q) @ q
    lower = xp.tril(inner, -1)
    middle = (inner + adjoint(inner)) * 0.5  # the diagonal of r is real
    symmetric = lower + adjoint(lower) + middle * identity_like(xp, inner, inner.shape[-1])
    return adjoint(xp.linalg.solve(r, adjoint(g_q + q @ symmetric)))


@op(_qr_rule, outputs=2, floating=True, name="qr")
def thin_qr(xp: Numpy, x: Array, complete: bool = False) -> tuple[Array, ...]:
    """Orthogonal and upper triangular factors of matrices at least as tall as wide."""
    q, r = xp.linalg.qr(x, mode="complete" if complete else "reduced")
    return q, r


def _svd_rule(xp: Numpy, g: Sequence[Array], out: Any) -> Array:
    g_u, g_s, g_vh = _within(g, out[1].shape[-1])
    u, s, vh = out[0][..., : s_count(out)], out[1], out[2][..., : s_count(out), :]
    uh, v = adjoint(u), adjoint(vh)
    scale = columns(s)
    gaps = _gaps(xp, s * s)
    turn_u, turn_v = uh @ g_u, adjoint(g_vh @ v)
    turn_u, turn_v = turn_u - adjoint(turn_u), turn_v - adjoint(turn_v)
    eye = identity_like(xp, turn_u, s.shape[-1])
    inner = turn_u * gaps * scale + rows(s) * (turn_v * gaps) + eye * columns(real_part(g_s))
    safe = xp.where(xp.equal(s, 0), 1, s)
    if turn_u.dtype.kind == "c":
        inner = inner + eye * turn_u / columns(safe * 2)
    found = u @ inner @ vh
    outside_u = g_u / columns(safe)
    outside_v = g_vh / rows(safe)
    return found + (outside_u - u @ (uh @ outside_u)) @ vh + u @ (outside_v - (outside_v @ v) @ vh)


def s_count(out: Any) -> int:
    """How many singular values there are."""
    return int(out[1].shape[-1])


def _within(g: Any, count: int) -> tuple[Any, Any, Any]:
    """The gradients of the vectors that belong to singular values; there must be none of the others."""
    g_u, g_s, g_vh = g
    for extra in (g_u[..., count:], g_vh[..., count:, :]):
        raw = extra.data if isinstance(extra, Tensor) else extra
        if raw.size and bool((raw != 0).any()):
            raise NotImplementedError(
                "svd has no gradient through the vectors that full_matrices=True adds: they are arbitrary. "
                "Use full_matrices=False."
            )
    return g_u[..., :count], g_s, g_vh[..., :count, :]


@op(_svd_rule, outputs=3, floating=True, name="svd")
def truncated_svd(xp: Numpy, x: Array, full: bool = False) -> tuple[Array, ...]:
    """Singular vectors and values."""
    u, s, vh = xp.linalg.svd(x, full_matrices=full)
    return u, s, vh


def _pinv_rule(xp: Numpy, g: Array, x: Array, out: Array) -> Array:
    """From the differential of the pseudo-inverse by G. Golub and V. Pereyra (1973)."""
    gh, ph = adjoint(g), adjoint(out)
    left, right = out @ ph, ph @ out  # of shapes (n, n) and (m, m)
    outside = gh @ left - x @ (out @ (gh @ left))
    inside = right @ gh - (right @ gh @ out) @ x
    return outside + inside - ph @ g @ ph


@op(_pinv_rule, floating=True)
def pinv(xp: Numpy, x: Array, rcond: float | None = None) -> Array:
    """The pseudo-inverse of matrices (Moore-Penrose).

    Args:
        x: matrices, of shape `(..., m, n)`.
        rcond: singular values below this fraction of the largest one count as 0; default: the type's precision times
            the longer side. The gradient holds for changes that keep the rank.

    >>> ef.ops.linalg.pinv([[2.0, 0.0]]).tolist()
    [[0.5], [0.0]]
    """
    if 0 in x.shape:
        return xp.zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    if rcond is None:
        rcond = float(xp.finfo(x.dtype).eps) * max(x.shape[-2:])
    large = s > rcond * s.max(axis=-1, keepdims=True)
    inverse = xp.where(large, 1 / xp.where(large, s, 1), 0)
    return adjoint(vh) @ (rows(inverse) * adjoint(u))


def _lu_rule(xp: Numpy, g: Sequence[Array], out: Any, order: Any) -> Array:
    factors = out[0]
    if factors.shape[-1] != factors.shape[-2]:
        raise NotImplementedError(f"lu_factor has a gradient for square matrices only; got shape {factors.shape}.")
    eye = identity_like(xp, factors, factors.shape[-1])
    lower, upper = xp.tril(factors, -1) + eye, xp.triu(factors)
    inner = xp.tril(adjoint(lower) @ xp.tril(g[0], -1), -1) + xp.triu(xp.triu(g[0]) @ adjoint(upper))
    right = adjoint(xp.linalg.solve(upper, adjoint(inner)))  # inner @ inv(upper).H
    found = xp.linalg.solve(adjoint(lower), right)
    return xp.take_along_axis(found, rows(xp.argsort(order, axis=-1)), axis=-2)


@op(_lu_rule, outputs=2, saves=("order",), floating=True)
def lu_factor(xp: Numpy, x: Array) -> Any:
    """LU factorization of matrices with partial pivoting, in LAPACK's packed format.

    Args:
        x: matrices, of shape `(..., m, n)`.

    Returns:
        `(lu, pivots)`: `lu` contains the upper factor on and above the diagonal, and below it the lower factor, whose
        diagonal is 1. Row `i` was exchanged with row `pivots[i]`.

    >>> lu, pivots = ef.ops.linalg.lu_factor([[0.0, 1.0], [2.0, 3.0]])
    >>> lu.tolist(), pivots.tolist()
    ([[2.0, 3.0], [0.0, 1.0]], [1, 1])
    """
    m, n = x.shape[-2:]
    heads, steps = x.shape[:-2], min(m, n)
    lu = x.reshape((math.prod(heads), m, n)).copy()
    batch = xp.arange(len(lu))
    order = xp.zeros((len(lu), m), "int32") + xp.arange(m, dtype="int32")
    pivots = xp.zeros((len(lu), steps), "int32")
    for k in range(steps):
        pivot = abs(lu[:, k:, k]).argmax(axis=1) + k
        pivots[:, k] = pivot
        for array in (lu, order):
            kept = array[:, k].copy()
            array[:, k] = array[batch, pivot]
            array[batch, pivot] = kept
        divisor = lu[:, k, k]
        below = lu[:, k + 1 :, k] / xp.where(divisor == 0, 1, divisor)[:, None]
        lu[:, k + 1 :, k] = below
        lu[:, k + 1 :, k + 1 :] -= below[:, :, None] * lu[:, k : k + 1, k + 1 :]
    return (lu.reshape(x.shape), pivots.reshape((*heads, steps))), order.reshape((*heads, m))


def as_matrices(x: Any, name: str) -> Tensor:
    """`x` as a tensor of matrices of floats."""
    x = convert_to_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"{name}: expected matrices in the last two axes; got shape {x.shape}.")
    return cast(x, None) if x.dtype.kind in "iub" else x


def as_square(x: Any, name: str) -> Tensor:
    """The same, square."""
    x = as_matrices(x, name)
    if x.shape[-1] != x.shape[-2]:
        raise ValueError(f"{name}: expected square matrices in the last two axes; got shape {x.shape}.")
    return x


def turned(x: Tensor) -> Tensor:
    """The transpose of matrices, conjugated, as an op."""
    return conj(swapaxes(x, -1, -2))


@composite
def cholesky(x: TensorLike, upper: bool = False) -> Tensor:
    """Cholesky factorization of positive definite matrices: the lower triangular `L` with `x = L @ L.T`.

    Args:
        x: symmetric (Hermitian) matrices, of shape `(..., n, n)`; their lower triangle is read.
        upper: whether to return the upper triangular `L.T` instead.

    Raises:
        LinAlgError: when a matrix isn't positive definite.

    >>> ef.ops.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]]).tolist()
    [[2.0, 0.0], [1.0, 2.0]]
    """
    lower = lower_cholesky(as_square(x, "cholesky"))
    return turned(lower) if upper else lower


@composite
def qr(x: TensorLike, mode: Literal["reduced", "complete"] | str = "reduced") -> tuple[Tensor, Tensor]:
    """QR factorization: `x = q @ r` with orthogonal `q` and upper triangular `r`.

    Args:
        x: matrices, of shape `(..., m, n)`.
        mode: `"reduced"` for `q` of shape `(..., m, min(m, n))`, `"complete"` for square `q` (without gradient
            where m > n).

    Raises:
        ValueError: for another mode.

    >>> q, r = ef.ops.linalg.qr([[3.0, 1.0], [4.0, 2.0]])
    >>> (q @ r).round(4)
    Tensor(2×2 float32, [[3., 1.],
                         [4., 2.]])
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode={mode!r}; expected 'reduced' or 'complete'.")
    x = as_matrices(x, "qr")
    height = x.shape[-2]
    if height >= x.shape[-1]:
        q, r = thin_qr(x, mode == "complete")
        return q, r
    q, r = thin_qr(x[..., :height])  # the first columns make q, the others follow
    return q, concatenate([r, matmul(turned(q), x[..., height:])], axis=-1)


@overload
def svd(x: TensorLike, full_matrices: bool = True, *, compute_uv: Literal[False]) -> Tensor: ...
@overload
def svd(
    x: TensorLike, full_matrices: bool = True, compute_uv: Literal[True] = True
) -> tuple[Tensor, Tensor, Tensor]: ...
@overload
def svd(x: TensorLike, full_matrices: bool = True, compute_uv: bool = True) -> Any: ...
@composite
def svd(x: TensorLike, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition: `x = u @ diag(s) @ vh`.

    Args:
        x: matrices, of shape `(..., m, n)`.
        full_matrices: whether `u` and `vh` are square; otherwise they contain only the vectors of singular values.
        compute_uv: whether to return all three; otherwise only `s`.

    Returns:
        `(u, s, vh)`, or `s`: of shape `(..., min(m, n))`, decreasing. Gradients through vectors need different
        singular values.

    >>> u, s, vh = ef.ops.linalg.svd([[1.0, 2.0], [3.0, 4.0]])
    >>> ((u * s) @ vh).round(4)
    Tensor(2×2 float32, [[1., 2.],
                         [3., 4.]])
    >>> ef.ops.linalg.svd([[0.0, 2.0], [1.0, 0.0]], compute_uv=False).round(4).tolist()
    [2.0, 1.0]
    """
    x = as_matrices(x, "svd")
    return truncated_svd(x, full_matrices) if compute_uv else truncated_svd(x, False)[1]
