"""A run that is written down holds what the run itself holds, and what a tape may still go back through."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.capture import kept_back
from eagerflow.capture.instructions import Slot
from eagerflow.capture.kept_back import Gone, KeptBack
from tests.capture.steps import batches


@pytest.fixture
def always(monkeypatch):
    """However small, what nobody holds is dropped before the next operation."""
    monkeypatch.setattr(kept_back, "_LEAST", 0)
    monkeypatch.setattr(kept_back, "_OFTEN", -1)


def deep():
    model = ef.Sequential([ef.layers.Dense(64, activation="tanh") for _ in range(10)])
    model.build((None, 64))

    def step(x):
        with ef.GradientTape() as tape:
            loss = ef.ops.mean(ef.ops.square(model(x) * 2.0 + 1.0))
        return loss, tape.gradient(loss, model.trainable_variables)

    return step


@pytest.mark.slow
def test_runs_that_are_written_down_take_little_more_memory_than_an_eager_one():
    [(x,)] = batches(1, (16384, 64))
    peaks = []
    for captures in (False, True):
        ef.utils.set_random_seed(1)
        step = deep()
        step = ef.function(step) if captures else step
        for _ in range(2):  # captured, the second run is compared, too
            tracemalloc.start()
            step(x)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    eager = max(peaks[:2])
    assert peaks[2] < 1.4 * eager
    assert peaks[3] < 1.8 * eager


@pytest.mark.usefixtures("always")
def test_arrays_that_come_to_lie_where_dropped_ones_lay_are_no_mistake():
    def step(x):
        for i in range(60):
            x = ef.ops.relu(x * 1.01 + i) - float(i)
        return x

    captured, x = ef.function(step), ef.Tensor(np.linspace(-1, 1, 512, dtype="float32"))
    for _ in range(4):
        assert np.array_equal(captured(x).numpy(), step(x).numpy())
    assert captured.replays


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("persistent", [False, True])
def test_gradients_of_a_tape_that_is_asked_twice_are_those_of_an_eager_run(persistent):
    w = ef.Variable(np.linspace(0.5, 1, 8, dtype="float32"))

    def step(x):
        with ef.GradientTape(persistent=persistent) as tape:
            tape.watch(x)
            y = ef.ops.sum(ef.ops.tanh(x * w) * ef.ops.exp(x) / (w + 2.0))
        found = tape.gradient(y, [x, w])
        return [*found, *(tape.gradient(y, [w]) if persistent else [])]

    captured, x = ef.function(step), ef.Tensor(np.linspace(-1, 1, 8, dtype="float32"))
    for _ in range(4):
        for mine, wanted in zip(captured(x), step(x), strict=True):
            assert np.array_equal(mine.numpy(), wanted.numpy())
    assert captured.replays


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(
    "use",
    [
        lambda tape, loss, rows, w: tape.gradient(loss, w) * 0.5 + 0.1 * w,
        lambda tape, loss, rows, w: ef.ops.clip(tape.gradient(loss, w), -0.1, 0.1),
        lambda tape, loss, rows, w: tape.jacobian(rows, w) * 2.0,
        lambda tape, loss, rows, w: tape.batch_jacobian(rows, w) * 2.0,
    ],
    ids=["scaled", "clipped", "jacobian", "batch_jacobian"],
)
def test_gradients_may_be_computed_with(use):
    w = ef.Variable(np.linspace(0.5, 1, 8, dtype="float32").reshape(4, 2))

    def step(x):
        with ef.GradientTape() as tape:
            rows = ef.ops.tanh(x * w)
            loss = ef.ops.sum(rows)
        return use(tape, loss, rows, w)

    captured = ef.function(step)
    for i in range(5):
        x = ef.Tensor(np.linspace(-1, i, 8, dtype="float32").reshape(4, 2))
        assert np.array_equal(captured(x).numpy(), step(x).numpy())
    assert captured.replays


def test_a_value_that_is_missing_ends_a_capture_and_says_nothing_against_a_captured_step(monkeypatch):
    step, x = ef.function(lambda x: ef.ops.relu(x) * 2.0, verify_every=3), ef.Tensor([1.0, -1.0])
    for _ in range(4):
        step(x)
    assert step.replays == 2
    monkeypatch.setattr(KeptBack, "lacks", lambda keeps, instruction: True)
    for _ in range(4):  # one of them is compared
        assert step(x).tolist() == [2.0, 0.0]
    assert step.replays > 3
    other = ef.function(lambda x: ef.ops.relu(x) * 3.0)
    other(x)
    with pytest.warns(UserWarning, match="reads a value that was dropped"):
        others = [other(x) for _ in range(3)]
    assert [found.tolist() for found in others] == [[3.0, 0.0]] * 3


def test_a_walk_that_a_tape_records_has_its_own_gradients_after_one_for_the_same_variable():
    w = ef.Variable([2.0, 3.0])

    def step(x):
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(w * x)
        first = tape.gradient(loss, w)
        with ef.GradientTape():
            with ef.GradientTape() as inner:
                loss = ef.ops.sum(w**3)
            second = inner.gradient(loss, w)
        return first, second

    captured, x = ef.function(step), ef.Tensor([1.0, 1.0])
    for _ in range(5):
        assert [found.tolist() for found in captured(x)] == [[1.0, 1.0], [12.0, 27.0]]
    assert captured.replays


@pytest.mark.usefixtures("always")
def test_what_is_held_or_needed_stays():
    held, saved, twice = np.ones(4), np.ones(4), np.ones(4)
    arrays = [held, saved, np.ones(4), twice, twice]
    slots = {id(array): number for number, array in enumerate(arrays)}
    keeps = KeptBack(arrays, slots)
    keeps.need([Slot(1)])
    del saved, twice
    keeps.let_go()
    assert [type(array) is Gone for array in arrays] == [False, False, True, True, True]
    assert arrays[2].shape == (4,)
    assert arrays[2].nbytes == 32
    assert sorted(slots.values()) == [0, 1]
    keeps.release([Slot(1)])
    arrays.append(np.ones(4))
    keeps.let_go()
    assert [type(array) is Gone for array in arrays] == [False, True, True, True, True, True]
