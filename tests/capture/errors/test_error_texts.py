"""Errors of replays are of the kind of the eager step's, and say the same of the op that raised."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.capture.steps import many

EYE, ZEROS = ef.Tensor(np.eye(2, dtype="float32")), ef.Tensor(np.zeros((2, 2), "float32"))
ROWS = ef.Tensor(np.ones((3, 2), "float32"))


def at(number):
    return ef.Tensor(np.array([number], "int32"))


EMBEDDING = layers.Embedding(3, 2)
CASES = {
    "inv": (ops.inv, [EYE], [ZEROS]),
    "take": (lambda x, i: ops.take(x, i, axis=0), [ROWS, at(0)], [ROWS, at(9)]),
    "take_by_method": (lambda x, i: x.take(i, axis=0), [ROWS, at(0)], [ROWS, at(9)]),
    "index": (lambda x, i: x[i], [ROWS, at(0)], [ROWS, at(9)]),
    "scatter": (lambda x, i: ops.scatter_update(x, ops.reshape(i, (-1, 1)), x[:1]), [ROWS, at(0)], [ROWS, at(9)]),
    "a kernel": (lambda x, i: ops.scatter(ops.reshape(i, (-1, 1)), x[:1], (3, 2)), [ROWS, at(0)], [ROWS, at(9)]),
    "an op itself": (lambda x: ops.cholesky(x), [EYE], [-1.0 * EYE]),
    "a layer": (EMBEDDING, [at(1)], [at(9)]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("around", [contextlib.nullcontext, viz.trace])
def test_an_error_of_a_replay_says_what_that_of_the_eager_step_says(name, around):
    function, good, bad = CASES[name]
    step = ef.function(lambda *given: function(*given))
    many(step, *good)
    assert step.replays
    with pytest.raises(Exception) as eager:
        function(*bad)
    before = step.replays
    with pytest.raises(type(eager.value)) as replayed, around():
        step(*bad)
    assert step.replays == before + 1
    said = str(eager.value)
    assert str(replayed.value).endswith(said if name in ("an op itself", "a layer") else said.partition(": ")[2])


def test_an_error_in_a_gradient_says_so_also_in_the_calls_that_are_written_down():
    def step(x):
        with ef.GradientTape() as tape:
            tape.watch(x)
            y = ops.prod(x, axis=0)
        return tape.gradient(y, x)

    captured = ef.function(step)
    for each in (step, captured, captured, captured):
        with pytest.raises(np.exceptions.AxisError, match="in the gradient of prod"):
            each(ef.Tensor(2.0))


def test_numpy_warns_once_of_what_a_call_computes():
    captured = ef.function(lambda x: ops.log(x) * 2)
    for _ in range(4):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            captured(ef.Tensor([0.0, 1.0]))
        assert [str(each.message) for each in seen] == ["divide by zero encountered in log"]
