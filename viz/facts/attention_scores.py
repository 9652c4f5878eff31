"""The scores of attention, which ops that compute it at once don't return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

__all__ = ["OPS", "scores_of"]

OPS = {"dot_product_attention": 1, "scaled_dot_product_attention": 2}
"""The ops, eagerflow's and PyTorch's, and which axis of their inputs is that of the heads."""


def scores_of(name: str, given: Mapping[str, Any]) -> numpy.ndarray:
    """The scores of an attention op, of shape (batch, heads, queries, keys), from its arguments by name."""
    query, key = (numpy.swapaxes(given[each], 1, 2) if OPS[name] == 1 else given[each] for each in ("query", "key"))
    key = numpy.repeat(key, query.shape[1] // key.shape[1], axis=1)
    logits = query.astype("float64") @ numpy.swapaxes(key, 2, 3).astype("float64")
    logits = logits * (given.get("scale") or query.shape[-1] ** -0.5)
    cap, mask, bias = given.get("attn_logits_soft_cap"), given.get("mask", given.get("attn_mask")), given.get("bias")
    logits = logits if cap is None else cap * numpy.tanh(logits / cap)
    if mask is not None and mask.dtype.kind == "f":
        bias, mask = mask, None
    logits = logits if bias is None else logits + bias
    logits = logits if mask is None else numpy.where(mask, logits, -numpy.inf)
    if given.get("is_causal"):
        logits = numpy.where(numpy.tri(*logits.shape[-2:]) > 0, logits, -numpy.inf)
    highest = logits.max(axis=-1, keepdims=True)
    powers = numpy.exp(logits - numpy.where(numpy.isfinite(highest), highest, 0.0))
    return numpy.asarray(powers / numpy.maximum(powers.sum(axis=-1, keepdims=True), 1e-300))
