"""Helpers of Keras 2 that `keras.utils` doesn't have any more."""

from __future__ import annotations

from typing import Any

from eagerflow.base import serialization
from eagerflow.models import Model

__all__ = ["deserialize_keras_object", "print_summary"]


def print_summary(model: Model, line_length: Any = None, positions: Any = None, print_fn: Any = None) -> None:
    """`model.summary(...)`."""
    model.summary(line_length, positions, print_fn)


def deserialize_keras_object(
    identifier: Any, module_objects: Any = None, custom_objects: Any = None, printable_module_name: str = "object"
) -> Any:
    """What a name or a configuration describes; the arguments stand in the order of Keras 2."""
    known = {**(module_objects or {}), **(custom_objects or {})}
    return serialization.deserialize_keras_object(identifier, module_objects=known)
