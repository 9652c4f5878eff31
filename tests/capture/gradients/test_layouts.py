"""Rules of arrays that have gaps in memory are computed a second time on arrays with the same gaps."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.capture.programs.layouts import copied
from tests.capture.steps import batches, bits, twice

LAYOUTS = {
    "rows": lambda a: a,
    "columns": lambda a: a.T,
    "a part of each row": lambda a: a[:, :3],
    "every second row": lambda a: a[::2],
    "backwards": lambda a: a[::-1, ::-2],
    "broadcast": lambda a: np.broadcast_to(a[:, None], (4, 5, 6)),
    "broadcast with gaps": lambda a: np.broadcast_to(a[::2, None, 1:4], (2, 5, 3)),
    "other axes": lambda a: a.reshape(2, 2, 6)[:, :1].transpose(2, 0, 1),
    "empty": lambda a: a[:0, ::2],
    "one number": lambda a: a[1, 1:2],
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_copy_lies_in_memory_as_the_array_does(name):
    array = LAYOUTS[name](np.arange(24.0).reshape(4, 6))
    copy = copied(array)
    assert not np.shares_memory(copy, array)
    assert (copy.shape, copy.dtype, copy.tolist()) == (array.shape, array.dtype, array.tolist())
    if array.size:
        longer = [i for i, n in enumerate(array.shape) if n > 1]
        assert [copy.strides[i] for i in longer] == [array.strides[i] for i in longer]


def test_a_convolution_of_each_step_of_a_recurrent_one_is_captured():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 8, 3, 5, 5, 1)).astype("float32")
    found = []
    for captures in (False, True):
        ef.utils.set_random_seed(3)
        recurrent = layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True)
        model = ef.Sequential([recurrent, layers.TimeDistributed(layers.Conv2D(1, 1))])
        model.compile("sgd", "mse", jit_compile=captures)
        found.append((model.fit(x, y, batch_size=4, epochs=3, verbose=0).history, bits(model.get_weights())))
    assert found[0] == found[1]
    step = model.captured_steps["the training step"]
    assert step.why_eager is None
    assert step.replays >= 3


JOINED = {
    "stack": lambda w: ops.sum(ops.sin(ops.stack(w, -1))),
    "concatenate": lambda w: ops.sum(ops.sin(ops.concatenate([v[:, None] for v in w], 1))),
    "cumsum": lambda w: ops.sum(ops.sin(ops.cumsum(w[0]) + ops.cumsum(w[1]))),
    "pad": lambda w: ops.sum(ops.sin(ops.pad(w[0], [[2, 3]]))) + ops.sum(ops.sin(w[1])),
    "sums": lambda w: ops.sin(ops.sum(w[0]) + ops.sum(w[1])),
    "flip": lambda w: ops.sum(ops.sin(ops.flip(w[0]) * w[1])),
}


@pytest.mark.parametrize("settings", [{"clipnorm": 0.01}, {"global_clipnorm": 0.01}], ids=lambda s: next(iter(s)))
@pytest.mark.parametrize("name", JOINED)
def test_norms_of_gradients_that_are_views_have_the_bits_of_the_eager_step(name, settings):
    def make():
        rng = np.random.default_rng(1)
        weights = [ef.Variable(rng.normal(size=257).astype("float32")) for _ in range(2)]
        adam = ef.optimizers.Adam(0.1, **settings)

        def step(x):
            with ef.GradientTape() as tape:
                loss = JOINED[name](weights) * ops.sum(x)
            adam.apply(tape.gradient(loss, weights), weights)
            return loss

        return step, lambda: weights

    eager, captured, run = twice(make, batches(3, ()), calls=8)
    assert run.replays
    assert captured == eager


def test_gradients_are_dense_whoever_refers_to_them():
    weights = [ef.Variable(np.ones((3, 4), "float32")) for _ in range(2)]
    with ef.GradientTape() as tape:
        loss = ops.sum(ops.stack(weights, -1) ** 2)
    for gradient in tape.gradient(loss, weights):
        assert gradient.data.flags.forc


def test_a_loss_of_spectra_is_captured():
    def make():
        weight = ef.Variable(np.random.default_rng(1).normal(size=16).astype("float32"))

        def step(x):
            with ef.GradientTape() as tape:
                real, imaginary = ops.fft((weight * x, ops.zeros(16)))
                loss = ops.sum(real**2 + imaginary)
            return tape.gradient(loss, weight)

        return step, lambda: [weight]

    eager, captured, run = twice(make, batches(3, (16,)))
    assert run.replays
    assert captured == eager


def test_a_sum_of_three_gradients_lies_as_the_first_two_in_every_call():
    numbers = np.random.default_rng(0).normal(size=(94, 268)).astype("float32")
    weight, other = ef.Variable(numbers), ef.Tensor(numbers[::-1].copy())

    def step(x):
        with ef.GradientTape() as tape:
            loss = (
                ops.sum(weight * other) + ops.sum(ops.tanh(ops.transpose(weight))) + ops.sum(ops.transpose(weight) @ x)
            )
        return tape.gradient(loss, weight)

    captured = ef.function(step, verify_every=2)
    for _ in range(8):
        found, expected = captured(other), step(other)
        assert found.data.strides == expected.data.strides
        assert found.data.tobytes() == expected.data.tobytes()
    assert captured.replays
