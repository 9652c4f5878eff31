"""The models, for everything that has Keras' API: `keras` is Keras itself, or eagerflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.workloads.data import RATE, Workload

__all__ = ["compiled", "loss_name"]


def compiled(keras: Any, workload: Workload) -> Any:
    """The model of a workload, compiled with its loss and optimizer."""
    model = _MODELS[workload.name](keras, workload)
    model.compile(optimizer=_OPTIMIZERS[workload.optimizer](keras), loss=loss_name(workload))
    return model


def loss_name(workload: Workload) -> str:
    return "sparse_categorical_crossentropy" if workload.targets == "classes" else "binary_crossentropy"


def mlp(keras: Any, workload: Workload) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(workload.inputs),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(workload.classes, activation="softmax"),
        ]
    )


def tiny(keras: Any, workload: Workload) -> Any:
    layers = keras.layers
    hidden, output = layers.Dense(32, activation="relu"), layers.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input(workload.inputs), hidden, output])


def convnet(keras: Any, workload: Workload) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(workload.inputs),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(workload.classes, activation="softmax"),
        ]
    )


def recurrent(layer: Callable[[Any], Any]) -> Callable[[Any, Workload], Any]:
    """A model that reads tokens with this layer."""

    def build(keras: Any, workload: Workload) -> Any:
        layers = keras.layers
        embedding = layers.Embedding(workload.words, 32)
        output = layers.Dense(1, activation="sigmoid")
        return keras.Sequential([keras.Input(workload.inputs, dtype="int32"), embedding, layer(layers), output])

    return build


def resnet(keras: Any, workload: Workload) -> Any:
    layers = keras.layers
    inputs = keras.Input(workload.inputs)
    x = layers.Conv2D(64, 3, padding="same", activation="relu")(inputs)
    for _ in range(3):
        y = layers.Conv2D(64, 3, padding="same", use_bias=False)(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.Conv2D(64, 3, padding="same", use_bias=False)(y)
        x = layers.ReLU()(layers.Add()([layers.BatchNormalization()(y), x]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(workload.classes, activation="softmax")(x))


def mobilenet(keras: Any, workload: Workload) -> Any:
    layers = keras.layers

    def normalized(x: Any) -> Any:
        return layers.ReLU()(layers.BatchNormalization()(x))

    inputs = keras.Input(workload.inputs)
    x = normalized(layers.Conv2D(32, 3, padding="same", use_bias=False)(inputs))
    for filters, stride in ((64, 1), (128, 2), (128, 1), (256, 2)):
        x = normalized(layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(x))
        x = normalized(layers.Conv2D(filters, 1, use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(workload.classes, activation="softmax")(x))


def transformer(keras: Any, workload: Workload) -> Any:
    layers = keras.layers
    width, heads, (length,) = 64, 4, workload.inputs

    class Positions(layers.Layer):
        """Adds a learned vector for each place."""

        def build(self, input_shape: Any) -> None:
            self.table = self.add_weight(shape=(length, width), initializer="uniform", name="table")

        def call(self, x: Any) -> Any:
            return x + self.table

    inputs = keras.Input(workload.inputs, dtype="int32")
    x = Positions()(layers.Embedding(workload.words, width)(inputs))
    for _ in range(2):
        y = layers.MultiHeadAttention(heads, width // heads, dropout=0.1)(x, x)
        x = layers.LayerNormalization(epsilon=1e-5)(layers.Add()([x, layers.Dropout(0.1)(y)]))
        y = layers.Dropout(0.1)(layers.Dense(4 * width, activation="gelu")(x))
        y = layers.Dropout(0.1)(layers.Dense(width)(y))
        x = layers.LayerNormalization(epsilon=1e-5)(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def autoencoder(keras: Any, workload: Workload) -> Any:
    layers = keras.layers
    half = {"strides": 2, "padding": "same", "activation": "relu"}
    return keras.Sequential(
        [
            keras.Input(workload.inputs),
            layers.Conv2D(32, 3, **half),
            layers.Conv2D(64, 3, **half),
            layers.Conv2DTranspose(64, 3, **half),
            layers.Conv2DTranspose(32, 3, **half),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ]
    )


def conv3d(keras: Any, workload: Workload) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(workload.inputs),
            layers.Conv3D(16, 3, activation="relu"),
            layers.MaxPooling3D(2),
            layers.Conv3D(32, 3, activation="relu"),
            layers.GlobalAveragePooling3D(),
            layers.Dense(workload.classes, activation="softmax"),
        ]
    )


_MODELS: dict[str, Callable[[Any, Workload], Any]] = {
    "mlp": mlp,
    "tiny": tiny,
    "convnet": convnet,
    "lstm": recurrent(lambda layers: layers.LSTM(32)),
    "gru": recurrent(lambda layers: layers.GRU(32)),
    "bidirectional": recurrent(lambda layers: layers.Bidirectional(layers.GRU(32))),
    "resnet": resnet,
    "mobilenet": mobilenet,
    "transformer": transformer,
    "autoencoder": autoencoder,
    "conv3d": conv3d,
}

_OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "rmsprop": lambda keras: keras.optimizers.RMSprop(RATE),
    "adam": lambda keras: keras.optimizers.Adam(RATE),
    "adadelta": lambda keras: keras.optimizers.Adadelta(0.001),
}
