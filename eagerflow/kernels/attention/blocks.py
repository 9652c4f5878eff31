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
from numpy import ndarray

from eagerflow.kernels.machine.blocks import ones
from eagerflow.kernels.machine.costs import Attention, Blocks
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each, one_blas_thread, scratch

__all__ = ["Call", "attend", "attend_gradient", "fits"]

_SAFE = 60.0  # logits up to this size need no subtraction: exp(60) times many sources is far from overflow


class Call(NamedTuple):
    """The arrays of a call, (batch, length, heads, width), and what changes the logits.

    `bias` and `mask` broadcast to (batch, heads, targets, sources).
    """

    query: ndarray
    key: ndarray
    value: ndarray
    bias: ndarray | None
    mask: ndarray | None
    scale: float
    causal: bool
    cap: float | None


class _Heads(NamedTuple):
    """Some heads of one sample that share keys, or have their own each.

    Views (heads, targets or sources, width), one head or as many of keys; (heads, sources, targets) of bias and mask.
    """

    b: int
    heads: slice
    shared: slice
    q: ndarray
    k: ndarray
    v: ndarray
    bias: ndarray | None
    seen: ndarray | None


def fits(query: ndarray, *others: Any) -> bool:
    """Whether all arrays (or None) are NumPy's and those that aren't bools are of one float type."""
    if type(query) is not numpy.ndarray or query.dtype.char not in "fd":
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


def _squares(x: ndarray) -> Any:
    """The sums of squares over the last axis; a check, which has nothing to warn of."""
    with numpy.errstate(over="ignore", invalid="ignore"), one_blas_thread:
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


