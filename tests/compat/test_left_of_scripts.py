"""What scripts from elsewhere do that stopped them: text in models, numbers by older names, and what is refused."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.callbacks.logs import Logs
from eagerflow.compat.faces import face

tf = face("tensorflow")
TEXTS = np.array([["a"], ["c"], ["b"]], object)


class Remainders(layers.Layer):
    """Looks words up in a `call` of its own."""

    def __init__(self):
        super().__init__()
        self.lookup = layers.StringLookup(vocabulary=["a", "b", "c"], num_oov_indices=0)

    def call(self, inputs):
        return tf.math.floormod(self.lookup(inputs), 2)


def test_a_layer_that_takes_text_in_its_call():
    words = ef.Input((1,), dtype="string")
    model = ef.Model(words, Remainders()(words))
    assert model.output_shape == (None, 1)
    assert model(TEXTS).tolist() == [[0], [0], [1]]


def test_functions_of_text_on_what_input_gives():
    words = ef.Input((), dtype="string")
    upright = tf.expand_dims(words, -1)
    assert (upright.shape, upright.dtype) == ((None, 1), "string")
    lookup = layers.StringLookup(vocabulary=["a", "b", "c"], num_oov_indices=0, output_mode="one_hot")
    model = ef.Model(words, lookup(upright))
    assert model(TEXTS[:, 0]).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_one_text_split_by_a_function():
    layer = layers.TextVectorization(standardize=None, split=tf.strings.split, vocabulary=["i", "write"])
    assert layer("i write i").tolist() == [2, 3, 2]
    assert layer(["i write", "i"]).tolist() == [[2, 3], [2, 0]]


def test_texts_of_a_data_set_are_bytes_for_numpy():
    dataset = tf.data.Dataset.from_tensor_slices((["first", "second"], [1, 2]))
    text, number = next(dataset.as_numpy_iterator())
    assert (text[:3], number) == (b"fir", 1)


@pytest.mark.parametrize(
    ("at_first", "said"), [(True, "frozen after compile, and stays trainable"), (False, "unfrozen")]
)
def test_a_layer_switched_after_compile_is_warned_of_in_fit(keras_2, at_first, said):
    model = ef.Sequential([ef.layers.Dense(2, name="first", trainable=at_first), ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.layers[0].trainable = not at_first
    x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    with pytest.warns(UserWarning, match=f"'first' was {said}.*Call compile again"):
        model.fit(x, y, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.train_on_batch(x, y)
        model.compile("sgd", "mse")
        before = model.layers[0].get_weights()[0]
        model.fit(x, y, verbose=0)
    assert np.array_equal(before, model.layers[0].get_weights()[0]) == at_first


def test_a_discriminator_frozen_after_compile_is_trained_without_a_word(keras_2):
    model = ef.Sequential([ef.layers.Dense(2), ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.trainable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = model.fit(np.ones((4, 3), "float32"), np.ones((4, 1), "float32"), epochs=2, verbose=0)
    assert history.history["loss"][1] < history.history["loss"][0]


def test_history_by_older_names(keras_2):
    history = Logs({"val_mae": [1.0], "binary_accuracy": [2.0], "loss": [3.0]})
    assert history["val_mean_absolute_error"] == [1.0]
    assert history["acc"] == [2.0]
    assert "val_acc" not in history
    assert history.get("mse") is None
    assert json.loads(json.dumps(history)) == {"val_mae": [1.0], "binary_accuracy": [2.0], "loss": [3.0]}
    with pytest.raises(KeyError, match="val_loss"):
        history["val_loss"]


def test_the_learning_rate_has_its_older_name(keras_2):
    model = ef.Sequential([ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    steady = ef.callbacks.LearningRateScheduler(lambda epoch: 0.5)
    history = model.fit(np.ones((4, 3)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[steady]).history
    assert history["lr"] == history["learning_rate"] == [0.5, 0.5]


def test_a_number_is_the_length_of_rows(keras_2):
    assert ef.Input(200).shape == (None, 200)
    with pytest.raises(ValueError, match=r"Input\(28, 28\): the shape of one example is a tuple"):
        ef.Input(28, 28)


def test_the_shape_of_an_input_goes_by_keras_name_whatever_call_names_it():
    class Doubled(layers.Layer):
        def call(self, values):
            return ops.concatenate([values, values], axis=-1)

    assert Doubled().compute_output_shape(input_shape=(None, 3)) == (None, 6)


def test_batches_may_share_their_metrics():
    model = ef.Sequential([ef.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(ef.optimizers.SGD(0.0), "mse", metrics=["mae"])
    one, three, zero = np.ones((1, 1)), np.full((1, 1), 3.0), np.zeros((1, 1))
    for method in (model.test_on_batch, model.train_on_batch):
        assert method(one, zero) == [1.0, 1.0]
        assert method(three, zero, reset_metrics=False) == [5.0, 2.0]
        assert method(three, zero) == [9.0, 3.0]


def test_weights_are_saved_of_a_model_that_is_called_by_a_method_of_its_own(tmp_path):
    class Own(ef.Model):
        def __init__(self):
            super().__init__()
            self.used, self.unused = layers.Dense(2), layers.Dense(3)

        def __call__(self, x):
            return self.used(x)

    first, second = Own(), Own()
    expected, before = first(np.ones((1, 4))), second(np.ones((1, 4)))
    assert before.tolist() != expected.tolist()
    first.save_weights(tmp_path / "own.weights.h5")
    second.load_weights(tmp_path / "own.weights.h5")
    assert second(np.ones((1, 4))).tolist() == expected.tolist()


class Endpoint(layers.Layer):
    """Reports a metric that it holds, without a name."""

    def __init__(self):
        super().__init__()
        self.off = ef.metrics.MeanAbsoluteError(name="off")

    def call(self, logits, targets):
        self.add_metric(self.off(targets, logits))
        return logits


def test_a_metric_of_a_layer_is_added_without_a_name(keras_2):
    x, y = ef.Input((1,)), ef.Input((1,))
    model = ef.Model([x, y], Endpoint()(layers.Dense(1, kernel_initializer="zeros")(x), y))
    model.compile("sgd", "mse")
    logs = model.fit([np.zeros((4, 1)), np.ones((4, 1))], np.zeros((4, 1)), verbose=0).history
    assert logs["off"] == [1.0]


def test_factors_of_layers_may_be_tensors():
    layer = layers.RandomTranslation(ops.sqrt(ops.array(0.25)), (np.float32(0.0), ops.array(0.5)))
    assert layer(np.zeros((1, 4, 4, 1), "float32"), training=True).shape == (1, 4, 4, 1)


def test_a_variable_of_the_backend():
    assert face("keras.backend").Variable([1.0, 2.0], name="kernel").numpy().tolist() == [1, 2]


def test_what_is_not_here_says_what_to_write():
    model = ef.Sequential([layers.Dense(1)])
    with pytest.raises(ValueError, match=r"\.onnx.*model\.save\('name\.keras'\)"):
        model.export("folder")
    with pytest.raises(AttributeError, match="slice_update"):
        ef.Variable([1.0, 2.0])[0].assign(3.0)
    with pytest.raises(AttributeError, match="RandomZoom"):
        _ = face("tensorflow.keras.layers").RandomWidth
    with pytest.raises(AttributeError, match=r"eagerflow\.jvp"):
        _ = tf.autodiff
    with pytest.raises(AttributeError, match="GradientTape"):
        _ = tf.gradients
    with pytest.raises(AttributeError, match=r"scipy\.special"):
        _ = tf.math.betainc


class ForTwenty(layers.Layer):
    """Works for batches of 20 only."""

    def call(self, inputs):
        return ops.reshape(inputs, (20, 8, 2))


def test_a_call_for_one_batch_size_says_how_to_give_it():
    with pytest.raises(ValueError, match="reshape") as caught:
        ForTwenty()(ef.Input((4, 4)))
    assert any("batch_size=n" in note for note in caught.value.__notes__)
    assert ForTwenty()(ef.Input((4, 4), batch_size=20)).shape == (20, 8, 2)


def test_a_shape_that_a_tensor_has_may_be_set():
    x = ops.zeros((4, 3))
    assert x.set_shape([4, None]) is None
    x.set_shape(None)
    ef.Input((3,)).set_shape((2, 3))
    for wrong in ([4, 3, 1], [4, 2]):
        with pytest.raises(ValueError, match="reshape"):
            x.set_shape(wrong)


def test_gradients_of_what_is_computed_twice_and_of_a_common_norm():
    x = tf.constant([3.0, 4.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        again = tf.recompute_grad(lambda x: x * tf.sin(x))(x)
        length = tf.linalg.global_norm([x, None, 12 * tf.ones([1])])
    np.testing.assert_allclose(tape.gradient(again, x).numpy(), np.sin([3, 4]) + [3, 4] * np.cos([3, 4]), rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(length, x).numpy(), [3 / 13, 4 / 13], rtol=1e-6)


def test_an_embedding_gives_a_sequential_its_shapes_before_any_data(keras_2):
    model = ef.Sequential([layers.Embedding(10, 4), layers.LSTM(3)])
    assert model.built
    assert model.output_shape == (None, 3)
    alone = ef.Sequential([layers.Embedding(10, 4)])
    assert alone.layers[0].input_shape == (None, None)
    for shape in ((3,), (3, 5), (3, 5, 2)):
        assert alone(np.zeros(shape, int)).shape == (*shape, 4)


@pytest.mark.parametrize(
    "behind",
    [
        lambda: [layers.Flatten()],
        lambda: [layers.Conv1D(3, 2), layers.MaxPooling1D(), layers.Flatten(), layers.Dense(4)],
        lambda: [layers.Reshape((-1,))],
    ],
    ids=["flatten", "convolution", "reshape"],
)
def test_an_embedding_without_a_length_waits_for_data_where_a_weight_depends_on_it(keras_2, behind, tmp_path):
    words, labels = np.arange(48).reshape(8, 6) % 5, np.arange(8) % 2
    model = ef.Sequential([layers.Embedding(5, 4), *behind(), layers.Dense(1, activation="sigmoid")])
    assert not model.built
    model.compile("adam", "binary_crossentropy")
    model.fit(words, labels, batch_size=4, verbose=0)
    assert model.output_shape == (None, 1)
    model.save(tmp_path / "m.keras")
    again = ef.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(words, verbose=0), model.predict(words, verbose=0))


def test_a_layer_that_never_fits_behind_an_embedding_is_refused_with_the_data(keras_2):
    model = ef.Sequential([layers.Embedding(5, 4), layers.Conv2D(2, 3)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="Conv2D"):
        model.predict(np.zeros((2, 6), "int32"), verbose=0)


def test_a_file_of_weights_that_is_not_there_is_named_as_it_was_given(keras_2, tmp_path):
    model = ef.Sequential([layers.Input((2,)), layers.Dense(1)])
    with pytest.raises(FileNotFoundError, match=r"There is no file '[^']*nothere\.weights\.h5' "):
        model.load_weights(tmp_path / "nothere.weights.h5")


def test_layers_of_ones_own_read_their_weights_by_keras_2_s_names(keras_2):
    class Outer(layers.Layer):
        def build(self, input_shape):
            self.inner = layers.Dense(2)
            self.inner.build(input_shape)
            self.scale = self.add_weight(shape=(), initializer="ones")
            self.steady = self.add_weight(shape=(), trainable=False)
            self.built = True

        @property
        def trainable_weights(self):
            return self._trainable_weights[:] + self.inner.trainable_weights

        def call(self, x):
            return self.scale * self.inner(x)

    layer = Outer()
    layer(np.ones((1, 3)))
    assert layer._trainable_weights == [layer.scale]
    assert layer._non_trainable_weights == [layer.steady]
    assert [tuple(v.shape) for v in layer.trainable_weights] == [(), (3, 2), (2,)]


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_functions_of_ours_in_a_configuration_are_saved_by_their_names(tmp_path, ending):
    class Activated(layers.Layer):
        def __init__(self, function="relu", **kwargs):
            super().__init__(**kwargs)
            self.function = ef.activations.get(function)

        def call(self, x):
            return self.function(x)

        def get_config(self):
            return {**super().get_config(), "function": self.function}

    path = tmp_path / f"model.{ending}"
    ef.Sequential([ef.Input((3,)), Activated("tanh")]).save(path)
    again = ef.saving.load_model(path, custom_objects={"Activated": Activated})
    assert again.layers[-1].function is ef.activations.tanh


def test_modules_of_tensorflow_s_inside_that_others_import_are_there():
    inside = face("tensorflow.python.ops.init_ops")
    assert inside.glorot_normal_initializer is face("keras.initializers").glorot_normal
    lengths = face("tensorflow.python.layers.utils")
    assert lengths is not None
    assert (
        lengths.conv_output_length(28, 3, "valid", 2)
        == face("keras.utils.conv_utils").conv_output_length(28, 3, "valid", 2)
        == 13
    )
    assert [lengths.conv_output_length(5, 3, padding, 1) for padding in ("same", "causal", "full", "valid")] == [
        5,
        5,
        7,
        3,
    ]
    assert lengths.conv_input_length(13, 3, "valid", 2) == 27
    assert [lengths.deconv_output_length(14, 3, padding, stride=2) for padding in ("same", "valid", "full")] == [
        28,
        29,
        25,
    ]
    assert lengths.normalize_tuple(2, 3, "strides") == (2, 2, 2)
    with pytest.raises(ValueError, match="`strides` argument must be an integer or a tuple of 2 integers"):
        lengths.normalize_tuple((1, 2, 3), 2, "strides")
    with pytest.raises(ValueError, match="`padding` argument"):
        lengths.normalize_padding("full")


def test_what_only_a_call_builds_is_there_after_a_symbolic_one(keras_2):
    """Though the class tells its shapes, by which nothing is run in Keras 3."""

    class Normed(layers.Layer):
        def build(self, input_shape):
            self.inner = layers.BatchNormalization()
            self.built = True

        def call(self, x):
            return self.inner(x)

        def compute_output_shape(self, input_shape):
            return input_shape

    model = ef.Sequential([ef.Input((3,)), Normed()])
    assert len(model.weights) == 4


def test_names_of_tensorflow_1_that_others_still_write(keras_2):
    matrix = np.arange(9.0).reshape(3, 3)
    assert tf.compat.v1.matrix_diag_part(matrix).numpy().tolist() == [0.0, 4.0, 8.0]
    assert np.trace(tf.compat.v1.matrix_set_diag(matrix, [1.0, 1.0, 1.0]).numpy()) == 3.0
    assert tf.math.l2_normalize([[3.0, 4.0]], dim=-1).numpy() == pytest.approx(np.array([[0.6, 0.8]]))
    assert tf.as_string([1, 2]).numpy().tolist() == [b"1", b"2"]
    noted = tf.ones(2)
    noted._uses_learning_phase = True
    layer = layers.Concatenate(batch_input_shape=[(None, 2), (None, 3)])
    assert layer([np.ones((1, 2)), np.ones((1, 3))]).shape == (1, 5)
