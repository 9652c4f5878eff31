"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import Array, Needs, Numpy
from eagerflow.core.device import namespace_of
from eagerflow.core.op import op
from eagerflow.ops.elementwise.op_settings import as_number
from eagerflow.ops.elementwise.selection import where
from eagerflow.ops.elementwise.trigonometry import tanh
from eagerflow.ops.neural import attention_arrays as arrays
from eagerflow.ops.neural.softmax import softmax

__all__ = ["dot_product_attention"]


_UNSEEN = {2: -6e4, 4: -1e38, 8: -1e300}  # by the bytes of a number


def _check(query: Any, key: Any, value: Any) -> None:
    for name, array in (("query", query), ("key", key), ("value", value)):
        if array.ndim != 4:
            raise ValueError(f"{name}: expected (batch, length, heads, width); got {signature_of(array)}.")
    if query.shape[0] != key.shape[0]:
        raise ValueError(
            f"key: expected the batch of query, {query.shape[0]}; got {signature_of(key)}. "
            "To let all samples of a batch see the same key and value, repeat these: ops.repeat(key, batch, axis=0)."
        )
    if query.shape[3] != key.shape[3]:
        raise ValueError(f"key: expected the width of query, {query.shape[3]}; got {signature_of(key)}.")
    if key.shape[:3] != value.shape[:3]:
        raise ValueError(f"value: expected batch, length and heads of key, {key.shape[:3]}; got {signature_of(value)}.")
    if key.shape[2] == 0 or query.shape[2] % key.shape[2]:
        raise ValueError(f"key: expected a number of heads that divides query's {query.shape[2]}; got {key.shape[2]}.")


def _rule(
    xp: Numpy,
    g: Array,
    needs: Needs,
    query: Array,
    key: Array,
    value: Array,
    scale: float | None,
    attn_logits_soft_cap: float | None,
    weights: Any,
    squashed: Any,
) -> tuple[Any, ...]:
    return arrays.gradient(
        xp, g, needs, query, key, value, scale_of(scale, query), attn_logits_soft_cap, weights, squashed
    )


def scale_of(scale: Any, query: Any) -> float:
    """What products are multiplied by."""
    return 1 / math.sqrt(max(1, query.shape[-1])) if scale is None else scale


def _plain(
    query: Any,
    key: Any,
    value: Any,
    bias: Any,
    mask: Any,
    scale: float | None,
    is_causal: bool,
    attn_logits_soft_cap: float | None,
    **_: Any,
) -> Any:
    """The same by products and a softmax."""
    groups, heads = query.shape[2] // key.shape[2], key.shape[2]
    q = arrays.split_heads(query, heads)
    k, v = arrays.split_heads(key, heads), arrays.split_heads(value, heads)
    logits = (q @ k.swapaxes(-1, -2)) * scale_of(scale, query)
    if attn_logits_soft_cap is not None:
        logits = tanh(logits / attn_logits_soft_cap) * attn_logits_soft_cap
    if bias is not None:
        logits = logits + arrays.grouped(bias, heads, groups)
    xp = namespace_of(logits.data)
    visible = arrays.visible(xp, None if mask is None else mask.data, logits.shape, is_causal)
    if visible is None:
        return arrays.merge_heads(softmax(logits) @ v, query.shape[2])
    # A finite number instead of -infinity: a target that sees nothing gets zeros, not NaN.
    weights = where(visible, softmax(where(visible, logits, _UNSEEN[logits.dtype.itemsize])), 0)
    return arrays.merge_heads(weights @ v, query.shape[2])


@op(
    _rule,
    joint=True,
    reference=_plain,
    arrays=("query", "key", "value", "bias", "mask"),
    saves=("weights", "squashed", "inverse"),
)
def dot_product_attention(
    xp: Numpy,
    query: Array,
    key: Array,
    value: Array,
    bias: Array | None = None,
    mask: Array | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
    *,
    keep: bool = False,
) -> Any:
    """`softmax(query @ key * scale + bias) @ value`, per head.

    Args:
        query: (batch, targets, heads, width).
        key: (batch, sources, key heads, width). The number of key heads divides that of query heads; if there are
            fewer, neighbouring query heads share one.
        value: (batch, sources, key heads, width of the result).
        bias: added to the logits; broadcasts to (batch, heads, targets, sources).
        mask: bools that broadcast to the same shape: where False, the target doesn't attend to the source. A target
            that attends to nothing gets zeros.
        scale: what the products of query and key are multiplied by; default: `1 / sqrt(width)`.
        is_causal: whether target t attends only to sources up to t.
        flash_attention: accepted for Keras' signature; on a CPU, long sequences are always computed in blocks.
        attn_logits_soft_cap: if given, logits become `cap * tanh(logits / cap)`, which lies between -cap and cap.

    Returns:
        (batch, targets, heads, width of the result).

    Raises:
        ValueError: when shapes don't fit together.

    Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762.

    >>> query, key = ef.ops.ones((1, 2, 1, 3)), ef.ops.ones((1, 2, 1, 3))
    >>> value = ef.ops.reshape([0.0, 10.0], (1, 2, 1, 1))
    >>> ef.ops.dot_product_attention(query, key, value)[0, :, 0, 0].tolist()
    [5.0, 5.0]
    >>> ef.ops.dot_product_attention(query, key, value, is_causal=True)[0, :, 0, 0].tolist()
    [0.0, 5.0]
    """
    scale, attn_logits_soft_cap = settled(query, key, value, scale, attn_logits_soft_cap)
    return *arrays.forward(xp, query, key, value, bias, mask, scale, is_causal, attn_logits_soft_cap), None


def settled(query: Any, key: Any, value: Any, scale: Any, cap: Any) -> tuple[Any, Any]:
    """The scale and the cap as numbers, once the shapes are known to fit together."""
    _check(query, key, value)
    return as_number("scale", scale_of(scale, query), _plain), as_number("attn_logits_soft_cap", cap, _plain)
