"""What only Keras 2 had, as scripts of its time write it."""

from __future__ import annotations

import traceback

import numpy as np
import pytest

from eagerflow import Input, Model, Sequential, layers, ops
from eagerflow.compat.faces import face

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype("float32")
core = face("keras.layers")

pytestmark = pytest.mark.usefixtures("keras_2")


def test_windows_and_strides_by_position_are_told_of():
    """Keras 1 meant windows of 3×3."""
    with pytest.warns(UserWarning, match=r"For Keras 1's windows write Conv2D\(8, \(3, 3\), ...\)"):
        layer = core.Conv2D(8, 3, 3)
    assert layer.strides == (3, 3)
    assert core.Conv2D(8, 3, 2).strides == (2, 2)


def test_a_loss_may_name_its_inputs():
    """Keras 2: the loss holds for these inputs alone; here every call has its own."""

    class Penalized(layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.sum(inputs), inputs=inputs)
            return inputs

    layer = Penalized()
    layer(X)
    assert len(layer.losses) == 1


def test_scikit_learn_searches_over_functions_that_build_models():
    pytest.importorskip("sklearn")
    from sklearn.model_selection import GridSearchCV, cross_val_score

    wrappers = face("keras.wrappers.scikit_learn")

    def build(units=2, loss="categorical_crossentropy"):
        model = Sequential([layers.Dense(units, input_dim=4), layers.Dense(3, activation="softmax")])
        model.compile("sgd", loss, metrics=["accuracy"])
        return model

    y = np.array(["a", "b", "c"] * 2)
    found = GridSearchCV(
        wrappers.KerasClassifier(build, epochs=1, batch_size=4, verbose=0), {"units": [2, 3]}, cv=2
    ).fit(X, y)
    assert found.best_params_["units"] in (2, 3)
    best = found.best_estimator_
    assert set(best.predict(X)) <= set(y)
    assert best.predict_proba(X).shape == (6, 3)
    assert 0 <= best.score(X, y) <= 1
    regressor = wrappers.KerasRegressor(lambda: _regression(), epochs=1, verbose=0)
    assert len(cross_val_score(regressor, X, X[:, 0], cv=2)) == 2
    assert regressor.fit(X, X[:, 0]).history["loss"]
    assert regressor.predict(X).shape == (6,)
    with pytest.raises(ValueError, match="unit="):
        wrappers.KerasClassifier(build, unit=3)


def _regression():
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_axes_of_length_one_are_left_to_the_layers_as_in_keras_2(keras_2):
    """A vector times an embedding of one word: an axis more than the model behind was made for."""
    behind = Sequential([layers.Dense(6, input_dim=4), layers.Reshape((3, 2))])
    noise, word = Input((4,)), Input((1,), dtype="int32")
    made = Model([noise, word], behind(layers.multiply([noise, layers.Embedding(5, 4)(word)])))
    assert made.predict([X, np.zeros((6, 1), int)], verbose=0).shape == (6, 3, 2)
    with pytest.raises(ValueError, match="a batch of examples"):
        behind(np.zeros((6, 2, 4), "float32"))


def test_functions_take_a_value_for_the_learning_phase():
    backend = face("keras.backend")
    inputs = Input((4,))
    dropped = layers.Dropout(0.5)(inputs)
    for given in ([inputs], [inputs, backend.learning_phase()]):
        function = backend.function(given, [dropped])
        assert (function([X, 0])[0] == X).all()
        assert (function([X, 1.0])[0] == 0).any()
    with pytest.raises(ValueError, match="expected 1 value"):
        backend.function([inputs], [dropped])([X, 3])


def test_hints_come_once_and_name_modules_for_modules(keras_2):
    with pytest.raises(ModuleNotFoundError) as error:
        exec("import keras.application.vgg16", {"__name__": "__main__"})
    assert "Equalization" not in str(error.value)
    with pytest.raises(AttributeError) as missing:
        face("keras").estimator  # noqa: B018
    lines = traceback.format_exception(missing.value)
    assert lines[-1].rstrip().endswith("Use the model's own fit, evaluate and predict.")
    with pytest.raises(ModuleNotFoundError, match=r"eagerflow's TensorFlow\. Write keras\.datasets"):
        exec("from tensorflow.examples.tutorials.mnist import input_data", {"__name__": "__main__"})


def test_layers_derived_from_the_base_of_keras_2_write_their_merge_function():
    class Between(core._Merge):
        def _merge_function(self, inputs):
            return 0.25 * inputs[0] + 0.75 * inputs[1]

    first, second = layers.Input((2,)), layers.Input((2,))
    model = Model([first, second], Between()([first, second]))
    assert model.predict([np.zeros((1, 2)), np.ones((1, 2))], verbose=0).tolist() == [[0.75, 0.75]]
    with pytest.raises(NotImplementedError, match="must define _merge_function"):
        core._Merge()([np.ones((1, 2)), np.ones((1, 2))])
