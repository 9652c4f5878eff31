"""The observer's contract: what is announced, in which order, with which keys."""

from __future__ import annotations

import contextlib
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from eagerflow import ops
from eagerflow.core import observe
from eagerflow.core.custom_gradient import custom_gradient
from eagerflow.core.observe import Observer, observing, scope, state, unobserved
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.optimizers import SGD


class Diary(Observer):
    """Writes down everything."""

    def __init__(self):
        self.ops, self.rules, self.gradients, self.updates, self.scopes, self.logs = [], [], [], [], [], []

    def on_op(self, op, inputs, settings, outputs, started, ended, error=None):
        self.ops.append((op, inputs, settings, outputs, started, ended, error))

    def on_rule(self, op, out_keys, in_keys, gradients, results, started, ended, error=None):
        self.rules.append((op, out_keys, in_keys, gradients, results, error))

    def on_gradient(self, targets, sources, results):
        self.gradients.append((targets, sources, results))

    def on_update(self, name, variable, inputs, started, ended):
        self.updates.append((name, variable, inputs))

    def on_scope_begin(self, scope):
        self.scopes.append(("begin", scope.kind, scope.name))

    def on_scope_end(self, scope, outputs, error=None):
        self.scopes.append(("end", scope.kind, scope.name, type(error)))

    def on_logs(self, kind, step, logs):
        self.logs.append((kind, step, logs))


class Reader(Observer):
    """Writes down what Python reads, and which function asked for it."""

    def __init__(self):
        self.found = []

    def on_read(self, tensor, how):
        self.found.append((tensor, how, sys._getframe(3).f_code.co_name))


def test_reading_values_is_announced_with_the_frame_that_asks():
    x, w = ops.ones((1,)), Variable([2])
    with observing(Reader()) as reader:
        float(x), bool(x), x.item(), x.numpy(), x.tolist(), np.asarray(x), int(w), [0, 1, 2][w], complex(x)
    here = "test_reading_values_is_announced_with_the_frame_that_asks"
    ways = ["float", "bool", "item", "numpy", "tolist", "array", "int", "index", "complex"]
    assert [(how, asker) for _, how, asker in reader.found] == [(how, here) for how in ways]
    assert all(tensor is (w if how in ("int", "index") else x) for tensor, how, _ in reader.found)


def test_reading_values_is_not_announced_to_those_who_want_no_ops():
    class Unwilling(Reader):
        wants_ops = False

    with observing(Unwilling()) as reader:
        float(ops.ones(()))
    assert reader.found == []


def test_ops_are_announced_in_order_with_inputs_settings_and_times():
    x = Variable(np.ones((2, 3)))
    with observing(Diary()) as diary:
        y = ops.sum(x, axis=1)
        _ = y + 1.0
    assert [op.name for op, *_ in diary.ops] == ["sum", "add"]
    op, inputs, settings, outputs, started, ended, error = diary.ops[0]
    assert inputs == (x,) or inputs[0] is x
    assert dict(zip(op.settings, settings, strict=True)) == {"axis": 1, "keepdims": False}
    assert outputs is y
    assert 0 < started <= ended
    assert error is None
    assert diary.ops[1][1][1] == 1.0


def test_what_is_not_announced():
    with observing(Diary()) as diary:
        pass
    _ = Variable(1.0) + 1.0
    assert diary.ops == []
    assert not state.on
    with pytest.raises(ZeroDivisionError), observing(Diary()):
        _ = 1 / 0
    assert not state.on
    with observing(Diary()) as diary:
        with unobserved():
            _ = Variable(1.0) + 1.0
        _ = Variable(1.0) * 1.0
    assert [op.name for op, *_ in diary.ops] == ["multiply"]
    with observing(Diary()) as diary, ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: Variable(1.0) + 1.0).result()
    assert diary.ops == []


