"""Products and linear algebra agree with NumPy."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from tests.ops.compare import same, some, whole

SHAPES = [
    ((3, 4), (4, 2)),
    ((4,), (4,)),
    ((3, 4), (4,)),
    ((4,), (4, 2)),
    ((2, 3, 4), (4, 2)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((0, 4), (4, 2)),
    ((3, 0), (0, 2)),
    ((2, 3, 4), (4,)),
    ((4,), (2, 4, 3)),
]


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_matrix_products(a, b, device):
    x, y = some(*a), some(*b)
    same(ops.matmul(x, y), x @ y, "float32")
    same(ops.dot(x, y), np.dot(x, y), "float32")


def test_matrix_products_of_other_layouts_and_types(device):
    x, y = some(4, 3).T, some(4, 4)[::2, ::2]
    same(ops.matmul(x[:, :2], y), x[:, :2] @ y)
    same(ops.matmul(whole(2, 3), whole(3, 2)), whole(2, 3) @ whole(3, 2), "int32")
    same(ops.matmul(some(2, 3), whole(3, 2)), some(2, 3) @ whole(3, 2).astype("float32"), "float32")
    same(ops.dot(2.0, some(3)), 2 * some(3))


@pytest.mark.parametrize(
    ("name", "a", "b", "settings"),
    [
        ("inner", (2, 3), (4, 3), {}),
        ("inner", (), (3,), {}),
        ("outer", (2, 2), (3,), {}),
        ("vdot", (2, 2), (2, 2), {}),
        ("kron", (2, 3), (2, 2), {}),
        ("kron", (3,), (2, 2), {}),
        ("kron", (), (2,), {}),
        ("tensordot", (2, 3, 4), (3, 4, 2), {}),
        ("tensordot", (2, 3), (3, 2), {"axes": 1}),
        ("tensordot", (2,), (3,), {"axes": 0}),
        ("tensordot", (2, 3, 4), (4, 3), {"axes": [[1, -1], [1, 0]]}),
        ("tensordot", (2, 3), (3, 2), {"axes": ([1], [0])}),
        ("cross", (3,), (3,), {}),
        ("cross", (4, 3), (3,), {}),
        ("cross", (3, 4), (3, 4), {"axis": 0}),
        ("cross", (3, 4), (4, 3), {"axisa": 0, "axisc": 0}),
    ],
)
def test_other_products(name, a, b, settings, device):
    x, y = some(*a), some(*b)
    same(getattr(ops, name)(x, y, **settings), getattr(np, name)(x, y, **settings), "float32")


def test_cross_products_in_the_plane(device):
    same(ops.cross([1.0, 2.0], [3.0, 4.0]), -2.0)
    same(ops.cross([1.0, 2.0], [3.0, 4.0, 5.0]), [10.0, -5.0, -2.0])


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("ij,jk", [(2, 3), (3, 4)]),
        ("bij,bjk->bik", [(2, 2, 3), (2, 3, 4)]),
        ("ii", [(3, 3)]),
        ("ii->i", [(3, 3)]),
        ("iij->j", [(2, 2, 3)]),
        ("iii->i", [(2, 2, 2)]),
        ("ij->ji", [(2, 3)]),
        ("ij->", [(2, 3)]),
        ("i,j->ij", [(2,), (3,)]),
        (",->", [(), ()]),
        ("ij,ij->ij", [(2, 3), (2, 3)]),
        ("...ij,...jk->...ik", [(2, 2, 3), (3, 2)]),
        ("...ij,...jk", [(5, 1, 2, 3), (4, 3, 2)]),
        ("i...->...i", [(2, 3, 4)]),
        ("...,...", [(2, 3), (3,)]),
        ("ij,j->ij", [(2, 1), (3,)]),
        ("ij,kj,kl->il", [(2, 3), (4, 3), (4, 2)]),
        ("bqhd,bkhd->bhqk", [(2, 3, 2, 4), (2, 5, 2, 4)]),
        ("ab,bc,cd,de->ea", [(2, 3), (3, 2), (2, 3), (3, 2)]),
        ("ij,ik,il->jkl", [(2, 3), (2, 2), (2, 4)]),
        ("ij,jk->k", [(0, 3), (3, 2)]),
        (" i j , j -> i ", [(2, 3), (3,)]),
        ("bA,bA->", [(2, 3), (2, 3)]),
    ],
)
def test_einsum(subscripts, shapes, device):
    xs = [some(*shape) for shape in shapes]
    same(ops.einsum(subscripts, *xs), np.einsum(subscripts, *xs), "float32")


@pytest.mark.parametrize("subscripts", ["asn,atn->ats", "atn,asn->ats", "nsw,ntw->nts"])
def test_the_result_of_einsum_lies_in_order_without_a_copy(subscripts):
    x, y = some(2, 3, 4), some(2, 5, 4)
    found = ops.einsum(subscripts, x, y)
    np.testing.assert_allclose(found.numpy(), np.einsum(subscripts, x, y), rtol=1e-5)
    assert found.data.flags.c_contiguous


@pytest.mark.parametrize(
    ("subscripts", "shapes", "message"),
    [
        ("ij,jk", [(2, 3)], "names 2 operands; got 1"),
        ("ij", [(2,)], "'ij' names 2 axes, and operand 1 has 1: its shape is (2,)."),
        ("i", [(2, 3)], "'i' names 1 axis, and operand 1 has 2: its shape is (2, 3)."),
        (
            "ij,jk->ik",
            [(2, 3), (4, 5)],
            "'j' has length 3 in operand 1, 'ij' with shape (2, 3), and 4 in operand 2, 'jk' with shape (4, 5).",
        ),
        ("ij,k,jk", [(2, 1), (5,), (4, 3)], "'k' has length 5 in operand 2, 'k' with shape (5,), and 3 in operand 3,"),
        ("ii->i", [(2, 3)], "'i' has length 2, and 3 in operand 1, 'ii' with shape (2, 3)."),
        (
            "...j,...j",
            [(2, 3), (4, 3)],
            "an axis of '...' has length 2 in operand 1, '...j' with shape (2, 3), and 4 in operand 2, '...j' with",
        ),
        ("ij->k", [(2, 3)], "the result has 'k', which no operand has"),
        ("ij->ii", [(2, 3)], "the result has 'i' twice"),
        ("i1", [(2, 3)], "only letters"),
    ],
)
def test_errors_of_einsum(subscripts, shapes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ops.einsum(subscripts, *[some(*shape) for shape in shapes])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.matmul(some(2, 3), some(4, 3)), r"matmul\(float32\[2, 3\], float32\[4, 3\]\)"),
        (lambda: ops.matmul(2.0, some(3)), "matmul"),
        (lambda: ops.tensordot(some(2, 3), some(4, 3), 1), r"\[3\] of shape \(2, 3\) with \[4\]"),
        (lambda: ops.cross(some(4), some(4)), "2 or 3 elements"),
        (lambda: ops.inner(some(2), some(3)), "tensordot"),
        (lambda: ops.einsum("i", some(2), order="C"), "order"),
    ],
)
def test_errors_of_products(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


# -- linear algebra

REGULAR = some(3, 3, dtype="float64") + 3 * np.eye(3)
BATCH = np.stack([REGULAR, REGULAR.T @ REGULAR])
DEFINITE = BATCH @ BATCH.transpose(0, 2, 1) + np.eye(3)


def test_equations(device):
    b, v = some(3, 2, dtype="float64"), some(3, dtype="float64")
    same(ops.linalg.solve(REGULAR, b), np.linalg.solve(REGULAR, b))
    same(ops.linalg.solve(REGULAR, v), np.linalg.solve(REGULAR, v))
    same(ops.linalg.solve(BATCH, b), np.linalg.solve(BATCH, b))
    same(ops.linalg.inv(BATCH), np.linalg.inv(BATCH))
    same(ops.linalg.solve_triangular(REGULAR, b), np.linalg.solve(np.triu(REGULAR), b))
    same(ops.linalg.solve_triangular(REGULAR, v, lower=True), np.linalg.solve(np.tril(REGULAR), v))
    same(ops.linalg.lstsq(some(5, 3), some(5)), np.linalg.lstsq(some(5, 3), some(5), rcond=None)[0], rtol=1e-4)
    same(ops.linalg.lstsq(some(2, 3), some(2, 2)), np.linalg.lstsq(some(2, 3), some(2, 2), rcond=None)[0], rtol=1e-4)


def test_equations_of_which_one_side_is_broadcast(device):
    b = some(2, 3, 2, dtype="float64")
    for left, right in ((REGULAR, b), (BATCH[:1], b), (BATCH, b[:1]), (BATCH[:, None], b)):
        same(ops.linalg.solve(left, right), np.linalg.solve(left, right))
        gradients = ef.grad(lambda a, b: ops.sum(ops.linalg.solve(a, b)), argnums=(0, 1))(left, right)
        assert [g.shape for g in gradients] == [left.shape, right.shape]


def test_equations_of_singular_matrices_have_no_finite_solution_on_a_gpu(gpu):
    for matrix in (np.zeros((3, 3)), np.stack([REGULAR, np.zeros((3, 3))])):
        assert not np.isfinite(ops.linalg.inv(matrix).numpy()).all()
        assert not np.isfinite(ops.linalg.solve(matrix, some(3, dtype="float64")).numpy()).all()


@pytest.mark.parametrize("matrix", [-np.eye(2), np.stack([np.eye(2), [[1.0, 2.0], [2.0, 1.0]]])])
def test_matrices_that_are_not_positive_definite_have_no_cholesky_factors(matrix, device):
    with pytest.raises(np.linalg.LinAlgError, match=r"cholesky.*Matrix is not positive definite"):
        ops.linalg.cholesky(matrix)


def test_determinants(device):
    same(ops.linalg.det(BATCH), np.linalg.det(BATCH))
    same(ops.slogdet(-BATCH), tuple(np.linalg.slogdet(-BATCH)))
    same(ops.logdet(DEFINITE), np.linalg.slogdet(DEFINITE)[1])
    same(ops.linalg.det(np.zeros((2, 2))), 0.0)


def test_factorizations_multiply_up_again(device):
    lower = ops.linalg.cholesky(DEFINITE)
    same(lower, np.linalg.cholesky(DEFINITE))
    same(ops.linalg.cholesky(DEFINITE, upper=True), np.linalg.cholesky(DEFINITE).transpose(0, 2, 1))
    same(ops.linalg.cholesky_inverse(lower), np.linalg.inv(DEFINITE))
    same(ops.linalg.cholesky_inverse(ops.swapaxes(lower, -1, -2), upper=True), np.linalg.inv(DEFINITE))
    for x in (some(5, 3), some(3, 5), BATCH):
        u, s, vh = ops.linalg.svd(x)
        assert (u.shape[-1], vh.shape[-1]) == x.shape[-2:]
        k = s.shape[-1]
        same(u[..., :k] * s[..., None, :] @ vh[..., :k, :], x, rtol=1e-4, atol=1e-5)
        for mode in ("reduced", "complete"):
            q, r = ops.linalg.qr(x, mode)
            assert q.shape == np.linalg.qr(x, mode).Q.shape
            same(q @ r, x, rtol=1e-4, atol=1e-5)
            same(ops.tril(r, -1), np.zeros(r.shape))


def test_eigenvalues(device):
    values, vectors = ops.linalg.eigh(DEFINITE)
    same(values, np.linalg.eigh(DEFINITE)[0])
    same(vectors @ (values[..., None] * ops.swapaxes(vectors, -1, -2)), DEFINITE)
    values, vectors = ops.linalg.eig(np.array([[0.0, 1.0], [-1.0, 0.0]], "float32"))
    assert values.dtype == vectors.dtype == "complex64"
    same(vectors * values @ ops.linalg.inv(vectors), [[0, 1], [-1, 0]])


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 3), (0, 2, 2), (1, 1)])
def test_lu_factors(shape, device):
    x = some(*shape, dtype="float64")
    lu, pivots = (part.numpy() for part in ops.linalg.lu_factor(x))
    m, n = shape[-2:]
    assert pivots.shape == (*shape[:-2], min(m, n))
    k = min(m, n)
    for matrix, factors, exchanges in zip(x.reshape(-1, m, n), lu.reshape(-1, m, n), pivots.reshape(-1, k)):
        lower = np.tril(factors[:, :k], -1) + np.eye(m, k)
        exchanged = matrix.copy()
        for i, p in enumerate(exchanges):
            exchanged[[i, p]] = exchanged[[p, i]]
        np.testing.assert_allclose(lower @ np.triu(factors)[:k], exchanged)
        assert abs(np.tril(factors, -1)).max(initial=0) <= 1


def test_lu_of_a_singular_matrix():
    lu, pivots = ops.linalg.lu_factor([[0.0, 1.0], [0.0, 2.0]])
    same(lu, [[0.0, 1.0], [0.0, 2.0]])
    same(pivots, [0, 1])


def test_pseudo_inverses_and_ranks(device):
    singular = np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]])
    same(ops.linalg.pinv(singular), np.linalg.pinv(singular))
    same(ops.linalg.pinv(some(2, 3, 4)), np.linalg.pinv(some(2, 3, 4)), rtol=1e-3, atol=1e-5)
    assert ops.linalg.pinv(some(0, 3)).shape == (3, 0)
    same(ops.linalg.matrix_rank(singular), 1)
    same(ops.linalg.matrix_rank(np.stack([np.eye(2), np.zeros((2, 2))])), [2, 0])
    same(ops.linalg.matrix_rank(np.diag([3.0, 1.0]), tol=2.0), 1)
    same(ops.linalg.matrix_rank([0.0, 1.0]), 1)


@pytest.mark.parametrize("order", [None, 2, 1, 3, 0.5, 0, -1, np.inf, -np.inf])
def test_norms_of_vectors(order, device):
    x = some(3, 4) + 3
    same(ops.linalg.norm(x, order, axis=-1), np.linalg.norm(x, order, axis=-1), rtol=1e-4)
    same(ops.linalg.norm(x[0], order), np.linalg.norm(x[0], order), rtol=1e-4)


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_norms_of_matrices(order, device):
    x = some(2, 3, 4)
    expected = np.linalg.norm(x, order, axis=(0, 2), keepdims=True)
    same(ops.linalg.norm(x, order, axis=(0, 2), keepdims=True), expected, rtol=1e-4)
    same(ops.linalg.norm(x[0], order), np.linalg.norm(x[0], order), rtol=1e-4)
    same(ops.linalg.norm(x), np.linalg.norm(x))


def test_norms_of_nothing_have_gradient_zero():
    for order in (None, 2, 3, 1):
        same(ef.grad(lambda x, p=order: ops.linalg.norm(x, p))([0.0, 0.0]), [0.0, 0.0])
    same(ef.grad(lambda x: ops.linalg.norm(x, 3))([0.0, 2.0]), [0.0, 1.0])


def test_functions_of_equal_eigenvalues_have_gradients():
    slope = ef.grad(lambda x: ops.sum(ops.linalg.eigh(x)[0] ** 2))(np.eye(2))
    same(slope, 2 * np.eye(2))


def test_derivatives_along_a_direction():
    value, slope, aux = ops.linalg.jvp(lambda x: (x * x, "kept"), [3.0], [2.0], has_aux=True)
    assert (float(value), float(slope), aux) == (9.0, 12.0, "kept")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.linalg.solve(np.zeros((2, 2)), [1.0, 1.0]), r"solve.*Singular"),
        (lambda: ops.linalg.solve(some(2, 3), some(2)), "solve"),
        (lambda: ops.linalg.inv(some(2, 3)), r"inv: expected square.*\(2, 3\)"),
        (lambda: ops.linalg.det(some(3)), "det: expected matrices"),
        (lambda: ops.linalg.cholesky(-np.eye(2)), "cholesky.*positive definite"),
        (lambda: ops.linalg.eigh(some(2, 3)), "eigh"),
        (lambda: ops.linalg.qr(some(2, 3), "r"), "mode='r'"),
        (lambda: ops.linalg.norm(some(2, 2, 2), 1), "one axis .vectors. or two"),
        (lambda: ops.linalg.norm(some(2), "fro"), "'fro'"),
        (lambda: ops.linalg.norm(some(2, 2), 3), "ord=3"),
        (lambda: ops.linalg.lstsq(some(2, 2), some(3)), "lstsq"),
    ],
)
def test_errors_of_linear_algebra(call, message):
    with pytest.raises((ValueError, np.linalg.LinAlgError), match=message) as caught:
        call()
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: ops.linalg.qr(x, "complete")[0], "mode='reduced'"),
        (lambda x: ops.linalg.svd(x)[0], "full_matrices=False"),
        (lambda x: ops.linalg.lu_factor(x)[0], "square matrices only"),
    ],
)
def test_arbitrary_vectors_have_no_gradient(function, message):
    with pytest.raises(NotImplementedError, match=message):
        ef.grad(lambda x: ops.sum(function(x)))(some(3, 2))


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [
        ((2, 5), (4, 3), "last axis of x1 has 5 elements.*x2 that meets it has 4"),
        ((2, 3, 5), (4, 3), "last axis of x1 has 5"),
        ((5,), (4,), "x1 has 5 elements"),
        ((2, 4, 5), (3, 5, 4), r"\(2,\) and \(3,\), can't be broadcast"),
        ((), (3,), "use multiply"),
    ],
)
def test_matrices_that_do_not_fit_are_explained(left, right, words):
    with pytest.raises(ValueError, match=f"matmul.*{words}"):
        ops.matmul(np.ones(left), np.ones(right))
