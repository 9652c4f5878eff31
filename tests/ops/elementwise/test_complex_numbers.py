"""Complex tensors: the convention of their gradients (docs/ops.md), and that gradient descent works with it."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.core.primitive import registry
from tests.ops.compare import same, some

Z = some(3, dtype="float64") + 1j * some(3, dtype="float64")[::-1]
W = some(3, low=0.5, dtype="float64") + 1j * some(3, dtype="float64")


def slope(function, *zs):
    """dL/dRe + i dL/dIm by central differences, for each argument of a real function."""
    found = []
    for i, z in enumerate(zs):
        slopes = np.zeros(z.shape, complex)
        for index in np.ndindex(z.shape):
            for unit in (1, 1j):
                ends = []
                for step in (1e-6, -1e-6):
                    moved = [np.array(a) for a in zs]
                    moved[i][index] += step * unit
                    ends.append(float(function(*map(ops.array, moved))))
                slopes[index] += unit * (ends[0] - ends[1]) / 2e-6
        found.append(slopes)
    return found


def real_part(out):
    """A real number that depends on both parts of a complex tensor."""
    return ops.sum(ops.real(out) * 2) - ops.sum(ops.imag(out) * 3)


HOLOMORPHIC = """
    negative square exp expm1 log log1p log2 log10 sqrt sin cos tan sinh cosh tanh arcsin arccos arctan arcsinh arctanh
    arccosh reciprocal
""".split()


@pytest.mark.parametrize(
    "name", [*HOLOMORPHIC, "conj", "real", "imag", "sign", "cumsum", "cumprod", "prod", "mean", "flip"]
)
def test_gradients_of_functions_of_complex_numbers(name, device):
    def loss(z):
        return real_part(getattr(ops, name)(z))

    same(ef.grad(loss)(Z), slope(loss, Z)[0], "complex128", atol=1e-7)


def test_the_gradient_of_a_singular_value_decomposition():
    """Of what doesn't depend on the phases, which are free, of both factors together."""

    def loss(z):
        u, s, vh = ops.linalg.svd(ops.reshape(z, (2, 2)), full_matrices=False)
        return real_part(u[:, 0] * vh[0, 0]) + ops.sum(s**2)

    z = np.array([2 + 1j, 0.5 - 1j, 1j, 1 + 0.3j])
    same(ef.grad(loss)(z), slope(loss, z)[0], atol=1e-7)


@pytest.mark.parametrize("name", ["absolute", "angle", "var"])
def test_gradients_of_real_functions_of_complex_numbers(name):
    def loss(z):
        return ops.sum(getattr(ops, name)(z))

    same(ef.grad(loss)(Z), slope(loss, Z)[0], atol=1e-7)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "power", "vdot", "outer", "kron", "where"])
def test_gradients_of_functions_of_two_complex_tensors(name):
    def loss(z, w):
        return real_part(ops.where([True, False, True], z, w) if name == "where" else getattr(ops, name)(z, w))

    same(list(ef.grad(loss, (0, 1))(Z, W)), slope(loss, Z, W), atol=1e-7)


MATRIX = some(3, 3, dtype="float64") + 1j * some(3, 3, dtype="float64").T + 2 * np.eye(3)


@pytest.mark.parametrize(
    "function",
    [
        lambda a: a @ a,
        lambda a: ops.linalg.inv(a),
        lambda a: ops.linalg.det(a),
        lambda a: ops.linalg.pinv(a),
        lambda a: ops.linalg.solve(a, ops.array(Z)),
        lambda a: ops.linalg.qr(a)[1],
        lambda a: ops.linalg.lu_factor(a)[0],
        lambda a: ops.linalg.eig(a)[0],
        lambda a: ops.linalg.svd(a)[1],
        lambda a: ops.abs(ops.linalg.svd(a)[0]),
        lambda a: ops.linalg.eigh(a + ops.conj(a).T)[0],
        lambda a: ops.abs(ops.linalg.eigh(a + ops.conj(a).T)[1]),
        lambda a: ops.linalg.cholesky(a @ ops.conj(a).T),
        lambda a: ops.linalg.norm(a),
        lambda a: ops.slogdet(a)[0],
        lambda a: ops.einsum("ij,kj->ik", a, a),
        lambda a: registry["fourier"].call(a),
        lambda a: ops.trace(a),
    ],
)
def test_gradients_of_linear_algebra(function):
    def loss(a):
        return real_part(function(a))

    same(ef.grad(loss)(MATRIX), slope(loss, MATRIX)[0], rtol=1e-4, atol=1e-6)


def test_real_tensors_get_real_gradients():
    x = np.array([1.0, 2.0])
    gradient = ef.grad(lambda x: real_part(ops.exp(x) * (1 + 2j)))(x)
    same(gradient, (2 - 6) * np.exp(x), "float64")


def test_real_tensors_between_complex_ones_pass_on_real_gradients():
    def loss(z):
        return real_part(ops.absolute(z) * (1 + 2j) * z + ops.cast(ops.imag(z), "complex128") * z)

    same(ef.grad(loss)(Z), slope(loss, Z)[0], atol=1e-7)


def test_a_step_against_the_gradient_goes_down():
    def loss(z):
        return ops.sum(ops.absolute(z * z - (1 + 1j)) ** 2)

    z = ops.array(Z)
    for _ in range(200):
        z = z - 0.02 * ef.grad(loss)(z)
    assert float(loss(z)) < 1e-3


def test_pairs_of_real_numbers(device):
    pairs = some(2, 3, 2)
    z = ops.view_as_complex(pairs)
    same(z, pairs[..., 0] + 1j * pairs[..., 1], "complex64")
    same(ops.view_as_real(z), pairs, "float32")
    same(ops.isreal([1.0, 2.0]), [True, True])
    with pytest.raises(ValueError, match=r"\(\.\.\., 2\)"):
        ops.view_as_complex(some(3))


def test_directions(device):
    z = np.array([3 + 4j, 0, -2])
    same(ops.sign(z), [0.6 + 0.8j, 0, -1])
    same(ops.absolute(z), [5.0, 0.0, 2.0], "float64")
    same(ops.angle(z), np.angle(z))


def test_powers_of_a_complex_number():
    gradient = ef.grad(lambda y: real_part(ops.power(2j, y)))(np.array([0.5, 1.5]))
    expected = slope(lambda y: real_part(ops.power(2j, y)), np.array([0.5, 1.5]) + 0j)[0].real
    same(gradient, expected, "float64", atol=1e-6)
