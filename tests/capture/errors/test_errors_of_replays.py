"""A replay that raises is run again eagerly, from the state of before: its error is the eager step's in all it has."""

from __future__ import annotations

import contextlib
import threading
import traceback
import warnings

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from eagerflow.core import random
from tests.capture.steps import bits, many

GOOD, BAD = ef.Tensor(np.array([0, 1], "int32")), ef.Tensor(np.array([1, 9], "int32"))


class Noisy(layers.Layer):
    """Draws, moves averages and adds losses, before and after what may raise."""

    def __init__(self):
        super().__init__(name="noisy")
        self.before, self.behind = layers.GaussianNoise(0.5), layers.Dropout(0.5)
        self.normed = layers.BatchNormalization()
        self.table = layers.Embedding(3, 2, name="table")
        self.count = ef.Variable(0.0, trainable=False)
        self.seeds = ef.random.SeedGenerator(3)

    def call(self, x):
        drawn = ops.ones((2, 2)) * ef.random.normal((2, 2)) + ef.random.uniform((2, 2), seed=self.seeds)
        self.count.assign_add(1.0)
        y = self.normed(self.before(drawn))
        self.add_loss(ops.sum(y) * self.count)
        y = y + self.table(x)
        self.add_loss(ops.mean(y))
        return self.behind(y) * ef.random.normal((2, 2))


def noisy():
    ef.utils.set_random_seed(5)
    layer = Noisy()
    layer(GOOD, training=True)

    def step(x):
        return layer(x, training=True)

    return layer, step


