"""Trainings that have to give the same numbers on any number of ranks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import eagerflow as ef
from eagerflow import distribution, layers, ops

CASES: dict[str, Callable[[], dict[str, Any]]] = {}
ROWS, FEATURES = 37, 6


def case(function: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Enter a training: what `model.compile` and `model.fit` are given, and the model."""
    CASES[function.__name__] = function
    return function


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def dense(*further: Any, outputs: int = 2) -> Any:
    return ef.Sequential([layers.Input((FEATURES,)), layers.Dense(8, "tanh"), *further, layers.Dense(outputs)])


def plain(model: Any = None, **given: Any) -> dict[str, Any]:
    """A regression, with what a case has otherwise."""
    settings = {"optimizer": ef.optimizers.SGD(0.02, momentum=0.9), "loss": "mse", "metrics": ["mae"]}
    model = dense() if model is None else model
    return {"model": model, "x": numbers(ROWS, FEATURES), "y": numbers(ROWS, 2, seed=1), **settings, **given}


def trained(name: str, dtype: str = "float64", epochs: int = 5) -> dict[str, Any]:
    """A case's weights, history, predictions and evaluation on this rank."""
    ef.config.set_floatx(dtype)
    try:
        with distribution.DataParallel().scope():
            given = CASES[name]()
            model, x, y = (given.pop(key) for key in ("model", "x", "y"))
            compiled = {k: given.pop(k) for k in ("optimizer", "loss", "metrics", "loss_weights") if k in given}
            model.compile(**compiled, **given.pop("compile", {}))
            given = {"batch_size": 10, "verbose": 0, "epochs": epochs, **given}
            history = model.fit(x, y, **given).history
            few = given["batch_size"]
            found = model.predict(x, batch_size=few, verbose=0) if given.pop("predicts", True) and y is not None else []
            numbers = model.evaluate(x, y, batch_size=few, verbose=0, return_dict=True) if y is not None else {}
            weights = [w.copy() for w in model.get_weights()]
            state = [v.numpy().copy() for v in model.optimizer.variables]
            return {
                "weights": weights,
                "optimizer": state,
                "history": {k: np.array(v) for k, v in history.items()},
                "predictions": found,
                "numbers": numbers,
            }
    finally:
        ef.config.set_floatx("float32")


@case
def sgd():
    return plain(validation_split=0.2)


@case
def adam():
    return plain(optimizer=ef.optimizers.Adam(0.01))


@case
def shares_may_be_empty():
    return plain(batch_size=3, x=numbers(13, FEATURES), y=numbers(13, 2, seed=1))


@case
def sample_weights():
    return plain(sample_weight=np.random.default_rng(2).random(ROWS))


@case
def class_weights():
    y = np.random.default_rng(1).integers(0, 3, ROWS)
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    return plain(dense(outputs=3), y=y, loss=loss, metrics=["accuracy"], class_weight={0: 1.0, 1: 3.0, 2: 0.5})


@case
def weighted_mean():
    loss = ef.losses.MeanSquaredError(reduction="mean_with_sample_weight")
    return plain(loss=loss, sample_weight=np.random.default_rng(2).random(ROWS))


@case
def sums():
    return plain(loss=ef.losses.MeanSquaredError(reduction="sum"), optimizer=ef.optimizers.SGD(0.01))


@case
def dropout():
    return plain(dense(layers.Dropout(0.4), layers.GaussianNoise(0.2)))


@case
def regularizers():
    further = layers.Dense(
        4,
        kernel_regularizer="l2",
        bias_regularizer="l1",
        activity_regularizer=ef.regularizers.L2(0.1),
        kernel_constraint="unit_norm",
    )
    return plain(dense(further))


@case
def masks():
    tokens = np.random.default_rng(3).integers(0, 5, (ROWS, 7))
    model = ef.Sequential(
        [
            layers.Input((7,), dtype="int32"),
            layers.Embedding(5, 4, mask_zero=True),
            layers.LSTM(5, return_sequences=True),
            layers.Dense(2),
        ]
    )
    return plain(model, x=tokens, y=numbers(ROWS, 7, 2))


@case
def masks_and_weights():
    return {**masks(), "sample_weight": np.random.default_rng(2).random(ROWS)}


@case
def two_outputs():
    given = layers.Input((FEATURES,))
    hidden = layers.Dense(5, "tanh")(given)
    model = ef.Model(given, {"a": layers.Dense(2, name="a")(hidden), "b": layers.Dense(1, name="b")(hidden)})
    losses = {"a": "mse", "b": ef.losses.BinaryCrossentropy(from_logits=True)}
    y = {"a": numbers(ROWS, 2, seed=1), "b": np.random.default_rng(2).integers(0, 2, (ROWS, 1))}
    return plain(model, y=y, loss=losses, loss_weights={"a": 0.3, "b": 2.0}, metrics={"a": ["mae"], "b": ["mse"]})


