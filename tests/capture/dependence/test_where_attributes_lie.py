"""Attributes count wherever they lie: per thread, on objects of ours, on modules with classes, and in another order."""

from __future__ import annotations

import dataclasses
import threading
import types

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import while_it_changes

X = ef.Tensor([[1.0, 2.0, 3.0]])


class Context(threading.local):
    def __init__(self):
        self.scale = 1.0


def per_thread():
    context = Context()
    return lambda x: x * context.scale, lambda i: setattr(context, "scale", float(i))


def plain_per_thread():
    context = threading.local()
    context.scale = 1.0
    return lambda x: x * context.scale, lambda i: setattr(context, "scale", float(i))


def behind_a_model():
    model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
    model._config_of_mine = {"rate": 1.0}

    def change(i):
        model._config_of_mine["rate"] = float(i)

    return lambda x: model(x) * model._config_of_mine["rate"], change


def object_behind_a_model():
    model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
    model._mine = types.SimpleNamespace(rate=1.0)
    return lambda x: model(x) * model._mine.rate, lambda i: setattr(model._mine, "rate", float(i))


def array_behind_a_layer():
    layer = ef.layers.Dense(1, kernel_initializer="ones")
    layer._mine = np.ones(1, "float32")

    def change(i):
        layer._mine[0] = i

    return lambda x: layer(x) * layer._mine, change


def of_a_seed_generator():
    seeds = ef.random.SeedGenerator(1)
    seeds.scale = 1.0
    return lambda x: x * seeds.scale, lambda i: setattr(seeds, "scale", float(i))


def of_a_policy():
    policy = ef.DTypePolicy("float32")
    policy.scale = 1.0
    return lambda x: x * policy.scale, lambda i: setattr(policy, "scale", float(i))


class Slotted:
    __slots__ = iter(["scale"])


def in_slots_that_an_iterator_named():
    thing = Slotted()
    thing.scale = 1.0
    return lambda x: x * thing.scale, lambda i: setattr(thing, "scale", float(i))


@dataclasses.dataclass
class Rate:
    value: float = 1.0


def in_fields_of_a_dataclass():
    (field,) = dataclasses.fields(Rate)
    field.default = 1.0
    return lambda x: x * dataclasses.fields(Rate)[0].default, lambda i: setattr(field, "default", float(i))


class Settings(types.ModuleType):
    rate = 1.0

    @property
    def twice(self):
        return 2 * self.rate


class Others(types.ModuleType):
    rate = 7.0


def of_a_module_class():
    Settings.rate, module = 1.0, Settings("settings_of_mine")
    return lambda x: x * module.twice, lambda i: setattr(Settings, "rate", float(i))


def a_module_gets_a_class():
    module = types.ModuleType("settings_of_mine")
    module.scale, Settings.rate = 2.0, 1.0

    def change(i):
        module.__class__ = Settings if i % 2 else Others

    return lambda x: x * module.scale * getattr(module, "rate", 1.0), change


WHICH = "weight_decay"


def by_name_of_an_optimizer():
    opt = ef.optimizers.AdamW(0.1, weight_decay=1.0)
    return lambda x: x * getattr(opt, WHICH), lambda i: setattr(opt, WHICH, float(i))


def by_name_of_a_metric():
    metric, which = ef.metrics.Precision(class_id=1), ["class_id"]
    return lambda x: x * getattr(metric, which[0]), lambda i: setattr(metric, "class_id", i)


PLACES = [
    *(per_thread, plain_per_thread, behind_a_model, object_behind_a_model, array_behind_a_layer, of_a_seed_generator),
    *(of_a_policy, in_slots_that_an_iterator_named, of_a_module_class, a_module_gets_a_class),
    *(in_fields_of_a_dataclass, by_name_of_an_optimizer, by_name_of_a_metric),
]


@pytest.mark.parametrize("make", PLACES, ids=lambda make: make.__name__)
def test_attributes_count_wherever_they_lie(make):
    eager, captured, step = while_it_changes(make, X, calls=16)
    assert captured == eager
    assert step.replays > 2, step.why_eager


def sum_of_steps(x, values):
    for value in values:
        x = x * (value + 2.0) + 1.0
    return x


def of_a_set():
    numbers = {0, 8}  # in one place of the table: the first one that came is the first one

    def change(i):
        last_first = [*numbers][::-1]
        numbers.clear()
        for number in last_first:
            numbers.add(number)

    return lambda x: sum_of_steps(x, numbers), change


def of_an_object():
    thing = types.SimpleNamespace(a=2.0, b=3.0)

    def change(i):
        first = next(iter(vars(thing)))
        value = getattr(thing, first)
        delattr(thing, first)
        setattr(thing, first, value)

    return lambda x: sum_of_steps(x, vars(thing).values()), change


class Rates:
    a = 2.0
    b = 3.0


def of_a_class():
    names = [name for name in vars(Rates) if len(name) == 1]
    if names != ["a", "b"]:
        del Rates.a, Rates.b
        Rates.a, Rates.b = 2.0, 3.0

    def change(i):
        first = next(name for name in vars(Rates) if len(name) == 1)
        value = getattr(Rates, first)
        delattr(Rates, first)
        setattr(Rates, first, value)

    return lambda x: sum_of_steps(x, [v for k, v in vars(Rates).items() if len(k) == 1]), change


@pytest.mark.parametrize("make", [of_a_set, of_an_object, of_a_class], ids=lambda make: make.__name__)
def test_the_order_counts_in_which_a_step_goes_through_things(make):
    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays > 2, step.why_eager
