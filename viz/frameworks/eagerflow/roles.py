"""What layers, models and metrics do, by their classes: eagerflow's, and Keras' of the same names."""

from __future__ import annotations

from typing import Any

from eagerflow import Model, Sequential, layers, tree
from eagerflow.metrics import BinaryAccuracy

__all__ = ["LIBRARIES", "binary_threshold", "is_chain", "layer_role", "leaves_state_behind", "makes_weights"]

LIBRARIES = ("eagerflow.", "keras.")

_ROLES = {
    name: role
    for role, names in {
        "embedding": "Embedding",
        "multi_head_attention": "MultiHeadAttention",
        "attention": "Attention",
        "batch_normalization": "BatchNormalization",
        "bidirectional": "Bidirectional",
        "convolution": "ConvolutionBase BaseConv BaseConvTranspose BaseDepthwiseConv BaseSeparableConv",
        "recurrent": "RNN",
        "rescaling": "Rescaling",
        "resizing": "CenterCrop Resizing",
        "augmentation": "RandomImageLayer BaseImagePreprocessingLayer",
        "noise": "Dropout AlphaDropout GaussianDropout GaussianNoise",
        "one_vector": "Flatten GlobalAveragePooling1D GlobalMaxPooling1D RepeatVector",
    }.items()
    for name in names.split()
}


def layer_role(layer: Any) -> str:
    """What a layer does: one of the words above, `"one_vector"` for what makes a sequence one; or empty."""
    classes = [each for each in type(layer).__mro__ if each.__module__.startswith(LIBRARIES)]
    return next((_ROLES[each.__name__] for each in classes if each.__name__ in _ROLES), "")


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