@case
def clipped_norms():
    return plain(optimizer=ef.optimizers.Adam(0.01, clipnorm=0.01))


@case
def clipped_together():
    return plain(optimizer=ef.optimizers.SGD(0.1, global_clipnorm=0.05, weight_decay=0.01))


@case
def accumulated():
    return plain(optimizer=ef.optimizers.SGD(0.1, gradient_accumulation_steps=3))


@case
def averages():
    return plain(optimizer=ef.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8))


@case
def scaled_loss():
    return plain(optimizer=ef.optimizers.LossScaleOptimizer(ef.optimizers.SGD(0.1), dynamic_growth_steps=3))


@case
def muon():
    return plain(optimizer=ef.optimizers.Muon(0.01))


@case
def several_optimizers():
    chosen = {".*kernel": ef.optimizers.SGD(0.1)}
    both = ef.optimizers.OptimizerMap(ef.optimizers.Adam(0.01), chosen)
    return plain(optimizer=ef.optimizers.MultiOptimizer(both))


@case
def sets():
    return plain(loss=ef.losses.Dice(), y=np.abs(numbers(ROWS, 2, seed=1)), metrics=[])


@case
def pairs():
    return plain(
        dense(layers.UnitNormalization()),
        y=np.random.default_rng(1).integers(0, 3, ROWS),
        loss=ef.losses.Circle(gamma=5.0),
        metrics=[],
    )


class Squares(ef.losses.Loss):
    """A loss of the user's own."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


@case
def a_loss_of_ones_own():
    return plain(loss=Squares())


@case
def a_function_that_gives_a_mean():
    return plain(loss=lambda y_true, y_pred: ops.mean(ops.square(y_true - y_pred)))


class Ragged(ef.Model):
    """Its loss counts some values of some rows only."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = dense()

    def call(self, x: Any) -> Any:
        return self.inner(x)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Any:
        chosen = ops.convert_to_tensor(y) > 0
        return ef.losses.MeanSquaredError()(y[chosen], y_pred[chosen])


@case
def ragged():
    return plain(Ragged())


class Dynamic(ef.Model):
    """A part of it is used for some rows only."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = layers.Dense(2), layers.Dense(2)

    def build(self, shape: Any) -> None:
        self.first.build(shape)
        self.second.build(shape)

    def call(self, x: Any) -> Any:
        out = self.first(x)
        chosen = x[:, 0] > 1.3
        if not bool(ops.any(chosen)):
            return out
        return out + self.second(x) * ops.expand_dims(ops.cast(chosen, x.dtype), -1)


@case
def gradients_missing_on_some_ranks():
    return plain(Dynamic())


class Own(ef.Model):
    """A step of one's own, whose numbers come from trackers and tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = dense()
        self.tracker = ef.metrics.Mean(name="loss")

    def call(self, x: Any) -> Any:
        return self.inner(x)

    @property
    def metrics(self) -> Any:
        return [self.tracker]

    def train_step(self, data: Any) -> Any:
        x, y = data
        with ef.GradientTape() as tape:
            loss = ops.mean(ops.square(self(x, training=True) - y))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        self.track(loss, x)
        return {"loss": self.tracker.result(), "last": loss}

    def test_step(self, data: Any) -> Any:
        x, y = data
        self.track(ops.mean(ops.square(self(x) - y)), x)
        return {"loss": self.tracker.result()}

    def track(self, loss: Any, x: Any) -> None:
        self.tracker.update_state(loss)


@case
def a_step_of_ones_own():
    return plain(Own(), loss=None, metrics=None)


class ByRows(Own):
    """Each batch counts by its rows, of which the last one has few."""

    def track(self, loss: Any, x: Any) -> None:
        self.tracker.update_state(loss, sample_weight=len(x))


class ByTensor(Own):
    def track(self, loss: Any, x: Any) -> None:
        self.tracker.update_state(loss, ops.cast(ops.shape(x)[0], "float32"))


@case
def a_metric_of_means_weighed_by_rows():
    return plain(ByRows(), loss=None, metrics=None, batch_size=14)


@case
def a_metric_of_means_weighed_by_a_tensor():
    return plain(ByTensor(), loss=None, metrics=None, batch_size=14)


class Gan(ef.Model):
    """Two optimizers in one step."""

    def __init__(self) -> None:
        super().__init__()
        self.critic, self.maker = dense(outputs=1), dense(layers.Dropout(0.2), outputs=FEATURES)
        self.rates = ef.optimizers.Adam(0.01), ef.optimizers.Adam(0.02)

    def call(self, x: Any) -> Any:
        return self.critic(self.maker(x))

    def train_step(self, real: Any) -> Any:
        rows = ops.shape(real)[0]
        loss = ef.losses.BinaryCrossentropy(from_logits=True)
        noise = ef.random.normal((rows, FEATURES), dtype=real.dtype)
        both = ops.concatenate([self.maker(noise, training=True), real])
        labels = ops.concatenate([ops.zeros((rows, 1)), ops.ones((rows, 1))])
        with ef.GradientTape() as tape:
            critical = loss(labels, self.critic(both, training=True))
        known = self.critic.trainable_variables
        self.rates[0].apply(tape.gradient(critical, known), known)
        with ef.GradientTape() as tape:
            made = loss(
                ops.ones((rows, 1)), self.critic(self.maker(ef.random.uniform((rows, FEATURES)), training=True))
            )
        known = self.maker.trainable_variables
        self.rates[1].apply(tape.gradient(made, known), known)
        return {"critic": critical, "maker": made}


