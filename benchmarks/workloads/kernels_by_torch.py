"""The kernels as PyTorch's functions, images in both memory layouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from benchmarks.workloads.kernels import Kernel

__all__ = ["VARIANTS", "make"]

VARIANTS = ("contiguous", "channels_last")
_LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
_IMAGES = ("conv", "depthwise", "transposed", "max_pool", "average_pool", "global_average", "global_max", "batch_norm")
Run = Callable[[], Any]


def make(kernel: Kernel, variant: str) -> tuple[Run, Run] | None:
    """What runs the kernel forward, and forward and backward; None where the variant is none."""
    images = kernel.kind in _IMAGES and len(kernel.shape) == 4
    if variant == "channels_last" and not images:
        return None
    x = torch.randn(kernel.shape[0], kernel.shape[-1], *kernel.shape[1:-1]) if kernel.kind in _IMAGES else None
    x = torch.randn(kernel.shape) if x is None else x
    weights = _weights(kernel)
    if images:
        x = x.contiguous(memory_format=_LAYOUTS[variant])
        weights = [w.contiguous(memory_format=_LAYOUTS[variant]) if w.ndim == 4 else w for w in weights]
    call, x, weights = _CALLS[kernel.kind](kernel, x, weights)
    sources = [*([x] if kernel.needs_dx and x.is_floating_point() else []), *weights]
    for source in sources:
        source.requires_grad_(True)
    g = torch.randn_like(call(x, *weights))

    def forward() -> Any:
        with torch.no_grad():
            return call(x, *weights)

    return forward, lambda: torch.autograd.grad(call(x, *weights), sources, g)


def _weights(kernel: Kernel) -> list[Any]:
    if not kernel.weights:
        return []
    if kernel.kind in ("conv", "depthwise", "transposed"):
        *sizes, width, filters = kernel.weights
        if kernel.kind == "depthwise":
            width, filters = 1, width * filters
        return [torch.randn(filters, width, *sizes) * 0.1]
    return [torch.randn(kernel.weights) * 0.1]


def _conv(kernel: Kernel, x: Any, weights: Any) -> Any:
    convolve = (F.conv1d, F.conv2d, F.conv3d)[len(kernel.shape) - 3]
    stride, pad = kernel.settings.get("strides", 1), kernel.settings.get("pad", 0)
    groups = x.shape[1] // weights[0].shape[1]
    return (lambda x, w: convolve(x, w, None, stride, pad, 1, groups)), x, weights


def _transposed(kernel: Kernel, x: Any, weights: Any) -> Any:
    return (lambda x, w: F.conv_transpose2d(x, w, None, kernel.settings.get("strides", 1))), x, weights


def _pool(pool: Any) -> Any:
    def made(kernel: Kernel, x: Any, weights: Any) -> Any:
        return (lambda x: pool(x, kernel.settings["size"], kernel.settings["strides"])), x, weights

    return made


def _plain(function: Any) -> Any:
    return lambda kernel, x, weights: (function, x, weights)


def _batch_norm(kernel: Kernel, x: Any, weights: Any) -> Any:
    scale = [torch.randn(kernel.shape[-1]) for _ in range(2)]
    return (lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True)), x, scale


def _layer_norm(kernel: Kernel, x: Any, weights: Any) -> Any:
    scale = [torch.randn(kernel.shape[-1]) for _ in range(2)]
    return (lambda x, w, b: F.layer_norm(x, kernel.shape[-1:], w, b)), x, scale


def _crossentropy(kernel: Kernel, x: Any, weights: Any) -> Any:
    labels = torch.randint(0, kernel.shape[-1], kernel.shape[:1])
    return (lambda x: F.cross_entropy(x, labels, reduction="none")), x, weights


def _embedding(kernel: Kernel, x: Any, weights: Any) -> Any:
    return F.embedding, torch.randint(0, kernel.weights[0], kernel.shape), weights


def _gelu(kernel: Kernel, x: Any, weights: Any) -> Any:
    kind = "tanh" if kernel.settings["approximate"] else "none"
    return (lambda x: F.gelu(x, approximate=kind)), x, weights


def _attention(x: Any) -> Any:
    heads = x.transpose(1, 2)
    return F.scaled_dot_product_attention(heads, heads, heads)


def _recurrent(layer_type: Any) -> Any:
    def made(kernel: Kernel, x: Any, weights: Any) -> Any:
        layer = layer_type(kernel.shape[-1], kernel.weights[0], batch_first=True)
        return (lambda x, *_: layer(x)[0]), x, list(layer.parameters())

    return made


_CALLS: dict[str, Callable[[Kernel, Any, Any], Any]] = {
    "conv": _conv,
    "depthwise": _conv,
    "transposed": _transposed,
    "max_pool": _pool(F.max_pool2d),
    "average_pool": _pool(F.avg_pool2d),
    "global_average": _plain(lambda x: x.mean((2, 3))),
    "global_max": _plain(lambda x: F.adaptive_max_pool2d(x, 1)),
    "dense": _plain(lambda x, w: x @ w),
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "relu": _plain(F.relu),
    "gelu": _gelu,
    "softmax": _plain(lambda x: F.softmax(x, -1)),
    "crossentropy": _crossentropy,
    "dropout": _plain(lambda x: F.dropout(x, 0.5)),
    "embedding": _embedding,
    "attention": _plain(_attention),
    "lstm": _recurrent(torch.nn.LSTM),
    "gru": _recurrent(torch.nn.GRU),
}
