"""NaN that a line of the user's brings in by itself are not taken for input data, and data not for such numbers."""

from __future__ import annotations

import linecache

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from viz.doctor import Watcher

NAN = np.float32("nan")
HOLED = np.array([1, NAN, 1, 1], "float32")

pytestmark = pytest.mark.filterwarnings("ignore:the loss is nan", "ignore:invalid value")


class Masked(layers.Layer):
    def call(self, inputs):
        return inputs * HOLED


class Scaled(ef.Sequential):
    def __init__(self, factor):
        super().__init__([layers.Dense(1)])
        self.factor = factor

    def train_step(self, data):
        x, y = data
        x = x * 2.0
        with ef.GradientTape() as tape:
            loss = ops.mean((self(x) - y) ** 2) * self.factor
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


def rows():
    return np.random.default_rng(0).normal(size=(32, 4)).astype("float32")


def fit(model, x=None, callbacks=()):
    x = rows() if x is None else x
    model.compile("sgd", "mse")
    model.fit(x, rows()[:, :1], batch_size=16, epochs=2, verbose=0, callbacks=list(callbacks))


def functional():
    inputs = ef.Input((4,))
    fit(ef.Model(inputs, layers.Dense(1)(inputs * HOLED)))


def surgery():
    model = ef.Sequential([layers.Dense(1)])

    def spoil(epoch, logs=None):
        model.layers[0].kernel.assign(model.layers[0].kernel * NAN)

    fit(model, callbacks=[ef.callbacks.LambdaCallback(on_epoch_end=spoil)])


def own_loop(x, mean):
    w = ef.Variable(np.ones((4, 1), "float32"))
    for _ in range(3):
        batch = ops.convert_to_tensor(x) - mean
        with ef.GradientTape() as tape:
            loss = ops.mean(ops.matmul(batch, w) ** 2)
        w.assign_sub(0.01 * tape.gradient(loss, w))


def holed_rows():
    x = rows()
    x[5, 1] = NAN
    return x


def found(train):
    """The finding, and the code of its line."""
    with Watcher() as watcher:
        train()
    assert not watcher.failures
    (finding,) = [each for each in watcher.findings if each.kind == "nonfinite"]
    return finding, linecache.getline(finding.file, finding.line).strip()


@pytest.mark.parametrize(
    ("train", "words", "code"),
    [
        (surgery, "multiply is given the number NaN; in step 2", "model.layers[0].kernel * NAN"),
        (lambda: fit(Scaled(float("nan"))), "multiply is given the number NaN", "* self.factor"),
        (lambda: fit(ef.Sequential([Masked(), layers.Dense(1)])), "1 NaN of 4 values", "inputs * HOLED"),
        (functional, "1 NaN of 4 values", "inputs * HOLED"),
    ],
)
def test_a_number_of_the_users_that_is_nan_is_told_with_its_line(train, words, code):
    finding, line = found(train)
    assert finding.rule == "nonfinite.constant"
    assert words in finding.message
    assert code in line


@pytest.mark.parametrize(
    "train",
    [
        lambda: fit(Scaled(1.0), holed_rows()),
        lambda: fit(ef.Sequential([layers.Dense(1)]), holed_rows()),
        lambda: own_loop(holed_rows(), 0.0),
    ],
)
def test_rows_with_nan_are_data_in_whatever_loop(train):
    finding, _ = found(train)
    assert finding.rule == "nonfinite.data"
    assert "the input data hold 1 NaN of" in finding.message


def constant_columns():
    x = rows()
    x[:, 1] = x[:, 3] = 2.0
    with np.errstate(invalid="ignore"):
        return (x - x.mean(0)) / x.std(0)


@pytest.mark.parametrize(
    "train",
    [lambda: fit(ef.Sequential([layers.Dense(1)]), constant_columns()), lambda: own_loop(constant_columns(), 0.0)],
)
def test_columns_that_are_nan_in_every_row_are_named_and_no_rows_dropped(train):
    finding, _ = found(train)
    assert finding.rule == "nonfinite.columns"
    assert "(2 of 4 columns are NaN in all 32 rows: 1, 3)" in finding.message
    assert "std + 1e-7" in finding.fix
    assert "drop" not in finding.fix


def test_the_square_of_a_large_number_is_beyond_float32_and_no_power_of_0():
    w = ef.Variable(np.full(4, 1e25, "float32"))
    with Watcher() as watcher, np.errstate(all="ignore"), ef.GradientTape() as tape:
        loss = ops.sum(w**2)
        tape.gradient(loss, [w])
    (found,) = [f for f in watcher.findings if f.kind == "nonfinite"]
    assert "beyond what float32 holds" in found.message
    assert found.rule != "nonfinite.power"
