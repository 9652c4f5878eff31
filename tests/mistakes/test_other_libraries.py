"""Arguments and names of PyTorch, TensorFlow 1 and books: the message says what to write for them."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import compat, layers
from eagerflow.base import config
from tests.mistakes.checking import Mistake, check

X, Y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")


def model(**settings):
    made = ef.Sequential([layers.Dense(1)])
    made.compile("sgd", "mse", **settings)
    return made


def built(*shape):
    ef.Sequential([layers.Dense(3)]).build(shape)


FOUND = "the size of the input is found at the first call."
OTHERS: dict[str, Mistake] = {
    "the features of nn.Linear": (
        lambda: layers.Dense(in_features=4, out_features=8),
        TypeError,
        ("no arguments 'in_features' and 'out_features'", FOUND, "Use units=8."),
    ),
    "the channels of nn.Conv2d": (
        lambda: layers.Conv2D(in_channels=3, out_channels=8, kernel_size=3, stride=2),
        TypeError,
        (FOUND, "Use filters=8 and strides=2."),
    ),
    "the sizes of nn.LSTM": (
        lambda: layers.LSTM(input_size=4, hidden_size=8),
        TypeError,
        ("Leave input_size out", "Use units=8."),
    ),
    "two directions": (
        lambda: layers.LSTM(8, bidirectional=True),
        TypeError,
        ("Wrap the layer: layers.Bidirectional(layers.LSTM(...)).",),
    ),
    "layers on each other": (lambda: layers.GRU(8, num_layers=2), TypeError, ("return_sequences=True",)),
    "the batch first": (lambda: layers.LSTM(8, batch_first=True), TypeError, ("Leave batch_first out",)),
    "the sizes of nn.Embedding": (
        lambda: layers.Embedding(num_embeddings=10, embedding_dim=4),
        TypeError,
        ("Use input_dim=10 and output_dim=4.",),
    ),
    "the windows of nn.MaxPool2d": (lambda: layers.MaxPooling2D(kernel_size=2), TypeError, ("Use pool_size=2.",)),
    "the size of all heads": (
        lambda: layers.MultiHeadAttention(embed_dim=64, num_heads=8),
        TypeError,
        ("key_dim is the size of one head: embed_dim // num_heads.",),
    ),
    "zeros around": (
        lambda: layers.Conv2D(8, 3, padding=1),
        ValueError,
        ("'same' keeps the size", "layers.ZeroPadding2D(1) in front"),
    ),
    "in place": (lambda: layers.ReLU(inplace=True), TypeError, ("Leave inplace out",)),
    "the number of channels to normalize": (
        lambda: layers.BatchNormalization(64)(np.ones((2, 64), "float32")),
        ValueError,
        ("The first argument is that axis", "BatchNormalization()."),
    ),
    "TensorFlow 1's Adam": (
        lambda: ef.optimizers.AdamOptimizer,
        AttributeError,
        ("Use `ef.optimizers.Adam(learning_rate)`.",),
    ),
    "Xavier": (lambda: layers.Dense(3, kernel_initializer="xavier_uniform"), ValueError, ("Use 'glorot_uniform'.",)),
    "Kaiming": (lambda: layers.Dense(3, kernel_initializer="kaiming_normal_"), ValueError, ("Use 'he_normal'.",)),
    "None in quotes": (lambda: layers.Dense(3, "none"), ValueError, ("Use None, without quotes",)),
    "the rate in fit": (
        lambda: model().fit(X, Y, lr=0.1),
        TypeError,
        ("fit() got", "model.compile(ef.optimizers.Adam(learning_rate=0.1), ...)."),
    ),
    "the loss in fit": (lambda: model().fit(X, Y, loss="mse"), TypeError, ("model.compile(loss=...)",)),
    "the epochs in compile": (lambda: model(epochs=3), TypeError, ("It belongs in fit: model.fit(x, y, epochs=...)",)),
    "x_train": (lambda: model().fit(x_train=X, y_train=Y), TypeError, ("Use x=.",)),
    "validation": (lambda: model().fit(X, Y, validation=(X, Y)), TypeError, ("Use validation_data=(x, y).",)),
    "a shape without the batch": (lambda: built(4), ValueError, ("build(input_shape=(4,))", "build((None, 4)).")),
    "positions that are no integers": (
        lambda: ef.ops.take(ef.ops.ones(3), [0.5, 1.0]),
        IndexError,
        ("take(", "ops.cast"),
    ),
    "a type that is misspelt": (
        lambda: layers.Dense(3, dtype="flot32"),
        ValueError,
        ("dtype policy 'flot32'", "float32"),
    ),
    "an array for a model's outputs": (
        lambda: ef.Model(ef.Input((4,)), np.ones(3)),
        TypeError,
        ("outputs=", "An array doesn't depend on the inputs"),
    ),
    "feature maps for a recurrent layer": (
        lambda: layers.LSTM(4)(layers.Conv2D(8, 3)(ef.Input((8, 8, 3)))),
        ValueError,
        ("Reshape((-1, 8))", "GlobalAveragePooling2D()"),
    ),
    "percents": (lambda: layers.Dropout(50), ValueError, ("Dropout(rate=50)", "For 50 percent, give 0.5.")),
    "a quotient of units": (lambda: layers.Dense(64 / 2), ValueError, ("units=32.0", "Use units=32.")),
    "units as text": (lambda: layers.GRU("8"), ValueError, ("GRU(units='8')", "Use units=8.")),
    "a rate as text": (lambda: ef.optimizers.Adam("0.01"), TypeError, ("without quotes: learning_rate=0.01.",)),
    "integers to compute in": (
        lambda: layers.Dense(3, dtype="int32")(X),
        ValueError,
        ('Dense "', "its weight 'kernel'", "int32", "leave it out, or say 'float32'"),
    ),
    "no buffer": (
        lambda: ef.data.Dataset.from_tensor_slices((X, Y)).shuffle(),
        TypeError,
        ("shuffle() is missing the argument 'buffer_size'. It takes shuffle(buffer_size, seed=None",),
    ),
    "inputs by name": (lambda: model()(x=X), TypeError, ("Give the inputs by position: layer(x).",)),
    "pictures without channels": (
        lambda: layers.Conv2D(4, 3)(np.ones((8, 28, 28))),
        ValueError,
        ("The channels axis is missing: use x[..., None].",),
    ),
    "one picture": (
        lambda: layers.Conv2D(4, 3)(np.ones((28, 28, 3))),
        ValueError,
        ("The batch axis is missing: use x[None].",),
    ),
    "rows of unequal lengths": (lambda: model().fit([[1, 2, 3], [1, 2]], [0, 1]), ValueError, ("lengths (3, 2)",)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_another_library_calls_otherwise_is_translated(name):
    check(OTHERS[name])


def test_what_a_message_says_to_write_works():
    assert layers.Dense(units=8)(X).shape == (8, 8)
    assert layers.Bidirectional(layers.LSTM(8))(np.ones((2, 3, 4), "float32")).shape == (2, 16)
    assert layers.Conv2D(filters=8, kernel_size=3, strides=2)(np.ones((1, 9, 9, 3), "float32")).shape == (1, 4, 4, 8)
    assert layers.ZeroPadding2D(1)(np.ones((1, 4, 4, 1), "float32")).shape == (1, 6, 6, 1)
    layers.Dense(3, kernel_regularizer=ef.regularizers.L2(0.01), kernel_initializer="he_normal", activation=None)
    ef.Sequential([layers.Dense(3)]).build((None, 4))


@pytest.fixture(autouse=True)
def _stands_for_keras():
    before = compat.is_installed()
    compat.install()
    config.enable_traceback_filtering()
    yield
    config.disable_traceback_filtering()
    if not before:
        compat.uninstall()


def test_tensorflow_1_s_reductions_take_their_older_names():
    import tensorflow as tf

    assert tf.reduce_sum(X, reduction_indices=1, keep_dims=True).shape == (8, 1)
    with pytest.raises(TypeError, match=r"^reduce_sum\(\) got an unexpected keyword argument 'dim'. Use axis="):
        tf.reduce_sum(X, dim=1)
