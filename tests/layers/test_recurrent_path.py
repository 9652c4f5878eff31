"""Recurrent layers with the usual settings run as one op."""

import numpy as np
import pytest

from eagerflow import layers
from eagerflow.core.observe import Observer, observing


class _Names(Observer):
    def __init__(self):
        self.names = []

    def on_op(self, op, inputs, settings, outputs, started, ended, error=None):
        self.names.append(op.name)


@pytest.mark.parametrize(("layer", "op"), [("LSTM", "lstm"), ("GRU", "gru"), ("SimpleRNN", "simple_rnn")])
def test_default_settings_run_as_one_op(layer, op):
    model = getattr(layers, layer)(4)
    x = np.zeros((2, 7, 3), "float32")
    model(x)
    with observing(_Names()) as seen:
        model(x)
    assert any(op in name for name in seen.names), seen.names
    assert len(seen.names) < 12
