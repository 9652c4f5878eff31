"""Layers run product, bias and relu as one op, and so a trace records it, with its parts; no bit changes by that."""

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
        return model.get_weights(), None
    with viz.trace() as t:
        model.fit(x, y, epochs=2, batch_size=8, verbose=0)
    return model.get_weights(), t


def test_a_trace_shows_the_ops_that_ran_and_changes_no_bit():
    plain, _ = trained(traced=False)
    watched, t = trained(traced=True)
    assert {"conv_bias", "dense"} <= {op.name for op in t.ops}
    assert not {"conv", "matmul", "add", "relu"} & {op.name for op in t.ops}
    for ours, wanted in zip(plain, watched, strict=True):
        assert ours.tobytes() == wanted.tobytes()
