"""Computes an exported graph by ONNX' own rules, to compare it with the model before it is written.

NumPy and our own ops do the arithmetic; what a node means is taken from ONNX' description of its operators,
https://onnx.ai/onnx/operators (Apache 2.0), not from the op that it was made of.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.graph import Graph

__all__ = ["computed"]

Attributes = Mapping[str, Any]
_LARGE = 1 << 22  # bytes


def computed(graph: Graph, inputs: Mapping[str, Any], wanted: Collection[str] | None = None) -> dict[str, Any]:
    """Values of a graph, as NumPy's arrays by name.

    Args:
        graph: what is computed.
        inputs: arrays by name; nodes whose result is among them aren't computed.
        wanted: the values that are kept; None for all.
    """
    found: dict[str, Any] = {"": None, **inputs}
    uses = Counter([name for node in graph.nodes for name in node.inputs])
    with numpy.errstate(all="ignore"):
        for node in graph.nodes:
            if node.outputs[0] not in found:
                given = [graph.array(name) if name in graph.constants else found[name] for name in node.inputs]
                made = _KINDS[node.kind](node.attributes, *given)
                del given
                found.update(zip(node.outputs, made if isinstance(made, (list, tuple)) else [made], strict=True))
            uses.subtract(node.inputs)
            if wanted is not None:
                for name in [n for n in node.inputs if n and not uses[n] and n not in wanted]:
                    found.pop(name, None)
    return found


# ---------------------------------------------------------------------- windows


def _pads(a: Attributes, x: Any, window: Any) -> list[tuple[int, int]]:
    rank = x.ndim - 2
    if a.get("auto_pad") == "SAME_UPPER":
        total = [max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in zip(x.shape[2:], a["strides"], window)]
        return [(t // 2, t - t // 2) for t in total]
    pads = a.get("pads", [0] * (2 * rank))
    return list(zip(pads[:rank], pads[rank:]))


def _padded(x: Any, pads: list[tuple[int, int]], value: float) -> Any:
    if not any(itertools.chain(*pads)):
        return x
    return numpy.pad(x, [(0, 0), (0, 0), *pads], constant_values=value)


def _by_example(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for one example after the other, where all at once would take much memory."""

    def run(a: Attributes, x: Any, *rest: Any) -> Any:
        if len(x) < 2 or x.nbytes < _LARGE:
            return function(a, x, *rest)
        first = function(a, x[:1], *rest)
        out = numpy.empty((len(x), *first.shape[1:]), first.dtype)
        out[:1] = first
        for i in range(1, len(x)):
            out[i : i + 1] = function(a, x[i : i + 1], *rest)
        return out

    return run


def _conv(a: Attributes, x: Any, kernel: Any, bias: Any = None) -> Any:
    reach = [(k - 1) * d + 1 for k, d in zip(kernel.shape[2:], a["dilations"])]
    padded = _padded(x, _pads(a, x, reach), 0)
    how = {"strides": a["strides"], "data_format": "channels_first", "dilation_rate": a["dilations"]}
    ours = numpy.ascontiguousarray(numpy.moveaxis(kernel, (0, 1), (-1, -2)))
    if a["group"] == x.shape[1] and x.ndim == 4 and a["strides"][0] == a["strides"][1]:
        ours = ours.reshape(*kernel.shape[2:], x.shape[1], -1)
        out = ops.depthwise_conv(padded, ours, **how).numpy()
    else:
        out = ops.conv(padded, ours, **how).numpy()
    return out if bias is None else out + bias.reshape(-1, *[1] * (x.ndim - 2))


def _conv_transpose(a: Attributes, x: Any, kernel: Any) -> Any:
    ours = numpy.ascontiguousarray(numpy.moveaxis(kernel, (0, 1), (-1, -2)))
    how = {"strides": a["strides"], "data_format": "channels_first", "dilation_rate": a["dilations"]}
    out = ops.conv_transpose(x, ours, padding="valid", **how).numpy()
    more = a.get("output_padding", [0] * (x.ndim - 2))
    out = numpy.pad(out, [(0, 0), (0, 0), *[(0, e) for e in more]])
    for axis, (n, k, (begin, end), e) in enumerate(zip(x.shape[2:], kernel.shape[2:], _pads(a, x, ()), more), 2):
        reach = (k - 1) * a["dilations"][axis - 2] + 1
        length = a["strides"][axis - 2] * (n - 1) + e + reach - begin - end
        out = numpy.take(out, range(begin, begin + length), axis)
    return out


def _max_pool(a: Attributes, x: Any) -> Any:
    low = -numpy.inf if x.dtype.kind == "f" else numpy.iinfo(x.dtype).min
    padded = _padded(x, _pads(a, x, a["kernel_shape"]), low)
    return ops.max_pool(padded, a["kernel_shape"], a["strides"], "valid", "channels_first").numpy()


def _average_pool(a: Attributes, x: Any) -> Any:
    pads = _pads(a, x, a["kernel_shape"])
    how = (a["kernel_shape"], a["strides"], "valid", "channels_first")
    out = ops.average_pool(_padded(x, pads, 0), *how).numpy()
    if not any(itertools.chain(*pads)):
        return out
    return out / ops.average_pool(_padded(numpy.ones_like(x), pads, 0), *how).numpy()


