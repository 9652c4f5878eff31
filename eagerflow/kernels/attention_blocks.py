"""Attention on NumPy arrays, head by head and in blocks of targets that stay in the cache.

The weights of a block, (sources, targets), are exponentials that aren't normalized: dividing the result
(targets, width) is cheaper. The gradient needs no sum over sources either: that of weights times their gradient
is the result times its gradient (Dao et al. 2022, https://arxiv.org/abs/2205.14135). Weights are kept for it when
they are few, and computed again otherwise, so that memory grows with the length and not with its square.

The largest logit of a row is subtracted only where it could be large: by Cauchy and Schwarz none is above the
product of the longest query and the longest key.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy

from eagerflow.kernels.blocks import CHUNK, column_sums, ones
from eagerflow.kernels.threads import each, one_blas_thread, scratch

__all__ = ["Call", "attend", "attend_gradient", "fits"]

_SAFE = 60.0  # logits up to this size need no subtraction: exp(60) times many sources is far from overflow
_KEPT = 1 << 26  # bytes of weights that are kept for the gradient
_LEAST = 256  # targets at a time: products of narrower blocks are slow
_PER_MICROSECOND = 800.0  # weights of one thread, roughly


class Call(NamedTuple):
    """The arrays of a call, (batch, length, heads, width), and what changes the logits.

    `bias` and `mask` broadcast to (batch, heads, targets, sources).
    """

    query: Any
    key: Any
    value: Any
    bias: Any
    mask: Any
    scale: float
    causal: bool
    cap: float | None


class _Head(NamedTuple):
    """One head of one sample: views (targets or sources, width), and (sources, targets) of bias and mask."""

    q: Any
    k: Any
    v: Any
    bias: Any
    seen: Any


def fits(query: Any, *others: Any) -> bool:
    """Whether all arrays (or None) are NumPy's and those that aren't bools are of one float type."""
    if type(query) is not numpy.ndarray or query.dtype.name not in ("float32", "float64"):
        return False
    return all(a is None or (type(a) is numpy.ndarray and a.dtype == query.dtype) for a in others)


def _shape(call: Call) -> tuple[int, int, int, int]:
    """(batch, heads, targets, sources)."""
    batch, targets, heads, _ = call.query.shape
    return batch, heads, targets, call.key.shape[1]


def _are_small(call: Call) -> bool:
    """Whether no logit can be too large for exp."""
    if call.bias is not None or not (call.query.size and call.key.size):
        return False
    if call.cap is not None:
        return call.cap <= _SAFE
    squares = [float(numpy.max(_squares(x))) for x in (call.query, call.key)]
    return squares[0] * squares[1] * call.scale**2 <= _SAFE**2


def _squares(x: Any) -> Any:
    """The sums of squares over the last axis."""
    with one_blas_thread:
        return numpy.square(x).reshape(-1, x.shape[-1]) @ ones(x.shape[-1], x.dtype)


def _broadcast(call: Call) -> list[Any]:
    """Bias and mask as views (batch, heads, sources, targets)."""
    batch, heads, targets, sources = _shape(call)
    mask = None if call.mask is None else call.mask.astype(bool, copy=False)
    found = []
    for a in (call.bias, mask):
        if a is not None:
            a = numpy.ascontiguousarray(a.reshape((1,) * (4 - a.ndim) + a.shape).swapaxes(2, 3))
            a = numpy.broadcast_to(a, (batch, heads, sources, targets))
        found.append(a)
    return found


def _head(call: Call, b: int, h: int, extras: list[Any]) -> _Head:
    own = h * call.key.shape[2] // call.query.shape[2]
    of_head = [None if a is None else a[b, h] for a in extras]
    return _Head(call.query[b, :, h], call.key[b, :, own], call.value[b, :, own], *of_head)


class _Block(NamedTuple):
    """A block of targets, how many sources it looks at, and which of those from its first target on it sees."""

    rows: slice
    sources: int
    seen: Any


def _blocks(call: Call) -> list[_Block]:
    _, _, targets, sources = _shape(call)
    step = max(_LEAST, CHUNK // max(1, sources))
    found = [slice(i, min(targets, i + step)) for i in range(0, targets, step)]
    if not call.causal:
        return [_Block(rows, sources, None) for rows in found]
    return [
        _Block(rows, min(sources, rows.stop), _not_later(rows, min(sources, rows.stop))) for rows in found
    ]


def _not_later(rows: slice, sources: int) -> Any:
    return numpy.arange(rows.start, max(rows.start, sources))[:, None] <= numpy.arange(rows.start, rows.stop)


def _hide(head: _Head, block: _Block, out: Any, value: float) -> None:
    """Put `value` where a target doesn't see a source: 0 by multiplication, which is faster."""
    parts = [] if head.seen is None else [(out, head.seen[: len(out), block.rows])]
    if block.seen is not None:
        parts.append((out[block.rows.start :], block.seen))
    for part, seen in parts:
        if value:
            numpy.copyto(part, value, where=~seen)
        else:
            numpy.multiply(part, seen, out=part)


