"""What only Keras 1 had: its layers, merging, penalties and helpers, as scripts of its time write them."""

from __future__ import annotations

import traceback

import numpy as np
import pytest

from eagerflow import Input, Model, Sequential, layers, ops
from eagerflow.compat.faces import face

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype("float32")
core = face("keras.layers")
merge, Merge = core.merge, core.Merge

pytestmark = pytest.mark.usefixtures("keras_2")


@pytest.mark.parametrize("name", ["Convolution2D", "AtrousConvolution2D", "SeparableConvolution2D", "Deconvolution2D"])
def test_numbers_by_position_are_lengths_of_the_window(name):
    """Keras 1's own names decide: without another argument of its time, and beside a layer that has one."""
    with pytest.warns(UserWarning, match="windows of"):
        alone = getattr(core, name)(8, 3, 3)
    beside = getattr(core, name)(8, 3, 3, border_mode="same")
    assert (alone.kernel_size, alone.strides) == (beside.kernel_size, beside.strides) == ((3, 3), (1, 1))


def test_numbers_by_position_are_told_of():
    with pytest.warns(UserWarning, match=r"Write Conv2D\(8, \(3, 5\), ...\), or Conv2D\(8, 3, strides=5, ...\)"):
        layer = core.Convolution2D(8, 3, 5)
    assert type(layer) is layers.Conv2D
    assert layer.kernel_size == (3, 5)
    assert core.Convolution3D(8, 3, 3, 2).kernel_size == (3, 3, 2)
    assert core.Convolution2D(8, 1, 1).strides == (1, 1)  # the same either way: no word about it


def test_keras_alone_reads_conv2d_so_and_tensorflow_strides():
    with pytest.warns(UserWarning, match="is read as Keras 1 and 2 did"):
        assert core.Conv2D(8, 3, 3).kernel_size == (3, 3)
    assert core.Conv2D(8, 3, 2, padding="same").strides == (2, 2)  # what Keras 2 refused, Keras 3 has
    with pytest.warns(UserWarning, match="is read as Keras 1 and 2 did"):
        assert core.Conv2D(8, 3, 300).kernel_size == (3, 300)  # three words, and all of each


def test_a_smaller_number_behind_the_window_is_strides_as_in_keras_3():
    with pytest.warns(UserWarning, match=r"is read as Keras 3 does: windows of \(3, 3\), strides of 2"):
        layer = core.Conv2D(8, 3, 2, activation="relu")
    assert (layer.kernel_size, layer.strides) == ((3, 3), (2, 2))


def test_tensorflow_reads_strides():
    assert face("tensorflow.keras.layers").Conv2D(8, 3, 3).strides == (3, 3)


def test_a_name_of_keras_1_with_an_argument_of_keras_3_is_refused():
    with pytest.raises(ValueError, match=r"Write Conv2D\(8, \(3, 2\), ...\) or Conv2D\(8, 3, strides=2, ...\)"):
        core.Convolution2D(8, 3, 2, padding="same")


def test_an_older_name_is_the_present_class():
    class Own(core.Convolution2D):
        def __init__(self):
            super().__init__(4, 3, 5, border_mode="same")

    assert core.Convolution2D == layers.Conv2D
    assert {layers.Conv2D: 1}[core.Convolution2D] == 1
    assert isinstance(layers.Conv2D(2, 3), core.Convolution2D)
    assert not isinstance(layers.Conv2D(2, 3), Own)
    assert issubclass(Own, core.Convolution2D)
    assert isinstance(Own(), layers.Conv2D)
    assert Own().kernel_size == (3, 5)


