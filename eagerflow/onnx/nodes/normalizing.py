"""Nodes that normalize."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow import ops
from eagerflow.onnx.nodes.values import as_type, axes_in

__all__ = ["NODES"]


def _by_channel(x: Any, per_channel: Any) -> Any:
    return ops.reshape(per_channel, (1, -1, *[1] * (x.ndim - 2)))


def _batch(
    x: Any,
    scale: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
    spatial: int = 1,
    outputs: int = 1,
) -> Any:
    if training_mode or outputs > 1:
        raise ValueError("batch normalization in training mode: files are run in inference.")
    return as_type(ops.batch_normalization(x, mean, variance, 1 if x.ndim > 1 else 0, bias, scale, epsilon), x.dtype)


def _instance(x: Any, scale: Any, bias: Any, *, epsilon: float = 1e-5) -> Any:
    made = _standardized(x, tuple(range(2, x.ndim)), epsilon)
    return as_type(ops.add(ops.multiply(made, _by_channel(x, scale)), _by_channel(x, bias)), x.dtype)


def _standardized(x: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    centred = ops.subtract(x, ops.mean(x, axis=axes, keepdims=True))
    variance = ops.mean(ops.square(centred), axis=axes, keepdims=True)
    return ops.divide(centred, ops.sqrt(ops.add(variance, epsilon)))


def _layer_norm(
    x: Any,
    scale: Any,
    bias: Any = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
    outputs: int = 1,
) -> Any:
    (first,) = axes_in([axis], x.ndim)
    axes = tuple(range(first, x.ndim))
    if outputs == 1 and scale.shape == x.shape[first:] and (bias is None or bias.shape == scale.shape):
        return as_type(ops.layer_normalization(x, scale, bias, axis=axes, epsilon=epsilon), x.dtype)
    kind = x.dtype
    x = ops.cast(x, "float32") if stash_type == 1 and kind == "float16" else x
    mean = ops.mean(x, axis=axes, keepdims=True)
    centred = ops.subtract(x, mean)
    inverse = ops.rsqrt(ops.add(ops.mean(ops.square(centred), axis=axes, keepdims=True), epsilon))
    made = ops.multiply(ops.multiply(centred, inverse), scale)
    return [as_type(made if bias is None else ops.add(made, bias), kind), mean, inverse][:outputs]


NODES: dict[str, Callable[..., Any]] = {
    "BatchNormalization": _batch,
    "InstanceNormalization": _instance,
    "LayerNormalization": _layer_norm,
}
