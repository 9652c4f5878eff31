"""Weights in fewer bits: int8 with a scale per channel, or float16, and the nodes that make float32 of them again.

Only what multiplies is rounded: matrices, kernels, embeddings. Biases and what normalizes are small, and matter more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from eagerflow.onnx.graph import Graph, Node
from eagerflow.onnx.replay import computed_node
from eagerflow.onnx.trace import ExportError

__all__ = ["KINDS", "rounded"]

KINDS = ("int8", "float16")
_SMALL = 1024  # bytes, up to which a weight stays as it is
_WIDE = 64  # columns of an embedding, from which a scale for each row is little
_LARGEST = 65504.0  # of float16


def rounded(graph: Graph, kind: str) -> None:
    """Round the weights of a graph, in place, and check each of them.

    Args:
        graph: whose constants of float32 are replaced.
        kind: one of `KINDS`.
    """
    ahead = []
    for name, axis in list(_weights(graph)):
        source = graph.constants.pop(name)
        made = _to_int8(graph, name, source, axis) if kind == "int8" else _to_float16(graph, name, source)
        if made is None:  # an infinite number, or one too large
            graph.constants[name] = source
        else:
            ahead.append(made)
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


def _scales(source: Any, axis: int) -> Any:
    """By what the largest number of each channel becomes 127, so that they meet its numbers."""
    others = tuple(i for i in range(source.ndim) if i != axis)
    scale = (numpy.abs(source).max(others, keepdims=True) / 127).astype("float32")
    zero = scale < numpy.finfo("float32").tiny
    scale[zero] = scale[~zero].min(initial=1)  # not larger, as runtimes that add up before they scale round by it
    return scale


def _to_int8(graph: Graph, name: str, source: Any, axis: int) -> Node | None:
    if not numpy.isfinite(source).all():
        return None
    scale = _scales(source, axis)
    integers = numpy.rint(source / scale).clip(-127, 127).astype("int8")
    names = [graph.constant(integers, f"{name}:int8"), graph.constant(scale.reshape(-1), f"{name}:scale")]
    made = Node("DequantizeLinear", names, [name], {"axis": axis}, graph.name(f"{name}/DequantizeLinear"))
    _check(graph, made, source, scale)
    return made


def _to_float16(graph: Graph, name: str, source: Any) -> Node | None:
    if not numpy.abs(source).max() <= _LARGEST:
        return None
    stored = graph.constant(source.astype("float16"), f"{name}:float16")
    made = Node("Cast", [stored], [name], {"to": numpy.dtype("float32")}, graph.name(f"{name}/Cast"))
    _check(graph, made, source, numpy.abs(source) * 2.0**-10 + 2.0**-24)
    return made


def _check(graph: Graph, node: Node, source: Any, step: Any) -> None:
    """What the node gives must be the weight, but for half a step."""
    (found,) = computed_node(graph, node, {})
    if not (numpy.abs(found - source) <= 0.5001 * step + 1e-6 * numpy.abs(source)).all():
        raise ExportError(f"the weight {node.outputs[0]!r} was not rounded to its nearest number.")