def test_failing_op_is_announced_with_its_error():
    with observing(Diary()) as diary, pytest.raises(ValueError, match="matmul"):
        ops.matmul(Variable(np.ones((2, 3))), np.ones((2, 3)))
    assert diary.ops[0][3] is None
    assert isinstance(diary.ops[0][6], ValueError)


def test_rules_lead_to_their_forward_ops_by_key():
    x, w = Variable(np.ones((2, 3))), Variable(np.ones((3, 2)))
    with observing(Diary()) as diary:
        with GradientTape() as tape:
            y = ops.matmul(x, w)
            z = ops.tanh(y)
        grads = tape.gradient(z, [x, w])
    assert [op.name for op, *_ in diary.rules] == ["tanh", "matmul"]
    tanh, matmul = diary.rules
    assert tanh[1] == (z.key,)
    assert tanh[2] == (y.key,)
    assert matmul[1] == (y.key,)
    assert matmul[2] == (x.key, w.key)
    assert np.array_equal(matmul[4][1], grads[1].data)
    targets, sources, results = diary.gradients[0]
    assert targets[0] is z
    assert [s is t for s, t in zip(sources, (x, w), strict=True)] == [True, True]
    assert [r is g for r, g in zip(results, grads, strict=True)] == [True, True]
    assert diary.scopes == [("begin", "backward", "gradient"), ("end", "backward", "gradient", type(None))]


def test_observed_gradients_are_the_same_numbers():
    x = Variable(np.linspace(-1, 1, 6).reshape(2, 3))

    def slope():
        with GradientTape() as tape:
            h = ops.tanh(x) * x + x
            y = (h * h).mean() + h.sum()
        return tape.gradient(y, x).numpy()

    plain = slope()
    with observing(Diary()):
        observed = slope()
    assert np.array_equal(plain, observed)


def test_failing_rule_is_announced():
    from eagerflow.core.custom_gradient import custom_gradient

    @custom_gradient
    def broken(x):
        def grad(upstream):
            raise ZeroDivisionError

        return x * 1.0, grad

    x = Variable(1.0)
    with observing(Diary()) as diary:
        with GradientTape() as tape:
            y = broken(x)
        with pytest.raises(ZeroDivisionError):
            tape.gradient(y, x)
    assert isinstance(diary.rules[0][5], ZeroDivisionError)
    assert diary.scopes[-1] == ("end", "backward", "gradient", ZeroDivisionError)


def test_updates_and_logs_are_announced_to_all():
    v = Variable([1.0])
    with observing(Diary()) as diary:
        v.assign([2.0])
        v.assign_add([1.0])
    assert [(name, variable is v) for name, variable, _ in diary.updates] == [("assign", True), ("assign_add", True)]
    with observing(Diary()) as outer, observing(Diary()) as inner:
        _ = Variable(1.0) + 1.0
    assert len(outer.ops) == len(inner.ops) == 1
    with observing(Diary()) as diary:
        observe.logs("epoch", 3, {"loss": 0.5})
    assert diary.logs == [("epoch", 3, {"loss": 0.5})]


def test_scopes_nest_and_carry_errors():
    with observing(Diary()) as diary, pytest.raises(KeyError), scope("layer", "outer"), scope("user", "inner"):
        raise KeyError
    assert diary.scopes == [
        ("begin", "layer", "outer"),
        ("begin", "user", "inner"),
        ("end", "user", "inner", KeyError),
        ("end", "layer", "outer", KeyError),
    ]


