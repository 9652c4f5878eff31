"""Kernels for GPUs give what ops give on the CPU, both ways, in both types; they are asked, not gone around.

On the stand-in for CuPy, which runs them on the CPU, and on a GPU under `make test-gpu`. There, slow cases run, too.
"""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.core.device import load_cupy
from eagerflow.kernels.gpu import convolution, products
from eagerflow.ops.neural.crossentropy import sparse_softmax_crossentropy
from eagerflow.ops.neural.fused import conv_bias, conv_transpose_bias, dense
from eagerflow.ops.neural.normalization import layer_norm, normalize_batch
from eagerflow.ops.sequences.recurrent import gru, lstm, simple_rnn
from eagerflow.ops.sequences.recurrent_pairs import gru_pair, lstm_pair
from tests.stand_in.kernels import compiler

pytestmark = pytest.mark.usefixtures("kernels")

TYPES = ("float32", "float64")
slow = pytest.mark.slow
# Each kernel takes a while to compile for each type, and is the same text in both.
ONE_TYPE_FIRST = ("float32", pytest.param("float64", marks=slow))


def numbers(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def both_ways(function, arrays, watched, device, dtype):
    """What a function gives on a device, and the gradients of its parts, weighted by numbers of their own."""
    with ef.device(device):
        given = [
            None if a is None else ef.Tensor(np.asarray(a, dtype if np.asarray(a).dtype.kind == "f" else None))
            for a in arrays
        ]
        inputs = [given[i] for i in watched]
        with ef.GradientTape() as tape:
            tape.watch(inputs)
            found = ef.tree.flatten(function(*given))
            total = sum(ops.sum(part * numbers(*part.shape, seed=3).astype(dtype)) for part in found)
        slopes = tape.gradient(total, inputs)
    return [part.numpy() for part in found], [None if g is None else g.numpy() for g in slopes]


def check(function, arrays, dtype, watched=None, tolerance=None):
    watched = [i for i, a in enumerate(arrays) if a is not None and a.dtype.kind == "f"] if watched is None else watched
    tolerance = tolerance or {"float32": 3e-4, "float64": 1e-10}[dtype]
    found, expected = (both_ways(function, arrays, watched, where, dtype) for where in ("gpu:0", "cpu"))
    for mine, theirs in zip(found, expected, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            assert a.dtype == b.dtype
            scale = max(1.0, float(np.abs(b).max(initial=0)))
            np.testing.assert_allclose(a / scale, b / scale, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3, 4), (4, 5)),
        ((1, 7), (7, 1)),
        ((64, 300), (300, 33)),
        ((2, 3, 4), (4, 5)),
        ((6, 3, 4), (6, 4, 2)),
        ((2, 3, 5, 4), (2, 3, 4, 6)),
        ((1, 3, 4), (5, 4, 2)),
        ((4,), (4, 3)),
        ((0, 4), (4, 3)),
        ((3, 0), (0, 2)),
    ],
)
def test_products(left, right, dtype):
    check(ops.matmul, [numbers(*left), numbers(*right)], dtype)


