"""What eagerflow's layers, models and metrics do, by their classes."""

from __future__ import annotations

from typing import Any

from eagerflow import Model, Sequential, layers, tree
from eagerflow.metrics import BinaryAccuracy

__all__ = ["binary_threshold", "is_chain", "layer_role", "leaves_state_behind", "makes_weights"]

_ROLES: list[tuple[str, tuple[type, ...]]] = [
    ("embedding", (layers.Embedding,)),
    ("multi_head_attention", (layers.MultiHeadAttention,)),
    ("attention", (layers.Attention,)),
    ("bidirectional", (layers.Bidirectional,)),
    ("recurrent", (layers.RNN,)),
    ("rescaling", (layers.Rescaling,)),
    ("one_vector", (layers.Flatten, layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D, layers.RepeatVector)),
]


def layer_role(layer: Any) -> str:
    """What a layer does: one of the words above, `"one_vector"` for what makes a sequence one; or empty."""
    return next((role for role, classes in _ROLES if isinstance(layer, classes)), "")


def makes_weights(layer: Any) -> bool:
    """Does it make weights when it is first called?"""
    return type(layer).build is not layers.Layer.build


def leaves_state_behind(layer: Any) -> bool:
    """Does a call of this layer leave something behind: states, or added losses?"""
    return bool(getattr(layer, "stateful", False) or layer._ef_state.losses or layer.activity_regularizer is not None)


def is_chain(model: Any) -> bool:
    """Does each layer of a model that `fit` trains get what the one before it made, and nothing else?"""
    if not isinstance(model, Model) or type(model).train_step is not Model.train_step:
        return False
    graph = model._ef_state.graph if type(model).__module__.startswith("eagerflow.") else None
    ends = [] if graph is None else [graph.inputs, graph.outputs, *[node.inputs for node in graph.nodes]]
    return isinstance(model, Sequential) or (bool(ends) and all(len(tree.flatten(each)) <= 1 for each in ends))


def binary_threshold(metric: Any) -> float | None:
    """Above which number a metric takes an answer for a yes; None for one of another kind."""
    return float(metric.threshold) if isinstance(metric, BinaryAccuracy) else None