@case
def two_optimizers_in_a_step():
    return plain(Gan(), y=None, loss=None, metrics=None)


@case
def whole_epochs_by_steps():
    return plain(steps_per_epoch=3)


@case
def convolutions():
    model = ef.Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.SpatialDropout2D(0.3),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    return plain(model, x=numbers(ROWS, 8, 8, 2))


def normalized(**given: Any) -> Any:
    return layers.BatchNormalization(synchronized=True, momentum=0.8, **given)


@case
def batch_normalization():
    model = ef.Sequential(
        [layers.Input((6, 6, 2)), layers.Conv2D(3, 3), normalized(), layers.ReLU(), layers.Flatten(), layers.Dense(2)]
    )
    return plain(model, x=numbers(ROWS, 6, 6, 2), batch_size=6)


@case
def batch_renormalization():
    return plain(dense(normalized(renorm=True)))


@case
def masked_batch_normalization():
    given = masks()
    tokens = layers.Input((7,), dtype="int32")
    embedded = normalized()(layers.Embedding(5, 4, mask_zero=True)(tokens))
    return {**given, "model": ef.Model(tokens, layers.Dense(2)(embedded))}


@case
def augmentation():
    model = ef.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.RandomFlip(),
            layers.RandomRotation(0.1),
            layers.RandomZoom(0.2),
            layers.RandomBrightness(0.3, value_range=(0, 1)),
            layers.RandomContrast(0.3),
            layers.RandomErasing(),
            layers.RandomGaussianBlur(value_range=(0, 1)),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    return plain(model, x=np.random.default_rng(0).random((ROWS, 8, 8, 3)))


@case
def recurrent_dropout():
    rnn = [layers.GRU(4, dropout=0.2, recurrent_dropout=0.2, return_sequences=True), layers.RNN(layers.LSTMCell(3))]
    return plain(ef.Sequential([layers.Input((5, 4)), *rnn, layers.Dense(2)]), x=numbers(ROWS, 5, 4))


@case
def attention():
    given = layers.Input((5, 4))
    found = layers.MultiHeadAttention(2, 3, dropout=0.3)(given, given)
    model = ef.Model(given, layers.Dense(2)(layers.GlobalAveragePooling1D()(found)))
    return plain(model, x=numbers(ROWS, 5, 4))


@case
def large_dropout():
    wide = [layers.Dense(3000, "tanh"), layers.Dropout(0.5), layers.AlphaDropout(0.1), layers.GaussianDropout(0.2)]
    return plain(dense(*wide), batch_size=37, epochs=2)


@case
def too_large_gradients():
    return plain(optimizer=ef.optimizers.LossScaleOptimizer(ef.optimizers.SGD(0.02), initial_scale=2.0**126))


class Adds(layers.Layer):
    """Adds to the loss, and counts a metric of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.size = ef.metrics.Mean(name="size")

    def call(self, x: Any) -> Any:
        self.add_loss(0.1 * ops.mean(ops.square(x)))
        self.size.update_state(ops.abs(x))
        return x


@case
def added_losses():
    return plain(dense(Adds()))


@case
def several_steps_at_once():
    return plain(compile={"steps_per_execution": 3}, callbacks=[ef.callbacks.ReduceLROnPlateau("loss", patience=0)])


@case
def functions_that_cannot_be_described():
    loss = partial(lambda y_true, y_pred, power: ops.mean(ops.abs(y_true - y_pred) ** power, axis=-1), power=2)
    return plain(optimizer=ef.optimizers.SGD(lambda: 0.02), loss=loss)


class Penalized(ef.Model):
    """The size of a gradient is part of the loss, through moments of all rows."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = dense(normalized())

    def call(self, x: Any) -> Any:
        return self.inner(x)

    def train_step(self, data: Any) -> Any:
        x, y = data
        x = ops.convert_to_tensor(x)
        with ef.GradientTape() as tape:
            with ef.GradientTape() as inner:
                inner.watch(x)
                found = ops.mean(ops.square(self(x, training=True) - y))
            slope = inner.gradient(found, x) * float(ops.shape(x)[0])
            loss = found + 0.1 * ops.mean(ops.sum(ops.square(slope), axis=-1))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


@case
def gradients_of_gradients():
    return plain(Penalized())
