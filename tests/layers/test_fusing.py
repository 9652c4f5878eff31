"""Layers that run product, bias and activation as one op give the numbers of the single ops, to the last bit."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import eagerflow as ef
from eagerflow import ops
from eagerflow.core.observe import Observer, observing
from eagerflow.core.primitive import registry
from eagerflow.kernels.machine.threads import set_num_threads
from eagerflow.layers import Conv1D, Conv2D, Conv3D, Dense, EinsumDense
from eagerflow.ops.neural.fused import conv_bias, conv_transpose_bias, dense


class Names(Observer):
    """Hears of single ops."""

    def __init__(self):
        self.seen = []

    def on_op(self, op, inputs, settings, outputs, started, ended, error=None):
        self.seen.append(op.name)


def normal(seed, *shape, dtype="float32"):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def with_gradients(function, *arrays):
    """Outputs and gradients, as arrays."""
    xs = [ef.Tensor(a) for a in arrays]
    with ef.GradientTape() as tape:
        tape.watch(xs)
        out = function(*xs)
        total = (out * ef.Tensor(normal(5, *out.shape, dtype=out.dtype))).sum()
    return [part.numpy() for part in (out, *tape.gradient(total, xs))]


def assert_same(found, expected):
    for ours, wanted in zip(found, expected, strict=True):
        assert ours.dtype == wanted.dtype
        np.testing.assert_array_equal(ours, wanted)


def plain_dense(relu):
    def run(x, kernel, bias):
        out = ops.add(ops.matmul(x, kernel), bias)
        return ops.relu(out) if relu else out

    return run


@settings(max_examples=60, deadline=None)
@given(
    lead=st.sampled_from([(1,), (7,), (128,), (3, 50), (2, 3, 4), (0,), (9000,)]),
    inputs=st.integers(1, 40),
    units=st.sampled_from([1, 3, 16, 64, 100]),
    relu=st.booleans(),
    dtype=st.sampled_from(["float32", "float64", "float16"]),
)
def test_dense_is_product_bias_and_relu_to_the_last_bit(lead, inputs, units, relu, dtype):
    arrays = [normal(i, *shape, dtype=dtype) for i, shape in enumerate([(*lead, inputs), (inputs, units), (units,)])]
    found = with_gradients(lambda *xs: dense(*xs, relu), *arrays)
    assert_same(found, with_gradients(plain_dense(relu), *arrays))
    if dtype == "float32":
        try:
            set_num_threads(3)
            assert_same(with_gradients(lambda *xs: dense(*xs, relu), *arrays), found)
        finally:
            set_num_threads(None)


@settings(max_examples=60, deadline=None)
@given(
    lead=st.sampled_from([(1,), (33,), (2, 40), (700,)]),
    inputs=st.sampled_from([1, 30, 400]),
    units=st.sampled_from([1, 17, 100, 300]),
    relu=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_a_dense_layer_cut_into_parts_has_the_same_bits(lead, inputs, units, relu, dtype):
    arrays = [normal(i, *shape, dtype=dtype) for i, shape in enumerate([(*lead, inputs), (inputs, units), (units,)])]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("ALONE", 9), ("VECTORS", 3), ("PARTS", ((64, 1), (50_000, 2), (500_000, 3)))):
            patch.setattr(f"eagerflow.kernels.matrices.products.Products.{name}", value)
        found = with_gradients(lambda *xs: dense(*xs, relu), *arrays)
        assert_same(found, with_gradients(plain_dense(relu), *arrays))
        try:
            set_num_threads(3)
            assert_same(with_gradients(lambda *xs: dense(*xs, relu), *arrays), found)
        finally:
            set_num_threads(None)


CONVOLUTIONS = [
    ((2, 9, 10, 16), (3, 3, 16, 20), {"padding": "same"}),  # Winograd's
    ((1, 70, 80, 16), (3, 3, 16, 16), {}),  # in bands of one image
    ((2, 9, 10, 3), (3, 3, 3, 20), {"strides": 2, "padding": "same"}),
    ((3, 200, 200, 1), (5, 5, 1, 8), {}),  # many blocks
    ((2, 8, 8, 16), (3, 3, 4, 8), {"padding": "same"}),  # groups of few channels
    ((2, 8, 8, 128), (1, 1, 64, 8), {}),
    ((2, 20, 4), (5, 4, 6), {"padding": "causal", "dilation_rate": 2}),
    ((2, 5, 6, 7, 3), (2, 2, 2, 3, 4), {}),
    ((0, 8, 8, 4), (3, 3, 4, 4), {}),
]


TRANSPOSED = [
    ((2, 9, 10, 16), (3, 3, 20, 16), {"strides": 2, "padding": "same"}),  # four convolutions
    ((2, 9, 10, 16), (3, 3, 16, 16), {"padding": "same"}),  # one, by Winograd's algorithm
    ((1, 60, 70, 8), (3, 3, 4, 8), {"strides": 2}),  # many blocks
    ((2, 6, 7, 4), (2, 2, 3, 4), {"strides": 3}),  # pixels that no input reaches
    ((2, 6, 7, 1), (3, 3, 5, 1), {"strides": 2, "padding": "same"}),  # windows added where they lie
    ((2, 20, 4), (5, 6, 4), {"padding": "same", "dilation_rate": 2}),
    ((2, 3, 4, 5, 3), (2, 2, 2, 4, 3), {"strides": 2}),
    ((0, 8, 8, 4), (3, 3, 4, 4), {"strides": 2}),
]


def both_ways(fused, plain, size, kernel, how, first, dtype, relu):
    """Outputs and gradients of the fused op, and of convolution, bias and relu as single ops."""
    x = normal(1, *size, dtype=dtype)
    if first:
        x = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    how = {**how, "data_format": "channels_first" if first else "channels_last"}
    filters = kernel[-1] if plain is ops.conv else kernel[-2]
    arrays = [x, normal(2, *kernel, dtype=dtype), normal(3, filters, dtype=dtype)]

    def plainly(x, kernel, bias):
        bias = bias.reshape((-1,) + (1,) * (x.ndim - 2)) if first else bias
        out = plain(x, kernel, **how) + bias
        return ops.relu(out) if relu else out

    return with_gradients(lambda *xs: fused(*xs, **how, relu=relu), *arrays), with_gradients(plainly, *arrays)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("first", [False, True], ids=["channels_last", "channels_first"])
@pytest.mark.parametrize(("size", "kernel", "how"), CONVOLUTIONS)
def test_conv_bias_is_convolution_bias_and_relu_to_the_last_bit(size, kernel, how, first, dtype, relu):
    found, expected = both_ways(conv_bias, ops.conv, size, kernel, how, first, dtype, relu)
    assert_same(found[:3], expected[:3])
    np.testing.assert_allclose(found[3], expected[3], rtol=1e-5, atol=1e-4)
    if not first:
        assert_same(found[3:], expected[3:])


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("first", [False, True], ids=["channels_last", "channels_first"])
@pytest.mark.parametrize(("size", "kernel", "how"), TRANSPOSED)
def test_conv_transpose_bias_is_the_transposed_convolution_bias_and_relu_to_the_last_bit(
    size, kernel, how, first, dtype, relu
):
    found, expected = both_ways(conv_transpose_bias, ops.conv_transpose, size, kernel, how, first, dtype, relu)
    assert_same(found[:3], expected[:3])
    np.testing.assert_allclose(found[3], expected[3], rtol=1e-5, atol=1e-4)


def layers():
    return [
        ef.Sequential(
            [
                Conv2D(16, 3, activation="relu"),
                Conv2D(16, 3, activation="relu"),
                ef.layers.Flatten(),
                Dense(32, activation="relu"),
                Dense(8, activation="tanh"),
                Dense(3),
            ]
        ),
        ef.Sequential(
            [
                Conv2D(4, 3, strides=2, activation="gelu"),
                Conv2D(4, 1, use_bias=False, activation="relu"),
                ef.layers.Flatten(),
                Dense(3, use_bias=False, activation="relu"),
            ]
        ),
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_training_gives_the_same_bits_with_and_without_an_observer_who_hears_of_the_fused_ops(which):
    x, y = normal(1, 24, 14, 14, 3), np.arange(24) % 3

    def trained(observer):
        ef.utils.set_random_seed(3)
        model = layers()[which]
        model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
        if observer is None:
            model.fit(x, y, epochs=3, batch_size=8, verbose=0)
        else:
            with observing(observer):
                model.fit(x, y, epochs=3, batch_size=8, verbose=0)
        return model.get_weights()

    names = Names()
    for ours, wanted in zip(trained(None), trained(names), strict=True):
        assert ours.tobytes() == wanted.tobytes()
    assert "conv_bias" in names.seen
    assert ("dense" in names.seen) == (which == 0)  # the other model's has no bias


def test_second_order_gradients_go_through_the_fused_ops():
    layer, conv = Dense(4, activation="relu"), Conv2D(3, 3, activation="relu")
    x = ef.Tensor(normal(1, 2, 6, 6, 2))

    def penalty():
        with ef.GradientTape() as outer:
            outer.watch(x)
            with ef.GradientTape() as inner:
                inner.watch(x)
                loss = (layer(conv(x).reshape((2, -1))) ** 3).sum()
            slope = inner.gradient(loss, x)
            total = (slope * slope).sum()
        return [g.numpy() for g in outer.gradient(total, [x, *conv.weights, *layer.weights])]

    def plain(x, kernel, bias, *settings, **named):
        return registry["dense"].reference(x, kernel, bias, *settings, **named)

    def plain_conv(inputs, kernel, bias, *settings):
        return registry["conv_bias"].reference(inputs, kernel, bias, *settings)

    found = penalty() and penalty()
    with (
        mock.patch("eagerflow.layers.core.dense.dense", plain),
        mock.patch("eagerflow.layers.convolutional.conv.conv_bias", plain_conv),
    ):
        expected = penalty()
    for ours, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=2e-5, atol=1e-5)
    assert any(np.abs(g).max() > 0 for g in found)


@pytest.mark.parametrize(
    ("layer", "shape", "name"),
    [
        (Dense(3), (2, 4), "dense"),
        (Conv1D(3, 2), (2, 8, 4), "conv_bias"),
        (Conv2D(3, 2), (2, 8, 8, 4), "conv_bias"),
        (Conv3D(3, 2), (2, 4, 4, 4, 4), "conv_bias"),
        (ef.layers.Conv2DTranspose(3, 2), (2, 4, 4, 4), "conv_transpose_bias"),
    ],
)
@pytest.mark.parametrize("policy", ["float32", "float64", "float16", "bfloat16", "mixed_bfloat16"])
def test_layers_always_run_the_same_op(layer, shape, name, policy):
    layer = type(layer).from_config({**layer.get_config(), "dtype": policy})
    x = ef.Tensor(normal(1, *shape))
    names = Names()
    with observing(names):
        out = layer(x)
    assert out.dtype == layer.compute_dtype
    assert names.seen[-1] == name
    tolerance = 1e-5 if policy in ("float32", "float64") else 0.1
    wide = [ef.Tensor(np.asarray(ops.cast(v, "float64"))) for v in layer.weights]
    expected = registry[name].reference(*_arguments(name, ops.cast(x, "float64"), *wide))
    np.testing.assert_allclose(ops.cast(out, "float64").numpy(), expected.numpy(), rtol=tolerance, atol=tolerance)


def _arguments(name, *arrays):
    if name == "dense":
        return *arrays, False
    return (*arrays, 1, "valid", *([None] if name == "conv_transpose_bias" else []), None, 1, False)


def test_a_subclass_that_changes_the_convolution_keeps_its_own():
    class Doubled(Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel * 2)

    layer = Doubled(3, 3)
    x = ef.Tensor(normal(1, 2, 6, 6, 2))
    np.testing.assert_array_equal(layer(x).numpy(), ops.conv(x, layer.kernel * 2).numpy())


def test_a_variable_changed_after_the_call_does_not_change_the_gradient():
    layer = Dense(3, activation="relu")
    x = ef.Tensor(normal(1, 2, 4))
    layer(x)
    with ef.GradientTape() as tape:
        tape.watch(x)
        out = layer(x).sum()
    expected = (layer(x).numpy() > 0).astype("float32") @ layer.kernel.numpy().T
    layer.kernel.assign(layer.kernel * 0)
    np.testing.assert_allclose(tape.gradient(out, x).numpy(), expected, rtol=1e-6)


def test_the_fused_ops_are_registered_with_their_references():
    assert registry["dense"].reference is not None
    assert registry["conv_bias"].reference is not None
    assert registry["conv_transpose_bias"].reference is not None


@pytest.mark.parametrize("activation", [None, "relu", "gelu"])
@pytest.mark.parametrize(
    ("equation", "shape", "output", "bias_axes", "is_dense"),
    [
        ("abc,cde->abde", (3, 5, 8), (None, 2, 4), "de", True),
        ("abcd,cde->abe", (3, 5, 2, 4), (None, 6), "e", True),
        ("...x,xy->...y", (3, 5, 8), 7, "y", True),
        ("abc,cd->abd", (0, 5, 8), (None, 3), "d", True),
        ("abc,cde->abde", (3, 5, 8), (None, 2, 4), "e", False),  # a bias for all heads
        ("abc,cde->abde", (3, 5, 8), (None, 2, 4), None, False),
        ("abc,bde->acde", (3, 5, 8), (8, 2, 4), "cde", False),
        ("ab...,bc->ac...", (2, 3, 4), (5,), "c", False),
    ],
)
def test_an_equation_that_says_dense_runs_as_one_op(equation, shape, output, bias_axes, is_dense, activation):
    layer = EinsumDense(equation, output, activation, bias_axes, bias_initializer="normal")
    x = normal(1, *shape)
    layer.build(shape)
    names = Names()
    with observing(names):
        made = layer(x)
    assert ("dense" in names.seen) == is_dense
    assert is_dense != ("matmul" in names.seen)

    def single_ops(x, kernel, bias=0.0):
        out = ops.einsum(equation, x, kernel) + bias
        return out if layer.activation is None else layer.activation(out)

    def as_layer(x, *weights):
        with ef.StatelessScope(list(zip(layer.weights, weights))):
            return layer(x)

    weights = [w.numpy() for w in layer.weights]
    assert_same(with_gradients(as_layer, x, *weights), with_gradients(single_ops, x, *weights))
    np.testing.assert_array_equal(made, single_ops(x, *weights))
