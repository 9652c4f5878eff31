"""Weights in fewer bits: int8 with a scale per channel, or float16, and the nodes that make float32 of them again.

Only what multiplies is rounded: matrices, kernels, embeddings. Biases and what normalizes are small, and matter more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from eagerflow.onnx.graph import Graph, Index, Late, Node, blocks
from eagerflow.onnx.replay import unpacked
from eagerflow.onnx.trace import ExportError

__all__ = ["KINDS", "rounded"]

KINDS = ("int8", "float16")
_SMALL = 1024  # bytes, up to which a weight stays as it is
_WIDE = 64  # columns of an embedding, from which a scale for each row is little
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


def _along(scale: Any, axis: int, index: Index) -> Any:
    """The scales of a part's channels, so that they meet its numbers."""
    return scale[index[axis]].reshape([-1 if i == axis else 1 for i in range(len(index))])


def _scales(source: Any, axis: int) -> Any:
    """By what the largest number of each channel becomes 127; None where one isn't finite."""
    largest = numpy.zeros(source.shape[axis], "float32")
    others = tuple(i for i in range(len(source.shape)) if i != axis)
    for index in blocks(source.shape):
        part, known = source[index], largest[index[axis]]
        numpy.maximum(known, numpy.maximum(part.max(others), -part.min(others)), out=known)
    scale = (largest / 127).astype("float32")
    if not numpy.isfinite(scale).all():
        return None
    zero = scale < numpy.finfo("float32").tiny
    scale[zero] = scale[~zero].min(initial=1)  # not larger, as runtimes that add up before they scale round by it
    return scale


def _to_int8(graph: Graph, name: str, axis: int) -> Node | None:
    source = graph.constants[name]
    scale = _scales(source, axis)
    if scale is None:
        return None

    def part(index: Index) -> Any:
        made = source[index] / _along(scale, axis, index)
        numpy.rint(made, out=made)
        return made.clip(-127, 127, out=made).astype("int8")

    given = [Late(source.shape, "int8", part), scale]
    names = [graph.constant(each, f"{name}:{word}") for each, word in zip(given, ("int8", "scale"))]
    return Node("DequantizeLinear", names, [name], {"axis": axis}, graph.name(f"{name}/DequantizeLinear"))


def _to_float16(graph: Graph, name: str) -> Node | None:
    source = graph.constants[name]
    parts = (source[index] for index in blocks(source.shape))
    if not all(max(part.max(), -part.min()) <= _LARGEST for part in parts):
        return None
    late = Late(source.shape, "float16", lambda index: source[index].astype("float16"))
    made = graph.constant(late, f"{name}:float16")
    return Node("Cast", [made], [name], {"to": numpy.dtype("float32")}, graph.name(f"{name}/Cast"))


def _check(graph: Graph, node: Node, source: Any, axis: int) -> None:
    """What the node gives must be the weight, but for half a step."""
    scale = graph.constants[node.inputs[1]] if node.kind == "DequantizeLinear" else None
    for index in blocks(source.shape):
        part = source[index]
        size = numpy.abs(part)
        step = size * 2.0**-10 + 2.0**-24 if scale is None else _along(scale, axis, index)
        if not (numpy.abs(unpacked(graph, node, index) - part) <= 0.5001 * step + 1e-6 * size).all():
            raise ExportError(f"the weight {node.outputs[0]!r} was not rounded to its nearest number.")
