"""Computes an exported graph by ONNX' own rules, to compare it with the model before it is written.

What a node means is taken from ONNX' description of its operators, not from the op that it was made of.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy

from eagerflow.core.custom_gradient import no_grad
from eagerflow.onnx.graph import PIECE, Graph, Index, Late, Node, blocks, whole
from eagerflow.onnx.nodes import NODES
from eagerflow.onnx.nodes.running import run
from eagerflow.onnx.nodes.values import known

__all__ = ["computed", "computed_node", "unpacked"]

_LARGE = 1 << 22  # bytes
_COLUMNS = 32  # of a matrix that are multiplied at once, at least
_BY_EXAMPLE = ("Conv", "ConvTranspose", "MaxPool", "AveragePool")


def computed(graph: Graph, inputs: Mapping[str, Any], wanted: Collection[str] | None = None) -> dict[str, Any]:
    """Values of a graph, as NumPy's arrays by name.

    Args:
        graph: what is computed.
        inputs: arrays by name; nodes whose result is among them aren't computed.
        wanted: the values that are kept; None for all.
    """
    found: dict[str, Any] = {"": None, **inputs}
    uses = Counter([name for node in graph.nodes for name in node.inputs])
    unpacking = [node for node in graph.nodes if wanted is not None and _unpacks(graph, node)]
    packed = {node.outputs[0]: node for node in unpacking if node.outputs[0] not in (wanted or ())}
    for node in graph.nodes:
        if node.outputs[0] not in found and node.outputs[0] not in packed:
            found.update(zip(node.outputs, _computed(graph, node, found, packed), strict=True))
        uses.subtract(node.inputs)
        if wanted is not None:
            for name in [n for n in node.inputs if n and not uses[n] and n not in wanted]:
                found.pop(name, None)
    return found


def computed_node(graph: Graph, node: Node, found: Mapping[str, Any]) -> list[Any]:
    """What one node gives.

    Args:
        graph: whose constants it may take.
        node: the node.
        found: its other inputs by name.
    """
    given = [graph.array(name) if name in graph.constants else found[name] for name in node.inputs]
    with numpy.errstate(all="ignore"), no_grad():
        return (_by_example if node.kind in _BY_EXAMPLE else _run)(graph, node, given)


def _unpacks(graph: Graph, node: Node) -> bool:
    """Whether a node makes a weight of one in fewer bits."""
    return node.kind in ("DequantizeLinear", "Cast") and isinstance(graph.constants.get(node.inputs[0]), Late)


def unpacked(graph: Graph, node: Node, index: Index) -> Any:
    """A part of what a node gives that makes a weight of one in fewer bits.

    Args:
        graph: whose constants it takes.
        node: the node.
        index: which part.
    """
    numbers, *scales = [graph.constants[name] for name in node.inputs]
    with numpy.errstate(all="ignore"), no_grad():
        return _run(graph, node, [numbers[index], *[scale[index[node.attributes["axis"]]] for scale in scales]])[0]


def _computed(graph: Graph, node: Node, found: Mapping[str, Any], packed: Mapping[str, Node]) -> list[Any]:
    """What one node gives; where it takes a weight in fewer bits, that is unpacked for it, large ones in pieces."""
    names = [name for name in node.inputs if name in packed]
    if not names:
        return computed_node(graph, node, found)
    shapes = [graph.constants[packed[name].inputs[0]].shape for name in names]
    if len(names) == 1 and math.prod(shapes[0]) > PIECE:
        place = node.inputs.index(names[0])
        name = node.inputs[not place]
        other = graph.array(name) if name in graph.constants else found[name]
        if node.kind == "MatMul" and (place == 1 or other.ndim > 1):
            return [_product(graph, node, packed[names[0]], other, place)]
        if node.kind == "Gather" and place == 0 and node.attributes.get("axis", 0) == 0:
            return [_rows(graph, node, packed[names[0]], other)]
    made = {name: unpacked(graph, packed[name], whole(shape)) for name, shape in zip(names, shapes)}
    return computed_node(graph, node, {**found, **made})


def _product(graph: Graph, node: Node, weight: Node, other: Any, place: int) -> Any:
    """A product with a large weight, some of its columns (in front, rows) at a time."""
    shape = graph.constants[weight.inputs[0]].shape
    axis = len(shape) - 2 + place
    count, out = shape[axis], None
    step = max(_COLUMNS, PIECE * count // math.prod(shape))
    for start in range(0, count, step):
        stretch = slice(start, min(start + step, count))
        part = unpacked(graph, weight, (*whole(shape[:axis]), stretch, *whole(shape[axis + 1 :])))
        (made,) = computed_node(graph, node, dict(zip(node.inputs, (other, part) if place else (part, other))))
        if out is None:
            lengths = list(made.shape)
            lengths[place - 2] = count
            out = numpy.empty(lengths, made.dtype)
        out[(..., stretch) if place else (..., stretch, slice(None))] = made
    return out


def _rows(graph: Graph, node: Node, weight: Node, places: Any) -> Any:
    """Rows of a large weight, which is unpacked some rows at a time."""
    shape = graph.constants[weight.inputs[0]].shape
    at = numpy.where(places < 0, places + shape[0], places)
    if ((at < 0) | (at >= shape[0])).any():
        raise IndexError(f"indices between {places.min()} and {places.max()} of {shape[0]} rows.")
    out = numpy.empty((*at.shape, *shape[1:]), "float32")
    for index in blocks(shape):
        chosen = (at >= index[0].start) & (at < index[0].stop)
        if chosen.any():
            given = unpacked(graph, weight, index), at[chosen] - index[0].start
            (found,) = computed_node(graph, node, dict(zip(node.inputs, given)))
            out[(chosen, *index[1:])] = found
    return out


def _run(graph: Graph, node: Node, given: list[Any]) -> list[Any]:
    operands = [None if array is None else known(array) for array in given]
    made = run(NODES[node.kind], operands, node.attributes, graph.opset, len(node.outputs))
    return [numpy.asarray(x.data) for x in made]


def _by_example(graph: Graph, node: Node, given: list[Any]) -> list[Any]:
    """One example after the other, where all at once would take much memory."""
    x, *rest = given
    if len(x) < 2 or x.nbytes < _LARGE:
        return _run(graph, node, given)
    (first,) = _run(graph, node, [x[:1], *rest])
    out = numpy.empty((len(x), *first.shape[1:]), first.dtype)
    out[:1] = first
    del first
    for i in range(1, len(x)):
        (out[i : i + 1],) = _run(graph, node, [x[i : i + 1], *rest])
    return [out]
