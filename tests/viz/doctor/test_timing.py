"""Slow steps are judged by the usual one."""

from __future__ import annotations

import pytest

import eagerflow as ef
from viz.doctor import Watcher
from viz.doctor.checks.timing import Costs, Timing


@pytest.mark.parametrize(("times", "kinds"), [([1e6] * 19 + [900e6], []), ([9e6] * 20, ["slow_op"])])
def test_one_long_pause_makes_no_slow_training(times, kinds):
    watcher = Watcher()
    (check,) = [check for check in watcher.checks if isinstance(check, Costs)]
    check._steps = times
    check._add("exp", None, None, int(0.9 * sum(times)), calls=20)
    check.finish()
    assert [finding.kind for finding in watcher.findings] == kinds


def said_of(guessed):
    watcher = Watcher()
    (check,) = [check for check in watcher.checks if isinstance(check, Timing)]
    check._waits, check._steps, check._guessed = [40e6] * 20, [1e6] * 20, guessed
    check.finish()
    return watcher.findings[0]


def test_reading_ahead_is_the_cure_where_it_is_data_that_a_step_waits_for():
    assert said_of(False).fix.startswith("Prepare data beforehand")
    assert said_of(True).fix.startswith("See what the loop does between two steps")
    assert said_of(True).kind == "slow_input"


def test_the_pause_of_a_loop_of_ones_own_is_known_as_such():
    model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1)])
    x = ef.ops.ones((4, 2))
    with Watcher() as watcher:
        (check,) = [check for check in watcher.checks if isinstance(check, Timing)]
        for _ in range(3):
            with ef.GradientTape() as tape:
                loss = ef.ops.mean(model(x) ** 2)
            ef.optimizers.SGD(0.1).apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        assert check._guessed
        model.compile("sgd", "mse")
        model.fit(x, ef.ops.ones((4, 1)), verbose=0)
        assert not check._guessed
