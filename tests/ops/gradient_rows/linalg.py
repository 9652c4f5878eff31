"""Rows of linear algebra. Factorizations of symmetric matrices are taken of `x @ x.T + 1`, which stays symmetric."""

from __future__ import annotations

import numpy as np

from eagerflow import ops
from eagerflow.core.primitive import registry
from tests.ops.gradient_rows import apart, case, no_gradient, normal, other, smooth, zero

REGULAR = normal(3, 3) + 2 * np.eye(3)
TALL, WIDE = normal(3, 2), normal(2, 3)
BATCH = np.stack([normal(2, 2) + 2 * np.eye(2), other(2, 2) - 2 * np.eye(2)])


def symmetric(x):
    return ops.matmul(x, ops.swapaxes(x, -1, -2)) + ops.cast(np.diag(np.arange(1.0, 1 + x.shape[-1])), x.dtype)


def of_symmetric(function):
    """Functions of a symmetric matrix."""
    return [case(x, call=lambda x: function(symmetric(x)), rtol=1e-4, atol=1e-5) for x in (normal(2, 2), BATCH)]


def eigh_parts(x):
    values, vectors = ops.linalg.eigh(x)
    return values, ops.square(vectors)


def eig_parts(x):
    values, vectors = ops.linalg.eig(x)
    return ops.real(values), ops.absolute(vectors), ops.imag(values)


def svd_parts(full):
    def parts(x):
        u, s, vh = ops.linalg.svd(x, full_matrices=full)
        k = s.shape[-1]
        return ops.square(u[..., :k]), s, ops.square(vh[..., :k, :])

    return parts


SLACK = {"rtol": 1e-4, "atol": 1e-5}
ROWS = [
    smooth(
        "cholesky",
        *of_symmetric(lambda x: ops.linalg.cholesky(x, upper=True)),
        *of_symmetric(lambda x: registry["cholesky"].call(x)),
    ),
    smooth("cholesky_inverse", case(REGULAR), case(REGULAR, upper=True)),
    smooth("inv", case(REGULAR), case(BATCH)),
    smooth("det", case(REGULAR), case(BATCH)),
    smooth("logdet", case(REGULAR), case(BATCH)),
    smooth("slogdet", case(REGULAR, call=lambda x: ops.slogdet(x)[1])),
    smooth("solve", case(REGULAR, normal(3)), case(BATCH, normal(2, 2)), case(BATCH[0], normal(2, 2, 1))),
    smooth("solve_triangular", case(REGULAR, normal(3, 2)), case(REGULAR, normal(3), lower=True)),
    smooth("lstsq", case(TALL, normal(3), **SLACK), case(WIDE, normal(2, 2), **SLACK)),
    smooth("pinv", case(TALL, **SLACK), case(WIDE, **SLACK), case(BATCH, **SLACK)),
    smooth("eigh", *of_symmetric(eigh_parts)),
    smooth(
        "eig",
        case(np.array([[1.0, 2.0], [3.0, -1.0]]), call=eig_parts, **SLACK),
        case(np.array([[1.0, 2.0], [-3.0, 1.5]]), call=eig_parts, **SLACK),
    ),
    smooth(
        "qr", case(TALL, **SLACK), case(REGULAR, **SLACK), case(WIDE, **SLACK), case(BATCH, mode="complete", **SLACK)
    ),
    smooth(
        "svd",
        case(TALL, call=svd_parts(False), **SLACK),
        case(WIDE, call=svd_parts(True), **SLACK),
        case(BATCH, call=svd_parts(False), **SLACK),
        case(WIDE, compute_uv=False),
        case(TALL, call=lambda x: registry["svd"].call(x)[1]),
    ),
    smooth(
        "lu_factor",
        case(REGULAR, call=lambda x: ops.linalg.lu_factor(x)[0]),
        case(BATCH, call=lambda x: ops.linalg.lu_factor(x)[0]),
    ),
    smooth(
        "norm",
        case(normal(2, 3)),
        *[case(apart(2, 3), axis=-1, ord=p) for p in (1, 2, 3, float("inf"), -float("inf"))],
        *[case(REGULAR, axis=(0, 1), ord=p, **SLACK) for p in ("fro", "nuc", 1, -1, 2, -2, float("inf"))],
        case(normal(2, 2, 2), axis=(0, 2), keepdims=True, ord=1),
    ),
    zero("matrix_rank", case(REGULAR)),
    no_gradient("jvp", "takes a function"),
]
