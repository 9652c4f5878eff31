"""Linear algebra: the names of `keras.ops.linalg`."""

from eagerflow.base.faces import listed as _listed
from eagerflow.ops.control_flow import jvp as jvp
from eagerflow.ops.matrices.factorizations import cholesky as cholesky
from eagerflow.ops.matrices.factorizations import eig as eig
from eagerflow.ops.matrices.factorizations import eigh as eigh
from eagerflow.ops.matrices.factorizations import lu_factor as lu_factor
from eagerflow.ops.matrices.factorizations import pinv as pinv
from eagerflow.ops.matrices.factorizations import qr as qr
from eagerflow.ops.matrices.factorizations import solve as solve
from eagerflow.ops.matrices.factorizations import svd as svd
from eagerflow.ops.matrices.inverses import cholesky_inverse as cholesky_inverse
from eagerflow.ops.matrices.inverses import det as det
from eagerflow.ops.matrices.inverses import inv as inv
from eagerflow.ops.matrices.inverses import lstsq as lstsq
from eagerflow.ops.matrices.inverses import matrix_rank as matrix_rank
from eagerflow.ops.matrices.inverses import solve_triangular as solve_triangular
from eagerflow.ops.matrices.norms import norm as norm

_listed(__name__)
