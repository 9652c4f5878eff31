"""What functions, classes, errors, variables, optimizers and metrics tell a step that asks them may change, too."""

from __future__ import annotations

import builtins
import contextvars

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import many, while_it_changes

X = ef.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def an_attribute_of_a_function_that_never_runs():
    def settings():
        pass

    settings.rate = 1.0
    return (lambda x: x * settings.rate), lambda i: setattr(settings, "rate", float(i))


def an_array_of_such_a_function():
    def settings():
        pass

    settings.table = np.ones(3, "float32")
    return (lambda x: x * settings.table), lambda i: settings.table.__setitem__(0, i)


def an_attribute_of_a_method():
    class Thing:
        def go(self):
            pass

    Thing.go.rate, thing = 1.0, Thing()
    return (lambda x: x * thing.go.rate), lambda i: setattr(Thing.go, "rate", float(i))


def defaults_of_another_function():
    def settings(rate=1.0):
        return rate

    return (lambda x: x * settings.__defaults__[0]), lambda i: setattr(settings, "__defaults__", (float(i),))


def annotations_and_names():
    def settings():
        pass

    settings.__annotations__["x"] = 1.0

    def change(i):
        if i % 2:
            settings.__annotations__["x"] = float(i)
        else:
            settings.__name__ = "a" * i

    return (lambda x: x * settings.__annotations__["x"] + len(settings.__name__)), change


def what_another_function_encloses():
    def made():
        rate = 1.0

        def put(value):
            nonlocal rate
            rate = value

        return put, lambda: rate

    put, get = made()
    return (lambda x: x * get.__closure__[0].cell_contents), lambda i: put(float(i))


def the_name_and_the_bases_of_a_class():
    class Once:
        rate = 1.0

    class Twice:
        rate = 2.0

    class Thing(Once):
        pass

    def change(i):
        if i == 8:
            Thing.__name__ = "Another"
        else:
            Thing.__bases__ = ((Once, Twice)[i == 5],)

    return (lambda x: x * Thing.rate + len(Thing.__name__)), change


def what_an_error_was_given():
    error = ValueError(1.0)
    return (lambda x: x * error.args[0]), lambda i: setattr(error, "args", (float(i),))


def a_list_that_is_the_default_of_a_context_variable():
    variable = contextvars.ContextVar("variable", default=[1.0])  # noqa: B039 - as users' programs do
    return (lambda x: x * variable.get()[0]), lambda i: variable.get().__setitem__(0, float(i))


def an_array_that_is_writable_for_a_moment():
    table = np.ones(3, "float32")
    table.setflags(write=False)

    def change(i):
        table.setflags(write=True)
        table[0] = i
        table.setflags(write=False)

    return (lambda x: x * table), change


def the_name_of_a_variable():
    variable = ef.Variable(1.0, name="a")
    return (lambda x: x * len(variable.name)), lambda i: setattr(variable, "name", "a" * i)


def the_constraint_of_a_variable():
    variable = ef.Variable([1.0, -2.0, 3.0])

    def step(x):
        return x * (variable if variable.constraint is None else variable.constraint(variable))

    return step, lambda i: setattr(variable, "constraint", ef.constraints.NonNeg())


def the_regularizer_of_a_layers_variable():
    layer = ef.layers.Dense(3, kernel_regularizer=ef.regularizers.L2(0.1), kernel_initializer="ones")
    layer(X)
    change = lambda i: setattr(layer.kernel, "regularizer", ef.regularizers.L2(float(i)))  # noqa: E731
    return (lambda x: layer(x) * sum(layer.losses)), change


def a_setting_of_an_optimizer():
    optimizer = ef.optimizers.SGD(0.1)
    return (lambda x: x * (optimizer.momentum + 1.0)), lambda i: setattr(optimizer, "momentum", i / 20)


def a_setting_of_a_metric():
    metric = ef.metrics.TopKCategoricalAccuracy(k=2)
    return (lambda x: x * metric.k), lambda i: setattr(metric, "k", i)


class Scaled(ef.optimizers.SGD):
    factor = 1.0

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient * self.factor, variable, learning_rate)


