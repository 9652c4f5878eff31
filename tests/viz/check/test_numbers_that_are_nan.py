"""What becomes NaN gets no ✓: weights that move to NaN, and answers that are NaN before and after loading."""

from __future__ import annotations

import pytest

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
