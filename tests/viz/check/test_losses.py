"""What `viz check` says of losses, numbers that are NaN, noise, and rows that are held or mixed."""

from __future__ import annotations

import contextlib
import re
from types import SimpleNamespace

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from viz.check.batch_independence import check_rows_apart
from viz.check.inputs import check_augmentation
from viz.check.subject import Subject
from viz.dry_run.first_step import FirstStep

LOOP = """
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
adam = ef.optimizers.{optimizer}
for step in range(3):
    with ef.GradientTape() as tape:
        loss = {loss}
    adam.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
"""


def test_a_loop_that_calls_no_layer_is_told_what_it_needs(rows):
    source = """
w = ef.Variable(1.0)
for step in range(3):
    with ef.GradientTape() as tape:
        loss = ops.square(w - 3.0)
    w.assign_sub(0.1 * tape.gradient(loss, [w])[0])
"""
    found = list(rows(source).values())
    assert "a subclass of layers.Layer" in found[0].message
    assert {row.message for row in found[1:5]} == {"see 'inputs'"}


def test_a_likelihood_without_its_minus_sign_is_not_called_learnt(rows):
    loss = "ops.mean(ops.sum(onehot * ops.log(model(x) + 1e-9), axis=1))"
    found = rows(LOOP.format(optimizer="Adam(0.01)", loss=loss))["overfits one batch"]
    assert found.verdict == "open"
    assert re.search(r"goes from -\d\S* to -\d.*below 0.*its sign is wrong", found.message)


def test_a_loss_that_falls_steadily_and_slowly_is_asked_whether_its_rate_is_too_low(rows):
    loss = "-ops.mean(ops.sum(onehot * ops.log(model(x) + 1e-9), axis=1))"
    row = rows(LOOP.format(optimizer="SGD(0.002)", loss=loss))["overfits one batch"]
    assert row.message.endswith("is its learning rate too low at first?"), row.message


class Drawn(layers.Layer):
    """Noise of the user's own."""

    def call(self, inputs, training=False):
        return inputs + ef.random.normal(inputs.shape, stddev=0.4) if training else inputs


def before_the_first_step(model, x, y):
    model.compile("adam", "mse")
    return Subject(FirstStep("fit", model, (x, y), model.optimizer, None, None))


@pytest.mark.parametrize(
    ("layer", "verdict"),
    [
        (layers.GaussianNoise(0.25, seed=1), "ok"),
        (layers.GaussianNoise(1.0, seed=1), "fault"),
        (Drawn(), "ok"),
        (layers.RandomBrightness(0.5, seed=1), "fault"),
    ],
)
def test_noise_may_leave_the_range_of_the_data_until_it_drowns_them(layer, verdict):
    ef.utils.set_random_seed(1)
    pictures = np.random.default_rng(1).random((16, 6, 6, 1)).astype("float32") * 0.8
    model = ef.Sequential([layer, layers.Conv2D(2, 3, padding="same"), layers.Conv2D(1, 3, padding="same")])
    row, _ = check_augmentation(before_the_first_step(model, pictures, pictures))
    assert row.verdict == verdict, row
    assert ("value_range" in row.fix) == (verdict == "fault" and hasattr(layer, "value_range"))


FIT = """
ef.utils.set_random_seed(0)
model = ef.Sequential([layers.Dense(4), layers.Lambda(lambda t: {function}), layers.Dense(1)])
model.compile({optimizer}, "mse")
model.fit(x, x.sum(axis=1, keepdims=True) ** 2, epochs=1, verbose=0)
"""


@pytest.fixture
def given(rows):
    return lambda function, optimizer="'sgd'": rows(FIT.format(function=function, optimizer=optimizer))


def test_weights_that_become_nan_do_not_count_as_moving(given):
    found = given("ops.log(t)")
    row = found["weights move"]
    assert row.verdict == "fault"
    assert row.message.startswith(
        "4 of 4 trainable weights become NaN or infinite, as their gradients are from step 0 on"
    )
    assert row.fix == "first mend 'first loss', above, which names the op"
    assert row.evidence["nonfinite_step"] == 0


def test_gradients_that_are_nan_below_a_loss_that_is_finite_are_a_fault_of_their_own(given):
    row = given("ops.sqrt(t - t)")["weights move"]  # its slope at 0 is infinite
    assert row.verdict == "fault"
    assert "become NaN or infinite" in row.message
    assert row.fix == "viz nonfinite names the op and its line"


def test_steps_that_a_loss_scale_leaves_out_are_no_fault(given):
    optimizer = "ef.optimizers.LossScaleOptimizer(ef.optimizers.SGD(0.01), initial_scale=2.0**127)"
    assert "NaN" not in given("t", optimizer)["weights move"].message


def test_answers_that_are_nan_are_not_called_the_same_once_loaded(given):
    row = given("ops.log(-ops.abs(t) - 1.0)")["saving"]
    assert row.verdict == "open"
    assert "no answer is a finite number" in row.message
    assert "same" not in row.message
    row = given("ops.log(t)")["saving"]  # NaN in some rows, and the rest is compared
    assert "gives the same bits" in row.message


NET = 'model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1)])\nmodel.compile("adam", "mse")\n'
SOFTMAX = """
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(4, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
"""

