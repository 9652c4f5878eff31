"""Arguments and inputs of layers that are taken or refused as elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.initializers.windows import WINDOWS


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: layers.Softmax()(np.ones((1, 3)), mask=np.ones((2, 3))), ValueError, "broadcasts"),
        (lambda: layers.Softmax()(np.ones((1, 3)), mask=np.ones((1, 1, 3))), ValueError, "broadcasts"),
        (lambda: layers.Attention()(np.ones((1, 2, 2))), ValueError, r"called on a list \[query, value\]"),
        (lambda: layers.AdditiveAttention()(np.ones((1, 2, 2))), ValueError, r"called on a list \[query, value\]"),
        (
            lambda: layers.Attention()([np.ones((1, 2, 2))] * 2, mask=np.ones((1, 2))),
            ValueError,
            "expected a list of the masks",
        ),
        (lambda: layers.MultiHeadAttention(2, 2, output_shape=8.0), ValueError, "output_shape=8.0"),
        (lambda: layers.Conv1DTranspose(2, 3, strides=2, output_padding=2), ValueError, "expected less than strides"),
        (lambda: layers.LayerNormalization(axis={"axis": -1}), TypeError, "axis="),
        (lambda: layers.RepeatVector("3"), TypeError, "n='3'"),
        (lambda: layers.UpSampling1D(2.5), TypeError, "size=2.5"),
        (lambda: layers.STFTSpectrogram(window="unknown"), ValueError, "window='unknown'"),
        (lambda: layers.HashedCrossing(9)((np.ones(1), np.ones(1))), ValueError, "integers or text"),
        (lambda: layers.InputLayer(shape=(2, 4), input_tensor=ef.Input((3,))), ValueError, "leave shape out"),
        (lambda: layers.InputLayer(input_tensor=np.ones(3)), ValueError, "symbolic tensor"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_recurrent_layers_take_integers():
    x = np.array([[[1, 2], [3, 4]]])
    for layer in (layers.LSTM(2), layers.GRU(2), layers.SimpleRNN(2), layers.Bidirectional(layers.LSTM(2))):
        np.testing.assert_array_equal(layer(x), layer(x.astype("float32")))


def test_states_of_stacked_cells_of_ones_own_have_their_shapes():
    class Cell(layers.Layer):
        def __init__(self, units):
            super().__init__()
            self.state_size = self.units = units

        def call(self, inputs, states):
            output = ef.ops.sum(inputs, axis=-1, keepdims=True) + states[0]
            return output, [output]

    x = np.ones((2, 3, 4), "float32")
    output, first, second = layers.RNN([Cell(3), Cell(2)], return_state=True)(x)
    assert (output.shape, first.shape, second.shape) == ((2, 2), (2, 3), (2, 2))
    assert first.tolist() == [[12.0] * 3] * 2


def test_both_directions_keep_what_the_layer_says_of_its_kernel():
    both = layers.Bidirectional(layers.LSTM(1, use_cudnn=True))
    assert both.forward_layer.use_cudnn is both.backward_layer.use_cudnn is True


def test_reshape_gives_unknown_lengths_their_target():
    assert layers.Reshape((3, 5))(ef.Input((None,))).shape == (None, 3, 5)
    with pytest.raises(ValueError, match="32 elements"):
        layers.Reshape((3, 5))(ef.Input((32,)))


def test_a_pipeline_hands_the_mask_on():
    seen = []

    class Seeing(layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x, mask=None):
            seen.append(None if mask is None else np.asarray(mask).tolist())
            return x

    layers.Pipeline([Seeing(), Seeing()])(ef.ops.ones((2, 3)), mask=ef.Tensor([True, False]))
    assert seen == [[True, False], [True, False]]


def test_symbolic_tensors_are_found_in_lists():
    a, b = ef.Input((2,)), ef.Input((2,))
    c = a + b
    assert a in [b, a]
    assert c not in [a, b]
    assert [a, c] == [a, c]
    assert bool(a == ef.Model(a, a * 2).inputs[0])
    with pytest.raises(TypeError, match=r"can't answer bool\(\)"):
        bool(a == 0)


def test_a_layer_of_a_given_symbolic_tensor_gives_it():
    x = layers.KerasTensor((2, 3))
    layer = layers.InputLayer(input_tensor=x)
    assert layer.output in [x]
    np.testing.assert_array_equal(ef.Model(x, x * 2)(np.ones((2, 3))), np.full((2, 3), 2.0))


@pytest.mark.parametrize("name", sorted(WINDOWS))
def test_windows_are_symmetric_and_largest_in_the_middle(name):
    for n in (1, 2, 7, 8):
        window = WINDOWS[name](n)
        assert window.shape == (n,)
        np.testing.assert_allclose(window, window[::-1], atol=1e-12)
        if n == 7:
            assert window[3] == pytest.approx(1.0, abs=1e-8)


# Samples of scipy.signal.get_window(name, 5, fftbins=False).
@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("tukey", [0.0, 1.0, 1.0]),
        ("triang", [1 / 3, 2 / 3, 1.0]),
        ("cosine", [0.309017, 0.809017, 1.0]),
        ("lanczos", [0.0, 0.63662, 1.0]),
        ("parzen", [0.016, 0.424, 1.0]),
        ("bohman", [0.0, 0.31831, 1.0]),
        ("nuttall", [0.000363, 0.226982, 1.0]),
        ("blackmanharris", [6e-05, 0.21747, 1.0]),
        ("flattop", [-0.000421, -0.054737, 1.0]),
        ("barthann", [0.0, 0.5, 1.0]),
    ],
)
def test_windows_have_the_samples_that_scipy_gives(name, samples):
    np.testing.assert_allclose(WINDOWS[name](5)[:3], samples, atol=1e-6)
