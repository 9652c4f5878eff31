"""Utilities, under the names of `keras.utils`: all of them live elsewhere and are shown here."""

from __future__ import annotations

from eagerflow.callbacks.progbar import Progbar
from eagerflow.core.attributes import Config
from eagerflow.core.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
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
from eagerflow.data.splitting import split_dataset
from eagerflow.data.timeseries import timeseries_dataset_from_array
from eagerflow.layers.session import clear_session, get_source_inputs, is_keras_tensor
from eagerflow.preprocessing.sequence import pad_sequences

CustomObjectScope = custom_object_scope
Sequence = PyDataset

__all__ = [
    "Config",
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
