"""What a step leaves around it without changing what it reads: counters of names, and which objects are alive."""

from __future__ import annotations

import gc
import weakref

import pytest

import eagerflow as ef
from eagerflow import layers
from tests.capture.steps import many

X = ef.Tensor([[1.0, 2.0], [3.0, 4.0]])


class Thing:
    factor = 2.0


# -- names


def test_a_session_that_is_cleared_inside_is_cleared_in_replays():
    def clears(x):
        ef.utils.clear_session()
        return x * 2.0

    step = ef.function(clears)
    for _ in range(6):
        layers.Flatten()
        step(X)
        assert layers.Flatten().name == "flatten"
    assert step.replays


def test_a_name_that_a_step_gives_is_another_one_each_time():
    step = ef.function(lambda x: (x * 2.0, layers.Flatten().name))
    with pytest.warns(UserWarning, match="runs eagerly"):
        names = [step(X)[1] for _ in range(6)]
    assert len(set(names)) == 6


# -- objects that go


def test_an_object_that_was_given_is_not_kept():
    step, thing = ef.function(lambda thing, x: x * thing.factor), Thing()
    many(step, thing, X)
    assert step.replays
    alive = weakref.ref(thing)
    del thing
    gc.collect()
    assert alive() is None
    assert step.signatures == 0


def test_a_model_that_was_given_is_not_kept():
    step, model = ef.function(lambda model, x: model(x)), ef.Sequential([layers.Dense(2)])
    many(step, model, X)
    assert step.replays
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is None


def test_another_object_in_the_place_of_one_that_is_gone_counts():
    step = ef.function(lambda thing, x: x * thing.factor)
    for factor in range(12):
        thing = Thing()
        thing.factor = float(factor)
        assert many(step, thing, X, calls=5).tolist() == (X * float(factor)).tolist()
    assert step.replays


def test_why_a_step_is_eager_is_known_when_its_argument_is_gone():
    def reads(thing, x):
        return x * float(x[0, 0])

    step, thing = ef.function(reads), Thing()
    with pytest.warns(UserWarning, match="runs eagerly"):
        many(step, thing, X)
    del thing
    gc.collect()
    assert "reads the values" in step.why_eager
