"""A step may give objects of one's own that are nothing but their attributes: each replay makes another one."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from tests.capture.steps import many


@dataclass(frozen=True)
class Inner:
    value: Any
    rows: list


@dataclass
class Outputs:
    loss: Any
    name: str = "x"
    inner: Any = None
    made: list = field(default_factory=list)

    def __post_init__(self):
        self.twice = self.loss * 2.0
        self.made.append(self.twice)


class Plain:
    scale = 2.0

    def __init__(self, x):
        self.loss, self.inner = ops.sum(x), SimpleNamespace(value=x * Plain.scale)


def x_of(i):
    return ef.Tensor(np.linspace(-1, 1 + i, 3, dtype="float32"))


GIVEN = {
    "a data class": lambda x: Outputs(ops.mean(x)),
    "a class": Plain,
    "a namespace": lambda x: SimpleNamespace(loss=ops.sum(x), inner=Inner(x * 3.0, [])),
    "within a tuple": lambda x: (Plain(x), {"b": Outputs(x + 1.0, "y", Inner(x * 2.0, [x * 4.0]))}),
}


def shown(thing):
    """All that is in it, with the classes, and numbers for tensors that are one and the same."""
    numbers: dict[int, int] = {}

    def show(each):
        if isinstance(each, ef.Tensor):
            return numbers.setdefault(id(each), len(numbers)), each.tolist()
        if isinstance(each, (list, tuple)):
            return [type(each), *map(show, each)]
        own = each if isinstance(each, dict) else getattr(each, "__dict__", None)
        return each if own is None else (type(each), {key: show(value) for key, value in own.items()})

    return show(thing)


@pytest.mark.parametrize("name", GIVEN)
def test_objects_are_made_by_each_replay(name):
    step = ef.function(lambda x: GIVEN[name](x))
    found = [step(x_of(i)) for i in range(8)]
    assert list(map(shown, found)) == [shown(GIVEN[name](x_of(i))) for i in range(8)]
    assert len(set(map(id, found))) == 8
    assert step.replays >= 4


def test_what_is_one_object_stays_one():
    def step(x):
        y = x * 2.0
        inner = Inner(y, [y, x])
        return inner, Outputs(y, inner=inner), y, x

    captured = ef.function(step)
    for i in range(8):
        x = x_of(i)
        inner, outputs, y, same = captured(x)
        assert same is x
        assert inner.rows[1] is x
        assert inner.value is y is inner.rows[0] is outputs.loss
        assert outputs.inner is inner
        outputs.loss = None  # it is the caller's own
        inner.rows.clear()
    assert captured.replays >= 4


def test_an_object_that_was_there_is_given_itself():
    there = Plain(x_of(0))
    captured = ef.function(lambda x: (there, x * there.inner.value))
    for i in range(6):
        assert captured(x_of(i))[0] is there
    assert captured.replays >= 3


def test_a_class_that_changes_counts(monkeypatch):
    step = ef.function(lambda x: Plain(x))
    many(step, x_of(1))
    monkeypatch.setattr(Plain, "scale", 5.0)
    assert step(x_of(1)).inner.value.tolist() == (x_of(1) * 5.0).tolist()


class Keeps(layers.Layer):
    def call(self, x):
        self.last = ops.softmax(x)
        return x * self.last


def test_a_tensor_that_a_layer_keeps_and_an_object_has_is_one():
    layer = Keeps()

    @ef.function
    def step(x):
        y = layer(x)
        return Inner(layer.last, [y])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it runs eagerly
        for i in range(6):
            assert step(x_of(i)).value is layer.last


class Ends:
    def __del__(self):
        pass


class Slots:
    __slots__ = ("value",)


class Itself:
    pass


def _in(made, x):
    made.value = x * 2.0
    if isinstance(made, Itself):
        made.itself = made
    return made


@pytest.mark.parametrize("kind", [Ends, Slots, Itself])
def test_other_objects_are_given_by_eager_steps(kind):
    step = ef.function(lambda x: _in(kind(), x))
    with pytest.warns(UserWarning, match="runs eagerly, not captured"):
        found = [step(x_of(i)).value.tolist() for i in range(6)]
    assert found == [(x_of(i) * 2.0).tolist() for i in range(6)]
    assert not step.replays


def test_gradients_flow_to_what_an_object_has():
    step, x = ef.function(lambda x: Inner(x * x, [])), x_of(3)
    for _ in range(6):
        with ef.GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(step(x).value)
        assert tape.gradient(y, x).tolist() == (2.0 * x).tolist()
    assert step.replays
