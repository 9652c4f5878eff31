"""Arguments of Keras 1 and 2, which eagerflow's own classes take beside the present ones."""

from __future__ import annotations

import numpy
import pytest

from eagerflow import callbacks, compat, constraints, data, layers, losses, metrics, models, optimizers, regularizers

pytestmark = pytest.mark.usefixtures("keras_2")


def test_an_empty_name_is_no_name():
    """Keras 2 tutorials write super().__init__(name="") in their blocks."""
    assert layers.Dense(1, name="").name.startswith("dense")


@pytest.mark.parametrize(
    ("older", "present"),
    [
        (
            lambda: layers.Dense(output_dim=3, init="uniform", bias=False, name="a"),
            lambda: layers.Dense(3, kernel_initializer="uniform", use_bias=False, name="a"),
        ),
        (
            lambda: layers.Conv2D(8, 3, 2, border_mode="same", subsample=(2, 2), dim_ordering="th", name="a"),
            lambda: layers.Conv2D(8, (3, 2), (2, 2), "same", "channels_first", name="a"),
        ),
        (
            lambda: layers.Conv2D(nb_filter=8, nb_row=3, nb_col=2, dim_ordering="default", name="a"),
            lambda: layers.Conv2D(8, (3, 2), name="a"),
        ),
        (
            lambda: layers.Convolution1D(nb_filter=8, filter_length=3, subsample_length=2, name="a"),
            lambda: layers.Conv1D(8, 3, 2, name="a"),
        ),
        (
            lambda: layers.MaxPooling1D(pool_length=3, stride=2, border_mode="same", name="a"),
            lambda: layers.MaxPooling1D(3, 2, "same", name="a"),
        ),
        (
            lambda: layers.MaxPooling2D((3, 3), dim_ordering="th", name="a"),
            lambda: layers.MaxPooling2D((3, 3), data_format="channels_first", name="a"),
        ),
        (
            lambda: layers.GlobalAveragePooling2D(dim_ordering="tf", name="a"),
            lambda: layers.GlobalAveragePooling2D("channels_last", name="a"),
        ),
        (
            lambda: layers.ZeroPadding2D((1, 2), dim_ordering="th", name="a"),
            lambda: layers.ZeroPadding2D((1, 2), "channels_first", name="a"),
        ),
        (
            lambda: layers.UpSampling2D(dim_ordering="th", name="a"),
            lambda: layers.UpSampling2D(data_format="channels_first", name="a"),
        ),
        (
            lambda: layers.LSTM(output_dim=3, inner_activation="hard_sigmoid", dropout_W=0.2, dropout_U=0.1, name="a"),
            lambda: layers.LSTM(3, recurrent_activation="hard_sigmoid", dropout=0.2, recurrent_dropout=0.1, name="a"),
        ),
        (lambda: layers.LSTM(3, time_major=False, consume_less="cpu", name="a"), lambda: layers.LSTM(3, name="a")),
        (
            lambda: layers.Embedding(9, 4, init="zeros", dropout=0.0, name="a"),
            lambda: layers.Embedding(9, 4, embeddings_initializer="zeros", name="a"),
        ),
        (
            lambda: layers.BatchNormalization(mode=0, gamma_init="zeros", virtual_batch_size=None, name="a"),
            lambda: layers.BatchNormalization(gamma_initializer="zeros", name="a"),
        ),
        (lambda: layers.GaussianNoise(sigma=0.1, name="a"), lambda: layers.GaussianNoise(0.1, name="a")),
        (lambda: layers.GaussianDropout(p=0.1, name="a"), lambda: layers.GaussianDropout(0.1, name="a")),
    ],
)
def test_layers_take_older_names(older, present):
    assert older().get_config() == present().get_config()


def test_a_kernel_by_numbers_needs_another_older_name():
    """`Conv2D(8, 3, 2)` alone is Keras 3's: strides of 2."""
    assert layers.Conv2D(8, 3, 2).strides == (2, 2)


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda: layers.LSTM(3, time_major=True), "swapaxes"),
        (lambda: layers.BatchNormalization(mode=1), "LayerNormalization"),
        (lambda: layers.BatchNormalization(virtual_batch_size=8), "Leave it out"),
        (lambda: layers.Embedding(9, 4, dropout=0.2), "SpatialDropout1D"),
        (lambda: layers.Conv2D(8, 3, dim_ordering="xx"), "'tf' or 'th'"),
    ],
)
def test_what_is_not_possible_any_more_says_what_to_write(make, advice):
    with pytest.raises(ValueError, match=advice):
        make()


def test_both_names_at_once_are_refused():
    with pytest.raises(TypeError, match="older name"):
        layers.Dense(units=3, output_dim=4)


@pytest.mark.parametrize("kind", ["Adadelta", "Adagrad", "Adam", "Adamax", "Nadam", "RMSprop"])
def test_optimizers_take_lr_decay_and_no_epsilon(kind):
    made = getattr(optimizers, kind)(lr=0.5, epsilon=None, decay=0.0)
    assert float(made.lr) == 0.5
    assert made.epsilon == 1e-7


