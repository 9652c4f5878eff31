"""Computes an exported graph by ONNX' own rules, to compare it with the model before it is written.

What a node means is taken from ONNX' description of its operators, not from the op that it was made of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy

from eagerflow.core.custom_gradient import no_grad
from eagerflow.onnx.graph import Graph, Node
from eagerflow.onnx.nodes import NODES
from eagerflow.onnx.nodes.running import run
from eagerflow.onnx.nodes.values import known

__all__ = ["computed", "computed_node"]


def computed(graph: Graph, inputs: Mapping[str, Any], wanted: Collection[str] | None = None) -> dict[str, Any]:
    """Values of a graph, as NumPy's arrays by name.

    Args:
        graph: what is computed.
        inputs: arrays by name; nodes whose result is among them aren't computed.
        wanted: the values that are kept; None for all.
    """
    found: dict[str, Any] = {"": None, **inputs}
    uses = Counter([name for node in graph.nodes for name in node.inputs])
    for node in graph.nodes:
        if node.outputs[0] not in found:
            found.update(zip(node.outputs, computed_node(graph, node, found), strict=True))
        uses.subtract(node.inputs)
        if wanted is not None:
            for name in [n for n in node.inputs if n and not uses[n] and n not in wanted]:
                found.pop(name, None)
    return found


def computed_node(graph: Graph, node: Node, found: Mapping[str, Any]) -> list[Any]:
    """What one node gives."""
    given = [graph.constants[name] if name in graph.constants else found[name] for name in node.inputs]
    with numpy.errstate(all="ignore"), no_grad():
        operands = [None if array is None else known(array) for array in given]
        made = run(NODES[node.kind], operands, node.attributes, graph.opset, len(node.outputs))
        return [numpy.asarray(x.data) for x in made]
