"""Recurrent layers with dropout, whose cells keep masks for a sequence, are captured."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from tests.capture.steps import bits

LAYERS = {
    "GRU": lambda: layers.GRU(3, dropout=0.3),
    "LSTM": lambda: layers.LSTM(3, dropout=0.3, recurrent_dropout=0.2, return_sequences=True),
    "ConvLSTM": lambda: layers.ConvLSTM1D(2, 2, dropout=0.3, recurrent_dropout=0.2),
    "both directions": lambda: layers.Bidirectional(layers.LSTM(2, recurrent_dropout=0.2)),
    "cells": lambda: layers.RNN([layers.LSTMCell(3, dropout=0.3), layers.GRUCell(2, recurrent_dropout=0.2)]),
}


@pytest.mark.parametrize("name", LAYERS)
def test_recurrent_dropout_is_replayed(name):
    rng = np.random.default_rng(3)
    shape = (12, 3, 4, 2) if name == "ConvLSTM" else (12, 3, 4)
    x, found = rng.normal(size=shape).astype("float32"), []
    for captures in (False, True):
        ef.utils.set_random_seed(3)
        model = ef.Sequential([LAYERS[name](), layers.Flatten(), layers.Dense(1)])
        model.compile("sgd", "mse", jit_compile=captures)
        history = model.fit(x, x[:, :1, 0].reshape(12, -1)[:, :1], batch_size=3, epochs=2, verbose=0).history
        found.append((history, bits(model.get_weights())))
    assert found[0] == found[1]
    step = model.captured_steps["the training step"]
    assert step.why_eager is None
    assert step.replays >= 4


def test_a_mask_that_an_error_has_left_is_not_that_of_the_next_sequence():
    class Fails(layers.GRUCell):
        fails = True

        def call(self, inputs, states, training=False):
            self.get_dropout_mask(inputs)
            if self.fails:
                raise ZeroDivisionError
            return super().call(inputs, states, training)

    cell = Fails(2, dropout=0.5)
    layer = layers.RNN(cell)
    with pytest.raises(ZeroDivisionError):
        layer(ops.ones((3, 4, 2)), training=True)
    cell.fails = False
    assert layer(ops.ones((5, 4, 2)), training=True).shape == (5, 2)  # a mask of 3 rows wouldn't fit
