"""Captured steps with arrays on a GPU: on the stand-in for CuPy, and on CuPy itself under `make test-gpu`."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from eagerflow.capture.closeness import not_close
from tests.capture.steps import many

pytestmark = pytest.mark.filterwarnings("ignore:.*runs partly outside of CUDA graphs:UserWarning")
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(48, 6)).astype("float32"), RNG.integers(0, 3, (48,))

MODELS = {
    "normalized": lambda: [
        layers.Dense(8, activation="relu", kernel_regularizer="l2"),
        layers.BatchNormalization(),
        layers.Dropout(0.3),
        layers.Dense(3, activation="softmax"),
    ],
    "layer norm": lambda: [
        layers.Dense(8, activation="gelu"),
        layers.LayerNormalization(),
        layers.Dense(3, activation="softmax"),
    ],
    "convolution": lambda: [
        layers.Reshape((6, 1)),
        layers.Conv1D(4, 3, activation="swish"),
        layers.MaxPooling1D(),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ],
    "lstm": lambda: [layers.Reshape((3, 2)), layers.LSTM(4), layers.Dense(3, activation="softmax")],
}
SCHEDULE = ef.optimizers.schedules.ExponentialDecay(0.05, 3, 0.5)
OPTIMIZERS = {
    "adam": lambda: ef.optimizers.Adam(SCHEDULE),
    "momentum": lambda: ef.optimizers.SGD(0.05, momentum=0.9, global_clipnorm=1.0),
    "rmsprop": lambda: ef.optimizers.RMSprop(0.01, weight_decay=0.01),
}


def trained(made, optimizer, callbacks=(), **compiled):
    """What a training, an evaluation and a prediction give, and the weights; and the model."""
    ef.utils.set_random_seed(3)
    model = ef.Sequential([layers.Input((6,)), *made()])
    model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"], **compiled)
    history = model.fit(X, Y, batch_size=16, epochs=3, verbose=0, callbacks=callbacks).history
    ended = model.evaluate(X, Y, batch_size=8, verbose=0)
    return [history, ended, model.predict(X, batch_size=8, verbose=0).tolist(), model.get_weights()], model


@pytest.fixture(params=["stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def tolerance(request):
    """The test runs on a GPU or what stands for it; gives how far results may be apart after some steps there."""
    if request.param == "stand-in":
        request.getfixturevalue("cupy_stand_in")
    with ef.device("gpu:0"):
        yield 0 if request.param == "stand-in" else 1e-3


def close(found, expected, tolerance):
    flat, wanted = ef.tree.flatten(found), ef.tree.flatten(expected)
    for mine, theirs in zip(flat, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("model", "optimizer"),
    [("normalized", "adam"), ("layer norm", "rmsprop"), ("convolution", "momentum"), ("lstm", "adam")],
)
def test_fit_gives_what_it_gives_eagerly(model, optimizer, tolerance):
    expected, _ = trained(MODELS[model], OPTIMIZERS[optimizer])
    found, made = trained(MODELS[model], OPTIMIZERS[optimizer], jit_compile=True)
    close(found, expected, tolerance)
    assert {name: step.why_eager for name, step in made.captured_steps.items()} == dict.fromkeys(made.captured_steps)
    assert [step.replays for step in made.captured_steps.values()] == [9 - 2, 6 - 2, 6 - 2]
    assert all(step.graphs for step in made.captured_steps.values())


class Watches(ef.callbacks.Callback):
    """Reads weights between steps, and once sets them."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(self.model.get_weights()[0].copy())
        if len(self.seen) == 6:
            self.model.set_weights([np.full_like(each, 0.25) for each in self.model.get_weights()])


def test_a_callback_reads_and_sets_weights_between_steps(tolerance):
    seen = []
    for captures in (False, True):
        watches = Watches()
        trained(MODELS["layer norm"], OPTIMIZERS["rmsprop"], [watches], jit_compile=captures)
        seen.append(watches.seen)
    close(seen[1], seen[0], tolerance)


def test_each_device_has_a_program_of_its_own(cupy_stand_in):
    double = ef.function(lambda x: ef.ops.exp(x * 2))
    for name in ("cpu", "gpu:0"):
        x = ef.Tensor([0.0, 1.0], device=name)
        assert many(double, x).device == name
    host, device = double.programs
    assert "exp(numpy, " in host
    assert "exp(cupy, " in device


def test_a_replay_copies_nothing_between_host_and_device(cupy_stand_in):
    from tests.stand_in import copies

    with ef.device("gpu:0"):
        w = ef.Variable(np.ones((4, 3), "float32"))
        x = ef.Tensor(X[:5, :4])

    @ef.function
    def step(x):
        with ef.GradientTape() as tape:
            loss = ef.ops.mean(ef.ops.tanh(x @ w) ** 2)
        return loss, tape.gradient(loss, [w])

    many(step, x)
    copies.reset()
    many(step, x)
    assert (copies.to_host, copies.to_device) == (0, 0)


def test_reading_a_value_ends_the_capture_on_a_gpu_too(cupy_stand_in):
    step = ef.function(lambda x: x * 2 if float(ef.ops.sum(x)) > 0 else x)
    with pytest.warns(UserWarning, match=r"runs eagerly, not captured: the program reads the values of a tensor"):
        many(step, ef.Tensor([1.0, 2.0], device="gpu:0"))


def test_recordings_see_the_ops_of_a_replay(cupy_stand_in):
    step = ef.function(lambda x: ef.ops.exp(ef.ops.sin(x)))
    x = ef.Tensor([1.0, 2.0], device="gpu:0")
    many(step, x)
    with viz.trace() as trace:
        step(x)
    assert [op.name for op in trace.ops] == ["sin", "exp"]
    assert step.replays == 5


# -- how close is close


def apart(mine, theirs, dtype="float32", device="gpu:0"):
    mine, theirs = (ef.Tensor(np.array(values, dtype), device=device).data for values in (mine, theirs))
    return not_close(mine, theirs)


def test_on_the_cpu_every_bit_counts():
    assert apart([1.0, 1.0000001], [1.0, 1.0], device="cpu") == "values that differ by up to 1.19e-07"


def test_on_a_gpu_sums_may_be_rounded_otherwise(cupy_stand_in):
    assert apart([1.0, 100.0005], [1.0, 100.0]) is None  # measured by the largest number of the array
    assert apart([1.0, 100.01], [1.0, 100.0]) == "values that differ by up to 0.01"
    assert apart([1.0, 1.0 + 1e-9], [1.0, 1.0], "float64") is not None
    assert apart([1.0, 1.005], [1.0, 1.0], "float16") is None
    assert apart([1.0 + 1.000005j], [1.0 + 1j], "complex64") is None
    assert apart([1.0 + 1.1j], [1.0 + 1j], "complex64") is not None
    assert apart([2, 3], [2, 4], "int32") is not None


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_nan_and_infinities_stand_where_they_stood(odd, cupy_stand_in):
    assert apart([odd, 1.0, 2.000001], [odd, 1.0, 2.0]) is None
    assert apart([odd, 1.0], [1.0, 1.0]) is not None
    assert apart([1.0, 1.0], [odd, 1.0]) is not None
    assert apart([odd, 1.0], [-odd if np.isinf(odd) else 0.0, 1.0]) is not None
