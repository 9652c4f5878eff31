"""What one call of a composed function ran is known by its name, and is one box until it is opened."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
import viz
from eagerflow import ops

X = np.arange(12, dtype="float32").reshape(3, 4)


def calls(recording) -> list[tuple[str, int]]:
    """The name of each call, and how many ops it ran."""
    found: dict[int, list[str]] = {}
    for name, number in recording.calls.values():
        found.setdefault(number, []).append(name)
    return [(names[0], len(names)) for names in found.values()]


def titles(recording, **options) -> list[str]:
    return [
        node.title for node in recording.draw(view="forward", **options).graph.nodes.values() if node.kind != "input"
    ]


def test_two_calls_in_one_line_are_two_boxes():
    with viz.trace() as t:
        unit, wide = ops.normalize(X), ops.one_hot([0, 1, 2], 4)
        made = ops.tanh(unit - wide)
    assert made.shape == (3, 4)
    assert [name for name, _ in calls(t)] == ["normalize", "one_hot"]
    assert {"normalize", "one_hot", "subtract", "tanh"} <= {*titles(t)}


def test_ops_layers_and_losses_are_no_such_calls():
    normalize = ef.layers.LayerNormalization(rms_scaling=False)
    mean_squared_error = ef.losses.MeanSquaredError()
    normalize(X)
    with viz.trace() as t:
        loss = mean_squared_error(X, normalize(X)) + ops.mean(ops.square(X))
    assert loss.shape == ()
    assert calls(t) == []
