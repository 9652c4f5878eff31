"""Networks of many kinds, each small, and a training step of each, for whatever looks at their pictures."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers, ops
from eagerflow.core import observe

RANDOM = np.random.default_rng(0)


def anew(make: Callable[[], Any]) -> Callable[[], Any]:
    """The same, with layers called the same whatever ran before, so that boxes are as wide and stand as they stood."""

    @functools.wraps(make)
    def made() -> Any:
        ef.backend.clear_session()
        return make()

    return made


def numbers(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype("float32")


def fitted(model: Any, x: Any, y: Any, loss: Any = "mse", **options: Any) -> tuple[viz.Recording, Any]:
    """A training step by `train_on_batch`."""
    model.compile("adam", loss, **options)
    model.train_on_batch(x, y)
    with viz.trace() as t:
        model.train_on_batch(x, y)
    return timed(t), model


def timed(recording: viz.Recording) -> viz.Recording:
    """The same times in every run, so that the same words stand in the boxes."""
    for i, op in enumerate(recording.ops):
        op.start, op.end = i * 100_000, i * 100_000 + 1000 + i * 7919 % 90_000
    return recording


def dense(width: int, **options: Any) -> layers.Dense:
    return layers.Dense(width, activation="relu", **options)


def conv(filters: int, size: int = 3, strides: int = 1, **options: Any) -> layers.Conv2D:
    return layers.Conv2D(filters, size, strides, padding="same", **options)


def mlp():
    model = ef.Sequential([layers.Input((8,)), dense(16), layers.Dropout(0.2), dense(16), layers.Dense(3)])
    return fitted(model, numbers(8, 8), numbers(8, 3), metrics=["mae"])


def deep_mlp():
    model = ef.Sequential([layers.Input((8,)), *[dense(8) for _ in range(12)], layers.Dense(3)])
    return fitted(model, numbers(8, 8), numbers(8, 3))


def convnet():
    blocks = [
        each for n in (4, 8) for each in (conv(n), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D())
    ]
    model = ef.Sequential(
        [layers.Input((16, 16, 1)), layers.RandomFlip(), *blocks, layers.Flatten(), layers.Dense(4, "softmax")]
    )
    return fitted(model, numbers(4, 16, 16, 1), np.arange(4), "sparse_categorical_crossentropy", metrics=["accuracy"])


def unet():
    x = start = layers.Input((16, 16, 1))
    skips = []
    for filters in (4, 8):
        x = conv(filters, activation="relu")(x)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = conv(16, activation="relu")(x)
    for filters in (8, 4):
        x = layers.UpSampling2D()(x)
        x = layers.Concatenate()([x, skips.pop()])
        x = conv(filters, activation="relu")(x)
    return fitted(ef.Model(start, conv(1, 1)(x), name="unet"), numbers(2, 16, 16, 1), numbers(2, 16, 16, 1))


def gan():
    """Both steps of a generative adversarial network in one, with two optimizers."""
    generator = ef.Sequential([layers.Input((4,)), dense(8), layers.Dense(6)], name="generator")
    discriminator = ef.Sequential([layers.Input((6,)), dense(8), layers.Dense(1)], name="discriminator")
    loss = ef.losses.BinaryCrossentropy(from_logits=True)
    first, second = ef.optimizers.Adam(1e-3), ef.optimizers.Adam(1e-3)
    real = ef.Tensor(numbers(8, 6))

    def step():
        with observe.scope("step", "train_step"):
            with ef.GradientTape() as tape:
                made = generator(ef.Tensor(numbers(8, 4)), training=True)
                both = discriminator(ops.concatenate([real, made], axis=0), training=True)
                wrong = loss(np.r_[np.ones((8, 1)), np.zeros((8, 1))].astype("float32"), both)
            first.apply(tape.gradient(wrong, discriminator.trainable_variables), discriminator.trainable_variables)
            with ef.GradientTape() as tape:
                made = generator(ef.Tensor(numbers(8, 4)), training=True)
                wrong = loss(np.ones((8, 1), "float32"), discriminator(made, training=True))
            second.apply(tape.gradient(wrong, generator.trainable_variables), generator.trainable_variables)

    step()
    with viz.trace() as t:
        step()
    return timed(t), generator


def two_noises() -> viz.Recording:
    """A step of a GAN in a loop of one's own, whose two halves draw noise of their own."""
    generator = ef.Sequential([layers.Dense(8), layers.Dense(6, activation="tanh")], name="generator")
    discriminator = ef.Sequential([layers.Dense(8), layers.LeakyReLU(), layers.Dense(1)], name="discriminator")
    real, loss = ef.Tensor(numbers(4, 6)), ef.losses.BinaryCrossentropy(from_logits=True)
    with viz.trace() as t:
        noise = ef.random.normal((4, 5))
        with ef.GradientTape() as tape:
            told = discriminator(ef.ops.concatenate([real, generator(noise)], 0))
            wrong = loss(ef.ops.concatenate([ef.ops.ones((4, 1)), ef.ops.zeros((4, 1))], 0), told)
        weights = discriminator.trainable_weights
        ef.optimizers.SGD().apply(tape.gradient(wrong, weights), weights)
        with ef.GradientTape() as tape:
            wrong = loss(ef.ops.ones((4, 1)), discriminator(generator(ef.random.normal((4, 5)))))
        weights = generator.trainable_weights
        ef.optimizers.SGD().apply(tape.gradient(wrong, weights), weights)
    return t


