"""What an optimizer is given is compared with the tape's gradients for as long as that can tell anything."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
from eagerflow import ops
from viz.doctor import Watcher
from viz.doctor.checks.updates.accumulated_gradients import AccumulatedGradients

x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")


def train(steps, given, rate=0.001):
    """A loop that gives its optimizer `given(gradients, sums)`: what was found, and the check."""
    ef.utils.set_random_seed(0)
    model, optimizer = (
        ef.Sequential([ef.layers.Dense(8, activation="tanh"), ef.layers.Dense(1)]),
        ef.optimizers.SGD(rate),
    )
    sums = None
    with Watcher() as watcher:
        for step in range(steps):
            rows = x[step % 4 :: 4]
            with ef.GradientTape() as tape:
                loss = ops.mean(ops.square(model(rows) - rows[:, :1]))
            sums = given(tape.gradient(loss, model.trainable_variables), sums, step)
            optimizer.apply_gradients(zip(sums, model.trainable_variables))
    assert watcher.failures == []
    return [f.rule for f in watcher.findings], next(c for c in watcher.checks if isinstance(c, AccumulatedGradients))


def added(gradients, sums, step, factor=1.0):
    return gradients if sums is None else [factor * a + g for a, g in zip(sums, gradients)]


def test_plain_gradients_are_compared_in_a_few_steps_only():
    found, check = train(8, lambda gradients, sums, step: gradients)
    assert found == []
    assert check._settled
    assert not check._pending


def test_sums_are_found_and_momentum_is_not():
    assert train(12, added)[0] == ["lr_too_high.summed"]
    for factor in (0.9, 0.99, 0.999):
        found, check = train(12, lambda *given, factor=factor: added(*given, factor))
        assert found == []
        assert check._settled


def test_a_rate_that_is_too_high_is_not_blamed_for_sums():
    assert "lr_too_high" not in train(60, added, rate=0.3)[0]
    assert train(60, added, rate=0.3)[0][0] == "lr_too_high.summed"


def test_sums_that_turn_out_to_be_none_are_taken_back():
    """As those of methods that keep a gradient of each batch: the first epoch adds them up."""
    kept = {}

    def average(gradients, sums, step):
        before = kept.get(step % 10)
        kept[step % 10] = gradients
        new = gradients if before is None else [g - b for g, b in zip(gradients, before)]
        return new if sums is None else [s + n for s, n in zip(sums, new)]

    assert train(9, average)[0] == ["lr_too_high.summed"]
    kept.clear()
    assert train(40, average)[0] == []


def test_a_loop_without_an_optimizer_is_not_listened_to_for_ever():
    weight = ef.Variable(np.zeros((4, 1), "float32"))
    with Watcher() as watcher:
        for _ in range(300):
            with ef.GradientTape() as tape:
                loss = ops.mean(ops.square(ops.matmul(x, weight) - x[:, :1]))
            weight.assign_sub(0.1 * tape.gradient(loss, weight))
    assert next(c for c in watcher.checks if isinstance(c, AccumulatedGradients))._settled
    assert watcher.findings == ()