PLANTED = {
    ("labels", "one of them is no number", "row 90"): NET
    + """
target[90] = np.nan
model.fit(x, target, verbose=0)
""",
    ("labels", "weights that are the shares of their classes", "Turn class_weight round"): """
rare = ((x[:, 0] + 0.3 * rng.normal(size=128)) > 1).astype("int32")
model = ef.Sequential([layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy")
model.fit(x, rare, class_weight={0: (rare == 0).mean(), 1: (rare == 1).mean()}, verbose=0)
""",
    ("first loss", "a root of numbers below 0", "sqrt"): """
inputs = ef.Input((8,))
model = ef.Model(inputs, layers.Dense(1)(ops.sqrt(layers.Dense(8)(inputs))))
model.compile("adam", "mse")
model.fit(x, target, verbose=0)
""",
    ("validation data", "one of them is no number", "row 3"): NET
    + """
held = x[96:].copy()
held[3, 2] = np.nan
model.fit(x[:96], target[:96], validation_data=(held, target[96:]), verbose=0)
""",
    ("validation data", "columns standardized in one part only", "a deviation of 1"): NET
    + """
table = x * [1, 2, 3, 0.5, 2, 1, 1, 2] + [3, 5, 6, 2, 4, 3, 2, 4]
scaled = (table[:96] - table[:96].mean(axis=0)) / table[:96].std(axis=0)
model.fit(scaled, target[:96], validation_data=(table[96:], target[96:]), verbose=0)
""",
    ("validation data", "windows that were shuffled before the split", "cut each part into windows"): """
series = np.cumsum(rng.normal(size=300)).astype("float32") / 10
order = rng.permutation(280)
windows = np.stack([series[i : i + 20] for i in range(280)])[order]
model = ef.Sequential([layers.Dense(1)])
model.compile("adam", "mse")
model.fit(windows, series[20:][order], validation_split=0.2, verbose=0)
""",
    ("validation data", "classes counted from 1", "from 1"): SOFTMAX
    + "model.fit(x[:96], number[:96], validation_data=(x[96:], number[96:] + 1), verbose=0)\n",
    ("validation data", "one-hot rows, and numbers to train with", "one-hot"): SOFTMAX
    + "model.fit(x[:96], number[:96], validation_data=(x[96:], np.eye(4)[number[96:]]), verbose=0)\n",
    ("validation data", "targets scaled in one part only", "Scale the targets"): NET
    + "model.fit(x[:96], target[:96], validation_data=(x[96:], 200 + 50 * target[96:]), verbose=0)\n",
    ("validation data", "a loss whose higher values are taken for better", "higher values of 'val_loss'"): NET
    + """
stop = ef.callbacks.EarlyStopping("val_loss", mode="max", patience=20)
model.fit(x, target, validation_split=0.25, epochs=4, callbacks=[stop], verbose=0)
""",
    ("validation data", "an accuracy by its older name", "'val_accuracy' here"): SOFTMAX.replace(
        'crossentropy")', 'crossentropy", metrics=["accuracy"])'
    )
    + """
stop = ef.callbacks.EarlyStopping("val_acc", patience=20)
model.fit(x, number, validation_split=0.25, epochs=4, callbacks=[stop], verbose=0)
""",
    ("inputs", "pictures torn by reshape", "look torn"): """
rows, columns = np.mgrid[:16, :16] / 16.0
pictures = np.sin(3 * rows[..., None] + 6 * rng.random((64, 1, 1, 3))) + columns[..., None]
stored = pictures.astype("float32").transpose(0, 3, 1, 2)
model = ef.Sequential([layers.Conv2D(4, 3, activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(stored.reshape(-1, 16, 16, 3), target[:64], verbose=0)
""",
    ("validation data", "a loss that is watched, and not there", "EarlyStopping"): NET
    + "model.fit(x, target, epochs=4, callbacks=[ef.callbacks.EarlyStopping()], verbose=0)\n",
}
QUICK = ("row 90", "row 3", "a deviation of 1", "EarlyStopping")


@pytest.mark.parametrize(
    ("question", "name", "said"), [pytest.param(*k, marks=() if k[2] in QUICK else pytest.mark.slow) for k in PLANTED]
)
def test_what_was_planted_is_found_before_training(question, name, said, rows):
    row = rows(PLANTED[question, name, said])[question]
    assert row.verdict == "fault", row.message
    assert said in f"{row.message} {row.fix}"


def test_a_loss_that_has_nowhere_to_fall_shows_no_learning(rows):
    row = rows(NET + "model.fit(0 * x, 0 * target, verbose=0)\n")["overfits one batch"]
    assert row.verdict == "open"
    assert "as low as it gets before the first step" in row.message


@pytest.mark.parametrize(
    ("function", "verdict"),
    [
        (lambda x: ef.ops.sigmoid(0.1 * x), "ok"),
        (lambda x: ef.ops.sigmoid(1000.0 * x), "open"),
        (lambda x: x + ef.ops.mean(x, axis=0, keepdims=True), "fault"),
    ],
)
def test_rows_that_mix_are_a_fault_and_outputs_that_hardly_change_leave_the_question_open(function, verdict):
    x = ef.Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    subject = SimpleNamespace(
        part=lambda rows: (x, None), outputs=function, place=None, model=function, undone=contextlib.nullcontext
    )
    assert check_rows_apart(subject).verdict == verdict
