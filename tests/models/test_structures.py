"""Models with inputs and outputs in dicts, tuples and deeper structures."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers


def nested():
    a, b, c = ef.Input((1,)), ef.Input((2,)), ef.Input((3,))
    return ef.Model({"1": a, "others": {"2": b, "3": c}}, {"x": a * 2, "y": {"z": b * 3, "w": c * 4}})


def test_inputs_in_nested_dicts_find_their_places():
    data = {"others": {"3": np.ones((2, 3)), "2": np.ones((2, 2))}, "1": np.ones((2, 1))}
    found = nested()(data)
    assert {k: np.unique(v).tolist() for k, v in {"x": found["x"], **found["y"]}.items()} == {
        "x": [2.0],
        "z": [3.0],
        "w": [4.0],
    }


def test_structures_that_are_refused():
    with pytest.raises(ValueError, match="must have the structure of its inputs"):
        nested()({"1": np.ones((2, 1)), "others": {"2": np.ones((2, 2))}})
    x, y = ef.Input((2,)), ef.Input((2,))
    with pytest.raises(ValueError, match="not optional"):
        ef.Model({"a": x, "b": y}, x - y)({"a": np.ones((1, 2)), "b": None})


def test_a_list_for_a_dict_is_taken_only_when_its_order_is_clear():
    x, y = ef.Input((2,)), ef.Input((2,))
    two = np.ones((1, 2)), np.zeros((1, 2))
    with pytest.warns(UserWarning, match="Pass a dict"):
        assert ef.Model({"a": x, "b": y}, x - y)(list(two)).tolist() == [[1.0, 1.0]]
    with pytest.raises(ValueError, match="Pass a dict"):
        ef.Model({"b": x, "a": y}, x - y)(list(two))


def test_outputs_in_a_tuple_are_one_after_a_config_too():
    x = ef.Input((2,))
    model = ef.Model(x, (x + 1, x + 2))
    assert isinstance(type(model).from_config(model.get_config())(np.ones((1, 2))), tuple)


def test_the_inputs_of_a_clone_have_the_structure_of_the_models():
    x, y = ef.Input((2,)), ef.Input((2,))
    model = ef.Model({"x": x, "y": y}, x + y)
    with pytest.raises(ValueError, match="expected a dict with the keys"):
        ef.models.clone_model(model, input_tensors=(ef.Input((2,)), ef.Input((2,))))


def test_a_sequential_refuses_another_shape_than_its_inputs():
    model = ef.Sequential([ef.Input((2,), batch_size=3), layers.Dense(2)])
    model.build((3, 2))
    with pytest.raises(ValueError, match="its Input has shape"):
        model.build((3, 4))


def test_a_deque_is_a_structure():
    held = deque([1, [2, 3]], maxlen=4)
    assert ef.tree.flatten(held) == [1, 2, 3]
    doubled = ef.tree.map_structure(lambda n: 2 * n, held)
    assert doubled == deque([2, [4, 6]])
    assert doubled.maxlen == 4


@ef.saving.register_keras_serializable("tests")
def doubled(x):
    return x + x


@ef.saving.register_keras_serializable("tests")
def below_100(x):
    return ef.ops.sum(x) < 100


@pytest.mark.parametrize(
    "call", [lambda x: ef.ops.vectorized_map(doubled, x), lambda x: ef.ops.while_loop(below_100, doubled, x)]
)
def test_ops_that_take_functions_come_back_from_a_config(call):
    x = ef.Input((3,))
    model = ef.Model(x, call(x))
    again = type(model).from_config(model.get_config())
    data = np.array([[1.0, 2.0, 3.0]], "float32")
    np.testing.assert_array_equal(again(data), model(data))


def test_a_model_made_untrainable_has_untrainable_layers():
    x = ef.Input((3,))
    dense = layers.Dense(2)
    model = ef.Model(x, dense(x), trainable=False)
    assert not dense.trainable
    assert not model.trainable_weights


def test_a_layer_as_an_activation_comes_back_from_a_file(tmp_path):
    model = ef.Sequential([ef.Input((3,)), layers.Dense(4, activation=layers.LeakyReLU(0.1))])
    model.save(tmp_path / "m.keras")
    again = ef.saving.load_model(tmp_path / "m.keras")
    assert isinstance(again.layers[0].activation, layers.LeakyReLU)
    x = np.array([[-1.0, 2.0, -3.0]], "float32")
    np.testing.assert_array_equal(again(x), model(x))
