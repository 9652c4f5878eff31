"""Large values take the places of those that nobody takes any more, and nobody ever sees one change."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import eagerflow as ef
import viz
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
    assert run.programs[0].count("worked_through(box") >= 2


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
    "step",
    [
        lambda x: ef.ops.relu(x),
        lambda x: ef.ops.relu(ef.ops.relu(x - 0.5) + x),
        lambda x: [seen := x * 2.0, ef.ops.relu(seen)],
        lambda x: [(whole := x * 2.0)[:3], ef.ops.relu(whole), whole[..., 0]],
        lambda x: ef.ops.relu(ef.ops.transpose(x * 2.0, (2, 1, 0))) + 1.0,
        lambda x: (twice := x + 1.0) + twice,
        lambda x: ef.ops.reshape(x * 3.0, (-1, 64)) + x[0, 0],
        lambda x: ef.ops.broadcast_to(x[:1] * 2.0, LARGE) + 1.0,
        lambda x: (x * 2.0) * (x[:, :1] + 1.0),
        lambda x: ef.ops.cast(x * 2.0, "float64") + x,
        lambda x: (x[:1] + 1.0) * (x * 2.0),
    ],
    ids=[
        "argument",
        "chain",
        "returned",
        "views",
        "transposed",
        "itself",
        "reshaped",
        "broadcast",
        "axis",
        "types",
        "left",
    ],
)
def test_what_others_have_stays_as_it_is(step):
    x = large()
    before, wanted = x.numpy().copy(), bits(step(large()))
    captured = ef.function(step)
    for _ in range(7):
        assert bits(captured(x)) == wanted
    assert captured.replays > 2
    assert np.array_equal(x.numpy(), before)


def test_variables_stay_as_they_are():
    v = ef.Variable(large().numpy())
    before = v.numpy().copy()
    captured = ef.function(lambda x: ef.ops.relu(v + 0.0) + ef.ops.relu(v) + x)
    wanted = bits(ef.ops.relu(v + 0.0) + ef.ops.relu(v) + large(seed=1))
    assert bits(many(captured, large(seed=1))) == wanted
    assert captured.replays > 2
    assert np.array_equal(v.numpy(), before)


def test_what_a_call_of_python_keeps_stays_as_it_is():
    kept = ef.Variable(np.zeros(LARGE, "float32"))

    @ef.function
    def step(x):
        y = x * 2.0
        kept.assign(y)
        return ef.ops.relu(y)

    x = large()
    many(step, x)
    assert step.replays > 2
    assert np.array_equal(kept.numpy(), x.numpy() * 2)


def test_recordings_and_tapes_see_values_that_stay():
    captured = ef.function(lambda x: ef.ops.relu(ef.ops.relu(x - 0.5) + x))
    x = large()
    wanted = bits(many(captured, x))
    with viz.trace() as t:
        assert bits(captured(x)) == wanted
    assert [op.name for op in t.ops] == ["subtract", "relu", "add", "relu"]
    for _ in range(6):
        with ef.GradientTape() as tape:
            tape.watch(x)
            y = captured(x)
        found = tape.gradient(y, x)
    with ef.GradientTape() as tape:
        tape.watch(x)
        y = ef.ops.relu(ef.ops.relu(x - 0.5) + x)
    assert bits(found) == bits(tape.gradient(y, x))


def test_a_large_factor_is_let_go_before_its_gradient_is_made():
    """Of the products' two gradients, that of the small factor comes first."""
    x, w = large(), ef.Variable(np.ones((LARGE[-1], 2), "float32"))

    def step(x):
        with ef.GradientTape() as tape:
            tape.watch(x)
            y = ef.ops.matmul(x + 1.0, w)
            loss = ef.ops.sum(y * y)
        return tape.gradient(loss, [x, w])

    peaks = []
    for run in (step, captured := ef.function(step)):
        wanted = bits(many(run, x))
        tracemalloc.start()
        assert bits(run(x)) == wanted == bits(step(x))
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        run(x)
        peaks.append(tracemalloc.get_traced_memory()[1] - before)
        tracemalloc.stop()
    size = x.numpy().nbytes
    assert captured.replays > 2
    assert captured.programs[0].count("matmul_gradient") >= 2
    assert peaks[0] - peaks[1] > 0.6 * size


# -- one operation


def through(box, others, place=0, kernel=np.add):
    return in_place.worked_through(box, others, place, kernel)


def test_the_array_of_a_box_takes_the_result():
    array, other = np.ones(LARGE, "float32"), np.full(LARGE[-1:], 2.0, "float32")
    address, box = array.ctypes.data, [array]
    del array
    found = through(box, (other,))
    assert found.ctypes.data == address
    assert (found == 3).all()
    assert not box


@pytest.mark.parametrize("which", ["referred to", "viewed", "read-only", "transposed", "small", "a number"])
def test_an_array_that_others_have_or_that_cannot_be_cut_is_left_alone(which):
    array = np.random.default_rng(1).normal(size=LARGE).astype("float32")
    view = array[:1]
    if which == "read-only":
        del view
        array.flags.writeable = False
    elif which == "transposed":
        array = array.T
    elif which == "small":
        array = array[0].copy()
    elif which == "a number":
        array = np.float32(3.0)
    before = np.array(array)
    box = [array]
    if which in ("viewed", "read-only"):
        del array
    found = through(box, (np.float32(1.0),))
    assert np.array_equal(found, before + np.float32(1.0))
    if which == "viewed":
        assert np.array_equal(view, before[:1])
    elif which != "read-only":
        assert np.array_equal(array, before)


@pytest.mark.parametrize(
    ("other", "place"),
    [(np.float64(2.5), 0), (np.ones((2, *LARGE), "float32"), 0), (np.ones(LARGE, "float32").T.copy().T, 1)],
    ids=["type", "shape", "order"],
)
def test_results_of_another_type_or_shape_are_new(other, place):
    array = np.random.default_rng(1).normal(size=LARGE).astype("float32")
    other = np.asarray(other)
    wanted = np.subtract(array, other) if place == 0 else np.subtract(other, array)
    box = [array]
    del array
    found = through(box, (other,), place, np.subtract)
    assert found.dtype == wanted.dtype
    assert found.strides == wanted.strides
    assert found.tobytes() == wanted.tobytes()
