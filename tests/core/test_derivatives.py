"""Differentiation of functions."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import ops
from eagerflow.core.custom_gradient import custom_gradient
from eagerflow.core.derivatives import check_grads, grad, hessian, jacobian, jvp, value_and_grad, vjp
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable


def test_value_and_grad_of_several_arguments(device):
    value, (da, db) = value_and_grad(lambda a, b: (a * b).sum(), argnums=(0, 1))([1.0, 2.0], [3.0, 4.0])
    assert float(value) == 11.0
    assert da.tolist() == [3.0, 4.0]
    assert db.tolist() == [1.0, 2.0]


def test_grad_of_structures_of_several_arguments_and_of_grad():
    weights = {"w": Tensor([1.0, 2.0]), "b": Tensor(3.0)}
    found = grad(lambda p: (p["w"] * p["b"]).sum())(weights)
    assert found["w"].tolist() == [3.0, 3.0]
    assert float(found["b"]) == 3.0
    slope, extra = grad(lambda x: (x * x, "note"), has_aux=True)(3.0)
    assert (float(slope), extra) == (6.0, "note")
    assert grad(lambda a, b: a * 1.0, argnums=1)(1.0, Tensor([2.0])).tolist() == [0.0]
    assert float(grad(lambda x: x * grad(lambda y: x + y)(x))(2.0)) == 1.0
    assert float(grad(grad(grad(lambda x: x * x * x * x)))(2.0)) == 48.0
    x = Variable(2.0)
    with GradientTape() as tape:
        y = grad(lambda v: v * v * v)(x)
    assert float(tape.gradient(y, x)) == 12.0


@pytest.mark.parametrize("function", [lambda x: x * x, lambda x: None])
def test_grad_of_what_is_no_number_explains(function):
    with pytest.raises(TypeError, match="one element"):
        grad(function)([1.0, 2.0])


@pytest.mark.parametrize("transform", [grad, value_and_grad, hessian])
def test_the_gradient_of_a_complex_number_is_refused(transform):
    """Only its real part would have one: the imaginary part's derivative would vanish without a word."""
    with pytest.raises(TypeError, match=r"real number; got complex.*ops\.real"):
        transform(lambda x: ops.cast(x, "complex64") * 1j)(1.0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: grad(lambda x: x, argnums=3)(1.0), ValueError, "argnums"),
        (lambda: jvp(lambda x: x, [[1.0, 2.0]], [[1.0]]), ValueError, "tangents"),
        (lambda: custom_gradient(3), TypeError, "custom_gradient: expected a function; got int"),
    ],
)
def test_wrong_arguments(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_vjp_and_jvp(device):
    out, pull = vjp(lambda x: x * x, [1.0, 2.0])
    assert out.tolist() == [1.0, 4.0]
    assert pull([1.0, 0.0])[0].tolist() == [2.0, 0.0]
    assert pull([0.0, 1.0])[0].tolist() == [0.0, 4.0]
    out, slope = jvp(lambda x, y: x * x * y, [[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]])
    assert out.tolist() == [3.0, 16.0]
    assert slope.tolist() == [6.0, 4.0]


def test_jacobian_and_hessian():
    assert jacobian(lambda x: ops.stack([x[0] * x[1], x[0]]))([2.0, 3.0]).tolist() == [[3.0, 2.0], [1.0, 0.0]]
    assert hessian(lambda x: x[0] * x[0] * x[1])([2.0, 3.0]).tolist() == [[6.0, 4.0], [4.0, 0.0]]


def test_check_grads_finds_a_wrong_first_order():
    @custom_gradient
    def wrong(x):
        return x * x, lambda up: up * 3 * x

    with pytest.raises(AssertionError, match="first order"):
        check_grads(wrong, [np.array([1.0, 2.0])], order=1)


def test_check_grads_finds_a_wrong_second_order():
    from eagerflow.core.custom_gradient import stop_gradient

    @custom_gradient
    def half_right(x):
        return x * x, lambda up: up * 2 * stop_gradient(x)

    check_grads(half_right, [np.array([1.0, 2.0])], order=1)
    with pytest.raises(AssertionError, match="second order"):
        check_grads(half_right, [np.array([1.0, 2.0])])


# -- custom gradients


def _softplus():
    @custom_gradient
    def softplus(x):
        e = ops.exp(x)

        def gradient(*args, upstream=None):
            (upstream,) = args
            return upstream * (1 - 1 / (1 + e))

        return ops.log(1 + e), gradient

    return softplus


def test_custom_gradient_to_any_order(device):
    check_grads(_softplus(), [np.array([0.5, -1.0])])


def test_custom_gradient_replaces_the_true_one():
    @custom_gradient
    def reversed_identity(x):
        return x * 1.0, lambda up: -up

    x = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = reversed_identity(x) * 5.0
    assert tape.gradient(y, x).tolist() == [-5.0, -5.0]


def test_custom_gradient_of_several_inputs_and_outputs():
    @custom_gradient
    def both(a, b):
        return (a * b, a + b), lambda up1, up2: (up1 * 10.0, up2 * 100.0)

    a, b = Variable(2.0), Variable(3.0)
    with GradientTape() as tape:
        p, s = both(a, b)
        y = p + s
    assert [float(g) for g in tape.gradient(y, [a, b])] == [10.0, 100.0]


def test_custom_gradient_with_variables():
    w = Variable(3.0)

    @custom_gradient
    def scale(x):
        def gradient(upstream, variables=None):
            assert variables[0] is w
            return upstream * w, [upstream * x * 1000.0]

        return x * w, gradient

    x = Variable(2.0)
    with GradientTape() as tape:
        y = scale(x)
    dx, dw = tape.gradient(y, [x, w])
    assert (float(dx), float(dw)) == (3.0, 2000.0)


def test_custom_gradient_that_cannot_take_variables_explains():
    w = Variable(3.0, name="w")

    @custom_gradient
    def scale(x):
        return x * w, lambda up: up

    with GradientTape(), pytest.raises(TypeError, match=r"scale uses variables \(w\)"):
        scale(Variable(2.0))


def test_custom_gradient_of_what_was_read_from_a_variable():
    @custom_gradient
    def product(a, b):
        return a * b, lambda up: (up * b, up * a)

    x = Variable(3.0)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = product(x.value, x.value)
        slope = inner.gradient(y, x)
    assert (float(slope), float(outer.gradient(slope, x))) == (6.0, 2.0)


def test_custom_gradient_sees_a_variable_that_it_uses_beside_its_argument():
    w = Variable(3.0, name="w")

    @custom_gradient
    def scale(x):
        return x * w, lambda up: up

    with GradientTape(), pytest.raises(TypeError, match=r"scale uses variables \(w\)"):
        scale(w.value)


@pytest.mark.parametrize("answer", [1.0, (1.0,), (1.0, 2.0)])
def test_custom_gradient_without_a_pair_explains(answer):
    with pytest.raises(TypeError, match=r"\(result, grad\)"):
        custom_gradient(lambda x: answer)(1.0)


def test_custom_gradient_with_the_wrong_number_of_gradients():
    @custom_gradient
    def one_short(a, b):
        return a * b, lambda up: up

    a, b = Variable(1.0), Variable(1.0)
    with GradientTape() as tape:
        y = one_short(a, b)
    with pytest.raises(ValueError, match="returned 1 gradients for 2 inputs"):
        tape.gradient(y, [a, b])


@pytest.mark.parametrize("shape", [(7,), (), (1,)])
def test_a_custom_gradient_of_the_wrong_shape_is_refused(shape):
    @custom_gradient
    def double(x):
        return x * 2, lambda g: ops.ones(shape)

    with pytest.raises(ValueError, match=r"grad function of double returned .* input 0, whose shape is \(2,\)"):
        grad(lambda x: double(x).sum())([1.0, 2.0])


def test_a_custom_gradient_gets_arrays_as_tensors():
    kinds = custom_gradient(lambda *xs: (Tensor([isinstance(x, Tensor) for x in xs]), lambda up: [up] * len(xs)))
    assert kinds(np.ones(2), 1.0, Tensor(1.0), None, "a").tolist() == [True, True, True, False, False]


def test_a_custom_gradient_is_summed_where_its_input_was_broadcast():
    @custom_gradient
    def scaled(x, factor):
        return x * factor, lambda g: (g * factor, g * x)

    slope = grad(lambda f: scaled(Tensor([1.0, 2.0]), f).sum())(3.0)
    assert float(slope) == 3.0


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
def test_what_is_no_function_is_refused_at_once(transform):
    with pytest.raises(TypeError, match="expected a function of tensors; got float"):
        transform(3.0)
