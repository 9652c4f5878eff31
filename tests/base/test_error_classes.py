"""Errors that are of Python's class and of Keras', so that programs which catch either go on."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers


@pytest.mark.parametrize("error", [TypeError, ValueError])
@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: ef.StatelessScope(state_mapping=[("no variable", 1.0)]), "expected variables"),
        (lambda: bool(ef.ops.ones((2, 2))), "no single truth value"),
        (lambda: ef.Sequential().add({}), "expected a layer"),
        (lambda: ef.Model("inputs", ef.Input((2,))), "inputs=.*got str"),
        (lambda: layers.Embedding(3.7, 2), r"input_dim=3\.7"),
        (lambda: layers.Embedding(3, "2"), "output_dim='2'"),
        (lambda: ef.saving.deserialize_keras_object({"class_name": "Dense", "config": [1]}), "a mapping; got list"),
        (
            lambda: ef.saving.deserialize_keras_object({"class_name": "function", "config": ["relu"]}),
            "its name; got list",
        ),
        (lambda: np.array(ef.Input((2,))), "can't answer a NumPy array"),
    ],
)
def test_what_is_of_the_wrong_type(act, message, error):
    with pytest.raises(error, match=message):
        act()


def test_asking_a_symbolic_tensor_for_values():
    with pytest.raises(NotImplementedError, match="can't answer iteration"):
        iter(ef.Input((2,)))
    with pytest.raises(TypeError, match="can't answer float"):
        float(ef.Input((2,)))


@pytest.mark.parametrize("error", [FileNotFoundError, ValueError])
def test_a_file_that_is_not_there(error, tmp_path):
    with pytest.raises(error, match="There is no file"):
        ef.saving.load_model(tmp_path / "missing.keras")


@pytest.mark.parametrize("error", [KeyError, ValueError])
def test_a_loss_for_an_output_that_is_not_there(error):
    x = ef.Input((2,))
    model = ef.Model(x, {"a": layers.Dense(1)(x), "b": [layers.Dense(1)(x)]})
    with pytest.raises(error) as found:
        model.compile("sgd", {"a": "mse", "b": {"c": "mse"}})
    assert str(found.value) == "loss: the output 'b' is list; got a dict for it."
