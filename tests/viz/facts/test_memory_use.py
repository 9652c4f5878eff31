from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import ops


def planted():
    """A peak of x, a and b: 3 × 4000 bytes, and a weight."""
    weight = ef.Variable(np.ones(500, "float32"), name="weight")
    x = ef.Tensor(np.ones(1000, "float32"))
    with viz.trace() as t:
        ops.sum(weight)
        a = ops.exp(x)
        b = ops.tanh(a)
        del a
        c = ops.sum(b)
        del b
        ops.tanh(c)
    return t.memory()


def test_the_peak_and_what_was_alive_then():
    use = planted()
    assert [(each.name, each.nbytes) for each in use.alive[:4]] == [
        ("", 4000),
        ("exp", 4000),
        ("tanh", 4000),
        ("weight", 2000),
    ]
    assert 14000 <= use.peak < 14100
    assert use.by("role")["parameter"] == 2000
    assert use.by("role")["input"] == 4000
    assert sum(use.by("source").values()) == use.peak
    assert max(live for _, live in use.curve) == use.peak
    assert use.curve[-1][1] < 10100
    assert "tanh" in use.at


def test_batches_count_from_when_they_came():
    with viz.trace() as t:
        for _ in range(10):
            ops.sum(ef.Tensor(np.ones(1000, "float32")))
    assert 4000 <= t.memory().peak < 9000  # not all ten at once


def test_it_prints_as_a_table():
    use = planted()
    text = str(use)
    assert "peak: 13.7 KB" in text
    assert "parameter 2.0 KB" in text
    assert "test_memory_use.py" in text
    assert repr(use) == text
    assert "parameter" in use._repr_html_()


def test_views_count_once():
    x = ef.Tensor(np.ones(1000, "float32"))
    with viz.trace() as t:
        ops.reshape(ops.exp(x), (10, 100))
    assert 8000 <= t.memory().peak < 8100


def test_live_memory_of_a_step(steps):
    use = steps.memory()
    assert use.peak >= sum(t.nbytes for t in steps.tensors if t.role == "parameter" and not t.version)
    assert use.to_dict()["peak"] == use.peak
    assert use.op is not None


def test_without_memory_it_says_what_to_do():
    with viz.trace(memory=False) as t:
        ops.exp(ef.Tensor([1.0]))
    with pytest.raises(ValueError, match="memory=True"):
        t.memory()
    with pytest.raises(ValueError, match="'role'"):
        planted().by("colour")


def test_an_empty_recording_used_nothing():
    with viz.trace() as t:
        pass
    assert t.memory().peak == 0
    assert "peak: 0 B" in str(t.memory())


def test_a_part_of_an_array_says_how_much_of_it_it_is():
    model = ef.Sequential([ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    with viz.trace() as t:
        model.fit(np.ones((96, 8), "float32"), np.ones((96, 1), "float32"), batch_size=32, shuffle=False, verbose=0)
    largest = t.memory().alive[0]
    assert (largest.nbytes, largest.shape) == (3072, "32×8 f32 (1 KB of it)")
