"""The part of `Operation` that knows where it was called on symbolic tensors: `layer.input`, `layer.output`."""

from __future__ import annotations

import weakref
from typing import Any

from eagerflow.base import tree
from eagerflow.base.typing import AnyShape
from eagerflow.layer.input_spec import describe
from eagerflow.layer.symbolic.tensors import Node, SymbolicTensor

__all__ = ["History"]


class History:
    """Inputs and outputs of the symbolic calls of an operation."""

    _calls: dict[int, weakref.ref[Node]]

    @property
    def inbound_nodes(self) -> list[Node]:
        """The symbolic calls of this layer which are still part of a model or held by a tensor.

        >>> layer = ef.layers.Dense(2)
        >>> a, b = layer(ef.Input((3,))), layer(ef.Input((3,)))
        >>> len(layer.inbound_nodes)
        2
        """
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
        """The symbolic input of the first call: a tensor, or a list of several.

        >>> x, layer = ef.Input((3,), name="x"), ef.layers.Dense(2)
        >>> y = layer(x)
        >>> layer.input.name, layer.input.shape
        ('x', (None, 3))
        """
        return self.get_input_at(0)

    @property
    def output(self) -> Any:
        """The symbolic output of the first call.

        >>> layer = ef.layers.Dense(2)
        >>> y = layer(ef.Input((3,)))
        >>> layer.output.shape
        (None, 2)
        """
        return self.get_output_at(0)

    def get_input_at(self, node_index: int) -> Any:
        """The symbolic input of one of the layer's calls.

        Args:
            node_index: the number of the call, counted from 0.

        >>> layer = ef.layers.Dropout(0.5)
        >>> a, b = layer(ef.Input((3,))), layer(ef.Input((4,)))
        >>> layer.get_input_at(0).shape, layer.get_input_at(1).shape
        ((None, 3), (None, 4))
        """
        node = self._node(node_index, "input")
        if not node.args and not node.kwargs:
            return node.tensors()
        first = node.args[0] if node.args else next(iter(node.kwargs.values()))
        inputs = node.inputs
        if len(tree.flatten(first)) == len(inputs):
            return first
        return inputs[0] if len(inputs) == 1 else inputs

    def get_output_at(self, node_index: int) -> Any:
        """The symbolic output of one of the layer's calls.

        Args:
            node_index: the number of the call, counted from 0.

        >>> layer = ef.layers.Flatten()
        >>> a, b = layer(ef.Input((3, 2))), layer(ef.Input((4, 2)))
        >>> layer.get_output_at(0).shape, layer.get_output_at(1).shape
        ((None, 6), (None, 8))
        """
        return self._node(node_index, "output").tensors()

    def get_input_shape_at(self, node_index: int) -> Any:
        """The shape of the symbolic input of one of the layer's calls.

        Args:
            node_index: the number of the call, counted from 0.

        >>> layer = ef.layers.Flatten()
        >>> a, b = layer(ef.Input((3, 2))), layer(ef.Input((4, 2)))
        >>> layer.get_input_shape_at(1)
        (None, 4, 2)
        """
        return _shapes(self.get_input_at(node_index))

    def get_output_shape_at(self, node_index: int) -> Any:
        """The shape of the symbolic output of one of the layer's calls.

        Args:
            node_index: the number of the call, counted from 0.

        >>> layer = ef.layers.Flatten()
        >>> a, b = layer(ef.Input((3, 2))), layer(ef.Input((4, 2)))
        >>> layer.get_output_shape_at(1)
        (None, 8)
        """
        return _shapes(self.get_output_at(node_index))

    @property
    def input_shape(self) -> AnyShape | Any:
        """The shape of `input`.

        >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]).input_shape
        (None, 3)
        """
        return _shapes(self.input)

    @property
    def output_shape(self) -> AnyShape | Any:
        """The shape of `output`.

        >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]).output_shape
        (None, 2)
        """
        return _shapes(self.output)


def _shapes(structure: Any) -> Any:
    if isinstance(structure, (list, tuple)) and len(structure) == 1:
        structure = structure[0]
    return tree.map_structure(lambda x: x.shape if isinstance(x, SymbolicTensor) else x, structure)
