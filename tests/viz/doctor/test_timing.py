"""Slow steps are judged by the usual one."""

from __future__ import annotations

import time

import pytest

import eagerflow as ef
from eagerflow.core import observe
from viz.doctor import Watcher
from viz.doctor.checks.timing import Costs, Timing


@pytest.mark.parametrize(("times", "kinds"), [([1e6] * 19 + [900e6], []), ([9e6] * 20, ["slow_op"])])
def test_one_long_pause_makes_no_slow_training(times, kinds):
    watcher = Watcher()
    (check,) = [check for check in watcher.checks if isinstance(check, Costs)]
    check._close = times
    check._add("exp", None, None, int(0.9 * sum(times)), calls=20)
    check.finish()
    assert [finding.kind for finding in watcher.findings] == kinds


@pytest.mark.parametrize(
    ("layer", "rule"),
    [
        (ef.layers.SimpleRNNCell(4, activation="relu"), "slow_op.cell"),  # of a layer of ours: no loop to write anew
        (ef.layers.Dense(4), "slow_op.loop"),
        (None, "slow_op.loop"),
    ],
)
def test_the_loop_of_a_recurrent_layer_is_no_loop_of_the_script(layer, rule):
    watcher = Watcher()
    (check,) = [check for check in watcher.checks if isinstance(check, Costs)]
    check._close = [900e6] * 20
    check._add("matmul", layer, None, int(0.9 * sum(check._close)), calls=20 * 1000)
    check.finish()
    assert [finding.rule for finding in watcher.findings] == [rule]


def said_of(guessed):
    watcher = Watcher()
    (check,) = [check for check in watcher.checks if isinstance(check, Timing)]
    check._waits, check._steps, check._guessed = [40e6] * 20, [1e6] * 20, guessed
    check.finish()
    return watcher.findings[0]


def test_what_passes_between_the_steps_of_a_loop_need_not_be_waiting_for_data():
    assert said_of(False).message.startswith("a step waits 40.0 ms for its data: 98% of the time; it computes")
    assert said_of(True).message.startswith(
        "between two steps the loop takes 40.0 ms to get its data, or for other work"
    )


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


class Slow(ef.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.02)


def test_the_time_of_callbacks_is_measured_apart_from_that_of_steps():
    model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    with Watcher() as watcher:
        (check,) = [check for check in watcher.checks if isinstance(check, Timing)]
        model.fit(ef.ops.ones((64, 2)), ef.ops.ones((64, 1)), batch_size=4, verbose=0, callbacks=[Slow()])
    assert len(check._pauses) > 8
    assert min(check._pauses) >= 20e6


@pytest.mark.parametrize(("pause", "rules"), [(20e6, ["slow_input.callbacks"]), (4e6, []), (0.0, [])])
def test_callbacks_that_take_most_of_the_time_are_told(pause, rules):
    watcher = Watcher()
    (check,) = [check for check in watcher.checks if isinstance(check, Timing)]
    check._pauses, check._steps = [pause] * 14, [5e6] * 14
    check.finish()
    assert [finding.rule for finding in watcher.findings] == rules
    for finding in watcher.findings:
        assert finding.message.startswith("after a step the callbacks of fit take ")
        assert finding.evidence["pause_ms"] == 20
        assert "on_epoch_end" in finding.fix


def test_the_time_of_an_update_of_many_variables_is_not_counted_as_the_doctors():
    variable = ef.Variable(1.0)
    with Watcher() as watcher:
        watcher._now = {**watcher._now, "update": [lambda *_: None]}
        began, before = observe.clock(), watcher.spent
        for each in range(100):  # all are told of when the whole update is over
            watcher.on_update("adam", variable, (), began, began + each)
        assert watcher.spent - before <= observe.clock() - began


def test_overfitting_that_is_told_stays_until_the_validation_loss_is_as_good_as_it_was():
    """Its losses rise and fall: what comes and goes with them helps nobody."""
    told = []
    with Watcher() as watcher:
        (check,) = [each for each in watcher.checks if type(each).__name__ == "Overfit"]
        validation = [3.0, 1.0, *([1.3, 1.3, 1.3, 1.1, 1.1, 1.1] * 4), 0.9, 0.9, 0.9]
        for epoch, loss in enumerate(validation):
            check.on_logs("epoch", epoch, {"loss": 2.0 / (epoch + 1), "val_loss": loss})
            told.append([finding.kind for finding in watcher.findings])
    changes = [told[i] for i in range(1, len(told)) if told[i] != told[i - 1]]
    assert changes == [["overfit"], []]
