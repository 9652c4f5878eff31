"""Functions with a gradient of their own (`custom_gradient`) are captured like what they compute with."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.capture.steps import batches, bits, many, twice
from tests.capture.test_observed import scopes, told

W = ef.Variable(np.linspace(-1, 1, 3, dtype="float32"))


def _reversed(x):
    return x, lambda g: -0.5 * g


def _shared(x):
    two = ef.custom_gradient(lambda a, b: (a + b, lambda g: (g, g)))
    return two(x * 2.0, x), None


def _of_constants(x):
    given = ef.custom_gradient(lambda a, b: (a * b, lambda g: (None, np.full((2, 3), 2.0, "float32"))))
    return given(x, ops.sin(x)), None


def _broadcast(x):
    product = ef.custom_gradient(lambda a, b: (a * b, lambda g: (g * 2.0, g * 3.0)))
    return product(ops.sum(x, axis=0, keepdims=True), x), None


def _of_variables(x):
    def back(g, variables):
        return g * W, [ops.sum(g * x, axis=0) for _ in variables]

    return x * W, back


def _several(x):
    def back(a, b, c):
        return a + b * 3.0

    three = ef.custom_gradient(lambda x: ((x * 2.0, ops.exp(x), ops.cast(x > 0, "int32")), back))
    first, _, positive = three(x)
    return first * ops.cast(positive, "float32"), None


def _of_numbers(x):
    return ops.sum(x), lambda g: g * ops.ones_like(x) * 5.0


FUNCTIONS = [_reversed, _shared, _of_constants, _broadcast, _of_variables, _several, _of_numbers]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_gradients_of_ones_own_have_the_same_bits(function):
    def called(x):
        found = function(x)
        return found[0] if found[1] is None else ef.custom_gradient(function)(x)

    def make():
        def step(x):
            with ef.GradientTape(persistent=True) as tape:
                tape.watch(x)
                y = called(ops.tanh(x)) + called(x)
                z = ops.sum(y * y)
            return tape.gradient(y, x), tape.gradient(z, [x, W])[0], z

        return step, list

    eager, captured, step = twice(make, batches(3, (2, 3)))
    assert captured == eager
    assert step.replays == 4


def test_a_gradient_of_a_gradient_goes_through_it():
    square = ef.custom_gradient(lambda x: (x * x, lambda g: g * 2.5 * x))

    def make():
        def step(x):
            with ef.GradientTape() as outer:
                outer.watch(x)
                with ef.GradientTape() as inner:
                    inner.watch(x)
                    y = ops.sum(square(x) * x)
                z = ops.sum(inner.gradient(y, x) ** 2)
            return outer.gradient(z, x)

        return step, list

    eager, captured, step = twice(make, batches(3, (3,)))
    assert captured == eager
    assert step.replays == 4


def test_quantized_training_is_captured():
    def make():
        weights, low, high = (
            ef.Variable(np.linspace(-1, 1, 6, dtype="float32").reshape(3, 2)),
            ef.Variable(-0.8),
            ef.Variable(0.9),
        )
        variables, optimizer = [weights, low, high], ef.optimizers.Adam(0.1)

        def step(x):
            with ef.GradientTape() as tape:
                rounded = ef.quantizers.fake_quant_with_min_max_vars(weights, low, high, num_bits=4)
                loss = ops.mean((x @ rounded) ** 2)
            optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        return step, lambda: variables

    eager, captured, step = twice(make, batches(3, (2, 3)))
    assert captured == eager
    assert step.replays == 4


def _picks(x, i):
    return x * 1.0, lambda g: (ops.take(g, i, axis=0) * ops.ones_like(g), None)


@pytest.mark.parametrize("way", ["a gradient of one's own", "a tape in a tape"])
def test_errors_in_gradients_are_those_of_the_eager_step(way):
    def own(x, i):
        with ef.GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(ef.custom_gradient(_picks)(x, i) ** 2)
        return tape.gradient(y, x)

    def taped(x, i):
        with ef.GradientTape() as outer:
            outer.watch(x)
            with ef.GradientTape() as inner:
                inner.watch(x)
                y = ops.sum(ef.custom_gradient(_picks)(x, i) ** 2)
            z = ops.sum(inner.gradient(y, x))
        return outer.gradient(z, x)

    function = own if way == "a gradient of one's own" else taped
    step, x = ef.function(function), ef.Tensor([1.0, 2.0, 3.0])
    many(step, x, ef.Tensor(1))
    before = step.replays
    with pytest.raises(IndexError, match="in the gradient of _picks: take") as eager:
        function(x, ef.Tensor(9))
    with pytest.raises(IndexError) as replayed:
        step(x, ef.Tensor(9))
    assert step.replays == before + 1 > 1
    assert str(replayed.value) == str(eager.value)


def test_replays_are_recorded_with_the_gradient_of_ones_own():
    clipped = ef.custom_gradient(lambda x: (x * x, lambda g: g * ops.clip(2.0 * x, -1.0, 1.0)))

    def step(x):
        with ef.GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(clipped(x))
        return tape.gradient(y, x)

    run, x, records = ef.function(step), ef.Tensor([1.0, 2.0, 3.0]), []
    many(run, x)
    for each in (step, run):
        with viz.trace() as record:
            each(x)
        records.append(record)
    assert all(op.replayed for op in records[1].ops)
    eager, replayed = [[each[:-1] for each in told(record)] for record in records]  # replays say whose a gradient is
    assert replayed == eager
    assert scopes(records[0]) == scopes(records[1])
    assert "clip" in [op.name for op in records[1].ops]


def test_what_numpy_computes_in_it_runs_eagerly():
    doubled = ef.custom_gradient(lambda x: (x * 2.0, lambda g: ef.Tensor(np.asarray(g) * 2.0)))

    def step(x):
        with ef.GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(doubled(x) ** 2)
        return tape.gradient(y, x)

    run = ef.function(step)
    with pytest.warns(UserWarning, match=r"reads the values of a tensor .*test_own_gradients.py:\d+"):
        found = [bits(run(ef.Tensor([float(i)]))) for i in range(5)]
    assert found == [bits(step(ef.Tensor([float(i)]))) for i in range(5)]
    assert not run.replays


class _Rounded(layers.Layer):
    """A layer whose weights are rounded, and trained as if they weren't."""

    bits = 3

    def build(self, shape):
        self.kernel = self.add_weight((shape[-1], 2), initializer="glorot_uniform")

    def call(self, x):
        n = 2.0**self.bits
        return x @ ef.custom_gradient(lambda w: (ops.round(w * n) / n, lambda g: g))(self.kernel)


def test_a_layer_with_it_is_captured_in_fit():
    found = []
    for captures in (False, True):
        ef.utils.set_random_seed(3)
        layer = _Rounded()
        model = ef.Sequential([layer])
        model.compile("adam", "mse", jit_compile=captures)
        x, y = np.linspace(-1, 1, 60).reshape(20, 3), np.linspace(0, 1, 40).reshape(20, 2)
        histories = [model.fit(x, y, batch_size=4, epochs=2, verbose=0).history]
        layer.bits = 1
        histories.append(model.fit(x, y, batch_size=4, epochs=2, verbose=0).history)
        found.append((histories, bits(model.get_weights())))
    assert found[0] == found[1]
    assert model.captured_steps["the training step"].replays > 8
