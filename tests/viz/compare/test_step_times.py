"""A difference says whether the steps' times differ by more than chance."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.compare.test_conditions import noisy, timed, trained


def of_layers(found):
    """The lines of the table of layers, of which the first says of how many steps it is."""
    lines = str(found).splitlines()
    (at,) = [i for i, line in enumerate(lines) if line.startswith("by layer")]
    return lines[at:]


def test_layers_have_the_times_of_a_usual_step_as_on_the_page():
    a, b = trained(steps=5), trained(steps=5, units=5)
    for op in (*a.ops, *b.ops):
        op.start, op.end = 0, 0
    for recording, milliseconds in ((a, [90, 2, 2, 3, 2]), (b, [7, 6, 6, 6, 6])):
        for op in recording.ops:
            if op.name == "mean" and op.phase == "forward":
                op.end = milliseconds[op.step] * 1_000_000
    found = viz.diff(a, b)
    first, *lines = of_layers(found)
    assert first == "by layer, median of 5 steps:"
    (total,) = [line.split() for line in lines if line.startswith("total")]
    assert total[1:6] == ["2", "ms", "6", "ms", "+200%"]
    assert "By layer, median of 5 steps:" in found.to_markdown()
    assert sum(cost.time_a for cost in found.layers) == 99_000_000  # in all steps


def told(a, b):
    (line,) = [line for line in str(viz.diff(a, b)).splitlines() if line.startswith("  times:")]
    return line


def test_two_steps_that_are_named_have_their_own_times():
    t = trained(steps=6)
    for op in t.ops:
        op.end = op.start + 1000 * (1 + (op.step or 0))
    told = str(viz.diff(t, steps=(2, 4)))
    assert "by layer, of one step each:" in told
    (cells,) = [line.split() for line in told.splitlines() if line.startswith("total")]
    ops = len([op for op in t.ops if op.step == 2])
    assert cells[1:6] == [str(3 * ops), "µs", str(5 * ops), "µs", "+67%"]


def test_times_that_differ_more_are_told_with_what_is_sure():
    line = told(timed(noisy(10.0, 40)), timed(noisy(20.0, 40, seed=1), units=5))
    assert re.search(
        r": at least \d+% slower \(with 99% certainty within these two runs; parts of one differ by \d+%\)$", line
    )
    assert "times: a step takes 1" in line


def test_a_change_that_is_no_larger_than_that_within_a_run_may_be_chance():
    """The first half of one run is slow, as the machine did something else."""
    uneven = [*noisy(16.0, 20), *noisy(10.0, 20, seed=2)]
    assert "which may be chance" in told(timed(uneven), timed(noisy(9.0, 40, seed=1), units=5))


def test_epochs_that_are_not_the_same_are_told_with_what_was_reported_last():
    found = []
    for epochs in (3, 2):
        model = ef.Sequential([ef.layers.Input((2,)), ef.layers.Dense(1)])
        model.compile("sgd", "mse")
        with viz.trace() as t:
            model.fit(ops.ones((8, 2)), ops.ones((8, 1)), batch_size=4, epochs=epochs, verbose=0)
        found.append(t)
    assert "reported last (epoch 3 → epoch 2):" in str(viz.diff(*found))


def training(optimizer=None, loss="mse", rate=0.3, activation="relu", steps=1, **options):
    ef.utils.set_random_seed(1)
    inner = [layers.Dense(4, activation=activation, name="h"), layers.Dropout(rate, seed=1, name="drop")]
    model = ef.Sequential([ef.Input((3,)), *inner, layers.Dense(1, name="out")])
    model.compile(optimizer or ef.optimizers.Adam(0.001), loss)
    with viz.trace(**options) as t:
        for _ in range(steps):
            model.train_on_batch(np.ones((2, 3), "float32"), np.ones((2, 1), "float32"))
    return t


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"optimizer": ef.optimizers.Adam(0.01)}, ["adam: learning_rate 0.001 → 0.01"]),
        ({"optimizer": ef.optimizers.Adam(0.001, clipnorm=1.0)}, ["adam: clipnorm None → 1"]),
        ({"rate": 0.5}, ["drop: rate 0.3 → 0.5"]),
        ({"activation": "tanh"}, ["h: activation 'relu' → 'tanh'"]),
        ({"loss": ef.losses.Huber(delta=2.0)}, []),  # another class: its ops tell
    ],
)
def test_settings_that_changed_are_told(other, told):
    found = viz.diff(training(), training(**other))
    assert found.settings == told
    assert all(f"  {line}" in str(found).splitlines() for line in told)


def test_a_schedule_is_told_by_what_it_was_given():
    schedule = ef.optimizers.schedules.ExponentialDecay(0.001, 100, 0.5)
    (line,) = viz.diff(training(), training(ef.optimizers.Adam(schedule))).settings
    assert line.startswith("adam: learning_rate 0.001 → ExponentialDecay(initial_learning_rate=0.001, decay_steps=100")


def test_functions_are_the_same_wherever_they_lie_in_memory():
    def run():
        layer = layers.Lambda(lambda x: x * 2, name="twice")
        with viz.trace() as t:
            layer(ef.ops.ones((2, 2)))
        return t

    assert viz.diff(run(), run()).settings == []


def test_a_change_in_each_step_is_told_once():
    a, b = (training(activation=name, steps=5) for name in ("relu", "tanh"))
    lines = [line for line in str(viz.diff(a, b)).splitlines() if line.startswith(("  + tanh", "  + ∇ tanh"))]
    assert [line.split(" in ")[0] for line in lines] == ["  + tanh ×5", "  + ∇ tanh ×5"]
