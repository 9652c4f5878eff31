"""Gradients of relu are computed in the memory of others, and nobody ever sees an array change."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.capture.programs import in_place
from tests.capture.steps import batches, bits, many, twice

LARGE = (64, 96, 64)  # one and a half MiB of float32


def large(scale=1.0, seed=0):
    return ef.Tensor((np.random.default_rng(seed).normal(size=LARGE) * scale).astype("float32"))


def images():
    model = ef.Sequential(
        [
            layers.Conv2D(16, 3, activation="relu"),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(4),
        ]
    )
    optimizer = ef.optimizers.Adam(0.01)

    def step(x, y):
        with ef.GradientTape() as tape:
            loss = ef.ops.mean((model(x, training=True) - y) ** 2)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    return step, lambda: [*model.variables, *optimizer.variables]


def test_a_step_with_large_values_gives_the_bits_of_the_eager_one():
    eager, captured, run = twice(images, batches(2, (24, 32, 32, 3), (24, 4)), calls=6)
    assert captured == eager
    assert run.replays > 2
    assert run.programs[0].count("in_place(box") >= 2


def test_a_step_with_large_values_takes_less_memory_than_the_eager_one():
    [(x, y)] = batches(1, (24, 32, 32, 3), (24, 4))
    peaks = []
    for captures in (False, True):
        ef.utils.set_random_seed(1)
        step, _ = images()
        run = ef.function(step) if captures else step
        many(run, x, y)
        tracemalloc.start()
        run(x, y)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 0.85 * peaks[0]


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: ef.ops.relu(x),
        lambda x: ef.ops.relu(ef.ops.relu(x - 0.5) + x) * x,
        lambda x: [seen := ef.ops.relu(x * 2.0), seen * seen],
        lambda x: [(whole := ef.ops.relu(x * 2.0))[:3], whole * 3.0, whole[..., 0]],
        lambda x: ef.ops.relu(ef.ops.transpose(x * 2.0, (2, 1, 0))) ** 2,
        lambda x: ef.ops.reshape(ef.ops.relu(x * 3.0), (-1, 64)) ** 2,
        lambda x: ef.ops.relu(ef.ops.broadcast_to(x[:1] * 2.0, LARGE)) * x,
        lambda x: ef.ops.cast(ef.ops.relu(x * 2.0), "float64") * 1.5,
        lambda x: ef.ops.relu(ef.ops.cast(x, "float64")) * 1.5,
        lambda x: ef.ops.relu(x)[::-1] * x,
    ],
    ids=["sum", "chain", "returned", "views", "transposed", "reshaped", "broadcast", "cast", "double", "reversed"],
)
def test_gradients_have_the_bits_of_the_eager_step_and_what_others_have_stays(loss):
    kept = ef.Variable(np.zeros(LARGE, "float32"))

    def step(x):
        with ef.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = loss(x)
            parts = y if isinstance(y, list) else [y]
            total = sum(ef.ops.sum(part) for part in parts)
        g = tape.gradient(total, x)
        kept.assign(g)
        return y, g, tape.gradient(parts[-1], x)

    x = large()
    before, wanted = x.numpy().copy(), bits(step(x))
    gradient = kept.numpy()
    captured = ef.function(step)
    for _ in range(7):
        assert bits(captured(x)) == wanted
    assert captured.replays > 2
    assert "in_place(box" in captured.programs[0]
    assert np.array_equal(x.numpy(), before)
    assert np.array_equal(kept.numpy(), gradient)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_gradients_with_zeros_infinities_and_nan_have_the_bits_of_the_eager_step():
    values, weights = large().numpy().copy(), large(seed=1).numpy().copy()
    for array in (values, weights):
        array.flat[::7], array.flat[1::7], array.flat[2::7], array.flat[3::11] = -0.0, np.nan, np.inf, -np.inf
    x, w = ef.Tensor(values), ef.Tensor(weights)

    def step(x, w):
        with ef.GradientTape() as tape:
            tape.watch(x)
            loss = ef.ops.sum(ef.ops.relu(x) * w)
        return tape.gradient(loss, x)

    captured = ef.function(step)
    assert bits(many(captured, x, w)) == bits(step(x, w))
    assert "in_place(box" in captured.programs[0]


# -- one operation


def masked(g, positive):
    return g * (positive > 0).astype(g.dtype)


def test_the_array_of_a_box_takes_the_result():
    array, other = large().numpy().copy(), large(seed=1).numpy()
    address, box, wanted = array.ctypes.data, [array], masked(array, other)
    del array
    found = in_place.in_place(box, other, masked)
    assert found.ctypes.data == address
    assert found.tobytes() == wanted.tobytes()
    assert not box


@pytest.mark.parametrize("which", ["referred to", "viewed", "read-only", "transposed", "small", "a number"])
def test_an_array_that_others_have_or_that_cannot_be_cut_is_left_alone(which):
    array, other = np.random.default_rng(1).normal(size=LARGE).astype("float32"), large(seed=1).numpy()
    view = array[:1]
    if which == "read-only":
        del view
        array.flags.writeable = False
    elif which == "transposed":
        array, other = array.T, other.T
    elif which == "small":
        array, other = array[0].copy(), other[0]
    elif which == "a number":
        array, other = np.float32(3.0), np.float32(1.0)
    before = np.array(array)
    box = [array]
    if which in ("viewed", "read-only"):
        del array
    found = in_place.in_place(box, other, masked)
    assert np.array_equal(found, masked(before, other))
    if which == "viewed":
        assert np.array_equal(view, before[:1])
    elif which != "read-only":
        assert np.array_equal(array, before)


@pytest.mark.parametrize("which", ["type", "order", "shape"])
def test_results_of_another_type_shape_or_order_are_new(which):
    array, other = np.random.default_rng(1).normal(size=LARGE).astype("float32"), large(seed=1).numpy()
    other = {"type": other.astype("float64"), "order": other.T.copy().T, "shape": other[:1]}[which]
    wanted, box = np.multiply(array, other), [array]
    del array
    found = in_place.in_place(box, other, np.multiply)
    assert found.dtype == wanted.dtype
    assert found.strides == wanted.strides
    assert found.tobytes() == wanted.tobytes()
