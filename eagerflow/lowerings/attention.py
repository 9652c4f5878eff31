"""Attention in blocks of targets that stay in the cache; halves through float32."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.core.dtypes import common_dtype
from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.attention import blocks
from eagerflow.lowerings.halves import has_halves, narrow, wide
from eagerflow.ops.neural import attention_arrays as arrays
from eagerflow.ops.neural.attention import dot_product_attention, scale_of, settled

__all__: list[str] = []


def _attend(*arguments: Any, keep: bool) -> Any:
    query, key, value, bias, mask, scale, is_causal, _, cap = arguments
    scale, cap = settled(query, key, value, scale, cap)
    if has_halves(query, key, value, bias):
        dtype = common_dtype(query.dtype, key.dtype, value.dtype)
        query, key, value, bias = wide(query, key, value, bias)
        found = _attended(query, key, value, bias, mask, scale, is_causal, cap, keep)
        return narrow(found[0], dtype), *found[1:]
    return _attended(query, key, value, bias, mask, scale, is_causal, cap, keep)


def _attended(
    query: Any, key: Any, value: Any, bias: Any, mask: Any, scale: Any, is_causal: bool, cap: Any, keep: bool
) -> Any:
    """The result, the weights, the tanh of the capped logits, and what blocks keep (or None each).

    They keep the result, too: of halves before it is rounded, for slopes are small differences from it.
    """
    if blocks.fits(query, key, value, bias):
        call = blocks.Call(query, key, value, bias, mask, scale, is_causal, cap)
        out, weights, inverse = blocks.attend(call, keep)
        return out, weights, None, None if inverse is None else (inverse, out)
    return *arrays.forward(numpy, query, key, value, bias, mask, scale, is_causal, cap), None


def _gradients(
    g: Any,
    needs: Any,
    query: Any,
    key: Any,
    value: Any,
    bias: Any,
    mask: Any,
    scale: Any,
    is_causal: bool,
    attn_logits_soft_cap: Any,
    weights: Any,
    squashed: Any,
    inverse: Any,
) -> Any:
    given = query, key, value, bias
    if has_halves(*given):
        g, query, key, value, bias = wide(g, *given)
    scale = scale_of(scale, query)
    if inverse is None:
        found = arrays.gradient(numpy, g, needs, query, key, value, scale, attn_logits_soft_cap, weights, squashed)[:4]
    else:
        call = blocks.Call(query, key, value, bias, mask, scale, is_causal, attn_logits_soft_cap)
        found = blocks.attend_gradient(call, g, inverse[1], weights, inverse[0], needs)
    return *[d if d is None else narrow(d, a.dtype) for d, a in zip(found, given)], None


lower(dot_product_attention, _attend)
lower_rule(dot_product_attention, _gradients)
