"""A step that is run again from its file gives the same bits, whatever it is made of."""

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops, optimizers
from tests.viz.replay.conftest import judged, quiet
from viz.replay.file import read

RNG = np.random.default_rng(3)
X = RNG.normal(size=(24, 6)).astype("float32")
Y = RNG.normal(size=(24, 2)).astype("float32")
IMAGES = RNG.normal(size=(12, 8, 8, 2)).astype("float32")
WORDS = RNG.integers(0, 9, (16, 5))


def kept_of(tmp_path, train, keep=3):
    """What is in the file after a training whose end asked for it."""
    ef.utils.set_random_seed(4)
    with quiet(keep, tmp_path / "a.efr") as keeping:
        train(keeping.ring.ask)
    return read(keeping.written[0][0])


def exact(kept):
    found = judged(kept)
    assert found.exact, str(found)


def fitted(model, x=X, y=Y, optimizer="adam", loss="mse", **given):
    """A training of two epochs, whose last step asks for its file."""
    model.compile(optimizer, loss)

    def train(ask):
        last = 2 * -(-len(y) // 4)
        count = iter(range(1, 10**6))
        call = ef.callbacks.LambdaCallback(on_train_batch_begin=lambda *_: ask() if next(count) == last else None)
        model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=[call], **given)

    return train


def mlp(*inner):
    return ef.Sequential([layers.Input((6,)), layers.Dense(8, activation="relu"), *inner, layers.Dense(2)])


OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "rmsprop": lambda: optimizers.RMSprop(0.01, centered=True),
    "schedule": lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
    "clipped": lambda: optimizers.Adam(0.01, global_clipnorm=0.1),
    "averaged": lambda: optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=3),
    "accumulating": lambda: optimizers.SGD(0.1, gradient_accumulation_steps=2),
    "scaled": lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.1)),
    "adafactor": lambda: optimizers.Adafactor(0.01),
    "lion": lambda: optimizers.Lion(0.01),
    "muon": lambda: optimizers.Muon(0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_makes_the_same_update(name, tmp_path):
    kept = kept_of(tmp_path, fitted(mlp(), optimizer=OPTIMIZERS[name]()))
    found = judged(kept)
    assert found.exact, str(found)
    assert found.compared > len(kept.steps)


def two_inputs():
    a, b = layers.Input((6,)), layers.Input((6,))
    out = layers.Dense(2)(layers.Concatenate()([layers.Dense(3)(a), layers.Dense(4, activation="tanh")(b)]))
    return ef.Model([a, b], out)


def penalized():
    return ef.Sequential([layers.Input((6,)), layers.Dense(4, kernel_regularizer="l2"), layers.Dense(2)])


MODELS = {
    "normalized": lambda: fitted(mlp(layers.BatchNormalization(), layers.LayerNormalization())),
    "dropped out": lambda: fitted(mlp(layers.Dropout(0.3), layers.GaussianNoise(0.1))),
    "penalized": lambda: fitted(penalized()),
    "constrained": lambda: fitted(mlp(layers.Dense(5, kernel_constraint="non_neg"))),
    "frozen": lambda: fitted(mlp(layers.Dense(5, trainable=False))),
    "two inputs": lambda: fitted(two_inputs(), x=[X, X[:, ::-1].copy()]),
    "weighted": lambda: fitted(mlp(), sample_weight=np.arange(24.0)),
    "validated": lambda: fitted(mlp(), validation_data=(X, Y)),
    "convolution": lambda: fitted(
        ef.Sequential(
            [
                layers.Input((8, 8, 2)),
                layers.RandomFlip(),
                layers.Conv2D(4, 3, activation="relu"),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(2),
            ]
        ),
        IMAGES,
        Y[:12],
    ),
    "recurrent": lambda: fitted(
        ef.Sequential([layers.Input((5,)), layers.Embedding(9, 4, mask_zero=True), layers.LSTM(3), layers.Dense(2)]),
        WORDS,
        Y[:16],
    ),
    "both directions": lambda: fitted(
        ef.Sequential(
            [layers.Input((5,)), layers.Embedding(9, 4), layers.Bidirectional(layers.GRU(3)), layers.Dense(2)]
        ),
        WORDS,
        Y[:16],
    ),
    "attention": lambda: fitted(attending(), WORDS, Y[:16]),
    "classes": lambda: fitted(
        ef.Sequential([layers.Input((6,)), layers.Dense(3, "softmax")]),
        X,
        RNG.integers(0, 3, 24),
        loss="sparse_categorical_crossentropy",
    ),
    "computed again": lambda: fitted(mlp(layers.Lambda(ef.remat(lambda x: ops.tanh(x) * ops.exp(-x))))),
}


def attending():
    x = layers.Input((5,))
    y = layers.Embedding(9, 8)(x)
    y = layers.MultiHeadAttention(2, 4)(y, y)
    return ef.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(y)))


