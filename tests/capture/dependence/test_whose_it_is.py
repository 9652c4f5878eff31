"""A function or class of the user's counts as such, whatever it says of the module that it is of."""

from __future__ import annotations

import abc
import dataclasses
import functools
import importlib
import sys
import types

import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.capture.hearing.whose import is_ours, is_users
from tests.capture.steps import many, while_it_changes

X = ef.Tensor([[1.0, 2.0]])


def by_a_variable_around(ours):
    scale = 1.0

    @functools.wraps(ours)
    def wrapped(*args, **kwargs):
        return scale * ours(*args, **kwargs)

    def change(i):
        nonlocal scale
        scale = float(i)

    return wrapped, change


def by_a_default(ours):
    def wrapped(*args, scales=(1.0,), **kwargs):
        return scales[0] * ours(*args, **kwargs)

    wrapped.__kwdefaults__["scales"] = scales = [1.0]
    return functools.wraps(ours)(wrapped), lambda i: scales.__setitem__(0, float(i))


def by_an_attribute(ours):
    @functools.wraps(ours)
    def wrapped(*args, **kwargs):
        return wrapped.scale * ours(*args, **kwargs)

    wrapped.scale = 1.0
    return wrapped, lambda i: setattr(wrapped, "scale", float(i))


WAYS = [by_a_variable_around, by_a_default, by_an_attribute]


@pytest.mark.parametrize("way", WAYS)
def test_what_a_wrapper_around_an_op_reads_counts(way):
    def make():
        wrapped, change = way(ops.relu)
        return lambda x: wrapped(x), change

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


@pytest.mark.parametrize("way", WAYS)
def test_what_a_wrapper_around_a_method_of_a_layer_reads_counts(way):
    def make():
        layer = layers.Dense(2, kernel_initializer="ones")
        layer.call, change = way(layer.call)
        return lambda x: layer(x), change

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def scaled(self, x):
    return x * self.scale


def body():
    return {"scale": 1.0, "scaled": scaled}


Base = abc.ABCMeta("Base", (), {})


def by_type():
    return type("Scaling", (Base,), body())


def by_new_class():
    return types.new_class("Scaling", (), {}, lambda names: names.update(body()))


def by_make_dataclass():
    return dataclasses.make_dataclass("Scaling", [("size", float, 2.0)], namespace=body())


def by_executed_code():
    names = {}
    exec("class Scaling:\n    scale = 1.0\n    def scaled(self, x):\n        return x * self.scale", names)
    return names["Scaling"]


def by_another_name():
    class Scaling:
        scale = 1.0

    Scaling.scaled, Scaling.__module__ = scaled, "numpy.random"
    return Scaling


def of_a_library_s_package():
    class Scaling:
        scale = 1.0

    Scaling.__module__ = "eagerflow.layer.extra"
    Scaling.scaled = staticmethod(lambda x: x * Scaling.scale)
    return Scaling


CLASSES = [by_type, by_new_class, by_make_dataclass, by_executed_code, by_another_name, of_a_library_s_package]


@pytest.mark.parametrize("make_class", CLASSES)
def test_attributes_and_methods_of_a_class_that_is_made_otherwise_count(make_class):
    def make():
        kind = make_class()
        scaling = kind()

        def change(i):
            if i > 8:
                kind.scaled = lambda self, x: x * float(i)
            else:
                kind.scale = float(i)

        return lambda x: scaling.scaled(x), change

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


@pytest.mark.parametrize("name", ["code", "secrets"])
def test_a_script_that_is_called_as_a_module_of_python_is_the_user_s(name, tmp_path, monkeypatch):
    source = "class Scaling:\n    scale = 1.0\n    def scaled(self, x):\n        return x * self.scale\n"
    (tmp_path / f"{name}.py").write_text(source + "scaling = Scaling()\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module(name)
    monkeypatch.setitem(sys.modules, name, module)

    def make():
        module.Scaling.scale = 1.0
        return lambda x: module.scaling.scaled(x) + module.Scaling().scaled(x), change

    def change(i):
        module.Scaling.scale = float(i)

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_classes_of_python_and_of_ours_stay_theirs():
    ours = [layers.Dense, ef.Tensor, ef.Variable, ef.optimizers.SGD]
    theirs = [int, types.FunctionType, functools.partial, dataclasses.Field, abc.ABC, type({}.keys())]
    assert not any(map(is_users, ours + theirs))
    assert all(map(is_ours, ours))
    assert not any(map(is_ours, theirs))


def test_an_activation_that_wraps_ours_may_change_between_two_fits():
    weights = []
    for jit_compile in (False, True):
        activation, change = by_a_variable_around(ops.tanh)
        model = ef.Sequential([layers.Input((2,)), layers.Dense(2, activation, kernel_initializer="ones")])
        model.compile("sgd", "mse", jit_compile=jit_compile)
        x, y = ops.ones((32, 2)), ops.zeros((32, 2))
        model.fit(x, y, batch_size=4, verbose=0)
        change(3)
        model.fit(x, y, batch_size=4, verbose=0)
        weights.append(model.get_weights()[0].tolist())
    assert weights[0] == weights[1]
    assert sum(step.replays for step in model.captured_steps.values())


def test_a_wrapper_that_counts_its_calls_runs_in_each():
    @functools.wraps(ops.relu)
    def counting(x):
        counting.calls += 1
        return ops.relu(x)

    counting.calls = 0
    step = ef.function(lambda x: counting(x))
    with pytest.warns(UserWarning, match="the step changes relu.calls"):
        many(step, X, calls=6)
    assert counting.calls == 6
