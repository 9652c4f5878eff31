"""Attention layers beyond their numbers, which are compared with Keras in test_layers_match_keras."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import layers as L
from eagerflow.core.tensor import Tensor
from eagerflow.layer.tensor_masks import get_mask


def floats(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def masked(x, mask):
    tensor = Tensor(x)
    tensor.mask = Tensor(np.array(mask))
    return tensor


@pytest.mark.parametrize("make", [L.Attention, L.AdditiveAttention])
def test_masked_values_are_not_seen_and_masked_queries_give_zeros(make):
    query, value = floats(1, 2, 4), floats(1, 3, 4, seed=1)
    layer = make()
    out = layer([masked(query, [[True, False]]), masked(value, [[True, True, False]])])
    np.testing.assert_allclose(out.numpy()[:, 0], layer([query, value[:, :2]]).numpy()[:, 0], rtol=1e-5)
    assert not out.numpy()[0, 1].any()
    assert get_mask(out).numpy().tolist() == [[True, False]]


def test_multi_head_attention_leaves_masked_values_out():
    query, value = floats(1, 2, 4), floats(1, 3, 4, seed=1)
    layer = L.MultiHeadAttention(2, 3)
    out = layer(masked(query, [[True, True]]), masked(value, [[True, True, False]]))
    np.testing.assert_allclose(out.numpy(), layer(query, value[:, :2]).numpy(), rtol=1e-5, atol=1e-6)
    assert get_mask(out).numpy().tolist() == [[True, True]]


def test_the_two_ways_of_computing_agree():
    """One op for plain calls; scores, softmax and means one by one where the weights are asked for."""
    x = floats(2, 5, 6)
    layer = L.MultiHeadAttention(3, 2)
    for settings in ({}, {"use_causal_mask": True}, {"attention_mask": np.tril(np.ones((2, 5, 5), bool))}):
        out, weights = layer(x, x, return_attention_scores=True, **settings)
        np.testing.assert_allclose(out.numpy(), layer(x, x, **settings).numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(weights.numpy().sum(axis=-1), np.ones((2, 3, 5)), rtol=1e-5)
        if settings:
            assert not np.triu(weights.numpy(), 1).any()


def test_dropout_is_for_training():
    x = floats(2, 5, 6)
    for layer in (L.MultiHeadAttention(3, 2, dropout=0.5, seed=1), L.Attention(dropout=0.5, seed=1)):
        inputs = (x, x) if isinstance(layer, L.MultiHeadAttention) else ([x, x],)
        plain = layer(*inputs).numpy()
        np.testing.assert_array_equal(plain, layer(*inputs, training=False).numpy())
        assert not np.allclose(plain, layer(*inputs, training=True).numpy())


def test_symbolic_inputs():
    query, value = L.Input((None, 6)), L.Input((7, 4))
    out, weights = L.MultiHeadAttention(2, 3, output_shape=5)(query, value, return_attention_scores=True)
    assert (out.shape, weights.shape) == ((None, None, 5), (None, 2, None, 7))
    out, weights = L.Attention()([query, L.Input((7, 6))], return_attention_scores=True)
    assert (out.shape, weights.shape) == ((None, None, 6), (None, None, 7))


@pytest.mark.parametrize("layer", [L.Attention(use_scale=True), L.AdditiveAttention(), L.MultiHeadAttention(2, 3)])
def test_configurations(layer):
    again = L.deserialize(L.serialize(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: L.Attention(score_mode="dots"), "Did you mean 'dot'?"),
        (lambda: L.Attention(dropout=2), "dropout=2"),
        (lambda: L.Attention()([floats(1, 2, 3)]), "[query, value]"),
        (lambda: L.MultiHeadAttention(0, 3), "num_heads=0"),
        (lambda: L.MultiHeadAttention(2, 3, sliding_window=0), "sliding_window=0"),
        (lambda: L.MultiHeadAttention(2, 3)(floats(1, 2, 4), floats(1, 3, 4), key=floats(1, 2, 4)), "equal lengths"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)
    assert len(str(caught.value)) <= 500
