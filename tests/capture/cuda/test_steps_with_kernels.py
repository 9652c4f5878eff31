"""Captured training steps whose kernels are CUDA C and whose products are cuBLAS': on the stand-in, and on a GPU."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from tests.stand_in.kernels import compiler

RNG = np.random.default_rng(0)
WORDS, CLASSES = RNG.integers(0, 20, (64, 4)), RNG.integers(0, 3, 64)
IMAGES = RNG.normal(size=(64, 6, 6, 3)).astype("float32")


@pytest.fixture(autouse=True)
def on_a_gpu(kernels):
    with ef.device("gpu:0"):
        yield


def model():
    return ef.Sequential(
        [
            layers.Embedding(20, 6),
            layers.LSTM(5),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3),
        ]
    )


def of_images():
    return ef.Sequential(
        [
            layers.Conv2D(4, 3, activation="relu", padding="same", strides=2),
            layers.Conv2DTranspose(3, 2),
            layers.Reshape((4, 12)),
            layers.GRU(5),
            layers.LayerNormalization(),
            layers.Dense(3),
        ]
    )


def trained(make, captures, calls=6, model=model, x=WORDS):
    """Losses and weights after some steps, and the step."""
    ef.utils.set_random_seed(1)
    made, optimizer = model(), make()
    loss_of = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.build((None, *x.shape[1:]))
    optimizer.build(made.trainable_variables)

    def step(inputs, y):
        with ef.GradientTape() as tape:
            loss = loss_of(y, made(inputs, training=True))
        optimizer.apply(tape.gradient(loss, made.trainable_variables), made.trainable_variables)
        return loss

    run = ef.function(step, verify_every=0) if captures else step
    losses = [run(ef.Tensor(x[i % 4 * 16 :][:16]), ef.Tensor(CLASSES[i % 4 * 16 :][:16])) for i in range(calls)]
    return [x.numpy() for x in losses], made.get_weights(), run, optimizer


def close(found, expected, kernels):
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0 if kernels == "stand-in" else 1e-3, atol=1e-6)


def lines(run, *starts):
    """At which lines of the step something is called."""
    (source,) = run.graphs
    return [[i for i, line in enumerate(source.splitlines()) if start in line] for start in starts]


def test_a_training_step_is_one_graph_and_gives_what_it_gives_eagerly(kernels):
    losses, weights, _, _ = trained(lambda: ef.optimizers.Adam(0.01), False)
    compiler.launched.clear()
    found, captured, run, optimizer = trained(lambda: ef.optimizers.Adam(0.01), True)
    close(found, losses, kernels)
    close(captured, weights, kernels)
    checks, draws, graphs, averages, updates = lines(run, "check_range(", "mask(", "graph_", "move(", "apply_sums(")
    assert len(graphs) == 1
    assert max(checks + draws) < graphs[0] < min(averages)
    assert (len(draws), len(averages), len(updates)) == (1, 2, 1)
    assert next(iter(run._states.values())).graphs.left_out() is None
    assert optimizer._fused._updates  # one launch for all variables
    if kernels == "stand-in":
        expected = "lstm lstm_gradient crossentropy gradient sums update eagerflow_mixed eagerflow_add_bias_relu"
        assert compiler.launched.keys() >= set(expected.split())


@pytest.mark.parametrize("layer", [layers.LSTM, layers.GRU])
def test_the_two_layers_of_a_bidirectional_one_are_part_of_the_graph(layer, kernels):
    def both_ways():
        return ef.Sequential([layers.Embedding(20, 6), layers.Bidirectional(layer(5)), layers.Dense(3)])

    found, weights, run, _ = trained(lambda: ef.optimizers.Adam(0.01), True, model=both_ways)
    expected, usual, *_ = trained(lambda: ef.optimizers.Adam(0.01), False, model=both_ways)
    close([*found, *weights], [*expected, *usual], kernels)
    (graphs,) = lines(run, "graph_")
    assert len(graphs) == 1
    assert next(iter(run._states.values())).graphs.left_out() is None


def test_tuples_of_arrays_that_leave_a_graph_are_kept_out_of_it(kernels):
    """As the traces of two layers, which their gradients take: here a metric, which Python updates, lies in between."""
    cell, out = layers.Bidirectional(layers.GRU(5)), layers.Dense(3)
    words, mean = layers.Embedding(20, 6), ef.metrics.Mean()

    def step(inputs):
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(out(cell(words(inputs))) ** 2)
            mean.update_state(loss)
        return tape.gradient(loss, [*cell.trainable_variables, *out.trainable_variables])

    x = ef.Tensor(WORDS[:16])
    expected = [g.numpy() for g in step(x)]
    run = ef.function(step, verify_every=0)
    with pytest.warns(UserWarning, match=r"gru_pair, the gradient of gru_pair \(it gives or takes tuples of arrays\)"):
        found = [run(x) for _ in range(5)][-1]
    close([g.numpy() for g in found], expected, kernels)


def test_convolutions_and_gru_are_part_of_the_graph(kernels):
    losses, weights, _, _ = trained(lambda: ef.optimizers.SGD(0.1), False, model=of_images, x=IMAGES)
    found, captured, run, _ = trained(lambda: ef.optimizers.SGD(0.1), True, model=of_images, x=IMAGES)
    close(found, losses, kernels)
    close(captured, weights, kernels)
    (graphs,) = lines(run, "graph_")
    assert len(graphs) == 1
    assert next(iter(run._states.values())).graphs.left_out() is None


class Keeping(ef.optimizers.SGD):
    """An optimizer of a user's own that keeps gradients till the next update."""

    def build(self, variables):
        super().build(variables)
        self.last = {v.path: self.add_variable_from_reference(v, "last") for v in variables}

    def update_step(self, gradient, variable, learning_rate):
        last = self.last[variable.path]
        variable.assign_sub(learning_rate * (gradient - 0.5 * last))
        last.assign(gradient)


@pytest.mark.parametrize(("make", "copies"), [(lambda: ef.optimizers.SGD(0.01), 1), (lambda: Keeping(0.01), 11)])
def test_optimizers_that_let_go_of_gradients_are_given_no_copies(make, copies, kernels):
    losses, weights, _, _ = trained(make, False)
    found, captured, run, _ = trained(make, True)
    close(found, losses, kernels)
    close(captured, weights, kernels)
    (fresh,) = lines(run, "= fresh(")
    assert len(fresh) == copies  # the loss, and what is kept
