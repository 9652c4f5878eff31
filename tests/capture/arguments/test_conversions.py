"""Tensors that a step makes of one NumPy array: as many arrays as eagerly, where that matters."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops

WEIGHTS = ef.Tensor(np.random.default_rng(3).normal(size=(40, 40)).astype("float32"))
CALLS = 6


def normal(i, *shape):
    return np.random.default_rng(i).normal(size=shape or (40, 40)).astype("float32")


PRODUCTS = {
    "an array and its transpose": lambda a: ops.matmul(a, ops.transpose(a)),
    "the transpose first": lambda a: ops.matmul(ops.transpose(a), a),
    "einsum of it twice": lambda a: ops.einsum("ij,kj->ik", a, a),
    "tensordot": lambda a: ops.tensordot(a, a, axes=[[1], [1]]),
    "inner": lambda a: ops.inner(a, a),
    "two tensors": lambda a: ops.matmul(ef.Tensor(a), ops.transpose(ef.Tensor(a))),
    "one tensor": lambda a: (lambda t: ops.matmul(t, ops.transpose(t)))(ops.convert_to_tensor(a)),
    "one tensor, then others": lambda a: (
        (lambda t: ops.matmul(t, ops.transpose(t)))(ops.convert_to_tensor(a)) + ops.matmul(a, ops.transpose(a))
    ),
    "views of views": lambda a: ops.matmul(ops.transpose(a)[:20], ops.reshape(a, (40, 40))[:, :20]),
    "a kernel of distances": lambda a: ops.tanh(ops.sum(ops.square(a), 1) - 2 * ops.matmul(a, ops.transpose(a))),
    "the gradient's": lambda a: gradient_of_product(a),
}


def gradient_of_product(a):
    x = ops.convert_to_tensor(a)
    with ef.GradientTape() as tape:
        tape.watch(x)
        found = ops.matmul(x, WEIGHTS)
    return tape.gradient(found, x, output_gradients=ops.transpose(a))


def alike(step, arguments=normal):
    """Whether replays give what the step gives; and the captured step."""
    captured = ef.function(step, verify_every=0)
    for i in range(CALLS):
        found, plain = captured(arguments(i)), step(arguments(i))
        for mine, other in zip(ef.tree.flatten(found), ef.tree.flatten(plain), strict=True):
            np.testing.assert_array_equal(mine.numpy(), other.numpy())
    assert captured.why_eager is None
    assert captured.replays == CALLS - 3
    return captured


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_of_an_array_with_itself_have_the_bits_of_eager_ones(name):
    alike(PRODUCTS[name])


def test_a_layer_that_is_given_one_array_twice_gives_the_same_bits():
    dot = layers.Dot(axes=(1, 1))
    alike(lambda a: dot([a, a]), lambda i: normal(i, 2, 40, 40))


@pytest.mark.parametrize(
    "step",
    [
        lambda a: [ops.convert_to_tensor(a), ops.convert_to_tensor(a)],
        lambda a: [ops.transpose(a), ops.reshape(a, (-1,))],
        lambda a: [ops.convert_to_tensor(a), ops.ravel(a), a * WEIGHTS],
    ],
)
def test_tensors_that_are_given_share_no_memory(step):
    captured = alike(step)
    first, second, *_ = captured(normal(0))
    assert not np.shares_memory(first.data, second.data)


def test_what_a_variable_keeps_is_another_array():
    kept = ef.Variable(np.zeros((40, 40), "float32"))

    def step(a):
        kept.assign(ops.convert_to_tensor(a))
        return ops.matmul(kept, ops.transpose(a))

    alike(step)


def test_where_it_makes_no_difference_the_array_is_copied_once():
    captured = alike(lambda a: ops.mean(ops.square(ops.tanh(ops.matmul(a, WEIGHTS)) - a)))
    assert "as_type" not in captured.programs[0]


def test_under_a_tape_records_have_arrays_of_their_own():
    w = ef.Variable(np.eye(40, dtype="float32"))

    def step(a):
        return ops.sum(ops.matmul(ops.matmul(a, w), ops.transpose(a)))

    captured, found = ef.function(step, verify_every=0), []
    for run in (step, captured):
        for i in range(CALLS):
            with ef.GradientTape() as tape:
                loss = run(normal(i))
            found.append(tape.gradient(loss, w).numpy())
    assert captured.replays
    np.testing.assert_array_equal(found[:CALLS], found[CALLS:])


def test_a_cast_of_what_a_tape_records_is_written_down():
    """It keeps the type that it casts to, which is its own base."""
    w = ef.Variable(np.ones(3, "float32"))

    @ef.function
    def step(x):
        with ef.GradientTape() as tape:
            loss = ops.sum(ops.cast(x * w, "float16"))
        return tape.gradient(loss, w)

    for i in range(CALLS):
        assert step(np.full(3, i, "float32")).tolist() == [i] * 3
    assert step.replays
