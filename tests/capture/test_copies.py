"""Copies and pickles of captured functions."""

from __future__ import annotations

import copy
import gc
import linecache
import pickle

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import many


@ef.function
def doubled(x):
    return ef.ops.exp(x) * 2.0


class Scales(ef.layers.Layer):
    """Its step is captured, and bound to it."""

    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(shape=(), initializer="ones")
        self.built = True
        self.step = ef.function(self.scaled, verify_every=9)

    def scaled(self, x):
        return ef.ops.exp(x) * self.scale


X = ef.Tensor(np.ones((3, 2), "float32"))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_the_captured_function_of_a_module_is_its_own_copy_as_functions_are(again):
    assert again(doubled) is doubled


@pytest.mark.parametrize("again", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_the_copy_of_an_object_has_a_step_of_its_own(again):
    layer = Scales()
    many(layer.step, X)
    other = again(layer)
    assert other.step.replays == 0
    assert other.step.verify_every == 9
    other.scale.assign(3.0)
    many(other.step, X)
    assert other.step.replays > 0
    np.testing.assert_array_equal(other.step(X).numpy(), (ef.ops.exp(X) * 3.0).numpy())
    np.testing.assert_array_equal(layer.step(X).numpy(), ef.ops.exp(X).numpy())


def test_a_function_within_a_function_is_copied_and_captured_anew():
    step = ef.function(lambda x: x + 1.0, verify_every=7)
    many(step, X)
    other = copy.deepcopy(step)
    assert (other.replays, other.name, other.verify_every) == (0, step.name, 7)
    np.testing.assert_array_equal(other(X).numpy(), step(X).numpy())


def test_the_source_of_a_step_that_is_gone_goes_with_it():
    def sources():
        gc.collect()
        return sum(name.startswith("<eagerflow captured step") for name in linecache.cache)

    before = sources()
    for _ in range(5):
        step = ef.function(lambda x: x * 2)
        for _ in range(4):
            step(ef.Tensor([1.0]))
        assert step.replays
    del step
    assert sources() <= before
