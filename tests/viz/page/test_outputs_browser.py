"""Where several outputs leave one box of the page's graph, each arrow says which of them it carries."""

from __future__ import annotations

import numpy as np
import pytest

import viz
from eagerflow import layers, ops

pytestmark = pytest.mark.slow


class Encoder(layers.Layer):
    def __init__(self):
        super().__init__(name="encoder")
        self.mean, self.spread = layers.Dense(3), layers.Dense(3)

    def call(self, x):
        return self.mean(x), self.spread(x)


def two_outputs():
    x = np.ones((4, 6), "float32")
    encoder = Encoder()
    with viz.trace() as t:
        mu, log_var = encoder(x)
        first, _, last = ops.split(ops.exp(x), 3, axis=-1)
        ops.tanh(mu), ops.sigmoid(log_var), ops.relu(first), ops.sqrt(last)
    return t


def test_each_arrow_of_several_outputs_has_its_name(shown, pages):
    shown.show(pages("outputs", two_outputs))
    assert {"first  4×2 f32", "last  4×2 f32"} <= set(shown.run("v.scene.edges.map((edge) => edge.label)"))
    shown.run("v.changeDepth(-9); 1")  # the encoder is one box then
    shown.rest()
    assert {"mu  4×3 f32", "log_var  4×3 f32"} <= set(shown.run("v.scene.edges.map((edge) => edge.label)"))
