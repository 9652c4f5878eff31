"""Where an operation was called on symbolic tensors: its nodes, their inputs and the shapes of these."""

from __future__ import annotations

from typing import Any

from eagerflow.base import tree
from eagerflow.layer.input_spec import describe
from eagerflow.layer.symbolic.tensors import Node, SymbolicTensor

__all__ = ["inputs_of", "node_at", "shapes_of"]


def node_at(operation: Any, index: int, asked: str) -> Node:
    """One of the symbolic calls of an operation.

    Raises:
        AttributeError: where there is none; `asked` is the attribute that needs it.
        ValueError: for another index.
    """
    nodes: list[Node] = operation.inbound_nodes
    if not nodes:
        raise AttributeError(
            f"{describe(operation)} has no {asked}: it was not called on what Input gives, or the result was dropped."
        )
    if not -len(nodes) <= index < len(nodes):
        raise ValueError(f"{describe(operation)} was called {len(nodes)} time(s); there is no call {index}.")
    return nodes[index]


def inputs_of(node: Node) -> Any:
    """The symbolic input of a call: a tensor, or a list of several."""
    if not node.args and not node.kwargs:
        return node.tensors()
    first = node.args[0] if node.args else next(iter(node.kwargs.values()))
    inputs = node.inputs
    if len(tree.flatten(first)) == len(inputs):
        return first
    return inputs[0] if len(inputs) == 1 else inputs


def shapes_of(structure: Any) -> Any:
    """The shapes of symbolic tensors; of a list of one, its own."""
    if isinstance(structure, (list, tuple)) and len(structure) == 1:
        structure = structure[0]
    return tree.map_structure(lambda x: x.shape if isinstance(x, SymbolicTensor) else x, structure)
