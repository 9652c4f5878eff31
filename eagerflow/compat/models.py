"""What `keras.models` of Keras 1 and 2 has besides models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.base.serialization import deserialize_keras_object
from eagerflow.models.model import Model
from eagerflow.models.saving.legacy_config import modern_config

__all__ = ["model_from_config"]


def model_from_config(config: Mapping[str, Any], custom_objects: Any = None) -> Model:
    """The model that a config describes: `{"class_name": ..., "config": ...}`."""
    model: Model = deserialize_keras_object(modern_config(config), custom_objects)
    return model
