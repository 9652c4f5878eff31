"""Products, convolutions, pooling and normalization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow.onnx.call import Call
from eagerflow.onnx.constants import Constant
from eagerflow.onnx.converters.reductions import reduced
from eagerflow.onnx.graph import Value
from eagerflow.ops.neural.transposed_convolution import planned

__all__ = ["CONVERTERS"]


def _matmul(c: Call) -> None:
    dtype, x, kernel = c.outputs[0].dtype, c.inputs["x1"], c.inputs["x2"]
    if isinstance(x, Value) and x.is_first and isinstance(kernel, Constant) and _is_matrix(kernel):
        c.give(_by_convolution(c, x, kernel, []), first=True)
        return
    wide = _wide(dtype)
    c.give(c.cast(c.graph.node("MatMul", [c.name("x1", wide), c.name("x2", wide)]), wide, dtype))


def _wide(dtype: Any, windows: bool = False) -> Any:
    """The type in which products are summed: float32 for narrow types, as we do it and as not every runtime does.

    Of windows runtimes know no float64.
    """
    narrow = dtype.itemsize == 2 or (windows and dtype.itemsize == 8)
    return numpy.dtype("float32") if narrow and dtype.kind in "fV" else dtype


def _is_matrix(kernel: Constant) -> bool:
    return kernel.array.ndim == 2 and not kernel.changes


def _by_convolution(c: Call, x: Value, kernel: Constant, bias: list[str]) -> str:
    """A product with a matrix where the channels stand first: a convolution by windows of 1, which moves nothing."""
    g, dtype, rank = c.graph, _wide(c.outputs[0].dtype), x.rank - 2
    array = kernel.array.astype(dtype, copy=False)
    shape = (*array.shape[::-1], *[1] * rank)
    weights = g.weight(array, kernel.path or "kernel", f"conv {rank}", lambda matrix: matrix.T.reshape(shape))
    ones = [1] * rank
    given = [c.cast(g.first(x), x.dtype, dtype), weights, *bias]
    found = g.node("Conv", given, kernel_shape=ones, strides=ones, dilations=ones, group=1)
    return c.cast(found, dtype, c.outputs[0].dtype)


def _dense(c: Call) -> None:
    g, dtype = c.graph, c.outputs[0].dtype
    x, kernel = c.inputs["x"], c.inputs["kernel"]
    if isinstance(x, Value) and x.is_first and isinstance(kernel, Constant) and _is_matrix(kernel):
        made = _by_convolution(c, x, kernel, [c.name("bias", _wide(dtype))])
        c.give(g.node("Relu", [made]) if c.setting("relu") else made, first=True)
        return
    wide = _wide(dtype)
    product = g.node("MatMul", [c.name("x", wide), c.name("kernel", wide)])
    name = c.cast(g.node("Add", [product, c.name("bias", wide)]), wide, dtype)
    c.give(g.node("Relu", [name]) if c.setting("relu") else name)


# ---------------------------------------------------------------------- windows


def _each(setting: Any, rank: int) -> list[int]:
    return [int(setting)] * rank if isinstance(setting, (int, numpy.integer)) else [int(x) for x in setting]


def _is_first(c: Call) -> bool:
    found = c.setting("data_format")
    return found == "channels_first"


def _image(c: Call) -> tuple[str, int, list[Any]]:
    """The input's name with the channels first, the number of spatial axes, and their lengths."""
    x, wide = c.value("inputs"), _wide(c.outputs[0].dtype, True)
    if _is_first(c):
        return c.last(x, wide), x.rank - 2, list(x.shape[2:])
    return c.cast(c.graph.first(x), x.dtype, wide), x.rank - 2, list(x.shape[1:-1])


def _put(c: Call, name: str) -> None:
    """The result, which has the channels first, in the layout of the program."""
    dtype = c.outputs[0].dtype
    c.give(c.cast(name, _wide(dtype, True), dtype), first=not _is_first(c))


