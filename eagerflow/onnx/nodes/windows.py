"""Convolutions and pooling: windows over the axes behind those of batch and channels."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.limits import room
from eagerflow.onnx.nodes.shaping import padded
from eagerflow.onnx.nodes.values import as_type, is_real, known

__all__ = ["ARRANGED", "NODES", "convolved"]

Pairs = list[tuple[int, int]]


def _per_axis(given: Any, rank: int, default: int = 1) -> list[int]:
    found = [default] * rank if given is None else [int(n) for n in given]
    if len(found) != rank or any(n < 1 for n in found):
        raise ValueError(f"{found[:9]} for {rank} spatial axes.")
    return found


def _pairs(auto_pad: str, pads: Any, lengths: Sequence[int], reach: Sequence[int], strides: Sequence[int]) -> Pairs:
    """The padding in front and behind, per axis; `reach`: lengths of windows with dilation."""
    rank = len(lengths)
    if auto_pad in ("NOTSET", ""):
        found = [0] * (2 * rank) if pads is None else [int(n) for n in pads]
        if len(found) != 2 * rank:
            raise ValueError(f"pads={found[:9]} for {rank} spatial axes.")
        return list(zip(found[:rank], found[rank:]))
    if auto_pad == "VALID":
        return [(0, 0)] * rank
    if auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
        raise ValueError(f"auto_pad={auto_pad!r:.40}.")
    total = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(lengths, reach, strides)]
    less = [(t // 2, t - t // 2) for t in total]
    return less if auto_pad == "SAME_UPPER" else [(b, a) for a, b in less]


# ---------------------------------------------------------------------- convolutions


def convolved(x: Any, kernel: Any, bias: Any = None, **how: Any) -> Any:
    """`Conv`."""
    return _convolved(x, _turned(kernel), bias, **how)


def _turned(kernel: Any) -> Any:
    """A kernel (filters, channels of a group, *window) as (*window, channels of a group, filters), which is ours."""
    return ops.transpose(kernel, (*range(2, kernel.ndim), 1, 0))


def _convolved(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Any = None,
    group: int = 1,
    kernel_shape: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Any:
    rank = x.ndim - 2
    if rank < 1 or kernel.ndim != x.ndim or group < 1 or kernel.shape[-2] * group != x.shape[1]:
        raise ValueError(f"a kernel {_shape_of(kernel)} in {group} groups for an input {list(x.shape)}.")
    window, filters = kernel.shape[:-2], kernel.shape[-1]
    steps, apart = _per_axis(strides, rank), _per_axis(dilations, rank)
    reach = [(k - 1) * d + 1 for k, d in zip(window, apart)]
    pairs = _pairs(auto_pad, pads, x.shape[2:], reach, steps)
    outside = [(n + b + e) // s + 1 for n, (b, e), s in zip(x.shape[2:], pairs, steps)]
    room((x.shape[0], filters, *outside), x.dtype)
    halves = [((r - 1) // 2, r - 1 - (r - 1) // 2) for r in reach]
    same = (pairs == halves and set(steps) == {1}) or auto_pad == "SAME_UPPER"
    if not same:
        x = padded(x, [(0, 0), (0, 0), *pairs])
    made = _conv(x, kernel, group, "same" if same else "valid", steps, apart)
    return made if bias is None else _with_bias(made, bias)


def _shape_of(kernel: Any) -> list[int]:
    """As the file has it."""
    return [*kernel.shape[:-3:-1], *kernel.shape[:-2]]


def _conv(x: Any, kernel: Any, group: int, padding: str, strides: Sequence[int], dilations: Sequence[int]) -> Any:
    rank = x.ndim - 2
    how: dict[str, Any] = {"padding": padding, "data_format": "channels_first", "dilation_rate": tuple(dilations)}
    if group == x.shape[1] > 1 and rank == 2 and strides[0] == strides[1]:
        kernel = ops.reshape(kernel, (*kernel.shape[:-2], group, kernel.shape[-1] // group))
        return ops.depthwise_conv(x, kernel, strides=strides[0], **how)
    if rank <= 3:
        return ops.conv(x, kernel, strides=tuple(strides), **how)
    raise ValueError(f"a convolution over {rank} axes; at most 3 are known.")


def _with_bias(made: Any, bias: Any) -> Any:
    return ops.add(made, ops.reshape(bias, (1, -1, *[1] * (made.ndim - 2))))


def spread(x: Any, kernel: Any, bias: Any = None, **how: Any) -> Any:
    """`ConvTranspose`."""
    return _spread_out(x, _turned(kernel), bias, **how)


def _spread_out(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Any = None,
    group: int = 1,
    kernel_shape: Any = None,
    output_padding: Any = None,
    output_shape: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Any:
    rank = x.ndim - 2
    if rank < 1 or kernel.ndim != x.ndim or group < 1 or x.shape[1] % group or kernel.shape[-1] != x.shape[1]:
        raise ValueError(f"a kernel {_shape_of(kernel)} in {group} groups for an input {list(x.shape)}.")
    steps, apart = _per_axis(strides, rank), _per_axis(dilations, rank)
    more = [0] * rank if output_padding is None else [int(n) for n in output_padding]
    reach = [(k - 1) * d + 1 for k, d in zip(kernel.shape[:-2], apart)]
    whole = [s * (n - 1) + r + e for n, s, r, e in zip(x.shape[2:], steps, reach, more, strict=True)]
    if output_shape is not None or auto_pad.startswith("SAME"):
        wanted = list(output_shape or [n * s for n, s in zip(x.shape[2:], steps)])[-rank:]
        total = [n - w for n, w in zip(whole, wanted)]
        first = [max(0, t - t // 2 if auto_pad == "SAME_LOWER" else t // 2) for t in total]
        pairs = [(f, t - f) for f, t in zip(first, total)]
    else:
        pairs = _pairs(auto_pad, pads, x.shape[2:], reach, steps)
    room([x.shape[0], kernel.shape[-2] * group, *whole], x.dtype)
    parts = []
    for i, part in enumerate(ops.split(x, group, axis=1) if group > 1 else [x]):
        width = kernel.shape[-1] // group
        ours = kernel[..., i * width : (i + 1) * width] if group > 1 else kernel
        parts.append(_spread(part, ours, steps, apart))
    made = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)
    ends = [(-b, n - made.shape[a + 2] - e) for a, (n, (b, e)) in enumerate(zip(whole, pairs))]
    made = padded(made, [(0, 0), (0, 0), *ends])
    return made if bias is None else _with_bias(made, bias)


def _spread(x: Any, kernel: Any, strides: Sequence[int], dilations: Sequence[int]) -> Any:
    how: dict[str, Any] = {"data_format": "channels_first", "dilation_rate": tuple(dilations)}
    return ops.conv_transpose(x, kernel, strides=tuple(strides), padding="valid", **how)


# ---------------------------------------------------------------------- pooling


def _behind(pairs: Pairs, ceil: int, lengths: Sequence[int], reach: Sequence[int], strides: Sequence[int]) -> Pairs:
    """With further padding behind, where the last windows may reach beyond the end."""
    if not ceil:
        return pairs
    found = []
    for (b, e), n, k, s in zip(pairs, lengths, reach, strides):
        count = -(-(n + b + e - k) // s) + 1
        count -= (count - 1) * s >= n + b  # a window that begins behind the array
        found.append((b, max(e, (count - 1) * s + k - n - b)))
    return found


class _Pool:
    """The windows of a pooling node.

    Attributes:
        inner: the padding.
        pairs: the padding with what the last windows reach beyond the end.
        plain: whether our own ops have such windows.
    """

    def __init__(
        self, x: Any, kernel_shape: Any, auto_pad: str, ceil_mode: int, dilations: Any, pads: Any, strides: Any
    ) -> None:
        rank = x.ndim - 2
        self.window, self.steps, self.apart = (_per_axis(n, rank) for n in (kernel_shape, strides, dilations))
        reach = [(k - 1) * d + 1 for k, d in zip(self.window, self.apart)]
        self.inner = _pairs(auto_pad, pads, x.shape[2:], reach, self.steps)
        self.pairs = _behind(self.inner, ceil_mode, x.shape[2:], reach, self.steps)
        self.plain = set(self.apart) == {1} and rank <= 3
        self.same = self.plain and auto_pad == "SAME_UPPER" and not ceil_mode

    def by(self, op: Callable[..., Any], x: Any, padding: str = "valid") -> Any:
        """By an op."""
        return op(x, tuple(self.window), tuple(self.steps), padding, "channels_first")

    def taps(self, x: Any) -> Iterator[Any]:
        """For each place in a window what all windows have there."""
        counts = [
            (n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], self.window, self.steps, self.apart)
        ]
        for tap in itertools.product(*[range(k) for k in self.window]):
            cuts = [slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, self.apart, counts, self.steps)]
            yield x[(slice(None), slice(None), *cuts)]

    def mean(self, x: Any) -> Any:
        return self.by(ops.average_pool, x) if self.plain else ops.mean(ops.stack(list(self.taps(x))), axis=0)


def _max_pool(
    x: Any,
    *,
    kernel_shape: Any,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Any = None,
    pads: Any = None,
    storage_order: int = 0,
    strides: Any = None,
    outputs: int = 1,
) -> Any:
    if outputs > 1:
        raise ValueError("the places of the largest numbers aren't known here.")
    pool = _Pool(x, kernel_shape, auto_pad, ceil_mode, dilations, pads, strides)
    if pool.same:
        return pool.by(ops.max_pool, x, "same")
    low = -math.inf if is_real(x.dtype) else numpy.iinfo(x.dtype).min
    x = padded(x, [(0, 0), (0, 0), *pool.pairs], value=low)
    return pool.by(ops.max_pool, x) if pool.plain else functools.reduce(ops.maximum, pool.taps(x))


def _average_pool(
    x: Any,
    *,
    kernel_shape: Any,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Any:
    pool = _Pool(x, kernel_shape, auto_pad, ceil_mode, dilations, pads, strides)
    if pool.same and not count_include_pad:
        return as_type(pool.by(ops.average_pool, x, "same"), x.dtype)
    inner, pairs = pool.inner, pool.pairs
    made = pool.mean(padded(x, [(0, 0), (0, 0), *pairs]))
    if not any(itertools.chain(*pairs)) or (count_include_pad and pairs == inner):
        return as_type(made, x.dtype)
    ones = numpy.ones((1, 1, *x.shape[2:]))
    if count_include_pad:
        ones = numpy.pad(ones, [(0, 0), (0, 0), *inner], constant_values=1)
        pairs = [(0, after - e) for (_, after), (_, e) in zip(pairs, inner)]
    share = known(pool.mean(numpy.pad(ones, [(0, 0), (0, 0), *pairs])).data)  # of the places of each window
    return as_type(ops.divide(made, as_type(share, x.dtype)), x.dtype)


def _global(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any) -> Any:
        return as_type(function(x, axis=tuple(range(2, x.ndim)), keepdims=True), x.dtype)

    return run


NODES: dict[str, Callable[..., Any]] = {
    "Conv": convolved,
    "ConvTranspose": spread,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global(ops.mean),
    "GlobalMaxPool": _global(ops.max),
}
# The same for kernels in our order.
ARRANGED: dict[str, Callable[..., Any]] = {"Conv": _convolved, "ConvTranspose": _spread_out}
