"""A replayed step gives the bits of the eager one, and leaves the same behind."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from tests.capture.steps import ROWS, batches, twice


def trained(model, optimizer=None, loss="mse"):
    """A training step of a model, as one writes it oneself."""
    optimizer = optimizer or ef.optimizers.Adam(0.01)
    measure = ef.losses.get(loss)

    def step(x, y):
        with ef.GradientTape() as tape:
            out = model(x, training=True)
            value = optimizer.scale_loss(ef.ops.mean(measure(y, out)) + sum(model.losses, 0.0))
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
        return {"loss": value, "out": out}

    return step, lambda: [*model.variables, *optimizer.variables]


def dense(*rest):
    return lambda: ef.Sequential([layers.Dense(8, activation="relu"), *[each() for each in rest], layers.Dense(2)])


def functional():
    inputs = ef.Input((5,))
    left, right = layers.Dense(4, activation="tanh")(inputs), layers.Dense(4, activation="gelu")(inputs)
    joined = layers.Concatenate()([left, right, inputs])
    return ef.Model(inputs, layers.Dense(2)(layers.Add()([joined, joined])))


class Penalized(layers.Layer):
    """Adds a loss, and keeps a weight that its step assigns."""

    def build(self, input_shape):
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs):
        self.add_loss(0.1 * ef.ops.sum(inputs**2))
        self.seen.assign_add(1.0)
        return inputs * (1.0 + self.seen.value * 0.01)


MODELS = {
    "dense": dense(),
    "batch norm": dense(layers.BatchNormalization),
    "layer norm": dense(layers.LayerNormalization),
    "dropout": dense(lambda: layers.Dropout(0.4), lambda: layers.GaussianNoise(0.1)),
    "regularized": lambda: ef.Sequential([layers.Dense(4, kernel_regularizer="l2"), layers.Dense(2)]),
    "added loss": dense(Penalized),
    "functional": functional,
    "constraint": lambda: ef.Sequential([layers.Dense(4, kernel_constraint="max_norm"), layers.Dense(2)]),
    "lstm": lambda: ef.Sequential([layers.Reshape((5, 1)), layers.LSTM(4), layers.Dense(2)]),
    "both ways": lambda: ef.Sequential([layers.Reshape((5, 1)), layers.Bidirectional(layers.GRU(3)), layers.Dense(2)]),
    "attention": lambda: ef.Sequential([layers.Reshape((5, 1)), Attends(), layers.Flatten(), layers.Dense(2)]),
    "convolution": lambda: ef.Sequential(
        [
            layers.Reshape((5, 1)),
            layers.Conv1D(4, 3, padding="same"),
            layers.MaxPooling1D(),
            layers.Flatten(),
            layers.Dense(2),
        ]
    ),
}


class Attends(layers.Layer):
    """A sequence that attends to itself."""

    def __init__(self):
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 3, dropout=0.2)

    def call(self, inputs):
        return self.attention(inputs, inputs, use_causal_mask=True)


@pytest.mark.parametrize("name", MODELS)
def test_a_training_of_ones_own(name):
    eager, captured, step = twice(lambda: trained(MODELS[name]()), batches(3, (ROWS, 5), (ROWS, 2)))
    assert step.why_eager is None
    assert step.replays >= 3
    assert captured == eager


OPTIMIZERS = {
    "momentum": lambda: ef.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "schedule": lambda: ef.optimizers.Adam(ef.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
    "clipped": lambda: ef.optimizers.RMSprop(0.01, global_clipnorm=0.01),
    "accumulates": lambda: ef.optimizers.Adam(0.1, gradient_accumulation_steps=3),
    "average": lambda: ef.optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=2),
    "scaled": lambda: ef.optimizers.LossScaleOptimizer(ef.optimizers.Adam(0.1), dynamic_growth_steps=2),
    "decays": lambda: ef.optimizers.AdamW(0.1, weight_decay=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_go_on(name):
    given = batches(3, (ROWS, 5), (ROWS, 2))
    eager, captured, step = twice(lambda: trained(dense()(), OPTIMIZERS[name]()), given, calls=9)
    assert step.replays >= 5
    assert captured == eager


def test_a_rate_that_is_assigned_between_steps_counts():
    def run(capture):
        ef.utils.set_random_seed(1)
        optimizer = ef.optimizers.SGD(0.5)
        step, variables = trained(dense()(), optimizer)
        step = ef.function(step) if capture else step
        for i, (x, y) in enumerate(batches(6, (ROWS, 5), (ROWS, 2))):
            optimizer.learning_rate = 0.5 / (i + 1)
            step(x, y)
        return [v.numpy().tolist() for v in variables()]

    assert run(True) == run(False)


def masked():
    return ef.Sequential([layers.Embedding(20, 4, mask_zero=True), layers.LSTM(3), layers.Dense(2)])


def test_masks_and_tokens():
    rng = np.random.default_rng(0)
    given = [[ef.Tensor(rng.integers(0, 20, (4, 6), "int32")), ef.Tensor(rng.normal(size=(4, 2)))] for _ in range(3)]
    eager, captured, step = twice(lambda: trained(masked()), given)
    assert step.replays >= 3
    assert captured == eager


def test_a_replay_refuses_tokens_that_an_embedding_does_not_have():
    model = masked()
    step = ef.function(lambda x: model(x))
    for _ in range(5):
        step(ef.Tensor([[1, 2, 0]]))
    assert step.replays == 2
    with pytest.raises(IndexError, match="0 to 19"):
        step(ef.Tensor([[1, 20, 0]]))


def test_gradients_of_gradients():
    w = ef.Variable([1.0, 2.0])

    def step(x):
        with ef.GradientTape() as outer:
            with ef.GradientTape() as inner:
                y = ef.ops.sum(ef.ops.tanh(w * x) ** 3)
            slope = inner.gradient(y, w)
        return y, slope, outer.gradient(slope, w)

    eager, captured, run = twice(lambda: (step, lambda: [w]), batches(3, (2,)))
    assert run.replays == 4
    assert captured == eager


def test_integers_beside_floats():
    def step(x, n):
        return x / n, ef.ops.mean(n), n / 2, x + ef.ops.cast(n, "float32"), x[1:, None]

    given = [[x, ef.Tensor(np.arange(1, 4, dtype="int32") + i)] for i, (x,) in enumerate(batches(3, (3,)))]
    eager, captured, run = twice(lambda: (step, list), given)
    assert run.replays == 4
    assert captured == eager


def test_several_uses_of_one_tensor_add_up():
    w = ef.Variable(np.ones((3, 3), "float32"))

    def step(x):
        with ef.GradientTape() as tape:
            h = x @ w
            y = ef.ops.sum(h * h + ef.ops.sin(h) + h.T + h[0] * 2)
        return tape.gradient(y, [w])

    eager, captured, run = twice(lambda: (step, lambda: [w]), batches(3, (3, 3)))
    assert run.replays == 4
    assert captured == eager


def test_mixed_precision():
    def make():
        return trained(ef.Sequential([layers.Dense(8, dtype="mixed_bfloat16", activation="relu"), layers.Dense(2)]))

    eager, captured, _ = twice(make, batches(3, (ROWS, 5), (ROWS, 2)))
    assert captured == eager


def test_random_draws_go_on():
    def make():
        seeds = ef.random.SeedGenerator(3)

        def step(x):
            drawn = ef.random.normal((2, 3), seed=seeds) + ef.random.uniform((3,))
            drawn = drawn + ef.ops.cast(ef.random.randint((3,), 0, 9), "float32")
            return ef.random.dropout(x * drawn, 0.5, seed=seeds), ef.random.shuffle(x)

        return step, lambda: [seeds.state]

    eager, captured, run = twice(make, batches(3, (2, 3)))
    assert run.replays == 4
    assert captured == eager
    assert len(set(captured[0])) == len(captured[0])


def test_metrics_of_ones_own_loop():
    def make():
        accuracy, mean = ef.metrics.MeanAbsoluteError(), ef.metrics.Mean()
        w = ef.Variable(2.0)

        def step(x, y):
            out = x * w
            accuracy.update_state(y, out)
            mean.update_state(out)
            return accuracy.result(), mean.result()

        return step, lambda: [*accuracy.variables, *mean.variables]

    eager, captured, run = twice(make, batches(3, (ROWS, 5), (ROWS, 5)))
    assert run.replays == 4
    assert captured == eager


def wide():
    return ef.Sequential(
        [
            layers.Dense(700, activation="relu"),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dropout(0.2),
            layers.Dense(700),
            layers.LayerNormalization(),
            layers.Activation("relu"),
            layers.Dense(2),
        ]
    )


def test_bfloat16_beside_numbers_and_its_sums_are_replayed():
    def make():
        def step(x):
            y = ef.ops.cast(x, "bfloat16")
            parts = [y * 2.0, 1 - y, y / 3, y**2, ef.ops.maximum(y, 0.0), ef.ops.clip(y, 0.0, 1.0)]
            return *parts, ef.ops.sum(y), ef.ops.mean(y), ef.ops.max(y)

        return step, list

    eager, captured, run = twice(make, batches(3, (4, 3)))
    assert run.replays == 4
    assert captured == eager


def test_a_replay_without_gradients_warns_of_overflow_as_the_eager_step_does():
    run = ef.function(lambda x: ef.ops.exp(x))
    for _ in range(4):
        run(ef.Tensor([1.0]))
    with pytest.warns(RuntimeWarning, match="overflow"):
        run(ef.Tensor([1000.0]))
    assert run.replays == 3


@pytest.mark.parametrize("op", [lambda x, w, b: ef.ops.matmul(x, w) + b, lambda x, w, b: ef.ops.softmax(x * b)])
def test_a_step_whose_loss_is_a_sum_is_captured(op):
    """The gradient of a sum is broadcast; kernels sum it otherwise than an array of its own."""
    rng = np.random.default_rng(0)
    x = ef.Tensor(rng.normal(size=(16, 38, 38, 8)).astype("float32"))
    variables = [ef.Variable(rng.normal(size=shape).astype("float32")) for shape in ((8, 8), (8,))]

    def step():
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(op(x, *variables))
        return [g for g in tape.gradient(loss, variables) if g is not None]

    captured, eager = ef.function(step), step()
    for _ in range(4):
        assert all(np.array_equal(one.numpy(), other.numpy()) for one, other in zip(captured(), eager))
    assert captured.replays >= 2
