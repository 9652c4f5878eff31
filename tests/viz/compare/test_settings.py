"""What a program gave its layers, loss and optimizer, where that is what changed."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers


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
