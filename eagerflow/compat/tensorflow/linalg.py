"""`tf.linalg`: matrices."""

from __future__ import annotations

from typing import Any

from eagerflow import ops
from eagerflow.compat.arguments import renamed
from eagerflow.compat.tensorflow.arrays import einsum, eye, norm, tensordot
from eagerflow.compat.tensorflow.math import global_norm, l2_normalize, matmul
from eagerflow.core.tensor import Tensor

__all__ = ["band_part", "cholesky", "cross", "det", "diag", "diag_part", "eigh", "einsum", "eye", "global_norm"]
__all__ += ["inv", "l2_normalize", "logdet", "lstsq", "matmul", "matrix_transpose", "matvec", "norm", "pinv", "qr"]
__all__ += ["set_diag", "slogdet", "solve", "svd", "tensordot", "trace", "triangular_solve"]

cholesky, det, inv, qr, trace = ops.cholesky, ops.det, ops.inv, ops.qr, ops.trace
cross, eigh, pinv = renamed(ops.cross, "a b"), renamed(ops.eigh, "tensor"), renamed(ops.pinv, "a rcond validate_args:")
logdet, slogdet = renamed(ops.logdet, "matrix"), renamed(ops.slogdet, "input")
diag_part = renamed(ops.diagonal, "input", axis1=-2, axis2=-1)


def matvec(a: Any, b: Any, transpose_a: bool = False, name: str | None = None) -> Any:
    """Products of matrices and vectors.

    >>> matvec([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0]).tolist()
    [12.0, 34.0]
    """
    return ops.squeeze(matmul(a, ops.expand_dims(b, -1), transpose_a), -1)


def matrix_transpose(a: Any, name: str | None = None, conjugate: bool = False) -> Any:
    """The last two axes swapped.

    >>> matrix_transpose([[1, 2, 3], [4, 5, 6]]).tolist()
    [[1, 4], [2, 5], [3, 6]]
    """
    return ops.swapaxes(ops.conj(a) if conjugate else a, -1, -2)


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """`x` with `matrix @ x == rhs`.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [[2.0], [8.0]]).tolist()
    [[1.0], [2.0]]
    """
    return ops.solve(matrix_transpose(matrix, conjugate=True) if adjoint else matrix, rhs)


def triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None) -> Any:
    """`x` with `matrix @ x == rhs`, of which only one triangle of `matrix` is read.

    >>> triangular_solve([[2.0, 9.0], [1.0, 4.0]], [[2.0], [9.0]]).tolist()
    [[1.0], [2.0]]
    """
    if adjoint:
        return ops.solve_triangular(matrix_transpose(matrix, conjugate=True), rhs, not lower)
    return ops.solve_triangular(matrix, rhs, lower)


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """Singular values, or with `compute_uv` `(s, u, v)`: `tensor == u @ diag(s) @ adjoint(v)`.

    >>> s, u, v = svd([[0.0, 2.0], [1.0, 0.0]])
    >>> s.round(4).tolist()
    [2.0, 1.0]
    """
    if not compute_uv:
        return ops.svd(tensor, full_matrices, False)
    u, s, adjoint_of_v = ops.svd(tensor, full_matrices)
    return s, u, matrix_transpose(adjoint_of_v, conjugate=True)


def diag(diagonal: Any, name: str | None = None) -> Any:
    """Matrices with these diagonals.

    >>> diag([1, 2]).tolist()
    [[1, 0], [0, 2]]
    """
    diagonal = ops.convert_to_tensor(diagonal)
    return ops.expand_dims(diagonal, -1) * ops.eye(diagonal.shape[-1], dtype=diagonal.dtype.name)


def set_diag(input: Any, diagonal: Any, name: str | None = None, **kwargs: Any) -> Any:
    """Matrices with another diagonal.

    Raises:
        ValueError: for other diagonals than the main one.

    >>> set_diag([[1, 2], [3, 4]], [9, 9]).tolist()
    [[9, 2], [3, 9]]
    """
    if kwargs.get("k", 0) != 0:
        raise ValueError("tf.linalg.set_diag(k=...): only the main diagonal is possible here.")
    input = ops.convert_to_tensor(input)
    rows, columns = input.shape[-2:]
    on_it = ops.expand_dims(ops.arange(rows), 1) == ops.arange(columns)
    length = min(rows, columns)
    new = ops.expand_dims(ops.cast(diagonal, input.dtype.name), -1) * ops.eye(length, dtype=input.dtype.name)
    before = [(0, 0)] * (len(input.shape) - 2)
    new = ops.pad(new, [*before, (0, rows - length), (0, columns - length)])
    return ops.where(on_it, new, input)


def band_part(input: Any, num_lower: int, num_upper: int, name: str | None = None) -> Any:
    """The numbers near the diagonal; -1 keeps a whole side. `band_part(x, -1, 0)` is the lower triangle.

    >>> band_part([[1, 2, 3], [4, 5, 6], [7, 8, 9]], -1, 0).tolist()
    [[1, 0, 0], [4, 5, 0], [7, 8, 9]]
    """
    input = ops.convert_to_tensor(input)
    rows, columns = (ops.arange(n) for n in input.shape[-2:])
    below = ops.expand_dims(rows, 1) - columns
    kept = ops.ones_like(below, "bool")
    kept = kept if num_lower < 0 else ops.logical_and(kept, below <= num_lower)
    kept = kept if num_upper < 0 else ops.logical_and(kept, below >= -num_upper)
    return ops.where(kept, input, ops.zeros_like(input))


def lstsq(matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True, name: str | None = None) -> Tensor:
    """`x` for which `matrix @ x` is nearest to `rhs`; with `l2_regularizer`, its own squares count too.

    >>> lstsq([[1.0], [1.0]], [[1.0], [3.0]]).round(4).tolist()
    [[2.0]]
    """
    a = ops.convert_to_tensor(matrix)
    if not l2_regularizer:
        return ops.matmul(ops.pinv(a), rhs)
    turned = ops.swapaxes(a, -1, -2)
    ridge = ops.eye(a.shape[-1], dtype=a.dtype.name) * l2_regularizer
    return ops.solve(ops.matmul(turned, a) + ridge, ops.matmul(turned, rhs))
