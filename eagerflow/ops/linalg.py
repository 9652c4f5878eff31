"""Linear algebra: the names of `keras.ops.linalg`."""

from eagerflow.base.faces import listed as _listed
from eagerflow.ops.control_flow import jvp as jvp
from eagerflow.ops.matrices.factorizations import (
    cholesky as cholesky,
    eig as eig,
    eigh as eigh,
    lu_factor as lu_factor,
    pinv as pinv,
    qr as qr,
    solve as solve,
    svd as svd,
)
from eagerflow.ops.matrices.inverses import (
    cholesky_inverse as cholesky_inverse,
    det as det,
    inv as inv,
    lstsq as lstsq,
    matrix_rank as matrix_rank,
    solve_triangular as solve_triangular,
)
from eagerflow.ops.matrices.norms import norm as norm

_listed(__name__)