@pytest.mark.parametrize(
    ("made", "settings"),
    [
        (
            lambda: layers.ConvLSTM2D(nb_filter=4, nb_row=3, nb_col=2, border_mode="same", inner_activation="tanh"),
            {"filters": 4, "kernel_size": (3, 2), "padding": "same"},
        ),
        (
            lambda: layers.Conv2DTranspose(4, 3, 2, border_mode="same", subsample=(2, 2)),
            {"kernel_size": (3, 2), "strides": (2, 2), "padding": "same"},
        ),
        (lambda: layers.UpSampling1D(length=3), {"size": 3}),
        (
            lambda: layers.LSTM(output_dim=3, consume_less="gpu", forget_bias_init="zero"),
            {"units": 3, "unit_forget_bias": False},
        ),
    ],
)
def test_layers_take_arguments_of_keras_1(made, settings):
    config = made().get_config()
    found = {name: config[name] for name in settings}
    assert {n: tuple(v) if isinstance(v, list) else v for n, v in found.items()} in (settings, {"size": (3,)})


def test_an_initial_bias_of_forget_gates_is_one_or_zero():
    with pytest.raises(ValueError, match="'one' or 'zero'"):
        layers.LSTM(3, forget_bias_init="two")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("dot", lambda a, b: (a * b).sum(1, keepdims=True)),
        ("cos", lambda a, b: ((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))[:, None, None]),
        ("sum", np.add),
        (lambda both: both[0] - 2 * both[1], lambda a, b: a - 2 * b),
    ],
)
def test_merging(mode, expected):
    one, other = Input((4,)), Input((4,))
    merged = merge([one, other], mode=mode, dot_axes=1, output_shape=(4,))
    found = Model([one, other], merged).predict([X, X + 1], verbose=0)
    np.testing.assert_allclose(found, expected(X, X + 1), rtol=1e-5)


