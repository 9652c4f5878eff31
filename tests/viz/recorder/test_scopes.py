"""Observers agree on which scopes are open, and on what a step is."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow.core import observe
from tests.viz.nets import Trainer
from viz.recorder.scopes import Joined, OpenScope, Scopes


def opened(*kinds):
    return Scopes([OpenScope(observe.Scope(kind, f"{kind}{i}")) for i, kind in enumerate(kinds)])


def test_what_was_left_open_inside_ends_first_and_the_innermost_at_once():
    scopes = opened("model", "layer", "layer", "metric")
    _, outer, inner, innermost = scopes
    assert scopes.left_open(outer.scope) == [innermost, inner]
    assert scopes[-1] is outer
    assert scopes.left_open(outer.scope) == []
    assert scopes.end(outer.scope)
    assert [each.kind for each in scopes] == ["model"]


def test_scopes_that_began_unheard_end_nothing():
    scopes = opened("model", "layer")
    unheard = observe.Scope("step", "train_step")
    assert scopes.left_open(unheard) is None
    assert not scopes.end(unheard)
    assert len(scopes) == 2


def test_who_joins_hears_of_the_open_scope_once_and_nothing_after_leaving():
    class Heard(observe.Observer):
        def __init__(self):
            self.log = []

        def on_scope_begin(self, scope):
            self.log.append(("begin", scope.name))

        def on_scope_end(self, scope, outputs, error=None):
            self.log.append(("end", scope.name))

    heard = Heard()
    joined = Joined(heard, observe.Scope("step", "train_step"))
    with observe.scope("user", "inner"):
        ...
    joined.end_scope()
    joined.end_scope()
    joined.leave()
    with observe.scope("user", "later"):
        ...
    names = [("begin", "train_step"), ("begin", "inner"), ("end", "inner"), ("end", "train_step")]
    assert heard.log == names


@pytest.mark.parametrize(("steps", "expected"), [((1,), [1]), ((0, 2), [0, 2])])
def test_a_step_inside_of_a_step_is_a_part_of_it(steps, expected):
    model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3), "float32"), np.ones((4, 2), "float32")
    with viz.trace(steps=steps) as t:
        for i in range(3):
            with viz.step(f"mine {i}"):
                model.train_on_batch(x, y)
    assert [t.scopes[step.scope].name for step in t.steps if step.number is not None] == [f"mine {i}" for i in expected]
    assert [step.number for step in t.steps if step.number is not None] == expected


def rates(recording):
    return [
        (scope.config["learning_rate"], scope.config.get("current_learning_rate"))
        for scope in recording.scopes
        if scope.kind == "optimizer"
    ]


def test_an_optimizer_has_the_learning_rate_of_each_step():
    trainer = Trainer(optimizer=ef.optimizers.SGD(0.5))
    with viz.trace() as t:
        for _ in range(3):
            trainer.step()
            trainer.optimizer.learning_rate = trainer.optimizer.learning_rate * 0.5
    assert rates(t) == [(0.5, None), (0.25, None), (0.125, None)]
    assert len(t.steps) == 3
