"""What an optimizer is given is compared with the tape's gradients for as long as that can tell anything."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
from eagerflow import ops
from viz.doctor import Watcher

x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")


def train(steps, given, rate=0.001):
    """The rules of what is found in a loop that gives its optimizer `given(gradients, sums, step)`."""
    ef.utils.set_random_seed(0)
    model = ef.Sequential([ef.layers.Dense(8, activation="tanh"), ef.layers.Dense(1)])
    optimizer, sums = ef.optimizers.SGD(rate), None
    with Watcher() as watcher:
        for step in range(steps):
            rows = x[step % 4 :: 4]
            with ef.GradientTape() as tape:
                loss = ops.mean(ops.square(model(rows) - rows[:, :1]))
            sums = given(tape.gradient(loss, model.trainable_variables), sums, step)
            optimizer.apply_gradients(zip(sums, model.trainable_variables))
    assert watcher.failures == []
    return [f.rule for f in watcher.findings]


def added(gradients, sums, step, factor=1.0):
    return gradients if sums is None else [factor * a + g for a, g in zip(sums, gradients)]


def test_sums_are_found_and_momentum_is_not():
    assert train(8, lambda gradients, sums, step: gradients) == []
    assert train(12, added) == ["lr_too_high.summed"]
    for factor in (0.9, 0.99, 0.999):
        assert train(12, lambda *given, factor=factor: added(*given, factor)) == []


def test_a_rate_that_is_too_high_is_not_blamed_for_sums():
    found = train(60, added, rate=0.3)
    assert found[0] == "lr_too_high.summed"
    assert "lr_too_high" not in found


def test_sums_that_turn_out_to_be_none_are_taken_back():
    """As those of methods that keep a gradient of each batch: the first epoch adds them up."""
    kept = {}

    def average(gradients, sums, step):
        before = kept.get(step % 10)
        kept[step % 10] = gradients
        new = gradients if before is None else [g - b for g, b in zip(gradients, before)]
        return new if sums is None else [s + n for s, n in zip(sums, new)]

    assert train(9, average) == ["lr_too_high.summed"]
    kept.clear()
    assert train(40, average) == []
