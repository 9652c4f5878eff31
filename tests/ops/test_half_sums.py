"""Wherever thousands of halves are added up, the answer is that of float32, rounded; so are the gradients.

A sum in float16 stops growing at 2,048 ones, in bfloat16 at 256, and a square above 65,504 is infinite in float16.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops

pytest.importorskip("ml_dtypes")

N = 5000
ZEROS = np.zeros(N, "int32")
ROWS, COLUMNS, IMAGE = (N, 3), (3, N), (1, 72, 72, 1)


def _attention(query, key, value):
    return ops.dot_product_attention(query - 1, key - 1, value - 1)


CASES = {
    **{
        name: (partial(getattr(ops, name), axis=0), [ROWS])
        for name in (
            "sum mean var std logsumexp norm cumsum trapezoid nansum nanmean nanvar nanstd nancumsum average "
            "softmax log_softmax sparsemax max min"
        ).split()
    },
    "median": (ops.median, [ROWS]),
    "percentile": (lambda x: ops.percentile(x, 30.0), [ROWS]),
    "norm of order 3": (lambda x: ops.norm(x, ord=3, axis=0), [ROWS]),
    "weighted average": (lambda x, w: ops.average(x, weights=w, axis=0), [(N,), (N,)]),
    "bincount": (lambda w: ops.bincount(ZEROS, weights=w), [(N,)]),
    "segment_sum": (lambda x: ops.segment_sum(x, ZEROS % 2, 2), [ROWS]),
    "segment_sum of long rows": (lambda x: ops.segment_sum(x, ZEROS[:1500], 1), [(1500, 9)]),
    "scatter": (lambda x: ops.scatter(ZEROS[:, None], x, (2, 3)), [ROWS]),
    "scatter_update": (lambda x, u: ops.scatter_update(x, ZEROS[:, None], u, "add"), [(2, 3), ROWS]),
    "take": (lambda x: ops.take(x, ZEROS, axis=0), [(2, 3)]),
    "index": (lambda x: x[ZEROS], [(2, 3)]),
    "take_along_axis": (lambda x: ops.take_along_axis(x, ZEROS[:, None], axis=0), [(2, 1)]),
    "broadcast_to": (lambda x: ops.broadcast_to(x, ROWS), [(3,)]),
    "repeat": (lambda x: ops.repeat(x, N), [(2,)]),
    "tile": (lambda x: ops.tile(x, (N, 1)), [(1, 3)]),
    "add": (ops.add, [ROWS, (1, 3)]),
    "multiply": (ops.multiply, [ROWS, (3,)]),
    "multiply by one": (ops.multiply, [ROWS, (1, 1)]),
    "divide": (ops.divide, [ROWS, (3,)]),
    "where": (lambda a, b: ops.where(np.ones((N, 1), bool), a, b), [(3,), (3,)]),
    "matmul": (ops.matmul, [COLUMNS, ROWS]),
    "matmul of many rows": (ops.matmul, [ROWS, (3, 2)]),
    "dot": (ops.dot, [(N,), (N,)]),
    "inner": (ops.inner, [COLUMNS, COLUMNS]),
    "tensordot": (lambda a, b: ops.tensordot(a, b, 2), [(3, 50, 100), (50, 100, 2)]),
    "einsum": (lambda a, b: ops.einsum("ij,ij->j", a, b), [ROWS, ROWS]),
    "einsum of many rows": (lambda a, b: ops.einsum("ij,j->ij", a, b), [ROWS, (3,)]),
    "correlate": (ops.correlate, [(N,), (N,)]),
    "labels": (lambda x: ops.sparse_categorical_crossentropy([0, 1, 2], x, from_logits=True), [COLUMNS]),
    "targets": (lambda t, x: ops.categorical_crossentropy(t / N, x, from_logits=True), [COLUMNS, COLUMNS]),
    "layer_normalization": (ops.layer_normalization, [COLUMNS, (N,), (N,)]),
    "parameters of a layer_normalization": (ops.layer_normalization, [ROWS, (3,), (3,)]),
    "rms_normalization": (ops.rms_normalization, [COLUMNS, (N,)]),
    "moments": (lambda x: ops.moments(x, axes=[0]), [ROWS]),
    "normalize": (lambda x: ops.normalize(x, axis=0), [ROWS]),
    "average_pool": (lambda x: ops.average_pool(x, 72), [IMAGE]),
    "padded average_pool": (lambda x: ops.average_pool(x, 71, 1, padding="same")[:, 35:38, 36:37], [IMAGE]),
    "max_pool": (lambda x: ops.max_pool(x, 40, 1), [IMAGE]),
    "conv": (lambda x, k: ops.conv(x, k), [IMAGE, (70, 70, 1, 2)]),
    "nearest": (lambda x: ops.image.resize(x, (72, 72), interpolation="nearest"), [(1, 1, 1, 1)]),
    "extract_patches": (lambda x: ops.image.extract_patches(x, (30, 30), strides=1), [(1, 70, 70, 1)]),
    "attention": (_attention, [(1, 3, 2, 4), (1, 3000, 2, 4), (1, 3000, 2, 4)]),
    "attention of many": (_attention, [(1, 3000, 2, 4), (1, 3, 2, 4), (1, 3, 2, 4)]),
}
LARGE = {
    **{name: (partial(getattr(ops, name), axis=0), [ROWS]) for name in ("norm", "normalize", "std")},
    "normalize of order 3": (lambda x: ops.normalize(x, axis=0, order=3), [ROWS]),
    "cdist": (ops.cdist, [(2, N), (1, N)]),
    "corrcoef": (lambda x: ops.corrcoef(x), [(2, N)]),
    "MaxNorm": (lambda x: ef.constraints.MaxNorm(20.0)(x), [ROWS]),
    "UnitNorm": (lambda x: ef.constraints.UnitNorm()(x), [ROWS]),
}
LAYERS = {
    "Dense": (partial(layers.Dense, 2), ROWS),
    "Conv1D": (partial(layers.Conv1D, 2, 2), (1, N, 2)),
    "PReLU": (partial(layers.PReLU, shared_axes=[1]), (1, N, 2)),
    "BatchNormalization": (layers.BatchNormalization, ROWS),
    "GroupNormalization": (partial(layers.GroupNormalization, 1), (1, N, 4)),
    "SimpleRNN": (partial(layers.SimpleRNN, 2, return_sequences=True), (500, 10, 2)),
    "LSTM": (partial(layers.LSTM, 2, return_sequences=True), (500, 10, 2)),
    "Embedding": (partial(layers.Embedding, 1, 2), (N,)),
    "GlobalAveragePooling1D": (layers.GlobalAveragePooling1D, (1, N, 2)),
}


def _inputs(shapes, scale=1.0):
    """Numbers near `scale`, or with a scale other than 1 around zero, in halves."""
    rng = np.random.default_rng(0)
    noise = [rng.normal(size=shape).astype("float32") for shape in shapes]
    return [1 + 0.1 * x if scale == 1 else scale * x for x in noise]


def _results(f, inputs):
    with ef.GradientTape() as tape:
        tape.watch(inputs)
        outs = ef.tree.flatten(f(*inputs))
        slopes = [np.random.default_rng(1).uniform(0.5, 1.5, out.shape).astype("float32") / 64 for out in outs]
        total = sum([ops.sum(ops.cast(out, "float32") * slope) for out, slope in zip(outs, slopes, strict=True)])
    return [*outs, *[g for g in tape.gradient(total, inputs) if g is not None]]


def _check(dtype, found, right, units):
    assert len(found) == len(right) > 0
    for a, b in zip(found, right, strict=True):
        assert a.dtype.name == dtype
        a, b = (ops.cast(x, "float32").numpy() for x in (a, b))
        unit = 2.0**-11 if dtype == "float16" else 2.0**-8
        np.testing.assert_array_less(abs(a - b), units * unit * (abs(b) + abs(b).max()) + 1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", CASES)
def test_sums_of_thousands_of_halves(name, dtype):
    f, shapes = CASES[name]
    inputs = [ops.cast(x, dtype) for x in _inputs(shapes)]
    units = 48 if "attention" in name else 24  # whose slopes are small differences from the rounded result
    _check(dtype, _results(f, inputs), _results(f, [ops.cast(x, "float32") for x in inputs]), units)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", LARGE)
def test_squares_that_a_half_does_not_hold(name, dtype):
    f, shapes = LARGE[name]
    inputs = [ops.cast(x, dtype) for x in _inputs(shapes, scale=300.0 if name == "corrcoef" else 30.0)]
    _check(dtype, _results(f, inputs), _results(f, [ops.cast(x, "float32") for x in inputs]), 24)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_the_weights_of_layers_in_halves(name, dtype):
    make, shape = LAYERS[name]
    (x,) = _inputs([shape])
    x = ops.cast(np.zeros(shape, "int32") if name == "Embedding" else x, "int32" if name == "Embedding" else dtype)
    found = []
    for kind in (dtype, "float32"):
        ef.utils.set_random_seed(1)
        layer = make(dtype=kind)
        layer.build(shape)
        for weight in layer.weights:  # the same numbers in both
            weight.assign(ops.cast(ops.cast(weight, dtype), kind))
        with ef.GradientTape() as tape:
            out = layer(ops.cast(x, kind) if name != "Embedding" else x, training=True)
            slopes = np.random.default_rng(1).uniform(0.5, 1.5, out.shape).astype("float32") / 64
            total = ops.sum(ops.cast(out, "float32") * slopes)
        found.append([out, *tape.gradient(total, layer.trainable_weights)])
    _check(dtype, *found, 24)


def test_clipping_by_the_norm_of_halves():
    g = ops.full((N,), 8.0, dtype="float16")
    w = ef.Variable(ops.zeros((N,), dtype="float16"))
    for setting in ("clipnorm", "global_clipnorm"):
        w.assign(ops.zeros_like(w))
        ef.optimizers.SGD(1.0, **{setting: 100.0}).apply([g], [w])
        np.testing.assert_allclose(w.numpy(), -100 / np.sqrt(N), rtol=2e-3)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_means_of_squared_gradients_of_halves(dtype):
    g, found = np.random.default_rng(0).normal(size=(2, 70000)), []
    for kind in (dtype, "float32"):
        w = ef.Variable(ops.ones((2, 70000), dtype=kind))
        ef.optimizers.Adafactor(0.5).apply([ops.cast(ops.cast(g, dtype), kind)], [w])
        found.append(ops.cast(w, "float32").numpy())
    np.testing.assert_allclose(*found, rtol=2e-2, atol=1e-2)


def test_a_regularizer_whose_sum_a_half_does_not_hold():
    x = ops.ones((400, 3), dtype="float16")
    assert float(ef.regularizers.OrthogonalRegularizer(1.0)(x)) == pytest.approx(1.0, rel=2e-3)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["cosine_similarity", "dice", "tversky"])
def test_losses_that_divide_sums_by_sums(name, dtype):
    f = partial(getattr(ef.losses, name), ops.ones((1, 70000), dtype=dtype))  # more than float16 counts
    inputs = [ops.cast(x, dtype) for x in _inputs([(1, 70000)])]
    _check(dtype, _results(f, inputs), _results(f, [ops.cast(x, "float32") for x in inputs]), 24)


def test_the_gradient_of_a_mean_of_more_than_float16_counts():
    x = ef.Variable(ops.ones((70000,), dtype="float16"))
    with ef.GradientTape() as tape:
        y = ops.mean(x) * 1024
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), 1024 / 70000, rtol=1e-3)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_metrics_of_halves_go_on_counting(dtype):
    right, wrong = np.ones((4000, 1)), np.zeros((4000, 1))
    for metric in (
        ef.metrics.Mean(dtype=dtype),
        ef.metrics.BinaryAccuracy(dtype=dtype),
        ef.metrics.Recall(dtype=dtype),
        ef.metrics.F1Score("micro", 0.5, dtype=dtype),
        ef.metrics.BinaryIoU([1], dtype=dtype),
    ):
        is_mean = type(metric) is ef.metrics.Mean
        for said in (right, wrong):
            metric.update_state(*((said,) if is_mean else (right, said)))
        result = metric.result()
        assert (float(result), result.dtype.name) == (
            pytest.approx(2 / 3 if metric.name == "f1_score" else 0.5, rel=4e-3),
            dtype,
        )
    total = ef.metrics.Sum(dtype=dtype)
    for _ in range(5):
        total.update_state(np.ones(1000), sample_weight=np.ones(1000))
    assert float(total.result()) == pytest.approx(5000, rel=4e-3)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_crossentropy_of_a_probability_that_a_half_rounds_to_one(dtype):
    certain = ops.cast([[1.0, 0.0]], dtype)
    right = float(ef.ops.binary_crossentropy([[0.0]], [[1.0]])[0, 0])
    assert ops.binary_crossentropy([[0.0, 1.0]], certain).numpy().tolist() == [[pytest.approx(right, rel=0.02)] * 2]
    assert ops.categorical_crossentropy(certain, certain).numpy().tolist() == [pytest.approx(0, abs=1e-6)]
    assert ops.sparse_categorical_crossentropy([1], certain).numpy().tolist() == [pytest.approx(right, rel=0.02)]