@pytest.mark.parametrize("name", MODELS)
def test_every_network_gives_the_same_step(name, tmp_path):
    exact(kept_of(tmp_path, MODELS[name]()))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "bfloat16", "float64"])
def test_other_precisions_give_the_same_step(policy, tmp_path):
    inner = [layers.Dense(8, activation="relu", dtype=policy), layers.Dense(2, dtype=policy)]
    exact(kept_of(tmp_path, fitted(ef.Sequential([layers.Input((6,)), *inner]))))


class Own(optimizers.Optimizer):
    """An optimizer of one's own, whose update is made of ops."""

    def __init__(self, **kwargs):
        super().__init__(learning_rate=0.1, **kwargs)

    def build(self, variables):
        super().build(variables)
        self.speeds = [self.add_variable_from_reference(v, "speed") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        speed = self.speeds[self._get_variable_index(variable)]
        self.assign(speed, speed * 0.9 + gradient)
        self.assign_sub(variable, learning_rate * speed)


def test_an_optimizer_of_ones_own_is_run_by_its_ops(tmp_path):
    exact(kept_of(tmp_path, fitted(mlp(), optimizer=Own())))


class Stepping(ef.Model):
    """A model with a step of its own: a gradient of a gradient, and two tapes."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(4, activation="tanh"), layers.Dense(2)

    def call(self, x):
        return self.second(self.first(x))

    def train_step(self, data):
        x, y = data
        with ef.GradientTape() as outer:
            with ef.GradientTape() as inner:
                inner.watch(x)
                z = ops.sum(self(x, training=True) ** 2)
            slope = inner.gradient(z, x)
            loss = ops.mean((self(x) - y) ** 2) + 0.1 * ops.mean(slope**2)
        gradients = outer.gradient(loss, self.trainable_variables)
        self.optimizer.apply([ops.clip(g, -0.1, 0.1) for g in gradients], self.trainable_variables)
        return {"loss": loss}


def test_a_step_of_ones_own_with_a_gradient_of_a_gradient(tmp_path):
    exact(kept_of(tmp_path, fitted(Stepping())))


@pytest.mark.parametrize("marked", [True, False], ids=["viz.step", "unmarked"])
def test_a_loop_of_ones_own(marked, tmp_path):
    import contextlib

    import viz

    model, optimizer = mlp(layers.Dropout(0.2)), optimizers.Adam(0.01)

    def train(ask):
        for i in range(20):
            rows = slice(4 * (i % 6), 4 * (i % 6) + 4)
            if i == 19:
                ask()
            with viz.step() if marked else contextlib.nullcontext():
                with ef.GradientTape() as tape:
                    loss = ops.mean((model(X[rows], training=True) - Y[rows]) ** 2)
                optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            if i % 5 == 0:
                model.predict(X, verbose=0)

    kept = kept_of(tmp_path, train)
    found = judged(kept)
    assert found.exact, str(found)
    assert kept.steps[-1].number == 19


def test_rates_that_callbacks_change_between_steps(tmp_path):
    lower = ef.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    model = mlp()
    model.compile("sgd", "mse")

    def train(ask):
        done = ef.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, _: ask() if batch == 5 else None)
        model.fit(X, Y, batch_size=4, epochs=4, verbose=0, callbacks=[lower, done])

    exact(kept_of(tmp_path, train))


@ef.custom_gradient
def straight(x):
    return ops.sign(x), lambda upstream: upstream


def test_a_gradient_of_ones_own_is_said_to_be_missing(tmp_path):
    found = judged(kept_of(tmp_path, fitted(mlp(layers.Lambda(straight)))))
    assert not found.exact
    assert "the gradient of straight" in str(found)
    assert "isn't eagerflow's code" in str(found) or "code that isn't made of eagerflow's ops" in str(found)