def told(error):
    """All that an error says, and the user's code that its traceback passes through."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename == __file__]
    context = error.__context__
    return (
        type(error),
        str(error),
        getattr(error, "__notes__", None),
        (type(context), str(context), error.__suppress_context__),
        [(each.name, each.lineno) for each in frames][1:],
    )


def failing(step, *given):
    with pytest.raises(Exception) as caught:
        step(*given)
    return told(caught.value)


def run(captures, around=contextlib.nullcontext):
    """What calls give and leave, among them one that raises."""
    layer, step = noisy()
    called = ef.function(step, verify_every=0) if captures else step
    found = [bits(called(GOOD)) for _ in range(6)]
    with around():
        error = failing(called, BAD)
    after = [bits(v.numpy()) for v in layer.variables], bits(layer.losses), random.get_state()
    found += [bits(called(GOOD)) for _ in range(3)]
    return (found, error, after, [bits(v.numpy()) for v in layer.variables], bits(layer.losses)), called


@pytest.mark.parametrize("around", [contextlib.nullcontext, viz.trace, ef.GradientTape])
def test_the_error_and_all_that_it_leaves_are_those_of_the_eager_step(around):
    (eager, _), (captured, step) = run(False, around), run(True, around)
    assert captured == eager
    assert step.replays >= 6
    assert "In the call of Embedding" in eager[1][2][0]


def test_nothing_is_remembered_where_nothing_may_raise():
    dropout, variable = layers.Dropout(0.5), ef.Variable(0.0)

    def step(x):
        variable.assign_add(1.0)
        return dropout(x, training=True) * 2

    captured = ef.function(step)
    many(captured, ef.Tensor([1.0, 2.0]))
    assert "before" not in captured.programs[0]


def test_an_error_within_another_one_has_that_as_its_context():
    def step(x):
        return ops.take(ops.ones((3, 2)) * 2, x, axis=0)

    captured = ef.function(step)
    many(captured, GOOD)
    found = []
    for called in (step, captured):
        try:
            raise KeyError("around")
        except KeyError:
            with pytest.raises(IndexError) as caught:
                called(BAD)
            found.append(told(caught.value))
    assert found[0] == found[1]


def test_large_variables_are_not_changed_twice():
    large, table = ef.Variable(np.zeros(100_000, "float32")), layers.Embedding(3, 2)
    table(GOOD)

    @ef.function
    def step(x):
        large.assign_add(ops.ones((100_000,)))
        return table(x)

    many(step, GOOD)
    with pytest.raises(IndexError, match="has vectors for 0 to 2"):
        step(BAD)
    assert set(large.numpy().tolist()) == {7.0}


def test_an_optimizer_does_not_act_twice():
    table, weight = layers.Embedding(3, 2), ef.Variable(1.0)
    table(GOOD)
    sgd = ef.optimizers.SGD(0.5)

    @ef.function
    def step(x):
        with ef.GradientTape() as tape:
            loss = weight * 2.0
        sgd.apply(tape.gradient(loss, [weight]), [weight])
        return table(x)

    many(step, GOOD)
    with pytest.raises(IndexError, match="has vectors for 0 to 2"):
        step(BAD)
    assert (float(weight), int(sgd.iterations)) == (-6.0, 7)


class Losing(layers.Layer):
    """Adds losses before and after what may raise."""

    def __init__(self):
        super().__init__(name="losing")
        self.table = layers.Embedding(3, 2, name="table")

    def call(self, x, scale, by_name=None):
        self.add_loss(ops.sum(scale))
        self.add_loss(1.5)
        y = self.table(x) * scale
        self.add_loss(ops.mean(y))
        return ops.take(y, x + by_name, axis=0)


def after_changes(captures, ids):
    """What is left by an error after an optimizer has changed a variable."""
    ef.utils.set_random_seed(5)
    layer, other, weight, sgd = Losing(), Losing(), ef.Variable(1.0), ef.optimizers.SGD(0.5)
    zero = ef.Tensor(np.array([0, 0], "int32"))

    def step(x, more):
        with ef.GradientTape() as tape:
            loss = weight * 2.0
        sgd.apply(tape.gradient(loss, [weight]), [weight])
        y = layer(x, weight * 3.0, by_name=more)
        return other(x, weight * 4.0, by_name=zero) + y

    called = ef.function(step, verify_every=0) if captures else step
    for _ in range(6):
        called(GOOD, zero)
    error = failing(called, *ids)[:4]
    assert not captures or called.replays == 4
    return error, bits(layer.losses), bits(other.losses), float(weight), int(sgd.iterations)


@pytest.mark.parametrize("ids", [(BAD, GOOD * 0), (GOOD, BAD)])
def test_what_an_optimizer_changed_before_the_error_stays_and_losses_and_notes_are_right(ids):
    assert after_changes(True, ids) == after_changes(False, ids)


class Lossy(layers.Layer):
    """Adds a loss while training."""

    def call(self, x, training=False):
        if training:
            self.add_loss(ops.sum(x))
        return x * 1.0


@pytest.mark.parametrize("changes", [False, True])
def test_layers_that_an_error_comes_before_keep_their_losses(changes):
    lossy, weight = Lossy(), ef.Variable(np.zeros(100_000, "float32"))

    def step(x):
        if changes:
            weight.assign_add(ops.ones((100_000,)))
        return lossy(ops.take(ops.ones((3, 2)) * 2, x, axis=0))

    captured = ef.function(step)
    many(captured, GOOD)
    lossy(ops.ones((2, 2)), training=True)
    failing(captured, BAD)
    assert bits(lossy.losses) == bits([ef.Tensor(4.0)])
    captured(GOOD)
    assert lossy.losses == []


def test_draws_of_other_threads_are_not_drawn_again():
    _, step = noisy()
    captured = ef.function(step)
    many(captured, GOOD)
    drawn = []
    check = layers.Embedding._check_range.__wrapped__

    def and_another_thread_draws(self, indices):
        thread = threading.Thread(target=lambda: drawn.append(random.next_key()))
        thread.start()
        thread.join()
        check(self, indices)

    before = random.get_state()["eagerflow"][1]
    program = captured._states[next(iter(captured._states))].program
    (call,) = [each for each in program.instructions if getattr(each, "function", None) is check]
    call.function = and_another_thread_draws
    with pytest.raises(IndexError):
        captured(BAD)
    assert random.get_state()["eagerflow"][1] >= before + len(drawn)


def test_a_warning_that_is_an_error_is_raised_by_the_step_s_own_line():
    def step(x):
        return ops.log(x) * 2

    captured = ef.function(step)
    many(captured, ef.Tensor([1.0, 2.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert failing(captured, ef.Tensor([0.0, 1.0])) == failing(step, ef.Tensor([0.0, 1.0]))


def test_an_error_of_one_of_several_predictions_is_that_of_its_batch():
    model = ef.Sequential([layers.Embedding(30, 4), layers.Flatten(), layers.Dense(2)])
    rows = np.random.default_rng(0).integers(0, 30, (640, 3))
    eager = ef.models.clone_model(model)
    rows_with_a_wrong_one = rows.copy()
    rows_with_a_wrong_one[500, 1] = 99
    found = []
    for each, captures in ((eager, False), (model, True)):
        each.compile(jit_compile=captures)
        for _ in range(3):
            each.predict(rows, batch_size=32, verbose=0)
        with pytest.raises(IndexError) as caught:
            each.predict(rows_with_a_wrong_one, batch_size=32, verbose=0)
        found.append((str(caught.value), caught.value.__notes__))
    assert found[0][0].replace("embedding_1", "embedding") == found[1][0].replace("embedding_1", "embedding")
    assert len(found[1][1]) == 1