def siamese():
    """Two inputs through one network, and the distance of what comes out."""
    tower = ef.Sequential([layers.Input((6,)), dense(8), layers.Dense(4)], name="tower")
    a, b = layers.Input((6,), name="a"), layers.Input((6,), name="b")
    distance = layers.Lambda(lambda both: ops.norm(both[0] - both[1], axis=-1, keepdims=True), output_shape=(1,))
    model = ef.Model([a, b], distance([tower(a), tower(b)]), name="siamese")
    return fitted(model, [numbers(8, 6), numbers(8, 6)], numbers(8, 1))


def bidirectional():
    model = ef.Sequential(
        [
            layers.Input((5,), dtype="int32"),
            layers.Embedding(20, 6),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.Bidirectional(layers.GRU(4)),
            layers.Dense(1, "sigmoid"),
        ]
    )
    return fitted(model, RANDOM.integers(0, 20, (8, 5)), numbers(8, 1) > 0, "binary_crossentropy")


def inception():
    def block(x, n):
        a = conv(n, 1, activation="relu")(x)
        b = conv(n, 3, activation="relu")(conv(n, 1, activation="relu")(x))
        c = conv(n, 5, activation="relu")(conv(n, 1, activation="relu")(x))
        d = conv(n, 1, activation="relu")(layers.MaxPooling2D(3, 1, padding="same")(x))
        return layers.Concatenate()([a, b, c, d])

    start = layers.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D()(block(block(start, 2), 3))
    return fitted(ef.Model(start, layers.Dense(2)(x), name="inception"), numbers(4, 8, 8, 3), numbers(4, 2))


def densenet():
    start = layers.Input((8, 8, 2))
    found = [conv(4)(start)]
    for _ in range(4):
        x = layers.Concatenate()(found) if len(found) > 1 else found[0]
        found.append(conv(2)(layers.ReLU()(layers.BatchNormalization()(x))))
    x = layers.GlobalAveragePooling2D()(layers.Concatenate()(found))
    return fitted(ef.Model(start, layers.Dense(2)(x), name="densenet"), numbers(4, 8, 8, 2), numbers(4, 2))


