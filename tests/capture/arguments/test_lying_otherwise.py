"""Arguments that lie in memory otherwise than those a step was captured with: replays give what eager calls give."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops

NUMBERS = np.random.default_rng(0).normal(size=(200, 300)).astype("float32")


def lying(array: np.ndarray) -> dict[str, np.ndarray]:
    """The same numbers, and how they lie."""
    wide = np.zeros([n + 2 for n in array.shape], array.dtype)
    inside = wide[tuple(slice(1, 1 + n) for n in array.shape)]
    inside[...] = array
    return {
        "by rows": array,
        "by columns": np.asfortranarray(array),
        "every other": np.repeat(array, 2, -1)[..., ::2],
        "backwards": array[::-1].copy()[::-1],
        "with gaps": inside,
    }


def tensor(array: np.ndarray) -> ef.Tensor:
    """A tensor whose array is this one, as a view that an op has made may be."""
    made = ef.Tensor(0.0)
    made.data = array
    return made


def same(found, expected) -> bool:
    pairs = list(zip(ef.tree.flatten(found), ef.tree.flatten(expected), strict=True))
    layouts = all(a.shape == b.shape and a.data.strides == b.data.strides for a, b in pairs)
    return layouts and all(a.data.tobytes() == b.data.tobytes() for a, b in pairs)


def check(step) -> None:
    """Each layout is the one that a step is captured with, and is given to its replays."""
    for first in lying(NUMBERS).values():
        captured = ef.function(step)
        for _ in range(3):
            captured(tensor(first))
        before = captured.replays
        for name, array in lying(NUMBERS).items():
            assert same(captured(tensor(array)), step(tensor(array))), name
        assert captured.replays > before, captured.why_eager


ROW = ef.Variable(np.random.default_rng(1).normal(size=300).astype("float32"))
BROADCAST = {
    "a product": lambda x: x * ROW,
    "a sum": lambda x: x + ROW,
    "a difference": lambda x: ROW - x,
    "a quotient": lambda x: x / (ROW**2 + 1.0),
    "a maximum": lambda x: ops.maximum(x, ROW),
    "batch normalization": lambda x: ops.batch_normalization(
        x, ROW * 0.0, ROW**2 + 1.0, axis=-1, offset=ROW, scale=ROW
    ),
    "layer normalization": lambda x: ops.layer_normalization(x, ROW, ROW),
}


@pytest.mark.parametrize("name", BROADCAST)
def test_gradients_of_what_is_broadcast_have_its_shape(name):
    def step(x):
        with ef.GradientTape() as tape:
            tape.watch(x)
            y = BROADCAST[name](x)
            loss = ops.sum(y * y)
        return tape.gradient(loss, [ROW, x])

    check(step)


def test_a_training_takes_arrays_by_columns_after_those_by_rows():
    x = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
    y, courses = x[:, :1].copy(), []
    for jit in (False, True):
        ef.utils.set_random_seed(0)
        model = ef.Sequential([layers.LayerNormalization(), layers.Dense(1)])
        model.compile("sgd", "mse", jit_compile=jit)
        fits = [
            model.fit(each, y, epochs=2, batch_size=16, verbose=0) for each in (x, np.asfortranarray(x), x[:, ::-1])
        ]
        courses.append([fit.history["loss"] for fit in fits])
    assert courses[0] == courses[1]


WEIGHT = ef.Variable(NUMBERS * 0.5)
SEEDED = {
    "as it is": lambda x: (WEIGHT + 1.0, x),
    "reshaped": lambda x: (ops.reshape(WEIGHT, (-1,)), ops.reshape(x, (-1,))),
    "transposed": lambda x: (ops.transpose(WEIGHT), ops.transpose(x)),
    "with an axis more": lambda x: (ops.expand_dims(WEIGHT, 0), x[None]),
}


@pytest.mark.parametrize("name", SEEDED)
def test_a_gradient_that_is_an_argument_is_dense_as_in_an_eager_call(name):
    def step(x):
        with ef.GradientTape() as tape:
            y, seed = SEEDED[name](x)
        return tape.gradient(y, WEIGHT, output_gradients=seed)

    check(step)


def test_a_result_that_is_the_same_each_time_keeps_its_gaps():
    def step(x):
        table = ops.sin(ops.reshape(ops.arange(6000, dtype="float32"), (60, 100)))
        return x * 2, table[:, :-3]

    captured, x = ef.function(step), ef.Tensor([1.0])
    for _ in range(4):
        captured(x)
    assert captured.replays
    assert same(captured(x), step(x))


def test_a_constant_with_gaps_is_read_as_it_lies():
    weights = ops.sin(ops.reshape(ops.arange(61_000, dtype="float32"), (200, 305)))

    def step(x):
        return ops.sum(ops.mean(weights[:, :-5], axis=0)) * x, ops.sum(x * np.asarray(NUMBERS)[:, 3:], axis=0)

    captured, x = ef.function(step), ef.Tensor([[1.5]])
    for _ in range(4):
        captured(x)
    assert captured.replays
    assert same(captured(x), step(x))
