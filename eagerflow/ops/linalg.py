"""Linear algebra: the names of `keras.ops.linalg`."""

from eagerflow.ops.matrices.factorizations import eig, eigh, lu_factor, pinv, solve
from eagerflow.ops.matrices.inverses_and_norms import (
    cholesky,
    cholesky_inverse,
    det,
    inv,
    jvp,
    lstsq,
    matrix_rank,
    norm,
    qr,
    solve_triangular,
    svd,
)

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "jvp", "lstsq", "lu_factor", "matrix_rank", "norm",
    "pinv", "qr", "solve", "solve_triangular", "svd",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
