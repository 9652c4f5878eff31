"""Scaled dot-product attention, with heads in groups that share keys and values.

Inside, arrays have the axes (batch, key heads, query heads per key head, length, width or sources).
"""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Array, Needs, Numpy
from eagerflow.core.op import apply
from eagerflow.ops.matrices.products import matmul

__all__ = ["forward", "gradient", "grouped", "merge_heads", "split_heads", "visible"]


def split_heads(x: Any, key_heads: int) -> Any:
    """(batch, length, heads, width) as (batch, key heads, heads per key head, length, width)."""
    batch, length, heads, width = x.shape
    return x.reshape((batch, length, key_heads, heads // key_heads, width)).transpose((0, 2, 3, 1, 4))


def merge_heads(x: Any, heads: int) -> Any:
    """The reverse of `split_heads`."""
    batch, _, _, length, width = x.shape
    return x.transpose((0, 3, 1, 2, 4)).reshape((batch, length, heads, width))


def grouped(x: Any, key_heads: int, groups: int) -> Any:
    """What broadcasts to (batch, heads, targets, sources), with its axis of heads split."""
    if x.ndim < 3 or x.shape[-3] == 1:
        lead = x.shape[:-2] if x.ndim >= 3 else ()
        return x.reshape((*lead, 1, *x.shape[-2:])) if lead else x
    return x.reshape((*x.shape[:-3], key_heads, groups, *x.shape[-2:]))


def visible(xp: Numpy, mask: Any, shape: tuple[int, ...], is_causal: bool) -> Any:
    """Which source each target sees, broadcasting to the logits' `shape`; None when all of them."""
    seen = None if mask is None else grouped(mask.astype(bool), shape[1], shape[2])
    if is_causal:
        past = xp.arange(shape[-2])[:, None] >= xp.arange(shape[-1])
        seen = past if seen is None else seen & past
    return seen


def _softmax(xp: Numpy, x: Array) -> Any:
    """Over the last axis, in place; rows of minus infinity become zeros."""
    peak = x.max(axis=-1, keepdims=True)
    x -= xp.where(peak == -xp.inf, 0, peak)
    xp.exp(x, out=x)
    total = x.sum(axis=-1, keepdims=True)
    total += total == 0
    x /= total
    return x


def forward(
    xp: Numpy, query: Array, key: Array, value: Array, bias: Any, mask: Any, scale: float, is_causal: bool, cap: Any
) -> tuple[Any, Any, Any]:
    """The result, the weights, and the tanh of the capped logits (None without a cap)."""
    heads = key.shape[2]
    q, k, v = split_heads(query, heads), split_heads(key, heads), split_heads(value, heads)
    logits = apply(matmul, xp, q * scale, k.swapaxes(-1, -2))
    squashed = None
    if cap is not None:
        squashed = xp.tanh(logits / cap)
        logits = squashed * cap
    if bias is not None:
        logits += grouped(bias, heads, q.shape[2])
    seen = visible(xp, mask, logits.shape, is_causal)
    if seen is not None:
        xp.copyto(logits, -xp.inf, where=xp.broadcast_to(~seen, logits.shape))
    weights = _softmax(xp, logits) if key.shape[1] else logits
    return merge_heads(apply(matmul, xp, weights, v), query.shape[2]), weights, squashed


def gradient(
    xp: Numpy,
    g: Array,
    needs: Needs,
    query: Array,
    key: Array,
    value: Array,
    scale: float,
    cap: Any,
    weights: Array,
    squashed: Any,
) -> tuple[Any, ...]:
    """The gradients of query, key, value and bias."""
    heads, all_heads = key.shape[2], query.shape[2]
    g = split_heads(g, heads)
    d_value = None
    if needs[2]:
        d_value = merge_heads(apply(matmul, xp, weights.swapaxes(-1, -2), g).sum(axis=2, keepdims=True), heads)
    if not (needs[0] or needs[1] or needs[3]):
        return None, None, d_value, None, None
    d = apply(matmul, xp, g, split_heads(value, heads).swapaxes(-1, -2))
    d -= (d * weights).sum(axis=-1, keepdims=True)
    d *= weights
    d_bias = d.reshape(d.shape[0], all_heads, *d.shape[-2:]) if needs[3] else None
    if cap is not None:
        d = d * (1 - squashed * squashed)
    d_query = d_key = None
    if needs[0]:
        d_query = merge_heads(apply(matmul, xp, d, split_heads(key, heads)) * scale, all_heads)
    if needs[1]:
        turned = apply(matmul, xp, d.swapaxes(-1, -2), split_heads(query, heads))
        d_key = merge_heads(turned.sum(axis=2, keepdims=True) * scale, heads)
    return d_query, d_key, d_value, d_bias, None
