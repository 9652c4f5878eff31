"""Helpers of Keras 1 and 2 that `keras.utils` doesn't have any more."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base import serialization
from eagerflow.layers.convolutional.conv_base import ConvolutionBase
from eagerflow.models import Model

__all__ = [
    "categorical_probas_to_classes",
    "convert_all_kernels_in_model",
    "deserialize_keras_object",
    "print_summary",
    "probas_to_classes",
]


def print_summary(model: Model, line_length: Any = None, positions: Any = None, print_fn: Any = None) -> None:
    """`model.summary(...)`."""
    model.summary(line_length, positions, print_fn)


def categorical_probas_to_classes(p: Any) -> numpy.ndarray:
    """The class with the largest probability in each row."""
    return numpy.argmax(p, axis=1)


def probas_to_classes(y_pred: Any) -> numpy.ndarray:
    """Classes from what softmax (several columns) or sigmoid (one) gave."""
    y_pred = numpy.asarray(y_pred)
    if y_pred.ndim > 1 and y_pred.shape[1] > 1:
        return categorical_probas_to_classes(y_pred)
    return (y_pred > 0.5).astype("int32").ravel()


def convert_all_kernels_in_model(model: Model) -> None:
    """Turn the kernels of convolutions by half a turn: Theano's run backwards."""
    for layer in model.layers:
        if isinstance(layer, ConvolutionBase):
            layer.kernel.assign(numpy.flip(layer.kernel.numpy(), tuple(range(layer.kernel.ndim - 2))))


def deserialize_keras_object(
    identifier: Any, module_objects: Any = None, custom_objects: Any = None, printable_module_name: str = "object"
) -> Any:
    """What a name or a configuration describes; the arguments stand in the order of Keras 2."""
    known = {**(module_objects or {}), **(custom_objects or {})}
    return serialization.deserialize_keras_object(identifier, module_objects=known)