# ---------------------------------------------------------------------- recurrent


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + numpy.exp(-x))


def _lstm_step(x: Any, states: list[Any], r: Any, b: Any, a: Attributes) -> list[Any]:
    h, c = states
    i, o, f, g = numpy.split(x + h @ r.T + b[b.size // 2 :], 4, -1)
    new = _sigmoid(f) * c + _sigmoid(i) * numpy.tanh(g)
    return [_sigmoid(o) * numpy.tanh(new), new]


def _gru_step(x: Any, states: list[Any], r: Any, b: Any, a: Attributes) -> list[Any]:
    (h,) = states
    of_z, of_r, of_h = numpy.split(r, 3)
    bias_z, bias_r, bias_h = numpy.split(b[b.size // 2 :], 3)
    x_z, x_r, x_h = numpy.split(x, 3, -1)
    z, reset = _sigmoid(x_z + h @ of_z.T + bias_z), _sigmoid(x_r + h @ of_r.T + bias_r)
    if a["linear_before_reset"]:
        candidate = numpy.tanh(x_h + reset * (h @ of_h.T + bias_h))
    else:
        candidate = numpy.tanh(x_h + (reset * h) @ of_h.T + bias_h)
    return [(1 - z) * candidate + z * h]


def _rnn_step(x: Any, states: list[Any], r: Any, b: Any, a: Attributes) -> list[Any]:
    return [numpy.tanh(x + states[0] @ r.T + b[b.size // 2 :])]


def _recurrent(step: Callable[..., list[Any]]) -> Callable[..., Any]:
    def run(a: Attributes, x: Any, w: Any, r: Any, b: Any, lengths: Any, *starts: Any) -> list[Any]:
        w, r, b = w[0], r[0], b[0]
        states = [start[0] for start in starts]
        outputs = numpy.zeros((len(x), 1, x.shape[1], r.shape[1]), x.dtype)
        for t, row in enumerate(x):
            new = step(row @ w.T + b[: b.size // 2], states, r, b, a)
            live = numpy.ones(x.shape[1], bool) if lengths is None else t < lengths
            states = [numpy.where(live[:, None], ours, old) for ours, old in zip(new, states)]
            outputs[t, 0] = numpy.where(live[:, None], new[0], 0)
        return [outputs.astype(x.dtype), *[state[None].astype(x.dtype) for state in states]]

    return run


# ---------------------------------------------------------------------- the rest


def _slice(a: Attributes, x: Any, starts: Any, ends: Any, axes: Any, steps: Any = None) -> Any:
    index = [slice(None)] * x.ndim
    for i, axis in enumerate(axes):
        step = 1 if steps is None else int(steps[i])
        start, end, n = int(starts[i]), int(ends[i]), x.shape[axis]
        start, end = (value + n if value < 0 else value for value in (start, end))
        low, high = (0, n) if step > 0 else (-1, n - 1)
        start = min(max(start, 0), n if step > 0 else n - 1)
        end = min(max(end, low), high if step < 0 else n)
        index[axis] = slice(start, None if end < 0 else end, step)
    return x[tuple(index)]


def _reshape(a: Attributes, x: Any, shape: Any) -> Any:
    lengths = [int(n) for n in shape]
    if not a.get("allowzero"):
        lengths = [x.shape[i] if n == 0 else n for i, n in enumerate(lengths)]
    return x.reshape(lengths)


def _reduce(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(a: Attributes, x: Any, axes: Any = None) -> Any:
        places = tuple(int(i) for i in (a["axes"] if axes is None else axes))
        return function(x, axis=places, keepdims=bool(a["keepdims"]), **_typed(function, x))

    return run


def _typed(function: Any, x: Any) -> dict[str, Any]:
    return {"dtype": x.dtype} if function in (numpy.sum, numpy.prod) else {}


def _layer_norm(a: Attributes, x: Any, scale: Any, bias: Any = None) -> Any:
    axes = tuple(range(a["axis"] % x.ndim, x.ndim))
    centred = x - x.mean(axes, keepdims=True)
    out = centred / numpy.sqrt((centred**2).mean(axes, keepdims=True) + a["epsilon"]) * scale
    return (out if bias is None else out + bias).astype(x.dtype)


def _softmax(a: Attributes, x: Any) -> Any:
    powers = numpy.exp(x - x.max(a["axis"], keepdims=True))
    return powers / powers.sum(a["axis"], keepdims=True)


def _top(a: Attributes, x: Any, k: Any) -> list[Any]:
    axis = a["axis"]
    order = numpy.argsort(x if a.get("largest", 1) == 0 else -x, axis=axis, kind="stable")
    order = numpy.take(order, range(int(k[0])), axis)
    return [numpy.take_along_axis(x, order, axis), order.astype(numpy.int64)]


def _place(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(a: Attributes, x: Any) -> Any:
        return numpy.asarray(function(x, axis=a["axis"], keepdims=bool(a["keepdims"])), numpy.int64)

    return run


def _pad(a: Attributes, x: Any, pads: Any, value: Any) -> Any:
    half = len(pads) // 2
    cut = tuple(slice(max(0, -int(b)), n - max(0, -int(e))) for n, b, e in zip(x.shape, pads[:half], pads[half:]))
    more = [(max(0, int(b)), max(0, int(e))) for b, e in zip(pads[:half], pads[half:])]
    return numpy.pad(x[cut], more, constant_values=value)


def _split(a: Attributes, x: Any, sizes: Any) -> list[Any]:
    return numpy.split(x, numpy.cumsum(sizes)[:-1], a["axis"])


def _divide(a: Attributes, x: Any, y: Any) -> Any:
    if x.dtype.kind == "f":
        return x / y
    return numpy.trunc(x.astype("float64") / y).astype(x.dtype)


def _shape(a: Attributes, x: Any) -> Any:
    return numpy.array(x.shape[a["start"] : a["end"]] if "start" in a else x.shape, numpy.int64)


def _expand(a: Attributes, x: Any, shape: Any) -> Any:
    return numpy.broadcast_to(x, numpy.broadcast_shapes(x.shape, tuple(int(n) for n in shape)))


def _erf(a: Attributes, x: Any) -> Any:
    return ops.erf(x).numpy()


def _each(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, *xs: function(*xs)


_NUMPY = """
    Sigmoid:_ Tanh:tanh Exp:exp Log:log Sqrt:sqrt Neg:negative Abs:absolute Floor:floor Ceil:ceil Sign:sign Sin:sin
    Cos:cos Tan:tan Asin:arcsin Acos:arccos Atan:arctan Sinh:sinh Cosh:cosh Asinh:arcsinh Acosh:arccosh Atanh:arctanh
    Round:round Add:add Sub:subtract Mul:multiply Pow:power Max:maximum Min:minimum Equal:equal Less:less
    LessOrEqual:less_equal Greater:greater GreaterOrEqual:greater_equal And:logical_and Or:logical_or Xor:logical_xor
    Not:logical_not Where:where IsNaN:isnan IsInf:isinf Mod:mod MatMul:matmul BitwiseAnd:bitwise_and
    BitwiseOr:bitwise_or BitwiseXor:bitwise_xor
"""

_KINDS: dict[str, Callable[..., Any]] = {
    **{kind: _each(getattr(numpy, name, _sigmoid)) for kind, name in [pair.split(":") for pair in _NUMPY.split()]},
    "Identity": _each(lambda x: x),
    "Relu": _each(lambda x: numpy.maximum(x, 0)),
    "Softplus": _each(lambda x: numpy.logaddexp(x, 0).astype(x.dtype)),
    "Erf": _erf,
    "Div": _divide,
    "Clip": _each(lambda x, low, high: numpy.clip(x, low, high)),
    "LeakyRelu": lambda a, x: numpy.where(x < 0, numpy.asarray(a["alpha"], x.dtype) * x, x),
    "Elu": lambda a, x: numpy.where(x < 0, numpy.asarray(a["alpha"], x.dtype) * numpy.expm1(x), x),
    "Cast": lambda a, x: x.astype(a["to"]),
    "Conv": _by_example(_conv),
    "ConvTranspose": _by_example(_conv_transpose),
    "MaxPool": _by_example(_max_pool),
    "AveragePool": _by_example(_average_pool),
    "LSTM": _recurrent(_lstm_step),
    "GRU": _recurrent(_gru_step),
    "RNN": _recurrent(_rnn_step),
    "LayerNormalization": _layer_norm,
    "Softmax": _softmax,
    "LogSoftmax": lambda a, x: numpy.log(_softmax(a, x)),
    "ReduceSum": _reduce(numpy.sum),
    "ReduceMean": _reduce(numpy.mean),
    "ReduceMax": _reduce(numpy.max),
    "ReduceMin": _reduce(numpy.min),
    "ReduceProd": _reduce(numpy.prod),
    "ArgMax": _place(numpy.argmax),
    "ArgMin": _place(numpy.argmin),
    "TopK": _top,
    "CumSum": lambda a, x, axis: numpy.cumsum(x, int(axis), dtype=x.dtype),
    "Reshape": _reshape,
    "Expand": _expand,
    "Transpose": lambda a, x: x.transpose(a["perm"]),
    "Concat": lambda a, *xs: numpy.concatenate(xs, a["axis"]),
    "Split": _split,
    "Slice": _slice,
    "Squeeze": _each(lambda x, axes: numpy.squeeze(x, tuple(int(i) for i in axes))),
    "Unsqueeze": _each(lambda x, axes: numpy.expand_dims(x, tuple(int(i) for i in axes))),
    "Pad": _pad,
    "Gather": lambda a, x, i: numpy.take(x, i, a["axis"]),
    "GatherElements": lambda a, x, i: numpy.take_along_axis(x, i, a["axis"]),
    "Shape": _shape,
    "Range": _each(lambda start, end, step: numpy.arange(start, end, step)),
}
