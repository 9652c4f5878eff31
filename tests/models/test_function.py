"""Functions made of the calls between symbolic tensors."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers as L
from eagerflow.onnx import model as onnx_model


def two_inputs():
    a, b = ef.Input((3,), name="a"), ef.Input((3,), name="b")
    joined = L.Dense(2, name="dense")(a + b)
    return ef.Function({"a": a, "b": b}, [joined, ef.ops.sum(joined, axis=-1)], name="both")


def test_a_function_is_called_like_an_op():
    function = two_inputs()
    data = {"a": np.ones((4, 3), "float32"), "b": np.zeros((4, 3), "float32")}
    values, total = function(data)
    np.testing.assert_allclose(values.numpy().sum(-1), total.numpy(), rtol=1e-6)
    assert [x.name for x in function.inputs] == ["a", "b"]
    assert [x.shape for x in function.outputs] == [(None, 2), (None,)]
    assert list(function.input) == ["a", "b"]
    assert [type(o).__name__ for o in function.operations if isinstance(o, L.Dense)] == ["Dense"]
    with pytest.raises(ValueError, match="needs the inputs"):
        function({"a": data["a"]})


def test_shapes_of_a_function():
    function = two_inputs()
    assert function.compute_output_shape({"a": (5, 3), "b": (5, 3)}) == [(5, 2), (5,)]
    spec = function.compute_output_spec({"a": ef.Input((3,)), "b": ef.Input((3,))})
    assert [x.shape for x in spec] == [(None, 2), (None,)]


def test_the_nodes_of_an_onnx_file_take_no_name_of_ours():
    x = ef.Input((3,))
    config = ef.saving.serialize_keras_object(ef.Function(x, x * 2.0))
    assert onnx_model._class_named.__wrapped__("Function") is not ef.Function
    assert type(ef.saving.deserialize_keras_object(config)) is ef.Function


def test_a_function_inside_of_a_model():
    x = ef.Input((3,))
    inner = ef.Input((3,))
    function = ef.Function(inner, inner * 2.0)
    model = ef.Model(x, L.Dense(1)(function(x)))
    assert function in model.operations
    again = ef.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    data = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(again(data).numpy(), model(data).numpy())


def test_a_function_from_its_configuration():
    function = two_inputs()
    again = ef.Function.from_config(function.get_config())
    assert again.name == "both"
    assert again.compute_output_shape({"a": (5, 3), "b": (5, 3)}) == [(5, 2), (5,)]


def test_both_ends_must_be_symbolic():
    with pytest.raises(TypeError, match="Function"):
        ef.Function(ef.ops.ones((2,)), ef.ops.ones((2,)))


def test_in_a_symbolic_scope_nothing_stays():
    norm = L.BatchNormalization()
    norm.build((None, 3))
    with ef.SymbolicScope():
        assert norm(ef.ops.ones((2, 3)), training=True).shape == (2, 3)
        assert norm(ef.Input((3,))).shape == (None, 3)
    assert norm.moving_mean.numpy().tolist() == [0, 0, 0]
