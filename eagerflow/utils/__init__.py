"""Utilities, under the names of `keras.utils`: all of them live elsewhere and are shown here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from eagerflow.base.attribute_dict import Config
from eagerflow.base.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from eagerflow.base.errors import did_you_mean as _did_you_mean
from eagerflow.base.errors import no_attribute as _no_attribute
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
from eagerflow.callbacks.progbar import Progbar
from eagerflow.core.dtypes import standardize_dtype
from eagerflow.core.random import set_random_seed
from eagerflow.data.encoding import normalize, to_categorical
from eagerflow.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from eagerflow.data.py_dataset import PyDataset
from eagerflow.data.splitting import split_dataset
from eagerflow.data.timeseries import timeseries_dataset_from_array
from eagerflow.layer.session import clear_session, get_source_inputs, is_keras_tensor
from eagerflow.preprocessing.sequence import pad_sequences

if TYPE_CHECKING:
    from eagerflow._viz import model_to_dot as model_to_dot
    from eagerflow._viz import plot_model as plot_model
    from eagerflow.datasets.download import get_file as get_file
    from eagerflow.preprocessing.audio_folder import (
        audio_dataset_from_directory as audio_dataset_from_directory,
    )
    from eagerflow.preprocessing.image_folder import (
        image_dataset_from_directory as image_dataset_from_directory,
    )
    from eagerflow.preprocessing.pictures import array_to_img as array_to_img
    from eagerflow.preprocessing.pictures import img_to_array as img_to_array
    from eagerflow.preprocessing.pictures import load_img as load_img
    from eagerflow.preprocessing.pictures import save_img as save_img
    from eagerflow.preprocessing.text_folder import text_dataset_from_directory as text_dataset_from_directory
    from eagerflow.utils import bounding_boxes as bounding_boxes
    from eagerflow.utils.feature_space import FeatureSpace as FeatureSpace

Sequence = PyDataset

# What reads files and the network, or needs many layers, is loaded when it is first asked for.
_LAZY = {
    "FeatureSpace": "utils.feature_space",
    "array_to_img": "preprocessing.pictures",
    "audio_dataset_from_directory": "preprocessing.audio_folder",
    "get_file": "datasets.download",
    "image_dataset_from_directory": "preprocessing.image_folder",
    "img_to_array": "preprocessing.pictures",
    "load_img": "preprocessing.pictures",
    "model_to_dot": "_viz",
    "plot_model": "_viz",
    "save_img": "preprocessing.pictures",
    "text_dataset_from_directory": "preprocessing.text_folder",
}

__all__ = [
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "bounding_boxes",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]


def __getattr__(name: str) -> Any:
    if name == "bounding_boxes":
        return import_module(f"{__name__}.bounding_boxes")
    if name not in _LAZY:
        raise _no_attribute(
            f"module {__name__!r} has no attribute {name!r}.{_did_you_mean(name, __all__)}", name
        )
    found = getattr(import_module(f"eagerflow.{_LAZY[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
