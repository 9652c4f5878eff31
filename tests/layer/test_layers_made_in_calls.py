"""Layers that a call makes anew each time are told of; layers that the first call makes and keeps aren't."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers

X = np.ones((8, 4), "float32")


class MakesNew(ef.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(3)

    def call(self, inputs):
        return layers.Dense(1)(self.first(inputs))


class MakesOnce(ef.Model):
    later = None

    def call(self, inputs):
        if self.later is None:
            self.later = [layers.Dense(2) for _ in range(3)]
        for layer in self.later:
            inputs = layer(inputs)
        return layers.Dropout(0.5)(layers.ReLU()(inputs))


def test_a_layer_made_in_each_call_is_told_of_once():
    model = MakesNew()
    model(X)
    with pytest.warns(UserWarning, match=r'MakesNew "makes_new\w*": its call makes a new Dense each time \(.*py:\d+'):
        model(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(X)


def test_the_innermost_model_is_named():
    class Outer(ef.Model):
        def __init__(self):
            super().__init__()
            self.inner = MakesNew()

        def call(self, inputs):
            return self.inner(inputs)

    outer = Outer()
    outer(X)
    with pytest.warns(UserWarning, match='MakesNew "outer.*makes_new'):
        outer(X)


def test_fit_says_so_of_a_model_without_other_weights():
    class Net(ef.Model):
        def call(self, inputs):
            return layers.Dense(1)(inputs)

    model = Net()
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="Its call makes new layers .*make them in __init__"):
        model.fit(X, np.ones((8, 1)), verbose=0)


def test_layers_that_are_kept_or_have_no_weights_are_fine():
    outside = layers.Dense(2)
    model, borrowing = MakesOnce(), layers.Lambda(lambda x: outside(x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            model(X)
            borrowing(X)
