"""Cells with several inputs, outputs and states, and states with several axes, as TensorFlow's RNN takes them."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.compat.faces import face

TensorShape = face("tensorflow").TensorShape
RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 4, 3)).astype("float32"), RNG.normal(size=(2, 4, 3, 2)).astype("float32")


class Sums(layers.Layer):
    """Adds up a vector and a matrix at each step."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.state_size = [TensorShape([3]), TensorShape([3, 2])]
        self.output_size = [TensorShape([3]), TensorShape([3, 2])]

    def build(self, input_shapes):
        self.shapes = [tuple(shape) for shape in input_shapes]
        self.factor = self.add_weight(shape=(input_shapes[1][2],), initializer="ones")

    def call(self, inputs, states):
        vector, matrix = inputs
        new = states[0] + vector, states[1] + matrix * self.factor
        return new, new


@pytest.mark.parametrize("sequences", [False, True])
def test_two_sequences_side_by_side(sequences):
    layer = layers.RNN(Sums(), return_sequences=sequences)
    first, second = layer((A, B))
    assert layer.cell.shapes == [(2, 3), (2, 3, 2)]
    end = slice(None) if sequences else -1
    np.testing.assert_allclose(first.numpy(), A.cumsum(1)[:, end], rtol=1e-5)
    np.testing.assert_allclose(second.numpy(), B.cumsum(1)[:, end], rtol=1e-5)


def test_in_a_functional_model_with_a_mask_and_gradients():
    a, b = ef.Input((None, 3)), ef.Input((None, 3, 2))
    layer = layers.RNN(Sums(), return_state=True)
    (first, second), *states = layer([a, b])
    assert (first.shape, second.shape) == ((None, 3), (None, 3, 2))
    assert [s.shape for s in states] == [(None, 3), (None, 3, 2)]
    model = ef.Model([a, b], [first, second])
    assert [x.shape for x in model([A, B])] == [(2, 3), (2, 3, 2)]
    mask = np.array([[True, True, False, False], [True] * 4])
    kept = layer([A, B], mask=mask)[0]
    np.testing.assert_allclose(kept[0].numpy()[0], A[0, :2].sum(0), rtol=1e-5)
    with ef.GradientTape() as tape:
        total = ops.sum(layer([A, B])[0][1])
    np.testing.assert_allclose(tape.gradient(total, layer.cell.factor).numpy(), B.sum((0, 1, 2)), rtol=1e-4)


def test_sequences_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"same number of steps; got \[4, 3\]"):
        layers.RNN(Sums())((A, B[:, :3]))


class Grid(layers.Layer):
    """One state with two axes, and layers that build themselves."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.state_size = TensorShape([3, 2])
        self.dense = layers.Dense(2)

    def call(self, inputs, states):
        new = states[0] + self.dense(inputs)
        return new, [new]


def test_a_state_with_two_axes_and_a_cell_without_a_build():
    layer = layers.RNN(Grid(), return_sequences=True)
    out = layer(B)
    np.testing.assert_allclose(out.numpy(), layer.cell.dense(B).numpy().cumsum(1), rtol=1e-5)
    assert layer.compute_output_shape((None, 7, 3, 2)) == (None, 7, 3, 2)