def _pieces(call: Call) -> list[tuple[slice, slice]]:
    """Heads of queries and keys that are computed together: few calls, and still in the cache."""
    _, heads, targets, sources = _shape(call)
    shared = call.key.shape[2]
    groups = heads // shared
    if groups > 1:
        return [(slice(i * groups, (i + 1) * groups), slice(i, i + 1)) for i in range(shared)]
    fitting = max(1, 4 * Blocks.CHUNK // max(1, min(targets, _rows_at_once(sources)) * sources))
    step = -(-heads // -(-heads // fitting))  # pieces of about one size
    found = [slice(i, min(heads, i + step)) for i in range(0, heads, step)]
    return list(zip(found, found, strict=True))


def _of(call: Call, b: int, piece: tuple[slice, slice], extras: list[Any]) -> _Heads:
    heads, shared = piece
    views = [_by_head(x, b, part) for x, part in ((call.query, heads), (call.key, shared), (call.value, shared))]
    return _Heads(b, heads, shared, *views, *[None if a is None else a[b, heads] for a in extras])


def _by_head(x: ndarray, b: int, heads: slice, rows: slice = slice(None)) -> Any:
    """A view (heads, length, width) of some heads of a sample of x (batch, length, heads, width)."""
    return x[b, rows, heads].swapaxes(0, 1)


def _rows_at_once(sources: int) -> int:
    return max(Attention.LEAST, Blocks.CHUNK // max(1, sources))


def _microseconds(weights: float) -> float:
    """That a number of weights takes one thread, roughly."""
    return weights / (Attention.OF_EXPONENTIALS * speeds().exponentials)


class _Block(NamedTuple):
    """A block of targets, how many sources it looks at, and which of those from its first target on it sees."""

    rows: slice
    sources: int
    seen: Any


def _blocks(call: Call) -> list[_Block]:
    _, _, targets, sources = _shape(call)
    step = _rows_at_once(sources)
    found = [slice(i, min(targets, i + step)) for i in range(0, targets, step)]
    if not call.causal:
        return [_Block(rows, sources, None) for rows in found]
    return [_Block(rows, min(sources, rows.stop), _not_later(rows, min(sources, rows.stop))) for rows in found]


def _not_later(rows: slice, sources: int) -> Any:
    return numpy.arange(rows.start, max(rows.start, sources))[:, None] <= numpy.arange(rows.start, rows.stop)


def _hide(some: _Heads, block: _Block, out: ndarray, value: float) -> None:
    """Put `value` where a target doesn't see a source: 0 by multiplication, which is faster."""
    parts = [] if some.seen is None else [(out, some.seen[:, : block.sources, block.rows])]
    if block.seen is not None:
        parts.append((out[:, block.rows.start :], block.seen))
    for part, seen in parts:
        if value:
            numpy.copyto(part, value, where=~seen)
        else:
            numpy.multiply(part, seen, out=part)


def _exponentials(call: Call, some: _Heads, block: _Block, small: bool, out: ndarray) -> Any:
    """exp(logits) into `out` (heads, sources, targets), up to a factor per target; gives the tanh of capped logits."""
    squashed = None
    given = some.q[:, block.rows].swapaxes(1, 2)
    q = numpy.multiply(given, call.scale, out=scratch("attention_q", given.shape, given.dtype))
    numpy.matmul(some.k[:, : block.sources], q, out=out)
    if call.cap is not None:
        squashed = numpy.tanh(out * (1 / call.cap))
        numpy.multiply(squashed, call.cap, out=out)
    if some.bias is not None:
        numpy.add(out, some.bias[:, : block.sources, block.rows], out=out)
    if not small and out.size:
        _hide(some, block, out, -numpy.inf)
        peak = out.max(axis=1, keepdims=True)
        numpy.subtract(out, numpy.maximum(peak, numpy.finfo(out.dtype).min), out=out)
    numpy.exp(out, out=out)
    if small:
        _hide(some, block, out, 0)
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
    keep = keep and call.cap is None and size * dtype.itemsize <= Attention.KEPT
    weights = numpy.empty((batch, heads, sources, targets), dtype) if keep else None
    extras, blocks, small, pieces = _broadcast(call), _blocks(call), _are_small(call), _pieces(call)

    def run(i: int) -> None:
        b, piece = divmod(i, len(pieces))
        some = _of(call, b, pieces[piece], extras)
        for block in blocks:
            e = _room(weights, some, block, dtype)
            _exponentials(call, some, block, small, e)
            total = ones(block.sources, dtype) @ e
            total += total == 0
            part = numpy.divide(1, total, out=inverse[b, some.heads, block.rows])
            o = _by_head(out, b, some.heads, block.rows)
            numpy.matmul(e.swapaxes(1, 2), some.v[:, : block.sources], out=o)
            numpy.multiply(o, part[:, :, None], out=o)

    each(run, batch * len(pieces), _microseconds(size))
    return out, weights, inverse


def _room(weights: ndarray | None, some: _Heads, block: _Block, dtype: Any) -> Any:
    """Where exponentials (heads, sources, targets) are or go: a part of what is kept, or scratch."""
    if weights is not None:
        return weights[some.b, some.heads, : block.sources, block.rows]
    shape = (len(some.q), block.sources, block.rows.stop - block.rows.start)
    return scratch("attention_e", shape, dtype)


def attend_gradient(
    call: Call, g: ndarray, out: ndarray, weights: ndarray | None, inverse: ndarray, needs: tuple[bool, ...]
) -> tuple[Any, ...]:
    """The gradients of query, key, value and bias (batch, heads, targets, sources), of the bias where needed."""
    dtype = call.query.dtype
    d_query = numpy.empty(call.query.shape, dtype)
    d_key, d_value = numpy.zeros(call.key.shape, dtype), numpy.zeros(call.value.shape, dtype)
    d_bias = numpy.zeros(_shape(call), dtype) if needs[3] else None
    extras, blocks, small, pieces = _broadcast(call), _blocks(call), _are_small(call), _pieces(call)

    def run(i: int) -> None:
        b, piece = divmod(i, len(pieces))
        some = _of(call, b, pieces[piece], extras)
        for block in blocks:
            rows = block.rows
            arriving = _by_head(g, b, some.heads, rows) * inverse[b, some.heads, rows, None]
            e, squashed = _room(weights, some, block, dtype), None
            if weights is None:
                squashed = _exponentials(call, some, block, small, e)
            d = _slope(some, arriving, _by_head(out, b, some.heads, rows), e)
            if d_bias is not None:
                d_bias[b, some.heads, rows, : block.sources] = d.swapaxes(1, 2)
            if squashed is not None:
                d -= d * squashed * squashed
            _add(_by_head(d_value, b, some.shared, slice(block.sources)), e @ arriving)
            _add(_by_head(d_key, b, some.shared, slice(block.sources)), d @ some.q[:, rows])
            of_query = _by_head(d_query, b, some.heads, rows)
            numpy.matmul(d.swapaxes(1, 2), some.k[:, : block.sources], out=of_query)

    each(run, call.query.shape[0] * len(pieces), _microseconds(math.prod(_shape(call)) * 2))
    d_query *= call.scale
    d_key *= call.scale
    return d_query, d_key, d_value, d_bias


def _add(total: Any, found: Any) -> None:
    """Add gradients of heads to those of the heads that they share."""
    total += found if len(found) == len(total) else found.sum(axis=0, keepdims=True)


def _slope(some: _Heads, arriving: Any, out: ndarray, e: Any) -> Any:
    """The gradient of the logits (heads, sources, targets), in scratch.

    `arriving` is the gradient of the result `out`, divided by the sums of the exponentials `e`.
    """
    heads, targets, width = out.shape
    # One more column subtracts what is the same for all sources of a target.
    left = scratch("attention_v", (len(some.v), e.shape[1], width + 1), e.dtype)
    left[..., :width], left[..., width] = some.v[:, : e.shape[1]], 1
    right = scratch("attention_g", (heads, width + 1, targets), e.dtype)
    right[:, :width] = arriving.swapaxes(1, 2)
    numpy.negative(numpy.vecdot(arriving, out), out=right[:, width])
    d = numpy.matmul(left, right, out=scratch("attention_d", e.shape, e.dtype))
    return numpy.multiply(d, e, out=d)
