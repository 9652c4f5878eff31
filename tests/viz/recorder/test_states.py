"""Variables that are assigned to, which no op reads: moving averages, random generators, counters."""

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers


def versions(recording, name):
    found = [info for info in recording.tensors if info.name.endswith(name)]
    return sorted(found, key=lambda info: info.version)


def normalizing():
    ef.utils.set_random_seed(1)
    model = ef.Sequential([layers.Input((4,)), layers.BatchNormalization(), layers.Dropout(0.3), layers.Dense(2)])
    model.compile("sgd", "mse")
    rng = np.random.default_rng(2)
    return model, rng.normal(3.0, 2.0, (8, 4)).astype("float32"), rng.normal(size=(8, 2)).astype("float32")


@pytest.mark.parametrize("stats", ["basic", "full"])
def test_each_version_of_a_state_is_measured_as_it_was_then(stats):
    model, x, y = normalizing()
    state = model.layers[0].moving_mean
    held = [state.numpy()]
    with viz.trace(stats=stats, values="moving_mean") as t:
        for _ in range(3):
            model.train_on_batch(x, y)
            held.append(state.numpy())
    found = versions(t, "/moving_mean")
    assert [info.version for info in found] == [0, 1, 2, 3]
    for info, expected in zip(found, held, strict=True):
        assert (info.stats.min, info.stats.max) == (expected.min(), expected.max())
        assert info.stats.mean == pytest.approx(float(expected.mean()), abs=1e-6)
        assert np.array_equal(t.values[info.id], expected)


@pytest.mark.parametrize("change", ["assign", "assign_add", "assign_sub"])
@pytest.mark.parametrize("size", [3, 5000])
def test_what_a_variable_held_before_it_was_assigned_to_is_what_is_measured_first(change, size):
    v = ef.Variable(np.full(size, 2.0, "float32"), trainable=False, name="counter")
    with viz.trace(stats="basic") as t:
        getattr(v, change)(np.full(size, 3.0, "float32"))
    first, second = versions(t, "counter")
    assert first.stats.mean == 2.0
    assert second.stats.mean == v.numpy().mean() != 2.0


def test_weights_that_nothing_read_before_their_update_are_not_measured_as_if_it_had_not_come():
    v = ef.Variable([1.0, 2.0], name="late")
    optimizer = ef.optimizers.SGD(1.0)
    optimizer.build([v])
    gradient = ef.Tensor([1.0, 1.0])
    with viz.trace(stats="basic", values="late") as t:
        optimizer.apply_gradients([(gradient, v)])
    first, second = versions(t, "late")
    assert first.stats is None
    assert second.stats.l2 == 1.0
    assert first.id not in t.values
    assert t.values[second.id].tolist() == [0.0, 1.0]


def test_captured_steps_tell_states_as_eager_ones_do():
    model, x, y = normalizing()
    model.compile("sgd", "mse", jit_compile=True)
    for _ in range(3):
        model.train_on_batch(x, y)
    state = model.layers[0].moving_mean
    held = [state.numpy()]
    with viz.trace(stats="basic") as t:
        for _ in range(3):
            model.train_on_batch(x, y)
            held.append(state.numpy())
    found = versions(t, "/moving_mean")
    assert [info.stats.min for info in found] == [expected.min() for expected in held]
