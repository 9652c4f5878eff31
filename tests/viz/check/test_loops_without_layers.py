"""Loops that compute with variables, and call no layer: a function is put together from the ops that ran."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef
from tests.viz.doctor.planted import PRELUDE
from viz.check.overfitting import _Attempt
from viz.dry_run.recorded_ops import rate_by_hand

NET = """
w, b = ef.Variable(0.3 * rng.normal(size=(8, 16)).astype("float32")), ef.Variable(np.zeros(16, "float32"))
v = ef.Variable(0.3 * rng.normal(size=(16, 3)).astype("float32"))
def answers(rows):
    return ops.softmax(ops.matmul(ops.relu(ops.matmul(rows, w) + b), v), axis={axis})
"""
LOOP = """
for step in range(4):
    with ef.GradientTape() as tape:
        p = answers({rows})
        loss = -ops.mean(ops.sum(onehot * ops.log(p + 1e-9), axis=1))
    gradients = tape.gradient(loss, {variables})
    {update}
"""
ALL = "[w, b, v]"
BY_HAND = "for each, g in zip([w, b, v], gradients): each.assign_sub(0.5 * g)"
ADAM = "adam.apply(gradients, [w, b, v])"


def loop(axis=-1, given="x", variables=ALL, update=BY_HAND):
    source = "adam = ef.optimizers.Adam(0.01)\n" + NET.format(axis=axis)
    return source + LOOP.format(rows=given, variables=variables, update=update)


@pytest.mark.parametrize("update", [BY_HAND, ADAM])
def test_what_can_be_asked_of_variables_and_a_function_is_asked(update, rows):
    found = rows(loop(update=update))
    answered = ("inputs", "labels", "layers", "rows apart", "weights move", "overfits one batch", "repeatable")
    assert [name for name, row in found.items() if row.verdict == "ok"] == list(answered)
    assert {row.verdict for row in found.values()} == {"ok", "open"}
    assert "3 trainable weights get a gradient and move" in found["weights move"].message


def test_a_softmax_over_the_rows_is_found_on_its_line(rows):
    row = rows(loop(axis=0))["labels"]
    assert (row.verdict, row.line) == ("fault", PRELUDE.count("\n") + NET[: NET.index("return")].count("\n") + 2)
    assert "over the rows of the batch" in row.message


def test_data_that_are_not_scaled_are_found(rows):
    row = rows(loop(given="100.0 * x"))["inputs"]
    assert row.verdict == "fault"
    assert "root mean square 99" in row.message


def test_a_variable_that_the_loss_does_not_need_is_named(rows):
    row = rows(loop(variables="[w, b, v, ef.Variable(1.0, name='spare')]"))["weights move"]
    assert row.verdict == "fault"
    assert "spare" in row.message


def test_a_loop_that_cannot_be_put_together_is_told_what_it_needs(rows):
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


def test_rows_of_a_table_that_are_picked_by_the_numbers_of_words_are_the_data(rows):
    source = """
words = rng.integers(0, 50, (128, 6))
table = ef.Variable(rng.normal(size=(50, 8)).astype("float32"))
w = ef.Variable(0.1 * rng.normal(size=(48, 1)).astype("float32"))
adam = ef.optimizers.Adam(0.02)
for step in range(3):
    with ef.GradientTape() as tape:
        h = ops.matmul(ops.reshape(table[words], (128, 48)), w)
        loss = ops.mean(ops.square(h - target))
    adam.apply(tape.gradient(loss, [table, w]), [table, w])
"""
    found = rows(source)
    assert {found[name].verdict for name in ("inputs", "labels", "rows apart", "weights move")} == {"ok"}


def test_a_tape_within_the_tape_leaves_the_script_alone(rows):
    source = """
w, v = ef.Variable(rng.normal(size=(1, 8)).astype("float32")), ef.Variable(rng.normal(size=(8, 1)).astype("float32"))
adam = ef.optimizers.Adam(0.02)
for step in range(3):
    with ef.GradientTape() as tape:
        t = ops.convert_to_tensor(x[:, :1])
        with ef.GradientTape() as inner:
            inner.watch(t)
            u = ops.matmul(ops.tanh(ops.matmul(t, w)), v)
        loss = ops.mean(ops.square(inner.gradient(u, t) + u))
    adam.apply(tape.gradient(loss, [w, v]), [w, v])
"""
    assert "fault" not in {row.verdict for row in rows(source).values()}


def test_fewer_weights_than_rows_need_not_know_them_by_heart(rows):
    source = """
w = ef.Variable(np.zeros((1, 1), "float32"))
for step in range(3):
    with ef.GradientTape() as tape:
        loss = ops.mean(ops.square(ops.matmul(x[:, :1], w) - target))
    w.assign_sub(0.1 * tape.gradient(loss, [w])[0])
"""
    row = rows(source)["overfits one batch"]
    assert row.verdict == "open"
    assert "1 weight can't know 2 rows by heart" in row.message


@pytest.mark.parametrize(("made", "rate"), [(lambda w, g: w - 0.1 * g, 0.1), (lambda w, g: w + 0.1 * g, None)])
def test_an_update_by_hand_is_known_by_what_it_does(made, rate):
    rng = np.random.default_rng(1)
    before, gradient = (rng.normal(size=(3, 4)).astype("float32") for _ in range(2))
    found = rate_by_hand([ef.Variable(made(before, gradient))], [before], [ef.Tensor(gradient)])
    assert (found and round(float(found.learning_rate), 4)) == rate


def test_an_update_that_is_no_gradient_descent_is_not_taken_for_one():
    rng = np.random.default_rng(1)
    before, gradient = (rng.normal(size=(3, 4)).astype("float32") for _ in range(2))
    assert rate_by_hand([ef.Variable(before - 0.1 * np.sign(gradient))], [before], [ef.Tensor(gradient)]) is None


def test_a_likelihood_without_its_minus_sign_is_not_called_learnt(rows):
    found = rows(loop(update=ADAM).replace("loss = -", "loss = "))["overfits one batch"]
    assert found.verdict == "open"
    assert re.search(r"goes from -\d\S* to -\d.*below 0.*its sign is wrong", found.message)


def test_a_loss_that_falls_steadily_and_slowly_is_asked_whether_its_rate_is_too_low(checked, once):
    found = checked("""
import numpy as np
import keras
import tensorflow as tf
(x, y), _ = keras.datasets.digits.load_data()
x = (x / 16.0).reshape(-1, 64).astype("float32")
w = tf.Variable(np.random.default_rng(0).normal(size=(64, 10)).astype("float32") * 0.1)
b = tf.Variable(np.zeros(10, "float32"))
for i in range(0, 128, 32):
    with tf.GradientTape() as tape:
        logits = x[i : i + 32] @ w + b
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y[i : i + 32], logits=logits))
    of_w, of_b = tape.gradient(loss, [w, b])
    w.assign_sub(0.1 * of_w)
    b.assign_sub(0.1 * of_b)
""")
    row = next(row for row in found.rows if row.name == "overfits one batch")
    assert row.message.endswith("is its learning rate too low?")


@pytest.mark.parametrize(("heard", "plain", "steady"), [((2, 1, 3), True, False), ((2, 1, 3), False, True)])
def test_a_loss_that_jumps_does_not_fall_steadily_unless_it_is_dropout_that_makes_it_jump(heard, plain, steady):
    tried = _Attempt("SGD", [2.0, 1.5, 1.0], 200, False, 1, heard=heard, plain=plain)
    assert tried.steady == steady
