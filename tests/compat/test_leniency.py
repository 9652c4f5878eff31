"""What scripts of Keras 2 and TensorFlow rely on without saying so."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import Input, Model, Sequential, callbacks, data, layers, models, ops
from eagerflow.compat.faces import face

tf = face("tensorflow")
X = np.arange(8, dtype="float32").reshape(4, 2)


def double(x):
    return 2 * x


def test_models_with_functions_of_ones_own_are_cloned():
    inputs = Input((2,))
    model = Model(inputs, layers.Dense(1)(layers.Lambda(double)(inputs)))
    made = models.clone_model(model)
    made.set_weights(model.get_weights())
    np.testing.assert_array_equal(made.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_layer_may_run_twice_in_a_sequential(tmp_path):
    shared = layers.Dense(2)
    model = Sequential([Input((2,)), shared, layers.ReLU(), shared])
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0)
    assert len(model.weights) == 2
    assert len(model.layers) == 3
    np.testing.assert_allclose(model.predict(X, verbose=0), shared(np.maximum(shared(X), 0)), rtol=1e-6)
    model.save_weights(tmp_path / "a.weights.h5")
    before = model.get_weights()
    model.set_weights([0 * w for w in before])
    model.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    with pytest.raises(ValueError, match="names must be unique"):
        model.add(layers.Dense(2, name=shared.name))


def test_lengths_that_are_tried_out_need_not_fit_an_embedding():
    """As many positions as the input has steps, whose number nobody knows yet."""

    class Positions(layers.Layer):
        def __init__(self):
            super().__init__()
            self.places = layers.Embedding(5, 2)

        def call(self, x):
            return ops.cast(x, "float32")[..., None] + self.places(ops.arange(ops.shape(x)[-1]))

    made = Positions()(Input((None,), dtype="int32"))
    assert made.shape == (None, None, 2)
    with pytest.raises(IndexError, match="input_dim=5"):
        Positions()(np.ones((1, 9), int))


def test_attributes_that_classes_of_ones_own_set():
    class Pairs(data.PyDataset):
        def __init__(self):
            super().__init__()
            self.num_batches = 3

    class Watching(callbacks.Callback):
        def __init__(self, model):
            super().__init__()
            self.model = model

    assert Pairs().num_batches == 3
    assert Watching("model").model == "model"


def test_a_batch_size_beside_a_data_set_changes_nothing_and_says_so(keras_2):
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    batches = data.Dataset.from_tensor_slices((X, X[:, :1])).batch(2, num_parallel_calls=4, name="batches")
    with pytest.warns(UserWarning, match="has batches already"):
        assert len(model.fit(batches, batch_size=64, verbose=0).history["loss"]) == 1


def test_the_shape_of_a_tensor_counts_as_a_vector():
    """`tf.shape(x)[:2] * 2` repeated the tuple."""
    shape = tf.shape(X)
    assert tuple(shape) == (4, 2)
    assert (shape == [4, 3]).tolist() == [True, False]
    assert (shape != (4, 3)).tolist() == [False, True]
    assert (tf.keras.backend.shape(X)[:2] * 2).tolist() == [8, 4]
    assert shape.shape == (2,)
    assert (shape[:2] * 2).tolist() == [8, 4]
    assert (shape // 2 + [1, 1]).tolist() == [3, 2]
    assert (3 - shape).tolist() == [-1, 1]
    assert shape.numpy().dtype == "int32"
    assert (shape[0], 1) == (4, 1)
    with pytest.raises(TypeError, match="isn't known before data comes"):
        tf.shape(Input((2,))) * 2


def test_the_shape_of_a_tensor_compares_and_negates_by_element():
    shape = tf.shape(X)  # 4, 2
    assert (-shape).tolist() == [-4, -2]
    assert abs(shape).tolist() == [4, 2]
    assert (shape**2).tolist() == [16, 4]
    assert (2**shape).tolist() == [16, 4]
    assert (shape < 3).tolist() == [False, True]
    assert (shape <= [4, 1]).tolist() == [True, False]
    assert (shape > 2).tolist() == [True, False]
    assert (3 >= shape).tolist() == [False, True]
    with pytest.raises(TypeError, match="isn't known before data comes"):
        -tf.shape(Input((2,)))


@pytest.mark.usefixtures("keras_2")
def test_a_static_shape_equals_a_list():
    shape = tf.zeros((2, 3)).shape
    assert shape == [2, 3]
    assert [2, 3] == shape
    assert shape == (2, 3)
    assert shape != [3, 2]
    assert (shape != [2, 3]) is False
    assert {shape: 1}[(2, 3)] == 1
    assert Input((2,)).shape == [None, 2]


def test_a_list_is_one_tensor_of_an_element():
    (first,) = tf.data.Dataset.from_tensors(([1.0, 2.0], {"a": [[1], [2]]}))
    assert first[0].tolist() == [1.0, 2.0]
    assert first[1]["a"].shape == (2, 1)
    (words,) = tf.data.Dataset.from_tensors(["a", "b"])
    assert words.shape == (2,)


def test_arguments_by_tensorflows_numbers_and_names():
    assert tf.zeros(2, 1).dtype == "float32"
    assert tf.ones([2], tf.int32).dtype == "int32"
    assert tf.eye(2, batch_shape=[3, 1]).shape == (3, 1, 2, 2)
    with pytest.raises(ValueError, match="no TPUs here"):
        tf.distribute.cluster_resolver.TPUClusterResolver()
    with pytest.raises(ValueError, match="no TPUs here"):
        tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    tf.config.optimizer.set_jit(True)
    assert tf.config.optimizer.get_jit() == ""
    assert face("tensorflow.keras.optimizers.experimental").AdamW


def test_names_of_keras_2(keras_2):
    assert layers.Dense(1, name="encoder/first").name == "encoder_first"

    class Policy(models.Model):
        def __init__(self):
            super().__init__("policy")

    class Guided(models.Model):
        def __init__(self):
            super().__init__(self)

    assert Policy().name == "policy"
    assert Guided().name == "guided"
    with pytest.raises(TypeError, match="outputs are missing"):
        models.Model(layers.Input((1,)))
