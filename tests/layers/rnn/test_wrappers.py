"""Layers around layers, and their errors. Their numbers are compared with Keras in test_layers_match_keras."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import layers as L
from eagerflow.core.tensor import Tensor
from eagerflow.layer.tensor_masks import get_mask


def floats(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_bidirectional_is_both_directions():
    x = floats(2, 5, 3)
    layer = L.Bidirectional(L.GRU(4, return_sequences=True))
    out = layer(x).numpy()
    reverse = layer.backward_layer
    assert reverse.go_backwards
    assert layer.forward_layer.name.startswith("forward_gru")
    np.testing.assert_allclose(out[..., :4], layer.forward_layer(x).numpy())
    np.testing.assert_allclose(out[..., 4:], reverse(x).numpy()[:, ::-1])
    assert len(layer.weights) == 6


def test_bidirectional_masks():
    embed = L.Embedding(5, 3, mask_zero=True)
    tokens = np.array([[3, 1, 0], [1, 2, 4]])
    out = L.Bidirectional(L.LSTM(4, return_sequences=True))(embed(tokens))
    assert get_mask(out).numpy().tolist() == (tokens != 0).tolist()
    assert not out.numpy()[0, 2].any()
    assert get_mask(L.Bidirectional(L.LSTM(4))(embed(tokens))) is None


def test_bidirectional_stateful():
    layer = L.Bidirectional(L.LSTM(3, stateful=True))
    first = layer(floats(2, 4, 3)).numpy()
    assert not np.allclose(first, layer(floats(2, 4, 3)).numpy())
    layer.reset_state()
    np.testing.assert_allclose(first, layer(floats(2, 4, 3)).numpy())
    assert len(layer.states) == 4


@pytest.mark.parametrize("merge_mode", ["concat", None])
def test_bidirectional_with_states(merge_mode):
    layer = L.Bidirectional(L.LSTM(3, return_state=True), merge_mode=merge_mode)
    found = layer(floats(2, 4, 3))
    assert [tuple(f.shape) for f in found] == list(layer.compute_output_shape((2, 4, 3)))


def test_time_distributed_passes_masks_and_training():
    layer = L.TimeDistributed(L.Dropout(0.5))
    assert np.array_equal(layer(np.ones((2, 3, 4), "float32")).numpy(), np.ones((2, 3, 4)))
    assert not np.array_equal(layer(np.ones((2, 3, 4), "float32"), training=True).numpy(), np.ones((2, 3, 4)))
    x = L.Embedding(5, 3, mask_zero=True)(np.array([[1, 0]]))
    assert get_mask(L.TimeDistributed(L.Dense(2))(x)).numpy().tolist() == [[True, False]]


def test_spectral_normalization_brings_the_largest_singular_value_to_one():
    layer = L.SpectralNormalization(L.Dense(6, kernel_initializer="random_normal"), power_iterations=50)
    x = floats(2, 5)
    layer(x)
    layer(x, training=True)
    assert abs(np.linalg.norm(layer.layer.kernel.numpy(), 2) - 1) < 1e-3
    kernel = layer.layer.kernel.numpy()
    layer(x, training=False)
    assert np.array_equal(kernel, layer.layer.kernel.numpy())
    assert [v.name for v in layer.non_trainable_weights] == ["vector_u"]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_spectral_normalization_keeps_all_digits_of_kernels_in_mixed_precision(policy):
    mixed, plain = (L.SpectralNormalization(L.Dense(6, dtype=own), dtype=own) for own in (policy, "float32"))
    x = floats(2, 5)
    mixed(x)
    plain(x)
    mixed.set_weights(plain.get_weights())
    for _ in range(3):
        assert mixed(x, training=True).dtype.name == policy.removeprefix("mixed_")
        plain(x, training=True)
    for one, other in zip(mixed.get_weights(), plain.get_weights(), strict=True):
        assert one.dtype == "float32"
        assert np.array_equal(one, other)


def test_configurations():
    for layer in (
        L.Bidirectional(L.LSTM(3), merge_mode="sum"),
        L.TimeDistributed(L.Dense(3, activation="relu")),
        L.SpectralNormalization(L.Dense(3)),
    ):
        again = L.deserialize(L.serialize(layer))
        assert type(again) is type(layer)
        assert again.get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: L.Bidirectional(3), "Bidirectional(layer=3)"),
        (lambda: L.Bidirectional(L.LSTM(3), merge_mode="conct"), "Did you mean 'concat'?"),
        (lambda: L.Bidirectional(L.LSTM(3), backward_layer=L.LSTM(3)), "go the same way"),
        (
            lambda: L.Bidirectional(L.LSTM(3), backward_layer=L.LSTM(3, go_backwards=True, return_sequences=True)),
            "differ in return_sequences",
        ),
        (lambda: L.TimeDistributed("dense"), "TimeDistributed(layer='dense')"),
        (lambda: L.TimeDistributed(L.Dense(2))(floats(2, 3)), "at least 3 axes"),
        (lambda: L.TimeDistributed(L.Dense(2))(floats(2, 3, 4), mask=Tensor([[True]])), "mask of shape (2, 3)"),
        (lambda: L.SpectralNormalization(L.Flatten())(floats(2, 3)), "has none"),
        (lambda: L.SpectralNormalization(L.Dense(2), power_iterations=0), "power_iterations=0"),
        (lambda: L.EinsumDense("ab,bc", 3), "equation='ab,bc'"),
        (lambda: L.EinsumDense("ab,bc->ac", (3, 4))(floats(2, 3)), "doesn't fit inputs of shape (2, 3)"),
        (lambda: L.EinsumDense("ab,bc->ac", 3, bias_axes="x")(floats(2, 3)), "no axis of the output"),
        (lambda: L.EinsumDense("ab,bc->ac", None)(floats(2, 3)), "one known length"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)
    assert len(str(caught.value)) <= 500
