"""A replay leaves out what nobody takes, and computes the first gradient once; recordings have all of it."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers

X = ef.Tensor(np.linspace(-1, 1, 40, dtype="float32").reshape(8, 5))
Y = ef.Tensor(np.tile(np.float32([[0.0], [1.0]]), (4, 1)))


def classifier_step(gives_loss):
    ef.utils.set_random_seed(3)
    model = ef.Sequential([layers.Dense(4, activation="relu"), layers.Dense(1, activation="sigmoid")])
    optimizer, loss_of = ef.optimizers.SGD(0.1), ef.losses.BinaryCrossentropy()

    def step(x, y):
        with ef.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss if gives_loss else None

    return step, model


def ran(step, count=8):
    return [step(X, Y) for _ in range(count)]


def test_a_loss_that_nobody_takes_is_not_computed():
    step, model = classifier_step(gives_loss=False)
    plain, same_model = classifier_step(gives_loss=False)
    captured = ef.function(step)
    ran(captured), ran(plain)
    assert captured.replays > 3
    lines = captured.programs[0].splitlines()
    assert not any("= sigmoid(" in line or "= mean(" in line or "= sigmoid_crossentropy(" in line for line in lines)
    assert not any("mean_gradient(" in line for line in lines)
    for mine, eager in zip(model.get_weights(), same_model.get_weights()):
        assert mine.tobytes() == eager.tobytes()


def test_a_loss_that_is_returned_is_computed():
    step, _ = classifier_step(gives_loss=True)
    plain, _ = classifier_step(gives_loss=True)
    captured = ef.function(step)
    assert [float(loss) for loss in ran(captured)] == [float(loss) for loss in ran(plain)]
    assert captured.replays > 3
    assert "= mean(" in captured.programs[0]


def test_recordings_of_replays_have_what_replays_leave_out():
    captured = ef.function(classifier_step(gives_loss=False)[0])
    ran(captured)
    with viz.trace() as t:
        captured(X, Y)
    assert {"sigmoid", "sigmoid_crossentropy", "mean"} <= {op.name for op in t.ops}
    assert all(op.replayed for op in t.ops)


def test_an_op_that_may_raise_runs_though_nobody_takes_what_it_gives():
    w = ef.Variable(1.0)

    def step(x):
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(w * x)
        ef.ops.cholesky(x)
        w.assign_sub(0.0 * tape.gradient(loss, w))
        return loss

    captured = ef.function(step)
    good, bad = ef.ops.eye(2), ef.Tensor([[1.0, 2.0], [2.0, 1.0]])
    for _ in range(6):
        captured(good)
    assert captured.replays > 1
    with pytest.raises(Exception, match="positive definite"):
        captured(bad)


def test_where_nothing_goes_back_numpys_warnings_are_those_of_all_ops():
    def step(x):
        ef.ops.log(x)
        return x + 1.0

    captured = ef.function(step)
    for _ in range(6):
        captured(ef.Tensor([1.0]))
    assert captured.replays > 1
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        captured(ef.Tensor([0.0]))


def test_a_constant_gradient_is_the_same_after_a_rule_that_works_in_its_memory():
    """Each replay has its own copy of a constant that can be written to."""
    captured = ef.function(classifier_step(gives_loss=False)[0])
    ran(captured)
    program = next(iter(captured._states.values())).program
    known = {name: value for name, value in program._constants.items() if name.startswith("gradient")}
    assert known
    for name in known:
        assert f"= {name}.copy()" in program.source
