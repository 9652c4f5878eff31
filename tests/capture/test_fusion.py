"""Normalization and relu behind it are one instruction of a replay, with the bits of both."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from eagerflow.kernels.elementwise.activations import relu
from eagerflow.kernels.normalization.batch_norm import Layout, scale_channels
from eagerflow.kernels.normalization.relu_behind import relu_behind

SHAPE = (64, 16, 16, 20)  # 1.3 MB


def normal(*shape, dtype="float32"):
    return np.random.default_rng(list(shape)).normal(size=shape).astype(dtype)


def network(channels=SHAPE[-1]):
    return ef.Sequential(
        [
            ef.Input((16, 16, channels)),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(20, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
        ]
    )


def source(step):
    (state,) = step._states.values()
    return state.program.source


@pytest.mark.parametrize("training", [False, True])
def test_replays_give_the_bits_of_eager_runs_without_a_pass_for_relu(training):
    model, x = network(), normal(*SHAPE)

    def outputs(x):
        return model(x, training=training)

    kept = [v.numpy() for v in model.variables]
    wanted = [outputs(x).numpy() for _ in range(4)]
    for variable, value in zip(model.variables, kept):
        variable.assign(value)
    step = ef.function(outputs, verify_every=3)
    found = [step(x).numpy() for _ in range(4)]
    assert step.replays >= 1
    assert [a.tobytes() for a in found] == [a.tobytes() for a in wanted]
    assert "relu" not in source(step)


def test_training_steps_have_the_same_losses():
    x, y = normal(*SHAPE), np.arange(SHAPE[0]) % 3
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)

    def losses(captured):
        ef.utils.set_random_seed(3)
        model = network()
        model.compile(ef.optimizers.SGD(0.1), loss, jit_compile=captured)
        return model.fit(x, y, batch_size=64, epochs=5, verbose=0).history["loss"]

    assert losses(True) == losses(False)


def test_relu_stays_apart_where_what_it_is_behind_is_taken_elsewhere():
    normalization, x = layers.BatchNormalization(), ef.Tensor(normal(*SHAPE))

    @ef.function
    def step(x):
        out = normalization(x, training=False)
        return ops.relu(out), out + 1.0

    found = [step(x) for _ in range(3)][-1]
    out = normalization(x, training=False)
    assert step.replays
    assert "relu" in source(step)
    assert found[0].numpy().tobytes() == ops.relu(out).numpy().tobytes()
    assert found[1].numpy().tobytes() == (out + 1.0).numpy().tobytes()


def test_recordings_of_replays_have_both():
    model, x = network(), ef.Tensor(normal(*SHAPE))
    step = ef.function(lambda x: model(x, training=False))
    for _ in range(2):
        step(x)
    with viz.trace() as trace:
        step(x)
    assert [op.name for op in trace.ops].count("relu") == 2


@pytest.mark.parametrize("channels", [3, 20])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_zeros_infinities_and_nan_are_those_of_relu(channels, dtype):
    x = normal(1 << 17, channels, dtype=dtype)
    x.flat[::7], x.flat[1::7], x.flat[2::7], x.flat[3::7] = -0.0, np.nan, np.inf, -np.inf
    factor, shift = np.ones(channels, dtype), np.full(channels, -0.0, dtype)
    plan = Layout(len(x), channels, 1)
    with np.errstate(invalid="ignore"):
        found = relu_behind(scale_channels)(x, factor, shift, plan)
        wanted = relu(scale_channels(x, factor, shift, plan))
    assert np.signbit(found[found == 0]).any()
    assert found.tobytes() == wanted.tobytes()


def test_relu_in_place_keeps_the_zeros_of_the_last_piece():
    x = ef.Tensor(np.full((300_000,), -1.0, "float32"))

    def zeros_below(x):
        return ops.relu(ops.multiply(x, 0.0))

    step = ef.function(zeros_below)
    found = [step(x).numpy() for _ in range(3)][-1]
    assert step.replays
    assert found.tobytes() == zeros_below(x).numpy().tobytes()
