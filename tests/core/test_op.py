"""The `@op` decorator: what it generates, and what it tells when things go wrong."""

from __future__ import annotations

import inspect
import pickle
import traceback

import numpy as np
import pytest

from eagerflow import ops
from eagerflow.core import op as op_module
from eagerflow.core.derivatives import check_grads
from eagerflow.core.op import op
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable


@pytest.fixture(autouse=True)
def _registry_restored():
    before = dict(op_module.registry)
    yield
    op_module.registry.clear()
    op_module.registry.update(before)


def test_wrappers_have_a_signature_and_are_picklable():
    assert str(inspect.signature(ops.exp)) == "(x: 'TensorLike') -> 'Tensor'"
    with pytest.raises(TypeError, match="unexpected keyword"):
        ops.exp(Tensor(1.0), nonsense=1)
    assert pickle.loads(pickle.dumps(ops.exp)) is ops.exp


def test_shape_error_names_op_types_and_shapes():
    with pytest.raises(ValueError, match=r"matmul\(float32\[2, 5\], float32\[4, 3\]\)"):
        ops.matmul(Tensor(np.ones((2, 5), "float32")), Tensor(np.ones((4, 3), "float32")))


def test_generated_code_shows_in_tracebacks():
    try:
        ops.matmul(Tensor([[1.0]]), Tensor([[1.0], [2.0]]))
    except ValueError as error:
        text = "".join(traceback.format_exception(error))
    assert "raise _op.explain" in text


def test_ops_that_are_refused():
    with pytest.raises(ValueError, match="nonsense"):

        @op(lambda g, nonsense: g)
        def strange_op(xp, x):
            return x

    with pytest.raises(ValueError, match="exists already"):

        @op()
        def exp(xp, x):
            return x

    with pytest.raises(ValueError, match="gradient"):
        op(gradient="rough")


def test_only_what_rules_name_is_kept():
    @op(lambda g, factor: g * factor)
    def scaled_for_test(xp, x, factor=2.0):
        return x * factor

    x = Variable(np.ones(3))
    with GradientTape() as tape:
        y = scaled_for_test(x, 5.0)
        (record,) = tape._windows[0].log
    assert record[4] == (5.0,)
    assert tape.gradient(y, x).tolist() == [5.0] * 3


def test_parameters_may_have_any_name():
    @op(lambda g, key: g * key)
    def keyed_for_test(xp, data, key=2.0, out=None, log=None, records=None, op=None, state=None):
        return data * key

    x = Variable([1.0])
    with GradientTape() as tape:
        y = keyed_for_test(x, key=7.0)
    assert tape.gradient(y, x).tolist() == [7.0]


def test_joint_rule_computes_only_what_is_asked():
    asked = []

    def rule(g, a, b, needs):
        asked.append(needs)
        return (g * b if needs[0] else None, g * a if needs[1] else None)

    @op(rule, joint=True)
    def product_for_test(xp, a, b):
        return a * b

    a, b = Variable(2.0), Variable(3.0)
    with GradientTape() as tape:
        y = product_for_test(a, b)
    assert float(tape.gradient(y, a)) == 3.0
    assert asked == [(True, False)]
    check_grads(product_for_test, [np.ones(3), np.full(3, 2.0)])


def test_several_outputs_of_which_some_are_unused():
    def rule(g, x):
        return g[0] * 2 + g[1] * 3 * x * x

    @op(rule, outputs=2)
    def pair_for_test(xp, x):
        return x * 2, x**3

    x = Variable([1.0, 2.0])
    with GradientTape(persistent=True) as tape:
        a, b = pair_for_test(x)
    assert tape.gradient(b, x).tolist() == [3.0, 12.0]
    assert tape.gradient([a, b], x).tolist() == [5.0, 14.0]
    check_grads(pair_for_test, [np.array([1.0, 2.0])])


def test_saved_extras_reach_the_rule_and_not_the_caller():
    @op(lambda g, mask: g * mask, saves=("mask",))
    def positive_for_test(xp, x):
        mask = x > 0
        return x * mask, mask

    x = Variable([-1.0, 2.0])
    with GradientTape() as tape:
        y = positive_for_test(x)
    assert isinstance(y, Tensor)
    assert tape.gradient(y, x).tolist() == [0.0, 1.0]