def resnet():
    x = start = layers.Input((8, 8, 2))
    x = conv(4)(x)
    for n in (4, 8):
        strides = 1 if n == 4 else 2
        short = x if strides == 1 else conv(n, 1, strides)(x)
        inner = layers.ReLU()(layers.BatchNormalization()(conv(n, 3, strides)(x)))
        inner = layers.BatchNormalization()(conv(n)(inner))
        x = layers.ReLU()(layers.Add()([short, inner]))
    x = layers.Dense(2)(layers.GlobalAveragePooling2D()(x))
    return fitted(ef.Model(start, x, name="resnet"), numbers(4, 8, 8, 2), numbers(4, 2))


def transformer():
    x = start = layers.Input((6,), dtype="int32")
    x = layers.Embedding(20, 8)(x)
    for _ in range(2):
        inner = layers.MultiHeadAttention(2, 4)(x, x)
        x = layers.LayerNormalization()(layers.Add()([x, inner]))
        inner = layers.Dense(8)(layers.Dense(16, "gelu")(x))
        x = layers.LayerNormalization()(layers.Add()([x, inner]))
    model = ef.Model(start, layers.Dense(20)(x), name="transformer")
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    return fitted(model, RANDOM.integers(0, 20, (4, 6)), RANDOM.integers(0, 20, (4, 6)), loss)


def seq2seq():
    """An encoder, a decoder that begins with its state, and attention between the two."""
    source, target = layers.Input((5,), dtype="int32"), layers.Input((4,), dtype="int32")
    encoded, h, c = layers.LSTM(6, return_sequences=True, return_state=True)(layers.Embedding(20, 6)(source))
    decoded = layers.LSTM(6, return_sequences=True)(layers.Embedding(20, 6)(target), initial_state=[h, c])
    context = layers.Attention()([decoded, encoded])
    answer = layers.Dense(20, "softmax")(layers.Concatenate()([decoded, context]))
    x = [RANDOM.integers(0, 20, (4, 5)), RANDOM.integers(0, 20, (4, 4))]
    model = ef.Model([source, target], answer, name="seq2seq")
    return fitted(model, x, RANDOM.integers(0, 20, (4, 4)), "sparse_categorical_crossentropy")