@pytest.mark.parametrize("dtype", TYPES)
def test_products_of_views(dtype):
    a, b = numbers(6, 8), numbers(6, 10)
    check(lambda a, b: ops.transpose(a)[1:7:2] @ b[:, 1:9], [a, b], dtype)
    check(lambda a, b: a[::2, ::2] @ ops.transpose(b[:4, ::3]), [numbers(6, 8), numbers(6, 12)], dtype)
    check(lambda a, b: ops.swapaxes(a, 0, 1) @ ops.swapaxes(b, -1, -2), [numbers(3, 2, 4), numbers(2, 5, 4)], dtype)
    check(lambda a, b: ops.broadcast_to(a, (5, 4)) @ b, [numbers(1, 4), numbers(4, 3)], dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", [(300, 20), (4, 5, 20), (1, 20)])
def test_dense(shape, relu, dtype):
    arrays = [numbers(*shape), numbers(20, 7), numbers(7)]
    check(lambda x, kernel, bias: dense(x, kernel, bias, relu=relu), arrays, dtype)


CONVOLUTIONS = {
    "1d": ((3, 20, 3), (4, 3, 5), {}),
    "causal": ((3, 20, 4), (3, 4, 5), {"padding": "causal", "dilation_rate": 2}),
    "same": ((2, 9, 8, 4), (3, 3, 4, 8), {"padding": "same"}),
    "odd channels": ((2, 9, 8, 3), (3, 2, 3, 5), {"padding": "same"}),
    "strides": ((2, 11, 9, 4), (3, 3, 4, 6), {"padding": "same", "strides": 2}),
    "valid strides": ((2, 11, 9, 5), (2, 3, 5, 6), {"strides": (2, 3)}),
    "dilated": ((2, 11, 9, 4), (3, 3, 4, 6), {"dilation_rate": (2, 1)}),
    "pointwise": ((2, 5, 6, 8), (1, 1, 8, 4), {}),
    "pointwise strides": ((2, 5, 6, 8), (1, 1, 8, 4), {"strides": 2}),
    "3d": ((2, 5, 6, 7, 2), (3, 2, 3, 2, 3), {"padding": "same"}),
    "groups": ((2, 6, 6, 4), (3, 3, 2, 6), {}),
    "no images": ((0, 6, 6, 4), (3, 3, 4, 6), {}),
    "channels first": ((2, 4, 9, 8), (3, 3, 4, 5), {"data_format": "channels_first", "padding": "same"}),
}

# Those that differ in the kernels' text.
FIRST = {"causal", "odd channels", "strides", "pointwise", "3d", "groups", "no images", "channels first"}


@pytest.mark.parametrize("dtype", ONE_TYPE_FIRST)
@pytest.mark.parametrize("name", [name if name in FIRST else pytest.param(name, marks=slow) for name in CONVOLUTIONS])
def test_convolutions(name, dtype):
    shape, kernel, settings = CONVOLUTIONS[name]
    arrays = [numbers(*shape), numbers(*kernel)]
    check(lambda x, k: ops.conv(x, k, **settings), arrays, dtype)
    arrays.append(numbers(kernel[-1]))
    check(lambda x, k, b: conv_bias(x, k, b, **settings), arrays, dtype)
    check(lambda x, k, b: conv_bias(x, k, b, relu=True, **settings), arrays, dtype)


def test_images_that_lie_where_no_vector_may_begin():
    def function(flat, kernel):
        return ops.conv(ops.reshape(flat[1:], (2, 5, 5, 4)), kernel)

    check(function, [numbers(201), numbers(3, 3, 4, 6)], "float32")


@pytest.mark.parametrize("rows", [1, 2])
def test_convolutions_of_some_images_at_a_time(rows, monkeypatch):
    monkeypatch.setattr(convolution, "_BLOCK", rows * 16 * 9 * 4 * 4)
    check(lambda x, k: ops.conv(x, k, padding="same"), [numbers(5, 4, 4, 4), numbers(3, 3, 4, 6)], "float32")
    check(lambda x, k: ops.conv(x, k), [numbers(5, 4, 4, 36), numbers(1, 1, 36, 6)], "float32")
    check(lambda x, k: ops.conv_transpose(x, k, padding="same"), [numbers(5, 4, 4, 6), numbers(3, 3, 4, 6)], "float32")


TRANSPOSED = {
    "1d": ((3, 7, 5), (4, 3, 5), {"strides": 2}),
    "same": ((2, 5, 4, 8), (3, 3, 4, 8), {"padding": "same", "strides": 2}),
    "valid": ((2, 5, 4, 3), (2, 3, 5, 3), {"strides": (3, 2)}),
    "dilated": ((2, 5, 4, 3), (2, 3, 5, 3), {"dilation_rate": 2}),
}


@pytest.mark.parametrize("dtype", ONE_TYPE_FIRST)
@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_convolutions(name, dtype):
    shape, kernel, settings = TRANSPOSED[name]
    arrays = [numbers(*shape), numbers(*kernel)]
    check(lambda x, k: ops.conv_transpose(x, k, **settings), arrays, dtype)
    arrays.append(numbers(kernel[-2]))
    check(lambda x, k, b: conv_transpose_bias(x, k, b, **settings), arrays, dtype)
    check(lambda x, k, b: conv_transpose_bias(x, k, b, relu=True, **settings), arrays, dtype)


MASKS = {"all": None, "some": np.random.default_rng(1).random((3, 9)) < 0.7, "none": np.zeros((3, 9), bool)}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("mask", ["all", "some", pytest.param("none", marks=slow)])
@pytest.mark.parametrize("all_steps", [True, False])
@pytest.mark.parametrize("units", [5, *[pytest.param(n, marks=slow) for n in (1, 32, 128, 130)]])
def test_recurrent_layers(units, all_steps, mask, dtype):
    x, h, c = numbers(3, 9, 4), numbers(3, units), numbers(3, units, seed=1)
    wide = lambda gates: [numbers(4, gates * units) / 2, numbers(units, gates * units) / units**0.5]  # noqa: E731
    arrays = [x, h, c, *wide(4), numbers(4 * units), MASKS[mask]]
    check(lambda *given: lstm(*given, all_steps=all_steps), arrays, dtype)
    arrays = [x, h, *wide(3), numbers(3 * units), numbers(3 * units, seed=1), MASKS[mask]]
    for after in (True, False):
        given = arrays if after else [*arrays[:5], None, arrays[6]]
        check(lambda *a: gru(*a, reset_after=after, all_steps=all_steps), given, dtype)  # noqa: B023
    check(lambda *a: simple_rnn(*a, all_steps=all_steps), [x, h, *wide(1), numbers(units), MASKS[mask]], dtype)


@pytest.mark.parametrize("dtype", TYPES)
def test_pairs_and_sequences_without_bias(dtype):
    x, h = numbers(3, 9, 4), numbers(3, 6)
    four, three = [numbers(4, 24), numbers(6, 24)], [numbers(4, 18), numbers(6, 18)]
    check(lstm, [x, h, h[::-1], *four, None, None], dtype)
    check(simple_rnn, [x, h, numbers(4, 6), numbers(6, 6), None, None], dtype)
    pair = [x, h, h[::-1], *four, x[:, ::-1], h, h, *four, numbers(24), MASKS["some"], None, None]
    check(lstm_pair, pair, dtype)
    pair = [x, h, *three, x[:, ::-1], h, *three, numbers(18), None, MASKS["some"], numbers(18), numbers(18), None]
    check(gru_pair, pair, dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "shape",
    [(1000, 3), (130, 64), (5, 700, 10), (300, 513), pytest.param((200_000, 1), marks=slow), (129, 257), (2000, 2, 3)],
)
def test_sums_over_leading_axes(shape, dtype):
    axes = tuple(range(len(shape) - (2 if shape[-2:] == (2, 3) else 1)))
    x = numbers(*shape).astype(dtype)
    with ef.device("gpu:0"):
        for keepdims in (False, True):
            found = ops.sum(ef.Tensor(x), axis=axes, keepdims=keepdims).numpy()
            expected = x.sum(axes, keepdims=keepdims)
            assert found.shape == expected.shape
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3 if dtype == "float32" else 1e-9)
        again = ops.sum(ef.Tensor(x), axis=axes, keepdims=True).numpy()
    assert again.tobytes() == found.tobytes()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(200, 5), (4, 9, 9, 16), (2, 3), (300, 300)])
