"""What a step reaches by a weak reference alone dies when eagerly it does: a capture keeps nothing alive."""

from __future__ import annotations

import functools
import gc
import weakref

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, losses, metrics, ops, random

X = ef.Tensor([[1.0, 2.0, 3.0]])
CALLS, GOES = 9, 5


class Plain:
    factor = 2.0


class Slotted:
    __slots__ = ("__weakref__", "factor")

    def __init__(self):
        self.factor = 2.0


class Table(dict):
    pass


def doubled():
    return lambda x: x * 2


KINDS = {
    "variable": (lambda: ef.Variable([1.0, 2.0, 3.0]), lambda thing, x: x * thing),
    "tensor": (lambda: ef.Tensor([1.0, 2.0, 3.0]), lambda thing, x: x * thing),
    "array": (lambda: np.full(3, 2.0, "float32"), ops.multiply),
    "function": (doubled, lambda thing, x: thing(x)),
    "partial": (lambda: functools.partial(ops.multiply, 2.0), lambda thing, x: thing(x)),
    "slots": (Slotted, lambda thing, x: x * thing.factor),
    "dict": (lambda: Table(factor=2.0), lambda thing, x: x * thing["factor"]),
    "metric": (metrics.Mean, lambda thing, x: x * thing(x)),
    "loss": (losses.MeanSquaredError, lambda thing, x: thing(x, x * 2)),
    "seeds": (lambda: random.SeedGenerator(3), lambda thing, x: x * random.normal((3,), seed=thing)),
    "layer": (lambda: layers.Dense(3, kernel_initializer="ones"), lambda thing, x: thing(x)),
    "object": (Plain, lambda thing, x: x * thing.factor),
}


def outcomes(kind, refer, captured):
    make, use = KINDS[kind]
    there = [make()]
    reference = refer(there[0])

    def step(x):
        thing = reference() if isinstance(reference, weakref.ReferenceType) else reference
        return x if thing is None else use(thing, x)

    step = ef.function(step) if captured else step
    found = []
    for i in range(CALLS):
        if i == GOES:
            there.clear()
        try:
            found.append(np.array(step(X)).tolist())
        except ReferenceError as error:
            found.append(str(error))
    return found, step


@pytest.mark.filterwarnings("ignore:.*runs eagerly, not captured")
@pytest.mark.parametrize("refer", [weakref.ref, weakref.proxy])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_gone_eagerly_is_gone_for_a_captured_step(kind, refer):
    gc.disable()  # nothing is to depend on when the collector comes by
    try:
        eager, _ = outcomes(kind, refer, False)
        found, step = outcomes(kind, refer, True)
    finally:
        gc.enable()
    assert found == eager
    assert found[GOES] != found[GOES - 1]
    if kind in ("layer", "object"):
        assert step.replays
    else:
        assert "refers to may change unseen" in step.why_eager or "Proxy" in step.why_eager


def test_a_weak_reference_to_what_is_also_reached_otherwise_is_no_hindrance():
    model = ef.Sequential([layers.Dense(3)])
    model.build((None, 3))
    references = [weakref.ref(weight) for weight in model.weights]
    method = weakref.WeakMethod(model.layers[0].call)

    @ef.function
    def step(x):
        return method()(model(x)) + sum(ops.sum(reference() ** 2) for reference in references)

    for _ in range(5):
        step(X)
    assert step.replays == 3


def test_what_an_object_behind_a_proxy_takes_from_its_class_counts():
    class Thing:
        factor = 2.0

    thing = Thing()
    proxy = weakref.proxy(thing)
    step = ef.function(lambda x: x * proxy.factor)
    for factor in (2.0, 2.0, 2.0, 5.0, 5.0):
        Thing.factor = factor
        assert np.array(step(X)).tolist() == (np.array(X) * factor).tolist()
    assert step.replays