class VAE(ef.Model):
    """Its loss has two parts."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = layers.Dense(8, "relu")
        self.mean, self.spread = layers.Dense(2), layers.Dense(2)
        self.decoder = ef.Sequential([dense(8), layers.Dense(6)], name="decoder")

    def call(self, x):
        x = self.encoder(x)
        mean, spread = self.mean(x), self.spread(x)
        self.add_loss(-0.5 * ops.mean(1 + spread - ops.square(mean) - ops.exp(spread)))
        return self.decoder(mean + ops.exp(0.5 * spread) * ef.random.normal(mean.shape))


def vae():
    x = numbers(8, 6)
    return fitted(VAE(), x, x)


class Turns(ef.Model):
    """What it computes depends on what it is given, and on how often it went around."""

    def __init__(self) -> None:
        super().__init__()
        self.start, self.again = layers.Dense(4), layers.Dense(4, "tanh")
        self.left, self.right, self.out = layers.Dense(4), layers.Dense(4), layers.Dense(1)

    def call(self, x):
        x = self.start(x)
        for turn in range(4):
            x = self.again(x) if turn % 2 else x + self.again(x)
        if float(ops.mean(x)) > 1e9:
            return self.out(self.left(x))
        return self.out(ops.where(x > 0, self.left(x), self.right(x)))


def control_flow():
    return fitted(Turns(), numbers(8, 3), numbers(8, 1))


def many_ends():
    """Three inputs of different kinds, two outputs with a loss each."""
    image, words, facts = (layers.Input((8, 8, 1)), layers.Input((5,), dtype="int32"), layers.Input((3,)))
    seen = layers.Flatten()(conv(2, activation="relu")(image))
    read = layers.LSTM(4)(layers.Embedding(10, 4)(words))
    x = dense(8)(layers.Concatenate()([seen, read, facts]))
    model = ef.Model(
        [image, words, facts], [layers.Dense(1, name="price")(x), layers.Dense(3, "softmax", name="kind")(x)]
    )
    given = [numbers(4, 8, 8, 1), RANDOM.integers(0, 10, (4, 5)), numbers(4, 3)]
    asked = [numbers(4, 1), np.array([0, 1, 2, 1])]
    return fitted(model, given, asked, ["mse", "sparse_categorical_crossentropy"], loss_weights=[1.0, 0.5])


def shared_layers():
    once = dense(6, name="once")
    a, b, c = (layers.Input((6,)) for _ in range(3))
    x = layers.Add()([once(a), once(b), once(once(c))])
    model = ef.Model([a, b, c], layers.Dense(2)(x), name="shared")
    return fitted(model, [numbers(8, 6) for _ in range(3)], numbers(8, 2))


def lstm_stack():
    inner = [layers.LSTM(4, return_sequences=True), layers.Dropout(0.1), layers.LSTM(4)]
    return fitted(ef.Sequential([layers.Input((6, 3)), *inner, layers.Dense(1)]), numbers(8, 6, 3), numbers(8, 1))


def mobilenet():
    x = start = layers.Input((8, 8, 2))
    x = conv(4, strides=2)(x)
    for _ in range(2):
        inner = layers.ReLU(6.0)(layers.BatchNormalization()(conv(8, 1, use_bias=False)(x)))
        inner = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(inner)
        inner = layers.ReLU(6.0)(layers.BatchNormalization()(inner))
        gate = layers.GlobalAveragePooling2D(keepdims=True)(inner)
        gate = conv(8, 1, activation="sigmoid")(conv(2, 1, activation="relu")(gate))
        inner = layers.Multiply()([inner, gate])
        x = layers.Add()([x, layers.BatchNormalization()(conv(4, 1, use_bias=False)(inner))])
    x = layers.Dense(2)(layers.GlobalAveragePooling2D()(x))
    return fitted(ef.Model(start, x, name="mobilenet"), numbers(4, 8, 8, 2), numbers(4, 2))


def autoencoder():
    encoder = ef.Sequential([layers.Input((8, 8, 1)), conv(4, strides=2), layers.Flatten(), dense(4)], name="encoder")
    decoder = ef.Sequential(
        [
            layers.Input((4,)),
            dense(4 * 4 * 4),
            layers.Reshape((4, 4, 4)),
            layers.Conv2DTranspose(1, 3, strides=2, padding="same"),
        ],
        name="decoder",
    )
    start = layers.Input((8, 8, 1))
    x = numbers(4, 8, 8, 1)
    return fitted(ef.Model(start, decoder(encoder(start)), name="autoencoder"), x, x)


class Inner(ef.Model):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.a, self.b = layers.Dense(width, "relu"), layers.Dense(width)
        self.norm = layers.LayerNormalization()

    def call(self, x):
        return self.norm(x + self.b(self.a(x)))


class Outer(ef.Model):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = Inner(6), Inner(6), layers.Dense(2)

    def call(self, x):
        x = self.first(x)
        return self.head(ops.concatenate([x, self.second(x)], axis=-1))


def nested():
    return fitted(Outer(), numbers(8, 6), numbers(8, 2))


def frozen():
    """Weights that nothing updates, below a head that learns."""
    base = ef.Sequential([layers.Input((8,)), dense(8), layers.BatchNormalization(), dense(4)], name="base")
    base.trainable = False
    return fitted(ef.Sequential([base, layers.Dense(2)], name="transfer"), numbers(8, 8), numbers(8, 2))


def penalties():
    """Weights that are read by their layer and by a penalty."""
    inner = [dense(6, kernel_regularizer="l2"), layers.Dense(2, kernel_regularizer="l1", activity_regularizer="l2")]
    return fitted(ef.Sequential([layers.Input((4,)), *inner]), numbers(8, 4), numbers(8, 2))


def mixed_types():
    """Float16 inside: weights and inputs are cast."""
    policy = "mixed_float16"
    inner = [dense(6, dtype=policy), dense(6, dtype=policy), layers.Dense(2, dtype="float32")]
    return fitted(ef.Sequential([layers.Input((4,)), *inner]), numbers(8, 4).astype("float64"), numbers(8, 2))


def graph_network():
    """Messages along edges: gather, transform, sum, three rounds with the same weights."""
    message, update = dense(4, name="message"), layers.Dense(4, name="update")
    out = layers.Dense(1, name="out")
    nodes, left, right = ef.Tensor(numbers(6, 4)), np.array([0, 1, 2, 3, 4]), np.array([1, 2, 3, 4, 5])
    optimizer = ef.optimizers.SGD(0.1)

    def step():
        with observe.scope("step", "train_step"):
            with ef.GradientTape() as tape:
                x = nodes
                for _ in range(2):
                    sent = message(ops.concatenate([ops.take(x, left, axis=0), ops.take(x, right, axis=0)], axis=-1))
                    x = ops.tanh(update(x) + ops.segment_sum(sent, right, num_segments=6))
                loss = ops.mean(ops.square(out(x)))
            weights = [*message.trainable_variables, *update.trainable_variables, *out.trainable_variables]
            optimizer.apply(tape.gradient(loss, weights), weights)

    step()
    with viz.trace() as t:
        step()
    return timed(t), None


def staged_residuals():
    """Two stages by their names, each of a block that changes the width and three equal ones."""

    def block(x, filters, name, widens):
        before = conv(filters, 1, name=f"{name}_0_conv")(x) if widens else x
        for i, kernel in enumerate((1, 3, 2), 1):
            x = conv(filters, kernel, name=f"{name}_{i}_conv")(x)
            x = layers.BatchNormalization(name=f"{name}_{i}_bn")(x)
            x = layers.ReLU(name=f"{name}_{i}_relu")(x)
        return layers.Add(name=f"{name}_add")([before, x])

    x = start = layers.Input((8, 8, 3))
    x = layers.BatchNormalization(name="stem_bn")(conv(3, name="stem_conv")(x))
    for stage, filters in enumerate((4, 6), 1):
        for i in range(1, 5):
            x = block(x, filters, f"stage{stage}_block{i}", i == 1)
    x = layers.Dense(2)(layers.GlobalAveragePooling2D()(x))
    return fitted(ef.Model(start, x, name="net"), numbers(2, 8, 8, 3), numbers(2, 2))[0]


def equal_residuals(blocks=6, name=lambda block, layer: f"block{block}_{layer}"):
    """Equal residual blocks of seven layers each."""
    x = start = layers.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", name="stem")(x)
    for i in range(blocks):
        y = layers.Conv2D(4, 3, padding="same", name=name(i, "conv1"))(x)
        y = layers.ReLU(name=name(i, "relu1"))(layers.BatchNormalization(name=name(i, "bn1"))(y))
        y = layers.Conv2D(4, 3, padding="same", name=name(i, "conv2"))(y)
        y = layers.BatchNormalization(name=name(i, "bn2"))(y)
        x = layers.ReLU(name=name(i, "out"))(layers.Add(name=name(i, "add"))([x, y]))
    x = layers.Dense(2)(layers.GlobalAveragePooling2D()(x))
    return fitted(ef.Model(start, x, name="resnet"), numbers(2, 8, 8, 3), numbers(2, 2))[0]


ALL = {
    made.__name__: anew(made)
    for made in (
        *(mlp, deep_mlp, convnet, unet, gan, siamese, bidirectional, inception, densenet, resnet, transformer, seq2seq),
        *(vae, control_flow, many_ends, shared_layers, lstm_stack, mobilenet, autoencoder, nested, frozen, penalties),
        *(mixed_types, graph_network),
    )
}
