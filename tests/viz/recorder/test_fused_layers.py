"""Layers run product, bias and relu as one op; a trace shows the single ops, and training gives the same bits."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
import viz


def trained(traced):
    ef.utils.set_random_seed(5)
    model = ef.Sequential(
        [
            ef.layers.Conv2D(16, 3, activation="relu"),
            ef.layers.Conv2D(16, 3, activation="relu"),
            ef.layers.Flatten(),
            ef.layers.Dense(40, activation="relu"),
            ef.layers.Dense(3),
        ]
    )
    model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(1).normal(size=(16, 12, 12, 3)).astype("float32")
    y = np.arange(16) % 3
    if not traced:
        model.fit(x, y, epochs=2, batch_size=8, verbose=0)
        return model.get_weights(), set()
    with viz.trace() as t:
        model.fit(x, y, epochs=2, batch_size=8, verbose=0)
    return model.get_weights(), {op.name for op in t.ops}


def test_a_trace_shows_single_ops_and_changes_no_bit():
    plain, _ = trained(traced=False)
    watched, names = trained(traced=True)
    assert {"conv", "matmul", "add", "relu"} <= names
    assert not names & {"dense", "conv_bias"}
    for ours, wanted in zip(plain, watched, strict=True):
        assert ours.tobytes() == wanted.tobytes()
