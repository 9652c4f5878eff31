"""Recurrent layers with the usual settings run as one op."""

import numpy as np
import pytest

from eagerflow import GradientTape, Tensor, layers
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


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("layer", ["LSTM", "GRU", "SimpleRNN"])
def test_prediction_gives_the_numbers_of_training(layer, masked):
    x = np.random.default_rng(1).normal(size=(3, 7, 4)).astype("float32")
    mask = np.random.default_rng(2).random((3, 7)) < 0.6 if masked else None
    model = getattr(layers, layer)(5, return_sequences=True, return_state=True)
    predicted = model(x, mask=mask)
    with GradientTape():
        trained = model(x, mask=mask)
    for one, other in zip(predicted, trained, strict=True):
        assert one.numpy().tobytes() == other.numpy().tobytes()


@pytest.mark.parametrize("layer", ["LSTM", "GRU", "SimpleRNN"])
def test_one_row_of_a_mask_is_for_all_samples(layer):
    x, model = np.random.default_rng(1).normal(size=(3, 5, 4)).astype("float32"), getattr(layers, layer)(5)
    mask = np.array([[True, True, True, False, False]])
    with GradientTape(persistent=True) as tape:
        once, repeated = model(x, mask=mask), model(x, mask=mask.repeat(3, 0))
    assert once.numpy().tobytes() == repeated.numpy().tobytes()
    for one, other in zip(*[tape.gradient(y, model.trainable_variables) for y in (once, repeated)], strict=True):
        assert one.numpy().tobytes() == other.numpy().tobytes()


@pytest.mark.parametrize("layer", ["LSTM", "GRU", "SimpleRNN"])
def test_no_samples(layer):
    model = getattr(layers, layer)(5)
    x = Tensor(np.zeros((0, 7, 4), "float32"))
    with GradientTape() as tape:
        out = model(x)
    assert out.shape == (0, 5)
    gradients = tape.gradient(out, model.trainable_variables)
    assert all((g.numpy() == 0).all() for g in gradients)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", None])
def test_the_simple_layer_gives_by_one_op_what_its_cell_gives_step_by_step(activation, masked):
    x = np.random.default_rng(1).normal(size=(3, 7, 4)).astype("float32")
    mask = np.random.default_rng(2).random((3, 7)) < 0.6 if masked else None
    model = layers.SimpleRNN(5, activation, return_sequences=True)
    steps = layers.RNN(layers.SimpleRNNCell(5, activation), return_sequences=True)
    found = []
    for each in (model, steps):
        each.build(x.shape)
        each.set_weights(model.get_weights())
        with GradientTape() as tape, observing(_Names()) as seen:
            out = each(x, mask=mask)
            loss = (out * out).sum()
        found.append([out, *tape.gradient(loss, each.trainable_variables)])
        assert any("simple_rnn" in name for name in seen.names) == (each is model)
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-4, atol=1e-5)
