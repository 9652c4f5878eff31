"""Steps that need not run eagerly: what they read is looked at before each replay, or asked again in it."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from tests.capture.steps import many, twice

ROWS = ef.Tensor(np.arange(12, dtype="float32").reshape(6, 2) - 5.0)
NUMBERS = [[0, 0, 1, 1, 2, 2], [2, 0, -1, 1, -3, 0], [1, 1, 1, 1, 1, 1]]


def segments(name):
    function = getattr(ops, name)

    def make():
        def step(rows, ids):
            with ef.GradientTape() as tape:
                tape.watch(rows)
                found = function(rows, ids, num_segments=3)
                loss = ops.sum(ops.where(ops.isfinite(found), found, 0.0) ** 2)
            return found, tape.gradient(loss, rows)

        return step, list

    return make


@pytest.mark.parametrize("kind", ["int32", "uint8", "int64"])
@pytest.mark.parametrize("name", ["segment_sum", "segment_max", "segment_min"])
def test_segments_of_a_given_number_are_replayed(name, kind):
    given = [[ROWS, ef.Tensor(np.array(each).astype(kind))] for each in NUMBERS if kind != "uint8" or min(each) >= 0]
    eager, captured, step = twice(segments(name), given, calls=9)
    assert eager == captured
    assert step.replays > 4


def test_segments_that_are_not_there_are_refused_in_replays():
    step = ef.function(lambda rows, ids: ops.segment_sum(rows, ids, num_segments=3))
    many(step, ROWS, ef.Tensor(np.array(NUMBERS[0], "int32")))
    assert step.replays
    with pytest.raises(ValueError, match="segment_ids go up to 7; num_segments=3"):
        step(ROWS, ef.Tensor(np.array([0, 7, 1, 1, 2, 2], "int32")))


def test_positions_are_unravelled_in_replays_and_refused_where_there_is_none():
    given = [[ef.Tensor(np.array(each, "int32"))] for each in ([0, 5, -1], [3, -6, 2])]
    eager, captured, step = twice(lambda: ((lambda x: ops.unravel_index(x, (2, 3))), list), given)
    assert eager == captured
    assert step.replays > 2
    with pytest.raises(ValueError, match="unravel_index: positions must lie within 6"):
        step(ef.Tensor(np.array([0, 6, 1], "int32")))


def trained(optimizer, result):
    def make():
        model, own = ef.Sequential([layers.Dense(2)]), optimizer()
        model(ROWS)

        def step(x):
            with ef.GradientTape() as tape:
                loss = ops.mean(model(x) ** 2)
                scaled = own.scale_loss(loss)
            weights = model.trainable_weights
            own.apply(tape.gradient(scaled, weights), weights)
            return result(own, loss)

        return step, lambda: [*model.weights, *own.variables]

    return make


def scaling():
    return ef.optimizers.LossScaleOptimizer(ef.optimizers.SGD(0.1), initial_scale=4.0, dynamic_growth_steps=2)


def decaying():
    return ef.optimizers.SGD(ef.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5))


@pytest.mark.parametrize(
    ("optimizer", "result"),
    [(scaling, lambda own, loss: loss), (decaying, lambda own, loss: (loss, own.learning_rate))],
    ids=["a scale of the loss", "a rate of a schedule"],
)
def test_what_an_optimizer_notes_is_that_of_the_replay(optimizer, result):
    eager, captured, step = twice(trained(optimizer, result), [[ROWS]], calls=9)
    assert eager == captured
    assert step.replays > 4


def _of_two_heads(x):
    return 0.5 * ops.softmax(x) + 0.5 * ops.softmax(2.0 * x)


@pytest.mark.parametrize("kind", ["float32", "float16"])
@pytest.mark.parametrize("probabilities", [_of_two_heads, lambda x: ops.clip(ops.softmax(x), 1e-4, 1.0)])
def test_class_numbers_beside_probabilities_that_no_softmax_gives_are_replayed(probabilities, kind):
    rng = np.random.default_rng(3)
    given = [[ef.Tensor(rng.normal(size=(4, 3)).astype(kind)), ef.Tensor(rng.integers(0, 3, 4))] for _ in range(3)]
    loss_of = ef.losses.SparseCategoricalCrossentropy()

    def make():
        def step(x, y):
            with ef.GradientTape() as tape:
                tape.watch(x)
                loss = loss_of(y, probabilities(x))
            return loss, tape.gradient(loss, x)

        return step, list

    eager, captured, step = twice(make, given)
    assert eager == captured
    assert step.replays == 4


@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_class_numbers_that_are_none_are_refused_in_replays(kind):
    def function(x, y):
        return ops.sparse_categorical_crossentropy(y, _of_two_heads(x))

    step, x = ef.function(function), ef.Tensor(np.eye(3, dtype=kind))
    many(step, x, ef.Tensor([0, 1, 2]))
    before = step.replays
    with pytest.raises(ValueError, match="expected class numbers from 0 to 2") as eager:
        function(x, ef.Tensor([0, 1, 7]))
    with pytest.raises(ValueError) as replayed:
        step(x, ef.Tensor([0, 1, 7]))
    assert step.replays == before + 1 > 1
    assert str(replayed.value) == str(eager.value)
