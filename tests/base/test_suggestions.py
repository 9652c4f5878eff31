"""Unknown names are answered with the name that was meant."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow.base.errors import did_you_mean


@pytest.mark.parametrize(
    ("look_up", "name", "meant"),
    [
        (ef.optimizers.get, "adma", "adam"),
        (ef.optimizers.get, "amda", "adam"),
        (ef.optimizers.get, "Adma", "Adam"),
        (ef.optimizers.get, "rmsporp", "rmsprop"),
        (ef.losses.get, "sparse_crossentropy", "sparse_categorical_crossentropy"),
        (ef.losses.get, "SparseCrossentropy", "SparseCategoricalCrossentropy"),
        (ef.losses.get, "mean_squared", "mean_squared_error"),
        (ef.losses.get, "categorical_cross_entropy", "categorical_crossentropy"),
        (ef.activations.get, "rleu", "relu"),
    ],
)
def test_the_name_that_was_meant_is_suggested(look_up, name, meant):
    with pytest.raises(ValueError, match=rf"Did you mean '{meant}'\?"):
        look_up(name)


@pytest.mark.parametrize("name", ["", "_", "zzzz", "x" * 101])
def test_nothing_is_suggested_where_nothing_is_near(name):
    assert did_you_mean(name, ["adam", "adamax", "sgd"]) == ""
