"""`model_from_json` of what Keras 1 and 2 wrote."""

from __future__ import annotations

import json

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.compat.faces import face

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def layer(kind, name, calls, **config):
    return {"class_name": kind, "config": {"name": name, **config}, "name": name, "inbound_nodes": calls}


def entry(name):
    return layer("InputLayer", name, [], batch_input_shape=[None, 4], dtype="float32", sparse=False, ragged=False)


def dense(name, calls):
    settings = {"trainable": True, "dtype": "float32", "units": 4, "activation": "linear", "use_bias": True}
    return layer("Dense", name, calls, **settings)


def functional(name, layers, outputs, calls=None, kind="Functional"):
    config = {"layers": layers, "input_layers": [[layers[0]["name"], 0, 0]], "output_layers": outputs}
    return layer(kind, name, [] if calls is None else calls, **config)


def inner(calls):
    return functional("f", [entry("x"), dense("d", [[["x", 0, 0, {}]]])], [["d", 0, 0]], calls)


def read(model, module=False):
    def with_modules(value):
        if isinstance(value, list):
            return [with_modules(v) for v in value]
        if not isinstance(value, dict):
            return value
        found = {k: with_modules(v) for k, v in value.items()}
        if "class_name" in value and "config" in value:
            of_graph = value["class_name"] == "Functional"
            found["module"] = "keras.src.engine.functional" if of_graph else "keras.layers"
            found["registered_name"] = "Functional" if of_graph else None
        return found

    return ef.models.model_from_json(json.dumps(with_modules(model) if module else model))


@pytest.mark.parametrize("module", [False, True])  # tf.keras from 2.13 on tells modules
@pytest.mark.parametrize("kind", ["Functional", "Model"])
def test_a_functional_model(kind, module):
    layers = [entry("x"), dense("h", [[["x", 0, 0, {}]]]), dense("y", [[["h", 0, 0, {}]]])]
    model = read(functional("m", layers, [["y", 0, 0]], kind=kind), module and kind == "Functional")
    assert (model.name, model.output_shape, model.count_params()) == ("m", (None, 4), 40)
    assert isinstance(model, ef.Model)
    assert model(X).shape == (3, 4)


@pytest.mark.parametrize("module", [False, True])
def test_a_model_that_is_called_twice_in_another(module):
    """Keras 2 counts the making of an inner model as its first call."""
    calls = [[["y", 0, 0, {}]], [["f", 1, 0, {}]]]
    model = read(functional("m", [entry("y"), inner(calls)], [["f", 2, 0]]), module)
    once = read(functional("m", [entry("y"), inner(calls[:1])], [["f", 1, 0]]), module)
    once.set_weights(model.get_weights())
    np.testing.assert_allclose(model(X), once(once(X)), rtol=1e-6)
    both = read(functional("m", [entry("y"), inner(calls)], [["f", 1, 0], ["f", 2, 0]]), module)
    both.set_weights(model.get_weights())
    np.testing.assert_allclose(both(X)[0], once(X), rtol=1e-6)
    np.testing.assert_allclose(both(X)[1], model(X), rtol=1e-6)


def test_an_op_of_tensorflow_between_layers():
    doubled = {
        "class_name": "TFOpLambda",
        "config": {"name": "tf.math.multiply", "trainable": True, "dtype": "float32", "function": "math.multiply"},
        "name": "tf.math.multiply",
        "inbound_nodes": [["x", 0, 0, {"y": 2.0, "name": None}]],
    }
    model = read(functional("m", [entry("x"), doubled], [["tf.math.multiply", 0, 0]]))
    np.testing.assert_allclose(model(X), 2 * X)


def test_a_sequential_of_keras_1_whose_config_is_a_list():
    none = dict.fromkeys(("W_regularizer", "b_regularizer", "activity_regularizer", "W_constraint", "b_constraint"))
    window = {
        "nb_filter": 4,
        "nb_row": 3,
        "nb_col": 3,
        "border_mode": "same",
        "subsample": [1, 1],
        "dim_ordering": "tf",
    }
    first = {"batch_input_shape": [None, 8, 8, 1], "input_dtype": "float32", "init": "glorot_uniform", **window, **none}
    layers = [
        {"class_name": "Convolution2D", "config": {"name": "c", "bias": True, "activation": "linear", **first}},
        {"class_name": "Dropout", "config": {"name": "p", "p": 0.25}},
        {"class_name": "Flatten", "config": {"name": "f"}},
        {"class_name": "Dense", "config": {"name": "d", "output_dim": 3, "init": "uniform", "bias": True, **none}},
    ]
    model = read({"class_name": "Sequential", "config": layers, "keras_version": "1.2.2"})
    assert model.output_shape == (None, 3)
    assert [type(x).__name__ for x in model.layers] == ["Conv2D", "Dropout", "Flatten", "Dense"]


def test_a_model_of_keras_2_13_which_tells_modules_and_its_version():
    config = {"name": "l", "units": 3, "recurrent_activation": "hard_sigmoid", "batch_input_shape": [None, 5, 2]}
    layers = [{"module": "keras.src.layers.rnn.lstm", "class_name": "LSTM", "registered_name": None, "config": config}]
    about = {"module": "keras", "registered_name": "Sequential", "keras_version": "2.13.1"}
    model = read({"class_name": "Sequential", "config": {"name": "s", "layers": layers}, **about})
    assert model.output_shape == (None, 3)
    gate = model.layers[0].recurrent_activation
    np.testing.assert_allclose(gate(np.array([-1.0, 0.0, 1.0], "float32")), [0.3, 0.5, 0.7], rtol=1e-6)


def test_settings_of_a_users_layer_stay():
    class Own(ef.layers.Layer):
        def __init__(self, batch_size, **kwargs):
            super().__init__(**kwargs)
            self.batch_size = batch_size

        def call(self, x):
            return x * self.batch_size

    layers = [entry("x"), layer("Own", "own", [[["x", 0, 0, {}]]], batch_size=5) | {"module": "__main__"}]
    text = json.dumps(functional("m", layers, [["own", 0, 0]]))
    np.testing.assert_allclose(ef.models.model_from_json(text, {"Own": Own})(X), 5 * X)


def test_models_and_optimizers_from_configs_under_their_older_names(keras_2):
    only = {"class_name": "Dense", "config": {"units": 2, "batch_input_shape": [None, 4]}}
    config = {"class_name": "Sequential", "config": [only]}
    assert face("keras.models").model_from_config(config).output_shape == (None, 2)
    assert face("tensorflow.keras.models").model_from_config(config).count_params() == 10
    made = face("keras.optimizers").optimizer_from_config({"class_name": "SGD", "config": {"lr": 0.5}})
    assert float(made.learning_rate) == 0.5


def test_a_layer_with_few_settings_is_no_op():
    layers = [entry("x"), layer("Dense", "d", [[["x", 0, 0, {}]]], units=2)]
    text = json.dumps({**functional("m", layers, [["d", 0, 0]]), "keras_version": "2.4.0"})
    model = ef.models.model_from_json(text)
    assert isinstance(model.get_layer("d"), ef.layers.Dense)
    assert model(X).shape == (3, 2)
