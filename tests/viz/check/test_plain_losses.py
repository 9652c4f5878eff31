"""Loops whose loss is a plain function, and loops that call no layer."""

from __future__ import annotations

import re

import pytest

from viz.check.overfitting import _Attempt

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


@pytest.mark.parametrize(("heard", "plain", "steady"), [((2, 1, 3), True, False), ((2, 1, 3), False, True)])
def test_a_loss_that_jumps_does_not_fall_steadily_unless_it_is_dropout_that_makes_it_jump(heard, plain, steady):
    tried = _Attempt("SGD", [2.0, 1.5, 1.0], 200, False, 1, heard=heard, plain=plain)
    assert tried.steady == steady
