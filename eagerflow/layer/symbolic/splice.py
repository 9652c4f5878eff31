"""Models that begin in the middle of another one: the calls after that place are noted again, from new inputs."""

from __future__ import annotations

from typing import Any

from eagerflow.base import tree
from eagerflow.layer.symbolic.graph import Graph
from eagerflow.layer.symbolic.input import Input, InputLayer
from eagerflow.layer.symbolic.tensors import Node, SymbolicTensor, record

__all__ = ["from_intermediate"]


def from_intermediate(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Inputs and outputs such that every input comes from an `Input`."""
    flat = tree.flatten(inputs)
    if all(_is_input(x) for x in flat):
        return inputs, outputs
    graph = Graph(inputs, outputs, "")
    fresh = [x if _is_input(x) else Input(batch_shape=x.shape, dtype=x.dtype, name=x.name) for x in flat]
    made = graph.rebuilt(fresh, _again)
    return tree.pack_sequence_as(inputs, fresh), made


def _again(node: Node, args: Any, kwargs: Any) -> Any:
    """The same call from other inputs, under the same name."""
    made = record(node.operation, args, kwargs)
    if not hasattr(node.operation, "_ef_state"):
        tree.flatten(made)[0].node.name = node.name
    return made


def _is_input(x: SymbolicTensor) -> bool:
    return x.node is None or isinstance(x.node.operation, InputLayer)
