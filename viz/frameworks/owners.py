"""What layers, models and metrics do: the questions that judges ask, whichever framework they are of."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy

import eagerflow
from eagerflow import Model, Sequential, Variable, layers, tree
from eagerflow.core.observe import libraries
from eagerflow.metrics import BinaryAccuracy
from viz.frameworks.contract import Owner

__all__ = ["LIBRARIES", "binary_threshold", "has_own", "is_chain", "is_library", "layer_role", "leaves_state_behind"]
__all__ += ["newest_identity", "unadapted_normalization", "uses_inner_weights"]


LIBRARIES = ("eagerflow.", "keras.")
"""How the names of the modules begin that come with the framework."""

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
        "resizing": "CenterCrop Resizing",
        "augmentation": "RandomImageLayer BaseImagePreprocessingLayer",
        "noise": "Dropout AlphaDropout GaussianDropout GaussianNoise",
        "one_vector": "Flatten GlobalAveragePooling1D GlobalMaxPooling1D RepeatVector",
    }.items()
    for name in names.split()
}
_EAGERFLOW = os.path.join(os.path.dirname(os.path.abspath(eagerflow.__file__)), "")


def is_library(owner: Any) -> bool:
    """Is it of a class that comes with the framework, not of one that the user wrote?"""
    return owner.is_library if isinstance(owner, Owner) else type(owner).__module__.startswith(LIBRARIES)


def uses_inner_weights(owner: Any) -> bool:
    """May a layer use the weights of layers inside without a call of these, as layers of the framework do?"""
    return owner.is_library if isinstance(owner, Owner) else type(owner).__module__.startswith("eagerflow.layers.")


def layer_role(layer: Any) -> str:
    """What a layer does: one of the words above, `"one_vector"` for what makes a sequence one; or empty."""
    if isinstance(layer, Owner):
        return layer.role
    classes = [each for each in type(layer).__mro__ if each.__module__.startswith(LIBRARIES)]
    return next((_ROLES[each.__name__] for each in classes if each.__name__ in _ROLES), "")


def leaves_state_behind(layer: Any) -> bool:
    """Might a call of this layer leave something behind: states, or added losses?"""
    if isinstance(layer, Owner):
        return True
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


def unadapted_normalization(inside: Sequence[Any]) -> Any:
    """The first `Normalization` among layers whose means are still 0 and whose variances are still 1.

    Other layers that need `adapt` (`Discretization`, `StringLookup`, `TextVectorization`) refuse their first call.

    Returns:
        The layer, or None.

    >>> import eagerflow as ef
    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Normalization(name="scale"), ef.layers.Dense(1)])
    >>> unadapted_normalization(model.layers).name
    'scale'
    >>> model.layers[0].adapt([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]] * ef.ops.ones((2, 3)))
    >>> unadapted_normalization(model.layers) is None
    True
    """
    for layer in inside:
        if isinstance(layer, layers.Normalization) and layer.input_mean is None and layer.built:
            mean, variance = layer.mean, layer.variance
            if mean is not None and variance is not None and not _any(mean) and not _any(variance - 1):
                return layer
    return None


def _any(tensor: Any) -> bool:
    """Is any element of a tensor not 0?"""
    return bool(numpy.any(tensor.numpy()))


def newest_identity() -> int:
    """A number above those of all variables that were made before, and below those of later ones."""
    return Variable(0.0, trainable=False).identity


def has_own(model: Any, *methods: str) -> bool:
    """Did the user write some of these methods, which a model has from its framework otherwise?"""
    codes = [getattr(getattr(type(model), name, None), "__code__", None) for name in methods]
    files = [getattr(code, "co_filename", "") for code in codes]
    return not all(file.startswith((_EAGERFLOW, *libraries)) for file in files)
