"""Private attributes of layers, models and calls that published tools read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.compat.overrides import standing
from eagerflow.compat.tensorflow.distribute import get_strategy
from eagerflow.layer.layer import Layer
from eagerflow.layer.symbolic.tensors import Node
from eagerflow.layer.weights import gather
from eagerflow.models.model import Model

__all__ = ["PRIVATE"]


class _Derived:
    """A property that classes may shadow by an attribute of the same name, as `self._layers = []` does."""

    def __init__(self, value: Callable[[Any], Any]) -> None:
        self.value = value

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else self.value(instance)


def _parents(node: Node) -> list[Node]:
    return [x.node for x in node.inputs if x.node is not None]


def _one_or_all(found: list[Any]) -> Any:
    return found[0] if len(found) == 1 else found


_ATTRIBUTES: dict[type, dict[str, Callable[[Any], Any]]] = {
    Layer: {
        "_inbound_nodes": lambda layer: layer.inbound_nodes,  # shap
        # What custom layers read: of the layer alone, without sublayers.
        "_trainable_weights": lambda layer: [v for v in gather(layer)[0] if v.trainable],
        "_non_trainable_weights": lambda layer: [v for v in gather(layer)[0] if not v.trainable],
        "_updates": lambda layer: [],
    },
    Model: {
        "_layers": lambda model: model.layers,
        "_self_tracked_trackables": lambda model: model.layers,  # visualkeras
        "distribute_strategy": lambda model: get_strategy(),  # keras-tuner
    },
    Node: {
        "parent_nodes": _parents,
        "inbound_layers": lambda node: _one_or_all([each.operation for each in _parents(node)]),
        "outbound_layer": lambda node: node.operation,
        "input_tensors": lambda node: _one_or_all(node.inputs),
        "output_tensors": lambda node: node.tensors(),
    },
}


PRIVATE = [
    standing(cls, name, _Derived(value)) for cls, values in _ATTRIBUTES.items() for name, value in values.items()
]