def _exponentials(call: Call, head: _Head, block: _Block, small: bool, out: Any) -> Any:
    """exp(logits) of a block into `out` (sources, targets), up to a factor per target; the tanh of capped logits."""
    squashed = None
    q = head.q[block.rows].T
    numpy.matmul(
        head.k[: len(out)],
        numpy.multiply(q, call.scale, out=scratch("attention_q", q.shape, q.dtype)),
        out=out,
    )
    if call.cap is not None:
        squashed = numpy.tanh(out * (1 / call.cap))
        numpy.multiply(squashed, call.cap, out=out)
    if head.bias is not None:
        numpy.add(out, head.bias[: len(out), block.rows], out=out)
    if not small and out.size:
        _hide(head, block, out, -numpy.inf)
        numpy.subtract(out, numpy.maximum(out.max(axis=0), numpy.finfo(out.dtype).min), out=out)
    numpy.exp(out, out=out)
    if small:
        _hide(head, block, out, 0)
    return squashed


def attend(call: Call, keep: bool) -> tuple[Any, Any, Any]:
    """The result (batch, targets, heads, width), and for the gradient the exponentials or None, and 1 / their sums.

    The exponentials are (batch, heads, sources, targets), the sums (batch, heads, targets).
    """
    batch, heads, targets, sources = _shape(call)
    dtype = call.query.dtype
    out = numpy.empty((batch, targets, heads, call.value.shape[3]), dtype)
    inverse = numpy.empty((batch, heads, targets), dtype)
    size = batch * heads * targets * sources
    keep = keep and call.cap is None and size * dtype.itemsize <= _KEPT
    weights = numpy.empty((batch, heads, sources, targets), dtype) if keep else None
    extras, blocks, small = _broadcast(call), _blocks(call), _are_small(call)

    def run(i: int) -> None:
        b, h = divmod(i, heads)
        head = _head(call, b, h, extras)
        for block in blocks:
            rows, count = block.rows, block.sources
            if weights is None:
                e = scratch("attention_e", (count, rows.stop - rows.start), dtype)
            else:
                e = weights[b, h, :count, rows]
            _exponentials(call, head, block, small, e)
            total = column_sums(e)
            total += total == 0
            numpy.divide(1, total, out=inverse[b, h, rows])
            o = out[b, rows, h]
            numpy.matmul(e.T, head.v[:count], out=o)
            numpy.multiply(o, inverse[b, h, rows, None], out=o)

    each(run, batch * heads, size / _PER_MICROSECOND)
    return out, weights, inverse


def attend_gradient(
    call: Call, g: Any, out: Any, weights: Any, inverse: Any, needs: tuple[bool, ...]
) -> tuple[Any, ...]:
    """The gradients of query, key, value and bias (batch, heads, targets, sources), of the bias where needed."""
    batch, heads, _, _ = _shape(call)
    key_heads, dtype = call.key.shape[2], call.query.dtype
    d_query = numpy.empty(call.query.shape, dtype)
    d_key, d_value = numpy.zeros(call.key.shape, dtype), numpy.zeros(call.value.shape, dtype)
    d_bias = numpy.zeros(_shape(call), dtype) if needs[3] else None
    extras, blocks, small = _broadcast(call), _blocks(call), _are_small(call)

    def run(i: int) -> None:
        b, own = divmod(i, key_heads)
        for h in range(own * heads // key_heads, (own + 1) * heads // key_heads):
            head = _head(call, b, h, extras)
            for block in blocks:
                rows, count = block.rows, block.sources
                arriving = g[b, rows, h] * inverse[b, h, rows, None]
                e, squashed = None if weights is None else weights[b, h, :count, rows], None
                if e is None:
                    e = scratch("attention_e", (count, len(arriving)), dtype)
                    squashed = _exponentials(call, head, block, small, e)
                d = _slope(head, arriving, out[b, rows, h], e)
                if d_bias is not None:
                    d_bias[b, h, rows, :count] = d.T
                if squashed is not None:
                    d -= d * squashed * squashed
                d_value[b, :count, own] += e @ arriving
                d_key[b, :count, own] += d @ head.q[rows]
                numpy.multiply(d.T @ head.k[:count], call.scale, out=d_query[b, rows, h])

    each(run, batch * key_heads, _count(call) * 2 / _PER_MICROSECOND)
    d_key *= call.scale
    return d_query, d_key, d_value, d_bias


def _count(call: Call) -> int:
    """How many weights there are."""
    return math.prod(_shape(call))


def _slope(head: _Head, arriving: Any, out: Any, e: Any) -> Any:
    """The gradient of a block's logits (sources, targets), in scratch.

    `arriving` is the gradient of the result `out`, divided by the sums of the exponentials `e`.
    """
    width = out.shape[1]
    # One more column subtracts what is the same for all sources of a target.
    left = scratch("attention_v", (len(e), width + 1), e.dtype)
    left[:, :width], left[:, width] = head.v[: len(e)], 1
    right = scratch("attention_g", (width + 1, len(out)), e.dtype)
    right[:width] = arriving.T
    numpy.negative(numpy.vecdot(arriving, out), out=right[width])
    d = numpy.matmul(left, right, out=scratch("attention_d", e.shape, e.dtype))
    return numpy.multiply(d, e, out=d)