def test_an_observer_that_wants_no_ops_hears_of_scopes_and_errors_only():
    class Light(Observer):
        wants_ops = False

        def __init__(self):
            self.heard = []

        def on_op(self, op, inputs, settings, outputs, started, ended, error=None):
            self.heard.append((op.name, type(error)))

        def on_update(self, name, variable, inputs, started, ended):
            self.heard.append((name, None))

        def on_scope_end(self, scope, outputs, error=None):
            self.heard.append((scope.kind, None))

    light, w = Light(), Variable([1.0, 2.0])
    with observing(light):
        assert state.on
        assert not state.ops
        with GradientTape() as tape:
            y = ops.sum(w * w)
        w.assign_sub(tape.gradient(y, w))
        with pytest.raises(ValueError):
            ops.matmul(ops.ones((2, 3)), ops.ones((2, 3)))
        assert light.heard == [("backward", None), ("matmul", ValueError)]
        with observing(Observer()):
            assert state.ops
            ops.tanh(w)
        assert not state.ops
    assert light.heard[-1] == ("tanh", type(None))
    assert not state.on


def test_a_pass_over_many_variables_is_announced_at_once_and_one_by_one_to_those_who_dont_ask():
    class AtOnce(Observer):
        def __init__(self):
            self.passes = []

        def on_updates(self, name, updates):
            self.passes.append((name, [(variable, given[0].tolist()) for variable, given, _, _ in updates]))

    a, b = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    optimizer = SGD(0.5)
    for _ in range(3):  # the third is the second once more
        with observing(AtOnce()) as at_once, observing(Diary()) as each:
            optimizer.apply([Tensor([2.0, 2.0]), Tensor([4.0, 4.0])], [a, b])
        assert at_once.passes == [("sgd_update", [(a, [2.0, 2.0]), (b, [4.0, 4.0])])]
        assert [(name, variable) for name, variable, _ in each.updates] == [("sgd_update", a), ("sgd_update", b)]
        assert [inner[:2] for inner in each.scopes] == [("begin", "optimizer"), ("end", "optimizer")]
    assert (a.tolist(), b.tolist(), int(optimizer.iterations)) == ([-2.0, -1.0], [-3.0, -2.0], 3)


def test_a_rule_that_fails_is_announced_with_the_error_that_is_raised():
    class Rules(Observer):
        def __init__(self):
            self.heard = []

        def on_rule(self, op, out_keys, in_keys, gradients, results, started, ended, error=None):
            self.heard.append((op.name, in_keys, results, error))

    @custom_gradient
    def failing(x):
        def back(g):
            raise failures.pop()

        return x * 1.0, back

    failures = [ValueError("shapes"), KeyboardInterrupt()]
    for kind in (KeyboardInterrupt, ValueError):
        with GradientTape() as tape:
            w = Variable([1.0, 2.0])
            y = failing(w)
        with observing(Rules()) as rules, pytest.raises(kind) as caught:
            tape.gradient(y, w)
        assert rules.heard[-1][1:] == ((), (), caught.value)


def test_a_scope_that_an_observer_keeps_doesnt_keep_what_was_returned_alive():
    class Keeping(Observer):
        def __init__(self):
            self.kept, self.returned = [], []

        def on_scope_end(self, scope, outputs, error=None):
            self.kept.append(scope)
            self.returned.append(weakref.ref(outputs.data))

    with observing(Keeping()) as listener, contextlib.suppress(KeyError):
        with scope("user", "ends") as ending:
            ending.value = ops.ones(3)
        assert listener.returned[0]() is None
        with scope("user", "fails") as failing:
            failing.value = ops.zeros(3)
            raise KeyError
    assert [each.name for each in listener.kept] == ["ends", "fails"]
    assert listener.returned[1]() is None


def test_gradients_have_the_same_bits_when_somebody_listens():
    x, bias = Variable(np.linspace(-1.0, 1.0, 12).reshape(4, 3)), Variable([0.1, 0.2, 0.3])

    def gradients():
        with GradientTape() as tape:
            left, right = ops.split(ops.tanh(x * x + bias), 2)
            y = ops.sum(left * right) + ops.sum(ops.exp(bias) * x)
        return [g.numpy().tobytes() for g in tape.gradient(y, [x, bias])]

    alone = gradients()
    with observing(Diary()) as diary:
        assert gradients() == alone
    assert {op.name for op, *_ in diary.rules} >= {"tanh", "exp", "multiply"}
