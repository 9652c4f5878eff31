"""Bad arguments and inputs get errors that name the layer, what was expected and what came."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from eagerflow import Sequential, layers as L
from eagerflow.core.tensor import Tensor
from tests.mistakes.checking import check


def floats(*shape):
    return np.ones(shape, "float32")


ARGUMENTS = [
    (lambda: L.Dense(-1), "Dense(units=-1): expected a positive integer"),
    (lambda: L.Dense(2.5), "Dense(units=2.5)"),
    (lambda: L.Dense(True), "Dense(units=True)"),
    (lambda: L.Dense(3, activation="rellu"), "Did you mean 'relu'?"),
    (lambda: L.Dense(3, kernel_regularizer="l1__l2"), "Did you mean 'l1_l2'?"),
    (lambda: L.Dense(3, lora_rank=-4), "Dense(lora_rank=-4)"),
    (lambda: L.Dense(3, unit=4), "Did you mean 'units'?"),
    (lambda: L.Activation("sigmod"), "Did you mean 'sigmoid'?"),
    (lambda: L.ReLU(max_value=-1), "ReLU(max_value=-1)"),
    (lambda: L.LeakyReLU(-0.1), "negative_slope=-0.1"),
    (lambda: L.Dropout(1.5), "Dropout(rate=1.5): expected a number from 0 to 1"),
    (lambda: L.Dropout("half"), "Dropout(rate='half')"),
    (lambda: L.Dropout(0.5, noise_shape=3), "noise_shape=3"),
    (lambda: L.GaussianNoise(-1), "GaussianNoise(stddev=-1)"),
    (lambda: L.GaussianDropout(1.0), "infinite"),
    (lambda: L.Flatten(data_format="last"), "Flatten(data_format='last')"),
    (lambda: L.Reshape((-1, -1)), "Reshape(target_shape=(-1, -1))"),
    (lambda: L.Reshape(3), "Reshape(target_shape=3)"),
    (lambda: L.Permute((0, 1)), "Permute(dims=(0, 1))"),
    (lambda: L.RepeatVector(0), "RepeatVector(n=0)"),
    (lambda: L.Lambda(3), "Lambda(function=3)"),
    (lambda: L.Conv2D(0, 3), "Conv2D(filters=0)"),
    (lambda: L.Conv2D(4, 0), "Conv2D(kernel_size=0)"),
    (lambda: L.Conv2D(4, (3, 3, 3)), "Conv2D(kernel_size=(3, 3, 3)): expected an integer of at least 1, or 2"),
    (lambda: L.Conv2D(4, 3, padding="some"), "Did you mean 'same'?"),
    (lambda: L.Conv2D(4, 3, padding="causal"), "padding='causal'"),
    (lambda: L.Conv2D(4, 3, strides=2, dilation_rate=2), "one of them must"),
    (lambda: L.Conv2D(4, 3, groups=3), "groups=3"),
    (lambda: L.Conv2D(4, 3, data_format="channel_first"), "Did you mean 'channels_first'?"),
    (lambda: L.Conv2DTranspose(4, 3, output_padding=-1), "output_padding=-1"),
    (lambda: L.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier=0"),
    (lambda: L.MaxPooling2D(0), "MaxPooling2D(pool_size=0)"),
    (lambda: L.MaxPooling2D(padding="full"), "padding='full'"),
    (lambda: L.BatchNormalization(momentum=2), "momentum=2"),
    (lambda: L.BatchNormalization(axis="last"), "axis='last'"),
    (lambda: L.BatchNormalization(renorm=True, renorm_clipping={"max": 1}), "renorm_clipping={'max': 1}"),
    (lambda: L.LayerNormalization(axis=1.5), "axis=1.5"),
    (lambda: L.GroupNormalization(0), "groups=0"),
    (lambda: L.Embedding(0, 3), "Embedding(input_dim=0)"),
    (lambda: L.Embedding(5, -3), "Embedding(output_dim=-3)"),
    (lambda: L.LSTM(0), "(units=0)"),
    (lambda: L.LSTM(3, dropout=2.0), "(dropout=2.0)"),
    (lambda: L.GRU(3, use_cudnn="yes"), "use_cudnn='yes'"),
    (lambda: L.RNN(L.Dense(3)), "state_size"),
    (lambda: L.ZeroPadding2D((1, 2, 3)), "padding=(1, 2, 3)"),
    (lambda: L.ZeroPadding2D(-1), "padding=-1"),
    (lambda: L.Cropping1D(-1), "cropping=-1"),
    (lambda: L.UpSampling2D(0), "size=0"),
    (lambda: L.UpSampling2D(2, interpolation="linear"), "Did you mean 'bilinear'?"),
    (lambda: L.Dot(0), "Dot(axes=0)"),
    (lambda: L.Concatenate(axis="last"), "axis='last'"),
    (lambda: L.AdaptiveMaxPooling2D(0), "output_size=0"),
]
INPUTS = [
    (lambda: L.Dense(3)(floats(4)), "Dense"),
    (
        lambda: L.Conv2D(4, 3, name="c")(floats(8, 8, 3)),
        'Conv2D "c" expects inputs that have 4 axes; got float32[8, 8, 3]. The batch axis is missing: use x[None].',
    ),
    (lambda: L.Conv2D(4, 5, name="c")(floats(1, 4, 4, 3)), "don't fit into inputs of shape (None, 4, 4, 3)"),
    (
        lambda: L.Conv2D(4, 3, groups=2)(floats(1, 4, 4, 3)),
        "the 3 channels of inputs of shape (1, 4, 4, 3) don't divide into 2 groups",
    ),
    (lambda: L.MaxPooling2D(5)(floats(1, 4, 4, 3)), "doesn't fit"),
    (lambda: L.Reshape((5, -1))(floats(2, 6)), "don't fill target_shape=(5, -1)"),
    (lambda: L.Permute((2, 1))(floats(2, 6)), "3 axes"),
    (lambda: L.BatchNormalization(axis=3)(floats(2, 6)), "BatchNormalization"),
    (lambda: L.LayerNormalization(axis=3)(floats(2, 6)), "axis=3"),
    (lambda: L.GroupNormalization(4)(floats(2, 6)), "4 groups don't divide the 6 channels"),
    (lambda: L.LSTM(3, name="l")(floats(2, 6)), 'LSTM "l" expects inputs that have 3 axes'),
    (lambda: L.LSTM(3)(floats(2, 4, 6), initial_state=[floats(2, 3)]), "expected 2 tensor(s); got 1"),
    (lambda: L.LSTM(3)(floats(2, 4, 6), initial_state=[floats(2, 3), floats(2, 5)]), "(2, 3); got (2, 5)"),
    (lambda: L.LSTM(3)(floats(2, 4, 6), mask=np.ones((2, 5), bool)), "mask: expected the shape (batch, time)"),
    (lambda: L.Dense(3, name="d")(3.0), 'Dense "d" expects inputs that have at least 2 axes'),
    (lambda: L.Add()(floats(2, 3)), "list of inputs"),
    (lambda: L.Add()([floats(2, 3), floats(2, 4)]), "shapes that broadcast"),
    (lambda: L.Add()([floats(2, 3), floats(4, 3)]), "batches of one size"),
    (lambda: L.Subtract()([floats(2, 3)] * 3), "exactly 2 inputs; got 3"),
    (lambda: L.Concatenate(axis=1)([floats(2, 3, 4), floats(2, 3, 5)]), "along that axis only"),
    (lambda: L.Dot(1)([floats(2, 3), floats(2, 4)]), "equal lengths"),
    (lambda: L.Cropping1D(3)(floats(2, 5, 1)), "leaves nothing"),
    (lambda: L.BatchNormalization()(floats(2, 3, 4), training=True, mask=floats(2)), "mask of shape"),
]


@pytest.mark.parametrize(("call", "words"), ARGUMENTS, ids=[w for _, w in ARGUMENTS])
def test_arguments(call, words):
    check((call, (ValueError, TypeError), (words,)))


@pytest.mark.parametrize(("call", "words"), INPUTS, ids=[w for _, w in INPUTS])
def test_inputs(call, words):
    check((call, ValueError, (words,)))


def test_a_layer_keeps_the_size_of_its_first_input():
    layer = L.Dense(3, name="hidden")
    layer(floats(2, 4))
    with pytest.raises(ValueError, match='Dense "hidden" expects inputs that have length 4 at axis -1'):
        layer(floats(2, 5))


@pytest.mark.parametrize("index", [5, -1])
def test_embedding_refuses_integers_outside_its_range(index):
    with pytest.raises(IndexError, match=r'Embedding "e" has vectors for 0 to 4 \(input_dim=5\)'):
        L.Embedding(5, 2, name="e")(Tensor([[0, index]]))


def test_unknown_layers_get_a_hint():
    with pytest.raises(ValueError, match="Did you mean 'Dense'"):
        L.deserialize({"class_name": "Dence", "config": {}})


def test_lambda_code_from_files_is_not_run():
    config = {"function": {"class_name": "__lambda__", "config": {"code": "4wEAAA=="}}, "arguments": {}}
    with pytest.raises(ValueError, match="doesn't run"):
        L.Lambda.from_config(config)


def test_stateful_layers_keep_their_batch_size():
    layer = L.LSTM(3, stateful=True)
    layer(floats(2, 4, 1))
    with pytest.raises(ValueError, match="batch of 2; got a batch of 3"):
        layer(floats(3, 4, 1))


@pytest.mark.parametrize("given", [None, "text", object()])
@pytest.mark.parametrize("make", [lambda: L.Dense(3), lambda: L.LSTM(3), lambda: L.BatchNormalization()])
def test_what_is_no_tensor_is_refused_by_the_layer(make, given):
    with pytest.raises(TypeError, match=r"(expects tensors or arrays|got no tensor)"):
        make()(given)


def test_built_layers_refuse_none():
    layer = L.Dense(3, name="d")
    layer(floats(2, 4))
    with pytest.raises(TypeError, match='Dense "d" expects tensors or arrays; got None'):
        layer(None)


def test_build_without_a_shape_is_called_without_one():
    class Shift(L.Layer):
        def build(self):
            self.shift = self.add_weight(shape=(2,), name="shift")

        def call(self, inputs):
            return inputs + self.shift

    assert Shift()(floats(3, 2)).shape == (3, 2)


@pytest.mark.parametrize("name", ["weights", "trainable_weights", "trainable_variables"])
def test_asking_for_a_weight_of_what_is_not_built_says_so(name):
    model = Sequential([L.Dense(3, name="first")], name="net")
    for holder, called in ((model, 'Sequential "net"'), (model.layers[0], 'Dense "first"')):
        found = getattr(holder, name)
        assert found == []
        assert found[:1] == []
        assert copy.deepcopy(found) == []
        with pytest.raises(IndexError, match=f"^{called} has no weights yet: .* build"):
            found[0]
    model.build((None, 2))
    assert getattr(model, name)[0].shape == (2, 3)
    with pytest.raises(IndexError, match="out of range"):
        getattr(model, name)[2]
    with pytest.raises(IndexError, match="out of range"):
        getattr(L.ReLU(), name)[0]
