"""Masks find their way whether tensors are passed by position or by name, and by Keras' name for the slot."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers

IDS = np.array([[1, 2, 0], [3, 0, 0]])


def embedded():
    return layers.Embedding(5, 4, mask_zero=True)(IDS)


@pytest.mark.parametrize(
    ("layer", "names"),
    [
        (layers.MultiHeadAttention(2, 2), ("query", "value")),
        (layers.GroupQueryAttention(2, 2, 1), ("query", "value")),
        (layers.LSTM(3), ("sequences",)),
        (layers.GRU(3), ("sequences",)),
        (layers.SimpleRNN(3), ("sequences",)),
        (layers.RNN(layers.LSTMCell(3)), ("sequences",)),
        (layers.Bidirectional(layers.GRU(2)), ("sequences",)),
        (layers.TimeDistributed(layers.Dense(2)), ("inputs",)),
        (layers.GlobalAveragePooling1D(), ("inputs",)),
        (layers.BatchNormalization(), ("inputs",)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, layers.Layer) else "",
)
def test_a_layer_uses_the_masks_of_tensors_passed_by_name(layer, names):
    x = embedded()
    expected = layer(*[x] * len(names))
    np.testing.assert_array_equal(layer(**dict.fromkeys(names, x)), expected)
    bare = ef.Tensor(x.numpy())
    if isinstance(layer, (layers.LSTM, layers.GRU, layers.MultiHeadAttention, layers.GlobalAveragePooling1D)):
        assert np.abs(layer(*[bare] * len(names)) - expected).max() > 1e-4  # so the mask matters


def test_some_by_position_and_some_by_name_find_their_masks_too():
    x = embedded()
    layer = layers.MultiHeadAttention(2, 2)
    np.testing.assert_array_equal(layer(x, value=x), layer(x, x))


def test_a_functional_model_uses_the_masks_of_tensors_passed_by_name():
    ids = ef.Input((3,))
    x = layers.Embedding(5, 4, mask_zero=True)(ids)
    lstm = layers.LSTM(3)
    by_name, by_position = ef.Model(ids, lstm(sequences=x)), ef.Model(ids, lstm(x))
    np.testing.assert_array_equal(by_name(IDS), by_position(IDS))


def test_the_mask_goes_on_to_the_outputs_of_a_call_by_name():
    x = embedded()
    assert layers.Dropout(0.5)(inputs=x)._keras_mask.tolist() == (IDS != 0).tolist()


def test_a_mask_given_by_the_caller_goes_on_to_the_outputs():
    class Passing(layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, inputs, mask=None):
            return inputs * 2.0

    mask = ef.Tensor([True, False])
    assert Passing()(ef.ops.ones((2, 3)), mask=mask)._keras_mask is mask


def test_the_slot_has_the_name_that_keras_gives_it():
    x = ef.ops.ones((2, 3))
    assert x._keras_mask is None
    x._keras_mask = ef.Tensor([[True, False, True], [True, True, True]])
    pooled = layers.GlobalAveragePooling1D()(ef.ops.ones((2, 3, 1)))
    assert pooled._keras_mask is None
    assert layers.Dropout(0.1)(x)._keras_mask is x._keras_mask


def test_inputs_passed_by_name_are_checked_as_well():
    layer = layers.Dense(2)
    layer.build((None, 3))
    with pytest.raises(ValueError, match="length 3 at axis -1"):
        layer(inputs=ef.ops.ones((2, 4)))


def test_a_symbolic_tensor_tells_the_mask_it_will_have():
    ids = ef.Input((3,), dtype="int32")
    other = ef.Input((3, 4))
    x = layers.Concatenate(axis=1)([layers.Dropout(0.5)(layers.Embedding(5, 4, mask_zero=True)(ids)), other])
    assert x._keras_mask.shape == (None, 6)
    assert layers.Flatten()(other)._keras_mask is None
    assert layers.Flatten()(layers.Embedding(5, 4, mask_zero=True)(ids))._keras_mask is None
    model = ef.Model([ids, other], x._keras_mask)
    assert model([IDS, np.ones((2, 3, 4))]).tolist() == [[1, 1, 0, 1, 1, 1], [1, 0, 0, 1, 1, 1]]


def test_models_tell_the_mask_of_their_outputs():
    ids = ef.Input((3,), dtype="int32")
    inner = ef.Model(ids, layers.Embedding(5, 4, mask_zero=True)(ids))
    assert inner.compute_mask(IDS, None).tolist() == (IDS != 0).tolist()
    outer = ef.Input((3,), dtype="int32")
    assert ef.Model(outer, inner(outer)._keras_mask)(IDS).tolist() == (IDS != 0).tolist()
    assert layers.Dropout(0.5).compute_mask(embedded()) is None
    ids = ef.Input((3,))
    model = ef.Model(ids, layers.Embedding(5, 4, mask_zero=True)(ids))
    assert model.compute_mask(IDS).tolist() == (IDS != 0).tolist()
    assert model.layers[-1].compute_mask(IDS).tolist() == (IDS != 0).tolist()


def test_a_mask_put_on_a_symbolic_tensor_reaches_the_layers_behind():
    x, kept = ef.Input((3, 2)), ef.Input((3,), dtype="bool")
    x._keras_mask = kept
    model = ef.Model([x, kept], layers.GlobalAveragePooling1D()(layers.Dropout(0.5)(x)))
    data = np.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]], "float32")
    assert model([data, np.array([[True, True, False]])]).tolist() == [[2.0, 3.0]]


@pytest.mark.parametrize("heads", [1, 2])
def test_a_mask_with_an_axis_of_heads_goes_with_those_of_the_tensors(heads):
    """Batch and heads have the same length here, and would broadcast against each other."""
    attention, x = layers.MultiHeadAttention(2, 3), embedded()
    given = np.random.default_rng(0).random((2, heads, 3, 3)) < 0.7
    given[..., 0] = True
    live = IDS != 0
    both = given & live[:, None, None, :] & live[:, None, :, None]
    plain = ef.ops.stop_gradient(x)
    expected = attention(plain, plain, attention_mask=np.broadcast_to(both, (2, 2, 3, 3)))
    np.testing.assert_allclose(
        attention(x, x, attention_mask=given).numpy()[live], expected.numpy()[live], rtol=1e-5, atol=1e-6
    )