def what_an_optimizer_of_ones_own_keeps():
    optimizer = Scaled(0.1)
    optimizer.factor = 1.0
    return (lambda x: x * optimizer.factor), lambda i: setattr(optimizer, "factor", float(i))


def what_a_metric_of_ones_own_keeps_in_a_dict():
    class Weighted(ef.metrics.Mean):
        def update_state(self, values, sample_weight=None):
            super().update_state(values * self.table["weight"], sample_weight)

    metric = Weighted()
    metric.table = {"weight": 1.0}
    return (lambda x: x * metric.table["weight"]), lambda i: metric.table.update(weight=float(i))


def an_attribute_of_a_captured_function():
    @ef.function
    def inner(x):
        return x * 2.0

    inner.rate = 1.0
    return (lambda x: inner(x) * inner.rate), lambda i: setattr(inner, "rate", float(i))


CASES = [
    *(an_attribute_of_a_function_that_never_runs, an_array_of_such_a_function, an_attribute_of_a_method),
    *(defaults_of_another_function, annotations_and_names, what_another_function_encloses),
    *(the_name_and_the_bases_of_a_class, what_an_error_was_given),
    *(a_list_that_is_the_default_of_a_context_variable, an_array_that_is_writable_for_a_moment),
    *(the_name_of_a_variable, the_constraint_of_a_variable, the_regularizer_of_a_layers_variable),
    *(a_setting_of_an_optimizer, a_setting_of_a_metric, an_attribute_of_a_captured_function),
    *(what_an_optimizer_of_ones_own_keeps, what_a_metric_of_ones_own_keeps_in_a_dict),
]


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_what_is_told_counts(make):
    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_memory_that_an_object_hands_out_as_a_number_is_refused():
    class Thing:
        pass

    table, thing = np.ones(3, "float32"), Thing()
    thing.kept, thing.__array_interface__ = table, table.__array_interface__
    step = ef.function(lambda x: x * np.array(thing))
    with pytest.warns(UserWarning, match="the memory that thing hands out may change unseen"):
        many(step, X)
    assert not step.replays


def test_globals_of_another_function_count():
    names = {"rate": 1.0}
    exec("def settings(): return rate\ndef step(x): return x * settings.__globals__['rate']", names)
    step = ef.function(names["step"])
    for i in range(12):
        names["rate"] = float(i // 4)
        np.testing.assert_array_equal(step(X), X * float(i // 4))
    assert step.replays


def test_builtins_that_are_reached_as_a_dict_may_be_replaced(monkeypatch):
    names = {"builtins": vars(builtins), "abs": abs}
    exec("def step(x): return x * builtins['len'](builtins['__name__'])", names)
    step = ef.function(names["step"])
    for _ in range(5):
        assert step(X).tolist() == (X * 8).tolist()
    assert step.replays
    monkeypatch.setitem(vars(builtins), "__name__", "another")
    assert step(X).tolist() == (X * 7).tolist()


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_a_step_that_reaches_very_much_runs_eagerly(monkeypatch):
    monkeypatch.setattr("eagerflow.capture.dependence.reached._MOST", 50)
    table = [[float(i)] for i in range(100)]
    step = ef.function(lambda x: x * table[-1][0])
    for i in range(6):
        table[-1][0] = float(i // 3)
        assert step(X).tolist() == (X * float(i // 3)).tolist()
    assert not step.replays
    assert "more than 50 objects" in step.why_eager


def test_an_optimizer_of_ones_own_may_count_its_calls():
    class Counting(ef.optimizers.SGD):
        calls = 0

        def update_step(self, gradient, variable, learning_rate):
            self.calls += 1
            super().update_step(gradient, variable, learning_rate)

    optimizer, weight = Counting(0.1), ef.Variable([1.0, 2.0, 3.0])

    @ef.function
    def step(x):
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(weight * x)
        optimizer.apply(tape.gradient(loss, [weight]), [weight])
        return loss

    for _ in range(6):
        step(X)
    assert optimizer.calls == 6
    assert step.replays == 4
