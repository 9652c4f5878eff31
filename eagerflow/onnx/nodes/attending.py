"""Attention, and what turns positions into angles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.limits import room
from eagerflow.onnx.nodes.values import as_type

__all__ = ["NODES"]


def _heads(x: Any, count: int | None) -> Any:
    """(batch, heads, length, width) of that or of (batch, length, heads * width)."""
    if x.ndim == 4:
        return x
    if not count or x.shape[-1] % count:
        raise ValueError(f"{count} heads of an input {list(x.shape)}.")
    return ops.transpose(ops.reshape(x, (*x.shape[:2], count, x.shape[2] // count)), (0, 2, 1, 3))


def _shared(x: Any, heads: int) -> Any:
    """Keys or values, each for several neighbouring heads of the query."""
    return x if x.shape[1] == heads else ops.repeat(x, heads // max(x.shape[1], 1), axis=1)


def _attention(
    q: Any,
    k: Any,
    v: Any,
    mask: Any = None,
    past_key: Any = None,
    past_value: Any = None,
    lengths: Any = None,
    *,
    is_causal: int = 0,
    q_num_heads: int | None = None,
    kv_num_heads: int | None = None,
    left_window_size: int = -1,
    qk_matmul_output_mode: int = 0,
    right_window_size: int = -1,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int | None = None,
    outputs: int = 1,
) -> Any:
    flat = q.ndim == 3
    query, key, value = _heads(q, q_num_heads), _heads(k, kv_num_heads), _heads(v, kv_num_heads)
    past = 0
    if past_key is not None:
        past = past_key.shape[2]
        key, value = ops.concatenate([past_key, key], axis=2), ops.concatenate([past_value, value], axis=2)
    heads, targets, sources = query.shape[1], query.shape[2], key.shape[2]
    room((query.shape[0], heads, targets, sources), "float32")
    root = math.sqrt(1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    scores = ops.matmul(ops.multiply(query, root), ops.multiply(ops.transpose(_shared(key, heads), (0, 1, 3, 2)), root))
    capped = ops.multiply(ops.tanh(ops.divide(scores, softcap)), softcap) if softcap else scores
    places = _places(lengths, past, targets, sources)
    bias = _bias(mask, lengths, places, (left_window_size, 0 if is_causal else right_window_size), sources, scores)
    biased = capped if bias is None else ops.add(capped, bias)
    weights = ops.softmax(biased, axis=-1)
    if bias is not None:  # a target that sees nothing gets zeros
        unseen = ops.all(ops.equal(biased, -math.inf), axis=-1, keepdims=True)
        weights = ops.where(unseen, ops.zeros_like(weights), weights)
    made = ops.matmul(weights, _shared(value, heads))
    if flat:
        made = ops.reshape(ops.transpose(made, (0, 2, 1, 3)), (q.shape[0], targets, -1))
    shown = (scores, capped, biased, weights)[qk_matmul_output_mode]
    return [as_type(made, q.dtype), key, value, as_type(shown, q.dtype)][:outputs]


def _places(lengths: Any, past: int, targets: int, sources: int) -> Any:
    """How far each source lies behind each target."""
    offset: Any = past
    if lengths is not None:
        offset = ops.reshape(ops.subtract(as_type(lengths, "int64"), targets), (-1, 1, 1, 1))
    return ops.subtract(ops.add(numpy.arange(targets)[:, None], offset), numpy.arange(sources)[None])


def _bias(mask: Any, lengths: Any, behind: Any, window: tuple[int, int], sources: int, scores: Any) -> Any:
    """What is added to the scores: -inf where a target doesn't see a source."""
    bias: Any = None
    if mask is not None:
        bias = ops.where(mask, 0.0, -math.inf) if mask.dtype == bool else mask
        if bias.shape[-1] < sources:
            missing = [(0, 0)] * (bias.ndim - 1) + [(0, sources - bias.shape[-1])]
            bias = ops.pad(bias, missing, constant_values=-math.inf)
        bias = as_type(bias, scores.dtype)
    left, right = window
    if right >= 0:
        bias = _joined(bias, ops.greater_equal(behind, -right), scores.dtype)
    if left >= 0:
        bias = _joined(bias, ops.less_equal(behind, left), scores.dtype)
    if lengths is not None:
        seen = ops.less(numpy.arange(sources), ops.reshape(as_type(lengths, "int64"), (-1, 1, 1, 1)))
        bias = _joined(bias, seen, scores.dtype)
    return bias


def _joined(bias: Any, seen: Any, dtype: Any) -> Any:
    more = as_type(ops.where(seen, 0.0, -math.inf), dtype)
    return more if bias is None else ops.add(bias, more)


def _rotary(
    x: Any,
    cosines: Any,
    sines: Any,
    places: Any = None,
    *,
    interleaved: int = 0,
    num_heads: int = 0,
    rotary_embedding_dim: int = 0,
) -> Any:
    flat = x.ndim == 3
    each = (
        ops.reshape(x, (*x.shape[:2], num_heads, x.shape[2] // num_heads)) if flat else ops.transpose(x, (0, 2, 1, 3))
    )
    width = rotary_embedding_dim or each.shape[-1]
    turned, rest = each[..., :width], each[..., width:]
    if places is not None:
        cosines, sines = ops.take(cosines, places, axis=0), ops.take(sines, places, axis=0)
    cos, sin = (ops.expand_dims(part[..., : width // 2], 2) for part in (cosines, sines))
    if interleaved:
        one, two = turned[..., 0::2], turned[..., 1::2]
    else:
        one, two = turned[..., : width // 2], turned[..., width // 2 :]
    real = ops.subtract(ops.multiply(cos, one), ops.multiply(sin, two))
    imaginary = ops.add(ops.multiply(sin, one), ops.multiply(cos, two))
    if interleaved:
        made = ops.reshape(ops.stack([real, imaginary], axis=-1), turned.shape)
    else:
        made = ops.concatenate([real, imaginary], axis=-1)
    made = ops.concatenate([made, rest], axis=-1) if rest.shape[-1] else made
    return as_type(ops.reshape(made, x.shape) if flat else ops.transpose(made, (0, 2, 1, 3)), x.dtype)


NODES: dict[str, Callable[..., Any]] = {"Attention": _attention, "RotaryEmbedding": _rotary}
