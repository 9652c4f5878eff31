"""Operators and methods of tensors, and NumPy's own functions, are ops."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from tests.ops.compare import same, some, whole

X, Y = some(2, 3), some(2, 3)[::-1] + 3
ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]


@pytest.mark.parametrize("operate", [*ARITHMETIC, *COMPARISONS], ids=lambda f: f.__name__)
def test_operators(operate, device):
    x, y = ops.array(Y), ops.array(X + 4)
    same(operate(x, y), operate(Y, X + 4))
    same(operate(x, 2), operate(Y, 2))
    same(operate(2, x), operate(2, Y))


@pytest.mark.parametrize("operate", ARITHMETIC, ids=lambda f: f.__name__)
def test_arrays_on_either_side(operate):
    same(operate(ops.array(Y), X + 4), operate(Y, X + 4))
    same(operate(Y, ops.array(X + 4)), operate(Y, X + 4))


@pytest.mark.parametrize("operate", BITS, ids=lambda f: f.__name__)
def test_operators_on_integers(operate, device):
    a, b = whole(4, low=0), whole(4, low=0, high=4)
    same(operate(ops.array(a), ops.array(b)), operate(a, b))
    same(operate(ops.array(a), 1), operate(a, 1))
    same(operate(1, ops.array(b)), operate(1, b))


def test_operators_of_one_tensor(device):
    x = ops.array(X)
    same(-x, -X)
    same(+x, X)
    same(abs(x), abs(X))
    same(~ops.array([True, False]), [False, True])
    same(round(x, 1), X.round(1))
    same(divmod(x, 2), divmod(X, 2))
    same(x @ x.T, X @ X.T)


def test_equality_with_things_that_are_no_numbers():
    x = ops.array(X)
    assert (x == None) is False  # noqa: E711
    assert (x != "text") is True
    assert x not in [None, "text"]


def test_methods(device):
    x = ops.array(X)
    for name in "sum mean max min prod std var argmax argmin any all cumsum cumprod".split():
        same(getattr(x, name)(), getattr(X, name)())
        same(getattr(x, name)(axis=1), getattr(X, name)(axis=1))
    for name in "flatten ravel squeeze conj conjugate copy nonzero argsort".split():
        same(getattr(x, name)(), getattr(X, name)())
    same(x.reshape(3, 2), X.reshape(3, 2))
    same(x.reshape((3, -1)), X.reshape(3, 2))
    same(x.reshape(-1), X.ravel())
    same(x.transpose(), X.T)
    same(x.transpose(1, 0), X.T)
    same(x.transpose((0, 1)), X)
    same(x.T, X.T)
    same(x.mT, X.T)
    same(x.swapaxes(0, 1), X.T)
    same(x.clip(-0.5, 0.5), X.clip(-0.5, 0.5))
    same(x.clip(min=0.0), X.clip(min=0))
    same(x.round(1), X.round(1))
    same(x.repeat(2, axis=0), X.repeat(2, axis=0))
    same(x.take([0, 2], axis=1), X.take([0, 2], axis=1))
    same(x.dot(x.T), X @ X.T)
    same(x.astype("int32"), X.astype("int32"), "int32")
    same(x.diagonal(), X.diagonal())
    same(x.trace(), X.trace())
    same(x.real, X)
    same(x.imag, 0 * X)


FUNCTIONS = """
    sum mean max min prod std var any all cumsum cumprod exp log1p sin absolute negative sqrt square sign
    ravel transpose squeeze flip sort median diff isnan floor round nan_to_num triu logical_not ptp trace amax
    count_nonzero copy average fabs cbrt arctan real
""".split()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_numpy_answer_with_tensors(name, device):
    positive = abs(X)
    same(getattr(np, name)(ops.array(positive)), getattr(np, name)(positive))


@pytest.mark.parametrize("name", "argmax argmin argsort argwhere zeros_like ones_like nonzero".split())
def test_functions_of_numpy_without_gradients_answer_with_arrays(name):
    """Places serve as keys of a dict, and arrays can be filled, which tensors can't."""
    x = ops.array(X)
    for found, right in zip(np.atleast_2d(getattr(np, name)(x)), np.atleast_2d(getattr(np, name)(X))):
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, right)
    assert {3: "c"}[np.argmax(ops.array([1.0, 2.0, 0.0, 9.0]))] == "c"
    assert np.full_like(x, 2.0).tolist() == np.full_like(X, 2.0).tolist()
    variable = ef.Variable([1.0, 3.0])
    assert np.searchsorted(variable, ops.array([2.0])).tolist() == [1]
    assert isinstance(np.argmax(ef.Input((3,)), axis=-1), ef.Tensor)