def _pads(c: Call, window: list[int], strides: list[int], dilations: list[int], lengths: list[Any]) -> dict[str, Any]:
    """Attributes for the padding. `"same"` at odd strides follows from the lengths, as ONNX does it too."""
    padding = c.setting("padding").lower()  # ops take "SAME", too
    if padding == "valid":
        return {}
    reach = [(size - 1) * step for size, step in zip(window, dilations)]
    if padding == "causal":
        return {"pads": [*reach, *[0] * len(reach)]}
    if all(step == 1 for step in strides):
        return {"pads": [*[r // 2 for r in reach], *[r - r // 2 for r in reach]]}
    if all(len(set(each)) == 1 for each in lengths):
        total = [max((-(-n[0] // s) - 1) * s + r + 1 - n[0], 0) for n, s, r in zip(lengths, strides, reach)]
        return {"pads": [*[t // 2 for t in total], *[t - t // 2 for t in total]]}
    if any(step != 1 for step in dilations):
        c.refuse('padding="same" with strides and dilation needs known lengths')
    return {"auto_pad": "SAME_UPPER"}


def _kernel(c: Call) -> Any:
    if not c.is_known("kernel"):
        c.refuse("its kernel is computed from the inputs")
    return c.known("kernel")


def _weights(c: Call, array: Any) -> str:
    """A kernel in ONNX's order, under the variable's name where it is one."""
    found, wide = c.inputs["kernel"], _wide(c.outputs[0].dtype, True)
    use = f"{c.op.name} {array.shape} {wide}"
    return c.graph.weight(found.array, found.path or "kernel", use, lambda _: array.astype(wide, copy=False))


def _conv_name(c: Call, group: int, weights: Any, bias: Sequence[str] = ()) -> str:
    name, rank, lengths = _image(c)
    strides, dilations = _each(c.setting("strides"), rank), _each(c.setting("dilation_rate"), rank)
    window = list(weights.shape[2:])
    given = [name, _weights(c, weights), *bias]
    pads = _pads(c, window, strides, dilations, lengths)
    options = {"kernel_shape": window, "strides": strides, "dilations": dilations, "group": group, **pads}
    return str(c.graph.node("Conv", given, **options))


def _channels(c: Call) -> int:
    found = c.value("inputs").known(1 if _is_first(c) else -1)
    if found is None:
        c.refuse("its number of channels is unknown")
    return found


def _conv(c: Call) -> None:
    kernel = _kernel(c)
    weights = numpy.moveaxis(kernel, (-1, -2), (0, 1))
    _put(c, _rectified(c, _conv_name(c, _channels(c) // kernel.shape[-2], weights, _bias(c))))


def _bias(c: Call) -> list[str]:
    return [c.name("bias", _wide(c.outputs[0].dtype, True))] if "bias" in c.inputs else []


def _rectified(c: Call, name: str) -> str:
    return str(c.graph.node("Relu", [name])) if "relu" in c.op.settings and c.setting("relu") else name


def _depthwise(c: Call) -> None:
    kernel, channels = _kernel(c), _channels(c)
    flat = kernel.reshape(*kernel.shape[:-2], 1, -1)
    _put(c, _conv_name(c, channels, numpy.moveaxis(flat, (-1, -2), (0, 1))))


def _conv_transpose(c: Call) -> None:
    kernel = _kernel(c)
    name, rank, lengths = _image(c)
    strides, dilations = _each(c.setting("strides"), rank), _each(c.setting("dilation_rate"), rank)
    x = numpy.broadcast_to(numpy.float32(0), (1, *[n[0] for n in lengths], kernel.shape[-1]))  # only its lengths count
    front = planned(x, kernel, strides, c.setting("padding"), c.setting("output_padding"), dilations).before
    made = c.outputs[0].shape[2:] if _is_first(c) else c.outputs[0].shape[1:-1]
    end = []
    for n, m, s, d, k, before in zip(lengths, made, strides, dilations, kernel.shape, front):
        over = {(a - 1) * s + (k - 1) * d + 1 - before - b for a, b in zip(n, m)}
        if len(over) != 1:
            c.refuse("its padding changes with the size of the inputs")
        end.append(over.pop())
    weights = numpy.moveaxis(kernel, (-1, -2), (0, 1))  # (in, out, *window)
    options: dict[str, Any] = {"kernel_shape": list(weights.shape[2:]), "strides": strides, "dilations": dilations}
    options["pads"] = [*front, *[max(each, 0) for each in end]]
    if any(each < 0 for each in end):
        options["output_padding"] = [max(-each, 0) for each in end]
    _put(c, _rectified(c, c.graph.node("ConvTranspose", [name, _weights(c, weights), *_bias(c)], **options)))


_FROM_ZERO = ("Relu", "Sigmoid", "Softmax", "Exp", "Abs", "Softplus")


def _apart(c: Call, name: str) -> str:
    """What a maximum is taken of, kept apart from zeros that were padded.

    Optimizers (onnxruntime's, onnxsim's) take such a `Pad` into the `MaxPool` behind it, whose own padding counts for
    nothing rather than for 0: wrong where all numbers of a window are negative.
    """
    made = {output: node for node in c.graph.nodes[-40:] for output in node.outputs}
    pad = made.get(name)
    if pad is None or pad.kind != "Pad" or (pad.inputs[0] in made and made[pad.inputs[0]].kind in _FROM_ZERO):
        return name
    dtype = c.outputs[0].dtype
    lowest = -numpy.inf if dtype.kind != "i" else numpy.iinfo(dtype).min
    return str(c.graph.node("Max", [name, c.graph.constant(numpy.asarray(lowest, _wide(dtype, True)))]))


def _pool(kind: str) -> Callable[[Call], None]:
    def convert(c: Call) -> None:
        name, rank, lengths = _image(c)
        name = _apart(c, name) if kind == "MaxPool" else name
        window = _each(c.setting("pool_size"), rank)
        strides = window if c.setting("strides") is None else _each(c.setting("strides"), rank)
        options = {"kernel_shape": window, "strides": strides, **_pads(c, window, strides, [1] * rank, lengths)}
        if kind == "AveragePool":
            options["count_include_pad"] = 0
        _put(c, c.graph.node(kind, [name], **options))

    return convert


def _windows(c: Call) -> tuple[Any, dict[str, list[int]]]:
    """A kernel that picks each element of a window, and the attributes of its convolution."""
    plans = c.settings("geometry")
    plan = plans[0]
    if len({each[:5] for each in plans}) > 1:
        c.refuse("its padding changes with the size of the inputs; give that a number")
    picks = numpy.eye(plan.taps, dtype=c.outputs[0].dtype).reshape(plan.taps, 1, *plan.sizes)
    options = {"kernel_shape": list(plan.sizes), "strides": list(plan.strides), "dilations": list(plan.dilation)}
    return picks, {**options, "pads": [*plan.before, *plan.after]}


def _gather_windows(c: Call) -> None:
    """A convolution of each channel for itself with kernels of one 1 each."""
    x, g = c.value("x"), c.graph
    picks, options = _windows(c)
    channels, rank = x.known(-1), x.rank - 2
    if channels is None:
        c.refuse("its number of channels is unknown")
    weights = g.constant(numpy.tile(picks, (channels, *[1] * (rank + 1))))
    found = g.node("Conv", [c.cast(g.first(x), x.dtype, picks.dtype), weights], 1, group=channels, **options)
    batch, *spatial = c.outputs[0].shape[: rank + 1]
    shape = g.shape([batch, *[(n,) * len(batch) for n in (channels, len(picks))], *spatial])
    if shape is None:
        c.refuse("its shape follows from no shape known here")
    found = g.node("Reshape", [found, shape])
    c.give(g.node("Transpose", [found], perm=[0, *range(3, rank + 3), 2, 1]))


# ---------------------------------------------------------------------- normalization


def _batch_normalization(c: Call) -> None:
    """A factor and a shift per channel, found now."""
    if not c.is_known("mean", "variance", "offset", "scale"):
        c.refuse("its mean or variance is computed from the inputs")
    x, axis = c.value("x"), int(c.setting("axis"))
    mean, variance = (c.known(name).astype("float64") for name in ("mean", "variance"))
    factor = 1 / numpy.sqrt(variance + float(c.setting("epsilon")))
    if c.inputs["scale"] is not None:
        factor = factor * c.known("scale")
    shift = -mean * factor
    if c.inputs["offset"] is not None:
        shift = shift + c.known("offset")
    first = x.is_first and x.rank > 2
    place = x.moved(axis) if first else axis % x.rank
    shape = [-1 if i == place else 1 for i in range(x.rank)]
    name, dtype = c.graph.first(x) if first else c.last(x), c.outputs[0].dtype
    for kind, numbers in (("Mul", factor), ("Add", shift)):
        name = c.graph.node(kind, [name, c.graph.constant(numbers.astype(dtype).reshape(shape))])
    c.give(name, first=first)


def _layer_norm(c: Call) -> None:
    x, axes = c.value("x"), sorted(int(a) % c.value("x").rank for a in c.setting("axes"))
    shape = [x.known(a) for a in axes]
    first = x.is_first and axes == [x.rank - 1]
    fitting = all(c.inputs[name] is None or list(c.known(name).shape) == shape for name in ("gamma", "beta"))
    if first or not fitting or None in shape or axes != list(range(axes[0], x.rank)):
        c.give(_layer_norm_by_parts(c, x, axes, first), first=first)
        return
    gamma = c.name("gamma") or c.graph.constant(numpy.ones([n or 0 for n in shape], x.dtype))
    given = [c.last(x), gamma, *([c.name("beta")] if c.inputs["beta"] is not None else [])]
    c.give(c.graph.node("LayerNormalization", given, axis=axes[0] - x.rank, epsilon=float(c.setting("epsilon"))))


def _layer_norm_by_parts(c: Call, x: Value, axes: list[int], first: bool) -> str:
    """Along axes which ONNX' own node can't take: that has the last ones."""
    g, name = c.graph, c.graph.first(x) if first else c.last(x)
    places = [x.moved(axis) for axis in axes] if first else axes
    apart = g.node("Sub", [name, reduced(c, "ReduceMean", name, places, True)])
    variance = reduced(c, "ReduceMean", g.node("Mul", [apart, apart]), places, True)
    spread = g.node("Sqrt", [g.node("Add", [variance, g.constant(numpy.asarray(c.setting("epsilon"), x.dtype))])])
    found = g.node("Div", [apart, spread])
    for kind, parameter in (("Mul", "gamma"), ("Add", "beta")):
        if c.inputs[parameter] is not None:
            numbers = c.known(parameter)
            numbers = numbers.reshape((1,) * (x.rank - numbers.ndim) + numbers.shape)
            found = g.node(kind, [found, g.constant(numpy.moveaxis(numbers, -1, 1) if first else numbers)])
    return str(found)


CONVERTERS: dict[str, Callable[[Call], None]] = {
    "matmul": _matmul,
    "dense": _dense,
    "conv": _conv,
    "conv_bias": _conv,
    "depthwise_conv": _depthwise,
    "conv_transpose": _conv_transpose,
    "conv_transpose_bias": _conv_transpose,
    "gather_windows": _gather_windows,
    "max_pool": _pool("MaxPool"),
    "average_pool": _pool("AveragePool"),
    "batch_normalization": _batch_normalization,
    "layer_norm": _layer_norm,
}
