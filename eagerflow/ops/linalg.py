"""Linear algebra: the names of `keras.ops.linalg`."""

from eagerflow.ops.control_flow import jvp
from eagerflow.ops.matrices.factorizations import cholesky, eig, eigh, lu_factor, pinv, qr, solve, svd
from eagerflow.ops.matrices.inverses import cholesky_inverse, det, inv, lstsq, matrix_rank, solve_triangular
from eagerflow.ops.matrices.norms import norm

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "jvp", "lstsq", "lu_factor", "matrix_rank", "norm",
    "pinv", "qr", "solve", "solve_triangular", "svd",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