def test_keep_tells_whether_the_tape_needs_extras():
    told = []

    @op(lambda g, extra: g * extra, saves=("extra",))
    def thrifty_for_test(xp, x, keep=False):
        told.append(keep)
        return x * 1.0, x if keep else None

    x = Variable([1.0])
    thrifty_for_test(x)
    with GradientTape():
        thrifty_for_test(x)
        thrifty_for_test(Tensor([1.0]))
    assert told == [False, True, False]


def test_optional_array():
    def rule(g, x, bias, needs):
        return g, (g if needs[1] else None)

    @op(rule, joint=True, arrays=("x", "bias"))
    def biased_for_test(xp, x, bias=None):
        return x * 1.0 if bias is None else x + bias

    x, b = Variable([[1.0, 2.0]]), Variable([10.0, 20.0])
    with GradientTape() as tape:
        y = biased_for_test(x) + biased_for_test(x, b)
    dx, db = tape.gradient(y, [x, b])
    assert dx.tolist() == [[2.0, 2.0]]
    assert db.tolist() == [1.0, 1.0]


def test_optional_array_of_a_floating_op():
    @op(lambda g, x, bias, needs: (g, g if needs[1] else None), joint=True, arrays=("x", "bias"), floating=True)
    def shifted_for_test(xp, x, bias=None):
        return x if bias is None else x + bias

    assert shifted_for_test(Tensor([1, 2])).dtype == "float32"
    assert shifted_for_test(Tensor([1, 2]), Tensor([1, 1])).tolist() == [2.0, 3.0]


def test_reference_gives_higher_orders_of_a_kernel():
    @op(lambda g, x: g * 3 * x * x, reference=lambda x: x * x * x)
    def cube_for_test(xp, x):
        return x**3

    check_grads(cube_for_test, [np.array([1.0, -2.0])])


def test_op_whose_gradient_raises_says_why():
    @op(gradient="raises", why="it is a test")
    def opaque_for_test(xp, x):
        return x * 1.0

    x = Variable(1.0)
    with GradientTape() as tape:
        y = opaque_for_test(x)
    with pytest.raises(NotImplementedError, match="opaque_for_test has no gradient: it is a test"):
        tape.gradient(y, x)


def test_zero_gradient_op_is_not_recorded():
    @op()
    def floor_for_test(xp, x):
        return xp.floor(x)

    x = Variable(1.5)
    with GradientTape() as tape:
        y = floor_for_test(x)
        assert len(tape._windows[0].log) == 0
    assert y.key is None


@pytest.mark.parametrize(
    ("a", "b", "dtype"),
    [
        ("float32", "float32", "float32"),
        ("int32", "float32", "float32"),
        ("int64", "float32", "float32"),
        ("int32", "float16", "float16"),
        ("float32", "float64", "float64"),
        ("int32", "int32", "int32"),
        ("bool", "float32", "float32"),
        ("float16", "float32", "float32"),
        ("int64", "float64", "float64"),
    ],
)
def test_float64_appears_only_where_one_input_has_it(a, b, dtype, device):
    assert ops.add(Tensor(np.ones(2), a), Tensor(np.ones(2), b)).dtype == dtype
    assert ops.add(Tensor(np.ones(2), b), Tensor(np.ones(2), a)).dtype == dtype


@pytest.mark.parametrize("number", [2, 2.5, True, np.float64(2.5), np.float32(2.5), np.int64(2)])
def test_numbers_never_widen(number, device):
    t = Tensor([1.0, 2.0])
    for result in (t * number, number * t, t + number, t / number, number - t):
        assert isinstance(result, Tensor)
        assert result.dtype == "float32"


def test_types_of_integers_and_numbers(device):
    i = Tensor([1, 2])
    assert (i / i).dtype == "float32"
    assert ops.exp(i).dtype == "float32"
    assert (i * 2.5).dtype == "float32"
    total = ops.add(1, 2)
    assert isinstance(total, Tensor)
    assert int(total) == 3
    assert ops.add(1.5, 2).dtype == "float32"


def test_errors_of_three_shapes_and_long_errors():
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\) and \(4,\) don't broadcast"):
        ops.where(np.ones(2, bool), np.ones(3), np.ones(4))

    @op()
    def longwinded(xp, x):
        raise ValueError("word " * 100)

    with pytest.raises(ValueError, match=r"longwinded.*word wo\w*\.\.\.$"):
        longwinded(Tensor([1.0]))
