"""The kernels as eagerflow's ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import eagerflow as ef
from benchmarks.workloads.kernels import Kernel
from eagerflow import layers, ops
from eagerflow.ops.neural.crossentropy import sparse_softmax_crossentropy
from eagerflow.ops.neural.normalization import layer_norm, normalize_batch

__all__ = ["VARIANTS", "make"]

VARIANTS = ("",)
Run = Callable[[], Any]


def _normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype("float32")


def make(kernel: Kernel, variant: str) -> tuple[Run, Run]:
    """What runs the kernel forward, and forward and backward."""
    x = ef.convert_to_tensor(_normal(*kernel.shape))
    weights = [ef.convert_to_tensor(_normal(*kernel.weights, seed=1) * 0.1)] if kernel.weights else []
    call, x, weights = _CALLS[kernel.kind](kernel, x, weights)
    sources = [*([x] if kernel.needs_dx and x.dtype.kind == "f" else []), *weights]
    g = ef.convert_to_tensor(_normal(*call(x, *weights).shape, seed=2))

    def both() -> Any:
        with ef.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            out = call(x, *weights)
        return tape.gradient(out, sources, output_gradients=g)

    return lambda: call(x, *weights), both


def _padded(kernel: Kernel) -> str:
    """The padding, by name, which gives the same lengths as the number of zeros on each side."""
    pad, size = kernel.settings.get("pad", 0), kernel.sizes()[0]
    return "same" if pad and 2 * pad == size - 1 else "valid"


def _conv(kernel: Kernel, x: Any, weights: Any) -> Any:
    stride, padding = kernel.settings.get("strides", 1), _padded(kernel)
    return (lambda x, k: ops.conv(x, k, stride, padding)), x, weights


def _depthwise(kernel: Kernel, x: Any, weights: Any) -> Any:
    stride, padding = kernel.settings.get("strides", 1), _padded(kernel)
    return (lambda x, k: ops.depthwise_conv(x, k, stride, padding)), x, weights


def _transposed(kernel: Kernel, x: Any, weights: Any) -> Any:
    return (lambda x, k: ops.conv_transpose(x, k, kernel.settings.get("strides", 1))), x, weights


def _pool(pool: Any) -> Any:
    def made(kernel: Kernel, x: Any, weights: Any) -> Any:
        return (lambda x: pool(x, kernel.settings["size"], kernel.settings["strides"])), x, weights

    return made


def _plain(function: Any) -> Any:
    return lambda kernel, x, weights: (function, x, weights)


def _batch_norm(kernel: Kernel, x: Any, weights: Any) -> Any:
    scale = [ef.convert_to_tensor(_normal(kernel.shape[-1], seed=i)) for i in (1, 2)]
    axes = tuple(range(len(kernel.shape) - 1))
    return (lambda x, gamma, beta: normalize_batch(x, gamma, beta, axes)[0]), x, scale


def _layer_norm(kernel: Kernel, x: Any, weights: Any) -> Any:
    scale = [ef.convert_to_tensor(_normal(kernel.shape[-1], seed=i)) for i in (1, 2)]
    return layer_norm, x, scale


def _crossentropy(kernel: Kernel, x: Any, weights: Any) -> Any:
    labels = ef.convert_to_tensor(np.random.default_rng(0).integers(0, kernel.shape[-1], kernel.shape[0]))
    return (lambda x: sparse_softmax_crossentropy(labels, x)), x, weights


def _embedding(kernel: Kernel, x: Any, weights: Any) -> Any:
    places = ef.convert_to_tensor(np.random.default_rng(0).integers(0, kernel.weights[0], kernel.shape))
    return (lambda places, table: ops.take(table, places, axis=0)), places, weights


def _recurrent(layer_type: Any) -> Any:
    def made(kernel: Kernel, x: Any, weights: Any) -> Any:
        layer = layer_type(kernel.weights[0], return_sequences=True)
        layer(x)
        tensors = layer.trainable_variables
        return (lambda x, *_: layer(x)), x, list(tensors)

    return made


def _dropout(kernel: Kernel, x: Any, weights: Any) -> Any:
    layer = layers.Dropout(0.5)
    return (lambda x: layer(x, training=True)), x, weights


_CALLS: dict[str, Callable[[Kernel, Any, Any], Any]] = {
    "conv": _conv,
    "depthwise": _depthwise,
    "transposed": _transposed,
    "max_pool": _pool(ops.max_pool),
    "average_pool": _pool(ops.average_pool),
    "global_average": _plain(lambda x: ops.mean(x, axis=(1, 2))),
    "global_max": _plain(lambda x: ops.max(x, axis=(1, 2))),
    "dense": _plain(lambda x, w: x @ w),
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "relu": _plain(ops.relu),
    "gelu": lambda kernel, x, w: (lambda x: ops.gelu(x, kernel.settings["approximate"]), x, w),
    "softmax": _plain(ops.softmax),
    "crossentropy": _crossentropy,
    "dropout": _dropout,
    "embedding": _embedding,
    "attention": _plain(lambda x: ops.dot_product_attention(x, x, x)),
    "lstm": _recurrent(layers.LSTM),
    "gru": _recurrent(layers.GRU),
}
