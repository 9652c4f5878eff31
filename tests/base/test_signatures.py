"""Classes tell their arguments, also those that inherit `__init__` from one class and `__new__` from another."""

from __future__ import annotations

import inspect

import pytest

import eagerflow as ef


def names(made):
    return list(inspect.signature(made).parameters)


def test_a_layer_that_inherits_everything_tells_the_arguments_of_init():
    assert names(ef.layers.AveragePooling2D)[:2] == ["pool_size", "strides"]


def test_a_users_subclass_tells_its_own_arguments_and_its_subclass_the_same():
    class Mine(ef.layers.Dense):
        def __init__(self, width, *, deep=False):
            super().__init__(width)

    class Same(Mine):
        pass

    assert names(Mine) == names(Same) == ["width", "deep"]


def test_an_object_has_the_signature_of_its_call():
    layer = ef.layers.Dense(1)
    assert names(layer) == ["args", "kwargs"]
    with pytest.raises(AttributeError, match="__signature__"):
        _ = layer.__signature__
