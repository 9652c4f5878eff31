"""Convolutions and pooling: windows over the axes behind those of batch and channels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.limits import room, spend, work
from eagerflow.onnx.nodes.shaping import padded
from eagerflow.onnx.nodes.values import as_type, is_real, numbers

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
    work(x.shape[0] * math.prod(outside) * kernel.size)
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
    work(x.size * kernel.size / max(kernel.shape[-1], 1))
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
    rank = x.ndim - 2
    window, steps, apart = (_per_axis(each, rank) for each in (kernel_shape, strides, dilations))
    reach = [(k - 1) * d + 1 for k, d in zip(window, apart)]
    pairs = _pairs(auto_pad, pads, x.shape[2:], reach, steps)
    pairs = _behind(pairs, ceil_mode, x.shape[2:], reach, steps)
    low = -math.inf if is_real(x.dtype) else numpy.iinfo(x.dtype).min
    around = [(0, 0), (0, 0), *pairs]
    if outputs == 2:
        return _with_places(numbers(x), around, window, steps, apart, storage_order)
    if set(apart) == {1} and rank <= 3:
        if auto_pad == "SAME_UPPER" and not ceil_mode:
            return ops.max_pool(x, tuple(window), tuple(steps), "same", "channels_first")
        return ops.max_pool(padded(x, around, value=low), tuple(window), tuple(steps), "valid", "channels_first")
    made: Any = None
    for part in _taps(padded(x, around, value=low), window, steps, apart):
        made = part if made is None else ops.maximum(made, part)
    return made


def _taps(x: Any, window: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> Any:
    """For each place in a window what all windows have there."""
    counts = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], window, strides, dilations)]
    spend(math.prod(window) * math.prod(max(n, 0) for n in counts) * math.prod(x.shape[:2]) * 4)
    for tap in itertools.product(*[range(k) for k in window]):
        cuts = [slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, dilations, counts, strides)]
        yield x[(slice(None), slice(None), *cuts)]


def _with_places(x: Any, around: Any, window: Any, strides: Any, dilations: Any, by_column: int) -> list[Any]:
    """The largest of each window, and its place in the flat array."""
    inner: Any = numpy.arange(math.prod(x.shape[2:]))
    inner = inner.reshape(x.shape[:1:-1]).T if by_column else inner.reshape(x.shape[2:])
    front = numpy.arange(math.prod(x.shape[:2])).reshape(*x.shape[:2], *[1] * inner.ndim)
    places = numpy.pad(front * inner.size + inner, around, constant_values=-1)
    low = -math.inf if is_real(x.dtype) else numpy.iinfo(x.dtype).min
    values = numpy.stack(list(_taps(numpy.pad(x, around, constant_values=low), window, strides, dilations)))
    spots = numpy.stack(list(_taps(places, window, strides, dilations)))
    best = numpy.where(spots < 0, -numpy.inf, values).argmax(0)[None]
    return [numpy.take_along_axis(each, best, 0)[0] for each in (values, spots)]


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
    rank = x.ndim - 2
    window, steps, apart = (_per_axis(each, rank) for each in (kernel_shape, strides, dilations))
    reach = [(k - 1) * d + 1 for k, d in zip(window, apart)]
    inner = _pairs(auto_pad, pads, x.shape[2:], reach, steps)
    pairs = _behind(inner, ceil_mode, x.shape[2:], reach, steps)
    if auto_pad == "SAME_UPPER" and set(apart) == {1} and not (ceil_mode or count_include_pad) and rank <= 3:
        return as_type(ops.average_pool(x, tuple(window), tuple(steps), "same", "channels_first"), x.dtype)
    around = [(0, 0), (0, 0), *pairs]
    made = _mean_of_windows(padded(x, around), window, steps, apart)
    if not any(itertools.chain(*pairs)) or (count_include_pad and pairs == inner):
        return as_type(made, x.dtype)
    ones = numpy.ones((1, 1, *x.shape[2:]), x.dtype)
    if count_include_pad:
        ones = numpy.pad(ones, [(0, 0), (0, 0), *inner], constant_values=1)
        pairs = [(0, after - e) for (_, after), (_, e) in zip(pairs, inner)]
    ones = numpy.pad(ones, [(0, 0), (0, 0), *pairs])
    parts = sum(numpy.asarray(part, "float64") for part in _taps(ones, window, steps, apart))
    return as_type(ops.divide(made, as_type(ops.convert_to_tensor(parts / math.prod(window)), x.dtype)), x.dtype)


def _mean_of_windows(x: Any, window: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> Any:
    if set(dilations) == {1} and len(window) <= 3:
        return ops.average_pool(x, tuple(window), tuple(strides), "valid", "channels_first")
    made: Any = None
    for part in _taps(x, window, strides, dilations):
        made = part if made is None else ops.add(made, part)
    return ops.divide(made, float(math.prod(window)))


def _lp_pool(
    x: Any,
    *,
    kernel_shape: Any,
    p: int = 2,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Any:
    how = {"auto_pad": auto_pad, "ceil_mode": ceil_mode, "dilations": dilations, "pads": pads, "strides": strides}
    size = math.prod(kernel_shape)
    powers = ops.power(ops.absolute(x), float(p))
    sums = ops.multiply(_average_pool(powers, kernel_shape=kernel_shape, count_include_pad=1, **how), float(size))
    return as_type(ops.power(sums, 1.0 / p), x.dtype)


def _global(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any) -> Any:
        return as_type(function(x, axis=tuple(range(2, x.ndim)), keepdims=True), x.dtype)

    return run


def _global_lp(x: Any, *, p: int = 2) -> Any:
    powers = ops.power(ops.absolute(x), float(p))
    return as_type(ops.power(ops.sum(powers, axis=tuple(range(2, x.ndim)), keepdims=True), 1.0 / p), x.dtype)


NODES: dict[str, Callable[..., Any]] = {
    "Conv": convolved,
    "ConvTranspose": spread,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "LpPool": _lp_pool,
    "GlobalAveragePool": _global(ops.mean),
    "GlobalMaxPool": _global(ops.max),
    "GlobalLpPool": _global_lp,
}
# The same for kernels in our order.
ARRANGED: dict[str, Callable[..., Any]] = {"Conv": _convolved, "ConvTranspose": _spread_out}
