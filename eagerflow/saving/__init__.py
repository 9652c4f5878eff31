"""Models to files, objects to configurations, and back: the names of `keras.saving`."""

from __future__ import annotations

from eagerflow.base.serialization import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from eagerflow.models.saving import (
    FileFormatError,
    KerasFileEditor,
    load_model,
    load_weights,
    read_weights,
    save_model,
    save_weights,
)

__all__ = [
    "CustomObjectScope",
    "FileFormatError",
    "KerasFileEditor",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "read_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]


def __dir__() -> list[str]:
    return sorted(__all__)
