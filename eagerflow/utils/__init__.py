"""Utilities, under the names of `keras.utils`: all of them live elsewhere and are shown here."""

from __future__ import annotations

from eagerflow.callbacks.progbar import Progbar
from eagerflow.core.dtypes import standardize_dtype
from eagerflow.core.random import set_random_seed
from eagerflow.core.serialization import (
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from eagerflow.data.encoding import normalize, to_categorical
from eagerflow.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from eagerflow.data.py_dataset import PyDataset

CustomObjectScope = custom_object_scope
Sequence = PyDataset

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "normalize",
    "pack_x_y_sample_weight",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