def test_batch_and_layer_normalization(shape, dtype):
    x, axes = numbers(*shape) * 3 + 100, tuple(range(len(shape) - 1))
    vectors = [numbers(shape[-1]), numbers(shape[-1], seed=1)]
    check(lambda *a: normalize_batch(*a, axes=axes, epsilon=1e-3), [x, *vectors], dtype, tolerance=1e-3)
    check(lambda *a: normalize_batch(*a, axes=axes, epsilon=1e-3), [x, None, None], dtype, tolerance=1e-3)
    check(lambda *a: layer_norm(*a, epsilon=1e-3), [x, *vectors], dtype, tolerance=1e-3)
    check(lambda *a: layer_norm(*a, epsilon=1e-3), [x, None, None], dtype, tolerance=1e-3)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "labels", [pytest.param("int8", marks=slow), "uint8", "int32", pytest.param("int64", marks=slow)]
)
@pytest.mark.parametrize("shape", [(7, 3), (40, 100), (2, 5, 33), (3, 1), (3,)])
def test_crossentropy_of_classes(shape, labels, dtype):
    target = np.asarray(np.random.default_rng(2).integers(0, shape[-1], shape[:-1]), labels)
    check(sparse_softmax_crossentropy, [target, numbers(*shape) * 20], dtype)


def test_labels_that_are_no_class_and_logits_that_are_not_finite():
    logits = np.float32([[1, 2], [np.nan, 1], [np.inf, 1], [0, 0], [-np.inf, 0]])
    with ef.device("gpu:0"):
        loss = sparse_softmax_crossentropy(ef.Tensor(np.int32([2, 0, 1, -1, 1])), ef.Tensor(logits)).numpy()
    assert np.isnan(loss[:4]).all()
    assert loss[4] == 0


@pytest.mark.parametrize("heads", [1, 4])
def test_attention(heads):
    q, k, v = numbers(2, 5, 4, 8), numbers(2, 7, heads, 8), numbers(2, 7, heads, 8, seed=1)
    check(ops.dot_product_attention, [q, k, v], "float32")


def test_nan_and_infinity_take_the_same_ways():
    x = np.float32([[np.nan, 1], [np.inf, -1], [-np.inf, 2]])
    arrays = [x, np.float32([[1, -1], [0, 2]]), np.float32([0.5, 0.5])]
    with ef.device("gpu:0"):
        found = dense(*map(ef.Tensor, arrays), relu=True).numpy()
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(found, dense(*map(ef.Tensor, arrays), relu=True).numpy())


