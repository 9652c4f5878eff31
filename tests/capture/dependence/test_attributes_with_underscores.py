"""What classes of the user's hold under `__names__` counts like what they hold under others, but for Python's own."""

from __future__ import annotations

import dataclasses
import functools
from types import SimpleNamespace

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import many

X = ef.Tensor([1.0, 2.0, 3.0])


class Registry:
    __registry__ = {"scale": 1.0}
    __list__ = [1.0]
    __array__numbers__ = np.ones(3, "float32")
    __settings__ = SimpleNamespace(scale=1.0)

    def by_dict(self, x):
        return x * self.__registry__["scale"]

    def by_list(self, x):
        return x * type(self).__list__[0]

    def by_array(self, x):
        return x * self.__array__numbers__

    def by_object(self, x):
        return x * Registry.__settings__.scale


class Meta(type):
    __scales__ = {"scale": 1.0}

    def scale(cls):
        return cls.__scales__["scale"]


class WithMeta(metaclass=Meta):
    pass


class Scaling:
    def __init__(self):
        self.scale = 1.0

    def __call__(self, x):
        return x * self.scale


class Callables:
    __call__ = Scaling()
    __getitem__ = Scaling().__call__
    __neg__ = functools.partialmethod(lambda self, scales: X * scales[0], [1.0])


IT = Callables()


@dataclasses.dataclass
class Data:
    a: float = 1.0


def annotated(x):
    return x * Data.__annotations__["scale"]


CASES = {
    "a dict": (lambda: Registry().by_dict, lambda: Registry.__registry__.update(scale=2.0)),
    "a list": (lambda: Registry().by_list, lambda: Registry.__list__.__setitem__(0, 2.0)),
    "an array": (lambda: Registry().by_array, lambda: Registry.__array__numbers__.__imul__(2.0)),
    "an object": (lambda: Registry().by_object, lambda: setattr(Registry.__settings__, "scale", 2.0)),
    "of a metaclass": (lambda: lambda x: x * WithMeta.scale(), lambda: Meta.__scales__.update(scale=2.0)),
    "an object that is called": (lambda: lambda x: IT(x), lambda: setattr(vars(Callables)["__call__"], "scale", 2.0)),
    "a bound method": (lambda: lambda x: IT[x], lambda: setattr(vars(Callables)["__getitem__"].__self__, "scale", 2.0)),
    "a part of a method": (
        lambda: lambda x: -IT + 0.0 * x,
        lambda: vars(Callables)["__neg__"].args[0].__setitem__(0, 2.0),
    ),
    "annotations": (lambda: annotated, lambda: Data.__annotations__.update(scale=2.0)),
}


@pytest.fixture(autouse=True)
def as_at_first(monkeypatch):
    monkeypatch.setitem(Registry.__registry__, "scale", 1.0)
    monkeypatch.setitem(Meta.__scales__, "scale", 1.0)
    monkeypatch.setitem(Data.__annotations__, "scale", 1.0)
    Registry.__list__[0] = vars(Callables)["__neg__"].args[0][0] = 1.0
    Registry.__array__numbers__[:] = 1.0
    for each in (Registry.__settings__, vars(Callables)["__call__"], vars(Callables)["__getitem__"].__self__):
        each.scale = 1.0


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_noticed(name):
    make, change = CASES[name]
    step = ef.function(make(), jit_compile=True)
    many(step, X)
    assert step.replays, step.why_eager
    change()
    assert step(X).tolist() == [2.0, 4.0, 6.0]
    assert many(step, X).tolist() == [2.0, 4.0, 6.0]


def test_what_python_notes_of_a_class_changes_nothing():
    class Plain:
        """A class."""

        __slots__ = ("scale",)

        def __init__(self):
            self.scale = 2.0

        def __call__(self, x):
            return x * self.scale

    it = Plain()
    step = ef.function(lambda x: it(x), jit_compile=True)
    many(step, X)
    assert step.replays, step.why_eager


@pytest.mark.parametrize("base", [ef.layers.Layer, ef.Model])
@pytest.mark.parametrize("name", ["_held", "_fitted_from", "_all_weights", "history"])
def test_an_attribute_of_the_users_may_be_called_as_one_of_ours(base, name):
    class Scaled(base):
        pass

    exec(f"def call(self, x):\n    return x * self.{name}", made := {})
    Scaled.call = made["call"]
    layer = Scaled()
    setattr(layer, name, 2.0)
    step = ef.function(lambda x: layer(x))
    many(step, X)
    assert step.replays
    setattr(layer, name, 100.0)
    assert step(X).tolist() == [100.0, 200.0, 300.0]