def test_merge_joins_models_at_the_start_of_a_sequential():
    """A model that occurs twice has one input."""
    first, second = Sequential([layers.Dense(3, input_dim=4)]), Sequential([layers.Dense(3, input_dim=4)])
    joint = Sequential([Merge([first, second], mode="mul")])
    whole = Sequential([Merge([joint, first], mode="concat"), layers.Dense(1)])
    whole.compile("sgd", "mse")
    whole.fit([X, X + 1], X[:, :1], verbose=0)
    assert len(whole.trainable_weights) == 6
    a, b = (model.predict(x, verbose=0) for model, x in ((first, X), (second, X + 1)))
    found = whole.layers[0]([X, X + 1])
    np.testing.assert_allclose(found, np.concatenate([a * b, a], 1), rtol=1e-5)
    with pytest.raises(ValueError, match="have 2 inputs; got 3"):
        whole.layers[0]([X, X, X])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: merge([X, X], mode="avg"), "expected one of ave, concat"),
        (lambda: merge([X, X], output_mask=1), "compute_mask"),
        (lambda: Merge([layers.Dense(2)] * 2), "call merge"),
        (lambda: Merge([Sequential()] * 2, node_indices=[0, 1]), "only zeros"),
    ],
)
def test_merging_that_is_not_possible_says_so(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_locally_connected_has_a_kernel_at_every_place(layout):
    images = RNG.normal(size=(2, 7, 5, 3)).astype("float32")
    layer = core.LocallyConnected2D(4, 3, 2, subsample=(2, 1), data_format=layout)
    found = layer(images if layout == "channels_last" else images.transpose(0, 3, 1, 2)).numpy()
    found = found if layout == "channels_last" else found.transpose(0, 2, 3, 1)
    kernel = layer.kernel.numpy().reshape(3, 4, 3, 2, 3, 4)
    for row in range(3):
        for column in range(4):
            window = images[:, 2 * row : 2 * row + 3, column : column + 2]
            expected = np.einsum("bhwc,hwcf->bf", window, kernel[row, column])
            np.testing.assert_allclose(found[:, row, column], expected, rtol=1e-4, atol=1e-5)


def test_locally_connected_along_one_axis():
    layer = core.LocallyConnected1D(4, 3, border_mode="valid")
    assert layer(np.ones((2, 8, 3), "float32")).shape == (2, 6, 4) == layer.compute_output_shape((2, 8, 3))
    assert type(layer).from_config(layer.get_config()).filters == 4
    with pytest.raises(ValueError, match="ZeroPadding"):
        core.LocallyConnected1D(4, 3, border_mode="same")
    with pytest.raises(ValueError, match="needs to know the lengths"):
        core.LocallyConnected1D(4, 3)(Input((None, 3)))


@pytest.mark.parametrize(("size", "mode"), [(15, "same"), (16, "same"), (17, "valid"), (18, "valid")])
def test_a_deconvolution_gets_the_shape_it_was_told(size, mode):
    layer = core.Deconvolution2D(3, 3, 3, (None, size, size, 3), subsample=(2, 2), border_mode=mode)
    assert layer(np.ones((2, 8, 8, 3), "float32")).shape == (2, size, size, 3)


def test_a_deconvolution_of_an_impossible_shape_is_refused():
    layer = core.Deconvolution2D(3, 3, 3, output_shape=(None, 19, 19, 3), subsample=(2, 2))
    with pytest.raises(ValueError, match=r"make \(17, 17\)"):
        layer(np.ones((2, 8, 8, 3), "float32"))


def test_an_embedding_drops_whole_words_in_training():
    layer = core.Embedding(40, 3, dropout=0.5)
    words = np.arange(40).repeat(2)[None]
    found = layer(words, training=True).numpy()[0].reshape(40, 2, 3)
    kept = found.any(axis=(1, 2))
    np.testing.assert_array_equal(found[:, 0], found[:, 1])
    np.testing.assert_allclose(found[kept, 0], 2 * layer.embeddings.numpy()[kept], rtol=1e-6)
    assert 5 < kept.sum() < 35
    assert layer(words).numpy().all()
    assert type(core.Embedding(4, 2)) is layers.Embedding


def test_an_old_embedding_tells_the_settings_of_both():
    config = core.Embedding(40, 3, dropout=0.5, mask_zero=True, init="zeros").get_config()
    assert config["dropout"] == 0.5
    assert config["mask_zero"] is True
    assert config["embeddings_initializer"]["class_name"] == "Zeros"


def test_penalties_initializations_and_helpers():
    penalties, first = face("keras.regularizers"), face("keras.initializations")
    assert penalties.WeightRegularizer(l2=0.1).get_config() == penalties.activity_l2(0.1).get_config()
    assert penalties.l1l2().get_config() == penalties.activity_l1l2().get_config()
    layer = layers.Dense(3, init=lambda shape, name=None: first.normal(shape, scale=0.01, name=name))
    assert np.abs(layer(X)).max() < 0.2
    assert layers.Dense(3, init=lambda shape, name: first.one(shape, name=name))(X).shape == (6, 3)
    assert first.get("glorot_uniform")((3, 4), name="w").shape == (3, 4) == first.get("lecun_normal")((3, 4)).shape
    assert first.identity((2, 2), scale=3).numpy().tolist() == [[3, 0], [0, 3]]
    engine = face("keras.engine.training")
    assert [len(x) for x in engine.slice_X([X, X], 2, 5)] == [3, 3]
    assert engine.slice_X(X, [1, 3]).tolist() == X[[1, 3]].tolist()
    assert engine.make_batches(5, 2) == [(0, 2), (2, 4), (4, 5)]
    assert face("keras.engine.topology").get_source_inputs(Input((2,)))[0].shape == (None, 2)
    assert face("keras.utils.visualize_util").plot is face("keras.utils").plot_model


def test_samples_of_a_plain_generator_are_counted_by_its_first_batch():
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    asked = []

    def batches():
        while True:
            asked.append(1)
            yield X, X[:, :1]

    model.fit_generator(
        batches(), samples_per_epoch=12, nb_epoch=2, validation_data=batches(), nb_val_samples=6, verbose=0
    )
    assert len(asked) >= 6
    assert len(model.predict_generator((X for _ in range(9)), val_samples=12)) == 12


def test_samples_of_a_generator_with_unequal_batches_are_refused():
    model = Sequential([layers.Dense(1)])
    with pytest.raises(ValueError, match="6 in the first, 2 now"):
        model.predict_generator(iter([X, X[:2]]), val_samples=12)


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
        wrappers.KerasClassifier(build, nb_epoch=1, batch_size=4, verbose=0), {"units": [2, 3]}, cv=2
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
