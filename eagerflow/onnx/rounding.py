"""Weights in fewer bits: int8 with a scale per channel, or float16, and the nodes that make float32 of them again.

Only what multiplies is rounded: matrices, kernels, embeddings. Biases and what normalizes are small, and matter more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy

from eagerflow.onnx.graph import Graph, Late, Node
from eagerflow.onnx.replay import computed_node
from eagerflow.onnx.trace import ExportError

__all__ = ["KINDS", "rounded"]

KINDS = ("int8", "float16")
_SMALL = 1024  # bytes, up to which a weight stays as it is
_WIDE = 64  # columns of an embedding, from which a scale for each row is little
_PIECE = 1 << 20  # numbers that are rounded at once
_LARGEST = 65504.0  # of float16


def rounded(graph: Graph, kind: str) -> None:
    """Round the weights of a graph, in place, and check each of them.

    Args:
        graph: whose constants of float32 are replaced; they are rounded when they are written.
        kind: one of `KINDS`.
    """
    ahead = []
    for name, axis in list(_weights(graph)):
        source = graph.constants[name]
        made = _to_int8(graph, name, axis) if kind == "int8" else _to_float16(graph, name)
        if made is None:  # an infinite number, or one too large
            continue
        del graph.constants[name]
        ahead.append(made)
        _check(graph, made, source, axis)
    graph.nodes = [*ahead, *graph.nodes]


def _weights(graph: Graph) -> Iterator[tuple[str, int]]:
    """Names of weights, and the axis of their channels."""
    uses: dict[str, list[int | None]] = {}
    for node in graph.nodes:
        for place, name in enumerate(node.inputs):
            if name in graph.constants:
                uses.setdefault(name, []).append(_axis(node, place, graph.constants[name].shape))
    for name, axes in uses.items():
        constant = graph.constants[name]
        if constant.dtype == numpy.float32 and constant.nbytes > _SMALL and axes[0] is not None and None not in axes:
            yield name, axes[0]


def _axis(node: Node, place: int, shape: tuple[int, ...]) -> int | None:
    """The axis whose slices have a scale each, for the input of a node; None for what isn't rounded."""
    if len(shape) < 2:
        return None
    if node.kind == "MatMul":
        return len(shape) - 1 if place == 1 else len(shape) - 2
    if node.kind == "Gather" and place == 0 and len(shape) == 2:
        return 0 if shape[1] >= _WIDE else 1
    kinds = {("Conv", 1): 0, ("ConvTranspose", 1): 1}
    kinds |= {(kind, place): 1 for kind in ("LSTM", "GRU", "RNN") for place in (1, 2)}
    return kinds.get((node.kind, place))


def _pieces(array: Any) -> Iterator[slice]:
    """Stretches along the first axis, none of them large."""
    step = max(1, _PIECE * len(array) // max(array.size, 1))
    return (slice(i, i + step) for i in range(0, len(array), step))


def _given(array: Any) -> Any:
    return array.made() if isinstance(array, Late) else array


def _in_pieces(source: Any, dtype: Any, convert: Callable[[Any, slice], Any]) -> Late:
    """An array converted when it is needed, a piece at a time."""

    def made() -> Any:
        array = _given(source)
        out = numpy.empty(array.shape, dtype)
        for piece in _pieces(array):
            out[piece] = convert(array[piece], piece)
        return out

    return Late(tuple(source.shape), numpy.dtype(dtype), made)


def _to_int8(graph: Graph, name: str, axis: int) -> Node | None:
    source = graph.constants[name]
    array = _given(source)
    others = tuple(i for i in range(array.ndim) if i != axis)
    scale = (numpy.maximum(array.max(others), -array.min(others)) / 127).astype("float32")
    if not numpy.isfinite(scale).all():
        return None
    zero = scale < numpy.finfo("float32").tiny
    scale[zero] = scale[~zero].min(initial=1)  # not larger, as runtimes that add up before they scale round by it
    along = numpy.moveaxis(scale.reshape(-1, *[1] * len(others)), 0, axis)

    def convert(part: Any, piece: slice) -> Any:
        return numpy.rint(part / (along[piece] if axis == 0 else along)).clip(-127, 127)

    given = [_in_pieces(source, "int8", convert), scale]
    names = [graph.constant(each, f"{name}:{word}") for each, word in zip(given, ("int8", "scale"))]
    return Node("DequantizeLinear", names, [name], {"axis": axis}, graph.name(f"{name}/DequantizeLinear"))


def _to_float16(graph: Graph, name: str) -> Node | None:
    source = graph.constants[name]
    array = _given(source)
    if not max(array.max(), -array.min()) <= _LARGEST:
        return None
    made = graph.constant(_in_pieces(source, "float16", lambda part, piece: part), f"{name}:float16")
    return Node("Cast", [made], [name], {"to": numpy.dtype("float32")}, graph.name(f"{name}/Cast"))


def _check(graph: Graph, node: Node, source: Any, axis: int) -> None:
    """What the node gives must be the weight, but for half a step."""
    array, (found,) = _given(source), computed_node(graph, node, {})
    scale = graph.constants[node.inputs[1]] if node.kind == "DequantizeLinear" else None
    for piece in _pieces(array):
        part = array[piece]
        if scale is None:
            step = numpy.abs(part) * 2.0**-10 + 2.0**-24
        else:
            step = numpy.moveaxis(scale.reshape(-1, *[1] * (array.ndim - 1)), 0, axis)
            step = step[piece] if axis == 0 else step
        if not (numpy.abs(found[piece] - part) <= 0.5001 * step + 1e-6 * numpy.abs(part)).all():
            raise ExportError(f"the weight {node.outputs[0]!r} was not rounded to its nearest number.")
