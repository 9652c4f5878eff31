"""The part of `Operation` that knows where it was called on symbolic tensors: `layer.input`, `layer.output`."""

from __future__ import annotations

import weakref
from typing import Any

from eagerflow.base import tree
from eagerflow.layer.input_spec import describe
from eagerflow.layer.symbolic.tensors import Node, SymbolicTensor

__all__ = ["History"]


class History:
    """Inputs and outputs of the symbolic calls of an operation."""

    _calls: dict[int, weakref.ref[Node]]

    @property
    def inbound_nodes(self) -> list[Node]:
        """The symbolic calls of this layer which are still part of a model or held by a tensor."""
        nodes = [node for reference in list(self._calls.values()) if (node := reference()) is not None]
        return sorted(nodes, key=lambda node: node.serial)

    def _node(self, index: int, asked: str) -> Node:
        nodes = self.inbound_nodes
        if not nodes:
            raise AttributeError(
                f"{describe(self)} has no {asked}: it was not called on what Input gives, or the result was dropped."
            )
        if not -len(nodes) <= index < len(nodes):
            raise ValueError(f"{describe(self)} was called {len(nodes)} time(s); there is no call {index}.")
        return nodes[index]

    @property
    def input(self) -> Any:
        """The symbolic input of the first call: a tensor, or a list of several."""
        return self.get_input_at(0)

    @property
    def output(self) -> Any:
        """The symbolic output of the first call."""
        return self.get_output_at(0)

    def get_input_at(self, node_index: int) -> Any:
        """The symbolic input of one of the calls."""
        node = self._node(node_index, "input")
        if not node.args and not node.kwargs:
            return node.tensors()
        first = node.args[0] if node.args else next(iter(node.kwargs.values()))
        inputs = node.inputs
        if len(tree.flatten(first)) == len(inputs):
            return first
        return inputs[0] if len(inputs) == 1 else inputs

    def get_output_at(self, node_index: int) -> Any:
        """The symbolic output of one of the calls."""
        return self._node(node_index, "output").tensors()

    def get_input_shape_at(self, node_index: int) -> Any:
        """The shape of `get_input_at`."""
        return _shapes(self.get_input_at(node_index))

    def get_output_shape_at(self, node_index: int) -> Any:
        """The shape of `get_output_at`."""
        return _shapes(self.get_output_at(node_index))

    @property
    def input_shape(self) -> Any:
        """The shape of `input`."""
        return _shapes(self.input)

    @property
    def output_shape(self) -> Any:
        """The shape of `output`."""
        return _shapes(self.output)


def _shapes(structure: Any) -> Any:
    return tree.map_structure(lambda x: x.shape if isinstance(x, SymbolicTensor) else x, structure)
