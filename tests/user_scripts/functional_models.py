"""A functional model with several inputs and outputs, as guides write one, and slips in it."""

from typing import reveal_type

import numpy as np

import eagerflow as keras
from eagerflow import layers, ops

rng = np.random.default_rng(0)
titles = keras.Input(shape=(None,), name="title", dtype="int32")
tags = keras.Input(shape=(12,), name="tags")
pictures = keras.Input((28, 28, 1), name="picture")

words = layers.Embedding(1000, 16, mask_zero=True)(titles)
words = layers.Bidirectional(layers.LSTM(8, dropout=0.1))(words)
reveal_type(words)  # type: Tensor
x = layers.Conv2D(8, 3, activation="relu")(pictures)
x = layers.BatchNormalization()(x, training=False)
x = layers.MaxPooling2D()(x)
x = layers.Dropout(0.3)(x, True)
x = layers.Flatten()(inputs=x)
joined = layers.concatenate([words, tags, x])
joined = layers.Concatenate()([words, tags, x])
joined = layers.Add()([layers.Dense(8)(joined), layers.Dense(8)(tags)])
joined = layers.LayerNormalization(epsilon=1e-6)(joined)
joined = layers.Lambda(lambda a: a * 2.0, name="double")(joined)
joined = joined + layers.Dense(8, activation=ops.tanh)(joined)
priority = layers.Dense(1, name="priority")(joined)
department = layers.Dense(4, activation="softmax", name="department")(joined)

layers.Dense(4)(3, 4, 5)  # error: __call__
layers.Dense(4)(joined, priority)  # error: __call__
layers.Dense(4)(joined, trainin=True)  # error: trainin
layers.Dense(4)(joined, mask=None)  # error: mask
layers.Dense(4)()  # error: inputs
layers.Conv2D(4, 3)(pictures, True)  # error: __call__
layers.Conv2D(4, 3)(pictures, training=True)
layers.MaxPooling2D()(x=pictures)  # error: __call__
layers.Flatten()(pictures, tags)  # error: __call__
layers.Dropout(0.5)(joined, "train")  # error: str
layers.Add()(joined, joined)  # error: __call__
layers.Add()([joined, joined], axis=1)  # error: axis
layers.BatchNormalization()(joined, True, None)
layers.Softmax()(joined, None, training=True)
layers.Softmax()(joined, None, True)  # error: __call__
layers.Embedding(10, 4)([[1, 2], [3, 4]])
layers.Dense(3)([[1.0, 2.0]])
layers.Dense(3)(np.ones((2, 3)), training=None)
layers.ReLU()(rng.normal(size=(2, 3)))
print(layers.Reshape((4, 3))(tags).sahpe)  # error: sahpe
layers.RMSNormalization()(x=joined)

model = keras.Model(inputs=[titles, tags, pictures], outputs=[priority, department], name="tickets")
model.compile(
    optimizer=keras.optimizers.RMSprop(1e-3),
    loss={"priority": keras.losses.BinaryCrossentropy(from_logits=True), "department": "categorical_crossentropy"},
    loss_weights={"priority": 1.0, "department": 0.2},
    metrics={"priority": ["accuracy"], "department": ["accuracy", keras.metrics.TopKCategoricalAccuracy(2)]},
)
data = {"title": rng.integers(0, 1000, (8, 10)), "tags": np.ones((8, 12)), "picture": np.ones((8, 28, 28, 1))}
targets = {"priority": np.ones((8, 1)), "department": np.eye(4)[rng.integers(0, 4, 8)]}
history = model.fit(data, targets, epochs=1, batch_size=4, verbose=0)
print(history.history["loss"][-1], sorted(history.history))
first, second = model.predict(data, verbose=0)
by_name: dict[str, np.ndarray] = keras.Model(tags, {"tags": tags}).predict(data["tags"], verbose=0)
print([name for name, found in model.predict(data).items() if found.size])
model.predict(data).argmx()  # error: argmx
print(first.shape, second.argmax(axis=-1))
outputs = model([data["title"], data["tags"], data["picture"]], training=False)
print(outputs[0].shape)

features = keras.Model(model.inputs, model.get_layer("department").output)
print(features.predict(data, verbose=0).shape, features.predict(data, verbose=0)[0])
chances = model.predict(data, verbose=0)
chances = np.asarray(chances[1]).argmax(axis=-1)
guesses = features.predict(data, verbose=0)
guesses = (guesses > 0.5).astype("int32").flatten()


def predicted(inner: keras.Model, inputs: np.ndarray) -> np.ndarray:
    return inner.predict(inputs, verbose=0)


def block(inputs: keras.Tensor, filters: int, downsample: bool = False) -> keras.Tensor:
    shortcut = inputs
    if downsample:
        shortcut = layers.Conv2D(filters, 1, strides=2)(inputs)
    y = layers.Conv2D(filters, 3, strides=2 if downsample else 1, padding="same")(inputs)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    return layers.Add()([shortcut, y])


y = pictures
for filters in (1, 8):
    y = block(y, filters, downsample=filters > 1)
blocks = [layers.Dense(4), layers.ReLU()]
blocks.append(layers.Dropout(0.1))
blocks.extend([layers.LSTM(4), layers.MultiHeadAttention(1, 4)])
two = [layers.Conv1D(4, 3), layers.MaxPooling1D(2)]
two.append(layers.GlobalAveragePooling1D())
h = tags
for layer in (layers.Dense(4), layers.BatchNormalization(), layers.Activation("gelu")):
    h = layer(h)
keras.Model(tags, h).summary()