EMPTY = {
    "no rows": (dense, (0, 20), (20, 7), (7,)),
    "no features": (dense, (3, 0), (0, 7), (7,)),
    "no units": (dense, (3, 4), (4, 0), (0,)),
    "no matrices": (ops.matmul, (0, 3, 4), (4, 5)),
    "no rows in stacks": (ops.matmul, (2, 0, 4), (2, 4, 5)),
    "nothing added up in stacks": (ops.matmul, (2, 3, 0), (2, 0, 5)),
    "a sum of nothing": (lambda x: ops.sum(x, axis=0), (0, 5)),
    "sums for no column": (lambda x: ops.sum(x, axis=0), (300, 0)),
    "no rows to normalize": (layer_norm, (0, 5), (5,), (5,)),
    "no sequences": (lstm, (0, 3, 4), (0, 5), (0, 5), (4, 20), (5, 20), (20,)),
    "no sequences for gru": (gru, (0, 3, 4), (0, 5), (4, 15), (5, 15), (15,), (15,)),
}


@pytest.mark.parametrize("name", EMPTY)
def test_empty_arrays(name):
    function, *shapes = EMPTY[name]
    check(function, [numbers(*shape) for shape in shapes], "float32")


def test_no_labels():
    check(sparse_softmax_crossentropy, [np.zeros(0, "int32"), numbers(0, 3)], "float32")


def test_layers_of_halves():
    arrays = [numbers(6, 20), numbers(20, 7), numbers(7)]
    check(lambda x, kernel, bias: dense(x, kernel, bias, relu=True), arrays, "float16", tolerance=2e-2)


def test_without_cublas_cupy_multiplies(monkeypatch):
    monkeypatch.setattr(products, "gemm", lambda *_: False)
    x, h = numbers(3, 4, 4), numbers(3, 5)
    check(dense, [numbers(6, 20), numbers(20, 7), numbers(7)], "float32")
    check(lstm, [x, h, h, numbers(4, 20), numbers(5, 20), numbers(20)], "float32")
    check(gru, [x, h, numbers(4, 15), numbers(5, 15), numbers(15), numbers(15)], "float32")
    check(ops.conv, [numbers(2, 5, 5, 4), numbers(3, 3, 4, 6)], "float32")


LAUNCHES = {
    "dense": (lambda *a: dense(*a, relu=True), [(200, 20), (20, 7), (7,)], "add_bias_relu relu_gradient sums"),
    "conv": (ops.conv, [(2, 5, 5, 4), (3, 3, 4, 6)], "gather scatter"),
    "transposed": (ops.conv_transpose, [(2, 5, 5, 4), (3, 3, 6, 4)], "gather scatter"),
    "lstm": (lstm, [(3, 4, 4), (3, 5), (3, 5), (4, 20), (5, 20)], "lstm lstm_gradient"),
    "gru": (gru, [(3, 4, 4), (3, 5), (4, 15), (5, 15)], "gru gru_gradient"),
    "simple_rnn": (simple_rnn, [(3, 4, 4), (3, 5), (4, 5), (5, 5)], "simple_rnn simple_rnn_gradient"),
    "layers": (layer_norm, [(6, 5), (5,), (5,)], "layer_norm layer_gradient"),
    "batches": (normalize_batch, [(6, 5), (5,), (5,)], "sums batch_factor normalize batch_weights batch_gradient"),
    "crossentropy": (lambda x: sparse_softmax_crossentropy(np.int32([1, 2]), x), [(2, 3)], "crossentropy gradient"),
}


@pytest.mark.parametrize("name", LAUNCHES)
def test_ops_ask_their_kernels(name, kernels):
    if kernels == "gpu":
        pytest.skip("what was launched is counted by the stand-in")
    function, shapes, expected = LAUNCHES[name]
    compiler.launched.clear()
    both_ways(function, [numbers(*shape) for shape in shapes], range(len(shapes)), "gpu:0", "float32")
    assert {each.removeprefix("eagerflow_") for each in compiler.launched} == set(expected.split())


def test_products_can_be_captured():
    cupy = load_cupy()
    with ef.device("gpu:0"):
        x = ef.Tensor(numbers(300, 8).astype("float32"))
        stream = cupy.cuda.Stream(non_blocking=True)
        _ = x @ ops.transpose(x)  # loads what a capture must not load
        with stream:
            _ = x @ ops.transpose(x)
            stream.begin_capture()
            _ = x @ ops.transpose(x)  # which CuPy's own product refuses
            stream.end_capture()