def test_functions_of_numpy_with_arguments(device):
    x, y = ops.array(X), ops.array(Y)
    same(np.add(x, y), X + Y)
    same(np.matmul(x, y.T), X @ Y.T)
    same(np.concatenate([x, y], axis=1), np.concatenate([X, Y], axis=1))
    same(np.stack((x, y)), np.stack([X, Y]))
    same(np.where(x > 0, x, y), np.where(X > 0, X, Y))
    same(np.clip(x, -1, 1), np.clip(X, -1, 1))
    same(np.clip(x, a_min=0, a_max=None), np.clip(X, 0, None))
    same(np.reshape(x, (3, 2)), X.reshape(3, 2))
    same(np.sum(x, axis=0, keepdims=True), X.sum(0, keepdims=True))
    same(np.max(x, 1), X.max(1))
    same(np.einsum("ij,ij->i", x, y), (X * Y).sum(1))
    same(np.tensordot(x, y, axes=2), (X * Y).sum())
    same(np.split(x, 3, axis=1), np.split(X, 3, axis=1))
    same(np.expand_dims(x, 0), X[None])
    same(np.pad(x, 1), np.pad(X, 1))
    same(np.linalg.norm(x, axis=1), np.linalg.norm(X, axis=1))
    same(np.linalg.inv(x @ x.T), np.linalg.inv(X @ X.T), rtol=1e-3)
    same(np.add.reduce(x), X.sum(0))
    same(np.maximum.reduce(x, axis=1), X.max(1))
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 3), 2, 6)


def test_functions_of_numpy_are_recorded():
    same(ef.grad(lambda x: np.sum(np.exp(x) * np.array([1.0, 2.0])))([0.0, 0.0]), [1.0, 2.0])
    same(ef.grad(lambda x: np.concatenate([x, x]).max())([1.0, 3.0]), [0.0, 1.0])


def test_other_names_of_numpy_for_an_op():
    x = ops.array(X)
    same(np.degrees(x), np.degrees(X))
    same(np.radians(x), np.radians(X))
    same(np.linalg.slogdet(x @ x.T)[1], np.linalg.slogdet(X @ X.T)[1], rtol=1e-4)
    assert (np.iscomplexobj(x), np.isrealobj(x), np.iscomplexobj(ops.cast(x, "complex64"))) == (False, True, True)
    same(ef.grad(lambda a: np.degrees(a).sum())([0.0, 0.0]), np.degrees([1.0, 1.0]))


def test_einsum_of_lists_of_axis_numbers_says_what_to_write():
    with pytest.raises(TypeError, match="subscripts as text first"):
        ops.einsum(ops.array(X), [0, 1], [1, 0])


def test_functions_of_numpy_without_an_op_say_so():
    with pytest.raises(TypeError, match=r"numpy.*unwrap has no op"):
        np.unwrap(ops.array(X))
    with pytest.raises(TypeError, match="out="):
        np.exp(ops.array(X), out=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="order='F'"):
        np.reshape(ops.array(X), 6, order="F")


def test_long_chains_of_operators_give_gradients():
    def function(x):
        y = ((x + 1) * 2 - x / 3) ** 2 % 5
        return (y // 1 * 0 + y @ y + abs(-y).sum() + y[::-1].max()).sum()

    ef.check_grads(function, [np.array([0.3, 0.8, 1.7])])


def test_array_equal_of_numpy_answers_plainly():
    t = ef.Tensor([1.0, 2.0])
    assert np.array_equal(t, [1.0, 2.0]) is True
    assert np.array_equal([1.0], t) is False


@pytest.mark.parametrize(
    "call", [lambda x: ops.sum(None), lambda x: x + None, lambda x: None * x, lambda x: ops.full((2,), None)]
)
def test_none_is_refused(call):
    with pytest.raises(TypeError, match="None is no tensor"):
        call(ef.Tensor([1.0]))


def test_a_gradient_that_is_none_is_named_as_the_reason():
    with pytest.raises(TypeError, match=r"tape\.gradient gives None for a weight that the loss doesn't use"):
        ef.ops.ones(2) + None