def test_constraints_take_older_names():
    assert constraints.MaxNorm(m=3).max_value == 3


@pytest.mark.parametrize(
    ("older", "present"),
    [
        ("cosine", "cosine_similarity"),
        ("cosine_proximity", "cosine_similarity"),
        ("huber_loss", "huber"),
        ("kullback_leibler_divergence", "kl_divergence"),
        ("logcosh", "log_cosh"),
    ],
)
def test_losses_are_found_by_older_names(older, present):
    assert losses.get(older) is losses.get(present)


@pytest.mark.parametrize("older", ["cosine", "cosine_proximity", "kullback_leibler_divergence", "logcosh"])
def test_metrics_are_found_by_older_names(older):
    assert isinstance(metrics.get(older), metrics.Metric)


def test_a_model_of_older_names_learns():
    x = numpy.random.default_rng(0).random((64, 3), dtype="float32")
    y = x.sum(axis=1, keepdims=True)
    model = models.Sequential([layers.Dense(output_dim=8, input_dim=3, init="glorot_normal"), layers.Dense(1)])
    model.compile(optimizers.SGD(lr=0.1, decay=1e-4), "mse", metrics=["logcosh"])
    history = model.fit(x, y, nb_epoch=3, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_compile_and_fit_take_what_has_one_value():
    model = models.Sequential([layers.Dense(1, input_dim=2)])
    model.compile("sgd", "mse", target_tensors=None, class_mode="binary")
    model.fit(numpy.ones((2, 2)), numpy.ones((2, 1)), show_accuracy=False, verbose=0)
    with pytest.raises(ValueError, match="targets to fit"):
        model.compile("sgd", "mse", target_tensors=[1])
    with pytest.raises(ValueError, match="metrics="):
        model.fit(numpy.ones((2, 2)), numpy.ones((2, 1)), show_accuracy=True)


def test_a_frozen_discriminator_says_what_keras_2_did():
    """There, compile remembered what was trainable; GANs relied on it."""
    compat.uninstall()
    model = models.Sequential([layers.Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    model.trainable = False
    with pytest.warns(UserWarning, match=r"set model\.trainable = True before its turn \(that of a GAN"):
        model.train_on_batch(numpy.ones((2, 2)), numpy.ones((2, 1)))


def test_the_progress_bar_takes_older_arguments():
    assert callbacks.ProgbarLogger(count_mode="steps", stateful_metrics=["acc"]).seen == 0


def test_data_sets_give_numpy_arrays():
    rows = data.Dataset.from_tensor_slices((numpy.eye(2), {"y": numpy.arange(2)}))
    x, y = next(rows.as_numpy_iterator())
    assert (type(x), type(y["y"].tolist())) == (numpy.ndarray, int)


def test_an_embedding_of_a_known_length_begins_a_model():
    model = models.Sequential([layers.Embedding(9, 4, input_length=5), layers.Flatten(), layers.Dense(1)])
    assert (model.input_shape, model.output_shape, model.count_params()) == ((None, 5), (None, 1), 36 + 21)
    assert model.predict(numpy.ones((2, 5), int), verbose=0).shape == (2, 1)
    assert layers.Embedding(9, 4, batch_input_shape=(2, 5), input_length=5)._ef_state.batch_input_shape == (2, 5)


def test_shapes_of_one_of_several_calls():
    dense = layers.Dense(2)
    held = dense(layers.Input((3,))), dense(layers.Input((4, 3)))
    assert (dense.get_input_shape_at(0), held[0].shape) == ((None, 3), (None, 2))
    assert (dense.get_input_shape_at(1), dense.get_output_shape_at(1)) == ((None, 4, 3), (None, 4, 2))


@pytest.mark.parametrize(
    ("name", "advice"), [("to_yaml", "to_json"), ("total_loss", "compute_loss"), ("updates", "assigned")]
)
def test_parts_of_models_that_are_gone_say_what_to_use(name, advice):
    model = models.Sequential([layers.Dense(1, input_dim=2)])
    assert not hasattr(model, name)
    with pytest.raises(AttributeError, match=advice):
        getattr(model, name)


def test_initial_weights_are_set_when_built_and_no_part_of_the_config():
    layer = layers.Dense(2, weights=[numpy.full((3, 2), 5.0), numpy.zeros(2)])
    layer(numpy.ones((1, 3)))
    assert layer.kernel.numpy().min() == 5
    assert "weights" not in layer.get_config()


def test_other_older_arguments():
    assert layers.Dense(2, batch_input_shape=(5, 3))._ef_state.batch_input_shape == (5, 3)
    assert layers.Dropout(p=0.2).rate == 0.2
    assert regularizers.l2(l=0.5).get_config() == {"l2": 0.5}
    assert regularizers.l1(l=0.5).get_config() == {"l1": 0.5}
    x = layers.Input((4,))
    assert isinstance(models.Model(input=x, output=layers.Dense(2)(x)), models.Model)
    optimizer = optimizers.Adam(lr=0.5)
    optimizer.lr = 0.25
    assert float(optimizer.learning_rate) == 0.25
    layers.BatchNormalization(fused=True)
