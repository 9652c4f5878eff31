"""Halves are computed in float32 and rounded once: what comes out is float32's result, rounded."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.ops.neural.fused import conv_bias, conv_transpose_bias

CASES = {
    "conv": (lambda x, k: ops.conv(x, k, padding="same"), [(2, 9, 8, 4), (3, 3, 4, 6)]),
    "conv_bias": (lambda x, k, b: conv_bias(x, k, b), [(2, 9, 8, 4), (3, 3, 4, 6), (6,)]),
    "depthwise_conv": (lambda x, k: ops.depthwise_conv(x, k, padding="same"), [(2, 9, 8, 4), (3, 3, 4, 2)]),
    "conv_transpose_bias": (lambda x, k, b: conv_transpose_bias(x, k, b, 2), [(2, 5, 6, 4), (3, 3, 5, 4), (5,)]),
    "conv_transpose": (lambda x, k: ops.conv_transpose(x, k, strides=2), [(2, 5, 6, 4), (3, 3, 5, 4)]),
    "attention": (ops.dot_product_attention, [(2, 7, 4, 8), (2, 9, 2, 8), (2, 9, 2, 5)]),
    "attention with a bias": (
        lambda q, k, v, b: ops.dot_product_attention(q, k, v, bias=b, is_causal=True, attn_logits_soft_cap=5.0),
        [(2, 9, 4, 8), (2, 9, 2, 8), (2, 9, 2, 5), (1, 4, 9, 9)],
    ),
}


def _tensors(shapes, dtype):
    rng = np.random.default_rng(0)
    return [ops.cast(ef.Tensor(rng.normal(size=shape).astype("float32")), dtype) for shape in shapes]


def _results(f, inputs, slopes):
    with ef.GradientTape() as tape:
        tape.watch(inputs)
        out = f(*inputs)
        total = ops.sum(ops.cast(out, "float32") * ops.cast(slopes, "float32"))
    return out, *tape.gradient(total, inputs)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", CASES)
def test_halves_are_rounded_once(name, dtype):
    f, shapes = CASES[name]
    inputs = _tensors(shapes, dtype)
    wide = [ops.cast(x, "float32") for x in inputs]
    (slopes,) = _tensors([f(*wide).shape], dtype)
    unit = 2.0**-11 if dtype == "float16" else 2.0**-8
    for found, exact in zip(_results(f, inputs, slopes), _results(f, wide, slopes), strict=True):
        assert found.dtype == dtype
        right = exact.numpy()
        away = np.abs(ops.cast(found, "float32").numpy() - right)
        # Backward, the result itself has been rounded before; with a bias, the convolution has.
        assert (away <= 4 * unit * (np.abs(right) + right.std())).all()
