"""Attention by products and a softmax."""

from __future__ import annotations

from collections.abc import Callable

import numpy

from eagerflow.onnx.call import Call
from eagerflow.onnx.graph import Value
from eagerflow.ops.neural.attention import scale_of

__all__ = ["CONVERTERS"]

_UNSEEN = {2: -3e4, 4: -1e30, 8: -1e30}  # instead of minus infinity, of which a row of nothing else makes NaN


def _heads(c: Call, name: str, order: list[int], groups: int = 1) -> str:
    """(batch, steps, heads, width) in this order; each head as often as there are heads of the query for it."""
    g, x = c.graph, c.value(name)
    made = c.last(x, c.outputs[0].dtype)
    if groups > 1:
        batch, steps, heads, width = x.shape
        count = (groups,) * len(batch)
        spread = g.shape((batch, steps, heads, count, width))
        joined = g.shape((batch, steps, tuple([n * groups for n in heads]), width))
        if spread is None or joined is None:
            c.refuse("its heads have a shape that follows from no shape known here")
        made = g.node("Expand", [g.node("Unsqueeze", [made, g.integers([3])]), spread])
        made = g.node("Reshape", [made, joined])
    return str(g.node("Transpose", [made], perm=order))


def _grouped(c: Call, name: str, heads: int, query_heads: int, dtype: object) -> str:
    """A bias or mask, which broadcasts to (batch, heads, targets, sources)."""
    x = c.value(name)
    if x.rank == 4 and x.known(1) not in (1, query_heads):
        c.refuse(f"its {name} has another number of heads than the query")
    return c.last(x, dtype)


def _attention(c: Call) -> None:
    g, query, key, dtype = c.graph, c.value("query"), c.value("key"), c.outputs[0].dtype
    query_heads, heads = query.known(2), key.known(2)
    width = query.known(3)
    if query_heads is None or heads is None or width is None:
        c.refuse("its heads and widths must be known")
    groups = query_heads // heads

    def const(number: float) -> str:
        return g.constant(numpy.asarray(number, dtype))

    products = [_heads(c, "query", [0, 2, 1, 3]), _heads(c, "key", [0, 2, 3, 1], groups)]
    logits = g.node("Mul", [g.node("MatMul", products), const(scale_of(c.setting("scale"), numpy.empty((width,))))])
    cap = c.setting("attn_logits_soft_cap")
    if cap is not None:
        logits = g.node("Mul", [g.node("Tanh", [g.node("Div", [logits, const(cap)])]), const(cap)])
    if c.inputs["bias"] is not None:
        logits = g.node("Add", [logits, _grouped(c, "bias", heads, query_heads, dtype)])
    visible = _visible(c, query, key, heads, query_heads)
    if visible:
        unseen = const(_UNSEEN[dtype.itemsize])
        shares = g.node("Softmax", [g.node("Where", [visible, logits, unseen])], axis=-1)
        shares = g.node("Where", [visible, shares, const(0)])
    else:
        shares = g.node("Softmax", [logits], axis=-1)
    means = g.node("MatMul", [shares, _heads(c, "value", [0, 2, 1, 3], groups)])
    c.give(g.node("Transpose", [means], perm=[0, 2, 1, 3]))


def _visible(c: Call, query: Value, key: Value, heads: int, query_heads: int) -> str:
    """Which source each target sees; "" for all."""
    g = c.graph
    found = "" if c.inputs["mask"] is None else _grouped(c, "mask", heads, query_heads, numpy.dtype(bool))
    if not c.setting("is_causal"):
        return found
    lengths = [g.length(x.shape[1]) for x in (query, key)]
    if lengths[0] is None or lengths[1] is None:
        c.refuse("the lengths of its sequences follow from no shape known here")
    zero, one = (g.constant(numpy.int64(i)) for i in (0, 1))
    steps = [g.node("Range", [zero, g.node("Squeeze", [n, g.integers([0])]), one]) for n in lengths if n]
    past = g.node("GreaterOrEqual", [g.node("Unsqueeze", [steps[0], g.integers([1])]), steps[1]])
    return str(g.node("And", [found, past])) if found else str(past)


CONVERTERS: dict[str, Callable[[Call], None]] = {"dot_product_attention": _attention}
